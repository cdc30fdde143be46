"""E-mail: promised in the transaction that has a reason for it, sent afterwards by an errand.

An e-mail costs nothing and carries a fixed Message-ID, by which a mailbox recognises a second copy. So one whose
answer was lost is simply sent again.
"""

from __future__ import annotations

import smtplib
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.core.validators import validate_email

from outbox import rows
from outbox.errands import Absent, Claimed, Done, Outcome, Refused, TryAgain

KIND = "email"

# A mail server that is down is back within a day, or somebody has heard of it otherwise.
WAITS = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 240, 720, 720))
# Each step of the conversation waits this long; the whole of it stays below the lease of an outbox row.
PATIENCE_SECONDS = 5


@dataclass(frozen=True, kw_only=True)
class Letter:
    """A letter as it goes out."""

    message_id: str
    to: str
    subject: str
    body: str


def promise(key: str, to: str, subject: str, body: str) -> None:
    """Promise an e-mail to one address, in the caller's transaction. The same key and address count once.

    Control characters in the subject become blanks. Raises ValidationError for what is no address.
    """
    validate_email(to)
    line = " ".join("".join(c if c.isprintable() else " " for c in subject).split())
    rows.put(KIND, _row_key(key, to), payload={"to": to, "subject": line, "body": body})


def _row_key(key: str, to: str) -> str:
    return f"email:{sha256(f'{key} {to}'.encode()).hexdigest()[:40]}"


class EmailErrand:
    """Send one e-mail."""

    kind = KIND
    is_repeatable = True

    def prepare(self, row: Claimed, now: datetime) -> Letter:
        """The letter, with the Message-ID that every copy of it has."""
        domain = settings.DEFAULT_FROM_EMAIL.rpartition("@")[2].rstrip("> ") or "localhost"
        payload = row.payload
        return Letter(
            message_id=f"<{row.key.removeprefix('email:')}@{domain}>",
            to=payload["to"],
            subject=payload["subject"],
            body=payload["body"],
        )

    def act(self, prepared: Letter) -> Outcome:
        """Hand it to the mail server. Nothing but a refusal of its own is final."""
        message = EmailMessage(
            prepared.subject,
            prepared.body,
            to=[prepared.to],
            headers={"Message-ID": prepared.message_id, "Auto-Submitted": "auto-generated"},
            connection=get_connection(timeout=PATIENCE_SECONDS),
        )
        try:
            message.send()
        except (smtplib.SMTPRecipientsRefused, smtplib.SMTPResponseException) as error:
            return _answered(error)
        except (smtplib.SMTPException, OSError) as error:
            return TryAgain(f"The mail server did not take it: {error}")
        return Done()

    def look_up(self, prepared: Letter) -> Outcome:
        """A mail server cannot be asked; a second copy does no harm."""
        return Absent("it is sent again: a mailbox recognises the copy")

    def record(self, row: Claimed, outcome: Outcome, now: datetime) -> None:
        """The outbox row says all there is."""

    def next_try(self, failures: int) -> timedelta | None:
        """Ever more rarely, for about a day."""
        return WAITS[failures - 1] if failures <= len(WAITS) else None

    def next_look(self, looks: int, doubtful_for: timedelta) -> timedelta | None:
        """At once."""
        return timedelta(0)


def _answered(error: smtplib.SMTPRecipientsRefused | smtplib.SMTPResponseException) -> Outcome:
    """A 5xx about the recipient or the letter is final. One about our sign-in or sender somebody will put right."""
    code, words = _words_of(error)
    why = f"The mail server answered {code}: {words}"
    if code >= 500 and isinstance(error, smtplib.SMTPRecipientsRefused | smtplib.SMTPDataError):
        return Refused(why)
    return TryAgain(why)


def _words_of(error: smtplib.SMTPRecipientsRefused | smtplib.SMTPResponseException) -> tuple[int, str]:
    code: Any
    words: Any
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code, words = next(iter(error.recipients.values()))
    else:
        code, words = error.smtp_code, error.smtp_error
    text = words.decode("utf-8", "replace") if isinstance(words, bytes) else str(words)
    return int(code), "".join(c for c in text if c.isprintable())[:200]
