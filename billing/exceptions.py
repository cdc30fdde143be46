"""What can be wrong with money. Each is a fact, with the sentence a person needs."""

from __future__ import annotations


class BillingError(Exception):
    """Something about money that cannot be done as asked."""


class OutsideTransaction(BillingError, RuntimeError):
    """Money was about to move outside a database transaction: a mistake in our code."""


class InsufficientFunds(BillingError):
    """The wallet cannot cover it without taking money that is held or not there."""


class HoldClosed(BillingError):
    """The hold was already settled, released or expired."""


class ReferenceTaken(BillingError, ValueError):
    """The reference was used before for something else. The same reference means the same top-up."""


class CannotReverse(BillingError, ValueError):
    """The posting was reversed before, or is itself a reversal."""


class UnknownDeck(BillingError, LookupError):
    """There is no such rate deck or version."""


class DeckNotWhole(BillingError, ValueError):
    """A deck with refused rows, or none at all, cannot be put in force."""
