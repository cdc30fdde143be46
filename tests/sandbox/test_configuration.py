"""Rented numbers, the callback URL and what is known about a number, over REST."""

import base64
from decimal import Decimal

import pytest
import requests

from sandbox import DESK_KEY, DESK_SECRET, Phone, Sandbox, wire
from tests.sandbox.receiver import application, connect, replies

NUMBERS = "/v1/configuration/numbers"
CALLBACKS = f"/v1/configuration/callbacks/applications/{DESK_KEY}"
QUERY = "/v1/calling/query/number/"
SIGNED_IN = {"Authorization": "Basic " + base64.b64encode(f"{DESK_KEY}:{DESK_SECRET}".encode()).decode()}
ONE, TWO = "+442079460001", "+442079460002"


@pytest.fixture
def platform():
    platform = Sandbox(target="http://127.0.0.1:9/callbacks/")
    with platform.rest_server():
        yield platform


def asked(platform, method, path, **fields):
    body = wire.dumps(fields) if fields else b""
    response = requests.request(method, platform.rest_url + path, data=body, headers=SIGNED_IN, timeout=10)
    return response.status_code, wire.loads(response.content)


def test_numbers_are_assigned_listed_and_taken_back(platform):
    assert asked(platform, "GET", NUMBERS) == (200, {"numbers": []})
    assert asked(platform, "POST", NUMBERS, numbers=[TWO, ONE], applicationkey=DESK_KEY.upper()) == (200, {})
    assert asked(platform, "POST", NUMBERS, numbers=[ONE], applicationkey=DESK_KEY, capability="SMS") == (200, {})
    assert asked(platform, "DELETE", NUMBERS, number=ONE, applicationKey=DESK_KEY, capability="voice") == (200, {})

    assert asked(platform, "GET", NUMBERS) == (
        200,
        {
            "numbers": [
                {"number": ONE, "applicationkey": DESK_KEY, "capability": "sms"},
                {"number": ONE, "capability": "voice"},
                {"number": TWO, "applicationkey": DESK_KEY, "capability": "voice"},
            ]
        },
    )


@pytest.mark.parametrize(
    ("method", "path", "fields", "code"),
    [
        ("POST", NUMBERS, {}, 40001),
        ("POST", NUMBERS, {"numbers": []}, 40002),
        ("POST", NUMBERS, {"numbers": [ONE, "2079460001"]}, 40001),
        ("POST", NUMBERS, {"numbers": [ONE], "applicationkey": "other"}, 40300),
        ("POST", NUMBERS, {"numbers": [ONE], "capability": "fax"}, 40001),
        ("DELETE", NUMBERS, {"number": ONE, "applicationkey": DESK_KEY}, 40400),
        ("DELETE", NUMBERS, {"applicationkey": DESK_KEY}, 40001),
        ("GET", f"{CALLBACKS}0", {}, 40300),
        ("POST", CALLBACKS, {"primary": "http://example.com/"}, 40002),
        ("POST", CALLBACKS, {"url": {"primary": "example.com"}}, 40001),
        ("POST", CALLBACKS, {"url": {"primary": "https://example.com/", "fallback": "nowhere"}}, 40001),
        ("GET", f"{QUERY}hello", {}, 40001),
    ],
)
def test_a_request_that_makes_no_sense_is_refused_and_changes_nothing(platform, method, path, fields, code):
    status, error = asked(platform, method, path, **fields)

    assert (status, error["errorCode"]) == (code // 100, code)
    assert asked(platform, "GET", NUMBERS) == (200, {"numbers": []})
    assert platform.target == "http://127.0.0.1:9/callbacks/"


def test_callbacks_go_where_they_were_sent_last():
    with application(replies(ice=connect())) as first, application(replies(ice=connect())) as second:
        platform = Sandbox(target=first.url)
        platform.app_to_phone(user="alice", to="+12025550123", phone=Phone.answers(1, 60))
        url = {"primary": second.url, "fallback": "https://example.com/fallback"}
        with platform.rest_server():
            before = asked(platform, "GET", CALLBACKS)
            platform.at(30, lambda: asked(platform, "POST", CALLBACKS, url=url))
            platform.run()
            after = asked(platform, "GET", CALLBACKS)

    assert before == (200, {"url": {"primary": first.url, "fallback": ""}})
    assert after == (200, {"url": url})
    assert (first.names, second.names) == (["ice", "ace"], ["dice"])


@pytest.mark.parametrize(
    ("asked_for", "number", "country", "kind", "rate"),
    [
        ("+447700900123", "+447700900123", "GB", "Mobile", "0.0315"),
        ("442079460001", "+442079460001", "GB", "Fixed", "0.0108"),
        ("%2B12025550123", "+12025550123", "US", "Fixed", "0.0070"),
        ("+9995550", "+9995550", "", "Unknown", "0.2500"),
    ],
)
def test_a_number_is_known_by_country_kind_and_price(platform, asked_for, number, country, kind, rate):
    assert asked(platform, "GET", QUERY + asked_for) == (
        200,
        {
            "number": {
                "countryId": country,
                "numberType": kind,
                "normalizedNumber": number,
                "restricted": False,
                "rate": {"currencyId": "USD", "amount": Decimal(rate)},
            }
        },
    )
