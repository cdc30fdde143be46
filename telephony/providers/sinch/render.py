"""Our decision in Sinch's words: which reply is legal depends on what was asked.

A decision that the question does not allow, or that SVAML cannot express, ends the call: never a call nobody
limited. News wants an empty answer whatever was decided.
"""

from __future__ import annotations

from telephony.decisions import Acknowledge, Connect, ConnectUser, Continue, Decision, Refuse
from telephony.events import Event, EventKind
from telephony.providers.base import Reply
from telephony.providers.sinch.reading import clean
from telephony.providers.sinch.svaml import (
    LONGEST_CALL_SECONDS,
    LONGEST_SPEECH,
    PRIVATE,
    ConnectMxp,
    ConnectPstn,
    Hangup,
    Say,
    User,
    ace,
    ice,
    pie,
)
from telephony.providers.sinch.svaml import Continue as ContinueCall

CONTENT_TYPE = "application/json"

# What would end a prompt early, and what is no sound at all.
_UNSPEAKABLE = {ord("]"): " ", ord("["): " ", ord(";"): ",", 0: " "}


def render(decision: Decision, event: Event) -> Reply:
    """The reply to an event. Every decision has one for every event."""
    try:
        body = _body(decision, event.kind)
    except ValueError:
        # What SVAML cannot express (a limit below a second, a cli that is no number) must not be guessed at.
        body = _body(Acknowledge(), event.kind)
    return Reply(status=200, content_type=CONTENT_TYPE, body=body)


def _body(decision: Decision, kind: EventKind) -> bytes:
    match kind:
        case EventKind.INCOMING:
            return ice(*_spoken(decision), action=_incoming_action(decision))
        case EventKind.ANSWERED:
            return ace(*_spoken(decision), action=_answered_action(decision))
        case EventKind.PROMPT:
            return pie(*_spoken(decision), action=_prompt_action(decision))
        case EventKind.ENDED | EventKind.NOTIFIED:
            return b""
        case EventKind.UNKNOWN:
            return b"{}"


def _incoming_action(decision: Decision) -> Hangup | ConnectPstn | ConnectMxp:
    match decision:
        case Connect():
            return _connect_pstn(decision)
        case ConnectUser(user):
            return ConnectMxp(User(user))
        case _:
            return Hangup()


def _answered_action(decision: Decision) -> Hangup | ContinueCall:
    return ContinueCall() if isinstance(decision, Continue) else Hangup()


def _prompt_action(decision: Decision) -> Hangup | ContinueCall | ConnectPstn:
    match decision:
        case Connect():
            return _connect_pstn(decision)
        case Continue():
            return ContinueCall()
        case _:
            return Hangup()


def _connect_pstn(decision: Connect) -> ConnectPstn:
    return ConnectPstn(
        decision.number,
        cli=decision.caller_id or PRIVATE,
        # A shorter call than was reserved for is safe; a longer one Sinch does not offer.
        max_duration=min(decision.limit_seconds, LONGEST_CALL_SECONDS),
        dial_timeout=decision.dial_timeout_seconds,
    )


def _spoken(decision: Decision) -> tuple[Say, ...]:
    """A refusal's sentence, made speakable. A call that is going to be connected hears nothing."""
    if not isinstance(decision, Refuse):
        return ()
    text = clean(decision.say).translate(_UNSPEAKABLE).strip()[:LONGEST_SPEECH]
    return (Say(text, decision.locale),) if text else ()
