"""The timetable, and a real worker that does what it asks for."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from celery import Celery
from celery.schedules import crontab
from django.db import connection

from config.celery import app
from config.embedded import throwaway_valkey
from config.processes import running, worker
from outbox.errands import LONGEST_ACTION_SECONDS
from outbox.rows import SHORTEST_SENDING_SECONDS
from outbox.tasks import KILLED_AFTER_SECONDS
from telephony.models import CDR, Call
from tests.builders import a_deck, an_account, an_application
from tests.postgres.locks import held_elsewhere
from tests.sinch_caller import SinchCaller, a_call_id
from tests.telephony.rest_api import says, serving

PATIENCE_SECONDS = 60


JOBS = {entry["task"]: entry for entry in app.conf.beat_schedule.values()}


@pytest.fixture
def jobs() -> dict[str, Any]:
    """Everything that the timetable rings for, by name."""
    app.loader.import_default_modules()
    return {name: app.tasks[name] for name in JOBS}


def test_every_job_of_the_timetable_exists(jobs: dict[str, Any]) -> None:
    assert {"telephony.reconcile", "billing.seal"} <= set(jobs)


@pytest.mark.parametrize("name", JOBS)
def test_a_ring_of_the_bell_that_nobody_hears_does_not_pile_up(name: str) -> None:
    entry = JOBS[name]
    moment = datetime(2026, 3, 2, tzinfo=UTC)
    every = entry["schedule"]
    if isinstance(every, crontab):
        rings = [moment + timedelta(minutes=minute) for minute in range(24 * 60) if _rings(every, moment, minute)]
        every = min((later - sooner).total_seconds() for sooner, later in pairwise([*rings, rings[0] + timedelta(1)]))
    assert 0 < entry["options"]["expires"] <= every


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", JOBS)
def test_a_job_that_runs_already_does_nothing_the_second_time(name: str, jobs: dict[str, Any]) -> None:
    asked: list[str] = []

    def listen(execute: Any, sql: str, *more: Any) -> Any:
        asked.append(sql)
        return execute(sql, *more)

    with held_elsewhere(name), connection.execute_wrapper(listen):
        jobs[name]()
    assert asked == ["SELECT pg_try_advisory_lock(%s)"]


def _rings(when: crontab, midnight: datetime, minute: int) -> bool:
    moment = midnight + timedelta(minutes=minute)
    return (
        moment.minute in when.minute
        and moment.hour in when.hour
        and moment.weekday() + 1 in {day or 7 for day in when.day_of_week}
    )


def test_only_json_is_understood() -> None:
    assert app.conf.accept_content == ["json"]
    assert (app.conf.task_serializer, app.conf.task_ignore_result) == ("json", True)


def test_a_job_that_hangs_is_interrupted_and_then_killed() -> None:
    app.loader.import_default_modules()
    assert app.conf.task_soft_time_limit < app.conf.task_time_limit
    row = app.tasks["outbox.perform"]
    assert (row.soft_time_limit, row.time_limit) == (SHORTEST_SENDING_SECONDS, KILLED_AFTER_SECONDS)
    assert LONGEST_ACTION_SECONDS < row.soft_time_limit < row.time_limit < 60  # the lease of a row that is being sent


def test_a_broker_that_is_away_or_full_is_waited_for() -> None:
    assert app.conf.broker_connection_max_retries is None
    assert app.conf.broker_channel_error_retry
    assert app.conf.broker_transport_options["socket_timeout"] == 2


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
