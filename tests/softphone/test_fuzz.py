"""Hundreds of malformed requests by seed: no error of ours, always the format that was asked for, nothing written."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from urllib.parse import quote, urlencode

import pytest
from django.core.cache import cache
from django.http import HttpResponse
from django.test import Client

from softphone.models import Line, UsedNonce
from tests.builders import an_account
from tests.softphone import test_views
from tests.softphone.scenes import a_line, a_softphone

PARTS = 8
REQUESTS_PER_PART = 60

pytestmark = [pytest.mark.django_db, pytest.mark.urls(test_views.__name__)]

STRANGE_BYTES = [
    b"", b" ", b"+", b"%", b"%%", b"%zz", b"%FF", b"%C3", b"%00", b"%ED%A0%80", b"\xff\xfe", b"\x00", b"&", b"=",
    b"&&&", b"=&=", b";", b"#", b"'", b'"', b"{", b"}", b"[", b"{}", b"{{}}", b"[]", b"null", b"1e999", b"NaN",
    b"<x>", b"]]>",
    b"%account[username]%", b"%F0%9F%98%80", b"%E2%80%AE", b"%0d%0aX-Y: z", b"a" * 3_000, b"9" * 400, b"../../etc",
    b"' OR 1=1 --", b"${jndi:x}", b"\xf0\x9f\x98\x80", b"%252B", b"\\ud800", b"\\u0000",
]  # fmt: skip
NAMES = ["u", "username", "login", "to", "target", "token", "password", "hash", "nonce", "app", "lang", "sms_body", "x"]
TYPES = [
    "", "application/json", "application/x-www-form-urlencoded", "text/plain", "multipart/form-data; boundary=x",
    "multipart/form-data", "application/json; charset=utf-16", "text/xml", "x", "é", ";;;", "a" * 5_000,
]  # fmt: skip
AUTHORIZATIONS = [
    "", "Basic", "Basic !!!", "Basic AAAA", "Basic OjpAOg==", "Bearer", "Bearer \xff", "Bearer x", "Digest",
    'Digest username="ana"', "Digest " + "a=b, " * 30, 'Digest username="', "Digest " + '"' * 3_000, "Nego tiate x",
    'Digest username="ana", realm="lusitel", nonce="x", uri="/acrobits/echo/", response="0"', "\x00", "a" * 9_000,
]  # fmt: skip
ACCEPTS = ["", "*/*", "application/json", "text/xml;q=x", "," * 500, "application/json;q=0.5;q=0.1", "\xff"]


@pytest.fixture(autouse=True)
def nobody_has_tried_yet() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def line() -> Line:
    every = ["token", "password", "sha1", "salted", "digest"]
    return a_line(an_account(), name="ana", softphone=a_softphone("lusitel", proofs=every))


def _value(chance: random.Random, line: Line) -> bytes:
    fine = [
        b"ana",
        line.token.encode(),
        quote(line.secret).encode(),
        b"%2B12025550123",
        b"+12025550123",
        b"nonce-12345",
    ]
    return chance.choice(chance.choice([STRANGE_BYTES, fine]))


def _pairs(chance: random.Random, line: Line) -> bytes:
    names = [chance.choice(NAMES) for _ in range(chance.choice([0, 1, 3, 5, 45]))]
    return b"&".join(name.encode() + chance.choice([b"=", b"", b"=="]) + _value(chance, line) for name in names)


def _json(chance: random.Random, line: Line) -> bytes:
    text = json.dumps({name: _value(chance, line).decode("latin-1") for name in chance.sample(NAMES, 4)}).encode()
    return chance.choice([
        lambda: text,
        lambda: text.replace(b'"', b"'", 1),
        lambda: text[: chance.randrange(len(text))],
        lambda: text.replace(b": ", b": " + chance.choice(STRANGE_BYTES), 1),
        lambda: text[:-1] + b',"u":' + chance.choice([b"{}", b"[1]", b"1e9999", b"true", b'"\\ud800"']) + b"}",
        lambda: b'{"u":' * chance.choice([2, 40, 3_000]),
        lambda: text.decode().encode("utf-16"),
    ])()  # fmt: skip


def _send(chance: random.Random, app: Client, line: Line, written: str) -> HttpResponse:
    body = chance.choice([lambda: b"", lambda: _pairs(chance, line), lambda: _json(chance, line),
                          lambda: chance.randbytes(200), lambda: b"x" * 20_000])()  # fmt: skip
    pieces = b"/".join(quote(_value(chance, line), safe="%+").encode() for _ in range(2)).decode()
    path = chance.choice(["/acrobits/echo/", "/acrobits/open/", f"/acrobits/echo/{pieces or 'x/y'}"])
    app.cookies.clear()
    return app.generic(
        chance.choice(["GET", "POST", "POST", "POST", "PUT"]),
        path,
        body,
        chance.choice(TYPES),
        headers={"Authorization": chance.choice(AUTHORIZATIONS), "Accept": chance.choice(ACCEPTS)},
        QUERY_STRING=(urlencode({"format": written}).encode() + b"&" + _pairs(chance, line)).decode("latin-1"),
        REMOTE_ADDR=f"192.0.2.{chance.randrange(256)}",
        secure=chance.random() < 0.5,
    )


@pytest.mark.parametrize("part", range(PARTS))
def test_no_request_of_a_stranger_is_our_trouble(part: int, line: Line) -> None:
    chance = random.Random(f"softphone {part}")
    app = Client(enforce_csrf_checks=True)
    met: set[int] = set()
    for _ in range(REQUESTS_PER_PART):
        written = chance.choice(list(test_views.TYPES))
        response = _send(chance, app, line, written)
        if response.status_code == 404 and response["Content-Type"].startswith("text/html"):
            continue  # an address that is not below ours, such as one with a line break
        met.add(response.status_code)
        assert response.status_code < 500
        assert response["Content-Type"] == test_views.TYPES[written]
        assert response.status_code < 300 or test_views.message(response)
    assert {400, 405} <= met
    assert not UsedNonce.objects.exists()
