"""What happens around a talk: answering, SIP, streams, machines, recordings, and the time prompts take."""

from datetime import timedelta

import pytest

from sandbox import Heard, Phone, Sandbox
from tests.sandbox.receiver import CONTINUE, HANGUP, application, connect, menu, replies, run_menu

NUMBER = "+447700900123"
CALLER = "+12025550199"
SPEECH = {"name": "say", "text": "x" * 30}
RECORD = {"name": "startRecording", "options": {"destinationUrl": "azure://calls/"}}


def one_call(answering, **wishes):
    with application(answering) as app:
        platform = Sandbox(target=app.url)
        call = platform.phone_to_access_number(cli=CALLER, to="+442079460000", **wishes)
        platform.run()
    return app, call


def seconds_until(call, event, occurrence=1):
    found = next(each for each in call.exchanges if (each.event, each.occurrence) == (event, occurrence))
    return (found.sent_at - call.started_at) / timedelta(seconds=1)


def notified(app):
    return [(event["type"], event.get("destination")) for event in app.events("notify")]


@pytest.mark.parametrize(
    ("instructions", "result", "duration"),
    [
        ([SPEECH], "N/A", 0),
        ([{"name": "answer"}, SPEECH], "ANSWERED", 2),
        ([SPEECH, {"name": "answer"}], "ANSWERED", 0),
    ],
)
def test_only_an_answered_leg_counts_what_it_hears(instructions, result, duration):
    _, call = one_call(replies(ice={"instructions": instructions, **HANGUP}))

    assert (call.result, call.reason, call.duration_seconds) == (result, "MANAGERHANGUP", duration)


def test_prompts_are_over_before_it_rings():
    _, call = one_call(replies(ice={"instructions": [SPEECH], **connect(NUMBER)}), phone=Phone.answers(3, 10))

    assert (seconds_until(call, "ace"), call.duration_seconds) == (2 + 3, 10)


def test_a_hangup_for_ace_waits_for_its_last_word():
    answering = replies(ice=connect(NUMBER), ace={"instructions": [SPEECH], **HANGUP})

    assert one_call(answering, phone=Phone.answers(3, 10))[1].duration_seconds == 2
    # Somebody who hangs up before that is quicker.
    assert one_call(answering, phone=Phone.answers(3, 1))[1].reason == "CALLERHANGUP"


def test_instructions_are_carried_out_in_order_whatever_they_are():
    ids = ["#tts[One]", "two.wav;#href[https://example.com/3.wav]"]
    instructions = [
        {"name": "sendDtmf", "value": "1w2"},
        {"name": "playFiles", "ids": ids, "locale": "en-US"},
        {"name": "setCookie", "key": "k", "value": "v"},
    ]
    _, call = one_call(replies(ice={"instructions": instructions, **connect(NUMBER)}), phone=Phone.answers(1, 5))

    assert call.heard == [
        Heard("sendDtmf", "1w2"),
        Heard("playFiles", "One", "tts"),
        Heard("playFiles", "two.wav", "file"),
        Heard("playFiles", "https://example.com/3.wav", "href"),
        Heard("setCookie", "k=v"),
    ]
    assert seconds_until(call, "ace") == 2 + 1 + 3 + 3 + 1


SIP = {
    "action": {"name": "connectSip", "destination": {"type": "sip", "endpoint": "bob@example.com"}, "maxDuration": 60}
}
STREAM = {
    "action": {"name": "connectStream", "destination": {"type": "websocket", "endpoint": "wss://bot.example.com/"}}
}


@pytest.mark.parametrize(
    ("phone", "result", "duration", "asked"),
    [
        (Phone.answers(4, 20), "ANSWERED", 20, ["ice", "ace", "dice"]),
        (Phone.answers(4), "ANSWERED", 60, ["ice", "ace", "dice"]),
        (Phone.busy(), "BUSY", 0, ["ice", "dice"]),
    ],
)
def test_a_sip_address_rings_like_a_telephone_and_costs_nothing(phone, result, duration, asked):
    with application(replies(ice=SIP)) as app:
        platform = Sandbox(target=app.url)
        platform.phones["bob@example.com"] = phone
        call = platform.phone_to_access_number(cli=CALLER, to="+442079460000")
        platform.run()

    assert app.names == asked
    assert (call.result, call.duration_seconds, call.debit) == (result, duration, 0)


