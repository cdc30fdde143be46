"""The price of a quantity, and the quantity affordable for a sum. Pure arithmetic, exact in Decimal.

>>> terms = Terms(price_per_minute=Decimal("0.06"), first_increment=60, next_increment=60)
>>> price_of(terms, 61)
Decimal('0.120000')
>>> affordable_seconds(terms, Decimal("5.00"), at_most_seconds=14_400)
4980
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal

from billing.money import SMALLEST, ZERO, rounded

SIXTY = Decimal(60)


@dataclass(frozen=True, kw_only=True)
class Terms:
    """How a rate charges: fee once answered, then every begun increment.

    A call no longer than `grace_seconds` costs nothing; any other answered call costs at least `minimum_charge`.
    """

    price_per_minute: Decimal
    connection_fee: Decimal = ZERO
    first_increment: int = 60
    next_increment: int = 60
    minimum_charge: Decimal = ZERO
    grace_seconds: int = 0


@dataclass(frozen=True, kw_only=True)
class PinnedRate:
    """A rate of an unchangeable deck version, found for one destination."""

    rate_id: int
    prefix: str
    destination: str
    terms: Terms


@dataclass(frozen=True, kw_only=True)
class Quote:
    """What a wallet could pay right now and at which rate; promises nothing."""

    wallet_id: int
    currency: str
    available: Decimal
    rate: PinnedRate | None


def billed_seconds(terms: Terms, duration_seconds: int) -> int:
    """The duration rounded up to whole increments; 0 for 0."""
    if duration_seconds <= 0 or duration_seconds <= terms.grace_seconds:
        return 0
    beyond = max(0, duration_seconds - terms.first_increment)
    return terms.first_increment + -(-beyond // terms.next_increment) * terms.next_increment


def price_of(terms: Terms, duration_seconds: int) -> Decimal:
    """What an answered call of this duration costs: never negative, never less for a longer call."""
    if 0 < terms.grace_seconds >= duration_seconds:
        return ZERO
    talk = billed_seconds(terms, duration_seconds) * terms.price_per_minute / SIXTY
    return rounded(max(terms.connection_fee + talk, terms.minimum_charge))


def least_price(terms: Terms) -> Decimal:
    """What the shortest call that is charged costs: the fee and the first increment."""
    return price_of(terms, terms.grace_seconds + 1)


def affordable_seconds(terms: Terms, amount: Decimal, *, at_most_seconds: int) -> int:
    """The longest duration, up to a bound, whose price is within the amount; 0 when even the least is not."""
    if least_price(terms) > amount:
        return 0
    if price_of(terms, at_most_seconds) <= amount:
        return at_most_seconds
    # The price is above the amount at the bound, so there is a price per minute to divide by.
    in_money = (amount + SMALLEST - terms.connection_fee) * SIXTY / terms.price_per_minute
    increments = (int(in_money.to_integral_value(ROUND_FLOOR)) - terms.first_increment) // terms.next_increment
    seconds = terms.first_increment + max(0, increments) * terms.next_increment
    # Rounding to six places can only have counted one increment too many, or be hidden by a grace period.
    while price_of(terms, seconds) > amount:
        seconds -= terms.next_increment
    return max(terms.grace_seconds + 1, seconds)


def affordable_seconds_together(every: Sequence[Terms], amount: Decimal, *, at_most_seconds: int) -> int:
    """The longest duration, up to a bound, whose prices together are within the amount; 0 when the least are not.

    >>> terms = Terms(price_per_minute=Decimal("0.06")), Terms(price_per_minute=Decimal("0.02"))
    >>> affordable_seconds_together(terms, Decimal("1.00"), at_most_seconds=14_400)
    720
    """
    if sum(map(least_price, every)) > amount:
        return 0
    # A longer call never costs less, so what is affordable is found by halving.
    affordable, beyond = 0, at_most_seconds + 1
    while beyond - affordable > 1:
        middle = (affordable + beyond) // 2
        if sum(price_of(terms, middle) for terms in every) <= amount:
            affordable = middle
        else:
            beyond = middle
    return affordable


def breakdown(terms: Terms, duration_seconds: int) -> dict[str, str | int]:
    """Every figure behind a price, as plain JSON values; money as text."""
    return {
        "duration_seconds": duration_seconds,
        "billed_seconds": billed_seconds(terms, duration_seconds),
        "price_per_minute": str(terms.price_per_minute),
        "connection_fee": str(terms.connection_fee),
        "first_increment": terms.first_increment,
        "next_increment": terms.next_increment,
        "minimum_charge": str(terms.minimum_charge),
        "grace_seconds": terms.grace_seconds,
        "price": str(price_of(terms, duration_seconds)),
    }
