"""Conferences: who is in them, what is pressed in them, and what the operator may do."""

import base64

import pytest
import requests

from sandbox import DESK_KEY, DESK_SECRET, HangUp, Phone, Sandbox, Silence, wire
from tests.sandbox.receiver import application, replies

ACCESS_NUMBER = "+442079460000"
CALLERS = ("+12025550198", "+12025550199")
PATH = "/calling/v1/conferences/id/"
SIGNED_IN = {"Authorization": "Basic " + base64.b64encode(f"{DESK_KEY}:{DESK_SECRET}".encode()).decode()}


def conference(**properties):
    return {"action": {"name": "connectConf", "conferenceId": "standup", **properties}}


def asked(platform, method, path="", **fields):
    body = wire.dumps(fields) if fields else b""
    response = requests.request(method, f"{platform.rest_url}{PATH}{path}", data=body, headers=SIGNED_IN, timeout=10)
    return response.status_code, wire.loads(response.content) if response.content else None


@pytest.fixture
def standup():
    """A platform a minute into a conference of two, who stay for ten; its application; the calls."""
    with application(replies(ice=conference(moh="music1"))) as app:
        platform = Sandbox(target=app.url)
        platform.phones["standup"] = Phone.answers(0, talks_seconds=600)
        calls = [
            platform.phone_to_access_number(cli=cli, to=ACCESS_NUMBER, at_seconds=each * 10)
            for each, cli in enumerate(CALLERS)
        ]
        with platform.rest_server():
            platform.run(until_seconds=60)
            yield app, platform, calls


def test_a_room_shows_who_is_in_it(standup):
    _, platform, calls = standup

    assert asked(platform, "GET", "standup") == (
        200,
        {
            "participants": [
                {"cli": cli, "id": call.call_id, "duration": seconds, "muted": False, "onhold": False}
                for cli, call, seconds in zip(CALLERS, calls, (60, 50), strict=True)
            ]
        },
    )


def test_a_room_is_gone_when_the_last_has_left(standup):
    app, platform, calls = standup
    platform.run()

    assert [(call.result, call.reason, call.duration_seconds) for call in calls] == [
        ("ANSWERED", "CALLERHANGUP", 600)
    ] * 2
    assert asked(platform, "GET", "standup")[0] == 404
    assert {event["conferenceId"] for event in app.events("dice")} == {"standup"}
    assert "ace" not in app.names


def test_a_participant_is_muted_held_and_thrown_out(standup):
    _, platform, (first, second) = standup
    for command, state in [
        ({"command": "mute"}, (True, False)),
        ({"command": "onhold", "moh": "music2"}, (True, True)),
        ({"command": "unmute"}, (False, True)),
        ({"command": "Resume"}, (False, False)),
    ]:
        assert asked(platform, "PATCH", f"standup/{first.call_id}", **command) == (204, None)
        shown = asked(platform, "GET", "standup")[1]["participants"][0]
        assert (shown["muted"], shown["onhold"]) == state
    assert asked(platform, "DELETE", f"standup/{first.call_id}") == (204, None)

    assert (first.reason, first.duration_seconds, second.ended) == ("MANAGERHANGUP", 60, False)
    assert len(asked(platform, "GET", "standup")[1]["participants"]) == 1


def test_all_are_thrown_out_together(standup):
    _, platform, calls = standup

    assert asked(platform, "DELETE", "standup") == (204, None)
    assert [call.reason for call in calls] == ["MANAGERHANGUP"] * 2
    assert asked(platform, "DELETE", "standup")[0] == 404


@pytest.mark.parametrize(
    ("method", "path", "fields", "code"),
    [
        ("GET", "nobody", {}, 40400),
        ("DELETE", "standup/c-unknown", {}, 40400),
        ("PATCH", "standup/c-unknown", {"command": "mute"}, 40400),
        ("PATCH", "standup/{}", {"command": "dance"}, 40001),
        ("PATCH", "standup/{}", {"moh": "ring"}, 40001),
        ("PATCH", "standup/{}", {"command": "onhold", "moh": "polka"}, 40001),
        ("PATCH", "standup/{}", {}, 40001),
    ],
)
def test_what_cannot_be_done_in_a_conference_is_refused(standup, method, path, fields, code):
    _, platform, calls = standup

    status, error = asked(platform, method, path.format(calls[0].call_id), **fields)

    assert (status, error["errorCode"]) == (code // 100, code)


@pytest.mark.parametrize(
    ("options", "keys", "values"),
    [
        ({"mode": "detect"}, ["12"], ["1", "2"]),
        ({"mode": "Detect", "maxDigits": 3}, ["1234", Silence(), "567"], ["123", "4", "567"]),
        ({"mode": "forward"}, ["12"], []),
        ({"mode": "ignore"}, ["12"], []),
    ],
)
def test_what_is_pressed_in_a_conference_is_told_when_it_wants_to_know(options, keys, values):
    answering = replies(ice=conference(conferenceDtmfOptions=options), pie=(200, b""))
    with application(answering) as app:
        platform = Sandbox(target=app.url)
        call = platform.phone_to_access_number(cli=CALLERS[0], to=ACCESS_NUMBER, keys=keys)
        platform.run()

    results = [event["menuResult"] for event in app.events("pie")]
    assert [each["value"] for each in results] == values
    assert {(each["menuId"], each["type"]) for each in results} <= {("standup", "sequence")}
    assert (call.reason, call.duration_seconds, call.problem) == ("CALLERHANGUP", 60, "")


def test_a_short_number_in_a_conference_waits_for_its_time_out():
    detect = {"mode": "detect", "maxDigits": 3, "timeoutMills": 9000}
    with application(replies(ice=conference(conferenceDtmfOptions=detect))) as app:
        platform = Sandbox(target=app.url)
        platform.phone_to_access_number(cli=CALLERS[0], to=ACCESS_NUMBER, keys=["12", "345"])
        platform.run()

    # Five seconds before each number, one for every key, nine for the key that does not come.
    assert [event["timestamp"][-3:-1] for event in app.events("pie")] == ["16", "24"]


def test_a_participant_can_hang_up_by_script():
    with application(replies(ice=conference(dtmfMode="detect"))) as app:
        platform = Sandbox(target=app.url)
        call = platform.phone_to_access_number(cli=CALLERS[0], to=ACCESS_NUMBER, keys=[HangUp()])
        platform.run()

    assert app.names == ["ice", "dice"]
    assert (call.reason, call.duration_seconds) == ("CALLERHANGUP", 5)


def test_a_conference_can_be_held_without_callbacks():
    with application(replies(ice=conference(suppressCallbacks=True))) as app:
        platform = Sandbox(target=app.url)
        call = platform.phone_to_access_number(cli=CALLERS[0], to=ACCESS_NUMBER)
        platform.run()

    assert app.names == ["ice"]
    assert (call.result, call.duration_seconds) == ("ANSWERED", 60)
