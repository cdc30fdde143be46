"""Bridges: two people whom we call and bring together (Web Callback). Both calls are paid for, and held, at once.

Everything is decided under the wallet's lock, so the same wish at the same moment makes one bridge.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.conf import settings

from accounts import directory
from accounts.limits import Standing
from accounts.numbers import country_of, display, prefixes
from billing import charging
from billing.rating import Quote
from outbox import rows
from postgres.statements import Answer, Row, ask, tell
from postgres.work import in_one_transaction
from telephony import beginnings, callouts, calls
from telephony.beginnings import number_of
from telephony.callout_checks import Allowed, Checked, NewCallout, find_application
from telephony.callout_marks import KIND as CALLOUT
from telephony.calls import NewCall
from telephony.decisions import Reason, Refuse
from telephony.menus import LOCALE
from telephony.models import Call, Callout
from telephony.policy import Grant, how_long_together, may_call
from telephony.prompts import WRITTEN, refusal

SAME_WITHIN = timedelta(seconds=15)
MOST_AN_HOUR = 30
MOST_AN_HOUR_UNVERIFIED = 10

_CONFERENCE_ID_BYTES = 32

_FACTS = """
SELECT a.verified, a.velocity_limits,
       (SELECT count(*) FROM telephony_bridge b WHERE b.account_id = a.id AND b.made_at > %s),
       EXISTS (SELECT FROM accounts_callernumber n
               WHERE n.account_id = a.id AND n.number = %s AND n.verified_at IS NOT NULL
                   AND (n.client_user_id IS NULL OR %s::bigint IS NULL OR n.client_user_id = %s)),
       EXISTS (SELECT FROM telephony_accessnumber WHERE number = ANY(%s) AND enabled),
       earlier.id, earlier.limit_seconds
