"""Reading bytes from a stranger: JSON within bounds, text that every database takes, and moments.

Whatever the bytes are, `read_json` returns a value or raises JsonUnreadable with one sentence. It never
recurses deeply, never builds a huge number and never lets NaN or half a character through.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from itertools import chain
from typing import Any

MOST_NESTED = 32
MOST_DIGITS = 30
MOST_EXPONENT_DIGITS = 2
_PLAIN_FRACTION = frozenset("0123456789.-")
LARGEST_WHOLE_NUMBER = 10**MOST_DIGITS

_BLANKS = " \t\n\r"  # those of JSON

# A string that never ends swallows the rest: the scan stays linear and the parser finds the mistake.
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*+"?', re.DOTALL)
_NO_BRACKET = re.compile(rb"[^\[\]{}]+")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,7})?(Z|[+-][0-9]{2}:[0-9]{2})?")


class JsonUnreadable(ValueError):
    """The bytes are not JSON that we are willing to read."""


class JsonObject(dict[str, Any]):
    """A JSON object, its names in lower case since their letter case varies.

    `repeated` are names given more than once, here or further inside: such a body says two things.
    """

    repeated: tuple[str, ...] = ()


NO_OBJECT = JsonObject()


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
    text = text.strip(_BLANKS)
    try:
        value, end = _DECODER.raw_decode(text)
    except JsonUnreadable:
        raise
    except ValueError as broken:
        raise JsonUnreadable("The body is not JSON.") from broken
    if end != len(text):
        raise JsonUnreadable("The body is more than one JSON value.")
    return value


def read_texts(text: str, limit_bytes: int) -> dict[str, str]:
    """A JSON object of nothing but texts, its names as written. Raises JsonUnreadable when it is anything else."""
    body = text.encode("utf-8", "surrogatepass")
    read_json(body, limit_bytes)
    named = json.loads(body)
    if not isinstance(named, dict) or not all(isinstance(value, str) for value in named.values()):
        raise JsonUnreadable("The body is not a JSON object of texts.")
    return named


def read_plain(value: Any, most_nested: int = MOST_NESTED) -> Any:
    """The value that another reader made of JSON, as `read_json` would have read it. Raises JsonUnreadable.

    A fraction may be a float: then its shortest spelling counts, which is what was in the JSON.
    """
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, int):
        if abs(value) >= LARGEST_WHOLE_NUMBER:
            raise JsonUnreadable(f"A number has more than {MOST_DIGITS} digits.")
        return value
    if isinstance(value, float | Decimal):
        return _fraction(str(value)) if Decimal(value).is_finite() else _constant("NaN or infinite")
    if not most_nested:
        raise JsonUnreadable(f"The body is nested deeper than {MOST_NESTED} levels.")
    if isinstance(value, Mapping) and all(isinstance(name, str) for name in value):
        return _object([(name, read_plain(inner, most_nested - 1)) for name, inner in value.items()])
    if isinstance(value, list | tuple):
        return [read_plain(inner, most_nested - 1) for inner in value]
    raise JsonUnreadable("The body holds something that JSON does not have.")


def clean(text: str) -> str:
    """The text with NUL and halves of characters, which PostgreSQL cannot keep, shown as U+FFFD."""
    # Most text is ASCII, which is asked much faster.
    return text if text.isascii() and "\0" not in text else _UNSTORABLE.sub("\ufffd", text)


def read_moment(text: str) -> datetime:
    """A timestamp of the wire in UTC; one without a zone is UTC. Raises ValueError."""
    if not _MOMENT.fullmatch(text):
        raise ValueError("This is not a timestamp.")
    moment = datetime.fromisoformat(text)
    try:
        if moment.tzinfo is None:
            return moment.replace(tzinfo=UTC)
        return moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    except OverflowError as outside:
        raise ValueError("This timestamp is outside the calendar.") from outside


def _refuse_deep_nesting(body: bytes) -> None:
    # Nothing can be nested deeper than it has brackets, and most bodies have few.
    if body.count(b"[") + body.count(b"{") <= MOST_NESTED:
        return
    depth = 0
    for bracket in _NO_BRACKET.sub(b"", _STRING.sub(b"", body)):
        depth += 1 if bracket in b"[{" else -1
        if depth > MOST_NESTED:
            raise JsonUnreadable(f"The body is nested deeper than {MOST_NESTED} levels.")


def _object(pairs: list[tuple[str, Any]]) -> JsonObject:
    values = JsonObject()
    repeated: tuple[str, ...] = ()
    for name, value in pairs:
        values[name.lower()] = value
        if isinstance(value, _CONTAINERS):
            repeated += _repeated_in(value)
    if len(values) != len(pairs):
        return _object_that_repeats(pairs)
    if repeated:
        values.repeated = repeated
    return values


def _object_that_repeats(pairs: list[tuple[str, Any]]) -> JsonObject:
    """An object that gives a name more than once, perhaps in several spellings. The first value counts."""
    spelled: set[str] = set()
    values = JsonObject()
    repeated: list[str] = []
    for name, value in pairs:
        folded = name.lower()
        # `callid` beside an equal `callId` is one statement in two spellings, not a contradiction.
        if name in spelled or (folded in values and values[folded] != value):
            repeated.append(folded)
        spelled.add(name)
        values.setdefault(folded, value)
        repeated.extend(_repeated_in(value))
    values.repeated = tuple(repeated)
    return values


def _repeated_in(value: Any) -> tuple[str, ...]:
    if isinstance(value, JsonObject):
        return value.repeated
    return tuple(chain.from_iterable(map(_repeated_in, value))) if isinstance(value, list) else ()


def _integer(digits: str) -> int:
    if len(digits) > MOST_DIGITS:
        raise JsonUnreadable(f"A number has more than {MOST_DIGITS} digits.")
    return int(digits)


def _fraction(digits: str) -> Decimal:
    if len(digits) > MOST_DIGITS or not _PLAIN_FRACTION.issuperset(digits):
        mantissa, _, exponent = digits.lower().partition("e")
        if len(mantissa) > MOST_DIGITS or len(exponent.lstrip("+-")) > MOST_EXPONENT_DIGITS:
            raise JsonUnreadable(f"A number has more than {MOST_DIGITS} digits.")
    return Decimal(digits)


def _constant(word: str) -> Any:
    raise JsonUnreadable(f"A number cannot be {word}.")


_CONTAINERS = (JsonObject, list)
_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_float=_fraction, parse_int=_integer, parse_constant=_constant
)
