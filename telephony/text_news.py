"""What a provider tells about texts: what came in, and what became of what went out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import structlog

from accounts.numbers import NumberUnreadable, parse_number
from billing import piecework
from outbox import rows
from postgres.statements import ask, tell
from telephony import inbox, opt_outs, prompts, segments, text_states, texts
from telephony.decisions import Acknowledge, Decision
from telephony.inbox import Outcome, Received
from telephony.menus import LOCALE, Spoken
from telephony.models import Payer
from telephony.news import TextReceived, TextReported, TextStatus
from telephony.registry import PROVIDERS
from telephony.text_states import SentText
from telephony.texts import NewText, Purpose, TextRefused
from webhooks.models import EventType
from webhooks.telling import announce

log = structlog.get_logger(__name__)

STOP = frozenset({"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT"})
START = frozenset({"START", "UNSTOP"})
BALANCE = frozenset({"BAL"})

MOST_REPLIES = 5
REPLIES_COUNTED = timedelta(hours=1)

LONGEST_NUMBER = 16
LONGEST_PROVIDER_ID = 100


# --- what became of a text of ours -----------------------------------------------------------------------------------


def reported(received: Received) -> Decision:
    """A report proves that the text was sent, and may say how it ended. One about no text of ours is kept."""
    event = received.event
    assert isinstance(event, TextReported)  # noqa: S101 - chosen by the event's kind
    recalled = inbox.recall(received)
    found = text_states.find_reported(received.application.id, _our_reference(event.reference), event.text_id)
    if inbox.read_recalled(recalled) is not None:
        return Acknowledge()
    row = found.row()
    if row is None:
        log.warning("report_of_unknown_text", provider=received.application.provider)
        inbox.record(received, Acknowledge())
        return Acknowledge()
    # The outbox row first, as whoever sends does; then nobody waits for the other in a circle.
    rows.finish_for(row[0], texts.ERRAND, received.received_at)
    text = text_states.read(text_states.lock(row[0]))
    assert text is not None  # noqa: S101 - a text is never removed
    conflict = _take(text, event, received)
    inbox.record(received, Acknowledge(), Outcome.CONFLICT if conflict else Outcome.DECIDED, conflict)
    return Acknowledge()


def _take(text: SentText, event: TextReported, received: Received) -> str:
    """Write down what the report tells, if it is new. Returns what contradicts an earlier report."""
    if event.segments is not None and event.segments != text.segments:
        log.warning("segments_differ", text=str(text.id), ours=text.segments, theirs=event.segments)
    was_proved = text.sent_at is not None
    if not was_proved:
        text_states.mark_sent(text, event.text_id, received.received_at)
    detail = f"{event.status_word} {event.code}".strip()
    is_final = event.status is not TextStatus.PENDING
    if was_proved and text.final_at:
        if is_final and event.status is not text.status:
            return f"It was {text.status.value} before; now it is reported as {event.status.value}."
    elif is_final:
        text_states.mark_final(text, event.status, detail, received.received_at)
    else:
        text_states.mark_status(text.id, detail)
    return ""


def _our_reference(reference: str) -> UUID | None:
    try:
        return UUID(reference)
    except ValueError:
        return None


# --- a text comes in -------------------------------------------------------------------------------------------------


def received(received: Received) -> Decision:
    """A text came in: kept once, told to whose it is, and a keyword in it is obeyed."""
    event = received.event
    assert isinstance(event, TextReceived)  # noqa: S101 - chosen by the event's kind
    recalled = inbox.recall(received)
    found = ask(_WHOSE, [event.sender, event.sender, event.sender, event.recipient, received.application.id])
    if inbox.read_recalled(recalled) is not None:
        return Acknowledge()
    ((sender_account_id, sender_is_ours, number_id, number_account_id, sends_texts),) = found.rows()
    _keep(received, event, number_account_id or sender_account_id)
    if _is_number(event.sender) and not sender_is_ours:
        able = PROVIDERS[received.application.provider].capabilities.sends_texts
        can_answer = bool(sends_texts) and able
        _obey(received, event, sender_account_id, _Answering(can_answer, event.recipient if number_id else ""))
    inbox.record(received, Acknowledge())
    return Acknowledge()


# Whose the sender's number is, and is it one of ours; whose the number is that was texted; can its application answer?
_WHOSE = """
SELECT
    (SELECT account_id FROM accounts_callernumber WHERE number = %s AND verified_at IS NOT NULL),
    EXISTS (SELECT FROM telephony_accessnumber WHERE number = %s)
        OR EXISTS (SELECT FROM telephony_application WHERE sender = %s),
    n.id, n.account_id, a.enabled AND a.sends_texts
