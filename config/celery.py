"""The Celery app and the timetable: every periodic job, in one place.

Celery only rings the bell. What has to be done is always read from PostgreSQL, so a lost or doubled ring is harmless.
"""

import os

from celery import Celery, signals
from celery.schedules import crontab

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("ringfence")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

# Celery would connect to PostgreSQL anew for every job, which costs more than most of them do.
app.conf["CELERY_DB_REUSE_MAX"] = 500


@signals.worker_init.connect
def end_within_a_second(**_: object) -> None:
    """When a worker ends, its children wait to hear that their last results were counted.

    Now and then that never comes, and each would wait 30 seconds. What they did is in PostgreSQL by then: ten looks, a
    tenth of a second apart, are enough.
    """
    from billiard import pool  # type: ignore[import-untyped]  # only a worker needs it

    pool.GUARANTEE_MESSAGE_CONSUMPTION_RETRY_LIMIT = 10


@signals.task_failure.connect
def forget_the_connection(**_: object) -> None:
    """A job that failed, or was interrupted, may have left its connection in the middle of something."""
    from django.db import connection  # settings are read later than this module

    connection.close()


app.conf.beat_schedule = {
    # A hang-up that never came is asked for within a minute of being overdue.
    "reconcile": {"task": "telephony.reconcile", "schedule": 60.0, "options": {"expires": 55}},
    # A callout put off is begun within seconds of its time; a list begins as many a minute as it may.
    "callouts": {"task": "telephony.callouts", "schedule": 5.0, "options": {"expires": 5}},
    # A code that nobody typed in ends its verification soon after it has run out.
    "verifications": {"task": "telephony.verifications", "schedule": 60.0, "options": {"expires": 55}},
    # Somebody who guesses PINs is noticed within minutes.
    "guesses": {"task": "telephony.guesses", "schedule": 60.0, "options": {"expires": 55}},
    # A day is sealed once nothing of it can still be committing.
    "seal": {"task": "billing.seal", "schedule": crontab(minute=20), "options": {"expires": 3000}},
    # What customers' systems were told is kept for 90 days.
    "forget": {"task": "webhooks.forget", "schedule": crontab(minute=40), "options": {"expires": 3000}},
    # A nonce is refused a second time for a day.
    "forget nonces": {"task": "softphone.forget", "schedule": crontab(minute=50), "options": {"expires": 3000}},
}
