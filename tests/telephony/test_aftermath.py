"""What follows the end of a call: who is told, and whether a callout is called again."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Account
from billing.charging import FREE
from postgres.work import in_one_transaction
from telephony import aftermath, callout_dialling, calls
from telephony.cdrs import Ending
from telephony.events import AnsweringMachine, Result
from telephony.models import CDR, Application, Call, Callout, Payer
from tests.builders import a_deck, an_account, an_application
from tests.telephony.callout_scenes import (
    a_caller,
    a_callout,
    a_placed_call,
    a_survey,
    answered,
    ended,
    promised,
    the_call,
    told,
)
from tests.telephony.received import ended as an_ended_call
from tests.telephony.received import incoming
from webhooks.models import Delivery, Endpoint

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture
def application() -> Application:
    return an_application()


@pytest.fixture
def account(application: Application) -> Account:
    return listening(a_caller())


def listening(account: Account) -> Account:
    """Its systems want to hear of everything."""
    Endpoint.objects.create(account=account, url="https://example.com/hook", secret="whsec_c2l4dGVlbiBieXRlcyBvaw==")
    return account


def heard(event: str) -> list[dict[str, Any]]:
    return [delivery.data for delivery in Delivery.objects.filter(event=event).order_by("number")]


def test_an_account_is_told_that_its_call_was_allowed_and_how_it_ended(application: Application) -> None:
    a_deck({"44": "0.06"})
    listening(an_account(client_user="alice", calls_at_once=1))
    told(application, incoming("one"), NOON)
    told(application, an_ended_call("one", 61), NOON + timedelta(seconds=70))
    (begun,), (over,) = heard("call.started"), heard("call.ended")
    assert begun["call_id"] == over["call_id"]
    assert (begun["destination"], begun["limit_seconds"], begun["callout_id"]) == ("+447700900123", 1800, None)
    assert {name: over[name] for name in ("result", "duration_seconds", "billed_seconds", "revision")} == {
        "result": "answered", "duration_seconds": 61, "billed_seconds": 120, "revision": 0,
    }  # fmt: skip
    assert [over[name] for name in ("currency", "price", "charge", "loss")] == [
        "USD", "0.120000", "0.120000", "0.000000",
    ]  # fmt: skip
    assert (over["begun_at"], over["ended_at"]) == ("2026-11-20T12:00:00Z", "2026-11-20T12:01:10Z")


def test_a_call_whose_beginning_never_reached_us_is_told_of_when_it_is_an_accounts(application: Application) -> None:
    a_deck({"44": "0.06"})
    listening(an_account(client_user="alice"))
    told(application, an_ended_call("one", 61))
    (over,) = heard("call.ended")
    assert (over["charge"], over["caller"]) == ("0.120000", "alice")


def test_a_call_that_was_refused_has_not_begun(application: Application) -> None:
    a_deck({"44": "0.06"})
    listening(an_account(client_user="alice", balance="0.01"))
    told(application, incoming("one"))
    assert heard("call.started") == []


def test_an_ordinary_call_costs_no_look_at_callouts(application: Application) -> None:
    a_deck({"44": "0.06"})
    an_account(client_user="alice")
    told(application, incoming("one"))
    call = calls.read(calls.lock(Call.objects.get().pk))
    assert call is not None
    ending = Ending(duration_seconds=1, result="answered", reason="", cost=None, source=CDR.Source.EVENT)
    asked: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(aftermath, "ask", lambda *_: asked.append("something"))
        aftermath.follow(call, ending, FREE, timezone.now())
    assert asked == []


@pytest.mark.parametrize(
    ("result", "seconds", "state"),
    [
        (Result.ANSWERED, 20, "done"),
        (Result.ANSWERED, 0, "done"),
        (Result.OTHER, 5, "done"),
        (Result.BUSY, 0, "failed"),
        (Result.NO_ANSWER, 0, "failed"),
        (Result.FAILED, 0, "failed"),
        (Result.CANCELLED, 0, "failed"),
        (Result.NONE, 0, "failed"),
    ],
)
def test_a_callout_that_is_called_once_is_over_with_its_call(
    account: Account, application: Application, result: Result, seconds: int, state: str
) -> None:
    callout = a_callout(account, reference="order 7")
    told(application, ended(a_placed_call(callout), seconds, result))
    callout.refresh_from_db()
    assert (callout.state, callout.result) == (state, result.value)
    assert callout.finished_at is not None
    (over,) = heard("callout.ended")
    assert over == {
        "callout_id": str(callout.pk),
        "reference": "order 7",
        "kind": "text",
        "destination": callout.destination,
        "state": state,
        "result": result.value,
        "machine": "",
        "detail": "",
        "attempts": 1,
        "heard": [],
        "call_list_id": None,
    }
    (call_over,) = heard("call.ended")
    assert call_over["callout_id"] == str(callout.pk)


@pytest.mark.parametrize("result", [Result.BUSY, Result.NO_ANSWER])
def test_busy_and_no_answer_are_called_again_until_that_was_enough(
    account: Account, application: Application, result: Result
) -> None:
    callout = a_callout(account, most_attempts=3, retry_seconds=120)
    for attempt in (1, 2):
        now = timezone.now() + timedelta(hours=attempt)
        told(application, ended(a_placed_call(callout, f"p-{attempt}"), 0, result), now)
        callout.refresh_from_db()
        assert (callout.state, callout.attempts, callout.result) == ("waiting", attempt, result.value)
        assert callout.due_at == now + timedelta(seconds=120)
        assert heard("callout.ended") == []
        callout_dialling.begin_due(callout.due_at)
    told(application, ended(a_placed_call(callout, "p-3"), 0, result), timezone.now() + timedelta(hours=3))
    callout.refresh_from_db()
    assert (callout.state, callout.attempts, callout.calls.count()) == ("failed", 3, 3)
    assert len(heard("callout.ended")) == 1


@pytest.mark.parametrize("result", [Result.FAILED, Result.CANCELLED, Result.ANSWERED])
def test_after_any_other_result_nobody_is_called_again(
    account: Account, application: Application, result: Result
) -> None:
    callout = a_callout(account, most_attempts=3)
    told(application, ended(a_placed_call(callout), 0, result))
    callout.refresh_from_db()
    assert callout.finished_at is not None


def test_the_next_call_waits_for_the_day_where_the_callee_is(account: Account, application: Application) -> None:
    evening = datetime(2026, 11, 20, 19, 58, tzinfo=UTC)
    callout = promised(account, now=evening, most_attempts=2, earliest=time(9), latest=time(20))
    in_one_transaction(lambda: callout_dialling.begin_single(callout.pk, evening))
    told(application, ended(a_placed_call(callout), 0, Result.BUSY), evening)
    callout.refresh_from_db()
    assert callout.due_at == datetime(2026, 11, 21, 9, tzinfo=UTC)


def test_where_the_time_zone_is_gone_nobody_is_called_again_and_the_call_settles(
    account: Account, application: Application
) -> None:
    callout = a_callout(account, most_attempts=2)
    Callout.objects.update(earliest=time(9), time_zone="Europe/Atlantis")
    told(application, ended(a_placed_call(callout), 0, Result.BUSY))
    callout.refresh_from_db()
    assert callout.state == Callout.State.FAILED


def test_what_a_menu_heard_and_what_answered_are_told(account: Account, application: Application) -> None:
    changes = {"kind": Callout.Kind.MENU, "text": "", "menu_version_id": a_survey()}
    callout = a_callout(account, on_machine=Callout.OnMachine.SPEAK, **changes)
    call = a_placed_call(callout)
    told(application, answered(call, machine=AnsweringMachine(status="human")))
    call.menu_run.kept = [["well", "yes"]]
    call.menu_run.save()
    told(application, ended(call))
    (over,) = heard("callout.ended")
    assert (over["machine"], over["heard"]) == ("human", [{"question": "well", "value": "yes"}])


def test_a_callout_that_could_not_begin_is_told_of(application: Application) -> None:
    a_callout(listening(a_caller(balance="0.01")))
    (over,) = heard("callout.ended")
    assert (over["state"], over["result"], over["attempts"]) == ("failed", "refused", 0)
    assert over["detail"].startswith("The credit was not enough")


def test_of_what_we_pay_no_call_is_told_but_the_callout(account: Account, application: Application) -> None:
    Application.objects.update(caller_id="+442079460099")
    callout = a_callout(account, paid_by=Payer.HOUSE)
    told(application, ended(a_placed_call(callout)))
    assert heard("call.ended") == heard("call.started") == []
    assert len(heard("callout.ended")) == 1


def test_a_callout_of_nobody_is_told_to_nobody(application: Application) -> None:
    Application.objects.update(caller_id="+442079460099")
    told(application, ended(a_placed_call(a_callout(None, paid_by=Payer.HOUSE))))
    assert Callout.objects.get().state == Callout.State.DONE
    assert not Delivery.objects.exists()


def test_the_end_is_told_once_however_often_it_comes(account: Account, application: Application) -> None:
    call = a_placed_call(a_callout(account))
    for _ in range(3):
        told(application, ended(call))
    assert len(heard("call.ended")) == len(heard("callout.ended")) == 1
    assert the_call(Callout.objects.get()).cdrs.count() == 1