def test_a_stream_is_there_at_once_and_ends_when_its_phone_does():
    with application(replies(ice=STREAM)) as app:
        platform = Sandbox(target=app.url)
        platform.phones["wss://bot.example.com/"] = Phone.answers(9, 25, hangs_up="callee")
        call = platform.phone_to_access_number(cli=CALLER, to="+442079460000")
        platform.run()

    assert app.names == ["ice", "dice"]
    assert (call.result, call.reason, call.duration_seconds) == ("ANSWERED", "CALLEEHANGUP", 25)
    assert call.answered_at == call.started_at


@pytest.mark.parametrize("machine", [True, False])
def test_what_answered_is_told_with_ace_or_later(machine):
    def answered_by(amd):
        answering = replies(ice=connect(NUMBER, amd=amd))
        return one_call(answering, phone=Phone.answers(1, 30, machine=machine))

    status = "machine" if machine else "human"
    app, _ = answered_by({"enabled": True})
    assert (app.events("ace")[0]["amd"]["status"], app.events("notify")) == (status, [])
    app, call = answered_by({"enabled": True, "async": True})
    assert app.events("ace")[0]["amd"]["status"] == "inprogress"
    assert (app.events("notify")[0]["type"], app.events("notify")[0]["amd"]["status"]) == ("amd", status)
    assert seconds_until(call, "notify") == 1 + 3
    app, _ = answered_by({"enabled": False})
    assert "amd" not in app.events("ace")[0]


def test_a_recording_is_told_of_after_the_end():
    app, call = one_call(replies(ice={"instructions": [RECORD], **connect(NUMBER)}), phone=Phone.answers(1, 30))

    assert app.names == ["ice", "ace", "dice", "notify", "notify"]
    assert notified(app) == [
        ("recording_finished", None),
        ("recording_available", f"azure://calls/{call.call_id}-1.mp3"),
    ]
    assert "timestamp" not in app.events("notify")[0]
    assert [seconds_until(call, "notify", each) for each in (1, 2)] == [32, 36]


def test_a_recording_can_be_stopped_and_begun_again_and_written_down():
    again = {**RECORD, "options": {**RECORD["options"], "transcriptionOptions": {"enabled": True, "locale": "en-US"}}}
    app, call = one_call(
        replies(
            ice={"instructions": [RECORD], **run_menu(menu(maxDigits=1))},
            pie={"instructions": [{"name": "stopRecording"}, again, again], **HANGUP},
        ),
        keys=["1"],
    )

    # The two end at one instant, so their news may arrive in either order.
    file = f"azure://calls/{call.call_id}"
    assert sorted(notified(app), key=str) == [
        ("recording_available", f"{file}-1.mp3"),
        ("recording_available", f"{file}-2.mp3"),
        ("recording_finished", None),
        ("recording_finished", None),
        ("transcription_available", f"{file}-2.json"),
    ]


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        ({"instructions": [RECORD], "action": {"name": "connectMxp", "destination": {"endpoint": "bob"}}}, 0),
        (connect(NUMBER, record=True), 2),
        (connect(NUMBER, record=True, recordingOptions={**RECORD["options"], "notificationEvents": False}), 0),
        ({"instructions": [{"name": "stopRecording"}], **connect(NUMBER)}, 0),
    ],
)
def test_only_a_recording_that_was_made_and_may_be_told_of_is(reply, told):
    app, _ = one_call(replies(ice=reply), phone=Phone.answers(1, 30))

    assert len(app.events("notify")) == told


def test_continue_on_ace_may_begin_a_recording_the_old_way():
    ace = {"action": {**CONTINUE["action"], "record": True}}
    app, _ = one_call(replies(ice=connect(NUMBER), ace=ace), phone=Phone.answers(1, 30))

    assert [kind for kind, _ in notified(app)] == ["recording_finished", "recording_available"]
