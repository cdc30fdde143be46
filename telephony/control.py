"""One use case per event, one transaction each: what do we answer, and what does it do to the books?

Locks are taken in the order call, wallet, hold, ledger (docs/locking.md). A use case reads everything it depends on
afresh, so it may be run again; what it writes is unique by the call's id, so it counts once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

import structlog

from accounts import directory, pins
from accounts.limits import Standing
from billing import charging
from postgres.work import in_one_transaction
from telephony import (
    access_numbers,
    beginnings,
    call_through,
    callout_answers,
    callout_marks,
    calls,
    cdrs,
    endings,
    inbox,
    ivr,
    provider_credit,
    text_news,
    verification_news,
    watching,
)
from telephony.access_numbers import AccessNumber
from telephony.beginnings import Destination, begun_before, destination_of, number_of
from telephony.call_through import Mapped
from telephony.calls import KnownCall
from telephony.cdrs import Ending
from telephony.decisions import Acknowledge, Continue, Decision, DenyVerification, Reason, Refuse
from telephony.events import CallAnswered, CallEnded, CallIncoming, EndReason, Event, EventKind, Notified, Origin
from telephony.inbox import Outcome, Received
from telephony.models import Call
from telephony.news import VerificationAsked
from telephony.policy import may_call
from telephony.prompts import refusal
from telephony.providers.base import CallbackRefused

log = structlog.get_logger(__name__)


def decide(received: Received) -> Decision:
    """What to answer to an event, after everything it means has been committed.

    Raises what the database raises when it cannot be reached in time; nothing is half-written then.
    """
    return in_one_transaction(lambda: _decide(callout_marks.attributed(received)))


def _decide(received: Received) -> Decision:
    if not received.application.able.proves_news and received.event.kind is not EventKind.INCOMING:
        received = _of_a_call_we_know(received)
    if received.event.oddities:
        return _quarantine(received, "; ".join(received.event.oddities))
    use_case = _believed if received.event.digest else _USE_CASES[received.event.kind]
    return use_case(received)


def _of_a_call_we_know(received: Received) -> Received:
    """Whoever proves nothing tells us nothing about a call we never heard of. Raises CallbackRefused.

    An end that is told, however badly, settles nothing: the provider is asked, and what it answers counts.
    """
    found = callout_marks.found_by_provider_id(received) or received
    if not calls.exists(found.call_id):
        raise CallbackRefused("It is about a call that we do not know.", status=404)
    if found.event.kind is EventKind.ENDED:
        watching.look_by(found.call_id, found.received_at + watching.SOON)
    return found


def safe_answer(event: Event) -> Decision:
    """What is said when we cannot decide: no new call, and no harm to one whose limit the provider already has."""
    if isinstance(event, CallIncoming):
        return refusal(Reason.OWN_TROUBLE)
    if isinstance(event, CallAnswered):
        return Continue()
    if isinstance(event, VerificationAsked):
        return DenyVerification("we could not decide")
    return Acknowledge() if event.kind in NEWS else refusal(Reason.OWN_TROUBLE)


# --- somebody wants to call ------------------------------------------------------------------------------------------


def _incoming(received: Received) -> Decision:
    event = received.event
    assert isinstance(event, CallIncoming)  # noqa: S101 - chosen by the event's kind
    if event.origin is Origin.PHONE:
        return _on_our_number(received, event)
    destination = destination_of(event.destination)
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
        return begun_before(received, call)
    refused = _refusal_without_money(event, standing, destination)
    if refused is not None or standing is None:
        refused = refused or refusal(Reason.UNKNOWN_CALLER)
        account_id = standing.account_id if standing else None
        return beginnings.refuse(received, destination.text, refused, account_id=account_id)
    return beginnings.begin(received, standing, destination)


def _refusal_without_money(event: CallIncoming, standing: Standing | None, destination: Destination) -> Refuse | None:
    if event.origin is not Origin.APP:
        # A caller's number can be made up; only an app's user is authenticated by the platform.
        return refusal(Reason.NOT_IDENTIFIED)
    if standing is not None and destination.wrong:
        return refusal(destination.wrong)
    return may_call(standing, to_app_user=destination.is_app_user)


def _on_our_number(received: Received, event: CallIncoming) -> Decision:
    """Somebody dials from an ordinary phone. Who that is remains open; the number dialled says where it leads."""
    dialled, caller = event.destination.value, event.caller.number or ""
    locked = calls.lock(received.call_id)
    found = access_numbers.find(received.application.id, dialled)
    mapped = call_through.find(received.application.id, dialled, caller, _begun_at(received))
    trusted = pins.find_trusted(caller)
    call = calls.read(locked)
    number = access_numbers.read(found)
    if call is not None:
        return begun_before(received, call)
    if number is None:
        return beginnings.refuse(received, dialled, refusal(Reason.NOT_IDENTIFIED), account_id=None)
    if (known := call_through.read(mapped)) and (decision := _as_asked(received, number, known)):
        return decision
    if number.leads is access_numbers.Leads.NOWHERE:
        refused = refusal(Reason.NOT_IDENTIFIED, locale=number.locale)
        return beginnings.refuse(received, dialled, refused, account_id=None, access_number_id=number.id)
    if number.leads is access_numbers.Leads.CALLING_CARD:
        return ivr.begin_card(received, number, pins.read_trusted(trusted))
    if number.version is not None:
        return ivr.begin(received, number, number.version, pins.read_trusted(trusted))
    return _forward(received, number)


def _begun_at(received: Received) -> datetime:
    """When the call was begun, by the provider's clock where it says so: it may have been long under way.

    A clock that is far off is not believed, or a wish that ran out long ago would count again.
    """
    told, now = received.event.at, received.received_at
    return told if told and now - call_through.LONGEST_UNDER_WAY <= told <= now else now


def _as_asked(received: Received, number: AccessNumber, mapped: Mapped) -> Decision | None:
    """An app said a moment ago where this call is to go. None when another call took its place meanwhile."""
    event = received.event
    assert isinstance(event, CallIncoming)  # noqa: S101 - chosen by the event's kind
    destination = number_of(mapped.destination)
    if not call_through.claim(mapped, received.call_id, received.received_at):
        return None
    found = directory.find_standing(
        client_user="",
        otherwise_account_id=mapped.account_id,
        prefixes=destination.prefixes,
        preferred_number=event.caller.number,
    )
    ours = access_numbers.find_ours(destination.text)
    standing = directory.read_standing(found)
    refused = refusal(Reason.DESTINATION_UNSUPPORTED) if ours.row() else may_call(standing)
    if refused is not None or standing is None:
        return beginnings.refuse(
            received,
            destination.text,
            refused or refusal(Reason.UNKNOWN_CALLER),
            account_id=mapped.account_id,
            access_number_id=number.id,
            call_through_id=mapped.id,
        )
    return beginnings.begin(received, standing, destination, number, mapped.id)


def _forward(received: Received, number: AccessNumber) -> Decision:
    """The number leads to another one, at the cost of the account whose it is."""
    row = None if number.connects_to else directory.find_own_number(number.account_id or 0).row()
    destination = number_of(number.connects_to or (row[0] if row else ""))
    found = directory.find_standing(
        client_user="",
        otherwise_account_id=number.account_id,
        prefixes=destination.prefixes,
        preferred_number=None,
    )
    ours = access_numbers.find_ours(destination.text)
    standing = directory.read_standing(found)
    refused = refusal(Reason.DESTINATION_UNSUPPORTED) if destination.wrong or ours.row() else may_call(standing)
    if refused is not None or standing is None:
        refused = refused or refusal(Reason.UNKNOWN_CALLER)
        return beginnings.refuse(
            received, number.number, refused, account_id=number.account_id, access_number_id=number.id
        )
    return beginnings.begin(received, standing, destination, access_number=number)


# --- a second look at a call we know ---------------------------------------------------------------------------------


def _answered(received: Received) -> Decision:
    """The called side answered and the provider asks once more: go on if we authorised it and it is running."""
    locked = calls.lock(received.call_id)
    recalled = inbox.recall(received)
    call = calls.read(locked)
    before = inbox.read_recalled(recalled)
    if call is not None and call.is_over:
        return begun_before(received, call)
    if before is not None:
        return before
    if call is None and (marked := callout_marks.found_by_provider_id(received)):
        return _answered(marked)
    decision: Decision = Continue()
    if call is None or not call.is_running:
        decision = refusal(Reason.UNKNOWN_CALL)
    elif call.state is Call.State.AUTHORISED and call.callout_id is not None:
        decision = callout_answers.answered(received, call)
    elif call.state is Call.State.AUTHORISED and received.application.able.tells_answers:
        calls.mark_answered(call.id, _answered_at(received, call))
    inbox.record(received, decision)
    return decision


def _answered_at(received: Received, call: KnownCall) -> datetime:
    """Our time; the provider's where the talk is measured between two of its own events, see `endings.as_talked`."""
    return received.event.at or received.received_at if call.connected_at else received.received_at


