"""What a legal routine is, and what the platform does with one that is not."""

import pytest

from sandbox.sift_routines import Bridge, Get, HangUp, IllegalRoutine, Play, Say, read_reply, read_routine
from tests.sandbox.sift_server import CALLEE, HANG_UP, call_phone, desk, routine, say

URL = "https://calls.example.com/x"
SPOKEN = {"timeout_seconds": 4, "prompt_url": URL, "on_done": URL}


def test_every_command_is_read():
    conference = {"conference_name": "room", "on_event": URL, "live_talk_time": True, "live_transcription": False}
    given = [
        {"name": "Say", "text": "Hello.", "on_done": URL},
        {"name": "Play", "sound_url": f"{URL}.WAV"},
        call_phone(event_callback=URL, live_talk_times=True, live_transcripts=True, processors=["grade"]),
        {"name": "CallClient", "client_name": "bob", "live_topics": False},
        {"name": "JoinConference", **conference, "live_topics": True, "do_record": True},
        {"name": "GetDigits", "count": 11, "timeout_seconds": 20, "prompt_url": URL, "on_done": URL},
        {"name": "GetMultipleChoice", "choices": ["red"], "on_done": URL},
        *({"name": name, **SPOKEN} for name in ("GetNumber", "GetName", "GetDate", "GetFreeResponse", "GetYesOrNo")),
        HANG_UP,
    ]

    read = read_routine(given)

    assert read[:5] == (
        Say("Hello.", URL),
        Play(f"{URL}.WAV"),
        Bridge("phone", CALLEE, URL),
        Bridge("client", "bob", do_record=True),
        Bridge("conference", "room", URL, do_record=True),
    )
    assert read[5] == Get(name="GetDigits", count=11, timeout_seconds=20, prompt_url=URL, on_done=URL)
    assert read[6] == Get(name="GetMultipleChoice", choices=("red",), on_done=URL)
    assert {(each.timeout_seconds, each.prompt_url, each.on_done) for each in read[7:12]} == {(4, URL, URL)}
    assert read[12:] == (HangUp(),)


@pytest.mark.parametrize(
    ("command", "why"),
    [
        ("HangUp", "has no name"),
        ({}, "has no name"),
        ({"name": 5}, "has no name"),
        ({"name": "Hangup"}, "no command Hangup"),
        ({"name": "Say"}, "Say.text"),
        ({"name": "Say", "text": " "}, "Say.text"),
        ({"name": "Say", "text": 5}, "Say.text"),
        ({"name": "Say", "text": "x", "on_done": "nowhere"}, "Say.on_done"),
        ({"name": "Say", "text": "x", "voice": "y"}, "no property voice"),
        ({"name": "HangUp", "on_done": URL}, "no property on_done"),
        ({"name": "Play", "sound_url": URL}, "neither .wav nor .mp3"),
        ({"name": "CallPhone", "phone_number": "442079460101"}, "not in E.164"),
        ({"name": "CallPhone"}, "CallPhone.phone_number"),
        (call_phone(do_record="yes"), "CallPhone.do_record"),
        (call_phone(on_event=URL), "no property on_event"),
        (call_phone(max_duration=60), "no property max_duration"),
        (call_phone(processors="grade"), "CallPhone.processors"),
        ({"name": "CallClient", "client_name": "b" * 256}, "CallClient.client_name"),
        ({"name": "JoinConference", "conference_name": "x", "event_callback": URL}, "no property event_callback"),
        ({"name": "GetDigits", "count": 0}, "GetDigits.count"),
        ({"name": "GetDigits", "count": 1.5}, "count is not whole"),
        ({"name": "GetDigits", "count": True}, "GetDigits.count"),
        ({"name": "GetDigits", "timeout_seconds": "5"}, "GetDigits.timeout_seconds"),
        ({"name": "GetDigits", "timeout_seconds": float("inf")}, "GetDigits.timeout_seconds"),
        ({"name": "GetYesOrNo"}, "GetYesOrNo.on_done"),
        ({"name": "GetMultipleChoice", "on_done": URL}, "GetMultipleChoice.choices"),
        ({"name": "GetMultipleChoice", "on_done": URL, "choices": []}, "GetMultipleChoice.choices"),
    ],
)
def test_a_command_that_is_not_legal_makes_the_whole_routine_illegal(command, why):
    with pytest.raises(IllegalRoutine, match=why):
        read_routine([say(), command])


@pytest.mark.parametrize("body", [b"{", b"[]", b"{}", b'{"routine": null}', b'{"routine": {}}', b"null", b"\xff"])
def test_an_answer_that_is_not_empty_must_be_a_routine(body):
    with pytest.raises(IllegalRoutine):
        read_reply(body)


def test_an_empty_answer_says_nothing():
    assert read_reply(b"") is read_reply(b" \n") is None
    assert read_reply(b'{"routine": []}') == ()


def test_an_illegal_routine_is_written_down_and_ends_the_connection():
    with desk(incoming=routine(say(), {"name": "Sing"})) as place:
        place.app.default_routine = [say("Not this.")]
        call = place.dialled()

    assert call.troubles == ["there is no command Sing"]
    assert (call.status, call.ended_by, call.heard) == ("failed", "platform", [])
    assert "reply not obeyed" in [each.what for each in place.platform.record.of(call.connection_id)]


@pytest.mark.parametrize("event", ["connected", "done"])
def test_an_illegal_routine_ends_a_connection_that_is_up(event):
    replies = {"connected": lambda told: {"routine": 1} if told["connection"]["status"] == "connected" else ""}
    with desk(status=replies.get(event, ""), incoming="", done=lambda told: {}) as place:
        if event == "done":
            place.server.handlers["incoming"] = lambda told: routine(say(on_done=f"{place.server.url}done"), say())
            call = place.dial()
        else:
            call = place.created()
        place.platform.run()

    assert (call.status, call.ended_by, len(call.troubles)) == ("finished", "platform", 1)
    assert len(call.heard) == (1 if event == "done" else 0)
