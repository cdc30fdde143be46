"""A second rater, written from the words of docs/ledger.md alone: slow, in fractions, one increment after the other."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from billing.rating import Terms

MILLIONTH = Fraction(1, 1_000_000)


def reference_price(terms: Terms, seconds: int) -> Fraction:
    """What an answered call of this length costs, exactly to the millionth."""
    if terms.grace_seconds > 0 and seconds <= terms.grace_seconds:
        return Fraction(0)
    talk = Fraction(terms.price_per_minute) * _paid_for(terms, seconds) / 60
    millionths = (Fraction(terms.connection_fee) + talk) / MILLIONTH
    halves_up = (2 * millionths + 1) // 2
    return max(halves_up * MILLIONTH, Fraction(terms.minimum_charge))


def reference_affordable(terms: Terms, amount: Decimal, at_most: int) -> int:
    """The longest length up to the bound that costs no more than the amount, by halving; 0 when none is charged so."""
    if reference_price(terms, terms.grace_seconds + 1) > amount:
        return 0
    fits, too_long = 0, at_most + 1
    while too_long - fits > 1:
        middle = (fits + too_long) // 2
        if reference_price(terms, middle) <= amount:
            fits = middle
        else:
            too_long = middle
    return fits


def _paid_for(terms: Terms, seconds: int) -> int:
    if seconds <= 0:
        return 0
    paid = terms.first_increment
    while paid < seconds:
        paid += terms.next_increment
    return paid
