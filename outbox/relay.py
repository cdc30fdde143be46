"""The relay: leases rows that are due and hands their ids to the workers. It does none of the work itself.

It is woken by PostgreSQL at the commit that wrote a row, and looks by itself every second, because a notification
may be lost with a connection. Any number of relays may run; each row goes to one of them.

Paid work, and what costs money when it is late, has a lane of its own, down to the workers: what waits for a customer's
slow system must not keep a text from going out, nor a call from being ended.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Protocol

import psycopg
import structlog
from django.db import Error as DjangoError
from django.db import connection
from django.utils import timezone

from outbox import rows
from outbox.errands import patient_kinds, repeatable_kinds
from postgres.deadline import deadline
from postgres.work import in_one_transaction

log = structlog.get_logger(__name__)

POLL_SECONDS = 1.0
AT_ONCE = 50
# More than this of a lane is not put into the broker: what waits there could outlive its lease and be handed out twice.
MOST_LEASED = 200
RING_AGAIN_SECONDS = 1.0
DATABASE_SECONDS = 10.0

Ring = Callable[[int], None]


class LaneRing(Protocol):
    """Tells the workers of a lane about a row. Raises BellBroken when they cannot be told."""

    def __call__(self, row_id: int, *, paid: bool) -> None: ...


class BellBroken(Exception):
    """The broker did not take an id."""


def relay_once(ring: Ring, kinds: rows.Kinds = rows.ALL) -> int:
    """Hand out what is due now. Returns how many rows were handed out.

    `ring` raises BellBroken when the broker is away; it is raised again once the rows are as they were.
    """
    now = timezone.now()

    def take() -> list[int]:
        rows.sweep(now, repeatable_kinds())
        room = MOST_LEASED - rows.count_leased(kinds)
        return rows.lease(now, min(AT_ONCE, room), kinds) if room > 0 else []

    with deadline(DATABASE_SECONDS):
        ids = in_one_transaction(take)
    for position, id in enumerate(ids):
        try:
            ring(id)
        except BellBroken:
            _give_back(ids[position:])
            raise
    return len(ids)


def _give_back(ids: list[int]) -> None:
    with deadline(DATABASE_SECONDS):
        in_one_transaction(lambda: rows.give_back(ids))


def relay(ring: LaneRing, stop: threading.Event, alive: Callable[[], None] = lambda: None) -> None:
    """Hand out rows until told to stop, calling `alive` at every round. A database or broker that is away is waited
    for.
    """
    trouble = _Trouble()
    while not stop.is_set():
        try:
            listening = _listen()
            # A lost connection is replaced behind our back, and the new one listens to nothing.
            while not stop.is_set() and connection.connection is listening:
                alive()
                if _relay_lanes(ring) == 0:
                    _wait(listening)
                trouble.is_over()
        except BellBroken as broken:
            trouble.tell("broker_away", broken)
            stop.wait(RING_AGAIN_SECONDS)
        except (psycopg.Error, DjangoError) as error:
            trouble.tell("database_away", error)
            connection.close()
            stop.wait(POLL_SECONDS)


def _relay_lanes(ring: LaneRing) -> int:
    patient = patient_kinds()
    paid = relay_once(lambda id: ring(id, paid=True), rows.Kinds(patient))
    return paid + relay_once(lambda id: ring(id, paid=False), rows.Kinds(patient, others=False))


class _Trouble:
    """Told once when it begins and once when it is over, not every second."""

    def __init__(self) -> None:
        self._what = ""

    def tell(self, what: str, why: Exception) -> None:
        if what != self._what:
            log.warning(what, why=str(why).strip())
        self._what = what

    def is_over(self) -> None:
        if self._what:
            log.warning("relay_goes_on", after=self._what)
        self._what = ""


def _listen() -> Any:
    """The connection that hears of new rows. What was said before is found in the first round."""
    with deadline(DATABASE_SECONDS), connection.cursor() as cursor:
        cursor.execute(f"LISTEN {rows.CHANNEL}")
    return connection.connection


def _wait(listening: Any) -> None:
    """Until a row was written, or a second has passed."""
    heard = False
    # What arrived together with the last answers lies in libpq already, and the socket will not say so again.
    while listening.pgconn.notifies():
        heard = True
    if not heard:
        for _ in listening.notifies(timeout=POLL_SECONDS, stop_after=1):
            pass
