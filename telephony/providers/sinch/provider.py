"""Sinch as a Provider: the four steps, and the clock's tolerances."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from telephony.decisions import Decision
from telephony.events import Event
from telephony.providers.base import (
    Callback,
    CallReport,
    Capabilities,
    CommandRefused,
    Keyring,
    ProviderTrouble,
    Registration,
    Reply,
    Verified,
)
from telephony.providers.sinch.client import SinchClient
from telephony.providers.sinch.parse import parse_callback
from telephony.providers.sinch.registration import registration_token
from telephony.providers.sinch.render import render, render_manage
from telephony.providers.sinch.signing import decode_secret, normalise_key
from telephony.providers.sinch.verify import check_freshness, verify

FIVE_MINUTES_SECONDS = 300
ONE_DAY_SECONDS = 86_400


class Sinch:
    """Sinch Voice, version 1: signed callbacks, SVAML replies.

    `tolerance_seconds` is how far a question's signature may lie from our clock, `late_tolerance_seconds` how
    old the news of an ended call may be. Sinch names neither.
    """

    name = "sinch"
    capabilities = Capabilities(
        limits_phone_calls=True, limits_user_calls=False, shows_caller_id=True, registers_users=True
    )

    def __init__(
        self,
        *,
        tolerance_seconds: int = FIVE_MINUTES_SECONDS,
        late_tolerance_seconds: int = ONE_DAY_SECONDS,
    ) -> None:
        self._tolerance = timedelta(seconds=tolerance_seconds)
        self._late_tolerance = timedelta(seconds=late_tolerance_seconds)

    def normalise_key(self, key: str) -> str:
        """Sinch compares keys without case and dashes."""
        return normalise_key(key)

    def check_secret(self, secret: str) -> None:
        """Raise ValueError unless the secret is base64, as Sinch shows it."""
        decode_secret(secret)

    def verify(self, callback: Callback, keyring: Keyring, now: datetime) -> Verified:
        """Prove the callback genuine on its raw bytes. Raises CallbackRefused."""
        return verify(callback, keyring, now, tolerance=self._tolerance, late_tolerance=self._late_tolerance)

    def parse(self, callback: Callback, verified: Verified) -> Sequence[Event]:
        """The one event in the callback. Raises CallbackUnreadable when it cannot be read at all."""
        return [parse_callback(callback.body, verified.key)]

    def check_freshness(self, event: Event, verified: Verified, now: datetime) -> bool:
        """True in time, False when late but still worth money. Raises CallbackRefused."""
        return check_freshness(event, verified, now, tolerance=self._tolerance)

    def render(self, decision: Decision, event: Event) -> Reply:
        """The decision as SVAML, or nothing where nothing is asked."""
        return render(decision, event)

    def ask_about_call(self, base_url: str, key: str, secret: str, call_id: str) -> CallReport:
        """GET the call. Raises ProviderTrouble when Sinch gives no usable answer, or cannot even be asked."""
        return _client(base_url, key, secret).get_call(call_id)

    def manage(self, base_url: str, key: str, secret: str, call_id: str, decision: Decision) -> None:
        """PATCH the call. Raises CommandRefused when Sinch will not, ProviderTrouble when nothing is known."""
        try:
            svaml = render_manage(decision)
        except ValueError as impossible:
            raise CommandRefused(str(impossible)) from impossible
        _client(base_url, key, secret).patch_call(call_id, svaml)

    def registration_token(self, key: str, secret: str, client_user: str, now: datetime) -> Registration:
        """A JWT for Sinch's apps, good for ten minutes. Raises ValueError when it cannot be made."""
        return registration_token(key, secret, client_user, now)


def _client(base_url: str, key: str, secret: str) -> SinchClient:
    try:
        return SinchClient(base_url, key, secret)
    except ValueError as misconfigured:
        raise ProviderTrouble(str(misconfigured)) from misconfigured
