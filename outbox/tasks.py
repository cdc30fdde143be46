"""The doorway from the broker to the work, and from the relay to the broker."""

from __future__ import annotations

from typing import Any

from celery import shared_task
from django.conf import settings

from outbox.performing import perform
from outbox.relay import BellBroken
from outbox.rows import SHORTEST_SENDING_SECONDS

# Whoever acts longer than a lease lasts at least is interrupted, and killed when even that does not help.
KILLED_AFTER_SECONDS = SHORTEST_SENDING_SECONDS + 20


@shared_task(
    name="outbox.perform",
    ignore_result=True,
    soft_time_limit=SHORTEST_SENDING_SECONDS,
    time_limit=KILLED_AFTER_SECONDS,
)
def perform_row(row_id: int) -> None:
    """Do one outbox row, or look it up. Called twice it does nothing the second time."""
    perform(row_id)


def ring(row_id: int, *, paid: bool = True) -> None:
    """Tell the workers of the lane about a row. Raises BellBroken when the broker does not take it in time.

    The message dies with the lease: from then on somebody else will ring for the row.
    """
    task: Any = perform_row
    try:
        task.apply_async(
            args=[row_id],
            queue=settings.PAID_QUEUE if paid else None,
            expires=settings.OUTBOX_LEASE_SECONDS,
            retry=False,
            ignore_result=True,
        )
    except Exception as error:  # from four libraries, and whichever it is, nobody heard the bell
        raise BellBroken(str(error)) from error
