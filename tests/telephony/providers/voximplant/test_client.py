"""Voximplant's management API over real HTTP: what is asked, and what every kind of answer becomes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qs

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from telephony.providers.base import Access, CommandRefused, ProviderTrouble, TooMuchAtOnce
from telephony.providers.voximplant.client import VoximplantClient
from telephony.providers.voximplant.provider import Voximplant

ACCOUNT = {"account_id": 1523447, "account_name": "harbour", "balance": 4.970001, "currency": "USD", "active": True}
PRIVATE_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
KEY_FILE = json.dumps(
    {
        "account_id": 1523447,
        "key_id": "k-1",
        "private_key": PRIVATE_KEY.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode(),
    }
)


class Api:
    """Remembers what it was asked: path, form and Authorization."""

    def __init__(self, status: int, body: bytes) -> None:
        self.status, self.body = status, body
        self.asked: list[tuple[str, dict[str, str], str]] = []
        self.url = ""


@contextmanager
def _serving(status: int, body: bytes, headers: Mapping[str, str] = MappingProxyType({})) -> Iterator[Api]:
    api = Api(status, body)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            api.asked.append(
                (self.path, {name: values[0] for name, values in form.items()}, self.headers.get("Authorization", ""))
            )
            self.send_response(api.status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(api.body)))
            self.end_headers()
            self.wfile.write(api.body)

        def log_message(self, *arguments: Any) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        api.url = f"http://127.0.0.1:{server.server_address[1]}"
        yield api
        server.shutdown()


def client_of(api: Api, key_file: str = "") -> VoximplantClient:
    return VoximplantClient(
        Access(base_url=api.url, key="1523447", secret="an-api-key", key_file=key_file), deadline_seconds=2
    )


def answering(values: Any) -> Any:
    return _serving(200, json.dumps(values).encode())


def test_the_balance_is_exact_and_asked_for_live() -> None:
    with answering({"result": ACCOUNT, "api_address": "api-eu.example.com"}) as api:
        info = client_of(api).get_account_info()
    assert info.credit.balance.amount == Decimal("4.970001")
    assert not info.credit.frozen
    (path, form, _) = api.asked[0]
    assert path == "/platform_api/GetAccountInfo"
    assert form == {"return_live_balance": "true", "account_id": "1523447", "api_key": "an-api-key"}


def test_a_service_account_signs_for_a_few_seconds_and_sends_no_api_key() -> None:
    with answering({"result": ACCOUNT}) as api:
        client_of(api, KEY_FILE).get_account_info()
    (_, form, authorization) = api.asked[0]
    token = authorization.removeprefix("Bearer ")
    claims = jwt.decode(token, PRIVATE_KEY.public_key(), algorithms=["RS256"])
    assert jwt.get_unverified_header(token)["kid"] == "k-1"
    assert claims["iss"] == "1523447"
    assert claims["exp"] - claims["iat"] < 60
    assert "api_key" not in form


@pytest.mark.parametrize(
    "key_file", ["no json", "{}", '{"account_id": 1, "key_id": "k", "private_key": "no key"}', "[]"]
)
def test_a_key_file_that_is_none_is_said(key_file: str) -> None:
    with answering({"result": ACCOUNT}) as api, pytest.raises(ProviderTrouble, match="service account"):
        client_of(api, key_file).get_account_info()


MARCH, THEN = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC)
HOOK = "https://hooks.example.com"

METHODS: list[tuple[str, Callable[[VoximplantClient], Any], dict[str, str]]] = [
    ("SetAccountInfo", lambda c: c.set_account_info(callback_url=HOOK), {"callback_url": HOOK}),
    ("StartScenarios", lambda c: c.start_scenarios(3), {"rule_id": "3"}),
    (
        "A2PSendSms",
        lambda c: c.send_a2p_sms("Harbour", ["+447700900123", "+447700900124"], "Hi"),
        {"src_number": "Harbour", "dst_numbers": "447700900123;447700900124", "text": "Hi"},
    ),
    (
        "GetCallHistory",
        lambda c: c.get_call_history(MARCH, THEN, with_calls=True),
        {"from_date": "2026-03-01 00:00:00", "to_date": "2026-03-02 00:00:00", "with_calls": "true"},
    ),
    (
        "CreateCallList",
        lambda c: c.create_call_list(3, "spring", "phone\n447700900123", max_simultaneous=2),
        {"rule_id": "3", "name": "spring", "max_simultaneous": "2", "num_attempts": "1", "priority": "0"},
    ),
    (
        "GetTransactionHistory",
        lambda c: c.get_transaction_history(MARCH, THEN),
        {"from_date": "2026-03-01 00:00:00"},
    ),
    ("GetSmsHistory", lambda c: c.get_sms_history(count=5), {"count": "5"}),
    ("GetResourcePrice", lambda c: c.get_resource_price(resource_type="PSTNOUT"), {"resource_type": "PSTNOUT"}),
    ("GetPhoneNumbers", lambda c: c.get_phone_numbers(), {}),
    (
        "ControlSms",
        lambda c: c.control_sms("+447700900123", enable=True),
        {"phone_number": "447700900123", "command": "enable"},
    ),
]  # fmt: skip


@pytest.mark.parametrize(("method", "ask", "expected"), METHODS, ids=[method for method, _, _ in METHODS])
def test_each_method_is_called_by_its_exact_name(
    method: str, ask: Callable[[VoximplantClient], Any], expected: dict[str, str]
) -> None:
    with answering({"result": 1}) as api:
        ask(client_of(api))
    (path, form, _) = api.asked[0]
    assert path == f"/platform_api/{method}"
    assert expected.items() <= form.items()


def test_a_text_is_known_by_its_id_or_its_fate_is_unknown() -> None:
    with answering({"result": 1, "message_id": 77, "fragments_count": 1}) as api:
        assert client_of(api).send_sms("+12025550123", "+447700900123", "Hi") == "77"
    with answering({"result": 1}) as api, pytest.raises(ProviderTrouble) as lost:
        client_of(api).send_sms("+12025550123", "+447700900123", "Hi")
    assert not isinstance(lost.value, CommandRefused)


def test_what_cannot_be_right_is_refused_before_anything_is_sent() -> None:
    with answering({"result": 1}) as api:
        client = client_of(api)
        for wrong in (
            lambda: client.send_sms("+12025550123", "+447700900123", ""),
            lambda: client.send_sms("+12025550123", "+447700900123", "x" * 766),
            lambda: client.send_a2p_sms("Harbour", [], "Hi"),
            lambda: client.send_a2p_sms("Harbour", ["+447700900123"] * 101, "Hi"),
            lambda: client.create_call_list(3, "x", "phone", max_simultaneous=1, num_attempts=6),
        ):
            with pytest.raises(CommandRefused):
                wrong()
        assert api.asked == []


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (200, b'{"error": {"code": 100, "msg": "Authorization failed"}}', CommandRefused),
        (404, b"", CommandRefused),
        (408, b"", ProviderTrouble),
        (429, b"", TooMuchAtOnce),
        (500, b"", ProviderTrouble),
        (302, b"", ProviderTrouble),
        (200, b"<html>", ProviderTrouble),
        (200, b"[]", ProviderTrouble),
        (200, b"{}", ProviderTrouble),
        (200, b'{"result": {}}', ProviderTrouble),
    ],
)
def test_every_other_answer_is_a_refusal_or_a_doubt(status: int, body: bytes, kind: type[ProviderTrouble]) -> None:
    with _serving(status, body) as api, pytest.raises(ProviderTrouble) as trouble:
        client_of(api).get_account_info()
    assert type(trouble.value) is kind


@pytest.mark.parametrize(("headers", "seconds"), [({"Retry-After": "17"}, 17), ({}, None)])
def test_v2_too_much_at_once_waits_as_long_as_voximplant_says(headers: dict[str, str], seconds: int | None) -> None:
    with _serving(429, b"", headers) as api, pytest.raises(TooMuchAtOnce) as pressure:
        client_of(api).get_account_info()
    assert pressure.value.retry_after_seconds == seconds


def test_the_api_key_is_never_repeated() -> None:
    with (
        answering({"error": {"code": 1, "msg": "no such key an-api-key"}}) as api,
        pytest.raises(CommandRefused) as refused,
    ):
        client_of(api).get_account_info()
    assert "an-api-key" not in str(refused.value)


def test_the_adapter_tells_our_credit() -> None:
    with answering({"result": {**ACCOUNT, "frozen": True}}) as api:
        credit = Voximplant().ask_credit(Access(base_url=api.url, key="1523447", secret="an-api-key"))
    assert (credit.balance.currency, credit.balance.amount, credit.frozen) == ("USD", Decimal("4.970001"), True)
