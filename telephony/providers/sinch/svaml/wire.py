"""From our names to the wire's: a part's fields become properties in lowerCamelCase, in the order they are declared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

from telephony.providers.sinch.svaml.errors import BuilderError

Wire = dict[str, Any]
Pair = tuple[str, str]

_AS_IT_IS = frozenset({str, int, bool})


class Part:
    """A piece of SVAML. A field that is None or an empty tuple is not sent."""

    def wire(self) -> Wire:
        """This part as a JSON object."""
        return add_properties({}, self)


@dataclass(frozen=True)
class KeyValue(Part):
    """One entry of a list of cookies, call headers or tags."""

    key: str
    value: str


def pairs_of(entries: Iterable[KeyValue]) -> list[Pair]:
    """What the entries hold, to be counted."""
    return [(entry.key, entry.value) for entry in entries]


def key_values(pairs: Mapping[str, str]) -> tuple[KeyValue, ...]:
    """The entries of a mapping, in its order."""
    return tuple(KeyValue(key, value) for key, value in pairs.items())


class Verb(Part):
    """An instruction or an action. Its name on the wire is the class's in lowerCamelCase, unless it says otherwise.

    What it speaks and the cookies it may set are asked of it when a reply adds them up.
    """

    word: ClassVar[str]

    def __init_subclass__(cls, word: str = "") -> None:
        cls.word = word or cls.__name__[0].lower() + cls.__name__[1:]

    def wire(self) -> Wire:
        return add_properties({"name": self.word}, self)

    def spoken(self) -> Iterable[tuple[str, str]]:
        """Every text that is spoken, with the path to it from here."""
        return ()

    def cookies(self) -> Iterable[Pair]:
        """Every cookie this may set."""
        return ()

    def prompt_count(self) -> int:
        """How many prompts it plays before the action begins."""
        return 0


def bytes_in(pairs: Iterable[Pair]) -> int:
    """The size of keys and values as UTF-8, which is how Sinch counts them."""
    return sum([len((key + value).encode()) for key, value in pairs])


def require_bytes(field: str, pairs: Iterable[Pair], most: int) -> None:
    """That pairs are text and not too much of it. Asked once, when they are put into a part."""
    try:
        size = bytes_in(pairs)
    except UnicodeEncodeError as half:
        raise BuilderError(field, "text without half a character", half.object) from None
    if size > most:
        raise BuilderError(field, f"at most {most} bytes of keys and values", size)


@cache
def camel(name: str) -> str:
    """A field's name on the wire. One that is a word of Python's ends with an underscore: `async_`."""
    head, *tail = name.rstrip("_").split("_")
    return head + "".join(part.title() for part in tail)


def add_properties(begun: Wire, part: Part) -> Wire:
    """An object that was begun, with the fields of a part as its further properties."""
    for field, value in vars(part).items():
        if type(value) in _AS_IT_IS:
            begun[camel(field)] = value
        elif value is not None and value != ():
            begun[camel(field)] = _written(value)
    return begun


def _written(value: Any) -> Any:
    if isinstance(value, tuple):
        return [entry.wire() if isinstance(entry, Part) else entry for entry in value]
    return value.wire() if isinstance(value, Part) else value
