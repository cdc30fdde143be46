"""Actions that connect a call to somebody or something.

What is marked as old is documented no more and was sent by the old server SDK, or stands in documentation of its time.
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Literal

from telephony.providers.sinch.svaml.checks import (
    require_at_least,
    require_call_seconds,
    require_cli,
    require_dtmf,
    require_length,
    require_locale,
    require_number,
    require_one_of,
)
from telephony.providers.sinch.svaml.destinations import Identity, SipAddress, Websocket
from telephony.providers.sinch.svaml.errors import BuilderError
from telephony.providers.sinch.svaml.limits import (
    CONFERENCE_DTMF_MODES,
    CONFERENCE_TYPES,
    INDICATIONS,
    LONGEST_CONFERENCE_ID,
    LONGEST_HEADERS_BYTES,
    MUSIC_ON_HOLD,
    TRANSPORTS,
)
from telephony.providers.sinch.svaml.recording import RecordingOptions
from telephony.providers.sinch.svaml.wire import KeyValue, Part, Verb, Wire, pairs_of, require_bytes

Music = Literal["ring", "music1", "music2", "music3"]
Transport = Literal["UDP", "TCP", "TLS"]
Mode = Literal["ignore", "forward", "detect"]


@dataclass(frozen=True)
class Amd(Part):
    """Find out whether a machine answered; with `async_` the call goes on meanwhile and a notify tells us."""

    enabled: bool = True
    async_: bool | None = None


@dataclass(frozen=True)
class ConnectPstn(Verb):
    """Connect to a phone number; without one, to the number that was dialled. Durations are whole seconds.

    `cli` is E.164 or `private`; without it the caller's own is shown, which the old word for is `incoming`.
    `suppress_callbacks` leaves out the ACE and the DiCE: nobody learns how long the call was. A prepaid service
    never sets it, and Ringfence's own replies cannot. `record`, `recording_options`, `tags` and `account` are old.
    """

    number: str | None = None
    _: KW_ONLY
    cli: str | None = None
    max_duration: int | None = None
    dial_timeout: int | None = None
    locale: str = "en-US"
    suppress_callbacks: bool | None = None
    dtmf: str | None = None
    indications: str | None = None
    amd: Amd | None = None
    record: bool | None = None
    recording_options: RecordingOptions | None = None
    tags: tuple[KeyValue, ...] = ()
    account: str | None = None

    def __post_init__(self) -> None:
        require_number("connectPstn.number", self.number)
        require_cli("connectPstn.cli", self.cli)
        require_call_seconds("connectPstn.maxDuration", self.max_duration)
        require_call_seconds("connectPstn.dialTimeout", self.dial_timeout)
        require_locale("connectPstn.locale", self.locale)
        require_dtmf("connectPstn.dtmf", self.dtmf)
        require_one_of("connectPstn.indications", self.indications, INDICATIONS)


@dataclass(frozen=True)
class ConnectMxp(Verb):
    """Connect to an app's user; without a destination, to the one that was called. Sinch offers no limit for how long.

    `cli`, `indications`, `record` and `locale` are old.
    """

    destination: Identity | None = None
    _: KW_ONLY
    call_headers: tuple[KeyValue, ...] = ()
    cli: str | None = None
    indications: str | None = None
    record: bool | None = None
    locale: str | None = None

    def __post_init__(self) -> None:
        require_bytes("connectMxp.callHeaders", pairs_of(self.call_headers), LONGEST_HEADERS_BYTES)
        require_cli("connectMxp.cli", self.cli)
        require_one_of("connectMxp.indications", self.indications, INDICATIONS)
        require_locale("connectMxp.locale", self.locale)


@dataclass(frozen=True, kw_only=True)
class _SipOptions(Verb):
    """What both ways to SIP have in common. `indications`, `record` and `locale` are old."""

    max_duration: int | None = None
    cli: str | None = None
    transport: Transport | None = None
    suppress_callbacks: bool | None = None
    call_headers: tuple[KeyValue, ...] = ()
    moh: Music | None = None
    indications: str | None = None
    record: bool | None = None
    locale: str | None = None

    def __post_init__(self) -> None:
        require_call_seconds("connectSip.maxDuration", self.max_duration)
        require_cli("connectSip.cli", self.cli)
        require_one_of("connectSip.transport", self.transport, TRANSPORTS)
        require_bytes("connectSip.callHeaders", pairs_of(self.call_headers), LONGEST_HEADERS_BYTES)
        require_one_of("connectSip.moh", self.moh, MUSIC_ON_HOLD)
        require_one_of("connectSip.indications", self.indications, INDICATIONS)
        require_locale("connectSip.locale", self.locale)


@dataclass(frozen=True)
class ConnectSip(_SipOptions, word="connectSip"):
    """Connect to a SIP address. Without `transport` it is UDP."""

    destination: SipAddress


@dataclass(frozen=True)
class ConnectSipPeer(_SipOptions, word="connectSip"):
    """Connect to a SIP peer that registered with an account (old). `extension` replaces the user in its address."""

    account: str
    extension: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.account:
            raise BuilderError("connectSip.account", "an account that is not empty", self.account)
        if self.extension is not None and (not self.extension or "@" in self.extension):
            limit = "an extension that is not empty, without @"
            raise BuilderError("connectSip.destination.endpoint", limit, self.extension)

    def wire(self) -> Wire:
        written = super().wire()
        if self.extension is not None:
            del written["extension"]
            written["destination"] = {"type": "sip", "endpoint": self.extension}
        return written


@dataclass(frozen=True)
class ConferenceDtmfOptions(Part):
    """What becomes of keys pressed in a conference. `timeout_mills` is how long Sinch waits for the next."""

    mode: Mode | None = None
    max_digits: int | None = None
    timeout_mills: int | None = None

    def __post_init__(self) -> None:
        require_one_of("conferenceDtmfOptions.mode", self.mode, CONFERENCE_DTMF_MODES)
        require_at_least("conferenceDtmfOptions.maxDigits", self.max_digits, 1)
        require_at_least("conferenceDtmfOptions.timeoutMills", self.timeout_mills, 1)


@dataclass(frozen=True)
class ConnectConf(Verb):
    """Connect to a conference. Without `moh` there is silence until a second person comes.

    All from `cli` on are old.
    """

    conference_id: str
    _: KW_ONLY
    conference_dtmf_options: ConferenceDtmfOptions | None = None
    moh: Music | None = None
    cli: str | None = None
    record: bool | None = None
    recording_options: RecordingOptions | None = None
    conference_type: Literal["twopart", "multipart"] | None = None
    enter_leave_sound: bool | None = None
    dtmf_mode: Mode | None = None
    suppress_callbacks: bool | None = None
    locale: str | None = None

    def __post_init__(self) -> None:
        require_length("connectConf.conferenceId", self.conference_id, LONGEST_CONFERENCE_ID)
        require_one_of("connectConf.moh", self.moh, MUSIC_ON_HOLD)
        require_cli("connectConf.cli", self.cli)
        require_one_of("connectConf.conferenceType", self.conference_type, CONFERENCE_TYPES)
        require_one_of("connectConf.dtmfMode", self.dtmf_mode, CONFERENCE_DTMF_MODES)
        require_locale("connectConf.locale", self.locale)


@dataclass(frozen=True)
class StreamingOptions(Part):
    """The version of the stream's protocol, and samples per second."""

    version: int | None = None
    sample_rate: int | None = None

    def __post_init__(self) -> None:
        require_at_least("streamingOptions.version", self.version, 1)
        require_at_least("streamingOptions.sampleRate", self.sample_rate, 1)


@dataclass(frozen=True)
class ConnectStream(Verb):
    """Send the sound of a call to a server. A closed beta at Sinch."""

    destination: Websocket
    _: KW_ONLY
    streaming_options: StreamingOptions | None = None
    max_duration: int | None = None
    call_headers: tuple[KeyValue, ...] = ()

    def __post_init__(self) -> None:
        require_call_seconds("connectStream.maxDuration", self.max_duration)
        require_bytes("connectStream.callHeaders", pairs_of(self.call_headers), LONGEST_HEADERS_BYTES)
