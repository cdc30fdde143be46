"""Sift's API over real HTTP: what is asked, and what every kind of answer becomes."""

from __future__ import annotations

import itertools
import json
import logging
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest

from telephony.providers.base import (
    CallUnknown,
    CommandRefused,
    NoCreditThere,
    NotSent,
    ProviderTrouble,
    TooMuchAtOnce,
)
from telephony.providers.sift.client import MOST_PAGES, MOST_PAGES_SEARCHED, RegisteredNumber, SiftClient
from telephony.providers.sift.connections import ConnectionStatus
from telephony.providers.sift.routine import HangUp, Routine, Say
from tests.telephony.providers.sift.api_stand_in import ACCOUNT, APPLICATION, AUTH_TOKEN, Api, Says, answering, sample

NUMBER = "+12025550123"
STATUS_URL = "https://calls.example.com/callbacks/sift/d1b2/status/"
ON_INCOMING = "https://calls.example.com/callbacks/sift/d1b2/incoming/"
CONNECTION = sample("api-connection")
ID = CONNECTION["connection_id"]
GOODBYE = Routine([Say("Goodbye."), HangUp()])

Act = Callable[[SiftClient], Any]

ACTS_BY_NAME: dict[str, Act] = {
    "create_application": lambda c: c.create_application("Harbour", ON_INCOMING),
    "applications": lambda c: list(c.applications()),
    "create_connection": lambda c: c.create_connection(NUMBER, STATUS_URL),
    "get_connection": lambda c: c.get_connection(ID),
    "find_connection": lambda c: c.find_connection(ID),
    "connections": lambda c: list(c.connections()),
    "tell_connection": lambda c: c.tell_connection(ID, GOODBYE),
    "available_numbers": lambda c: list(c.available_numbers("US")),
    "phone_numbers": lambda c: list(c.phone_numbers()),
    "register_number": lambda c: c.register_number(NUMBER, APPLICATION),
}
every_act = pytest.mark.parametrize("name", ACTS_BY_NAME)


def page(results: list[Any], following: str | None = None) -> Says:
    return Says({"next": following, "previous": None, "results": results})


def refusal(status: int, code: Any = "nope", message: Any = "We will not.") -> Says:
    return Says({"error": {"code": code, "message": message}}, status)


# The examples of the guide to connecting calls


def test_an_application_is_created_with_the_fields_of_the_guide() -> None:
    with answering(Says(sample("api-application"), 201)) as api:
        application = api.client().create_application("SuperCoolApplication", "https://ourserver.example/on_incoming")
    asked = api.only_request()
    assert (asked.method, asked.path) == ("POST", "/v0/applications")
    assert asked.form == [
        ("name", "SuperCoolApplication"),
        ("on_incoming", "https://ourserver.example/on_incoming"),
    ]
    assert application.application_id == APPLICATION
    assert application.name == "SuperCoolApplication"
    assert application.phone_numbers == (NUMBER,)
    assert application.script == ""
    assert [dict(command) for command in application.default_routine] == sample("api-application")["default_routine"]


def test_a_phone_is_called_with_the_fields_of_the_guide() -> None:
    with answering(Says({"connection_id": "6f5704748865267a", "status": "connecting"}, 201)) as api:
        connection = api.client().create_connection(NUMBER, "https://oursite.example/say_hello")
    asked = api.only_request()
    assert (asked.method, asked.path) == ("POST", "/v0/connections")
    assert asked.body == b"phone_number=%2B12025550123&status_url=https%3A%2F%2Foursite.example%2Fsay_hello"
    assert asked.form == [("phone_number", NUMBER), ("status_url", "https://oursite.example/say_hello")]
    assert (connection.connection_id, connection.status) == ("6f5704748865267a", ConnectionStatus.CONNECTING)


