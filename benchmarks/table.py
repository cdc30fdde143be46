"""The one table: what was measured, the ratios between the rounds, and whether the targets are met."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any

from benchmarks.measured import Round, middle
from benchmarks.overspend import BALANCE, CALLS, Outcome


@dataclass(frozen=True, kw_only=True)
class Target:
    """A figure that has a bound. `figures` are those of the single rounds; their median counts."""

    name: str
    figures: Sequence[float]
    bound: float
    at_most: bool = False
    unit: str = ""

    @property
    def figure(self) -> float:
        return median(self.figures)

    @property
    def is_met(self) -> bool:
        return self.figure <= self.bound if self.at_most else self.figure >= self.bound

    def line(self) -> str:
        """As it is printed."""
        wanted = f"target {'at most' if self.at_most else 'at least'} {self.bound:g}{self.unit}"
        spread = f" ({min(self.figures):.2f} to {max(self.figures):.2f})" if len(self.figures) > 1 else ""
        return (
            f"{self.name:<58}{self.figure:7.2f}{self.unit}{spread:<17} {wanted}: {'met' if self.is_met else 'MISSED'}"
        )


@dataclass
class Results:
    """Everything one run found out. Rounds of the same index were run one after the other."""

    safety: str
    web_shape: tuple[int, int]
    rounds: dict[str, list[Round]] = field(default_factory=dict)
    targets: list[Target] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    overspend: dict[str, Outcome] = field(default_factory=dict)

    def compare(self, name: str, upper: str, lower: str, *, bound: float) -> None:
        """A ratio of throughputs, round by round."""
        pairs = zip(self.rounds[upper], self.rounds[lower], strict=True)
        self.targets.append(Target(name=name, figures=[a.per_second / b.per_second for a, b in pairs], bound=bound))

    def note_processor_time(self, upper: str, lower: str, sentence: str) -> None:
        """The same ratio by processor time, which other work on the machine disturbs less. Without the load's own."""
        times = middle(self.rounds[lower]).cpu_us / middle(self.rounds[upper]).cpu_us
        self.notes.append(f"{sentence}: {times:.2f}")

    def text(self) -> str:
        """The table."""
        workers, threads = self.web_shape
        lines = [
            f"{self.safety}; web server with {workers} workers of {threads} threads; medians of the rounds",
            "",
            f"{'':<47}{'callbacks/s':>12}{'p50 ms':>9}{'p99 ms':>9}{'CPU us/callback':>17}{'web':>7}{'database':>10}",
            *(_round_line(name, middle(rounds)) for name, rounds in self.rounds.items()),
            "",
            *(target.line() for target in self.targets),
            "",
            f"${BALANCE} on the account, $0.06 a minute, {CALLS} calls at once, all talking as long as allowed:",
            *(_overspend_line(name, outcome) for name, outcome in self.overspend.items()),
            "",
            *self.notes,
            *(f"WRONG: {sentence}" for sentence in self.wrong),
        ]
        return "\n".join(lines)

    def as_dict(self) -> dict[str, Any]:
        """For JSON. Latencies in ms, processor time in microseconds per callback, throughput in callbacks/s."""
        return {
            "safety": self.safety,
            "web_workers": self.web_shape[0],
            "web_threads": self.web_shape[1],
            "rounds": {name: [asdict(one) for one in rounds] for name, rounds in self.rounds.items()},
            "targets": [asdict(t) | {"figure": t.figure, "is_met": t.is_met} for t in self.targets],
            "overspend": {name: outcome.as_dict() for name, outcome in self.overspend.items()},
            "notes": self.notes,
            "wrong": self.wrong,
        }


def _round_line(name: str, one: Round) -> str:
    return (
        f"{name:<47}{one.per_second:12.0f}{one.p50_ms:9.2f}{one.p99_ms:9.2f}"
        f"{one.cpu_us:17.0f}{one.web_cpu_us:7.0f}{one.database_cpu_us:10.0f}"
    )


def _overspend_line(name: str, outcome: Outcome) -> str:
    verdict = "within the balance" if outcome.charged <= BALANCE else "MORE THAN THERE WAS"
    return (
        f"  {name:<45}{outcome.connected:3} connected, {outcome.talked_minutes:5} minutes, "
        f"${outcome.charged:.2f} charged: {verdict}"
    )
