"""A question of ours as a menu that Sinch plays by itself.

A key that only leads to another question is a *goto* which Sinch follows without asking us. Every other key returns,
and so does a goto to a question that did not fit: Sinch speaks 1,000 characters in one reply. Our engine then asks it.
"""

from __future__ import annotations

from telephony.decisions import Ask
from telephony.menu_play import longest_input
from telephony.menus import FIRST, Action, Does, Keys, Question
from telephony.providers.sinch.speech import one_prompt, spoken_characters
from telephony.providers.sinch.svaml import Goto, Menu, Option, Return, RunMenu
from telephony.providers.sinch.svaml.limits import SPEECH


def run_menu(ask: Ask) -> RunMenu:
    """The menu that asks the first question, with as many of the others as Sinch takes.

    Raises ValueError for what Sinch cannot play.
    """
    if not ask.questions:
        raise ValueError("There is nothing to ask.")
    questions = _that_fit(ask)
    first = questions[0].name
    ids = {question.name: FIRST if question.name == first else question.name for question in questions}
    return RunMenu(locale=ask.locale, main_menu=FIRST, menus=tuple(_menu(question, ids) for question in questions))


def _that_fit(ask: Ask) -> list[Question]:
    """The first question and those after it, in their order, until the speech of one reply is used up."""
    left = SPEECH.in_all - spoken_characters(ask.say)
    fitting: list[Question] = []
    for question in ask.questions:
        left -= spoken_characters(question.prompt) + spoken_characters(question.repeat_prompt)
        if fitting and left < 0:
            break
        fitting.append(question)
    return fitting


def _menu(question: Question, ids: dict[str, str]) -> Menu:
    expects = question.expects
    keys = expects.actions if isinstance(expects, Keys) else {}
    return Menu(
        ids[question.name],
        one_prompt(question.prompt),
        repeat_prompt=one_prompt(question.repeat_prompt) or None,
        repeats=question.repeats,
        max_digits=None if keys else longest_input(question),
        timeout_mills=question.wait_seconds * 1000,
        options=tuple(Option(key, _leads(key, action, ids)) for key, action in keys.items()),
    )


def _leads(key: str, action: Action, ids: dict[str, str]) -> Goto | Return:
    target = ids.get(action.target) if action.does is Does.GOTO else None
    return Goto(target) if target else Return(key)
