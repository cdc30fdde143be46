"""What a callout answers once somebody has picked up."""

from __future__ import annotations

import json
from datetime import datetime
from uuid import UUID

from postgres.statements import ask, tell
from telephony import bridge_legs, calls, ivr, menu_runs
from telephony.calls import KnownCall
from telephony.decisions import Continue, Decision, HangUp, JoinConference
from telephony.events import AnsweringMachine, CallAnswered
from telephony.inbox import Received
from telephony.menu_runs import Run, Version
from telephony.menus import read_menu, say
from telephony.models import Callout

MACHINE = "machine"
HUNG_UP = "hangup"


def answered(received: Received, call: KnownCall) -> Decision:
    """What is said to whoever picked up; the call is locked and rings until now. Marks it as answered."""
    event = received.event
    assert isinstance(event, CallAnswered)  # noqa: S101 - chosen by the event's kind
    row = ask(
        "SELECT c.kind, c.text, c.locale, c.conference_id, c.on_machine, v.id, v.definition::text "
        "FROM telephony_callout c LEFT JOIN telephony_menuversion v ON v.id = c.menu_version_id WHERE c.id = %s",
        [call.callout_id],
    ).row()
    assert row is not None  # noqa: S101 - the call refers to it
    kind, text, locale, conference_id, on_machine, version_id, definition = row
    if event.machine is not None:
        note_machine(call.callout_id, event.machine)
    at = received.received_at
    if kind == Callout.Kind.BRIDGE:
        return bridge_legs.answered(call, conference_id, locale, at)
    is_ours_to_say = on_machine != Callout.OnMachine.IGNORE or not received.application.able.acts_on_orders
    if _goes_unheard(event.machine, on_machine):
        calls.mark_answered(call.id, at)
        return HangUp()
    if kind == Callout.Kind.MENU:
        version = Version(id=version_id, menu=read_menu(json.loads(definition)))
        return _in_menu(call.id, version, text, at)
    calls.mark_answered(call.id, at)
    if kind == Callout.Kind.TEXT and is_ours_to_say:
        return HangUp(say=say(text), locale=locale)
    if kind == Callout.Kind.CONFERENCE and is_ours_to_say:
        return JoinConference(conference_id, say=say(text), locale=locale)
    return Continue()


def note_machine(callout_id: UUID | None, machine: AnsweringMachine) -> None:
    """Keep what answering-machine detection thought."""
    tell("UPDATE telephony_callout SET machine = %s WHERE id = %s", [machine.status.lower()[:20], callout_id])


def note_machine_of(call_id: UUID, machine: AnsweringMachine) -> None:
    """The same for news that comes beside the call: of a callout that is over it changes nothing."""
    tell(
        "UPDATE telephony_callout SET machine = %s WHERE state = 'calling' AND id = "
        "(SELECT callout_id FROM telephony_call WHERE id = %s AND ended_at IS NULL)",
        [machine.status.lower()[:20], call_id],
    )


def _goes_unheard(machine: AnsweringMachine | None, on_machine: str) -> bool:
    status = machine.status.lower() if machine else ""
    return status == HUNG_UP or (status == MACHINE and on_machine == Callout.OnMachine.HANG_UP)


def _in_menu(id: UUID, version: Version, before: str, at: datetime) -> Decision:
    calls.mark_in_menu(id, at)
    run, decision = ivr.first_question(Run(version=version), say(before))
    menu_runs.write(id, run)
    return decision
