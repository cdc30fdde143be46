"""Asking and telling: rows in the order they come, prepared once per connection."""

from __future__ import annotations

from decimal import Decimal

import psycopg
import pytest
from django.test import override_settings

from postgres.statements import ask, tell
from postgres.work import in_one_transaction

pytestmark = pytest.mark.django_db


def test_an_answer_gives_its_first_row_or_none() -> None:
    assert ask("SELECT %s::numeric, 'x'", [Decimal("0.000001")]).row() == (Decimal("0.000001"), "x")
    assert ask("SELECT 1 WHERE false").row() is None


def test_an_answer_gives_every_row() -> None:
    assert ask("SELECT n FROM generate_series(1, 3) AS n").rows() == [(1,), (2,), (3,)]


def test_what_was_told_is_seen_by_what_is_asked_next() -> None:
    def work() -> object:
        tell("CREATE TEMPORARY TABLE told (n integer)")
        tell("INSERT INTO told VALUES (%s)", [5])
        return ask("SELECT n FROM told").row()

    assert in_one_transaction(work) == (5,)


def prepared(number: str) -> int:
    row = ask("SELECT count(*) FROM pg_prepared_statements WHERE position(%s in statement) > 0", [number]).row()
    assert row is not None
    return int(row[0])


@pytest.mark.django_db(transaction=True)
def test_in_a_batch_a_statement_is_prepared_once_per_connection() -> None:
    for number in range(3):
        assert in_one_transaction(lambda n=number: ask("SELECT %s::integer + 4711", [n]).row()) == (4711 + number,)
    assert prepared("4711") == 1


@pytest.mark.django_db(transaction=True)
@override_settings(DB_PREPARED_STATEMENTS=False)
def test_nothing_is_prepared_where_a_pooler_forbids_it() -> None:
    for number in range(3):
        assert in_one_transaction(lambda n=number: ask("SELECT %s::integer + 4712", [n]).row()) == (4712 + number,)
    assert prepared("4712") == 0


def test_outside_a_batch_the_error_comes_at_once() -> None:
    with pytest.raises(psycopg.errors.UndefinedTable):
        tell("UPDATE nothing_like_this SET n = 1")
