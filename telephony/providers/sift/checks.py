"""The questions that everything we say to Sift asks about itself before it is said.

Each raises CannotExpress with one sentence that names the property, says what may stand there and never repeats what
stood there: addresses of ours carry a secret, texts may carry a name.
"""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import urlsplit

from telephony.providers.base import CannotExpress
from telephony.providers.sift.ids import is_id

# Sift publishes no bounds. These are ours, far above what a call needs and far below what hurts anybody.
LONGEST_TEXT = 4_000
LONGEST_NAME = 128
LONGEST_ADDRESS = 2_048
SOUND_ENDINGS = (".wav", ".mp3")

# Controls and halves of characters: nothing that can be spoken, shown or sent as UTF-8.
_UNSAYABLE = frozenset({"Cc", "Cs"})
# By its form alone: what a plan of numbers thinks of it is asked elsewhere, and Sift's own examples are in no plan.
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_ADDRESS = re.compile(r"[!-~]+")
_COUNTRY = re.compile(r"[A-Za-z]{2}")


def require_text(field: str, value: object, most: int = LONGEST_TEXT) -> None:
    """Something a person can hear or read."""
    if not isinstance(value, str) or not value.strip() or len(value) > most:
        raise CannotExpress(f"Sift: {field} takes a text of 1 to {most} characters that is not blank.")
    if any(unicodedata.category(character) in _UNSAYABLE for character in value):
        raise CannotExpress(f"Sift: {field} takes a text without control characters and halves of characters.")


def require_number(field: str, value: object) -> None:
    """A telephone number as Sift dials it."""
    if not isinstance(value, str) or not _E164.fullmatch(value):
        raise CannotExpress(f"Sift: {field} takes a telephone number in E.164 with its plus.")


def require_address(field: str, value: object) -> None:
    """A web address that Sift can ask. A user name and a password may stand in it: they become Basic credentials."""
    if not isinstance(value, str) or len(value) > LONGEST_ADDRESS or not _ADDRESS.fullmatch(value):
        raise CannotExpress(f"Sift: {field} takes a web address of at most {LONGEST_ADDRESS} printable characters.")
    try:
        address = urlsplit(value)
        is_whole = address.scheme in ("http", "https") and bool(address.hostname) and address.port != 0
    except ValueError:
        is_whole = False
    if not is_whole:
        raise CannotExpress(f"Sift: {field} takes a web address that begins with https:// or http:// and a host.")


def require_sound(field: str, value: str) -> None:
    """The address of a sound that Sift can play."""
    require_address(field, value)
    if not urlsplit(value).path.lower().endswith(SOUND_ENDINGS):
        raise CannotExpress(f"Sift: {field} takes the address of a sound that ends in .wav or .mp3.")


def require_whole(field: str, value: object, most: int, unit: str) -> None:
    """A whole number from 1 on."""
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= most:
        raise CannotExpress(f"Sift: {field} takes 1 to {most} {unit}.")


def require_flag(field: str, value: object) -> None:
    if not isinstance(value, bool):
        raise CannotExpress(f"Sift: {field} takes true or false.")


def require_texts(field: str, value: object, most: int, most_characters: int) -> None:
    """Some texts, each once."""
    if not isinstance(value, tuple) or not 1 <= len(value) <= most:
        raise CannotExpress(f"Sift: {field} takes 1 to {most} texts.")
    for text in value:
        require_text(field, text, most_characters)
    if len(set(value)) != len(value):
        raise CannotExpress(f"Sift: {field} takes each text once.")


def require_id(field: str, value: object) -> None:
    if not is_id(value):
        raise CannotExpress(f"Sift: {field} takes an id: up to 64 letters, digits, _ and -.")


def require_country(field: str, value: object) -> None:
    if not isinstance(value, str) or not _COUNTRY.fullmatch(value):
        raise CannotExpress(f"Sift: {field} takes a country as two letters, like US.")
