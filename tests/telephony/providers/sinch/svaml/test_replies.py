"""A reply is as Sinch documents it."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from telephony.providers.sinch.svaml import (
    Answer,
    BuilderError,
    ConnectMxp,
    ConnectPstn,
    Continue,
    Hangup,
    Say,
    SetCookie,
    Svamlet,
    User,
    ace,
    ice,
    pie,
)
from tests.telephony.providers.sinch.svaml.snapshots import REVIEWED


def test_a_reply_keeps_the_order_written() -> None:
    reply = ice(
        SetCookie("hold", "h-81"),
        Answer(),
        Say("You have twelve minutes."),
        action=ConnectPstn("+442079460000", cli="+447700900123", max_duration=720, dial_timeout=45),
    )
    assert reply.encoded == (REVIEWED.parent / "kit.reply.json").read_bytes().rstrip(b"\n")


@pytest.mark.parametrize("reply", [ace, pie])
def test_a_call_may_continue_once_it_is_answered(reply: Callable[..., Svamlet]) -> None:
    assert reply(action=Continue()).model == {"instructions": [], "action": {"name": "continue"}}


def test_a_user_is_a_typed_destination() -> None:
    assert ice(action=ConnectMxp(User("bob"))).model["action"] == {
        "name": "connectMxp",
        "destination": {"type": "username", "endpoint": "bob"},
    }


def test_what_is_not_given_is_not_sent() -> None:
    assert pie(action=ConnectPstn("+442079460000")).model["action"] == {
        "name": "connectPstn",
        "number": "+442079460000",
        "locale": "en-US",
    }
    assert ice(action=Hangup()).model["action"] == {"name": "hangup"}


@given(st.text(st.characters(), max_size=100))
def test_whatever_can_be_said_arrives_as_it_was_said(text: str) -> None:
    try:
        reply = ice(Say(text), SetCookie("said", text), action=Hangup())
    except BuilderError:
        assume(False)
    said, cookie = json.loads(reply.encoded)["instructions"]
    assert (said["text"], cookie["value"]) == (text, text)
