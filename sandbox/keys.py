"""What a caller does with the keys of the telephone: a script, one item for each prompt that wants input."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_KEYS = re.compile(r"[0-9*#]+")


@dataclass(frozen=True)
class Silence:
    """The caller presses nothing until the time-out has passed."""


@dataclass(frozen=True)
class HangUp:
    """The caller hangs up while the prompt plays."""


Press = str | Silence | HangUp
SILENT = Silence()


class Keys:
    """A script being played: each item answers the next prompt that wants input, and then it is used up.

    A text is the keys pressed, one after another; a menu of single keys obeys the first and loses the others.
    When the script is used up the caller stays silent. Raises ValueError for what is on no telephone.
    """

    def __init__(self, script: Sequence[Press] = ()) -> None:
        for each in script:
            if isinstance(each, str) and not _KEYS.fullmatch(each):
                raise ValueError(f"no telephone has these keys: {each!r}")
        self.script = tuple(script)
        self._used = 0

    @property
    def used_up(self) -> bool:
        return self._used >= len(self.script)

    @property
    def left(self) -> tuple[Press, ...]:
        """What no prompt has wanted so far."""
        return self.script[self._used :]

    def next(self) -> Press:
        """What the caller does about the prompt that has just begun."""
        if self.used_up:
            return SILENT
        self._used += 1
        return self.script[self._used - 1]
