"""The oracle: an append-only list of what the platform really did for money, whatever it answered.

An application's books are held against it: each thing that was promised once must be here at most once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from threading import Lock

from sandbox import wire


class Kind(StrEnum):
    """What was done. The comment says what the reference is."""

    CALLOUT = "callout"  # custom
    TEXT = "text"  # client_reference
    CLASSIC_TEXT = "classic text"  # number and message
    VERIFICATION = "verification"  # reference
    SCENARIO = "scenario"  # script_custom_data
    VOXIMPLANT_TEXT = "voximplant text"  # source, destination and text
    CALL_LIST = "call list"  # name
    SIFT_CONNECTION = "sift connection"  # status_url; a call was placed
    SIFT_END = "sift end"  # connection_id; a connection is over, and its length known


@dataclass(frozen=True)
class Deed:
    """One thing done. `at` is virtual time, `seen_at` that of the wall clock when the request was obeyed.

    withheld is the mishap that kept the client from learning of it in time; empty when it was told.
    """

    kind: Kind
    reference: str
    id: str
    at: datetime
    seen_at: datetime
    withheld: str = ""
    detail: Mapping[str, str] = field(default_factory=dict)


class Oracle:
    """Deeds in the order they were done. Nothing is ever changed or taken out.

    With a path, every deed is also appended to that file, one line of JSON, before the request is answered.
    """

    def __init__(self, *, now: Callable[[], datetime], wall_clock: Callable[[], datetime], path: Path | None) -> None:
        self._now = now
        self._wall_clock = wall_clock
        self._path = path
        self._done: list[Deed] = []
        self._lock = Lock()

    def add(self, kind: Kind, reference: str, id: str, *, withheld: str = "", **detail: str) -> None:
        """Write one deed down."""
        with self._lock:
            deed = Deed(kind, reference, id, self._now(), self._wall_clock(), withheld, detail)
            self._done.append(deed)
            if self._path is not None:
                with self._path.open("ab") as file:
                    file.write(_line(deed))

    @property
    def done(self) -> list[Deed]:
        """All deeds so far."""
        with self._lock:
            return list(self._done)

    def of(self, kind: Kind, reference: str | None = None) -> list[Deed]:
        """The deeds of one kind, or only those with this reference."""
        return [each for each in self.done if each.kind == kind and reference in (None, each.reference)]

    def duplicates(self) -> dict[tuple[Kind, str], int]:
        """What was done more than once, and how often. Deeds without a reference cannot be told apart."""
        return duplicates(self.done)


def duplicates(deeds: list[Deed]) -> dict[tuple[Kind, str], int]:
    """What was done more than once, and how often. Deeds without a reference cannot be told apart."""
    counted = Counter((each.kind, each.reference) for each in deeds if each.reference)
    return {done: times for done, times in counted.items() if times > 1}


def read(path: Path) -> list[Deed]:
    """The deeds another process wrote to a file. A last line that is not whole yet is left out."""
    if not path.exists():
        return []
    lines = path.read_bytes().split(b"\n")[:-1]
    return [_deed(wire.loads(line)) for line in lines]


def _line(deed: Deed) -> bytes:
    return wire.dumps({**vars(deed), "at": _stamp(deed.at), "seen_at": _stamp(deed.seen_at)}) + b"\n"


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def _deed(given: dict[str, str]) -> Deed:
    times = {name: datetime.fromisoformat(given[name]) for name in ("at", "seen_at")}
    return Deed(**{**given, **times, "kind": Kind(given["kind"])})  # type: ignore[arg-type]
