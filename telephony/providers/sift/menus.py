"""A question of ours as commands: the prompt, then wait for keys, and the same again while the caller is silent.

Sift follows no keys by itself, so only the first question of an answer is played: every key comes back to us, and our
engine asks the next. Sift says nothing in another language than English, as far as anybody has documented; it plays no
other sounds than .wav and .mp3, and does not tell of a `#`, which ends the input. A menu that needs one of these is
refused when it is bound (`check_menu`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from telephony.decisions import Ask
from telephony.events import Event
from telephony.menu_play import longest_input
from telephony.menus import Menu, Prompt, Question, actions_of, say
from telephony.providers.base import CannotExpress
from telephony.providers.sift.callback_urls import done_url
from telephony.providers.sift.routine import Command, GetDigits, HangUp, Routine
from telephony.providers.sift.speech import audible, commands
from telephony.providers.sift.steps import Step, asking_after
from telephony.providers.sift.words import LANGUAGES

# What our engine may say before a question: a balance, that a key was wrong, the text of a callout.
_SAID_BEFORE = say("Hello.") * 4
_SOMEWHERE, _SOME_ASKING = "https://calls.example.com/", "0" * 16

# The key that ends GetDigits, and is not among the digits it tells.
ENDS_INPUT = "#"

Played = Callable[[Prompt], list[Command]]


def ask(decision: Ask, event: Event) -> Routine:
    """The routine that asks the first question. Raises CannotExpress when Sift cannot play it, or cannot answer us."""
    if not decision.questions:
        raise CannotExpress("Sift: there is nothing to ask.")
    if not event.answer_to:
        raise CannotExpress("Sift: nobody said at which address of ours the question was asked.")
    first = decision.questions[0]
    return _played(first, decision.say, event.answer_to, asking_after(event), audible)


def check_menu(menu: Menu) -> None:
    """Raise CannotExpress, with the question named, unless Sift can play all of the menu."""
    if menu.questions and menu.locale.partition("-")[0] not in LANGUAGES:
        raise CannotExpress(
            f"{menu.start}: Sift speaks English only, and this menu is in {menu.locale}. Even when all its prompts are "
            "sounds, our own sentences, such as the balance, are spoken in its language: write it in English."
        )
    for question in menu.questions:
        try:
            _check(question)
        except CannotExpress as impossible:
            raise CannotExpress(f"{question.name}: {impossible}") from impossible
        for key, action in actions_of(question):
            if key == ENDS_INPUT:
                raise CannotExpress(
                    f"{question.name}, key {key}: {key} ends the input at Sift, so it can be no key: choose another."
                )
            try:
                commands(action.prompt)
            except CannotExpress as impossible:
                raise CannotExpress(f"{question.name}, key {key}: {impossible}") from impossible


def _check(question: Question) -> None:
    _played(question, _SAID_BEFORE, _SOMEWHERE, _SOME_ASKING, commands)


def _played(question: Question, before: Prompt, base: str, asking: str, played: Played) -> Routine:
    return Routine([*played(before), *_rounds(question, base, asking, played), HangUp()])


def _rounds(question: Question, base: str, asking: str, played: Played) -> Iterator[Command]:
    for repetition in range(max(question.repeats, 0) + 1):
        step = Step(question.name, repetition=repetition, repeats=question.repeats, asking=asking)
        yield from played((question.repeat_prompt if repetition else ()) or question.prompt)
        yield GetDigits(
            count=longest_input(question),
            timeout_seconds=question.wait_seconds,
            on_done=done_url(base, str(step)),
        )
