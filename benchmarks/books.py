"""Whether the books are right after the load: the invariants of docs/ledger.md, asked in plain SQL."""

from __future__ import annotations

from benchmarks.machine import Database

DIFFERENCES = {
    "postings that do not sum to zero": (
        "SELECT count(*) FROM (SELECT FROM billing_entry GROUP BY posting_id HAVING sum(amount) <> 0 OR count(*) < 2) x"
    ),
    "postings without entries": (
        "SELECT count(*) FROM billing_posting p WHERE NOT EXISTS (SELECT FROM billing_entry WHERE posting_id = p.id)"
    ),
    "balances that are not the sum of their entries": (
        "SELECT count(*) FROM billing_wallet w LEFT JOIN "
        "(SELECT wallet_id, sum(amount) AS total FROM billing_entry GROUP BY wallet_id) e ON e.wallet_id = w.id "
        "WHERE w.balance <> coalesce(e.total, 0)"
    ),
    "held sums that are not the sum of open holds": (
        "SELECT count(*) FROM billing_wallet w LEFT JOIN (SELECT wallet_id, sum(amount) AS total FROM billing_hold "
        "WHERE state = 'open' GROUP BY wallet_id) h ON h.wallet_id = w.id WHERE w.held <> coalesce(h.total, 0)"
    ),
    "wallets below their limit": "SELECT count(*) FROM billing_wallet WHERE balance - held < -credit_limit",
    "CDRs that their posting does not prove": (
        "SELECT count(*) FROM telephony_cdr c LEFT JOIN billing_entry e ON e.posting_id = c.posting_id "
        "AND e.wallet_id IS NOT NULL WHERE c.price > 0 AND e.amount IS DISTINCT FROM -c.charge"
    ),
    "settlements without a CDR": (
        "SELECT count(*) FROM billing_posting p WHERE kind = 'settlement' "
        "AND NOT EXISTS (SELECT FROM telephony_cdr WHERE posting_id = p.id)"
    ),
    "calls that ended without exactly one CDR": (
        "SELECT count(*) FROM telephony_call c WHERE state = 'ended' "
        "AND (SELECT count(*) FROM telephony_cdr WHERE call_id = c.id) <> 1"
    ),
    "calls without their two events": (
        "SELECT count(*) FROM telephony_call c WHERE (SELECT count(*) FROM telephony_receivedevent "
        "WHERE call_id = c.id AND outcome = 'decided' AND kind IN ('incoming', 'ended')) <> 2"
    ),
    "calls still open": "SELECT count(*) FROM telephony_call WHERE ended_at IS NULL",
    "wallets with money still held": "SELECT count(*) FROM billing_wallet WHERE held <> 0",
    "events that were not decided": "SELECT count(*) FROM telephony_receivedevent WHERE outcome <> 'decided'",
}


def count_cdrs(database: Database) -> int:
    """How many calls were written down as ended."""
    return _one(database, "SELECT count(*) FROM telephony_cdr")


def count_entries(database: Database) -> int:
    """How many entries the ledger has."""
    return _one(database, "SELECT count(*) FROM billing_entry")


def differences(database: Database) -> dict[str, int]:
    """What is wrong and how often; empty when the books are right."""
    found = {name: _one(database, sql) for name, sql in DIFFERENCES.items()}
    return {name: count for name, count in found.items() if count}


def _one(database: Database, sql: str) -> int:
    with database.connect() as connection:
        row = connection.execute(sql).fetchone()  # type: ignore[call-overload]
    return int(row[0])
