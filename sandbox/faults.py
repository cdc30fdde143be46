"""What can go wrong with one call: by chance and seed (`Chaos`), or on purpose (a list of faults per call).

Events are "ice", "ace", "pie", "notify" and "dice" of a Sinch call. Of a connection at Sift they are "incoming",
"done", the status that is told ("connecting", "connected", "finished", "failed") and the event_type of a conversation
("conversation_started", "conversation_ended"). A fault of a call strikes every one of that name. All seconds are
virtual.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from random import Random
from typing import Final

LATEST_SECONDS = 120
OVERTAKEN = ("ice", "ace", "pie", "connecting", "connected", "conversation_started")


class Removed:
    """Stands for a field that is left out."""


REMOVED: Final = Removed()


@dataclass(frozen=True)
class Lose:
    """The callback is never delivered."""

    event: str


@dataclass(frozen=True)
class Delay:
    """The callback is delivered later. One later than the time-out is not waited for."""

    event: str
    seconds: int


@dataclass(frozen=True)
class Swap:
    """The callback is overtaken by the next one of the call. Those that may be the last, DiCE for one, cannot be."""

    event: str


@dataclass(frozen=True)
class Repeat:
    """The callback is delivered again, `times` more, all at once, so long after the first.

    changes replaces, adds or leaves out (REMOVED) fields, `event` included, in the copies.
    same_signature replays the very headers of the first instead of signing afresh.
    The platform obeys only the answer to the first.
    """

    event: str
    times: int = 1
    after_seconds: int = 0
    changes: Mapping[str, object] = field(default_factory=dict)
    same_signature: bool = False


@dataclass(frozen=True)
class Alter:
    """Fields of the callback are replaced, added or left out (REMOVED)."""

    event: str
    changes: Mapping[str, object]


@dataclass(frozen=True)
class GiveUp:
    """The caller hangs up before anybody answers; after 0 seconds, while ICE is still in flight."""

    after_seconds: int


@dataclass(frozen=True)
class CutLate:
    """The platform lets the call run longer than maxDuration."""

    seconds: int


@dataclass(frozen=True)
class AnsweredElsewhere:
    """A fallback server takes the ICE and gives this SVAML; the target never hears of the ICE."""

    reply: Mapping[str, object]


CallbackFault = Lose | Delay | Swap | Repeat | Alter
Fault = CallbackFault | GiveUp | CutLate | AnsweredElsewhere


@dataclass(frozen=True)
class Plan:
    """How one callback of one call travels."""

    lost: bool = False
    delay_seconds: int = 0
    swapped: bool = False
    changes: Mapping[str, object] = field(default_factory=dict)
    repeats: tuple[Repeat, ...] = ()

    @classmethod
    def of(cls, event: str, faults: Iterable[Fault]) -> Plan:
        """What the faults that concern this event add up to."""
        lost, delay, swapped = False, 0, False
        changes: dict[str, object] = {}
        repeats: list[Repeat] = []
        for fault in faults:
            match fault:
                case Lose(event=name) if name == event:
                    lost = True
                case Delay(event=name, seconds=seconds) if name == event:
                    delay += seconds
                case Swap(event=name) if name == event and name in OVERTAKEN:
                    swapped = True
                case Alter(event=name, changes=more) if name == event:
                    changes |= more
                case Repeat(event=name) if name == event:
                    repeats.append(fault)
        return cls(lost, delay, swapped, changes, tuple(repeats))


@dataclass(frozen=True)
class Chaos:
    """The probability, per callback, of each thing that goes wrong on the way.

    loss: never delivered. dup: delivered twice, together or up to two minutes apart.
    late: delivered up to two minutes late. reorder: overtaken by the next callback of the call.
    """

    loss: float = 0.0
    dup: float = 0.0
    late: float = 0.0
    reorder: float = 0.0

    def __post_init__(self) -> None:
        for each in fields(self):
            if not 0 <= getattr(self, each.name) <= 1:
                raise ValueError(f"chaos {each.name} must be between 0 and 1")

    @classmethod
    def parse(cls, text: str) -> Chaos:
        """Read "loss=0.1,dup=0.1,late=0.1,reorder=0.1"; what is not named does not happen.

        Raises ValueError with a sentence for the person who typed it.
        """
        names = [each.name for each in fields(cls)]
        given: dict[str, float] = {}
        for part in filter(None, text.split(",")):
            name, _, value = part.strip().partition("=")
            if name not in names or name in given:
                raise ValueError(f"chaos knows {', '.join(names)}, each once; not {name!r}")
            try:
                given[name] = float(value)
            except ValueError:
                raise ValueError(f"chaos {name} needs a number between 0 and 1, not {value!r}") from None
        return cls(**given)

    def faults(
        self, *, seed: int, call_number: int | str, event: str, occurrence: int = 1
    ) -> tuple[CallbackFault, ...]:
        """What chance has in store for this event of this call, the how-manieth of its name: the same for one seed."""
        again = f"/{occurrence}" if occurrence > 1 else ""
        chance = Random(f"{seed}/{call_number}/{event}{again}")
        # Every draw is made whatever the probabilities are, so raising one does not reshuffle the others.
        loss, dup, late, reorder, together = (chance.random() for _ in range(5))
        late_seconds, apart_seconds = chance.randint(1, LATEST_SECONDS), chance.randint(1, LATEST_SECONDS)
        if loss < self.loss:
            return (Lose(event),)
        happens: list[CallbackFault] = []
        if dup < self.dup:
            happens.append(Repeat(event, after_seconds=0 if together < 0.5 else apart_seconds))
        if late < self.late:
            happens.append(Delay(event, late_seconds))
        if reorder < self.reorder and event in OVERTAKEN:
            happens.append(Swap(event))
        return tuple(happens)
