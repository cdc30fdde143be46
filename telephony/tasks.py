"""Doorways from the timetable to the use cases. Each may be started twice; one of the two does nothing."""

from celery import shared_task
from django.utils import timezone

from postgres.once import only_once
from telephony import reconcile


@shared_task(name="telephony.reconcile", ignore_result=True)
def reconcile_overdue_calls() -> None:
    """Ask the providers about calls whose hang-up never came."""
    with only_once("telephony.reconcile") as mine:
        if mine:
            reconcile.reconcile(timezone.now())
