"""The ceiling: a call's two transactions as plain SQL functions, driven by PostgreSQL's own load generator."""

from __future__ import annotations

import subprocess
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.machine import Database
from benchmarks.measured import Round, round_of
from config import server_user
from config.embedded_servers import find_postgres_programs

HERE = Path(__file__).parent
SESSION = "-c plan_cache_mode=force_generic_plan -c jit=off"


def install(database: Database) -> None:
    """The two functions, in a schema of the benchmark's own."""
    with database.connect() as connection:
        connection.execute((HERE / "ceiling.sql").read_text())


def run(database: Database, *, clients: int, seconds: int, accounts: int) -> Round:
    """So many clients, each placing one call after the other; calls left open at the end are ended."""
    address = urlsplit(database.url)
    program = server_user.reachable(find_postgres_programs()) / "pgbench"
    with tempfile.TemporaryDirectory() as folder:
        began = time.monotonic()
        subprocess.run(
            [
                str(program), "--no-vacuum", "--protocol", "prepared", "--client", str(clients),
                "--jobs", str(min(clients, 2)), "--time", str(seconds), "--log", "--log-prefix", f"{folder}/log",
                "--define", f"accounts={accounts}", "--define", "is_open=0", "--define", "call=none",
                "--file", str(HERE / "ceiling.pgbench"),
                "--host", str(address.hostname), "--port", str(address.port), "--username", str(address.username),
                address.path.lstrip("/"),
            ],
            env={"PGPASSWORD": str(address.password), "PGOPTIONS": SESSION, "PATH": "/usr/bin:/bin"},
            check=True,
            capture_output=True,
        )  # fmt: skip
        elapsed = time.monotonic() - began
        # A line per transaction: client, number, latency in microseconds, ...
        latencies_ms = [int(line.split(" ", 3)[2]) / 1000 for log in Path(folder).glob("log*") for line in log.open()]
    with database.connect() as connection:
        connection.execute("SELECT bench.dice(id, 60) FROM telephony_call WHERE ended_at IS NULL")
    return round_of(elapsed, latencies_ms)
