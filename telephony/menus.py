"""IVR menus in our own words: what a caller hears, may press, and what that does.

A menu is a set of *questions*. Each has a prompt and expects something: one of several keys, a PIN, a destination, or
digits to be kept. A key does one *action*: goto another question, connect, speak the balance, and so on. No provider
is named here; adapters turn a menu into what their platform plays.

>>> sales = Action.connect("+442079460101")
>>> menu = Menu(start="welcome", questions=(Question("welcome", say("For sales, press 1."), Keys({"1": sales})),))
>>> read_menu(write_menu(menu)) == menu
True
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

KEYS = "1234567890*#"

# The first question of a reply goes to the provider under this name, because Sinch plays the menu called `main` first.
FIRST = "main"

LOCALE = "en-US"


@dataclass(frozen=True)
class Spoken:
    """A text that the platform speaks."""

    text: str


@dataclass(frozen=True)
class Sound:
    """A sound file that the platform fetches: an http or https address."""

    url: str


Prompt = tuple[Spoken | Sound, ...]


def say(text: str) -> Prompt:
    """A prompt of one spoken text; nothing for an empty one."""
    return (Spoken(text),) if text else ()


class Does(StrEnum):
    """What an action does. The values are stored."""

    GOTO = "goto"
    RETURN = "return"
    CONNECT = "connect"
    CONNECT_ACCOUNT = "connect_account"
    SPEAK_BALANCE = "speak_balance"
    ASK_PIN = "ask_pin"
    ASK_DESTINATION = "ask_destination"
    TRANSFER = "transfer"
    HANG_UP = "hang_up"


@dataclass(frozen=True)
class Action:
    """One thing a menu does. `target` is a question, a number, an account's or a menu's id, or a value; see each maker.

    `then` is the question that follows: after the balance was spoken, a PIN was right or a value was kept. Without
    it the call ends there, politely.
    """

    does: Does
    target: str = ""
    then: str = ""
    prompt: Prompt = ()

    @classmethod
    def goto(cls, question: str) -> Action:
        """Ask another question of this menu."""
        return cls(Does.GOTO, question)

    @classmethod
    def give_back(cls, value: str, then: str = "") -> Action:
        """Return: keep a value with the call, where staff and the customer see it."""
        return cls(Does.RETURN, value, then)

    @classmethod
    def connect(cls, number: str) -> Action:
        """Connect to a number in E.164."""
        return cls(Does.CONNECT, number)

    @classmethod
    def connect_account(cls, account_id: int) -> Action:
        """Connect to an account's own verified number, at that account's cost."""
        return cls(Does.CONNECT_ACCOUNT, str(account_id))

    @classmethod
    def speak_balance(cls, then: str = "", prompt: Prompt = ()) -> Action:
        """Say what the caller's account may still spend. Asks for the PIN first, unless it was given.

        An empty prompt asks for it in the usual sentence.
        """
        return cls(Does.SPEAK_BALANCE, then=then, prompt=prompt)

    @classmethod
    def ask_pin(cls, then: str = "", prompt: Prompt = ()) -> Action:
        """Ask for the PIN that proves the caller's account; an empty prompt means the usual sentence."""
        return cls(Does.ASK_PIN, then=then, prompt=prompt)

    @classmethod
    def ask_destination(cls, prompt: Prompt = ()) -> Action:
        """Ask for a number and connect to it, at the cost of the caller's account. Asks for the PIN first."""
        return cls(Does.ASK_DESTINATION, prompt=prompt)

    @classmethod
    def transfer(cls, menu_id: int) -> Action:
        """Go on in another menu."""
        return cls(Does.TRANSFER, str(menu_id))

    @classmethod
    def hang_up(cls, prompt: Prompt = ()) -> Action:
        """End the call, after a last sentence."""
        return cls(Does.HANG_UP, prompt=prompt)


@dataclass(frozen=True)
class Keys:
    """One key out of several, each with what it does."""

    actions: Mapping[str, Action]


@dataclass(frozen=True)
class Pin:
    """The PIN of the caller's account. `then` is the question that follows when it was right."""

    then: str = ""


@dataclass(frozen=True)
class Destination:
    """The number the caller wishes to reach."""


@dataclass(frozen=True)
class Digits:
    """Digits that are kept with the call, such as a customer number. `then` is the question that follows."""

    most: int
    then: str = ""


Expected = Keys | Pin | Destination | Digits


@dataclass(frozen=True)
class Question:
    """A prompt and what is expected after it.

    `repeats` is how often the prompt comes again while the caller is silent; `repeat_prompt`, when given, is what
    comes then. `wait_seconds` is how long silence may last each time.
    """

    name: str
    prompt: Prompt
    expects: Expected
    repeat_prompt: Prompt = ()
    repeats: int = 2
    wait_seconds: int = 5


