"""A moment after which nobody waits for the database any more.

PostgreSQL's own time-outs cannot help when the server is frozen or its machine is gone, so the wait ends on our side.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from time import monotonic

_deadline: ContextVar[float | None] = ContextVar("deadline", default=None)


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Give everything inside, connecting included, this long. The tighter of two nested deadlines holds."""
    outer = _deadline.get()
    mine = monotonic() + seconds
    token = _deadline.set(mine if outer is None else min(mine, outer))
    try:
        yield
    finally:
        _deadline.reset(token)


def remaining_seconds() -> float | None:
    """Time left, never negative; None when nobody set a deadline."""
    moment = _deadline.get()
    return None if moment is None else max(0.0, moment - monotonic())