def test_available_numbers_are_read_from_the_bare_list_of_the_guide() -> None:
    with answering(Says([NUMBER, "+12025550124"])) as api:
        assert next(api.client().available_numbers("US")) == NUMBER
    assert (api.only_request().method, api.only_request().path) == ("GET", "/v0/availablenumbers/US")


def test_available_numbers_are_read_from_the_pages_of_the_reference() -> None:
    with answering(Says(sample("api-available-numbers")), page(["+12025550126"])) as api:
        numbers = list(api.client().available_numbers("us"))
    assert numbers == [NUMBER, "+12025550124", "+12025550125", "+12025550126"]
    assert [asked.path for asked in api.asked] == [
        "/v0/availablenumbers/US",
        "/v0/availablenumbers/US?cursor=cE0yMDE2LTA1LTE5KzAxJTNB",
    ]
    assert all(asked.has_basic for asked in api.asked)


def test_a_number_is_registered_with_the_fields_of_the_guide() -> None:
    with answering(Says({"phone_number": NUMBER, "application_id": APPLICATION}, 201)) as api:
        registered = api.client().register_number(NUMBER, APPLICATION)
    asked = api.only_request()
    assert (asked.method, asked.path) == ("POST", "/v0/phonenumbers")
    assert asked.form == [("phone_number", NUMBER), ("application_id", APPLICATION)]
    assert registered == RegisteredNumber(phone_number=NUMBER, application_id=APPLICATION)


# The rest of the resources


def test_all_applications_are_listed() -> None:
    with answering(page([sample("api-application"), {"app_id": "b2"}])) as api:
        first, second = api.client().applications()
    assert (first.application_id, second.application_id) == (APPLICATION, "b2")
    assert (second.name, second.default_routine, second.phone_numbers) == ("", (), ())


def test_numbers_are_listed_whatever_the_application_is_called() -> None:
    listed = [
        {"phone_number": NUMBER, "application_id": "a1"},
        {"phone_number": "+12025550124", "app_id": "b2"},
        {"phone_number": "+12025550125", "application_id": None},
        "+12025550126",
    ]
    with answering(page(listed)) as api:
        found = [(each.phone_number, each.application_id) for each in api.client().phone_numbers()]
    assert found == [(NUMBER, "a1"), ("+12025550124", "b2"), ("+12025550125", ""), ("+12025550126", "")]
    assert api.only_request().path == "/v0/phonenumbers"


def test_a_connection_is_read_with_its_times_in_utc() -> None:
    with answering(Says(CONNECTION)) as api:
        connection = api.client().get_connection(ID)
    assert (api.only_request().method, api.only_request().path) == ("GET", f"/v0/connections/{ID}")
    assert connection.status is ConnectionStatus.FINISHED
    assert connection.start_time == datetime(2026, 3, 2, 8, 20, tzinfo=UTC)
    assert connection.duration_seconds == 61
    assert (connection.from_, connection.to) == ("webrtc:jimmy", NUMBER)


def test_a_connection_is_told_a_routine_as_json() -> None:
    with answering(Says(CONNECTION)) as api:
        api.client().tell_connection(ID, GOODBYE)
    asked = api.only_request()
    assert (asked.method, asked.path) == ("POST", f"/v0/connections/{ID}")
    assert asked.headers["content-type"] == "application/json"
    assert json.loads(asked.body) == {"routine": [{"name": "Say", "text": "Goodbye."}, {"name": "HangUp"}]}


@pytest.mark.parametrize("body", [b"", b"no json"])
def test_that_a_connection_was_told_something_needs_no_answer_to_read(body: bytes) -> None:
    with answering(Says(body, 204 if not body else 200)) as api:
        api.client().tell_connection(ID, GOODBYE)


@pytest.mark.parametrize("suffix", ["", "/", "/v0", "/v0/"])
def test_the_address_may_end_in_the_version_of_the_api(suffix: str) -> None:
    with answering(Says(CONNECTION)) as api:
        api.client(suffix=suffix).get_connection(ID)
    assert api.only_request().path == f"/v0/connections/{ID}"


