"""How a callout is called: what begins an attempt, and the errand that has the provider place it.

An attempt is a call like any other. It is written down, and its money held, before the provider is asked; the mark it
travels with brings its events back to it, so that an answer which is lost loses no money.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from functools import partial
from uuid import UUID, uuid4

import structlog
from django.conf import settings
from django.utils import timezone

from accounts import directory
from accounts.limits import PLATFORM_LONGEST_CALL_SECONDS
from accounts.numbers import prefixes
from billing import charging
from outbox import rows
from outbox.errands import Claimed, Done, GivenUp, Lost, Outcome, Refused, patient
from postgres.statements import ask, tell
from postgres.work import in_one_transaction
from telephony import aftermath, applications, beginnings, calls, endings, provider_credit, watching
from telephony.beginnings import Destination
from telephony.callout_checks import next_moment
from telephony.callout_marks import KIND
from telephony.calls import NewCall
from telephony.cdrs import Ending
from telephony.decisions import Reason, Refuse
from telephony.events import Result
from telephony.models import CDR, Call, Callout, Payer
from telephony.policy import Grant, may_call
from telephony.prompts import WRITTEN, refusal
from telephony.providers.base import Access, CalloutKind, CalloutOrder, Capabilities
from telephony.registry import PROVIDERS, voice
from telephony.sending import outcome_of

log = structlog.get_logger(__name__)

AT_ONCE = 200

# What we pay for ourselves is short, whatever somebody made of it.
HOUSE_SECONDS = 120
LONGEST_MENU_SECONDS = 600

# A slow voice says five characters a second; before and after it somebody says hello.
SPOKEN_A_SECOND = 5
SHORTEST_TALK_SECONDS = 60
LONGEST_TALK_SECONDS = 300

# What waited longer to be placed is not placed any more: its money was held for a call at that time.
PLACED_WITHIN = timedelta(minutes=15)
SILENT_FOR = timedelta(minutes=10)

NOT_PLACED = Ending(duration_seconds=0, result=Result.FAILED.value, reason="", cost=None, source=CDR.Source.ASKED)


@dataclass(frozen=True, kw_only=True)
class _Waiting:
    """A callout that waits to be called, locked."""

    account_id: int | None
    application_id: int
    application_enabled: bool
    provider: str
    usual_caller_id: str
    kind: str
    destination: str
    caller_id: str
    text: str
    paid_by: str
    earliest: time | None
    latest: time | None
    time_zone: str

    @property
    def able(self) -> Capabilities:
        return PROVIDERS[self.provider].capabilities


def begin_due(now: datetime) -> int:
    """Begin every callout that is due and belongs to no list; how many there were. Safe to run twice at once.

    One that fails keeps no other waiting: the first failure is raised in the end.
    """
    due = ask(
        "SELECT id FROM telephony_callout WHERE state = 'waiting' AND due_at <= %s AND call_list_id IS NULL "
        "ORDER BY due_at LIMIT %s",
        [now, AT_ONCE],
    )
    ids, failures = [row[0] for row in due.rows()], []
    for id in ids:
        try:
            in_one_transaction(partial(begin_single, id, now))
        except Exception as failure:
            log.exception("callout_not_begun", callout=str(id))
            failures.append(failure)
    if failures:
        raise failures[0]
    return len(ids)


def begin_single(callout_id: UUID, now: datetime) -> UUID | None:
    """Begin the next attempt of a callout that belongs to no list, in the caller's transaction: the call's id.

    None when there is nothing to begin now, and when it may not: then the callout has failed, with the reason.
    """
    begun = begin(callout_id, now)
    if isinstance(begun, Refuse):
        fail(callout_id, begun, now)
        return None
    return begun


def begin(callout_id: UUID, now: datetime) -> UUID | Refuse | None:
    """Begin the next attempt, in the caller's transaction: money held, call written, errand promised.

    Returns the call's id; None when the callout is not waiting, not due, or it is no time to call there; a Refuse when
    the call may not begin. After that the callout waits as before.
    """
    waiting = _lock_waiting(callout_id, now)
    if waiting is None or not _is_day_there(callout_id, waiting, now):
        return None
    call_id = uuid4()
    granted = _house_grant(waiting) if waiting.paid_by == Payer.HOUSE else _authorise(call_id, waiting, now)
    if isinstance(granted, Refuse):
        return granted
    account_id = waiting.account_id if waiting.paid_by == Payer.ACCOUNT else None
    call = NewCall(
        id=call_id,
        application_id=waiting.application_id,
        provider_call_id="",
        account_id=account_id,
        caller=waiting.caller_id,
        destination=waiting.destination,
        begun_at=now,
        state=Call.State.AUTHORISED,
        callout_id=callout_id,
        shown_caller_id=waiting.caller_id,
        limit_seconds=granted.seconds,
    )
    calls.write(call)
    if account_id is not None:
        beginnings.tell_started(call_id, account_id, call.destination, granted.seconds, now, callout_id)
    tell(
        "UPDATE telephony_callout SET state = 'calling', attempts = attempts + 1, machine = '', detail = '' "
        "WHERE id = %s",
        [callout_id],
    )
    rows.put(KIND, f"{KIND}:{call_id}", subject=call_id)
    if waiting.able.is_watched:
        watching.begin(call_id, now, granted.seconds)
    return call_id


def fail(callout_id: UUID, refused: Refuse, now: datetime) -> None:
    """A waiting callout cannot be called: it has failed, and says why."""
    callout = aftermath.lock(callout_id, Callout.State.WAITING)
    if callout is not None:
        detail = f"{WRITTEN[refused.reason]} {refused.detail}".strip()
        aftermath.finish(callout, Callout.State.FAILED, "refused", detail, now)


def _lock_waiting(callout_id: UUID, now: datetime) -> _Waiting | None:
    row = ask(
        "SELECT c.account_id, c.application_id, a.enabled, a.provider, a.caller_id, c.kind, c.destination, "
        "c.caller_id, c.text, c.paid_by, c.earliest, c.latest, c.time_zone "
        "FROM telephony_callout c JOIN telephony_application a ON a.id = c.application_id "
        "WHERE c.id = %s AND c.state = 'waiting' AND c.due_at <= %s FOR NO KEY UPDATE OF c",
        [callout_id, now],
    ).row()
    if row is None:
        return None
    return _Waiting(**dict(zip(_Waiting.__dataclass_fields__, row, strict=True)))


def _is_day_there(callout_id: UUID, waiting: _Waiting, now: datetime) -> bool:
    """Whether it may be called at this time of day; if not, it is due when the day begins there."""
    moment = next_moment(waiting.destination, waiting.time_zone, waiting.earliest, waiting.latest, now)
    if moment == now:
        return True
    due_at = moment or now + timedelta(days=1)
    tell("UPDATE telephony_callout SET due_at = %s WHERE id = %s", [due_at, callout_id])
    return False


def _house_grant(waiting: _Waiting) -> Grant | Refuse:
    return Grant(HOUSE_SECONDS) if waiting.application_enabled else refusal(Reason.NO_APPLICATION)


def _authorise(call_id: UUID, waiting: _Waiting, now: datetime) -> Grant | Refuse:
    """For how long the account may have this call, by the same policy as any other. The money is held from here on."""
    found = directory.find_standing(
        client_user="",
        otherwise_account_id=waiting.account_id,
        prefixes=prefixes(waiting.destination),
        preferred_number=waiting.caller_id,
    )
    standing = directory.read_standing(found)
    refused = may_call(standing)
    if refused is not None or standing is None:
        return refused or refusal(Reason.UNKNOWN_CALLER)
    if not waiting.application_enabled:
        return refusal(Reason.NO_APPLICATION)
    if waiting.caller_id not in (standing.shown_number, waiting.usual_caller_id):
        return refusal(Reason.CALLER_ID_NOT_OWNED)
    longest = min(standing.limits.longest_call_seconds, longest_seconds(waiting.kind, waiting.text))
    standing = replace(standing, limits=replace(standing.limits, longest_call_seconds=longest))
    destination = Destination(text=waiting.destination)
    is_limited = waiting.able.limits_phone_calls
    return beginnings.authorise_call(call_id, standing, destination, now, is_limited=is_limited)


def longest_seconds(kind: str, text: str) -> int:
    """For how long such a callout can sensibly talk."""
    match kind:
        case Callout.Kind.TEXT:
            spoken = SHORTEST_TALK_SECONDS // 2 + -(-len(text) // SPOKEN_A_SECOND)
            return max(SHORTEST_TALK_SECONDS, min(spoken, LONGEST_TALK_SECONDS))
        case Callout.Kind.MENU:
            return LONGEST_MENU_SECONDS
        case _:
            return PLATFORM_LONGEST_CALL_SECONDS


# --- having it placed ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class _Order:
    """What the provider is asked, and until when its events may still tell whether it did it."""

    provider: str
    access: Access
    order: CalloutOrder
    give_up_at: datetime


class CalloutErrand:
    """Have a call placed. Not repeatable, and no provider can be asked by our mark whether it placed one.

    What nobody answered is told by the call's own events; without any, the money is given back in the end.
    """

    kind = KIND
    is_repeatable = False

    def prepare(self, row: Claimed, now: datetime) -> _Order | Refused | None:
        """The order; None when the call is placed or over already, Refused when its time has passed."""
        call_id = _call_id(row)
        found = ask(_CALL_TO_PLACE, [call_id]).row()
        if found is None:
            raise LookupError("there is no such call of a callout")
        application_id, provider_call_id, is_over, is_alone, begun_at, limit_seconds, *about = found
        if is_over or provider_call_id:
            return None
        reached = applications.read_access(applications.find_access(application_id))
        *words, earliest, latest, time_zone = about
        order = _order(call_id, limit_seconds, *words)
        if not PROVIDERS[reached.provider].capabilities.acts_on_orders:
            order = replace(order, kind=CalloutKind.ASK_US, report_base=reached.callback_base)
        if row.doubtful_since is None:
            if now - begun_at > PLACED_WITHIN:
                return Refused("It could not be placed in time, so it was not placed at all.")
            if is_alone:
                return Refused("The other one had hung up before it was called.")
            if not reached.enabled:
                return Refused("The application that was to place it is switched off.")
            if next_moment(order.number, time_zone, earliest, latest, now) != now:
                return Refused("The hours in which it may be called were over before it could be placed.")
        seconds = limit_seconds + settings.DIAL_TIMEOUT_SECONDS + settings.HOLD_MARGIN_SECONDS
        give_up_at = (row.doubtful_since or now) + timedelta(seconds=seconds) + SILENT_FOR
        return _Order(provider=reached.provider, access=reached.access, order=order, give_up_at=give_up_at)

    def act(self, prepared: _Order) -> Outcome:
        """Ask the provider once."""
        return outcome_of(lambda: voice(prepared.provider).place_callout(prepared.access, prepared.order))

    def look_up(self, prepared: _Order) -> Outcome:
        """Only the call's events can tell; once they are long overdue, nobody will."""
        if timezone.now() > prepared.give_up_at:
            return GivenUp("Nobody could say whether it was placed.")
        return Lost("No provider can be asked for it: the events of the call will tell.")

    def record(self, row: Claimed, outcome: Outcome, now: datetime) -> None:
        """The provider's id of the call; or its end, when it was not placed or nobody knows."""
        call_id = _call_id(row)
        match outcome:
            case Done(provider_call_id):
                calls.adopt(call_id, str(provider_call_id))
            case Refused(why):
                _end(call_id, why, now, NOT_PLACED)
                for (application_id,) in ask(_APPLICATION_OF, [call_id]).rows():
                    provider_credit.heed_refusal(outcome, application_id)
            case GivenUp(why):
                _end(call_id, why, now, None)
            case _:
                return

    def next_try(self, failures: int) -> timedelta | None:
        """As usual."""
        return patient(failures)

    def next_look(self, looks: int, doubtful_for: timedelta) -> timedelta | None:
        """Looking costs nobody anything, and tells when the wait is over."""
        return None if doubtful_for > timedelta(hours=24) else timedelta(seconds=min(5 * 2**looks, 300))


