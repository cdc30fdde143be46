"""Taking an event's fields out of a JSON object, and noting what looked wrong on the way."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any, TypeGuard

from telephony.events import NOTHING, AnsweringMachine, Caller, CallerMode, Cost, Endpoint, EndpointKind
from telephony.providers.reading import NO_OBJECT, JsonObject, JsonUnreadable, clean, read_moment, read_texts
from telephony.providers.sinch.words import ENDPOINT_KINDS, HIDDEN_CALLERS

LONGEST_NAME = 64
LONGEST_ID = 100
LONGEST_TEXT = 255
LONGEST_ADDRESS = 2048
LONGEST_CUSTOM = 4096
MOST_PAIRS = 64
MOST_UNKNOWN_FIELDS = 32
LONGEST_DURATION_SECONDS = 10_000_000
LARGEST_VERSION = 1_000_000
MOST_WHOLE_DIGITS = 9
MOST_DECIMAL_PLACES = 20

_NUMBERED = (EndpointKind.NUMBER, EndpointKind.ACCESS_NUMBER)
_NUMERIC = (int, Decimal)

_WIRE_NUMBER = re.compile(r"\+?([1-9][0-9]{6,14})")
_DIGITS = re.compile(r"\+?[0-9]+")
_NAME_AND_NUMBER = re.compile(r"([^<>]*)<([^<>]*)>")
_WHOLE = re.compile(r"[0-9]{1,9}")


class Fields:
    """One event's fields. Reading never fails: what cannot be read is left out, and said in the lists."""

    __slots__ = ("_values", "oddities", "remarks")

    def __init__(self, values: JsonObject) -> None:
        self._values = values
        self.oddities: list[str] = []
        self.remarks: list[str] = []
        for name in values.repeated:
            self.oddities.append(f"{clean(name)[:LONGEST_NAME]} is given more than once")

    def has(self, name: str) -> bool:
        return self._values.get(name.lower()) is not None

    def doubts(self) -> dict[str, Any]:
        """What looked wrong so far, each said once, as an event's `oddities` and `remarks`."""
        return {
            "oddities": tuple(dict.fromkeys(self.oddities)) if self.oddities else (),
            "remarks": tuple(dict.fromkeys(self.remarks)) if self.remarks else (),
        }

    def unknown(self, known: frozenset[str]) -> tuple[str, ...]:
        """The names of fields we have never heard of."""
        if known.issuperset(self._values):
            return ()
        names = (clean(name)[:LONGEST_NAME] for name in self._values if name not in known)
        return tuple(sorted(names)[:MOST_UNKNOWN_FIELDS])

    def text(self, name: str, limit: int = LONGEST_TEXT) -> str:
        """A text, empty when absent; a number is taken as it is written."""
        value = self._values.get(name.lower())
        if value is None:
            return ""
        # Nearly every value is a short ASCII text, and this is asked a dozen times in every callback.
        if isinstance(value, str) and len(value) <= limit and value.isascii() and "\0" not in value:
            return value
        return self._text(name, value, limit)

    def word(self, name: str) -> str:
        return self.text(name, LONGEST_NAME).strip()

    def call_id(self) -> str:
        """The call's id, which has to be beyond doubt: empty and an oddity otherwise."""
        return self.identifier("callid", LONGEST_TEXT)

    def identifier(self, name: str, most_characters: int = LONGEST_ID) -> str:
        """What an event is about, which has to be beyond doubt: empty and an oddity otherwise."""
        value = self._values.get(name.lower())
        if isinstance(value, str) and 0 < len(value) <= most_characters and value.isprintable():
            return value
        self.oddities.append(f"{name} is missing or is not a short text")
        return ""

    def version(self) -> int | None:
        """The version of the event's format, None when it is not said."""
        return self.whole("version", LARGEST_VERSION)

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
        value = self._values.get(name.lower())
        if value is None:
            return NOTHING
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

    def headers(self) -> Mapping[str, str]:
        """The headers a client gave its call. Old SDKs put them into `custom`, as a JSON text."""
        if self.has("callHeaders"):
            return self.pairs("callHeaders")
        custom = self._values.get("custom")
        if not isinstance(custom, str) or not custom.startswith("{"):
            return NOTHING
        try:
            named = read_texts(custom, LONGEST_CUSTOM)
        except JsonUnreadable:
            return NOTHING
        return MappingProxyType({clean(key)[:LONGEST_TEXT]: clean(named[key]) for key in [*named][:MOST_PAIRS]})

    def cost(self, name: str) -> Cost | None:
        """The provider's money. Our own deck prices the call, so a wrong cost is only a remark."""
        value = self._values.get(name.lower())
        if value is None:
            return None
        inside = value if isinstance(value, JsonObject) else NO_OBJECT
        amount, currency = self._amount(inside.get("amount")), inside.get("currencyid")
        if amount is None or not _is_currency(currency):
            self.remarks.append(f"{name} is not a currency and an amount that can be believed")
            return None
        if not currency.isupper():
            self.remarks.append(f"{name} has its currency in lower case")
            currency = currency.upper()
        return Cost(currency=currency, amount=amount)

    def duration_seconds(self, doubts: list[str]) -> int | None:
        """Whole seconds, None when absent. Anything else goes to `doubts`: an event's oddities or remarks."""
        value = self._values.get("duration")
        if value is None:
            return None
        seconds = int(value) if isinstance(value, str) and _WHOLE.fullmatch(value) else value
        believable = isinstance(seconds, _NUMERIC) and not isinstance(seconds, bool)
        if not believable or not 0 <= seconds <= LONGEST_DURATION_SECONDS or seconds % 1:
            doubts.append("duration is not a number of whole seconds")
            return None
        return int(seconds)

    def caller(self, name: str) -> Caller:
        """Who seems to call: nothing or `private`, digits, a text, or `Name <+digits>`."""
        text = self._text(name, _endpoint_of(self._values.get(name.lower())), LONGEST_TEXT).strip()
        if text.lower() in HIDDEN_CALLERS:
            return Caller(mode=CallerMode.HIDDEN, text=text)
        number = _number(text)
        if number or _DIGITS.fullmatch(text.replace(" ", "")):
            return Caller(mode=CallerMode.NUMERIC, number=number, text=text)
        both = _NAME_AND_NUMBER.fullmatch(text)
        if both and (number := _number(both[2])):
            return Caller(mode=CallerMode.FULL, number=number, name=both[1].strip().strip('"'), text=text)
        return Caller(mode=CallerMode.ALPHANUMERIC, text=text)

    def endpoint(self, name: str) -> Endpoint:
        """Where the call is aimed at. Sinch may leave out a number's plus, which is put back here."""
        value = self._values.get(name.lower())
        if isinstance(value, JsonObject):
            word = self._text(name, value.get("type"), LONGEST_NAME).strip()
        else:
            self.remarks.append(f"{name} is missing or has no type")
            word = ""
        kind = ENDPOINT_KINDS.get(word.lower()) or EndpointKind.OTHER
        text = self._text(name, _endpoint_of(value), LONGEST_TEXT).strip()
        if kind in _NUMBERED:
            text = _number(text) or text
        return Endpoint(kind=kind, value=text, word=word)

    def number(self, name: str) -> str:
        """A telephone number in E.164 if it can be one, else as given."""
        text = self.word(name)
        return _number(text) or text

    def address(self, name: str) -> str:
        """Whom a text or a verification is from or for: E.164 if it can be a number, else as given."""
        text = self._text(name, _endpoint_of(self._values.get(name.lower())), LONGEST_TEXT).strip()
        return _number(text) or text

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of texts, or one alone; the first MOST_PAIRS of them."""
        value = self._values.get(name.lower())
        entries = value if isinstance(value, list) else [value]
        if len(entries) > MOST_PAIRS:
            self.remarks.append(f"{name} has more than {MOST_PAIRS} entries and was cut")
        return tuple(text for entry in entries[:MOST_PAIRS] if (text := self._text(name, entry, LONGEST_TEXT)))

    def numbers(self, name: str) -> tuple[str, ...]:
        """A list of telephone numbers, each in E.164 if it can be one."""
        return tuple(_number(text) or text for text in self.texts(name))

    def whole(self, name: str, most: int) -> int | None:
        """A whole number from 0 on, None when it is not said or not believable."""
        value = self._values.get(name.lower())
        number = int(value) if isinstance(value, str) and _WHOLE.fullmatch(value) else value
        if isinstance(number, int) and not isinstance(number, bool) and 0 <= number <= most:
            return number
        if value is not None:
            self.remarks.append(f"{name} is not a whole number up to {most}")
        return None

    def inside(self, name: str) -> list[Fields]:
        """The objects in a list, noting doubts in this one's lists."""
        value = self._values.get(name.lower())
        entries = value if isinstance(value, list) else []
        return [self._within(entry) for entry in entries if isinstance(entry, JsonObject)]

    def flag(self, name: str) -> bool | None:
        """True or false, None when it is not said."""
        value = self._values.get(name.lower())
        if value is None or isinstance(value, bool):
            return value
        self.remarks.append(f"{name} is neither true nor false")
        return None

    def machine(self, name: str) -> AnsweringMachine | None:
        value = self._values.get(name.lower())
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
        value = self._values.get(name.lower())
        return self._within(value if isinstance(value, JsonObject) else NO_OBJECT)

    def _within(self, value: JsonObject) -> Fields:
        within = Fields(value)
        within.oddities, within.remarks = self.oddities, self.remarks
        return within

    def _text(self, name: str, value: Any, limit: int) -> str:
        if isinstance(value, str) and len(value) <= limit:
            return clean(value)
        if value is None:
            return ""
        if isinstance(value, bool) or not isinstance(value, (str, *_NUMERIC)):
            self.remarks.append(f"{name} is not a text")
            return ""
        text = clean(str(value))
        if len(text) > limit:
            self.remarks.append(f"{name} is longer than {limit} characters and was cut")
        return text[:limit]

    def _amount(self, value: Any) -> Decimal | None:
        if isinstance(value, bool) or not isinstance(value, _NUMERIC):
            return None
        amount = value if isinstance(value, Decimal) else Decimal(value)
        believable = not amount.is_signed() and amount.adjusted() < MOST_WHOLE_DIGITS and _is_precise(amount)
        return amount if believable else None


def _is_precise(amount: Decimal) -> bool:
    """No more decimal places than are believable. A short spelling without an exponent cannot have more."""
    spelled = str(amount)
    if len(spelled) <= MOST_DECIMAL_PLACES and "E" not in spelled:
        return True
    exponent = amount.as_tuple().exponent
    return isinstance(exponent, int) and exponent >= -MOST_DECIMAL_PLACES


def _endpoint_of(value: Any) -> Any:
    """An identity is written as a text or as `{"type", "endpoint"}`."""
    return value.get("endpoint") if isinstance(value, JsonObject) else value


def _is_currency(word: Any) -> TypeGuard[str]:
    return isinstance(word, str) and len(word) == 3 and word.isascii() and word.isalpha()


def _number(text: str) -> str | None:
    """A number of the wire, country code first and perhaps no plus, as E.164."""
    digits = _WIRE_NUMBER.fullmatch(text.replace(" ", ""))
    return f"+{digits[1]}" if digits else None
