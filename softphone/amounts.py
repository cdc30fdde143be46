"""Amounts as an app shows them: short, and as the user's language writes them. Pure.

>>> from decimal import Decimal
>>> amount(Decimal("1234.500000"), "EUR", "en"), amount(Decimal("-0.0612"), "USD", "en")
('€1,234.50', '-$0.0612')
>>> amount(Decimal("1234.5"), "EUR", "es"), amount(Decimal("3"), "SEK", "en")
('1.234,50 €', '3.00 SEK')
>>> between(Decimal("0.02"), Decimal("0.15"), "USD", "en"), between(Decimal("0.02"), Decimal("0.15"), "USD", "es")
('$0.02–0.15', '0,02–0,15 $')
"""

from __future__ import annotations

from decimal import ROUND_FLOOR, Decimal

_CENT = Decimal("0.01")
_SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£"}
# Where the decimal comma is written and the currency comes last.
_COMMA_LANGUAGES = frozenset({"es"})
_SWAPPED = str.maketrans(",.", ".,")


def amount(value: Decimal, currency: str, language: str) -> str:
    """The exact amount, with at least two places."""
    figure = _figure(abs(value), language)
    return f"{'-' if value < 0 else ''}{_with_currency(figure, currency, language)}"


def spendable(value: Decimal, currency: str, language: str) -> str:
    """What may be spent, as people count it: never more than it is, fractions of a cent left out.

    >>> spendable(Decimal("15.129999"), "USD", "en"), spendable(Decimal("-0.001"), "EUR", "es")
    ('$15.12', '-0,01 €')
    """
    return amount(value.quantize(_CENT, ROUND_FLOOR), currency, language)


def between(least: Decimal, most: Decimal, currency: str, language: str) -> str:
    """A range of prices, 0 or more; a single price when both are the same."""
    if least == most:
        return amount(least, currency, language)
    return _with_currency(f"{_figure(least, language)}–{_figure(most, language)}", currency, language)


def _figure(value: Decimal, language: str) -> str:
    whole, _, places = f"{value:,f}".partition(".")
    figure = f"{whole}.{places.rstrip('0'):0<2}"
    return figure.translate(_SWAPPED) if language in _COMMA_LANGUAGES else figure


def _with_currency(figure: str, currency: str, language: str) -> str:
    symbol = _SYMBOLS.get(currency)
    if symbol is None or language in _COMMA_LANGUAGES:
        return f"{figure} {symbol or currency}"
    return f"{symbol}{figure}"
