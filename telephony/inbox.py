"""What providers send: recorded once with the decision, recognised when it comes again, kept byte for byte."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from uuid import UUID

from psycopg.types.json import Jsonb

from postgres.statements import Answer, ask, tell
from telephony.applications import KnownApplication
from telephony.calls import call_id, called_out
from telephony.decisions import Decision, read_decision, write_decision
from telephony.events import Event
from telephony.models import ReceivedEvent

LONGEST_STEP = 120
Outcome = ReceivedEvent.Outcome


@dataclass(frozen=True, kw_only=True)
class Received:
    """An event on its way through a use case: what it means, whose it is, and the bytes that prove it."""

    event: Event
    application: KnownApplication
    signed_at: datetime
    received_at: datetime
    late: bool
    content_type: str
    body: bytes
    topic: str = ""

    @cached_property
    def call_id(self) -> UUID:
        """The id of the call that the event is about; for news about no call, that of its document.

        A call of ours that a callout placed has the id we gave it, which the provider repeats in every event of it.
        Somebody may have copied it: `callout_marks.attributed` takes it off an event that is about another call.
        """
        return called_out(self.event.custom) or call_id(self.application.id, self.event.document)

    @cached_property
    def step(self) -> str:
        return self.event.step[:LONGEST_STEP]


def recall(received: Received) -> Answer:
    """Look for the decision an equal event got before. See `read_recalled`."""
    return ask(
        "SELECT decision::text FROM telephony_receivedevent "
        "WHERE call_id = %s AND kind = %s AND step = %s AND outcome = 'decided'",
        [received.call_id, received.event.kind.value, received.step],
    )


def read_recalled(answer: Answer) -> Decision | None:
    """The earlier decision, or None when the event is new."""
    row = answer.row()
    return None if row is None else read_decision(json.loads(row[0]))


def record(received: Received, decision: Decision, outcome: Outcome = Outcome.DECIDED, error: str = "") -> None:
    """Keep the event with its decision. Of simultaneous twins the database lets one be `decided`."""
    event = received.event
    tell(
        "INSERT INTO telephony_receivedevent (application_id, call_id, provider_call_id, kind, step, outcome, "
        "decision, error, late, signed_at, received_at, content_type, topic, body) "
        "VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        [
            received.application.id, received.call_id if event.document else None, event.call_id[:255],
            event.kind.value, received.step, outcome.value, Jsonb(write_decision(decision)), error[:4000],
            received.late, received.signed_at, received.received_at, received.content_type[:100], received.topic[:200],
            received.body,
        ],
    )  # fmt: skip


def told_otherwise(received: Received) -> Answer:
    """Look for another story under the id that is all the provider proves. The answer has a row when there is one."""
    return ask(
        "SELECT id FROM telephony_receivedevent "
        "WHERE call_id = %s AND outcome = 'decided' AND (kind, step) <> (%s, %s) LIMIT 1",
        [received.call_id, received.event.kind.value, received.step],
    )
