"""Reading bytes from a stranger: JSON within bounds, text that every database takes, and moments.

Whatever the bytes are, `read_json` returns a value or raises JsonUnreadable with one sentence. It never
recurses deeply, never builds a huge number and never lets NaN or half a character through.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any

MOST_NESTED = 32
MOST_DIGITS = 30
MOST_EXPONENT_DIGITS = 2

# A string that never ends swallows the rest: the scan stays linear and the parser finds the mistake.
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*+"?', re.DOTALL)
_NO_BRACKET = re.compile(rb"[^\[\]{}]+")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,7})?(Z|[+-][0-9]{2}:[0-9]{2})?")


class JsonUnreadable(ValueError):
    """The bytes are not JSON that we are willing to read."""


@dataclass(frozen=True)
class JsonObject:
    """A JSON object whose names are found in any letter case.

    `repeated` are names given more than once, here or further inside: such a body says two things.
    """

    values: Mapping[str, Any]
    repeated: tuple[str, ...] = ()

    def get(self, name: str) -> Any:
        """The value under a name, None when it is absent or null."""
        return self.values.get(name.lower())


NO_OBJECT = JsonObject(MappingProxyType({}))


def read_json(body: bytes, limit_bytes: int) -> Any:
    """The value in UTF-8 JSON. Objects become JsonObject, fractions Decimal. Raises JsonUnreadable."""
    if len(body) > limit_bytes:
        raise JsonUnreadable(f"The body is larger than {limit_bytes} bytes.")
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as broken:
        raise JsonUnreadable("The body is not UTF-8.") from broken
    if text.startswith("\ufeff"):
        raise JsonUnreadable("The body begins with a byte order mark.")
    _refuse_deep_nesting(body)
    try:
        return json.loads(
            text,
            object_pairs_hook=_object,
            parse_float=_fraction,
            parse_int=_integer,
            parse_constant=_constant,
        )
    except JsonUnreadable:
        raise
    except ValueError as broken:
        raise JsonUnreadable("The body is not JSON.") from broken


def clean(text: str) -> str:
    """The text with NUL and halves of characters, which PostgreSQL cannot keep, shown as U+FFFD."""
    return _UNSTORABLE.sub("\ufffd", text)


def read_moment(text: str) -> datetime:
    """A timestamp of the wire in UTC; one without a zone is UTC. Raises ValueError."""
    if not _MOMENT.fullmatch(text):
        raise ValueError("This is not a timestamp.")
    moment = datetime.fromisoformat(text)
    try:
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except OverflowError as outside:
        raise ValueError("This timestamp is outside the calendar.") from outside


def _refuse_deep_nesting(body: bytes) -> None:
    depth = 0
    for bracket in _NO_BRACKET.sub(b"", _STRING.sub(b"", body)):
        depth += 1 if bracket in b"[{" else -1
        if depth > MOST_NESTED:
            raise JsonUnreadable(f"The body is nested deeper than {MOST_NESTED} levels.")


def _object(pairs: list[tuple[str, Any]]) -> JsonObject:
    spelled: set[str] = set()
    values: dict[str, Any] = {}
    repeated: list[str] = []
    for name, value in pairs:
        folded = name.lower()
        # `callid` beside an equal `callId` is one statement in two spellings, not a contradiction.
        if name in spelled or (folded in values and values[folded] != value):
            repeated.append(folded)
        spelled.add(name)
        values.setdefault(folded, value)
        repeated.extend(_repeated_in(value))
    return JsonObject(values, tuple(repeated))


def _repeated_in(value: Any) -> Iterator[str]:
    if isinstance(value, JsonObject):
        yield from value.repeated
    elif isinstance(value, list):
        for entry in value:
            yield from _repeated_in(entry)


def _integer(digits: str) -> int:
    if len(digits) > MOST_DIGITS:
        raise JsonUnreadable(f"A number has more than {MOST_DIGITS} digits.")
    return int(digits)


def _fraction(digits: str) -> Decimal:
    mantissa, _, exponent = digits.lower().partition("e")
    if len(mantissa) > MOST_DIGITS or len(exponent.lstrip("+-")) > MOST_EXPONENT_DIGITS:
        raise JsonUnreadable(f"A number has more than {MOST_DIGITS} digits.")
    return Decimal(digits)


def _constant(word: str) -> Any:
    raise JsonUnreadable(f"A number cannot be {word}.")
