"""What the operator must hear at once: a notice for staff, and an e-mail and a text where those are set up."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.core.exceptions import ValidationError

from accounts import emails, notices
from telephony import texts
from telephony.models import Payer, TextMessage
from telephony.texts import NewText, TextRefused

log = structlog.get_logger(__name__)

LONGEST_TEXT = 320


def raise_alarm(key: str, subject: str, sentence: str, now: datetime, *, every: timedelta) -> bool:
    """Tell the operator by every way that is set up, once in this time for each key; in the caller's transaction.

    False when the operator was told already.
    """
    if not notices.remind(None, key, sentence, notices.Level.WARNING, now=now, every=every):
        return False
    log.error("alarm", key=key)
    unique, spoken = f"{key}:{now.isoformat()}", f"Ringfence: {sentence}"
    _try("email", lambda: _write(unique, subject, spoken))
    _try("text", lambda: _text(spoken, now))
    return True


def _try(way: str, tell: Callable[[], None]) -> None:
    """What cannot be told one way is told the other ways all the same."""
    try:
        tell()
    except (TextRefused, ValidationError) as refused:
        log.error("operator_not_reached", way=way, why=str(refused))


def _write(key: str, subject: str, sentence: str) -> None:
    if settings.OPERATOR_EMAIL:
        emails.promise(key, settings.OPERATOR_EMAIL, f"Ringfence: {subject}", sentence)


def _text(sentence: str, now: datetime) -> None:
    if settings.OPERATOR_NUMBER:
        texts.promise(
            NewText(
                account_id=None,
                recipient=settings.OPERATOR_NUMBER,
                body=sentence[:LONGEST_TEXT],
                purpose=TextMessage.Purpose.ALERT,
                paid_by=Payer.HOUSE,
            ),
            now,
        )
