"""How a call ends, whoever told us."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import transaction

from accounts.models import Account
from billing import charging
from billing.models import Hold
from telephony import calls, control, endings
from telephony.cdrs import Ending
from telephony.events import Cost, Result
from telephony.inbox import Received
from telephony.models import CDR, Call
from tests import books
from tests.builders import a_deck, an_account, available, balance
from tests.telephony.received import NOW, incoming, received

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(minutes=5)


@pytest.fixture
def account() -> Account:
    a_deck({"44": "0.06"})
    return an_account(client_user="alice", calls_at_once=30)


@pytest.fixture
def running(account: Account) -> Received:
    question = received(incoming())
    control.decide(question)
    return question


def an_ending(seconds: int = 61, result: Result = Result.ANSWERED, cost: Cost | None = None) -> Ending:
    return Ending(duration_seconds=seconds, result=result.value, reason="HANGUP", cost=cost, source=CDR.Source.ASKED)


def finish(question: Received, ending: Ending | None, review: str = "") -> None:
    with transaction.atomic():
        call = calls.read(calls.lock(question.call_id))
        reservation = charging.read_reservation(charging.find_reservation(question.call_id))
        assert call is not None
        if ending is None:
            endings.give_up(call, reservation, LATER)
        else:
            endings.end(call, reservation, ending, LATER, review)
    assert books.differences() == {}


def test_a_talk_is_charged_and_recorded(account: Account, running: Received) -> None:
    finish(running, an_ending(61), "a remark")
    cdr = CDR.objects.get()
    assert balance(account) == Decimal("4.88")
    assert (cdr.source, cdr.begun_at, cdr.ended_at, cdr.review) == (CDR.Source.ASKED, NOW, LATER, "a remark")
    assert cdr.rate.prefix == "44"
    assert cdr.breakdown["billed_seconds"] == 120
    assert (Call.objects.get().state, Call.objects.get().ended_at) == (Call.State.ENDED, LATER)


@pytest.mark.parametrize("result", [result for result in Result if result is not Result.ANSWERED])
def test_seconds_of_talk_are_charged_whatever_the_provider_calls_the_result(
    account: Account, running: Received, result: Result
) -> None:
    finish(running, an_ending(1, result))
    assert balance(account) == Decimal("4.94")


@pytest.mark.parametrize("result", [result for result in Result if result is not Result.ANSWERED])
def test_without_talk_the_hold_is_given_back(account: Account, running: Received, result: Result) -> None:
    finish(running, an_ending(0, result))
    assert available(account) == Decimal(5)
    assert Hold.objects.get().state == Hold.State.RELEASED
    assert CDR.objects.get().breakdown == {}


def test_a_call_given_up_gets_its_money_back_and_a_persons_look(account: Account, running: Received) -> None:
    finish(running, None)
    cdr = CDR.objects.get()
    assert available(account) == Decimal(5)
    assert Hold.objects.get().state == Hold.State.EXPIRED
    assert (cdr.source, cdr.result, cdr.charge) == (CDR.Source.EXPIRED, "unknown", Decimal(0))
    assert cdr.review == Call.objects.get().review == "nobody could say how it ended: charged nothing"


def test_a_call_given_up_can_still_be_settled_once(account: Account, running: Received) -> None:
    finish(running, None)
    finish(running, an_ending(61))
    assert [cdr.revision for cdr in CDR.objects.order_by("revision")] == [0, 1]
    assert balance(account) == Decimal("4.88")
    with transaction.atomic():
        call = calls.read(calls.lock(running.call_id))
    assert call is not None
    assert call.is_settled


def test_why_a_person_should_look_is_said_in_full(account: Account, running: Received) -> None:
    finish(running, an_ending(60, cost=Cost(currency="USD", amount=Decimal("0.31"))), "result is odd")
    assert CDR.objects.get().review == "result is odd; the provider charged 0.31 USD"
