"""Statements of the path on which a call waits, written as SQL with `%s` for values.

Inside `postgres.work.in_one_transaction` they travel together: nothing is sent until an answer is read, so a few
statements cost one round trip. Anywhere else they run at once, in whatever transaction Django has open.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import psycopg
from django.db import connection

from postgres.batch import Batch, Row, Statement

_current: ContextVar[Batch | None] = ContextVar("batch", default=None)


class Answer:
    """The rows of one statement, fetched when they are first asked for."""

    def __init__(self, statement: Statement, batch: Batch | None) -> None:
        self._statement = statement
        self._batch = batch

    def row(self) -> Row | None:
        """The first row, or None. Raises the error of this statement or of one sent before it."""
        rows = self.rows()
        return rows[0] if rows else None

    def rows(self) -> list[Row]:
        """Every row. Raises the error of this statement or of one sent before it."""
        if self._statement.rows is None and self._batch is not None:
            self._batch.send()
        return self._statement.rows or []


def ask(sql: str, parameters: Sequence[Any] = ()) -> Answer:
    """A statement whose rows are wanted."""
    batch = _current.get()
    if batch is None:
        return Answer(_run(sql, parameters), None)
    return Answer(batch.add(sql, parameters), batch)


def tell(sql: str, parameters: Sequence[Any] = ()) -> None:
    """A statement whose rows nobody needs. Its error surfaces with the next answer, at the latest at commit."""
    batch = _current.get()
    if batch is None:
        _run(sql, parameters)
    else:
        batch.add(sql, parameters)


def in_transaction() -> bool:
    """Is a transaction open, ours or Django's?"""
    return _current.get() is not None or connection.in_atomic_block


@contextmanager
def travelling_in(batch: Batch) -> Iterator[None]:
    """Let the statements inside join the batch."""
    token = _current.set(batch)
    try:
        yield
    finally:
        _current.reset(token)


def _run(sql: str, parameters: Sequence[Any]) -> Statement:
    connection.ensure_connection()
    with psycopg.Cursor(connection.connection) as cursor:
        cursor.execute(sql, parameters)
        return Statement(sql, parameters, cursor.fetchall() if cursor.description else None)