FROM telephony_application a
LEFT JOIN telephony_accessnumber n ON n.number = %s AND n.application_id = a.id AND n.enabled
WHERE a.id = %s
"""


@dataclass(frozen=True)
class _Answering:
    """Whether the application that got a text can answer it, and from which number of ours; empty: its usual one."""

    by_the_same_way: bool
    sender: str


def _keep(received: Received, event: TextReceived, account_id: int | None) -> None:
    counted = segments.count(event.body)
    # Its id is derived from the provider's, as that of a call is.
    tell(
        "INSERT INTO telephony_textmessage (id, direction, account_id, application_id, purpose, paid_by, currency, "
        "price, charge, loss, reference, sender, recipient, body, encoding, segments, status, detail, provider_id, "
        "created_at, final_at) VALUES (%s, 'in', %s, %s, 'customer', 'account', '', 0, 0, 0, '', %s, %s, %s, %s, %s, "
        "'successful', '', %s, %s, %s)",
        [
            received.call_id, account_id, received.application.id, event.sender[:LONGEST_NUMBER],
            event.recipient[:LONGEST_NUMBER], event.body, counted.encoding, counted.segments,
            event.text_id[:LONGEST_PROVIDER_ID], received.received_at, received.received_at,
        ],
    )  # fmt: skip
    if account_id is not None:
        told = {
            "id": received.call_id,
            "sender": event.sender,
            "recipient": event.recipient,
            "body": event.body,
            "received_at": received.received_at,
        }
        announce(account_id, EventType.TEXT_RECEIVED, told, received.received_at)


def _obey(received: Received, event: TextReceived, account_id: int | None, answering: _Answering) -> None:
    word = keyword(event.body)
    # Where nothing is sent, nobody can tell whose text it was that this is the answer to.
    everywhere = not answering.by_the_same_way
    if word in STOP:
        opt_outs.stop(received.application.id, event.sender, received.received_at, everywhere=everywhere)
    elif word in START:
        opt_outs.start(received.application.id, event.sender, everywhere=everywhere)
    elif word in BALANCE and account_id is not None:
        _tell_balance(received, event, account_id, answering)


def keyword(body: str) -> str:
    """The first word of a text, in capitals and without what people write around it; empty when there is none.

    >>> keyword("  bal. please"), keyword("“Stop!”"), keyword("...")
    ('BAL', 'STOP', '')
    """
    words = body.split(maxsplit=1)
    return words[0].strip(".,;:!?'\"“”‘’()").upper() if words else ""


def _tell_balance(received: Received, event: TextReceived, account_id: int, answering: _Answering) -> None:
    """Answer with what the account may still spend, at our cost; a number is answered a few times an hour.

    Who texts may have made up a verified number; the answer goes to its owner all the same.
    """
    now = received.received_at
    quoted = piecework.quote(account_id, piecework.Service.TEXTS, [], now)
    counted = ask(
        "SELECT count(*) FROM telephony_textmessage "
        "WHERE account_id = %s AND created_at > %s AND purpose = 'reply' AND recipient = %s",
        [account_id, now - REPLIES_COUNTED, event.sender],
    )
    quote = piecework.read_quote(quoted)
    ((answered,),) = counted.rows()
    if quote is None or answered >= MOST_REPLIES:
        log.warning("balance_not_told", account=account_id, answered=answered)
        return
    spoken = prompts.balance(quote.available, quote.currency, LOCALE)
    new = NewText(
        account_id=account_id,
        recipient=event.sender,
        body=" ".join(each.text for each in spoken if isinstance(each, Spoken)),
        sender=answering.sender if answering.by_the_same_way else "",
        purpose=Purpose.REPLY,
        paid_by=Payer.HOUSE,
        application_id=received.application.id if answering.by_the_same_way else None,
    )
    try:
        texts.promise(new, now)
    except TextRefused as refused:
        log.warning("balance_not_told", account=account_id, why=str(refused))


def _is_number(text: str) -> bool:
    try:
        return parse_number(text) == text
    except NumberUnreadable:
        return False
