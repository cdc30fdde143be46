"""Load a rate deck from CSV."""

from __future__ import annotations

from pathlib import Path
from typing import Any, BinaryIO

from django.core.management.base import CommandError, CommandParser

from accounts.command import Outcome, RingfenceCommand
from billing.exceptions import BillingError
from billing.rates import LoadReport, Service, activate, check_deck, load_deck

SHOWN = 20


class Command(RingfenceCommand):
    help = "Loads a rate deck whole or not at all; every bad row is named with its line and reason."
    facts = (BillingError,)

    def arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE.csv", type=Path)
        parser.add_argument("--deck", metavar="NAME", required=True)
        parser.add_argument("--currency", required=True, help="three capital letters, such as USD")
        parser.add_argument(
            "--service",
            choices=Service.values,
            default=Service.CALLS.value,
            help="what it prices; texts and verifications have price_each instead of price_per_minute",
        )
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--check", action="store_true", help="load nothing, only say what would happen")
        what.add_argument("--activate", action="store_true", help="put the deck in force when it is whole")

    def perform(self, **options: Any) -> Outcome:
        path: Path = options["file"]
        try:
            with path.open("rb") as file:
                report = self._read(file, path, options)
        except OSError as error:
            raise CommandError(f"{str(path)!r} cannot be read: {error.strerror}.") from error
        if options["activate"] and report.version:
            activate(report.version)
        failure = ""
        if not report.is_whole:
            failure = f"Nothing was loaded: correct the {len(report.refused)} refused rows and load the file again."
        return Outcome(data=_data(report, options), text=_text(report, options), failure=failure)

    def _read(self, file: BinaryIO, path: Path, options: dict[str, Any]) -> LoadReport:
        name, service = options["deck"], Service(options["service"])
        if options["check"]:
            return check_deck(file, name=name, service=service)
        return load_deck(file, name=name, currency=options["currency"], source=path.name, service=service)


def _data(report: LoadReport, options: dict[str, Any]) -> dict[str, Any]:
    return {
        "deck": options["deck"],
        "service": options["service"],
        "version": report.version.number if report.version else None,
        "active": bool(options["activate"] and report.version),
        "read": report.rows_read,
        "loaded": report.rows_loaded,
        "refused": [{"line": line, "reason": reason} for line, reason in report.refused],
        "difference": {
            "added": report.difference.added,
            "changed": report.difference.changed,
            "removed": report.difference.removed,
            "sample": [vars(change) for change in report.difference.sample],
        },
    }


def _text(report: LoadReport, options: dict[str, Any]) -> str:
    lines = [f"{report.rows_read} rows read, {report.rows_loaded} loaded, {len(report.refused)} refused"]
    lines += [f"  line {line}: {reason}" for line, reason in report.refused[:SHOWN]]
    if len(report.refused) > SHOWN:
        lines.append(f"  ... and {len(report.refused) - SHOWN} more; --json names them all")
    difference = report.difference
    if report.is_whole:
        lines.append(
            f"against the deck in force: {difference.added} added, {difference.changed} changed, "
            f"{difference.removed} removed"
        )
        lines += [f"  {c.prefix}: {c.before or 'none'} -> {c.after or 'none'}" for c in difference.sample]
    if report.version:
        state = "in force" if options["activate"] else "not in force yet: use activate_rates"
        lines.append(f"{options['deck']} #{report.version.number} is {state}")
    return "\n".join(lines)
