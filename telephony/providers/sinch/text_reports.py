"""What Sinch tells about the texts of a service plan: reports about those we sent, and those that came in.

The `type` of a body says what it is. Reports come once for a batch with every status in it, or once for each recipient;
ours ask for the second, and both are read. Numbers come without their plus and get it back here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from telephony.events import Event, UnknownEvent
from telephony.news import AccountNews, TextReceived, TextReported, TextStatus
from telephony.providers.base import CallbackUnreadable
from telephony.providers.reading import JsonObject, JsonUnreadable, read_json
from telephony.providers.sinch.fields import LONGEST_CUSTOM, Fields
from telephony.providers.sinch.words import TEXT_STATUSES

LARGEST_CALLBACK_BYTES = 64 * 1024
MOST_REPORTED = 64  # a batch of ours has one recipient
MOST_SEGMENTS = 255


def parse_reports(body: bytes) -> Sequence[Event]:
    """The events in a raw body, at least one. Raises CallbackUnreadable."""
    try:
        value = read_json(body, LARGEST_CALLBACK_BYTES)
    except JsonUnreadable as unreadable:
        raise CallbackUnreadable(str(unreadable)) from unreadable
    if not isinstance(value, JsonObject):
        return [UnknownEvent(call_id="", oddities=("the body is not a JSON object",))]
    fields = Fields(value)
    word = fields.word("type")
    if not word:
        return [UnknownEvent(call_id="", oddities=("type is missing or is not a text",))]
    read = _READERS.get(word.lower())
    return read(fields) if read else [UnknownEvent(call_id="", word=word, **fields.doubts())]


def _batch(fields: Fields) -> Sequence[Event]:
    """A report about a whole batch: an event for each recipient that is named, else for each status."""
    whole = TextReported(call_id="", text_id=fields.identifier("batch_id"), reference=fields.text("client_reference"))
    found: list[TextReported] = []
    for status in fields.inside("statuses")[: MOST_REPORTED + 1]:
        found += _each(status, whole)
    if not found:
        fields.oddities.append("statuses says nothing")
        found = [whole]
    if len(found) > MOST_REPORTED:
        fields.remarks.append(f"statuses names more than {MOST_REPORTED} recipients and was cut")
    return [replace(event, **fields.doubts()) for event in found[:MOST_REPORTED]]


def _each(status: Fields, whole: TextReported) -> list[TextReported]:
    about = replace(whole, **_status_of(status))
    recipients = status.numbers("recipients")
    return [replace(about, recipient=recipient) for recipient in recipients] or [about]


def _recipient(fields: Fields) -> Sequence[Event]:
    event = TextReported(
        call_id="",
        text_id=fields.identifier("batch_id"),
        reference=fields.text("client_reference"),
        recipient=fields.address("recipient"),
        segments=fields.whole("number_of_message_parts", MOST_SEGMENTS),
        at=fields.moment("at"),
    )
    return [replace(event, **_status_of(fields), **fields.doubts())]


def _status_of(fields: Fields) -> dict[str, Any]:
    word = fields.word("status")
    if not word:
        fields.oddities.append("status is missing")
    elif word.lower() not in TEXT_STATUSES:
        fields.remarks.append("status is a word we do not know")
    status = TEXT_STATUSES.get(word.lower(), TextStatus.PENDING)
    return {"status": status, "status_word": word, "code": fields.word("code")}


def _came_in(fields: Fields) -> Sequence[Event]:
    sender = fields.address("from")
    if not sender:
        fields.oddities.append("from names nobody")
    event = TextReceived(
        call_id="",
        text_id=fields.identifier("id"),
        sender=sender,
        recipient=fields.address("to"),
        body=fields.text("body", LONGEST_CUSTOM),
        at=fields.moment("received_at"),
    )
    return [replace(event, **fields.doubts())]


def _not_words(fields: Fields) -> Sequence[Event]:
    """Bytes or pictures for one of our numbers: kept among the events, and nothing is done with them."""
    event = AccountNews(
        call_id="",
        news_id=fields.identifier("id"),
        topic=fields.word("type").lower(),
        at=fields.moment("received_at"),
    )
    return [replace(event, **fields.doubts())]


_READERS: dict[str, Callable[[Fields], Sequence[Event]]] = {
    "delivery_report_sms": _batch,
    "recipient_delivery_report_sms": _recipient,
    "mo_text": _came_in,
    "mo_binary": _not_words,
    "mo_media": _not_words,
}
