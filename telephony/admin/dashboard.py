"""What staff see first: today in a handful of cheap queries."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Q, Sum
from django.db.models.functions import TruncHour
from django.utils import timezone

from billing.models import Wallet
from outbox.figures import figures
from telephony.live import totals
from telephony.models import CDR, Call, ReceivedEvent

HOURS = 24
MOST_COUNTED = 1000
CHART_HEIGHT = 120
BAR_WIDTH = 30
BAR_STEP = 36


@dataclass(frozen=True, kw_only=True)
class Bar:
    """One hour of the chart, in the units of its drawing."""

    hour: datetime
    calls: int
    refused: int
    x: int
    height: int
    refused_height: int

    @property
    def y(self) -> int:
        return CHART_HEIGHT - self.height

    @property
    def refused_y(self) -> int:
        return CHART_HEIGHT - self.refused_height

    @property
    def middle(self) -> int:
        return self.x + BAR_WIDTH // 2


def overview(now: datetime) -> dict[str, Any]:
    """Calls and money of today, what runs and is held now, what asks for a person, and the last 24 hours."""
    midnight = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    by_hour = _calls_by_hour(min(midnight, now - timedelta(hours=HOURS)))
    today = [row for hour, row in by_hour.items() if hour >= midnight]
    ended = (
        CDR.objects.filter(ended_at__gte=midnight)
        .values("currency")
        .annotate(seconds=Sum("duration_seconds"), charge=Sum("charge"), loss=Sum("loss"))
        .order_by("currency")
    )
    undecided = ReceivedEvent.objects.exclude(outcome="decided").order_by("-id").values_list("outcome", flat=True)
    problems = list(undecided[:MOST_COUNTED])
    running = totals()
    return {
        "calls_today": sum(calls for calls, _ in today),
        "refused_today": sum(refused for _, refused in today),
        "open_calls": running.calls,
        "in_menus": running.in_menus,
        "parked": running.parked,
        "talked_seconds": sum(row["seconds"] for row in ended),
        "earned": [row for row in ended if row["currency"]],
        "wallets": list(
            Wallet.objects.values("currency").annotate(held=Sum("held"), balance=Sum("balance")).order_by("currency")
        ),
        "problems": {
            label: problems.count(value) for value, label in ReceivedEvent.Outcome.choices if value in problems
        },
        "problem_count": f"{MOST_COUNTED} or more" if len(problems) == MOST_COUNTED else len(problems),
        "outbox": figures(now),
        "bars": _bars(by_hour, now),
        "chart_width": HOURS * BAR_STEP,
        "chart_height": CHART_HEIGHT,
        "bar_width": BAR_WIDTH,
        "busiest": max((calls for calls, _ in by_hour.values()), default=0),
    }


def _calls_by_hour(since: datetime) -> dict[datetime, tuple[int, int]]:
    """All calls and refused calls by the hour they began in."""
    hours = (
        Call.objects.filter(begun_at__gte=since)
        .annotate(hour=TruncHour("begun_at"))
        .values("hour")
        .annotate(calls=Count("id"), refused=Count("id", filter=Q(state=Call.State.REFUSED)))
        .order_by("hour")
    )
    return {row["hour"]: (row["calls"], row["refused"]) for row in hours}


def _bars(by_hour: dict[datetime, tuple[int, int]], now: datetime) -> list[Bar]:
    this_hour = timezone.localtime(now).replace(minute=0, second=0, microsecond=0)
    hours = [this_hour - timedelta(hours=HOURS - 1 - step) for step in range(HOURS)]
    counts = [by_hour.get(hour, (0, 0)) for hour in hours]
    most = max(1, *(calls for calls, _ in counts))
    return [
        Bar(
            hour=hour,
            calls=calls,
            refused=refused,
            x=step * BAR_STEP,
            height=-(-calls * CHART_HEIGHT // most),
            refused_height=-(-refused * CHART_HEIGHT // most),
        )
        for step, (hour, (calls, refused)) in enumerate(zip(hours, counts, strict=True))
    ]