@every_act
def test_every_request_carries_the_credentials_and_asks_for_json(name: str) -> None:
    with answering(Says(b"no json", 200)) as api, suppress(ProviderTrouble):
        ACTS_BY_NAME[name](api.client())
    asked = api.only_request()
    assert asked.headers["accept"] == "application/json"


# Finding a connection


def test_a_connection_that_can_be_asked_for_is_not_looked_for_in_the_list() -> None:
    with answering(Says(CONNECTION)) as api:
        assert api.client().find_connection(ID).connection_id == ID
    assert len(api.asked) == 1


@pytest.mark.parametrize("status", [404, 405])
def test_a_connection_that_cannot_be_asked_for_is_found_in_the_list(status: int) -> None:
    odd = {"connection_id": {"hostile": 1}, "client_data": {"A": 1, "a": 2}}
    pages = [page([odd, "odd"], "{api}/v0/connections?cursor=two"), page([CONNECTION])]
    with answering(refusal(status), *pages) as api:
        assert api.client().find_connection(ID).duration_seconds == 61
    assert [asked.path for asked in api.asked] == [
        f"/v0/connections/{ID}",
        "/v0/connections",
        "/v0/connections?cursor=two",
    ]


def test_looking_through_a_long_list_ends_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = itertools.count(step=6)
    monkeypatch.setattr("telephony.providers.sift.client.monotonic", lambda: next(ticks))
    pages = [page([], f"{{api}}/v0/connections?cursor={number}") for number in range(5)]
    with answering(refusal(405), *pages) as api, pytest.raises(ProviderTrouble, match="took too long") as trouble:
        api.client(deadline_seconds=10).find_connection(ID)
    assert not isinstance(trouble.value, CallUnknown)
    assert len(api.asked) == 3  # by itself, and two pages


def test_a_connection_that_is_nowhere_is_unknown() -> None:
    others = page([{"connection_id": "other", "status": "finished"}])
    with answering(refusal(404), others) as api, pytest.raises(CallUnknown, match="does not know this connection"):
        api.client().find_connection(ID)
    assert len(api.asked) == 2


def test_only_the_newest_pages_are_looked_through() -> None:
    pages = [page([], f"{{api}}/v0/connections?cursor={number}") for number in range(MOST_PAGES_SEARCHED)]
    with answering(refusal(404), *pages, page([CONNECTION])) as api, pytest.raises(CallUnknown):
        api.client().find_connection(ID)
    assert len(api.asked) == 1 + MOST_PAGES_SEARCHED


def test_a_refusal_that_says_nothing_about_the_connection_ends_the_search() -> None:
    with answering(refusal(401)) as api, pytest.raises(CommandRefused):
        api.client().find_connection(ID)
    assert len(api.asked) == 1


def test_a_connection_found_in_the_list_is_not_believed_when_it_is_odd() -> None:
    broken = {**CONNECTION, "status": 5}
    with answering(refusal(404), page([broken])) as api, pytest.raises(ProviderTrouble, match="status") as caught:
        api.client().find_connection(ID)
    assert not isinstance(caught.value, CallUnknown)


@pytest.mark.parametrize("times", [{"start_time": 5}, {"end_time": "yesterday"}, {"end_time": "2026-03-02T08:19:59Z"}])
def test_a_connection_with_odd_times_is_that_connection_all_the_same(times: dict[str, Any]) -> None:
    broken = {**CONNECTION, **times}
    with answering(Says(broken), refusal(404), page([broken])) as api:
        for found in (api.client().get_connection(ID), api.client().find_connection(ID)):
            assert (found.connection_id, found.duration_seconds, len(found.odd_times)) == (ID, None, 1)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({**CONNECTION, "connection_id": "another"}, "another connection"),
        ({**CONNECTION, "from": 5}, "from is not"),
        ({**CONNECTION, "status": None}, "status is missing"),
        ([CONNECTION], "not a connection"),
        ({}, "connection_id"),
    ],
)
def test_an_odd_answer_about_a_connection_is_trouble_with_a_sentence(answer: Any, said: str) -> None:
    with answering(Says(answer)) as api, pytest.raises(ProviderTrouble, match=said):
        api.client().get_connection(ID)


