"""What every voice platform's adapter promises, so that the core never learns which one is speaking."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from telephony.decisions import Decision
from telephony.events import CallEnded, Cost, Event
from telephony.menus import Menu
from telephony.news import TextReported, VerificationMethod, VerificationStatus


class CallbackRefused(Exception):
    """The callback is not proved to come from the provider, or is too old: 401 (or `status`), empty, nothing stored."""

    def __init__(self, why: str = "", *, status: int = 401) -> None:
        super().__init__(why)
        self.status = status


class CallbackUnreadable(ValueError):
    """The callback is genuine but is not readable at all: 400 with this sentence."""


class CannotExpress(ValueError):
    """The provider has no words for what is wished. Said when something is set up, never in the middle of a call."""


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


class NoCreditThere(CommandRefused):
    """Our own account at the provider is empty. Nothing was done, and nothing will be until it is topped up."""


class TooMuchAtOnce(CommandRefused):
    """The provider wants to be left alone for a while. Nothing was done."""

    retry_after_seconds: int | None = None


class NotSent(ProviderTrouble):
    """The provider was never reached: no connection was made, so nothing can have been done."""


@dataclass(frozen=True)
class Callback:
    """An HTTP request from a provider, untouched: header names in lower case, values verbatim, raw body.

    `path` is the path the provider sees and signs (from PUBLIC_URL), never the one a proxy made of it. `token` is the
    secret part of it, where the provider signs nothing; `topic` is what follows it, as in `done/welcome.1`, and `base`
    is the whole address up to there: below it the provider may be told to ask.
    """

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    token: str = field(default="", repr=False)
    topic: str = ""
    base: str = field(default="", repr=False)


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
    salt: str = ""


@dataclass(frozen=True)
class Access:
    """Where and as whom a provider's API is spoken to. `key_file` is a service account's, where there are those."""

    base_url: str
    key: str
    secret: str = field(repr=False)
    key_file: str = field(default="", repr=False)


class Keyring(Protocol):
    """Finds an application's credentials without touching the database."""

    def find(self, key: str) -> Credentials | None:
        """The enabled application with this key, however the key is written; None if there is none."""

    def find_by_token(self, token: str) -> Credentials | None:
        """The enabled application whose callback address holds this token; None if there is none."""


@dataclass(frozen=True)
class Verified:
    """A callback proved genuine: which application it is for and when the provider signed it."""

    application_id: int
    key: str
    signed_at: datetime


@dataclass(frozen=True)
class Capabilities:
    """What a provider can be told, so that policy asks for abilities and never for names.

    One that carries calls and does not limit them has them ended by us in time (`watching`). One that proves nothing of
    what it tells is asked before anything is settled. One that does not act on orders asks us what is to happen when a
    callout is answered, whatever its order says. Where it does not tell when the called side of a call has answered,
    talk is measured from when it was connected. `only_languages` are those it speaks, where it has no others.
    """

    limits_phone_calls: bool
    limits_user_calls: bool
    shows_caller_id: bool
    registers_users: bool
    carries_calls: bool = False
    proves_news: bool = True
    acts_on_orders: bool = True
    refuses_unanswered: bool = True
    tells_answers: bool = True
    parks_calls: bool = True
    detects_machines: bool = True
    places_callouts: bool = False
    sends_texts: bool = False
    verifies_numbers: bool = False
    tells_credit: bool = False
    only_languages: tuple[str, ...] = ()

    def speaks(self, locale: str) -> bool:
        """Whether a text in this language, written like en-US, is heard in it."""
        return not self.only_languages or locale.partition("-")[0] in self.only_languages

    @property
    def is_watched(self) -> bool:
        """Whether we have to look after its calls ourselves, because nobody ends them or proves how they ended."""
        return self.carries_calls and not (self.limits_phone_calls and self.proves_news)


@dataclass(frozen=True)
class CallReport:
    """What the provider's API says about a call. `ended` is None while the call is going on.

    `begun_at` is when the provider began it, where it says so.
    """

    call_id: str
    ended: CallEnded | None
    begun_at: datetime | None = None


@dataclass(frozen=True)
class Registration:
    """What an app registers with at the provider, as one of its users. Whoever has the token is that user."""

    token: str = field(repr=False)
    expires_at: datetime


class CalloutKind(StrEnum):
    """What happens when our callout is answered."""

    SPEAK = "speak"  # the provider speaks the text and hangs up
    CONFERENCE = "conference"  # into a conference, after a greeting
    ASK_US = "ask_us"  # the provider asks us, as for any answered call, and tells what answered


