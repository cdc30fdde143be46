"""Bring the database to the version of the code, one process at a time."""

from __future__ import annotations

from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

# Any fixed number serves; whoever else wants to migrate waits for this lock.
LOCK = 7_266_001


def bring_up_to_date() -> None:
    """Apply the migrations that are missing. Returns at once when there are none."""
    if not _missing():
        return
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = 0; SET statement_timeout = 0")
        cursor.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        try:
            if _missing():
                call_command("migrate", verbosity=0)
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])
            cursor.execute("RESET lock_timeout; RESET statement_timeout")


def _missing() -> bool:
    executor = MigrationExecutor(connection)
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))
