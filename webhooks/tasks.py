"""Doorways from the timetable to the use cases. Each may be started twice; one of the two does nothing."""

from celery import shared_task
from django.utils import timezone

from postgres.once import only_once
from webhooks import history


@shared_task(name="webhooks.forget", ignore_result=True)
def forget_what_was_told() -> None:
    """Forget deliveries of long ago."""
    with only_once("webhooks.forget") as mine:
        if mine:
            history.forget(timezone.now())
