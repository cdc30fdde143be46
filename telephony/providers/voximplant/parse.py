"""From one POST of Voximplant's to the account callbacks in it that are proved, each as an event.

The body is one object with a list, `callbacks`. What is inside an entry is hostile until its hash is checked, and a
hint afterwards. An entry that is not proved is left out; it never spoils the others.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from hashlib import sha256
from types import MappingProxyType
from typing import Any

from accounts.numbers import NumberUnreadable, parse_number
from telephony.events import Cost, Event, UnknownEvent
from telephony.news import AccountNews, CreditLow, TextReceived
from telephony.providers.base import CallbackUnreadable, Credentials, Keyring, Verified
from telephony.providers.reading import JsonObject, JsonUnreadable, clean, read_json
from telephony.providers.voximplant.proof import is_proved
from telephony.providers.voximplant.words import KNOWN_TOPICS, LOW_CREDIT, TEXT_IN

LARGEST_BODY_BYTES = 64 * 1024
MOST_CALLBACKS = 200
LONGEST_WORD = 64
LONGEST_TEXT = 2000
_DIGITS = 18
_DIGEST_DIGITS = 32


@dataclass(frozen=True)
class Proved(Verified):
    """A POST of which at least one callback is proved: only those are in it."""

    entries: tuple[JsonObject, ...]


def read_entries(body: bytes) -> Sequence[JsonObject]:
    """The callbacks in a body, proved or not. Raises CallbackUnreadable when there is no list of them."""
    try:
        value = read_json(body, LARGEST_BODY_BYTES)
    except JsonUnreadable as unreadable:
        raise CallbackUnreadable(str(unreadable)) from unreadable
    entries = value.get("callbacks") if isinstance(value, JsonObject) else None
    if not isinstance(entries, list):
        raise CallbackUnreadable("The body has no list of callbacks.")
    if len(entries) > MOST_CALLBACKS:
        raise CallbackUnreadable(f"The body has more than {MOST_CALLBACKS} callbacks.")
    return [entry for entry in entries if isinstance(entry, JsonObject)]


def owner_of(entry: JsonObject, keyring: Keyring) -> Credentials | None:
    """Whose account the callback is about, when its hash proves it; None when it does not."""
    account_id, callback_id = _digits(entry.get("account_id")), _digits(entry.get("callback_id"))
    # The documentation names the field `salt` in one place and `hash` in all others.
    given = entry.get("hash", entry.get("salt"))
    credentials = keyring.find(account_id) if account_id else None
    if credentials is None or not callback_id or not isinstance(given, str) or not given.isascii():
        return None
    return credentials if is_proved(given, credentials, callback_id) else None


def read_event(entry: JsonObject) -> Event:
    """What a proved callback means."""
    topic = _text(entry.get("type"), LONGEST_WORD)
    about: dict[str, Any] = {"call_id": "", "digest": _digest(entry)}
    news_id = _digits(entry.get("callback_id"))
    inner = _inner(entry, topic)
    if entry.repeated:
        about["oddities"] = (f"{clean(entry.repeated[0])[:LONGEST_WORD]} is given more than once",)
    if not topic:
        return UnknownEvent(**{**about, "oddities": ("type is missing or is not a text",)})
    if topic == LOW_CREDIT:
        return CreditLow(
            news_id=news_id, balance=_balance(entry), is_repeated=inner.get("is_repeated") is True, **about
        )
    if topic == TEXT_IN:
        return TextReceived(
            text_id=news_id,
            sender=_number(inner.get("source_number")),
            recipient=_number(inner.get("destination_number")),
            body=_text(inner.get("sms_body"), LONGEST_TEXT),
            **about,
        )
    return AccountNews(
        news_id=news_id,
        topic=topic,
        is_known_topic=topic in KNOWN_TOPICS,
        details=MappingProxyType(dict(inner)),
        **about,
    )


def _inner(entry: JsonObject, topic: str) -> Mapping[str, Any]:
    """The object that carries the data. Some types hold it twice nested, by the vendor's own SDKs: both are read."""
    outer = entry.get(topic.lower())
    if not isinstance(outer, JsonObject):
        return {}
    inner = outer.get(topic.lower(), outer)
    return inner if isinstance(inner, JsonObject) else outer


def _balance(entry: JsonObject) -> Cost | None:
    amount, currency = entry.get("balance"), entry.get("currency")
    if not isinstance(amount, int | Decimal) or isinstance(amount, bool) or not isinstance(currency, str):
        return None
    return Cost(currency=clean(currency)[:3].upper(), amount=Decimal(amount))


def _digits(value: Any) -> str:
    """A whole number as it goes into the hash; empty for anything else."""
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    return text if isinstance(text, str) and text.isascii() and text.isdigit() and len(text) <= _DIGITS else ""


def _text(value: Any, limit: int) -> str:
    return clean(value)[:limit] if isinstance(value, str) else ""


def _number(value: Any) -> str:
    """E.164; Voximplant writes numbers without the plus. A sender's name stays as it is."""
    text = _text(value, LONGEST_WORD).strip()
    if text.isascii() and text.isdigit():
        text = f"+{text}"
    try:
        return parse_number(text)
    except NumberUnreadable:
        return text


def _digest(entry: JsonObject) -> str:
    """Of everything that was told, so that a second story under the same id is noticed."""
    told = json.dumps(entry, sort_keys=True, default=str, ensure_ascii=True)
    return sha256(told.encode()).hexdigest()[:_DIGEST_DIGITS]
