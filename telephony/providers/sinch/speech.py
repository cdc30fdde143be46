"""Our prompts in Sinch's form: instructions before an action, or a chain inside a menu."""

from __future__ import annotations

from collections.abc import Iterator

from telephony.menus import Prompt, Sound, Spoken
from telephony.providers.reading import clean
from telephony.providers.sinch.svaml import LONGEST_SPEECH, PlayFiles, Say, chain, href, tts

# What would end a prompt early, and what is no sound at all.
_UNSPEAKABLE = {ord("]"): " ", ord("["): " ", ord(";"): ",", 0xFFFD: " "}


def tidied(text: str) -> str:
    """The text without what SVAML cannot speak, however long; empty when nothing is left."""
    return clean(text).translate(_UNSPEAKABLE).strip()


def speakable(text: str) -> str:
    """The text without what SVAML cannot speak, cut to what Sinch speaks; empty when nothing is left."""
    return tidied(text)[:LONGEST_SPEECH]


def instructions(prompt: Prompt, locale: str) -> tuple[Say | PlayFiles, ...]:
    """The prompt as instructions, one per part, in the order written."""
    return tuple(
        PlayFiles((href(part.url),), locale) if isinstance(part, Sound) else Say(part.text, locale)
        for part in _playable(prompt)
    )


def one_prompt(prompt: Prompt) -> str:
    """The prompt as one string, as menus and parks want it; empty when there is nothing to hear."""
    return chain(*(href(part.url) if isinstance(part, Sound) else tts(part.text) for part in _playable(prompt)))


def spoken_characters(prompt: Prompt) -> int:
    """How much Sinch has to speak for a prompt."""
    return sum(len(part.text) for part in _playable(prompt) if isinstance(part, Spoken))


def _playable(prompt: Prompt) -> Iterator[Spoken | Sound]:
    for part in prompt:
        if isinstance(part, Sound):
            yield part
        elif text := speakable(part.text):
            yield Spoken(text)
