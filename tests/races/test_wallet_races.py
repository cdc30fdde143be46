"""Real threads on a real PostgreSQL, all after the same money."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta
from decimal import Decimal
from threading import Barrier, Event, Thread
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import Account
from billing import charging, topups
from billing.models import Entry, Hold, Posting
from billing.money import Money
from postgres.statements import ask
from postgres.work import in_one_transaction
from tests.builders import a_deck, an_account, available, balance, held, house

pytestmark = pytest.mark.django_db(transaction=True)

THREADS = 16


def at_once(*works: Callable[[], Any]) -> list[Any]:
    """Run every work in a thread of its own, all starting together. Returns their results or exceptions."""
    start = Barrier(len(works))
    results: list[Any] = [None] * len(works)

    def run(index: int, work: Callable[[], Any]) -> None:
        try:
            connection.ensure_connection()
            start.wait()
            results[index] = work()
        except Exception as error:
            results[index] = error
        finally:
            connection.close()

    threads = [Thread(target=run, args=pair) for pair in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def reserve(account: Account, subject: UUID, seconds: int = 60) -> bool:
    """As a call does: read what is there, and reserve when it is enough."""

    def work() -> bool:
        quote = charging.read_quote(charging.quote(account.pk, ["44"], timezone.now()))
        assert quote is not None
        if quote.available < Decimal("0.06"):
            return False
        now = timezone.now()
        charging.reserve(quote, subject, seconds, opened_at=now, expires_at=now + timedelta(hours=1))
        return True

    return until_it_gets_its_turn(work)


def until_it_gets_its_turn(work: Callable[[], Any]) -> Any:
    """A crowd may wait longer for the wallet than a call would; here everybody comes again."""
    while True:
        try:
            return in_one_transaction(work)
        except psycopg.errors.LockNotAvailable:
            continue


def resolve(subject: UUID, how: str, seconds: int = 60) -> Any:
    def work() -> Any:
        reservation = charging.read_reservation(charging.find_reservation(subject))
        assert reservation is not None
        if how == "settle":
            return charging.settle(reservation, subject, seconds, timezone.now())
        return charging.expire(reservation, timezone.now())

    return until_it_gets_its_turn(work)


def resolve_blindly(hold_id: int, wallet_id: int, state: str) -> Any:
    """Without asking whether it is still open: the database has to say no."""

    def work() -> None:
        ask("SELECT 1 FROM billing_wallet WHERE id = %s FOR NO KEY UPDATE", [wallet_id]).row()
        ask("UPDATE billing_hold SET state = %s, resolved_at = now() WHERE id = %s RETURNING 1", [state, hold_id]).row()

    return until_it_gets_its_turn(work)


def watched(account: Account, works: Iterable[Callable[[], Any]]) -> list[Any]:
    """`at_once`, while a sampler reads the wallet again and again: what it saw was never below zero."""
    over, lowest = Event(), [available(account)]

    def sample() -> None:
        try:
            while not over.is_set():
                lowest.append(available(account))
        finally:
            connection.close()

    sampler = Thread(target=sample)
    sampler.start()
    try:
        return at_once(*works)
    finally:
        over.set()
        sampler.join()
        assert min(lowest) >= 0


@pytest.mark.parametrize(("money", "granted"), [("0.60", 10), ("0.659999", 10), ("0.059999", 0), ("0.06", 1)])
def test_of_many_reserving_at_once_exactly_those_are_granted_that_can_be_paid(money: str, granted: int) -> None:
    a_deck()
    for _ in range(4):
        account = an_account(balance=money)
        answers = watched(account, [lambda a=account: reserve(a, uuid4()) for _ in range(THREADS)])
        assert answers.count(True) == granted
        assert answers.count(False) == THREADS - granted
        assert held(account) == Decimal("0.06") * granted
        assert available(account) == Decimal(money) - Decimal("0.06") * granted


def test_of_many_calls_of_one_subject_one_is_granted() -> None:
    a_deck()
    account, subject = an_account(), uuid4()
    answers = at_once(*[lambda: reserve(account, subject)] * THREADS)
    assert answers.count(True) == 1
    assert all(isinstance(answer, psycopg.errors.UniqueViolation) for answer in answers if answer is not True)
    assert held(account) == Decimal("0.06")


def test_a_subject_settled_many_times_at_once_is_charged_once() -> None:
    a_deck()
    account, subject = an_account(), uuid4()
    assert reserve(account, subject)
    answers = watched(account, [lambda: resolve(subject, "settle")] * THREADS)
    assert sum(isinstance(answer, charging.Settlement) for answer in answers) == 1
    assert sum(isinstance(answer, psycopg.errors.UniqueViolation) for answer in answers) == THREADS - 1
    assert balance(account) == Decimal("4.94")
    assert held(account) == 0
    assert Posting.objects.filter(kind="settlement").count() == 1


@pytest.mark.parametrize("_round", range(8))
def test_settling_and_expiring_at_once_charge_once_and_hold_nothing(_round: int) -> None:
    a_deck()
    account, subject = an_account(), uuid4()
    assert reserve(account, subject)
    settled, expired = watched(account, [lambda: resolve(subject, "settle"), lambda: resolve(subject, "expire")])
    assert isinstance(settled, charging.Settlement)
    assert expired is None
    assert (balance(account), held(account)) == (Decimal("4.94"), 0)
    assert house(Entry.House.REVENUE) == Decimal("0.06")


def test_a_hold_resolved_many_times_at_once_is_resolved_once() -> None:
    a_deck()
    account, subject = an_account(), uuid4()
    assert reserve(account, subject)
    hold = Hold.objects.get(subject=subject)
    answers = at_once(
        *[
            lambda state=state: resolve_blindly(hold.pk, hold.wallet_id, state)
            for state in ("settled", "released", "expired", "released")
        ]
    )
    assert answers.count(None) == 1
    assert sum(isinstance(answer, psycopg.errors.CheckViolation) for answer in answers) == 3
    assert held(account) == 0


def test_one_reference_topped_up_many_times_at_once_counts_once() -> None:
    account = an_account(balance="0")
    amount = Money.of("7.00", "USD")
    answers = at_once(*[lambda: topups.credit(account, amount, reference="bank 1")] * 8)
    booked = [answer for answer in answers if isinstance(answer, topups.Booked)]
    assert len(booked) == 8
    assert sum(answer.is_new for answer in booked) == 1
    assert len({answer.posting_id for answer in booked}) == 1
    assert balance(account) == 7


def test_money_leaving_and_money_reserved_never_meet_below_zero() -> None:
    a_deck()
    account = an_account(balance="0.60")

    def take(number: int) -> Any:
        return topups.correct(
            account, Money.of("-0.06", "USD"), reason="race", made_by="test", reference=f"taken {number}"
        )

    works = [lambda: reserve(account, uuid4()), lambda: reserve(account, uuid4())] * 4
    works += [lambda n=number: take(n) for number in range(8)]
    answers = watched(account, works)
    taken = sum(isinstance(answer, topups.Booked) for answer in answers)
    assert taken + answers.count(True) == 10
    assert (balance(account), available(account)) == (Decimal("0.60") - Decimal("0.06") * taken, 0)
