"""Rows of the outbox: promised once, leased by one, found again."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from unittest.mock import ANY
from uuid import uuid4

import psycopg
import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from outbox import rows
from outbox.models import Pause, Row
from postgres.statements import tell
from postgres.work import in_one_transaction
from tests.outbox.errand import promise

HOUR = timedelta(hours=1)


@pytest.fixture
def stranger(transactional_db: None) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    """Another session on the tests' database."""
    server, _, _ = os.environ["DATABASE_URL"].rpartition("/")
    with psycopg.connect(f"{server}/{connection.settings_dict['NAME']}", autocommit=True) as session:
        yield session


def lease(at_most: int = 50, now: datetime | None = None) -> list[int]:
    return in_one_transaction(lambda: rows.lease(now or timezone.now(), at_most))


def one_after_the_other(first: datetime, ids: list[int]) -> None:
    """Due in this order. What is due at the same moment is handed out in any."""
    for number, id in enumerate(ids):
        Row.objects.filter(pk=id).update(due_at=first + timedelta(seconds=number))


def sweep(now: datetime, *repeatable: str) -> int:
    return in_one_transaction(lambda: rows.sweep(now, repeatable))


def claim(id: int) -> bool:
    return in_one_transaction(lambda: rows.claim(id, timezone.now())) is not None


@pytest.mark.django_db(transaction=True)
def test_what_was_promised_in_a_transaction_that_failed_was_never_promised() -> None:
    def promise_and_fail() -> None:
        rows.put("parcel", "parcel:1")
        tell("SELECT 1 / 0")

    with pytest.raises(psycopg.errors.DivisionByZero):
        in_one_transaction(promise_and_fail)
    with transaction.atomic():
        rows.put("parcel", "parcel:2")
        transaction.set_rollback(True)
    assert not Row.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_transaction_that_is_tried_again_promises_once() -> None:
    tries: list[int] = []

    def work() -> None:
        tries.append(1)
        rows.put("parcel", "parcel:1")
        if len(tries) < 3:
            raise psycopg.errors.DeadlockDetected

    in_one_transaction(work)
    assert (len(tries), Row.objects.count()) == (3, 1)


@pytest.mark.django_db
def test_the_same_key_twice_is_one_row_and_the_first_word_counts() -> None:
    promise(payload={"number": 1})
    promise(payload={"number": 2})
    row = Row.objects.get()
    assert (row.payload, row.state, row.attempts) == ({"number": 1}, "ready", 0)


@pytest.mark.django_db
def test_a_row_keeps_what_its_errand_needs() -> None:
    subject = uuid4()
    row = promise(subject=subject, payload={"to": "€ \U0001f4e6", "deep": [1, {"a": None}]})
    lease()
    found = in_one_transaction(lambda: rows.claim(row.id, timezone.now()))
    assert found is not None
    kind, claimed = found
    assert (kind, claimed.subject, claimed.attempt, claimed.failures) == ("parcel", subject, 1, 0)
    assert claimed.payload == {"to": "€ \U0001f4e6", "deep": [1, {"a": None}]}


@pytest.mark.django_db
def test_a_row_is_leased_once_and_only_when_it_is_due() -> None:
    now = timezone.now()
    due, later = promise(key="1"), promise(key="2", due_at=now + HOUR)
    assert lease() == [due.id]
    assert lease() == []
    assert lease(now=now + HOUR) == [later.id]


def test_what_another_relay_is_leasing_is_passed_over(stranger: psycopg.Connection[tuple[object, ...]]) -> None:
    first, second = promise(key="1"), promise(key="2")
    with stranger.transaction():
        stranger.execute("SELECT FROM outbox_row WHERE id = %s FOR UPDATE", [first.id])
        assert lease() == [second.id]
    assert lease() == [first.id]


