"""Each decision becomes the bytes that Sinch gets: snapshots, to be reviewed as diffs."""

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
from telephony.events import Event
from telephony.menus import Action, Keys, Pin, Question, Sound, say
from telephony.prompts import refusal
from telephony.providers.base import Reply
from telephony.providers.sinch.render import render, render_manage
from telephony.providers.sinch.svaml import read_svaml
from tests.telephony.providers.contract import DECISIONS
from tests.telephony.providers.sinch.samples import FIXTURES, body_of, parsed

ICE, ACE, PIE, DICE = (parsed(body_of(name)) for name in ("ice", "ace", "pie", "dice"))
NOTIFY = parsed(body_of("notify-recording-available"))
UNKNOWN = parsed(body_of("unknown"))
VERIFICATION = parsed(body_of("verification-request"))
NEWS = [parsed(body_of(name)) for name in ("verification-result", "verification-sms-delivered", "incoming-sms")]
SHOWN = Connect(number="+442079460000", limit_seconds=720, caller_id="+447700900123", dial_timeout_seconds=45)
HIDDEN = Connect(number="+442079460000", limit_seconds=720, caller_id=None)
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
TALK = Connect(number="+442079460000", limit_seconds=720, caller_id=None, say=say("You can talk for 12 minutes."))

SNAPSHOTS: dict[str, tuple[Decision, Event]] = {
    "ice-connect": (SHOWN, ICE),
    "ice-connect-hidden": (HIDDEN, ICE),
    "ice-connect-user": (ConnectUser(user="bob"), ICE),
    "ice-refuse": (REFUSED, ICE),
    "ice-continue": (Continue(), ICE),
    "ice-acknowledge": (Acknowledge(), ICE),
    "ace-continue": (Continue(), ACE),
    "ace-connect": (SHOWN, ACE),
    "ace-connect-user": (ConnectUser(user="bob"), ACE),
    "ace-refuse": (refusal(Reason.UNKNOWN_CALL), ACE),
    "ace-acknowledge": (Acknowledge(), ACE),
    "ace-ask": (ASKED, ACE),
    "ace-hang-up": (GOODBYE, ACE),
    "ace-join-conference": (JoinConference("room-7", say=say("You are being connected."), locale="en-GB"), ACE),
    "pie-connect": (SHOWN, PIE),
    "pie-connect-user": (ConnectUser(user="bob"), PIE),
    "pie-continue": (Continue(), PIE),
    "pie-refuse": (REFUSED, PIE),
    "pie-acknowledge": (Acknowledge(), PIE),
    "ice-ask": (ASKED, ICE),
    "pie-ask": (ASKED, PIE),
    "pie-ask-pin": (PIN_ASKED, PIE),
    "pie-connect-after-a-sentence": (TALK, PIE),
    "pie-hang-up": (GOODBYE, PIE),
    "ice-park": (Park(say=say("Please hold."), limit_seconds=60), ICE),
    "dice-acknowledge": (Acknowledge(), DICE),
    "notify-acknowledge": (Acknowledge(), NOTIFY),
    "unknown-acknowledge": (Acknowledge(), UNKNOWN),
    "verification-allow": (AllowVerification(), VERIFICATION),
    "verification-deny": (DenyVerification("too many from this number"), VERIFICATION),
}


@pytest.mark.parametrize("case", SNAPSHOTS)
def test_a_reply_is_as_it_was_reviewed(case: str) -> None:
    reply = render(*SNAPSHOTS[case])
    reviewed = (FIXTURES / f"{case}.reply.json").read_bytes().removesuffix(b"\n")
    assert reply == Reply(status=200, content_type="application/json", body=reviewed)


def test_a_replay_from_the_stored_decision_gets_the_same_bytes() -> None:
    for decision, event in SNAPSHOTS.values():
        assert render(read_decision(write_decision(decision)), event) == render(decision, event)


@pytest.mark.parametrize("event", [DICE, NOTIFY, UNKNOWN, *NEWS])
def test_news_gets_no_instructions_whatever_was_decided(event: Event) -> None:
    assert {render(decision, event).body for decision in DECISIONS} == {b"" if event in (DICE, NOTIFY) else b"{}"}


