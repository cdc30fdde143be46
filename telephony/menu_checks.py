"""Whether a menu can work: every reason why not, with the question and the key it belongs to.

>>> from telephony.menus import say
>>> menu = Menu(start="welcome", questions=(Question("welcome", say("Hello."), Keys({"1": Action.goto("sales")})),))
>>> for problem in problems_of(menu):
...     print(problem)
welcome, key 1: There is no question called “sales”: add it or choose another.
welcome: Callers only go round in circles from here: let some key connect them, speak the balance or hang up.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from accounts.numbers import NumberUnreadable, parse_number
from telephony.menus import (
    FIRST,
    KEYS,
    Action,
    Destination,
    Digits,
    Does,
    Expected,
    Keys,
    Menu,
    Pin,
    Prompt,
    Question,
    Spoken,
    actions_of,
    leads_to,
)

MOST_QUESTIONS = 50
MOST_PARTS = 16
LONGEST_TEXT = 500
# A platform speaks 1,000 characters in one reply, and some of them may be ours: a balance, or that a key was wrong.
MOST_SPOKEN = 900
LONGEST_ADDRESS = 2048
LONGEST_VALUE = 64
MOST_REPEATS = 5
MOST_WAIT_SECONDS = 30
MOST_DIGITS = 32

_NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")
_LOCALE = re.compile(r"[a-z]{2,3}-[A-Z]{2}")
_ID = re.compile(r"[0-9]+")
# A provider writes several prompts in one row with these between them, and knows no way to escape them.
_ENDS_A_TEXT = "[];"
_NO_ADDRESS = re.compile(r"[\s\[\];]")


@dataclass(frozen=True)
class Problem:
    """Why a menu cannot work. Without `key` it is about the question, without `question` about the menu."""

    question: str
    key: str
    sentence: str

    def __str__(self) -> str:
        where = ", ".join(part for part in (self.question, self.key and f"key {self.key}") if part)
        return f"{where}: {self.sentence}" if where else self.sentence


def problems_of(menu: Menu) -> list[Problem]:
    """Everything that is wrong with a menu, in the order of its questions; an empty list when it can work.

    Looks at the menu alone: whether an account or another menu exists is for the one who knows the database.
    """
    return [
        *(Problem("", "", sentence) for sentence in _of_menu(menu)),
        *(problem for question in menu.questions for problem in _of_question(menu, question)),
        *_of_paths(menu),
    ]


def reachable(menu: Menu) -> tuple[Question, ...]:
    """The questions that a caller can come to, the first one first."""
    first = menu.question(menu.start)
    found = {} if first is None else {first.name: first}
    waiting = list(found.values())
    while waiting:
        following = map(menu.question, leads_to(waiting.pop(0)))
        new = [question for question in following if question is not None and question.name not in found]
        found |= {question.name: question for question in new}
        waiting += new
    return tuple(found.values())


def does_something(question: Question, *, transfers: bool = True) -> bool:
    """Whether the question by itself does more than lead on; with `transfers` off another menu counts as leading on."""
    leads_on = {Does.GOTO} if transfers else {Does.GOTO, Does.TRANSFER}
    if not isinstance(question.expects, Keys):
        return True
    return any(action.does not in leads_on for action in question.expects.actions.values())


# --- the menu as a whole ---------------------------------------------------------------------------------------------


def _of_menu(menu: Menu) -> Iterator[str]:
    if not menu.questions:
        yield "A menu needs at least one question."
    if len(menu.questions) > MOST_QUESTIONS:
        yield f"A menu has at most {MOST_QUESTIONS} questions: let some of them be another menu and go on there."
    if menu.questions and menu.question(menu.start) is None:
        yield (
            f"There is no question called “{menu.start}” to begin with." if menu.start else "Choose the first question."
        )
    if not _LOCALE.fullmatch(menu.locale):
        yield "Write the language as a language and a country, such as en-US."
    if any(not question.name for question in menu.questions):
        yield "Every question needs a name."
    for name, times in Counter(question.name for question in menu.questions).items():
        if times > 1 and name:
            yield f"There are {times} questions called “{name}”: give each a name of its own."


def _of_paths(menu: Menu) -> Iterator[Problem]:
    """Questions that nobody comes to, and those from which nothing is ever done."""
    if menu.question(menu.start) is None:
        return
    visited = reachable(menu)
    names = {question.name for question in visited}
    for question in menu.questions:
        if question.name and question.name not in names:
            yield Problem(question.name, "", "No caller ever comes here: let a key lead to it, or remove it.")
    useful = _leading_somewhere(visited)
    for question in visited:
        # A question without keys already has a sentence of its own.
        if question.name not in useful and any(actions_of(question)):
            yield Problem(
                question.name,
                "",
                "Callers only go round in circles from here: let some key connect them, speak the balance or hang up.",
            )


def _leading_somewhere(questions: tuple[Question, ...]) -> set[str]:
    useful = {question.name for question in questions if does_something(question)}
    while True:
        more = {question.name for question in questions if useful & set(leads_to(question))} - useful
        if not more:
            return useful
        useful |= more


# --- a question ------------------------------------------------------------------------------------------------------


def _of_question(menu: Menu, question: Question) -> Iterator[Problem]:
    own = [
        *_of_name(question.name),
        *(["It says nothing: write what callers hear."] if not question.prompt else _of_prompt(question.prompt)),
        *(f"When repeated: {sentence}" for sentence in _of_prompt(question.repeat_prompt)),
        *_of_speech(question.prompt + question.repeat_prompt),
        *_of_figures(question),
        *_of_expected(menu, question.expects),
    ]
    yield from (Problem(question.name, "", sentence) for sentence in own)
    if isinstance(question.expects, Keys):
        for key, action in question.expects.actions.items():
            yield from (Problem(question.name, key, sentence) for sentence in _of_key(menu, key, action))


def _of_name(name: str) -> Iterator[str]:
    if name == FIRST:
        yield f"“{FIRST}” is a name that providers use themselves: choose another."
    elif name and not _NAME.fullmatch(name):
        yield "A question's name is a small letter, then up to 39 small letters, digits and hyphens."


def _of_figures(question: Question) -> Iterator[str]:
    if not 0 <= question.repeats <= MOST_REPEATS:
        yield f"It can be repeated 0 to {MOST_REPEATS} times."
    if not 1 <= question.wait_seconds <= MOST_WAIT_SECONDS:
        yield f"It can wait 1 to {MOST_WAIT_SECONDS} seconds."


def _of_expected(menu: Menu, expects: Expected) -> Iterator[str]:
    match expects:
        case Keys(actions) if not actions:
            yield "No key does anything: add one."
        case Digits(most) if not 1 <= most <= MOST_DIGITS:
            yield f"It can take 1 to {MOST_DIGITS} digits."
    match expects:
        case Pin(then) | Digits(then=then):
            yield from _of_following(menu, then)


def _of_following(menu: Menu, then: str) -> Iterator[str]:
    if then and menu.question(then) is None:
        yield f"There is no question called “{then}” to follow: add it or choose another."


# --- a key -----------------------------------------------------------------------------------------------------------


def _of_key(menu: Menu, key: str, action: Action) -> Iterator[str]:
    if len(key) != 1 or key not in KEYS:
        yield "A key is one of 0 to 9, * and #."
    yield from _of_target(menu, action)
    yield from _of_following(menu, action.then)
    yield from _of_prompt(action.prompt)
    yield from _of_speech(action.prompt)


def _of_target(menu: Menu, action: Action) -> Iterator[str]:
    target = action.target
    match action.does:
        case Does.GOTO if menu.question(target) is None:
            yield (
                f"There is no question called “{target}”: add it or choose another."
                if target
                else "Write which question comes next."
            )
        case Does.CONNECT if not _is_number(target):
            yield "Write the number to connect to with + and country code: +442079460000."
        case Does.CONNECT_ACCOUNT if not _ID.fullmatch(target):
            yield f"There is no account called {target}." if target else "Write which account is called."
        case Does.TRANSFER if not _ID.fullmatch(target):
            yield f"There is no menu called {target}." if target else "Write which menu goes on."
        case Does.RETURN if not (1 <= len(target) <= LONGEST_VALUE and target.isprintable()):
            yield f"Write the value to keep: 1 to {LONGEST_VALUE} characters in one line."


def _is_number(text: str) -> bool:
    try:
        return parse_number(text) == text
    except NumberUnreadable:
        return False


# --- what is said ----------------------------------------------------------------------------------------------------


def _of_prompt(prompt: Prompt) -> Iterator[str]:
    if len(prompt) > MOST_PARTS:
        yield f"At most {MOST_PARTS} texts and sounds can follow each other."
    for part in prompt:
        yield from _of_text(part.text) if isinstance(part, Spoken) else _of_address(part.url)


def _of_speech(prompt: Prompt) -> Iterator[str]:
    """How much is spoken in all: what is said first and what is said again go to the platform together."""
    spoken = sum(len(part.text) for part in prompt if isinstance(part, Spoken))
    if spoken > MOST_SPOKEN:
        yield f"All its texts have {spoken} characters together and may have {MOST_SPOKEN}: shorten them."


def _of_text(text: str) -> Iterator[str]:
    if not text.strip():
        yield "A text to be spoken is empty."
    if len(text) > LONGEST_TEXT:
        yield f"A text has {len(text)} characters and may have {LONGEST_TEXT}: write it in several lines."
    if any(character in text for character in _ENDS_A_TEXT):
        yield "A text cannot have the characters [ ] and ; in it."
    if not text.isprintable():
        yield "A text has a character in it that cannot be seen."


def _of_address(address: str) -> Iterator[str]:
    if len(address) > LONGEST_ADDRESS:
        yield f"The address of a sound has {len(address)} characters and may have {LONGEST_ADDRESS}."
    elif not _is_address(address):
        yield "The address of a sound begins with https:// or http://, then a host, and has no blank, [ ] or ; in it."


def _is_address(address: str) -> bool:
    if _NO_ADDRESS.search(address) or not address.isprintable():
        return False
    try:
        parts = urlsplit(address)
        return parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return False


# --- several menus ---------------------------------------------------------------------------------------------------


def handed_on(menus: Mapping[int, Menu], first: int) -> dict[int, Menu]:
    """The menus to which callers of the first one may come, that one first. `menus` are by id."""
    found: dict[int, Menu] = {}
    waiting = [first]
    while waiting:
        id = waiting.pop()
        if id not in found and id in menus:
            found[id] = menus[id]
            actions = (action for question in reachable(menus[id]) for _, action in actions_of(question))
            waiting += [int(action.target) for action in actions if _is_transfer(action)]
    return found


def only_transfers(menus: Mapping[int, Menu], first: int) -> bool:
    """Whether callers of a menu are only handed from menu to menu, in a circle or into nothing. `menus` are by id."""
    questions = (question for menu in handed_on(menus, first).values() for question in reachable(menu))
    return not any(does_something(question, transfers=False) for question in questions)


@dataclass(frozen=True)
class Unpaid:
    """A key that connects to a number although the caller has proved no account."""

    menu: int
    question: str
    key: str
    number: str


def unpaid_connection(menus: Mapping[int, Menu], first: int) -> Unpaid | None:
    """The first key by which a caller of a menu is connected to a fixed number without having given a PIN.

    Somebody else has to pay for it: the access number's account.
    """
    seen: set[tuple[int, str]] = set()
    waiting = [(first, menus[first].start)] if first in menus else []
    while waiting:
        id, name = waiting.pop(0)
        question = menus[id].question(name)
        if question is None or (id, name) in seen:
            continue
        seen.add((id, name))
        for key, action in actions_of(question):
            if action.does is Does.CONNECT:
                return Unpaid(id, name, key, action.target)
            waiting += _unproved(menus, id, question, action)
    return None


def _unproved(menus: Mapping[int, Menu], id: int, question: Question, action: Action) -> list[tuple[int, str]]:
    """Where an action leads a caller who has still proved nothing."""
    if isinstance(question.expects, Pin | Destination):
        return []
    match action.does:
        case Does.GOTO:
            return [(id, action.target)]
        case Does.RETURN if action.then:
            return [(id, action.then)]
        case Does.TRANSFER if _is_transfer(action) and int(action.target) in menus:
            return [(int(action.target), menus[int(action.target)].start)]
        case _:
            return []


def _is_transfer(action: Action) -> bool:
    return action.does is Does.TRANSFER and bool(_ID.fullmatch(action.target))
