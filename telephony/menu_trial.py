"""A menu tried at a desk: what a caller would hear, key by key. Provider and engine in one, with sample figures.

Every PIN of 4 to 12 digits is right, the balance and the time to talk are samples, a number that can be read rings, and
somebody always pays. Sentences and rules are those of a real call, see `telephony.ivr`.

>>> from telephony.menus import say
>>> menu = Menu("welcome", (Question("welcome", say("Press 1."), Keys({"1": Action.connect("+442079460101")})),))
>>> for line in listen(menu, ["7", "1"]).lines:
...     print(f"{line.who}: {line.text}")
menu: Press 1.
caller: 7
menu: Sorry, that is not possible here.
menu: Press 1.
caller: 1
menu: You can talk for 42 minutes.
note: +44 20 7946 0101 rings.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from accounts.numbers import NumberUnreadable, display, parse_number
from telephony import menu_play, prompts
from telephony.decisions import Reason
from telephony.events import PromptKind
from telephony.menu_play import MOST_ANSWERS, MOST_WRONG, Chosen, Entered, NotUnderstood, longest_input, understand
from telephony.menus import (
    KEYS,
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
    say,
)
from telephony.prompts import Phrase

SAMPLE_BALANCE = Decimal("4.20")
SAMPLE_CURRENCY = "USD"
SAMPLE_SECONDS = 42 * 60
SHORTEST_PIN = 4

# What a caller does other than pressing keys.
SILENCE = "silence"
HANG_UP = "hang up"


class Who(StrEnum):
    """Whose line it is; a note is neither said nor pressed."""

    MENU = "menu"
    CALLER = "caller"
    NOTE = "note"


@dataclass(frozen=True)
class Line:
    """One line of the conversation, and the question during which it came."""

    who: Who
    text: str
    question: str


@dataclass(frozen=True, kw_only=True)
class Trial:
    """How a call has gone so far. `question` is what is asked now, None once the call has ended.

    `typed` are digits that are not complete yet; `kept` the values kept with the call, each with its question.
    """

    lines: tuple[Line, ...]
    question: Question | None
    typed: str
    kept: tuple[tuple[str, str], ...]

    @property
    def has_ended(self) -> bool:
        return self.question is None

    @property
    def expected(self) -> str:
        """What the caller may do now, in a sentence."""
        if self.question is None:
            return "The call has ended."
        match self.question.expects:
            case Keys(actions):
                *others, last = sorted(actions, key=KEYS.find) or ["nothing"]
                return f"Press {', '.join(others)} or {last}." if others else f"Press {last}."
            case Pin():
                return "Enter a PIN, any 4 to 12 digits, then #."
            case Destination():
                return "Enter a number, such as 00442079460101, then #."
            case Digits(most):
                return f"Enter up to {most} digits, then #."


def listen(
    menu: Menu,
    inputs: Iterable[str],
    *,
    menus: Mapping[int, Menu] | None = None,
    currency: str = SAMPLE_CURRENCY,
    home_country: str | None = None,
) -> Trial:
    """Play a menu for a caller who does all this. Inputs are keys, one or several at once, SILENCE and HANG_UP.

    `menus` are those that a call may go on in, by id. With `home_country` national numbers can be entered. What
    comes after the end is not looked at.
    """
    call = _Call(menu=menu, menus=menus or {}, currency=currency, home_country=home_country)
    call.goto(menu.start)
    for given in inputs:
        if given in (SILENCE, HANG_UP):
            call.hear(given)
        else:
            for key in given:
                call.press(key)
    return Trial(lines=tuple(call.lines), question=call.asked, typed=call.typed, kept=tuple(call.kept))


@dataclass
class _Call:
    """A call that is being played. Each method is a rule of the provider's or of the engine's."""

    menu: Menu
    menus: Mapping[int, Menu]
    currency: str
    home_country: str | None
    lines: list[Line] = field(default_factory=list)
    kept: list[tuple[str, str]] = field(default_factory=list)
    asked: Question | None = None
    waiting: Action | None = None
    is_proved: bool = False
    typed: str = ""
    silences: int = 0
    wrong_inputs: int = 0
    wrong_pins: int = 0
    answers: int = 0

    # what the provider does by itself

    def press(self, key: str) -> None:
        """A key: an answer by itself, or one more digit until they are complete."""
        if self.asked is None:
            return
        if isinstance(self.asked.expects, Keys):
            self._write(Who.CALLER, key)
            self._answer(self.asked, PromptKind.RETURN, key)
            return
        self.typed += key
        if key == "#" or len(self.typed) >= longest_input(self.asked):
            self._complete(self.asked)

    def hear(self, given: str) -> None:
        """Silence, or the caller hangs up."""
        if self.asked is None:
            return
        if given == HANG_UP:
            self._write(Who.NOTE, "The caller hangs up.")
            self.asked = None
        elif self.typed:
            self._complete(self.asked)  # digits are complete as soon as no more come
        else:
            self._write(Who.CALLER, "says nothing")
            self._keep_silent(self.asked)

    def _keep_silent(self, question: Question) -> None:
        self.silences += 1
        if self.silences > question.repeats:
            self._answer(question, PromptKind.TIMEOUT, "")
        else:
            self._play(question.repeat_prompt or question.prompt)

    def _complete(self, question: Question) -> None:
        digits, self.typed = self.typed, ""
        self._write(Who.CALLER, digits)
        self._answer(question, PromptKind.SEQUENCE, digits)

    def _answer(self, question: Question, kind: PromptKind, value: str) -> None:
        heard = understand(question, kind, value)
        if isinstance(heard, Chosen) and self._leads_on_by_itself(heard.action):
            self.goto(heard.action.target)
            return
        self.answers += 1
        if self.answers > MOST_ANSWERS:
            self._goodbye()
            return
        match heard:
            case Chosen(action):
                self.wrong_inputs = 0
                self._do(question, action)
            case Entered(digits):
                self._enter(question, digits)
            case NotUnderstood():
                self._again(question, prompts.phrase(Phrase.WRONG_INPUT, self.menu.locale))
            case _:
                self._goodbye()

    def _leads_on_by_itself(self, action: Action) -> bool:
        """Whether the provider asks the next question without asking the engine, see `menus.from_here`."""
        following = self.menu.question(action.target) if action.does is Does.GOTO else None
        return following is not None and not isinstance(following.expects, Destination)

    # what the engine decides

    def goto(self, name: str) -> None:
        question = self.menu.question(name)
        if question is None:
            self._goodbye()
        elif isinstance(question.expects, Destination) and not self.is_proved:
            self._ask_pin(Action.goto(name))
        else:
            self._ask(question)

    def _ask(self, question: Question) -> None:
        self.asked, self.silences, self.typed = question, 0, ""
        self._play(question.prompt)

    def _ask_pin(self, waiting: Action) -> None:
        self.waiting = waiting
        own = waiting.prompt if waiting.does is Does.ASK_PIN else ()
        prompt = own or prompts.phrase(Phrase.ASK_PIN, self.menu.locale)
        self._ask(Question(menu_play.PIN_QUESTION, prompt, Pin()))

    def _again(self, question: Question, why: Prompt) -> None:
        self._play(why)
        self.wrong_inputs += 1
        if self.wrong_inputs >= MOST_WRONG:
            self._goodbye()
        else:
            self._ask(question)

    def _then(self, name: str) -> None:
        if name:
            self.goto(name)
        else:
            self._goodbye(Phrase.THANKS)

    def _goodbye(self, phrase: Phrase = Phrase.GOODBYE) -> None:
        self._end(prompts.phrase(phrase, self.menu.locale))

    def _end(self, prompt: Prompt) -> None:
        self._play(prompt)
        self._write(Who.NOTE, "The call ends.")
        self.asked = None

    def _do(self, question: Question, action: Action) -> None:
        match action.does:
            case Does.GOTO:
                self.goto(action.target)
            case Does.RETURN:
                self.kept.append((question.name, action.target))
                self._then(action.then)
            case Does.CONNECT:
                self._ring(f"{display(action.target)} rings.")
            case Does.CONNECT_ACCOUNT:
                self._ring("The account's own number rings.")
            case Does.SPEAK_BALANCE | Does.ASK_DESTINATION | Does.ASK_PIN if not self.is_proved:
                self._ask_pin(action)
            case Does.SPEAK_BALANCE:
                self._play(prompts.balance(SAMPLE_BALANCE, self.currency, self.menu.locale))
                self._then(action.then)
            case Does.ASK_PIN:
                self._then(action.then)
            case Does.ASK_DESTINATION:
                prompt = action.prompt or prompts.phrase(Phrase.ASK_DESTINATION, self.menu.locale)
                self._ask(Question(menu_play.DESTINATION_QUESTION, prompt, Destination()))
            case Does.TRANSFER:
                self._transfer(action)
            case Does.HANG_UP:
                self._end(action.prompt or prompts.phrase(Phrase.GOODBYE, self.menu.locale))

    def _transfer(self, action: Action) -> None:
        other = self.menus.get(int(action.target)) if action.target.isdecimal() else None
        if other is None:
            self._goodbye()
        else:
            self.menu, self.waiting = other, None
            self.goto(other.start)

    def _enter(self, question: Question, digits: str) -> None:
        match question.expects:
            case Pin(then):
                self._identify(question, digits, then)
            case Destination():
                self._dial(question, digits)
            case _:
                self.wrong_inputs = 0
                self.kept.append((question.name, digits))
                self._then(question.expects.then if isinstance(question.expects, Digits) else "")

    def _identify(self, question: Question, pin: str, then: str) -> None:
        if len(pin) < SHORTEST_PIN:
            self.wrong_pins += 1
            if self.wrong_pins >= MOST_WRONG:
                self._end(say(prompts.refusal(Reason.PIN_REFUSED, locale=self.menu.locale).say))
            else:
                self._play(prompts.phrase(Phrase.WRONG_PIN, self.menu.locale))
                self._ask(question)
            return
        own = Action.goto(then) if then else None
        waiting = self.waiting if question.name == menu_play.PIN_QUESTION else own
        self.is_proved, self.waiting, self.wrong_inputs, self.wrong_pins = True, None, 0, 0
        if waiting is None:
            self._then("")
        else:
            self._do(question, waiting)

    def _dial(self, question: Question, digits: str) -> None:
        try:
            number = parse_number(digits, self.home_country)
        except NumberUnreadable:
            unreadable = prompts.refusal(Reason.DESTINATION_UNREADABLE, locale=self.menu.locale)
            self._again(question, say(unreadable.say))
        else:
            self._ring(f"{display(number)} rings.")

    def _ring(self, sentence: str) -> None:
        self._play(prompts.time_to_talk(SAMPLE_SECONDS, self.menu.locale))
        self._write(Who.NOTE, sentence)
        self.asked = None

    def _play(self, prompt: Prompt) -> None:
        for part in prompt:
            self._write(Who.MENU, f"♪ {part.url}" if isinstance(part, Sound) else part.text)

    def _write(self, who: Who, text: str) -> None:
        self.lines.append(Line(who, text, self.asked.name if self.asked else ""))