_APPLICATION_OF = "SELECT application_id FROM telephony_call WHERE id = %s"

_CALL_TO_PLACE = (
    "SELECT call.application_id, call.provider_call_id, call.ended_at IS NOT NULL, "
    "EXISTS (SELECT FROM telephony_call other "
    "    WHERE other.bridge_id = call.bridge_id AND other.id <> call.id AND other.ended_at IS NOT NULL), "
    "call.begun_at, call.limit_seconds, "
    "c.kind, c.destination, c.caller_id, c.text, c.locale, c.conference_id, c.on_machine, "
    "c.earliest, c.latest, c.time_zone "
    "FROM telephony_call call JOIN telephony_callout c ON c.id = call.callout_id WHERE call.id = %s"
)


def _call_id(row: Claimed) -> UUID:
    if row.subject is None:
        raise ValueError("a callout's errand is about its call")
    return row.subject


def _order(
    call_id: UUID,
    limit_seconds: int,
    kind: str,
    destination: str,
    caller_id: str,
    text: str,
    locale: str,
    conference_id: str,
    on_machine: str,
) -> CalloutOrder:
    detects_machine = on_machine != Callout.OnMachine.IGNORE
    order_kind = CalloutKind.ASK_US
    if kind in (Callout.Kind.CONFERENCE, Callout.Kind.BRIDGE):
        order_kind = CalloutKind.CONFERENCE
    elif kind == Callout.Kind.TEXT and not detects_machine:
        order_kind = CalloutKind.SPEAK
    return CalloutOrder(
        mark=calls.mark_of_callout(call_id),
        kind=order_kind,
        number=destination,
        caller_id=caller_id,
        limit_seconds=limit_seconds,
        dial_timeout_seconds=settings.DIAL_TIMEOUT_SECONDS,
        text=text,
        locale=locale,
        conference_id=conference_id,
        detects_machine=detects_machine,
        asks_when_answered=kind == Callout.Kind.BRIDGE,
    )


def end_unplaced(call_id: UUID, why: str, now: datetime) -> None:
    """End a call that the provider was never asked for, in the caller's transaction; its callout says why."""
    _end(call_id, why, now, NOT_PLACED)


def _end(call_id: UUID, why: str, now: datetime, ending: Ending | None) -> None:
    """End a call that was not placed, or of which nobody knows (no ending); its callout says why."""
    locked = calls.lock(call_id)
    reserved = charging.find_reservation(call_id)
    call = calls.read(locked)
    reservation = charging.read_reservation(reserved)
    if call is None or call.is_over:
        return
    tell("UPDATE telephony_callout SET detail = %s WHERE id = %s AND state = 'calling'", [why[:255], call.callout_id])
    if ending is None:
        endings.give_up(call, reservation, now)
    else:
        endings.end(call, reservation, ending, now)
