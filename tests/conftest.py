"""What every test of the apps relies on."""

from __future__ import annotations

from typing import Any

from django.db import connection, transaction
from django.test import TransactionTestCase

_flush_all_tables = TransactionTestCase._fixture_teardown


def _flush_append_only_tables(test_case: TransactionTestCase, *arguments: Any) -> None:
    """Django empties the tables after a test that really commits; our triggers refuse exactly that.

    So they are off for this one transaction, which needs the owner's rights and no superuser.
    """
    with transaction.atomic():
        tables = _tables_with_triggers()
        _switch_triggers(tables, "DISABLE")
        _flush_all_tables(test_case, *arguments)
        _switch_triggers(tables, "ENABLE")


def _tables_with_triggers() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT tgrelid::regclass::text FROM pg_trigger WHERE NOT tgisinternal")
        return [table for (table,) in cursor.fetchall()]


def _switch_triggers(tables: list[str], verb: str) -> None:
    with connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f"ALTER TABLE {table} {verb} TRIGGER USER")


TransactionTestCase._fixture_teardown = _flush_append_only_tables  # type: ignore[method-assign]
