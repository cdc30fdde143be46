"""Money reserved for one subject: opened, then settled, released or expired, once.

The wallet must be locked before; the database keeps the wallet's held sum and refuses a second resolution.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from billing.ledger import must_be_in_a_transaction
from billing.models import Hold
from postgres.statements import tell


def open_hold(
    *, wallet_id: int, subject: UUID, rate_id: int, amount: Decimal, opened_at: datetime, expires_at: datetime
) -> None:
    """Reserve an amount. The database refuses it when the wallet cannot cover it or the subject has one already."""
    must_be_in_a_transaction()
    tell(
        "INSERT INTO billing_hold (wallet_id, subject, rate_id, amount, state, opened_at, expires_at) "
        "VALUES (%s, %s, %s, %s, 'open', %s, %s)",
        [wallet_id, subject, rate_id, amount, opened_at, expires_at],
    )


def settle(hold_id: int, at: datetime) -> None:
    """Close the hold because its price is being charged now."""
    _resolve(hold_id, Hold.State.SETTLED, at)


def release(hold_id: int, at: datetime) -> None:
    """Close the hold because nothing has to be paid."""
    _resolve(hold_id, Hold.State.RELEASED, at)


def expire(hold_id: int, at: datetime) -> None:
    """Close the hold because nobody could ever say what it was used for."""
    _resolve(hold_id, Hold.State.EXPIRED, at)


def _resolve(hold_id: int, state: Hold.State, at: datetime) -> None:
    must_be_in_a_transaction()
    tell("UPDATE billing_hold SET state = %s, resolved_at = %s WHERE id = %s", [state.value, at, hold_id])
