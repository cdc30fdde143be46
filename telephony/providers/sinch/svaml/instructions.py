"""Instructions: what is done on the way, in the order written."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from telephony.providers.sinch.svaml.checks import (
    require_dtmf,
    require_length,
    require_locale,
    require_one_of,
    require_speakable,
)
from telephony.providers.sinch.svaml.errors import BuilderError
from telephony.providers.sinch.svaml.limits import LONGEST_COOKIE_BYTES, LONGEST_COOKIE_KEY, LONGEST_DETAILS
from telephony.providers.sinch.svaml.prompts import require_one_prompt, spoken_in
from telephony.providers.sinch.svaml.recording import RecordingOptions
from telephony.providers.sinch.svaml.wire import Pair, Verb, require_bytes


@dataclass(frozen=True)
class Say(Verb):
    """Speak a text to the caller. How long it may be is a limit of the reply: SpeechLimits."""

    text: str
    locale: str = "en-US"

    def __post_init__(self) -> None:
        require_speakable("say.text", self.text)
        require_locale("say.locale", self.locale)

    def spoken(self) -> Iterable[tuple[str, str]]:
        return (("text", self.text),)

    def prompt_count(self) -> int:
        return 1


@dataclass(frozen=True)
class PlayFiles(Verb):
    """Play prompts to the caller, one per id. The locale is that of the spoken ones among them."""

    ids: tuple[str, ...]
    locale: str = "en-US"

    def __post_init__(self) -> None:
        if not self.ids:
            raise BuilderError("playFiles.ids", "at least one prompt", 0)
        for index, prompt in enumerate(self.ids):
            require_one_prompt(f"playFiles.ids[{index}]", prompt)
        require_locale("playFiles.locale", self.locale)

    def spoken(self) -> Iterable[tuple[str, str]]:
        return [(f"ids[{index}]", text) for index, prompt in enumerate(self.ids) for text in spoken_in(prompt)]

    def prompt_count(self) -> int:
        return len(self.ids)


@dataclass(frozen=True)
class SendDtmf(Verb):
    """Send tones: digits and #; w waits half a second."""

    value: str

    def __post_init__(self) -> None:
        require_dtmf("sendDtmf.value", self.value)


@dataclass(frozen=True)
class SetCookie(Verb):
    """Hand a key and a value back in later events of this call: a hint, never the truth."""

    key: str
    value: str

    def __post_init__(self) -> None:
        require_cookie("setCookie", self.key, self.value)

    def cookies(self) -> Iterable[Pair]:
        return ((self.key, self.value),)


def require_cookie(field: str, key: str, value: str) -> None:
    """That a cookie alone is not too large. What all of a reply weigh is asked when the reply is built."""
    require_length(f"{field}.key", key, LONGEST_COOKIE_KEY)
    require_bytes(f"{field}.value", ((key, value),), LONGEST_COOKIE_BYTES)


@dataclass(frozen=True)
class Answer(Verb):
    """Answer before connecting; from here the incoming leg is charged. Stands before what is to be heard."""


@dataclass(frozen=True)
class StartRecording(Verb):
    """Record the call from here. Sinch ignores it where an app's user is connected."""

    options: RecordingOptions | None = None


@dataclass(frozen=True)
class StopRecording(Verb):
    """End the recording."""


@dataclass(frozen=True)
class ReportCallStatus(Verb):
    """Tell Sinch whether an ended call was any good. Only the reply to a DiCE takes it, and only old documentation."""

    value: Literal["success", "failure"]
    details: str | None = None

    def __post_init__(self) -> None:
        require_one_of("reportCallStatus.value", self.value, {"success", "failure"})
        require_length("reportCallStatus.details", self.details, LONGEST_DETAILS)
