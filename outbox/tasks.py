"""The doorway from the broker to the work, and from the relay to the broker."""

from __future__ import annotations

from typing import Any

from celery import shared_task
from django.conf import settings
from kombu.exceptions import OperationalError

from outbox.performing import perform
from outbox.relay import BellBroken


@shared_task(name="outbox.perform", ignore_result=True)
def perform_row(row_id: int) -> None:
    """Do one outbox row, or look it up. Called twice it does nothing the second time."""
    perform(row_id)


def ring(row_id: int) -> None:
    """Tell the workers about a row. Raises BellBroken when the broker does not take it in time.

    The message dies with the lease: from then on somebody else will ring for the row.
    """
    task: Any = perform_row
    try:
        task.apply_async(args=[row_id], expires=settings.OUTBOX_LEASE_SECONDS, retry=False, ignore_result=True)
    except (OSError, OperationalError) as error:
        raise BellBroken(str(error)) from error
