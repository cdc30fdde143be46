"""Promise that a call is looked after whose provider does not end it in time, or proves nothing of how it ended.

What is done then is `ending_in_time`. The promise is made in the transaction that lets the call begin, so no such call
is ever without it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from outbox import rows

KIND = "watch"

# The provider is asked at least this often, so that news which never came is not missed for long.
LOOKS_EVERY = timedelta(seconds=60)
# Whoever says that a call is ending may be a moment early.
SOON = timedelta(seconds=1)


def begin(call_id: UUID, at: datetime, limit_seconds: int | None) -> None:
    """Look after the call from now on: soon enough to end it after `limit_seconds`, which count from `at`."""
    limit = LOOKS_EVERY if limit_seconds is None else timedelta(seconds=limit_seconds)
    look_by(call_id, at + min(limit, LOOKS_EVERY))


def look_by(call_id: UUID, at: datetime) -> None:
    """Have the provider asked about the call at this time, or before."""
    rows.put(KIND, f"{KIND}:{call_id}", subject=call_id, due_at=at)
    rows.hasten(call_id, KIND, at)
