"""What is not proved to come from Sinch gets 401, empty, and never reaches the database."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from pytest_django.fixtures import Settings

from accounts.models import Account
from telephony.applications import KEYRINGS
from telephony.models import Call, ReceivedEvent
from tests import books
from tests.builders import A_SECRET, an_application
from tests.sinch_caller import CONTENT_TYPE, PATH, SinchCaller, a_call_id, post, signed_headers

OTHER_SECRET = "AAECAwQFBgcICQoLDA0ODw=="
Change = Callable[[dict[str, str], SinchCaller, bytes], dict[str, str]]


def _resigned(**signing: Any) -> Change:
    return lambda headers, sinch, raw: sinch.headers(raw, **signing)


def _with(name: str, value: str) -> Change:
    return lambda headers, sinch, raw: headers | {name: value}


def _without(name: str) -> Change:
    return lambda headers, sinch, raw: {other: value for other, value in headers.items() if other != name}


def _edited(name: str, edit: Callable[[str], str]) -> Change:
    return lambda headers, sinch, raw: headers | {name: edit(headers[name])}


FORGERIES: dict[str, Change] = {
    "no Authorization": _without("Authorization"),
    "no timestamp": _without("X-Timestamp"),
    "no content type": _without("Content-Type"),
    "an empty Authorization": _with("Authorization", ""),
    "Basic": _with("Authorization", "Basic YWxpY2U6c2VjcmV0"),
    "only the scheme": _with("Authorization", "application"),
    "no signature": _with("Authorization", "application 00000000-0000-4000-8000-000000000001:"),
    "a signature of nothing": _edited("Authorization", lambda text: text.split(":")[0] + ":" + "A" * 43 + "="),
    "a longer signature": _edited("Authorization", lambda text: text + "="),
    "a shorter signature": _edited("Authorization", lambda text: text[:-1]),
    "not ASCII": _with("Authorization", "application \N{LATIN SMALL LETTER E WITH ACUTE}:xyz"),
    "one character of the signature": _edited(
        "Authorization", lambda text: text[:-5] + ("A" if text[-5] != "A" else "B") + text[-4:]
    ),
    "an unknown key": _resigned(key="99999999-0000-4000-8000-000000000001"),
    "another secret": _resigned(secret=OTHER_SECRET),
    "another path": _resigned(path="/callbacks/sinch"),
    "an encoded path": _resigned(path="/callbacks/sinc%68/"),
    "another content type": _with("Content-Type", "application/json; charset=utf-8"),
    "another letter case of the content type": _with("Content-Type", "Application/JSON"),
    "another timestamp": _with("X-Timestamp", "2026-03-02T08:15:30.0000000Z"),
    "an unreadable timestamp": _with("X-Timestamp", "yesterday"),
    "a timestamp of long ago": _resigned(at=datetime(2020, 1, 1, tzinfo=UTC)),
    "a timestamp of the far future": _resigned(at=datetime(2099, 1, 1, tzinfo=UTC)),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_h1_a_forged_callback_is_refused_and_leaves_nothing(sinch: SinchCaller, forgery: str) -> None:
    raw = json.dumps(sinch.ice(a_call_id())).encode()
    reply = post(raw, FORGERIES[forgery](sinch.headers(raw), sinch, raw))
    assert (reply.status, reply.body) == (401, b"")
    assert not ReceivedEvent.objects.exists()
    assert not Call.objects.exists()


@pytest.mark.parametrize(
    "edit",
    [
        lambda raw: raw + b" ",
        lambda raw: raw.replace(b"+447700900123", b"+447700900124"),
        lambda raw: json.dumps(json.loads(raw), separators=(",", ":")).encode(),
        lambda raw: raw.decode().encode("utf-16"),
        lambda raw: b"\xef\xbb\xbf" + raw,
        lambda raw: b"",
    ],
    ids=["a byte more", "one digit", "written anew", "utf-16", "byte order mark", "no body"],
)
def test_h2_a_body_other_than_the_signed_bytes_is_refused(sinch: SinchCaller, edit: Callable[[bytes], bytes]) -> None:
    raw = json.dumps(sinch.ice(a_call_id())).encode()
    reply = post(edit(raw), sinch.headers(raw))
    assert (reply.status, reply.body) == (401, b"")
    assert not ReceivedEvent.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_h1_a_forged_callback_does_not_even_open_a_connection(sinch: SinchCaller) -> None:
    before = books.fingerprint()
    raw = json.dumps(sinch.ice(a_call_id())).encode()
    for change in FORGERIES.values():
        headers = change(sinch.headers(raw), sinch, raw)
        connection.close()
        assert post(raw, headers).status == 401
        assert connection.connection is None
    assert books.fingerprint() == before


@pytest.mark.django_db(transaction=True)
def test_an_unreadable_or_oversized_callback_does_not_open_a_connection_either(sinch: SinchCaller) -> None:
    connection.close()
    assert sinch.send(b"not json").status == 400
    assert sinch.send(b" " * 65_537).status == 400
    assert connection.connection is None


def test_every_refusal_looks_the_same(sinch: SinchCaller) -> None:
    raw = json.dumps(sinch.ice(a_call_id())).encode()
    replies = {
        (reply.status, reply.body)
        for change in FORGERIES.values()
        for reply in [post(raw, change(sinch.headers(raw), sinch, raw))]
    }
    assert replies == {(401, b"")}


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "application/json; charset=utf-8", "x/y"])
def test_h2_any_content_type_is_taken_as_it_was_signed(sinch: SinchCaller, content_type: str) -> None:
    assert sinch.send(sinch.ice(a_call_id()), content_type=content_type).action == "connectPstn"


def test_s1_the_key_may_be_written_in_any_way(sinch: SinchCaller) -> None:
    raw = json.dumps(sinch.ice(a_call_id())).encode()
    for key in (sinch.application.key.upper(), sinch.application.key.replace("-", "")):
        assert post(raw, signed_headers(raw, key=key)).status == 200


@pytest.mark.parametrize(
    ("requested", "expected"),
    [
        ("/callbacks/sinc%68/", 200),  # the server decoded it to the configured path
        ("/callbacks/sinch/?x=1", 200),  # a query is not signed
        ("//callbacks/sinch/", 404),
        ("/callbacks/sinch/more", 404),
    ],
)
def test_h6_only_the_configured_path_is_answered(sinch: SinchCaller, requested: str, expected: int) -> None:
    raw = json.dumps(sinch.ice(a_call_id())).encode()
    assert post(raw, signed_headers(raw, key=sinch.application.key), requested).status == expected


def test_h6_a_prefix_that_a_proxy_strips_is_part_of_what_is_signed(sinch: SinchCaller, settings: Settings) -> None:
    settings.PUBLIC_URL = "https://calls.example.com/voice/"
    assert sinch.send(sinch.ice(a_call_id())).status == 401
    assert sinch.send(sinch.ice(a_call_id()), path=f"/voice{PATH}").action == "connectPstn"


@pytest.mark.parametrize(
    "header",
    [
        {"X-Forwarded-Host": "evil.example"},
        {"X-Forwarded-Proto": "https"},
        {"X-Forwarded-For": "127.0.0.1"},
        {"X-Forwarded-Prefix": "/voice"},
        {"X-Original-Url": "/admin/"},
        {"X-HTTP-Method-Override": "DELETE"},
        {"Forwarded": "for=127.0.0.1;host=evil.example;proto=https"},
    ],
    ids=lambda header: next(iter(header)),
)
def test_h7_what_a_proxy_would_say_changes_nothing(sinch: SinchCaller, header: dict[str, str]) -> None:
    raw = json.dumps(sinch.ice(a_call_id())).encode()
    assert post(raw, sinch.headers(raw) | header).action == "connectPstn"
    assert post(raw, header | {"Content-Type": CONTENT_TYPE}).status == 401


def test_s4_during_a_rotation_both_secrets_are_good(account: Account) -> None:
    application = an_application(secret=OTHER_SECRET, previous_secret=A_SECRET)
    old, new = SinchCaller(application, secret=A_SECRET), SinchCaller(application, secret=OTHER_SECRET)
    for sinch in (old, new, old, new):
        assert sinch.send(sinch.ice(a_call_id())).action == "connectPstn"


def test_s4_after_a_rotation_only_the_new_secret_is_good(account: Account) -> None:
    application = an_application(secret=OTHER_SECRET, previous_secret=A_SECRET)
    application.previous_secret = ""
    application.save()
    KEYRINGS["sinch"].load()
    old, new = SinchCaller(application, secret=A_SECRET), SinchCaller(application, secret=OTHER_SECRET)
    assert old.send(old.ice(a_call_id())).status == 401
    assert new.send(new.ice(a_call_id())).status == 200


def test_s5_an_application_whose_secret_is_no_secret_accepts_nothing(sinch: SinchCaller) -> None:
    sinch.application.secret = "%%%"
    sinch.application.save()
    KEYRINGS["sinch"].load()
    assert sinch.send(sinch.ice(a_call_id())).status == 401
    assert sinch.send(sinch.ice(a_call_id()), secret="").status == 401


def test_only_posts_are_answered(sinch: SinchCaller) -> None:
    for method in ("get", "put", "patch", "delete", "options", "head"):
        assert getattr(Client(), method)(PATH).status_code == 405
