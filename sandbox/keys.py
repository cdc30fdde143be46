"""What a caller does with the keys of the telephone: a script, one item for each prompt that wants input."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

_KEYS = re.compile(r"[0-9*#]+")


@dataclass(frozen=True)
class Silence:
    """The caller presses nothing until the time-out has passed."""


@dataclass(frozen=True)
class HangUp:
    """The caller hangs up while the prompt plays."""


Press = str | Silence | HangUp
SILENT = Silence()


Item = TypeVar("Item")


class Script(Generic[Item]):
    """What somebody does, item by item: each answers the next prompt that wants input, and then it is used up.

    When the script is used up everything is met with `silent`.
    """

    def __init__(self, script: Sequence[Item], silent: Item) -> None:
        self.script = tuple(script)
        self._silent = silent
        self._used = 0

    @property
    def used_up(self) -> bool:
        return self._used >= len(self.script)

    @property
    def left(self) -> tuple[Item, ...]:
        """What no prompt has wanted so far."""
        return self.script[self._used :]

    def next(self) -> Item:
        """What the caller does about the prompt that has just begun."""
        if self.used_up:
            return self._silent
        self._used += 1
        return self.script[self._used - 1]


class Keys(Script[Press]):
    """A script of keys.

    A text is the keys pressed, one after another; a menu of single keys obeys the first and loses the others.
    Raises ValueError for what is on no telephone.
    """

    def __init__(self, script: Sequence[Press] = ()) -> None:
        check_keys(script)
        super().__init__(script, SILENT)


def check_keys(script: Sequence[object]) -> None:
    """Raises ValueError when a text in a script is not made of keys."""
    for each in script:
        if isinstance(each, str) and not _KEYS.fullmatch(each):
            raise ValueError(f"no telephone has these keys: {each!r}")
