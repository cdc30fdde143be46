"""Doorways from the timetable to the use cases. Each may be started twice; one of the two does nothing."""

from celery import shared_task
from django.utils import timezone

from billing import seals
from postgres.once import only_once


@shared_task(name="billing.seal", ignore_result=True)
def seal_finished_days() -> None:
    """Seal the days of the ledger that are over."""
    with only_once("billing.seal") as mine:
        if mine:
            seals.seal_days(timezone.now().date())
