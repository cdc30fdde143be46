"""A reply that was found to be legal, and the one place where replies are put together."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from telephony.providers.sinch.svaml.errors import BuilderError
from telephony.providers.sinch.svaml.limits import LONGEST_COOKIE_BYTES, MAIN, MOST_PROMPTS, SpeechLimits
from telephony.providers.sinch.svaml.wire import Verb, bytes_in

_ENCODE = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode


@dataclass(frozen=True)
class Caution:
    """What is legal and may yet fail somewhere: the field, what would be safe, and what is there."""

    field: str
    limit: str
    value: object

    def __str__(self) -> str:
        return f"{self.field} is safe with {self.limit}, not {self.value!r}."


@dataclass(frozen=True)
class Svamlet:
    """A reply, frozen. `body` is compact ASCII JSON, as the text that a custom callout takes."""

    body: str
    warnings: tuple[Caution, ...] = ()

    @property
    def encoded(self) -> bytes:
        """The body as it travels in an HTTP response or request."""
        return self.body.encode("ascii")

    @property
    def model(self) -> dict[str, Any]:
        """The reply as a dictionary: a new one each time, so nobody can change what was checked."""
        model: dict[str, Any] = json.loads(self.body)
        return model


@dataclass(frozen=True)
class Context:
    """What may be said where: the name for sentences, and the classes that are legal."""

    name: str
    instructions: frozenset[type[Any]]
    actions: frozenset[type[Any]]


EMPTY = Svamlet("{}")


def compose(context: Context, instructions: Sequence[Verb], action: Verb, speech: SpeechLimits) -> Svamlet:
    """The reply in this context. Raises BuilderError for what is not legal in it, and for what is too much in sum."""
    for index, instruction in enumerate(instructions):
        if type(instruction) not in context.instructions:
            raise _out_of_place(f"instructions[{index}]", context.name, context.instructions, instruction)
    if type(action) not in context.actions:
        raise _out_of_place("action", context.name, context.actions, action)
    warnings = (*_require_speech(instructions, action, speech), *_first_menu(action))
    _require_prompt_count(instructions)
    _require_cookies(instructions, action)
    reply = {"instructions": [instruction.wire() for instruction in instructions], "action": action.wire()}
    return Svamlet(_ENCODE(reply), warnings)


def _out_of_place(field: str, context: str, legal: Collection[type[Any]], verb: object) -> BuilderError:
    words = ", ".join(sorted({kind.word for kind in legal}))
    given = verb.word if isinstance(verb, Verb) else type(verb).__name__
    return BuilderError(field, f"in {context} one of {words}", given)


def _require_speech(instructions: Sequence[Verb], action: Verb, speech: SpeechLimits) -> tuple[Caution, ...]:
    in_all = 0
    for index, verb in enumerate((*instructions, action)):
        for path, text in verb.spoken():
            if len(text) > speech.per_prompt:
                place = "action" if verb is action else f"instructions[{index}]"
                raise BuilderError(f"{place}.{path}", f"1 to {speech.per_prompt} characters", len(text))
            in_all += len(text)
    if in_all > speech.in_all:
        raise BuilderError("reply", f"at most {speech.in_all} spoken characters in all", in_all)
    if in_all > speech.advised:
        return (Caution("reply", f"{speech.advised} spoken characters in all", in_all),)
    return ()


def _first_menu(action: Verb) -> tuple[Caution, ...]:
    """Old documentation plays the menu called main first; the newer one lets `mainMenu` choose."""
    first = getattr(action, "main_menu", MAIN)
    return () if first == MAIN else (Caution("action.mainMenu", f"the id {MAIN}", first),)


def _require_prompt_count(instructions: Sequence[Verb]) -> None:
    prompts = sum(instruction.prompt_count() for instruction in instructions)
    if prompts > MOST_PROMPTS:
        raise BuilderError("instructions", f"at most {MOST_PROMPTS} prompts", prompts)


def _require_cookies(instructions: Sequence[Verb], action: Verb) -> None:
    size = bytes_in([cookie for verb in (*instructions, action) for cookie in verb.cookies()])
    if size > LONGEST_COOKIE_BYTES:
        raise BuilderError("reply", f"at most {LONGEST_COOKIE_BYTES} bytes of cookies in all", size)