# --- news ------------------------------------------------------------------------------------------------------------


def _ended(received: Received) -> Decision:
    """The hang-up: settle once. A repeat changes nothing; one that tells another story is kept for a person."""
    event = received.event
    assert isinstance(event, CallEnded)  # noqa: S101 - chosen by the event's kind
    if not received.application.able.proves_news:
        return _noted(received)
    locked = calls.lock(received.call_id)
    reserved = charging.find_reservation(received.call_id)
    call = calls.read(locked)
    if call is None and (marked := callout_marks.found_by_provider_id(received)):
        return _ended(marked)
    reservation = charging.read_reservation(reserved)
    ending = endings.as_talked(call, cdrs.ending_of(event), event.at)
    if call is not None and call.is_settled:
        return _ended_again(received, call, ending)
    if why := endings.doubt(event, ending, call, received.application.able):
        return _quarantine(received, why)
    review = "; ".join(event.remarks)
    if call is None:
        endings.end_unheard_of(received, event, ending, review)
    else:
        endings.end(call, reservation, ending, received.received_at, review)
    if event.reason is EndReason.NO_CREDIT_AT_PROVIDER:
        provider_credit.provider_says_no_credit(received.application.id)
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
    if isinstance(event, Notified) and event.machine:
        received = callout_marks.found_by_provider_id(received) or received
        callout_answers.note_machine_of(received.call_id, event.machine)
    if isinstance(event, Notified) and event.error_code:
        log.error("provider_refused_our_reply", call=event.call_id, code=event.error_code)
        calls.mark_for_review(received.call_id, f"the provider refused our reply: {event.error_code}")
    if event.kind is EventKind.UNKNOWN:
        log.warning("unknown_event", provider=received.application.provider)
    inbox.record(received, Acknowledge())
    return Acknowledge()