@pytest.mark.parametrize("connection_id", ["", ".", "..", "a/b", "a b", "a?b", "a" * 65, "ä", "1994a0ee\n"])
def test_nothing_is_asked_about_what_can_be_no_id(connection_id: str) -> None:
    with answering(Says(CONNECTION)) as api:
        for act in (
            lambda: api.client().get_connection(connection_id),
            lambda: api.client().find_connection(connection_id),
            lambda: api.client().tell_connection(connection_id, GOODBYE),
        ):
            with pytest.raises(NotSent, match="nothing was asked"):
                act()
    assert api.asked == []


# Pages


def test_a_list_is_read_to_its_end_and_page_by_page() -> None:
    pages = [page(["+12025550123"], "{api}/v0/availablenumbers/US/?cursor=a%3D%3D&limit=50"), page(["+12025550124"])]
    with answering(*pages) as api:
        numbers = api.client().available_numbers("US")
        assert next(numbers) == NUMBER
        assert len(api.asked) == 1
        assert list(numbers) == ["+12025550124"]
    assert api.asked[1].path == "/v0/availablenumbers/US?cursor=a%3D%3D&limit=50"


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example/v0/connections?cursor=a",
        "//evil.example/v0/connections?cursor=a",
        "{api}@evil.example/v0/connections?cursor=a",
        "{api}.evil.example/v0/connections?cursor=a",
        "http://evil.example\\@{host}/v0/connections?cursor=a",
        "http://user:password@{host}/v0/connections?cursor=a",
        "https://{host}/v0/connections?cursor=a",
        "ftp://{host}/v0/connections?cursor=a",
        "http://127.0.0.1:1/v0/connections?cursor=a",
        "http://127.0.0.1:port/v0/connections?cursor=a",
        "http://[127.0.0.1/v0/connections?cursor=a",
        "{api}/connections?cursor=a",
        "{api}/v0/../admin?cursor=a",
        "{api}/v0/applications?cursor=a",
        "{api}/v0/connections",
        "{api}/v0/connections?cursor=ä",
        "{api}/v0/connections?cursor=a b",
        "{api}/v0/connections?" + "c" * 2049,
        "/v0/connections?cursor=a",
        "",
        7,
        ["{api}/v0/connections?cursor=a"],
    ],
)
def test_credentials_go_nowhere_else_whatever_a_list_says_where_it_goes_on(elsewhere: Any) -> None:
    with answering(page([CONNECTION], elsewhere)) as api:
        if isinstance(elsewhere, str):
            api.answers[0].values["next"] = elsewhere.replace("{host}", api.address.removeprefix("http://"))
        connections = api.client().connections()
        assert next(connections).connection_id == ID
        with pytest.raises(ProviderTrouble, match="not that of its API"):
            next(connections)
    assert len(api.asked) == 1


def test_a_list_that_goes_round_in_a_circle_is_trouble() -> None:
    pages = [page([], "{api}/v0/connections?cursor=a"), page([], "{api}/v0/connections?cursor=b")]
    with answering(*pages, pages[0]) as api, pytest.raises(ProviderTrouble, match="circle"):
        list(api.client().connections())
    assert len(api.asked) == 3


def test_a_list_without_an_end_is_trouble() -> None:
    pages = [page([], f"{{api}}/v0/phonenumbers?cursor={number}") for number in range(MOST_PAGES + 1)]
    with answering(*pages) as api, pytest.raises(ProviderTrouble, match="more than 100 pages"):
        list(api.client().phone_numbers())
    assert len(api.asked) == MOST_PAGES


