"""An errand whose answers are written down beforehand, and what it was told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from outbox import rows
from outbox.errands import Claimed, Done, Outcome, ever_more_rarely, patient
from outbox.models import Row
from postgres.work import in_one_transaction


@dataclass
class AnErrand:
    """Acts and looks are taken from the front; the last one is repeated. An exception among them is raised."""

    kind: str = "parcel"
    is_repeatable: bool = False
    acts: Sequence[Outcome | Exception] = (Done(),)
    looks: Sequence[Outcome | Exception] = (Done(),)
    prepared: Any = "what act needs"
    recording: Callable[[Claimed, Outcome], None] = lambda row, outcome: None
    longest_doubt: timedelta = timedelta(hours=24)
    acted: list[Any] = field(default_factory=list)
    looked: list[Any] = field(default_factory=list)
    recorded: list[Outcome] = field(default_factory=list)
    rows: list[Claimed] = field(default_factory=list)

    def prepare(self, row: Claimed, now: datetime) -> Any:
        self.rows.append(row)
        if isinstance(self.prepared, Exception):
            raise self.prepared
        return self.prepared(row) if callable(self.prepared) else self.prepared

    def act(self, prepared: Any) -> Outcome:
        self.acted.append(prepared)
        return _answer(self.acts, len(self.acted))

    def look_up(self, prepared: Any) -> Outcome:
        self.looked.append(prepared)
        return _answer(self.looks, len(self.looked))

    def record(self, row: Claimed, outcome: Outcome, now: datetime) -> None:
        self.recording(row, outcome)
        self.recorded.append(outcome)

    def next_try(self, failures: int) -> timedelta | None:
        return patient(failures)

    def next_look(self, looks: int, doubtful_for: timedelta) -> timedelta | None:
        return ever_more_rarely(looks, doubtful_for)


def _answer(answers: Sequence[Outcome | Exception], time: int) -> Outcome:
    answer = answers[min(time, len(answers)) - 1]
    if isinstance(answer, Exception):
        raise answer
    return answer


def promise(kind: str = "parcel", key: str = "parcel:1", **more: Any) -> Row:
    """A row, put in a transaction of its own."""
    in_one_transaction(lambda: rows.put(kind, key, **more))
    return Row.objects.get(key=key)
