"""The relay: who hands out what, how soon, and what happens when the bell is broken."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from queue import Queue

import psycopg
import pytest
from django.db import connection
from django.utils import timezone

from outbox import relay as module
from outbox import rows
from outbox.models import Row
from outbox.relay import BellBroken, relay, relay_once
from postgres.work import in_one_transaction
from tests.outbox.errand import AnErrand, promise

PATIENCE_SECONDS = 30


def many(count: int, kind: str = "parcel") -> None:
    in_one_transaction(lambda: [rows.put(kind, f"{kind}:{number}") for number in range(count)])


@pytest.fixture
def relaying(transactional_db: None) -> Iterator[Callable[..., Queue[int]]]:
    """Starts relays in threads of their own; they end with the test."""
    stop = threading.Event()
    with ThreadPoolExecutor(8) as threads:

        def start(tell: Callable[[int], None] | None = None) -> Queue[int]:
            heard: Queue[int] = Queue()
            alive = threading.Event()

            def ring(row_id: int, *, paid: bool) -> None:
                (tell or heard.put)(row_id)

            def run() -> None:
                try:
                    relay(ring, stop, alive.set)
                finally:
                    connection.close()

            threads.submit(run)
            assert alive.wait(PATIENCE_SECONDS)
            return heard

        yield start
        stop.set()


@contextmanager
def a_stranger() -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    server, _, _ = os.environ["DATABASE_URL"].rpartition("/")
    with psycopg.connect(f"{server}/{connection.settings_dict['NAME']}", autocommit=True) as session:
        yield session


@pytest.mark.django_db
def test_a_row_is_handed_out_once() -> None:
    row, heard = promise(), []
    assert relay_once(heard.append) == 1
    assert relay_once(heard.append) == 0
    assert heard == [row.id]


@pytest.mark.django_db
def test_the_broker_is_never_given_more_than_it_can_pass_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_LEASED", 7)
    monkeypatch.setattr(module, "AT_ONCE", 5)
    many(9)
    Row.objects.filter(key__gte="parcel:6").update(state="unknown", doubtful_since=timezone.now())
    heard: list[int] = []
    assert [relay_once(heard.append) for _ in range(3)] == [5, 2, 0]
    assert len(set(heard)) == 7
    in_one_transaction(lambda: rows.finish(heard[0], "done", timezone.now()))
    assert relay_once(heard.append) == 1


@pytest.mark.django_db
def test_a_broken_bell_loses_nothing_and_what_it_rang_for_is_not_rung_for_twice() -> None:
    many(5)
    heard: list[int] = []

    def ring(id: int) -> None:
        if len(heard) == 2:
            raise BellBroken("gone")
        heard.append(id)

    with pytest.raises(BellBroken):
        relay_once(ring)
    assert Row.objects.filter(state="ready", lease_until=None).count() == 3
    assert relay_once(heard.append) == 3
    assert len(set(heard)) == len(heard) == 5


@pytest.mark.django_db
def test_work_that_may_be_repeated_never_takes_the_place_of_paid_work(
    known: Callable[..., AnErrand], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_LEASED", 3)
    known(kind="letter", is_repeatable=True)
    many(9, "letter")
    many(5, "parcel")
    Row.objects.filter(key="parcel:0").update(state="unknown", doubtful_since=timezone.now())
    heard: list[tuple[str, bool]] = []

    def ring(row_id: int, *, paid: bool) -> None:
        heard.append((Row.objects.get(pk=row_id).kind, paid))

    assert [module._relay_lanes(ring) for _ in range(2)] == [6, 0]
    assert sorted(heard) == [("letter", False)] * 3 + [("parcel", True)] * 3


@pytest.mark.django_db(transaction=True)
def test_any_number_of_relays_hand_out_every_row_once(relaying: Callable[..., Queue[int]]) -> None:
    heard: Queue[int] = Queue()
    for _ in range(4):
        relaying(heard.put)
    many(150)
    ids = [heard.get(timeout=PATIENCE_SECONDS) for _ in range(150)]
    assert len(set(ids)) == 150
    assert heard.empty()


@pytest.mark.django_db(transaction=True)
def test_a_commit_wakes_the_relay_long_before_it_would_look_by_itself(
    relaying: Callable[..., Queue[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "POLL_SECONDS", 60)
    heard = relaying()
    for number in range(3):
        row = promise(key=f"{number}")
        assert heard.get(timeout=PATIENCE_SECONDS) == row.id
    _let_the_wait_end(heard)


@pytest.mark.django_db(transaction=True)
def test_a_row_written_while_the_relay_is_busy_wakes_it_too(
    relaying: Callable[..., Queue[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The notification then arrives with the answers to other statements."""
    monkeypatch.setattr(module, "POLL_SECONDS", 60)
    once, written = module.relay_once, threading.Event()

    def look_then_be_overtaken(ring: module.Ring, kinds: rows.Kinds) -> int:
        found = once(ring, kinds)
        if not found and not written.is_set():
            with a_stranger() as session:
                session.execute("INSERT INTO outbox_row (key, kind, payload, state, attempts, failures, looks, error)"
                                " VALUES ('late', 'parcel', '{}', 'ready', 0, 0, 0, '')")  # fmt: skip
                session.execute("SELECT pg_notify('outbox', '')")
            written.set()
            in_one_transaction(rows.count_leased)  # its answer brings the notification along
        return found

    monkeypatch.setattr(module, "relay_once", look_then_be_overtaken)
    heard = relaying()
    assert heard.get(timeout=PATIENCE_SECONDS) == Row.objects.get().id
    _let_the_wait_end(heard)


