"""Telephone numbers: which application a rented one belongs to, and what is known about any."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Literal

Capability = Literal["voice", "sms"]
NumberType = Literal["Unknown", "Fixed", "Mobile", "Other"]

E164 = re.compile(r"\+[1-9][0-9]{6,14}")
COUNTRIES: Mapping[str, str] = {"+1": "US", "+44": "GB", "+46": "SE", "+61": "AU"}
MOBILE = ("+447", "+467", "+614")


@dataclass(frozen=True)
class Rented:
    """A number and what it is used for; application_key None when no application has it."""

    number: str
    capability: Capability
    application_key: str | None


class Numbers:
    """The rented numbers. This desk rents out any number the moment somebody assigns it."""

    def __init__(self) -> None:
        self._rented: dict[tuple[str, str], Rented] = {}
        self._lock = Lock()

    def assign(self, number: str, application_key: str, capability: Capability) -> None:
        """Give a number to an application, whoever had it before."""
        with self._lock:
            self._rented[number, capability] = Rented(number, capability, application_key)

    def unassign(self, number: str, application_key: str, capability: Capability) -> bool:
        """Take it back; it stays rented. False when the application does not have it."""
        with self._lock:
            found = self._rented.get((number, capability))
            if found is None or (found.application_key or "").lower() != application_key.lower():
                return False
            self._rented[number, capability] = Rented(number, capability, None)
            return True

    def __iter__(self) -> Iterator[Rented]:
        with self._lock:
            return iter(sorted(self._rented.values(), key=lambda each: (each.number, each.capability)))


def country_of(number: str) -> str:
    """The country by ISO 3166, of those this desk knows; else empty."""
    return next((country for prefix, country in COUNTRIES.items() if number.startswith(prefix)), "")


def type_of(number: str) -> NumberType:
    """Mobile or fixed, where the prefix tells."""
    if not country_of(number):
        return "Unknown"
    return "Mobile" if number.startswith(MOBILE) else "Fixed"
