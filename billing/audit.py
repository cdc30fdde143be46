"""What must be true of the books, asked of the books themselves. The numbers I1-I18 are those of docs/ledger.md.

The database keeps these invariants; the audit proves that it did. A check is one query that must find no row. The
ordinary audit looks at every balance and everything that is open; the full one also reads all of history and
verifies the seals. Nothing is ever corrected here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from django.db import connection

from billing.models import Seal
from billing.seals import verify_seals

MOST_DIFFERENCES_PER_CHECK = 1000


@dataclass(frozen=True, kw_only=True)
class Check:
    """One invariant: `looks_at` is what is counted as checked, `finds` selects one sentence per difference."""

    name: str
    looks_at: str
    finds: str
    history: bool = False


@dataclass(frozen=True, kw_only=True)
class Difference:
    """What a check found, in a sentence."""

    check: str
    sentence: str


@dataclass(kw_only=True)
class AuditReport:
    """Rows looked at per check, and what was found; at most 1,000 differences are named per check."""

    checked: dict[str, int] = field(default_factory=dict)
    differences: list[Difference] = field(default_factory=list)


CHECKS: tuple[Check, ...] = (
    Check(
        name="I1 the books of a currency sum to zero",
        looks_at="billing_entry",
        finds="""
            SELECT format('The entries in %s sum to %s.', currency, sum(amount))
            FROM billing_entry GROUP BY currency HAVING sum(amount) <> 0""",
    ),
    Check(
        name="I3 a balance is the sum of its entries",
        looks_at="billing_wallet",
        finds="""
            SELECT format('Wallet %s has a balance of %s, its entries sum to %s.',
                w.id, w.balance, coalesce(e.total, 0))
            FROM billing_wallet w
            LEFT JOIN (
                SELECT wallet_id, sum(amount) AS total FROM billing_entry WHERE wallet_id IS NOT NULL GROUP BY wallet_id
            ) e ON e.wallet_id = w.id
            WHERE w.balance <> coalesce(e.total, 0)""",
    ),
    Check(
        name="I4 what is held is the sum of the open holds",
        looks_at="billing_hold WHERE state = 'open'",
        finds="""
            SELECT format('Wallet %s holds %s, its open holds sum to %s.', w.id, w.held, coalesce(h.total, 0))
            FROM billing_wallet w
            LEFT JOIN (
                SELECT wallet_id, sum(amount) AS total FROM billing_hold WHERE state = 'open' GROUP BY wallet_id
            ) h ON h.wallet_id = w.id
            WHERE w.held <> coalesce(h.total, 0)""",
    ),
    Check(
        name="I5 balance and credit cover what is held",
        looks_at="billing_wallet",
        finds="""
            SELECT format('Wallet %s has %s and holds %s with a credit limit of %s.', id, balance, held, credit_limit)
            FROM billing_wallet WHERE balance - held < -credit_limit""",
    ),
    Check(
        name="I6 what is held and lent is never negative",
        looks_at="billing_wallet",
        finds="""
            SELECT format('Wallet %s holds %s with a credit limit of %s.', id, held, credit_limit)
            FROM billing_wallet WHERE held < 0 OR credit_limit < 0
            UNION ALL
            SELECT format('Hold %s is for %s.', id, amount) FROM billing_hold WHERE state = 'open' AND amount <= 0""",
    ),
    Check(
        name="I7 a subject has one open hold",
        looks_at="billing_hold WHERE state = 'open'",
        finds="""
            SELECT format('%s has %s open holds.', subject, count(*))
            FROM billing_hold WHERE state = 'open' GROUP BY subject HAVING count(*) > 1""",
    ),
    Check(
        name="I10 what is settled holds no money",
        looks_at="billing_hold WHERE state = 'open'",
        finds="""
            SELECT format('Hold %s of %s is open though posting %s settled it.', h.id, h.subject, p.id)
            FROM billing_hold h JOIN billing_posting p ON p.subject = h.subject AND p.kind = 'settlement'
            WHERE h.state = 'open'""",
    ),
    Check(
        name="I1 the entries of a posting sum to zero in one currency",
        looks_at="billing_posting",
        history=True,
        finds="""
            SELECT format('Posting %s has %s entries in %s currencies that sum to %s.',
                posting_id, count(*), count(DISTINCT currency), sum(amount))
            FROM billing_entry GROUP BY posting_id
            HAVING sum(amount) <> 0 OR count(*) < 2 OR count(DISTINCT currency) <> 1""",
    ),
    Check(
        name="I2 a posting has entries",
        looks_at="billing_posting",
        history=True,
        finds="""
            SELECT format('Posting %s has no entries.', p.id) FROM billing_posting p
            WHERE NOT EXISTS (SELECT FROM billing_entry e WHERE e.posting_id = p.id)""",
    ),
    Check(
        name="I2 an entry has its posting",
        looks_at="billing_entry",
        history=True,
        finds="""
            SELECT format('Entry %s belongs to posting %s, which does not exist.', e.id, e.posting_id)
            FROM billing_entry e
            WHERE NOT EXISTS (SELECT FROM billing_posting p WHERE p.id = e.posting_id)""",
    ),
    Check(
        name="I7 a hold is open or resolved, not both",
        looks_at="billing_hold",
        history=True,
        finds="""
            SELECT format('Hold %s is %s and was resolved at %s.', id, state, coalesce(resolved_at::text, 'no time'))
            FROM billing_hold WHERE (state = 'open') <> (resolved_at IS NULL)""",
    ),
    Check(
        name="I8 a subject is settled once",
        looks_at="billing_posting WHERE kind = 'settlement'",
        history=True,
        finds="""
            SELECT format('%s was settled %s times.', subject, count(*))
            FROM billing_posting WHERE kind = 'settlement' GROUP BY subject HAVING count(*) > 1""",
    ),
    Check(
        name="I11 a posting has one business document of its own",
        looks_at="billing_posting",
        history=True,
        finds="""
            SELECT format('The document %L has %s postings.', idempotency_key, count(*))
            FROM billing_posting GROUP BY idempotency_key
            HAVING count(*) > 1 OR coalesce(idempotency_key, '') = ''""",
    ),
    Check(
        name="I12 a reversal is the mirror image of its posting",
        looks_at="billing_posting WHERE kind = 'reversal'",
        history=True,
        finds="""
            SELECT format('Posting %s does not undo posting %s.', p.id, p.reverses_id)
            FROM billing_posting p
            WHERE p.kind = 'reversal' AND EXISTS (
                SELECT FROM billing_entry e WHERE e.posting_id IN (p.id, p.reverses_id)
                GROUP BY e.wallet_id, e.house HAVING sum(e.amount) <> 0)""",
    ),
    Check(
        name="I13 an entry has the currency of its wallet",
        looks_at="billing_entry WHERE wallet_id IS NOT NULL",
        history=True,
        finds="""
            SELECT format('Entry %s is in %s, wallet %s in %s.', e.id, e.currency, w.id, w.currency)
            FROM billing_entry e JOIN billing_wallet w ON w.id = e.wallet_id WHERE e.currency <> w.currency""",
    ),
    Check(
        name="I16 a hold is pinned to a rate of a sealed version in the wallet's currency",
        looks_at="billing_hold",
        history=True,
        finds="""
            SELECT format('Hold %s of wallet %s is pinned to rate %s of %s #%s, which is %s and in %s.',
                h.id, w.id, r.id, d.name, v.number, CASE WHEN v.sealed THEN 'sealed' ELSE 'not sealed' END, d.currency)
            FROM billing_hold h
            JOIN billing_wallet w ON w.id = h.wallet_id
            JOIN billing_rate r ON r.id = h.rate_id
            JOIN billing_deckversion v ON v.id = r.version_id
            JOIN billing_ratedeck d ON d.id = v.deck_id
            WHERE NOT v.sealed OR d.currency <> w.currency""",
    ),
    Check(
        name="I16 a hold is pinned to the rate that was valid when it was opened",
        looks_at="billing_hold",
        history=True,
        finds="""
            SELECT format('Hold %s was opened at %s with rate %s, valid from %s.',
                h.id, h.opened_at, r.id, r.effective_from)
            FROM billing_hold h JOIN billing_rate r ON r.id = h.rate_id
            WHERE r.effective_from > h.opened_at OR EXISTS (
                SELECT FROM billing_rate newer
                WHERE newer.version_id = r.version_id AND newer.prefix = r.prefix
                    AND newer.effective_from > r.effective_from AND newer.effective_from <= h.opened_at)""",
    ),
)  # fmt: skip

SEALS = "I18 sealed days are as they were"


def run_audit(*, full: bool, more_checks: Sequence[Check] = ()) -> AuditReport:
    """Run every check that applies; `more_checks` are those of the apps above. Finding nothing is success."""
    report = AuditReport()
    for check in (*CHECKS, *more_checks):
        if full or not check.history:
            _run(check, report)
    if full:
        report.checked[SEALS] = Seal.objects.count()
        report.differences += [Difference(check=SEALS, sentence=sentence) for sentence in verify_seals()]
    return report


def _run(check: Check, report: AuditReport) -> None:
    with connection.cursor() as cursor:
        # One trip is one transaction: both are of the same moment, and the patience ends with it.
        found = f"ARRAY({check.finds} LIMIT {MOST_DIFFERENCES_PER_CHECK})"
        count = f"(SELECT count(*) FROM {check.looks_at})"  # noqa: S608 - a constant of a Check
        cursor.execute(f"SET LOCAL statement_timeout = 0; SELECT {count}, {found}")
        cursor.nextset()
        checked, sentences = cursor.fetchone()
    report.checked[check.name] = checked
    report.differences += [Difference(check=check.name, sentence=sentence) for sentence in sentences]