FROM accounts_account a
LEFT JOIN LATERAL (
    SELECT b.id, b.limit_seconds FROM telephony_bridge b
    WHERE b.account_id = a.id AND b.client_user_id IS NOT DISTINCT FROM %s AND b.callback_number = %s
        AND b.destination = %s AND b.made_at > %s
    ORDER BY b.made_at DESC LIMIT 1
) earlier ON true
WHERE a.id = %s
"""


@dataclass(frozen=True, kw_only=True)
class NewBridge:
    """A bridge as somebody asks for it: whoever is at `callback_number` wants to talk to `destination`.

    The callback number begins with + and the country code; a destination without them is read as if it were dialled
    from there. `client_user_id` is the app's user who asks, None for somebody of the account. `locale` is the language
    in which the two are told what is going on.
    """

    account_id: int
    client_user_id: int | None
    callback_number: str
    destination: str
    caller_first: bool
    locale: str = LOCALE


@dataclass(frozen=True, kw_only=True)
class Bridged:
    """A bridge that was promised. `is_new` is False when the same one was asked for a moment ago."""

    id: UUID
    is_new: bool
    limit_seconds: int


class BridgeRefused(Exception):
    """Nothing was promised and nothing is held: `refused` says why, with its figures. The text is for people."""

    def __init__(self, refused: Refuse) -> None:
        super().__init__(f"{WRITTEN[refused.reason]} {refused.detail}".strip())
        self.refused = refused


@dataclass(frozen=True, kw_only=True)
class _Wished:
    """What is wished for, its numbers read."""

    new: NewBridge
    callback_number: str
    destination: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class _Leg:
    """One of the two calls to be made."""

    number: str
    caller_id: str
    quote: Quote


@dataclass(frozen=True, kw_only=True)
class _Facts:
    """What decides, beside money and standing. `earlier_id` is the same wish a moment ago."""

    is_verified: bool
    has_velocity_limits: bool
    made_in_an_hour: int
    may_be_called_back: bool
    is_ours: bool
    earlier_id: UUID | None
    earlier_limit_seconds: int | None


@dataclass(frozen=True, kw_only=True)
class _Asked:
    """What the database was asked; the answers travel together. The wallet is locked before anything else is read."""

    quotes: tuple[Answer, Answer]
    open_calls: Answer
    standings: tuple[Answer, Answer]
    facts: Answer
    application: Answer


def bridge(new: NewBridge, now: datetime) -> Bridged:
    """Promise that the two are called and brought together, in one transaction. Raises BridgeRefused.

    The same wish of the same user within SAME_WITHIN is the same bridge, whatever has become of it.
    """
    wished = _read(new, now)
    return in_one_transaction(lambda: _bridge(wished))


def _read(new: NewBridge, now: datetime) -> _Wished:
    callback = number_of(new.callback_number)
    if callback.wrong:
        raise BridgeRefused(refusal(Reason.CALLBACK_NUMBER_NOT_VERIFIED))
    destination = number_of(new.destination, country_of(callback.text))
    if destination.wrong:
        raise BridgeRefused(refusal(destination.wrong))
    if destination == callback:
        raise BridgeRefused(refusal(Reason.CALLS_ITSELF))
    return _Wished(new=new, callback_number=callback.text, destination=destination.text, at=now)


def _bridge(wished: _Wished) -> Bridged:
    asked = _ask(wished)
    row = asked.facts.row()
    standing = directory.read_standing(asked.standings[0])
    if row is None or standing is None:
        raise BridgeRefused(refusal(Reason.UNKNOWN_CALLER))
    facts = _Facts(**dict(zip(_Facts.__dataclass_fields__, row, strict=True)))
    if facts.earlier_id is not None:
        return Bridged(id=facts.earlier_id, is_new=False, limit_seconds=facts.earlier_limit_seconds or 0)
    if (refused := _refusal_without_money(wished, asked, standing, facts)) is not None:
        raise BridgeRefused(refused)
    application = asked.application.row()
    if application is None:
        raise BridgeRefused(refusal(Reason.NO_APPLICATION))
    legs = _legs(wished, asked, application)
    (open_calls,) = asked.open_calls.row() or (0,)
    granted = how_long_together(standing, [leg.quote for leg in legs], open_calls=open_calls)
    if isinstance(granted, Refuse):
        raise BridgeRefused(granted)
    return _write(wished, legs, granted, application_id=application[0])


def _ask(wished: _Wished) -> _Asked:
    new, numbers = wished.new, (wished.destination, wished.callback_number)
    hour_ago, user = wished.at - timedelta(hours=1), new.client_user_id
    quotes = tuple(charging.quote(new.account_id, prefixes(number), wished.at) for number in numbers)
    return _Asked(
        quotes=(quotes[0], quotes[1]),
        open_calls=calls.count_open(new.account_id),
        standings=(
            _find_standing(new.account_id, wished.destination, shown=wished.callback_number),
            _find_standing(new.account_id, wished.callback_number, shown=None),
        ),
        facts=ask(
            _FACTS,
            [
                hour_ago, wished.callback_number, user, user, list(numbers),
                user, wished.callback_number, wished.destination, wished.at - SAME_WITHIN, new.account_id,
            ],
        ),
        application=find_application(must_limit=True),
    )  # fmt: skip


def _find_standing(account_id: int, number: str, *, shown: str | None) -> Answer:
    return directory.find_standing(
        client_user="", otherwise_account_id=account_id, prefixes=prefixes(number), preferred_number=shown
    )


def _refusal_without_money(wished: _Wished, asked: _Asked, standing: Standing, facts: _Facts) -> Refuse | None:
    """The questions that need no money, in their order: who asks, whom we may call, and how often."""
    if (refused := may_call(standing)) is not None:
        return refused
    if not facts.may_be_called_back:
        return refusal(Reason.CALLBACK_NUMBER_NOT_VERIFIED)
    if facts.is_ours:
        return refusal(Reason.DESTINATION_UNSUPPORTED, "It is one of our own access numbers.")
    # The number to be called back is a destination like any other, so the account's rules are asked about it too.
    if (refused := may_call(directory.read_standing(asked.standings[1]))) is not None:
        return refusal(refused.reason, f"{display(wished.callback_number)} is to be called back.")
    most = MOST_AN_HOUR if facts.is_verified else MOST_AN_HOUR_UNVERIFIED
    if facts.has_velocity_limits and facts.made_in_an_hour >= most:
        detail = f"{facts.made_in_an_hour} callbacks were asked for within an hour; the account may have {most}."
        return refusal(Reason.TOO_OFTEN, detail)
    return None


def _legs(wished: _Wished, asked: _Asked, application: Row) -> tuple[_Leg, _Leg]:
    """The leg to the destination and that to the caller, each with the number it shows.

    The destination sees who calls. The caller sees our own number, so that no telephone is called by itself.
    """
    to_destination, to_caller = map(directory.read_standing, asked.standings)
    usual = application[1]
    seen_by_destination = (to_destination.shown_number if to_destination else None) or usual
    seen_by_caller = usual or (to_caller.shown_number if to_caller else None)
    if not seen_by_destination or not seen_by_caller:
        detail = "There is no number to show: give the application a caller ID."
        raise BridgeRefused(refusal(Reason.OWN_TROUBLE, detail))
    quote_of_destination, quote_of_caller = map(charging.read_quote, asked.quotes)
    if quote_of_destination is None or quote_of_caller is None:
        raise BridgeRefused(refusal(Reason.NOT_ENOUGH_CREDIT, "No wallet."))
    return (
        _Leg(number=wished.destination, caller_id=seen_by_destination, quote=quote_of_destination),
        _Leg(number=wished.callback_number, caller_id=seen_by_caller, quote=quote_of_caller),
    )


def _write(wished: _Wished, legs: tuple[_Leg, _Leg], granted: Grant, *, application_id: int) -> Bridged:
    """Both legs are written down and held; the errand of the first is promised. See `bridge_legs` for what follows."""
    new, id = wished.new, uuid4()
    tell(
        "INSERT INTO telephony_bridge (id, account_id, client_user_id, callback_number, destination, caller_first, "
        "limit_seconds, made_at) VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
        [
            id, new.account_id, new.client_user_id, wished.callback_number, wished.destination, new.caller_first,
            granted.seconds, wished.at,
        ],
    )  # fmt: skip
    conference_id = secrets.token_urlsafe(_CONFERENCE_ID_BYTES)
    in_order = reversed(legs) if new.caller_first else legs
    first, _ = [_write_leg(wished, leg, granted, id, conference_id, application_id) for leg in in_order]
    rows.put(CALLOUT, f"{CALLOUT}:{first}", subject=first)
    return Bridged(id=id, is_new=True, limit_seconds=granted.seconds)


def _write_leg(
    wished: _Wished, leg: _Leg, granted: Grant, bridge_id: UUID, conference_id: str, application_id: int
) -> UUID:
    """One callout with its call and its hold: the call's id."""
    new, call_id = wished.new, uuid4()
    callout = NewCallout(
        account_id=new.account_id,
        destination=leg.number,
        kind=Callout.Kind.BRIDGE,
        locale=new.locale,
        conference_id=conference_id,
    )
    checked = Checked(new=callout, destination=leg.number, caller_id=leg.caller_id, text="", due_at=wished.at)
    callout_id = callouts.write(Allowed(checked=checked, application_id=application_id, caller_id=leg.caller_id))
    tell("UPDATE telephony_callout SET state = 'calling', attempts = 1 WHERE id = %s", [callout_id])
    calls.write(
        NewCall(
            id=call_id,
            application_id=application_id,
            provider_call_id="",
            account_id=new.account_id,
            caller=leg.caller_id,
            destination=leg.number,
            begun_at=wished.at,
            state=Call.State.AUTHORISED,
            callout_id=callout_id,
            bridge_id=bridge_id,
            shown_caller_id=leg.caller_id,
            limit_seconds=granted.seconds,
        )
    )
    # The second telephone rings after the first.
    longest_seconds = granted.seconds + 2 * settings.DIAL_TIMEOUT_SECONDS + settings.HOLD_MARGIN_SECONDS
    expires_at = wished.at + timedelta(seconds=longest_seconds)
    charging.reserve(leg.quote, call_id, granted.seconds, opened_at=wished.at, expires_at=expires_at)
    beginnings.tell_started(call_id, new.account_id, leg.number, granted.seconds, wished.at, callout_id)
    return call_id
