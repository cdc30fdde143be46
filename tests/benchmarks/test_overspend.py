"""The reason this project exists: five dollars, thirty calls at once, everybody talks as long as it was allowed."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest

from benchmarks import machine, overspend, world
from benchmarks.__main__ import NAIVE_APPLICATION
from benchmarks.machine import Database


@pytest.fixture(scope="module")
def database() -> Iterator[Database]:
    with machine.durable_postgres() as database:
        machine.migrate(database)
        world.found(database, accounts=2, rates=10)
        yield database


def test_ringfence_never_charges_more_than_there_was(database: Database) -> None:
    with machine.web_server(database) as server:
        outcome = overspend.against_ringfence(database, server.port)
    assert 0 < outcome.charged <= Decimal("5.000000")
    assert outcome.charged == outcome.talked_minutes * Decimal("0.06"), "everything that was talked was paid for"


def test_a_panel_without_holds_does_so_the_scenario_can_fail(database: Database) -> None:
    with machine.web_server(database, *NAIVE_APPLICATION) as server:
        outcome = overspend.against_the_panel(database, server.port)
    assert outcome.charged > Decimal("100"), "every call was granted all of the five dollars"
