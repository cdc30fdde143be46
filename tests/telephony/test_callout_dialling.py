"""From the promise to the provider's answer, or to none: over real HTTP, with the outbox in between."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Account, CallerNumber
from accounts.registration import suspend
from billing.models import Hold
from outbox import performing, rows
from outbox.errands import Claimed, GivenUp, Lost, Outcome, Refused
from outbox.models import Pause, Row
from postgres.work import in_one_transaction
from telephony import callout_dialling, reconcile
from telephony.callout_dialling import PLACED_WITHIN, SILENT_FOR, CalloutErrand, begin_due, longest_seconds
from telephony.models import CDR, Application, Call, Callout, Payer
from telephony.providers.base import CalloutKind
from tests import books
from tests.builders import an_application, available, balance, held
from tests.telephony.callout_scenes import (
    OWN,
    a_caller,
    a_callout,
    a_survey,
    answered,
    ended,
    promised,
    row_of,
    the_call,
    told,
)
from tests.telephony.rest_api import RestApi, only, serving

pytestmark = pytest.mark.django_db

ERRAND = CalloutErrand()
TAKEN = only(200, json.dumps({"callId": "provider-1"}).encode())


@pytest.fixture
def api() -> Iterator[RestApi]:
    with serving(TAKEN) as api:
        yield api


@pytest.fixture
def application(api: RestApi) -> Application:
    return an_application(base_url=api.url)


@pytest.fixture
def account(application: Application) -> Account:
    return a_caller()


@pytest.fixture(autouse=True)
def _the_books_are_in_order(db: None) -> Iterator[None]:
    yield
    assert books.differences() == {}


def carry_out(*, everything: bool = False) -> None:
    """What the relay and a worker do with what is due; with `everything` also with what is not."""
    if everything:
        Row.objects.exclude(state__in=["done", "dead"]).update(due_at=timezone.now())
    for row_id in in_one_transaction(lambda: rows.lease(timezone.now(), 100)):
        performing.perform(row_id)


def claimed(call: Call, **changes: Any) -> Claimed:
    values = {"doubtful_since": None, **changes}
    return Claimed(id=1, key="", subject=call.pk, payload={}, attempt=1, failures=0, **values)


def prepared(call: Call, now: datetime | None = None, **changes: Any) -> Any:
    return in_one_transaction(lambda: ERRAND.prepare(claimed(call, **changes), now or timezone.now()))


def recorded(call: Call, outcome: Outcome) -> None:
    in_one_transaction(lambda: ERRAND.record(claimed(call), outcome, timezone.now()))


# --- beginning -------------------------------------------------------------------------------------------------------


def test_what_is_due_is_begun_once(account: Account) -> None:
    now = timezone.now()
    due = promised(account)
    later = promised(account, not_before=now + timedelta(hours=1))
    assert begin_due(timezone.now()) == 1
    assert begin_due(timezone.now()) == 0
    due.refresh_from_db()
    later.refresh_from_db()
    assert (due.state, due.attempts, later.state) == (Callout.State.CALLING, 1, Callout.State.WAITING)
    assert begin_due(now + timedelta(hours=2)) == 1
    assert Call.objects.count() == Row.objects.filter(kind="callout").count() == 2


def test_one_that_cannot_begin_keeps_no_other_waiting(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = promised(account), promised(account)
    begin = callout_dialling.begin

    def broken(id: Any, now: datetime) -> Any:
        if id == first.pk:
            raise RuntimeError("a mistake of ours")
        return begin(id, now)

    monkeypatch.setattr(callout_dialling, "begin", broken)
    with pytest.raises(RuntimeError):
        begin_due(timezone.now())
    second.refresh_from_db()
    assert second.state == Callout.State.CALLING


def test_at_night_a_callout_waits_for_the_morning_there(account: Account) -> None:
    noon = datetime(2026, 11, 20, 12, tzinfo=UTC)
    callout = promised(account, now=noon, earliest=time(9), latest=time(20))
    begin_due(datetime(2026, 11, 20, 23, tzinfo=UTC))
    callout.refresh_from_db()
    assert (callout.state, callout.due_at) == (Callout.State.WAITING, datetime(2026, 11, 21, 9, tzinfo=UTC))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"balance": "0.05"}, "The credit was not enough"),
        ({"highest_price_per_minute": Decimal("0.05")}, "above the account's limit"),
    ],
)
def test_what_the_policy_refuses_fails_with_its_sentence(
    application: Application, options: dict[str, Any], words: str
) -> None:
    callout = a_callout(a_caller(**options))
    assert callout.state == Callout.State.FAILED
    assert words in callout.detail
    assert not Hold.objects.exists()


def test_without_a_price_nobody_is_called(account: Account) -> None:
    callout = a_callout(account, destination="+46701740605")
    assert (callout.state, callout.detail) == (Callout.State.FAILED, "There is no price for this destination.")


def test_calls_at_once_are_counted_as_for_other_calls(application: Application) -> None:
    account = a_caller(calls_at_once=2)
    states = [a_callout(account).state for _ in range(3)]
    assert states == ["calling", "calling", "failed"]


def test_an_account_that_was_suspended_since_has_nobody_called(account: Account) -> None:
    callout = promised(account)
    suspend(account)
    begin_due(timezone.now())
    callout.refresh_from_db()
    assert callout.detail == "The account was not active."


def test_a_caller_id_that_was_lost_since_is_not_shown(account: Account) -> None:
    callout = promised(account)
    CallerNumber.objects.all().delete()
    begin_due(timezone.now())
    callout.refresh_from_db()
    assert callout.detail == "The number to be shown is no longer a verified number of the account."


@pytest.mark.parametrize("paid_by", [Payer.ACCOUNT, Payer.HOUSE])
def test_an_application_that_was_switched_off_since_places_nothing(account: Account, paid_by: Payer) -> None:
    Application.objects.update(caller_id=OWN)
    callout = promised(account, paid_by=paid_by)
    Application.objects.update(enabled=False)
    begin_due(timezone.now())
    callout.refresh_from_db()
    assert (callout.state, callout.detail) == (
        Callout.State.FAILED,
        "The application that was to place the call is switched off.",
    )


@pytest.mark.parametrize(
    ("kind", "text", "seconds"),
    [
        ("text", "Hello.", 60),
        ("text", "a" * 300, 90),
        ("text", "a" * 600, 150),
        ("menu", "", 600),
        ("conference", "", 14_400),
    ],
)
def test_a_callout_may_last_as_long_as_makes_sense(kind: str, text: str, seconds: int) -> None:
    assert longest_seconds(kind, text) == seconds


# --- the order -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "kind", "detects"),
    [
        ({}, CalloutKind.SPEAK, False),
        ({"on_machine": Callout.OnMachine.HANG_UP}, CalloutKind.ASK_US, True),
        ({"kind": Callout.Kind.CONFERENCE, "conference_id": "team"}, CalloutKind.CONFERENCE, False),
        ({"kind": Callout.Kind.MENU, "text": "", "menu_version_id": ...}, CalloutKind.ASK_US, False),
        (
            {"kind": Callout.Kind.MENU, "menu_version_id": ..., "on_machine": Callout.OnMachine.SPEAK},
            CalloutKind.ASK_US,
            True,
        ),
    ],
)
def test_the_provider_is_asked_for_what_was_wished(
    account: Account, api: RestApi, changes: dict[str, Any], kind: CalloutKind, detects: bool
) -> None:
    if "menu_version_id" in changes:
        changes = {**changes, "menu_version_id": a_survey()}
    call = the_call(a_callout(account, **changes))
    order = prepared(call).order
    assert (order.kind, order.detects_machine, order.mark) == (kind, detects, f"ringfence-call:{call.pk}")
    assert (order.number, order.caller_id, order.limit_seconds) == (call.destination, OWN, call.limit_seconds)
    carry_out()
    assert api.asked == ["callouts"]
    call.refresh_from_db()
    assert call.provider_call_id == "provider-1"


def test_the_provider_is_told_the_limit_that_is_paid_for(application: Application) -> None:
    account = a_caller(balance="0.30", calls_at_once=1)
    call = the_call(a_callout(account, kind=Callout.Kind.CONFERENCE, conference_id="team"))
    assert (call.limit_seconds, held(account)) == (300, Decimal("0.30"))
    assert prepared(call).order.limit_seconds == 300


def test_nothing_is_asked_twice(account: Account, api: RestApi) -> None:
    call = the_call(a_callout(account))
    carry_out()
    carry_out(everything=True)
    assert prepared(Call.objects.get()) is None
    assert api.asked == ["callouts"]
    assert row_of(call).state == Row.State.DONE


def test_a_call_that_is_over_is_not_placed(account: Account, application: Application, api: RestApi) -> None:
    call = the_call(a_callout(account))
    told(application, ended(call, 20, provider_call_id="provider-1"))
    carry_out(everything=True)
    assert api.asked == []


def test_what_waited_too_long_is_not_placed(account: Account) -> None:
    call = the_call(a_callout(account))
    in_time, too_late = call.begun_at + PLACED_WITHIN, call.begun_at + PLACED_WITHIN + timedelta(seconds=1)
    assert not isinstance(prepared(call, in_time), Refused)
    refused = prepared(call, too_late)
    assert isinstance(refused, Refused)
    recorded(call, refused)
    callout = Callout.objects.get()
    assert (callout.state, callout.result) == (Callout.State.FAILED, "failed")
    assert callout.detail == "It could not be placed in time, so it was not placed at all."
    assert (balance(account), held(account)) == (Decimal(5), Decimal(0))


def test_when_the_hours_are_over_it_is_not_placed(account: Account) -> None:
    noon = datetime(2026, 11, 20, 12, tzinfo=UTC)
    callout = promised(account, now=noon, earliest=time(9), latest=time(12, 5))
    in_one_transaction(lambda: callout_dialling.begin_single(callout.pk, noon))
    call = the_call(callout)
    assert not isinstance(prepared(call, noon + timedelta(minutes=5)), Refused)
    refused = prepared(call, noon + timedelta(minutes=6))
    assert isinstance(refused, Refused)
    assert "hours in which it may be called were over" in refused.why


def test_an_application_switched_off_since_places_nothing_but_may_still_be_waited_for(account: Account) -> None:
    call = the_call(a_callout(account))
    Application.objects.update(enabled=False)
    assert isinstance(prepared(call), Refused)
    assert not isinstance(prepared(call, doubtful_since=timezone.now()), Refused)


# --- what came of it -------------------------------------------------------------------------------------------------


def test_a_refusal_gives_the_money_back_and_the_callout_fails(account: Account, api: RestApi) -> None:
    api.answers = only(403, b'{"errorCode":40300,"message":"Forbidden destination","reference":"r-1"}')
    callout = a_callout(account, most_attempts=3)
    call = the_call(callout)
    carry_out()
    callout.refresh_from_db()
    call.refresh_from_db()
    assert (callout.state, callout.result) == (Callout.State.FAILED, "failed")
    assert "Forbidden destination" in callout.detail
    assert (call.state, row_of(call).state) == (Call.State.ENDED, Row.State.DEAD)
    assert (balance(account), held(account)) == (Decimal(5), Decimal(0))
    record = CDR.objects.get()
    assert (record.result, record.price, record.source) == ("failed", 0, CDR.Source.ASKED)


def test_too_much_at_once_is_nobodys_failure(account: Account, api: RestApi) -> None:
    api.answers = only(429)
    call = the_call(a_callout(account))
    carry_out()
    assert row_of(call).state == Row.State.RETRY
    assert held(account) == Decimal("0.06")
    api.answers = TAKEN
    Pause.objects.all().delete()
    carry_out(everything=True)
    assert row_of(call).state == Row.State.DONE


@pytest.mark.parametrize("answer", [only(500), only(200, b"<html>"), only(200, b"{}"), only(302)])
def test_a_lost_answer_is_never_asked_for_again_and_its_events_tell(
    account: Account, application: Application, api: RestApi, answer: Any
) -> None:
    api.answers = answer
    callout = a_callout(account)
    call = the_call(callout)
    carry_out()
    assert row_of(call).state == Row.State.UNKNOWN
    assert held(account) == Decimal("0.06")
    carry_out(everything=True)
    assert (row_of(call).state, row_of(call).looks) == (Row.State.UNKNOWN, 1)
    assert api.asked == ["callouts"]
    told(application, answered(call, "p-1"))
    assert row_of(call).state == Row.State.DONE
    told(application, ended(call, 20, provider_call_id="p-1"))
    callout.refresh_from_db()
    assert callout.state == Callout.State.DONE
    assert (balance(account), held(account)) == (Decimal("4.94"), Decimal(0))


def lost_for(call: Call, gone: timedelta) -> None:
    """The answer was lost so long ago, and nothing was heard since."""
    Row.objects.filter(subject=call.pk).update(doubtful_since=timezone.now() - gone)
    carry_out(everything=True)


def test_without_any_event_the_money_is_given_back_in_the_end(account: Account, api: RestApi) -> None:
    api.answers = only(500)
    callout = a_callout(account)
    call = the_call(callout)
    carry_out()
    patience = timedelta(seconds=60 + 45 + 120) + SILENT_FOR
    lost_for(call, patience - timedelta(seconds=30))
    assert (row_of(call).state, held(account)) == (Row.State.UNKNOWN, Decimal("0.06"))
    lost_for(call, patience + timedelta(seconds=1))
    callout.refresh_from_db()
    assert row_of(call).state == Row.State.DEAD
    assert (callout.state, callout.detail) == (Callout.State.FAILED, "Nobody could say whether it was placed.")
    assert (Hold.objects.get().state, available(account)) == (Hold.State.EXPIRED, Decimal(5))
    assert (CDR.objects.get().source, CDR.objects.get().price) == (CDR.Source.EXPIRED, 0)


def test_a_hang_up_after_that_is_charged_all_the_same(account: Account, application: Application, api: RestApi) -> None:
    api.answers = only(500)
    call = the_call(a_callout(account))
    carry_out()
    lost_for(call, timedelta(hours=1))
    told(application, ended(call, 20, provider_call_id="p-1"))
    assert balance(account) == Decimal("4.94")
    assert [record.revision for record in CDR.objects.order_by("revision")] == [0, 1]
    assert Callout.objects.get().state == Callout.State.FAILED, "it was told of as failed, once"


def test_calls_without_the_providers_id_are_not_asked_about_and_count_as_no_silence(
    account: Account, api: RestApi
) -> None:
    api.answers = only(500)
    calls = [the_call(a_callout(account)) for _ in range(reconcile.SILENT_AFTER + 1)]
    carry_out()
    placed = list(api.asked)
    done = reconcile.reconcile(calls[-1].begun_at + timedelta(minutes=10))
    assert (done.asked, done.no_answer) == (len(calls), len(calls))
    assert api.asked == placed == ["callouts"] * len(calls)


@pytest.mark.parametrize("first", ["errand", "reconcile"])
def test_of_the_two_that_give_up_one_does(account: Account, api: RestApi, first: str) -> None:
    api.answers = only(500)
    call = the_call(a_callout(account))
    carry_out()
    if first == "errand":
        lost_for(call, timedelta(hours=1))
    reconcile.reconcile(call.begun_at + timedelta(hours=25))
    if first == "reconcile":
        lost_for(call, timedelta(hours=1))
    assert CDR.objects.count() == 1
    assert row_of(call).state == (Row.State.DEAD if first == "errand" else Row.State.DONE)
    assert Hold.objects.get().state == Hold.State.EXPIRED
    assert Callout.objects.get().state == Callout.State.FAILED


def test_what_is_recorded_after_the_end_changes_nothing(account: Account, application: Application) -> None:
    call = the_call(a_callout(account))
    told(application, ended(call, 20, provider_call_id="p-1"))
    for outcome in (Refused("no"), GivenUp("nobody knows"), Lost("late")):
        recorded(call, outcome)
    callout = Callout.objects.get()
    assert (callout.state, callout.detail, CDR.objects.count()) == (Callout.State.DONE, "", 1)


def test_looks_come_ever_more_rarely_and_end_after_a_day() -> None:
    waits = [ERRAND.next_look(looks, timedelta(minutes=1)) for looks in range(10)]
    assert [wait.total_seconds() for wait in waits if wait][:4] == [5, 10, 20, 40]
    assert waits[-1] == timedelta(minutes=5)
    assert ERRAND.next_look(1, timedelta(hours=25)) is None


def test_a_row_about_nothing_of_ours_is_a_mistake_of_ours(account: Account) -> None:
    call = Call(pk="00000000-0000-4000-8000-000000000000")
    with pytest.raises(LookupError):
        prepared(call)
    with pytest.raises(ValueError, match="about its call"):
        prepared(Call(pk=None))
