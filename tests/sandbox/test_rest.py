"""The REST API: both ways to sign in, every way to be refused, and what it tells."""

import base64
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import requests

from sandbox import DESK_KEY, DESK_SECRET, Phone, Sandbox, signing, wire
from tests.sandbox.receiver import application, connect, replies

NUMBER = "+12025550123"
NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
PATH = "/calling/v1/calls/id/"


def basic(key=DESK_KEY, secret=DESK_SECRET):
    return {"Authorization": "Basic " + base64.b64encode(f"{key}:{secret}".encode()).decode()}


def signed(path, *, key=DESK_KEY, secret=DESK_SECRET, at=NOW):
    text = signing.string_to_sign(
        method="GET", path=path, body=b"", content_type="application/json", timestamp=signing.stamp(at)
    )
    return {
        "Content-Type": "application/json",
        "x-timestamp": signing.stamp(at),
        "Authorization": f"Application {key}:{signing.signature(secret, text)}",
    }


def get(url, headers):
    response = requests.get(url, headers=headers, timeout=10)
    return response.status_code, wire.loads(response.content)


@pytest.fixture
def ended():
    """A platform with one ended call of 61 seconds, its REST address, and the call."""
    with application(replies(ice=connect(maxDuration=720))) as app:
        platform = Sandbox(target=app.url, wall_clock=lambda: NOW)
        call = platform.app_to_phone(
            user="alice", to=NUMBER, custom="order-1", phone=Phone.answers(3, talks_seconds=61)
        )
        platform.run()
    with platform.rest_server() as url:
        yield platform, url, call


def test_an_ended_call_is_final(ended):
    _, url, call = ended

    assert get(f"{url}{PATH}{call.call_id}", basic()) == (
        200,
        {
            "from": {"type": "username", "endpoint": "alice"},
            "to": {"type": "number", "endpoint": NUMBER},
            "domain": "pstn",
            "callId": call.call_id,
            "duration": 61,
            "status": "FINAL",
            "result": "ANSWERED",
            "reason": "CALLERHANGUP",
            "timestamp": "2026-03-02T08:00:00",
            "userRate": {"currencyId": "USD", "amount": Decimal("0.0070")},
            "debit": {"currencyId": "USD", "amount": Decimal("0.0140")},
            "custom": "order-1",
        },
    )


def test_a_signed_request_is_let_in_whatever_its_query(ended):
    _, url, call = ended

    status, body = get(f"{url}{PATH}{call.call_id}?x=1", signed(f"{PATH}{call.call_id}"))

    assert (status, body["callId"]) == (200, call.call_id)


def test_a_running_call_is_ongoing_and_tells_how_long_it_has_lasted():
    with application(replies(ice=connect(maxDuration=720))) as app:
        platform = Sandbox(target=app.url)
        call = platform.app_to_phone(user="alice", to=NUMBER, at_seconds=10, phone=Phone.answers(3, 600))
        with platform.rest_server() as url:
            assert get(f"{url}{PATH}{call.call_id}", basic())[0] == 404
            platform.run(until_seconds=100)
            status, body = get(f"{url}{PATH}{call.call_id}", basic())

    assert status == 200
    assert (body["status"], body["result"], body["duration"], body["debit"]["amount"]) == (
        "ONGOING",
        "N/A",
        87,
        0,
    )
    assert app.events("ice")[0]["callResourceUrl"] == f"{url}{PATH}{call.call_id}"


def test_a_call_nobody_knows_is_not_found(ended):
    _, url, call = ended
    call.forgotten = True

    for path in (f"{PATH}{call.call_id}", f"{PATH}c-unknown", "/calling/v1/nothing"):
        status, body = get(url + path, basic())
        assert (status, body["errorCode"]) == (404, 40400)
        assert set(body) == {"errorCode", "message", "reference"}


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, 40100),
        ({"Authorization": "Basic %%%"}, 40100),
        ({"Authorization": f"Application {DESK_KEY}"}, 40100),
        ({"Authorization": "Bearer token"}, 40301),
        (basic(secret="d3Jvbmc="), 40108),
        (basic(key="wrong"), 40108),
        (signed(f"{PATH}c-1", key="wrong"), 40108),
        (signed(f"{PATH}c-1", secret="d3Jvbmc="), 40102),
        (signed(f"{PATH}c-2"), 40102),
        (signed(f"{PATH}c-1", at=NOW - timedelta(seconds=301)), 40101),
        ({**signed(f"{PATH}c-1"), "x-timestamp": ""}, 40101),
        ({**signed(f"{PATH}c-1"), "Content-Type": "text/plain"}, 40102),
    ],
)
def test_who_cannot_prove_the_secret_is_refused(ended, headers, code):
    _, url, _ = ended

    status, body = get(f"{url}{PATH}c-1", headers)

    assert (status, body["errorCode"]) == (code // 100, code)


def test_a_method_that_is_not_served_is_not_found(ended):
    _, url, call = ended

    response = requests.delete(f"{url}{PATH}{call.call_id}", headers=basic(), timeout=10)

    assert response.status_code == 404


def test_the_address_in_events_is_given_back_when_the_server_stops(ended):
    platform, url, _ = ended

    assert platform.rest_url == url
    with platform.rest_server() as other:
        assert platform.rest_url == other
    assert platform.rest_url == url
