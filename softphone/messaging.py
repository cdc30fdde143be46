"""Messages in the app are texts of the account: sent as every text is, and fetched from what was sent and received.

A text that a line sends carries a reference by which it is found again as that line's. A text that comes in is to a
number of the account, and names no line: every line of the account sees it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import ClassVar
from uuid import UUID

from postgres.statements import Row, ask, tell
from postgres.work import in_one_transaction
from softphone.answers import Value
from softphone.models import Line
from softphone.sentences import Refused, Sentence
from softphone.views import Answer, Asking, SoftphoneView
from telephony import texts
from telephony.texts import NewText, TextRefused

PLAIN = "text/plain"

# An app that heard no answer asks again; a person who writes the same once more takes longer.
SAME_WITHIN = timedelta(seconds=15)

MOST_PER_HOUR = 60

MOST_AT_ONCE = 100
KEPT_FOR = timedelta(days=30)

# The account's texts among which a line's own are looked for: so many of the newest, and no more.
MOST_LOOKED_AT = 5_000

# Two texts that are written at the same moment can be committed in the other order. Who has fetched the later one
# would never be told of the earlier, so a text is told of when all that are older have been committed.
SETTLED_AFTER = timedelta(seconds=2)

_LIKE_THIS = """
SELECT id FROM telephony_textmessage
WHERE account_id = %s AND created_at > %s AND reference LIKE %s
ORDER BY created_at DESC LIMIT 1
"""
_SENT_THIS_HOUR = """
SELECT count(*) FROM telephony_textmessage
WHERE account_id = %s AND created_at > %s AND direction = 'out' AND reference LIKE 'line:%%'
"""
_RECENT = """
SELECT id, created_at, sender, recipient, body FROM (
    SELECT * FROM telephony_textmessage
    WHERE account_id = %s AND created_at >= %s AND created_at <= %s
    ORDER BY created_at DESC LIMIT %s
) recent
"""
_AFTER = "AND (created_at, id) > (%s, %s) ORDER BY created_at, id LIMIT %s"
# What the account's people text to us is kept as the account's as well; it is no message to them.
_RECEIVED = f"""{_RECENT} WHERE direction = 'in' AND EXISTS (
    SELECT FROM telephony_accessnumber own
    WHERE own.number = recent.recipient AND own.account_id = %s) {_AFTER}
