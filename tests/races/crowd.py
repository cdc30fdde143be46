"""Threads that do things at the same time, and whether PostgreSQL had to break a circle of waiting."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier
from typing import Any

from django.db import connection, connections

CROWD = 30


class Crowd:
    """Threads that are kept, with their connections, and begin every piece of work together."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(CROWD)

    def at_once(self, work: Sequence[Callable[[], Any]]) -> list[Any]:
        """Do everything, as many at a time as there are threads; results in the order of the work."""
        results: list[Any] = []
        for first in range(0, len(work), CROWD):
            together = work[first : first + CROWD]
            barrier = Barrier(len(together))
            results += self._threads.map(partial(_begin_together, barrier), together)
        return results

    def go_home(self) -> None:
        self.at_once([connections.close_all] * CROWD)
        self._threads.shutdown()


def _begin_together(barrier: Barrier, work: Callable[[], Any]) -> Any:
    barrier.wait()
    return work()


def deadlocks() -> int:
    """How many PostgreSQL has broken in this database so far."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        return cursor.fetchone()[0]
