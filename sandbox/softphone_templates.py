"""Templates in which the operator of a softphone says what it sends, and how the app fills them in.

- `%name%` is a parameter of the app or of the service: `%installid%`, `%targetNumber%`. One that nobody knows stays
  as it is.
- `%account[node]%` is a node of the account, empty when there is none. The password is eight asterisks in anything
  that travels without TLS, unless a function hides it.
- `%sha1(…)%` is the hash, in lower-case hexadecimal, of whatever is inside, which may have placeholders itself.
- `%nonce(n)%` is n random characters, from 1 to 64; all of one request begin alike. The documentation has a nonce, but
  nothing that can be read says how it is spelt, so the spelling and the length are an assumption of this desk.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import quote

ASTERISKS = "*" * 8
LONGEST_NONCE = 64
DEEPEST = 8

_NAME = re.compile(r"%([A-Za-z_][A-Za-z0-9_]*)%")
_NODE = re.compile(r"%account\[([^\[\]%]+)\]%")
_FUNCTION = re.compile(r"%(sha1|nonce)\(")
_PLAIN = re.compile(r"[^%)]+|.", re.DOTALL)
_CLOSED = ")%"

Escape = Callable[[str], str]


class BadTemplate(Exception):
    """The app cannot fill it in; the message says why, in a sentence."""


@dataclass(frozen=True, kw_only=True)
class Values:
    """What the placeholders of one request stand for: nodes of the account, other parameters by name.

    nonce is that of this request, 64 hexadecimal digits. secure is whether it travels by TLS.
    """

    nodes: Mapping[str, str]
    parameters: Mapping[str, str]
    nonce: str
    secure: bool


def as_it_is(value: str) -> str:
    """For a body in JSON or XML, a header, the inside of a function: the app puts values there without a change."""
    return value


def percent_escaped(value: str, *, escapes_plus: bool) -> str:
    """For an address or a form. Some apps leave a plus bare, which whoever reads the form takes for a space."""
    return quote(value, safe="" if escapes_plus else "+")


def expand(template: str, values: Values, escape: Escape = as_it_is) -> str:
    """The template with every placeholder replaced, each value escaped.

    Raises BadTemplate.
    """
    return _Filling(template, values).all(escape)


class _Filling:
    """One template on its way from left to right."""

    def __init__(self, template: str, values: Values) -> None:
        self._template = template
        self._values = values
        self._at = 0

    def all(self, escape: Escape) -> str:
        found = []
        while self._at < len(self._template):
            found.append(self._next(escape, depth=0))
        return "".join(found)

    def _inside(self, depth: int) -> str:
        """The argument of a function, up to what closes it."""
        if depth > DEEPEST:
            raise BadTemplate(f"a template may nest functions {DEEPEST} deep")
        found = []
        while not self._template.startswith(_CLOSED, self._at):
            if self._at >= len(self._template):
                raise BadTemplate(f"a function is not closed by {_CLOSED} in {self._template!r}")
            found.append(self._next(as_it_is, depth=depth))
        self._at += len(_CLOSED)
        return "".join(found)

    def _next(self, escape: Escape, *, depth: int) -> str:
        if node := self._take(_NODE):
            return escape(self._node(node, hidden=depth > 0))
        if function := self._take(_FUNCTION):
            return escape(self._called(function, self._inside(depth + 1)))
        name = _NAME.match(self._template, self._at)
        if name and name[1] in self._values.parameters:
            self._at = name.end()
            return escape(self._values.parameters[name[1]])
        plain = _PLAIN.match(self._template, self._at)
        assert plain is not None  # noqa: S101
        self._at = plain.end()
        return plain[0]

    def _take(self, pattern: re.Pattern[str]) -> str | None:
        found = pattern.match(self._template, self._at)
        if found is None:
            return None
        self._at = found.end()
        return found[1]

    def _node(self, name: str, *, hidden: bool) -> str:
        if name == "password" and not (hidden or self._values.secure):
            return ASTERISKS
        return self._values.nodes.get(name, "")

    def _called(self, function: str, argument: str) -> str:
        if function == "sha1":
            return hashlib.sha1(argument.encode()).hexdigest()
        if not re.fullmatch("[0-9]{1,2}", argument) or not 1 <= int(argument) <= LONGEST_NONCE:
            raise BadTemplate(f"a nonce has from 1 to {LONGEST_NONCE} characters, not {argument!r}")
        return self._values.nonce[: int(argument)]
