"""Endpoints of running calls and conferences: look, change, throw out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox import rates, wire
from sandbox.api import DONE, ApiError, Request, Response
from sandbox.calls import Call
from sandbox.conferences import Participant
from sandbox.svaml import IllegalReply, Leg
from sandbox.svaml.actions import MUSIC
from sandbox.switchboard import NotNow

if TYPE_CHECKING:
    from sandbox.platform import Sandbox

LEGS: dict[str, Leg] = {"caller": "caller", "callee": "callee", "both": "both"}


def get_call(platform: Sandbox, request: Request, call_id: str) -> Response:
    """The result of a call, or how far it has come."""
    return Response(200, _call_result(platform, _call(platform, call_id)))


def patch_call(platform: Sandbox, request: Request, call_id: str, leg: str = "caller") -> Response:
    """Do as the SVAML in the body says, at the present virtual time; `leg` hears what is said.

    Raises ApiError: 40400 no such call, 40001 illegal SVAML or leg, 40003 the call is in no state for it.
    """
    call = _call(platform, call_id)
    if leg.lower() not in LEGS:
        raise ApiError(40001, f"There is no leg {leg}")
    try:
        platform.switchboard.patch(call, request.body, LEGS[leg.lower()])
    except IllegalReply as error:
        raise ApiError(40001, str(error)) from error
    except NotNow as error:
        raise ApiError(40003, str(error)) from error
    return DONE


def _call(platform: Sandbox, call_id: str) -> Call:
    call = platform.find(call_id)
    if call is None:
        raise ApiError(40400, "Call not found")
    return call


def _call_result(platform: Sandbox, call: Call) -> dict[str, object]:
    now = platform.clock.now
    caller = ("username", call.user) if call.user else ("number", call.cli)
    body: dict[str, object] = {
        "from": {"type": caller[0], "endpoint": caller[1]},
        "to": {"type": call.to_type, "endpoint": call.to},
        "domain": call.domain,
        "callId": call.call_id,
        "duration": call.seconds_answered_by(now),
        "status": "FINAL" if call.ended else "ONGOING",
        "result": call.result,
        "reason": call.reason,
        # Without a zone, as the platform's own samples have it.
        "timestamp": wire.timestamp(call.started_at or now).removesuffix("Z"),
        "userRate": rates.amount(call.user_rate),
        "debit": rates.amount(call.debit),
    }
    return body if call.custom is None else {**body, "custom": call.custom}


def get_conference(platform: Sandbox, request: Request, conference_id: str) -> Response:
    """Who is in a conference, and since when in seconds."""
    participants = [
        {
            "cli": each.call.cli or each.call.user or "",
            "id": each.call.call_id,
            "duration": each.seconds_by(platform.clock.now),
            "muted": each.muted,
            "onhold": each.on_hold,
        }
        for each in _room(platform, conference_id)
    ]
    return Response(200, {"participants": participants})


def kick_all(platform: Sandbox, request: Request, conference_id: str) -> Response:
    """Throw everybody out."""
    for each in _room(platform, conference_id):
        platform.switchboard.kick(each.call)
    return DONE


def kick(platform: Sandbox, request: Request, conference_id: str, call_id: str) -> Response:
    """Throw one caller out."""
    platform.switchboard.kick(_participant(platform, conference_id, call_id).call)
    return DONE


def manage_participant(platform: Sandbox, request: Request, conference_id: str, call_id: str) -> Response:
    """Mute, unmute, put on hold (with music, if moh says so) or resume."""
    participant, fields = _participant(platform, conference_id, call_id), request.fields()
    moh = fields.get("moh")
    if moh is not None and moh not in MUSIC:
        raise ApiError(40001, f"moh is none of {', '.join(MUSIC)}")
    match str(fields.get("command")).lower():
        case "mute" | "unmute" as command:
            participant.muted = command == "mute"
        case "onhold":
            participant.on_hold, participant.moh = True, moh
        case "resume":
            participant.on_hold, participant.moh = False, None
        case _:
            raise ApiError(40001, "command is none of mute, unmute, onhold, resume")
    platform.record.add(platform.clock.now, call_id, "managed", conference=conference_id, command=fields["command"])
    return DONE


def _room(platform: Sandbox, conference_id: str) -> list[Participant]:
    room = platform.conferences.room(conference_id)
    if not room:
        raise ApiError(40400, "Conference not found")
    return room


def _participant(platform: Sandbox, conference_id: str, call_id: str) -> Participant:
    participant = platform.conferences.participant(conference_id, call_id)
    if participant is None:
        raise ApiError(40400, "Participant not found")
    return participant
