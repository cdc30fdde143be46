"""The timetable, and a real worker that does what it asks for."""

from __future__ import annotations

import os
import time

import pytest
from celery import Celery
from django.db import connection

from config.celery import app
from config.embedded import throwaway_valkey
from config.processes import running, worker
from telephony.models import CDR, Call
from tests.builders import a_deck, an_account, an_application
from tests.sinch_caller import SinchCaller, a_call_id
from tests.telephony.rest_api import says, serving

PATIENCE_SECONDS = 60


def test_every_job_of_the_timetable_exists() -> None:
    app.loader.import_default_modules()
    names = {entry["task"] for entry in app.conf.beat_schedule.values()}
    assert names == {"telephony.reconcile", "billing.seal"}
    assert names <= set(app.tasks)


def test_a_ring_of_the_bell_that_nobody_hears_does_not_pile_up() -> None:
    every = {name: entry["options"]["expires"] for name, entry in app.conf.beat_schedule.items()}
    assert every == {"reconcile": 55, "seal": 3000}


def test_only_json_is_understood() -> None:
    assert app.conf.accept_content == ["json"]
    assert (app.conf.task_serializer, app.conf.task_ignore_result) == ("json", True)


def test_a_job_is_given_back_when_its_worker_dies() -> None:
    assert app.conf.task_acks_late
    assert app.conf.task_reject_on_worker_lost
    assert app.conf.worker_prefetch_multiplier == 1


@pytest.mark.django_db(transaction=True)
def test_a_real_worker_settles_an_overdue_call(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(says()) as api, throwaway_valkey() as valkey:
        a_deck({"44": "0.06"})
        an_account(client_user="alice", longest_call_seconds=60)
        sinch = SinchCaller(an_application(base_url=api.url))
        sinch.send(sinch.ice(a_call_id()))
        Call.objects.update(begun_at="2026-03-02T08:15:30Z")

        server, _, _ = os.environ["DATABASE_URL"].rpartition("/")
        monkeypatch.setenv("DATABASE_URL", f"{server}/{connection.settings_dict['NAME']}")
        monkeypatch.setenv("REDIS_URL", valkey.url())
        monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "config.settings")
        with running({"worker": worker()}) as started:
            with Celery(broker=valkey.url()) as sender:
                sender.send_task("telephony.reconcile")
                sender.send_task("billing.seal")
            give_up_at = time.monotonic() + PATIENCE_SECONDS
            while not CDR.objects.exists():
                assert started["worker"].poll() is None
                assert time.monotonic() < give_up_at
                time.sleep(0.05)
    assert CDR.objects.get().source == CDR.Source.ASKED
    assert started["worker"].returncode == 0
