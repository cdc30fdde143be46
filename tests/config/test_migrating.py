"""Bringing the database up to date, by several processes at once."""

from __future__ import annotations

import os
import subprocess
import sys

import psycopg
import pytest
from django.db import connection

from config.migrating import bring_up_to_date
from tests.config.machine import CHECKOUT, an_empty_database

BRING_UP_TO_DATE = """
import django; django.setup()
from django.db import connection
from config.migrating import bring_up_to_date
with connection.cursor() as cursor:
    cursor.execute("SHOW lock_timeout")
    before = cursor.fetchone()
bring_up_to_date()
with connection.cursor() as cursor:
    cursor.execute("SHOW lock_timeout")
    assert cursor.fetchone() == before != ("0",), before
"""


def test_two_processes_at_once_on_an_empty_database_both_succeed() -> None:
    with an_empty_database() as url:
        environment = os.environ | {"DJANGO_SETTINGS_MODULE": "config.settings", "DATABASE_URL": url}
        both = [
            subprocess.Popen([sys.executable, "-c", BRING_UP_TO_DATE], cwd=CHECKOUT, env=environment) for _ in range(2)
        ]
        assert [process.wait() for process in both] == [0, 0]
        with psycopg.connect(url) as session:
            names = session.execute("SELECT app, name FROM django_migrations").fetchall()
            assert len(names) == len(set(names)) > 10
            assert session.execute("SELECT count(*) FROM telephony_call").fetchone() == (0,)


@pytest.mark.django_db
def test_a_database_that_is_up_to_date_is_left_alone() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock_shared(7266001)")  # were it to migrate, it would need this one
        bring_up_to_date()
        cursor.execute("SELECT mode FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()")
        assert cursor.fetchall() == [("ShareLock",)]
