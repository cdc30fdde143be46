"""Verifications of which nothing more was heard: the provider is asked once more, then they are over."""

from __future__ import annotations

from collections import Counter
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
LOOKED_AT = 10_000
SILENT_AFTER = 3
# A provider that gives no answer for so long will not be waited for.
ASKED_FOR = timedelta(hours=24)

NOTHING_HEARD = "Nothing was heard of it."

# One whose beginning is still being worked on, or doubted, is the outbox's.
_OVERDUE = """
SELECT v.id, v.application_id FROM telephony_verification v
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

    Safe to run twice at once. An application that leaves SILENT_AFTER questions unanswered is left alone for the rest
    of the run, so that it keeps no other waiting; nor does one that fails: the first failure is raised in the end.
    """
    done: Counter[str] = Counter()
    unanswered: Counter[int] = Counter()
    failures: list[Exception] = []
    asked = 0
    for id, application_id in ask(_OVERDUE, [now - OPEN_FOR, records.KIND, LOOKED_AT]).rows():
        if asked >= AT_ONCE:
            break
        if unanswered[application_id] >= SILENT_AFTER:
            done["no_answer"] += 1
            continue
        asked += 1
        try:
            outcome = _end(id, now)
        except Exception as failure:
            log.exception("verification_not_ended", verification=str(id))
            failures.append(failure)
            continue
        done[outcome] += 1
        unanswered[application_id] += outcome == "no_answer"
    if failures:
        raise failures[0]
    return Looked(**done)


def _end(id: UUID, now: datetime) -> str:
    """Ask about one and write down what was answered; the figure of `Looked` in which it counts."""
    told = _heard(Verification.objects.select_related("application").get(pk=id), now)
    if told is None:
        return "no_answer"
    in_one_transaction(partial(_write_down, id, told, now))
    return "expired" if told.status is VerificationStatus.EXPIRED else "ended"


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
