"""A menu as the fields of a page: names and texts, as a browser sends them. Nothing is lost when a page is redrawn.

Questions are `q1-…`, `q2-…`, their keys `q1-k1-…`. Numbers may be missing after something was removed.

>>> from telephony.menus import say
>>> menu = Menu("welcome", (Question("welcome", say("Hello."), Keys({"1": Action.hang_up()})),))
>>> fields = write_fields(menu)
>>> fields["q1-says"], fields["q1-k1-does"]
('Hello.', 'hang_up')
>>> sorted(set(add_key(fields, "q1")) - set(fields))
['q1-k2-does', 'q1-k2-key', 'q1-k2-says', 'q1-k2-target', 'q1-k2-then']
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from accounts.numbers import display
from telephony.menus import (
    KEYS,
    LOCALE,
    Action,
    Destination,
    Digits,
    Does,
    Keys,
    Menu,
    Pin,
    Prompt,
    Question,
    Sound,
    Spoken,
    say,
)

USUAL_DIGITS = 8

# The fields that a menu has once. Every other belongs to a question.
OF_MENU = frozenset({"name", "locale", "start", "version"})

_CARD = re.compile(r"q([0-9]{1,6})-")
_ROW = re.compile(r"(q[0-9]{1,6})-k([0-9]{1,6})-")
_SOUND = re.compile(r"https?://", re.IGNORECASE)


def template() -> dict[str, str]:
    """A menu to begin with: one question, two keys."""
    welcome = Question(
        "welcome",
        say("Welcome. To hear your balance, press 1. To call somebody, press 2."),
        Keys({"1": Action.speak_balance(), "2": Action.ask_destination()}),
    )
    return {"name": "", "version": "", **write_fields(Menu(start="welcome", questions=(welcome,), locale=LOCALE))}


def known(sent: Mapping[str, str]) -> dict[str, str]:
    """The fields of a menu among everything that was sent."""
    return {name: text for name, text in sent.items() if name in OF_MENU or _CARD.match(name)}


def cards(fields: Mapping[str, str]) -> list[str]:
    """The prefixes of the questions, in their order."""
    return [f"q{number}" for number in sorted({int(found[1]) for found in map(_CARD.match, fields) if found})]


def rows(fields: Mapping[str, str], card: str) -> list[str]:
    """The prefixes of a question's keys, in their order."""
    numbers = {int(found[2]) for found in map(_ROW.match, fields) if found and found[1] == card}
    return [f"{card}-k{number}" for number in sorted(numbers)]


def next_card(fields: Mapping[str, str]) -> str:
    """The prefix of the question that would be added next."""
    return f"q{max((int(card[1:]) for card in cards(fields)), default=0) + 1}"


def next_row(fields: Mapping[str, str], card: str) -> str:
    """The prefix of the key that would be added next to a question."""
    numbers = [int(row.rpartition("k")[2]) for row in rows(fields, card)]
    return f"{card}-k{max(numbers, default=0) + 1}"


def add_question(fields: Mapping[str, str]) -> dict[str, str]:
    """The fields with one more question, which has a name of its own and a key to be written."""
    taken = {text for name, text in fields.items() if name.endswith("-name")}
    name = next(name for name in (f"question-{number}" for number in range(1, len(taken) + 2)) if name not in taken)
    prefix = next_card(fields)
    question = _question_fields(prefix, Question(name, (), Keys({})), {})
    return {**fields, **question, **_key_fields(f"{prefix}-k1", "", Action.goto(""), {})}


def add_key(fields: Mapping[str, str], card: str) -> dict[str, str]:
    """The fields with one more key for a question."""
    return {**fields, **_key_fields(next_row(fields, card), "", Action.goto(""), {})}


def remove(fields: Mapping[str, str], prefix: str) -> dict[str, str]:
    """The fields without a question or a key."""
    return {name: text for name, text in fields.items() if not name.startswith(f"{prefix}-")}


def renamed(fields: Mapping[str, str]) -> dict[str, str]:
    """The fields with every key still leading to its question when that was given another name."""
    now = {f"{card}-name": fields.get(f"{card}-name", "").strip() for card in cards(fields)}
    names = set(now.values())
    new_names = {
        was: name
        for field, name in now.items()
        if name and (was := fields.get(field.replace("-name", "-was"), "")) and was not in names
    }
    return {name: _follow(fields, name, text, new_names) for name, text in fields.items()}


def _follow(fields: Mapping[str, str], name: str, text: str, new_names: Mapping[str, str]) -> str:
    prefix, _, field = name.rpartition("-")
    if field == "was":
        return fields.get(f"{prefix}-name", "").strip()
    leads = field in ("start", "then") or (field == "target" and fields.get(f"{prefix}-does") == Does.GOTO)
    return new_names.get(text, text) if leads else text


def write_fields(menu: Menu, names: Mapping[Does, Mapping[str, str]] | None = None) -> dict[str, str]:
    """The fields of a menu. `names` are those of accounts and menus, by what leads to them and their ids."""
    fields = {"locale": menu.locale, "start": menu.start}
    for number, question in enumerate(menu.questions, start=1):
        fields |= _question_fields(f"q{number}", question, names or {})
    return fields


def _question_fields(prefix: str, question: Question, names: Mapping[Does, Mapping[str, str]]) -> dict[str, str]:
    most, then = str(USUAL_DIGITS), ""
    keys: Mapping[str, Action] = {}
    match question.expects:
        case Keys(actions):
            expects, keys = "keys", actions
        case Pin(then):
            expects = "pin"
        case Destination():
            expects = "destination"
        case Digits(digits, then):
            expects, most = "digits", str(digits)
    fields = {
        "was": question.name,
        "name": question.name,
        "says": write_lines(question.prompt),
        "repeat_says": write_lines(question.repeat_prompt),
        "repeats": str(question.repeats),
        "wait_seconds": str(question.wait_seconds),
        "expects": expects,
        "most": most,
        "then": then,
    }
    written = {f"{prefix}-{name}": text for name, text in fields.items()}
    # The database does not keep the order of keys, so they come as on a telephone.
    for number, key in enumerate(sorted(keys, key=KEYS.find), start=1):
        written |= _key_fields(f"{prefix}-k{number}", key, keys[key], names)
    return written


def _key_fields(prefix: str, key: str, action: Action, names: Mapping[Does, Mapping[str, str]]) -> dict[str, str]:
    target = names.get(action.does, {}).get(action.target, action.target)
    fields = {
        "key": key,
        "does": action.does.value,
        "target": display(target) if action.does is Does.CONNECT else target,
        "then": action.then,
        "says": write_lines(action.prompt),
    }
    return {f"{prefix}-{name}": text for name, text in fields.items()}


def read_lines(text: str) -> Prompt:
    """What is said, line by line; a line with an address is a sound."""
    lines = filter(None, map(str.strip, text.splitlines()))
    return tuple(Sound(line) if _SOUND.match(line) else Spoken(line) for line in lines)


def write_lines(prompt: Prompt) -> str:
    """The lines that `read_lines` reads."""
    return "\n".join(part.url if isinstance(part, Sound) else part.text for part in prompt)
