"""One round's figures, the same for every way of doing the work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, kw_only=True)
class Round:
    """Callbacks answered in a time, and how long one took. A call is two callbacks.

    `*_cpu_us` is the processor time per callback of the web server and of PostgreSQL, in microseconds.
    """

    callbacks: float
    per_second: float
    p50_ms: float
    p99_ms: float
    web_cpu_us: float = 0.0
    database_cpu_us: float = 0.0

    @property
    def cpu_us(self) -> float:
        """Processor time per callback, web server and PostgreSQL together."""
        return self.web_cpu_us + self.database_cpu_us


def middle(rounds: Sequence[Round]) -> Round:
    """The median of each figure."""
    return Round(**{name: median(getattr(one, name) for one in rounds) for name in Round.__dataclass_fields__})


def round_of(seconds: float, latencies_ms: Sequence[float]) -> Round:
    """The figures of a round from the latency of each of its callbacks."""
    ordered = sorted(latencies_ms)
    return Round(
        callbacks=len(ordered),
        per_second=len(ordered) / seconds,
        p50_ms=ordered[len(ordered) // 2],
        p99_ms=ordered[len(ordered) * 99 // 100],
    )
