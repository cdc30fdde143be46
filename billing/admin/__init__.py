"""Money on the staff's site: read by everyone allowed, moved only by the use cases."""

from billing.admin import decks, ledger, wallets

__all__ = ["decks", "ledger", "wallets"]
