"""End a call in time where its provider does not, and settle it by what the provider says when it is asked.

The provider is asked every minute, when there is news of the call, and when its time is up; from then on it is told to
hang up until the call is over. What is talked beyond the limit is charged against what is held for it, then against the
wallet; the rest is our loss, in the books as such (`endings`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.utils import timezone

from accounts.limits import PLATFORM_LONGEST_CALL_SECONDS
from outbox.errands import Absent, Claimed, Done, Outcome, TryAgain
from postgres.statements import ask
from telephony import applications, reconcile
from telephony.alarms import raise_alarm
from telephony.decisions import HangUp
from telephony.providers.base import Access, CallReport, ProviderTrouble
from telephony.registry import voice
from telephony.watching import KIND, LOOKS_EVERY

A_MOMENT = timedelta(seconds=1)
# From then on the operator hears of it: nobody but a person can end the call.
ALARMING_AFTER = timedelta(seconds=30)
ALARM_EVERY = timedelta(hours=1)
MOST_TRIES = 10_000

# Nobody needs longer to hear why a call was refused.
LONGEST_REFUSAL_SECONDS = 60

_CALL = (
    "SELECT c.application_id, c.provider_call_id, c.caller, c.destination, c.callout_id IS NOT NULL, "
    "c.begun_at, c.connected_at, c.answered_at, "
    "CASE c.state WHEN 'refused' THEN %s ELSE coalesce(c.limit_seconds, %s) END, "
    "EXISTS (SELECT FROM telephony_cdr WHERE call_id = c.id) FROM telephony_call c WHERE c.id = %s"
)


@dataclass(frozen=True, kw_only=True)
class _Watched:
    """A call that is not over as far as we know, and what decides when it has to be."""

    provider: str
    access: Access
    provider_call_id: str
    parties: str
    is_callout: bool
    begun_at: datetime
    connected_at: datetime | None
    answered_at: datetime | None
    limit: timedelta

    def ends_at(self, report: CallReport | None, now: datetime) -> datetime:
        """When its time is up. A callout's begins when the provider begins it, long after it was promised perhaps.

        The provider's clock may be wrong: it is believed no further than ours allows.
        """
        if not self.is_callout:
            return (self.connected_at or self.begun_at) + self.limit
        latest = self.answered_at or now
        told = report.begun_at if report and report.begun_at else latest
        return max(self.begun_at, min(told, latest)) + self.limit


@dataclass(frozen=True, kw_only=True)
class Overdue(TryAgain):
    """It should have ended this long ago. `parties` say who calls whom."""

    by: timedelta
    parties: str


class WatchErrand:
    """Look after one call until it has a CDR. Asking and hanging up again does no harm."""

    kind = KIND
    is_repeatable = True

    def prepare(self, row: Claimed, now: datetime) -> _Watched | TryAgain | None:
        """The call; None when it is over and written down."""
        found = ask(_CALL, [LONGEST_REFUSAL_SECONDS, PLATFORM_LONGEST_CALL_SECONDS, _call_id(row)]).row()
        if found is None:
            raise LookupError("there is no such call")
        application_id, provider_call_id, caller, destination, is_callout, *times, seconds, is_over = found
        begun_at, connected_at, answered_at = times
        if is_over:
            return None
        if not provider_call_id:
            return TryAgain("It is not placed yet.", after_seconds=A_MOMENT.total_seconds())
        reached = applications.read_access(applications.find_access(application_id))
        return _Watched(
            provider=reached.provider,
            access=reached.access,
            provider_call_id=provider_call_id,
            parties=f"{caller} to {destination}",
            is_callout=is_callout,
            begun_at=begun_at,
            connected_at=connected_at,
            answered_at=answered_at,
            limit=timedelta(seconds=seconds),
        )

    def act(self, prepared: _Watched) -> Outcome:
        """Ask what has become of the call; have it ended when its time is up, also if nobody answers."""
        provider, access, id = voice(prepared.provider), prepared.access, prepared.provider_call_id
        report, why = None, "It is going on."
        try:
            report = provider.ask_about_call(access.base_url, access.key, access.secret, id)
        except ProviderTrouble as trouble:
            why = str(trouble)
        if report is not None and report.ended is not None:
            return Done((prepared.provider, report))
        now = timezone.now()
        left = prepared.ends_at(report, now) - now
        if left > timedelta(0):
            return TryAgain(why, after_seconds=_wait(left))
        try:
            provider.manage(access.base_url, access.key, access.secret, id, HangUp())
            why = "Its time is up, and it was told to end."
        except ProviderTrouble as trouble:
            why = f"Its time is up: {trouble}"
        return Overdue(why, after_seconds=_wait(-left), by=-left, parties=prepared.parties)

    def look_up(self, prepared: _Watched) -> Outcome:
        """It is done again, so nothing has to be looked up."""
        return Absent("It is asked again.")

    def record(self, row: Claimed, outcome: Outcome, now: datetime) -> None:
        """Settle what has ended; raise the alarm about what will not end."""
        call_id = _call_id(row)
        if isinstance(outcome, Done):
            provider, report = outcome.result
            reconcile.write_down(call_id, provider, report, now)
        elif isinstance(outcome, Overdue) and outcome.by > ALARMING_AFTER:
            minutes = int(outcome.by.total_seconds()) // 60 + 1
            sentence = (
                f"Call {call_id} from {outcome.parties} cannot be ended and goes on at our cost, {minutes} minutes "
                f"beyond its limit: {outcome.why} Hang it up at the provider."
            )
            raise_alarm(f"overdue:{call_id}", "a call cannot be ended", sentence, now, every=ALARM_EVERY)

    def next_try(self, failures: int) -> timedelta | None:
        """`act` says how long to wait; this is the least."""
        return None if failures >= MOST_TRIES else A_MOMENT

    def next_look(self, looks: int, doubtful_for: timedelta) -> timedelta | None:
        """At once: asking again does no harm."""
        return timedelta(0)


def _wait(span: timedelta) -> float:
    """Seconds to wait: until its time is up, later for as long again as it is overdue; a second to a minute."""
    return max(A_MOMENT, min(span, LOOKS_EVERY)).total_seconds()


def _call_id(row: Claimed) -> UUID:
    if row.subject is None:
        raise ValueError("a watch is about a call")
    return row.subject
