"""Telling customers' systems what happened: written down in the transaction in which it happens."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from postgres.statements import ask, tell
from webhooks.models import EventType

KIND = "webhook"

# One statement, because a caller may be waiting. An endpoint that is just being removed is passed over, not waited
# for; one that is found stays until the commit, so that its delivery can be written.
_ANNOUNCE = """
WITH wanted AS (
    SELECT id FROM webhooks_endpoint
    WHERE enabled AND {whose} AND CASE form
        WHEN 'voximplant' THEN %s = 'balance.low'
        ELSE cardinality(events) = 0 OR %s = ANY(events)
    END
    FOR KEY SHARE SKIP LOCKED
), told AS (
    INSERT INTO webhooks_delivery (id, endpoint_id, event, data, happened_at)
    SELECT gen_random_uuid(), id, %s, %s::jsonb, %s::timestamptz FROM wanted
    RETURNING id
), {promised}
SELECT pg_notify('outbox', '') FROM promised LIMIT 1
"""
_PROMISED = """promised AS (
    INSERT INTO outbox_row (key, kind, subject, payload, state, attempts, failures, looks, error)
    SELECT 'webhook:' || id, 'webhook', id, '{}', 'ready', 0, 0, 0, '' FROM told
    RETURNING subject
)"""
_TO_ITS_ACCOUNT = _ANNOUNCE.format(whose="account_id = %s", promised=_PROMISED)
_TO_THE_OPERATOR = _ANNOUNCE.format(whose="account_id IS NULL", promised=_PROMISED)

# The endpoint is locked first, as by everybody else.
_AGAIN = """
WITH old AS (
    SELECT d.* FROM webhooks_delivery d JOIN webhooks_endpoint e ON e.id = d.endpoint_id
    WHERE d.id = %s AND e.enabled
    FOR KEY SHARE OF e, d
), told AS (
    INSERT INTO webhooks_delivery (id, endpoint_id, event, data, happened_at, replays_id)
    SELECT gen_random_uuid(), endpoint_id, event, data, happened_at, id FROM old
    RETURNING id
), {promised}
SELECT subject, pg_notify('outbox', '') FROM promised
"""
_REPLAY = _AGAIN.format(promised=_PROMISED)


def announce(account_id: int | None, event: EventType, data: Mapping[str, Any], happened_at: datetime) -> None:
    """Promise a delivery to every endpoint of the account that wants to hear of this; the operator's with None.

    `data` may hold Decimal, datetime and UUID: they travel as text, times in UTC. Nothing is waited for: the promise
    is written with the rest of the caller's transaction, and kept after its commit.
    """
    whose = [] if account_id is None else [account_id]
    told = [event.value, event.value, event.value, Jsonb(as_json(data)), happened_at]
    tell(_TO_THE_OPERATOR if account_id is None else _TO_ITS_ACCOUNT, [*whose, *told])


def replay(delivery_id: UUID) -> UUID | None:
    """Promise to tell the same again, as a new delivery; None when its endpoint was removed or switched off."""
    row = ask(_REPLAY, [delivery_id]).row()
    return None if row is None else UUID(str(row[0]))


def as_json(value: Any) -> Any:
    """The value in the words of JSON: money and ids as text, times as ISO 8601 in UTC.

    >>> as_json({"balance": Decimal("4.970000"), "at": datetime(2026, 11, 21, 9, 30, tzinfo=UTC)})
    {'balance': '4.970000', 'at': '2026-11-21T09:30:00Z'}

    Raises TypeError for what has no such form, a float among it: money never is one.
    """
    match value:
        case None | bool() | int():
            return value
        case str():
            return _storable(value)
        case Decimal():
            return f"{value:f}"
        case datetime():
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case UUID():
            return str(value)
        case Mapping():
            return {_storable(str(key)): as_json(item) for key, item in value.items()}
        case list() | tuple():
            return [as_json(item) for item in value]
    raise TypeError(f"{type(value).__name__} cannot be told to a customer's system")


def _storable(text: str) -> str:
    """PostgreSQL's JSON takes no NUL and no half of a pair, and what it refuses would undo the whole transaction."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()
