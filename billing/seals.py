"""History that was altered no longer fits: every finished day of the ledger is hashed onto the day before (I18).

The digest of a UTC day is SHA-256 over the digest of the day before (32 zero bytes for the first) and one line of
canonical JSON per posting created that day, in the order of their ids, each with its entries. Keep the newest digest
where nobody with access to the database can change it, and the whole history before it is proved.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from itertools import groupby
from operator import itemgetter
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from billing.models import Seal

GENESIS = bytes(32)

# A posting is dated by the beginning of its transaction. One that began before midnight and is still not
# committed an hour later cannot exist: the database ends transactions after seconds.
SETTLING_TIME = timedelta(hours=1)

_FIRST_DAY = "SELECT min((created_at AT TIME ZONE 'UTC')::date) FROM billing_posting"

# Microseconds since 1970 look the same whatever the session's time zone is.
_POSTINGS = """
SELECT (p.created_at AT TIME ZONE 'UTC')::date AS day, p.id,
    jsonb_build_array(
        p.id, p.kind, p.idempotency_key, p.subject, p.reverses_id, p.reason, p.made_by,
        (extract(epoch FROM p.created_at) * 1000000)::bigint,
        (SELECT jsonb_agg(jsonb_build_array(e.id, e.wallet_id, e.house, e.currency, e.amount) ORDER BY e.id)
         FROM billing_entry e WHERE e.posting_id = p.id)
    )::text
FROM billing_posting p
WHERE p.created_at >= %s::date::timestamp AT TIME ZONE 'UTC'
    AND p.created_at < (%s::date + 1)::timestamp AT TIME ZONE 'UTC'
ORDER BY day, p.id
"""


@dataclass(frozen=True, kw_only=True)
class _Day:
    day: date
    digest: bytes
    last_posting: int
    posting_count: int


def last_finished_day(now: datetime) -> date:
    """The newest UTC day that can be sealed: it ended at least an hour ago. `now` is aware."""
    return (now - SETTLING_TIME).astimezone(UTC).date() - timedelta(days=1)


@transaction.atomic
def seal_days(until: date) -> list[Seal]:
    """Seal every finished day that is not sealed yet, up to and including `until`; returns the new seals.

    Days without postings are sealed too, so nothing can be slipped into them later.
    """
    until = min(until, last_finished_day(timezone.now()))
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute("LOCK TABLE billing_seal IN SHARE ROW EXCLUSIVE MODE")
    newest = Seal.objects.order_by("-day").first()
    first = newest.day + timedelta(days=1) if newest else _first_day()
    if first is None or first > until:
        return []
    previous = bytes(newest.digest) if newest else GENESIS
    last_posting = newest.last_posting if newest else 0
    seals = []
    for day in _hashed_days(first, until, previous, {}):
        last_posting = max(last_posting, day.last_posting)
        seal = Seal(day=day.day, last_posting=last_posting, posting_count=day.posting_count, digest=day.digest)
        seal.save()
        seals.append(seal)
    return seals


@transaction.atomic
def verify_seals() -> list[str]:
    """A sentence for every sealed day whose postings are no longer what was sealed; empty when history fits.

    Each day is checked against the stored seal of the day before, so one altered day is named alone.
    """
    seals = {seal.day: seal for seal in Seal.objects.order_by("day")}
    first = _first_day()
    if not seals or first is None:
        return [f"The postings of {day} are gone: the day is sealed." for day in seals]
    first = min(first, min(seals))
    # The first seal is chained to nothing, even when somebody has since dated a posting before it.
    digests = dict.fromkeys(_days(first, min(seals)), GENESIS)
    digests |= {day: bytes(seal.digest) for day, seal in seals.items()}
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
    differences = []
    for day in _hashed_days(first, max(seals), GENESIS, digests):
        seal = seals.get(day.day)
        if seal is None:
            differences.append(f"{day.day} has no seal though a later day has one.")
        elif bytes(seal.digest) != day.digest or seal.posting_count != day.posting_count:
            differences.append(f"The postings of {day.day} are not those that were sealed.")
    return differences


def _hashed_days(first: date, last: date, previous: bytes, stored: Mapping[date, bytes]) -> Iterator[_Day]:
    """Every day from first to last, hashed; a stored digest is the one the next day is chained to."""
    postings = groupby(_postings(first, last), key=itemgetter(0))
    group = next(postings, None)
    for day in _days(first, last):
        digest = sha256(previous)
        last_posting = posting_count = 0
        if group is not None and group[0] == day:
            for _, last_posting, line in group[1]:  # noqa: B007 - the last one is wanted
                digest.update(line.encode() + b"\n")
                posting_count += 1
            group = next(postings, None)
        previous = stored.get(day, digest.digest())
        yield _Day(day=day, digest=digest.digest(), last_posting=last_posting, posting_count=posting_count)


def _postings(first: date, last: date) -> Iterator[tuple[Any, ...]]:
    """(day, id, canonical line) of every posting of these days, a few at a time."""
    with connection.chunked_cursor() as cursor:
        cursor.execute(_POSTINGS, [first, last])
        while rows := cursor.fetchmany(1000):
            yield from rows


def _days(first: date, last: date) -> Iterator[date]:
    return (first + timedelta(days=offset) for offset in range((last - first).days + 1))


def _first_day() -> date | None:
    with connection.cursor() as cursor:
        cursor.execute(_FIRST_DAY)
        day: date | None = cursor.fetchone()[0]
        return day