@pytest.mark.parametrize(
    ("answer", "name"),
    [
        ({"results": None}, "applications"),
        ({"results": {"0": "+12025550123"}}, "available_numbers"),
        ("+12025550123", "available_numbers"),
        ({"results": ["0123"]}, "available_numbers"),
        ({"results": [5]}, "phone_numbers"),
        ({"results": [{"application_id": "a1"}]}, "phone_numbers"),
        ({"results": ["a1"]}, "applications"),
        ({"results": [{"name": "no id"}]}, "applications"),
        ({"results": [7]}, "connections"),
    ],
)
def test_a_list_of_something_else_is_trouble(answer: Any, name: str) -> None:
    with answering(Says(answer)) as api, pytest.raises(ProviderTrouble, match=r"^Sift's (answer|list)") as caught:
        ACTS_BY_NAME[name](api.client())
    assert not isinstance(caught.value, CommandRefused | NotSent)


def test_an_odd_connection_in_a_list_is_shown_with_what_is_odd_about_it() -> None:
    with answering(page([{"connection_id": "../x", "status": "ringing"}, CONNECTION])) as api:
        odd, good = api.client().connections()
    assert odd.oddities == ("connection_id is missing or is not an id",)
    assert (odd.connection_id, odd.status, odd.status_word) == ("", ConnectionStatus.OTHER, "ringing")
    assert good.oddities == ()


# What becomes of failures


@every_act
@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 422])
def test_a_refusal_is_one_with_its_code_and_message(name: str, status: int) -> None:
    with answering(refusal(status, "not_now", "Not\x07 to day.")) as api, pytest.raises(ProviderTrouble) as caught:
        ACTS_BY_NAME[name](api.client())
    if status in (404, 405) and name == "find_connection":
        # The search goes on in the list, and that is refused.
        assert len(api.asked) == 2
    assert isinstance(caught.value, CommandRefused)
    assert not isinstance(caught.value, NoCreditThere | TooMuchAtOnce | NotSent)
    assert caught.value.code == "not_now"
    if not isinstance(caught.value, CallUnknown):
        assert str(caught.value) == f"Sift answered with status {status}: Not to day."


@pytest.mark.parametrize("name", ["get_connection", "tell_connection"])
def test_404_about_a_connection_says_that_it_is_unknown(name: str) -> None:
    with answering(refusal(404)) as api, pytest.raises(CallUnknown, match="does not know this connection"):
        ACTS_BY_NAME[name](api.client())


def test_404_about_anything_else_says_nothing_about_a_call() -> None:
    with answering(refusal(404)) as api, pytest.raises(CommandRefused) as caught:
        api.client().create_connection(NUMBER, STATUS_URL)
    assert not isinstance(caught.value, CallUnknown)


def test_402_says_that_our_account_is_empty() -> None:
    with answering(refusal(402)) as api, pytest.raises(NoCreditThere):
        api.client().create_connection(NUMBER, STATUS_URL)


@pytest.mark.parametrize(("header", "seconds"), [({"Retry-After": "17"}, 17), ({}, None), ({"Retry-After": "x"}, None)])
def test_429_says_when_to_ask_again(header: dict[str, str], seconds: int | None) -> None:
    with answering(Says({}, 429, header)) as api, pytest.raises(TooMuchAtOnce) as caught:
        api.client().create_connection(NUMBER, STATUS_URL)
    assert caught.value.retry_after_seconds == seconds
    assert caught.value.code == "429"


