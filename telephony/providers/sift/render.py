"""Our decision as a routine, or as nothing where Sift is to go on as it was.

Whoever is not told anything when a connection comes in stays on the line in silence, so there a routine is always the
answer. A decision that the question does not allow, or that Sift has no words for, ends the call: never a call that
nobody can end. News gets an empty answer whatever was decided.

What Sift cannot say: `Connect.limit_seconds` is kept by us (`telephony.watching` ends the call through the API), and
`Connect.caller_id` by nobody, so no number of ours is shown and policy is told so (`Capabilities.shows_caller_id`).
"""

from __future__ import annotations

from telephony.decisions import Ask, Connect, ConnectUser, Continue, Decision, JoinConference, Refuse
from telephony.decisions import HangUp as Goodbye
from telephony.events import Event, EventKind
from telephony.menus import Prompt, say
from telephony.providers.base import CannotExpress, Reply
from telephony.providers.sift.callback_urls import event_url
from telephony.providers.sift.ids import is_id
from telephony.providers.sift.menus import ask
from telephony.providers.sift.routine import CallClient, CallPhone, Command, HangUp, Routine
from telephony.providers.sift.routine import JoinConference as Join
from telephony.providers.sift.speech import audible

NOTHING = Reply(status=200, content_type="text/plain", body=b"")

_ASKED = frozenset({EventKind.INCOMING, EventKind.ANSWERED, EventKind.PROMPT})


def render(decision: Decision, event: Event) -> Reply:
    """The reply to an event. Every decision has one for every event."""
    if event.kind not in _ASKED or (isinstance(decision, Continue) and event.kind is not EventKind.INCOMING):
        return NOTHING
    try:
        routine = _routine(decision, event)
    except CannotExpress:
        # What Sift has no words for (a number that is none, a question without an address) must not be guessed at.
        routine = Routine([HangUp()])
    return Reply(status=200, content_type="application/json", body=routine.encoded)


def goodbye(decision: Goodbye | Refuse) -> Routine:
    """The last sentence, and the end of the call."""
    return Routine([*audible(decision.say if isinstance(decision, Goodbye) else say(decision.say)), HangUp()])


def _routine(decision: Decision, event: Event) -> Routine:
    match decision, event.kind:
        case Refuse() | Goodbye(), _:
            return goodbye(decision)
        case Ask(), _:
            return ask(decision, event)
        case Connect(), EventKind.INCOMING | EventKind.PROMPT:
            return _connecting(_call_phone(decision, event), decision.say)
        case ConnectUser(user), EventKind.INCOMING:
            return _connecting(CallClient(user, event_callback=_event_callback(event)))
        case JoinConference(conference_id), EventKind.ANSWERED:
            # Decided for our own callouts only: no other call may be led there.
            return _connecting(Join(conference_id, on_event=_event_callback(event)), decision.say)
        case _:
            return Routine([HangUp()])


def _connecting(connect: Command, before: Prompt = ()) -> Routine:
    """Who is connected is hung up on afterwards: a routine that has run out would keep the line."""
    return Routine([*audible(before), connect, HangUp()])


def _call_phone(decision: Connect, event: Event) -> CallPhone:
    if decision.limit_seconds < 1:
        raise CannotExpress("Sift: a call lasts a second at least.")
    return CallPhone(decision.number, event_callback=_event_callback(event))


def _event_callback(event: Event) -> str | None:
    """Where we hear that the conversation is over; nowhere when nobody said at which address of ours we were asked."""
    return event_url(event.answer_to, event.call_id) if event.answer_to and is_id(event.call_id) else None
