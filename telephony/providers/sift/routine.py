"""Sift's routine: the commands a connection follows, one after the other.

>>> Routine([Say("Hello there."), HangUp()]).encoded
b'{"routine":[{"name":"Say","text":"Hello there."},{"name":"HangUp"}]}'
>>> CallClient("alice").wire()
{'name': 'CallClient', 'client_name': 'alice', 'do_record': False}

Commands and properties carry the wire's own names, from the reference pages of Sift's API and its guides; what only a
guide shows is said beside it. A command is checked when it is made: what Sift has no words for raises CannotExpress.
Property by property, what is not set is not sent. Addresses of ours carry a secret and are left out of `repr`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, ClassVar

from telephony.providers.base import CannotExpress
from telephony.providers.sift.checks import (
    LONGEST_NAME,
    require_address,
    require_flag,
    require_number,
    require_sound,
    require_text,
    require_texts,
    require_whole,
)

# Ours: Sift publishes no bounds.
MOST_COMMANDS = 100
MOST_DIGITS = 64
MOST_CHOICES = 100
MOST_PROCESSORS = 16
LONGEST_CHOICE = 200
LONGEST_TIMEOUT_SECONDS = 600

Wire = dict[str, Any]


class Command:
    """One thing a connection does. Its name on the wire is the class's, its properties are the fields."""

    always_sent: ClassVar[frozenset[str]] = frozenset()

    def wire(self) -> Wire:
        """This command as a JSON object: what is required comes first, then the rest as it is declared."""
        values: Wire = {"name": type(self).__name__}
        declared = fields(self)  # type: ignore[arg-type]  # every command is a dataclass
        for each in sorted(declared, key=lambda each: each.default is not MISSING):
            value = getattr(self, each.name)
            if each.name in self.always_sent or value not in (None, False, ()):
                values[each.name] = list(value) if isinstance(value, tuple) else value
        return values


@dataclass(frozen=True)
class Say(Command):
    """Speak a text."""

    text: str
    on_done: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        require_text("Say.text", self.text)
        _require_optional_address("Say.on_done", self.on_done)


@dataclass(frozen=True)
class Play(Command):
    """Play a sound, a .wav or an .mp3."""

    sound_url: str
    on_done: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        require_sound("Play.sound_url", self.sound_url)
        _require_optional_address("Play.on_done", self.on_done)


@dataclass(frozen=True)
class HangUp(Command):
    """End the connection."""


@dataclass(frozen=True, kw_only=True)
class Conversation(Command):
    """What CallPhone and CallClient may be told besides whom to call.

    `event_callback` hears of the conversation, of its end in any case. `processors` work on the recording once it has
    ended: without `do_record` Sift would ignore them.
    """

    event_callback: str | None = field(default=None, repr=False)
    live_talk_times: bool = False
    live_transcripts: bool = False
    live_topics: bool = False
    do_record: bool = False
    processors: tuple[str, ...] = ()

    def _require_conversation(self) -> None:
        name = type(self).__name__
        _require_optional_address(f"{name}.event_callback", self.event_callback)
        for flag in ("live_talk_times", "live_transcripts", "live_topics", "do_record"):
            require_flag(f"{name}.{flag}", getattr(self, flag))
        if self.processors == ():
            return
        require_texts(f"{name}.processors", self.processors, MOST_PROCESSORS, LONGEST_NAME)
        if not self.do_record:
            raise CannotExpress(f"Sift: {name}.processors work on a recording, so do_record has to be true with them.")


@dataclass(frozen=True)
class CallPhone(Conversation):
    """Call a telephone and connect it. No caller ID, no limit and no time for ringing can be said."""

    phone_number: str

    def __post_init__(self) -> None:
        require_number("CallPhone.phone_number", self.phone_number)
        self._require_conversation()


@dataclass(frozen=True)
class CallClient(Conversation):
    """Call a browser client and connect it.

    `do_record` is always sent: here, unlike for telephones, the reference has Sift record unless it is told not to.
    """

    always_sent: ClassVar[frozenset[str]] = frozenset({"do_record"})

    client_name: str

    def __post_init__(self) -> None:
        require_text("CallClient.client_name", self.client_name, LONGEST_NAME)
        self._require_conversation()


