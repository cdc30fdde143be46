"""Five hundred pieces of mixed work while everything they need is hurt: nothing twice, nothing lost, nothing held."""

from __future__ import annotations

import json
import os
import subprocess
import sys

from tests.chaos.bench import CHECKOUT

JOBS = 500


def test_nothing_is_done_twice_or_lost_while_everything_fails() -> None:
    # A process of its own: it brings its own PostgreSQL and broker, and its time-outs are not the test's.
    own = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL")}
    played = subprocess.run(
        [sys.executable, "-m", "tests.chaos", "--jobs", str(JOBS), "--quick", "--json"],
        cwd=CHECKOUT,
        env=own,
        capture_output=True,
        text=True,
        timeout=400,
    )
    assert played.returncode == 0, played.stdout[-4000:] + played.stderr[-4000:]
    figures = json.loads(played.stdout.splitlines()[-1])
    assert figures["wrong"] == []
    assert sum(figures["promised"].values()) == JOBS
    assert figures["killed"] > 0
    assert figures["flushed"] > 0
    assert set(figures["states"]) <= {"done", "unknown", "dead"}
