"""Every instruction and action that may be pasted, by its name in lower case, with what each may have."""

from __future__ import annotations

import re
from typing import Any

from telephony.providers.sinch.svaml.actions import BargeHangup, Continue, Hangup, HangupCause, Park, RunMenu
from telephony.providers.sinch.svaml.connecting import (
    Amd,
    ConferenceDtmfOptions,
    ConnectConf,
    ConnectMxp,
    ConnectPstn,
    ConnectSip,
    ConnectSipPeer,
    ConnectStream,
    StreamingOptions,
)
from telephony.providers.sinch.svaml.destinations import Email, PhoneNumber, SipAddress, User, Websocket
from telephony.providers.sinch.svaml.errors import BuilderError
from telephony.providers.sinch.svaml.instructions import (
    Answer,
    PlayFiles,
    ReportCallStatus,
    Say,
    SendDtmf,
    SetCookie,
    StartRecording,
    StopRecording,
)
from telephony.providers.sinch.svaml.limits import (
    CONFERENCE_DTMF_MODES,
    CONFERENCE_TYPES,
    INDICATIONS,
    MUSIC_ON_HOLD,
    TRANSPORTS,
)
from telephony.providers.sinch.svaml.menus import Goto, Menu, Option, Return
from telephony.providers.sinch.svaml.reading_parts import (
    Reader,
    Shape,
    cli,
    flag,
    ids,
    key,
    key_values,
    part,
    prompts,
    several,
    shape,
    text,
    whole,
    word,
)
from telephony.providers.sinch.svaml.recording import RecordingOptions, TranscriptionOptions
from telephony.providers.sinch.svaml.wire import KeyValue

_MENU_ACTION = re.compile(r"(menu|return)\((.*)\)", re.IGNORECASE | re.DOTALL)


def _destination(**kinds: Any) -> Reader:
    """A destination of one of these types; the first is meant where none is given."""

    def make(endpoint: str, type: str = next(iter(kinds))) -> Any:
        return kinds[type](endpoint)

    return part(shape(make, endpoint=text, type=word(kinds)))


def _menu_action(path: str, value: Any) -> tuple[str, str]:
    found = _MENU_ACTION.fullmatch(text(path, value))
    if not found:
        raise BuilderError(path, "menu(id) or return(value)", value)
    return found[1].lower(), found[2]


def _option(
    action: tuple[str, str], dtmf: str | None = None, input: str | None = None, add: tuple[KeyValue, ...] = ()
) -> Option:
    kind, inside = action
    if kind == "return" and add:
        raise BuilderError("option.add", "cookies only with menu(id)", inside)
    return Option(dtmf, Goto(inside, add) if kind == "menu" else Return(inside), input=input)


def _hangup_cause(path: str, value: Any) -> HangupCause:
    given = value.lower() if isinstance(value, str) else whole(path, value)
    for cause in HangupCause:
        if given in (cause, cause.name.lower()):
            return cause
    raise BuilderError(path, "1, 2, busy or congestion", value)


def _hangup(hangup_cause: HangupCause | None = None, barge: bool = False) -> Hangup | BargeHangup:
    return BargeHangup(hangup_cause) if barge else Hangup(hangup_cause)


def _connect_pstn(number: str | None = None, destination: PhoneNumber | None = None, **others: Any) -> ConnectPstn:
    """The number in either of its places."""
    if number is not None and destination is not None:
        raise BuilderError("connectPstn.destination", "nothing beside number", destination.endpoint)
    return ConnectPstn(number if destination is None else destination.endpoint, **others)


def _sip_endpoint(endpoint: str, type: str = "sip") -> str:
    return endpoint


def _connect_sip(
    destination: str | None = None, account: str | None = None, **others: Any
) -> ConnectSip | ConnectSipPeer:
    """To an address, or with an account to its peer; then the destination is an extension."""
    if account is not None:
        return ConnectSipPeer(account=account, extension=destination, **others)
    if destination is None:
        raise BuilderError("connectSip.destination", "a value", None)
    try:
        address = SipAddress(destination)
    except BuilderError as refusal:
        raise refusal.at("connectSip.destination") from None
    return ConnectSip(destination=address, **others)


