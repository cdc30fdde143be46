"""Actions: what becomes of the call after the instructions."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from sandbox.svaml import instructions, menus, prompts, reading
from sandbox.svaml.instructions import StartRecording
from sandbox.svaml.prompts import Prompt
from sandbox.svaml.reading import Given, IllegalReply

LONGEST_PARK_SECONDS = 600
LONGEST_CONFERENCE_ID = 64
LONGEST_USER = 128
E164 = re.compile(r"\+[1-9][0-9]{6,14}")
# fmt: off
INDICATIONS = (
    "at", "au", "bg", "br", "be", "ch", "cl", "cn", "cz", "de", "dk", "ee", "es", "fi", "fr", "gr", "hu", "il", "in",
    "it", "lt", "jp", "mx", "my", "nl", "no", "nz", "ph", "pl", "pt", "ru", "se", "sg", "th", "uk", "us", "tw", "ve",
    "za",
)
# fmt: on
MUSIC = ("ring", "music1", "music2", "music3")
RECORDS = ("record", "recordingOptions")

_CLI = re.compile(r"\+?[0-9]{3,17}|private|incoming", re.IGNORECASE)

DtmfMode = Literal["ignore", "forward", "detect"]


@dataclass(frozen=True)
class Hangup:
    cause: int | None = None


@dataclass(frozen=True)
class Continue:
    recording: StartRecording | None = None


@dataclass(frozen=True)
class ConnectPstn:
    """number None means the number that was dialled; cli None means the caller's own.

    amd asks what answered: "sync" in ACE, "async" in a notify. dtmf is sent once the callee has answered.
    """

    number: str | None = None
    limit_seconds: int | None = None
    ring_seconds: int | None = None
    cli: str | None = None
    suppress_callbacks: bool = False
    dtmf: str = ""
    amd: Literal["", "sync", "async"] = ""
    recording: StartRecording | None = None


@dataclass(frozen=True)
class ConnectMxp:
    """user None means the user that was called."""

    user: str | None = None


@dataclass(frozen=True)
class ConnectSip:
    address: str
    limit_seconds: int | None = None
    cli: str | None = None
    suppress_callbacks: bool = False
    recording: StartRecording | None = None


@dataclass(frozen=True)
class ConnectStream:
    address: str
    limit_seconds: int | None = None


@dataclass(frozen=True)
class ConnectConf:
    """max_digits and timeout_seconds are those of the mode `detect`."""

    conference_id: str
    dtmf_mode: DtmfMode = "ignore"
    max_digits: int = 1
    timeout_seconds: float = 3
    moh: str | None = None
    recording: StartRecording | None = None
    suppress_callbacks: bool = False


@dataclass(frozen=True)
class Park:
    intro_prompt: tuple[Prompt, ...] = ()
    hold_prompt: tuple[Prompt, ...] = ()
    limit_seconds: int = LONGEST_PARK_SECONDS


Action = Hangup | Continue | ConnectPstn | ConnectMxp | ConnectSip | ConnectStream | ConnectConf | menus.RunMenu | Park


def _hangup(given: Given) -> Hangup:
    reading.known(given, ["hangupCause", "barge"], "hangup")
    reading.flag(given, "barge", "hangup")
    return Hangup(reading.whole(given, "hangupCause", "hangup", least=1, most=2))


def _continue(given: Given) -> Continue:
    reading.known(given, RECORDS, "continue")
    return Continue(_recording(given, "continue"))


def _connect_pstn(given: Given) -> ConnectPstn:
    whose = "connectPstn"
    reading.known(given, ["number", "destination", "locale", "maxDuration", "dialTimeout", "cli", "dtmf", "amd",
                          "suppressCallbacks", "indications", "tags", "account", *RECORDS], whose)  # fmt: skip
    number = reading.text(given, "number", whose) or _destination(given, "number")
    if number is not None and not E164.fullmatch(number):
        raise IllegalReply(f"connectPstn.number is not E.164: {number}")
    cli = reading.text(given, "cli", whose)
    if cli is not None and not _CLI.fullmatch(cli):
        raise IllegalReply(f"connectPstn.cli is neither a number nor private: {cli}")
    reading.locale(given, whose)
    reading.choice(given, "indications", whose, INDICATIONS)
    keys = reading.text(given, "dtmf", whose)
    return ConnectPstn(
        number=number,
        limit_seconds=reading.seconds(given, "maxDuration", whose),
        ring_seconds=reading.seconds(given, "dialTimeout", whose),
        cli=cli,
        suppress_callbacks=reading.flag(given, "suppressCallbacks", whose),
        dtmf=instructions.dtmf(keys, "connectPstn.dtmf") if keys else "",
        amd=_amd(given),
        recording=_recording(given, whose),
    )


def _amd(given: Given) -> Literal["", "sync", "async"]:
    amd = reading.child(given, "amd", "connectPstn") or {}
    reading.known(amd, ["enabled", "async"], "connectPstn.amd")
    asynchronous = reading.flag(amd, "async", "connectPstn.amd")
    if not reading.flag(amd, "enabled", "connectPstn.amd"):
        return ""
    return "async" if asynchronous else "sync"


def _connect_mxp(given: Given) -> ConnectMxp:
    whose = "connectMxp"
    reading.known(
        given, ["destination", "callHeaders", "cli", "locale", "indications", "record", "recordingOptions"], whose
    )
    reading.headers(given, whose)
    reading.locale(given, whose)
    user = _destination(given, "username", "number", "email")
    if user is not None and len(user) > LONGEST_USER:
        raise IllegalReply(f"connectMxp names a user longer than {LONGEST_USER} characters")
    return ConnectMxp(user)


def _connect_sip(given: Given) -> ConnectSip:
    whose = "connectSip"
    reading.known(given, ["destination", "account", "maxDuration", "cli", "transport", "suppressCallbacks",
                          "callHeaders", "moh", "locale", "indications", *RECORDS], whose)  # fmt: skip
    reading.headers(given, whose)
    reading.locale(given, whose)
    reading.choice(given, "transport", whose, ["UDP", "TCP", "TLS"])
    reading.choice(given, "moh", whose, MUSIC)
    reading.choice(given, "indications", whose, INDICATIONS)
    return ConnectSip(
        _sip_address(given),
        reading.seconds(given, "maxDuration", whose),
        reading.text(given, "cli", whose),
        reading.flag(given, "suppressCallbacks", whose),
        _recording(given, whose),
    )


def _sip_address(given: Given) -> str:
    """user@host; of a peer registered with an account, the old way, its extension and the account."""
    address, account = _destination(given, "sip"), reading.text(given, "account", "connectSip")
    if account is not None:
        if address is not None and "@" in address:
            raise IllegalReply(f"connectSip has an account and a whole address: {address}")
        return f"{address}@{account}" if address else account
    user, at, host = (address or "").partition("@")
    if not (user and at and host) or "@" in host:
        raise IllegalReply(f"connectSip.destination is not user@host: {address}")
    return f"{user}@{host}"


def _connect_stream(given: Given) -> ConnectStream:
    whose = "connectStream"
    reading.known(given, ["destination", "streamingOptions", "maxDuration", "callHeaders"], whose)
    address = _destination(given, "websocket")
    if address is None or not address.startswith("wss://"):
        raise IllegalReply(f"connectStream.destination is not a wss:// address: {address}")
    options = reading.child(given, "streamingOptions", whose) or {}
    reading.known(options, ["version", "sampleRate"], "connectStream.streamingOptions")
    reading.headers(given, whose)
    return ConnectStream(address, reading.seconds(given, "maxDuration", whose))


def _connect_conf(given: Given) -> ConnectConf:
    whose = "connectConf"
    reading.known(given, ["conferenceId", "conferenceDtmfOptions", "moh", "cli", "locale", "conferenceType",
                          "enterLeaveSound", "dtmfMode", "suppressCallbacks", *RECORDS], whose)  # fmt: skip
    conference_id = reading.required_text(given, "conferenceId", whose)
    if len(conference_id) > LONGEST_CONFERENCE_ID:
        raise IllegalReply(f"connectConf.conferenceId is longer than {LONGEST_CONFERENCE_ID} characters")
    options = reading.child(given, "conferenceDtmfOptions", whose) or {}
    inside = f"{whose}.conferenceDtmfOptions"
    reading.known(options, ["mode", "maxDigits", "timeoutMills"], inside)
    reading.choice(given, "conferenceType", whose, ["twopart", "multipart"])
    reading.flag(given, "enterLeaveSound", whose)
    reading.locale(given, whose)
    modes: dict[str, DtmfMode] = {"ignore": "ignore", "forward": "forward", "detect": "detect"}
    mode = reading.choice(options, "mode", inside, modes) or reading.choice(given, "dtmfMode", whose, modes)
    timeout = reading.whole(options, "timeoutMills", inside, least=1, most=60_000)
    return ConnectConf(
        conference_id,
        modes[mode or "ignore"],
        reading.whole(options, "maxDigits", inside, least=1, most=menus.MOST_DIGITS) or 1,
        (timeout or 3000) / 1000,
        reading.choice(given, "moh", whose, MUSIC),
        _recording(given, whose),
        reading.flag(given, "suppressCallbacks", whose),
    )


def _park(given: Given) -> Park:
    reading.known(given, ["locale", "introPrompt", "holdPrompt", "maxDuration", "dialTimeout"], "park")
    reading.locale(given, "park")
    # One client library writes the longest time as dialTimeout.
    limit = reading.seconds(given, "maxDuration", "park", most=LONGEST_PARK_SECONDS)
    legacy = reading.seconds(given, "dialTimeout", "park", most=LONGEST_PARK_SECONDS)
    intro, hold = (reading.text(given, each, "park") for each in ("introPrompt", "holdPrompt"))
    return Park(
        prompts.read(intro, "park.introPrompt") if intro else (),
        prompts.read(hold, "park.holdPrompt") if hold else (),
        limit or legacy or LONGEST_PARK_SECONDS,
    )


def _recording(given: Given, whose: str) -> StartRecording | None:
    """The old way to record; without options it goes to the platform's own store."""
    options = reading.child(given, "recordingOptions", whose)
    wanted = reading.flag(given, "record", whose)
    found = instructions.recording(options, f"{whose}.recordingOptions") if options else None
    return (found or StartRecording("https://recordings.example.com")) if wanted else None


def _destination(given: Given, *kinds: str) -> str | None:
    destination = given.get("destination")
    if destination is None:
        return None
    if not isinstance(destination, dict) or str(destination.get("type", kinds[0])).lower() not in kinds:
        raise IllegalReply(f"the destination is not of type {' or '.join(kinds)}")
    reading.known(destination, ["type", "endpoint"], "destination")
    return reading.required_text(destination, "endpoint", "destination")


READERS: dict[str, Callable[[Given], Action]] = {
    "hangup": _hangup,
    "continue": _continue,
    "connectPstn": _connect_pstn,
    "connectMxp": _connect_mxp,
    "connectSip": _connect_sip,
    "connectStream": _connect_stream,
    "connectConf": _connect_conf,
    "runMenu": menus.read,
    "park": _park,
}
