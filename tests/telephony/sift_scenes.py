"""A desk at Sift whose API says whatever a test wants, and the errands that ask it."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from outbox import performing
from outbox import rows as outbox_rows
from outbox.models import Row
from postgres.work import in_one_transaction
from telephony.models import Application, Call
from telephony.watching import KIND
from tests.builders import an_application
from tests.sift_caller import A_TOKEN, AN_ACCOUNT, SiftCaller, finished
from tests.telephony.rest_api import Answers


class Desk:
    """What Sift knows of its connections: each is `going_on` until a test says how it ended."""

    def __init__(self) -> None:
        self.connections: dict[str, dict[str, Any]] = {}
        self.status = 200

    def going_on(self, connection_id: str, began_at: datetime) -> None:
        self.connections[connection_id] = SiftCaller.connection(
            connection_id, status="connected", start_time=began_at.isoformat()
        )

    def ended(self, connection_id: str, began_at: datetime, seconds: float, **changes: Any) -> None:
        self.connections[connection_id] = finished(connection_id, began_at, seconds, **changes)

    @property
    def answers(self) -> Answers:
        def answer(connection_id: str) -> tuple[int, bytes]:
            if connection_id == "connections" and self.status == 200:
                return 200, json.dumps({"next": None, "previous": None, "results": []}).encode()
            known = self.connections.get(connection_id)
            if self.status != 200 or known is None:
                return self.status if self.status != 200 else 404, b'{"error": {"code": "x", "message": "no"}}'
            return 200, json.dumps(known).encode()

        return answer


def a_sift_application(base_url: str = "http://127.0.0.1:1", **options: Any) -> Application:
    return an_application("sift", key=AN_ACCOUNT, secret=A_TOKEN, base_url=base_url, **options)


def begun(connection_id: str, seconds_ago: float, **fields: Any) -> Call:
    """The call, as if it had begun so long ago."""
    call = Call.objects.get(provider_call_id=connection_id)
    Call.objects.filter(pk=call.pk).update(begun_at=timezone.now() - timedelta(seconds=seconds_ago), **fields)
    call.refresh_from_db()
    return call


def watch(call: Call) -> Row:
    """What a worker does now with the newest watch of this call."""
    row = Row.objects.filter(kind=KIND, subject=call.pk).latest("id")
    now = timezone.now()
    Row.objects.exclude(pk=row.pk).update(due_at=now + timedelta(hours=1))
    Row.objects.filter(pk=row.pk).update(due_at=now)
    assert in_one_transaction(lambda: outbox_rows.lease(now, 10)) == [row.pk]
    performing.perform(row.pk)
    row.refresh_from_db()
    return row
