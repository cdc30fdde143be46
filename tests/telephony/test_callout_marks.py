"""Whose event is it? A mark can be copied, a mark can be missing; neither moves anybody else's money."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from accounts.models import Account
from billing.models import Hold
from outbox.models import Row
from telephony import calls
from telephony.decisions import Continue, Refuse
from telephony.events import CallEnded, Origin, PromptAnswered, PromptKind, Result
from telephony.models import CDR, Application, Call, Callout, ReceivedEvent
from telephony.news import VerificationAsked
from tests import books
from tests.builders import an_account, an_application, balance, held
from tests.telephony.callout_scenes import (
    a_caller,
    a_callout,
    a_placed_call,
    a_survey,
    answered,
    ended,
    row_of,
    the_call,
    told,
)
from tests.telephony.received import incoming

pytestmark = pytest.mark.django_db


@pytest.fixture
def application() -> Application:
    return an_application()


@pytest.fixture
def account(application: Application) -> Account:
    return a_caller()


@pytest.fixture
def call(account: Account) -> Call:
    """Of a callout that has begun; the provider has not said its id yet."""
    return the_call(a_callout(account))


def as_it_was(call: Call) -> bool:
    now = Call.objects.get(pk=call.pk)
    return (now.state, now.provider_call_id, now.ended_at) == (Call.State.AUTHORISED, "", None)


def test_the_first_event_with_our_mark_proves_that_the_call_was_placed(call: Call, application: Application) -> None:
    assert told(application, answered(call, "p-1")) == Continue()
    call.refresh_from_db()
    assert (call.provider_call_id, call.state) == ("p-1", Call.State.ANSWERED)
    assert row_of(call).state == Row.State.DONE
    told(application, ended(call, 20))
    assert CDR.objects.get().call == call
    assert Call.objects.count() == 1


def test_a_hang_up_alone_is_enough_to_settle(call: Call, application: Application, account: Account) -> None:
    told(application, ended(call, 20, provider_call_id="p-1"))
    assert (balance(account), held(account)) == (Decimal("4.94"), Decimal(0))
    assert row_of(call).state == Row.State.DONE
    assert Callout.objects.get().state == Callout.State.DONE


def test_an_event_of_another_application_touches_nothing(call: Call, account: Account) -> None:
    told(an_application(), ended(call, 50, provider_call_id="p-1"))
    assert as_it_was(call)
    assert row_of(call).state == Row.State.READY
    assert held(account) == Decimal("0.06")
    stranger = Call.objects.exclude(pk=call.pk).get()
    assert (stranger.callout, stranger.account, stranger.provider_call_id) == (None, None, "p-1")


@pytest.mark.parametrize("origin", [Origin.APP, Origin.SERVER, Origin.PHONE])
def test_nobody_begins_a_call_by_our_mark(call: Call, application: Application, origin: Origin) -> None:
    an_account(client_user="alice", balance="1.00")
    user = "alice" if origin is Origin.APP else ""
    told(application, incoming("app-1", custom=calls.mark_of_callout(call.pk), origin=origin, client_user=user))
    assert as_it_was(call)
    assert row_of(call).state == Row.State.READY
    assert Call.objects.filter(pk=calls.call_id(application.pk, "app-1")).exists()


def test_an_apps_user_who_copied_a_mark_pays_for_their_own_call_alone(
    call: Call, application: Application, account: Account
) -> None:
    alice = an_account(client_user="alice", balance="1.00", calls_at_once=1)
    mark = calls.mark_of_callout(call.pk)
    told(application, incoming("app-1", custom=mark))
    # Whether the platform names the user in these events is not certain, so without the name as well.
    told(application, answered(call, "app-1", custom=mark))
    told(application, ended(call, 61, provider_call_id="app-1", custom=mark))
    assert as_it_was(call)
    assert row_of(call).state == Row.State.READY
    assert (balance(alice), held(alice)) == (Decimal("0.88"), Decimal(0))
    assert (balance(account), held(account)) == (Decimal(5), Decimal("0.06"))
    assert books.differences() == {}


def test_a_hang_up_that_names_an_apps_user_is_none_of_ours(
    call: Call, application: Application, account: Account
) -> None:
    an_account(client_user="alice")
    told(application, ended(call, 61, provider_call_id="app-1", client_user="alice"))
    assert as_it_was(call)
    assert held(account) == Decimal("0.06")


def test_once_the_provider_told_its_id_no_other_call_is_believed(account: Account, application: Application) -> None:
    call = a_placed_call(a_callout(account), "p-1")
    told(application, ended(call, 50, provider_call_id="p-2"))
    assert Call.objects.get(pk=call.pk).state == Call.State.AUTHORISED
    assert held(account) == Decimal("0.06")
    told(application, ended(call, 20, provider_call_id="p-1"))
    assert (balance(account), held(account)) == (Decimal("4.94"), Decimal(0))


def test_a_mark_of_no_call_is_no_mark(application: Application, call: Call) -> None:
    for custom in ("ringfence-call:00000000-0000-4000-8000-000000000000", "ringfence-call:", "ringfence-call:x"):
        told(application, CallEnded(call_id=f"of {custom}", custom=custom, result=Result.BUSY, duration_seconds=0))
    assert as_it_was(call)
    assert Call.objects.count() == 4


def test_a_mark_of_a_call_that_is_no_callouts_is_no_mark(application: Application, account: Account) -> None:
    an_account(client_user="alice", balance="1.00")
    told(application, incoming("one"))
    call = Call.objects.get()
    told(application, ended(call, 30, provider_call_id="two"))
    assert Call.objects.get(pk=call.pk).state == Call.State.AUTHORISED


def test_other_news_with_a_mark_is_not_kept_under_the_call(call: Call, application: Application) -> None:
    told(application, VerificationAsked(call_id="", verification_id="v-1", custom=calls.mark_of_callout(call.pk)))
    assert not ReceivedEvent.objects.filter(call_id=call.pk).exists()


@pytest.mark.parametrize("custom", ["", "the customer's own words"])
def test_an_event_without_our_mark_is_found_by_the_providers_id(
    account: Account, application: Application, custom: str
) -> None:
    call = a_placed_call(a_callout(account), "p-1")
    told(application, answered(call, custom=custom))
    told(application, ended(call, 20, custom=custom))
    assert (balance(account), held(account)) == (Decimal("4.94"), Decimal(0))
    assert Callout.objects.get().state == Callout.State.DONE
    assert Call.objects.count() == 1


def test_keys_without_our_mark_are_found_by_the_providers_id(account: Account, application: Application) -> None:
    callout = a_callout(account, kind=Callout.Kind.MENU, text="", menu_version_id=a_survey())
    call = a_placed_call(callout)
    told(application, answered(call))
    keys = PromptAnswered(call_id="provider-1", menu_id="main", prompt_kind=PromptKind.RETURN, value="1")
    assert not isinstance(told(application, keys), Refuse)
    assert Call.objects.get().menu_run.kept == [["well", "yes"]]


def test_another_application_finds_no_callout_by_the_providers_id(account: Account) -> None:
    call = a_placed_call(a_callout(account), "p-1")
    told(an_application(), ended(call, 20, custom=""))
    assert Call.objects.get(pk=call.pk).state == Call.State.AUTHORISED


def test_the_same_hang_up_with_and_without_the_mark_settles_once(account: Account, application: Application) -> None:
    call = a_placed_call(a_callout(account))
    for custom in (calls.mark_of_callout(call.pk), ""):
        told(application, ended(call, 20, custom=custom))
    assert balance(account) == Decimal("4.94")
    assert CDR.objects.count() == Hold.objects.count() == 1


def test_an_event_without_a_mark_costs_no_statement_for_it(
    account: Account, application: Application, django_assert_num_queries: Any
) -> None:
    from telephony.callout_marks import attributed
    from tests.telephony.received import received

    an_event = received(incoming("one", custom="ringfence"), application)
    with django_assert_num_queries(0):
        assert attributed(an_event) is an_event
