"""What is in the tables before the load comes: accounts, a deck, an application, and a past."""

from __future__ import annotations

import base64
from pathlib import Path

from cryptography.fernet import Fernet

from benchmarks.machine import FIELD_KEY, Database

KEY = "3f2b8c1e-7a54-4d0b-9c6e-51d2a7f0e8b4"
SECRET = base64.b64encode(b"sixteen bytes ok").decode()
CALLER_ID = "+12025550123"
BATCH = 100_000
HERE = Path(__file__).parent


def found(database: Database, *, accounts: int, rates: int) -> None:
    """Accounts `user1` to `userN` with $1,000 each, a deck of that many rates in force, and our application."""
    with database.connect() as connection:
        connection.execute((HERE / "world.sql").read_text())
        connection.execute("CALL bench.found_world(%s, %s)", [accounts, rates])
        connection.execute(
            "INSERT INTO telephony_application "
            "(provider, name, key, secret, previous_secret, caller_id, base_url, enabled, sends_texts, sender, "
            "callback_token, callback_salt, service_account) "
            "VALUES ('sinch', 'benchmark', %s, %s, '', %s, 'https://calling.api.sinch.com', true, false, '', '', '', "
            "'')",
            [KEY, Fernet(FIELD_KEY).encrypt(SECRET.encode()).decode(), CALLER_ID],
        )
        connection.execute("ANALYZE")


def add_history(database: Database, calls: int) -> None:
    """That many calls that ended before, with everything a call leaves behind."""
    with database.connect() as connection:
        for first in range(1, calls + 1, BATCH):
            connection.execute("CALL bench.add_history(%s, %s)", [first, min(first + BATCH - 1, calls)])
        connection.execute("VACUUM ANALYZE")
        connection.execute("CHECKPOINT")
