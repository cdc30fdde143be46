"""What callers hear, as commands.

`commands` raises CannotExpress for what Sift cannot play, which is said when a menu is set up. In the middle of a call
`audible` leaves it out instead: whoever listens is better off with the rest than with nothing.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from contextlib import suppress

from telephony.menus import Prompt, Sound
from telephony.providers.base import CannotExpress
from telephony.providers.reading import clean
from telephony.providers.sift.checks import LONGEST_TEXT
from telephony.providers.sift.routine import Command, Play, Say


def commands(prompt: Prompt) -> list[Command]:
    """The prompt, one command per part, in the order written. Raises CannotExpress."""
    return [Play(part.url) if isinstance(part, Sound) else Say(part.text) for part in prompt]


def audible(prompt: Prompt) -> list[Command]:
    """Of the prompt what can be played, as far as it can."""
    return list(_audible(prompt))


def speakable(text: str) -> str:
    """The text without what cannot be spoken, cut to what we have Sift speak; empty when nothing is left."""
    shown = clean(text).replace("\N{REPLACEMENT CHARACTER}", " ")
    spoken = "".join(" " if unicodedata.category(each) == "Cc" else each for each in shown)
    return spoken.strip()[:LONGEST_TEXT].strip()


def _audible(prompt: Prompt) -> Iterator[Command]:
    for part in prompt:
        with suppress(CannotExpress):
            yield Play(part.url) if isinstance(part, Sound) else Say(speakable(part.text))
