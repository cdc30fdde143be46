"""The replies, and what is legal in which.

The unions say it to a type checker; the same unions are asked when a reply is built. Sources are the tables of the
documentation and, for the ACE of a callout, the README, which disagree (contradictions 4 and 22).
"""

from __future__ import annotations

from typing import get_args

from telephony.providers.sinch.svaml.actions import BargeHangup, Continue, Hangup, Park, RunMenu
from telephony.providers.sinch.svaml.connecting import (
    ConnectConf,
    ConnectMxp,
    ConnectPstn,
    ConnectSip,
    ConnectSipPeer,
    ConnectStream,
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
from telephony.providers.sinch.svaml.limits import SPEECH, SpeechLimits
from telephony.providers.sinch.svaml.svamlet import EMPTY, Context, Svamlet, compose

AceInstruction = Say | PlayFiles | SetCookie | StartRecording | StopRecording
PieInstruction = AceInstruction | SendDtmf
IceInstruction = PieInstruction | Answer
# A parked call is taken out with what the reply to its ICE would have been.
ManageInstruction = IceInstruction

# Continue is for calls from an app only: it connects whom the app asked for, without a limit. Documentation forbids it.
IceAction = (
    Hangup
    | Continue
    | ConnectPstn
    | ConnectMxp
    | ConnectConf
    | ConnectSip
    | ConnectSipPeer
    | ConnectStream
    | RunMenu
    | Park
)
AceAction = Hangup | Continue | RunMenu
# Park is in the README only.
AceOfCalloutAction = Hangup | Continue | ConnectConf | RunMenu | Park
PieAction = Hangup | Continue | ConnectPstn | ConnectConf | ConnectSip | ConnectSipPeer | RunMenu
# ConnectPstn, ConnectMxp and ConnectSip only take a parked call out.
ManageAction = (
    Hangup
    | BargeHangup
    | Continue
    | ConnectPstn
    | ConnectMxp
    | ConnectConf
    | ConnectSip
    | ConnectSipPeer
    | RunMenu
    | Park
)


def _context(name: str, instructions: object, actions: object) -> Context:
    return Context(name, frozenset(get_args(instructions)), frozenset(get_args(actions)))


_ICE = _context("an ICE", IceInstruction, IceAction)
_ACE = _context("an ACE", AceInstruction, AceAction)
_ACE_OF_CALLOUT = _context("the ACE of a callout", AceInstruction, AceOfCalloutAction)
_PIE = _context("a PIE", PieInstruction, PieAction)
_MANAGE = _context("a PATCH", ManageInstruction, ManageAction)
_DICE = Context("a DiCE", frozenset({ReportCallStatus}), frozenset({Hangup}))

CONTEXTS = {
    "ice": _ICE,
    "ace": _ACE,
    "ace_of_callout": _ACE_OF_CALLOUT,
    "pie": _PIE,
    "manage": _MANAGE,
    "dice": _DICE,
}


def ice(*instructions: IceInstruction, action: IceAction, speech: SpeechLimits = SPEECH) -> Svamlet:
    """The reply to an Incoming Call Event. Raises BuilderError, like all of these."""
    return compose(_ICE, instructions, action, speech)


def ace(*instructions: AceInstruction, action: AceAction, speech: SpeechLimits = SPEECH) -> Svamlet:
    """The reply to an Answered Call Event of a phone that a caller was connected to."""
    return compose(_ACE, instructions, action, speech)


def ace_of_callout(*instructions: AceInstruction, action: AceOfCalloutAction, speech: SpeechLimits = SPEECH) -> Svamlet:
    """The reply to an Answered Call Event of a call that a server started."""
    return compose(_ACE_OF_CALLOUT, instructions, action, speech)


def pie(*instructions: PieInstruction, action: PieAction, speech: SpeechLimits = SPEECH) -> Svamlet:
    """The reply to a Prompt Input Event."""
    return compose(_PIE, instructions, action, speech)


def manage(*instructions: ManageInstruction, action: ManageAction, speech: SpeechLimits = SPEECH) -> Svamlet:
    """What a running call is sent by PATCH."""
    return compose(_MANAGE, instructions, action, speech)


def dice(report: ReportCallStatus | None = None) -> Svamlet:
    """The reply to a Disconnected Call Event: nothing, or a report with the one action old documentation has here."""
    return EMPTY if report is None else compose(_DICE, (report,), Hangup(), SPEECH)


def notify() -> Svamlet:
    """The reply to a notification, which controls nothing."""
    return EMPTY
