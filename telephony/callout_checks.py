"""May this callout be promised? First what its own words say, then what the database says. Writes nothing.

Everything that can be said without calling is said before anything is written or held, in one sentence.
"""

from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from functools import lru_cache
from uuid import UUID

from accounts import directory
from accounts.numbers import NumberUnreadable, countries_of, display, parse_number, prefixes
from postgres.statements import Answer, ask
from telephony import local_time
from telephony.callout_menus import why_not_in_a_callout
from telephony.local_time import TimeZoneUnknown, Zones
from telephony.menus import read_menu
from telephony.models import Callout, Payer
from telephony.policy import may_call
from telephony.prompts import WRITTEN
from telephony.providers.base import CannotExpress, Capabilities
from telephony.registry import PROVIDERS, voice

LONGEST_TEXT = 600
LONGEST_CONFERENCE_ID = 64
LONGEST_REFERENCE = 100
MOST_ATTEMPTS = 10
LONGEST_RETRY_SECONDS = 7 * 86_400
LONGEST_AHEAD = timedelta(days=366)

_LOCALE = re.compile(r"[a-z]{2,3}-[A-Z]{2}")


class CalloutRefused(Exception):
    """Nothing was promised. The text is one sentence for whoever asked; `field` is what it is about."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field = field


@dataclass(frozen=True, kw_only=True)
class NewCallout:
    """A callout as somebody asks for it.

    `caller_id` empty means the account's first verified number. `not_before` without a zone is on the callee's clock;
    `earliest` and `latest` are times of day there. `time_zone` empty means: wherever the number may be. `on_machine`
    other than IGNORE has a machine told from a person. `reference` is the customer's own: the same one counts once.
    """

    account_id: int | None
    destination: str
    kind: Callout.Kind
    caller_id: str = ""
    text: str = ""
    locale: str = "en-US"
    menu_version_id: int | None = None
    conference_id: str = ""
    on_machine: Callout.OnMachine = Callout.OnMachine.IGNORE
    not_before: datetime | None = None
    earliest: time | None = None
    latest: time | None = None
    time_zone: str = ""
    most_attempts: int = 1
    retry_seconds: int = 300
    reference: str = ""
    purpose: Callout.Purpose = Callout.Purpose.CUSTOMER
    paid_by: Payer = Payer.ACCOUNT
    made_by: str = ""
    call_list_id: int | None = None


@dataclass(frozen=True, kw_only=True)
class Checked:
    """A callout whose own words are right: the number is read, and when it may be called first is known."""

    new: NewCallout
    destination: str
    caller_id: str
    text: str
    due_at: datetime


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What the database was asked about a callout; the answers travel together."""

    application: Answer
    menu: Answer
    standing: Answer
    number: Answer


@dataclass(frozen=True, kw_only=True)
class Allowed:
    """A callout that may be promised, with what it will be placed by. `earlier_id` has its reference already."""

    checked: Checked
    application_id: int
    caller_id: str
    earlier_id: UUID | None = None


# --- what can be said without the database ---------------------------------------------------------------------------


def check(new: NewCallout, now: datetime) -> Checked:
    """Read what was asked for. Raises CalloutRefused for what can never be called."""
    if new.account_id is None and new.paid_by is Payer.ACCOUNT:
        raise CalloutRefused("account", "Say which account pays for the callout.")
    destination = _number("destination", new.destination)
    text = _text(new)
    _check_kind(new, text)
    _check_words(new)
    if not 1 <= new.most_attempts <= MOST_ATTEMPTS:
        raise CalloutRefused("most_attempts", f"A number is called 1 to {MOST_ATTEMPTS} times.")
    if not 1 <= new.retry_seconds <= LONGEST_RETRY_SECONDS:
        raise CalloutRefused("retry_seconds", "Between two calls lie 1 second to 7 days.")
    return Checked(
        new=new,
        destination=destination,
        caller_id=_number("caller_id", new.caller_id) if new.caller_id else "",
        text=text,
        due_at=_due_at(new, destination, now),
    )


def _number(field: str, text: str) -> str:
    try:
        return parse_number(text)
    except NumberUnreadable as unreadable:
        raise CalloutRefused(field, str(unreadable)) from None


def _text(new: NewCallout) -> str:
    text = " ".join(new.text.split())
    if len(text) > LONGEST_TEXT:
        raise CalloutRefused("text", f"The text has {len(text)} characters; at most {LONGEST_TEXT} can be spoken.")
    _refuse_control_characters("text", text)
    return text