def test_a_verification_is_denied_whatever_was_decided_unless_it_was_allowed() -> None:
    for decision in DECISIONS:
        allowed = isinstance(decision, AllowVerification)
        assert json.loads(render(decision, VERIFICATION).body) == {"action": "allow" if allowed else "deny"}


def test_what_is_said_to_an_answered_call_is_legal_for_a_callout_too() -> None:
    for decision in DECISIONS:
        svamlet = read_svaml(render(decision, ACE).body.decode(), "ace_of_callout")
        assert svamlet.model["action"]["name"] in {"hangup", "continue", "runMenu", "connectConf"}


@pytest.mark.parametrize("event", [ICE, PIE])
def test_only_who_answered_a_callout_is_let_into_a_conference(event: Event) -> None:
    decision = JoinConference("room-7")
    assert json.loads(render(decision, event).body) == {"instructions": [], "action": {"name": "hangup"}}


def test_a_conference_that_has_no_name_ends_the_call() -> None:
    assert json.loads(render(JoinConference(""), ACE).body)["action"] == {"name": "hangup"}


@pytest.mark.parametrize("event", [ICE, PIE])
@pytest.mark.parametrize(
    "decision",
    [
        Connect(number="+442079460000", limit_seconds=0, caller_id=None),
        Connect(number="+442079460000", limit_seconds=-1, caller_id=None),
        Connect(number="+442079460000", limit_seconds=60, caller_id="Alice"),
        Connect(number="+442079460000", limit_seconds=60, caller_id="incoming"),
        Connect(number="442079460000", limit_seconds=60, caller_id=None),
        Connect(number="+442079460000", limit_seconds=60, caller_id=None, dial_timeout_seconds=0),
        ConnectUser(user=""),
    ],
)
def test_what_cannot_be_expressed_ends_the_call(decision: Decision, event: Event) -> None:
    assert json.loads(render(decision, event).body) == {"instructions": [], "action": {"name": "hangup"}}


@pytest.mark.parametrize(("limit", "sent"), [(1, 1), (14_400, 14_400), (14_401, 14_400), (10**9, 14_400)])
def test_no_call_is_connected_for_longer_than_reserved_or_than_sinch_allows(limit: int, sent: int) -> None:
    reply = render(Connect(number="+442079460000", limit_seconds=limit, caller_id=None), ICE)
    assert json.loads(reply.body)["action"]["maxDuration"] == sent


def test_every_connected_number_has_a_limit_and_says_who_calls() -> None:
    for decision in DECISIONS:
        for event in (ICE, ACE, PIE):
            action = json.loads(render(decision, event).body)["action"]
            if action["name"] == "connectPstn":
                assert 1 <= action["maxDuration"] <= 14_400
                assert action["cli"] == (getattr(decision, "caller_id", None) or "private")


def test_a_sentence_is_made_speakable() -> None:
    said = json.loads(render(refusal_saying("One; two [three]\x00" + "x" * 700), ICE).body)["instructions"][0]
    assert said["text"].startswith("One, two  three ")
    assert len(said["text"]) == 600


def refusal_saying(text: str) -> Decision:
    stored = write_decision(refusal(Reason.OWN_TROUBLE)) | {"say": text}
    return read_decision(stored)


COMMANDS: dict[str, Decision] = {
    "hang-up": GOODBYE,
    "refuse": REFUSED,
    "park": Park(say=say("Please hold."), limit_seconds=60, locale="en-GB"),
    "connect": SHOWN,
    "ask": ASKED,
}


@pytest.mark.parametrize("case", COMMANDS)
def test_a_command_is_as_it_was_reviewed(case: str) -> None:
    reviewed = (FIXTURES / f"patch-{case}.reply.json").read_bytes().removesuffix(b"\n")
    assert render_manage(COMMANDS[case]) == reviewed


@pytest.mark.parametrize(
    "decision",
    [Continue(), Acknowledge(), ConnectUser(user="bob"), Park(say=(), limit_seconds=60), JoinConference("room-7")],
)
def test_what_is_no_command_is_not_sent(decision: Decision) -> None:
    with pytest.raises(ValueError, match=r"cannot be told|playFiles|park|prompt"):
        render_manage(decision)
