"""The door for telephony: quote, reserve, settle, release.

Every function runs inside the caller's transaction. `quote` and `find_reservation` lock the wallet; the rest of the
transaction may rely on what they say.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from billing import alerts, holds, ledger
from billing.ledger import Line
from billing.models import Entry, Posting
from billing.money import ZERO
from billing.rating import PinnedRate, Quote, Terms, billed_seconds, breakdown, price_of
from postgres.statements import Answer, Row, ask

# A deck row with this prefix prices calls between the users of an app; without one they are free.
APP_PREFIX = "app"

_TERMS = (
    "r.id, r.prefix, r.destination, r.price_per_minute, r.connection_fee, r.first_increment, r.next_increment, "
    "r.minimum_charge, r.grace_seconds"
)

_DECK_OF_WALLET = """
coalesce(
    w.deck_id,
    (SELECT d.id FROM billing_ratedeck d WHERE d.currency = w.currency AND d.service = 'calls' AND d.is_default))
"""

# The first of the decks that were named is taken which has the wallet's currency.
_DECK_NAMED = f"""
coalesce(
    (SELECT d.id FROM billing_ratedeck d
     WHERE d.id = ANY(%s) AND d.currency = w.currency AND d.service = 'calls' ORDER BY d.id LIMIT 1),
    {_DECK_OF_WALLET})
