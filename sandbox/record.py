"""The append-only record of what really happened: the witness an application's books are held against."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from threading import Lock

from sandbox import wire


@dataclass(frozen=True)
class Happening:
    """One fact: when in virtual time, to which call, what, and its details."""

    at: datetime
    call_id: str
    what: str
    detail: dict[str, object]


class Record:
    """Facts in the order they became known. Nothing is ever changed or taken out.

    With a path, every fact is also appended to that file as one line of JSON.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._facts: list[Happening] = []
        self._path = path
        self._lock = Lock()

    def add(self, at: datetime, call_id: str, what: str, **detail: object) -> None:
        """Write one fact down."""
        fact = Happening(at, call_id, what, detail)
        line = {"at": wire.timestamp(at), "call_id": call_id, "what": what, **detail}
        with self._lock:
            self._facts.append(fact)
            if self._path is not None:
                with self._path.open("ab") as file:
                    file.write(wire.dumps(line) + b"\n")

    def of(self, call_id: str) -> list[Happening]:
        """The life of one call."""
        return [fact for fact in self if fact.call_id == call_id]

    def __iter__(self) -> Iterator[Happening]:
        with self._lock:
            return iter(list(self._facts))
