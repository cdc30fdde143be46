"""Asking Sinch about a call, against a real HTTP server on this machine that behaves as badly as it can."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler

import pytest

from telephony.events import CallEnded, Result
from telephony.providers.base import CallReport, CallUnknown, CommandRefused, ProviderTrouble
from telephony.providers.sinch import SinchClient
from telephony.providers.sinch.client import Leg
from telephony.providers.sinch.rest import Authentication
from telephony.providers.sinch.signing import decode_secret, signature, string_to_sign
from tests.telephony.providers.sinch.samples import CALL_ID, KEY, SECRET, body_of, changed, parsed
from tests.telephony.providers.sinch.stand_in import Api


def test_a_call_that_goes_on_has_no_end_yet(api: Api) -> None:
    api.answers(body_of("call-ongoing"))
    assert api.client().get_call(CALL_ID) == CallReport(call_id=CALL_ID, ended=None)


def test_a_call_that_ended_is_read_as_its_dice_would_be(api: Api) -> None:
    api.answers(body_of("call-final"))
    ended = api.client().get_call(CALL_ID).ended
    dice = parsed(body_of("dice"))
    assert isinstance(ended, CallEnded)
    assert isinstance(dice, CallEnded)
    assert (ended.call_id, ended.custom, ended.reason_word) == (CALL_ID, "order 7", "CALLEEHANGUP")
    assert (ended.oddities, ended.remarks, ended.unknown_fields) == ((), (), ())
    for name in ("result", "duration_seconds", "cost", "provider_rate", "caller", "destination"):
        assert getattr(ended, name) == getattr(dice, name)


@pytest.mark.parametrize("duration", [..., True, -1, "x", 1.5])
def test_a_doubtful_end_says_so(api: Api, duration: object) -> None:
    api.answers(changed("call-final", duration=duration))
    ended = api.client().get_call(CALL_ID).ended
    assert ended is not None
    assert ended.oddities


def test_a_call_nobody_answered_is_read(api: Api) -> None:
    api.answers(changed("call-final", result="NOANSWER", duration=..., status="final"))
    ended = api.client().get_call(CALL_ID).ended
    assert isinstance(ended, CallEnded)
    assert (ended.result, ended.oddities) == (Result.NO_ANSWER, ())


@pytest.mark.parametrize("call_id", [CALL_ID, "a b/c?d#e", "å%2F", "a;b=c", "+1~2"])
@pytest.mark.parametrize("prefix", ["", "/sandbox/"])
def test_a_request_is_signed_as_it_is_sent(api: Api, call_id: str, prefix: str) -> None:
    api.answers(changed("call-ongoing", callId=call_id))
    api.client(prefix=prefix).get_call(call_id)
    ((method, path, headers, _),) = api.requests
    assert path.startswith(f"{prefix.rstrip('/')}/calling/v1/calls/id/")
    assert path.count("/") == 5 + bool(prefix)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", headers["x-timestamp"])
    message = string_to_sign(method, path, headers["content-type"], headers["x-timestamp"], b"")
    assert headers["authorization"] == f"Application {KEY}:{signature(decode_secret(SECRET), message)}"


def test_the_known_request_is_signed_as_known() -> None:
    client = SinchClient("https://calling.api.sinch.com", KEY, SECRET)
    signed = client.sign("GET", f"/calling/v1/calls/id/{CALL_ID}", "2026-03-02T08:20:00.000Z")
    assert signed == f"Application {KEY}:x+fnlxwW7bDGsUwLg/d6VH/LTTPVYypE6MFHhriK/e8="


@pytest.mark.parametrize("call_id", ["", ".", "..", "\ud800"])
def test_an_id_that_would_ask_something_else_is_not_asked(api: Api, call_id: str) -> None:
    with pytest.raises(ProviderTrouble):
        api.client().get_call(call_id)
    assert api.requests == []


def test_an_unknown_call_is_told_apart(api: Api) -> None:
    api.answers(b'{"errorCode":40400,"message":"no","reference":"r"}', status=404)
    with pytest.raises(CallUnknown):
        api.client().get_call(CALL_ID)


@pytest.mark.parametrize("status", [201, 204, 304, 400, 401, 402, 403, 429, 500, 503])
def test_any_other_status_is_trouble_and_not_an_unknown_call(api: Api, status: int) -> None:
    api.answers(b"" if status in (204, 304) else body_of("call-final"), status=status)
    with pytest.raises(ProviderTrouble, match=rf"^Sinch answered with status {status}\.$") as trouble:
        api.client().get_call(CALL_ID)
    assert not isinstance(trouble.value, CallUnknown)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(api: Api, status: int) -> None:
    api.answers(b"", status=status, location="/elsewhere")
    with pytest.raises(ProviderTrouble, match=str(status)):
        api.client().get_call(CALL_ID)
    assert len(api.requests) == 1


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"null",
        b"{}",
        b'{"status":5}',
        b'{"status":"PAUSED"}',
        b"\xff",
        b"[" * 100_000,
        b'{"status":"FINAL","duration":NaN}',
        b'{"status":"FINAL","duration":1e999}',
        b'{"status":"FINAL","callId":"another"}',
        b'{"status":"FINAL","callId":5}',
    ],
)
def test_an_answer_that_says_nothing_is_trouble(api: Api, body: bytes) -> None:
    api.answers(body)
    with pytest.raises(ProviderTrouble, match=r"^Sinch.*\.$"):
        api.client().get_call(CALL_ID)


def test_a_compressed_answer_is_not_unpacked(api: Api) -> None:
    api.answers(b"\x1f\x8b\x08\x00", content_encoding="gzip")
    with pytest.raises(ProviderTrouble):
        api.client().get_call(CALL_ID)
    assert api.requests[0].headers["accept-encoding"] == "identity"


def test_an_answer_without_end_is_cut_at_one_mebibyte(api: Api) -> None:
    sent = 0

    def behaviour(handler: BaseHTTPRequestHandler) -> None:
        nonlocal sent
        handler.send_response(200)
        handler.send_header("content-length", str(2**30))
        handler.end_headers()
        block = b" " * 65_536
        while sent < 2**30:
            sent += handler.wfile.write(block)

    api.behaviour = behaviour
    with pytest.raises(ProviderTrouble, match="more than 1048576 bytes"):
        api.client().get_call(CALL_ID)
    assert sent < 2**27


def drip(handler: BaseHTTPRequestHandler, data: bytes, seconds: float, sent: list[int]) -> None:
    """Send the data byte by byte: no single read waits long, and all of it takes `seconds`."""
    for byte in data:
        handler.wfile.write(bytes([byte]))
        handler.wfile.flush()
        sent.append(byte)
        time.sleep(seconds / len(data))


@pytest.mark.parametrize("with_length", [True, False])
def test_a_body_that_drips_is_given_up_after_the_deadline(api: Api, with_length: bool) -> None:
    def behaviour(handler: BaseHTTPRequestHandler) -> None:
        body = body_of("call-ongoing")
        handler.send_response(200)
        if with_length:
            handler.send_header("content-length", str(len(body)))
        handler.end_headers()
        drip(handler, body, 4, sent)

    sent: list[int] = []
    api.behaviour = behaviour
    with pytest.raises(ProviderTrouble, match=r"in time|longer than"):
        api.client(deadline_seconds=0.5).get_call(CALL_ID)
    # Given up on the way, not after the last byte.
    assert 0 < len(sent) < len(body_of("call-ongoing")) / 2


def test_headers_that_drip_are_given_up_after_the_deadline(api: Api) -> None:
    def behaviour(handler: BaseHTTPRequestHandler) -> None:
        body = body_of("call-ongoing")
        head = f"HTTP/1.1 200 OK\r\nx-slow: {'.' * 100}\r\ncontent-length: {len(body)}\r\n\r\n"
        drip(handler, head.encode(), 4, sent)
        handler.wfile.write(body)

    sent: list[int] = []
    api.behaviour = behaviour
    with pytest.raises(ProviderTrouble, match=r"in time|longer than"):
        api.client(deadline_seconds=0.5).get_call(CALL_ID)
    assert 0 < len(sent) < 100


def test_silence_is_given_up_after_the_deadline(api: Api) -> None:
    def behaviour(handler: BaseHTTPRequestHandler) -> None:
        time.sleep(3)
        handler.send_response(200)
        handler.end_headers()
        handler.wfile.write(body_of("call-ongoing"))

    api.behaviour = behaviour
    with pytest.raises(ProviderTrouble):
        api.client(deadline_seconds=0.5).get_call(CALL_ID)


def test_a_connection_that_breaks_is_trouble(api: Api) -> None:
    def short(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("content-length", "1000")
        handler.end_headers()
        handler.wfile.write(json.dumps({"status": "ONGOING"}).encode())

    def nothing(handler: BaseHTTPRequestHandler) -> None:
        handler.close_connection = True

    def no_http(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"SMTP ready\r\n\r\n")

    for behaviour in (short, nothing, no_http):
        api.behaviour = behaviour
        with pytest.raises(ProviderTrouble, match="could not be reached"):
            api.client().get_call(CALL_ID)


def test_nobody_listening_is_trouble(api: Api) -> None:
    with pytest.raises(ProviderTrouble, match="could not be reached"):
        SinchClient("http://127.0.0.1:1", KEY, SECRET).get_call(CALL_ID)


@pytest.mark.parametrize(
    "base_url", ["", "calling.api.sinch.com", "ftp://example.com", "https://", "https://a.example?b=c"]
)
def test_an_address_that_is_none_is_refused_at_once(base_url: str) -> None:
    with pytest.raises(ValueError, match="address"):
        SinchClient(base_url, KEY, SECRET)


def test_a_secret_that_is_none_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="secret"):
        SinchClient("https://calling.api.sinch.com", KEY, "")


SVAML = b'{"instructions":[],"action":{"name":"hangup"}}'
Order = Callable[[SinchClient], None]
PATCHES: dict[str, tuple[Order, str]] = {
    "call": (lambda client: client.patch_call(CALL_ID, SVAML), f"/calling/v1/calls/id/{CALL_ID}"),
    **{
        leg: (
            lambda client, leg=leg: client.patch_leg(CALL_ID, leg, SVAML),  # type: ignore[misc]
            f"/calling/v1/calls/id/{CALL_ID}/leg/{leg}",
        )
        for leg in Leg
    },
}


@pytest.mark.parametrize(("order", "path"), PATCHES.values(), ids=PATCHES)
@pytest.mark.parametrize("status", [200, 204])
def test_a_running_call_is_told_byte_by_byte_what_the_svaml_says(
    api: Api, order: Order, path: str, status: int
) -> None:
    api.answers(b"", status)
    order(api.client())
    asked = api.only_request()
    assert (asked.method, asked.path, asked.body) == ("PATCH", path, SVAML)
    assert asked.headers["content-type"] == "application/json"


@pytest.mark.parametrize(("order", "path"), PATCHES.values(), ids=PATCHES)
def test_a_refused_command_says_which_code_and_reference(api: Api, order: Order, path: str) -> None:
    api.answers(b'{"errorCode":40003,"message":"Invalid state","reference":"ref-17"}', 400)
    with pytest.raises(CommandRefused, match=r"^Sinch answered with status 400: Invalid state\.$") as refused:
        order(api.client())
    assert (refused.value.code, refused.value.reference) == ("40003", "ref-17")


@pytest.mark.parametrize(("order", "path"), PATCHES.values(), ids=PATCHES)
def test_a_command_to_a_call_nobody_knows_is_refused_too(api: Api, order: Order, path: str) -> None:
    api.answers(b'{"errorCode":40400,"message":"no","reference":"r"}', 404)
    with pytest.raises(CommandRefused, match="does not know this call") as refused:
        order(api.client())
    assert isinstance(refused.value, CallUnknown)


@pytest.mark.parametrize("status", [301, 307, 500, 502, 503])
def test_after_an_answer_that_is_no_refusal_nothing_is_known(api: Api, status: int) -> None:
    api.answers(b"", status, location="/elsewhere")
    with pytest.raises(ProviderTrouble) as trouble:
        api.client().patch_call(CALL_ID, SVAML)
    assert not isinstance(trouble.value, CommandRefused)
    assert len(api.requests) == 1


def test_a_command_that_is_not_answered_in_time_may_have_been_carried_out(api: Api) -> None:
    def behaviour(handler: BaseHTTPRequestHandler) -> None:
        time.sleep(2)
        handler.send_response(204)
        handler.end_headers()

    api.behaviour = behaviour
    with pytest.raises(ProviderTrouble) as trouble:
        api.client(deadline_seconds=0.3).patch_call(CALL_ID, SVAML)
    assert not isinstance(trouble.value, CommandRefused)


def test_an_application_may_say_its_secret_instead_of_signing(api: Api) -> None:
    api.answers(b"", 204)
    api.client(authentication=Authentication.BASIC).patch_call(CALL_ID, SVAML)
    (asked,) = api.requests
    assert asked.has_basic


def test_a_sandbox_is_asked_about_everything_and_a_region_about_calls_only(api: Api) -> None:
    api.says({"numbers": []})
    assert api.client().numbers.rented() == ()
    assert api.requests[0].path == "/v1/configuration/numbers"


@pytest.mark.parametrize("base_url", ["https://bob@example.com", "https://bob:pw@example.com", "https://example.com#a"])
def test_an_address_carries_no_credentials(base_url: str) -> None:
    with pytest.raises(ValueError, match="address") as refused:
        SinchClient(base_url, KEY, SECRET)
    assert "pw" not in str(refused.value)
