"""Whether a callback is taken at all: by its token, its account and, where there is one, its password.

What every provider with a token promises is in the contract; here is what Sift adds to it.
"""

from __future__ import annotations

import json
from base64 import b64encode
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from telephony.providers.base import CallbackRefused, Credentials
from telephony.providers.sift.callback_urls import answer_to, basic, event_url, status_url, with_basic
from telephony.providers.sift.parse import parse_callback
from telephony.providers.sift.provider import Sift
from tests.telephony.providers.contract import Keys
from tests.telephony.providers.sift.samples import (
    BASE,
    CREDENTIALS,
    KEY,
    TOKEN,
    TOPICS,
    body_of,
    callback,
    changed,
    parsed,
)

NOW = datetime(2026, 3, 2, 8, 15, 30, tzinfo=UTC)
SAMPLE_OF = {"incoming": "incoming-phone", "status": "status-connected", "done": "done-pressed", "event": "event-ended"}
SIFT = Sift()


def status_of(values: Any, topic: str, credentials: Credentials = CREDENTIALS, authorization: str = "") -> int:
    """What a callback with these values is refused with, or 200."""
    keys = Keys(SIFT, credentials, tokens={TOKEN: credentials})
    try:
        SIFT.verify(callback(json.dumps(values).encode(), topic, authorization), keys, NOW)
    except CallbackRefused as refused:
        return refused.status
    return 200


@pytest.mark.parametrize("account", ["573e49212d2c62e7", "", " ", 5, True, [], {}, KEY[:-1], f"{KEY}0"])
def test_another_account_than_ours_is_not_found_wherever_it_is_named(account: Any) -> None:
    for kind, name in SAMPLE_OF.items():
        assert status_of(changed(name, account_id=account), TOPICS[kind]) == 404


@pytest.mark.parametrize("kind", SAMPLE_OF)
@pytest.mark.parametrize("account", [..., None])
def test_only_a_status_need_not_name_its_account(kind: str, account: Any) -> None:
    assert status_of(changed(SAMPLE_OF[kind], account_id=account), TOPICS[kind]) == (200 if kind == "status" else 404)


@pytest.mark.parametrize("account", [KEY, KEY.upper(), f" {KEY} "])
def test_our_account_is_found_however_it_is_written(account: str) -> None:
    for written in (KEY, KEY.upper()):
        credentials = replace(CREDENTIALS, key=written)
        assert status_of(changed("incoming-phone", account_id=account), "incoming", credentials) == 200


def test_the_password_is_asked_before_the_body_is_read() -> None:
    known = replace(CREDENTIALS, salt="pepper")
    assert status_of(changed("incoming-phone", account_id="another"), "incoming", known) == 401


@pytest.mark.parametrize("user", [KEY, KEY.upper()])
def test_the_user_name_of_the_password_is_the_account(user: str) -> None:
    known = replace(CREDENTIALS, salt="pepper")
    authorization = f"bAsIc {b64encode(f'{user}:pepper'.encode()).decode()}"
    assert status_of(changed("incoming-phone"), "incoming", known, authorization) == 200
    assert (
        status_of(changed("incoming-phone"), "incoming", replace(known, key="573e49212d2c62e7"), authorization) == 401
    )


def test_an_application_without_a_password_takes_no_notice_of_one() -> None:
    assert status_of(changed("incoming-phone"), "incoming", CREDENTIALS, "Basic bm9ib2R5Om5vdGhpbmc=") == 200


@pytest.mark.parametrize(
    "authorization",
    ["", "Basic", "Basic ", "Basic !", "Basic YQ", "Basic YQ==", "Basic /w==", "Bearer YTpi", f"Basic {'YTpi' * 1000}"],
)
def test_what_is_no_user_name_and_password_is_none(authorization: str) -> None:
    asked = callback(b"{}", "incoming", authorization)
    assert basic(asked) is None
    assert answer_to(asked) == BASE


def test_an_address_is_whole_whatever_is_put_into_it() -> None:
    assert with_basic(BASE, "a@b/c", "d:e?f#g ö") == BASE.replace("://", "://a%40b%2Fc:d%3Ae%3Ff%23g%20%C3%B6@")
    assert status_url(BASE, "a/b?c#d") == f"{BASE}status/a%2Fb%3Fc%23d/"
    assert event_url(BASE, "../x") == f"{BASE}event/..%2Fx/"


def test_who_says_at_which_address_nothing_came_is_told_no_address() -> None:
    asked = replace(callback(b"{}", "incoming", "Basic YTpi"), base="")
    assert answer_to(asked) == ""


def test_an_accounts_id_is_compared_without_case_and_blanks() -> None:
    assert SIFT.normalise_key(f" {KEY.upper()}\n") == KEY


@pytest.mark.parametrize("secret", ["", " ", "a b", "a\n", "ä", "\x7f", "\ud800", "x" * 10_000])
def test_what_no_auth_token_can_be_is_refused_with_a_sentence(secret: str) -> None:
    with pytest.raises(ValueError, match=r"^[A-Z].*\.$"):
        SIFT.check_secret(secret)


def test_what_is_read_again_from_its_bytes_has_no_address_and_the_same_meaning() -> None:
    for kind, name in SAMPLE_OF.items():
        again = replace(callback(body_of(name), TOPICS[kind]), base="", token="", path="", headers={"content-type": ""})
        assert parse_callback(again) == replace(parsed(name), answer_to="")
