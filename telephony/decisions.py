"""What we answer, in our own words. Adapters turn a decision into a reply; the inbox keeps it for replays.

A decision is a value that survives JSON unchanged, so a replay renders to the same bytes:

>>> read_decision(write_decision(Connect(number="+442079460000", limit_seconds=720, caller_id=None)))
Connect(number='+442079460000', limit_seconds=720, caller_id=None, dial_timeout_seconds=None, say=(), locale='en-US')
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from telephony.menus import LOCALE, Prompt, Question, read_prompt, read_question, write_prompt, write_question


class Reason(StrEnum):
    """Why a call was refused. The sentences for people are in `prompts`."""

    UNKNOWN_CALLER = "unknown_caller"
    NOT_IDENTIFIED = "not_identified"
    ACCOUNT_NOT_ACTIVE = "account_not_active"
    DESTINATION_UNREADABLE = "destination_unreadable"
    DESTINATION_UNSUPPORTED = "destination_unsupported"
    DESTINATION_NOT_ALLOWED = "destination_not_allowed"
    NO_RATE = "no_rate"
    TOO_DEAR = "too_dear"
    TOO_EXPOSED = "too_exposed"
    PIN_REFUSED = "pin_refused"
    NO_FREE_SLOT = "no_free_slot"
    NOT_ENOUGH_CREDIT = "not_enough_credit"
    CALL_IS_OVER = "call_is_over"
    UNKNOWN_CALL = "unknown_call"
    ODD_EVENT = "odd_event"
    OWN_TROUBLE = "own_trouble"
    CALLER_ID_NOT_OWNED = "caller_id_not_owned"
    NO_APPLICATION = "no_application"
    CALLBACK_NUMBER_NOT_VERIFIED = "callback_number_not_verified"
    CALLS_ITSELF = "calls_itself"
    TOO_OFTEN = "too_often"
    NO_CALLER_NUMBER = "no_caller_number"
    NO_ACCESS_NUMBER = "no_access_number"
    ACCESS_NUMBER_BUSY = "access_number_busy"


@dataclass(frozen=True)
class Connect:
    """Connect to a phone number for at most `limit_seconds`. `caller_id` None means: show none.

    `say` is heard by the caller before it rings.
    """

    number: str
    limit_seconds: int
    caller_id: str | None
    dial_timeout_seconds: int | None = None
    say: Prompt = ()
    locale: str = LOCALE


@dataclass(frozen=True)
class ConnectUser:
    """Connect to an app's user. No provider so far can limit how long such a call lasts."""

    user: str


@dataclass(frozen=True)
class Continue:
    """Let the call go on as it was authorised."""


@dataclass(frozen=True)
class Refuse:
    """Say why in one sentence and hang up. `detail` is for staff and the customer's page, with figures."""

    reason: Reason
    say: str
    locale: str
    detail: str = ""


@dataclass(frozen=True)
class Ask:
    """Ask the caller something: `questions[0]` first, after `say`. Keys may lead to the other questions by themselves.

    The questions travel with the decision, so that a replay asks the same whatever became of the menu.
    """

    questions: tuple[Question, ...]
    say: Prompt = ()
    locale: str = LOCALE


@dataclass(frozen=True)
class HangUp:
    """End the call, after a last sentence. Nobody was refused anything."""

    say: Prompt = ()
    locale: str = LOCALE


@dataclass(frozen=True)
class Park:
    """Keep the caller waiting, at most `limit_seconds`; `say` is heard again and again."""

    say: Prompt
    limit_seconds: int
    locale: str = LOCALE


@dataclass(frozen=True)
class JoinConference:
    """Let who answered our callout into the conference, after a sentence. Who is alone there hears it ringing."""

    conference_id: str
    say: Prompt = ()
    locale: str = LOCALE


@dataclass(frozen=True)
class AllowVerification:
    """Let the provider bring the proof."""


@dataclass(frozen=True)
class DenyVerification:
    """Do not let it. `why` is for staff."""

    why: str


@dataclass(frozen=True)
class Acknowledge:
    """Nothing to decide: we have taken note."""


Decision = (
    Connect
    | ConnectUser
    | Continue
    | Refuse
    | Ask
    | HangUp
    | Park
    | JoinConference
    | AllowVerification
    | DenyVerification
    | Acknowledge
)

_NAMES: dict[str, type[Decision]] = {
    "connect": Connect,
    "connect_user": ConnectUser,
    "continue": Continue,
    "refuse": Refuse,
    "ask": Ask,
    "hang_up": HangUp,
    "park": Park,
    "join_conference": JoinConference,
    "allow_verification": AllowVerification,
    "deny_verification": DenyVerification,
    "acknowledge": Acknowledge,
}
_WORDS = {cls: word for word, cls in _NAMES.items()}


def write_decision(decision: Decision) -> dict[str, Any]:
    """The decision as plain JSON values, with its name under `decision`."""
    values = {"decision": _WORDS[type(decision)], **vars(decision)}
    if isinstance(decision, Connect | Ask | HangUp | Park | JoinConference):
        values["say"] = write_prompt(decision.say)
    if isinstance(decision, Ask):
        values["questions"] = [write_question(question) for question in decision.questions]
    return values


def read_decision(stored: dict[str, Any]) -> Decision:
    """The decision that `write_decision` wrote. Raises KeyError for a name nobody wrote."""
    values = dict(stored)
    cls = _NAMES[values.pop("decision")]
    if cls is Refuse:
        values["reason"] = Reason(values["reason"])
    elif "say" in values:
        values["say"] = read_prompt(values["say"])
    if cls is Ask:
        values["questions"] = tuple(read_question(question) for question in values["questions"])
    return cls(**values)
