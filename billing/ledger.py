"""The only writer of entries. A posting is never changed; undoing it is another posting.

Lock the wallets first, in the order of their ids: see docs/locking.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from billing.exceptions import CannotReverse, OutsideTransaction
from billing.models import Entry, Posting
from postgres.statements import Answer, ask, in_transaction


@dataclass(frozen=True)
class Line:
    """One signed amount for a wallet or for a house account, never for both."""

    amount: Decimal
    wallet_id: int | None = None
    house: Entry.House | None = None


_POST = """
WITH posting AS (
    INSERT INTO billing_posting (kind, idempotency_key, subject, reverses_id, reason, made_by)
    VALUES (%s, %s, %s, %s, %s, %s)
    RETURNING id
)
INSERT INTO billing_entry (posting_id, wallet_id, house, currency, amount)
SELECT posting.id, line.wallet_id, line.house, %s, line.amount
FROM posting, unnest(%s::bigint[], %s::text[], %s::numeric[]) AS line (wallet_id, house, amount)
RETURNING posting_id
"""


def post(
    kind: Posting.Kind,
    key: str,
    currency: str,
    lines: Sequence[Line],
    *,
    subject: UUID | None = None,
    reverses: int | None = None,
    reason: str = "",
    made_by: str = "",
) -> Answer:
    """Write one posting whose lines sum to zero; lines of zero are left out. The answer's row holds its id.

    The database refuses lines that do not sum to zero, a key used before, a second settlement of one subject and
    a wallet that would end below its credit limit. Raises OutsideTransaction.
    """
    must_be_in_a_transaction()
    written = [line for line in lines if line.amount]
    return ask(
        _POST,
        [
            kind.value, key, subject, reverses, reason, made_by, currency,
            [line.wallet_id for line in written],
            [line.house.value if line.house else None for line in written],
            [line.amount for line in written],
        ],
    )  # fmt: skip


def reverse(posting: Posting, *, reason: str, made_by: str) -> int:
    """Undo a posting by its mirror image, once. Returns the new posting's id. Raises CannotReverse."""
    must_be_in_a_transaction()
    if posting.kind == Posting.Kind.REVERSAL:
        raise CannotReverse("a reversal cannot be reversed: make a correction instead")
    if Posting.objects.filter(reverses=posting).exists():
        raise CannotReverse(f"posting {posting.pk} was reversed before")
    entries = list(posting.entries.order_by("id"))
    row = post(
        Posting.Kind.REVERSAL,
        f"reverses:{posting.pk}",
        entries[0].currency,
        [Line(-e.amount, e.wallet_id, Entry.House(e.house) if e.house else None) for e in entries],
        reverses=posting.pk,
        reason=reason,
        made_by=made_by,
    ).row()
    assert row is not None  # noqa: S101 - INSERT ... RETURNING gives a row or raises
    return int(row[0])


def must_be_in_a_transaction() -> None:
    """Raise OutsideTransaction unless a database transaction is open."""
    if not in_transaction():
        raise OutsideTransaction("money moves only inside a database transaction")
