"""A text's life once it was promised: sent and charged, refused, given up, and what became of it at the other end.

Whoever tells us: the answer to our request, a look-up, or a delivery report. The outbox row is locked before the text,
the text before the wallet.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog

from accounts.numbers import prefixes
from billing import piecework
from billing.money import ZERO
from billing.piecework import Charged
from outbox import rows
from postgres.statements import Answer, ask, tell
from telephony.models import Payer, TextMessage
from telephony.news import TextStatus
from telephony.registry import texting
from webhooks.models import EventType
from webhooks.telling import announce

log = structlog.get_logger(__name__)

LONGEST_DETAIL = 200

# The errand that asks a provider that does not tell.
ASKING = "text_status"
FIRST_ASKED_AFTER = timedelta(seconds=30)
MOST_DOUBLINGS = 7  # to an hour

Purpose = TextMessage.Purpose


@dataclass(frozen=True, kw_only=True)
class SentText:
    """A text that goes out, locked. `sent_at` is None as long as nothing proves that the provider took it."""

    id: UUID
    account_id: int | None
    application_id: int
    provider: str
    provider_id: str
    purpose: Purpose
    paid_by: Payer
    reference: str
    sender: str
    recipient: str
    body: str
    segments: int
    status: TextStatus
    created_at: datetime
    sent_at: datetime | None
    final_at: datetime | None


def lock(id: UUID) -> Answer:
    """Lock a text that goes out, so that what is told about it is taken one after the other. See `read`."""
    return ask(
        "SELECT t.id, t.account_id, t.application_id, a.provider, t.provider_id, t.purpose, t.paid_by, t.reference, "
        "t.sender, t.recipient, t.body, t.segments, t.status, t.created_at, t.sent_at, t.final_at "
        "FROM telephony_textmessage t JOIN telephony_application a ON a.id = t.application_id "
        "WHERE t.id = %s AND t.direction = 'out' FOR NO KEY UPDATE OF t",
        [id],
    )


def read(answer: Answer) -> SentText | None:
    """The text that was locked; None when there is no such one."""
    row = answer.row()
    if row is None:
        return None
    (
        id, account_id, application_id, provider, provider_id, purpose, paid_by, reference, sender, recipient, body,
        count, status, created_at, sent_at, final_at,
    ) = row  # fmt: skip
    return SentText(
        id=id,
        account_id=account_id,
        application_id=application_id,
        provider=provider,
        provider_id=provider_id,
        purpose=Purpose(purpose),
        paid_by=Payer(paid_by),
        reference=reference,
        sender=sender,
        recipient=recipient,
        body=body,
        segments=count,
        status=TextStatus(status),
        created_at=created_at,
        sent_at=sent_at,
        final_at=final_at,
    )


def find_reported(application_id: int, reference: UUID | None, provider_id: str) -> Answer:
    """Ask for the text of this application that a report is about: by our reference, else by the provider's id.

    The answer has its id alone.
    """
    return ask(
        "SELECT id FROM telephony_textmessage WHERE id = %s AND application_id = %s AND direction = 'out' "
        "UNION ALL "
        "SELECT id FROM telephony_textmessage "
        "WHERE application_id = %s AND provider_id = %s AND provider_id <> '' AND direction = 'out' "
        "LIMIT 1",
        [reference, application_id, application_id, provider_id],
    )


def mark_sent(text: SentText, provider_id: str, at: datetime) -> None:
    """It is proved that the provider took it: what it costs is paid now, once, whatever was thought before.

    Money that was given back meanwhile is charged all the same, as far as it is there.
    """
    charged = _pay(text, at)
    # An id that another text has proves nothing about this one, and the reference is enough to find it again.
    tell(
        "UPDATE telephony_textmessage SET sent_at = %s, status = 'pending', final_at = NULL, detail = '', "
        "currency = coalesce(nullif(%s, ''), currency), price = %s, charge = %s, loss = %s, posting_id = %s, "
        "provider_id = CASE WHEN EXISTS (SELECT FROM telephony_textmessage other "
        "    WHERE other.application_id = %s AND other.provider_id = %s AND other.id <> %s) THEN '' ELSE %s END "
        "WHERE id = %s",
        [
            at, charged.currency, charged.price, charged.charge, charged.loss, charged.posting_id,
            text.application_id, provider_id, text.id, provider_id, text.id,
        ],
    )  # fmt: skip
    if not texting(text.provider).tells_of_texts:
        ask_later(text.id, 0, at)
    log.info("text_sent", text=str(text.id), segments=text.segments)


def ask_later(id: UUID, asked: int, now: datetime) -> None:
    """Promise to ask the provider what became of the text, after it was asked so often: ever more rarely."""
    due_at = now + FIRST_ASKED_AFTER * 2 ** min(asked, MOST_DOUBLINGS)
    rows.put(ASKING, f"{ASKING}:{id}:{asked}", subject=id, payload={"asked": asked}, due_at=due_at)


def mark_refused(text: SentText, why: str, at: datetime) -> None:
    """The provider will not send it: nothing is charged."""
    reservation = piecework.read_reservation(piecework.find_reservation(text.id))
    if reservation is not None:
        piecework.release(reservation, at)
    mark_final(text, TextStatus.FAILED, why, at)


def mark_given_up(text: SentText, why: str, at: datetime) -> None:
    """Nobody could say whether it was sent: nothing is charged, unless a report comes after all."""
    reservation = piecework.read_reservation(piecework.find_reservation(text.id))
    if reservation is not None:
        piecework.expire(reservation, at)
    log.error("text_given_up", text=str(text.id), why=why)
    mark_final(text, TextStatus.FAILED, f"Nobody could say whether it was sent: {why}", at)


def mark_status(id: UUID, detail: str) -> None:
    """How far it has come, in the provider's words; that is not the end."""
    tell("UPDATE telephony_textmessage SET detail = %s WHERE id = %s", [detail[:LONGEST_DETAIL], id])


