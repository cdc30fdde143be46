"""What a caller's input to a question means. Pure: the same for a real call and for a menu tried in the admin.

>>> question = Question("welcome", (), Keys({"1": Action.goto("sales")}))
>>> understand(question, PromptKind.RETURN, "1")
Chosen(action=Action(does=<Does.GOTO: 'goto'>, target='sales', then='', prompt=()))
>>> understand(question, PromptKind.RETURN, "7")
NotUnderstood()
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from telephony.events import PromptKind
from telephony.menus import Action, Destination, Digits, Keys, Pin, Question

# Wrong inputs one after the other, after which the call ends politely. Silence ends it at once, because the
# provider has repeated the prompt by then.
MOST_WRONG = 3

# However patient a caller is, a call does not stay in menus for ever.
MOST_ANSWERS = 60

# The longest number there is, with an international prefix before it.
LONGEST_DESTINATION = 20
# Twelve digits; on a telephone that is not one's own the ten of the card number come before them.
LONGEST_PIN = 22

# Names no operator can give a question: those that we ask ourselves.
PIN_QUESTION = "_pin"
DESTINATION_QUESTION = "_destination"

_DIGITS = re.compile(r"[0-9]+")


@dataclass(frozen=True)
class Chosen:
    """A key was pressed that does something."""

    action: Action


@dataclass(frozen=True)
class Entered:
    """Digits were entered where digits were expected; no `#` among them."""

    digits: str


@dataclass(frozen=True)
class NotUnderstood:
    """Something was pressed that the question does not know."""


@dataclass(frozen=True)
class Silent:
    """Nothing was pressed, although the prompt was repeated."""


@dataclass(frozen=True)
class Gone:
    """The caller has hung up."""


@dataclass(frozen=True)
class Broken:
    """The provider could not play the question, or says something we do not know."""


Input = Chosen | Entered | NotUnderstood | Silent | Gone | Broken


def understand(question: Question, kind: PromptKind, value: str) -> Input:
    """What the provider says came back from a question. `value` is the key or the digits."""
    match kind:
        case PromptKind.RETURN | PromptKind.SEQUENCE:
            return _input(question, value.strip())
        case PromptKind.INVALID_INPUT:
            return NotUnderstood()
        case PromptKind.TIMEOUT:
            return Silent()
        case PromptKind.HANGUP:
            return Gone()
        case _:
            return Broken()


def longest_input(question: Question) -> int:
    """How many digits the question takes at most; 1 for a key."""
    match question.expects:
        case Keys():
            return 1
        case Pin():
            return LONGEST_PIN
        case Destination():
            return LONGEST_DESTINATION
        case Digits(most):
            return most


def _input(question: Question, value: str) -> Input:
    if isinstance(question.expects, Keys):
        action = question.expects.actions.get(value)
        return NotUnderstood() if action is None else Chosen(action)
    digits = value.removesuffix("#")
    if not _DIGITS.fullmatch(digits) or len(digits) > longest_input(question):
        return NotUnderstood()
    return Entered(digits)
