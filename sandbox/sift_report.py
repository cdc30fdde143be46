"""What became of connections at Sift: for people and for programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from sandbox.courier import NO_ANSWER
from sandbox.faults import Delay, Fault, Lose, Repeat, Swap
from sandbox.report import Outcome, fault_words
from sandbox.sift_calls import SiftCall


def outcome(calls: Sequence[SiftCall]) -> Outcome:
    """The report on connections at Sift; what chance did to a callback is not the application's fault."""
    counted = Counter(failure for call in calls for failure in _failures(call))
    failures = [f"{times} x {failure}" for failure, times in counted.most_common()]
    summary = totals(calls)
    last = ", ".join(f"{name} {value}" for name, value in summary.items())
    return Outcome([as_dict(each) for each in calls], summary, "\n".join([*map(line, calls), last]), failures)


def as_dict(call: SiftCall) -> dict[str, object]:
    """One connection as JSON can carry it."""
    return {
        "connection_id": call.connection_id,
        "number": call.number,
        "from": call.from_,
        "to": call.to,
        "direction": call.direction,
        "status": call.status,
        "duration_seconds": call.duration_seconds,
        "talk_seconds": call.talk_seconds,
        "ended_by": call.ended_by,
        "asked": [{"event": each.event, "attempt": each.attempt, "status": each.status} for each in call.exchanges],
        "heard": [{"name": heard.name, "text": heard.text} for heard in call.heard],
        "results": list(call.results),
        "called": [
            {"kind": each.kind, "endpoint": each.endpoint, "result": each.result, "seconds": each.duration_seconds}
            for each in call.conversations
        ],
        "problems": list(call.troubles),
        "faults": [fault_words(each) for each in _faults(call)],
    }


def line(call: SiftCall) -> str:
    """One connection in one line: who to whom, what was asked, who was called, and how it ended."""
    asked = ",".join(f"{each.event}:{each.status or '-'}" for each in call.exchanges) or "nothing"
    called = "".join(
        f"  calls {each.endpoint} {each.result or '…'} {each.duration_seconds} s" for each in call.conversations
    )
    faults = "".join(f" [{fault_words(each)}]" for each in _faults(call))
    problems = "".join(f" ({each})" for each in call.troubles)
    return (
        f"{call.number:>5}  {call.from_ or 'hidden'} -> {call.to or 'nobody'}  asked {asked}{called}"
        f"  {call.status} {call.ended_by or 'not ended'} {call.duration_seconds} s{problems}{faults}"
    )


def totals(calls: Sequence[SiftCall]) -> dict[str, object]:
    """Sums over all connections: how they stand, seconds, and what went wrong on the way."""
    ends = Counter(call.status for call in calls)
    faults = Counter(type(fault) for call in calls for fault in _faults(call))
    return {
        "calls": len(calls),
        "finished": ends["finished"],
        "failed": ends["failed"],
        "not_ended": ends["connecting"] + ends["connected"],
        "seconds": sum(call.duration_seconds for call in calls),
        "talk_seconds": sum(call.talk_seconds for call in calls),
        "callbacks": sum(len(call.exchanges) for call in calls),
        "lost": faults[Lose],
        "repeated": faults[Repeat],
        "late": faults[Delay],
        "overtaken": faults[Swap],
    }


def _failures(call: SiftCall) -> list[str]:
    refused = [each for each in call.exchanges if each.status is None or not 200 <= each.status < 300]
    if refused:
        return [f"{each.event}: {each.error or f'HTTP {each.status}'}" for each in refused]
    return [each for each in call.troubles if each != NO_ANSWER.error]


def _faults(call: SiftCall) -> tuple[Fault, ...]:
    return (*call.happened, *call.faults)
