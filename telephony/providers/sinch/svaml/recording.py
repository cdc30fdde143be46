"""What a recording of a call is to be, for the instruction and for the old option of the actions."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, field
from typing import Literal

from telephony.providers.sinch.svaml.checks import require_locale, require_one_of
from telephony.providers.sinch.svaml.errors import BuilderError
from telephony.providers.sinch.svaml.wire import Part


@dataclass(frozen=True)
class TranscriptionOptions(Part):
    """Whether a recording is also written down, and in which language."""

    enabled: bool = True
    locale: str | None = None

    def __post_init__(self) -> None:
        require_locale("transcriptionOptions.locale", self.locale)


@dataclass(frozen=True)
class RecordingOptions(Part):
    """Where a recording goes and as what. `credentials` are for the storage and appear in no repr."""

    destination_url: str | None = None
    _: KW_ONLY
    credentials: str | None = field(default=None, repr=False)
    format: Literal["mp3"] | None = None
    notification_events: bool | None = None
    transcription_options: TranscriptionOptions | None = None

    def __post_init__(self) -> None:
        if self.destination_url is not None and not all(self.destination_url.partition("://")):
            limit = "an address of a storage, like s3://bucket/folder"
            raise BuilderError("recordingOptions.destinationUrl", limit, self.destination_url)
        require_one_of("recordingOptions.format", self.format, {"mp3"})
