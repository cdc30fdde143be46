"""End a call in time where its provider does not, and settle it by what the provider says when it is asked.

The provider is asked every minute, when there is news of the call, and when its time is up; from then on it is told to
hang up until the call is over. What is talked beyond the limit is charged against what is held for it, then against the
wallet; the rest is our loss, in the books as such (`endings`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from accounts.limits import PLATFORM_LONGEST_CALL_SECONDS
from outbox import rows
from outbox.errands import Absent, Claimed, Done, GivenUp, Outcome, Refused, TryAgain
from postgres.statements import ask
from telephony import applications, calls, reconcile
from telephony.alarms import raise_alarm
from telephony.callout_dialling import PLACED_WITHIN
from telephony.decisions import HangUp
from telephony.events import Result
from telephony.providers.base import Access, CallReport, CallUnknown, ProviderTrouble
from telephony.registry import voice
from telephony.watching import KIND, LOOKS_EVERY

A_MOMENT = timedelta(seconds=1)
# So long after it was told to end the operator hears of it: nobody but a person can end the call.
ALARMING_AFTER = timedelta(seconds=30)
ALARM_EVERY = timedelta(hours=1)

# Nobody needs longer to hear why a call was refused.
LONGEST_REFUSAL_SECONDS = 60
LONGEST_REFUSED = timedelta(hours=1)
# A call is given up after a day. Should it still be going on, it is told to end for another one.
LONGEST_WATCHED = timedelta(hours=48)
LONGEST_WAIT_FOR_FORGOTTEN = timedelta(minutes=10)

TIME_IS_UP = "Its time is up"
NOT_KNOWN_THERE = "the provider does not know it: forged, or lost there"

_CALL = (
    "SELECT c.application_id, c.provider_call_id, c.caller, c.destination, c.callout_id IS NOT NULL, c.begun_at, "
    "CASE c.state WHEN 'refused' THEN c.ended_at ELSE c.connected_at END, c.answered_at, "
    "CASE c.state WHEN 'refused' THEN %s ELSE coalesce(c.limit_seconds, %s) END, c.state = 'refused', "
    "EXISTS (SELECT FROM telephony_cdr WHERE call_id = c.id AND source <> 'expired') "
    "FROM telephony_call c WHERE c.id = %s"
)


@dataclass(frozen=True, kw_only=True)
class _Watched:
    """A call that is not over as far as we know, and what decides when it has to be."""

    provider: str
    access: Access
    provider_call_id: str
    parties: str
    begun_at: datetime
    counts_from: datetime | None
    answered_at: datetime | None
    placed_by: datetime
    limit: timedelta

    def ends_at(self, report: CallReport | None, now: datetime) -> datetime:
        """When its time is up: the limit counts from when a menu connected or refused it, or the provider says.

        The provider's clock may be wrong, and it may say nothing: it is believed no further than ours allows. A call
        that may have been answered is taken to have been when it was placed; one that rings is, when nobody would let
        it ring any longer.
        """
        if self.counts_from is not None:
            return self.counts_from + self.limit
        latest = self.answered_at or min(now, self.placed_by + timedelta(seconds=settings.DIAL_TIMEOUT_SECONDS))
        told = (report.begun_at or latest) if report else min(latest, self.placed_by)
        return max(self.begun_at, min(told, latest)) + self.limit


@dataclass(frozen=True, kw_only=True)
class Overdue(TryAgain):
    """It should have ended this long ago. `parties` say who calls whom."""

    by: timedelta
    parties: str


@dataclass(frozen=True, kw_only=True)
class Forgotten(TryAgain):
    """The provider says that it does not know the call. That proves nothing, but a person should look."""


class WatchErrand:
    """Look after one call until it has a CDR. Asking and hanging up again does no harm; being late costs money."""

    kind = KIND
    is_repeatable = True
    is_urgent = True

    def prepare(self, row: Claimed, now: datetime) -> _Watched | TryAgain | None:
        """The call; None when it is over and written down, or nobody will ever say that it is."""
        found = ask(_CALL, [LONGEST_REFUSAL_SECONDS, PLATFORM_LONGEST_CALL_SECONDS, _call_id(row)]).row()
        if found is None:
            raise LookupError("there is no such call")
        application_id, provider_call_id, caller, destination, is_callout, begun_at, *rest = found
        counts_from, answered_at, seconds, is_refused, is_over = rest
        if is_over or now - begun_at > (LONGEST_REFUSED if is_refused else LONGEST_WATCHED):
            return None
        if not provider_call_id:
            return TryAgain("It is not placed yet.", after_seconds=A_MOMENT.total_seconds())
        reached = applications.read_access(applications.find_access(application_id))
        return _Watched(
            provider=reached.provider,
            access=reached.access,
            provider_call_id=provider_call_id,
            parties=f"{caller} to {destination}",
            begun_at=begun_at,
            counts_from=counts_from,
            answered_at=answered_at,
            placed_by=begun_at + PLACED_WITHIN if is_callout else begun_at,
            limit=timedelta(seconds=seconds),
        )

    def act(self, prepared: _Watched) -> Outcome:
        """Ask what has become of the call; have it ended when its time is up, also if nobody answers.

        What the provider says in words that we do not know may be anything: the call is taken to go on.
        """
        access = prepared.access
        report, trouble = None, None
        try:
            report = voice(prepared.provider).ask_about_call(
                access.base_url, access.key, access.secret, prepared.provider_call_id
            )
        except ProviderTrouble as failed:
            trouble = failed
        if report is not None and report.ended is not None and report.ended.result is not Result.OTHER:
            return Done((prepared.provider, report))
        now = timezone.now()
        left = prepared.ends_at(report, now) - now
        if left <= timedelta(0):
            return _hang_up(prepared, trouble, now, by=-left)
        after_seconds = _wait(left)
        if isinstance(trouble, CallUnknown):
            return Forgotten(str(trouble), after_seconds=after_seconds)
        return TryAgain(str(trouble or "It is going on."), after_seconds=after_seconds)

    def look_up(self, prepared: _Watched) -> Outcome:
        """It is done again, so nothing has to be looked up."""
        return Absent("It is asked again.")

    def record(self, row: Claimed, outcome: Outcome, now: datetime) -> None:
        """Settle what has ended; raise the alarm about what will not end, and when nobody looks any more."""
        call_id = _call_id(row)
        match outcome:
            case Done((provider, report)):
                if reconcile.write_down(call_id, provider, report, now) not in ("settled", "given_up"):
                    # It was not believed: this row is done, so another one goes on.
                    rows.put(KIND, f"{KIND}:{call_id}:{row.id}", subject=call_id, due_at=now + LOOKS_EVERY)
            case Forgotten():
                calls.mark_for_review(call_id, NOT_KNOWN_THERE)
            case Overdue(by=by, parties=parties, why=why) if by > ALARMING_AFTER and _was_told_to_end(row.id):
                minutes = int(by.total_seconds()) // 60 + 1
                _alarm(
                    call_id,
                    f"Call {call_id} from {parties} cannot be ended and goes on at our cost, {minutes} minutes beyond "
                    f"its limit: {why} Hang it up at the provider.",
                    now,
                )
            case Refused(why=why) | GivenUp(why=why):
                _alarm(call_id, f"Nobody looks after call {call_id} any more, so nobody ends it: {why}", now)
            case _:
                return

    def next_try(self, failures: int) -> timedelta | None:
        """`act` says how long to wait; this is the least. However often it is asked, it is never given up."""
        return A_MOMENT

    def next_look(self, looks: int, doubtful_for: timedelta) -> timedelta | None:
        """At once: asking again does no harm."""
        return timedelta(0)


def _hang_up(watched: _Watched, trouble: ProviderTrouble | None, now: datetime, *, by: timedelta) -> Outcome:
    """Tell the provider to end a call whose time is up, whatever it said when it was asked."""
    access = watched.access
    try:
        voice(watched.provider).manage(access.base_url, access.key, access.secret, watched.provider_call_id, HangUp())
        why = f"{TIME_IS_UP}, and it was told to end."
    except CallUnknown as unknown:
        if isinstance(trouble, CallUnknown):
            age = min((now - watched.begun_at) / 10, LONGEST_WAIT_FOR_FORGOTTEN)
            return Forgotten(str(unknown), after_seconds=max(age, LOOKS_EVERY).total_seconds())
        why = f"{TIME_IS_UP}: {unknown}"
    except ProviderTrouble as failed:
        why = f"{TIME_IS_UP}: {failed}"
    return Overdue(why, after_seconds=_wait(by), by=by, parties=watched.parties)


def _was_told_to_end(row_id: int) -> bool:
    """Whether this is not the first time that its time was found to be up: we may have stood still until now."""
    row = ask("SELECT error FROM outbox_row WHERE id = %s", [row_id]).row()
    return row is not None and row[0].startswith(TIME_IS_UP)


def _alarm(call_id: UUID, sentence: str, now: datetime) -> None:
    raise_alarm(f"overdue:{call_id}", "a call cannot be ended", sentence, now, every=ALARM_EVERY)


def _wait(span: timedelta) -> float:
    """Seconds to wait: until its time is up, later for as long again as it is overdue; a second to a minute."""
    return max(A_MOMENT, min(span, LOOKS_EVERY)).total_seconds()


def _call_id(row: Claimed) -> UUID:
    if row.subject is None:
        raise ValueError("a watch is about a call")
    return row.subject
