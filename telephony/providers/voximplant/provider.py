"""Voximplant as an adapter: account callbacks in, and what its management API says of our credit there."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from telephony.decisions import Decision
from telephony.events import Event
from telephony.providers.base import (
    Access,
    Callback,
    CallbackRefused,
    Capabilities,
    Credit,
    Keyring,
    Reply,
    Verified,
)
from telephony.providers.voximplant.client import VoximplantClient
from telephony.providers.voximplant.parse import Proved, owner_of, read_entries, read_event

FORBIDDEN = 403


class Voximplant:
    """Voximplant's account callbacks: they inform, and never move money. An account there is one application of ours:
    its id is the key, its API key the secret.
    """

    name = "voximplant"
    capabilities = Capabilities(
        limits_phone_calls=False,
        limits_user_calls=False,
        shows_caller_id=False,
        registers_users=False,
        tells_credit=True,
    )

    def normalise_key(self, key: str) -> str:
        """An account id is a number."""
        return key.strip()

    def check_secret(self, secret: str) -> None:
        """Raise ValueError when this cannot be an API key."""
        if not secret.isprintable() or " " in secret:
            raise ValueError("An API key is letters, digits and dashes, as the control panel shows it.")

    def verify(self, callback: Callback, keyring: Keyring, now: datetime) -> Verified:
        """Prove at least one of the callbacks in the body, all of one account. Raises CallbackRefused (403)."""
        proved = [(owner, entry) for entry in read_entries(callback.body) if (owner := owner_of(entry, keyring))]
        if not proved:
            raise CallbackRefused("No callback in the body is proved.", status=FORBIDDEN)
        first = proved[0][0]
        entries = tuple(entry for owner, entry in proved if owner.application_id == first.application_id)
        return Proved(application_id=first.application_id, key=first.key, signed_at=now, entries=entries)

    def parse(self, callback: Callback, verified: Verified) -> Sequence[Event]:
        """The callbacks that are proved, in the order they were sent."""
        entries = verified.entries if isinstance(verified, Proved) else read_entries(callback.body)
        return [read_event(entry) for entry in entries]

    def check_freshness(self, event: Event, verified: Verified, now: datetime) -> bool:
        """The proof covers no time, so nothing is ever late."""
        return True

    def render(self, decision: Decision, event: Event) -> Reply:
        """Nothing is ever asked: any 200 will do, and the body is not read."""
        return Reply(status=200, content_type="text/plain", body=b"")

    def ask_credit(self, access: Access) -> Credit:
        """GetAccountInfo. Raises ProviderTrouble."""
        return VoximplantClient(access).get_account_info().credit
