"""Whatever an answer says that is no success, it becomes one exception that tells staff what they need."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from telephony.providers.base import CallUnknown, CommandRefused, ProviderTrouble, TooMuchAtOnce
from telephony.providers.sinch.errors import (
    ApiError,
    CallNotFound,
    CredentialsRefused,
    Forbidden,
    NotEnoughCredit,
    NotFound,
    ProviderDown,
    RequestRefused,
    TooManyRequests,
)
from tests.telephony.providers.sinch.samples import CALL_ID, KEY, SECRET
from tests.telephony.providers.sinch.stand_in import Api

KINDS = [
    (400, 40001, RequestRefused),
    (400, 40002, RequestRefused),
    (400, 40003, RequestRefused),
    (401, 40100, CredentialsRefused),
    (401, 40101, CredentialsRefused),
    (401, 40102, CredentialsRefused),
    (401, 40108, CredentialsRefused),
    (402, 40200, NotEnoughCredit),
    (403, 40300, Forbidden),
    (403, 40301, CredentialsRefused),
    (404, 40400, NotFound),
    (408, None, ApiError),
    (409, None, RequestRefused),
    (429, None, TooManyRequests),
    (500, 50000, ProviderDown),
    (503, 50300, ProviderDown),
    (302, None, ApiError),
]


def error_from(api: Api, status: int, body: Any, **headers: str) -> ApiError:
    """What the client raises when this is the answer."""
    api.answers(body if isinstance(body, bytes) else json.dumps(body).encode(), status, **headers)
    with pytest.raises(ApiError) as raised:
        api.client().numbers.rented()
    return raised.value


@pytest.mark.parametrize(("status", "code", "kind"), KINDS)
def test_each_error_has_its_kind_and_tells_everything(
    api: Api, status: int, code: int | None, kind: type[ApiError]
) -> None:
    error = error_from(api, status, {"errorCode": code, "message": "Not so.", "reference": "ref-17"})
    assert type(error) is kind
    assert isinstance(error, ProviderTrouble)
    assert isinstance(error, CommandRefused) is (400 <= status < 500 and status != 408)
    assert isinstance(error, TooMuchAtOnce) is (status == 429)
    assert (error.status, error.error_code, error.message, error.reference) == (status, code, "Not so.", "ref-17")
    assert error.code == str(code or status)
    assert status == 404 or str(error) == f"Sinch answered with status {status}: Not so."


@pytest.mark.parametrize(("status", "code", "kind"), KINDS)
@pytest.mark.parametrize("body", [b"", b"<html>Bad gateway</html>", b"[]", b"\xff", b"[" * 70_000, b" " * 100_000])
def test_an_error_that_does_not_come_from_sinch_has_its_kind_too(
    api: Api, status: int, code: int | None, kind: type[ApiError], body: bytes
) -> None:
    error = error_from(api, status, body)
    assert type(error) is (Forbidden if status == 403 else kind)
    assert (error.status, error.error_code, error.message, error.reference) == (status, None, "", "")


def test_only_what_is_asked_about_a_call_can_be_an_unknown_call(api: Api) -> None:
    assert not isinstance(error_from(api, 404, {}), CallUnknown)
    with pytest.raises(CallNotFound):
        api.client().get_call(CALL_ID)


@pytest.mark.parametrize("code", [True, "40001", 4.5, -1, 0, 10**9, [], None])
def test_a_code_that_is_none_is_left_out(api: Api, code: Any) -> None:
    error = error_from(api, 400, {"errorCode": code})
    assert (error.error_code, error.code) == (None, "400")


@pytest.mark.parametrize("code", ["syntax_invalid_json", "x" * 64])
def test_the_api_for_texts_has_words_for_codes_and_texts_for_messages(api: Api, code: str) -> None:
    error = error_from(api, 400, {"code": code, "text": "Not so."})
    assert (error.error_code, error.code, error.message) == (None, code, "Not so.")
    assert str(error) == "Sinch answered with status 400: Not so."


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("a\nb\tc", "a b c"),
        ("\x1b[31mred\x00\u202e", "[31mred\ufffd"),
        ("x" * 1000, "x" * 200),
        (["a"], ""),
        ({"a": 1}, ""),
        (None, ""),
        (5, "5"),
    ],
)
def test_a_message_is_one_short_line_before_it_is_shown(api: Api, message: Any, shown: str) -> None:
    error = error_from(api, 400, {"message": message, "reference": message})
    assert error.message == error.reference == shown
    assert str(error).isprintable()


@pytest.mark.parametrize("secret", [SECRET, base64.b64encode(f"{KEY}:{SECRET}".encode()).decode()])
def test_a_message_that_repeats_our_secret_is_not_repeated(api: Api, secret: str) -> None:
    error = error_from(api, 401, {"message": f"Wrong: {secret}", "reference": f"r {secret}"})
    assert secret not in f"{error!s} {error!r} {vars(error)}"


@pytest.mark.parametrize(
    ("header", "seconds"),
    [({"retry_after": "17"}, 17), ({"retry_after": "0"}, 0), ({"retry_after": "999999999"}, 86_400)]
    + [({"retry_after": text}, None) for text in ("soon", "-5", "1.5", "١٧".encode().decode("latin-1"), "9" * 50)]
    + [({"retry_after": "Mon, 01 Jan 99999999999999999999 00:00:00 GMT"}, None)]
    + [({}, None)],
)
def test_how_long_to_wait_is_told(api: Api, header: dict[str, str], seconds: int | None) -> None:
    error = error_from(api, 429, {}, **header)
    assert isinstance(error, TooManyRequests)
    assert error.retry_after_seconds == seconds


def test_how_long_to_wait_may_be_a_date(api: Api) -> None:
    for shift, seconds in ((timedelta(hours=1), range(3500, 3601)), (timedelta(hours=-1), range(1))):
        moment = format_datetime(datetime.now(UTC) + shift, usegmt=True)
        error = error_from(api, 429, {}, retry_after=moment)
        assert isinstance(error, TooManyRequests)
        assert error.retry_after_seconds in seconds
