"""A whole reply, and which instruction and action is legal as the answer to what."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from sandbox import wire
from sandbox.svaml import actions, instructions, reading
from sandbox.svaml.actions import Action
from sandbox.svaml.instructions import Instruction, SetCookie
from sandbox.svaml.menus import RunMenu
from sandbox.svaml.reading import COOKIE_BYTES, Given, IllegalReply

# patch is a call that talks or runs a menu; unpark is PATCH for a parked one, and takes what ICE takes.
Context = Literal["ice", "callout ice", "ace", "callout ace", "pie", "patch", "conference patch", "unpark"]

_ICE = frozenset(actions.READERS)
_PATCH = frozenset(["hangup", "continue", "connectConf", "park"])
_ACTIONS: Mapping[Context, frozenset[str]] = {
    "ice": _ICE,  # continue for calls from an app only: the switchboard knows who called
    "callout ice": frozenset(["connectPstn", "hangup"]),
    "ace": frozenset(["hangup", "continue", "runMenu"]),
    "callout ace": frozenset(["hangup", "continue", "connectConf", "runMenu", "park"]),
    "pie": frozenset(["hangup", "continue", "connectPstn", "connectConf", "connectSip", "runMenu"]),
    "patch": _PATCH,
    "conference patch": _PATCH | {"runMenu"},
    "unpark": _ICE,
}
_EVERYWHERE = frozenset(["playFiles", "say", "setCookie", "startRecording", "stopRecording"])
_INSTRUCTIONS: Mapping[Context, frozenset[str]] = {
    "ice": _EVERYWHERE | {"sendDtmf", "answer"},
    "callout ice": frozenset(),  # nobody listens yet
    "ace": _EVERYWHERE,
    "callout ace": _EVERYWHERE,
    "pie": _EVERYWHERE | {"sendDtmf"},
    "patch": _EVERYWHERE | {"sendDtmf"},
    "conference patch": _EVERYWHERE | {"sendDtmf"},
    "unpark": _EVERYWHERE | {"sendDtmf", "answer"},
}


@dataclass(frozen=True)
class Reply:
    """What to do on the way, and what becomes of the call. action_name is in camelCase."""

    instructions: tuple[Instruction, ...]
    action: Action
    action_name: str

    @property
    def cookies(self) -> dict[str, str]:
        """What is set on the way; of two with one key the later."""
        return {each.key: each.value for each in self.instructions if isinstance(each, SetCookie)}


def read_reply(body: bytes, context: Context) -> Reply:
    """Understand the body of a 200 answer, or of a PATCH.

    Raises IllegalReply.
    """
    try:
        document = reading.fold(wire.loads(body))
    except ValueError as error:
        raise IllegalReply(f"the reply is not JSON: {error}") from error
    except RecursionError as error:
        raise IllegalReply("the reply is nested too deeply") from error
    if not isinstance(document, dict):
        raise IllegalReply("the reply is not a JSON object")
    reading.known(document, ["instructions", "action"], "the reply")
    read = tuple(_instruction(each, context) for each in _array(document))
    action = document.get("action")
    if not isinstance(action, dict):
        raise IllegalReply("the reply has no action")
    name = _legal(action, "action", context, _ACTIONS[context])
    reply = Reply(read, actions.READERS[name](action), name)
    settable = reply.action.cookies if isinstance(reply.action, RunMenu) else ()
    if cookie_bytes([*reply.cookies.items(), *settable]) > COOKIE_BYTES:
        raise IllegalReply(f"the cookies are longer than {COOKIE_BYTES} bytes")
    return reply


def cookie_bytes(cookies: Iterable[tuple[str, str]]) -> int:
    """How much room cookies take: keys and values in UTF-8."""
    return sum(len(f"{key}{value}".encode()) for key, value in cookies)


def _array(document: Given) -> list[object]:
    given = document.get("instructions")
    if given is None:
        return []
    if not isinstance(given, list):
        raise IllegalReply("instructions is not an array")
    return given


def _instruction(given: object, context: Context) -> Instruction:
    if not isinstance(given, dict):
        raise IllegalReply("an instruction is not an object")
    name = _legal(given, "instruction", context, _INSTRUCTIONS[context])
    return instructions.READERS[name](given)


def _legal(given: Given, what: str, context: Context, legal: frozenset[str]) -> str:
    spelled = reading.name(given, f"an {what}" if what == "instruction" else "the action")
    names = {name.lower(): name for name in legal}
    if spelled.lower() not in names:
        raise IllegalReply(f"{context.upper()} takes no {what} {spelled}")
    return names[spelled.lower()]
