"""PATCH: a running call is changed from outside, at the virtual moment it arrives."""

import base64
from threading import Thread

import pytest
import requests

from sandbox import DESK_KEY, DESK_SECRET, GiveUp, Heard, Phone, Sandbox, wire
from tests.sandbox.receiver import CONTINUE, HANGUP, application, connect, menu, replies, run_menu

NUMBER = "+447700900123"
ACCESS_NUMBER = "+442079460000"
CALLER = "+12025550199"
PATH = "/calling/v1/calls/id/"
SIGNED_IN = {"Authorization": "Basic " + base64.b64encode(f"{DESK_KEY}:{DESK_SECRET}".encode()).decode()}
PARK = {"action": {"name": "park", "introPrompt": "#tts[Hold on]", "holdPrompt": "music.mp3", "maxDuration": 60}}
DIGITS = menu("digits", maxDigits=4, timeoutMills=30_000)
CONFERENCE = {"action": {"name": "connectConf", "conferenceId": "standup"}}


def saying(text, **reply):
    return {"instructions": [{"name": "say", "text": text}], **reply}


class Desk:
    """A platform with its REST server and one call; `patched` keeps what PATCH answered."""

    def __init__(self, app):
        self.platform = Sandbox(target=app.url)
        self.app = app
        self.answers = []

    def place(self, **wishes):
        given = {"cli": CALLER, "to": ACCESS_NUMBER, "phone": Phone.answers(3, 90), **wishes}
        self.call = self.platform.phone_to_access_number(**given)
        return self.call

    def patch(self, svaml, path=""):
        body = svaml if isinstance(svaml, bytes) else wire.dumps(svaml)
        url = f"{self.platform.rest_url}{PATH}{self.call.call_id}{path}"
        response = requests.patch(url, data=body, headers=SIGNED_IN, timeout=10)
        error = wire.loads(response.content) if response.content else {}
        self.answers.append((response.status_code, error.get("errorCode")))
        return error.get("message", "")

    def patch_at(self, seconds, svaml, path=""):
        self.platform.at(seconds, lambda: self.patch(svaml, path))


@pytest.fixture
def desk(request):
    """A desk whose application connects to NUMBER, or answers as the test's parameter says."""
    answering = getattr(request, "param", replies(ice=connect(NUMBER, maxDuration=600)))
    with application(answering) as app:
        desk = Desk(app)
        with desk.platform.rest_server():
            yield desk


def answered_with(*args, **kwargs):
    return pytest.mark.parametrize("desk", [replies(*args, **kwargs)], indirect=True, ids=["desk"])


def test_an_operator_hangs_up_in_mid_call_after_a_last_word(desk):
    call = desk.place()
    desk.patch_at(30, saying("x" * 30, **HANGUP))
    desk.platform.run()

    assert desk.answers == [(204, None)]
    assert call.heard == [Heard("say", "x" * 30, "tts")]
    assert (call.result, call.reason, call.duration_seconds) == ("ANSWERED", "MANAGERHANGUP", 30 - 3 + 2)
    assert desk.app.events("dice")[0]["duration"] == 29


def test_a_word_in_between_does_not_end_the_talk(desk):
    call = desk.place()
    desk.patch_at(30, saying("One minute left.", **CONTINUE), "/leg/both")
    desk.platform.run()

    assert call.heard == [Heard("say", "One minute left.", "tts", "both")]
    assert (call.reason, call.duration_seconds) == ("CALLERHANGUP", 90)


def test_only_between_answer_and_end_can_a_call_be_changed(desk):
    desk.place(at_seconds=1)
    desk.patch(HANGUP)
    desk.patch_at(2, HANGUP)
    desk.patch_at(500, HANGUP)
    desk.platform.run()

    assert desk.answers == [(404, 40400), (400, 40003), (400, 40003)]
    assert desk.call.reason == "CALLERHANGUP"


