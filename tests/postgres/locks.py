"""A name that somebody else holds: another process, as far as the database can tell."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event

from django.db import connections

from postgres.once import only_once


@contextmanager
def held_elsewhere(name: str) -> Iterator[None]:
    """A thread with a connection of its own holds the name during the block."""
    holding, enough = Event(), Event()

    def hold() -> None:
        try:
            with only_once(name) as mine:
                assert mine
                holding.set()
                enough.wait()
        finally:
            holding.set()
            connections.close_all()

    with ThreadPoolExecutor(1) as thread:
        held = thread.submit(hold)
        holding.wait()
        try:
            yield
        finally:
            enough.set()
            held.result()
