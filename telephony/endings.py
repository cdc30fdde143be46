"""How a call ends: the hold is closed, the price charged, the CDR written, in the caller's transaction.

Whoever told us: the hang-up event, the provider when asked, or nobody at all.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from accounts import directory
from accounts.limits import PLATFORM_LONGEST_CALL_SECONDS
from accounts.numbers import NumberUnreadable, parse_number, prefixes
from billing import charging
from billing.charging import FREE, Reservation, Settlement
from telephony import aftermath, calls, cdrs
from telephony.calls import KnownCall, NewCall
from telephony.cdrs import Ending
from telephony.events import CallEnded, EndpointKind, Result
from telephony.inbox import Received
from telephony.models import CDR, Call
from telephony.policy import BELIEVABLE_OVERRUN_SECONDS, LONGEST_CHARGED_SECONDS
from telephony.providers.base import Capabilities

log = structlog.get_logger(__name__)

GIVEN_UP = Ending(duration_seconds=0, result="unknown", reason="", cost=None, source=CDR.Source.EXPIRED)


def as_talked(call: KnownCall | None, ending: Ending, at: datetime | None) -> Ending:
    """The ending, with the seconds that were talked: without those a caller spent in a menu before.

    Whether a provider counts them is not documented. So a call that a menu connected is measured from its answer to its
    end, both by the provider's clock, and never longer than the provider says. `at` is the provider's time on its news.
    When it was asked instead, that may be the time of the beginning: one before the answer can be nothing else.
    """
    if call is None or call.connected_at is None:
        return ending
    since = call.answered_at or call.connected_at
    until = at or call.begun_at
    if until < since:
        until += timedelta(seconds=ending.duration_seconds)
    talked_seconds = min(ending.duration_seconds, max(0, round((until - since).total_seconds())))
    return replace(ending, duration_seconds=talked_seconds)


def as_charged(ending: Ending, begun_at: datetime, now: datetime, able: Capabilities) -> tuple[Ending, str]:
    """The ending with no more seconds than are ever charged, and a remark when it lasted longer.

    Only a call that its provider does not end can do so, and our own clock must agree that it may have.
    """
    lasted = timedelta(seconds=ending.duration_seconds)
    if able.limits_phone_calls or lasted <= timedelta(seconds=LONGEST_CHARGED_SECONDS) or lasted > now - begun_at:
        return ending, ""
    return replace(ending, duration_seconds=LONGEST_CHARGED_SECONDS), f"it lasted {ending.duration_seconds} s"


def doubt(event: CallEnded, ending: Ending, call: KnownCall | None, able: Capabilities) -> str:
    """Why this end cannot be believed, whoever told us of it; empty when it can. Nothing may be settled by it then.

    A call that its provider does not end by itself may have lasted longer than was granted, but no longer than any.
    """
    if event.oddities:
        return "; ".join(event.oddities)
    if event.result is Result.OTHER and event.duration_seconds is None:
        return f"{event.result_word!r} does not say whether anybody talked, nor how long."
    longest = (call.limit_seconds if call else None) or PLATFORM_LONGEST_CALL_SECONDS
    believable = longest + BELIEVABLE_OVERRUN_SECONDS if able.limits_phone_calls else LONGEST_CHARGED_SECONDS
    if ending.duration_seconds > believable:
        return f"{ending.duration_seconds} s, but {longest} s were granted."
    return ""


def end(
    call: KnownCall,
    reservation: Reservation | None,
    ending: Ending,
    at: datetime,
    review: str = "",
    *,
    able: Capabilities | None = None,
) -> None:
    """End a call we know. It must be locked and not settled yet. `able` is what its provider can be told, if known."""
    settlement = _settle(call, reservation, ending, at)
    notes = [review, cdrs.cost_worth_a_look(ending.cost, settlement)]
    is_told = able is None or able.tells_answers
    if call.connected_at and call.answered_at is None and is_told and _was_talked(ending):
        notes.append("nobody told us when it was answered")
    # Where a call is answered to play its refusal, as any to a number of ours, the provider's word proves nothing.
    is_unanswered = call.access_number_id is None and (able is None or able.refuses_unanswered)
    if call.state is Call.State.REFUSED and is_unanswered and _was_talked(ending):
        notes.append("it was connected although we refused it")
    if call.given_up:
        notes.append("the hang-up came after the call had been given up")
    if settlement.loss:
        notes.append(f"{settlement.loss} {settlement.currency} could not be charged")
    _write(call, ending, settlement, at, "; ".join(note for note in notes if note))


def give_up(call: KnownCall, reservation: Reservation | None, at: datetime) -> None:
    """Nobody could say how the call ended: give the money back, charge nothing, ask for a person's look."""
    if reservation is not None:
        charging.expire(reservation, at)
    _write(call, GIVEN_UP, FREE, at, "nobody could say how it ended: charged nothing")


