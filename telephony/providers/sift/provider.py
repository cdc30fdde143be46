"""Sift as a Provider: what its callbacks mean, what is answered, and what we ask and tell of its API.

An account at Sift is one application of ours: its id is the key, its auth token the secret. Where the application has a
salt as well, that is the password which our own addresses hold (`user:password@`), and Sift must bring it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from telephony.decisions import Decision, HangUp, Refuse
from telephony.events import Event
from telephony.menus import Menu
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
    Verified,
)
from telephony.providers.sift.callback_urls import status_url
from telephony.providers.sift.capability_codec import check_auth_token
from telephony.providers.sift.client import DEADLINE_SECONDS, SiftClient
from telephony.providers.sift.connections import ConnectionStatus
from telephony.providers.sift.endings import ended_of
from telephony.providers.sift.menus import check_menu
from telephony.providers.sift.parse import parse_callback
from telephony.providers.sift.render import goodbye, render
from telephony.providers.sift.tokens import LIFETIME_SECONDS, GridspaceCapability
from telephony.providers.sift.verify import normalise_key, verify
from telephony.providers.sift.words import LANGUAGES


class Sift:
    """Gridspace Sift, version 0: unsigned callbacks, routines as replies, tokens for browsers.

    `deadline_seconds` is how long an answer of its API may take.
    """

    name = "sift"
    capabilities = Capabilities(
        limits_phone_calls=False,
        limits_user_calls=False,
        shows_caller_id=False,
        registers_users=True,
        carries_calls=True,
        proves_news=False,
        acts_on_orders=False,
        refuses_unanswered=False,
        tells_answers=False,
        parks_calls=False,
        detects_machines=False,
        places_callouts=True,
        only_languages=LANGUAGES,
    )

    def __init__(self, *, deadline_seconds: float = DEADLINE_SECONDS) -> None:
        self._deadline_seconds = deadline_seconds

    def normalise_key(self, key: str) -> str:
        """An account's id is compared without case."""
        return normalise_key(key)

    def check_secret(self, secret: str) -> None:
        """Raise ValueError when this can never be an auth token."""
        check_auth_token(secret)

    def verify(self, callback: Callback, keyring: Keyring, now: datetime) -> Verified:
        """The token in the address, and what else there is to see. Raises CallbackRefused."""
        return verify(callback, keyring, now)

    def parse(self, callback: Callback, verified: Verified) -> Sequence[Event]:
        """The one event in the callback. Raises CallbackUnreadable when it cannot be read at all."""
        return [parse_callback(callback)]

    def check_freshness(self, event: Event, verified: Verified, now: datetime) -> bool:
        """Sift does not say when it sent anything, so nothing is ever late."""
        return True

    def render(self, decision: Decision, event: Event) -> Reply:
        """The decision as a routine, or nothing where the call goes on as it was."""
        return render(decision, event)

    def ask_about_call(self, base_url: str, key: str, secret: str, call_id: str) -> CallReport:
        """GET the connection. Raises ProviderTrouble when Sift gives no usable answer, or cannot even be asked."""
        connection = self._client(Access(base_url, key, secret)).find_connection(call_id)
        if connection.status is ConnectionStatus.CONNECTED and connection.start_time is None:
            # Whoever is told of no beginning takes it for one that still rings, and gives it time that it has used up.
            raise ProviderTrouble("Sift does not say since when this connection is connected.")
        return CallReport(call_id=connection.connection_id, ended=ended_of(connection), begun_at=connection.start_time)

    def manage(self, base_url: str, key: str, secret: str, call_id: str, decision: Decision) -> None:
        """POST another routine to the connection. Raises CommandRefused when Sift will not or when we have none."""
        if not isinstance(decision, HangUp | Refuse):
            raise CommandRefused(f"A running call cannot be told {type(decision).__name__}.")
        self._client(Access(base_url, key, secret)).tell_connection(call_id, goodbye(decision))

    def registration_token(
        self, key: str, secret: str, client_user: str, now: datetime, remote_id: str = ""
    ) -> Registration:
        """A token for a browser, good for an hour: to call by the application `remote_id`, and to be called.

        Raises ValueError when it cannot be made.
        """
        if not remote_id:
            raise ValueError("Say which application at Sift the user's calls come in by: its id is not known here.")
        capability = GridspaceCapability(key, secret)
        capability.allow_client_outgoing(remote_id)
        capability.allow_client_incoming(client_user)
        issued_at = now.replace(microsecond=0)
        expires_at = issued_at + timedelta(seconds=LIFETIME_SECONDS)
        return Registration(token=capability.generate(LIFETIME_SECONDS, now=issued_at), expires_at=expires_at)

    def check_menu(self, menu: Menu) -> None:
        """Raise CannotExpress, with the question named, unless Sift can play all of the menu."""
        check_menu(menu)

    def place_callout(self, access: Access, order: CalloutOrder) -> str:
        """POST a connection, whose statuses come back with the order's mark. Raises as the protocol says.

        What is to happen when somebody answers is asked of us then: nothing else of the order can be said to Sift.
        """
        if not order.report_base:
            raise CommandRefused("A callout by Sift needs an address of ours at which its statuses are told.")
        address = status_url(order.report_base, order.mark)
        return self._client(access).create_connection(order.number, address).connection_id

    def _client(self, access: Access) -> SiftClient:
        try:
            return SiftClient(access.base_url, access.key, access.secret, deadline_seconds=self._deadline_seconds)
        except ValueError as misconfigured:
            raise NotSent(str(misconfigured)) from misconfigured