def _check_kind(new: NewCallout, text: str) -> None:
    match new.kind:
        case Callout.Kind.TEXT:
            if not text:
                raise CalloutRefused("text", "There is no text to speak.")
        case Callout.Kind.CONFERENCE:
            if not 1 <= len(new.conference_id) <= LONGEST_CONFERENCE_ID:
                raise CalloutRefused(
                    "conference_id", f"A conference has a name of 1 to {LONGEST_CONFERENCE_ID} characters."
                )
            if new.on_machine is not Callout.OnMachine.IGNORE:
                raise CalloutRefused("on_machine", "A call into a conference cannot look for an answering machine.")
        case Callout.Kind.MENU:
            if new.menu_version_id is None:
                raise CalloutRefused("menu", "Say which menu is to be played.")
        case _:
            raise CalloutRefused("kind", "A callout speaks a text, leads into a conference or plays a menu.")
    if new.conference_id and new.kind is not Callout.Kind.CONFERENCE:
        raise CalloutRefused("conference_id", "Only a callout into a conference has one.")
    if new.menu_version_id is not None and new.kind is not Callout.Kind.MENU:
        raise CalloutRefused("menu", "Only a callout that plays a menu has one.")


def _check_words(new: NewCallout) -> None:
    _refuse_control_characters("conference_id", new.conference_id)
    _refuse_control_characters("reference", new.reference)
    if len(new.reference) > LONGEST_REFERENCE:
        raise CalloutRefused("reference", f"A reference has at most {LONGEST_REFERENCE} characters.")
    if not _LOCALE.fullmatch(new.locale):
        raise CalloutRefused("locale", "Write the language like en-US.")


def _refuse_control_characters(field: str, text: str) -> None:
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in text):
        raise CalloutRefused(field, "There is a character in it that cannot be written, such as a control character.")


def _due_at(new: NewCallout, destination: str, now: datetime) -> datetime:
    """The first moment at which it may be called: when it is wished for, moved into the callee's day."""
    if new.earliest is not None and new.latest is not None and new.earliest >= new.latest:
        raise CalloutRefused("latest", "The day of calls ends before it begins: give an earlier time to begin.")
    zones = _zones(new, destination)
    due_at = now
    if new.not_before is not None:
        due_at = max(_wished(new.not_before, zones), now)
    if due_at - now > LONGEST_AHEAD:
        raise CalloutRefused("not_before", "A callout can be planned for a year ahead, not for later.")
    moment = local_time.next_moment(due_at, zones, earliest=new.earliest, latest=new.latest)
    if moment is None:
        raise CalloutRefused(
            "time_zone", "It is never that time of day in all the places where this number may be: give the time zone."
        )
    return moment


def _wished(not_before: datetime, zones: Zones) -> datetime:
    try:
        return not_before if not_before.tzinfo else local_time.moment_of(not_before, zones)
    except OverflowError:
        raise CalloutRefused("not_before", "A callout is planned for a time from now to a year ahead.") from None


def _zones(new: NewCallout, destination: str) -> Zones:
    """Where the callee may be; nothing when no time of day matters."""
    is_on_their_clock = new.not_before is not None and new.not_before.tzinfo is None
    if not (new.time_zone or new.earliest or new.latest or is_on_their_clock):
        return ()
    try:
        return zones_for(destination, new.time_zone)
    except (TimeZoneUnknown, LookupError) as unknown:
        raise CalloutRefused("time_zone", str(unknown)) from None


def zones_for(number: str, time_zone: str) -> Zones:
    """The time zone that was given, else all those in which the number may be. Raises LookupError, TimeZoneUnknown."""
    if time_zone:
        return (local_time.zone_named(time_zone),)
    zones = local_time.zones_of(countries_of(number))
    if not zones:
        raise LookupError("Nobody can tell in which time zone this number is: give the time zone.")
    return zones


def next_moment(
    number: str, time_zone: str, earliest: time | None, latest: time | None, at: datetime
) -> datetime | None:
    """The first moment from `at` on at which a callout that was checked once may be called; None when never again."""
    if earliest is None and latest is None:
        return at
    try:
        zones = zones_for(number, time_zone)
    except (TimeZoneUnknown, LookupError):
        return None  # the tz database is another one than it was
    return local_time.next_moment(at, zones, earliest=earliest, latest=latest)


# --- what the database says ------------------------------------------------------------------------------------------


def look(checked: Checked, like: Asked | None = None) -> Asked:
    """Ask everything that decides whether it may be promised. See `judge`.

    `like` is what was asked for another of the same list: what is the same for all of them is not asked again.
    """
    new, destination = checked.new, checked.destination
    application = like.application if like else find_application()
    menu = like.menu if like else _find_menu(new.menu_version_id)
    return Asked(
        application=application,
        menu=menu,
        standing=directory.find_standing(
            client_user="",
            otherwise_account_id=new.account_id,
            prefixes=prefixes(destination),
            preferred_number=checked.caller_id,
        ),
        number=ask(
            "SELECT (SELECT verified FROM accounts_account WHERE id = %s), "
            "EXISTS (SELECT FROM accounts_callernumber WHERE account_id = %s AND number = %s "
            "    AND verified_at IS NOT NULL), "
            "EXISTS (SELECT FROM telephony_accessnumber WHERE number = %s AND enabled), "
            "earlier.id, earlier.destination FROM (SELECT) nothing LEFT JOIN telephony_callout earlier "
            "ON earlier.account_id = %s AND earlier.reference = %s AND earlier.reference <> ''",
            [new.account_id, new.account_id, destination, destination, new.account_id, new.reference],
        ),
    )


