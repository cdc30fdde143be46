"""A nonce is remembered for a day, and not for ever."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from config.celery import app
from softphone.models import UsedNonce
from softphone.tasks import forget_used_nonces
from tests.softphone.scenes import a_line

pytestmark = pytest.mark.django_db


def test_the_timetable_forgets_nonces_of_more_than_a_day_ago() -> None:
    line, now = a_line(), timezone.now()
    for nonce, age in (("old-nonce", timedelta(hours=25)), ("new-nonce", timedelta(hours=23))):
        UsedNonce.objects.create(line=line, nonce=nonce, used_at=now - age)
    forget_used_nonces()
    assert list(UsedNonce.objects.values_list("nonce", flat=True)) == ["new-nonce"]
    assert forget_used_nonces.name in {job["task"] for job in app.conf.beat_schedule.values()}
