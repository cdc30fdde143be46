"""The record written when a call ends. Written once; a late hang-up of a call given up adds a revision."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from psycopg.types.json import Jsonb

from billing.charging import Settlement
from postgres.statements import tell
from telephony.events import CallEnded, Cost
from telephony.models import CDR

# Above this many times the customer's price, the provider's cost deserves a person's look.
SUSPICIOUS_COST_TIMES = 5


@dataclass(frozen=True, kw_only=True)
class Ending:
    """How a call ended, in our words, whoever told us."""

    duration_seconds: int
    result: str
    reason: str
    cost: Cost | None
    source: CDR.Source


def ending_of(event: CallEnded, source: CDR.Source = CDR.Source.EVENT) -> Ending:
    """The ending a hang-up event tells of; no duration means nobody talked."""
    return Ending(
        duration_seconds=event.duration_seconds or 0,
        result=event.result.value,
        reason=event.reason_word[:40],
        cost=event.cost,
        source=source,
    )


def write(
    *,
    call_id: UUID,
    revision: int,
    account_id: int | None,
    caller: str,
    destination: str,
    begun_at: datetime,
    ended_at: datetime,
    ending: Ending,
    settlement: Settlement,
    review: str,
) -> None:
    """Write the CDR, with the posting that proves its charge. The database refuses a second one."""
    cost = ending.cost
    tell(
        "INSERT INTO telephony_cdr (call_id, revision, account_id, caller, destination, begun_at, ended_at, "
        "duration_seconds, billed_seconds, result, reason, currency, price, charge, loss, rate_id, posting_id, "
        "breakdown, provider_cost, provider_currency, source, review) "
        "VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, "
        "(SELECT id FROM billing_posting WHERE subject = %s AND kind = 'settlement'), %s, %s, %s, %s, %s)",
        [
            call_id, revision, account_id, caller, destination, begun_at, ended_at, ending.duration_seconds,
            settlement.billed_seconds, ending.result, ending.reason, settlement.currency, settlement.price,
            settlement.charge, settlement.loss, settlement.rate_id,
            call_id if settlement.has_posting else None, Jsonb(settlement.breakdown),
            cost.amount if cost else None, cost.currency if cost else "", ending.source.value, review[:100],
        ],
    )  # fmt: skip


def cost_worth_a_look(cost: Cost | None, settlement: Settlement) -> str:
    """Why the provider's cost should be looked at, or nothing. The customer's price never depends on it."""
    if cost is None or cost.currency != settlement.currency or settlement.price == 0:
        return ""
    if cost.amount > SUSPICIOUS_COST_TIMES * settlement.price:
        return f"the provider charged {cost.amount.normalize():f} {cost.currency}"
    return ""
