"""How a call begins: what was dialled, whether it may be connected and for how long; the hold and the call's row.

Whoever asks: an app, somebody on an access number, or a menu on a caller's behalf. In the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings

from accounts.limits import Standing
from accounts.numbers import NumberUnreadable, parse_number, prefixes
from billing import charging
from billing.charging import APP_PREFIX
from billing.rating import Quote
from telephony import calls, inbox, watching
from telephony.access_numbers import AccessNumber
from telephony.calls import KnownCall, NewCall
from telephony.decisions import Connect, ConnectUser, Decision, Reason, Refuse
from telephony.events import CallIncoming, Endpoint, EndpointKind
from telephony.inbox import Received
from telephony.models import Call
from telephony.policy import Grant, how_long, how_long_to_app_user
from telephony.prompts import refusal
from webhooks.models import EventType
from webhooks.telling import announce


@dataclass(frozen=True, kw_only=True)
class Destination:
    """Where a call is aimed: a number in E.164, or an app's user; `wrong` says why it is neither."""

    text: str
    is_app_user: bool = False
    wrong: Reason | None = None

    @property
    def prefixes(self) -> list[str]:
        """What rates and rules are looked up by; nothing for a destination that is wrong."""
        if self.wrong:
            return []
        return [APP_PREFIX] if self.is_app_user else prefixes(self.text)


def destination_of(aimed_at: Endpoint) -> Destination:
    """The destination that an app's user dialled."""
    if aimed_at.kind is EndpointKind.USER and aimed_at.value:
        return Destination(text=aimed_at.value, is_app_user=True)
    if aimed_at.kind is not EndpointKind.NUMBER:
        return Destination(text=aimed_at.value, wrong=Reason.DESTINATION_UNSUPPORTED)
    return number_of(aimed_at.value)


def number_of(dialled: str, home_country: str | None = None) -> Destination:
    """The destination in digits that somebody dialled; `home_country` makes national numbers readable."""
    try:
        return Destination(text=parse_number(dialled, home_country))
    except NumberUnreadable:
        return Destination(text=dialled, wrong=Reason.DESTINATION_UNREADABLE)


def authorise(
    received: Received, standing: Standing, destination: Destination, deck_ids: Sequence[int] = ()
) -> Grant | Refuse:
    """For how long the account may have this connection. When it may, the money is held from here on.

    It is priced by the account's deck, or by that of `deck_ids` which has its currency.
    """
    is_limited = received.application.able.limits_phone_calls
    now = received.received_at
    return authorise_call(received.call_id, standing, destination, now, deck_ids, is_limited=is_limited)


def authorise_call(
    call_id: UUID,
    standing: Standing,
    destination: Destination,
    now: datetime,
    deck_ids: Sequence[int] = (),
    *,
    is_limited: bool,
) -> Grant | Refuse:
    """The same for a call by its id, whoever begins it. `is_limited`: the provider ends it in time by itself."""
    quote, answer = judge(standing, destination, now, deck_ids, is_limited=is_limited)
    if quote is not None and isinstance(answer, Grant):
        waiting_seconds = answer.held_seconds + settings.DIAL_TIMEOUT_SECONDS + settings.HOLD_MARGIN_SECONDS
        charging.reserve(
            quote,
            call_id,
            answer.held_seconds,
            opened_at=now,
            expires_at=now + timedelta(seconds=waiting_seconds),
        )
    return answer


def judge(
    standing: Standing,
    destination: Destination,
    now: datetime,
    deck_ids: Sequence[int] = (),
    *,
    is_limited: bool = True,
) -> tuple[Quote | None, Grant | Refuse]:
    """What the same call would be answered, holding nothing. The wallet is locked until the transaction ends."""
    quoted = charging.quote(standing.account_id, destination.prefixes, now, deck_ids)
    counted = calls.count_open(standing.account_id)
    quote = charging.read_quote(quoted)
    (open_calls,) = counted.row() or (0,)
    if quote is None:
        return None, refusal(Reason.NOT_ENOUGH_CREDIT, "No wallet.")
    if destination.is_app_user:
        return quote, how_long_to_app_user(standing, quote, open_calls=open_calls)
    return quote, how_long(standing, quote, open_calls=open_calls, is_limited=is_limited)


