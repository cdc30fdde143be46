"""What providers tell us that is about no call: verifications, texts, our own credit with them.

The same rules as in `events`: a closed vocabulary, unknown words are values, oddities make an event unusable.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from telephony.events import NOTHING, Cost, Event, EventKind


class VerificationMethod(StrEnum):
    """How the proof is brought."""

    SMS = "sms"
    FLASHCALL = "flashcall"
    CALLOUT = "callout"
    OTHER = "other"


class VerificationStatus(StrEnum):
    """How far a verification has come."""

    PENDING = "pending"
    SUCCESSFUL = "successful"
    FAILED = "failed"
    DENIED = "denied"
    EXPIRED = "expired"
    OTHER = "other"


class TextStatus(StrEnum):
    """What became of a text, in the three words customers see."""

    PENDING = "pending"
    SUCCESSFUL = "successful"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class VerificationNews(Event):
    """What events about a verification have in common. `number` is E.164, or what was sent when it is not readable.

    `reference` is what was given when it began: of our own, the verification's id; an app may give any.
    """

    verification_id: str = ""
    method: VerificationMethod = VerificationMethod.OTHER
    method_word: str = ""
    number: str = ""
    reference: str = ""

    @property
    def document(self) -> str:
        return f"verification:{self.verification_id}"


@dataclass(frozen=True, kw_only=True)
class VerificationAsked(VerificationNews):
    """Somebody wants to prove a number at the provider: it waits for our decision, allow or deny."""

    kind = EventKind.VERIFICATION_ASKED

    price: Cost | None = None
    languages: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class VerificationEnded(VerificationNews):
    """A verification came to its end."""

    kind = EventKind.VERIFICATION_ENDED

    status: VerificationStatus = VerificationStatus.OTHER
    status_word: str = ""
    reason: str = ""
    source: str = ""


@dataclass(frozen=True, kw_only=True)
class VerificationTexted(VerificationNews):
    """The text with the code was delivered, or was not."""

    kind = EventKind.VERIFICATION_TEXTED

    successful: bool = False


@dataclass(frozen=True, kw_only=True)
class TextReceived(Event):
    """A text came in. Numbers are E.164 where they can be read, else as sent; `sender` may be a name."""

    kind = EventKind.TEXT_RECEIVED

    text_id: str = ""
    sender: str = ""
    recipient: str = ""
    body: str = ""

    @property
    def document(self) -> str:
        return f"news:{self.text_id}" if self.digest else f"text:{self.text_id}"


@dataclass(frozen=True, kw_only=True)
class TextReported(Event):
    """What became of a text of ours. `text_id` is the provider's, `reference` ours where the provider repeats it."""

    kind = EventKind.TEXT_REPORTED

    text_id: str = ""
    reference: str = ""
    recipient: str = ""
    status: TextStatus = TextStatus.PENDING
    status_word: str = ""
    code: str = ""
    segments: int | None = None

    @property
    def document(self) -> str:
        return f"text:{self.text_id}"

    @property
    def step(self) -> str:
        """A text is reported about several times."""
        return f"{self.status_word} {self.code} {self.recipient}"


@dataclass(frozen=True, kw_only=True)
class CreditLow(Event):
    """Our own credit at the provider fell below what we asked to be told of. A hint: the provider can be asked."""

    kind = EventKind.CREDIT_LOW

    news_id: str = ""
    balance: Cost | None = None
    is_repeated: bool = False

    @property
    def document(self) -> str:
        return f"news:{self.news_id}"


@dataclass(frozen=True, kw_only=True)
class AccountNews(Event):
    """Anything else that a provider tells about our account there. It informs; nothing is moved by it."""

    kind = EventKind.ACCOUNT_NEWS

    news_id: str = ""
    topic: str = ""
    is_known_topic: bool = True
    details: Mapping[str, Any] = field(default_factory=lambda: NOTHING)

    @property
    def document(self) -> str:
        return f"news:{self.news_id}"
