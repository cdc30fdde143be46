"""SVAML: Sinch's call-control replies, written the way they are read.

A reply is any number of *instructions*, performed in the order written, and exactly one *action*. What Sinch allows
where is in the signatures of `ice`, `ace`, `ace_of_callout`, `pie` and `manage`, so a type checker refuses an illegal
reply; what types cannot say is a BuilderError. docs/providers/sinch-svaml.md shows each builder beside its JSON.

>>> reply = ice(Say("Welcome."), action=ConnectPstn("+442079460000", max_duration=720))
>>> reply.model["action"]
{'name': 'connectPstn', 'number': '+442079460000', 'maxDuration': 720, 'locale': 'en-US'}
"""

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
from telephony.providers.sinch.svaml.definitions import MenuDefinition, MenuDefinitions, menu_definitions
from telephony.providers.sinch.svaml.destinations import Email, PhoneNumber, SipAddress, User, Websocket
from telephony.providers.sinch.svaml.errors import BuilderError
from telephony.providers.sinch.svaml.fluent import (
    AceOfCalloutReply,
    AceReply,
    IceReply,
    ManageReply,
    PieReply,
    ace_of_callout_reply,
    ace_reply,
    ice_reply,
    manage_reply,
    pie_reply,
)
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
    INCOMING,
    LONGEST_CALL_SECONDS,
    LONGEST_SPEECH,
    PRIVATE,
    SpeechLimits,
)
from telephony.providers.sinch.svaml.menus import Goto, Menu, Option, Return
from telephony.providers.sinch.svaml.pasted import EventName, read_svaml
from telephony.providers.sinch.svaml.prompts import chain, file, href, ssml, tts
from telephony.providers.sinch.svaml.recording import RecordingOptions, TranscriptionOptions
from telephony.providers.sinch.svaml.replies import (
    AceAction,
    AceInstruction,
    AceOfCalloutAction,
    IceAction,
    IceInstruction,
    ManageAction,
    ManageInstruction,
    PieAction,
    PieInstruction,
    ace,
    ace_of_callout,
    dice,
    ice,
    manage,
    notify,
    pie,
)
from telephony.providers.sinch.svaml.svamlet import Caution, Svamlet
from telephony.providers.sinch.svaml.wire import KeyValue, key_values

__all__ = [
    "INCOMING",
    "LONGEST_CALL_SECONDS",
    "LONGEST_SPEECH",
    "PRIVATE",
    "AceAction",
    "AceInstruction",
    "AceOfCalloutAction",
    "AceOfCalloutReply",
    "AceReply",
    "Amd",
    "Answer",
    "BargeHangup",
    "BuilderError",
    "Caution",
    "ConferenceDtmfOptions",
    "ConnectConf",
    "ConnectMxp",
    "ConnectPstn",
    "ConnectSip",
    "ConnectSipPeer",
    "ConnectStream",
    "Continue",
    "Email",
    "EventName",
    "Goto",
    "Hangup",
    "HangupCause",
    "IceAction",
    "IceInstruction",
    "IceReply",
    "KeyValue",
    "ManageAction",
    "ManageInstruction",
    "ManageReply",
    "Menu",
    "MenuDefinition",
    "MenuDefinitions",
    "Option",
    "Park",
    "PhoneNumber",
    "PieAction",
    "PieInstruction",
    "PieReply",
    "PlayFiles",
    "RecordingOptions",
    "ReportCallStatus",
    "Return",
    "RunMenu",
    "Say",
    "SendDtmf",
    "SetCookie",
    "SipAddress",
    "SpeechLimits",
    "StartRecording",
    "StopRecording",
    "StreamingOptions",
    "Svamlet",
    "TranscriptionOptions",
    "User",
    "Websocket",
    "ace",
    "ace_of_callout",
    "ace_of_callout_reply",
    "ace_reply",
    "chain",
    "dice",
    "file",
    "href",
    "ice",
    "ice_reply",
    "key_values",
    "manage",
    "manage_reply",
    "menu_definitions",
    "notify",
    "pie",
    "pie_reply",
    "read_svaml",
    "ssml",
    "tts",
]
