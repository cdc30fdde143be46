"""Properties of a folded document, each read strictly; what is wrong is said by name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

LONGEST_CALL_SECONDS = 14400
COOKIE_BYTES = 1024
HEADER_BYTES = 1024

Given = Mapping[str, Any]

_LOCALE = re.compile(r"[a-z]{2,3}(-[a-z0-9]{2,8})*", re.IGNORECASE)


class IllegalReply(Exception):
    """The reply is not SVAML that the platform would obey here; the message says why."""


def fold(value: Any) -> Any:
    """The same document with lower-case property names; a property given twice is refused."""
    if isinstance(value, list):
        return [fold(each) for each in value]
    if not isinstance(value, dict):
        return value
    folded = {key.lower(): fold(each) for key, each in value.items()}
    if len(folded) != len(value):
        raise IllegalReply("a property is given twice, in different letter case")
    return folded


def known(given: Given, names: Iterable[str], whose: str) -> None:
    """Refuse a property that is not among these: it is misspelt, or does nothing."""
    unknown = given.keys() - {name.lower() for name in names} - {"name"}
    if unknown:
        raise IllegalReply(f"{whose} has no property {', '.join(sorted(unknown))}")


def name(given: Given, whose: str) -> str:
    """The name of an instruction or action."""
    found = given.get("name")
    if not isinstance(found, str):
        raise IllegalReply(f"{whose} has no name")
    return found


def text(given: Given, property_: str, whose: str) -> str | None:
    """A text, or None when it is absent or empty."""
    value = given.get(property_.lower())
    if value is not None and not isinstance(value, str):
        raise IllegalReply(f"{whose}.{property_} is not text")
    return value or None


def required_text(given: Given, property_: str, whose: str) -> str:
    """A text that is there and not empty."""
    value = text(given, property_, whose)
    if value is None:
        raise IllegalReply(f"{whose}.{property_} is missing")
    return value


def flag(given: Given, property_: str, whose: str, *, default: bool = False) -> bool:
    """True or false; null is absent."""
    value = given.get(property_.lower())
    if value is not None and not isinstance(value, bool):
        raise IllegalReply(f"{whose}.{property_} is not true or false")
    return default if value is None else value


def whole(given: Given, property_: str, whose: str, *, least: int, most: int) -> int | None:
    """A whole number between two bounds, or None when it is absent."""
    value = given.get(property_.lower())
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise IllegalReply(f"{whose}.{property_} is not a whole number from {least} to {most}: {value}")
    return value


def seconds(given: Given, property_: str, whose: str, *, most: int = LONGEST_CALL_SECONDS) -> int | None:
    """Whole seconds, at least one."""
    return whole(given, property_, whose, least=1, most=most)


def choice(given: Given, property_: str, whose: str, choices: Iterable[str]) -> str | None:
    """One of several words, in any letter case; given back as it is documented."""
    value = text(given, property_, whose)
    if value is None:
        return None
    words = {word.lower(): word for word in choices}
    if value.lower() not in words:
        raise IllegalReply(f"{whose}.{property_} is none of {', '.join(words.values())}: {value}")
    return words[value.lower()]


def locale(given: Given, whose: str) -> str | None:
    """A language such as en-US."""
    value = text(given, "locale", whose)
    if value is not None and not _LOCALE.fullmatch(value):
        raise IllegalReply(f"{whose}.locale is not a language: {value}")
    return value


def child(given: Given, property_: str, whose: str) -> Given | None:
    """An object inside, or None when it is absent."""
    value = given.get(property_.lower())
    if value is not None and not isinstance(value, dict):
        raise IllegalReply(f"{whose}.{property_} is not an object")
    return value


def objects(given: Given, property_: str, whose: str) -> list[Given]:
    """An array of objects; absent is empty."""
    value = given.get(property_.lower())
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise IllegalReply(f"{whose}.{property_} is not an array of objects")
    return value


def pairs(given: Given, property_: str, whose: str) -> tuple[tuple[str, str], ...]:
    """Keys and values, as cookies and call headers are written."""
    found = []
    for each in objects(given, property_, whose):
        known(each, ["key", "value"], f"{whose}.{property_}")
        found.append((required_text(each, "key", property_), required_text(each, "value", property_)))
    return tuple(found)


def headers(given: Given, whose: str) -> tuple[tuple[str, str], ...]:
    """callHeaders, at most 1024 bytes of UTF-8 in all."""
    found = pairs(given, "callHeaders", whose)
    if sum(len(f"{key}{value}".encode()) for key, value in found) > HEADER_BYTES:
        raise IllegalReply(f"{whose}.callHeaders is longer than {HEADER_BYTES} bytes")
    return found
