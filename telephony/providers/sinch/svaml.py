"""SVAML: Sinch's call-control replies, written the way they are read.

A reply is any number of *instructions*, performed in the order written, and exactly one *action*. What Sinch
allows where is in the signatures of `ice`, `ace` and `pie`, so a type checker refuses an illegal reply.
Callbacks always stay on: the field that silences them does not exist here, because a prepaid call nobody
reports cannot be charged.

>>> reply = ice(Say("Welcome."), action=ConnectPstn("+442079460000", max_duration=720))
>>> json.loads(reply)["action"]
{'name': 'connectPstn', 'number': '+442079460000', 'maxDuration': 720, 'locale': 'en-US'}
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, fields
from typing import Any

LONGEST_SPEECH = 600
LONGEST_CALL_SECONDS = 14_400
LONGEST_COOKIE_BYTES = 1024
LONGEST_USER = 128
PRIVATE = "private"

_NUMBER = re.compile(r"\+[1-9][0-9]{6,14}")
_LOCALE = re.compile(r"[a-z]{2,3}-[A-Z]{2}")


class Verb:
    """An instruction or an action. Its wire name is the class name in lowerCamelCase."""

    def wire(self) -> dict[str, Any]:
        word = type(self).__name__
        return {"name": word[0].lower() + word[1:], **_members(self)}


# Instructions


@dataclass(frozen=True)
class Say(Verb):
    """Speak a text of at most 600 characters. `]` and `;` end a prompt early and are refused."""

    text: str
    locale: str = "en-US"

    def __post_init__(self) -> None:
        _require(0 < len(self.text) <= LONGEST_SPEECH, f"a spoken text has 1 to {LONGEST_SPEECH} characters")
        _require(not set("];") & set(self.text), "a spoken text cannot contain ']' or ';'")
        _require_locale(self.locale)


@dataclass(frozen=True)
class SetCookie(Verb):
    """Hand a key and a value back in later events of this call: a hint, never the truth."""

    key: str
    value: str

    def __post_init__(self) -> None:
        size = len(self.key.encode()) + len(self.value.encode())
        _require(bool(self.key), "a cookie has a key")
        _require(size <= LONGEST_COOKIE_BYTES, f"a cookie has at most {LONGEST_COOKIE_BYTES} bytes")


@dataclass(frozen=True)
class Answer(Verb):
    """Answer before connecting; from here the incoming leg is charged."""


# Actions


@dataclass(frozen=True)
class Hangup(Verb):
    """End the call."""


@dataclass(frozen=True)
class Continue(Verb):
    """Let an answered call go on."""


@dataclass(frozen=True)
class ConnectPstn(Verb):
    """Connect to a phone number. `cli` is E.164 or `private`; durations are whole seconds."""

    number: str
    cli: str | None = None
    max_duration: int | None = None
    dial_timeout: int | None = None
    locale: str = "en-US"

    def __post_init__(self) -> None:
        _require(bool(_NUMBER.fullmatch(self.number)), "a number is E.164 with its plus")
        shown = self.cli is None or self.cli == PRIVATE or bool(_NUMBER.fullmatch(self.cli))
        _require(shown, "a cli is E.164 or private")
        for seconds in (self.max_duration, self.dial_timeout):
            within = seconds is None or 1 <= seconds <= LONGEST_CALL_SECONDS
            _require(within, f"a duration is 1 to {LONGEST_CALL_SECONDS} seconds")
        _require_locale(self.locale)


@dataclass(frozen=True)
class User:
    """An app's user as a destination."""

    endpoint: str

    def __post_init__(self) -> None:
        _require(0 < len(self.endpoint) <= LONGEST_USER, f"a user has 1 to {LONGEST_USER} characters")

    def wire(self) -> dict[str, Any]:
        return {"type": "username", **_members(self)}


@dataclass(frozen=True)
class ConnectMxp(Verb):
    """Connect to an app's user. Sinch offers no limit for how long."""

    destination: User


# Replies: which may stand where

IceInstruction = Say | SetCookie | Answer
AceInstruction = Say | SetCookie
PieInstruction = Say | SetCookie
IceAction = Hangup | ConnectPstn | ConnectMxp
AceAction = Hangup | Continue
PieAction = Hangup | Continue | ConnectPstn


def ice(*instructions: IceInstruction, action: IceAction) -> bytes:
    """The reply to an Incoming Call Event.

    `continue` is left out: only old documentation allows it here, and it would connect without a limit.
    """
    return _reply(instructions, action)


def ace(*instructions: AceInstruction, action: AceAction) -> bytes:
    """The reply to an Answered Call Event."""
    return _reply(instructions, action)


def pie(*instructions: PieInstruction, action: PieAction) -> bytes:
    """The reply to a Prompt Input Event."""
    return _reply(instructions, action)


def _reply(instructions: tuple[Verb, ...], action: Verb) -> bytes:
    reply = {"instructions": [instruction.wire() for instruction in instructions], "action": action.wire()}
    return json.dumps(reply, separators=(",", ":")).encode("ascii")


def _members(thing: Any) -> dict[str, Any]:
    members = {_camel(field.name): getattr(thing, field.name) for field in fields(thing)}
    return {
        name: value.wire() if isinstance(value, User) else value for name, value in members.items() if value is not None
    }


def _camel(name: str) -> str:
    head, *tail = name.split("_")
    return head + "".join(part.title() for part in tail)


def _require_locale(locale: str) -> None:
    _require(bool(_LOCALE.fullmatch(locale)), "a locale is a language and a country, like en-US")


def _require(holds: bool, rule: str) -> None:
    if not holds:
        raise ValueError(f"SVAML: {rule}.")