@dataclass(frozen=True)
class JoinConference(Command):
    """Let the connection into a conference, which begins with the first who comes.

    The properties are those of the guide to live calls, which spells them otherwise than CallPhone's reference. No page
    says whether Sift records a conference unless it is told not to, so `do_record` is always sent.
    """

    always_sent: ClassVar[frozenset[str]] = frozenset({"do_record"})

    conference_name: str
    on_event: str | None = field(default=None, repr=False, kw_only=True)
    live_transcription: bool = field(default=False, kw_only=True)
    live_topics: bool = field(default=False, kw_only=True)
    live_talk_time: bool = field(default=False, kw_only=True)
    do_record: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        require_text("JoinConference.conference_name", self.conference_name, LONGEST_NAME)
        _require_optional_address("JoinConference.on_event", self.on_event)
        for flag in ("live_transcription", "live_topics", "live_talk_time", "do_record"):
            require_flag(f"JoinConference.{flag}", getattr(self, flag))


@dataclass(frozen=True, kw_only=True)
class GetDigits(Command):
    """Wait for keys: until `count` of them were pressed, or #, which is not told, or none was for `timeout_seconds`."""

    count: int | None = None
    timeout_seconds: int | None = None
    prompt_url: str | None = None
    on_done: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.count is not None:
            require_whole("GetDigits.count", self.count, MOST_DIGITS, "keys")
        _require_optional_address("GetDigits.on_done", self.on_done)
        _require_prompt("GetDigits", self.timeout_seconds, self.prompt_url)


@dataclass(frozen=True, kw_only=True)
class SpokenAnswer(Command):
    """What every command has that waits for something said. When the time is up the routine goes on."""

    on_done: str = field(repr=False)
    timeout_seconds: int | None = None
    prompt_url: str | None = None

    def __post_init__(self) -> None:
        name = type(self).__name__
        require_address(f"{name}.on_done", self.on_done)
        _require_prompt(name, self.timeout_seconds, self.prompt_url)


@dataclass(frozen=True, kw_only=True)
class GetNumber(SpokenAnswer):
    """Wait for a spoken number."""


@dataclass(frozen=True, kw_only=True)
class GetName(SpokenAnswer):
    """Wait for a spoken name."""


@dataclass(frozen=True, kw_only=True)
class GetDate(SpokenAnswer):
    """Wait for a spoken date."""


@dataclass(frozen=True, kw_only=True)
class GetFreeResponse(SpokenAnswer):
    """Wait for whatever is said."""


@dataclass(frozen=True, kw_only=True)
class GetYesOrNo(SpokenAnswer):
    """Wait for yes or no."""


@dataclass(frozen=True, kw_only=True)
class GetMultipleChoice(SpokenAnswer):
    """Wait for one of the `choices`."""

    choices: tuple[str, ...]

    def __post_init__(self) -> None:
        require_texts("GetMultipleChoice.choices", self.choices, MOST_CHOICES, LONGEST_CHOICE)
        super().__post_init__()


@dataclass(frozen=True)
class Routine:
    """Commands, of which there is at least one: "nothing" is said by an empty answer and never by an empty routine."""

    commands: Sequence[Command]

    def __post_init__(self) -> None:
        object.__setattr__(self, "commands", tuple(self.commands))
        if not 1 <= len(self.commands) <= MOST_COMMANDS:
            raise CannotExpress(f"Sift: a routine takes 1 to {MOST_COMMANDS} commands.")

    def wire(self) -> Wire:
        """The body of a reply, or of what a connection is told."""
        return {"routine": [command.wire() for command in self.commands]}

    @property
    def encoded(self) -> bytes:
        """The same as JSON: compact, UTF-8."""
        return json.dumps(self.wire(), separators=(",", ":"), ensure_ascii=False).encode()


def _require_optional_address(name: str, value: str | None) -> None:
    if value is not None:
        require_address(name, value)


def _require_prompt(command: str, timeout_seconds: int | None, prompt_url: str | None) -> None:
    if timeout_seconds is not None:
        require_whole(f"{command}.timeout_seconds", timeout_seconds, LONGEST_TIMEOUT_SECONDS, "seconds")
    if prompt_url is not None:
        require_sound(f"{command}.prompt_url", prompt_url)
