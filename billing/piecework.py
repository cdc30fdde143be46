"""The second door for telephony: what is paid by the piece. Texts by the segment, verifications by the attempt.

As in `charging`, every function runs inside the caller's transaction, and `quote` and `find_reservation` lock the
wallet. The price of a piece comes from the default deck of the wallet's currency for that service.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from billing import alerts, holds, ledger
from billing.ledger import Line
from billing.models import Entry, Posting, RateDeck
from billing.money import ZERO, rounded
from postgres.statements import Answer, Row, ask

_QUOTE = """
SELECT w.id, w.currency, w.balance - w.held + w.credit_limit, r.id, r.destination, r.price_each
FROM billing_wallet w
LEFT JOIN LATERAL (
    SELECT rate.*
    FROM billing_rate rate
    JOIN billing_ratedeck deck ON deck.active_version_id = rate.version_id
    WHERE deck.currency = w.currency AND deck.service = %s AND deck.is_default
        AND rate.prefix = ANY(%s) AND rate.effective_from <= %s
    ORDER BY length(rate.prefix) DESC, rate.effective_from DESC
    LIMIT 1
) r ON true
WHERE w.account_id = %s
FOR NO KEY UPDATE OF w
"""

_RESERVATION = """
SELECT h.id, h.amount, h.state, w.id, w.currency, w.balance - w.held + w.credit_limit, r.id, r.destination, r.price_each
FROM billing_hold h
JOIN billing_wallet w ON w.id = h.wallet_id
JOIN billing_rate r ON r.id = h.rate_id
WHERE h.subject = %s
ORDER BY h.id DESC
LIMIT 1
FOR NO KEY UPDATE OF w, h
"""

Service = RateDeck.Service


@dataclass(frozen=True, kw_only=True)
class PieceRate:
    """What one piece costs for a destination, by a rate of an unchangeable deck version."""

    rate_id: int
    destination: str
    price_each: Decimal

    def price_of(self, pieces: int) -> Decimal:
        """The price of so many pieces, rounded once."""
        return rounded(self.price_each * pieces)


@dataclass(frozen=True, kw_only=True)
class PieceQuote:
    """What a wallet could pay right now, and what a piece would cost; promises nothing."""

    wallet_id: int
    currency: str
    available: Decimal
    rate: PieceRate | None


@dataclass(frozen=True, kw_only=True)
class PieceReservation:
    """A hold as it was found, with its wallet and pinned rate. `is_open` is False when it was resolved before."""

    hold_id: int
    amount: Decimal
    is_open: bool
    quote: PieceQuote


@dataclass(frozen=True, kw_only=True)
class Charged:
    """What pieces cost: price = charge + loss. `posting_id` proves it; None when nothing was to be paid."""

    currency: str
    price: Decimal
    charge: Decimal
    loss: Decimal
    posting_id: int | None


def quote(account_id: int, service: Service, prefixes: Sequence[str], at: datetime) -> Answer:
    """Lock the account's wallet and find the price of a piece: longest of the prefixes. See `read_quote`."""
    ledger.must_be_in_a_transaction()
    return ask(_QUOTE, [service.value, list(prefixes), at, account_id])


def read_quote(answer: Answer) -> PieceQuote | None:
    """The quote that was asked for; None when the account has no wallet."""
    row = answer.row()
    return None if row is None else _quote(row)


def reserve(quote: PieceQuote, subject: UUID, pieces: int, *, opened_at: datetime, expires_at: datetime) -> Decimal:
    """Ring-fence the price of so many pieces. Returns the amount; 0 opens no hold.

    Look at `quote.available` first: the database refuses a hold that the wallet cannot cover.
    """
    if quote.rate is None:
        return ZERO
    amount = quote.rate.price_of(pieces)
    if amount > 0:
        holds.open_hold(
            wallet_id=quote.wallet_id,
            subject=subject,
            rate_id=quote.rate.rate_id,
            amount=amount,
            opened_at=opened_at,
            expires_at=expires_at,
        )
    return amount


def find_reservation(subject: UUID) -> Answer:
    """Lock the wallet that holds money for the subject and find the hold. See `read_reservation`."""
    ledger.must_be_in_a_transaction()
    return ask(_RESERVATION, [subject])


def read_reservation(answer: Answer) -> PieceReservation | None:
    """The newest hold of the subject, open or not; None when there never was one."""
    row = answer.row()
    if row is None:
        return None
    return PieceReservation(hold_id=row[0], amount=row[1], is_open=row[2] == "open", quote=_quote(row[3:]))


def settle(reservation: PieceReservation, subject: UUID, pieces: int, at: datetime) -> Charged:
    """Charge the pieces against the hold and give the rest back. Once: the database refuses a second settlement.

    As for calls, the wallet pays at most the hold and what is available; the rest is our loss.
    """
    quote = reservation.quote
    assert quote.rate is not None  # noqa: S101 - a hold has a rate
    price = quote.rate.price_of(pieces)
    held, lost_to = ZERO, Entry.House.LOSS_LATE
    if reservation.is_open:
        holds.settle(reservation.hold_id, at)
        held, lost_to = reservation.amount, Entry.House.LOSS_OVERRUN
    charge = max(ZERO, min(price, held + quote.available))
    lines = [
        Line(-charge, wallet_id=quote.wallet_id),
        Line(price, house=Entry.House.REVENUE),
        Line(charge - price, house=lost_to),
    ]
    return _charged(subject, quote, price, charge, lines)


def give_away(quote: PieceQuote, subject: UUID, pieces: int) -> Charged:
    """Pay for the pieces ourselves, openly: the wallet is not touched, `courtesy` bears the price."""
    price = quote.rate.price_of(pieces) if quote.rate else ZERO
    lines = [Line(price, house=Entry.House.REVENUE), Line(-price, house=Entry.House.COURTESY)]
    return _charged(subject, quote, price, ZERO, lines)


def release(reservation: PieceReservation, at: datetime) -> None:
    """Give everything back, if it is still held."""
    if reservation.is_open:
        holds.release(reservation.hold_id, at)


def expire(reservation: PieceReservation, at: datetime) -> None:
    """Give everything back because nobody could say whether the work was done."""
    if reservation.is_open:
        holds.expire(reservation.hold_id, at)


def _charged(subject: UUID, quote: PieceQuote, price: Decimal, charge: Decimal, lines: Sequence[Line]) -> Charged:
    posting_id = None
    if price > 0:
        written = ledger.post(Posting.Kind.SETTLEMENT, f"settles:{subject}", quote.currency, lines, subject=subject)
        if charge > 0:
            alerts.watch(quote.wallet_id)
        row = written.row()
        assert row is not None  # noqa: S101 - INSERT ... RETURNING gives a row or raises
        posting_id = int(row[0])
    return Charged(currency=quote.currency, price=price, charge=charge, loss=price - charge, posting_id=posting_id)


def _quote(row: Row) -> PieceQuote:
    wallet_id, currency, available, rate_id, destination, price_each = row
    rate = None
    if rate_id is not None:
        rate = PieceRate(rate_id=rate_id, destination=destination, price_each=price_each)
    return PieceQuote(wallet_id=wallet_id, currency=currency, available=available, rate=rate)