_TRANSCRIPTION = shape(TranscriptionOptions, enabled=flag, locale=text)
_RECORDING = shape(
    RecordingOptions,
    also={"destination": "destination_url"},
    destination_url=text,
    credentials=text,
    format=word({"mp3"}),
    notification_events=flag,
    transcription_options=part(_TRANSCRIPTION),
)
_OPTION = shape(_option, action=_menu_action, dtmf=key, input=text, add=key_values)
_MENU = shape(
    Menu,
    id=text,
    main_prompt=prompts,
    repeat_prompt=prompts,
    repeats=whole,
    max_digits=whole,
    timeout_mills=whole,
    max_timeout_mills=whole,
    options=several(part(_OPTION)),
)
_INDICATIONS = word(INDICATIONS)
_MOH = word(MUSIC_ON_HOLD)
_MODE = word(CONFERENCE_DTMF_MODES)

INSTRUCTIONS: dict[str, Shape] = {
    "say": shape(Say, text=text, locale=text),
    "playfiles": shape(PlayFiles, ids=ids, locale=text),
    "senddtmf": shape(SendDtmf, value=text),
    "setcookie": shape(SetCookie, key=text, value=text),
    "answer": shape(Answer),
    "startrecording": shape(StartRecording, options=part(_RECORDING)),
    "stoprecording": shape(StopRecording),
    "reportcallstatus": shape(ReportCallStatus, value=word({"success", "failure"}), details=text),
}

ACTIONS: dict[str, Shape] = {
    "hangup": shape(_hangup, hangup_cause=_hangup_cause, barge=flag),
    "continue": shape(Continue),
    "connectpstn": shape(
        _connect_pstn,
        number=text,
        destination=_destination(number=PhoneNumber),
        cli=cli,
        max_duration=whole,
        dial_timeout=whole,
        locale=text,
        suppress_callbacks=flag,
        dtmf=text,
        indications=_INDICATIONS,
        amd=part(shape(Amd, enabled=flag, async_=flag)),
        record=flag,
        recording_options=part(_RECORDING),
        tags=key_values,
        account=text,
    ),
    "connectmxp": shape(
        ConnectMxp,
        destination=_destination(username=User, number=PhoneNumber, email=Email),
        call_headers=key_values,
        cli=cli,
        indications=_INDICATIONS,
        record=flag,
        locale=text,
    ),
    "connectsip": shape(
        _connect_sip,
        destination=part(shape(_sip_endpoint, endpoint=text, type=word({"sip"}))),
        account=text,
        max_duration=whole,
        cli=cli,
        transport=word(TRANSPORTS),
        suppress_callbacks=flag,
        call_headers=key_values,
        moh=_MOH,
        indications=_INDICATIONS,
        record=flag,
        locale=text,
    ),
    "connectconf": shape(
        ConnectConf,
        conference_id=text,
        conference_dtmf_options=part(shape(ConferenceDtmfOptions, mode=_MODE, max_digits=whole, timeout_mills=whole)),
        moh=_MOH,
        cli=cli,
        record=flag,
        recording_options=part(_RECORDING),
        conference_type=word(CONFERENCE_TYPES),
        enter_leave_sound=flag,
        dtmf_mode=_MODE,
        suppress_callbacks=flag,
        locale=text,
    ),
    "connectstream": shape(
        ConnectStream,
        destination=_destination(Websocket=Websocket),
        streaming_options=part(shape(StreamingOptions, version=whole, sample_rate=whole)),
        max_duration=whole,
        call_headers=key_values,
    ),
    "runmenu": shape(RunMenu, barge=flag, locale=text, main_menu=text, enable_voice=flag, menus=several(part(_MENU))),
    "park": shape(
        Park,
        also={"dialTimeout": "max_duration"},
        hold_prompt=prompts,
        intro_prompt=prompts,
        max_duration=whole,
        locale=text,
    ),
}
