"""Give a line to an app's user, or change the one there is."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from accounts.command import Outcome, RingfenceCommand
from accounts.models import CallerNumber, ClientUser
from softphone import configuring, lines
from softphone.configuring import UnknownSoftphone
from softphone.lines import LineRefused
from softphone.models import Line
from telephony.models import AccessNumber


class Command(RingfenceCommand):
    help = "Gives an app's user a line and shows its secrets; gives it new ones, revokes it, or shows it again."
    facts = (LineRefused, UnknownSoftphone)

    def arguments(self, parser: CommandParser) -> None:
        parser.add_argument("client_user", metavar="CLIENT_USER", help="the app's user, by name")
        parser.add_argument("--app", metavar="NAME", help="a new line's app; without it the default one")
        parser.add_argument("--callback-number", metavar="NUMBER", help="where Web Callback rings; a verified number")
        parser.add_argument("--access-number", metavar="NUMBER", help="what its app dials; else chosen by the country")
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--rotate", action="store_true", help="new secrets; a revoked line is restored")
        what.add_argument("--revoke", action="store_true", help="what was handed out proves nothing any more")
        what.add_argument("--show", action="store_true", help="the secrets as they are")

    def perform(self, **options: Any) -> Outcome:
        name = options["client_user"]
        is_known = options["rotate"] or options["revoke"] or options["show"]
        if is_known and options["app"]:
            raise LineRefused("A line stays in its app: --app is for a new one.")
        line = _changed(lines.find_line(name), **options) if is_known else _given(**options)
        return _outcome(line)


def _given(**options: Any) -> Line:
    user = lines.find_user(options["client_user"])
    callback_number, access_number = _numbers(user, **options)
    softphone = configuring.find(options["app"])
    return lines.give(user, softphone, callback_number=callback_number, access_number=access_number)


def _changed(line: Line, **options: Any) -> Line:
    callback_number, access_number = _numbers(line.client_user, **options)
    if callback_number or access_number:
        line = lines.point(
            line,
            callback_number=callback_number or line.callback_number,
            access_number=access_number or line.access_number,
        )
    if options["rotate"]:
        return lines.rotate(line, seen=lines.mark(line))
    return lines.revoke(line) if options["revoke"] else line


def _numbers(user: ClientUser, **options: Any) -> tuple[CallerNumber | None, AccessNumber | None]:
    callback, access = options["callback_number"], options["access_number"]
    return (
        lines.find_callback_number(user, callback) if callback else None,
        lines.find_access_number(access) if access else None,
    )


def _outcome(line: Line) -> Outcome:
    """A revoked line has no secrets to show."""
    is_revoked = line.revoked_at is not None
    data = {
        "client_user": line.client_user.name,
        "account": line.client_user.account.name,
        "app": line.softphone.name,
        "secret": "" if is_revoked else line.secret,
        "token": "" if is_revoked else line.token,
        "pin": line.pin,
        "callback_number": line.callback_number.number if line.callback_number else "",
        "access_number": line.access_number.number if line.access_number else "",
        "revoked": is_revoked,
    }
    text = f"{data['client_user']} of {data['account']}, app {data['app']}: "
    if is_revoked:
        return Outcome(data=data, text=f"{text}revoked")
    return Outcome(data=data, text=f"{text}\n  secret {line.secret}\n  token  {line.token}\n  PIN    {line.pin}")
