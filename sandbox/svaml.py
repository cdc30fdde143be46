"""Reading the replies of an application: SVAML version 1, as tolerant in letter case as the platform is.

Names and properties are read in any case; a destination of connectPstn as `number` or as
`destination{type, endpoint}`. Everything else is strict, so that a mistake shows on the desk.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sandbox import wire

Context = Literal["ice", "ace"]

LONGEST_CALL_SECONDS = 14400
LONGEST_TEXT = 600
COOKIE_BYTES = 1024
E164 = re.compile(r"\+[1-9][0-9]{6,14}")

_INSTRUCTIONS = {
    name.lower(): name
    for name in ("say", "playFiles", "setCookie", "startRecording", "stopRecording", "sendDtmf", "answer")
}
_ONLY_BEFORE_ANSWER = {"senddtmf", "answer"}
_PLAYED = frozenset(["hangup", "continue", "connectpstn", "connectmxp"])
_ACTIONS: Mapping[Context, frozenset[str]] = {
    "ice": _PLAYED | {"connectconf", "connectsip", "connectstream", "runmenu", "park"},
    "ace": frozenset(["hangup", "continue", "connectconf", "runmenu"]),
}


class IllegalReply(Exception):
    """The reply is not SVAML that the platform would obey here; the message says why."""


class NotPlayedHere(IllegalReply):
    """The reply is legal, but this sandbox cannot act it out yet."""


@dataclass(frozen=True)
class Heard:
    """One instruction carried out: its name in camelCase and what was said, played or set."""

    name: str
    text: str = ""


@dataclass(frozen=True)
class Hangup:
    pass


@dataclass(frozen=True)
class Continue:
    pass


@dataclass(frozen=True)
class ConnectPstn:
    """number None means the number that was dialled; cli None means the caller's own."""

    number: str | None = None
    limit_seconds: int | None = None
    ring_seconds: int | None = None
    cli: str | None = None
    suppress_callbacks: bool = False


@dataclass(frozen=True)
class ConnectMxp:
    """user None means the user that was called."""

    user: str | None = None


Action = Hangup | Continue | ConnectPstn | ConnectMxp


@dataclass(frozen=True)
class Reply:
    """What to do on the way, and what becomes of the call."""

    heard: tuple[Heard, ...]
    cookies: Mapping[str, str]
    action: Action
    action_name: str


def read_reply(body: bytes, context: Context) -> Reply:
    """Understand the body of a 200 answer to ICE or ACE.

    Raises IllegalReply or NotPlayedHere.
    """
    try:
        document = _fold(wire.loads(body))
    except ValueError as error:
        raise IllegalReply(f"the reply is not JSON: {error}") from error
    except RecursionError as error:
        raise IllegalReply("the reply is nested too deeply") from error
    if not isinstance(document, dict):
        raise IllegalReply("the reply is not a JSON object")
    instructions = document.get("instructions") or []
    if not isinstance(instructions, list):
        raise IllegalReply("instructions is not an array")
    read = [_instruction(each, context) for each in instructions]
    cookies = {key: value for _, cookie in read for key, value in cookie.items()}
    if sum(len(f"{key}{value}".encode()) for key, value in cookies.items()) > COOKIE_BYTES:
        raise IllegalReply(f"the cookies are longer than {COOKIE_BYTES} bytes")
    name, action = _action(document.get("action"), context)
    return Reply(tuple(heard for heard, _ in read), cookies, action, name)


def _fold(value: Any) -> Any:
    """The same document with lower-case property names; a property given twice is refused."""
    if isinstance(value, list):
        return [_fold(each) for each in value]
    if not isinstance(value, dict):
        return value
    folded = {key.lower(): _fold(each) for key, each in value.items()}
    if len(folded) != len(value):
        raise IllegalReply("a property is given twice, in different letter case")
    return folded


def _instruction(given: Any, context: Context) -> tuple[Heard, dict[str, str]]:
    if not isinstance(given, dict):
        raise IllegalReply("an instruction is not an object")
    folded = _name(given, "an instruction").lower()
    if folded not in _INSTRUCTIONS or (context == "ace" and folded in _ONLY_BEFORE_ANSWER):
        raise IllegalReply(f"{context.upper()} takes no instruction {given['name']}")
    name = _INSTRUCTIONS[folded]
    match folded:
        case "say":
            text = _required_text(given, "text", name)
            if len(text) > LONGEST_TEXT:
                raise IllegalReply(f"say.text is longer than {LONGEST_TEXT} characters")
            return Heard(name, text), {}
        case "playfiles":
            ids = given.get("ids")
            if not isinstance(ids, list) or not ids or not all(isinstance(each, str) for each in ids):
                raise IllegalReply("playFiles.ids is not an array of prompts")
            return Heard(name, ";".join(ids)), {}
        case "setcookie":
            key, value = _required_text(given, "key", name), _required_text(given, "value", name)
            return Heard(name, f"{key}={value}"), {key: value}
        case "senddtmf":
            return Heard(name, _required_text(given, "value", name)), {}
    return Heard(name), {}


def _action(given: Any, context: Context) -> tuple[str, Action]:
    if not isinstance(given, dict):
        raise IllegalReply("the reply has no action")
    spelled = _name(given, "the action")
    name = spelled.lower()
    if name not in _ACTIONS[context]:
        raise IllegalReply(f"{context.upper()} takes no action {spelled}")
    if name not in _PLAYED:
        raise NotPlayedHere(f"{spelled} is legal but not yet played by this sandbox")
    match name:
        case "hangup":
            return "hangup", Hangup()
        case "continue":
            return "continue", Continue()
        case "connectmxp":
            return "connectMxp", ConnectMxp(_destination(given, "username"))
    return "connectPstn", _connect_pstn(given)


def _connect_pstn(given: Mapping[str, Any]) -> ConnectPstn:
    number = _text(given, "number") or _destination(given, "number")
    if number is not None and not E164.fullmatch(number):
        raise IllegalReply(f"connectPstn.number is not E.164: {number}")
    suppress = given.get("suppresscallbacks")
    if suppress is not None and not isinstance(suppress, bool):
        raise IllegalReply("connectPstn.suppressCallbacks is not true or false")
    return ConnectPstn(
        number=number,
        limit_seconds=_seconds(given, "maxDuration"),
        ring_seconds=_seconds(given, "dialTimeout"),
        cli=_text(given, "cli"),
        suppress_callbacks=bool(suppress),
    )


def _destination(given: Mapping[str, Any], kind: str) -> str | None:
    destination = given.get("destination")
    if destination is None:
        return None
    if not isinstance(destination, dict) or str(destination.get("type", kind)).lower() != kind:
        raise IllegalReply(f"the destination is not of type {kind}")
    return _required_text(destination, "endpoint", "destination")


def _seconds(given: Mapping[str, Any], name: str) -> int | None:
    value = given.get(name.lower())
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= LONGEST_CALL_SECONDS:
        raise IllegalReply(f"connectPstn.{name} is not a whole number from 1 to {LONGEST_CALL_SECONDS}: {value}")
    return value


def _name(given: Mapping[str, Any], whose: str) -> str:
    name = given.get("name")
    if not isinstance(name, str):
        raise IllegalReply(f"{whose} has no name")
    return name


def _text(given: Mapping[str, Any], name: str) -> str | None:
    value = given.get(name)
    if value is not None and not isinstance(value, str):
        raise IllegalReply(f"{name} is not text")
    return value or None


def _required_text(given: Mapping[str, Any], name: str, whose: str) -> str:
    value = _text(given, name)
    if value is None:
        raise IllegalReply(f"{whose}.{name} is missing")
    return value
