"""One use case per event, one transaction each: what do we answer, and what does it do to the books?

Locks are taken in the order call, wallet, hold, ledger (docs/locking.md). A use case reads everything it depends on
afresh, so it may be run again; what it writes is unique by the call's id, so it counts once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

import structlog
from django.conf import settings

from accounts import directory
from accounts.limits import Standing
from accounts.numbers import NumberUnreadable, parse_number, prefixes
from billing import charging
from billing.charging import APP_PREFIX
from postgres.work import in_one_transaction
from telephony import calls, cdrs, endings, inbox
from telephony.calls import KnownCall, NewCall
from telephony.cdrs import Ending
from telephony.decisions import Acknowledge, Connect, ConnectUser, Continue, Decision, Reason, Refuse
from telephony.events import (
    CallAnswered,
    CallEnded,
    CallIncoming,
    EndpointKind,
    Event,
    EventKind,
    Notified,
    Origin,
)
from telephony.inbox import Outcome, Received
from telephony.models import Call
from telephony.policy import Grant, how_long, how_long_to_app_user, may_call
from telephony.prompts import refusal

log = structlog.get_logger(__name__)


def decide(received: Received) -> Decision:
    """What to answer to an event, after everything it means has been committed.

    Raises what the database raises when it cannot be reached in time; nothing is half-written then.
    """
    if received.event.oddities:
        return in_one_transaction(lambda: _quarantine(received, "; ".join(received.event.oddities)))
    use_case = _USE_CASES[received.event.kind]
    return in_one_transaction(lambda: use_case(received))


def safe_answer(event: Event) -> Decision:
    """What is said when we cannot decide: no new call, and no harm to one whose limit the provider already has."""
    if isinstance(event, CallIncoming):
        return refusal(Reason.OWN_TROUBLE)
    if isinstance(event, CallAnswered):
        return Continue()
    return Acknowledge() if event.kind in _NEWS else refusal(Reason.OWN_TROUBLE)


# --- somebody wants to call ------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class _Destination:
    """Where a call is aimed: a number in E.164, or an app's user; `wrong` says why it is neither."""

    text: str
    is_app_user: bool = False
    wrong: Reason | None = None

    @property
    def prefixes(self) -> list[str]:
        if self.wrong:
            return []
        return [APP_PREFIX] if self.is_app_user else prefixes(self.text)


def _incoming(received: Received) -> Decision:
    event = received.event
    assert isinstance(event, CallIncoming)  # noqa: S101 - chosen by the event's kind
    destination = _destination(event)
    locked = calls.lock(received.call_id)
    found = directory.find_standing(
        client_user=event.client_user,
        otherwise_account_id=received.application.default_account_id,
        prefixes=destination.prefixes,
        preferred_number=event.caller.number,
    )
    call = calls.read(locked)
    standing = directory.read_standing(found) if event.origin is Origin.APP else None
    if call is not None:
        return _asked_again(received, call)
    refused = _refusal_without_money(event, standing, destination)
    if refused is None and standing is not None:
        return _authorise(received, standing, destination)
    assert refused is not None  # noqa: S101 - without a standing there is always a refusal
    return _refuse(received, standing, destination, refused)


def _destination(event: CallIncoming) -> _Destination:
    aimed_at = event.destination
    if aimed_at.kind is EndpointKind.USER and aimed_at.value:
        return _Destination(text=aimed_at.value, is_app_user=True)
    if aimed_at.kind is not EndpointKind.NUMBER:
        return _Destination(text=aimed_at.value, wrong=Reason.DESTINATION_UNSUPPORTED)
    try:
        return _Destination(text=parse_number(aimed_at.value))
    except NumberUnreadable:
        return _Destination(text=aimed_at.value, wrong=Reason.DESTINATION_UNREADABLE)


def _refusal_without_money(event: CallIncoming, standing: Standing | None, destination: _Destination) -> Refuse | None:
    if event.origin is not Origin.APP:
        # A caller's number can be made up; only an app's user is authenticated by the platform.
        return refusal(Reason.NOT_IDENTIFIED)
    if standing is not None and destination.wrong:
        return refusal(destination.wrong)
    return may_call(standing, to_app_user=destination.is_app_user)


def _authorise(received: Received, standing: Standing, destination: _Destination) -> Decision:
    now = received.received_at
    quoted = charging.quote(standing.account_id, destination.prefixes, now)
    counted = calls.count_open(standing.account_id)
    quote = charging.read_quote(quoted)
    (open_calls,) = counted.row() or (0,)
    if quote is None:
        return _refuse(received, standing, destination, refusal(Reason.NOT_ENOUGH_CREDIT, "No wallet."))
    ask = how_long_to_app_user if destination.is_app_user else how_long
    answer = ask(standing, quote, open_calls=open_calls)
    if isinstance(answer, Refuse):
        return _refuse(received, standing, destination, answer)
    waiting_seconds = answer.seconds + settings.DIAL_TIMEOUT_SECONDS + settings.HOLD_MARGIN_SECONDS
    charging.reserve(
        quote,
        received.call_id,
        answer.seconds,
        opened_at=now,
        expires_at=now + timedelta(seconds=waiting_seconds),
    )
    decision = _connect(received, standing, destination, answer)
    shown = decision.caller_id or "" if isinstance(decision, Connect) else ""
    calls.write(_new_call(received, standing, destination, Call.State.AUTHORISED, shown, answer.seconds))
    inbox.record(received, decision)
    return decision