@every_act
@pytest.mark.parametrize(
    "answer",
    [
        Says(b"", 500),
        refusal(503),
        Says(b"", 408),
        Says(CONNECTION, 302, {"Location": "{api}/elsewhere"}),
        Says(CONNECTION, 307, {"Location": "{api}/elsewhere"}),
    ],
    ids=["500", "503", "408", "302", "307"],
)
def test_what_is_no_answer_is_neither_refused_nor_unsent(name: str, answer: Says) -> None:
    with answering(answer) as api, pytest.raises(ProviderTrouble) as caught:
        ACTS_BY_NAME[name](api.client())
    assert not isinstance(caught.value, CommandRefused | NotSent | CallUnknown)
    assert len(api.asked) == 1


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[]", b"null", b'"6f57"', b"{}", b'{"connection_id": ""}', b'{"connection_id": 7}',
        b'{"connection_id": "../x", "status": "connecting"}', b"\xff", b"[" * 1000, b'{"connection_id": NaN}',
    ],
)  # fmt: skip
def test_a_call_with_an_unreadable_answer_may_have_been_placed(body: bytes) -> None:
    with answering(Says(body, 201)) as api, pytest.raises(ProviderTrouble) as caught:
        api.client().create_connection(NUMBER, STATUS_URL)
    assert not isinstance(caught.value, CommandRefused | NotSent)


def test_a_call_whose_id_is_known_was_placed_however_odd_the_rest_is() -> None:
    with answering(Says({"connection_id": "6f57", "start_time": "soon", "status": 5}, 201)) as api:
        connection = api.client().create_connection(NUMBER, STATUS_URL)
    assert connection.connection_id == "6f57"
    assert (len(connection.oddities), len(connection.odd_times)) == (2, 1)


def test_a_provider_that_says_nothing_is_waited_for_no_longer_than_told() -> None:
    with answering(Says(CONNECTION, 201), silent=True) as api, pytest.raises(ProviderTrouble) as caught:
        api.client(deadline_seconds=0.2).create_connection(NUMBER, STATUS_URL)
    assert not isinstance(caught.value, CommandRefused | NotSent)
    assert len(api.asked) == 1


def test_an_answer_without_an_end_is_trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("telephony.providers.sift.rest.LARGEST_ANSWER_BYTES", 100)
    with answering(Says([NUMBER] * 50)) as api, pytest.raises(ProviderTrouble, match="more than 100 bytes"):
        list(api.client().available_numbers("US"))


