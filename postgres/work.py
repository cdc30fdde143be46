"""One transaction, tried again when the database asks for it: the only place that retries."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import NoReturn, TypeVar

import django.db
import psycopg
from django.db import connection, transaction

from postgres.base import DeadlinePassed
from postgres.batch import Batch
from postgres.deadline import remaining_seconds
from postgres.statements import travelling_in

T = TypeVar("T")

ATTEMPTS = 3

# Nothing was written, or what was written is found again by its unique key: trying once more is safe.
AGAIN = (
    psycopg.errors.DeadlockDetected,
    psycopg.errors.SerializationFailure,
    psycopg.errors.LockNotAvailable,
    psycopg.errors.UniqueViolation,
    psycopg.errors.AdminShutdown,
    psycopg.errors.CrashShutdown,
    psycopg.errors.CannotConnectNow,
)


def in_one_transaction(work: Callable[[], T]) -> T:
    """Run `work` in exactly one transaction and commit before returning. Its statements are `ask` and `tell`.

    A deadlock, a lock time-out, a lost connection or a duplicate key that a simultaneous twin wrote first is tried
    again, at most three times and inside the deadline in force: `work` must read what it depends on afresh each time.
    Raises psycopg's last error when that does not help, DeadlinePassed when time is up.

    Inside a transaction of Django's (a test's, say) it is a savepoint of that one, and nothing is tried again.
    """
    if connection.in_atomic_block:
        with transaction.atomic():
            return work()
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return _once(work)
        except (psycopg.Error, django.db.Error) as error:
            cause = _cause(error)
            if attempt == ATTEMPTS or not _may_try_again(cause):
                raise cause from None
            time.sleep(random.uniform(0.002, 0.02) * attempt)  # noqa: S311 - jitter, not a secret
    raise AssertionError("unreachable")


def _once(work: Callable[[], T]) -> T:
    connection.ensure_connection()
    batch = Batch(connection.connection)
    try:
        with travelling_in(batch), connection.execute_wrapper(_refuse):
            result = work()
        batch.commit()
    except BaseException:
        batch.roll_back()
        if connection.connection.closed:
            # Forgotten now: Django, tidying up after the request, would connect again and wait without a deadline.
            connection.close()
        raise
    return result


def _refuse(*_: object) -> NoReturn:
    """Django does not know of our transaction: its own statements would run beside it, or commit it half done."""
    raise RuntimeError("inside in_one_transaction statements are asked and told, not sent through Django")


def _cause(error: Exception) -> Exception:
    """Django wraps what happens while connecting; the caller meets psycopg's errors only."""
    return error.__cause__ if isinstance(error.__cause__, psycopg.Error) else error


def _may_try_again(error: Exception) -> bool:
    if isinstance(error, DeadlinePassed) or remaining_seconds() == 0.0:
        return False
    lost = isinstance(error, psycopg.OperationalError) and error.sqlstate is None
    return lost or isinstance(error, AGAIN)