def _connect(received: Received, standing: Standing, destination: _Destination, grant: Grant) -> Connect | ConnectUser:
    if destination.is_app_user:
        return ConnectUser(user=destination.text)
    return Connect(
        number=destination.text,
        limit_seconds=grant.seconds,
        caller_id=standing.shown_number or received.application.caller_id or None,
        dial_timeout_seconds=settings.DIAL_TIMEOUT_SECONDS,
    )


def _refuse(received: Received, standing: Standing | None, destination: _Destination, refused: Refuse) -> Refuse:
    calls.write(_new_call(received, standing, destination, Call.State.REFUSED, refused=refused))
    inbox.record(received, refused)
    return refused


def _new_call(
    received: Received,
    standing: Standing | None,
    destination: _Destination,
    state: Call.State,
    shown_caller_id: str = "",
    limit_seconds: int | None = None,
    refused: Refuse | None = None,
) -> NewCall:
    event = received.event
    assert isinstance(event, CallIncoming)  # noqa: S101 - chosen by the event's kind
    return NewCall(
        id=received.call_id,
        application_id=received.application.id,
        provider_call_id=event.call_id,
        account_id=standing.account_id if standing else None,
        caller=(event.client_user or event.caller.number or event.caller.text)[:128],
        destination=destination.text[:255],
        begun_at=received.received_at,
        state=state,
        shown_caller_id=shown_caller_id,
        refusal=refused.reason.value if refused else "",
        detail=refused.detail[:255] if refused else "",
        limit_seconds=limit_seconds,
    )


# --- a second look at a call we know ---------------------------------------------------------------------------------


def _asked_again(received: Received, call: KnownCall) -> Decision:
    """The same answer as before, as long as the call is not over; then only one answer is right."""
    before = inbox.read_recalled(inbox.recall(received))
    if before is not None and not call.is_over:
        return before
    decision = refusal(Reason.CALL_IS_OVER)
    if before is None:
        inbox.record(received, decision)
    return decision


def _looked_at_again(received: Received) -> Decision:
    """The provider asks once more, after the answer or a menu: go on if we authorised it and it is running."""
    locked = calls.lock(received.call_id)
    recalled = inbox.recall(received)
    call = calls.read(locked)
    before = inbox.read_recalled(recalled)
    if call is not None and call.is_over:
        return _asked_again(received, call)
    if before is not None:
        return before
    decision: Decision = Continue()
    if call is None or not call.is_running:
        decision = refusal(Reason.UNKNOWN_CALL)
    elif received.event.kind is EventKind.ANSWERED and call.state is Call.State.AUTHORISED:
        calls.mark_answered(call.id, received.received_at)
    inbox.record(received, decision)
    return decision


# --- news ------------------------------------------------------------------------------------------------------------


def _ended(received: Received) -> Decision:
    """The hang-up: settle once. A repeat changes nothing; one that tells another story is kept for a person."""
    event = received.event
    assert isinstance(event, CallEnded)  # noqa: S101 - chosen by the event's kind
    locked = calls.lock(received.call_id)
    reserved = charging.find_reservation(received.call_id)
    call = calls.read(locked)
    reservation = charging.read_reservation(reserved)
    ending = cdrs.ending_of(event)
    if call is not None and call.is_settled:
        return _ended_again(received, call, ending)
    if why := endings.doubt(event, call.limit_seconds if call else None):
        return _quarantine(received, why)
    review = "; ".join(event.remarks)
    if call is None:
        endings.end_unheard_of(received, event, ending, review)
    else:
        endings.end(call, reservation, ending, received.received_at, review)
    inbox.record(received, Acknowledge())
    return Acknowledge()


def _ended_again(received: Received, call: KnownCall, ending: Ending) -> Decision:
    cost = ending.cost.amount if ending.cost else None
    if not call.was_settled_as(ending.duration_seconds, ending.result, cost):
        log.error("hang_up_conflict", call=str(call.id), duration_seconds=ending.duration_seconds)
        inbox.record(
            received,
            Acknowledge(),
            Outcome.CONFLICT,
            f"Settled before: {call.settled_result}, {call.settled_seconds} s. No money moved.",
        )
    elif inbox.read_recalled(inbox.recall(received)) is None:
        inbox.record(received, Acknowledge())
    return Acknowledge()


def _noted(received: Received) -> Decision:
    """News that wants no decision. Our own mistakes among them are marked for a person."""
    event = received.event
    if inbox.read_recalled(inbox.recall(received)) is not None:
        return Acknowledge()
    if isinstance(event, Notified) and event.error_code:
        log.error("provider_refused_our_reply", call=event.call_id, code=event.error_code)
        calls.mark_for_review(received.call_id, f"the provider refused our reply: {event.error_code}")
    if event.kind is EventKind.UNKNOWN:
        log.warning("unknown_event", provider=received.application.provider)
    inbox.record(received, Acknowledge())
    return Acknowledge()


def _quarantine(received: Received, why: str) -> Decision:
    """Keep what we cannot believe, move no money, and answer what is safe."""
    log.error("event_quarantined", kind=received.event.kind.value, why=why)
    news = received.event.kind in _NEWS
    decision: Decision = Acknowledge() if news else refusal(Reason.ODD_EVENT)
    inbox.record(received, decision, Outcome.QUARANTINED, why)
    return decision


_NEWS = frozenset({EventKind.ENDED, EventKind.NOTIFIED, EventKind.UNKNOWN})

_USE_CASES: Mapping[EventKind, Callable[[Received], Decision]] = {
    EventKind.INCOMING: _incoming,
    EventKind.ANSWERED: _looked_at_again,
    EventKind.PROMPT: _looked_at_again,
    EventKind.ENDED: _ended,
    EventKind.NOTIFIED: _noted,
    EventKind.UNKNOWN: _noted,
}
