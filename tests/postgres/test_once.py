"""A name held by one process at a time, given back at the end and after a crash."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.db import connection, transaction

from postgres.once import only_once
from tests.postgres.locks import held_elsewhere

pytestmark = pytest.mark.django_db(transaction=True)

CHECKOUT = Path(__file__).resolve().parents[2]
HOLD_IT = """
import django; django.setup()
from postgres.once import only_once
with only_once("a job") as mine:
    print(mine, flush=True)
    input()
"""


def is_free(name: str) -> bool:
    with only_once(name) as mine:
        return mine


def test_whoever_comes_second_is_told_so() -> None:
    with held_elsewhere("a job"), only_once("a job") as mine:
        assert not mine


def test_another_name_is_another_lock() -> None:
    with held_elsewhere("a job"), only_once("another job") as mine:
        assert mine


def test_the_name_is_free_again_afterwards() -> None:
    with held_elsewhere("a job"):
        pass
    assert is_free("a job")
    with held_elsewhere("a job"):
        assert not is_free("a job")


def test_the_name_is_free_again_after_the_job_failed() -> None:
    with pytest.raises(ZeroDivisionError), only_once("a job"):
        raise ZeroDivisionError
    with held_elsewhere("a job"):
        pass


def test_the_name_is_held_outside_any_transaction() -> None:
    with only_once("a job") as mine:
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            raise ZeroDivisionError
        assert mine
        assert not connection.in_atomic_block
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()")
            assert cursor.fetchone() == (1,)


def test_the_name_is_free_again_when_its_holder_was_killed() -> None:
    database_url, _, _ = os.environ["DATABASE_URL"].rpartition("/")
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DATABASE_URL": f"{database_url}/{connection.settings_dict['NAME']}",
    }
    command = [sys.executable, "-c", HOLD_IT]
    with subprocess.Popen(
        command, cwd=CHECKOUT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "True\n"
        assert not is_free("a job")
        holder.kill()
        holder.wait()
    while not is_free("a job"):  # until the server has noticed
        pass
