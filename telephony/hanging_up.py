"""Hang up a leg of a bridge that was left alone or has lasted too long: the provider is asked until the call is over.

A provider takes no command for a telephone that only rings. Then the errand asks again, and whoever picks up meanwhile
is let go by the answer to that (`bridge_legs.answered`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from accounts.limits import PLATFORM_LONGEST_CALL_SECONDS
from outbox.errands import Absent, Claimed, GivenUp, Outcome, Refused, TryAgain
from postgres.statements import ask
from telephony import applications, callout_dialling, calls
from telephony.bridge_legs import HANG_UP
from telephony.callout_marks import KIND as CALLOUT
from telephony.decisions import HangUp
from telephony.prompts import Phrase, phrase
from telephony.providers.base import Access
from telephony.registry import voice
from telephony.sending import outcome_of

WHILE_BEING_PLACED_SECONDS = 3.0
LONGEST_WAIT_SECONDS = 60

# No call lasts longer, so after that there is nothing left to hang up.
MOST_TRIES = PLATFORM_LONGEST_CALL_SECONDS // LONGEST_WAIT_SECONDS

NEVER_CALLED = "The other one did not answer, so it was not called."

_CALL = (
    "SELECT call.application_id, call.provider_call_id, call.ended_at IS NOT NULL, c.locale, "
    "EXISTS (SELECT FROM outbox_row r WHERE r.subject = call.id AND r.kind = %s) "
    "FROM telephony_call call JOIN telephony_callout c ON c.id = call.callout_id WHERE call.id = %s"
)


@dataclass(frozen=True, kw_only=True)
class _Order:
    """Which call the provider is to end, and how."""

    provider: str
    access: Access
    provider_call_id: str
    decision: HangUp


class HangUpErrand:
    """Have a call hung up. One that is over already is not hung up again, so doing it twice does no harm."""

    is_repeatable = True
    is_urgent = True

    def __init__(self, kind: str = HANG_UP) -> None:
        self.kind = kind

    def prepare(self, row: Claimed, now: datetime) -> _Order | TryAgain | None:
        """The order; None when the call is over, which one that was never to be placed is from now on."""
        call_id = _call_id(row)
        found = ask(_CALL, [CALLOUT, call_id]).row()
        if found is None:
            raise LookupError("there is no such call of a callout")
        application_id, provider_call_id, is_over, locale, is_to_be_placed = found
        if is_over:
            return None
        if not provider_call_id and not is_to_be_placed:
            callout_dialling.end_unplaced(call_id, NEVER_CALLED, now)
            return None
        if not provider_call_id:
            return TryAgain("It is being placed just now.", after_seconds=WHILE_BEING_PLACED_SECONDS)
        reached = applications.read_access(applications.find_access(application_id))
        say = phrase(Phrase.NOT_REACHED, locale) if row.payload.get("nobody_answered") is True else ()
        return _Order(
            provider=reached.provider,
            access=reached.access,
            provider_call_id=provider_call_id,
            decision=HangUp(say=say, locale=locale),
        )

    def act(self, prepared: _Order) -> Outcome:
        """Tell the provider once. What it refuses now it may do when the telephone has stopped ringing."""
        access = prepared.access
        outcome = outcome_of(
            lambda: voice(prepared.provider).manage(
                access.base_url, access.key, access.secret, prepared.provider_call_id, prepared.decision
            )
        )
        return TryAgain(outcome.why) if isinstance(outcome, Refused) else outcome

    def look_up(self, prepared: _Order) -> Outcome:
        """A call that is not over was not hung up, as far as we know."""
        return Absent("The call is not over.")

    def record(self, row: Claimed, outcome: Outcome, now: datetime) -> None:
        """The end of the call is told by its own hang-up; only that it could not be had is written down here."""
        if isinstance(outcome, Refused | GivenUp):
            calls.mark_for_review(_call_id(row), "it was to be hung up and could not be")

    def next_try(self, failures: int) -> timedelta | None:
        """Soon, then every minute for as long as a call can last."""
        return None if failures >= MOST_TRIES else timedelta(seconds=min(2**failures, LONGEST_WAIT_SECONDS))

    def next_look(self, looks: int, doubtful_for: timedelta) -> timedelta | None:
        """At once: telling the provider again does no harm."""
        return timedelta(0)


def _call_id(row: Claimed) -> UUID:
    if row.subject is None:
        raise ValueError("hanging up is about a call")
    return row.subject
