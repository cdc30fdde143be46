"""The customer's calls, on the customer's pages. Everything shown is reached through the person's own account."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone

from accounts import notices
from accounts.models import Account
from accounts.portal import customer_page
from billing.money import ZERO
from billing.portal import wallet_of
from telephony.models import CDR, Call

CALLS_PER_PAGE = 25
MOST_RUNNING_SHOWN = 50


@dataclass(frozen=True, kw_only=True)
class RunningCall:
    """A call that is not over. `left_seconds` is None where nothing limits it."""

    call: Call
    talked_seconds: int | None
    left_seconds: int | None


@dataclass(frozen=True, kw_only=True)
class PastCall:
    """A call that is over, with what its records say; `price` is None when nothing was ever charged for."""

    call: Call
    records: list[CDR]

    @property
    def duration_seconds(self) -> int | None:
        return self.records[-1].duration_seconds if self.records else None

    @property
    def price(self) -> Decimal | None:
        return sum((record.charge for record in self.records), ZERO) if self.records else None

    @property
    def currency(self) -> str:
        return next((record.currency for record in self.records if record.currency), "")

    @property
    def result(self) -> str:
        return self.records[-1].result if self.records else ""


@customer_page
def home(request: HttpRequest, account: Account) -> HttpResponse:
    """Balance and what is held, the calls running now, and the calls before, newest first."""
    now = timezone.now()
    over = account.calls.filter(ended_at__isnull=False).order_by("-begun_at", "-id")
    found = list(_before(over, request.GET.get("before", ""))[: CALLS_PER_PAGE + 1])
    page = found[:CALLS_PER_PAGE]
    running = account.calls.filter(ended_at__isnull=True).select_related("application")
    running = running.order_by("begun_at")[:MOST_RUNNING_SHOWN]
    context = {
        "account": account,
        "notices": notices.to_see(account),
        "wallet": wallet_of(account),
        "running": [running_call(call, now) for call in running],
        "calls": past_calls(page),
        "is_first_page": "before" not in request.GET,
        "older": urlencode({"before": _key_of(page[-1])}) if len(found) > len(page) else "",
    }
    return render(request, "portal/home.html", context)


@customer_page
def call(request: HttpRequest, account: Account, id: UUID) -> HttpResponse:
    """One call with every figure behind its price, or why it was refused."""
    found = get_object_or_404(account.calls, pk=id)
    now = timezone.now()
    context = {
        "account": account,
        "past": past_calls([found])[0],
        "running": running_call(found, now) if found.ended_at is None else None,
    }
    return render(request, "portal/call.html", context)


def running_call(call: Call, now: datetime) -> RunningCall:
    """How long the call has been talked and for how long it may still run."""
    talked = None if call.answered_at is None else max(0, int((now - call.answered_at) / timedelta(seconds=1)))
    left = None if call.limit_seconds is None else max(0, call.limit_seconds - (talked or 0))
    return RunningCall(call=call, talked_seconds=talked, left_seconds=left)


def past_calls(calls: Iterable[Call]) -> list[PastCall]:
    """The calls with their records, read in one query."""
    records: dict[UUID, list[CDR]] = {call.pk: [] for call in calls}
    for record in CDR.objects.filter(call__in=list(records)).order_by("call", "revision"):
        records[record.call_id].append(record)
    return [PastCall(call=call, records=records[call.pk]) for call in calls]


def _key_of(call: Call) -> str:
    return f"{call.begun_at.isoformat()}_{call.pk}"


def _before(calls: QuerySet[Call], key: str) -> QuerySet[Call]:
    """The calls after the one with this key in the list's order; all of them for a key nobody gave out."""
    moment, _, id = key.partition("_")
    try:
        begun_at, call_id = datetime.fromisoformat(moment), UUID(id)
    except ValueError:
        return calls
    if begun_at.tzinfo is None:
        return calls
    # The first condition is what the index is walked by; the second settles ties.
    return calls.filter(Q(begun_at__lte=begun_at) & (Q(begun_at__lt=begun_at) | Q(id__lt=call_id)))
