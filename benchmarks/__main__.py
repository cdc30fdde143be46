"""`python -m benchmarks`: the ceiling, Ringfence and the obvious way to write it, on one PostgreSQL, in one table.

Ends with 1 when an answer or the books were wrong. A missed target is said, and is no failure: machines differ.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace

from benchmarks import books, ceiling, costs, load, machine, outbox, overspend, rate_checker, world
from benchmarks.encoding import svaml_microseconds
from benchmarks.machine import Database, WebServer
from benchmarks.measured import Round
from benchmarks.processor import used_seconds
from benchmarks.reading import reading_microseconds
from benchmarks.table import Results, Target

CLIENTS = 8
ACCOUNTS, RATES = 1_000, 250
MANY_ACCOUNTS, MANY_RATES, MANY_CALLS = 100_000, 100_000, 1_000_000
MANY_FINISHED = 1_000_000
WARM_UP_SECONDS = 3

CEILING = "(a) ceiling: the same rows by SQL functions"
OURS = "(b) Ringfence over HTTP, signed"
NAIVE = "(c) DRF and ORM, the obvious way, same server"
OURS_THEN = "(b) again, next to full tables"
OURS_FULL = "(b) with 1,000,000 CDRs, 100,000 accounts"


NAIVE_APPLICATION = ("benchmarks.naive.settings", "benchmarks.naive.wsgi:application")


@dataclass(frozen=True)
class Plan:
    """How long everything takes."""

    rounds: int
    seconds: int
    with_full_tables: bool


def main() -> int:
    """Measure, print, and say by the exit code whether everything was right."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="about two minutes, without the full tables")
    parser.add_argument("--json", action="store_true", help="print JSON instead of the table")
    arguments = parser.parse_args()
    plan = Plan(3, 5, False) if arguments.quick else Plan(5, 8, True)
    try:
        results = measure(plan)
    except (load.WrongAnswer, outbox.NotCarried) as wrong:
        print(f"WRONG: {wrong}", file=sys.stderr)
        return 1
    print(json.dumps(results.as_dict(), indent=2, default=str) if arguments.json else results.text())
    return 1 if results.wrong else 0


def measure(plan: Plan) -> Results:
    """Everything, on one PostgreSQL that is gone afterwards."""
    with machine.durable_postgres() as database:
        results = Results(safety=machine.safety_of(database), web_shape=machine.web_shape())
        _say("making the schema and its accounts")
        machine.migrate(database)
        full = database.copy("full") if plan.with_full_tables else None
        errands = database.copy("errands")
        prices = database.copy("prices")
        world.found(database, accounts=ACCOUNTS, rates=RATES)
        ceiling.install(database)
        _compare_ways(results, plan, database)
        _measure_costs(results)
        _measure_outbox(results, plan, errands)
        _measure_rate_checker(results, plan, prices)
        if full is not None:
            _compare_sizes(results, plan, database, full)
    return results


def _compare_ways(results: Results, plan: Plan, database: Database) -> None:
    with ExitStack() as servers:
        ours = servers.enter_context(machine.web_server(database))
        naive = servers.enter_context(machine.web_server(database, *NAIVE_APPLICATION))
        ways = {
            CEILING: lambda number, seconds: _ceiling(database, CLIENTS, seconds),
            OURS: lambda number, seconds: _over_http(database, ours, seconds, number, ACCOUNTS),
            NAIVE: lambda number, seconds: _over_http(database, naive, seconds, number, ACCOUNTS),
        }
        _take_turns(results, plan, ways)
        for clients in (1, 4):
            results.rounds[f"    with {clients} of its clients instead of {CLIENTS}"] = [
                _ceiling(database, clients, plan.seconds)
            ]
        results.compare("b/a: share of the ceiling, by callbacks/s", OURS, CEILING, bound=0.2)
        results.compare("b/c: times the obvious way, by callbacks/s", OURS, NAIVE, bound=3.0)
        results.note_processor_time(OURS, CEILING, "b/a by processor time per callback, load not counted")
        results.note_processor_time(OURS, NAIVE, "b/c by processor time per callback, load not counted")
        _say("30 calls at once on $5")
        results.overspend["Ringfence"] = overspend.against_ringfence(database, ours.port)
        results.overspend["a panel without holds and locks"] = overspend.against_the_panel(database, naive.port)
    if results.overspend["Ringfence"].charged > overspend.BALANCE:
        results.wrong.append("Ringfence charged more than there was")
    _check_books(results, database, "(a), (b), (c)")


