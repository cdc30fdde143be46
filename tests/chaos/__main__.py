"""`python -m tests.chaos`: mixed outgoing work while all it needs is hurt. Ends with 1 when a promise was broken.

Its PostgreSQL, its broker, its platform and all processes are its own and gone afterwards.
"""

from __future__ import annotations

import argparse
import json
import sys

import django

from sandbox import Misbehaviour
from tests.chaos.servers import servers


def main() -> int:
    """Play, print, and say by the exit code whether every promise was kept."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--jobs", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=7, help="the same seed hurts in the same way")
    parser.add_argument("--quick", action="store_true", help="hurt more often, for a shorter time")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    with servers() as (valkey, receiver, port):
        django.setup()
        # Only now can anything be imported that has tables.
        from tests.chaos.stage import set_up
        from tests.chaos.story import Plan, play

        misbehaviour = Misbehaviour(
            lost=0.2, error_after=0.02, garbage=0.02, error_before=0.02, busy=0.02, seed=arguments.seed
        )
        with set_up(valkey, receiver, port) as stage:
            outcome = play(stage, Plan.of(arguments.jobs, arguments.seed, misbehaviour, quick=arguments.quick))
    figures = outcome.as_dict()
    if arguments.json:
        print(json.dumps(figures))
    else:
        print("\n".join(f"  {name.replace('_', ' '):<18} {value}" for name, value in figures.items()))
    return 1 if outcome.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
