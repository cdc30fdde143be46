"""Each decision becomes the bytes that Sift gets: snapshots, to be reviewed as diffs."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from telephony.decisions import (
    Acknowledge,
    Ask,
    Connect,
    ConnectUser,
    Continue,
    Decision,
    HangUp,
    JoinConference,
    Park,
    Reason,
    read_decision,
    write_decision,
)
from telephony.events import Event
from telephony.menus import Action, Keys, Pin, Question, Sound, Spoken, say
from telephony.prompts import refusal
from telephony.providers.base import Reply
from telephony.providers.sift.render import goodbye, render
from telephony.providers.sift.speech import speakable
from tests.telephony.providers.contract import DECISIONS
from tests.telephony.providers.sift.samples import BASE, CALL_ID, FIXTURES, TURN, parsed

INCOMING, ANSWERED, PROMPT = parsed("incoming-client-to-phone"), parsed("status-connected"), parsed("done-pressed")
NEWS = [
    parsed(name)
    for name in (
        "status-connecting",
        "status-finished",
        "status-failed",
        "status-paused",
        "event-ended",
        "event-started",
    )
] + [parsed("done-silence", f"done/welcome.0.2.{TURN}")]
CONNECT = Connect(number="+442079460000", limit_seconds=720, caller_id="+447700900123", dial_timeout_seconds=45)
TALK = replace(CONNECT, say=say("You can talk for 12 minutes."))
REFUSED = refusal(Reason.NOT_ENOUGH_CREDIT, "0.0012 left")
ASKED = Ask(
    questions=(
        Question(
            "welcome",
            say("For sales, press 1. To call a number, press 2."),
            Keys({"1": Action.goto("sales"), "2": Action.ask_destination(), "#": Action.hang_up()}),
            repeat_prompt=say("Press 1 or 2."),
            repeats=3,
            wait_seconds=7,
        ),
        Question("sales", (Sound("https://sounds.example.com/sales.wav"),), Keys({"*": Action.goto("welcome")})),
    ),
    say=say("You have 5.00 US dollars."),
    locale="en-GB",
)
PIN_ASKED = Ask(questions=(Question("_pin", say("Please enter your PIN, then press the hash key."), Pin()),))
GOODBYE = HangUp(say=(*say("Goodbye."), Sound("https://sounds.example.com/bye.wav")), locale="en-GB")
JOIN = JoinConference("room-7", say=say("You are being connected."), locale="en-GB")
JUST_HANG_UP = b'{"routine":[{"name":"HangUp"}]}'

SNAPSHOTS: dict[str, tuple[Decision, Event]] = {
    "incoming-connect": (CONNECT, INCOMING),
    "incoming-connect-user": (ConnectUser(user="bob"), INCOMING),
    "incoming-refuse": (REFUSED, INCOMING),
    "incoming-ask": (ASKED, INCOMING),
    "incoming-hang-up": (GOODBYE, INCOMING),
    "incoming-acknowledge": (Acknowledge(), INCOMING),
    "answered-ask": (ASKED, ANSWERED),
    "answered-hang-up": (GOODBYE, ANSWERED),
    "answered-join-conference": (JOIN, ANSWERED),
    "prompt-ask-pin": (PIN_ASKED, PROMPT),
    "prompt-connect-after-a-sentence": (TALK, PROMPT),
    "prompt-refuse": (REFUSED, PROMPT),
}


@pytest.mark.parametrize("case", SNAPSHOTS)
def test_a_reply_is_as_it_was_reviewed(case: str) -> None:
    reviewed = (FIXTURES / f"{case}.reply.json").read_bytes().removesuffix(b"\n")
    assert render(*SNAPSHOTS[case]) == Reply(status=200, content_type="application/json", body=reviewed)


def test_a_replay_from_the_stored_decision_gets_the_same_bytes() -> None:
    for decision, event in SNAPSHOTS.values():
        assert render(read_decision(write_decision(decision)), event) == render(decision, event)


@pytest.mark.parametrize("event", NEWS, ids=lambda event: event.step or event.kind)
def test_news_gets_an_empty_answer_whatever_was_decided(event: Event) -> None:
    assert {render(decision, event).body for decision in DECISIONS} == {b""}


def test_who_calls_always_gets_a_routine_that_ends_and_never_silence() -> None:
    for decision in DECISIONS:
        assert json.loads(render(decision, INCOMING).body)["routine"][-1] == {"name": "HangUp"}


def test_a_running_call_goes_on_when_nothing_else_was_decided() -> None:
    assert render(Continue(), ANSWERED).body == render(Continue(), PROMPT).body == b""
    assert render(Continue(), INCOMING).body == JUST_HANG_UP


@pytest.mark.parametrize("event", [INCOMING, PROMPT], ids=["incoming", "prompt"])
@pytest.mark.parametrize(
    "decision",
    [
        replace(CONNECT, limit_seconds=0),
        replace(CONNECT, limit_seconds=-1),
        replace(CONNECT, number="442079460000"),
        replace(CONNECT, number="sip:bob@example.com"),
        ConnectUser(user=""),
        ConnectUser(user="\x00"),
        Ask(questions=()),
        Ask(questions=(Question("no.name", say("Press 1."), Keys({})),)),
        Ask(questions=(Question("patient", say("Press 1."), Keys({}), wait_seconds=0),)),
        Ask(questions=(Question("endless", say("Press 1."), Keys({}), repeats=10),)),
        Ask(questions=(Question("long", say("Press 1.") * 40, Keys({}), repeats=5),)),
        Park(say=say("Please hold."), limit_seconds=60),
        JOIN,
    ],
)
def test_what_cannot_be_expressed_ends_the_call(decision: Decision, event: Event) -> None:
    assert render(decision, event).body == JUST_HANG_UP


@pytest.mark.parametrize("decision", [CONNECT, ConnectUser(user="bob"), JoinConference(""), JoinConference("r" * 129)])
def test_who_answered_our_call_is_connected_to_no_telephone_and_to_no_room_without_a_name(decision: Decision) -> None:
    assert render(decision, ANSWERED).body == JUST_HANG_UP


def test_a_user_is_connected_only_when_a_call_comes_in() -> None:
    assert render(ConnectUser(user="bob"), PROMPT).body == JUST_HANG_UP


def test_nobody_is_recorded() -> None:
    for decision in DECISIONS:
        for event in (INCOMING, ANSWERED, PROMPT):
            assert b'"do_record":true' not in render(decision, event).body
    assert b'"do_record":false' in render(ConnectUser(user="bob"), INCOMING).body  # else clients would be


def test_who_was_not_asked_at_an_address_of_ours_is_connected_and_asked_nothing() -> None:
    nowhere = replace(INCOMING, answer_to="")
    assert json.loads(render(CONNECT, nowhere).body)["routine"][0] == {
        "name": "CallPhone",
        "phone_number": CONNECT.number,
    }
    assert render(ASKED, nowhere).body == JUST_HANG_UP


def test_the_end_of_a_conversation_is_told_under_the_name_of_the_call() -> None:
    for decision, name in ((CONNECT, "CallPhone"), (ConnectUser(user="bob"), "CallClient")):
        command = json.loads(render(decision, INCOMING).body)["routine"][0]
        assert (command["name"], command["event_callback"]) == (name, f"{BASE}event/{CALL_ID}/")
    nameless = replace(INCOMING, call_id="")
    assert b"event_callback" not in render(CONNECT, nameless).body


def test_a_sentence_is_made_speakable_and_what_cannot_be_played_is_left_out() -> None:
    assert speakable("One; two [three]\x00\ud800\x07 ") == "One; two [three]"
    assert speakable("a\nb\tc") == "a b c"
    assert speakable("\x00 \ud800") == ""
    assert len(speakable("x" * 10_000)) == 4_000
    prompt = (Spoken("Bye.\x00"), Sound("ftp://nowhere"), Sound("https://sounds.example.com/bye.ogg"), Spoken("\x07"))
    assert json.loads(goodbye(HangUp(say=prompt)).encoded) == {
        "routine": [{"name": "Say", "text": "Bye."}, {"name": "HangUp"}]
    }
    assert goodbye(HangUp()).encoded == JUST_HANG_UP
