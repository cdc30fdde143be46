"""Voximplant as an adapter: account callbacks in, and our credit there."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from telephony.decisions import Decision
from telephony.events import Event
from telephony.providers.base import Access, Callback, Capabilities, Credit, Keyring, Reply, Verified


class Voximplant:
    """Voximplant's account callbacks: they inform, and never move money."""

    name = "voximplant"
    capabilities = Capabilities(
        limits_phone_calls=False,
        limits_user_calls=False,
        shows_caller_id=False,
        registers_users=False,
        tells_credit=True,
    )

    def normalise_key(self, key: str) -> str:
        """An account id in digits."""
        return key.strip()

    def check_secret(self, secret: str) -> None:
        """Any API key is possible."""

    def verify(self, callback: Callback, keyring: Keyring, now: datetime) -> Verified:
        """Prove at least one of the callbacks in the body. Raises CallbackRefused."""
        raise NotImplementedError

    def parse(self, callback: Callback, verified: Verified) -> Sequence[Event]:
        """The callbacks that are proved. Raises CallbackUnreadable."""
        raise NotImplementedError

    def check_freshness(self, event: Event, verified: Verified, now: datetime) -> bool:
        """The hash covers no time."""
        return True

    def render(self, decision: Decision, event: Event) -> Reply:
        """Nothing is ever asked."""
        return Reply(status=200, content_type="text/plain", body=b"")

    def ask_credit(self, access: Access) -> Credit:
        """GetAccountInfo. Raises ProviderTrouble."""
        raise NotImplementedError
