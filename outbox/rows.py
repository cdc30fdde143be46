"""Outbox rows: written in the business transaction, leased, claimed, finished. Every change of state is here.

The relay leases rows and rings a bell; whoever hears it claims one. Who loses a row on the way finds it again when its
lease has ended, so the bell may ring twice, late or never.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from psycopg.types.json import Jsonb

from outbox.errands import LONGEST_ACTION_SECONDS, Claimed
from postgres.statements import ask, tell

CHANNEL = "outbox"
LONGEST_ERROR = 300

_PUT = """
WITH written AS (
    INSERT INTO outbox_row (key, kind, subject, payload, state, attempts, failures, looks, due_at, error)
    VALUES (%s, %s, %s, %s, 'ready', 0, 0, 0, coalesce(%s::timestamptz, now()), '')
    ON CONFLICT (key) DO NOTHING
    RETURNING due_at
)
SELECT pg_notify('outbox', '') FROM written WHERE due_at <= now()
"""

# A row that is unknown stays unknown while it is looked up; it is only out of sight for the time of a lease.
_LEASE = """
WITH due AS (
    SELECT id FROM outbox_row r
    WHERE state IN ('ready', 'retry', 'unknown') AND due_at <= %s
        AND NOT EXISTS (SELECT FROM outbox_pause p WHERE p.kind = r.kind AND p.until > %s)
    ORDER BY due_at LIMIT %s
    FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE outbox_row r
SET state = CASE r.state WHEN 'unknown' THEN 'unknown' ELSE 'leased' END,
    lease_until = CASE r.state WHEN 'unknown' THEN NULL ELSE %s::timestamptz END,
    due_at = CASE r.state WHEN 'unknown' THEN %s::timestamptz ELSE r.due_at END
FROM due WHERE r.id = due.id
RETURNING r.id
"""

# What is being sent by somebody who died may have been sent: unknown, unless a second time does no harm.
_SWEEP = """
WITH ended AS (
    SELECT id FROM outbox_row WHERE state IN ('leased', 'sending') AND lease_until < %s
    LIMIT 1000 FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE outbox_row r
SET state = CASE WHEN r.state = 'leased' THEN 'ready' WHEN r.kind = ANY(%s) THEN 'retry' ELSE 'unknown' END,
    doubtful_since = CASE WHEN r.state = 'leased' THEN r.doubtful_since ELSE coalesce(r.doubtful_since, %s) END,
    error = CASE WHEN r.state = 'leased' THEN r.error ELSE 'whoever was sending it ended' END,
    due_at = %s, lease_until = NULL
FROM ended WHERE r.id = ended.id
RETURNING r.id
"""

_CLAIM = """
UPDATE outbox_row SET state = 'sending', attempts = attempts + 1, lease_until = %s
WHERE id = %s AND state = 'leased'
RETURNING key, kind, subject, payload::text, attempts, failures, doubtful_since
"""


def put(
    kind: str,
    key: str,
    *,
    subject: UUID | None = None,
    payload: Mapping[str, Any] | None = None,
    due_at: datetime | None = None,
) -> None:
    """Promise a piece of work, in the caller's transaction. The same key again promises nothing more.

    It is done after the commit, at `due_at` at the earliest.
    """
    tell(_PUT, [key, kind, subject, Jsonb(dict(payload or {})), due_at])


def lease(now: datetime, at_most: int) -> list[int]:
    """Rows that are due, now ours to hand on until their lease ends."""
    until = now + timedelta(seconds=settings.OUTBOX_LEASE_SECONDS)
    return [row[0] for row in ask(_LEASE, [now, now, at_most, until, until]).rows()]


def give_back(ids: Sequence[int], due_at: datetime) -> None:
    """The bell could not be rung for these: they are due again."""
    tell(
        "UPDATE outbox_row SET state = CASE state WHEN 'leased' THEN 'ready' ELSE state END, due_at = %s, "
        "lease_until = NULL WHERE id = ANY(%s) AND state IN ('leased', 'unknown')",
        [due_at, list(ids)],
    )


def sweep(now: datetime, repeatable_kinds: Sequence[str]) -> int:
    """Take back what somebody leased and never finished. Returns how many rows that were."""
    return len(ask(_SWEEP, [now, list(repeatable_kinds), now, now]).rows())


def count_leased() -> int:
    """How many rows are on their way right now."""
    row = ask("SELECT count(*) FROM outbox_row WHERE state IN ('leased', 'sending')").row()
    return int(row[0]) if row else 0


def claim(id: int, now: datetime) -> tuple[str, Claimed] | None:
    """Make a leased row ours to do: its kind and what it says. None when it is not to be done (any more)."""
    until = now + timedelta(seconds=max(settings.OUTBOX_LEASE_SECONDS, LONGEST_ACTION_SECONDS))
    row = ask(_CLAIM, [until, id]).row()
    return None if row is None else _claimed(id, *row)


def lock_unknown(id: int) -> tuple[str, Claimed, int] | None:
    """Lock an unknown row to look it up: its kind, what it says, how often it was looked up. None when it is not."""
    row = ask(
        "SELECT key, kind, subject, payload::text, attempts, failures, doubtful_since, looks FROM outbox_row "
        "WHERE id = %s AND state = 'unknown' FOR NO KEY UPDATE",
        [id],
    ).row()
    if row is None:
        return None
    kind, claimed = _claimed(id, *row[:7])
    return kind, claimed, row[7]


def is_still(id: int, attempt: int) -> bool:
    """Is the row still in the hands of this attempt, or in doubt since it? Locks the row."""
    row = ask(
        "SELECT id FROM outbox_row WHERE id = %s AND attempts = %s AND state IN ('sending', 'unknown') "
        "FOR NO KEY UPDATE",
        [id, attempt],
    ).row()
    return row is not None


def finish(id: int, state: str, now: datetime, why: str = "") -> None:
    """The end: `done` or `dead`."""
    tell(
        "UPDATE outbox_row SET state = %s, finished_at = %s, lease_until = NULL, error = %s WHERE id = %s",
        [state, now, why[:LONGEST_ERROR], id],
    )


def finish_for(subject: UUID, kind: str, now: datetime) -> None:
    """The outside told us by another way that this work was done, whatever became of its answer."""
    tell(
        "UPDATE outbox_row SET state = 'done', finished_at = %s, lease_until = NULL "
        "WHERE subject = %s AND kind = %s AND state NOT IN ('done', 'dead')",
        [now, subject, kind],
    )


def retry(id: int, due_at: datetime, why: str, *, failed: bool) -> None:
    """It was certainly not done: it is due again."""
    tell(
        "UPDATE outbox_row SET state = 'retry', due_at = %s, lease_until = NULL, doubtful_since = NULL, looks = 0, "
        "failures = failures + %s, error = %s WHERE id = %s",
        [due_at, int(failed), why[:LONGEST_ERROR], id],
    )


def doubt(id: int, since: datetime, due_at: datetime, why: str, *, looked: bool) -> None:
    """It may have been done: unknown, to be looked up then."""
    tell(
        "UPDATE outbox_row SET state = 'unknown', due_at = %s, lease_until = NULL, "
        "doubtful_since = coalesce(doubtful_since, %s), looks = looks + %s, error = %s WHERE id = %s",
        [due_at, since, int(looked), why[:LONGEST_ERROR], id],
    )


def postpone(id: int, due_at: datetime, why: str) -> None:
    """We could not even begin: a mistake of ours. It is due again later, in the state it had."""
    tell(
        "UPDATE outbox_row SET state = CASE state WHEN 'unknown' THEN 'unknown' ELSE 'retry' END, due_at = %s, "
        "lease_until = NULL, failures = failures + 1, error = %s WHERE id = %s AND state IN ('leased', 'unknown')",
        [due_at, why[:LONGEST_ERROR], id],
    )


def pause(kind: str, until: datetime) -> None:
    """Leave a whole kind of work alone for a while."""
    tell(
        "INSERT INTO outbox_pause (kind, until) VALUES (%s, %s) "
        "ON CONFLICT (kind) DO UPDATE SET until = greatest(outbox_pause.until, excluded.until)",
        [kind, until],
    )


def _claimed(
    id: int,
    key: str,
    kind: str,
    subject: UUID | None,
    payload: str,
    attempt: int,
    failures: int,
    doubtful_since: datetime | None,
) -> tuple[str, Claimed]:
    return kind, Claimed(
        id=id,
        key=key,
        subject=subject,
        payload=json.loads(payload),
        attempt=attempt,
        failures=failures,
        doubtful_since=doubtful_since,
    )