def _compare_sizes(results: Results, plan: Plan, database: Database, full: Database) -> None:
    began = time.monotonic()
    _say("filling tables with a million calls; takes some minutes")
    world.found(full, accounts=MANY_ACCOUNTS, rates=MANY_RATES)
    world.add_history(full, MANY_CALLS)
    results.notes.append(f"the full tables were filled in {time.monotonic() - began:.0f} s")
    with machine.web_server(database) as beside, machine.web_server(full) as filled:
        ways = {
            OURS_THEN: lambda number, seconds: _over_http(database, beside, seconds, 100 + number, ACCOUNTS),
            OURS_FULL: lambda number, seconds: _over_http(full, filled, seconds, 100 + number, MANY_ACCOUNTS),
        }
        _take_turns(results, plan, ways)
    pairs = zip(results.rounds[OURS_FULL], results.rounds[OURS_THEN], strict=True)
    slower = [a.p50_ms / b.p50_ms for a, b in pairs]
    results.targets.append(Target(name="p50 with full tables / p50 before", figures=slower, bound=1.2, at_most=True))
    _check_books(results, full, "(b) with full tables", already=MANY_CALLS)


def _measure_costs(results: Results) -> None:
    decision = [costs.decision_microseconds()]
    results.targets.append(
        Target(name="a policy decision with its quote", figures=decision, bound=200, at_most=True, unit=" us")
    )
    encoding_us = [svaml_microseconds()]
    results.targets.append(
        Target(
            name="an ICE reply with a menu, checked and encoded",
            figures=encoding_us,
            bound=60,
            at_most=True,
            unit=" us",
        )
    )
    for event, microseconds in reading_microseconds().items():
        name = f"reading one {event} event"
        results.targets.append(Target(name=name, figures=[microseconds], bound=40, at_most=True, unit=" us"))
    results.notes.append(f"proving a signature takes {costs.verification_microseconds():.0f} us")


def _measure_outbox(results: Results, plan: Plan, database: Database) -> None:
    _say("carrying rows from the outbox to a provider, one by one")
    took_ms = outbox.commit_to_request_ms(database, rows=40 * plan.rounds)
    name = "from a commit to the provider's request, idle worker, p95"
    results.targets.append(
        Target(name=name, figures=[outbox.percentile_95(took_ms)], bound=150, at_most=True, unit=" ms")
    )
    if not plan.with_full_tables:
        return
    before = outbox.lease_ms(database)
    outbox.add_finished(database, MANY_FINISHED)
    after = outbox.lease_ms(database)
    name = f"a round of the relay with {MANY_FINISHED:,} finished rows / before"
    results.targets.append(Target(name=name, figures=[after / before], bound=2.0, at_most=True))
    results.notes.append(f"a round of the relay that leases 50 rows takes {before:.1f} ms, {after:.1f} ms when full")


def _measure_rate_checker(results: Results, plan: Plan, database: Database) -> None:
    _say(f"asking for prices in a deck of {rate_checker.RATES:,} rates")
    first, again = rate_checker.latencies_ms(database, users=60 * plan.rounds)
    for what, took_ms in (("a number being typed", first), ("the same number again", again)):
        name = f"the price of {what}, {rate_checker.RATES:,} rates, p95"
        figures = [outbox.percentile_95(took_ms)]
        results.targets.append(Target(name=name, figures=figures, bound=10, at_most=True, unit=" ms"))
        results.notes.append(f"the price of {what}: p50 {rate_checker.percentile_50(took_ms):.1f} ms")


def _take_turns(results: Results, plan: Plan, ways: dict[str, Callable[[int, int], Round]]) -> None:
    """Round by round, so that what others do on the machine meets every way alike."""
    for number, way in enumerate(ways.values()):
        _say("warming up")
        way(1_000 + number, WARM_UP_SECONDS)
    for number in range(plan.rounds):
        for name, way in ways.items():
            _say(f"round {number + 1} of {plan.rounds}: {name.strip()}")
            results.rounds.setdefault(name, []).append(way(number, plan.seconds))


def _ceiling(database: Database, clients: int, seconds: int) -> Round:
    before = used_seconds(database.server)
    one = ceiling.run(database, clients=clients, seconds=seconds, accounts=ACCOUNTS)
    return replace(one, database_cpu_us=(used_seconds(database.server) - before) / one.callbacks * 1e6)


def _over_http(database: Database, server: WebServer, seconds: int, number: int, accounts: int) -> Round:
    database_before, web_before = used_seconds(database.server), used_seconds(server.process)
    written_before = books.count_cdrs(database)
    seed = number * 100_000 + server.port
    one = load.run(server.port, seconds=seconds, accounts=accounts, seed=seed, clients=CLIENTS)
    written = books.count_cdrs(database) - written_before
    if written * 2 != one.callbacks:
        raise load.WrongAnswer(f"{one.callbacks // 2} calls were answered rightly, {written} CDRs written")
    return replace(
        one,
        database_cpu_us=(used_seconds(database.server) - database_before) / one.callbacks * 1e6,
        web_cpu_us=(used_seconds(server.process) - web_before) / one.callbacks * 1e6,
    )


def _check_books(results: Results, database: Database, of: str, already: int = 0) -> None:
    _say("checking the books")
    found = books.differences(database)
    results.wrong += [f"{of}: {count} {name}" for name, count in found.items()]
    cdrs, entries = books.count_cdrs(database) - already, books.count_entries(database)
    results.notes.append(f"books after {of}: {cdrs} CDRs written, {entries} entries, {len(found)} differences, 0 held")


def _say(sentence: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {sentence}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
