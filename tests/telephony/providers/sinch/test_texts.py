"""Texts by service plan: sent once, found by their reference, and proved by a token in the address."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from telephony.decisions import Acknowledge
from telephony.events import UnknownEvent
from telephony.providers.base import (
    Access,
    Callback,
    CallbackRefused,
    CommandRefused,
    Credentials,
    NotSent,
    ProviderTrouble,
    Reply,
    TextOrder,
    TooMuchAtOnce,
    Verified,
)
from telephony.providers.sinch.texts import MOST_PAGES, PAGE_SIZE, SinchTexts
from tests.telephony.providers.contract import DECISIONS
from tests.telephony.providers.sinch.stand_in import Api

PLAN = "2f1b8c1e7a544d0b9c6e51d2a7f0e8b4"
TOKEN = "t0ken-of-the-plan"
REFERENCE = "7f6a1b1e-2f40-4c47-9c49-0b1a5b9d8f01"
ORDER = TextOrder(reference=REFERENCE, sender="+12025550123", recipient="+46701740605", body="Refill received")
NOW = datetime(2026, 3, 2, 8, 15, 30, tzinfo=UTC)


def access(api: Api) -> Access:
    return Access(api.address, PLAN, TOKEN)


def report(number: int, **fields: Any) -> dict[str, Any]:
    return {
        "type": "recipient_delivery_report_sms",
        "batch_id": f"b-{number}",
        "recipient": "46701740605",
        "code": 401,
        "status": "Dispatched",
        "at": "2026-03-02T08:15:30.123Z",
        **fields,
    }


def page(*reports: dict[str, Any], count: int) -> tuple[int, dict[str, Any]]:
    return 200, {"count": count, "page": 0, "page_size": PAGE_SIZE, "delivery_reports": list(reports)}


def test_a_text_is_sent_to_one_number_with_our_reference(api: Api) -> None:
    api.says({"id": "b-1", "to": ["46701740605"], "canceled": False}, 201)
    address = "https://calls.example.com/callbacks/sinch/sms/secret/"
    assert SinchTexts().send_text(access(api), replace(ORDER, report_url=address)) == "b-1"
    (asked,) = api.requests
    assert (asked.method, asked.path) == ("POST", f"/xms/v1/{PLAN}/batches")
    assert asked.headers["authorization"] == f"Bearer {TOKEN}"
    assert "x-timestamp" not in asked.headers
    assert asked.json == {
        "from": "12025550123",
        "to": ["46701740605"],
        "body": "Refill received",
        "type": "mt_text",
        "delivery_report": "per_recipient",
        "client_reference": REFERENCE,
        "callback_url": address,
    }


@pytest.mark.parametrize(("sender", "sent"), [("Shop", {"from": "Shop"}), ("", {})])
def test_the_sender_may_be_a_name_or_the_plans_own(api: Api, sender: str, sent: dict[str, str]) -> None:
    api.says({"id": "b-1"}, 201)
    SinchTexts().send_text(access(api), replace(ORDER, sender=sender))
    (asked,) = api.requests
    assert {name: value for name, value in asked.json.items() if name == "from"} == sent
    assert "callback_url" not in asked.json


@pytest.mark.parametrize(
    "changes",
    [
        {"recipient": ""},
        {"recipient": "46701740605"},
        {"body": ""},
        {"body": "x" * 2001},
        {"body": "\ud800"},
        {"reference": ""},
        {"reference": "a b"},
        {"reference": "r" * 129},
        {"sender": "s" * 17},
        {"report_url": "https://example.com/" + "x" * 2048},
    ],
)
def test_what_cannot_be_sent_is_refused_unsent(api: Api, changes: dict[str, Any]) -> None:
    with pytest.raises(CommandRefused, match=r"^(A text|The address).*\.$"):
        SinchTexts().send_text(access(api), replace(ORDER, **changes))
    assert api.requests == []


@pytest.mark.parametrize("changes", [{"base_url": ""}, {"secret": ""}, {"secret": "a b"}, {"key": ""}, {"key": ".."}])
def test_a_service_plan_that_cannot_be_asked_has_sent_nothing(api: Api, changes: dict[str, str]) -> None:
    with pytest.raises(NotSent):
        SinchTexts().send_text(replace(access(api), **changes), ORDER)
    assert api.requests == []


@pytest.mark.parametrize("answer", [{}, {"id": ""}, {"id": 5}, {"id": "b" * 101}, {"id": None}])
def test_an_id_that_is_none_leaves_it_open_whether_the_text_was_sent(api: Api, answer: object) -> None:
    api.says(answer, 201)
    with pytest.raises(ProviderTrouble, match="which batch") as trouble:
        SinchTexts().send_text(access(api), ORDER)
    assert not isinstance(trouble.value, CommandRefused | NotSent)


def test_a_refusal_says_why_in_sinchs_words_and_never_our_token(api: Api) -> None:
    api.says({"code": "syntax_invalid_parameter_format", "text": "Invalid MSISDN."}, 400)
    with pytest.raises(CommandRefused, match=r"^Sinch answered with status 400: Invalid MSISDN\.$") as refused:
        SinchTexts().send_text(access(api), ORDER)
    assert refused.value.code == "syntax_invalid_parameter_format"
    api.says({"code": TOKEN, "text": f"Bearer {TOKEN}"}, 401)
    with pytest.raises(CommandRefused) as refused:
        SinchTexts().send_text(access(api), ORDER)
    assert TOKEN not in f"{refused.value!s} {vars(refused.value)}"


def test_a_text_that_was_taken_is_found_by_its_reference_on_whatever_page(api: Api) -> None:
    api.says_in_turn(
        page(report(1), report(2, client_reference="another"), count=4),
        page(report(3), report(4, client_reference=REFERENCE), count=4),
    )
    assert SinchTexts().find_text(access(api), ORDER) == "b-4"
    asked = [urlsplit(each.path) for each in api.requests]
    assert {each.path for each in asked} == {f"/xms/v1/{PLAN}/delivery_reports"}
    assert [parse_qs(each.query) for each in asked] == [
        {"page": [str(number)], "page_size": [str(PAGE_SIZE)]} for number in (0, 1)
    ]
    assert all(each.headers["authorization"] == f"Bearer {TOKEN}" for each in api.requests)


@pytest.mark.parametrize(
    ("pages", "asked"),
    [
        ([page(count=0)], 1),
        ([page(report(1), count=1)], 1),
        ([page(report(1), count=2), page(report(2), count=2)], 2),
        ([page(report(1), count=9), page(count=9)], 2),
        ([page(report(1), count=10**9)], MOST_PAGES),
        ([page(report(1, client_reference=REFERENCE, batch_id=None), count=1)], 1),
        ([page(report(1, client_reference=REFERENCE.upper()), count=1)], 1),
    ],
)
def test_that_no_report_names_a_text_never_proves_that_it_was_not_sent(api: Api, pages: list[Any], asked: int) -> None:
    api.says_in_turn(*pages)
    with pytest.raises(ProviderTrouble, match="does not prove") as trouble:
        SinchTexts().find_text(access(api), ORDER)
    assert type(trouble.value) is ProviderTrouble
    assert len(api.requests) == asked


@pytest.mark.parametrize(
    ("status", "answer"),
    [(401, {}), (404, {}), (429, {}), (302, {}), (500, {}), (200, {}), (200, []), (200, {"delivery_reports": 5})],
)
def test_a_look_that_failed_says_nothing_about_the_text(api: Api, status: int, answer: object) -> None:
    api.says(answer, status)
    with pytest.raises(ProviderTrouble, match=r"^It could not be asked for\.") as trouble:
        SinchTexts().find_text(access(api), ORDER)
    assert type(trouble.value) is ProviderTrouble


def test_who_cannot_be_reached_has_said_nothing_about_the_text() -> None:
    for address in ("", "http://127.0.0.1:1"):
        with pytest.raises(ProviderTrouble) as trouble:
            SinchTexts().find_text(Access(address, PLAN, TOKEN), ORDER)
        assert type(trouble.value) is ProviderTrouble


def test_a_look_ends_with_its_time_however_many_pages_there_are(api: Api) -> None:
    def behaviour(handler: BaseHTTPRequestHandler) -> None:
        time.sleep(0.1)
        answer(handler)

    api.says_in_turn(page(report(1), count=10**9))
    answer: Callable[[BaseHTTPRequestHandler], None] = api.behaviour  # type: ignore[assignment]
    api.behaviour = behaviour
    with pytest.raises(ProviderTrouble):
        SinchTexts(deadline_seconds=0.5).find_text(access(api), ORDER)
    assert 1 <= len(api.requests) <= 5


class Tokens:
    """A keyring with one token."""

    def find(self, key: str) -> Credentials | None:
        raise AssertionError("nothing is signed with a key")

    def find_by_token(self, token: str) -> Credentials | None:
        return Credentials(application_id=7, key=PLAN, secrets=(TOKEN,)) if token == "s3cret" else None


def callback(body: bytes = b"{}", *, token: str = "s3cret") -> Callback:
    headers = {"authorization": "", "content-type": "application/json", "x-timestamp": ""}
    return Callback(method="POST", path="/callbacks/sinch/sms/x/", headers=headers, body=body, token=token)


def test_the_token_in_the_address_proves_a_callback_and_nothing_else_does() -> None:
    assert SinchTexts().verify(callback(), Tokens(), NOW) == Verified(application_id=7, key=PLAN, signed_at=NOW)
    for token in ("", "S3CRET", "s3cret ", TOKEN):
        with pytest.raises(CallbackRefused):
            SinchTexts().verify(callback(token=token), Tokens(), NOW)


def test_news_is_taken_whenever_it_comes_and_answered_with_nothing_but_200() -> None:
    adapter, event = SinchTexts(), UnknownEvent(call_id="", word="mo_hologram")
    verified = Verified(application_id=7, key=PLAN, signed_at=NOW)
    assert adapter.check_freshness(event, verified, NOW + timedelta(days=3)) is True
    assert {adapter.render(decision, event) for decision in (*DECISIONS, Acknowledge())} == {
        Reply(status=200, content_type="text/plain", body=b"")
    }


@pytest.mark.parametrize("secret", ["", "a b", "a\r\nb", "å", "a\x00"])
def test_a_token_that_cannot_be_sent_is_refused_with_a_sentence(secret: str) -> None:
    with pytest.raises(ValueError, match=r"^The API token .*\.$"):
        SinchTexts().check_secret(secret)
    SinchTexts().check_secret(TOKEN)


def test_a_service_plan_is_looked_up_as_it_is_written() -> None:
    assert SinchTexts().normalise_key(f" {PLAN.upper()} ") == PLAN.upper()


def test_pressure_is_told_with_how_long_to_wait(api: Api) -> None:
    api.answers(b"", 429, retry_after="17")
    with pytest.raises(TooMuchAtOnce) as pressure:
        SinchTexts().send_text(access(api), ORDER)
    assert pressure.value.retry_after_seconds == 17


def test_without_any_time_nothing_is_asked_and_nothing_known(api: Api) -> None:
    with pytest.raises(ProviderTrouble, match="does not prove"):
        SinchTexts(deadline_seconds=0).find_text(access(api), ORDER)
    assert api.requests == []


def test_nobody_needs_to_ask_what_is_told_anyway(api: Api) -> None:
    assert SinchTexts.tells_of_texts is True
    with pytest.raises(ProviderTrouble, match="reports what became"):
        SinchTexts().ask_text(access(api), "b-1")
    assert api.requests == []
