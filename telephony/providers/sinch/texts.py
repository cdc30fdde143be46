"""Sinch's SMS service plans as an adapter: texts out by the REST API, reports and incoming texts by callback."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from telephony.decisions import Decision
from telephony.events import Event
from telephony.providers.base import Access, Callback, Capabilities, Keyring, Reply, TextOrder, Verified


class SinchTexts:
    """One service plan is one application: its id is the key, its API token the secret."""

    name = "sinch_sms"
    capabilities = Capabilities(
        limits_phone_calls=False,
        limits_user_calls=False,
        shows_caller_id=False,
        registers_users=False,
        sends_texts=True,
    )
    finds_texts = True

    def normalise_key(self, key: str) -> str:
        """A service plan id as it is written."""
        return key.strip()

    def check_secret(self, secret: str) -> None:
        """Any API token is possible."""

    def verify(self, callback: Callback, keyring: Keyring, now: datetime) -> Verified:
        """The token in the address is the proof. Raises CallbackRefused."""
        raise NotImplementedError

    def parse(self, callback: Callback, verified: Verified) -> Sequence[Event]:
        """What the callback means. Raises CallbackUnreadable."""
        raise NotImplementedError

    def check_freshness(self, event: Event, verified: Verified, now: datetime) -> bool:
        """Reports are tried again for days; a late one is as good as an early one."""
        return True

    def render(self, decision: Decision, event: Event) -> Reply:
        """Nothing is ever asked."""
        return Reply(status=200, content_type="text/plain", body=b"")

    def send_text(self, access: Access, order: TextOrder) -> str:
        """POST a batch of one. Raises as the protocol says."""
        raise NotImplementedError

    def find_text(self, access: Access, order: TextOrder) -> str | None:
        """Look for our reference among the delivery reports."""
        raise NotImplementedError
