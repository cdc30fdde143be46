"""Doorways from the timetable to the use cases. Each may be started twice; one of the two does nothing."""

from celery import shared_task
from django.utils import timezone

from postgres.once import only_once
from softphone import nonces


@shared_task(name="softphone.forget", ignore_result=True)
def forget_used_nonces() -> None:
    """Forget nonces that were used more than a day ago."""
    with only_once("softphone.forget") as mine:
        if mine:
            nonces.forget_old(timezone.now())