@pytest.mark.django_db
def test_the_kinds_take_turns() -> None:
    bulk = [promise("parcel", f"p{number}").id for number in range(6)]
    letters = [promise("letter", f"l{number}").id for number in range(2)]
    one_after_the_other(timezone.now() - HOUR, bulk)
    one_after_the_other(timezone.now() - HOUR / 2, letters)
    assert lease(at_most=4) == [bulk[0], letters[0], bulk[1], letters[1]]
    assert lease(at_most=3) == bulk[2:5]


@pytest.mark.django_db
def test_what_is_to_be_looked_up_has_a_lane_beside_the_kinds() -> None:
    now = timezone.now()
    doubtful = [promise(key=f"d{number}").id for number in range(4)]
    Row.objects.update(state="unknown", doubtful_since=now - HOUR)
    fresh = [promise(key=f"f{number}").id for number in range(4)]
    one_after_the_other(now - HOUR, doubtful)
    one_after_the_other(now - HOUR / 2, fresh)
    assert lease(at_most=4) == [doubtful[0], fresh[0], doubtful[1], fresh[1]]


@pytest.mark.django_db
def test_a_kind_that_is_paused_is_left_alone_until_then_and_the_others_are_not() -> None:
    now = timezone.now()
    parcel, letter = promise("parcel", "1"), promise("letter", "2")
    doubtful = promise("parcel", "3")
    Row.objects.filter(pk=doubtful.pk).update(state="unknown", doubtful_since=now)
    in_one_transaction(lambda: rows.pause("parcel", now + HOUR))
    in_one_transaction(lambda: rows.pause("parcel", now + HOUR / 2))
    assert Pause.objects.get().until == now + HOUR
    assert lease() == [letter.id]
    assert lease(now=now + HOUR) == [parcel.id, doubtful.id]


@pytest.mark.django_db
def test_a_row_is_claimed_once_however_often_the_bell_rings() -> None:
    row = promise()
    assert not claim(row.id)
    lease()
    assert [claim(row.id), claim(row.id), claim(row.id)] == [True, False, False]
    row.refresh_from_db()
    assert (row.state, row.attempts) == ("sending", 1)


@pytest.mark.django_db
def test_a_lease_that_ended_makes_a_row_that_nobody_claimed_ready_again() -> None:
    row = promise()
    lease()
    now = timezone.now()
    assert sweep(now) == 0
    assert sweep(now + HOUR) == 1
    row.refresh_from_db()
    assert (row.state, row.attempts, row.failures, row.doubtful_since) == ("ready", 0, 0, None)
    assert lease() == [row.id]


@pytest.mark.django_db
def test_paid_work_whose_sender_ended_is_unknown_and_other_work_is_done_again() -> None:
    paid, harmless = promise("parcel", "1"), promise("letter", "2")
    for id in lease():
        assert claim(id)
    later = timezone.now() + HOUR
    assert sweep(later, "letter") == 2
    paid.refresh_from_db()
    harmless.refresh_from_db()
    assert (paid.state, paid.doubtful_since, paid.failures) == ("unknown", later, 0)
    assert (harmless.state, harmless.failures) == ("retry", 1)


@pytest.mark.django_db
def test_a_row_that_is_being_sent_outlives_any_action_however_short_the_lease(settings: object) -> None:
    settings.OUTBOX_LEASE_SECONDS = 1  # type: ignore[attr-defined]
    row = promise()
    lease()
    assert claim(row.id)
    assert sweep(timezone.now() + timedelta(seconds=rows.SHORTEST_SENDING_SECONDS - 1)) == 0


@pytest.mark.django_db
def test_an_unknown_row_is_looked_up_by_one_and_comes_back_when_that_one_dies() -> None:
    row = promise()
    now = timezone.now()
    Row.objects.update(state="unknown", doubtful_since=now)
    assert in_one_transaction(lambda: rows.claim_look(row.id, now)) is None  # nobody handed it out
    assert lease() == [row.id]
    assert rows.count_leased() == 1
    found = in_one_transaction(lambda: rows.claim_look(row.id, now))
    assert found is not None
    assert found[2] == 1
    assert in_one_transaction(lambda: rows.claim_look(row.id, now)) is None
    assert lease() == []
    assert lease(now=now + HOUR) == [row.id]