def end_unheard_of(received: Received, event: CallEnded, ending: Ending, review: str) -> None:
    """End a call whose beginning never reached us: charge the app's user if there is one, else it is our cost."""
    at = received.received_at
    account_id, settlement = _settle_unheard_of(received, event, ending)
    log.error("call_never_asked_for", call=str(received.call_id), account=account_id)
    new = NewCall(
        id=received.call_id,
        application_id=received.application.id,
        provider_call_id=event.call_id,
        account_id=account_id,
        caller=(event.client_user or event.caller.number or event.caller.text)[:128],
        destination=(_number(event) or event.destination.value)[:255],
        begun_at=at,
        state=Call.State.ENDED,
        review="; ".join(note for note in (review, "its beginning never reached us") if note),
    )
    calls.write(new)
    cdrs.write(
        call_id=new.id,
        revision=0,
        account_id=account_id,
        caller=new.caller,
        destination=new.destination,
        begun_at=at,
        ended_at=at,
        ending=ending,
        settlement=settlement,
        review=new.review,
    )
    aftermath.tell_ended(new, ending, settlement, at)


def _settle_unheard_of(received: Received, event: CallEnded, ending: Ending) -> tuple[int | None, Settlement]:
    """Whose call it was, and what it could be charged; nothing was held for it."""
    number = _number(event)
    if not (event.client_user and number):
        return None, FREE
    found = directory.find_standing(
        client_user=event.client_user, otherwise_account_id=None, prefixes=prefixes(number), preferred_number=None
    )
    standing = directory.read_standing(found)
    if standing is None:
        return None, FREE
    quote = charging.read_quote(charging.quote(standing.account_id, prefixes(number), received.received_at))
    if quote is None or not _was_talked(ending):
        return standing.account_id, FREE
    return standing.account_id, charging.settle_unreserved(quote, received.call_id, ending.duration_seconds)


def _settle(call: KnownCall, reservation: Reservation | None, ending: Ending, at: datetime) -> Settlement:
    if reservation is None:
        return FREE
    if not _was_talked(ending):
        charging.release(reservation, at)
        return FREE
    return charging.settle(reservation, call.id, ending.duration_seconds, at)


def _write(call: KnownCall, ending: Ending, settlement: Settlement, at: datetime, review: str) -> None:
    calls.mark_ended(call.id, at, review)
    cdrs.write(
        call_id=call.id,
        revision=0 if call.settled_revision is None else call.settled_revision + 1,
        account_id=call.account_id,
        caller=call.caller,
        destination=call.destination,
        begun_at=call.begun_at,
        ended_at=at,
        ending=ending,
        settlement=settlement,
        review=review,
    )
    aftermath.follow(call, ending, settlement, at)


def _was_talked(ending: Ending) -> bool:
    """Answered, or connected for a while whatever word the provider has for it."""
    return ending.result == Result.ANSWERED.value or ending.duration_seconds > 0


def _number(event: CallEnded) -> str | None:
    if event.destination.kind is not EndpointKind.NUMBER:
        return None
    try:
        return parse_number(event.destination.value)
    except NumberUnreadable:
        return None