@pytest.fixture
def nowhere() -> Iterator[str]:
    """An address at which nobody listens."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"


@every_act
def test_without_a_connection_nothing_was_sent(name: str, nowhere: str) -> None:
    with pytest.raises(NotSent):
        ACTS_BY_NAME[name](SiftClient(nowhere, ACCOUNT, AUTH_TOKEN))


@pytest.mark.parametrize(
    "act",
    [
        lambda c: c.create_connection("12025550123", STATUS_URL),
        lambda c: c.create_connection("+1202555\ud8000123", STATUS_URL),
        lambda c: c.create_connection(NUMBER, "calls.example.com/status"),
        lambda c: c.create_application("", ON_INCOMING),
        lambda c: c.create_application("a\nb", ON_INCOMING),
        lambda c: c.create_application("Harbour", "javascript:alert(1)"),
        lambda c: c.register_number("0123", APPLICATION),
        lambda c: c.register_number(NUMBER, "../applications"),
        lambda c: c.available_numbers("USA"),
        lambda c: c.available_numbers("U"),
        lambda c: c.available_numbers("U/"),
        lambda c: c.available_numbers("ÅÄ"),
    ],
)
def test_what_sift_has_no_words_for_is_refused_before_anything_is_sent(act: Act) -> None:
    with answering(Says(CONNECTION, 201)) as api, pytest.raises(CommandRefused, match=r"^Sift: [a-z_]+ takes"):
        act(api.client())
    assert api.asked == []


# Secrets


@pytest.mark.parametrize("status", [400, 401, 500])
def test_the_auth_token_is_in_no_message_and_no_log(status: int, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    basic = "NTczZTQ5MjEyZDJjNjJlNjphbi1hdXRoLXRva2VuLXRoYXQtbm9ib2R5LWNhbi1ndWVzcw=="
    for secret in (AUTH_TOKEN, basic):
        wrong = refusal(status, f"x{secret}", f"Basic {secret} is wrong")
        with answering(wrong) as api, pytest.raises(ProviderTrouble) as caught:
            api.client().create_connection(NUMBER, STATUS_URL)
        assert api.only_request().headers["authorization"] == f"Basic {basic}"
        assert secret not in f"{caught.value} {caught.value!r} {getattr(caught.value, 'code', '')}"
    assert AUTH_TOKEN not in caplog.text
    assert AUTH_TOKEN not in repr(api.client())


def test_the_address_of_ours_is_not_in_what_is_shown_of_an_application() -> None:
    with answering(Says(sample("api-application"))) as api:
        application = api.client().create_application("Harbour", ON_INCOMING)
    assert application.on_incoming == ON_INCOMING
    assert "d1b2" not in repr(application)


@pytest.mark.parametrize(
    ("code", "message", "shown"),
    [
        (40, "No.", ("40", "Sift answered with status 400: No.")),
        (True, ["No."], ("400", "Sift answered with status 400.")),
        ("x" * 100, "y" * 500, ("x" * 64, f"Sift answered with status 400: {'y' * 200}.")),
    ],
)
def test_a_complaint_is_shown_as_one_bounded_line(code: Any, message: Any, shown: tuple[str, str]) -> None:
    with answering(refusal(400, code, message)) as api, pytest.raises(CommandRefused) as caught:
        api.client().create_connection(NUMBER, STATUS_URL)
    assert (caught.value.code, str(caught.value)) == shown


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"error": "no"}', b"[]", b'{"error": {"code": null}}', b"{" * 99])
def test_a_refusal_needs_no_body_that_can_be_read(body: bytes) -> None:
    with answering(Says(body, 400)) as api, pytest.raises(CommandRefused) as caught:
        api.client().create_connection(NUMBER, STATUS_URL)
    assert (caught.value.code, str(caught.value)) == ("400", "Sift answered with status 400.")


@pytest.mark.parametrize(
    "base_url",
    [
        "", "api.example.com", "ftp://api.example.com", "https://", "https://api.example.com?x=1", "https://[::1",
        "https://user:password@api.example.com", "https://api.example.com#x", "https://api.example.com:port",
    ],
)  # fmt: skip
def test_an_address_that_is_none_is_said(base_url: str) -> None:
    with pytest.raises(ValueError, match=r"^The address of Sift's API") as caught:
        SiftClient(base_url, ACCOUNT, AUTH_TOKEN)
    assert "user:password" not in str(caught.value)


@pytest.mark.parametrize(
    ("account_id", "auth_token"),
    [("", AUTH_TOKEN), ("a:b", AUTH_TOKEN), ("a" * 65, AUTH_TOKEN), (ACCOUNT, ""), (ACCOUNT, "a\nb"), (ACCOUNT, "ä")],
)
def test_credentials_that_can_be_none_are_said(account_id: str, auth_token: str) -> None:
    with pytest.raises(ValueError, match=r"^The (account's id|auth token)"):
        SiftClient("https://api.example.com/v0", account_id, auth_token)


def test_an_api_behind_a_prefix_is_asked_below_it() -> None:
    following = "{api}/proxy/v0/connections?cursor=b"
    with answering(page([], following), page([])) as api:
        assert list(api.client(suffix="/proxy/v0").connections()) == []
    assert [asked.path for asked in api.asked] == ["/proxy/v0/connections", "/proxy/v0/connections?cursor=b"]


def test_the_stand_in_knows_our_credentials_from_others() -> None:
    with answering(Says(CONNECTION)) as api:
        SiftClient(api.address, ACCOUNT, "another").get_connection(ID)
    assert not api.asked[0].has_basic
    assert isinstance(api, Api)
