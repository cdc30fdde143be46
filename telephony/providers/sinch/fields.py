"""Taking an event's fields out of a JSON object, and noting what looked wrong on the way."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from telephony.events import AnsweringMachine, Caller, CallerMode, Cost, Endpoint, EndpointKind
from telephony.providers.sinch.reading import NO_OBJECT, JsonObject, clean, read_moment
from telephony.providers.sinch.words import ENDPOINT_KINDS, HIDDEN_CALLERS

LONGEST_NAME = 64
LONGEST_TEXT = 255
LONGEST_ADDRESS = 2048
LONGEST_CUSTOM = 4096
MOST_PAIRS = 64
MOST_UNKNOWN_FIELDS = 32
LONGEST_DURATION_SECONDS = 10_000_000
LARGEST_AMOUNT = Decimal(1_000_000_000)
MOST_DECIMAL_PLACES = 20

_WIRE_NUMBER = re.compile(r"\+?([1-9][0-9]{6,14})")
_DIGITS = re.compile(r"\+?[0-9]+")
_NAME_AND_NUMBER = re.compile(r"([^<>]*)<([^<>]*)>")
_WHOLE = re.compile(r"[0-9]{1,9}")
_CURRENCY = re.compile(r"[A-Za-z]{3}")


class Fields:
    """One event's fields. Reading never fails: what cannot be read is left out, and said in the lists."""

    def __init__(self, values: JsonObject) -> None:
        self._values = values
        self.oddities = [f"{clean(name)[:LONGEST_NAME]} is given more than once" for name in values.repeated]
        self.remarks: list[str] = []

    def has(self, name: str) -> bool:
        return self._values.get(name) is not None

    def doubts(self) -> dict[str, Any]:
        """What looked wrong so far, each said once, as an event's `oddities` and `remarks`."""
        return {
            "oddities": tuple(dict.fromkeys(self.oddities)),
            "remarks": tuple(dict.fromkeys(self.remarks)),
        }

    def unknown(self, known: frozenset[str]) -> tuple[str, ...]:
        """The names of fields we have never heard of."""
        names = (clean(name)[:LONGEST_NAME] for name in self._values.values if name not in known)
        return tuple(sorted(names)[:MOST_UNKNOWN_FIELDS])

    def text(self, name: str, limit: int = LONGEST_TEXT) -> str:
        """A text, empty when absent; a number is taken as it is written."""
        return self._text(name, self._values.get(name), limit)

    def word(self, name: str) -> str:
        return self.text(name, LONGEST_NAME).strip()

    def call_id(self) -> str:
        """The call's id, which has to be beyond doubt: empty and an oddity otherwise."""
        value = self._values.get("callid")
        if isinstance(value, str) and 0 < len(value) <= LONGEST_TEXT and value.isprintable():
            return value
        self.oddities.append("callid is missing or is not a short text")
        return ""

    def moment(self, name: str) -> datetime | None:
        text = self.text(name, LONGEST_NAME)
        if not text:
            return None
        try:
            return read_moment(text)
        except ValueError:
            self.remarks.append(f"{name} is not a timestamp")
            return None

    def pairs(self, name: str) -> Mapping[str, str]:
        """A list of `{"key", "value"}` as a mapping; the last of several with one key wins."""
        value = self._values.get(name)
        if value is None:
            return MappingProxyType({})
        found: dict[str, str] = {}
        entries = value if isinstance(value, list) else [value]
        for entry in entries[:MOST_PAIRS]:
            key = entry.get("key") if isinstance(entry, JsonObject) else None
            if not isinstance(key, str):
                self.remarks.append(f"{name} is not a list of keys and values")
                continue
            found[clean(key)[:LONGEST_TEXT]] = self._text(name, entry.get("value"), LONGEST_CUSTOM)
        if len(entries) > MOST_PAIRS:
            self.remarks.append(f"{name} has more than {MOST_PAIRS} entries and was cut")
        return MappingProxyType(found)

    def cost(self, name: str) -> Cost | None:
        """The provider's money. Our own deck prices the call, so a wrong cost is only a remark."""
        value = self._values.get(name)
        if value is None:
            return None
        amount = self._amount(value.get("amount")) if isinstance(value, JsonObject) else None
        currency = value.get("currencyid") if isinstance(value, JsonObject) else None
        if amount is None or not isinstance(currency, str) or not _CURRENCY.fullmatch(currency):
            self.remarks.append(f"{name} is not a currency and an amount that can be believed")
            return None
        if not currency.isupper():
            self.remarks.append(f"{name} has its currency in lower case")
        return Cost(currency=currency.upper(), amount=amount)

    def duration_seconds(self, doubts: list[str]) -> int | None:
        """Whole seconds, None when absent. Anything else goes to `doubts`: an event's oddities or remarks."""
        value = self._values.get("duration")
        if value is None:
            return None
        seconds = int(value) if isinstance(value, str) and _WHOLE.fullmatch(value) else value
        believable = isinstance(seconds, int | Decimal) and not isinstance(seconds, bool)
        if not believable or not 0 <= seconds <= LONGEST_DURATION_SECONDS or seconds % 1:
            doubts.append("duration is not a number of whole seconds")
            return None
        return int(seconds)

    def caller(self, name: str) -> Caller:
        """Who seems to call: nothing or `private`, digits, a text, or `Name <+digits>`."""
        text = self._text(name, _endpoint_of(self._values.get(name)), LONGEST_TEXT).strip()
        if text.lower() in HIDDEN_CALLERS:
            return Caller(mode=CallerMode.HIDDEN, text=text)
        if _DIGITS.fullmatch(_without_blanks(text)):
            return Caller(mode=CallerMode.NUMERIC, number=_number(text), text=text)
        both = _NAME_AND_NUMBER.fullmatch(text)
        if both and (number := _number(both[2])):
            return Caller(mode=CallerMode.FULL, number=number, name=both[1].strip().strip('"'), text=text)
        return Caller(mode=CallerMode.ALPHANUMERIC, text=text)

    def endpoint(self, name: str) -> Endpoint:
        """Where the call is aimed at. Sinch may leave out a number's plus, which is put back here."""
        value = self._values.get(name)
        where = value if isinstance(value, JsonObject) else NO_OBJECT
        if where is NO_OBJECT:
            self.remarks.append(f"{name} is missing or has no type")
        word = self._text(name, where.get("type"), LONGEST_NAME).strip()
        kind = ENDPOINT_KINDS.get(word.lower(), EndpointKind.OTHER)
        text = self._text(name, _endpoint_of(value), LONGEST_TEXT).strip()
        if kind in (EndpointKind.NUMBER, EndpointKind.ACCESS_NUMBER):
            text = _number(text) or text
        return Endpoint(kind=kind, value=text, word=word)

    def machine(self, name: str) -> AnsweringMachine | None:
        value = self._values.get(name)
        if not isinstance(value, JsonObject):
            if value is not None:
                self.remarks.append(f"{name} is not an object")
            return None
        return AnsweringMachine(
            status=self._text(name, value.get("status"), LONGEST_NAME).lower(),
            reason=self._text(name, value.get("reason"), LONGEST_NAME).lower(),
            duration=self._amount(value.get("duration")),
        )

    def inner(self, name: str) -> Fields:
        """The fields of an object inside this one, noting doubts in this one's lists."""
        value = self._values.get(name)
        inside = Fields(value if isinstance(value, JsonObject) else NO_OBJECT)
        inside.oddities, inside.remarks = self.oddities, self.remarks
        return inside

    def _text(self, name: str, value: Any, limit: int) -> str:
        if value is None:
            return ""
        if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
            self.remarks.append(f"{name} is not a text")
            return ""
        text = clean(str(value))
        if len(text) > limit:
            self.remarks.append(f"{name} is longer than {limit} characters and was cut")
        return text[:limit]

    def _amount(self, value: Any) -> Decimal | None:
        if isinstance(value, bool) or not isinstance(value, int | Decimal):
            return None
        amount = Decimal(value)
        exponent = amount.as_tuple().exponent
        precise = isinstance(exponent, int) and exponent >= -MOST_DECIMAL_PLACES
        return amount if precise and 0 <= amount <= LARGEST_AMOUNT else None


def _endpoint_of(value: Any) -> Any:
    """An identity is written as a text or as `{"type", "endpoint"}`."""
    return value.get("endpoint") if isinstance(value, JsonObject) else value


def _number(text: str) -> str | None:
    """A number of the wire, country code first and perhaps no plus, as E.164."""
    digits = _WIRE_NUMBER.fullmatch(_without_blanks(text))
    return f"+{digits[1]}" if digits else None


def _without_blanks(text: str) -> str:
    return text.replace(" ", "")
