"""What an order must be before anything is sent: a mistake that Sinch would refuse, or worse, take.

Each check raises Impossible with one sentence. What is refused here was certainly not done.
"""

from __future__ import annotations

import re

from telephony.providers.reading import clean

_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_LOCALE = re.compile(r"[a-z]{2,3}-[A-Z]{2}")
_URL_SAFE = re.compile(r"[0-9A-Za-z._~-]+")


class Impossible(ValueError):
    """This can never be asked of Sinch, so it was not."""


def require_number(what: str, number: str) -> None:
    """That it is E.164 with its plus."""
    if not _E164.fullmatch(number):
        raise Impossible(f"{what} is a number in E.164 with its plus.")


def require_text(what: str, text: str, most_characters: int) -> None:
    """That there is a text, that it is not too long, and that every character of it is one."""
    if not 0 < len(text) <= most_characters:
        raise Impossible(f"{what} has 1 to {most_characters} characters, not {len(text)}.")
    if clean(text) != text:
        raise Impossible(f"{what} has a character that cannot be sent.")


def require_reference(what: str, reference: str, most_characters: int) -> None:
    """That it can stand in an address as it is."""
    if not _URL_SAFE.fullmatch(reference) or len(reference) > most_characters or not reference.strip("."):
        raise Impossible(f"{what} is 1 to {most_characters} letters, digits and signs that are safe in an address.")


def require_locale(what: str, locale: str) -> None:
    """That it is a language and a country."""
    if not _LOCALE.fullmatch(locale):
        raise Impossible(f"{what} is a language and a country, like en-US.")


def require_seconds(what: str, seconds: int, most_seconds: int) -> None:
    """That it is a duration Sinch offers."""
    if not 1 <= seconds <= most_seconds:
        raise Impossible(f"{what} is 1 to {most_seconds} seconds, not {seconds}.")
