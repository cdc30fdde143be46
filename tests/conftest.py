"""What every test of the apps relies on."""

from __future__ import annotations

from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.db import connection, transaction
from django.test import TransactionTestCase

# What starts processes and browsers takes longest. It begins first, so that no worker ends long after the others.
LONG = {"benchmarks", "browser", "chaos", "config", "faults"}

# Made when the database is migrated, and the same for every test.
KEPT = {ContentType._meta.db_table, Permission._meta.db_table}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Otherwise the order stays as random as it was made."""
    items.sort(key=lambda item: LONG.isdisjoint(item.path.parts))


def _empty_the_tables(test_case: TransactionTestCase, *arguments: Any) -> None:
    """After a test that really commits, take out what it left.

    Django would truncate every table and make content types and permissions anew, which takes three times as long.
    Our triggers refuse exactly what has to be done, so they are off for this one transaction, which needs the owner's
    rights and no superuser.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        # A vacuum that began by itself gives way after a second; ours is the half of that.
        cursor.execute("SET LOCAL lock_timeout = '10s'")
        tables = _tables_with_rows(cursor)
        for table in tables:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        for table in tables:
            cursor.execute(f"DELETE FROM {table}")
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # a table cannot be altered while a check of it waits
        for table in tables:
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


def _tables_with_rows(cursor: Any) -> list[str]:
    """Those that have any, each before the ones it refers to."""
    models = [model for model in apps.get_models(include_auto_created=True) if model._meta.managed]
    tables = [model._meta.db_table for model in reversed(models) if model._meta.db_table not in KEPT]
    cursor.execute(" UNION ALL ".join(f"SELECT '{table}' WHERE EXISTS (SELECT FROM {table})" for table in tables))
    found = {table for (table,) in cursor.fetchall()}
    return [table for table in dict.fromkeys(tables) if table in found]


TransactionTestCase._fixture_teardown = _empty_the_tables  # type: ignore[method-assign]
