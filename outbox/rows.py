"""Outbox rows: written in the business transaction, leased, claimed, finished. Every change of state is here.

The relay leases rows and rings a bell; whoever hears it claims one. Who loses a row on the way finds it again when its
lease has ended, so the bell may ring twice, late or never.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from psycopg.types.json import Jsonb

from outbox.errands import LONGEST_ACTION_SECONDS, MOST_HESITATION_SECONDS, Claimed
from postgres.statements import ask, tell

CHANNEL = "outbox"
LONGEST_ERROR = 300

# Whoever claims a row has ended before its lease has: that is what makes it safe to look the row up afterwards.
SHORTEST_SENDING_SECONDS = MOST_HESITATION_SECONDS + LONGEST_ACTION_SECONDS

# What we could not even begin waits a minute, then twice as long each time, at most an hour: a deployment may mend it.
POSTPONED_SECONDS = 60
LONGEST_POSTPONED_SECONDS = 3600

_PUT = """
WITH written AS (
    INSERT INTO outbox_row (key, kind, subject, payload, state, attempts, failures, looks, due_at, error)
    VALUES (%s, %s, %s, %s, 'ready', 0, 0, 0, coalesce(%s::timestamptz, now()), '')
    ON CONFLICT (key) DO NOTHING
    RETURNING due_at
)
SELECT pg_notify('outbox', '') FROM written WHERE due_at <= clock_timestamp()
"""

# Every kind in turn, so that a long list of one does not keep the others waiting, and what is to be looked up beside
# them. The kinds are found by skipping through the index; a paused one is not even read. A row that is unknown stays
# unknown while it is looked up. An array and not a join, because the planner does not know how few rows these are
# and might join them to the whole table.
_LEASE = """
WITH RECURSIVE kinds AS (
    (SELECT kind FROM outbox_row WHERE state IN ('ready', 'retry') ORDER BY kind LIMIT 1)
    UNION ALL
    SELECT (
        SELECT r.kind FROM outbox_row r
        WHERE r.state IN ('ready', 'retry') AND r.kind > kinds.kind ORDER BY r.kind LIMIT 1
    )
    FROM kinds WHERE kinds.kind IS NOT NULL
), due AS (
    SELECT waiting.id, waiting.due_at, row_number() OVER (PARTITION BY kinds.kind ORDER BY waiting.due_at) AS turn
    FROM kinds CROSS JOIN LATERAL (
        SELECT r.id, r.due_at FROM outbox_row r
        WHERE r.state IN ('ready', 'retry') AND r.kind = kinds.kind AND r.due_at <= %s
        ORDER BY r.due_at LIMIT %s
        FOR NO KEY UPDATE SKIP LOCKED
    ) waiting
    WHERE (kinds.kind = ANY (%s)) = %s
        AND NOT EXISTS (SELECT FROM outbox_pause p WHERE p.kind = kinds.kind AND p.until > %s)
    UNION ALL
    SELECT doubtful.id, doubtful.due_at, row_number() OVER (ORDER BY doubtful.due_at)
    FROM (
        SELECT r.id, r.due_at FROM outbox_row r
        WHERE r.state = 'unknown' AND r.lease_until IS NULL AND r.due_at <= %s AND (r.kind = ANY (%s)) = %s
            AND NOT EXISTS (SELECT FROM outbox_pause p WHERE p.kind = r.kind AND p.until > %s)
        ORDER BY r.due_at LIMIT %s
        FOR NO KEY UPDATE SKIP LOCKED
    ) doubtful
), chosen AS (
    SELECT id, due_at, turn FROM due ORDER BY turn, due_at LIMIT %s
), leased AS (
    UPDATE outbox_row r
    SET state = CASE r.state WHEN 'unknown' THEN 'unknown' ELSE 'leased' END, lease_until = %s
    WHERE r.id = ANY (ARRAY (SELECT id FROM chosen))
)
SELECT id FROM chosen ORDER BY turn, due_at, id
"""

# What is being sent by somebody who died may have been sent: unknown, unless a second time does no harm. IS NOT NULL
# and the order are said for the planner, who knows no moment and would read the whole table.
_SWEEP = """
WITH ended AS (
    SELECT id FROM outbox_row WHERE lease_until IS NOT NULL AND lease_until < %s
    ORDER BY lease_until LIMIT 1000 FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE outbox_row r
SET state = CASE
        WHEN r.state = 'leased' THEN 'ready'
        WHEN r.state = 'sending' AND r.kind = ANY(%s) THEN 'retry'
        ELSE 'unknown'
    END,
    failures = r.failures + CASE WHEN r.state = 'sending' AND r.kind = ANY(%s) THEN 1 ELSE 0 END,
    doubtful_since = CASE WHEN r.state = 'sending' THEN coalesce(r.doubtful_since, %s) ELSE r.doubtful_since END,
    error = CASE WHEN r.state = 'sending' THEN 'whoever was sending it ended' ELSE r.error END,
    due_at = CASE WHEN r.state = 'sending' THEN %s ELSE r.due_at END,
    lease_until = NULL
WHERE r.id = ANY (ARRAY (SELECT id FROM ended))
RETURNING r.id
"""

_CLAIM = """
UPDATE outbox_row SET state = 'sending', attempts = attempts + 1, lease_until = %s
WHERE id = %s AND state = 'leased'
RETURNING key, kind, subject, payload::text, attempts, failures, doubtful_since
"""

_CLAIM_LOOK = """
UPDATE outbox_row SET looks = looks + 1, lease_until = NULL, due_at = %s
WHERE id = %s AND state = 'unknown' AND lease_until IS NOT NULL
RETURNING key, kind, subject, payload::text, attempts, failures, doubtful_since, looks
"""

_POSTPONE = """
UPDATE outbox_row
SET state = CASE state WHEN 'unknown' THEN 'unknown' ELSE 'retry' END, lease_until = NULL, failures = failures + 1,
    due_at = %s::timestamptz + least(%s::int * 2 ^ least(failures, 10), %s::int) * interval '1 second', error = %s
WHERE id = %s AND (state = 'leased' OR state = 'unknown' AND lease_until IS NOT NULL)
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


@dataclass(frozen=True)
class Kinds:
    """These kinds of work, or with `others` all that are not these."""

    names: Sequence[str] = ()
    others: bool = True

    @property
    def parameters(self) -> list[Any]:
        """For `(kind = ANY (%s)) = %s`."""
        return [list(self.names), not self.others]


ALL = Kinds()


def lease(now: datetime, at_most: int, kinds: Kinds = ALL) -> list[int]:
    """Rows that are due, now ours to hand on until their lease ends: each kind in turn, those due longest first."""
    until = now + timedelta(seconds=settings.OUTBOX_LEASE_SECONDS)
    meant = kinds.parameters
    found = ask(_LEASE, [now, at_most, *meant, now, now, *meant, now, at_most, at_most, until]).rows()
    return [id for (id,) in found]


def give_back(ids: Sequence[int]) -> None:
    """The bell could not be rung for these: they are due as before."""
    tell(
        "UPDATE outbox_row SET state = CASE state WHEN 'leased' THEN 'ready' ELSE 'unknown' END, lease_until = NULL "
        "WHERE id = ANY(%s) AND (state = 'leased' OR state = 'unknown' AND lease_until IS NOT NULL)",
        [list(ids)],
    )


def sweep(now: datetime, repeatable_kinds: Sequence[str]) -> int:
    """Take back what somebody leased and never finished. Returns how many rows that were."""
    repeatable = list(repeatable_kinds)
    return len(ask(_SWEEP, [now, repeatable, repeatable, now, now]).rows())


def count_leased(kinds: Kinds = ALL) -> int:
    """How many rows are on their way right now, to be done or to be looked up."""
    row = ask(
        "SELECT count(*) FROM outbox_row WHERE lease_until IS NOT NULL AND (kind = ANY (%s)) = %s", kinds.parameters
    ).row()
    return int(row[0]) if row else 0


def claim(id: int, now: datetime) -> tuple[str, Claimed] | None:
    """Make a leased row ours to do: its kind and what it says. None when it is not to be done (any more)."""
    row = ask(_CLAIM, [_until(now), id]).row()
    return None if row is None else _claimed(id, *row)


def claim_look(id: int, now: datetime) -> tuple[str, Claimed, int] | None:
    """Make it ours to look up an unknown row: its kind, what it says, which look this is, counted from 1.

    None when it is not unknown, or somebody else looks it up. Should we end, it is looked up again later.
    """
    row = ask(_CLAIM_LOOK, [_until(now), id]).row()
    if row is None:
        return None
    kind, claimed = _claimed(id, *row[:7])
    return kind, claimed, row[7]


def is_still(id: int, attempt: int) -> bool:
    """Is this the latest attempt of a row that is not finished? Locks the row.

    Also after its lease has ended: whoever comes back late knows more about the row than those who found it.
    """
    return _locked(
        "SELECT id FROM outbox_row WHERE id = %s AND attempts = %s AND state NOT IN ('done', 'dead') FOR NO KEY UPDATE",
        [id, attempt],
    )


def is_still_unknown(id: int, attempt: int) -> bool:
    """Is it still unknown what became of this attempt? Locks the row."""
    return _locked(
        "SELECT id FROM outbox_row WHERE id = %s AND attempts = %s AND state = 'unknown' FOR NO KEY UPDATE",
        [id, attempt],
    )


def finish(id: int, state: str, now: datetime, why: str = "") -> None:
    """The end: `done` or `dead`."""
    tell(
        "UPDATE outbox_row SET state = %s, finished_at = %s, lease_until = NULL, error = %s WHERE id = %s",
        [state, now, _storable(why), id],
    )


def finish_for(subject: UUID, kind: str, now: datetime) -> None:
    """The outside told us by another way that this work was done, whatever became of its answer."""
    tell(
        "UPDATE outbox_row SET state = 'done', finished_at = %s, lease_until = NULL "
        "WHERE subject = %s AND kind = %s AND state NOT IN ('done', 'dead')",
        [now, subject, kind],
    )


def hasten(subject: UUID, kind: str, due_at: datetime) -> None:
    """There is news: what waits for later is done by then."""
    tell(
        "UPDATE outbox_row SET due_at = %s "
        "WHERE subject = %s AND kind = %s AND state IN ('ready', 'retry') AND due_at > %s",
        [due_at, subject, kind, due_at],
    )


def retry(id: int, due_at: datetime, why: str, *, failed: bool) -> None:
    """It was certainly not done, or a second time does no harm: it is due again."""
    tell(
        "UPDATE outbox_row SET state = 'retry', due_at = %s, lease_until = NULL, doubtful_since = NULL, looks = 0, "
        "failures = failures + %s, error = %s WHERE id = %s",
        [due_at, int(failed), _storable(why), id],
    )


def doubt(id: int, since: datetime, due_at: datetime, why: str) -> None:
    """It may have been done: unknown, to be looked up then."""
    tell(
        "UPDATE outbox_row SET state = 'unknown', due_at = %s, lease_until = NULL, "
        "doubtful_since = coalesce(doubtful_since, %s), error = %s WHERE id = %s",
        [due_at, since, _storable(why), id],
    )


def postpone(id: int, now: datetime, why: str) -> tuple[str, Claimed] | None:
    """We could not even begin: a mistake of ours. It is due again later, in the state it had, and counted as failed.

    Its kind and what it says; None when somebody else has it meanwhile.
    """
    waits = [now, POSTPONED_SECONDS, LONGEST_POSTPONED_SECONDS]
    row = ask(_POSTPONE, [*waits, _storable(why), id]).row()
    return None if row is None else _claimed(id, *row)


def begin_again(id: int, now: datetime) -> bool:
    """A person wants a dead row done after all: its counts begin anew, its attempts go on. False if it is not dead."""
    return _locked(
        "UPDATE outbox_row SET state = 'retry', due_at = %s, finished_at = NULL, failures = 0, looks = 0, "
        "doubtful_since = NULL WHERE id = %s AND state = 'dead' RETURNING id",
        [now, id],
    )


def read_unknown(id: int) -> tuple[str, Claimed] | None:
    """A row of which nobody knows whether it was done: its kind and what it says. None when it is not."""
    row = ask(
        "SELECT key, kind, subject, payload::text, attempts, failures, doubtful_since FROM outbox_row "
        "WHERE id = %s AND state = 'unknown'",
        [id],
    ).row()
    return None if row is None else _claimed(id, *row)


def pause(kind: str, until: datetime) -> None:
    """Leave a whole kind of work alone for a while."""
    tell(
        "INSERT INTO outbox_pause (kind, until) VALUES (%s, %s) "
        "ON CONFLICT (kind) DO UPDATE SET until = greatest(outbox_pause.until, excluded.until)",
        [kind, until],
    )


def _until(now: datetime) -> datetime:
    return now + timedelta(seconds=max(settings.OUTBOX_LEASE_SECONDS, SHORTEST_SENDING_SECONDS))


def _storable(why: str) -> str:
    """What was said outside may hold what no text column does."""
    return why.encode(errors="replace").decode().replace("\0", "")[:LONGEST_ERROR]


def _locked(sql: str, parameters: Sequence[Any]) -> bool:
    return ask(sql, parameters).row() is not None


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
