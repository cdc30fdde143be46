"""`manage.py demo`: the main job, shown on an empty database of its own."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from accounts.command import Outcome, RingfenceCommand
from config import demo, demo_report
from config.demo_work import NotDone
from config.migrating import bring_up_to_date
from config.processes import ProcessEnded


class Command(RingfenceCommand):
    help = "Open accounts, place calls of every kind over real HTTP, and show what they cost and that the books agree."
    facts = (ProcessEnded, NotDone)

    def arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--seed", type=int, default=7, help="the same seed makes the same calls")

    def perform(self, seed: int = 7, **options: Any) -> Outcome:
        bring_up_to_date()
        outcome = demo.play(seed=seed)
        figures = demo_report.as_dict(outcome)
        failure = "" if figures["differences"] == 0 else "The books do not agree: run audit_ledger --full to see where."
        return Outcome(data=figures, text="\n".join(demo_report.lines(outcome, figures)), failure=failure)
