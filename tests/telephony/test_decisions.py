"""A decision survives being kept in the inbox, so that a replay gets the same answer."""

from __future__ import annotations

import json

import pytest

from telephony.decisions import (
    Acknowledge,
    AllowVerification,
    Ask,
    Connect,
    ConnectUser,
    Continue,
    Decision,
    DenyVerification,
    HangUp,
    JoinConference,
    Park,
    Reason,
    read_decision,
    write_decision,
)
from telephony.menus import Action, Destination, Digits, Keys, Pin, Question, Sound, Spoken, say
from telephony.prompts import refusal

EVERY_ACTION = Keys(
    {
        "1": Action.goto("next"),
        "2": Action.give_back("satisfied", then="next"),
        "3": Action.connect("+442079460101"),
        "4": Action.connect_account(7),
        "5": Action.speak_balance(then="next"),
        "6": Action.ask_pin(then="next", prompt=say("Your PIN, please.")),
        "7": Action.ask_destination(say("Your number, please.")),
        "8": Action.transfer(3),
        "*": Action.hang_up((Spoken("Bye."), Sound("https://sounds.example.com/bye.wav"))),
    }
)
QUESTIONS = (
    Question("first", say("Press a key."), EVERY_ACTION, repeat_prompt=say("Any key."), repeats=1, wait_seconds=9),
    Question("pin", say("PIN?"), Pin(then="first")),
    Question("number", (Sound("https://sounds.example.com/number.wav"),), Destination()),
    Question("card", say("Card?"), Digits(most=16, then="first")),
)

DECISIONS: list[Decision] = [
    Connect(number="+442079460000", limit_seconds=720, caller_id=None),
    Connect(number="+442079460000", limit_seconds=720, caller_id="+447700900123", dial_timeout_seconds=45),
    ConnectUser(user="bob \N{SNOWMAN}"),
    Continue(),
    Acknowledge(),
    Connect(number="+442079460000", limit_seconds=60, caller_id=None, say=say("One minute."), locale="es-ES"),
    Ask(questions=QUESTIONS, say=say("Welcome."), locale="en-GB"),
    HangUp(),
    HangUp(say=say("Goodbye."), locale="en-GB"),
    Park(say=say("Please hold."), limit_seconds=120),
    JoinConference("room-7"),
    JoinConference("room-7", say=say("You are being connected."), locale="en-GB"),
    AllowVerification(),
    DenyVerification("10 in a day"),
    *(refusal(reason, "0.06 USD needed.") for reason in Reason),
]


@pytest.mark.parametrize("decision", DECISIONS, ids=str)
def test_a_decision_survives_json_unchanged(decision: Decision) -> None:
    read = read_decision(json.loads(json.dumps(write_decision(decision))))
    assert read == decision
    assert type(read) is type(decision)


def test_every_kind_of_decision_is_tried_here() -> None:
    assert {type(decision) for decision in DECISIONS} == set(Decision.__args__)


def test_a_decision_nobody_wrote_is_not_guessed_at() -> None:
    with pytest.raises(KeyError):
        read_decision({"decision": "whisper"})


def test_reading_does_not_use_up_what_was_stored() -> None:
    stored = write_decision(Continue())
    assert read_decision(stored) == read_decision(stored)


def test_a_connection_that_was_kept_before_menus_existed_is_still_read() -> None:
    stored = {"decision": "connect", "number": "+442079460000", "limit_seconds": 60, "caller_id": None}
    assert read_decision(stored) == Connect(number="+442079460000", limit_seconds=60, caller_id=None)