def _believed(received: Received) -> Decision:
    """The proof is of an id alone, so whoever once saw it could tell anything under it: the first story counts."""
    if inbox.told_otherwise(received).row() is None:
        return _USE_CASES[received.event.kind](received)
    log.error("another_story_under_a_known_id", provider=received.application.provider, id=received.event.document)
    inbox.record(received, Acknowledge(), Outcome.CONFLICT, "Something else was told under this id before.")
    return Acknowledge()


def _quarantine(received: Received, why: str) -> Decision:
    """Keep what we cannot believe, move no money, and answer what is safe."""
    log.error("event_quarantined", kind=received.event.kind.value, why=why)
    news = received.event.kind in NEWS
    decision: Decision = Acknowledge() if news else refusal(Reason.ODD_EVENT)
    if isinstance(received.event, VerificationAsked):
        decision = DenyVerification(why)
    inbox.record(received, decision, Outcome.QUARANTINED, why)
    return decision


# What tells and asks nothing: the answer changes nothing at the provider.
NEWS = frozenset(
    {
        EventKind.ENDED,
        EventKind.NOTIFIED,
        EventKind.VERIFICATION_ENDED,
        EventKind.VERIFICATION_TEXTED,
        EventKind.TEXT_RECEIVED,
        EventKind.TEXT_REPORTED,
        EventKind.CREDIT_LOW,
        EventKind.ACCOUNT_NEWS,
        EventKind.UNKNOWN,
    }
)

_USE_CASES: Mapping[EventKind, Callable[[Received], Decision]] = {
    EventKind.INCOMING: _incoming,
    EventKind.ANSWERED: _answered,
    EventKind.PROMPT: ivr.answered,
    EventKind.ENDED: _ended,
    EventKind.NOTIFIED: _noted,
    EventKind.VERIFICATION_ASKED: verification_news.asked,
    EventKind.VERIFICATION_ENDED: verification_news.ended,
    EventKind.VERIFICATION_TEXTED: verification_news.texted,
    EventKind.TEXT_RECEIVED: text_news.received,
    EventKind.TEXT_REPORTED: text_news.reported,
    EventKind.CREDIT_LOW: provider_credit.low,
    EventKind.ACCOUNT_NEWS: provider_credit.news,
    EventKind.UNKNOWN: _noted,
}
