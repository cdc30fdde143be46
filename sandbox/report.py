"""What was asked, what was answered and what became of it: for people and for programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from sandbox.calls import Call
from sandbox.courier import NO_ANSWER
from sandbox.faults import Delay, Fault, Lose, Repeat, Swap
from sandbox.rates import CURRENCY


@dataclass(frozen=True)
class Outcome:
    """What became of a number of calls: one by one, in sum, for people; and what the application did wrong."""

    calls: list[dict[str, object]]
    totals: dict[str, object]
    text: str
    failures: list[str]


def outcome(calls: Sequence[Call]) -> Outcome:
    """The report on calls at Sinch."""
    return Outcome([as_dict(call) for call in calls], totals(calls), text(calls), failures(calls))


def as_dict(call: Call) -> dict[str, object]:
    """One call as JSON can carry it; money is a string, `answered` is whether somebody picked up."""
    return {
        "call_id": call.call_id,
        "number": call.number,
        "from": call.user or call.cli,
        "to": call.to,
        "connected_to": call.connected_to,
        "asked": [{"event": each.event, "attempt": each.attempt, "status": each.status} for each in call.exchanges],
        "decision": call.action,
        "limit_seconds": call.limit_seconds,
        "heard": [{"name": heard.name, "kind": heard.kind, "text": heard.text} for heard in call.heard],
        "menus": [{"menu": each.menu_id, "type": each.type, "value": each.value} for each in call.menu_results],
        "answered": call.answered,
        "duration_seconds": call.duration_seconds,
        "result": call.result,
        "reason": call.reason,
        "debit": str(call.debit),
        "currency": CURRENCY,
        "problem": call.problem,
        "faults": [fault_words(each) for each in _faults(call)],
    }


def line(call: Call) -> str:
    """One call in one line: who called whom, what was asked, answered, and how it ended."""
    asked = ",".join(f"{each.event}:{each.status or '-'}" for each in call.exchanges) or "nothing"
    limit = f" {call.limit_seconds} s" if call.limit_seconds else ""
    faults = "".join(f" [{fault_words(each)}]" for each in _faults(call))
    problem = f" ({call.problem})" if call.problem else ""
    return (
        f"{call.number:>5}  {call.user or call.cli} -> {call.to}  asked {asked}"
        f"  answered {call.action or 'nothing legal'}{limit}"
        f"  {call.result} {call.reason} {call.duration_seconds} s {call.debit} {CURRENCY}{problem}{faults}"
    )


def menu_lines(call: Call) -> list[str]:
    """What was heard in menus and how they ended, a line each; nothing for a call without menus."""
    if not call.menu_results:
        return []
    prompts = [f"heard {heard.kind} {heard.text}" for heard in call.heard if heard.kind]
    results = [f"menu {each.menu_id}: {each.type} {each.value}".rstrip() for each in call.menu_results]
    return [f"       {each}" for each in (*prompts, *results)]


def totals(calls: Sequence[Call]) -> dict[str, object]:
    """Sums over all calls: ends by kind, seconds, the operator's cost, and what went wrong on the way."""
    ends = Counter(_end(call) for call in calls)
    faults = Counter(type(fault) for call in calls for fault in _faults(call))
    return {
        "calls": len(calls),
        **{end: ends[end] for end in ("answered", "busy", "no_answer", "refused", "failed", "not_ended")},
        "seconds": sum(call.duration_seconds for call in calls),
        "debit": str(sum((call.debit for call in calls), Decimal(0))),
        "currency": CURRENCY,
        "callbacks": sum(len(call.exchanges) for call in calls),
        "lost": faults[Lose],
        "repeated": faults[Repeat],
        "late": faults[Delay],
        "overtaken": faults[Swap],
    }


def text(calls: Sequence[Call]) -> str:
    """All calls line by line, each with the menus it went through, and the totals last."""
    summary = ", ".join(f"{name} {value}" for name, value in totals(calls).items())
    return "\n".join([*(each for call in calls for each in (line(call), *menu_lines(call))), summary])


def failures(calls: Iterable[Call]) -> list[str]:
    """What the application did wrong, a sentence each, most frequent first.

    What chance or a fault did to a callback is not the application's fault and not listed.
    """
    counted = Counter(failure for call in calls for failure in _failures(call))
    return [f"{times} x {failure}" for failure, times in counted.most_common()]


def _failures(call: Call) -> list[str]:
    refused = [each for each in call.exchanges if each.status != 200]
    if refused:
        return [f"{each.event}: {each.error or f'HTTP {each.status}'}" for each in refused]
    # NO_ANSWER is only ever the work of a fault: the callback never got there, or too late.
    return [call.problem] if call.problem not in ("", NO_ANSWER.error) else []


def _end(call: Call) -> str:
    if not call.ended:
        return "not_ended"
    if call.result == "ANSWERED":
        return "answered"
    if call.action == "hangup":
        return "refused"
    return {"BUSY": "busy", "NOANSWER": "no_answer"}.get(call.result, "failed")


def _faults(call: Call) -> tuple[Fault, ...]:
    return (*call.happened, *call.faults)


def fault_words(fault: Fault) -> str:
    """A fault in a few words."""
    match fault:
        case Lose(event=event):
            return f"{event} lost"
        case Delay(event=event, seconds=seconds):
            return f"{event} {seconds} s late"
        case Swap(event=event):
            return f"{event} overtaken"
        case Repeat(event=event, times=times, after_seconds=seconds):
            return f"{event} repeated {times} x after {seconds} s"
    return type(fault).__name__
