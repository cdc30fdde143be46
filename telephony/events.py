"""What a callback means: the closed vocabulary of things a voice platform tells us.

Adapters translate wire words into these; the core knows nothing else. An unknown word is a value (`OTHER`), never
an error: the provider's own spelling travels along in the `*_word` field and the raw body is kept in the inbox.

Every event says what looked wrong with it. An *oddity* makes the event unusable: it is stored and quarantined,
and no money moves. A *remark* is worth a person's look but the event still counts.
"""

from __future__ import annotations

import copyreg
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from hashlib import sha256
from types import MappingProxyType
from typing import ClassVar

NOTHING: Mapping[str, str] = MappingProxyType({})


def _view(values: dict[str, str]) -> MappingProxyType[str, str]:
    return MappingProxyType(values)


# Python can copy a view of a mapping only once it is told how; without this `copy.deepcopy` and `asdict` fail.
copyreg.pickle(MappingProxyType, lambda view: (_view, (dict(view),)))


class EventKind(StrEnum):
    """What happens on a line, what happens beside it, and the one we do not know yet."""

    INCOMING = "incoming"
    ANSWERED = "answered"
    PROMPT = "prompt"
    ENDED = "ended"
    NOTIFIED = "notified"
    VERIFICATION_ASKED = "verification_asked"
    VERIFICATION_ENDED = "verification_ended"
    VERIFICATION_TEXTED = "verification_texted"
    TEXT_RECEIVED = "text_received"
    TEXT_REPORTED = "text_reported"
    CREDIT_LOW = "credit_low"
    ACCOUNT_NEWS = "account_news"
    UNKNOWN = "unknown"


class CallerMode(StrEnum):
    """How much of the caller the platform lets us see."""

    HIDDEN = "hidden"
    NUMERIC = "numeric"
    ALPHANUMERIC = "alphanumeric"
    FULL = "full"


class EndpointKind(StrEnum):
    """What sort of place a call is aimed at."""

    NUMBER = "number"
    USER = "user"
    SIP = "sip"
    ACCESS_NUMBER = "access_number"
    CONFERENCE = "conference"
    EMAIL = "email"
    OTHER = "other"


class Origin(StrEnum):
    """Where a call began. Only an app's user is authenticated by the platform."""

    APP = "app"
    PHONE = "phone"
    SIP = "sip"
    SERVER = "server"
    OTHER = "other"


class Result(StrEnum):
    """How a call ended, in one word."""

    ANSWERED = "answered"
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    FAILED = "failed"
    CANCELLED = "cancelled"
    NONE = "none"
    OTHER = "other"


class EndReason(StrEnum):
    """Why a call ended: who hung up, or what went wrong."""

    CALLER_HUNG_UP = "caller_hung_up"
    CALLEE_HUNG_UP = "callee_hung_up"
    MANAGER_HUNG_UP = "manager_hung_up"
    HUNG_UP = "hung_up"
    CANCELLED = "cancelled"
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    TIMEOUT = "timeout"
    BLOCKED = "blocked"
    USER_NOT_FOUND = "user_not_found"
    ANSWERED_ELSEWHERE = "answered_elsewhere"
    ESTABLISHED = "established"
    CONGESTION = "congestion"
    CLIENT_NETWORK = "client_network"
    NO_CREDIT_AT_PROVIDER = "no_credit_at_provider"
    CALLBACK_FAILED = "callback_failed"
    REPLY_REFUSED = "reply_refused"
    ERROR = "error"
    NONE = "none"
    OTHER = "other"


class PromptKind(StrEnum):
    """What a menu gave back."""

    RETURN = "return"
    SEQUENCE = "sequence"
    TIMEOUT = "timeout"
    HANGUP = "hangup"
    INVALID_INPUT = "invalid_input"
    ERROR = "error"
    OTHER = "other"


@dataclass(frozen=True, kw_only=True)
class Cost:
    """The provider's money, exactly as given: what we pay, never what the customer pays."""

    currency: str
    amount: Decimal


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Who seems to call. `number` is E.164 with a plus or None; `text` is what the provider wrote."""

    mode: CallerMode = CallerMode.HIDDEN
    number: str | None = None
    name: str = ""
    text: str = ""

    @property
    def alphanumeric(self) -> str:
        """The part in words, as in `Harbour Café`; empty when there is none."""
        return self.text if self.mode is CallerMode.ALPHANUMERIC else self.name

    @property
    def full(self) -> str:
        """All that is known, tidied: `Harbour Café <+442079460000>`, or the one part there is."""
        if self.name and self.number:
            return f"{self.name} <{self.number}>"
        return self.number or self.alphanumeric


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """A place a call is aimed at. `value` is as given, `word` is the provider's own name for the kind."""

    kind: EndpointKind
    value: str
    word: str = ""


