"""What may be carried out of the house, and how each kind of work says what became of it.

An app registers its errands when it is loaded (`AppConfig.ready`). The outbox knows nothing about texts or calls; it
knows when to do a thing, when not to do it again, and when to ask.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

# Nothing outside is waited for longer than this, so a lease of a row that is being sent can be told from a dead one.
LONGEST_ACTION_SECONDS = 20.0

# Who could not begin within this time of claiming a row does not begin: the lease might end while they act.
MOST_HESITATION_SECONDS = 5.0

MOST_FAILURES = 5


@dataclass(frozen=True, kw_only=True)
class Claimed:
    """An outbox row that is ours to do. `attempt` counts from 1 and never repeats; `failures` were counted before."""

    id: int
    key: str
    subject: UUID | None
    payload: dict[str, Any]
    attempt: int
    failures: int
    doubtful_since: datetime | None


@dataclass(frozen=True)
class Done:
    """It was done. `result` is whatever the errand wants to write down."""

    result: Any = None


@dataclass(frozen=True)
class Refused:
    """The other side will not do it, and asking again changes nothing."""

    why: str


@dataclass(frozen=True)
class TryAgain:
    """It certainly was not done. `after_seconds` is how long the other side wants to be left alone.

    With `is_pressure` there was too much at once: that is nobody's failure, and the whole kind of work pauses.
    """

    why: str
    after_seconds: float | None = None
    is_pressure: bool = False


@dataclass(frozen=True)
class Lost:
    """It may have been done: the answer did not come, or could not be read."""

    why: str


@dataclass(frozen=True)
class Absent:
    """The other side says that it was never done. Only a look-up says so."""

    why: str


@dataclass(frozen=True)
class GivenUp:
    """Nobody could ever say whether it was done. Nothing is charged for it, and it is not done again."""

    why: str


Outcome = Done | Refused | TryAgain | Lost | Absent | GivenUp


class Errand(Protocol):
    """One kind of work. Stateless; one instance serves all.

    `is_repeatable` says that doing it twice does no harm, because the receiver recognises the second one: then a lost
    answer is simply tried again. Everything that costs money is not. An errand that may be repeated and yet costs money
    when it is done late says `is_urgent = True`: then it goes out beside paid work.
    """

    kind: str
    is_repeatable: bool

    def prepare(self, row: Claimed, now: datetime) -> Any:
        """Everything `act` needs, read in the transaction that claims the row; statements are `ask` and `tell`.

        None when it need not be done any more; the row is then done. A Refused when it must not be: it is recorded.
        A TryAgain when it is not its turn: the row waits for `after_seconds`, and nothing is counted or recorded.
        A row that is only looked up is prepared too, for `look_up`: its `doubtful_since` is set, and None or a Refused
        then means that nobody needs or may ask any more. What it raises, other than that the database is away, is a
        mistake of ours: the row is postponed, and dead (GivenUp) when that goes on for hours.
        """

    def act(self, prepared: Any) -> Outcome:
        """Do it, outside any transaction, within LONGEST_ACTION_SECONDS. What it raises counts as Lost."""

    def look_up(self, prepared: Any) -> Outcome:
        """Ask the other side whether it was done, outside any transaction. Lost when it cannot say.

        Absent must be certain: the work is done again after it.
        """

    def record(self, row: Claimed, outcome: Outcome, now: datetime) -> None:
        """Write down what became of it, in the transaction that finishes the row. Called for every outcome.

        After TryAgain and Absent the row will be done again; after Lost it is unknown; the others are the end.
        What it raises leaves a paid row unknown and a repeatable one to be tried again, until they are dead.
        """

    def next_try(self, failures: int) -> timedelta | None:
        """How long to wait after that many failures; None when that was enough and the row is dead (Refused)."""

    def next_look(self, looks: int, doubtful_for: timedelta) -> timedelta | None:
        """How long to wait before looking it up again; None to give up."""


def patient(failures: int) -> timedelta | None:
    """The usual wait: 1, 2, 4, 8 seconds, then no more."""
    return None if failures >= MOST_FAILURES else timedelta(seconds=2 ** (failures - 1))


def ever_more_rarely(looks: int, doubtful_for: timedelta) -> timedelta | None:
    """The usual looks: after 5 seconds, then ever more rarely, at least every hour; given up after a day."""
    if doubtful_for > timedelta(hours=24):
        return None
    return timedelta(seconds=min(5 * 2**looks, 3600))


_errands: dict[str, Errand] = {}


def register(errand: Errand) -> None:
    """Make a kind of work known. Called once for each when the apps are loaded."""
    if errand.kind in _errands:
        raise ValueError(f"there is an errand {errand.kind!r} already")
    _errands[errand.kind] = errand


def errand_of(kind: str) -> Errand:
    """The errand of this kind. Raises KeyError for one that this version does not know."""
    return _errands[kind]


def patient_kinds() -> list[str]:
    """The kinds that may wait behind what is slow: all that costs no money when it is done late."""
    return [kind for kind, errand in _errands.items() if errand.is_repeatable and not _is_urgent(errand)]


def _is_urgent(errand: Errand) -> bool:
    return bool(getattr(errand, "is_urgent", False))


def repeatable_kinds() -> list[str]:
    """The kinds that may be done twice without harm."""
    return [kind for kind, errand in _errands.items() if errand.is_repeatable]