def mark_final(text: SentText, status: TextStatus, detail: str, at: datetime) -> None:
    """What became of it. The customer's systems are told of the customer's texts."""
    row = ask(
        "UPDATE telephony_textmessage SET status = %s, detail = %s, final_at = %s WHERE id = %s "
        "RETURNING currency, price, charge, detail, sent_at",
        [status.value, detail[:LONGEST_DETAIL], at, text.id],
    )
    if text.purpose is Purpose.CUSTOMER:
        announce(text.account_id, EventType.TEXT_STATUS, _told(text, status, row, at), at)


def _told(text: SentText, status: TextStatus, written: Answer, at: datetime) -> dict[str, Any]:
    (row,) = written.rows()
    currency, price, charge, detail, sent_at = row
    return {
        "id": text.id,
        "reference": text.reference,
        "sender": text.sender,
        "recipient": text.recipient,
        "status": status.value,
        "detail": detail,
        "segments": text.segments,
        "currency": currency,
        "price": price,
        "charge": charge,
        "created_at": text.created_at,
        "sent_at": sent_at,
        "final_at": at,
    }


def _pay(text: SentText, at: datetime) -> Charged:
    if text.paid_by is Payer.HOUSE:
        quote = piecework.read_quote(
            piecework.quote(text.account_id or 0, piecework.Service.TEXTS, prefixes(text.recipient), text.created_at)
        )
        return piecework.give_away(quote, text.id, text.segments) if quote else _FREE
    reservation = piecework.read_reservation(piecework.find_reservation(text.id))
    # One whose price was nothing holds nothing.
    return piecework.settle(reservation, text.id, text.segments, at) if reservation else _FREE


_FREE = Charged(currency="", price=ZERO, charge=ZERO, loss=ZERO, posting_id=None)
