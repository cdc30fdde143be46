"""What the platform charges the operator. An invention of this desk: the real price list is not public."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

CURRENCY = "USD"
SECONDS_PER_MINUTE = 60
FREE = Decimal("0.0")
INCOMING = "incoming"

RATES: Mapping[str, Decimal] = {
    "+": Decimal("0.2500"),
    "+1": Decimal("0.0070"),
    "+44": Decimal("0.0108"),
    "+447": Decimal("0.0315"),
    "+46": Decimal("0.0105"),
    "+467": Decimal("0.0369"),
    "+61": Decimal("0.0190"),
    "+614": Decimal("0.0410"),
}


class RateTable:
    """Prices per minute in USD by prefix; the longest prefix wins, "+" is for all the rest.

    "incoming" prices the incoming leg of a call to an access number, which is free without it. Raises ValueError
    when the general price is missing. Calls between apps are free.
    """

    def __init__(self, rates: Mapping[str, Decimal] = RATES) -> None:
        if "+" not in rates:
            raise ValueError('the rate table needs a price for "+", all other destinations')
        self._rates = dict(rates)

    def per_minute(self, number: str) -> Decimal:
        """The price of one minute to a number in E.164."""
        prefixes = (number[:length] for length in range(len(number), 1, -1))
        return next((self._rates[prefix] for prefix in prefixes if prefix in self._rates), self._rates["+"])

    @property
    def prices(self) -> list[tuple[str, Decimal]]:
        """All prefixes with their price per minute, in order."""
        return sorted((prefix, price) for prefix, price in self._rates.items() if prefix != INCOMING)

    @property
    def incoming(self) -> Decimal:
        """The price of one minute of an answered incoming leg."""
        return self._rates.get(INCOMING, FREE)


def debit(per_minute: Decimal, answered_seconds: int) -> Decimal:
    """The price of a call: every started minute of answered time at the rate."""
    started_minutes = -(-answered_seconds // SECONDS_PER_MINUTE)
    return per_minute * started_minutes


def amount(value: Decimal) -> dict[str, object]:
    """Money as the wire has it."""
    return {"currencyId": CURRENCY, "amount": value}
