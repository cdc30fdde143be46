"""Doorways from the timetable to the use cases. Each may be started twice; one of the two does nothing."""

from celery import shared_task
from django.utils import timezone

from postgres.once import only_once
from telephony import call_lists, callout_dialling, guesses, reconcile, verification_expiry


@shared_task(name="telephony.reconcile", ignore_result=True)
def reconcile_overdue_calls() -> None:
    """Ask the providers about calls whose hang-up never came."""
    with only_once("telephony.reconcile") as mine:
        if mine:
            reconcile.reconcile(timezone.now())


@shared_task(name="telephony.verifications", ignore_result=True)
def expire_verifications() -> None:
    """Ask about verifications of which nothing more was heard, and end them."""
    with only_once("telephony.verifications") as mine:
        if mine:
            verification_expiry.expire(timezone.now())


@shared_task(name="telephony.callouts", ignore_result=True)
def begin_callouts() -> None:
    """Begin the callouts that are due, and as much of the call lists as they may have now."""
    with only_once("telephony.callouts") as mine:
        if mine:
            try:
                callout_dialling.begin_due(timezone.now())
            finally:  # what fails there keeps no list waiting
                call_lists.pace(timezone.now())


@shared_task(name="telephony.guesses", ignore_result=True)
def watch_for_guesses() -> None:
    """Tell the operator when somebody guesses PINs."""
    with only_once("telephony.guesses") as mine:
        if mine:
            guesses.watch(timezone.now())
