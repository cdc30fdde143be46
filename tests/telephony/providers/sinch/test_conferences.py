"""Conferences: who is in one, and what may be done with a participant."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from telephony.events import Caller, CallerMode
from telephony.providers.base import CommandRefused, ProviderTrouble
from telephony.providers.sinch.conferences import Conferences, HoldMusic, Participant
from telephony.providers.sinch.errors import NotFound
from tests.telephony.providers.sinch.stand_in import Api

ROOM, CALL = "weekly talk/1", "c-1"
PATH = "/calling/v1/conferences/id/weekly%20talk%2F1"
Order = Callable[[Conferences], None]

ORDERS: dict[str, tuple[Order, str, str, Any]] = {
    "kick": (lambda rooms: rooms.kick(ROOM, CALL), "DELETE", f"{PATH}/c-1", None),
    "kick all": (lambda rooms: rooms.kick_all(ROOM), "DELETE", PATH, None),
    "mute": (lambda rooms: rooms.mute(ROOM, CALL), "PATCH", f"{PATH}/c-1", {"command": "mute"}),
    "unmute": (lambda rooms: rooms.unmute(ROOM, CALL), "PATCH", f"{PATH}/c-1", {"command": "unmute"}),
    "hold": (lambda rooms: rooms.hold(ROOM, CALL), "PATCH", f"{PATH}/c-1", {"command": "onhold"}),
    "hold with music": (
        lambda rooms: rooms.hold(ROOM, CALL, music=HoldMusic.MUSIC_2),
        "PATCH",
        f"{PATH}/c-1",
        {"command": "onhold", "moh": "music2"},
    ),
    "resume": (lambda rooms: rooms.resume(ROOM, CALL), "PATCH", f"{PATH}/c-1", {"command": "resume"}),
}


@pytest.mark.parametrize(("order", "method", "path", "body"), ORDERS.values(), ids=ORDERS)
def test_each_order_is_signed_and_says_exactly_this(api: Api, order: Order, method: str, path: str, body: Any) -> None:
    api.answers(b"", 204)
    order(api.client().conferences)
    asked = api.only_request()
    assert (asked.method, asked.path) == (method, path)
    assert asked.json == body if body else asked.body == b""


@pytest.mark.parametrize("order", [row[0] for row in ORDERS.values()], ids=ORDERS)
def test_an_order_about_nobody_is_refused(api: Api, order: Order) -> None:
    api.answers(b'{"errorCode":40400,"message":"no","reference":"r-1"}', 404)
    with pytest.raises(NotFound, match=r"^Sinch does not know this (conference|participant)\.$") as refused:
        order(api.client().conferences)
    assert isinstance(refused.value, CommandRefused)
    assert refused.value.reference == "r-1"


def test_the_participants_are_read(api: Api) -> None:
    api.says(
        {
            "participants": [
                {"cli": "+442079460000", "id": "c-1", "duration": 35, "muted": True, "onhold": False},
                {"CLI": "private", "Id": "c-2", "duration": "x"},
            ]
        }
    )
    first, second = api.client().conferences.participants(ROOM)
    assert api.only_request()[:2] == ("GET", PATH)
    assert first == Participant(
        call_id="c-1",
        caller=Caller(mode=CallerMode.NUMERIC, number="+442079460000", text="+442079460000"),
        duration_seconds=35,
        muted=True,
        on_hold=False,
    )
    assert second == Participant(
        call_id="c-2", caller=Caller(text="private"), duration_seconds=None, muted=None, on_hold=None
    )


def test_an_empty_conference_has_nobody(api: Api) -> None:
    api.says({"participants": []})
    assert api.client().conferences.participants(ROOM) == ()


@pytest.mark.parametrize("answer", [{}, {"participants": 5}, {"participants": ["c-1"]}, [], {"participants": None}])
def test_an_answer_that_names_nobody_is_trouble(api: Api, answer: Any) -> None:
    api.says(answer)
    with pytest.raises(ProviderTrouble, match=r"^Sinch.*\.$"):
        api.client().conferences.participants(ROOM)


@pytest.mark.parametrize("name", ["", ".", "..", "\ud800"])
def test_a_name_that_would_ask_about_something_else_is_not_sent(api: Api, name: str) -> None:
    for order in (
        lambda rooms: rooms.participants(name),
        lambda rooms: rooms.kick_all(name),
        lambda rooms: rooms.kick(ROOM, name),
        lambda rooms: rooms.mute(name, CALL),
    ):
        with pytest.raises(ProviderTrouble, match="cannot be asked about"):
            order(api.client().conferences)
    assert api.requests == []
