"""Processor time that a server and its processes have used, from Linux's /proc.

Steadier than throughput on a machine that others share: time spent waiting for a core does not count.
"""

from __future__ import annotations

import contextlib
import os
from collections import defaultdict
from pathlib import Path

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


def used_seconds(process: int) -> float:
    """By a process and everything below it, those that have ended included; 0 where there is no /proc."""
    ticks: dict[int, int] = {}
    children: dict[int, list[int]] = defaultdict(list)
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            # Behind the name in brackets: state, parent, ...; 11 to 14 are its own ticks and its ended children's.
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            ticks[int(folder.name)] = sum(int(field) for field in fields[11:15])
            children[int(fields[1])].append(int(folder.name))
    below, total = [process], 0
    while below:
        current = below.pop()
        total += ticks.get(current, 0)
        below += children[current]
    return total / TICKS_PER_SECOND
