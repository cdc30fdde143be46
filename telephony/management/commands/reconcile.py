"""`manage.py reconcile`: ask the providers about calls whose hang-up never came."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from accounts.command import Outcome, RingfenceCommand, moment
from telephony.reconcile import reconcile


class Command(RingfenceCommand):
    help = "Ask the providers about calls that should have ended, and settle what they say."

    def arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--now", type=moment, metavar="ISO-TIME", help="as if it were this time")

    def perform(self, now: datetime | None = None, **options: Any) -> Outcome:
        done = reconcile(now or timezone.now())
        text = (
            f"{done.asked} calls asked about: {done.settled} settled, {done.going_on} still going on, "
            f"{done.no_answer} without an answer, {done.given_up} given up"
        )
        return Outcome(data=asdict(done), text=text)