def begin(
    received: Received,
    standing: Standing,
    destination: Destination,
    access_number: AccessNumber | None = None,
    call_through_id: UUID | None = None,
) -> Decision:
    """Connect at once what was dialled, if the account may have it; write the call down with its decision.

    `call_through_id` is what an app had asked for: then the caller has proved who it is.
    """
    access_number_id = access_number.id if access_number else None
    answer = authorise(received, standing, destination, access_number.deck_ids if access_number else ())
    if isinstance(answer, Refuse):
        return refuse(
            received,
            destination.text,
            answer,
            account_id=standing.account_id,
            access_number_id=access_number_id,
            call_through_id=call_through_id,
        )
    decision = connect(received, standing, destination, answer)
    shows_caller_id = received.application.able.shows_caller_id
    if access_number and call_through_id is None and shows_caller_id and isinstance(decision, Connect):
        # The caller's own number is not proved, so the number that was dialled is shown: it is ours.
        decision = replace(decision, caller_id=access_number.number)
    write(
        received,
        destination.text,
        Call.State.AUTHORISED,
        account_id=standing.account_id,
        access_number_id=access_number_id,
        call_through_id=call_through_id,
        shown_caller_id=decision.caller_id or "" if isinstance(decision, Connect) else "",
        limit_seconds=answer.seconds,
    )
    tell_started(received.call_id, standing.account_id, destination.text, answer.seconds, received.received_at)
    inbox.record(received, decision)
    return decision


def tell_started(
    call_id: UUID,
    account_id: int,
    destination: str,
    limit_seconds: int,
    at: datetime,
    callout_id: UUID | None = None,
) -> None:
    """Tell the account's systems that a call was allowed. Waits for nothing."""
    told = {
        "call_id": call_id,
        "callout_id": callout_id,
        "destination": destination,
        "limit_seconds": limit_seconds,
        "begun_at": at,
    }
    announce(account_id, EventType.CALL_STARTED, told, at)


def connect(received: Received, standing: Standing, destination: Destination, grant: Grant) -> Connect | ConnectUser:
    """The decision that a grant leads to."""
    if destination.is_app_user:
        return ConnectUser(user=destination.text)
    application = received.application
    return Connect(
        number=destination.text,
        limit_seconds=grant.seconds,
        caller_id=(standing.shown_number or application.caller_id or None)
        if application.able.shows_caller_id
        else None,
        dial_timeout_seconds=settings.DIAL_TIMEOUT_SECONDS,
    )


def write(
    received: Received,
    destination: str,
    state: Call.State,
    *,
    account_id: int | None,
    access_number_id: int | None = None,
    call_through_id: UUID | None = None,
    shown_caller_id: str = "",
    limit_seconds: int | None = None,
    refused: Refuse | None = None,
) -> None:
    """Write down a call that an incoming event tells of."""
    event = received.event
    assert isinstance(event, CallIncoming)  # noqa: S101 - a call begins with no other
    calls.write(
        NewCall(
            id=received.call_id,
            application_id=received.application.id,
            provider_call_id=event.call_id,
            account_id=account_id,
            caller=(event.client_user or event.caller.number or event.caller.text)[:128],
            destination=destination[:255],
            begun_at=received.received_at,
            state=state,
            access_number_id=access_number_id,
            call_through_id=call_through_id,
            shown_caller_id=shown_caller_id,
            refusal=refused.reason.value if refused else "",
            detail=refused.detail[:255] if refused else "",
            limit_seconds=limit_seconds,
        )
    )
    if received.application.able.is_watched:
        watching.begin(received.call_id, received.received_at, limit_seconds)


def refuse(
    received: Received,
    destination: str,
    refused: Refuse,
    *,
    account_id: int | None,
    access_number_id: int | None = None,
    call_through_id: UUID | None = None,
) -> Refuse:
    """Write down that the call was refused before it began."""
    write(
        received,
        destination,
        Call.State.REFUSED,
        account_id=account_id,
        access_number_id=access_number_id,
        call_through_id=call_through_id,
        refused=refused,
    )
    inbox.record(received, refused)
    return refused


def begun_before(received: Received, call: KnownCall) -> Decision:
    """The same answer as before, as long as the call is not over; then only one answer is right."""
    before = inbox.read_recalled(inbox.recall(received))
    if before is not None and not call.is_over:
        return before
    decision = refusal(Reason.CALL_IS_OVER)
    if before is None:
        inbox.record(received, decision)
    return decision
