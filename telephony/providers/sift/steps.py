"""Where a caller is in a question, as a name that Sift brings back to us.

Sift has no menus: a question is asked by commands one after the other, of which each tells us under its own address
that it is done. The address holds the question, which of its repetitions it is, and which asking of it: a caller who is
asked the same question twice in a call is told apart from a callback that comes twice.

>>> step = Step("welcome", repetition=0, repeats=2, asking="5f0c2a91d3b7e846")
>>> str(step)
'welcome.0.2.5f0c2a91d3b7e846'
>>> read_step(str(step)) == step, read_step("welcome.3.2.5f0c2a91d3b7e846")
(True, None)
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from hashlib import sha256

from telephony.events import Event
from telephony.providers.base import CannotExpress

MOST_REPEATS = 9
_ASKING_DIGITS = 16
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_STEP = re.compile(r"([A-Za-z0-9_-]{1,64})\.([0-9])\.([0-9])\.([0-9a-f]{16})")


@dataclass(frozen=True)
class Step:
    """One time that a question is played: the first is repetition 0, the last repetition `repeats`.

    Raises CannotExpress for a question that cannot stand in an address.
    """

    question: str
    repetition: int = field(kw_only=True)
    repeats: int = field(kw_only=True)
    asking: str = field(kw_only=True)

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.question):
            raise CannotExpress("Sift: a question's name takes up to 64 letters, digits, _ and -.")
        if not 0 <= self.repetition <= self.repeats <= MOST_REPEATS:
            raise CannotExpress(f"Sift: a question can be repeated 0 to {MOST_REPEATS} times.")

    @property
    def is_last(self) -> bool:
        """Whether the question is not repeated after this."""
        return self.repetition == self.repeats

    def __str__(self) -> str:
        return f"{self.question}.{self.repetition}.{self.repeats}.{self.asking}"


def read_step(text: str) -> Step | None:
    """The step that was written like this; None for anything that we never wrote."""
    found = _STEP.fullmatch(text)
    if found is None or found[2] > found[3]:
        return None
    return Step(found[1], repetition=int(found[2]), repeats=int(found[3]), asking=found[4])


def asking_after(event: Event) -> str:
    """The asking that an answer to this event begins: the same whenever this event is answered, and no other."""
    about = json.dumps([event.call_id, event.kind.value, event.step])
    return sha256(about.encode()).hexdigest()[:_ASKING_DIGITS]
