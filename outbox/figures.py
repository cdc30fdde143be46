"""How the outbox is doing, in a few figures from its small indexes: finished rows are not read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import Q

from outbox.models import Pause, Row

MOST_COUNTED = 1000
# A row that is due goes out within seconds; one that has waited this long asks whether relay and workers run.
LATE_AFTER_SECONDS = 60

# Every part reads at most so many rows of one index.
_FIGURES = """
SELECT
    (SELECT count(*) FROM (
        SELECT FROM outbox_row WHERE state IN ('ready', 'retry') AND due_at <= %(now)s LIMIT %(most)s) due),
    (SELECT count(*) FROM (
        SELECT FROM outbox_row WHERE lease_until IS NOT NULL AND state <> 'unknown' LIMIT %(most)s) leased),
    (SELECT count(*) FROM (SELECT FROM outbox_row WHERE state = 'unknown' LIMIT %(most)s) doubtful),
    (SELECT count(*) FROM (
        SELECT FROM (SELECT finished_at FROM outbox_row WHERE state IN ('unknown', 'dead') AND state = 'dead'
                     ORDER BY id DESC LIMIT %(most)s) latest
        WHERE finished_at > %(yesterday)s) dead),
    (SELECT min(due_at) FROM outbox_row WHERE state IN ('ready', 'retry') AND due_at <= %(now)s)
"""


@dataclass(frozen=True, kw_only=True)
class Figures:
    """Rows by what they wait for; each count ends at MOST_COUNTED. `dead` died within a day."""

    due: int
    on_their_way: int
    unknown: int
    dead: int
    oldest_waits_seconds: int | None
    paused: tuple[str, ...]

    @property
    def is_late(self) -> bool:
        """Something has been due for so long that a person should look whether the relay and the workers run."""
        return (self.oldest_waits_seconds or 0) > LATE_AFTER_SECONDS


def figures(now: datetime) -> Figures:
    """How many rows are due, on their way, unknown and dead, and how long the oldest has waited."""
    given: dict[str, datetime | int] = {"now": now, "most": MOST_COUNTED, "yesterday": now - timedelta(days=1)}
    paused = tuple(Pause.objects.filter(until__gt=now).order_by("kind").values_list("kind", flat=True))
    with connection.cursor() as cursor:
        cursor.execute(_FIGURES, given)
        due, on_their_way, unknown, dead, oldest = cursor.fetchone()
    # Nothing is late that was told to wait.
    if paused and oldest is not None:
        waiting = Row.objects.filter(~Q(kind__in=paused), state__in=["ready", "retry"], due_at__lte=now)
        oldest = waiting.order_by("due_at").values_list("due_at", flat=True).first()
    return Figures(
        due=due,
        on_their_way=on_their_way,
        unknown=unknown,
        dead=dead,
        oldest_waits_seconds=None if oldest is None else int((now - oldest).total_seconds()),
        paused=paused,
    )
