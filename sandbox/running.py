"""Time that passes by itself, for as long as real processes talk to the platform over HTTP."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from threading import Event, Thread

from sandbox.clock import Clock

TICK_SECONDS = 0.02


@contextmanager
def kept_running(clock: Clock, pace: float | None = None) -> Iterator[None]:
    """Let virtual time pass in the background whenever something is due.

    pace is how many virtual seconds make a real one; None means that time jumps to whatever is due next, so that a
    call of an hour ends within milliseconds. When the block is left, what has begun is finished and the rest stays
    due. An exception of something that was due stops time, and is raised when the block is left without another.
    """
    if pace is not None and pace <= 0:
        raise ValueError("time needs a pace above 0")
    stop, failures = Event(), list[Exception]()

    def run() -> None:
        try:
            _jump(clock, stop) if pace is None else _walk(clock, stop, pace)
        except Exception as failure:
            failures.append(failure)

    thread = Thread(target=run, name="sandbox-time", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        clock.wake()
        thread.join()
    if failures:
        raise failures[0]


def _jump(clock: Clock, stop: Event) -> None:
    while not stop.is_set():
        clock.run(stop=stop)
        clock.wait(stop)


def _walk(clock: Clock, stop: Event, pace: float) -> None:
    last = time.monotonic()
    while not stop.wait(TICK_SECONDS):
        now = time.monotonic()
        clock.run(clock.now + timedelta(seconds=(now - last) * pace), stop)
        last = now
