"""Sift's REST API: who is let in, lists in pages, what may be created and changed, and how it goes wrong."""

import base64
import json

import pytest
import requests

from sandbox import DESK_SIFT_ACCOUNT, DESK_SIFT_TOKEN, Kind, Mishap, Phone
from tests.sandbox.sift_server import CALLEE, HANG_UP, NUMBER, call_phone, desk, routine, say

RIGHT = base64.b64encode(f"{DESK_SIFT_ACCOUNT}:{DESK_SIFT_TOKEN}".encode()).decode()


@pytest.fixture
def place():
    with desk(incoming=routine(call_phone()), status="") as found:
        yield found


def error(response):
    return response.status_code, response.json()["error"]["code"]


@pytest.mark.parametrize(
    "auth", [None, (DESK_SIFT_ACCOUNT, "wrong"), ("0" * 16, DESK_SIFT_TOKEN), (DESK_SIFT_ACCOUNT, "")]
)
def test_who_does_not_know_the_auth_token_is_told_so(place, auth):
    response = place.ask("GET", "applications", auth=auth)

    assert error(response) == (401, "unauthorized")
    assert response.headers["WWW-Authenticate"].startswith("Basic")


@pytest.mark.parametrize("header", ["Basic %%%", f"Bearer {RIGHT}", RIGHT, "Basic"])
def test_other_credentials_let_nobody_in(place, header):
    response = place.ask("GET", "applications", auth=None, headers={"Authorization": header})

    assert error(response) == (401, "unauthorized")


@pytest.mark.parametrize("how", ["data", "json"])
def test_an_application_is_made_from_a_form_or_from_json(place, how):
    given = {"name": "two", "on_incoming": "https://example.com/on_incoming"}

    response = place.ask("POST", "applications", **{how: given})

    made = response.json()
    assert response.status_code == 201
    assert (made["name"], made["on_incoming"], made["phone_numbers"]) == ("two", given["on_incoming"], [])
    assert len(made["app_id"]) == 16
    listed = place.ask("GET", "applications").json()["results"]
    assert [each["app_id"] for each in listed] == [place.app.app_id, made["app_id"]]
    assert listed[0]["phone_numbers"] == [NUMBER]


@pytest.mark.parametrize(
    "given",
    [
        {"on_incoming": "https://example.com/"},
        {"name": "x", "on_incoming": "nowhere"},
        {"name": 1},
        {"name": "x", "default_routine": "Say"},
        {"name": "x", "default_routine": [{"name": "Sing"}]},
    ],
)
def test_a_wrong_application_is_not_made(place, given):
    assert place.ask("POST", "applications", json=given).status_code == 400
    assert len(place.sift.applications) == 1


def test_lists_come_in_pages_that_new_entries_do_not_move(place):
    place.sift.page_size = 2
    calls = [place.dial(at_seconds=second) for second in range(5)]
    place.platform.run()
    newest = [each.connection_id for each in reversed(calls)]

    first = place.ask("GET", "connections").json()
    place.dialled()
    second = requests.get(first["next"], auth=(DESK_SIFT_ACCOUNT, DESK_SIFT_TOKEN), timeout=10).json()
    third = requests.get(second["next"], auth=(DESK_SIFT_ACCOUNT, DESK_SIFT_TOKEN), timeout=10).json()
    back = requests.get(third["previous"], auth=(DESK_SIFT_ACCOUNT, DESK_SIFT_TOKEN), timeout=10).json()

    pages = [[each["connection_id"] for each in page["results"]] for page in (first, second, third)]
    assert pages == [newest[:2], newest[2:4], newest[4:]]
    assert (first["previous"], third["next"]) == (None, None)
    assert back["results"] == second["results"]


@pytest.mark.parametrize("cursor", ["", "%%%", "eA==", "é"])
def test_a_cursor_that_is_none_is_refused(place, cursor):
    assert error(place.ask("GET", "connections", params={"cursor": cursor})) == (400, "invalid_parameter")


def test_fifty_make_a_page(place):
    page = place.ask("GET", "availablenumbers/US").json()

    assert len(page["results"]) == 50
    assert page["next"]
    assert NUMBER not in page["results"]


@pytest.mark.parametrize(("country", "status", "found"), [("GB", 200, True), ("FR", 200, False), ("gb", 404, None)])
def test_numbers_are_offered_by_country(place, country, status, found):
    response = place.ask("GET", f"availablenumbers/{country}")

    assert response.status_code == status
    assert found is None or bool(response.json()["results"]) is found


def test_a_number_is_rented_once(place):
    given = {"phone_number": "+442079460100", "application_id": place.app.app_id}

    first, again = (place.ask("POST", "phonenumbers", data=given) for _ in range(2))

    assert (first.status_code, first.json()) == (201, given)
    assert error(again) == (409, "conflict")
    assert [each["phone_number"] for each in place.ask("GET", "phonenumbers").json()["results"]] == [
        NUMBER,
        "+442079460100",
    ]
    assert error(place.ask("POST", "phonenumbers", data={**given, "application_id": "0" * 16})) == (404, "not_found")
    assert place.ask("POST", "phonenumbers", data={**given, "phone_number": "442079460100"}).status_code == 400


