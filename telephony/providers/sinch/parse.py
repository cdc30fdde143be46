"""From Sinch's JSON to one event: those of a call here, those of no call in `parse_news`.

Nothing here trusts the sender beyond the signature: a body that cannot be read is CallbackUnreadable, and one
that can be read but contradicts itself is an event with oddities. `private` as a caller counts as hidden, as
Sinch's documentation has it (their C# reader calls it text). The kind of destination is taken from `to.type`
even when `domain` disagrees, which it is known to do for conferences.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from telephony.events import (
    CallAnswered,
    CallEnded,
    CallIncoming,
    EndReason,
    Event,
    Notified,
    Origin,
    PromptAnswered,
    PromptKind,
    Result,
    UnknownEvent,
)
from telephony.providers.base import CallbackUnreadable
from telephony.providers.reading import JsonObject, JsonUnreadable, read_json
from telephony.providers.sinch.fields import LONGEST_ADDRESS, LONGEST_CUSTOM, Fields
from telephony.providers.sinch.parse_news import NEWS_READERS
from telephony.providers.sinch.signing import normalise_key
from telephony.providers.sinch.words import END_REASONS, KNOWN_FIELDS, ORIGINS, PROMPT_KINDS, RESULTS, TOPICS

LARGEST_CALLBACK_BYTES = 64 * 1024


def parse_callback(body: bytes, key: str | None) -> Event:
    """The event in a raw body, for the application whose key signed it. Raises CallbackUnreadable.

    Without a key nobody knows who signed, and the event is believed about its application.
    """
    try:
        value = read_json(body, LARGEST_CALLBACK_BYTES)
    except JsonUnreadable as unreadable:
        raise CallbackUnreadable(str(unreadable)) from unreadable
    if not isinstance(value, JsonObject):
        return UnknownEvent(call_id="", oddities=("the body is not a JSON object",))
    return read_event(value, key)


def read_event(values: JsonObject, key: str | None) -> Event:
    """The event that a JSON object describes. With a key, one of another application is odd."""
    word = values.get("event")
    if not isinstance(word, str) or not word.strip():
        return UnknownEvent(call_id="", oddities=("event is missing or is not a text",))
    fields = Fields(values)
    if key is not None:
        _check_application(fields, values.get("applicationkey"), key)
    read = _READERS.get(word.strip().lower())
    return read(fields) if read else _unknown(fields, values)


def read_ended(fields: Fields) -> CallEnded:
    """How a call ended, from a DiCE or from the answer to a question about the call."""
    duration_seconds = fields.duration_seconds(fields.oddities)
    result_word, reason_word = fields.word("result"), fields.word("reason")
    result = RESULTS.get(result_word.lower()) or Result.OTHER
    duration_expected = result is Result.ANSWERED or not result_word
    if duration_seconds is None and duration_expected and not fields.has("duration"):
        fields.oddities.append("duration is missing from a call that may have been answered")
    if not result_word:
        fields.remarks.append("result is missing")
    elif result is Result.OTHER:
        fields.remarks.append("result is a word we do not know")
    return CallEnded(
        result=result,
        result_word=result_word,
        reason=END_REASONS.get(reason_word.lower()) or EndReason.OTHER,
        reason_word=reason_word,
        duration_seconds=duration_seconds,
        cost=fields.cost("debit"),
        provider_rate=fields.cost("userRate"),
        caller=fields.caller("from"),
        destination=fields.endpoint("to"),
        headers=fields.headers(),
        **_shared(fields, "dice"),
    )


def _incoming(fields: Fields) -> CallIncoming:
    origin_word = fields.word("originationType")
    return CallIncoming(
        caller=fields.caller("cli"),
        destination=fields.endpoint("to"),
        origin=ORIGINS.get(origin_word.lower()) or Origin.OTHER,
        origin_word=origin_word,
        domain=fields.word("domain").lower(),
        provider_rate=fields.cost("userRate"),
        redirected_from=fields.text("rdnis"),
        headers=fields.headers(),
        resource_url=fields.text("callResourceUrl", LONGEST_ADDRESS),
        duration_seconds=fields.duration_seconds(fields.remarks),
        **_shared(fields, "ice"),
    )


def _answered(fields: Fields) -> CallAnswered:
    return CallAnswered(
        machine=fields.machine("amd"),
        resource_url=fields.text("callResourceUrl", LONGEST_ADDRESS),
        **_shared(fields, "ace"),
    )


def _prompt(fields: Fields) -> PromptAnswered:
    if not fields.has("menuResult"):
        fields.oddities.append("menuResult is missing")
    menu = fields.inner("menuResult")
    word = menu.word("type")
    return PromptAnswered(
        # Old documentation puts the id beside the result; on the wire it is inside.
        menu_id=menu.text("menuId") or fields.text("menuId"),
        prompt_kind=PROMPT_KINDS.get(word.lower()) or PromptKind.OTHER,
        prompt_word=word,
        value=menu.text("value", LONGEST_CUSTOM),
        input_method=menu.word("inputMethod").lower(),
        **_shared(fields, "pie"),
    )


def _notified(fields: Fields) -> Notified:
    topic = fields.word("type").lower()
    return Notified(
        topic=TOPICS.get(topic, topic),
        url=fields.text("destination", LONGEST_ADDRESS) or fields.text("destinationUrl", LONGEST_ADDRESS),
        error_code=fields.word("errorCode") or fields.word("errCode"),
        error_message=fields.text("errorMsg", LONGEST_CUSTOM),
        machine=fields.machine("amd"),
        **_shared(fields, "notify"),
    )


def _unknown(fields: Fields, values: JsonObject) -> UnknownEvent:
    """News of a kind we do not know need not belong to a call, so a missing call id is no oddity."""
    call_id = fields.call_id() if fields.has("callid") else ""
    return UnknownEvent(
        call_id=call_id,
        word=fields.word("event"),
        at=fields.moment("timestamp"),
        version=fields.version(),
        application_key=fields.text("applicationKey"),
        **fields.doubts(),
    )


def _shared(fields: Fields, kind: str) -> dict[str, Any]:
    """What every event of a call carries. Read last, so that the doubts about all fields are complete."""
    return {
        "call_id": fields.call_id(),
        "at": fields.moment("timestamp"),
        "version": fields.version(),
        "application_key": fields.text("applicationKey"),
        "client_user": fields.text("user"),
        "custom": fields.text("custom", LONGEST_CUSTOM),
        "cookies": fields.pairs("cookies"),
        "conference_id": fields.text("conferenceId"),
        "unknown_fields": fields.unknown(KNOWN_FIELDS[kind]),
        **fields.doubts(),
    }


def _check_application(fields: Fields, named: Any, key: str) -> None:
    if named is None or named == key:
        return
    if not isinstance(named, str) or normalise_key(named) != normalise_key(key):
        fields.oddities.append("applicationKey is not the application that signed")


_READERS: dict[str, Callable[[Fields], Event]] = {
    **NEWS_READERS,
    "ice": _incoming,
    "ace": _answered,
    "pie": _prompt,
    "dice": read_ended,
    "notify": _notified,
}