@pytest.mark.django_db
def test_a_bell_that_could_not_be_rung_leaves_the_rows_as_they_were() -> None:
    now = timezone.now()
    ready, doubtful, sending = promise(key="1"), promise(key="2"), promise(key="3")
    Row.objects.filter(pk=doubtful.pk).update(state="unknown", doubtful_since=now)
    before = dict(Row.objects.values_list("id", "due_at"))
    ids = lease()
    assert claim(sending.id)
    in_one_transaction(lambda: rows.give_back(ids))
    states = dict(Row.objects.values_list("id", "state"))
    assert states == {ready.id: "ready", doubtful.id: "unknown", sending.id: "sending"}
    assert dict(Row.objects.values_list("id", "due_at")) == before
    assert rows.count_leased() == 1


@pytest.mark.django_db
def test_news_from_outside_finishes_whatever_was_still_to_be_done_for_the_subject() -> None:
    subject = uuid4()
    other = promise("letter", "1", subject=subject)
    row = promise("parcel", "2", subject=subject)
    now = timezone.now()
    in_one_transaction(lambda: rows.finish_for(subject, "parcel", now))
    row.refresh_from_db()
    other.refresh_from_db()
    assert (row.state, row.finished_at, other.state) == ("done", now, "ready")


@pytest.mark.django_db
def test_a_reason_that_no_text_can_hold_is_kept_as_far_as_it_goes() -> None:
    row = promise()
    in_one_transaction(lambda: rows.retry(row.id, timezone.now(), "a\0b \ud800" + "c" * 400, failed=True))
    row.refresh_from_db()
    assert row.error.startswith("ab ?c")
    assert len(row.error) == rows.LONGEST_ERROR


@pytest.mark.django_db
@pytest.mark.parametrize("change", ["state = 'sent'", "state = 'leased'", "state = 'done'", "finished_at = now()"])
def test_the_database_refuses_a_row_that_contradicts_itself(change: str) -> None:
    promise()
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE outbox_row SET {change}")


@pytest.mark.django_db(transaction=True)
def test_every_statement_is_understood_by_a_server_that_finds_the_types_out_itself() -> None:
    """As they travel in a transaction of our own, which is not how they travel in the other tests here."""
    now, subject = timezone.now(), uuid4()
    row = promise(subject=subject)

    def once(*steps: Callable[[], object]) -> list[object]:
        return in_one_transaction(lambda: [step() for step in steps])

    def leased() -> None:
        assert lease(now=timezone.now() + HOUR) == [row.id]

    leased()
    once(lambda: rows.give_back([row.id]))
    leased()
    once(lambda: rows.postpone(row.id, now, "could not begin"))
    leased()
    assert claim(row.id)
    once(lambda: rows.retry(row.id, now, "again", failed=True), lambda: rows.pause("letter", now))
    leased()
    assert claim(row.id)
    assert sweep(now + HOUR, "letter") == 1
    leased()
    assert once(lambda: rows.claim_look(row.id, now), lambda: rows.is_still_unknown(row.id, 2)) == [ANY, True]
    once(lambda: rows.doubt(row.id, now, now, "still nobody knows"))
    assert once(lambda: rows.read_unknown(row.id), lambda: rows.is_still(row.id, 2)) == [ANY, True]
    once(lambda: rows.finish(row.id, "dead", now, "enough"))
    assert once(lambda: rows.begin_again(row.id, now)) == [True]
    once(lambda: rows.finish_for(subject, "parcel", now), lambda: rows.pause("parcel", now))
    row.refresh_from_db()
    assert (row.state, row.attempts, row.failures, rows.count_leased()) == ("done", 2, 0, 0)
