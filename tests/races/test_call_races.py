"""Real threads, each with a connection of its own, at one call or one wallet at the same moment."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from functools import partial
from threading import Event
from typing import Any

import pytest
from django.db import connection, connections, transaction

from accounts.models import Account
from billing.models import Entry, Hold, Posting, Wallet
from telephony import calls
from telephony.models import CDR, Call, ReceivedEvent
from tests.builders import a_deck, an_account, an_application, available, balance, held, house
from tests.races.crowd import Crowd
from tests.sinch_caller import Answered, SinchCaller, a_call_id

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("orderly", "plenty_of_time")]

THREADS = 16
ROUNDS = 25


@pytest.fixture
def sinch() -> SinchCaller:
    a_deck({"44": "0.06"})
    return SinchCaller(an_application())


def sends(sinch: SinchCaller, *bodies: dict[str, Any]) -> list[Callable[[], Answered]]:
    """The same body given twice is sent as the same bytes twice."""
    return [partial(sinch.send, json.dumps(body).encode()) for body in bodies]


@pytest.mark.parametrize("part", range(4))
def test_c2_the_same_question_at_once_gets_one_answer_and_one_hold(sinch: SinchCaller, crowd: Crowd, part: int) -> None:
    account = an_account(client_user="alice", calls_at_once=30, balance="500")
    for _ in range(ROUNDS):
        call_id = a_call_id()
        replies = crowd.at_once(sends(sinch, *[sinch.ice(call_id)] * THREADS))
        assert {reply.status for reply in replies} == {200}
        assert len({reply.body for reply in replies}) == 1
        assert replies[0].action == "connectPstn"
        sinch.send(sinch.dice(call_id, 0, "CANCEL"))
    assert Hold.objects.count() == Call.objects.count() == ROUNDS
    assert available(account) == Decimal(500)


def test_c2_the_same_refused_question_at_once_gets_one_answer(sinch: SinchCaller, crowd: Crowd) -> None:
    for _ in range(8):
        replies = crowd.at_once(sends(sinch, *[sinch.ice(a_call_id(), user="a stranger")] * THREADS))
        assert len({reply.body for reply in replies}) == 1
        assert replies[0].action == "hangup"
    assert Call.objects.count() == ReceivedEvent.objects.count() == 8


def test_c4_the_same_hang_up_at_once_is_charged_once(sinch: SinchCaller, crowd: Crowd) -> None:
    account = an_account(client_user="alice", calls_at_once=1, balance="500", longest_call_seconds=600)
    for _ in range(12):
        call_id = a_call_id()
        sinch.send(sinch.ice(call_id))
        replies = crowd.at_once(sends(sinch, *[sinch.dice(call_id, 61)] * THREADS))
        assert {(reply.status, reply.body) for reply in replies} == {(200, b"")}
    assert balance(account) == Decimal(500) - 12 * Decimal("0.12")
    assert CDR.objects.count() == Posting.objects.filter(kind=Posting.Kind.SETTLEMENT).count() == 12
    assert ReceivedEvent.objects.filter(kind="ended").count() == 12


def test_c4_the_same_hang_up_of_an_unheard_of_call_at_once_is_charged_once(sinch: SinchCaller, crowd: Crowd) -> None:
    account = an_account(client_user="alice", balance="500")
    for _ in range(8):
        replies = crowd.at_once(sends(sinch, *[sinch.dice(a_call_id(), 61)] * THREADS))
        assert {reply.status for reply in replies} == {200}
    assert balance(account) == Decimal(500) - 8 * Decimal("0.12")
    assert CDR.objects.count() == 8


def test_c5_of_two_different_hang_ups_at_once_one_wins_and_one_is_kept_as_a_conflict(
    sinch: SinchCaller, crowd: Crowd
) -> None:
    account = an_account(client_user="alice", calls_at_once=1, balance="500", longest_call_seconds=600)
    prices = {60: Decimal("0.06"), 121: Decimal("0.18")}
    for _ in range(20):
        call_id, before = a_call_id(), balance(account)
        sinch.send(sinch.ice(call_id))
        crowd.at_once(sends(sinch, sinch.dice(call_id, 60), sinch.dice(call_id, 121)))
        cdr = CDR.objects.get(call__provider_call_id=call_id)
        assert before - balance(account) == prices[cdr.duration_seconds]
        outcomes = ReceivedEvent.objects.filter(provider_call_id=call_id, kind="ended")
        assert Counter(outcomes.values_list("outcome", flat=True)) == {"decided": 1, "conflict": 1}


def test_c7_a_hang_up_at_the_same_moment_as_its_question_leaves_no_hold(sinch: SinchCaller, crowd: Crowd) -> None:
    account = an_account(client_user="alice", calls_at_once=2, balance="500")
    for _ in range(25):
        call_id = a_call_id()
        replies = crowd.at_once(sends(sinch, sinch.ice(call_id), sinch.dice(call_id, 0, "CANCEL")))
        assert [reply.status for reply in replies] == [200, 200]
        call = Call.objects.get(provider_call_id=call_id)
        assert call.ended_at is not None
    assert (balance(account), held(account)) == (Decimal(500), Decimal(0))
    assert CDR.objects.count() == 25


def test_c6_an_answer_at_the_same_moment_as_the_hang_up_changes_no_money(sinch: SinchCaller, crowd: Crowd) -> None:
    account = an_account(client_user="alice", calls_at_once=2, balance="500")
    for _ in range(25):
        call_id = a_call_id()
        sinch.send(sinch.ice(call_id))
        answer, _ = crowd.at_once(sends(sinch, sinch.ace(call_id), sinch.dice(call_id, 61)))
        assert answer.action in ("continue", "hangup")
        assert Call.objects.get(provider_call_id=call_id).state == Call.State.ENDED
    assert balance(account) == Decimal(500) - 25 * Decimal("0.12")


def test_an_event_waits_until_the_one_before_it_in_its_call_is_decided(sinch: SinchCaller) -> None:
    an_account(client_user="alice")
    call_id = a_call_id()
    sinch.send(sinch.ice(call_id))
    sinch.send(sinch.ace(call_id))
    with ThreadPoolExecutor(1) as thread:
        with transaction.atomic():
            assert calls.read(calls.lock(calls.call_id(sinch.application.pk, call_id))) is not None
            again = thread.submit(sinch.send, sinch.ace(call_id))  # writes nothing, and waits all the same
            while not _somebody_waits_for_a_lock():
                assert not again.done()
        assert again.result().action == "continue"
        thread.submit(connections.close_all).result()


def _somebody_waits_for_a_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return cursor.fetchone()[0] > 0


@pytest.mark.parametrize("limit", [1, 2, 7, 30])
def test_t1_of_sixty_four_calls_at_once_exactly_the_limit_is_granted(
    sinch: SinchCaller, crowd: Crowd, limit: int
) -> None:
    account = an_account(client_user="alice", calls_at_once=limit, balance="500", longest_call_seconds=600)
    replies = [
        reply
        for _ in range(4)
        for reply in crowd.at_once(sends(sinch, *[sinch.ice(a_call_id()) for _ in range(THREADS)]))
    ]
    reasons = Counter(Call.objects.values_list("refusal", flat=True))
    assert Counter(reply.action for reply in replies) == {"connectPstn": limit, "hangup": 64 - limit}
    assert reasons == {"": limit, "no_free_slot": 64 - limit}
    assert held(account) == limit * Decimal("0.60")


def test_c12_calls_racing_for_the_last_cents_get_exactly_what_is_there(sinch: SinchCaller, crowd: Crowd) -> None:
    for round_number in range(10):
        user = f"poor {round_number}"
        account = an_account(client_user=user, calls_at_once=30, balance="0.29")  # four minutes and five cents
        caller = SinchCaller(sinch.application, user=user)
        replies = crowd.at_once(sends(caller, *[caller.ice(a_call_id()) for _ in range(THREADS)]))
        assert Counter(reply.action for reply in replies) == {"connectPstn": 4, "hangup": 12}
        assert available(account) == Decimal("0.05")


def test_c13_five_hundred_questions_of_one_account_are_all_answered(sinch: SinchCaller, crowd: Crowd) -> None:
    an_account(client_user="alice", calls_at_once=600, balance="500", longest_call_seconds=60)
    replies = crowd.at_once(sends(sinch, *[sinch.ice(a_call_id()) for _ in range(500)]))
    assert Counter(reply.action for reply in replies) == {"connectPstn": 500}


def test_c26_two_applications_with_the_same_call_id_at_once_do_not_meet(sinch: SinchCaller, crowd: Crowd) -> None:
    an_account(client_user="alice", calls_at_once=30)
    other = SinchCaller(an_application())
    for _ in range(8):
        call_id = a_call_id()
        replies = crowd.at_once(sends(sinch, sinch.ice(call_id)) + sends(other, other.ice(call_id)))
        assert [reply.action for reply in replies] == ["connectPstn"] * 2
        crowd.at_once(sends(sinch, sinch.dice(call_id, 1)) + sends(other, other.dice(call_id, 1)))
    assert CDR.objects.count() == 16


@pytest.mark.parametrize("calls_at_once", [1, 2, 30])
def test_five_dollars_are_worth_five_dollars_whatever_happens_at_once(
    sinch: SinchCaller, crowd: Crowd, calls_at_once: int
) -> None:
    """5.00 USD at 0.06 a minute, thirty callers at once, everyone talks as long as it was allowed."""
    account = an_account(client_user="alice", calls_at_once=calls_at_once, longest_call_seconds=14_400)
    done = Event()
    granted = Counter[str]()
    with ThreadPoolExecutor(1) as watcher:
        lowest = watcher.submit(_lowest_available, account, done)
        try:
            while True:
                call_ids = [a_call_id() for _ in range(30)]
                replies = crowd.at_once(sends(sinch, *[sinch.ice(id) for id in call_ids]))
                allowed = {
                    id: reply.limit_seconds
                    for id, reply in zip(call_ids, replies, strict=True)
                    if reply.action != "hangup"
                }
                granted.update(reply.action for reply in replies)
                if not allowed:
                    break
                assert len(allowed) <= calls_at_once
                hang_ups = [sinch.dice(id, seconds) for id, seconds in allowed.items()]
                crowd.at_once(sends(sinch, *hang_ups, *hang_ups))
        finally:
            done.set()
        assert lowest.result() >= 0
    charged = sum(CDR.objects.values_list("charge", flat=True))
    assert charged <= Decimal("5.000000")
    assert balance(account) == Decimal(5) - charged >= 0
    assert balance(account) < Decimal("0.06")
    assert house(Entry.House.REVENUE) == charged
    assert not Entry.objects.filter(house__startswith="loss").exists()
    assert granted["connectPstn"] == CDR.objects.filter(charge__gt=0).count()


def _lowest_available(account: Account, done: Event) -> Decimal:
    lowest = available(account)
    try:
        while not done.wait(0.002):
            wallet = Wallet.objects.get(account=account)
            lowest = min(lowest, wallet.balance - wallet.held)
    finally:
        connections.close_all()
    return lowest
