"""What is legal in which reply: the tables of the documentation, asked at run time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from telephony.providers.sinch.svaml import (
    Answer,
    BargeHangup,
    BuilderError,
    ConnectConf,
    ConnectMxp,
    ConnectPstn,
    ConnectSip,
    ConnectSipPeer,
    ConnectStream,
    Continue,
    Hangup,
    Menu,
    Park,
    PlayFiles,
    ReportCallStatus,
    RunMenu,
    Say,
    SendDtmf,
    SetCookie,
    SipAddress,
    StartRecording,
    StopRecording,
    User,
    Websocket,
    ace,
    ace_of_callout,
    ace_of_callout_reply,
    ace_reply,
    ice,
    ice_reply,
    manage,
    manage_reply,
    pie,
    pie_reply,
)

REPLIES: dict[str, Callable[..., Any]] = {
    "ice": ice,
    "ace": ace,
    "callout": ace_of_callout,
    "pie": pie,
    "manage": manage,
}
EVERYWHERE = frozenset(REPLIES)

INSTRUCTIONS: list[tuple[Any, frozenset[str]]] = [
    (Say("Hello."), EVERYWHERE),
    (PlayFiles(("hello.wav",)), EVERYWHERE),
    (SetCookie("k", "v"), EVERYWHERE),
    (StartRecording(), EVERYWHERE),
    (StopRecording(), EVERYWHERE),
    (SendDtmf("1"), frozenset({"ice", "pie", "manage"})),
    (Answer(), frozenset({"ice", "manage"})),
    (ReportCallStatus("success"), frozenset()),
    (Hangup(), frozenset()),
    ("say", frozenset()),
]

ACTIONS: list[tuple[Any, frozenset[str]]] = [
    (Hangup(), EVERYWHERE),
    (Continue(), EVERYWHERE),
    (RunMenu(menus=(Menu("main", "f", max_digits=1),)), EVERYWHERE),
    (ConnectConf("room"), EVERYWHERE - {"ace"}),
    (ConnectPstn(), frozenset({"ice", "pie", "manage"})),
    (ConnectSip(destination=SipAddress("a@b")), frozenset({"ice", "pie", "manage"})),
    (ConnectSipPeer(account="a"), frozenset({"ice", "pie", "manage"})),
    (ConnectMxp(User("bob")), frozenset({"ice", "manage"})),
    (Park("music.wav"), frozenset({"ice", "callout", "manage"})),
    (ConnectStream(Websocket("wss://example.com")), frozenset({"ice"})),
    (BargeHangup(), frozenset({"manage"})),
    (Say("Hello."), frozenset()),
    (None, frozenset()),
    ({"name": "hangup"}, frozenset()),
]

FACES: dict[str, Callable[[], object]] = {
    "ice": ice_reply,
    "ace": ace_reply,
    "callout": ace_of_callout_reply,
    "pie": pie_reply,
    "manage": manage_reply,
}

METHODS: dict[str, frozenset[str]] = {
    "say": EVERYWHERE,
    "say_ssml": EVERYWHERE,
    "play": EVERYWHERE,
    "set_cookie": EVERYWHERE,
    "start_recording": EVERYWHERE,
    "stop_recording": EVERYWHERE,
    "send_dtmf": frozenset({"ice", "pie", "manage"}),
    "answer": frozenset({"ice", "manage"}),
    "hangup": EVERYWHERE,
    "continue_call": EVERYWHERE,
    "run_menu": EVERYWHERE,
    "connect_conference": EVERYWHERE - {"ace"},
    "connect_pstn": frozenset({"ice", "pie", "manage"}),
    "connect_sip_destination": frozenset({"ice", "pie", "manage"}),
    "connect_registered_sip_peer": frozenset({"ice", "pie", "manage"}),
    "connect_mxp": frozenset({"ice", "manage"}),
    "park": frozenset({"ice", "callout", "manage"}),
    "connect_stream": frozenset({"ice"}),
    "barge_hangup": frozenset({"manage"}),
}


def cells(table: list[tuple[Any, frozenset[str]]]) -> Iterator[Any]:
    for number, (thing, legal_in) in enumerate(table):
        for name in REPLIES:
            yield pytest.param(name, thing, name in legal_in, id=f"{number}-{type(thing).__name__}-{name}")


@pytest.mark.parametrize(("reply", "instruction", "legal"), list(cells(INSTRUCTIONS)))
def test_an_instruction_stands_where_the_table_has_it(reply: str, instruction: Any, legal: bool) -> None:
    if legal:
        assert REPLIES[reply](instruction, action=Hangup()).model["instructions"] == [instruction.wire()]
    else:
        with pytest.raises(BuilderError, match=r"^SVAML: instructions\[1\] takes in .* one of .*say, .*, not "):
            REPLIES[reply](Say("First."), instruction, action=Hangup())


@pytest.mark.parametrize(("reply", "action", "legal"), list(cells(ACTIONS)))
def test_an_action_stands_where_the_table_has_it(reply: str, action: Any, legal: bool) -> None:
    if legal:
        assert REPLIES[reply](action=action).model["action"] == action.wire()
    else:
        with pytest.raises(BuilderError, match=r"^SVAML: action takes in .* one of .*hangup, .*, not "):
            REPLIES[reply](action=action)


@pytest.mark.parametrize("reply", REPLIES)
def test_there_is_exactly_one_action(reply: str) -> None:
    with pytest.raises(TypeError, match="action"):
        REPLIES[reply](Say("Hello."))


@pytest.mark.parametrize("face", FACES)
def test_a_face_has_only_what_is_legal_in_it(face: str) -> None:
    offered = {name for name in dir(FACES[face]()) if not name.startswith("_")} - {
        "instructions",
        "locale",
        "reply",
        "speech",
    }
    assert offered == {method for method, faces in METHODS.items() if face in faces}
