"""A lock by name across all processes, for jobs that must not run twice at the same time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256

from django.db import connection


@contextmanager
def only_once(name: str) -> Iterator[bool]:
    """True inside when nobody else holds the name, False when somebody does. Released at the end, or with a crash.

    The lock belongs to the database session, not to a transaction, so the job may talk to the outside meanwhile.
    """
    key = int.from_bytes(sha256(name.encode()).digest()[:8], "big", signed=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [key])
        (mine,) = cursor.fetchone()
    try:
        yield mine
    finally:
        if mine:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [key])
