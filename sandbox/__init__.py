"""A voice platform on your desk: virtual phones, signed callbacks, and obedience to the replies.

    platform = Sandbox(target="http://127.0.0.1:8000/callbacks/sinch/", key=..., secret=...)
    platform.phones["+12025550123"] = Phone.answers(after_seconds=3, talks_seconds=90)
    call = platform.app_to_phone(user="alice", to="+12025550123")
    platform.run()
    print(call.result, call.duration_seconds, call.debit)

Who dials an access number presses keys in its menus, one item for each prompt that wants input:

    platform.phone_to_access_number(cli="+12025550199", to="+442079460000", keys=["1", Silence(), "020794601#"])

Another account on the same desk is one at Sift, `platform.sift`; `sandbox.sift` says how it is used.

It imports nothing of the applications it tests, so that it can disagree with them.
"""

from sandbox.calls import Call, Exchange, MenuResult
from sandbox.faults import (
    REMOVED,
    Alter,
    AnsweredElsewhere,
    Chaos,
    CutLate,
    Delay,
    Fault,
    GiveUp,
    Lose,
    Repeat,
    Swap,
)
from sandbox.keys import HangUp, Press, Silence
from sandbox.misbehaviour import Misbehaviour, Mishap
from sandbox.oracle import Deed, Kind, Oracle
from sandbox.phones import Phone, TextFate
from sandbox.platform import DESK_KEY, DESK_PLAN, DESK_SECRET, DESK_TOKEN, Sandbox
from sandbox.sift import DESK_SIFT_ACCOUNT, DESK_SIFT_TOKEN, Sift
from sandbox.sift_answers import Says
from sandbox.sift_browsers import Browser
from sandbox.sift_calls import SiftCall
from sandbox.sift_tokens import BadCapability
from sandbox.svaml import Heard

__all__ = [
    "DESK_KEY",
    "DESK_PLAN",
    "DESK_SECRET",
    "DESK_SIFT_ACCOUNT",
    "DESK_SIFT_TOKEN",
    "DESK_TOKEN",
    "REMOVED",
    "Alter",
    "AnsweredElsewhere",
    "BadCapability",
    "Browser",
    "Call",
    "Chaos",
    "CutLate",
    "Deed",
    "Delay",
    "Exchange",
    "Fault",
    "GiveUp",
    "HangUp",
    "Heard",
    "Kind",
    "Lose",
    "MenuResult",
    "Misbehaviour",
    "Mishap",
    "Oracle",
    "Phone",
    "Press",
    "Repeat",
    "Sandbox",
    "Says",
    "Sift",
    "SiftCall",
    "Silence",
    "Swap",
    "TextFate",
]
