"""The doorway from the timetable to sealing the ledger."""

from __future__ import annotations

import pytest
from django.db import connection

from billing.models import Seal
from billing.tasks import seal_finished_days
from tests.builders import an_account, check_deferred_constraints
from tests.postgres.locks import held_elsewhere

pytestmark = pytest.mark.django_db


@pytest.fixture
def a_posting_of_last_week(db: None) -> None:
    an_account(balance="1")
    check_deferred_constraints()
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE billing_posting DISABLE TRIGGER USER")
        cursor.execute("UPDATE billing_posting SET created_at = created_at - interval '7 days'")
        cursor.execute("ALTER TABLE billing_posting ENABLE TRIGGER USER")


def test_the_task_seals_the_days_that_are_over(a_posting_of_last_week: None) -> None:
    seal_finished_days()
    assert Seal.objects.exists()
    sealed = list(Seal.objects.order_by("pk").values())
    seal_finished_days()
    assert list(Seal.objects.order_by("pk").values()) == sealed


def test_while_it_runs_elsewhere_the_task_does_nothing(a_posting_of_last_week: None) -> None:
    with held_elsewhere("billing.seal"):
        seal_finished_days()
    assert not Seal.objects.exists()
