"""What the demo shows: the calls, a table per account, the margin, and whether the books are right."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from django.db.models import Sum

from billing.models import Entry
from config import demo_sift, demo_softphone, demo_work
from config.demo import Outcome
from sandbox import Call as SandboxCall
from sandbox import Fault, Lose, Repeat, Swap
from sandbox import report as sandbox_report
from telephony.audit import run_audit
from telephony.decisions import Reason
from telephony.models import CDR, Call, TextMessage, Verification
from telephony.prompts import WRITTEN


def as_dict(outcome: Outcome) -> dict[str, Any]:
    """Everything the text says, as plain JSON values; money as text."""
    audit = run_audit(full=True)
    revenue = sum((_charged(account) for account in outcome.accounts), Decimal(0))
    cost = sum((call.debit for call in outcome.calls), Decimal(0))
    return {
        "calls": [sandbox_report.as_dict(call) for call in outcome.calls],
        "totals": _totals(outcome),
        "refused": dict(_refused(outcome)),
        "accounts": [_account(outcome, account) for account in outcome.accounts],
        "revenue": f"{revenue:.6f}",
        "provider_cost": f"{cost:.6f}",
        "margin": f"{revenue - cost:.6f}",
        "softphone": demo_softphone.as_dict(outcome.seen),
        "begun": demo_work.as_dict(outcome.begun),
        "alerts": demo_work.alerts(outcome.begun),
        "cdrs": demo_sift.cdrs(outcome.accounts[0]),
        "entries": Entry.objects.count(),
        "differences": len(audit.differences),
    }


def lines(outcome: Outcome, figures: dict[str, Any]) -> Iterator[str]:
    """The text a person reads; its last line says whether the ledger is right."""
    yield "Calls as the platform saw them"
    yield ""
    crowd: Counter[str] = Counter()
    for call in outcome.calls:
        if call.user and call.user.startswith("corner"):
            crowd[f"{_end(call)}, limit {call.limit_seconds} s" if call.limit_seconds else _end(call)] += 1
        else:
            yield _line(call)
    yield f"  and 30 calls at once by one customer with 5.00: {', '.join(f'{n} × {k}' for k, n in crowd.items())}"
    yield ""
    yield "  " + ", ".join(f"{name.replace('_', ' ')} {count}" for name, count in figures["totals"].items())
    yield ""
    yield "What Ringfence began itself"
    yield ""
    yield from demo_work.lines(outcome.begun)
    yield ""
    if outcome.seen:
        yield "What somebody with a softphone saw"
        yield ""
        yield from demo_softphone.print_lines(outcome.seen)
        yield ""
    yield from demo_sift.lines(outcome.accounts[0], figures["cdrs"])
    yield f"  {'account':<20}{'opening':>12}{'charged':>12}{'closing':>12}{'held':>10}   calls"
    for account in figures["accounts"]:
        yield (
            f"  {account['name']:<20}{account['opening']:>12}{account['charged']:>12}{account['closing']:>12}"
            f"{account['held']:>10}   {account['calls']}"
        )
    yield ""
    yield f"  revenue {figures['revenue']}  provider cost {figures['provider_cost']}  margin {figures['margin']}  (USD)"
    yield f"  alerts sent: {len(figures['alerts'])}"
    yield ""
    yield f"ledger: {figures['entries']} entries, {figures['differences']} differences"


def _totals(outcome: Outcome) -> dict[str, int]:
    ends = Counter(_end(call).split(":")[0].split(",")[0] for call in outcome.calls)
    repeated = sum(fault.times for call in outcome.calls for fault in _faults(call) if isinstance(fault, Repeat))
    return {
        "answered": ends["answered"],
        "busy": ends["busy"],
        "no_answer": ends["no answer"],
        "refused": ends["refused"],
        "heard_a_menu": ends["heard a menu"],
        "duplicated": repeated,
        "lost_and_reconciled": outcome.reconciled.settled,
    }


def _refused(outcome: Outcome) -> Counter[str]:
    ids = [call.call_id for call in outcome.calls]
    return Counter(
        Call.objects.filter(provider_call_id__in=ids, state=Call.State.REFUSED).values_list("refusal", flat=True)
    )


def _account(outcome: Outcome, account: Any) -> dict[str, Any]:
    wallet = account.wallet
    wallet.refresh_from_db()
    return {
        "name": account.name,
        "opening": f"{outcome.opened_with[account.pk]:.6f}",
        "charged": f"{_charged(account):.6f}",
        "closing": f"{wallet.balance:.6f}",
        "held": f"{wallet.held:.2f}",
        "calls": Call.objects.filter(account=account).count(),
    }


def _charged(account: Any) -> Decimal:
    """What left the wallet for calls, texts and verifications."""
    sums = (
        documents.objects.filter(account=account).aggregate(sum=Sum("charge"))["sum"]
        for documents in (CDR, TextMessage, Verification)
    )
    return sum((each or Decimal(0) for each in sums), Decimal(0))


def _line(call: SandboxCall) -> str:
    limit = f"allowed {call.limit_seconds} s" if call.limit_seconds else _without_limit(call)
    remarks = [*_pressed(call), *(_fault(fault) for fault in _faults(call))]
    faults = "  ← " + ", ".join(remarks) if remarks else ""
    return f"  {call.user or call.cli:<14} → {call.to:<16} {limit:<16} {_end(call)}{faults}"


def _pressed(call: SandboxCall) -> list[str]:
    """What the caller of a menu pressed; digits only by their number, because one may be a PIN."""
    pressed = [f"{len(each.value)} digits" if len(each.value) > 1 else each.value for each in call.menu_results]
    return ["pressed " + " · ".join(filter(None, pressed))] if any(pressed) else []


def _talked_seconds(call: SandboxCall) -> int:
    """What the customer talked: the platform counts the time in a menu too."""
    cdr = CDR.objects.filter(call__provider_call_id=call.call_id).order_by("-revision").first()
    return cdr.duration_seconds if cdr else call.duration_seconds


def _without_limit(call: SandboxCall) -> str:
    return {"hangup": "refused", "runMenu": "menu"}.get(call.action or "", "")


def _faults(call: SandboxCall) -> list[Fault]:
    return [*call.faults, *call.happened]


def _fault(fault: Fault) -> str:
    """What went wrong, in words: `dice lost`, `dice 4 times`."""
    event = getattr(fault, "event", "").upper().replace("DICE", "DiCE")
    match fault:
        case Repeat(times=times):
            return f"{event} {times + 1} times"
        case Lose():
            return f"{event} lost"
        case Swap():
            return f"{event} overtaken"
    return f"{type(fault).__name__.lower()} {event}".strip()


def _end(call: SandboxCall) -> str:
    if call.answered:
        return f"answered, {_talked_seconds(call)} s"
    ours = Call.objects.filter(provider_call_id=call.call_id).only("refusal").first()
    if ours and ours.refusal:
        return f"refused: {WRITTEN[Reason(ours.refusal)]}"
    if call.menu_results:
        return f"heard a menu, {call.duration_seconds} s"
    if call.action == "hangup":
        return "refused"
    return {"BUSY": "busy", "NOANSWER": "no answer"}.get(call.result, call.result.lower())
