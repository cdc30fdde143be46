"""Sinch as a Provider: the four steps, the clock's tolerances, and what we ask Sinch for.

An order that can never be carried out is a CommandRefused before anything is sent.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta

from telephony.decisions import Decision
from telephony.events import Event
from telephony.menus import Menu
from telephony.news import TextReported, VerificationMethod
from telephony.providers.base import (
    Access,
    Callback,
    CalloutOrder,
    CallReport,
    Capabilities,
    CommandRefused,
    Keyring,
    NotSent,
    ProviderTrouble,
    Registration,
    Reply,
    TextOrder,
    VerificationOrder,
    VerificationReport,
    Verified,
)
from telephony.providers.sinch.callouts import callout
from telephony.providers.sinch.client import SinchClient
from telephony.providers.sinch.errors import saying_nothing_of_the_deed
from telephony.providers.sinch.orders import Impossible
from telephony.providers.sinch.parse import parse_callback
from telephony.providers.sinch.registration import registration_token
from telephony.providers.sinch.render import render, render_manage
from telephony.providers.sinch.rest import DEADLINE_SECONDS
from telephony.providers.sinch.signing import decode_secret, normalise_key
from telephony.providers.sinch.verifications import find, start_once
from telephony.providers.sinch.verify import check_freshness, verify

FIVE_MINUTES_SECONDS = 300
ONE_DAY_SECONDS = 86_400


class Sinch:
    """Sinch Voice, version 1, with verification and the classic texts: signed callbacks, SVAML replies.

    `tolerance_seconds` is how far a question's signature may lie from our clock, `late_tolerance_seconds` how
    old the news of an ended call may be. Sinch names neither. `deadline_seconds` is how long an answer may take.
    """

    name = "sinch"
    capabilities = Capabilities(
        limits_phone_calls=True,
        limits_user_calls=False,
        shows_caller_id=True,
        registers_users=True,
        carries_calls=True,
        places_callouts=True,
        sends_texts=True,
        verifies_numbers=True,
    )
    finds_texts = False
    tells_of_texts = False

    def __init__(
        self,
        *,
        tolerance_seconds: int = FIVE_MINUTES_SECONDS,
        late_tolerance_seconds: int = ONE_DAY_SECONDS,
        deadline_seconds: float = DEADLINE_SECONDS,
    ) -> None:
        self._deadline_seconds = deadline_seconds
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
        return self._client(Access(base_url, key, secret)).get_call(call_id)

    def manage(self, base_url: str, key: str, secret: str, call_id: str, decision: Decision) -> None:
        """PATCH the call. Raises CommandRefused when Sinch will not, ProviderTrouble when nothing is known."""
        try:
            svaml = render_manage(decision)
        except ValueError as impossible:
            raise CommandRefused(str(impossible)) from impossible
        self._client(Access(base_url, key, secret)).patch_call(call_id, svaml)

    def registration_token(
        self, key: str, secret: str, client_user: str, now: datetime, remote_id: str = ""
    ) -> Registration:
        """A JWT for Sinch's apps, good for ten minutes. Raises ValueError when it cannot be made."""
        return registration_token(key, secret, client_user, now)

    def check_menu(self, menu: Menu) -> None:
        """Menus are written so that Sinch can play every one of them (`menu_checks`)."""

    def place_callout(self, access: Access, order: CalloutOrder) -> str:
        """POST a callout. Raises as the protocol says."""
        with _refusing_what_cannot_be():
            return self._client(access).place_callout(callout(order))

    def send_text(self, access: Access, order: TextOrder) -> str:
        """POST a text of the classic API. Raises as the protocol says."""
        with _refusing_what_cannot_be():
            return self._client(access).texts.send(order)

    def find_text(self, access: Access, order: TextOrder) -> str | None:
        """Always raises ProviderTrouble: the classic API takes no reference, so it cannot be asked for one."""
        raise ProviderTrouble("Sinch's classic texts cannot be looked for.")

    def ask_text(self, access: Access, text_id: str) -> TextReported:
        """GET its status. Raises ProviderTrouble."""
        return self._client(access).texts.status(text_id)

    def start_verification(self, access: Access, order: VerificationOrder) -> VerificationReport:
        """Begin a verification, or take the one that its reference has begun before. Raises as the protocol says."""
        # Two questions in one errand: both have to be answered before it counts as dead.
        again = self._client(access, self._deadline_seconds / 2)
        with _refusing_what_cannot_be():
            return start_once(self._client(access).verifications, order, again.verifications)

    def report_verification(
        self, access: Access, verification_id: str, method: VerificationMethod, proof: str
    ) -> VerificationReport:
        """PUT the proof. Raises as the protocol says."""
        with _refusing_what_cannot_be():
            return self._client(access).verifications.report(verification_id, method, proof)

    def find_verification(self, access: Access, reference: str) -> VerificationReport | None:
        """By our reference; None when Sinch says that it knows none. Raises ProviderTrouble when it cannot say."""
        with saying_nothing_of_the_deed():
            room = self._client(access).verifications
        return find(room, reference)

    def _client(self, access: Access, deadline_seconds: float | None = None) -> SinchClient:
        deadline_seconds = self._deadline_seconds if deadline_seconds is None else deadline_seconds
        try:
            return SinchClient(access.base_url, access.key, access.secret, deadline_seconds=deadline_seconds)
        except ValueError as misconfigured:
            raise NotSent(str(misconfigured)) from misconfigured


@contextmanager
def _refusing_what_cannot_be() -> Iterator[None]:
    """What can never be asked for was not asked for: that is a refusal."""
    try:
        yield
    except Impossible as impossible:
        raise CommandRefused(str(impossible)) from impossible
