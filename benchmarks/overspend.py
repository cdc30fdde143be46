"""$5 on the account, $0.06 a minute, 30 calls at once, everybody talking as long as it was allowed: who pays?

The same calls against Ringfence and against an application written as the well-known panels are.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from uuid import uuid4

from benchmarks.machine import Database
from benchmarks.signed_calls import CALLBACK_PATH, dice_body, ice_body, post

PANEL_PATH = "/callbacks/panel/"
CALLS = 30
BALANCE = Decimal("5.00")
USER = "overspender"
NUMBER = "+442079460000"

OPEN_ACCOUNT = """
WITH account AS (
    INSERT INTO accounts_account (name, status, verified, destinations, calls_at_once, longest_call_seconds,
                                  velocity_limits, pin_hash, time_zone)
    VALUES (%(user)s, 'active', true, 'anything_rated', %(calls)s, 14400, false, '', 'UTC') RETURNING id
), client AS (
    INSERT INTO accounts_clientuser (account_id, name) SELECT id, %(user)s FROM account
)
INSERT INTO billing_wallet (account_id, currency, balance, held, credit_limit) SELECT id, 'USD', 0, 0, 0 FROM account
"""
TOP_UP = """
WITH posting AS (
    INSERT INTO billing_posting (kind, idempotency_key, reason, made_by)
    VALUES ('top_up', 'top_up:' || %(user)s, '', 'benchmark') RETURNING id
), wallet AS (
    SELECT w.id FROM billing_wallet w JOIN accounts_clientuser c USING (account_id) WHERE c.name = %(user)s
)
INSERT INTO billing_entry (posting_id, wallet_id, house, currency, amount)
SELECT posting.id, line.wallet_id, line.house, 'USD', line.amount
FROM posting, wallet,
     LATERAL (VALUES (wallet.id, NULL, %(amount)s), (NULL, 'top_ups', -%(amount)s)) line (wallet_id, house, amount)
"""
CHARGED = "SELECT coalesce(sum(charge), 0) FROM telephony_cdr WHERE caller = %s"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of the calls: how many were connected, what they cost and what the balance was afterwards."""

    connected: int
    talked_minutes: int
    charged: Decimal

    def as_dict(self) -> dict[str, str | int]:
        """For JSON, money as text."""
        return {"connected": self.connected, "talked_minutes": self.talked_minutes, "charged": f"{self.charged:.2f}"}


def against_ringfence(database: Database, port: int) -> Outcome:
    """Our application on that port and database, which gets one more account."""
    given = {"user": USER, "calls": CALLS, "amount": BALANCE}
    with database.connect() as connection:
        connection.execute(OPEN_ACCOUNT, given)
        connection.execute(TOP_UP, given)
        seconds = talk_as_long_as_allowed(port, CALLBACK_PATH, USER)
        row = connection.execute(CHARGED, [USER]).fetchone()
    assert row is not None
    return _outcome(seconds, row[0])


def against_the_panel(database: Database, port: int) -> Outcome:
    """The panel's application on that port; its one table is there only meanwhile."""
    with database.connect() as connection, _panel_table(database):
        connection.execute("INSERT INTO bench_panel_customer VALUES (%s, %s)", [USER, BALANCE])
        seconds = talk_as_long_as_allowed(port, PANEL_PATH, USER)
        row = connection.execute("SELECT balance FROM bench_panel_customer").fetchone()
    assert row is not None
    return _outcome(seconds, BALANCE - row[0])


def talk_as_long_as_allowed(port: int, path: str, user: str, calls: int = CALLS) -> list[int]:
    """Ask for all calls at once, then let every connected one last as long as the answer said; seconds of each."""
    ids = [str(uuid4()) for _ in range(calls)]
    with ThreadPoolExecutor(calls) as together:
        granted = list(together.map(lambda id: _granted_seconds(post(port, path, ice_body(id, user, NUMBER))), ids))
        talked = {id: seconds for id, seconds in zip(ids, granted, strict=True) if seconds}
        list(together.map(lambda id: post(port, path, dice_body(id, user, NUMBER, talked[id])), talked))
    return list(talked.values())


def _granted_seconds(answer: bytes) -> int:
    action = json.loads(answer)["action"]
    return int(action["maxDuration"]) if action["name"] == "connectPstn" else 0


def _outcome(seconds: list[int], charged: Decimal) -> Outcome:
    minutes = sum(math.ceil(one / 60) for one in seconds)
    return Outcome(connected=len(seconds), talked_minutes=minutes, charged=charged)


@contextmanager
def _panel_table(database: Database) -> Iterator[None]:
    with database.connect() as connection:
        connection.execute("CREATE TABLE bench_panel_customer (name text PRIMARY KEY, balance numeric(20, 6) NOT NULL)")
        try:
            yield
        finally:
            connection.execute("DROP TABLE bench_panel_customer")
