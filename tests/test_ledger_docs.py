"""The pages about money name rules that exist and values that are in force."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.apps import apps
from django.db import connection

from billing.models import Entry

DOCS = Path(__file__).resolve().parent.parent / "docs"


def names_in_backticks(page: str) -> set[str]:
    return set(re.findall(r"`([a-z_:]+)`", (DOCS / page).read_text(encoding="utf-8")))


@pytest.mark.django_db
def test_every_rule_of_the_ledger_page_exists_in_the_database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT conname FROM pg_constraint UNION SELECT tgname FROM pg_trigger")
        rules = {name for (name,) in cursor.fetchall()}
        cursor.execute("SELECT indexname FROM pg_indexes")
        rules |= {name for (name,) in cursor.fetchall()}
    tables = {model._meta.db_table for model in apps.get_models()}
    fields = {"idempotency_key", "reverses"}
    houses = set(Entry.House.values)
    assert names_in_backticks("ledger.md") - rules - tables - fields - houses == set()
    assert names_in_backticks("ledger.md") >= houses


@pytest.mark.django_db
def test_the_limits_of_the_locking_page_are_in_force() -> None:
    rows = re.findall(r"\| `([a-z_]+_timeout)` \| (\d+) (ms|s) \|", (DOCS / "locking.md").read_text(encoding="utf-8"))
    assert len(rows) == 3
    with connection.cursor() as cursor:
        for name, value, unit in rows:
            cursor.execute(f"SHOW {name}")
            assert cursor.fetchone() == (f"{value}{unit}",)
