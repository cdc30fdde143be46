"""Whatever the bytes are, reading ends in a value or in one sentence."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from telephony.events import Event
from telephony.providers.base import CallbackUnreadable
from telephony.providers.reading import JsonObject, JsonUnreadable, clean, read_json, read_moment
from telephony.providers.sinch.words import KNOWN_FIELDS
from tests.telephony.providers.sinch.samples import parsed

LIMIT = 65_536

UNREADABLE = {
    "nothing": b"",
    "blanks": b" \n",
    "cut": b'{"event":"ice"',
    "comma": b'{"a":1,}',
    "two values": b"{}{}",
    "single quotes": b"{'a':1}",
    "not utf-8": b'{"a":"\xff"}',
    "overlong utf-8": b'{"a":"\xc0\x80"}',
    "surrogate in utf-8": b'{"a":"\xed\xa0\x80"}',
    "byte order mark": b"\xef\xbb\xbf{}",
    "utf-16": '{"a":1}'.encode("utf-16"),
    "utf-16 without mark": '{"a":1}'.encode("utf-16-le"),
    "utf-32": '{"a":1}'.encode("utf-32"),
    "raw nul": b'{"a":"\x00"}',
    "raw newline": b'{"a":"\n"}',
    "nan": b'{"a":NaN}',
    "infinity": b'{"a":Infinity}',
    "minus infinity": b'{"a":-Infinity}',
    "large exponent": b'{"a":1e999}',
    "absurd exponent": b'{"a":1e99999999999999999999}',
    "small exponent": b'{"a":1e-999}',
    "long fraction": b'{"a":0.' + b"1" * 5000 + b"}",
    "long integer": b'{"a":' + b"1" * 5000 + b"}",
    "31 digits": b'{"a":' + b"1" * 31 + b"}",
    "open lists": b"[" * 60_000,
    "open objects": b'{"a":' * 10_000,
    "closed lists": b"[" * 33 + b"]" * 33,
    "depth behind a quote": b'["\\"",' + b"[" * 32 + b"]" * 33,
    "open string of quotes": b'{"a":"' + b'\\"' * 30_000,
    "backslashes": b'{"a":"' + b"\\" * 60_001,
    "large": b" " * LIMIT + b"1",
}


@pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_what_cannot_be_read_is_refused_with_one_sentence(body: bytes) -> None:
    with pytest.raises(JsonUnreadable, match=r"^[A-Z][^.]*\.$"):
        read_json(body, LIMIT)
    with pytest.raises(CallbackUnreadable, match=r"^[A-Z][^.]*\.$"):
        parsed(body)


def test_brackets_in_strings_are_no_nesting() -> None:
    text = "[{" * 1000 + '"\\'
    assert read_json(json.dumps([text]).encode(), LIMIT) == [text]
    assert read_json(b"[" * 32 + b"]" * 32, LIMIT)


def test_numbers_are_exact() -> None:
    assert read_json(b"[0.1, 1e2, 123456789012345678901234567890]", LIMIT) == [
        Decimal("0.1"),
        Decimal("1e2"),
        123456789012345678901234567890,
    ]


def test_an_object_is_read_in_any_letter_case_and_tells_what_it_repeats() -> None:
    value = read_json(b'{"CallId":"a","callid":"a","x":1,"x":1,"Y":1,"y":2,"n":null}', LIMIT)
    assert isinstance(value, JsonObject)
    assert value.get("callid") == "a"
    assert value.get("n") is value.get("missing") is None
    assert value.repeated == ("x", "y")


def test_a_pair_of_surrogates_is_one_character_and_a_half_is_replaced() -> None:
    assert clean(read_json(rb'"\ud83d\ude00\ud83d\u0000"', LIMIT)) == "\U0001f600\ufffd\ufffd"


@given(st.datetimes(timezones=st.just(UTC)))
def test_a_moment_survives_being_written_and_read(moment: datetime) -> None:
    assert read_moment(moment.isoformat()) == moment
    assert read_moment(moment.replace(tzinfo=None).isoformat()) == moment


@given(st.text(max_size=40))
def test_a_text_is_a_moment_or_a_value_error(text: str) -> None:
    try:
        assert read_moment(text).tzinfo is UTC
    except ValueError:
        return


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
words = st.sampled_from(
    [
        "ANSWERED",
        "number",
        "private",
        "did",
        "MXP",
        "return",
        "USD",
        "usd",
        "12",
        "a <+46701740605>",
        "\x00\ud800",
    ]
)
pairs = st.lists(st.fixed_dictionaries({"key": words | anything, "value": words | anything}), max_size=3)
identity = st.fixed_dictionaries({"type": words | anything, "endpoint": words | anything})
money = st.fixed_dictionaries({"currencyId": words | anything, "amount": st.decimals() | st.integers() | anything})
menu = st.fixed_dictionaries({"menuId": words | anything, "type": words | anything, "value": words | anything})
field_value = words | pairs | identity | money | menu | anything
field_name = st.sampled_from(sorted(frozenset().union(*KNOWN_FIELDS.values()))) | st.text(max_size=8)
callbacks = st.builds(
    lambda event, named: {**named, "event": event},
    st.sampled_from([*KNOWN_FIELDS, "other"]),
    st.dictionaries(field_name, field_value, max_size=12),
)


def texts_in(value: Any) -> Iterator[str]:
    """Every string in a value, however deep."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in (*value.keys(), *value.values()):
            yield from texts_in(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from texts_in(inner)
    elif is_dataclass(value):
        for field in fields(value):
            yield from texts_in(getattr(value, field.name))


def storable(event: Event) -> bool:
    return not any(re.search("[\x00\ud800-\udfff]", text) for text in texts_in(event))


def read_or_refused(body: bytes) -> Event | None:
    try:
        return parsed(body)
    except CallbackUnreadable:
        return None


@settings(max_examples=250)
@given(callbacks)
def test_any_event_that_follows_the_grammar_can_be_stored(callback: dict[str, Any]) -> None:
    body = json.dumps(callback, default=str).encode()
    event = read_or_refused(body)
    if event is None:
        assert b"NaN" in body or b"Infinity" in body or b"e+" in body or b"e-" in body or _long_number(callback)
    else:
        assert storable(event)
        assert event == read_or_refused(body)


def _long_number(value: Any) -> bool:
    if isinstance(value, dict | list):
        return any(map(_long_number, value.values() if isinstance(value, dict) else value))
    return isinstance(value, int | float) and len(repr(value)) > 30


@settings(max_examples=250)
@given(st.binary(max_size=400))
@example(b'{"event":"ice","callid":"\xed\xa0\x80"}')
def test_arbitrary_bytes_raise_nothing_else(body: bytes) -> None:
    event = read_or_refused(body)
    assert event is None or storable(event)


@settings(max_examples=200)
@given(callbacks, st.integers(0, 400), st.binary(max_size=3))
def test_damaged_events_raise_nothing_else(callback: dict[str, Any], at: int, damage: bytes) -> None:
    body = json.dumps(callback, default=str).encode()
    event = read_or_refused(body[:at] + damage + body[at + 1 :])
    assert event is None or storable(event)
