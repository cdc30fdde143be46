"""A small table and a second session, for tests about the database itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from django.db import connection

from postgres.statements import ask


@pytest.fixture
def scratch(transactional_db: None) -> Iterator[None]:
    """The table `scratch (id, value, parent)` with the rows 1 and 2; `parent` is checked at commit."""
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE scratch (id integer PRIMARY KEY, value integer NOT NULL DEFAULT 0 CHECK (value >= 0),"
            " parent integer REFERENCES scratch DEFERRABLE INITIALLY DEFERRED)"
        )
        cursor.execute("INSERT INTO scratch (id) VALUES (1), (2)")
    yield
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE scratch")


@contextmanager
def another_session() -> Iterator[psycopg.Connection]:
    """A session of its own in autocommit, closed in the end."""
    with psycopg.connect(**connection.get_connection_params(), autocommit=True) as session:
        yield session


def backend_pid() -> int:
    """Which server process our connection talks to."""
    row = ask("SELECT pg_backend_pid()").row()
    assert row is not None
    return int(row[0])


def values() -> dict[int, int]:
    """The scratch table as it is: value by id."""
    return dict(ask("SELECT id, value FROM scratch").rows())
