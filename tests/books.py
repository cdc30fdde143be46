"""Looks at the books as an auditor does: in SQL, from the entries, believing no derived figure.

A second opinion: these queries were written without looking at those of `run_audit`, and both must find nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from django.db import connection

from telephony.audit import run_audit

# Every query finds what must not exist. The names are those of docs/ledger.md.
INVARIANTS: Mapping[str, str] = {
    "I1 postings that do not balance": """
        SELECT posting_id FROM billing_entry GROUP BY posting_id
        HAVING sum(amount) <> 0 OR count(*) < 2 OR count(DISTINCT currency) <> 1""",
    "I2 postings without entries": """
        SELECT id FROM billing_posting p WHERE NOT EXISTS (SELECT FROM billing_entry e WHERE e.posting_id = p.id)""",
    "I3 wallets whose balance is not the sum of their entries": """
        SELECT id FROM billing_wallet w
        WHERE balance <> (SELECT coalesce(sum(amount), 0) FROM billing_entry e WHERE e.wallet_id = w.id)""",
    "I4 wallets whose held sum is not that of their open holds": """
        SELECT id FROM billing_wallet w WHERE held <>
        (SELECT coalesce(sum(amount), 0) FROM billing_hold h WHERE h.wallet_id = w.id AND h.state = 'open')""",
    "I5 wallets beyond their credit": "SELECT id FROM billing_wallet WHERE balance - held < -credit_limit",
    "I7 calls with two open holds": """
        SELECT subject FROM billing_hold WHERE state = 'open' GROUP BY subject HAVING count(*) > 1""",
    "I8 calls settled twice": """
        SELECT subject FROM billing_posting WHERE kind = 'settlement' GROUP BY subject HAVING count(*) > 1""",
    "I9 CDRs without their posting, or with a wrong sum": """
        SELECT c.id FROM telephony_cdr c LEFT JOIN billing_posting p ON p.id = c.posting_id
        WHERE (c.price > 0) <> (p.id IS NOT NULL)
           OR c.price <> c.charge + c.loss
           OR c.charge <> -coalesce((SELECT sum(e.amount) FROM billing_entry e
                                     WHERE e.posting_id = p.id AND e.wallet_id IS NOT NULL), 0)""",
    "I9 settlements without a CDR": """
        SELECT id FROM billing_posting p WHERE kind = 'settlement'
        AND NOT EXISTS (SELECT FROM telephony_cdr c WHERE c.posting_id = p.id)
        AND NOT EXISTS (SELECT FROM telephony_textmessage t WHERE t.posting_id = p.id)
        AND NOT EXISTS (SELECT FROM telephony_verification v WHERE v.posting_id = p.id)""",
    "I9 verifications without their posting, or with a wrong sum": """
        SELECT v.id FROM telephony_verification v LEFT JOIN billing_posting p ON p.subject = v.id
        WHERE (v.price > 0) <> (p.id IS NOT NULL) OR p.id IS DISTINCT FROM v.posting_id
           OR v.charge <> -coalesce((SELECT sum(e.amount) FROM billing_entry e
                                     WHERE e.posting_id = p.id AND e.wallet_id IS NOT NULL), 0)""",
    "I10 open holds of verifications that are over": """
        SELECT h.id FROM billing_hold h JOIN telephony_verification v ON v.id = h.subject
        WHERE h.state = 'open' AND v.status <> 'pending'""",
    "I10 open holds of calls that are over": """
        SELECT h.id FROM billing_hold h JOIN telephony_call c ON c.id = h.subject
        WHERE h.state = 'open' AND c.ended_at IS NOT NULL""",
    "I10 ended calls without a CDR": """
        SELECT id FROM telephony_call c WHERE state = 'ended'
        AND NOT EXISTS (SELECT FROM telephony_cdr WHERE call_id = c.id)""",
    "holds of calls nobody knows": """
        SELECT h.id FROM billing_hold h WHERE NOT EXISTS (SELECT FROM telephony_call c WHERE c.id = h.subject)
        AND NOT EXISTS (SELECT FROM telephony_textmessage t WHERE t.id = h.subject)
        AND NOT EXISTS (SELECT FROM telephony_verification v WHERE v.id = h.subject)""",
    "events decided twice": """
        SELECT call_id FROM telephony_receivedevent WHERE outcome = 'decided' AND call_id IS NOT NULL
        GROUP BY call_id, kind, step HAVING count(*) > 1""",
}

TABLES = (
    "accounts_account", "billing_wallet", "billing_hold", "billing_posting", "billing_entry",
    "telephony_application", "telephony_call", "telephony_cdr", "telephony_receivedevent",
)  # fmt: skip


def differences() -> dict[str, list[object]]:
    """What the auditors found, by invariant; empty when the books are in order."""
    found: dict[str, list[object]] = {}
    for difference in run_audit(full=True).differences:
        found.setdefault(difference.check, []).append(difference.sentence)
    with connection.cursor() as cursor:
        for name, query in INVARIANTS.items():
            cursor.execute(query)
            if rows := [row[0] for row in cursor.fetchall()]:
                found[name] = rows
    return found


def fingerprint() -> str:
    """A digest of every row of every table that a callback could touch."""
    digest = hashlib.sha256()
    with connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"SELECT t::text FROM {table} t ORDER BY 1")
            digest.update(repr(cursor.fetchall()).encode())
    return digest.hexdigest()
