"""A callout is asked for so that we hear of its end, whoever orders it and however."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from itertools import product
from typing import Any

import pytest

from telephony.providers.base import CalloutKind, CalloutOrder, CommandRefused, NotSent, ProviderTrouble
from telephony.providers.sinch import Sinch
from telephony.providers.sinch.callouts import callout
from telephony.providers.sinch.orders import Impossible
from telephony.providers.sinch.svaml import read_svaml
from tests.telephony.providers.contract import CALLOUT
from tests.telephony.providers.sinch.samples import FIXTURES
from tests.telephony.providers.sinch.stand_in import Api

SPEAK = CALLOUT
CONFERENCE = replace(CALLOUT, kind=CalloutKind.CONFERENCE, conference_id="standup-7", text="Please wait.")
BRIDGE = replace(CALLOUT, kind=CalloutKind.CONFERENCE, conference_id="room-7", text="", asks_when_answered=True)
ASK_US = replace(CALLOUT, kind=CalloutKind.ASK_US, text="", locale="en-GB")
SNAPSHOTS = {
    "callout-speak": SPEAK,
    "callout-conference": CONFERENCE,
    "callout-bridge": BRIDGE,
    "callout-ask-us": ASK_US,
    "callout-ask-us-who-answers": replace(ASK_US, detects_machine=True),
}
SILENCE = re.compile("suppress_?callbacks", re.IGNORECASE)


def sent(order: CalloutOrder) -> dict[str, Any]:
    """What is asked of Sinch, below the method's name."""
    body = json.loads(callout(order))
    assert set(body) == {"method", body["method"]}
    section: dict[str, Any] = body[body["method"]]
    return section


@pytest.mark.parametrize("case", SNAPSHOTS)
def test_a_callout_is_as_it_was_reviewed(case: str) -> None:
    reviewed = (FIXTURES / "requests" / f"{case}.json").read_bytes().removesuffix(b"\n")
    assert callout(SNAPSHOTS[case]) == reviewed


@pytest.mark.parametrize(
    "order",
    [
        replace(CALLOUT, kind=kind, conference_id="c", text=text, detects_machine=machine, limit_seconds=limit)
        for kind, text, machine, limit in product(CalloutKind, ("Hello.", "a]b;c"), (False, True), (1, 14_400))
    ],
)
def test_every_callout_tells_its_end_shows_its_mark_and_is_never_silent(order: CalloutOrder) -> None:
    section = sent(order)
    assert section["enableDice"] is True
    assert section["custom"] == order.mark
    assert section["cli"] == order.caller_id
    assert section["destination"] == {"type": "number", "endpoint": order.number}
    # Who answers the DiCE beforehand never hears of it, and the others are to ask us as well.
    assert not {"dice", "ace", "pie"} & set(section)
    assert not SILENCE.search(callout(order).decode())


def test_what_is_spoken_and_a_conference_of_two_ask_whether_to_go_on() -> None:
    assert sent(SPEAK)["enableAce"] is True
    assert sent(BRIDGE)["enableAce"] is True
    # The answer would have to be the conference once more.
    assert "enableAce" not in sent(CONFERENCE)


def test_a_callout_that_asks_us_says_no_more_than_whom_to_connect() -> None:
    (plain, who) = (read_svaml(sent(SNAPSHOTS[name])["ice"], "ice").model for name in list(SNAPSHOTS)[-2:])
    action = {
        "name": "connectPstn",
        "number": "+46701740605",
        "cli": "+12025550123",
        "maxDuration": 120,
        "dialTimeout": 45,
        "locale": "en-GB",
    }
    assert plain == {"instructions": [], "action": action}
    assert who == {"instructions": [], "action": action | {"amd": {"enabled": True}}}


def test_a_conference_may_go_without_a_greeting() -> None:
    section = sent(replace(CONFERENCE, text=""))
    assert "greeting" not in section
    assert (section["conferenceId"], section["maxDuration"]) == ("standup-7", 120)


def test_a_text_is_made_speakable_and_never_cut() -> None:
    assert sent(replace(SPEAK, text=" One; two] [three\x00 "))["text"] == "One, two   three"
    assert len(sent(replace(SPEAK, text="x" * 600))["text"]) == 600
    with pytest.raises(Impossible, match=r"text has 1 to 600 characters, not 601"):
        callout(replace(SPEAK, text="x" * 601))


IMPOSSIBLE: dict[str, dict[str, Any]] = {
    "no number": {"number": ""},
    "no plus": {"number": "46701740605"},
    "another call": {"number": "+46701740605;+12025550123"},
    "no caller ID": {"caller_id": ""},
    "a hidden caller ID": {"caller_id": "private"},
    "the caller's own": {"caller_id": "incoming"},
    "no mark": {"mark": ""},
    "a long mark": {"mark": "m" * 1025},
    "half a character": {"mark": "\ud800"},
    "no time": {"limit_seconds": 0},
    "too much time": {"limit_seconds": 14_401},
    "no language": {"locale": ""},
    "nothing to say": {"text": ""},
    "nothing that can be said": {"text": " ][ "},
    "no room": {"kind": CalloutKind.CONFERENCE, "conference_id": ""},
    "a room too long": {"kind": CalloutKind.CONFERENCE, "conference_id": "r" * 65},
    "a greeting too long": {"kind": CalloutKind.CONFERENCE, "conference_id": "r", "text": "x" * 601},
    "no patience": {"kind": CalloutKind.ASK_US, "dial_timeout_seconds": 0},
}


@pytest.mark.parametrize("changes", IMPOSSIBLE.values(), ids=IMPOSSIBLE)
def test_what_cannot_be_placed_is_refused_unsent(api: Api, changes: dict[str, Any]) -> None:
    with pytest.raises(CommandRefused, match=r"^A.*\.$"):
        Sinch().place_callout(api.access, replace(CALLOUT, **changes))
    assert api.requests == []


@pytest.mark.parametrize(
    ("status", "answer"), [(200, {"callId": "c-1"}), (200, {"callid": "c-1"}), (201, {"CALLID": "c-1"})]
)
def test_a_placed_callout_has_the_id_that_sinch_gave_it(api: Api, status: int, answer: object) -> None:
    api.says(answer, status)
    assert Sinch().place_callout(api.access, SPEAK) == "c-1"
    asked = api.only_request()
    assert (asked.method, asked.path, asked.body) == ("POST", "/calling/v1/callouts", callout(SPEAK))


@pytest.mark.parametrize("call_id", [None, "", 5, True, [], {}, "c" * 256, "a\nb", "\ud800"])
def test_an_id_that_is_none_leaves_it_open_whether_the_callout_was_placed(api: Api, call_id: object) -> None:
    api.says({"callId": call_id})
    with pytest.raises(ProviderTrouble, match="does not say which call") as trouble:
        Sinch().place_callout(api.access, SPEAK)
    assert not isinstance(trouble.value, CommandRefused | NotSent)
