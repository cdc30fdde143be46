"""`manage.py replay EVENT-ID`: decide a received event again, from its stored bytes."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from accounts.command import Outcome, RingfenceCommand
from telephony.decisions import write_decision
from telephony.replay import CannotReplay, replay


class Command(RingfenceCommand):
    help = "Decide a received event again from its stored bytes: after a failure, or to see that nothing changes."
    facts = (CannotReplay,)

    def arguments(self, parser: CommandParser) -> None:
        parser.add_argument("event_id", type=int, metavar="EVENT-ID")

    def perform(self, event_id: int = 0, **options: Any) -> Outcome:
        decision = write_decision(replay(event_id))
        return Outcome(data={"event_id": event_id, **decision}, text=f"event {event_id}: {decision['decision']}")