def test_an_unknown_call_is_not_found(desk):
    desk.place()
    desk.call.forgotten = True
    desk.patch_at(30, HANGUP)
    desk.platform.run()

    assert desk.answers == [(404, 40400)]


@answered_with(ice={"action": {"name": "connectMxp"}})
def test_a_call_between_apps_cannot_be_changed(desk):
    desk.call = desk.platform.app_to_app(user="alice", to="bob", phone=Phone.answers(1, 60))
    desk.patch_at(30, HANGUP)
    desk.platform.run()

    assert desk.answers == [(400, 40003)]
    assert desk.call.duration_seconds == 60


@pytest.mark.parametrize(
    ("svaml", "path", "why"),
    [
        ({}, "", "no action"),
        (b"", "", "not JSON"),
        (HANGUP, "/leg/third", "leg"),
        (connect(NUMBER), "", "connectPstn"),
        (run_menu(DIGITS), "", "runMenu"),
        ({"action": {"name": "connectSip", "destination": {"endpoint": "a@example.com"}}}, "", "connectSip"),
        ({"instructions": [{"name": "answer"}], **HANGUP}, "", "answer"),
    ],
)
def test_what_is_not_legal_for_a_talk_is_refused_and_changes_nothing(desk, svaml, path, why):
    said = []
    desk.place()
    desk.platform.at(30, lambda: said.append(desk.patch(svaml, path)))
    desk.platform.run()

    assert desk.answers == [(400, 40001)]
    assert why in said[0]
    assert desk.call.duration_seconds == 90
    assert "notify" not in desk.app.names


