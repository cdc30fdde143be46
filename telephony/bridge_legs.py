"""What the two legs of a bridge are to each other: the answer of the first has the second called, an end parts both.

Nobody waits alone in a conference at the account's cost. So the second telephone rings only after somebody has picked
up the first, and whichever leg ends promises, in the transaction that writes its CDR, that the other one is hung up.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from accounts.limits import PLATFORM_LONGEST_CALL_SECONDS
from outbox import rows
from postgres.statements import ask
from telephony import calls
from telephony.callout_marks import KIND as CALLOUT
from telephony.calls import KnownCall
from telephony.decisions import Decision, HangUp, JoinConference
from telephony.prompts import Phrase, phrase

HANG_UP = "hang_up"
CUT = "cut"

# The provider has the limit as well and is to be first, where it keeps to it.
CUT_AFTER = timedelta(seconds=5)

_OTHER = (
    "SELECT other.id, other.ended_at IS NOT NULL, "
    "me.destination = CASE WHEN b.caller_first THEN b.callback_number ELSE b.destination END "
    "FROM telephony_call me JOIN telephony_bridge b ON b.id = me.bridge_id "
    "JOIN telephony_call other ON other.bridge_id = b.id AND other.id <> me.id WHERE me.id = %s"
)


def answered(call: KnownCall, conference_id: str, locale: str, at: datetime) -> Decision:
    """Somebody picked up one leg; its call is locked and rings until now. Marks it as answered.

    Who answers the first leg hears that the other one is being called, and it is. Who answers when the other one has
    hung up meanwhile is let go.
    """
    other_id, is_alone, is_first = _other(call.id)
    calls.mark_answered(call.id, at)
    if is_alone:
        return HangUp()
    # Whether a conference keeps the limit that its call was ordered with is documented nowhere, so we keep it too.
    limit = timedelta(seconds=call.limit_seconds or PLATFORM_LONGEST_CALL_SECONDS)
    rows.put(CUT, f"{CUT}:{call.id}", subject=call.id, due_at=at + limit + CUT_AFTER)
    if not is_first:
        return JoinConference(conference_id, locale=locale)
    rows.put(CALLOUT, f"{CALLOUT}:{other_id}", subject=other_id)
    return JoinConference(conference_id, say=phrase(Phrase.CONNECTING, locale), locale=locale)


def part(call_id: UUID, *, was_answered: bool) -> None:
    """One leg has ended: promise to hang up the other, in the caller's transaction. See `hanging_up`.

    When nobody ever answered this leg, the other one hears so.
    """
    other_id, is_over, _ = _other(call_id)
    if not is_over:
        payload = {"nobody_answered": not was_answered}
        rows.put(HANG_UP, f"{HANG_UP}:{other_id}", subject=other_id, payload=payload)


def _other(call_id: UUID) -> tuple[UUID, bool, bool]:
    """The other leg's call, whether that is over, and whether this leg was to be called first."""
    row = ask(_OTHER, [call_id]).row()
    assert row is not None  # noqa: S101 - a bridge is written with both its calls
    other_id, is_over, is_first = row
    return other_id, is_over, is_first
