"""The answer of the first leg has the second called, and the end of either parts them."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from accounts.models import Account
from outbox.models import Row
from telephony import calls
from telephony.decisions import Acknowledge, HangUp, JoinConference
from telephony.events import Result
from telephony.menus import say
from telephony.models import CDR, Application, Call
from telephony.reconcile import reconcile
from tests import books
from tests.builders import an_application, available, balance, held
from tests.telephony.bridge_scenes import OUR_NUMBER, a_bridge, a_talker, legs_of
from tests.telephony.callout_scenes import answered, ended, told

pytestmark = pytest.mark.django_db


@pytest.fixture
def application() -> Application:
    return an_application(base_url="http://127.0.0.1:1", caller_id=OUR_NUMBER)


@pytest.fixture
def account(application: Application) -> Account:
    return a_talker(calls_at_once=1)


def rows(kind: str) -> list[object]:
    return list(Row.objects.filter(kind=kind).order_by("id").values_list("subject", flat=True))


def test_who_answers_first_waits_in_the_conference_while_the_other_is_called(
    account: Account, application: Application
) -> None:
    first, second = legs_of(a_bridge(account))
    decision = told(application, answered(first, "p-1"))
    assert decision == JoinConference(
        first.callout.conference_id, say=say("Please hold the line. You are being connected.")
    )
    first.refresh_from_db()
    assert (first.state, first.provider_call_id) == (Call.State.ANSWERED, "p-1")
    assert rows("callout") == [first.pk, second.pk]
    assert told(application, answered(first, "p-1")) == decision
    assert rows("callout") == [first.pk, second.pk]


def test_they_are_told_in_their_language(account: Account, application: Application) -> None:
    first, _ = legs_of(a_bridge(account, locale="es-ES"))
    decision = told(application, answered(first, "p-1"))
    assert (decision.say, decision.locale) == (say("No cuelgue, por favor. Le estamos conectando."), "es-ES")


def test_who_answers_second_is_let_in_at_once(account: Account, application: Application) -> None:
    first, second = legs_of(a_bridge(account))
    told(application, answered(first, "p-1"))
    assert told(application, answered(second, "p-2")) == JoinConference(second.callout.conference_id)
    assert rows("callout") == [first.pk, second.pk]
    assert rows("hang_up") == []


def test_the_end_of_either_promises_to_hang_up_the_other(account: Account, application: Application) -> None:
    first, second = legs_of(a_bridge(account))
    told(application, answered(first, "p-1"))
    told(application, answered(second, "p-2"))
    told(application, ended(second, 40, provider_call_id="p-2"))
    row = Row.objects.get(kind="hang_up")
    assert (row.subject, row.payload) == (first.pk, {"nobody_answered": False})
    told(application, ended(first, 61, provider_call_id="p-1"))
    assert rows("hang_up") == [first.pk], "the other one is over already"
    costs = {record.call_id: record.charge for record in CDR.objects.all()}
    assert costs == {first.pk: Decimal("0.04"), second.pk: Decimal("0.06")}
    assert (balance(account), held(account)) == (Decimal("4.90"), Decimal(0))
    assert books.differences() == {}


@pytest.mark.parametrize("result", [Result.BUSY, Result.NO_ANSWER, Result.FAILED])
def test_who_waits_is_told_that_nobody_answered(account: Account, application: Application, result: Result) -> None:
    first, second = legs_of(a_bridge(account))
    told(application, answered(first, "p-1"))
    told(application, ended(second, 0, result, "p-2"))
    row = Row.objects.get(kind="hang_up")
    assert (row.subject, row.payload) == (first.pk, {"nobody_answered": True})
    assert available(account) == Decimal(5) - Decimal("1.20"), "what was held for the second is free again"


def test_who_picks_up_when_the_other_has_gone_is_let_go(account: Account, application: Application) -> None:
    first, second = legs_of(a_bridge(account))
    told(application, answered(first, "p-1"))
    told(application, ended(first, 3, provider_call_id="p-1"))
    assert told(application, answered(second, "p-2")) == HangUp()
    assert told(application, ended(second, 1, provider_call_id="p-2")) == Acknowledge()
    assert held(account) == 0
    assert books.differences() == {}


def test_an_answer_told_after_the_end_has_nobody_called(account: Account, application: Application) -> None:
    first, _ = legs_of(a_bridge(account))
    told(application, ended(first, 5, provider_call_id="p-1"))
    told(application, answered(first, "p-1"))
    assert rows("callout") == [first.pk]


def test_a_hang_up_that_comes_after_giving_up_parts_nobody_again(account: Account, application: Application) -> None:
    first, second = legs_of(a_bridge(account))
    calls.adopt(first.pk, "p-1")
    Call.objects.update(begun_at=timezone.now() - timedelta(hours=25))
    reconcile(timezone.now())
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.state, second.state, held(account)) == (Call.State.ENDED, Call.State.ENDED, Decimal(0))
    before = rows("hang_up")
    told(application, ended(first, 30))
    assert rows("hang_up") == before
    assert books.differences() == {}