NOWHERE = Endpoint(kind=EndpointKind.OTHER, value="")


@dataclass(frozen=True, kw_only=True)
class AnsweringMachine:
    """What answering-machine detection thought. The unit of `duration` is disputed, so it is opaque."""

    status: str = ""
    reason: str = ""
    duration: Decimal | None = None


@dataclass(frozen=True, kw_only=True)
class Event:
    """What every event has. `call_id` is the provider's and unique only within an application.

    `at` is when the provider sent it, in UTC; `version` is the provider's for the format of its events.
    `answer_to` is the address below which the provider is told to ask on about this call, where it has to be told.
    `digest` is given where the provider's proof covers an id and nothing else: it is of everything that was told, and
    whoever tells something else under the same id is not believed.
    """

    kind: ClassVar[EventKind]

    call_id: str
    at: datetime | None = None
    version: int | None = None
    application_key: str = ""
    client_user: str = ""
    custom: str = ""
    cookies: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    conference_id: str = ""
    oddities: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    unknown_fields: tuple[str, ...] = ()
    answer_to: str = field(default="", repr=False)
    digest: str = ""

    @property
    def document(self) -> str:
        """What the event is about, by the provider's id: a call, else a verification, a text, a piece of news."""
        return self.call_id

    @property
    def step(self) -> str:
        """What tells two events of one kind about one document apart; empty when there can be only one."""
        return self.digest


@dataclass(frozen=True, kw_only=True)
class CallIncoming(Event):
    """Somebody wants to call: the provider waits for our decision."""

    kind = EventKind.INCOMING

    caller: Caller = Caller()
    destination: Endpoint = NOWHERE
    origin: Origin = Origin.OTHER
    origin_word: str = ""
    domain: str = ""
    provider_rate: Cost | None = None
    redirected_from: str = ""
    headers: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    resource_url: str = ""
    duration_seconds: int | None = None


@dataclass(frozen=True, kw_only=True)
class CallAnswered(Event):
    """The called side answered: the provider asks once more."""

    kind = EventKind.ANSWERED

    machine: AnsweringMachine | None = None
    resource_url: str = ""


@dataclass(frozen=True, kw_only=True)
class PromptAnswered(Event):
    """The caller pressed keys in a menu, or did not."""

    kind = EventKind.PROMPT

    menu_id: str = ""
    prompt_kind: PromptKind = PromptKind.OTHER
    prompt_word: str = ""
    value: str = ""
    input_method: str = ""
    asking: str = ""

    @property
    def step(self) -> str:
        """A menu may answer several times in one call: its id and the event's time tell the answers apart.

        Where the provider tells no time, we have told it which `asking` this is, and it repeats that.
        """
        return f"{self.menu_id}@{self.at.isoformat() if self.at else self.asking}"


@dataclass(frozen=True, kw_only=True)
class CallEnded(Event):
    """The call is over. `duration_seconds` is answered time, None when the provider did not say."""

    kind = EventKind.ENDED

    result: Result = Result.OTHER
    result_word: str = ""
    reason: EndReason = EndReason.OTHER
    reason_word: str = ""
    duration_seconds: int | None = None
    cost: Cost | None = None
    provider_rate: Cost | None = None
    caller: Caller = Caller()
    destination: Endpoint = NOWHERE
    headers: Mapping[str, str] = field(default_factory=lambda: NOTHING)


@dataclass(frozen=True, kw_only=True)
class Notified(Event):
    """News about a call that wants no decision: a recording is ready, a reply of ours was illegal.

    `topic` says what the news is, `url` where the recording or transcription lies.
    """

    kind = EventKind.NOTIFIED

    topic: str = ""
    url: str = ""
    error_code: str = ""
    error_message: str = ""
    machine: AnsweringMachine | None = None

    @property
    def step(self) -> str:
        """A call may have several recordings: their addresses tell the news of them apart."""
        return f"{self.topic} {sha256(self.url.encode()).hexdigest()[:16]}" if self.url else self.topic


@dataclass(frozen=True, kw_only=True)
class UnknownEvent(Event):
    """An event of a kind we have never heard of: kept, answered neutrally, never acted upon."""

    kind = EventKind.UNKNOWN

    word: str = ""

    @property
    def step(self) -> str:
        return self.word
