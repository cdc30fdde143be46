"""Reading the replies of an application: SVAML version 1, as tolerant in letter case as the platform is.

Names and properties are read in any case; a destination of connectPstn as `number` or as
`destination{type, endpoint}`. Everything else is strict, a property nobody knows included, so that a mistake
shows on the desk.

Where the documentation gives no limit or two, the reading is this: a cookie's key has 50 characters, a call's
cookies 1024 bytes; one text 600 characters, all texts of one instruction or one menu prompt 1000; a prompt 64
items; neither `]` nor `;` stands in a spoken text; a menu waits from 1 to 30 seconds and wants keys or digits,
or it is no menu.
"""

from sandbox.svaml.actions import (
    Action,
    ConnectConf,
    ConnectMxp,
    ConnectPstn,
    ConnectSip,
    ConnectStream,
    Continue,
    Hangup,
    Park,
)
from sandbox.svaml.instructions import (
    Answer,
    Instruction,
    PlayFiles,
    Say,
    SendDtmf,
    SetCookie,
    StartRecording,
    StopRecording,
)
from sandbox.svaml.menus import Menu, Option, RunMenu
from sandbox.svaml.prompts import Heard, Leg, Prompt
from sandbox.svaml.reading import COOKIE_BYTES, LONGEST_CALL_SECONDS, IllegalReply
from sandbox.svaml.reply import Context, Reply, cookie_bytes, read_reply

__all__ = [
    "COOKIE_BYTES",
    "LONGEST_CALL_SECONDS",
    "Action",
    "Answer",
    "ConnectConf",
    "ConnectMxp",
    "ConnectPstn",
    "ConnectSip",
    "ConnectStream",
    "Context",
    "Continue",
    "Hangup",
    "Heard",
    "IllegalReply",
    "Instruction",
    "Leg",
    "Menu",
    "Option",
    "Park",
    "PlayFiles",
    "Prompt",
    "Reply",
    "RunMenu",
    "Say",
    "SendDtmf",
    "SetCookie",
    "StartRecording",
    "StopRecording",
    "cookie_bytes",
    "read_reply",
]
