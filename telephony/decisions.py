"""What we answer, in our own words. Adapters turn a decision into a reply; the inbox keeps it for replays.

A decision is a value that survives JSON unchanged, so a replay renders to the same bytes:

>>> read_decision(write_decision(Connect(number="+442079460000", limit_seconds=720, caller_id=None)))
Connect(number='+442079460000', limit_seconds=720, caller_id=None, dial_timeout_seconds=None)
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


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
    NO_FREE_SLOT = "no_free_slot"
    NOT_ENOUGH_CREDIT = "not_enough_credit"
    CALL_IS_OVER = "call_is_over"
    UNKNOWN_CALL = "unknown_call"
    ODD_EVENT = "odd_event"
    OWN_TROUBLE = "own_trouble"


@dataclass(frozen=True)
class Connect:
    """Connect to a phone number for at most `limit_seconds`. `caller_id` None means: show none."""

    number: str
    limit_seconds: int
    caller_id: str | None
    dial_timeout_seconds: int | None = None


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
class Acknowledge:
    """Nothing to decide: we have taken note."""


Decision = Connect | ConnectUser | Continue | Refuse | Acknowledge

_NAMES: dict[str, type[Decision]] = {
    "connect": Connect,
    "connect_user": ConnectUser,
    "continue": Continue,
    "refuse": Refuse,
    "acknowledge": Acknowledge,
}
_WORDS = {cls: word for word, cls in _NAMES.items()}


def write_decision(decision: Decision) -> dict[str, Any]:
    """The decision as plain JSON values, with its name under `decision`."""
    return {"decision": _WORDS[type(decision)], **vars(decision)}


def read_decision(stored: dict[str, Any]) -> Decision:
    """The decision that `write_decision` wrote. Raises KeyError for a name nobody wrote."""
    values = dict(stored)
    cls = _NAMES[values.pop("decision")]
    if cls is Refuse:
        values["reason"] = Reason(values["reason"])
    return cls(**values)
