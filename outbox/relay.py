"""The relay: leases rows that are due and hands their ids to the workers. It does none of the work itself.

It is woken by PostgreSQL at the commit that wrote a row, and looks by itself every second, because a notification
may be lost with a connection. Any number of relays may run; each row goes to one of them.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from datetime import timedelta

import psycopg
import structlog
from django.db import Error as DjangoError
from django.db import connection
from django.utils import timezone

from outbox import rows
from outbox.errands import repeatable_kinds
from postgres.work import in_one_transaction

log = structlog.get_logger(__name__)

POLL_SECONDS = 1.0
AT_ONCE = 50
# More than this is not put into the broker: what waits there could outlive its lease and be handed out twice.
MOST_LEASED = 200
RING_AGAIN_SECONDS = 1.0

Ring = Callable[[int], None]


class BellBroken(Exception):
    """The broker did not take an id."""


def relay_once(ring: Ring) -> int:
    """Hand out what is due now. Returns how many rows were handed out.

    `ring` raises BellBroken when the broker is away; the rows are then due again at once.
    """
    now = timezone.now()

    def take() -> list[int]:
        rows.sweep(now, repeatable_kinds())
        room = MOST_LEASED - rows.count_leased()
        return rows.lease(now, min(AT_ONCE, room)) if room > 0 else []

    ids = in_one_transaction(take)
    for position, id in enumerate(ids):
        try:
            ring(id)
        except BellBroken as broken:
            log.warning("broker_away", why=str(broken), waiting=len(ids) - position)
            _give_back(ids[position:])
            return position
    return len(ids)


def relay(ring: Ring, stop: threading.Event) -> None:
    """Hand out rows until told to stop. A database or a broker that is away is waited for."""
    while not stop.is_set():
        try:
            _listen()
            while not stop.is_set():
                if relay_once(ring) == 0:
                    _wait()
        except (psycopg.Error, DjangoError) as error:
            log.warning("relay_without_database", why=str(error).strip())
            connection.close()
            stop.wait(POLL_SECONDS)


def _give_back(ids: Sequence[int]) -> None:
    due_at = timezone.now() + timedelta(seconds=RING_AGAIN_SECONDS)
    in_one_transaction(lambda: rows.give_back(ids, due_at))
    time.sleep(RING_AGAIN_SECONDS)


def _listen() -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"LISTEN {rows.CHANNEL}")


def _wait() -> None:
    """Until a row was written, or a second has passed."""
    for _ in connection.connection.notifies(timeout=POLL_SECONDS, stop_after=1):
        pass
