"""Django's PostgreSQL backend with a deadline on connecting and on every answer. ENGINE = "postgres"."""

from __future__ import annotations

from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from threading import Thread
from typing import Any

import psycopg
from django.db.backends.postgresql import base
from psycopg import IsolationLevel

from postgres.deadline import remaining_seconds


class DeadlinePassed(psycopg.OperationalError):
    """The database did not answer in time. What it did with the last statement is not known."""


class DeadlineConnection(psycopg.Connection[Any]):
    """A connection that gives up, and closes itself, when the caller's deadline passes."""

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        """As psycopg's own, bounded by the deadline in force. Raises DeadlinePassed."""
        left = remaining_seconds()
        if left is None:
            return super().wait(gen, interval, timeout)
        try:
            return super().wait(gen, interval, left if timeout is None else min(left, timeout))
        except Exception:
            # psycopg's time-out is private to it; the clock says as clearly whether this was one.
            if remaining_seconds() == 0.0:
                self.pgconn.finish()
                raise DeadlinePassed("the database did not answer in time") from None
            raise


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's wrapper around a `DeadlineConnection`."""

    def get_new_connection(self, conn_params: dict[str, Any]) -> DeadlineConnection:
        """A new connection within the deadline. Raises DeadlinePassed or psycopg's own reason."""
        self.isolation_level = IsolationLevel.READ_COMMITTED
        left = remaining_seconds()
        return DeadlineConnection.connect(**conn_params) if left is None else _connect_within(left, conn_params)

    def ensure_connection(self) -> None:
        """A connection that can be used: one known to be lost is replaced, unless a transaction was on it."""
        if self.connection is not None and self.connection.closed and not self.in_atomic_block:
            self.close()
        super().ensure_connection()

    def set_autocommit(self, autocommit: bool, force_begin_transaction_with_broken_autocommit: bool = False) -> None:
        """As Django's own, but a transaction that ended by losing its connection does not connect again at once."""
        if autocommit and (self.connection is None or self.connection.closed):
            self.close()
            self.autocommit = True
            return
        super().set_autocommit(autocommit, force_begin_transaction_with_broken_autocommit)


def _connect_within(seconds: float, conn_params: dict[str, Any]) -> DeadlineConnection:
    # psycopg waits at least two seconds for a connection, which is longer than a call does, so the wait is ours.
    connected: Future[DeadlineConnection] = Future()

    def connect() -> None:
        try:
            connected.set_result(DeadlineConnection.connect(**conn_params))
        except Exception as error:
            connected.set_exception(error)

    Thread(target=connect, name="connecting", daemon=True).start()
    try:
        return connected.result(seconds)
    except FutureTimeout:
        connected.add_done_callback(_close_unwanted)
        raise DeadlinePassed("the database could not be reached in time") from None


def _close_unwanted(connected: Future[DeadlineConnection]) -> None:
    if connected.exception() is None:
        connected.result().close()