def test_patches_from_other_threads_while_time_stands_still_end_a_call_once(desk):
    call = desk.place(phone=Phone.answers(3))
    desk.platform.run(until_seconds=33)
    threads = [Thread(target=desk.patch, args=(HANGUP,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (call.ended, call.duration_seconds, desk.app.names) == (True, 30, ["ice", "ace"])
    desk.platform.run()

    assert sorted(desk.answers, key=str) == [(204, None)] + [(400, 40003)] * 7
    assert desk.app.names == ["ice", "ace", "dice"]


# Park


@answered_with(ice=PARK)
def test_a_parked_call_hears_the_introduction_once_and_music_until_it_is_cut(desk):
    call = desk.place()
    desk.platform.run()

    names = [heard.name for heard in call.heard]
    # One second of introduction, then music of three seconds until a minute has passed.
    assert names == ["introPrompt", *["holdPrompt"] * 20]
    assert (call.result, call.reason, call.duration_seconds) == ("ANSWERED", "TIMEOUT", 61)
    assert desk.app.names == ["ice", "dice"]


@answered_with(ice={"action": {"name": "park", "dialTimeout": 10}})
def test_a_call_can_be_parked_in_silence(desk):
    call = desk.place()
    desk.platform.run()

    assert (call.heard, call.duration_seconds) == ([], 10)


@answered_with(ice=PARK)
def test_a_parked_call_is_connected_as_ice_would_have(desk):
    call = desk.place()
    desk.patch_at(20, saying("Thank you for waiting.", **connect(NUMBER, maxDuration=45)))
    desk.platform.run()

    assert desk.answers == [(204, None)]
    assert desk.app.names == ["ice", "ace", "dice"]
    assert [heard.text for heard in call.heard][-1] == "Thank you for waiting."
    # Twenty seconds of waiting, two of speech, three of ringing and a talk of 45.
    assert (call.reason, call.duration_seconds, str(call.debit)) == ("TIMEOUT", 20 + 2 + 3 + 45, "0.0315")


@answered_with(ice=PARK)
def test_a_parked_caller_may_lose_patience(desk):
    call = desk.place(faults=[GiveUp(12)])
    desk.platform.run()

    assert (call.result, call.reason, call.duration_seconds) == ("ANSWERED", "CALLERHANGUP", 12)


@answered_with(ice=PARK)
def test_continue_unparks_a_call_from_an_app_and_no_other(desk):
    desk.place()
    desk.patch_at(5, CONTINUE)
    from_phone = desk.call
    desk.platform.run()
    desk.call = desk.platform.app_to_phone(user="alice", to=NUMBER, phone=Phone.answers(1, 10))
    desk.patch_at(5, CONTINUE)
    desk.platform.run()

    assert desk.answers == [(400, 40001), (204, None)]
    assert (from_phone.reason, desk.call.connected_to) == ("TIMEOUT", NUMBER)


def test_a_talk_can_be_parked_and_goes_on_with_somebody_else(desk):
    other = "+46701740605"
    call = desk.place(phone=Phone.answers(3, 90))
    desk.patch_at(33, PARK)
    desk.patch_at(50, connect(other))
    desk.platform.run()

    assert desk.answers == [(204, None), (204, None)]
    assert call.connected_to == other
    # Half a minute to the first, and a minute and a half to the second, each at its own price.
    assert str(call.debit) == "0.1053"
    assert call.duration_seconds == 30 + 17 + 3 + 90


# Menus and conferences


@answered_with(ice=run_menu(DIGITS))
def test_a_call_can_be_taken_out_of_a_menu(desk):
    call = desk.place()
    desk.patch_at(10, saying("Sorry.", **HANGUP))
    desk.platform.run()

    assert desk.app.names == ["ice", "dice"]
    assert (call.reason, call.duration_seconds, call.menu_results) == ("MANAGERHANGUP", 11, [])


@answered_with(ice=CONFERENCE)
def test_only_in_a_conference_may_patch_run_a_menu(desk):
    call = desk.place(keys=["1234"], phone=Phone.answers(0, 500))
    desk.patch_at(10, run_menu(DIGITS))
    desk.platform.run()

    assert desk.answers == [(204, None)]
    assert desk.app.names == ["ice", "pie", "dice"]
    assert (call.menu_results[0].value, call.reason, call.duration_seconds) == ("1234", "MANAGERHANGUP", 14)


def test_a_talk_can_be_moved_into_a_conference(desk):
    call = desk.place()
    desk.platform.phones["standup"] = Phone.answers(0, talks_seconds=20)
    call.phone = None
    desk.platform.phones[NUMBER] = Phone.answers(3, 90)
    desk.patch_at(33, CONFERENCE)
    desk.platform.run()

    assert (call.reason, call.duration_seconds, str(call.debit)) == ("CALLERHANGUP", 50, "0.0315")
    assert desk.app.events("dice")[0]["conferenceId"] == "standup"


@pytest.mark.parametrize(
    ("patch", "answer", "end"),
    [(HANGUP, connect(NUMBER), ("MANAGERHANGUP", 4)), (CONFERENCE, HANGUP, ("CALLERHANGUP", 94))],
)
def test_an_answer_that_was_overtaken_by_a_patch_is_not_obeyed(patch, answer, end):
    """The application changes its mind while it is being asked."""

    def answering(event):
        if event["event"] == "pie":
            desk.patch(patch)
            return answer
        return run_menu(DIGITS) if event["event"] == "ice" else {}

    with application(answering) as app:
        desk = Desk(app)
        with desk.platform.rest_server():
            call = desk.place(keys=["1234"])
            desk.platform.run()

    assert desk.answers == [(204, None)]
    assert (call.reason, call.duration_seconds) == end


def test_nothing_can_be_changed_while_the_first_question_is_in_flight():
    def answering(event):
        if event["event"] == "ice":
            desk.patch(HANGUP)
        return replies(ice=connect(NUMBER))(event)

    with application(answering) as app:
        desk = Desk(app)
        with desk.platform.rest_server():
            call = desk.place()
            desk.platform.run()

    assert desk.answers == [(400, 40003)]
    assert (call.reason, call.duration_seconds) == ("CALLERHANGUP", 90)