@pytest.mark.parametrize(
    "given",
    [
        {"phone_number": CALLEE},
        {"status_url": "https://example.com/"},
        {"phone_number": "02079460101", "status_url": "https://example.com/"},
        {"phone_number": CALLEE, "status_url": "mailto:somebody@example.com"},
        {"phone_number": 5, "status_url": "https://example.com/"},
    ],
)
def test_a_wrong_connection_is_not_made(place, given):
    assert error(place.ask("POST", "connections", json=given)) == (400, "invalid_parameter")
    assert place.sift.calls == place.platform.oracle.done == []


def test_a_body_that_is_neither_form_nor_json_is_refused(place):
    for body in (b"", b"[]", b"\xff", b"{"):
        assert error(place.ask("POST", "connections", data=body)) == (400, "invalid_body")


def test_no_credit_and_forbidden_numbers_refuse_connections(place):
    place.platform.phones[CALLEE] = Phone.out_of_bounds()
    data = {"phone_number": CALLEE, "status_url": f"{place.server.url}status"}
    assert error(place.ask("POST", "connections", data=data)) == (403, "forbidden")

    place.platform.out_of_credit = True
    assert error(place.ask("POST", "connections", data=data)) == (402, "insufficient_funds")


def test_one_connection_can_be_asked_for_unless_that_is_switched_off(place):
    call = place.dialled()

    response = place.ask("GET", f"connections/{call.connection_id}")

    assert response.json() == call.document() == place.ask("GET", "connections").json()["results"][0]
    assert error(place.ask("GET", "connections/0123456789abcdef")) == (404, "not_found")
    place.sift.offers_one_connection = False
    assert place.ask("GET", f"connections/{call.connection_id}").status_code == 405
    place.sift.one_connection_status = 404
    assert place.ask("GET", f"connections/{call.connection_id}").status_code == 404


def test_a_call_that_nobody_ends_goes_on_until_it_is_hung_up_over_rest(place):
    place.platform.phones[CALLEE] = Phone.answers(3)
    call = place.dialled()
    place.platform.run(until_seconds=7200)
    assert call.status == "connected"

    response = place.ask("POST", f"connections/{call.connection_id}", json=routine(HANG_UP))
    place.platform.run()

    assert (response.status_code, response.json()["status"]) == (200, "finished")
    assert (call.ended_by, call.duration_seconds, call.talk_seconds) == ("rest", 7200, 7200)
    assert error(place.ask("POST", f"connections/{call.connection_id}", json=routine(HANG_UP))) == (409, "conflict")


def test_a_connection_that_is_taken_over_says_goodbye_before_it_ends(place):
    place.platform.phones[CALLEE] = Phone.answers(3)
    call = place.dialled()

    place.ask("POST", f"connections/{call.connection_id}", json=routine(say("Your credit is used up."), HANG_UP))
    place.platform.run()

    assert [each.text for each in call.heard] == ["Your credit is used up."]
    assert (call.ended_by, call.duration_seconds, call.talk_seconds) == ("rest", 2, 0)


def test_a_connection_that_still_rings_is_hung_up_at_once_or_told_what_to_do_first(place):
    one, other = place.created(), place.created()

    place.ask("POST", f"connections/{one.connection_id}", json=routine(HANG_UP))
    place.ask("POST", f"connections/{other.connection_id}", json=routine(say("Later."), HANG_UP))
    place.platform.run()

    assert (one.status, one.ended_by, one.duration_seconds) == ("failed", "rest", 0)
    assert (other.status, [each.text for each in other.heard]) == ("finished", ["Later."])


@pytest.mark.parametrize("body", [{}, {"routine": None}, {"routine": [{"name": "Sing"}]}, {"routine": {}}])
def test_an_illegal_routine_takes_nothing_over(place, body):
    call = place.created()

    assert place.ask("POST", f"connections/{call.connection_id}", json=body).status_code == 400
    assert place.ask("POST", "connections/0123456789abcdef", json=routine(HANG_UP)).status_code == 404


def test_other_methods_and_paths_are_refused(place):
    assert error(place.ask("DELETE", "applications")) == (405, "method_not_allowed")
    assert error(place.ask("GET", "conversations")) == (404, "not_found")


def test_a_lost_answer_has_placed_the_call_all_the_same(place):
    place.platform.misbehave(Mishap.LOST, Mishap.ERROR_BEFORE, None)
    data = {"phone_number": CALLEE, "status_url": f"{place.server.url}status"}

    with pytest.raises(requests.ConnectionError):
        place.ask("POST", "connections", data=data)
    assert place.ask("POST", "connections", data=data).status_code in (500, 503)
    assert place.ask("POST", "connections", data=data).status_code == 201

    deeds = place.platform.oracle.of(Kind.SIFT_CONNECTION, data["status_url"])
    assert [each.withheld for each in deeds] == ["lost", ""]
    assert [each.id for each in deeds] == [each.connection_id for each in place.sift.calls]
    assert place.platform.oracle.duplicates() == {(Kind.SIFT_CONNECTION, data["status_url"]): 2}


def test_looking_can_go_wrong_too_when_it_is_meant_to(place):
    place.sift.misbehave(Mishap.ERROR_BEFORE, Mishap.BUSY, Mishap.GARBAGE)

    assert place.ask("GET", "connections").status_code in (500, 503)
    assert place.ask("GET", "connections").status_code == 429
    with pytest.raises((ValueError, KeyError, TypeError)):
        json.loads(place.ask("GET", "connections").content)["results"]
    assert place.ask("GET", "connections").status_code == 200
