"""Numbers at Sinch: those we rent, and what Sinch knows about any number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from telephony.events import Cost
from telephony.providers.base import ProviderTrouble
from telephony.providers.reading import JsonObject
from telephony.providers.sinch.fields import Fields
from telephony.providers.sinch.rest import Rest, encode, segment

NUMBERS_PATH = "/v1/configuration/numbers"


class Capability(StrEnum):
    """What a rented number is for. OTHER is never sent."""

    VOICE = "voice"
    SMS = "sms"
    OTHER = "other"


class NumberKind(StrEnum):
    """What sort of line a number belongs to."""

    FIXED = "fixed"
    MOBILE = "mobile"
    UNKNOWN = "unknown"
    OTHER = "other"


@dataclass(frozen=True, kw_only=True)
class RentedNumber:
    """A number we rent. An empty `application_key` means: assigned to none."""

    number: str
    application_key: str
    capability: Capability
    capability_word: str


@dataclass(frozen=True, kw_only=True)
class NumberFacts:
    """What Sinch knows about a number. `rate` is what Sinch charges us per minute, never the retail price."""

    number: str
    country: str
    kind: NumberKind
    kind_word: str
    restricted: bool | None
    rate: Cost | None


class Numbers:
    """The numbers of one application.

    Every method raises RequestRefused when Sinch will not, ProviderTrouble when nothing is known.
    """

    def __init__(self, rest: Rest, key: str) -> None:
        self._rest = rest
        self._key = key

    def rented(self) -> tuple[RentedNumber, ...]:
        """Every number we rent, whichever application it is assigned to."""
        found = self._rest.get(NUMBERS_PATH, subject="our numbers").get("numbers")
        if not isinstance(found, list) or not all(isinstance(each, JsonObject) for each in found):
            raise ProviderTrouble("Sinch's answer does not list numbers.")
        return tuple(_rented(Fields(each)) for each in found)

    def assign(self, numbers: Sequence[str], capability: Capability = Capability.VOICE) -> None:
        """Have what comes in on these numbers handled by the application."""
        body = encode({"numbers": list(numbers), "applicationkey": self._key, "capability": _sendable(capability)})
        self._rest.send("POST", NUMBERS_PATH, body, subject="these numbers")

    def unassign(self, number: str, capability: Capability = Capability.VOICE) -> None:
        """Take a number away from the application. We go on renting it."""
        body = encode({"number": number, "applicationkey": self._key, "capability": _sendable(capability)})
        self._rest.send("DELETE", NUMBERS_PATH, body, subject="this number")

    def query(self, number: str) -> NumberFacts:
        """What Sinch knows about a number and would charge for it."""
        answer = self._rest.get(f"/v1/calling/query/number/{segment(number)}", subject="this number")
        # The reference has the first name, one of its samples the second.
        facts = answer.get("number") or answer.get("numberitem")
        if not isinstance(facts, JsonObject):
            raise ProviderTrouble("Sinch's answer says nothing about the number.")
        return _facts(Fields(facts))


def _sendable(capability: Capability) -> Capability:
    if capability is Capability.OTHER:
        raise ValueError("A number is for voice or for text messages.")
    return capability


def _rented(fields: Fields) -> RentedNumber:
    word = fields.word("capability")
    return RentedNumber(
        number=fields.number("number"),
        application_key=fields.text("applicationKey"),
        capability=_CAPABILITIES.get(word.lower(), Capability.OTHER),
        capability_word=word,
    )


def _facts(fields: Fields) -> NumberFacts:
    word = fields.word("numberType")
    return NumberFacts(
        number=fields.number("normalizedNumber"),
        country=fields.word("countryId").upper(),
        kind=_KINDS.get(word.lower(), NumberKind.OTHER),
        kind_word=word,
        restricted=fields.flag("restricted"),
        rate=fields.cost("rate"),
    )


_CAPABILITIES: Mapping[str, Capability] = {"voice": Capability.VOICE, "sms": Capability.SMS}
_KINDS: Mapping[str, NumberKind] = {
    "fixed": NumberKind.FIXED,
    "mobile": NumberKind.MOBILE,
    "unknown": NumberKind.UNKNOWN,
    "other": NumberKind.OTHER,
}
