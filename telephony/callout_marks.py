"""Whose event is it? A callout travels with a mark of ours, which the provider repeats in every event of it.

A mark can be copied, so it is believed only where application and the provider's id of the call agree; and it can be
missing, so the provider's id leads to the callout as well.
"""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import structlog

from outbox import rows
from postgres.statements import ask
from telephony import calls
from telephony.calls import call_id, called_out, mark_of_callout
from telephony.events import EventKind
from telephony.inbox import Received

log = structlog.get_logger(__name__)

KIND = "callout"

# What a callout's events are. Nobody begins a call by our mark: a callout is begun by us.
_ABOUT_A_CALLOUT = frozenset({EventKind.ANSWERED, EventKind.PROMPT, EventKind.ENDED, EventKind.NOTIFIED})


def attributed(received: Received) -> Received:
    """The event, without our mark when it is about another call than the mark says. In the caller's transaction.

    The first event of a callout also proves that it was placed, whatever became of the provider's answer: its errand is
    done then. An event without a mark of ours costs nothing here.
    """
    marked = called_out(received.event.custom)
    if marked is None:
        return received
    if not _is_about(received, marked):
        log.error("mark_of_another_call", call=str(marked), provider_call=received.event.call_id)
        return replace(received, event=replace(received.event, custom=""))
    return received


def found_by_provider_id(received: Received) -> Received | None:
    """The event of a call nobody has heard of, with the mark of the callout that has the provider's id; else None."""
    if called_out(received.event.custom) is not None or not received.event.call_id:
        return None
    row = ask(
        "SELECT id FROM telephony_call WHERE provider_call_id = %s AND callout_id IS NOT NULL AND application_id = %s",
        [received.event.call_id[:255], received.application.id],
    ).row()
    if row is None:
        return None
    return replace(received, event=replace(received.event, custom=mark_of_callout(row[0])))


def _is_about(received: Received, marked: UUID) -> bool:
    event, application_id = received.event, received.application.id
    if event.kind not in _ABOUT_A_CALLOUT or event.client_user:
        return False
    row = ask(
        "SELECT application_id, provider_call_id, EXISTS (SELECT FROM telephony_call WHERE id = %s) "
        "FROM telephony_call WHERE id = %s AND callout_id IS NOT NULL",
        [call_id(application_id, event.document), marked],
    ).row()
    if row is None or row[0] != application_id:
        return False
    _, known_as, is_heard_of = row
    if known_as:
        return bool(known_as == event.call_id[:255])
    if is_heard_of or not event.call_id:
        return False  # somebody else began this call, and told us so
    # The row before the call, as when the provider's answer is recorded: the two may meet.
    rows.finish_for(marked, KIND, received.received_at)
    calls.adopt(marked, event.call_id)
    return True
