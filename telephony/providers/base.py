"""What every voice platform's adapter promises, so that the core never learns which one is speaking."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from telephony.decisions import Decision
from telephony.events import CallEnded, Event


class CallbackRefused(Exception):
    """The callback is not proved to come from the provider, or is too old: 401, empty, nothing stored."""


class CallbackUnreadable(ValueError):
    """The callback is genuine but is not readable at all: 400 with this sentence."""


class ProviderTrouble(OSError):
    """The provider's API did not give an answer we can use. Nothing is known about what it did."""


class CallUnknown(ProviderTrouble):
    """The provider's API answered that it does not know the call. Its address may be wrong, so this proves nothing."""


class CommandRefused(ProviderTrouble):
    """The provider answered that it will not do this. The call is unchanged.

    `code` and `reference` are the provider's own words for it, empty when it gave none: what its support asks for.
    """

    def __init__(self, sentence: str, *, code: str = "", reference: str = "") -> None:
        super().__init__(sentence)
        self.code = code
        self.reference = reference


@dataclass(frozen=True)
class Callback:
    """An HTTP request from a provider, untouched: header names in lower case, values verbatim, raw body.

    `path` is the path the provider sees and signs (from PUBLIC_URL), never the one a proxy made of it.
    """

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Reply:
    """A decision as status, content type and bytes."""

    status: int
    content_type: str
    body: bytes


@dataclass(frozen=True)
class Credentials:
    """One application at a provider. `secrets` holds the current and, during a rotation, the previous one."""

    application_id: int
    key: str
    secrets: tuple[str, ...]


class Keyring(Protocol):
    """Finds an application's credentials without touching the database."""

    def find(self, key: str) -> Credentials | None:
        """The enabled application with this key, however the key is written; None if there is none."""


@dataclass(frozen=True)
class Verified:
    """A callback proved genuine: which application it is for and when the provider signed it."""

    application_id: int
    key: str
    signed_at: datetime


@dataclass(frozen=True)
class Capabilities:
    """What a provider can be told, so that policy asks for abilities and never for names."""

    limits_phone_calls: bool
    limits_user_calls: bool
    shows_caller_id: bool
    registers_users: bool


@dataclass(frozen=True)
class CallReport:
    """What the provider's API says about a call. `ended` is None while the call is going on."""

    call_id: str
    ended: CallEnded | None


@dataclass(frozen=True)
class Registration:
    """What an app registers with at the provider, as one of its users. Whoever has the token is that user."""

    token: str = field(repr=False)
    expires_at: datetime


class Provider(Protocol):
    """A voice platform's language: proof, meaning, reply. Stateless; one instance serves all threads."""

    name: str
    capabilities: Capabilities

    def normalise_key(self, key: str) -> str:
        """The one spelling under which an application's key is looked up."""

    def check_secret(self, secret: str) -> None:
        """Raise ValueError when this can never be a secret of the provider's."""

    def verify(self, callback: Callback, keyring: Keyring, now: datetime) -> Verified:
        """Prove the callback genuine on its raw bytes. Raises CallbackRefused."""

    def parse(self, callback: Callback, verified: Verified) -> Sequence[Event]:
        """What the callback means. Raises CallbackUnreadable when it cannot be read at all."""

    def check_freshness(self, event: Event, verified: Verified, now: datetime) -> bool:
        """True when the event came in time, False when late but still worth money. Raises CallbackRefused."""

    def render(self, decision: Decision, event: Event) -> Reply:
        """The decision in the provider's words. Every decision has a rendering for every event."""

    def ask_about_call(self, base_url: str, key: str, secret: str, call_id: str) -> CallReport:
        """Ask the provider's API what became of a call. Raises ProviderTrouble when it gives no usable answer."""

    def manage(self, base_url: str, key: str, secret: str, call_id: str, decision: Decision) -> None:
        """Carry out a decision on a running call.

        Raises CommandRefused when the provider will not, ProviderTrouble when nothing is known.
        """

    def registration_token(self, key: str, secret: str, client_user: str, now: datetime) -> Registration:
        """What an app registers with as this user. Only for providers with `capabilities.registers_users`.

        Raises ValueError when the secret, the key or the user can never be right.
        """
