"""Ten thousand malformed bodies, signed and unsigned: no error of ours, no stray row, no stray cent."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection

from billing.models import Posting
from telephony.models import ReceivedEvent
from tests import books
from tests.builders import a_deck, an_account, an_application, balance
from tests.sinch_caller import SinchCaller, a_call_id, post

PARTS = 20
BODIES_PER_PART = 500

STRANGE_VALUES: list[Any] = [
    None, True, False, 0, -1, 1, 1.5, -0.0, 1e308, 10**25, 2**63, -(2**63), "", " ", "0", "-1", "61", "abc", "\x00",
    "\ud800", "a\udfffb", "\u202e", "\r\n", "\ufeff", "9" * 400, "x" * 5_000, [], {}, [[]], [{}], {"": ""},
    {"key": None}, [{"key": "a", "value": {}}], {"type": [], "endpoint": {}}, {"currencyId": {}, "amount": []},
    {"currencyId": "USD", "amount": "NaN"}, {"currencyId": "USD", "amount": -5}, [None] * 100, {"a": {"b": {"c": {}}}},
    "+447700900123", "private", "ANSWERED", "dice", "ice", "application", "2026-13-45T99:99:99Z",
    "0001-01-01T00:00:00Z",
]  # fmt: skip

# What json.dumps would never write.
STRANGE_TEXTS = [
    b"NaN", b"Infinity", b"-Infinity", b"1e999", b"1E-999", b"-0e0", b"9" * 5_000, b"0." + b"1" * 5_000, b"01", b"+1",
    b"0x1F", b"'x'", b"undefined", b'"\\u0000"', b'"\\ud800"', b'"\\udc00\\ud800"', b'"\xff"', b'"\xc0\x80"',
    b'"\xed\xa0\x80"', b'"\x01"', b'"unfinished', b"[" * 40 + b"]" * 40, b"[" * 5_000, b'{"a":' * 40, b"//x\n1",
    b"1,", b"{,}", b'{"a" 1}', b"[1 2]", b"\x00", b"",
]  # fmt: skip


def _replace_a_field(chance: random.Random, event: dict[str, Any]) -> bytes:
    changed = dict(event)
    for name in chance.sample(sorted(event), chance.randint(1, 3)):
        changed[name] = chance.choice(STRANGE_VALUES)
    return json.dumps(changed).encode()


def _drop_a_field(chance: random.Random, event: dict[str, Any]) -> bytes:
    dropped = chance.choice(sorted(event))
    return json.dumps({name: value for name, value in event.items() if name != dropped}).encode()


def _put_strange_text(chance: random.Random, event: dict[str, Any]) -> bytes:
    name = chance.choice(sorted(event))
    raw = json.dumps(event | {name: "\N{SNOWMAN}"}).encode()
    return raw.replace(b'"\\u2603"', chance.choice(STRANGE_TEXTS))


def _say_it_twice(chance: random.Random, event: dict[str, Any]) -> bytes:
    name = chance.choice([chance.choice(sorted(event)), "CALLID", "Duration", "TO"])
    again = json.dumps({name: chance.choice(STRANGE_VALUES)}).encode()
    return json.dumps(event).encode()[:-1] + b"," + again[1:]


def _cut(chance: random.Random, event: dict[str, Any]) -> bytes:
    raw = json.dumps(event).encode()
    return raw[: chance.randrange(len(raw))]


def _flip_bytes(chance: random.Random, event: dict[str, Any]) -> bytes:
    raw = bytearray(json.dumps(event).encode())
    for _ in range(chance.randint(1, 8)):
        raw[chance.randrange(len(raw))] = chance.randrange(256)
    return bytes(raw)


def _encode_otherwise(chance: random.Random, event: dict[str, Any]) -> bytes:
    text = json.dumps(event, ensure_ascii=False)
    return text.encode(chance.choice(["utf-16", "utf-16-le", "utf-32", "utf-8-sig", "cp037"]))


def _wrap(chance: random.Random, event: dict[str, Any]) -> bytes:
    depth = chance.choice([1, 31, 32, 33, 200, 3_000])
    return b"[" * depth + json.dumps(event).encode() + b"]" * depth


def _swell(chance: random.Random, event: dict[str, Any]) -> bytes:
    name, size = chance.choice(sorted(event)), chance.choice([300, 5_000, 65_000, 66_000])
    return json.dumps(event | {name: chance.choice("x\x00\u20ac ") * size}).encode()


def _make_noise(chance: random.Random, event: dict[str, Any]) -> bytes:
    return chance.randbytes(chance.randint(0, 200))


MUTATIONS: list[Callable[[random.Random, dict[str, Any]], bytes]] = [
    _replace_a_field, _replace_a_field, _replace_a_field, _drop_a_field, _put_strange_text, _put_strange_text,
    _say_it_twice, _cut, _flip_bytes, _encode_otherwise, _wrap, _swell, _make_noise,
]  # fmt: skip


def malformed(sinch: SinchCaller, chance: random.Random) -> bytes:
    """One body that Sinch would never send."""
    name = chance.choice(["ice", "ice", "ace", "pie", "dice", "dice", "notify"])
    return chance.choice(MUTATIONS)(chance, getattr(sinch, name)(a_call_id()))


@pytest.mark.django_db
@pytest.mark.parametrize("seed", range(PARTS // 2))
def test_signed_and_malformed_is_answered_and_moves_no_money_it_should_not(seed: int) -> None:
    a_deck({"44": "0.06"})
    account = an_account(client_user="alice", calls_at_once=1_000, longest_call_seconds=60, balance="500")
    sinch, chance = SinchCaller(an_application()), random.Random(seed)
    received = 0
    for _ in range(BODIES_PER_PART):
        body = malformed(sinch, chance)
        reply = sinch.send(body)
        assert reply.status in (200, 400), body
        found = ReceivedEvent.objects.count()
        assert found == received + (reply.status == 200), body
        received = found
    assert not ReceivedEvent.objects.filter(outcome="failed").exists()
    assert books.differences() == {}
    # Whatever was charged is a whole number of six-cent minutes of believable calls, each with its record.
    charged = Decimal(500) - balance(account)
    assert charged % Decimal("0.06") == 0
    settlements = Posting.objects.filter(kind=Posting.Kind.SETTLEMENT)
    assert not settlements.filter(cdr__isnull=True).exists()
    assert not ReceivedEvent.objects.filter(
        outcome="quarantined", call_id__in=settlements.values("subject"), kind="ended"
    ).exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("seed", range(PARTS // 2, PARTS))
def test_unsigned_and_malformed_never_reaches_the_database(seed: int) -> None:
    sinch, chance = SinchCaller(an_application()), random.Random(seed)
    others = SinchCaller(sinch.application, secret="AAECAwQFBgcICQoLDA0ODw==")
    connection.close()
    for _ in range(BODIES_PER_PART):
        body = malformed(sinch, chance)
        headers = others.headers(body) if chance.random() < 0.5 else _garbled(chance, sinch.headers(body))
        reply = post(body, headers)
        too_large = len(body) > 65_536
        assert (reply.status, reply.body) == (401, b"") or (too_large and reply.status == 400), body
    assert connection.connection is None


def _garbled(chance: random.Random, headers: dict[str, str]) -> dict[str, str]:
    """The headers with a character or more of the signature changed, or something else in its place."""
    signature = headers["Authorization"]
    at = chance.randrange(len(signature))
    instead = chr((ord(signature[at]) + 1 - 32) % 95 + 32)
    garbled = [
        signature[:at],
        signature[:at] + "\N{LATIN SMALL LETTER Y WITH DIAERESIS}" + signature[at + 1 :],
        signature.replace(":", "::"),
        "application " + "A" * chance.choice([1, 300, 9_000]),
        f"{signature[:-5]}{instead}{signature[-4:]}" if instead != signature[-5] else "",
    ]
    return headers | {"Authorization": chance.choice(garbled)}
