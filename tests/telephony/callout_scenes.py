"""Callouts in every state, made by the same code that makes them in production."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils import timezone

from accounts.models import Account
from outbox.models import Row
from postgres.work import in_one_transaction
from telephony import callouts, calls, control
from telephony.callouts import NewCallout
from telephony.events import CallAnswered, CallEnded, Event, Result
from telephony.inbox import Received
from telephony.menus import Action, Digits, Keys, Question, say
from telephony.models import Application, Call, Callout
from tests.builders import a_deck, a_menu, an_account
from tests.telephony.received import known

CALLEE = "+447700900123"
OWN = "+442079460001"
SURVEY = (
    Question(
        "well",
        say("Are you well? For yes press 1, for no 2."),
        Keys({"1": Action.give_back("yes", "when"), "2": Action.goto("when")}),
    ),
    Question("when", say("Since when? Enter the year."), Digits(4)),
)


def a_caller(**options: Any) -> Account:
    """A verified account with a number of its own, five dollars, and a price for the United Kingdom."""
    a_deck({"44": "0.06"})
    values = {"verified": True, "numbers": [OWN], "calls_at_once": 5, **options}
    return an_account(**values)


def a_new_callout(account: Account | None, **changes: Any) -> NewCallout:
    """Somebody is to be told that their table is ready; `changes` are fields of `NewCallout`."""
    values = {
        "account_id": account.pk if account else None,
        "destination": CALLEE,
        "kind": Callout.Kind.TEXT,
        "text": "Your table is ready.",
        **changes,
    }
    return NewCallout(**values)


def a_callout(account: Account | None, **changes: Any) -> Callout:
    """Placed: its first call has begun when it was due at once."""
    return callouts.place(a_new_callout(account, **changes))


def promised(account: Account | None, *, now: datetime | None = None, **changes: Any) -> Callout:
    """Written down, and not begun."""
    new = a_new_callout(account, **changes)
    return Callout.objects.get(pk=in_one_transaction(lambda: callouts.promise(new, now or timezone.now())))


def a_survey() -> int:
    """A menu that a callout can play: its version's id."""
    return a_menu(SURVEY).versions.get().pk


def the_call(callout: Callout) -> Call:
    """The newest call of a callout."""
    return callout.calls.order_by("-begun_at")[0]


def row_of(call: Call) -> Row:
    """The errand of a call."""
    return Row.objects.get(subject=call.pk, kind="callout")


def told(application: Application, event: Event, at: datetime | None = None) -> Any:
    """The provider tells something about one of our calls; what we answer."""
    now = at or timezone.now()
    return control.decide(
        Received(
            event=event,
            application=known(application),
            signed_at=now,
            received_at=now,
            late=False,
            content_type="application/json",
            body=b"{}",
        )
    )


def answered(call: Call, provider_call_id: str = "", **changes: Any) -> CallAnswered:
    """Somebody picked up."""
    values = {"custom": calls.mark_of_callout(call.pk), **changes}
    return CallAnswered(call_id=provider_call_id or call.provider_call_id, **values)


def ended(
    call: Call,
    duration_seconds: int | None = 20,
    result: Result = Result.ANSWERED,
    provider_call_id: str = "",
    **changes: Any,
) -> CallEnded:
    """The call is over."""
    values = {"custom": calls.mark_of_callout(call.pk), **changes}
    return CallEnded(
        call_id=provider_call_id or call.provider_call_id, duration_seconds=duration_seconds, result=result, **values
    )


def a_placed_call(callout: Callout, provider_call_id: str = "provider-1") -> Call:
    """The newest call, of which the provider told its id."""
    call = the_call(callout)
    calls.adopt(call.pk, provider_call_id)
    call.refresh_from_db()
    return call
