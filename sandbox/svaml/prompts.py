"""Prompts: #tts[text], #ssml[<speak>…</speak>], #href[URL], a bare URL, or the name of an uploaded file."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from sandbox.svaml.reading import IllegalReply

Kind = Literal["", "tts", "ssml", "href", "file"]
Leg = Literal["caller", "callee", "both"]

LONGEST_TEXT = 600
LONGEST_TEXTS = 1000
MOST_PROMPTS = 64
LONGEST_FILE_NAME = 128
CHARACTERS_PER_SECOND = 15
FILE_SECONDS = 3

_BRACKETED = re.compile(r"#(?P<kind>tts|ssml|href)\[(?P<text>[^\]]*)\]", re.IGNORECASE)
_URL = re.compile(r"https?://[^\s;\[\]]+", re.IGNORECASE)
_TAG = re.compile(r"<[^>]*>")


@dataclass(frozen=True)
class Heard:
    """One thing carried out: what by name, in camelCase, and what was said, played, sent or set.

    name is that of the instruction, or mainPrompt, repeatPrompt, introPrompt or holdPrompt. kind is that of the
    prompt, empty when it was none. leg is who could hear it.
    """

    name: str
    text: str = ""
    kind: Kind = ""
    leg: Leg = "caller"


@dataclass(frozen=True)
class Prompt:
    """One item to be heard."""

    kind: Kind
    text: str

    @property
    def seconds(self) -> int:
        """How long it takes: a second for every 15 characters begun, three seconds for a file."""
        if self.kind in ("href", "file"):
            return FILE_SECONDS
        spoken = _TAG.sub("", self.text) if self.kind == "ssml" else self.text
        return max(1, -(-len(spoken) // CHARACTERS_PER_SECOND))


def read(chain: str, whose: str, *, bare_url: bool = True) -> tuple[Prompt, ...]:
    """The items of a prompt, which semicolons separate.

    Raises IllegalReply.
    """
    found, rest = [], chain
    while True:
        bracketed = _BRACKETED.match(rest)
        item, rest = (bracketed[0], rest[bracketed.end() :]) if bracketed else _up_to_semicolon(rest)
        found.append(_item(item, whose, bare_url=bare_url))
        if not rest:
            break
        if not rest.startswith(";"):
            raise IllegalReply(f"{whose}: after {item} comes neither ; nor the end")
        rest = rest[1:]
    return limited(found, whose)


def limited(prompts: Sequence[Prompt], whose: str) -> tuple[Prompt, ...]:
    """The prompts, if they are not too many and their texts together not too long."""
    if len(prompts) > MOST_PROMPTS:
        raise IllegalReply(f"{whose} has more than {MOST_PROMPTS} prompts")
    if sum(len(each.text) for each in prompts if each.kind in ("tts", "ssml")) > LONGEST_TEXTS:
        raise IllegalReply(f"the texts of {whose} are together longer than {LONGEST_TEXTS} characters")
    return tuple(prompts)


def speech(text: str, whose: str) -> Prompt:
    """A text to be spoken.

    Raises IllegalReply.
    """
    if not text.strip():
        raise IllegalReply(f"{whose} has nothing to say")
    if len(text) > LONGEST_TEXT:
        raise IllegalReply(f"{whose} is longer than {LONGEST_TEXT} characters")
    return Prompt("tts", text)


def _up_to_semicolon(rest: str) -> tuple[str, str]:
    item, semicolon, after = rest.partition(";")
    return item, semicolon + after


def _item(item: str, whose: str, *, bare_url: bool) -> Prompt:
    bracketed = _BRACKETED.fullmatch(item)
    if bracketed:
        return _bracketed(bracketed["kind"].lower(), bracketed["text"], whose)
    if _URL.fullmatch(item) and bare_url:
        return Prompt("href", item)
    if not item.strip():
        raise IllegalReply(f"{whose} has an empty prompt")
    if "#" in item or "[" in item or "]" in item or "://" in item:
        raise IllegalReply(f"{whose} has a prompt of no known kind: {item}")
    if len(item) > LONGEST_FILE_NAME:
        raise IllegalReply(f"{whose} has a file name longer than {LONGEST_FILE_NAME} characters")
    return Prompt("file", item)


def _bracketed(kind: str, text: str, whose: str) -> Prompt:
    if kind == "href":
        if not _URL.fullmatch(text):
            raise IllegalReply(f"{whose}: #href needs an http or https URL, not {text!r}")
        return Prompt("href", text)
    if kind == "tts":
        if ";" in text:
            # No way to escape it is documented, so nobody can know where the text would end.
            raise IllegalReply(f"{whose} has a ; inside #tts[]")
        return speech(text, whose)
    if not (text.startswith("<speak") and text.endswith("</speak>")):
        raise IllegalReply(f"{whose}: #ssml needs <speak>…</speak>")
    if len(text) > LONGEST_TEXT:
        raise IllegalReply(f"{whose} is longer than {LONGEST_TEXT} characters")
    return Prompt("ssml", text)
