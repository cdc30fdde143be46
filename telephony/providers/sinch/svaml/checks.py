"""The questions every part of SVAML asks about its fields. None, where a field may be left out, is always right."""

from __future__ import annotations

import re
from collections.abc import Collection

from telephony.providers.sinch.svaml.errors import BuilderError
from telephony.providers.sinch.svaml.limits import DTMF_TO_SEND, INCOMING, LONGEST_CALL_SECONDS, PRIVATE

_NUMBER = re.compile(r"\+[1-9][0-9]{6,14}")
_LOCALE = re.compile(r"[a-z]{2,3}-[A-Z]{2}")
# What would end a prompt early, for which no escape is documented, and what is no character at all.
_UNSPEAKABLE = re.compile("[\\];\x00\ud800-\udfff]")
_NO_ADDRESS = re.compile(r"[\s\];]")


def require_number(field: str, value: str | None) -> None:
    if value is not None and not _NUMBER.fullmatch(value):
        raise BuilderError(field, "a number in E.164 with its plus", value)


def require_cli(field: str, value: str | None) -> None:
    """A number, `private`, or `incoming`, which the old SDK sends for the caller's own."""
    if value is not None and value not in (PRIVATE, INCOMING) and not _NUMBER.fullmatch(value):
        raise BuilderError(field, "a number in E.164, private or incoming", value)


def require_locale(field: str, value: str | None) -> None:
    if value is not None and not _LOCALE.fullmatch(value):
        raise BuilderError(field, "a language and a country, like en-US", value)


def require_whole(field: str, value: int | None, least: int, most: int, unit: str) -> None:
    if value is not None and not least <= value <= most:
        raise BuilderError(field, f"{least} to {most} {unit}", value)


def require_call_seconds(field: str, value: int | None) -> None:
    require_whole(field, value, 1, LONGEST_CALL_SECONDS, "seconds")


def require_at_least(field: str, value: int | None, least: int) -> None:
    if value is not None and value < least:
        raise BuilderError(field, f"at least {least}", value)


def require_length(field: str, value: str | None, most: int) -> None:
    """Between one character and so many."""
    if value is not None and not 0 < len(value) <= most:
        raise BuilderError(field, f"1 to {most} characters", len(value))


def require_one_of(field: str, value: str | None, allowed: Collection[str]) -> None:
    if value is not None and value not in allowed:
        raise BuilderError(field, f"one of {', '.join(sorted(allowed))}", value)


def require_speakable(field: str, value: str) -> None:
    """Not empty, and nothing in it that would end a prompt early."""
    if not value:
        raise BuilderError(field, "a text that is not empty", value)
    if _UNSPEAKABLE.search(value):
        raise BuilderError(field, "a text without ], ; and NUL", value)


def require_dtmf(field: str, value: str | None) -> None:
    if value is not None and (not value or value.strip(DTMF_TO_SEND)):
        raise BuilderError(field, "digits, # and w", value)


def require_sip_address(field: str, value: str) -> None:
    """user@host, or the same after `sip:`."""
    user, at, host = value.removeprefix("sip:").partition("@")
    if not (user and at and host) or _NO_ADDRESS.search(value):
        raise BuilderError(field, "a SIP address with an @", value)


def require_web_address(field: str, value: str, *schemes: str) -> None:
    """An address with one of the schemes, and nothing in it that would end a prompt early."""
    scheme, separator, rest = value.partition("://")
    if scheme not in schemes or not separator or not rest or _NO_ADDRESS.search(value):
        raise BuilderError(field, f"an address that begins with {' or '.join(f'{s}://' for s in schemes)}", value)