def find_application(*, must_limit: bool = False) -> Answer:
    """Ask by which application callouts are placed: its id, its usual caller ID and its provider. No row: by none.

    One whose provider ends calls in time by itself is preferred; with `must_limit` there is no other.
    """
    able = {name: provider.capabilities for name, provider in PROVIDERS.items()}
    placing = [name for name in able if able[name].places_callouts]
    limiting = [name for name in placing if able[name].limits_phone_calls]
    return ask(
        "SELECT id, caller_id, provider FROM telephony_application WHERE enabled AND provider = ANY(%s) "
        "ORDER BY provider = ANY(%s) DESC, id LIMIT 1",
        [limiting if must_limit else placing, limiting],
    )


def _find_menu(version_id: int | None) -> Answer:
    return ask("SELECT definition::text FROM telephony_menuversion WHERE id = %s", [version_id])


def judge(checked: Checked, asked: Asked) -> Allowed:
    """May it be promised? Raises CalloutRefused."""
    application = asked.application.row()
    if application is None:
        raise CalloutRefused("application", "No provider of ours places callouts: enable an application that does.")
    application_id, usual_caller_id, provider = application
    row = asked.number.row()
    assert row is not None  # noqa: S101 - it asks for single values
    is_verified, is_own_number, is_ours, earlier_id, earlier_destination = row
    if earlier_id is not None:
        if earlier_destination != checked.destination:
            sentence = "This reference belongs to a callout of another number: use one of its own."
            raise CalloutRefused("reference", sentence)
        return Allowed(checked=checked, application_id=application_id, caller_id="", earlier_id=earlier_id)
    if checked.new.paid_by is Payer.ACCOUNT:
        _judge_account(asked.standing, may_call_anybody=bool(is_verified), is_own_number=is_own_number)
    if is_ours:
        raise CalloutRefused("destination", "It is one of our own access numbers: the call would come back to us.")
    if checked.new.kind is Callout.Kind.MENU:
        _judge_menu(asked.menu, provider)
    _judge_provider(checked.new, PROVIDERS[provider].capabilities)
    caller_id = _caller_id(checked, asked.standing, usual_caller_id)
    return Allowed(checked=checked, application_id=application_id, caller_id=caller_id)


def _judge_account(found: Answer, *, may_call_anybody: bool, is_own_number: bool) -> None:
    standing = directory.read_standing(found)
    if standing is None:
        raise CalloutRefused("account", "There is no such account.")
    refused = may_call(standing)
    if refused is not None:
        field = "destination" if standing.is_active else "account"
        raise CalloutRefused(field, WRITTEN[refused.reason])
    if not may_call_anybody and not is_own_number:
        raise CalloutRefused(
            "destination",
            "The account is not verified yet: it may have its own verified numbers called and no others.",
        )


def _caller_id(checked: Checked, found: Answer, usual: str) -> str:
    """The number that the callee sees: the account's own, or that of our application."""
    standing = directory.read_standing(found)
    own = standing.shown_number if standing else None
    wished = checked.caller_id
    if wished:
        if wished == own or (checked.new.paid_by is Payer.HOUSE and wished == usual):
            return wished
        raise CalloutRefused(
            "caller_id", f"{display(wished)} is not a verified number of the account: verify it, or choose one that is."
        )
    if checked.new.paid_by is Payer.HOUSE:
        own = usual or None
    if own or usual:
        return own or usual
    raise CalloutRefused(
        "caller_id",
        "There is no number to show to the callee: verify one of the account, or give the application a caller ID.",
    )


def _judge_provider(new: NewCallout, able: Capabilities) -> None:
    """What was asked for must be what the provider that places it can do."""
    if new.on_machine is not Callout.OnMachine.IGNORE and not able.detects_machines:
        raise CalloutRefused("on_machine", "Our provider for callouts cannot tell a machine from a person.")
    if new.text and not able.speaks(new.locale):
        raise CalloutRefused("locale", "Our provider for callouts does not speak this language.")


def _judge_menu(found: Answer, provider: str) -> None:
    row = found.row()
    if row is None:
        raise CalloutRefused("menu", "There is no such version of a menu.")
    if why := _why_not(row[0], provider):
        raise CalloutRefused("menu", why)


@lru_cache(maxsize=32)
def _why_not(definition: str, provider: str) -> str:
    """Remembered: all of a list play the same menu, and a transaction that waits for us too long is ended."""
    menu = read_menu(json.loads(definition))
    try:
        voice(provider).check_menu(menu)
    except CannotExpress as inexpressible:
        return str(inexpressible)
    return why_not_in_a_callout(menu)