@dataclass(frozen=True, kw_only=True)
class CalloutOrder:
    """A call we want placed. `mark` is repeated in every event of it; ending it is always told (DiCE).

    With `asks_when_answered` a call into a conference asks us before it lets anybody in. `report_base` is the address
    of ours below which the call's events are told, for a provider that has to be told in the order.
    """

    mark: str
    kind: CalloutKind
    number: str
    caller_id: str
    limit_seconds: int
    dial_timeout_seconds: int
    text: str = ""
    locale: str = "en-US"
    conference_id: str = ""
    detects_machine: bool = False
    asks_when_answered: bool = False
    report_base: str = field(default="", repr=False)


@dataclass(frozen=True, kw_only=True)
class TextOrder:
    """A text we want sent, to one number. `reference` is ours, by which it can be looked for."""

    reference: str
    sender: str
    recipient: str
    body: str
    report_url: str = ""


@dataclass(frozen=True, kw_only=True)
class VerificationOrder:
    """A proof we want brought. `reference` is ours and counts once at the provider."""

    reference: str
    number: str
    method: VerificationMethod
    custom: str = ""
    locale: str = ""


@dataclass(frozen=True, kw_only=True)
class VerificationReport:
    """What the provider says about a verification."""

    verification_id: str
    status: VerificationStatus
    method: VerificationMethod = VerificationMethod.OTHER
    number: str = ""
    reference: str = ""
    reason: str = ""
    cost: Cost | None = None


@dataclass(frozen=True, kw_only=True)
class Credit:
    """What we have at the provider."""

    balance: Cost
    frozen: bool = False


class Adapter(Protocol):
    """A provider's language: proof, meaning, reply. Stateless; one instance serves all threads."""

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


class Provider(Adapter, Protocol):
    """A voice platform: it asks us about calls, and can be asked and told about them."""

    def ask_about_call(self, base_url: str, key: str, secret: str, call_id: str) -> CallReport:
        """Ask the provider's API what became of a call. Raises ProviderTrouble when it gives no usable answer."""

    def manage(self, base_url: str, key: str, secret: str, call_id: str, decision: Decision) -> None:
        """Carry out a decision on a running call.

        Raises CommandRefused when the provider will not, ProviderTrouble when nothing is known.
        """

    def registration_token(
        self, key: str, secret: str, client_user: str, now: datetime, remote_id: str = ""
    ) -> Registration:
        """What an app registers with as this user. Only for providers with `capabilities.registers_users`.

        `remote_id` is the provider's id of the application, where that is not the key. Raises ValueError when the
        secret, the key or the user can never be right.
        """

    def check_menu(self, menu: Menu) -> None:
        """Raise CannotExpress, with the question named, unless the provider can play all of the menu."""

    def place_callout(self, access: Access, order: CalloutOrder) -> str:
        """Have a call placed; returns the provider's id of it. Only with `capabilities.places_callouts`.

        Raises NotSent, TooMuchAtOnce or another CommandRefused when it was certainly not placed; any other
        ProviderTrouble means that it may have been.
        """


class TextProvider(Adapter, Protocol):
    """Somebody who sends texts: `capabilities.sends_texts`."""

    finds_texts: bool  # whether `find_text` can say anything
    tells_of_texts: bool  # whether it tells by itself what became of a text

    def send_text(self, access: Access, order: TextOrder) -> str:
        """Send it; returns the provider's id of it. Raises as `place_callout` does."""

    def find_text(self, access: Access, order: TextOrder) -> str | None:
        """The provider's id of a text of ours that may have been sent; None when it certainly knows none.

        Raises ProviderTrouble when it cannot say.
        """

    def ask_text(self, access: Access, text_id: str) -> TextReported:
        """What has become of a text, where nobody tells of it. `text_id` is the provider's. Raises ProviderTrouble."""


class Verifier(Adapter, Protocol):
    """Somebody who brings the proof that a number is somebody's: `capabilities.verifies_numbers`."""

    def start_verification(self, access: Access, order: VerificationOrder) -> VerificationReport:
        """Begin, or take the one that was begun with this reference before. Raises as `place_callout` does."""

    def report_verification(
        self, access: Access, verification_id: str, method: VerificationMethod, proof: str
    ) -> VerificationReport:
        """Hand in the code, or for a missed call the number that called. Raises as `place_callout` does."""

    def find_verification(self, access: Access, reference: str) -> VerificationReport | None:
        """By our reference; None when the provider certainly knows none. Raises ProviderTrouble when it cannot say."""


class Creditor(Adapter, Protocol):
    """Somebody with whom we have money: `capabilities.tells_credit`."""

    def ask_credit(self, access: Access) -> Credit:
        """What is left. Raises ProviderTrouble."""
