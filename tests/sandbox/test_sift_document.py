"""The examples of the guide "Connecting Calls", from the platform's side: what it tells, and how it obeys."""

import pytest
import requests

from sandbox import DESK_SIFT_ACCOUNT, DESK_SIFT_TOKEN, Phone, Sandbox
from tests.sandbox.sift_server import CALLEE, serving

AUTH = (DESK_SIFT_ACCOUNT, DESK_SIFT_TOKEN)


def say_hello(document):
    if document["connection"]["status"] == "connected":
        return {
            "routine": [
                {"name": "Say", "text": "Hello there. I'm definitely not a robot. Goodbye."},
                {"name": "HangUp"},
            ]
        }
    return ""


def voice_url(document):
    client_data = document["connection"]["client_data"]
    if "phone_number" in client_data:
        return {"routine": [{"name": "CallPhone", "phone_number": client_data["phone_number"]}]}
    return {"routine": [{"name": "CallClient", "client_name": client_data["client_name"]}]}


def forward(document):
    return {"routine": [{"name": "CallPhone", "phone_number": CALLEE}]}


@pytest.fixture
def place():
    """The guide's three servers, a platform and the address of its API."""
    with serving(say_hello=say_hello, voice_url=voice_url, forward=forward) as server:
        platform = Sandbox(target=server.url)
        platform.phones[CALLEE] = Phone.answers(3, talks_seconds=90)
        with platform.rest_server() as url:
            yield platform, server, f"{url}/v0"


def set_up(url, on_incoming):
    """Setting up an application."""
    data = {"name": "SuperCoolApplication", "on_incoming": on_incoming}
    return requests.post(f"{url}/applications", data, auth=AUTH, timeout=10).json()


def test_who_is_called_hears_hello_and_is_hung_up_on(place):
    platform, server, url = place
    platform.phones["+12025550123"] = Phone.answers(4)
    data = {"phone_number": "+12025550123", "status_url": f"{server.url}say_hello"}

    response = requests.post(f"{url}/connections", data, auth=AUTH, timeout=10)
    platform.run()

    assert (response.status_code, response.json()["status"]) == (201, "connecting")
    assert [each["connection"]["status"] for each in server.told()] == ["connecting", "connected", "finished"]
    (call,) = platform.sift.calls
    assert [each.text for each in call.heard] == ["Hello there. I'm definitely not a robot. Goodbye."]
    assert (call.ended_by, call.duration_seconds, call.troubles) == ("routine", 4, [])


def test_a_browser_calls_a_friends_phone(place):
    platform, server, url = place
    app = set_up(url, f"{server.url}voice_url")
    browser = platform.sift.browser(platform.sift.token(application=platform.sift.application(app["app_id"])))

    call = browser.connect({"phone_number": CALLEE})
    platform.run()

    (told,) = server.told()
    assert told["account_id"] == DESK_SIFT_ACCOUNT
    assert told["connection"]["client_data"] == {"phone_number": CALLEE}
    assert told["connection"]["from"] == browser.address
    assert (call.status, call.talk_seconds, call.duration_seconds) == ("finished", 90, 90)


def test_a_browser_calls_a_friends_browser(place):
    platform, server, url = place
    application = platform.sift.application(set_up(url, f"{server.url}voice_url")["app_id"])
    platform.sift.browser(platform.sift.token(client_name="bob"), phone=Phone.answers(2, talks_seconds=30))

    call = platform.sift.browser(platform.sift.token(application=application)).connect({"client_name": "bob"})
    platform.run()

    (conversation,) = call.conversations
    assert (conversation.kind, conversation.endpoint, conversation.result) == ("client", "bob", "answered")
    assert (call.talk_seconds, call.duration_seconds) == (30, 30)


def test_a_number_is_found_and_registered_and_its_calls_are_forwarded(place):
    platform, server, url = place
    platform.sift.numbers_as_list = True
    application_id = set_up(url, f"{server.url}forward")["app_id"]

    country_code = "US"
    available_numbers = requests.get(f"{url}/availablenumbers/" + country_code, auth=AUTH, timeout=10).json()
    our_favorite_number = available_numbers[0]
    data = {"phone_number": our_favorite_number, "application_id": application_id}
    response = requests.post(f"{url}/phonenumbers", data, auth=AUTH, timeout=10)
    call = platform.sift.phone_to_number("+12025550199", our_favorite_number)
    platform.run()

    assert response.status_code == 201
    (told,) = server.told("forward")
    assert (told["connection"]["from"], told["connection"]["to"]) == ("+12025550199", our_favorite_number)
    assert told["connection"]["direction"] == "incoming"
    assert "client_data" not in told["connection"]
    assert [each.endpoint for each in call.conversations] == [CALLEE]
    assert call.talk_seconds == 90
