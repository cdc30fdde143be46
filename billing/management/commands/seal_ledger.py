"""Seal the finished days of the ledger."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from accounts.command import Outcome, RingfenceCommand, argument
from billing.exceptions import BillingError
from billing.seals import last_finished_day, seal_days


class Command(RingfenceCommand):
    help = "Hashes every finished day of the ledger onto the day before; audit_ledger --full verifies them."
    facts = (BillingError,)

    def arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--until", type=argument(_day), metavar="DATE", help="default: the last finished day")

    def perform(self, **options: Any) -> Outcome:
        seals = seal_days(options["until"] or last_finished_day(timezone.now()))
        sealed = [
            {"day": seal.day.isoformat(), "postings": seal.posting_count, "digest": bytes(seal.digest).hex()}
            for seal in seals
        ]
        lines = [f"{seal['day']} {seal['digest']} {seal['postings']} postings" for seal in sealed]
        return Outcome(data={"sealed": sealed}, text="\n".join([*lines, f"{len(sealed)} days sealed"]))


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a day such as 2026-01-31") from None