"""  # noqa: S608 - built from constants of this module

_QUOTE = f"""
SELECT w.id, w.currency, w.balance - w.held + w.credit_limit, {_TERMS}
FROM billing_wallet w
LEFT JOIN LATERAL (
    SELECT rate.*
    FROM billing_rate rate
    WHERE rate.version_id = (
            SELECT deck.active_version_id
            FROM billing_ratedeck deck
            WHERE deck.id = {{deck}}
        )
        AND rate.prefix = ANY(%s)
        AND rate.effective_from <= %s
    ORDER BY length(rate.prefix) DESC, rate.effective_from DESC
    LIMIT 1
) r ON true
WHERE w.account_id = %s
FOR NO KEY UPDATE OF w
"""  # noqa: S608 - built from constants of this module
_QUOTE_BY_WALLET = _QUOTE.format(deck=_DECK_OF_WALLET)
_QUOTE_BY_DECKS = _QUOTE.format(deck=_DECK_NAMED)

_RESERVATION = f"""
SELECT h.id, h.amount, h.state, w.id, w.currency, w.balance - w.held + w.credit_limit, {_TERMS}
FROM billing_hold h
JOIN billing_wallet w ON w.id = h.wallet_id
JOIN billing_rate r ON r.id = h.rate_id
WHERE h.subject = %s
ORDER BY h.id DESC
LIMIT 1
FOR NO KEY UPDATE OF w, h
"""  # noqa: S608 - built from constants of this module


@dataclass(frozen=True, kw_only=True)
class Reservation:
    """A hold as it was found, with its wallet and pinned rate. `is_open` is False when it was resolved before."""

    hold_id: int
    amount: Decimal
    is_open: bool
    quote: Quote


@dataclass(frozen=True, kw_only=True)
class Settlement:
    """What was charged: price = charge + loss. `has_posting` says whether the ledger holds the proof."""

    currency: str
    price: Decimal
    charge: Decimal
    loss: Decimal
    rate_id: int | None
    billed_seconds: int
    breakdown: dict[str, str | int]

    @property
    def has_posting(self) -> bool:
        return self.price > 0


FREE = Settlement(currency="", price=ZERO, charge=ZERO, loss=ZERO, rate_id=None, billed_seconds=0, breakdown={})


def quote(account_id: int, prefixes: Sequence[str], at: datetime, deck_ids: Sequence[int] = ()) -> Answer:
    """Lock the account's wallet and find its rate: longest of the prefixes, valid at that time. See `read_quote`.

    The rate is of the account's own deck, or of that among `deck_ids` which has the account's currency.
    """
    ledger.must_be_in_a_transaction()
    if deck_ids:
        return ask(_QUOTE_BY_DECKS, [list(deck_ids), list(prefixes), at, account_id])
    return ask(_QUOTE_BY_WALLET, [list(prefixes), at, account_id])


def read_quote(answer: Answer) -> Quote | None:
    """The quote that was asked for; None when the account has no wallet."""
    row = answer.row()
    return None if row is None else _quote(row)


def reserve(quote: Quote, subject: UUID, seconds: int, *, opened_at: datetime, expires_at: datetime) -> Decimal:
    """Ring-fence the price of that many seconds. Returns the amount; 0 opens no hold."""
    if quote.rate is None:
        return ZERO
    amount = price_of(quote.rate.terms, seconds)
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


def read_reservation(answer: Answer) -> Reservation | None:
    """The newest hold of the subject, open or not; None when there never was one."""
    row = answer.row()
    if row is None:
        return None
    return Reservation(hold_id=row[0], amount=row[1], is_open=row[2] == "open", quote=_quote(row[3:]))


def settle(reservation: Reservation, subject: UUID, seconds: int, at: datetime) -> Settlement:
    """Charge the real price against the hold and give the rest back.

    The wallet pays at most the hold and what is available; the rest is our loss: `loss:overrun`, or `loss:late` when
    the hold was resolved before. The database refuses a second settlement of the subject.
    """
    if reservation.is_open:
        holds.settle(reservation.hold_id, at)
        return _charge(reservation.quote, subject, seconds, reservation.amount, Entry.House.LOSS_OVERRUN)
    return _charge(reservation.quote, subject, seconds, ZERO, Entry.House.LOSS_LATE)


def settle_unreserved(quote: Quote, subject: UUID, seconds: int) -> Settlement:
    """Charge something for which nothing was held: the wallet pays what it can, `loss:unreserved` the rest."""
    return _charge(quote, subject, seconds, ZERO, Entry.House.LOSS_UNRESERVED)


def release(reservation: Reservation, at: datetime) -> None:
    """Give everything back, if it is still held."""
    if reservation.is_open:
        holds.release(reservation.hold_id, at)


def expire(reservation: Reservation, at: datetime) -> None:
    """Give everything back because nobody could say what became of it."""
    if reservation.is_open:
        holds.expire(reservation.hold_id, at)


def _charge(quote: Quote, subject: UUID, seconds: int, held: Decimal, loss_account: Entry.House) -> Settlement:
    if quote.rate is None:
        return FREE
    terms = quote.rate.terms
    price = price_of(terms, seconds)
    charge = min(price, held + quote.available)
    if price > 0:
        ledger.post(
            Posting.Kind.SETTLEMENT,
            f"settles:{subject}",
            quote.currency,
            [
                Line(-charge, wallet_id=quote.wallet_id),
                Line(price, house=Entry.House.REVENUE),
                Line(charge - price, house=loss_account),
            ],
            subject=subject,
        )
        if charge > 0:
            alerts.watch(quote.wallet_id)
    return Settlement(
        currency=quote.currency,
        price=price,
        charge=charge,
        loss=price - charge,
        rate_id=quote.rate.rate_id,
        billed_seconds=billed_seconds(terms, seconds),
        breakdown=breakdown(terms, seconds),
    )


def _quote(row: Row) -> Quote:
    wallet_id, currency, available, rate_id, prefix, destination, *terms = row
    rate = None
    if rate_id is not None:
        per_minute, fee, first, following, minimum, grace = terms
        rate = PinnedRate(
            rate_id=rate_id,
            prefix=prefix,
            destination=destination,
            terms=Terms(
                price_per_minute=per_minute,
                connection_fee=fee,
                first_increment=first,
                next_increment=following,
                minimum_charge=minimum,
                grace_seconds=grace,
            ),
        )
    return Quote(wallet_id=wallet_id, currency=currency, available=available, rate=rate)
