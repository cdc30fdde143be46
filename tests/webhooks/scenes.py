"""Endpoints on a test bench, and the outbox worked off in the test's own transaction."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.db import connection
from django.test import override_settings
from django.utils import timezone

from accounts.models import Account
from outbox import rows
from outbox.errands import Claimed
from outbox.models import Row
from outbox.performing import perform
from postgres.work import in_one_transaction
from tests.webhooks.receiver import Answering, Receiver, receiving
from webhooks import endpoints
from webhooks.models import Delivery, Endpoint, EventType
from webhooks.telling import announce

LOW = {"balance": "4.970000", "currency": "USD", "threshold": "5.000000"}


@contextmanager
def a_told(account: Account | None, *answers: bytes | Answering, **options: Any) -> Iterator[tuple[Receiver, Endpoint]]:
    """A receiver of the account's and the endpoint that is told there; `options` are those of `endpoints.add`."""
    with receiving(*answers) as receiver, told_privately(receiver):
        yield receiver, endpoints.add(account, f"http://127.0.0.1:{receiver.port}/in", **options)


def told_privately(receiver: Receiver) -> override_settings:
    """Settings in which this receiver may be told, like those named before."""
    return override_settings(WEBHOOK_PRIVATE_TARGETS={*settings.WEBHOOK_PRIVATE_TARGETS, f"127.0.0.1:{receiver.port}"})


def it_happens(account: Account | None, event: EventType = EventType.BALANCE_LOW, **data: Any) -> None:
    announce(None if account is None else account.pk, event, data or LOW, timezone.now())


def carry_out() -> int:
    """Do every row that is new or due, once. Returns how many that were."""
    now = timezone.now()
    Row.objects.filter(state="ready").update(due_at=now)  # it was written by the database's clock, not by the test's
    ids = in_one_transaction(lambda: rows.lease(now, 100))
    for id in ids:
        perform(id)
    return len(ids)


def make_due() -> None:
    """Let what is to be tried again be tried now."""
    Row.objects.filter(state="retry").update(due_at=timezone.now())


def give_up() -> None:
    """Let nothing be tried again."""
    Row.objects.filter(state="retry").update(state="dead", finished_at=timezone.now())


def a_claim(delivery: Delivery, *, failures: int = 0) -> Claimed:
    """The delivery's row as an errand gets it."""
    return Claimed(id=1, key="x", subject=delivery.pk, payload={}, attempt=1, failures=failures, doubtful_since=None)


def states() -> list[str]:
    """The states of every outbox row, in the order of their writing."""
    return list(Row.objects.order_by("id").values_list("state", flat=True))


def connection_parameters() -> dict[str, Any]:
    """With which somebody else connects to the test's database."""
    parameters = connection.get_connection_params()
    return {name: parameters[name] for name in ("dbname", "user", "password", "host", "port") if name in parameters}
