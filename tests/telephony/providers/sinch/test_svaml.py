"""SVAML is written as Sinch documents it, and what is illegal cannot be written."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from telephony.providers.sinch import svaml
from telephony.providers.sinch.svaml import (
    Answer,
    ConnectMxp,
    ConnectPstn,
    Continue,
    Hangup,
    Say,
    SetCookie,
    User,
    ace,
    ice,
    pie,
)
from tests.telephony.providers.sinch.samples import FIXTURES


def test_a_reply_keeps_the_order_written() -> None:
    reply = ice(
        SetCookie("hold", "h-81"),
        Answer(),
        Say("You have twelve minutes."),
        action=ConnectPstn("+442079460000", cli="+447700900123", max_duration=720, dial_timeout=45),
    )
    assert reply == (FIXTURES / "kit.reply.json").read_bytes().rstrip(b"\n")


@pytest.mark.parametrize("reply", [ace, pie])
def test_a_call_may_continue_once_it_is_answered(reply: Callable[..., bytes]) -> None:
    assert json.loads(reply(action=Continue())) == {"instructions": [], "action": {"name": "continue"}}


def test_a_user_is_a_typed_destination() -> None:
    action = json.loads(ice(action=ConnectMxp(User("bob"))))["action"]
    assert action == {"name": "connectMxp", "destination": {"type": "username", "endpoint": "bob"}}


def test_what_is_not_given_is_not_sent() -> None:
    assert json.loads(pie(action=ConnectPstn("+442079460000")))["action"] == {
        "name": "connectPstn",
        "number": "+442079460000",
        "locale": "en-US",
    }
    assert json.loads(ice(action=Hangup()))["action"] == {"name": "hangup"}


@pytest.mark.parametrize(
    "illegal",
    [
        lambda: Say(""),
        lambda: Say("a" * 601),
        lambda: Say("a]b"),
        lambda: Say("a;b"),
        lambda: Say("a", "english"),
        lambda: SetCookie("", "v"),
        lambda: SetCookie("k", "å" * 512),
        lambda: ConnectPstn("442079460000"),
        lambda: ConnectPstn("+442079460000\n"),
        lambda: ConnectPstn("+٤٤٢٠٧٩٤٦٠٠٠٠"),
        lambda: ConnectPstn("+442079460000", cli="incoming"),
        lambda: ConnectPstn("+442079460000", max_duration=0),
        lambda: ConnectPstn("+442079460000", max_duration=14_401),
        lambda: ConnectPstn("+442079460000", dial_timeout=0),
        lambda: ConnectPstn("+442079460000", locale=""),
        lambda: User(""),
        lambda: User("b" * 129),
    ],
)
def test_what_sinch_would_refuse_cannot_be_written(illegal: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match=r"^SVAML: .*\.$"):
        illegal()


def test_the_borders_can_be_written() -> None:
    assert Say("a" * 600).text
    assert ConnectPstn("+442079460000", cli="private", max_duration=1).max_duration == 1
    assert ConnectPstn("+442079460000", max_duration=14_400, dial_timeout=14_400).max_duration == 14_400
    assert SetCookie("k", "v" * 1023).key


def test_nothing_here_can_silence_the_callbacks_of_a_call() -> None:
    package = Path(svaml.__file__).parent
    for module in package.glob("*.py"):
        text = module.read_text().lower()
        assert "suppresscallbacks" not in text, module
        assert "suppress_callbacks" not in text, module
