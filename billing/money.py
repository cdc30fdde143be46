"""Money, and the one rounding rule.

>>> Money.of("5.00", "USD") - Money.of("0.06", "USD")
Money(amount=Decimal('4.940000'), currency='USD')
>>> rounded(Decimal("0.0000005"))
Decimal('0.000001')
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

ZERO = Decimal("0.000000")
SMALLEST = Decimal("0.000001")
LARGEST = Decimal("99999999999999.999999")  # numeric(20,6)

_CURRENCY = re.compile(r"[A-Z]{3}")


class NotMoney(ValueError):
    """What was given cannot be an amount of money."""


def rounded(amount: Decimal) -> Decimal:
    """Half up to six places: the only rounding there is, done once, at the end of a computation."""
    return amount.quantize(SMALLEST, ROUND_HALF_UP)


@dataclass(frozen=True, order=False)
class Money:
    """An exact amount in one currency. Amounts of different currencies never meet."""

    amount: Decimal
    currency: str

    @classmethod
    def of(cls, text: str | Decimal | int, currency: str) -> Money:
        """An amount from text or Decimal, never from a float. Raises NotMoney."""
        if isinstance(text, float):
            raise NotMoney("money is never a float")
        if not _CURRENCY.fullmatch(currency):
            raise NotMoney(f"{currency!r} is not a currency: three capital letters, such as USD")
        try:
            amount = Decimal(text)
            if not amount.is_finite() or abs(amount) > LARGEST:
                raise NotMoney(f"{text} is not an amount of money that can be kept")
            exact = amount.quantize(SMALLEST)
        except InvalidOperation:
            raise NotMoney(f"{text!r} is not an amount of money, such as 5.00") from None
        if exact != amount:
            raise NotMoney(f"{text} has more than six decimal places")
        return cls(exact, currency)

    def __add__(self, other: Money) -> Money:
        return Money(self.amount + self._same(other), self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(self.amount - self._same(other), self.currency)

    def __neg__(self) -> Money:
        return Money(-self.amount, self.currency)

    def __str__(self) -> str:
        return f"{self.amount:f} {self.currency}"

    def _same(self, other: Money) -> Decimal:
        if other.currency != self.currency:
            raise NotMoney(f"{self.currency} and {other.currency} cannot be added")
        return other.amount
