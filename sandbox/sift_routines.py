"""Routines: the list of commands that an application answers with, read strictly and all at once.

    {"routine": [{"name": "Say", "text": "Hello."}, {"name": "HangUp"}]}

A command that does not exist, a property that is missing, of the wrong type or unknown to the command makes the whole
routine illegal. The spelling of the properties is that of the reference page of each command: what records or
transcribes is spelt differently in JoinConference.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

from sandbox import wire
from sandbox.numbers import E164

CHARACTERS_PER_SECOND = 15
SOUND_SECONDS = 3
LONGEST_NAME = 255
USUAL_TIMEOUT_SECONDS = 10.0

GetName = Literal["GetDigits", "GetNumber", "GetName", "GetDate", "GetFreeResponse", "GetYesOrNo", "GetMultipleChoice"]


class IllegalRoutine(Exception):
    """The routine cannot be run; the message says why."""


@dataclass(frozen=True)
class Say:
    """Text to speech."""

    text: str
    on_done: str = ""

    @property
    def seconds(self) -> int:
        """How long it takes: a second for every 15 characters begun."""
        return max(1, -(-len(self.text) // CHARACTERS_PER_SECOND))


@dataclass(frozen=True)
class Play:
    """A sound file, which takes three seconds."""

    sound_url: str
    on_done: str = ""
    seconds = SOUND_SECONDS


@dataclass(frozen=True)
class HangUp:
    """The end."""


@dataclass(frozen=True)
class Bridge:
    """CallPhone, CallClient or JoinConference: whom to bring to the line, and where to tell of the conversation."""

    kind: Literal["phone", "client", "conference"]
    endpoint: str
    event_url: str = ""
    do_record: bool = False


@dataclass(frozen=True, kw_only=True)
class Get:
    """A command that wants input: keys for GetDigits, something spoken for the others."""

    name: GetName
    timeout_seconds: float = USUAL_TIMEOUT_SECONDS
    prompt_url: str = ""
    on_done: str = ""
    count: int | None = None
    choices: tuple[str, ...] = ()


Command = Say | Play | HangUp | Bridge | Get
Routine = tuple[Command, ...]


def read_reply(body: bytes) -> Routine | None:
    """The routine in the answer to a callback; None when the answer is empty. Raises IllegalRoutine."""
    if not body.strip():
        return None
    try:
        document = wire.loads(body)
    except ValueError:
        raise IllegalRoutine("the answer is not JSON") from None
    if not isinstance(document, dict) or "routine" not in document:
        raise IllegalRoutine("the answer has no routine")
    return read_routine(document["routine"])


def read_routine(document: object) -> Routine:
    """The commands, in order. Raises IllegalRoutine."""
    if not isinstance(document, list):
        raise IllegalRoutine("the routine is no list")
    return tuple(_command(each, position) for position, each in enumerate(document, 1))


def _command(document: object, position: int) -> Command:
    if not isinstance(document, dict) or not isinstance(document.get("name"), str):
        raise IllegalRoutine(f"command {position} has no name")
    name = document["name"]
    if name not in COMMANDS:
        raise IllegalRoutine(f"there is no command {name}")
    given = _Given(name, {key: value for key, value in document.items() if key != "name"})
    command = COMMANDS[name](given)
    given.nothing_else()
    return command


class _Given:
    """The properties of one command; what was asked for is taken out."""

    def __init__(self, name: str, properties: Mapping[str, Any]) -> None:
        self.name = name
        self._left = dict(properties)

    def nothing_else(self) -> None:
        if self._left:
            raise IllegalRoutine(f"{self.name} has no property {min(self._left)}")

    def text(self, name: str, *, required: bool = False, longest: int | None = None) -> str:
        value = self._left.pop(name, None if required else "")
        if not isinstance(value, str) or (required and not value.strip()):
            raise self._wrong(name, "a text" if value is not None else "there")
        if longest is not None and len(value) > longest:
            raise self._wrong(name, f"at most {longest} characters long")
        return value

    def url(self, name: str, *, required: bool = False) -> str:
        value = self.text(name, required=required)
        parts = urlsplit(value)
        if value and (parts.scheme not in ("http", "https") or not parts.hostname):
            raise self._wrong(name, "an http or https URL")
        return value

    def number(self, name: str) -> str:
        value = self.text(name, required=True)
        if not E164.fullmatch(value):
            raise self._wrong(name, "in E.164")
        return value

    def flag(self, name: str, usual: bool = False) -> bool:
        value = self._left.pop(name, usual)
        if not isinstance(value, bool):
            raise self._wrong(name, "true or false")
        return value

    def texts(self, name: str, *, required: bool = False) -> tuple[str, ...]:
        value = self._left.pop(name, None if required else [])
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value) or (required and not value):
            raise self._wrong(name, "a list of texts")
        return tuple(value)

    def amount(self, name: str) -> float | None:
        """A number above 0, or None when it is not given."""
        value = self._left.pop(name, None)
        if value is None:
            return None
        if isinstance(value, bool | str | list | dict) or not 0 < value < 1_000_000:
            raise self._wrong(name, "a number above 0")
        return float(value)

    def _wrong(self, name: str, what: str) -> IllegalRoutine:
        return IllegalRoutine(f"{self.name}.{name} is not {what}")


def _say(given: _Given) -> Say:
    return Say(given.text("text", required=True), given.url("on_done"))


def _play(given: _Given) -> Play:
    sound_url = given.url("sound_url", required=True)
    if not urlsplit(sound_url).path.lower().endswith((".wav", ".mp3")):
        raise IllegalRoutine("Play.sound_url is neither .wav nor .mp3")
    return Play(sound_url, given.url("on_done"))


def _call_phone(given: _Given) -> Bridge:
    return _bridge(given, "phone", given.number("phone_number"), records=False)


def _call_client(given: _Given) -> Bridge:
    return _bridge(given, "client", given.text("client_name", required=True, longest=LONGEST_NAME), records=True)


def _bridge(given: _Given, kind: Literal["phone", "client"], endpoint: str, *, records: bool) -> Bridge:
    for name in ("live_talk_times", "live_transcripts", "live_topics"):
        given.flag(name)
    given.texts("processors")
    return Bridge(kind, endpoint, given.url("event_callback"), given.flag("do_record", records))


def _join(given: _Given) -> Bridge:
    for name in ("live_transcription", "live_topics", "live_talk_time"):
        given.flag(name)
    name = given.text("conference_name", required=True, longest=LONGEST_NAME)
    return Bridge("conference", name, given.url("on_event"), given.flag("do_record"))


def _digits(given: _Given) -> Get:
    count = given.amount("count")
    if count is not None and count != int(count):
        raise IllegalRoutine("GetDigits.count is not whole")
    return _get(given, "GetDigits", count=None if count is None else int(count), required=False)


def _spoken(name: GetName) -> Callable[[_Given], Get]:
    return lambda given: _get(given, name)


def _choice(given: _Given) -> Get:
    return _get(given, "GetMultipleChoice", choices=given.texts("choices", required=True))


def _get(
    given: _Given, name: GetName, *, count: int | None = None, choices: Sequence[str] = (), required: bool = True
) -> Get:
    return Get(
        name=name,
        timeout_seconds=given.amount("timeout_seconds") or USUAL_TIMEOUT_SECONDS,
        prompt_url=given.url("prompt_url"),
        on_done=given.url("on_done", required=required),
        count=count,
        choices=tuple(choices),
    )


COMMANDS: Mapping[str, Callable[[_Given], Command]] = {
    "Say": _say,
    "Play": _play,
    "HangUp": lambda given: HangUp(),
    "CallPhone": _call_phone,
    "CallClient": _call_client,
    "JoinConference": _join,
    "GetDigits": _digits,
    "GetNumber": _spoken("GetNumber"),
    "GetName": _spoken("GetName"),
    "GetDate": _spoken("GetDate"),
    "GetFreeResponse": _spoken("GetFreeResponse"),
    "GetYesOrNo": _spoken("GetYesOrNo"),
    "GetMultipleChoice": _choice,
}
