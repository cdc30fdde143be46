"""Callouts are promised once, placed at once when they are due, and called off while they wait."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django.utils import timezone

from accounts.models import Account
from billing.models import Hold
from outbox.models import Row
from postgres.work import in_one_transaction
from telephony import call_lists, callouts
from telephony.callouts import CalloutRefused
from telephony.models import Application, Call, Callout, Payer
from tests.builders import an_application, available, held
from tests.telephony.callout_scenes import OWN, a_caller, a_callout, promised, row_of, the_call
from tests.telephony.test_call_lists import a_list

pytestmark = pytest.mark.django_db


@pytest.fixture
def application() -> Application:
    return an_application()


@pytest.fixture
def account(application: Application) -> Account:
    return a_caller()


def test_a_promise_waits_and_holds_nothing(account: Account, application: Application) -> None:
    callout = promised(account, destination="+44 7700 900123", text=" Your  table\nis ready. ", made_by="desk")
    assert (callout.state, callout.attempts, callout.application) == (Callout.State.WAITING, 0, application)
    assert (callout.destination, callout.caller_id, callout.text) == ("+447700900123", OWN, "Your table is ready.")
    assert not Call.objects.exists()
    assert held(account) == 0


def test_a_placed_callout_has_a_call_a_hold_and_an_errand(account: Account, application: Application) -> None:
    callout = a_callout(account)
    assert (callout.state, callout.attempts) == (Callout.State.CALLING, 1)
    call = the_call(callout)
    assert (call.state, call.account, call.application) == (Call.State.AUTHORISED, account, application)
    assert (call.destination, call.caller, call.shown_caller_id) == (callout.destination, OWN, OWN)
    assert (call.provider_call_id, call.limit_seconds) == ("", 60)
    hold = Hold.objects.get()
    assert (hold.subject, hold.amount, hold.state) == (call.pk, Decimal("0.06"), Hold.State.OPEN)
    assert (hold.expires_at - call.begun_at).total_seconds() == 60 + 45 + 120
    row = row_of(call)
    assert (row.key, row.kind, row.state) == (f"callout:{call.pk}", "callout", Row.State.READY)


def test_a_callout_for_later_is_not_begun(account: Account) -> None:
    callout = a_callout(account, not_before=timezone.now() + timedelta(hours=1))
    assert (callout.state, callout.attempts) == (Callout.State.WAITING, 0)
    assert not Call.objects.exists()


def test_the_same_reference_counts_once(account: Account) -> None:
    first = a_callout(account, reference="order 7")
    assert a_callout(account, reference="order 7", text="Something else.") == first
    assert Call.objects.count() == Callout.objects.count() == 1
    assert a_callout(a_caller(numbers=["+442079460002"]), reference="order 7") != first
    assert a_callout(account, reference="") != a_callout(account, reference="")


def test_a_reference_under_which_another_number_was_called_is_refused(account: Account) -> None:
    a_callout(account, reference="order 7")
    with pytest.raises(CalloutRefused, match="belongs to a callout of another number") as refused:
        a_callout(account, reference="order 7", destination="+447700900456")
    assert refused.value.field == "reference"
    assert (Callout.objects.count(), Call.objects.count()) == (1, 1)


def test_what_cannot_begin_has_failed_and_says_why(application: Application) -> None:
    account = a_caller(balance="0.05")
    callout = a_callout(account)
    assert (callout.state, callout.attempts, callout.result) == (Callout.State.FAILED, 0, "refused")
    assert callout.detail == ("The credit was not enough to begin this call. 0.06 USD needed to begin, 0.05 available.")
    assert callout.finished_at is not None
    assert not Call.objects.exists()
    assert not Row.objects.exists()
    assert available(account) == Decimal("0.05")


def test_what_we_pay_holds_nothing_is_short_and_is_no_call_of_the_account(account: Account) -> None:
    Application.objects.update(caller_id="+442079460099")
    callout = a_callout(account, paid_by=Payer.HOUSE, purpose=Callout.Purpose.ALERT, text="Low. " * 100)
    call = the_call(callout)
    assert (call.account, call.limit_seconds, call.caller) == (None, 120, "+442079460099")
    assert callout.account == account
    assert not Hold.objects.exists()
    assert a_callout(None, paid_by=Payer.HOUSE).state == Callout.State.CALLING


def test_a_waiting_callout_is_called_off_once(account: Account) -> None:
    callout, now = promised(account), timezone.now()
    in_one_transaction(lambda: callouts.cancel(callout.pk, now))
    callout.refresh_from_db()
    assert (callout.state, callout.finished_at) == (Callout.State.CANCELLED, now)
    with pytest.raises(CalloutRefused, match="over already"):
        in_one_transaction(lambda: callouts.cancel(callout.pk, now))


def test_a_callout_that_is_being_called_is_not_called_off(account: Account) -> None:
    callout = a_callout(account)
    with pytest.raises(CalloutRefused, match="hang up its call"):
        in_one_transaction(lambda: callouts.cancel(callout.pk, timezone.now()))
    callout.refresh_from_db()
    assert callout.state == Callout.State.CALLING


def test_a_callout_that_is_none_is_not_called_off(account: Account) -> None:
    with pytest.raises(CalloutRefused, match="no such callout"):
        in_one_transaction(lambda: callouts.cancel(uuid4(), timezone.now()))


def test_a_reference_that_a_list_has_is_not_called_beside_its_pace(account: Account) -> None:
    one = a_list(account, "number,reference\n+447700900101,order 7\n")
    call_lists.pause(one.pk, "a colleague")
    listed = one.callouts.get()
    assert a_callout(account, reference="order 7", destination="+447700900101") == listed
    listed.refresh_from_db()
    assert (listed.state, Call.objects.count(), held(account)) == (Callout.State.WAITING, 0, 0)
