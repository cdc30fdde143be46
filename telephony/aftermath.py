"""What follows the end of a call, in the transaction that wrote its CDR: who is told, and what is done next.

An ordinary call waits for nothing here: its account's systems are told in a statement that asks nothing. Only the end
of a call that a callout was placed for reads the callout, and decides whether it is called again.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from billing.charging import Settlement
from postgres.statements import ask, tell
from telephony import bridge_legs
from telephony.callout_checks import next_moment
from telephony.calls import KnownCall, NewCall
from telephony.cdrs import Ending
from telephony.events import Result
from telephony.models import Callout
from webhooks.models import EventType
from webhooks.telling import announce

# Nobody was there to hear it: calling again may help.
_WORTH_ANOTHER_TRY = frozenset({Result.BUSY.value, Result.NO_ANSWER.value})

_READ = (
    "SELECT c.id, c.account_id, c.reference, c.kind, c.destination, c.attempts, c.most_attempts, c.retry_seconds, "
    "c.earliest, c.latest, c.time_zone, c.machine, c.on_machine, c.detail, c.call_list_id, run.kept::text "
    "FROM telephony_callout c LEFT JOIN telephony_menurun run ON run.call_id = %s "
    "WHERE c.id = %s AND c.state = %s FOR NO KEY UPDATE OF c"
)


@dataclass(frozen=True, kw_only=True)
class GoingOn:
    """A callout whose state changes now, locked. `heard` is what its menu kept in the call that just ended."""

    id: UUID
    account_id: int | None
    reference: str
    kind: str
    destination: str
    attempts: int
    most_attempts: int
    retry_seconds: int
    earliest: time | None
    latest: time | None
    time_zone: str
    machine: str
    on_machine: str
    detail: str
    call_list_id: int | None
    heard: list[list[str]]


def follow(call: KnownCall, ending: Ending, settlement: Settlement, at: datetime) -> None:
    """A call we know has ended: its account's systems are told, and the callout it was placed for goes on."""
    tell_ended(call, ending, settlement, at, 0 if call.settled_revision is None else call.settled_revision + 1)
    if call.callout_id is not None:
        _go_on(call.callout_id, call.id, ending, at)


def tell_ended(
    call: KnownCall | NewCall, ending: Ending, settlement: Settlement, at: datetime, revision: int = 0
) -> None:
    """Tell the systems of the call's account, if it has one, of its end, with what its CDR says. Waits for nothing."""
    if call.account_id is None:
        return
    announce(
        call.account_id,
        EventType.CALL_ENDED,
        {
            "call_id": call.id,
            "callout_id": call.callout_id,
            "caller": call.caller,
            "destination": call.destination,
            "begun_at": call.begun_at,
            "ended_at": at,
            "result": ending.result,
            "reason": ending.reason,
            "duration_seconds": ending.duration_seconds,
            "billed_seconds": settlement.billed_seconds,
            "currency": settlement.currency,
            "price": settlement.price,
            "charge": settlement.charge,
            "loss": settlement.loss,
            "revision": revision,
        },
        at,
    )


def lock(callout_id: UUID, state: Callout.State, call_id: UUID | None = None) -> GoingOn | None:
    """Lock a callout that is in this state; None when it is in another."""
    row = ask(_READ, [call_id, callout_id, state.value]).row()
    if row is None:
        return None
    *values, kept = row
    names = list(GoingOn.__dataclass_fields__)
    return GoingOn(**dict(zip(names, [*values, json.loads(kept) if kept else []], strict=True)))


def finish(callout: GoingOn, state: Callout.State, result: str, detail: str, at: datetime) -> None:
    """A callout comes to its end, and its account's systems are told."""
    tell(
        "UPDATE telephony_callout SET state = %s, result = %s, detail = %s, heard = %s, finished_at = %s WHERE id = %s",
        [state.value, result, detail[:255], Jsonb(callout.heard), at, callout.id],
    )
    if callout.account_id is not None:
        announce(callout.account_id, EventType.CALLOUT_ENDED, _told(callout, state, result, detail), at)


def _told(callout: GoingOn, state: Callout.State, result: str, detail: str) -> dict[str, Any]:
    return {
        "callout_id": callout.id,
        "reference": callout.reference,
        "kind": callout.kind,
        "destination": callout.destination,
        "state": state.value,
        "result": result,
        "machine": callout.machine,
        "detail": detail,
        "attempts": callout.attempts,
        "heard": [{"question": name, "value": value} for name, value in callout.heard],
        "call_list_id": callout.call_list_id,
    }


def _go_on(callout_id: UUID, call_id: UUID, ending: Ending, at: datetime) -> None:
    callout = lock(callout_id, Callout.State.CALLING, call_id)
    if callout is None:
        return
    if ending.result in _WORTH_ANOTHER_TRY and callout.attempts < callout.most_attempts:
        again_at = _again_at(callout, at)
        if again_at is not None:
            tell(
                "UPDATE telephony_callout SET state = 'waiting', result = %s, due_at = %s WHERE id = %s",
                [ending.result, again_at, callout.id],
            )
            return
    was_answered = ending.result == Result.ANSWERED.value or ending.duration_seconds > 0
    if callout.kind == Callout.Kind.BRIDGE:
        bridge_legs.part(call_id, was_answered=was_answered)
    detail = callout.detail
    if was_answered and callout.machine == "machine" and callout.on_machine == Callout.OnMachine.HANG_UP:
        detail = "A machine answered, so nothing was said."
    finish(callout, Callout.State.DONE if was_answered else Callout.State.FAILED, ending.result, detail, at)


def _again_at(callout: GoingOn, at: datetime) -> datetime | None:
    """When it may be called again: after its wait, in the callee's day."""
    again_at = at + timedelta(seconds=callout.retry_seconds)
    return next_moment(callout.destination, callout.time_zone, callout.earliest, callout.latest, again_at)
