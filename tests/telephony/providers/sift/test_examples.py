"""The guide to connecting calls, seen from the side of the server it tells us to write, each example in its order.

The examples that only ask or tell the API (an application, a number) are with the client. Where we say more than the
example, it is that the conversation's end is told to us and that the line is given back.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from telephony.decisions import Acknowledge, Connect, ConnectUser, Continue, Decision, HangUp
from telephony.events import CallAnswered, CallIncoming, EndpointKind, Event, Origin
from telephony.menus import say
from telephony.providers.base import Access, Callback
from telephony.providers.sift.provider import Sift
from tests.telephony.providers.contract import CALLOUT, Keys
from tests.telephony.providers.sift.api_stand_in import Says, answering
from tests.telephony.providers.sift.samples import CREDENTIALS, KEY, SECRET, TOKEN, callback, changed, parsed

NOW = datetime(2026, 3, 2, 8, 15, 30, tzinfo=UTC)
SIFT = Sift()
HELLO = "Hello there. I'm definitely not a robot. Goodbye."


def decided(event: Event) -> Decision:
    """What the example's handler decides, in our words."""
    match event:
        case CallAnswered():
            return HangUp(say=say(HELLO))
        case CallIncoming(destination=destination) if destination.kind is EndpointKind.USER:
            return ConnectUser(user=destination.value)
        case CallIncoming(destination=destination) if destination.kind is EndpointKind.NUMBER:
            return Connect(number=destination.value, limit_seconds=3_600, caller_id=None)
        case CallIncoming(origin=Origin.PHONE):
            return Connect(number="+12025550199", limit_seconds=3_600, caller_id=None)
        case _:
            return Acknowledge()


def served(asked: Callback) -> bytes:
    """What our server answers to a request of Sift's."""
    verified = SIFT.verify(asked, Keys(SIFT, CREDENTIALS, tokens={TOKEN: CREDENTIALS}), NOW)
    (event,) = SIFT.parse(asked, verified)
    return SIFT.render(decided(event), event).body


def routine(body: bytes) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(body)["routine"]
    return found


def incoming(client_data: Any) -> Callback:
    """As Sift asks for a connection that a browser began with these data."""
    connection = changed("incoming-client-without-data")["connection"]
    connection |= {} if client_data is None else {"client_data": client_data}
    return callback(json.dumps({"account_id": KEY, "connection": connection}).encode(), "incoming")


def test_calling_a_phone_and_saying_hello() -> None:
    created = changed("status-connecting")["connection"]
    with answering(Says(created, 201)) as api:
        SIFT.place_callout(Access(api.address, KEY, SECRET), CALLOUT)
    told = dict(api.only_request().form)
    assert told["phone_number"] == CALLOUT.number
    topic = told["status_url"].removeprefix(CALLOUT.report_base).removesuffix("/").replace("%3A", ":")
    answers = {}
    for status in ("connecting", "connected", "finished", "failed"):
        body = json.dumps({"connection": created | {"status": status}}).encode()
        answers[status] = served(callback(body, topic))
    assert routine(answers.pop("connected")) == [{"name": "Say", "text": HELLO}, {"name": "HangUp"}]
    assert set(answers.values()) == {b""}


def test_calling_a_friends_phone_from_a_browser() -> None:
    first, last = routine(served(incoming({"phone_number": "+12025550123"})))
    assert first.items() >= {"name": "CallPhone", "phone_number": "+12025550123"}.items()
    assert last == {"name": "HangUp"}


def test_calling_a_friends_browser_from_a_browser() -> None:
    first, last = routine(served(incoming({"client_name": "friend"})))
    assert first.items() >= {"name": "CallClient", "client_name": "friend"}.items()
    assert last == {"name": "HangUp"}


def test_either_by_what_the_browser_passed_a_phone_before_a_browser() -> None:
    first, _ = routine(served(incoming({"client_name": "friend", "phone_number": "+12025550123"})))
    assert first["name"] == "CallPhone"


@pytest.mark.parametrize("client_data", [None, {}, [], "friend", {"phone": "+12025550123"}])
def test_a_browser_that_passes_neither_is_hung_up_where_the_examples_handler_would_break(client_data: Any) -> None:
    assert routine(served(incoming(client_data))) == [{"name": "HangUp"}]


def test_forwarding_every_call_to_one_number() -> None:
    body = json.dumps(changed("incoming-phone")).encode()
    for content_type in ("application/json", "text/plain", ""):
        first, last = routine(served(callback(body, "incoming", content_type=content_type)))
        assert first.items() >= {"name": "CallPhone", "phone_number": "+12025550199"}.items()
        assert last == {"name": "HangUp"}


def test_a_call_that_goes_on_is_told_nothing() -> None:
    assert SIFT.render(Continue(), parsed("status-connected")).body == b""
