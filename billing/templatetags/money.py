"""Amounts for people."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from django import template

register = template.Library()

NO_BREAK = "\u00a0"


@register.filter
def money(amount: Decimal | str | None, currency: str = "") -> str:
    """The exact amount with at least two places and its currency; a dash when there is none.

    >>> money(Decimal("1234.500000"), "USD")
    '1,234.50\\xa0USD'
    >>> money("-0.061200")
    '−0.0612'
    """
    if amount is None or amount == "":
        return "–"
    try:
        value = Decimal(amount)
    except InvalidOperation:
        return str(amount)
    whole, _, places = f"{abs(value):,f}".partition(".")
    sign = "−" if value < 0 else ""
    figure = f"{sign}{whole}.{places.rstrip('0'):0<2}"
    return f"{figure}{NO_BREAK}{currency}" if currency else figure


def plain(amount: Decimal, currency: str) -> str:
    """As `money`, in characters that every telephone shows: a text with a typographic minus costs twice.

    >>> plain(Decimal("-1234.5"), "USD")
    '-1,234.50 USD'
    """
    return money(amount, currency).replace("−", "-").replace(NO_BREAK, " ")


@register.filter
def signed(amount: Decimal, currency: str = "") -> str:
    """As `money`, with a plus before what came in."""
    return f"+{money(amount, currency)}" if amount > 0 else money(amount, currency)