@pytest.mark.django_db(transaction=True)
def test_without_a_notification_a_row_is_found_all_the_same(relaying: Callable[..., Queue[int]]) -> None:
    heard = relaying()
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO outbox_row (key, kind, payload, state, attempts, failures, looks, error)"
                       " VALUES ('quiet', 'parcel', '{}', 'ready', 0, 0, 0, '')")  # fmt: skip
    assert heard.get(timeout=PATIENCE_SECONDS) == Row.objects.get().id


@pytest.mark.django_db(transaction=True)
def test_a_relay_whose_connection_was_cut_listens_again(
    relaying: Callable[..., Queue[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    heard = relaying()
    connection.ensure_connection()
    with a_stranger() as session:
        session.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid NOT IN (pg_backend_pid(), %s)",
            [connection.connection.info.backend_pid],
        )
    promise(key="first")
    heard.get(timeout=PATIENCE_SECONDS)
    monkeypatch.setattr(module, "POLL_SECONDS", 60)
    promise(key="second")  # ends the wait that began with the old patience
    heard.get(timeout=PATIENCE_SECONDS)
    promise(key="third")
    heard.get(timeout=PATIENCE_SECONDS)
    _let_the_wait_end(heard)


@pytest.mark.django_db(transaction=True)
def test_while_the_broker_is_away_the_relay_waits_and_then_hands_out_everything(
    relaying: Callable[..., Queue[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RING_AGAIN_SECONDS", 0.01)
    heard: Queue[int] = Queue()
    away = threading.Event()
    asked = threading.Semaphore(0)

    def ring(id: int) -> None:
        if not away.is_set():
            asked.release()
            raise BellBroken("gone")
        heard.put(id)

    relaying(ring)
    many(3)
    for _ in range(3):
        assert asked.acquire(timeout=PATIENCE_SECONDS)
    away.set()
    assert len({heard.get(timeout=PATIENCE_SECONDS) for _ in range(3)}) == 3


@pytest.mark.django_db
def test_what_somebody_was_sending_when_it_died_is_swept_by_the_next_round(known: Callable[..., AnErrand]) -> None:
    known(kind="letter", is_repeatable=True)
    many(1, "parcel")
    many(1, "letter")
    for id in in_one_transaction(lambda: rows.lease(timezone.now(), 2)):
        in_one_transaction(lambda id=id: rows.claim(id, timezone.now()))
    Row.objects.update(lease_until=timezone.now())
    heard: list[int] = []
    relay_once(heard.append)
    assert dict(Row.objects.values_list("kind", "state")) == {"parcel": "unknown", "letter": "leased"}
    assert len(heard) == 2


def _let_the_wait_end(heard: Queue[int]) -> None:
    """A relay that waits for ten minutes would keep the test waiting."""
    module.POLL_SECONDS = 0.1
    promise(key="end")
    heard.get(timeout=PATIENCE_SECONDS)
