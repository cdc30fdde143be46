"""What can be wished for a callout on the command line, the same for one number and for a list of them."""

from __future__ import annotations

from datetime import datetime, time
from typing import Any

from django.core.management.base import CommandError, CommandParser

from accounts.command import argument, positive_number
from telephony.callouts import NewCallout
from telephony.models import Callout, Menu, MenuVersion

OnMachine = Callout.OnMachine


@argument
def _moment_there(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a time such as '2026-12-01 09:00'") from None


@argument
def _time_of_day(text: str) -> time:
    try:
        value = time.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a time of day such as 09:00") from None
    if value.tzinfo is not None:
        raise ValueError("a time of day is on the callee's clock: leave the zone out")
    return value


def add_wishes(parser: CommandParser) -> None:
    """Declare them; one of --say, --menu and --conference is required."""
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--say", metavar="TEXT", help="what is spoken")
    what.add_argument("--menu", metavar="NAME", help="the menu that is played, in its newest version")
    what.add_argument("--conference", metavar="ID", help="the conference that whoever answers is led into")
    parser.add_argument("--greeting", default="", metavar="TEXT", help="said before a menu or a conference")
    parser.add_argument("--caller-id", default="", metavar="NUMBER", help="a verified number of the account")
    parser.add_argument("--locale", default="en-US", help="the voice, such as en-GB")
    parser.add_argument(
        "--at", type=_moment_there, metavar="ISO", help="not before this time, on the callee's clock without an offset"
    )
    parser.add_argument("--earliest", type=_time_of_day, metavar="HH:MM", help="not before, where the callee is")
    parser.add_argument("--latest", type=_time_of_day, metavar="HH:MM", help="not after, where the callee is")
    parser.add_argument("--time-zone", default="", help="where the callee is; usually the number tells")
    parser.add_argument("--attempts", type=positive_number, default=1, help="calls at most, when busy or not answered")
    parser.add_argument("--retry-seconds", type=positive_number, default=300, help="between two calls")
    parser.add_argument(
        "--on-machine", choices=OnMachine.values, default=OnMachine.IGNORE.value, help="when a machine answers"
    )
    parser.add_argument("--made-by", default="", help="who wishes it")


def wished(account_id: int, options: dict[str, Any], destination: str = "") -> NewCallout:
    """The callout that the options ask for. Raises CommandError for a menu that there is not."""
    kind = Callout.Kind.MENU if options["menu"] else Callout.Kind.TEXT
    if options["conference"]:
        kind = Callout.Kind.CONFERENCE
    if options["say"] and options["greeting"]:
        raise CommandError("A greeting stands before a menu or a conference: put it into --say.", returncode=2)
    return NewCallout(
        account_id=account_id,
        destination=destination,
        kind=kind,
        caller_id=options["caller_id"],
        text=options["say"] or options["greeting"],
        locale=options["locale"],
        menu_version_id=_newest(options["menu"]).pk if options["menu"] else None,
        conference_id=options["conference"] or "",
        on_machine=OnMachine(options["on_machine"]),
        not_before=options["at"],
        earliest=options["earliest"],
        latest=options["latest"],
        time_zone=options["time_zone"],
        most_attempts=options["attempts"],
        retry_seconds=options["retry_seconds"],
        made_by=options["made_by"],
    )


def _newest(name: str) -> MenuVersion:
    menu = Menu.objects.filter(name=name).first()
    version = menu.in_force if menu else None
    if version is None:
        raise CommandError(f"There is no menu called {name!r}.")
    return version
