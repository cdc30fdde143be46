"""Our decision in Sinch's words: which reply is legal depends on what was asked.

A decision that the question does not allow, or that SVAML cannot express, ends the call: never a call nobody
limited. A verification that was not allowed is denied. News wants an empty answer whatever was decided.
"""

from __future__ import annotations

from telephony.decisions import (
    Acknowledge,
    AllowVerification,
    Ask,
    Connect,
    ConnectUser,
    Continue,
    Decision,
    HangUp,
    JoinConference,
    Park,
    Refuse,
)
from telephony.events import Event, EventKind
from telephony.menus import say
from telephony.providers.base import Reply
from telephony.providers.sinch.callouts import WHILE_ALONE
from telephony.providers.sinch.menus import run_menu
from telephony.providers.sinch.speech import instructions, one_prompt
from telephony.providers.sinch.svaml import (
    INCOMING,
    LONGEST_CALL_SECONDS,
    PRIVATE,
    Answer,
    ConnectConf,
    ConnectMxp,
    ConnectPstn,
    Hangup,
    PlayFiles,
    RunMenu,
    Say,
    User,
    ace,
    ace_of_callout,
    ice,
    manage,
    pie,
)
from telephony.providers.sinch.svaml import Continue as ContinueCall
from telephony.providers.sinch.svaml import Park as ParkCall

CONTENT_TYPE = "application/json"
ALLOWED = b'{"action":"allow"}'
DENIED = b'{"action":"deny"}'


def render(decision: Decision, event: Event) -> Reply:
    """The reply to an event. Every decision has one for every event."""
    try:
        body = _body(decision, event.kind)
    except ValueError:
        # What SVAML cannot express (a limit below a second, a cli that is no number) must not be guessed at.
        body = _body(Acknowledge(), event.kind)
    return Reply(status=200, content_type=CONTENT_TYPE, body=body)


def render_manage(decision: Decision) -> bytes:
    """What a running call is told by PATCH. Raises ValueError for a decision that is none for a running call."""
    match decision:
        case Connect():
            return manage(*_spoken(decision), action=_connect_pstn(decision)).encoded
        case Ask():
            return manage(*_spoken(decision), action=run_menu(decision)).encoded
        case HangUp() | Refuse():
            return manage(*_spoken(decision), action=Hangup()).encoded
        case Park(prompt, limit_seconds, locale):
            return manage(action=ParkCall(one_prompt(prompt), max_duration=limit_seconds, locale=locale)).encoded
        case _:
            raise ValueError(f"A running call cannot be told {type(decision).__name__}.")


def _body(decision: Decision, kind: EventKind) -> bytes:
    match kind:
        case EventKind.INCOMING:
            # A menu is heard only on an answered line.
            answer = (Answer(),) if isinstance(decision, Ask) else ()
            return ice(*answer, *_spoken(decision), action=_incoming_action(decision)).encoded
        case EventKind.ANSWERED if isinstance(decision, JoinConference):
            # Decided for our own callouts only: no other answered call may be led there.
            conference = ConnectConf(decision.conference_id, moh=WHILE_ALONE)
            return ace_of_callout(*_spoken(decision), action=conference).encoded
        case EventKind.ANSWERED:
            return ace(*_spoken(decision), action=_answered_action(decision)).encoded
        case EventKind.PROMPT:
            return pie(*_spoken(decision), action=_prompt_action(decision)).encoded
        case EventKind.VERIFICATION_ASKED:
            return ALLOWED if isinstance(decision, AllowVerification) else DENIED
        case EventKind.ENDED | EventKind.NOTIFIED:
            return b""
        case _:
            return b"{}"


def _incoming_action(decision: Decision) -> Hangup | ConnectPstn | ConnectMxp | RunMenu:
    match decision:
        case Connect():
            return _connect_pstn(decision)
        case ConnectUser(user):
            return ConnectMxp(User(user))
        case Ask():
            return run_menu(decision)
        case _:
            return Hangup()


def _answered_action(decision: Decision) -> Hangup | ContinueCall | RunMenu:
    """All of these are legal for a phone that a caller was connected to, and for a callout."""
    match decision:
        case Ask():
            return run_menu(decision)
        case Continue():
            return ContinueCall()
        case _:
            return Hangup()


def _prompt_action(decision: Decision) -> Hangup | ContinueCall | ConnectPstn | RunMenu:
    match decision:
        case Connect():
            return _connect_pstn(decision)
        case Ask():
            return run_menu(decision)
        case Continue():
            return ContinueCall()
        case _:
            return Hangup()


def _connect_pstn(decision: Connect) -> ConnectPstn:
    if decision.caller_id == INCOMING:
        # SVAML has this word for the caller's own number, which nobody has verified.
        raise ValueError("A caller ID is a number.")
    return ConnectPstn(
        decision.number,
        cli=decision.caller_id or PRIVATE,
        # A shorter call than was reserved for is safe; a longer one Sinch does not offer.
        max_duration=min(decision.limit_seconds, LONGEST_CALL_SECONDS),
        dial_timeout=decision.dial_timeout_seconds,
    )


def _spoken(decision: Decision) -> tuple[Say | PlayFiles, ...]:
    """What is heard before the action. A call that is connected at once hears nothing."""
    match decision:
        case Refuse(say=sentence, locale=locale):
            return instructions(say(sentence), locale)
        case Connect(say=prompt, locale=locale) | Ask(say=prompt, locale=locale) | HangUp(say=prompt, locale=locale):
            return instructions(prompt, locale)
        case JoinConference(say=prompt, locale=locale):
            return instructions(prompt, locale)
        case _:
            return ()
