"""`manage.py demo`: the main job, and once more on the same database with somebody's hand in the till."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg

from tests.config.machine import a_given_machine
from tests.test_docs import CHECKOUT, blocks

A_HAND_IN_THE_TILL = """
    ALTER TABLE billing_wallet DISABLE TRIGGER USER;
    UPDATE billing_wallet SET balance = balance + 1 WHERE id = (SELECT min(id) FROM billing_wallet);
    ALTER TABLE billing_wallet ENABLE TRIGGER USER;
"""


def numbers_that_are_not_text(value: Any) -> list[float]:
    """Every fraction in a JSON document that would have lost its digits."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return [number for each in value for number in numbers_that_are_not_text(each)]
    return [value] if isinstance(value, float) else []


def test_it_shows_the_books_and_the_second_time_notices_a_hand_in_the_till(tmp_path: Path) -> None:
    with a_given_machine(tmp_path) as own:
        first = own.run("demo")
        assert first.returncode == 0, first.stderr
        last = first.stdout.splitlines()[-1]
        assert last.startswith("ledger: ")
        assert last.endswith(" entries, 0 differences")
        _check_readme(first.stdout)

        with psycopg.connect(own.database_url) as session:
            session.execute(A_HAND_IN_THE_TILL)
        second = own.run("demo", "--json")
        assert second.returncode == 1
        assert "The books do not agree" in second.stderr
        figures = json.loads(second.stdout)
        assert figures["differences"] == 1  # the hand's; the second run added none of its own
        _check_figures(figures)
        own.wait_until_empty()


def _check_readme(printed: str) -> None:
    """The demo prints what the README shows, line by line; figures may differ, and the README leaves some out."""
    (shown,) = blocks(CHECKOUT / "README.md", "text")
    lines = iter([_shape(line) for line in printed.splitlines()])
    for wanted in filter(None, map(_shape, shown.splitlines())):
        found = (line.startswith(wanted[:-1]) if wanted.endswith("…") else line == wanted for line in lines)
        assert any(found), f"not printed: {wanted}"
    assert re.fullmatch(r"ledger: [1-9]\d* entries, 0 differences", shown.splitlines()[-1])


def _shape(line: str) -> str:
    """A line without what differs between two runs: figures and the width of columns."""
    return re.sub(r"\d+", "0", re.sub(r" +", " ", line.strip()))


def _check_figures(figures: dict[str, Any]) -> None:
    assert numbers_that_are_not_text(figures) == []
    assert figures["totals"]["lost_and_reconciled"] == 2
    assert Decimal(figures["margin"]) == Decimal(figures["revenue"]) - Decimal(figures["provider_cost"])
    assert sum(Decimal(account["charged"]) for account in figures["accounts"]) == Decimal(figures["revenue"])
    for account in figures["accounts"]:
        assert Decimal(account["opening"]) - Decimal(account["charged"]) == Decimal(account["closing"]) >= 0
        assert Decimal(account["held"]) == 0
