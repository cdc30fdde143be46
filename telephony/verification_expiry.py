"""Verifications of which nothing more was heard: the provider is asked once more, then they are over."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

import structlog

from postgres.statements import ask
from postgres.work import in_one_transaction
from telephony import verification_records as records
from telephony.applications import access_to
from telephony.models import Verification
from telephony.news import VerificationStatus
from telephony.providers.base import ProviderTrouble, VerificationReport
from telephony.registry import verifying
from telephony.verification_records import Told
from telephony.verification_starting import told_by
from telephony.verifications import OPEN_FOR

log = structlog.get_logger(__name__)

AT_ONCE = 100
SILENT_AFTER = 3
# A provider that gives no answer for so long will not be waited for.
ASKED_FOR = timedelta(hours=24)

NOTHING_HEARD = "Nothing was heard of it."

# One whose beginning is still being worked on, or doubted, is the outbox's.
_OVERDUE = """
SELECT v.id FROM telephony_verification v
WHERE v.status = 'pending' AND v.created_at < %s AND NOT EXISTS (
    SELECT FROM outbox_row o WHERE o.subject = v.id AND o.kind = %s AND o.state NOT IN ('done', 'dead'))
ORDER BY v.created_at LIMIT %s
"""


@dataclass(frozen=True, kw_only=True)
class Looked:
    """What one run did: so many had ended in truth, so many expired, of so many nobody would say."""

    ended: int = 0
    expired: int = 0
    no_answer: int = 0


def expire(now: datetime) -> Looked:
    """End what is overdue, at most AT_ONCE of them, oldest first. HTTP is spoken outside any transaction.

    Safe to run twice at once. After SILENT_AFTER questions without an answer the rest waits for the next run.
    """
    ended = expired = no_answer = 0
    ids = [row[0] for row in ask(_OVERDUE, [now - OPEN_FOR, records.KIND, AT_ONCE]).rows()]
    overdue = Verification.objects.select_related("application").filter(pk__in=ids).order_by("created_at")
    for verification in overdue:
        told = _heard(verification, now) if no_answer < SILENT_AFTER else None
        if told is None:
            no_answer += 1
            continue
        in_one_transaction(partial(_write_down, verification.pk, told, now))
        if told.status is VerificationStatus.EXPIRED:
            expired += 1
        else:
            ended += 1
    return Looked(ended=ended, expired=expired, no_answer=no_answer)


def _heard(verification: Verification, now: datetime) -> Told | None:
    """What is to be written down about it; None when the provider gave no answer and is asked again."""
    report = None
    if not verification.by_app:
        try:
            report = _ask(verification)
        except ProviderTrouble as trouble:
            log.warning("provider_gave_no_answer", verification=str(verification.pk), why=str(trouble))
            if now - verification.created_at < ASKED_FOR:
                return None
    if report is None:
        return Told(status=VerificationStatus.EXPIRED, reason=NOTHING_HEARD, begun=False)
    if report.status in (VerificationStatus.PENDING, VerificationStatus.OTHER):
        return replace(told_by(report), status=VerificationStatus.EXPIRED, reason=NOTHING_HEARD)
    return told_by(report)


def _ask(verification: Verification) -> VerificationReport | None:
    application = verification.application
    report = verifying(application.provider).find_verification(access_to(application), str(verification.pk))
    if report is not None and report.number and report.number != verification.number:
        raise ProviderTrouble("the provider speaks of another number")
    return report


def _write_down(id: UUID, told: Told, now: datetime) -> None:
    known = records.read(records.lock(id))
    if known is not None and not known.is_over:
        records.carry_on(known, told, now)
