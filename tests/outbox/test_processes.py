"""The outbox with everything real: a relay process, a worker process, a broker behind a cable, and what goes wrong."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest
import redis
from celery import Celery
from django.db import connection
from django.utils import timezone

from config import processes
from config.embedded import throwaway_valkey
from outbox import rows
from outbox.models import Row
from postgres.work import in_one_transaction
from tests.faults.wire import Wire
from tests.outbox.receiver import Receiver, receiving

pytestmark = pytest.mark.django_db(transaction=True)

PATIENCE_SECONDS = 60
MINUTE = timedelta(minutes=1)


class House:
    """A relay, a worker, their broker, and the outside."""

    def __init__(self, receiver: Receiver, broker_url: str, wire: Wire, pulse: Path) -> None:
        self.receiver = receiver
        self.pulse = pulse
        self.wire = wire
        self.broker = redis.Redis.from_url(broker_url)  # past the cable
        self.sender = Celery(broker=broker_url)
        self._own = ExitStack()
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, **commands: list[str]) -> None:
        self.running |= self._own.enter_context(processes.running(commands))

    def end(self) -> None:
        self.signal("worker", signal.SIGCONT)
        self._own.close()
        self.broker.close()
        self.sender.close()

    def must_run(self) -> None:
        for name, process in self.running.items():
            assert process.poll() is None, f"the {name} ended with {process.returncode}"

    def signal(self, name: str, number: signal.Signals) -> None:
        """To a process and its children."""
        os.killpg(self.running[name].pid, number)

    def promise(self, *keys: str, kind: str = "parcel", **payload: object) -> None:
        in_one_transaction(lambda: [rows.put(kind, key, payload=payload) for key in keys])

    def bell(self, id: int, **options: object) -> None:
        self.sender.send_task("outbox.perform", [id], queue="paid", **options)


@pytest.fixture(scope="module")
def in_service(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    server, _, _ = os.environ["DATABASE_URL"].rpartition("/")
    with (
        receiving() as receiver,
        throwaway_valkey() as valkey,
        Wire(urlsplit(valkey.url()).port or 0) as wire,
        pytest.MonkeyPatch.context() as environment,
    ):
        address = urlsplit(valkey.url())
        through = f":{address.password}@127.0.0.1:{wire.port}"
        environment.setenv("DATABASE_URL", f"{server}/{connection.settings_dict['NAME']}")
        environment.setenv("REDIS_URL", urlunsplit(address._replace(netloc=through)))
        environment.setenv("DJANGO_SETTINGS_MODULE", "tests.outbox.worker_settings")
        environment.setenv("CARRIER_URL", receiver.url)
        environment.setenv("OUTBOX_LEASE_SECONDS", "3")  # what a broker lost is handed out again after that
        pulse = tmp_path_factory.mktemp("relay") / "pulse"
        house = House(receiver, valkey.url(), wire, pulse)
        house.start(relay=[*processes.relay(), "--pulse", str(pulse)], worker=processes.worker())
        yield house
        house.end()
        assert {process.returncode for process in house.running.values()} == {0}


@pytest.fixture
def house(in_service: House) -> House:
    """With nothing left of the test before."""
    in_service.must_run()
    in_service.receiver.arrived.clear()
    in_service.broker.flushall()
    return in_service


def states() -> dict[str, str]:
    return dict(Row.objects.values_list("key", "state"))


def until(what: Callable[[], bool]) -> None:
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while not what():
        assert time.monotonic() < give_up_at, list(Row.objects.values("key", "state", "attempts", "error"))
        time.sleep(0.02)


def until_done(*keys: str) -> None:
    until(lambda: dict.fromkeys(keys, "done").items() <= states().items())


def until_state(key: str, state: str) -> None:
    until(lambda: states()[key] == state)


def the_lease_ends() -> None:
    """Of what is being sent, without waiting for it."""
    assert Row.objects.filter(state="sending").update(lease_until=timezone.now() - MINUTE)


def arrived(house: House) -> list[str]:
    return sorted(key for key, _ in house.receiver.arrived)


def test_the_relay_shows_its_pulse_at_every_round(house: House) -> None:
    until(house.pulse.exists)
    before = house.pulse.stat().st_mtime_ns
    until(lambda: house.pulse.stat().st_mtime_ns > before)


def test_every_row_is_carried_once_however_often_the_bell_rings(house: House) -> None:
    keys = [f"parcel-{number:02}" for number in range(30)]
    house.promise(*keys)
    for id in Row.objects.values_list("id", flat=True):
        house.bell(id)
        house.bell(id)
    until_done(*keys)
    assert arrived(house) == keys
    assert set(Row.objects.values_list("attempts", flat=True)) == {1}


def test_paid_work_whose_worker_was_killed_is_looked_up_and_never_done_twice(house: House) -> None:
    house.promise("acted", dies="after")
    until(lambda: house.receiver.times("acted") == 1 and states()["acted"] == "sending")
    the_lease_ends()
    until_done("acted")
    house.promise("did not act", dies="before")
    until_state("did not act", "sending")
    until(lambda: Row.objects.filter(key="did not act", attempts=1).exists())
    time.sleep(0.2)  # for the child to die; when it has not, it does nothing worse later
    the_lease_ends()
    until_done("did not act")
    assert arrived(house) == ["acted", "did%20not%20act"]
    assert dict(Row.objects.values_list("key", "attempts")) == {"acted": 1, "did not act": 2}


def test_other_work_whose_worker_was_killed_is_simply_done_again(house: House) -> None:
    house.promise("letter", kind="letter", dies="after")
    until(lambda: house.receiver.times("letter") == 1 and states()["letter"] == "sending")
    the_lease_ends()
    until_done("letter")
    assert arrived(house) == ["letter", "letter"]


def test_what_a_broker_forgot_is_handed_out_again_after_the_lease(house: House) -> None:
    house.signal("worker", signal.SIGSTOP)
    keys = ["a", "b", "c"]
    house.promise(*keys)
    until(lambda: set(states().values()) == {"leased"} and house.broker.llen("paid") > 0)
    house.broker.flushall()
    house.signal("worker", signal.SIGCONT)
    until_done(*keys)
    assert arrived(house) == keys


def test_while_the_broker_is_away_rows_wait_and_afterwards_all_go_out_once(house: House) -> None:
    house.wire.cut()
    house.promise("gone-1", "gone-2")
    time.sleep(1)
    assert states() == {"gone-1": "ready", "gone-2": "ready"}
    house.wire.mend()
    until_done("gone-1", "gone-2")

    house.wire.silence()
    house.promise("silent-1", "silent-2")
    time.sleep(1)
    assert not house.receiver.times("silent-1")
    house.wire.mend()
    until_done("silent-1", "silent-2")

    house.broker.config_set("maxmemory", "1mb")
    house.promise("full-1", "full-2")
    time.sleep(1)
    assert not house.receiver.times("full-1")
    house.broker.config_set("maxmemory", "0")
    until_done("full-1", "full-2")
    assert arrived(house) == sorted(states())
    house.must_run()


def test_what_hangs_is_interrupted_and_then_looked_up(house: House) -> None:
    house.signal("relay", signal.SIGSTOP)
    try:
        house.promise("slow", sleeps=600)
        row = Row.objects.get()
        in_one_transaction(lambda: rows.lease(timezone.now(), 1))
        house.bell(row.id, soft_time_limit=1)
        until_state("slow", "unknown")
    finally:
        house.signal("relay", signal.SIGCONT)
    row.refresh_from_db()
    assert row.error == "SoftTimeLimitExceeded: SoftTimeLimitExceeded()"
    until_done("slow")
    assert arrived(house) == ["slow"]


def test_a_killed_worker_is_replaced_and_nothing_is_lost_or_done_twice(house: House) -> None:
    house.promise("in hand", sleeps=600)
    until_state("in hand", "sending")
    house.signal("worker", signal.SIGKILL)
    house.promise("waiting")
    house.start(worker=processes.worker())
    until_done("waiting")
    the_lease_ends()
    until_done("in hand")
    assert arrived(house) == ["in%20hand", "waiting"]
