"""A verification as it is kept: written once, moved forward by whatever is heard of it, paid for once.

Its locks are taken in the order outbox row, verification, wallet, hold (docs/locking.md), whoever comes: the worker
that begins it, the person with the code, or the provider with news.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

import structlog

from accounts import registration
from accounts.exceptions import NumberTaken
from accounts.numbers import mask
from billing import piecework
from billing.piecework import PieceReservation
from outbox import rows
from postgres.statements import Answer, ask, tell
from telephony.events import Cost
from telephony.models import Payer, Verification
from telephony.news import VerificationStatus
from webhooks.models import EventType
from webhooks.telling import announce

log = structlog.get_logger(__name__)

KIND = "verification"  # of its errand

# Nobody types a code in that came a quarter of an hour ago; the provider's own codes live for less.
OPEN_FOR = timedelta(minutes=15)

LONGEST_REASON = 200
TAKEN = "The number belongs to another account by now."

Status = Verification.Status

# A later word replaces an earlier one: `expired` may be our own guess when nobody could say anything.
_RANKS = {Status.PENDING: 0, Status.EXPIRED: 1, Status.FAILED: 2, Status.DENIED: 2, Status.SUCCESSFUL: 2}

_COLUMNS = (
    "v.id, v.account_id, v.application_id, v.number, v.method, v.status, v.by_app, v.provider_id, v.reference, "
    "v.custom, v.reason, v.reports, v.posting_id IS NOT NULL, v.created_at"
)


@dataclass(frozen=True, kw_only=True)
class NewRow:
    """A verification as it is first written down. Without an account an app began it, and nobody pays."""

    id: UUID
    account_id: int | None
    application_id: int
    number: str
    country: str
    method: Verification.Method
    created_at: datetime
    status: Verification.Status = Status.PENDING
    reason: str = ""
    provider_id: str = ""
    reference: str = ""
    custom: str = ""
    from_address: str | None = None
    cost: Cost | None = None


@dataclass(frozen=True, kw_only=True)
class KnownVerification:
    """A verification as it was found, locked. `is_paid` when the ledger has its price."""

    id: UUID
    account_id: int | None
    application_id: int
    number: str
    method: Verification.Method
    status: Verification.Status
    by_app: bool
    provider_id: str
    reference: str
    custom: str
    reason: str
    reports: int
    is_paid: bool
    created_at: datetime

    @property
    def is_over(self) -> bool:
        return self.status is not Status.PENDING


@dataclass(frozen=True, kw_only=True)
class Told:
    """What was heard of a verification, from whomever. `begun` is False when the provider never began it."""

    status: VerificationStatus
    reason: str = ""
    provider_id: str = ""
    cost: Cost | None = None
    begun: bool = True


def write(new: NewRow) -> None:
    """Write a verification down. A simultaneous twin makes this fail on its id, and the loser tries again."""
    payer = Payer.HOUSE if new.account_id is None else Payer.ACCOUNT
    over = new.status is not Status.PENDING
    tell(
        "INSERT INTO telephony_verification (id, account_id, application_id, number, country, method, by_app, status, "
        "reason, provider_id, reference, custom, from_address, reports, provider_cost, provider_currency, created_at, "
        "finished_at, paid_by, currency, price, charge, loss) "
        "VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, 0, %s, %s, %s, %s, %s, '', 0, 0, 0)",
        [
            new.id, new.account_id, new.application_id, new.number, new.country, new.method.value,
            new.account_id is None, new.status.value, new.reason[:LONGEST_REASON], new.provider_id, new.reference,
            new.custom, new.from_address, new.cost.amount if new.cost else None,
            new.cost.currency if new.cost else "", new.created_at, new.created_at if over else None, payer.value,
        ],
    )  # fmt: skip


def find_heard_of(application_id: int, provider_id: str, reference: str) -> Answer:
    """Ask which verification a provider speaks of: by its own id, else by ours as its reference. One column, the id.

    Ours as a reference counts only until the provider has named its id: an app can give any reference it has seen.
    """
    return ask(
        "SELECT id FROM telephony_verification WHERE application_id = %s AND provider_id = %s AND provider_id <> '' "
        "UNION ALL "
        "SELECT id FROM telephony_verification WHERE application_id = %s AND id = %s AND NOT by_app "
        "AND provider_id = '' LIMIT 1",
        [application_id, provider_id, application_id, own_id(reference)],
    )


def lock(id: UUID) -> Answer:
    """Lock the verification, behind its outbox row. See `read`."""
    tell("SELECT id FROM outbox_row WHERE subject = %s AND kind = %s FOR NO KEY UPDATE", [id, KIND])
    return ask(f"SELECT {_COLUMNS} FROM telephony_verification v WHERE v.id = %s FOR NO KEY UPDATE OF v", [id])  # noqa: S608


def read(answer: Answer) -> KnownVerification | None:
    """The verification that was locked; None when there is none."""
    row = answer.row()
    if row is None:
        return None
    id, account_id, application_id, number, method, status, by_app, provider_id, reference, custom, *rest = row
    reason, reports, is_paid, created_at = rest
    return KnownVerification(
        id=id,
        account_id=account_id,
        application_id=application_id,
        number=number,
        method=Verification.Method(method),
        status=Verification.Status(status),
        by_app=by_app,
        provider_id=provider_id,
        reference=reference,
        custom=custom,
        reason=reason,
        reports=reports,
        is_paid=is_paid,
        created_at=created_at,
    )


def carry_on(known: KnownVerification, told: Told, at: datetime) -> Verification.Status:
    """Write down what was heard: its status forward, its price charged once it was begun, its number proved.

    `known` is locked. Returns the status it has now. Whatever the outside says ends the work of beginning it.
    """
    reservation = piecework.read_reservation(piecework.find_reservation(known.id))
    if told.begun:
        _charge(known, reservation, at)
    elif reservation is not None:
        piecework.release(reservation, at)
    if not known.by_app:
        rows.finish_for(known.id, KIND, at)
    status, reason = _forward(known, told)
    if status is Status.SUCCESSFUL and status is not known.status and known.account_id is not None:
        status, reason = _prove(known.account_id, known.number, at, reason)
    _mark(replace(known, status=status), told, reason, at)
    if status is not known.status:
        _announce(replace(known, status=status), reason, at)
    return status


def give_up(known: KnownVerification, why: str, at: datetime) -> None:
    """Nobody could say whether it was ever begun: nothing is charged and it is over, unless news of it comes later."""
    reservation = piecework.read_reservation(piecework.find_reservation(known.id))
    if reservation is not None:
        piecework.expire(reservation, at)
    if not known.is_over:
        expired = replace(known, status=Status.EXPIRED)
        _mark(expired, Told(status=VerificationStatus.EXPIRED), why, at)
        _announce(expired, why, at)


def count_report(id: UUID, by: int) -> None:
    """One more proof was handed in, or one that nobody looked at is taken back."""
    tell("UPDATE telephony_verification SET reports = greatest(reports + %s, 0) WHERE id = %s", [by, id])


def name_provider_id(id: UUID, provider_id: str) -> None:
    """The provider calls it so."""
    tell("UPDATE telephony_verification SET provider_id = %s WHERE id = %s", [provider_id, id])


def note(id: UUID, reason: str) -> None:
    """How it goes with one that is not over."""
    tell(
        "UPDATE telephony_verification SET reason = %s WHERE id = %s AND status = 'pending'",
        [reason[:LONGEST_REASON], id],
    )


def contradicts(known: KnownVerification, number: str) -> bool:
    """Does somebody speak of another number? One that was not named contradicts nothing."""
    return bool(number) and number != known.number


def _charge(known: KnownVerification, reservation: PieceReservation | None, at: datetime) -> None:
    if known.is_paid or reservation is None:
        return
    charged = piecework.settle(reservation, known.id, 1, at)
    tell(
        "UPDATE telephony_verification SET currency = %s, price = %s, charge = %s, loss = %s, posting_id = %s "
        "WHERE id = %s",
        [charged.currency, charged.price, charged.charge, charged.loss, charged.posting_id, known.id],
    )


def _forward(known: KnownVerification, told: Told) -> tuple[Verification.Status, str]:
    """The status after this, and why."""
    reason = told.reason[:LONGEST_REASON]
    if told.status is VerificationStatus.OTHER:
        return known.status, reason
    status = Status(told.status.value)
    return (status, reason) if _RANKS[status] > _RANKS[known.status] else (known.status, reason)


def _prove(account_id: int, number: str, at: datetime, reason: str) -> tuple[Verification.Status, str]:
    try:
        registration.add_verified_number(account_id, number, at)
    except NumberTaken:
        log.warning("proved_number_is_taken", account=account_id, number=mask(number))
        return Status.FAILED, TAKEN
    return Status.SUCCESSFUL, reason


def _mark(known: KnownVerification, told: Told, reason: str, at: datetime) -> None:
    """Keep what is known by now; a reason belongs to the status with which it came."""
    tell(
        "UPDATE telephony_verification SET "
        "reason = CASE WHEN status = 'pending' OR status <> %s THEN %s ELSE reason END, "
        "finished_at = CASE WHEN %s = 'pending' THEN NULL WHEN status = %s THEN finished_at ELSE %s END, "
        "status = %s, provider_id = coalesce(nullif(provider_id, ''), %s), "
        "provider_cost = coalesce(%s, provider_cost), provider_currency = coalesce(%s, provider_currency) "
        "WHERE id = %s",
        [
            known.status.value, reason[:LONGEST_REASON], known.status.value, known.status.value, at,
            known.status.value, told.provider_id, told.cost.amount if told.cost else None,
            told.cost.currency if told.cost else None, known.id,
        ],
    )  # fmt: skip


def _announce(known: KnownVerification, reason: str, at: datetime) -> None:
    """Tell the account's systems. One that an app began belongs to no account."""
    if known.account_id is None:
        return
    data = {
        "id": known.id,
        "number": known.number,
        "method": known.method.value,
        "status": known.status.value,
        "reason": reason,
        "reference": known.reference,
        "custom": known.custom,
    }
    announce(known.account_id, EventType.VERIFICATION_ENDED, data, at)


def own_id(reference: str) -> UUID | None:
    """The id that a provider repeats as our reference; None for a reference of somebody else's making."""
    try:
        return UUID(reference)
    except ValueError:
        return None
