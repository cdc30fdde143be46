"""Load numbers to be called from CSV."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from accounts.command import Outcome, RingfenceCommand, positive_number
from accounts.registration import find_account
from telephony import call_lists
from telephony.call_lists import CallListError, LoadReport, NewCallList
from telephony.callouts import CalloutRefused
from telephony.management.callout_wishes import add_wishes, wished

SHOWN = 20


class Command(RingfenceCommand):
    help = "Loads a call list whole or not at all; every bad row is named with its line and reason."
    facts = (CallListError, CalloutRefused)

    def arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE.csv", type=Path)
        parser.add_argument("--account", required=True, help="its name")
        parser.add_argument("--name", required=True, help="how the list is called")
        parser.add_argument("--at-once", type=positive_number, default=2, help="calls at the same time, at most")
        parser.add_argument("--per-minute", type=positive_number, default=30, help="calls begun in a minute, at most")
        add_wishes(parser)

    def perform(self, **options: Any) -> Outcome:
        new = NewCallList(
            name=options["name"],
            callout=wished(find_account(options["account"]).pk, options),
            at_once=options["at_once"],
            per_minute=options["per_minute"],
        )
        path: Path = options["file"]
        try:
            with path.open("rb") as file:
                report = call_lists.load(file, new)
        except OSError as error:
            raise CommandError(f"{str(path)!r} cannot be read: {error.strerror}.") from error
        failure = ""
        if report.refused:
            failure = f"Nothing was loaded: correct the {len(report.refused)} refused rows and load the file again."
        return Outcome(data=_data(report), text=_text(report), failure=failure)


def _data(report: LoadReport) -> dict[str, Any]:
    return {
        "read": report.rows_read,
        "call_list": report.call_list_id,
        "refused": [{"line": line, "reason": reason} for line, reason in report.refused],
    }


def _text(report: LoadReport) -> str:
    lines = [f"{report.rows_read} rows read, {len(report.refused)} refused"]
    lines += [f"  line {line}: {reason}" for line, reason in report.refused[:SHOWN]]
    if len(report.refused) > SHOWN:
        lines.append(f"  ... and {len(report.refused) - SHOWN} more; --json names them all")
    if report.call_list_id is not None:
        lines.append(f"call list {report.call_list_id} is running")
    return "\n".join(lines)