"""
_SENT = f"{_RECENT} WHERE direction = 'out' AND reference LIKE %s {_AFTER}"
# What a number of the account's own is texted can be answered from the same number.
_OWN_SENDER = """
SELECT n.number, a.id FROM telephony_accessnumber n JOIN telephony_application a ON a.id = n.application_id
WHERE n.account_id = %s AND n.enabled AND a.enabled AND a.sends_texts
ORDER BY n.id LIMIT 1
"""

_REFUSALS: Mapping[tuple[str, str], Sentence] = {
    ("body", "The text is empty"): Sentence.MESSAGE_EMPTY,
    ("body", "A text has at most"): Sentence.MESSAGE_TOO_LONG,
    ("recipient", "This number answered STOP"): Sentence.MESSAGE_OPTED_OUT,
    ("recipient", "The account's destination rules"): Sentence.MESSAGE_NOT_ALLOWED,
    ("recipient", "There is no price"): Sentence.MESSAGE_WITHOUT_PRICE,
    ("recipient", ""): Sentence.DESTINATION_UNREADABLE,
    ("account", "The account is not active"): Sentence.ACCOUNT_NOT_ACTIVE,
    ("account", "The credit is not enough"): Sentence.NO_CREDIT_FOR_MESSAGE,
    ("account", ""): Sentence.MESSAGES_NOT_SENT,
    ("application", ""): Sentence.MESSAGES_NOT_SENT,
    ("sender", ""): Sentence.MESSAGES_NOT_SENT,
    ("", ""): Sentence.MESSAGE_REFUSED,
}


class SendView(SoftphoneView):
    """Sends one message as a text. The same request again, within 15 seconds, is the same text."""

    promised: ClassVar[tuple[str, ...]] = ("sms_id",)

    def answer(self, asking: Asking) -> Answer:
        content_type = asking.parameters.get("content_type", "").partition(";")[0].strip().lower()
        if content_type not in ("", PLAIN):
            raise Refused(Sentence.MESSAGE_NOT_PLAIN)
        recipient, body = asking.needed("target"), asking.parameters.get("sms_body", "")
        try:
            id = send(asking.proved_line, recipient, body, asking.now)
        except TextRefused as refused:
            raise Refused(_sentence_of(refused)) from refused
        return Answer({"error": 0, "description": "Success", "sms_id": str(id), "message_id": str(id)})


class FetchView(SoftphoneView):
    """What the line has sent, and its account received, since the ones that the app knows; the oldest first."""

    def answer(self, asking: Asking) -> Answer:
        line, now = asking.proved_line, asking.now
        received = received_texts(line, asking.parameters.get("last_known_sms_id", ""), now)
        sent = sent_texts(line, asking.parameters.get("last_known_sent_sms_id", ""), now)
        fields: dict[str, Value] = {
            "date": _rfc3339(now),
            "received_smss": [_item(row, peer="sender") for row in received],
            "sent_smss": [_item(row, peer="recipient") for row in sent],
        }
        if asking.softphone.has_legacy_messages:
            of_old = ("sms_id", "sending_date", "sender", "sms_text")
            items = [_item(row, peer="sender") for row in received]
            fields["unread_smss"] = [{name: item[name] for name in of_old} for item in items]
        return Answer(fields)


def send(line: Line, recipient: str, body: str, now: datetime) -> UUID:
    """Promise one text of the line; the id of the text. Raises TextRefused, and Refused when there were too many.

    What the line asked for word by word less than 15 seconds ago is not promised again.
    """
    account_id = line.client_user.account_id
    request = f"line:{line.pk}:{_digest(recipient, body)}"

    def work() -> UUID:
        # Of two that come at once the second waits here, and finds the first one's text.
        tell("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [request])
        known = ask(_LIKE_THIS, [account_id, now - SAME_WITHIN, f"{request}:%"])
        own = ask(_OWN_SENDER, [account_id])
        if (row := known.row()) is not None:
            return UUID(str(row[0]))
        sender, application_id = own.row() or ("", None)
        new = NewText(
            account_id=account_id,
            recipient=recipient,
            body=body,
            sender=sender,
            reference=f"{request}:{now.timestamp():.6f}",
            application_id=application_id,
        )
        id = texts.promise(new, now)
        # Promising has locked the account's wallet, so those of one account are counted one after the other.
        counted = ask(_SENT_THIS_HOUR, [account_id, now - timedelta(hours=1)])
        if line.client_user.account.velocity_limits and counted.rows()[0][0] > MOST_PER_HOUR:
            raise Refused(Sentence.TOO_MANY_MESSAGES)
        return id

    return in_one_transaction(work)


def received_texts(line: Line, last_known: str, now: datetime) -> list[Row]:
    """What numbers of the line's account were texted after the text of this id; see `_newer`."""
    return _newer(_RECEIVED, line.client_user.account_id, line, last_known, now)


def sent_texts(line: Line, last_known: str, now: datetime) -> list[Row]:
    """What the line has sent after the text of this id; see `_newer`."""
    return _newer(_SENT, f"line:{line.pk}:%", line, last_known, now)


def _newer(query: str, whose: int | str, line: Line, last_known: str, now: datetime) -> list[Row]:
    """At most 100 texts, oldest first: id, when, sender, recipient, body. An id nobody knows: of the last 30 days."""
    account_id = line.client_user.account_id
    since, known_id = max(_place(account_id, last_known), (now - KEPT_FOR, UUID(int=0)))
    recent = [account_id, since, now - SETTLED_AFTER, MOST_LOOKED_AT]
    return ask(query, [*recent, whose, since, known_id, MOST_AT_ONCE]).rows()


def _place(account_id: int, text_id: str) -> tuple[datetime, UUID]:
    """Where the text stands in the account's; before all of them when it is not one."""
    nowhere = datetime.min.replace(tzinfo=UTC), UUID(int=0)
    try:
        id = UUID(text_id)
    except ValueError:
        return nowhere
    row = ask("SELECT created_at FROM telephony_textmessage WHERE id = %s AND account_id = %s", [id, account_id]).row()
    return nowhere if row is None else (row[0], id)


def _item(row: Row, *, peer: str) -> dict[str, str]:
    id, created_at, sender, recipient, body = row
    other = sender if peer == "sender" else recipient
    return {
        "sms_id": str(id),
        "sending_date": _rfc3339(created_at),
        peer: other,
        "sms_text": body,
        "content_type": PLAIN,
        "stream_id": other,
    }


def _rfc3339(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _digest(recipient: str, body: str) -> str:
    return hashlib.sha256(f"{recipient}\n{body}".encode()).hexdigest()[:32]


def _sentence_of(refused: TextRefused) -> Sentence:
    """What the app shows for it; the first line of the table that fits decides."""
    return next(
        sentence
        for (field, beginning), sentence in _REFUSALS.items()
        if field in ("", refused.field) and str(refused).startswith(beginning)
    )
