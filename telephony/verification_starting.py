"""Beginning a verification at the provider: paid work, never done twice.

The verification's id is its reference there, and the provider begins one reference once. An answer that was lost is
looked up by it, and only what was certainly never begun is begun again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from accounts.numbers import mask
from outbox.errands import (
    Absent,
    Claimed,
    Done,
    GivenUp,
    Lost,
    Outcome,
    Refused,
    ever_more_rarely,
    patient,
)
from postgres.statements import ask
from telephony import provider_credit
from telephony import verification_records as records
from telephony.applications import Reached, find_access, read_access
from telephony.news import VerificationMethod, VerificationStatus
from telephony.providers.base import VerificationOrder, VerificationReport
from telephony.registry import verifying
from telephony.sending import outcome_of
from telephony.verification_records import Told

NEVER_KNOWN = "Nobody could say whether it was begun."


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """What is to be begun, and where."""

    reached: Reached
    order: VerificationOrder


class StartVerification:
    """The errand. Its subject is the verification."""

    kind = records.KIND
    is_repeatable = False

    def prepare(self, row: Claimed, now: datetime) -> Prepared | Refused | None:
        """The order; None when its end was heard of by another way, Refused when nobody could bring the proof now."""
        found = ask(
            "SELECT application_id, number, method, custom, status, created_at "
            "FROM telephony_verification WHERE id = %s",
            [row.subject],
        ).row()
        if found is None:
            raise LookupError("there is no such verification")
        application_id, number, method, custom, status, created_at = found
        if status != "pending":
            return None
        order = VerificationOrder(
            reference=str(row.subject), number=number, method=VerificationMethod(method), custom=custom
        )
        reached = read_access(find_access(application_id))
        if row.doubtful_since is None:
            if now - created_at > records.OPEN_FOR:
                return Refused("It could not be begun in time, so it was not begun at all.")
            if not reached.enabled:
                return Refused("The application was switched off before this was begun.")
        return Prepared(reached=reached, order=order)

    def act(self, prepared: Prepared) -> Outcome:
        """Begin it."""
        reached = prepared.reached
        return outcome_of(lambda: verifying(reached.provider).start_verification(reached.access, prepared.order))

    def look_up(self, prepared: Prepared) -> Outcome:
        """Ask for our reference. An answer about another number is not believed."""
        reached, order = prepared.reached, prepared.order
        outcome = outcome_of(lambda: verifying(reached.provider).find_verification(reached.access, order.reference))
        match outcome:
            case Done(result=None):
                return Absent("the provider knows no such verification")
            case Done(result=VerificationReport(number=number)) if number and number != order.number:
                return Lost(f"the provider speaks of another number: {mask(number)}")
            case Refused(why=why):
                return Lost(why)
        return outcome

    def record(self, row: Claimed, outcome: Outcome, now: datetime) -> None:
        """Begun: its price is charged. Refused: the hold is released. Nobody knows: the hold expires."""
        if row.subject is None:
            raise ValueError("a verification is begun for its subject")
        if not isinstance(outcome, Done | Refused | GivenUp):
            return  # it will be done again, or looked up
        known = records.read(records.lock(row.subject))
        if known is None:
            raise LookupError("there is no such verification")
        match outcome:
            case Done(result=report):
                records.carry_on(known, told_by(report), now)
            case Refused(why=why):
                told = Told(status=VerificationStatus.DENIED, reason=why, begun=False)
                records.carry_on(known, told, now)
                provider_credit.heed_refusal(outcome, known.application_id)
            case GivenUp():
                records.give_up(known, NEVER_KNOWN, now)

    def next_try(self, failures: int) -> timedelta | None:
        """As usual: five times within half a minute, while the person waits."""
        return patient(failures)

    def next_look(self, looks: int, doubtful_for: timedelta) -> timedelta | None:
        """As usual: soon, then ever more rarely, for a day."""
        return ever_more_rarely(looks, doubtful_for)


def told_by(report: VerificationReport) -> Told:
    """What a provider's answer says. One it denied was never begun."""
    return Told(
        status=report.status,
        reason=report.reason,
        provider_id=report.verification_id,
        cost=report.cost,
        begun=report.status is not VerificationStatus.DENIED,
    )
