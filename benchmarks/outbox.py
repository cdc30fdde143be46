"""The outbox: from a commit to the request at the provider's door, and whether finished rows slow the relay.

Real relay, real worker, real broker; the provider is an HTTP receiver that notes when it was asked.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from statistics import median

import psycopg

from benchmarks.machine import CHECKOUT, Database, environment
from config import processes
from config.embedded import throwaway_valkey

SETTINGS = "benchmarks.outbox_settings"
PATIENCE_SECONDS = 30
LEASES = 120
WAKING_UP = 5  # rows that find everybody still starting; they do not count
PAUSE_SECONDS = 0.05  # the worker is idle again

_PUT = """
WITH written AS (
    INSERT INTO outbox_row (key, kind, payload, state, attempts, failures, looks, error)
    VALUES (%s, 'benchmark', '{}', 'ready', 0, 0, 0, '')
    RETURNING due_at
)
SELECT pg_notify('outbox', '') FROM written
"""
_FINISHED = """
INSERT INTO outbox_row (key, kind, subject, payload, state, attempts, failures, looks, error,
                        due_at, created_at, finished_at)
SELECT 'finished:' || n, 'benchmark', gen_random_uuid(), '{}', 'done', 1, 0, 0, '',
       now() - n * interval '1 second', now() - n * interval '1 second', now() - n * interval '1 second'
FROM generate_series(1, %s) n
"""


class NotCarried(Exception):
    """A row did not arrive in time, or arrived twice."""


def commit_to_request_ms(database: Database, *, rows: int) -> list[float]:
    """For each row, written one after the other: from before its commit to its request's arrival.

    Raises NotCarried when one did not arrive, or twice.
    """
    return _with_our_settings(database, "carry", rows)


def percentile_95(figures: list[float]) -> float:
    """What 19 of 20 stay below."""
    return sorted(figures)[len(figures) * 95 // 100]


def add_finished(database: Database, rows: int) -> None:
    """That many rows that were done long ago."""
    with database.connect() as connection:
        connection.execute(_FINISHED, [rows])
        connection.execute("VACUUM ANALYZE outbox_row")
        connection.execute("CHECKPOINT")


def lease_ms(database: Database) -> float:
    """The median time of one round of the relay that finds fifty rows due."""
    return median(_with_our_settings(database, "lease", LEASES))


def _with_our_settings(database: Database, what: str, times: int) -> list[float]:
    """In a process of its own, whose last line has the figures; what relay and worker say comes before it."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.outbox", what, str(times)],
        env=environment(database, SETTINGS),
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        raise NotCarried((done.stderr.strip().splitlines() or ["the measuring ended at once"])[-1])
    return [float(figure) for figure in json.loads(done.stdout.splitlines()[-1])]


def _carry(rows: int) -> list[float]:
    with _receiving() as (address, arrived), throwaway_valkey() as valkey:
        os.environ.update({"REDIS_URL": valkey.url(), "CARRIER_URL": address})
        commands = {"relay": processes.relay(), "worker": processes.worker()}
        with processes.running(commands), psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
            began = {}
            for number in range(-WAKING_UP, rows):
                key = f"row{number}"
                began[key] = time.time()
                connection.execute(_PUT, [key])
                _wait_until(arrived, key)
                time.sleep(PAUSE_SECONDS)
    if len(arrived) != rows + WAKING_UP:
        raise NotCarried("a row was carried twice")
    return [(arrived[f"row{number}"] - began[f"row{number}"]) * 1000 for number in range(rows)]


def _lease(times: int) -> list[float]:
    import django

    django.setup()
    from outbox import relay, rows
    from postgres.work import in_one_transaction

    in_one_transaction(lambda: [rows.put("benchmark", f"due:{number}") for number in range(relay.AT_ONCE)])
    took = []
    for _ in range(times):
        ids: list[int] = []
        began = time.perf_counter()
        relay.relay_once(ids.append)
        took.append((time.perf_counter() - began) * 1000)
        in_one_transaction(lambda ids=ids: rows.give_back(ids))  # type: ignore[misc]
        if len(ids) != relay.AT_ONCE:
            raise NotCarried(f"{len(ids)} rows were leased")
    return took[times // 5 :]


@contextmanager
def _receiving() -> Iterator[tuple[str, dict[str, float]]]:
    """An address, and when each key arrived there."""
    arrived: dict[str, float] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            key = self.path[1:]
            arrived[key if key not in arrived else f"{key} again"] = time.time()
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """What arrived is noted above."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}", arrived
        server.shutdown()


def _wait_until(arrived: dict[str, float], key: str) -> None:
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while key not in arrived:
        if time.monotonic() > give_up_at:
            raise NotCarried(f"{key} did not arrive within {PATIENCE_SECONDS} s")
        time.sleep(0.002)


if __name__ == "__main__":
    measure = {"carry": _carry, "lease": _lease}[sys.argv[1]]
    print(json.dumps(measure(int(sys.argv[2]))))
