"""Statements that travel to PostgreSQL together, in one transaction of their own.

psycopg's own pipeline talks to the server at every statement; on the callback path that talking cost more than the
statements did. Here nothing is sent until an answer is needed, so a callback is two or three round trips, and every
statement is prepared once per connection. Only psycopg's documented layer over libpq (`psycopg.pq`) is used.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import count
from typing import Any
from weakref import WeakKeyDictionary

import psycopg
from django.conf import settings
from psycopg import adapt, pq
from psycopg.abc import Transformer
from psycopg.adapt import PyFormat
from psycopg.waiting import Wait

Row = tuple[Any, ...]


@dataclass
class Statement:
    """One statement on its way, and its rows once they are here."""

    sql: str
    parameters: Sequence[Any]
    rows: list[Row] | None = None


@dataclass
class _Spoken:
    """What one connection has been told: the names of its prepared statements, and how to read its values."""

    transformer: Transformer
    prepared: dict[str, bytes] = field(default_factory=dict)


_spoken: WeakKeyDictionary[psycopg.Connection[Any], _Spoken] = WeakKeyDictionary()
_names = count(1)


class Batch:
    """A transaction whose statements are sent when an answer is read, and at the latest with the COMMIT."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection
        self._spoken = _spoken.get(connection) or _spoken.setdefault(connection, _Spoken(adapt.Transformer(connection)))
        self._waiting = [Statement("BEGIN", ())]

    def add(self, sql: str, parameters: Sequence[Any]) -> Statement:
        """Put a statement in line. Its error, if it has one, is raised by the next `send`."""
        statement = Statement(sql, parameters)
        self._waiting.append(statement)
        return statement

    def send(self) -> bytes | None:
        """Send what waits and read all answers. Raises the first statement's error; those behind it did not run.

        Returns what PostgreSQL calls the last thing it did, such as b"COMMIT".
        """
        statements, self._waiting = self._waiting, []
        sends: list[Callable[[], None]] = []
        expected: list[tuple[Statement | None, str, bytes]] = []
        for statement in statements:
            self._add_sends(statement, sends, expected)
        try:
            results = self._connection.wait(_converse(self._connection.pgconn, sends))
        except BaseException:
            self._connection.pgconn.finish()  # nobody knows what is still on its way
            raise
        for (answered, sql, name), result in zip(expected, results, strict=True):
            if result.status not in (pq.ExecStatus.COMMAND_OK, pq.ExecStatus.TUPLES_OK):
                raise psycopg.errors.error_from_result(result, encoding="utf-8")
            if answered is None:
                self._spoken.prepared[sql] = name
            elif result.status == pq.ExecStatus.TUPLES_OK:
                transformer = self._spoken.transformer
                transformer.set_pgresult(result)
                answered.rows = transformer.load_rows(0, result.ntuples, tuple)
        return results[-1].command_status if results else None

    def commit(self) -> None:
        """Send the rest together with the COMMIT. Returns only when PostgreSQL has committed."""
        self.add("COMMIT", ())
        if self.send() != b"COMMIT":  # PostgreSQL answers ROLLBACK, without an error, when a statement had failed
            raise psycopg.errors.InFailedSqlTransaction("a statement had failed: nothing was committed")

    def roll_back(self) -> None:
        """End the transaction without a trace. A connection that cannot even do that is closed."""
        self._waiting = []
        pgconn = self._connection.pgconn
        if pgconn.status != pq.ConnStatus.OK or pgconn.transaction_status == pq.TransactionStatus.IDLE:
            return
        try:
            self.add("ROLLBACK", ())
            self.send()
        except psycopg.Error:
            pgconn.finish()

    def _add_sends(
        self,
        statement: Statement,
        sends: list[Callable[[], None]],
        expected: list[tuple[Statement | None, str, bytes]],
    ) -> None:
        pgconn, sql = self._connection.pgconn, statement.sql
        values, formats = self._dumped(statement.parameters)
        numbered = _numbered(sql)
        if not settings.DB_PREPARED_STATEMENTS or not statement.parameters:
            sends.append(lambda: pgconn.send_query_params(numbered, values, param_formats=formats))
        else:
            name = self._spoken.prepared.get(sql)
            if name is None:
                name = b"ringfence_%d" % next(_names)
                sends.append(lambda: pgconn.send_prepare(name, numbered))
                expected.append((None, sql, name))
            sends.append(lambda: pgconn.send_query_prepared(name, values, param_formats=formats))
        expected.append((statement, sql, b""))

    def _dumped(self, parameters: Sequence[Any]) -> tuple[Sequence[Any], list[pq.Format]]:
        """Values as text, whose types the server finds out; bytes as they are."""
        wanted = [PyFormat.BINARY if isinstance(value, bytes) else PyFormat.TEXT for value in parameters]
        values = self._spoken.transformer.dump_sequence(parameters, wanted)
        return values, [pq.Format.BINARY if w is PyFormat.BINARY else pq.Format.TEXT for w in wanted]


def _converse(
    pgconn: pq.abc.PGconn, sends: Sequence[Callable[[], None]]
) -> Generator[Wait, int, list[pq.abc.PGresult]]:
    """Send everything, then read one result for each thing sent."""
    pgconn.enter_pipeline_mode()
    for send in sends:
        send()
    pgconn.pipeline_sync()
    while pgconn.flush():
        yield Wait.RW
        pgconn.consume_input()
    results: list[pq.abc.PGresult] = []
    while True:
        while pgconn.is_busy():
            yield Wait.R
            pgconn.consume_input()
        result = pgconn.get_result()
        if result is None:
            continue
        if result.status == pq.ExecStatus.PIPELINE_SYNC:
            break
        results.append(result)
    pgconn.exit_pipeline_mode()
    return results


@cache
def _numbered(sql: str) -> bytes:
    """`%s` as PostgreSQL's own `$1`, `$2`, ..."""
    position = count(1)
    return re.sub("%s", lambda _: f"${next(position)}", sql).encode()
