"""What an endpoint was told, newest first, with every attempt and what is to come; forgotten after 90 days."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from functools import partial

from django.db.models import Prefetch, Q
from django.utils import timezone

from outbox.models import Row
from postgres.statements import ask, tell
from postgres.work import in_one_transaction
from webhooks.models import Attempt, Delivery, Endpoint

PER_PAGE = 25

KEPT = timedelta(days=90)
FORGOTTEN_AT_ONCE = 500
MOST_FORGOTTEN = 100_000  # a run

# Only what is over, so nobody tells it; its outbox row is locked first, as by whoever would. What a later delivery
# repeats is kept as long as that one, whose body says so.
_OLD = """
SELECT d.id FROM webhooks_delivery d JOIN outbox_row r ON r.subject = d.id AND r.kind = 'webhook'
WHERE d.endpoint_id = %s AND d.created_at < %s AND r.state IN ('done', 'dead') AND r.finished_at < %s
    AND NOT EXISTS (SELECT FROM webhooks_delivery again WHERE again.replays_id = d.id)
ORDER BY d.created_at LIMIT %s
FOR UPDATE OF r SKIP LOCKED
"""


class Fate(Enum):
    """What became of a delivery, in the words that people read."""

    DELIVERED = "delivered"
    ON_ITS_WAY = "on its way"
    TO_BE_TRIED_AGAIN = "to be tried again"
    GIVEN_UP = "given up"
    NOT_SENT = "not sent: switched off"


@dataclass(frozen=True, kw_only=True)
class Line:
    """One delivery. `next_at` is when it is told again, None when it is not, or at once."""

    delivery: Delivery
    attempts: Sequence[Attempt]
    fate: Fate
    next_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class Page:
    """Some deliveries; `older` is what to ask for to get those before them, empty when there are none."""

    lines: Sequence[Line]
    older: str


def page_of(endpoint: Endpoint, before: str = "", per_page: int = PER_PAGE) -> Page:
    """The newest deliveries of the endpoint, or those before the place that another page named as `older`."""
    deliveries = endpoint.deliveries.filter(_before(before)).order_by("-created_at", "-number")
    found = list(deliveries.prefetch_related(_attempts())[: per_page + 1])
    shown = found[:per_page]
    rows = {row.subject: row for row in Row.objects.filter(subject__in=[each.pk for each in shown])}
    lines = [_line(delivery, rows.get(delivery.pk)) for delivery in shown]
    last = shown[-1] if len(found) > per_page else None
    return Page(lines=lines, older=f"{last.created_at.isoformat()}_{last.number}" if last else "")


def line_of(delivery: Delivery) -> Line:
    """This one delivery."""
    return _line(delivery, Row.objects.filter(subject=delivery.pk).first())


def forget(now: datetime) -> int:
    """Forget what was told and came to its end more than 90 days ago, with its attempts and outbox rows.

    Every few hundred in a transaction of their own, at most 100,000 in all. Returns how many deliveries that were.
    """
    forgotten = 0
    for endpoint_id in list(Endpoint.objects.order_by("pk").values_list("pk", flat=True)):
        while at_most := min(FORGOTTEN_AT_ONCE, MOST_FORGOTTEN - forgotten):
            count = in_one_transaction(partial(_forget_some, endpoint_id, now - KEPT, at_most))
            forgotten += count
            if count < at_most:
                break
    return forgotten


def _forget_some(endpoint_id: int, before: datetime, at_most: int) -> int:
    ids = [row[0] for row in ask(_OLD, [endpoint_id, before, before, at_most]).rows()]
    if ids:
        # Whoever removes the endpoint holds its row, and removes the same.
        tell("SELECT FROM webhooks_endpoint WHERE id = %s FOR KEY SHARE", [endpoint_id])
        tell("DELETE FROM webhooks_attempt WHERE delivery_id = ANY(%s)", [ids])
        tell("DELETE FROM webhooks_delivery WHERE id = ANY(%s)", [ids])
        tell("DELETE FROM outbox_row WHERE subject = ANY(%s) AND kind = 'webhook'", [ids])
    return len(ids)


def _attempts() -> Prefetch[str]:
    return Prefetch("attempts", Attempt.objects.order_by("at", "id"))


def _line(delivery: Delivery, row: Row | None) -> Line:
    attempts = sorted(delivery.attempts.all(), key=lambda attempt: (attempt.at, attempt.pk))
    fate = _fate(attempts, row)
    is_waiting = fate is Fate.TO_BE_TRIED_AGAIN and row is not None and row.due_at > timezone.now()
    return Line(delivery=delivery, attempts=attempts, fate=fate, next_at=row.due_at if row and is_waiting else None)


def _fate(attempts: Sequence[Attempt], row: Row | None) -> Fate:
    if any(attempt.status is not None and 200 <= attempt.status < 300 for attempt in attempts):
        return Fate.DELIVERED
    if row is not None and row.state not in (Row.State.DONE, Row.State.DEAD):
        return Fate.TO_BE_TRIED_AGAIN if attempts else Fate.ON_ITS_WAY
    if row is not None and row.state == Row.State.DONE:
        return Fate.NOT_SENT
    return Fate.GIVEN_UP


def _before(key: str) -> Q:
    """Everything, for a key that nobody gave out."""
    moment, _, number = key.partition("_")
    try:
        at = datetime.fromisoformat(moment)
    except ValueError:
        return Q()
    if at.tzinfo is None or not number.isascii() or not number.isdecimal() or len(number) > 18:
        return Q()
    # The first condition is what the index is walked by; the second settles ties.
    return Q(created_at__lte=at) & (Q(created_at__lt=at) | Q(number__lt=int(number)))
