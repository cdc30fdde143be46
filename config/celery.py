"""The Celery app and the timetable: every periodic job, in one place.

Celery only rings the bell. What has to be done is always read from PostgreSQL, so a lost or doubled ring is harmless.
"""

import os

from celery import Celery
from celery.schedules import crontab

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("ringfence")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

app.conf.beat_schedule = {
    # A hang-up that never came is asked for within a minute of being overdue.
    "reconcile": {"task": "telephony.reconcile", "schedule": 60.0, "options": {"expires": 55}},
    # A day is sealed once nothing of it can still be committing.
    "seal": {"task": "billing.seal", "schedule": crontab(minute=20), "options": {"expires": 3000}},
}
