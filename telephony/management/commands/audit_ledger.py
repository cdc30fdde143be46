"""Prove the books."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from accounts.command import Outcome, RingfenceCommand
from billing.models import Entry
from telephony.audit import run_audit, worth_a_look


class Command(RingfenceCommand):
    help = "Checks every balance and everything open; with --full all of history and its seals too."

    def arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--full", action="store_true", help="read all of history and verify the seals")

    def perform(self, **options: Any) -> Outcome:
        report = run_audit(full=options["full"])
        look = worth_a_look()
        entries, count = Entry.objects.count(), len(report.differences)
        lines = [f"{rows:>9} {name}" for name, rows in report.checked.items()]
        lines += [f"DIFFERENCE {found.check}: {found.sentence}" for found in report.differences]
        lines += [f"worth a look: {number} {kind}" for kind, number in look.items()]
        return Outcome(
            data={
                "differences": count,
                "checked": report.checked,
                "entries": entries,
                "found": [vars(found) for found in report.differences],
                "worth_a_look": look,
            },
            text="\n".join([*lines, f"ledger: {entries} entries, {count} differences"]),
            failure=f"The books have {count} differences: stop new calls and look at them." if count else "",
        )
