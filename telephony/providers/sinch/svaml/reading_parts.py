"""How a property, a list and an object of pasted SVAML are read, and how a mistake in one is placed."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from telephony.providers.sinch.svaml.errors import BuilderError
from telephony.providers.sinch.svaml.limits import INCOMING, PRIVATE
from telephony.providers.sinch.svaml.prompts import require_one_prompt, respelled
from telephony.providers.sinch.svaml.wire import KeyValue, camel

Reader = Callable[[str, Any], Any]
"""Takes the path to a value and the value; gives what our part wants, or raises BuilderError."""


class Members(tuple[tuple[str, Any], ...]):
    """A JSON object as it was written: names with values, in their order, one perhaps twice."""

    def __repr__(self) -> str:
        return "an object"


@dataclass(frozen=True)
class Shape:
    """What makes a part, and how each of its arguments is read, by the name of its property in lower case."""

    make: Callable[..., Any]
    properties: Mapping[str, tuple[str, Reader]]
    required: tuple[str, ...]


def shape(make: Callable[..., Any], also: Mapping[str, str] | None = None, **readers: Reader) -> Shape:
    """A shape from readers by argument. `also` are further names of a property: an old spelling and the argument."""
    properties = {camel(argument).lower(): (argument, reader) for argument, reader in readers.items()}
    properties |= {old.lower(): (argument, readers[argument]) for old, argument in (also or {}).items()}
    parameters = inspect.signature(make).parameters.values()
    required = [p.name for p in parameters if p.default is p.empty and p.kind is not p.VAR_KEYWORD]
    return Shape(make, properties, tuple(required))


def read_part(shape: Shape, path: str, value: Any, *, aside: str | None = None) -> Any:
    """The part that an object describes. `aside` is a property that somebody else reads."""
    arguments: dict[str, Any] = {}
    for folded, written, inner in entries(path, value):
        if folded == aside:
            continue
        if folded not in shape.properties:
            raise BuilderError(f"{path}.{written}", "no property of this name", inner)
        argument, reader = shape.properties[folded]
        if inner is None:
            continue
        if argument in arguments:
            raise BuilderError(f"{path}.{written}", f"nothing beside {camel(argument)}", inner)
        arguments[argument] = reader(f"{path}.{_spelled(shape, folded, argument)}", inner)
    for argument in shape.required:
        if argument not in arguments:
            raise BuilderError(f"{path}.{camel(argument)}", "a value", None)
    try:
        return shape.make(**arguments)
    except BuilderError as refusal:
        raise refusal.at(path) from None


def entries(path: str, value: Any) -> Iterable[tuple[str, str, Any]]:
    """Every property of an object: its name in lower case, as written, and its value. None is given twice."""
    if not isinstance(value, Members):
        raise BuilderError(path, "an object", value)
    seen = set()
    for written, inner in value:
        if written.lower() in seen:
            raise BuilderError(f"{path}.{written}", "each property once", inner)
        seen.add(written.lower())
        yield written.lower(), written, inner


def text(path: str, value: Any) -> str:
    if not isinstance(value, str):
        raise BuilderError(path, "a text", value)
    return value


def whole(path: str, value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise BuilderError(path, "a whole number", value)
    return value


def flag(path: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise BuilderError(path, "true or false", value)
    return value


def cli(path: str, value: Any) -> str:
    given = text(path, value)
    return given.lower() if given.lower() in (PRIVATE, INCOMING) else given


def prompts(path: str, value: Any) -> str:
    return respelled(text(path, value))


def key(path: str, value: Any) -> str:
    """A key of the telephone, as a text or, as some documentation has it, as a number."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else text(path, value)


def word(allowed: Iterable[str]) -> Reader:
    """One of some words, in any letter case."""
    spelled = {each.lower(): each for each in allowed}

    def read(path: str, value: Any) -> str:
        given = text(path, value).lower()
        if given not in spelled:
            raise BuilderError(path, f"one of {', '.join(sorted(spelled.values()))}", value)
        return spelled[given]

    return read


def part(inner: Shape) -> Reader:
    def read(path: str, value: Any) -> Any:
        return read_part(inner, path, value)

    return read


def several(reader: Reader) -> Reader:
    """A list of values that are read alike."""

    def read(path: str, value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list):
            raise BuilderError(path, "a list", value)
        return tuple(reader(f"{path}[{index}]", inner) for index, inner in enumerate(value))

    return read


def ids(path: str, value: Any) -> tuple[str, ...]:
    """The prompts of playFiles. The old SDK leaves several in one id, with `;` between them."""
    found = []
    for index, given in enumerate(several(prompts)(path, value)):
        for prompt in given.split(";"):
            require_one_prompt(f"{path}[{index}]", prompt)
            found.append(prompt)
    return tuple(found)


key_values = several(part(shape(KeyValue, key=text, value=text)))


def _spelled(shape: Shape, folded: str, argument: str) -> str:
    # An old name of a property is its own best spelling; of the others we know the proper one.
    return camel(argument) if camel(argument).lower() == folded else folded
