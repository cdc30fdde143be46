"""Who is left alone in a bridge is hung up, whatever it takes; who was never called is not called any more."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from accounts.models import Account
from billing.models import Hold
from outbox import performing
from outbox import rows as outbox_rows
from outbox.models import Row
from postgres.work import in_one_transaction
from telephony.events import Result
from telephony.hanging_up import MOST_TRIES, HangUpErrand
from telephony.models import CDR, Application, Call, Callout
from tests import books
from tests.builders import an_application, balance, held
from tests.telephony.bridge_scenes import OUR_NUMBER, a_bridge, a_talker, legs_of
from tests.telephony.callout_scenes import answered, ended, told
from tests.telephony.rest_api import RestApi, serving

pytestmark = pytest.mark.django_db


@pytest.fixture
def api() -> Iterator[RestApi]:
    with serving(lambda call_id: (200, json.dumps({"callId": "p-2"}).encode())) as api:
        yield api


@pytest.fixture
def application(api: RestApi) -> Application:
    return an_application(base_url=api.url, caller_id=OUR_NUMBER)


@pytest.fixture
def account(application: Application) -> Account:
    return a_talker(calls_at_once=1)


@pytest.fixture
def legs(account: Account, application: Application) -> tuple[Call, Call]:
    """The first was answered and waits; the second is to be called."""
    first, second = legs_of(a_bridge(account))
    told(application, answered(first, "p-1"))
    return first, second


def carry_out(kind: str) -> Row:
    """What a worker does with the errand of this kind that was promised last."""
    row = Row.objects.filter(kind=kind).latest("id")
    now = timezone.now()
    Row.objects.exclude(pk=row.pk).update(due_at=now + timedelta(hours=1))
    Row.objects.filter(pk=row.pk).update(due_at=now)
    assert in_one_transaction(lambda: outbox_rows.lease(now, 10)) == [row.pk]
    performing.perform(row.pk)
    row.refresh_from_db()
    return row


def test_who_waits_is_hung_up_when_the_other_is_not_reached(
    legs: tuple[Call, Call], application: Application, api: RestApi
) -> None:
    told(application, ended(legs[1], 0, Result.BUSY, "p-2"))
    assert carry_out("hang_up").state == Row.State.DONE
    assert api.asked == ["p-1"]


def test_each_leg_is_cut_when_it_runs_beyond_its_limit(
    account: Account, application: Application, api: RestApi
) -> None:
    first, second = legs_of(a_bridge(account))
    told(application, answered(first, "p-1"))
    told(application, answered(second, "p-2"))
    cuts = Row.objects.filter(kind="cut").order_by("id")
    assert list(cuts.values_list("subject", flat=True)) == [first.pk, second.pk]
    for row, leg in zip(cuts, (first, second), strict=True):
        leg.refresh_from_db()
        assert (row.due_at - leg.answered_at).total_seconds() == leg.limit_seconds + 5
    assert carry_out("cut").state == Row.State.DONE
    assert api.asked == ["p-2"]


def test_a_leg_that_ended_in_time_is_not_cut(account: Account, application: Application, api: RestApi) -> None:
    first, _ = legs_of(a_bridge(account))
    told(application, answered(first, "p-1"))
    told(application, ended(first, 9, provider_call_id="p-1"))
    assert carry_out("cut").state == Row.State.DONE
    assert api.asked == []


def test_a_call_that_is_over_is_not_hung_up_again(
    legs: tuple[Call, Call], application: Application, api: RestApi
) -> None:
    first, second = legs
    told(application, ended(second, 0, Result.BUSY, "p-2"))
    told(application, ended(first, 9, provider_call_id="p-1"))
    assert carry_out("hang_up").state == Row.State.DONE
    assert api.asked == []


def test_the_second_is_never_called_when_the_first_does_not_answer(
    account: Account, application: Application, api: RestApi
) -> None:
    first, second = legs_of(a_bridge(account))
    told(application, ended(first, 0, Result.NO_ANSWER, "p-1"))
    assert held(account) > 0
    assert carry_out("hang_up").state == Row.State.DONE
    second.refresh_from_db()
    assert (second.state, api.asked) == (Call.State.ENDED, [])
    assert set(Hold.objects.values_list("state", flat=True)) == {Hold.State.RELEASED}
    assert (balance(account), held(account)) == (Decimal(5), Decimal(0))
    callout = Callout.objects.get(pk=second.callout_id)
    assert (callout.state, callout.detail) == ("failed", "The other one did not answer, so it was not called.")
    assert sorted(CDR.objects.values_list("result", flat=True)) == ["failed", "no_answer"]
    assert books.differences() == {}


def test_the_second_is_not_called_when_the_first_has_hung_up_meanwhile(
    legs: tuple[Call, Call], application: Application, api: RestApi, account: Account
) -> None:
    first, second = legs
    told(application, ended(first, 3, provider_call_id="p-1"))
    row = carry_out("hang_up")
    assert (row.state, row.failures, row.error) == (Row.State.RETRY, 0, "It is being placed just now.")
    assert carry_out("callout").state == Row.State.DEAD
    second.refresh_from_db()
    assert (second.state, api.asked) == (Call.State.ENDED, [])
    assert second.callout.detail == "The other one had hung up before it was called."
    assert carry_out("hang_up").state == Row.State.DONE
    assert held(account) == 0
    assert books.differences() == {}


def test_who_is_called_just_now_is_hung_up_as_soon_as_it_can_be_said_whom(
    legs: tuple[Call, Call], application: Application, api: RestApi
) -> None:
    first, _ = legs
    assert carry_out("callout").state == Row.State.DONE
    told(application, ended(first, 3, provider_call_id="p-1"))
    api.answers = lambda call_id: (400, b'{"errorCode":40003,"message":"It only rings"}')
    row = carry_out("hang_up")
    assert (row.state, row.failures) == (Row.State.RETRY, 1)
    assert "It only rings" in row.error
    api.answers = lambda call_id: (204, b"")
    assert carry_out("hang_up").state == Row.State.DONE
    assert api.asked[1:] == ["p-2", "p-2"]


def test_an_answer_that_was_lost_is_asked_for_again(
    legs: tuple[Call, Call], application: Application, api: RestApi
) -> None:
    told(application, ended(legs[1], 0, Result.BUSY, "p-2"))
    api.answers = lambda call_id: (500, b"")
    assert carry_out("hang_up").state == Row.State.RETRY
    api.answers = lambda call_id: (204, b"")
    assert carry_out("hang_up").state == Row.State.DONE


def test_a_call_that_cannot_be_hung_up_is_tried_for_as_long_as_a_call_can_last_and_then_seen(
    legs: tuple[Call, Call], application: Application, api: RestApi
) -> None:
    first, second = legs
    waits = [HangUpErrand().next_try(failures) for failures in range(1, MOST_TRIES)]
    assert timedelta(hours=3, minutes=50) < sum(filter(None, waits), timedelta(0)) < timedelta(hours=4)
    told(application, ended(second, 0, Result.BUSY, "p-2"))
    Row.objects.filter(kind="hang_up").update(failures=MOST_TRIES - 1)
    api.answers = lambda call_id: (403, b"")
    assert carry_out("hang_up").state == Row.State.DEAD
    first.refresh_from_db()
    assert first.review == "it was to be hung up and could not be"
