"""Money on the staff's site: read by everyone allowed, moved only by the use cases."""

from billing.admin import alerts, decks, ledger, wallets

__all__ = ["alerts", "decks", "ledger", "wallets"]