@dataclass(frozen=True)
class Menu:
    """Questions by name, in the order written; `start` is asked first. `locale` is the language of every prompt."""

    start: str
    questions: tuple[Question, ...] = field(default=())
    locale: str = LOCALE

    def question(self, name: str) -> Question | None:
        """The question of that name."""
        return next((question for question in self.questions if question.name == name), None)


def actions_of(question: Question) -> Iterator[tuple[str, Action]]:
    """What a question may lead to: each key with its action; what is not pressed has an empty key."""
    match question.expects:
        case Keys(actions):
            yield from actions.items()
        case Pin(then) | Digits(then=then):
            yield "", Action.goto(then) if then else Action.hang_up()
        case Destination():
            return


def leads_to(question: Question) -> tuple[str, ...]:
    """The questions that may follow this one, each named once, in the order written."""
    named = (action.target if action.does is Does.GOTO else action.then for _, action in actions_of(question))
    return tuple(dict.fromkeys(name for name in named if name))


def from_here(menu: Menu, question: Question) -> tuple[Question, ...]:
    """The question, and every other that keys alone can reach from it: what a provider can play by itself.

    Without those that ask for a destination: we want to know who calls before we ask where to.
    """
    found = {question.name: question}
    waiting = [question]
    while waiting:
        expects = waiting.pop(0).expects
        for action in expects.actions.values() if isinstance(expects, Keys) else ():
            following = menu.question(action.target) if action.does is Does.GOTO else None
            if following is None or isinstance(following.expects, Destination):
                continue
            if following.name not in found:
                found[following.name] = following
                waiting.append(following)
    return tuple(found.values())


# --- as it is stored -------------------------------------------------------------------------------------------------


def write_menu(menu: Menu) -> dict[str, Any]:
    """The menu as plain JSON values."""
    return {
        "start": menu.start,
        "locale": menu.locale,
        "questions": [write_question(question) for question in menu.questions],
    }


def read_menu(stored: Mapping[str, Any]) -> Menu:
    """The menu that `write_menu` wrote."""
    questions = tuple(read_question(question) for question in stored["questions"])
    return Menu(start=stored["start"], questions=questions, locale=stored["locale"])


def write_question(question: Question) -> dict[str, Any]:
    """One question as plain JSON values."""
    return {
        "name": question.name,
        "prompt": write_prompt(question.prompt),
        "repeat_prompt": write_prompt(question.repeat_prompt),
        "repeats": question.repeats,
        "wait_seconds": question.wait_seconds,
        "expects": _write_expected(question.expects),
    }


def read_question(stored: Mapping[str, Any]) -> Question:
    """The question that `write_question` wrote."""
    return Question(
        name=stored["name"],
        prompt=read_prompt(stored["prompt"]),
        expects=_read_expected(stored["expects"]),
        repeat_prompt=read_prompt(stored["repeat_prompt"]),
        repeats=stored["repeats"],
        wait_seconds=stored["wait_seconds"],
    )


def write_action(action: Action) -> dict[str, Any]:
    """One action as plain JSON values."""
    return {
        "does": action.does.value,
        "target": action.target,
        "then": action.then,
        "prompt": write_prompt(action.prompt),
    }


def read_action(stored: Mapping[str, Any]) -> Action:
    """The action that `write_action` wrote."""
    return Action(Does(stored["does"]), stored["target"], stored["then"], read_prompt(stored["prompt"]))


def _write_expected(expects: Expected) -> dict[str, Any]:
    match expects:
        case Keys(actions):
            return {"keys": {key: write_action(action) for key, action in actions.items()}}
        case Pin(then):
            return {"pin": {"then": then}}
        case Destination():
            return {"destination": {}}
        case Digits(most, then):
            return {"digits": {"most": most, "then": then}}


def _read_expected(stored: Mapping[str, Any]) -> Expected:
    ((word, values),) = stored.items()
    match word:
        case "keys":
            return Keys({key: read_action(action) for key, action in values.items()})
        case "pin":
            return Pin(**values)
        case "destination":
            return Destination()
        case "digits":
            return Digits(**values)
    raise KeyError(word)


def write_prompt(prompt: Prompt) -> list[dict[str, str]]:
    """A prompt as plain JSON values."""
    return [{"say": part.text} if isinstance(part, Spoken) else {"play": part.url} for part in prompt]


def read_prompt(stored: list[dict[str, str]]) -> Prompt:
    """The prompt that `write_prompt` wrote."""
    return tuple(Spoken(part["say"]) if "say" in part else Sound(part["play"]) for part in stored)
