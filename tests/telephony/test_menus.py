"""Menus as they are stored and walked."""

from __future__ import annotations

import json

import pytest

from telephony.menus import (
    Action,
    Destination,
    Digits,
    Keys,
    Menu,
    Pin,
    Question,
    actions_of,
    from_here,
    leads_to,
    read_menu,
    say,
    write_menu,
)
from tests.telephony.test_decisions import QUESTIONS


def keys(name: str, **actions: Action) -> Question:
    return Question(name, say(f"This is {name}."), Keys({key.removeprefix("k"): a for key, a in actions.items()}))


def test_a_menu_survives_being_stored() -> None:
    menu = Menu(start="first", questions=QUESTIONS, locale="en-GB")
    assert read_menu(json.loads(json.dumps(write_menu(menu)))) == menu


def test_an_expectation_that_nobody_wrote_is_not_guessed_at() -> None:
    stored = write_menu(Menu(start="first", questions=QUESTIONS))
    stored["questions"][0]["expects"] = {"telepathy": {}}
    with pytest.raises(KeyError):
        read_menu(stored)


def test_a_question_is_found_by_its_name() -> None:
    menu = Menu(start="first", questions=QUESTIONS)
    assert menu.question("card") is QUESTIONS[3]
    assert menu.question("nobody") is None


def test_an_empty_sentence_is_no_prompt() -> None:
    assert say("") == ()


def test_what_a_question_leads_to_names_each_question_once() -> None:
    question = keys("a", k1=Action.goto("b"), k2=Action.speak_balance(then="b"), k3=Action.give_back("x", then="c"))
    assert leads_to(question) == ("b", "c")


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        (Question("pin", (), Pin(then="next")), [("", Action.goto("next"))]),
        (Question("pin", (), Pin()), [("", Action.hang_up())]),
        (Question("card", (), Digits(most=4, then="next")), [("", Action.goto("next"))]),
        (Question("number", (), Destination()), []),
    ],
)
def test_digits_lead_to_one_question_or_to_the_end(question: Question, expected: list[tuple[str, Action]]) -> None:
    assert list(actions_of(question)) == expected


def test_a_provider_can_play_what_keys_alone_reach() -> None:
    a, b, c = keys("a", k1=Action.goto("b"), k2=Action.speak_balance("d")), keys("b", k1=Action.goto("c")), keys("c")
    menu = Menu(start="a", questions=(c, b, a, keys("d")))
    assert from_here(menu, a) == (a, b, c)


def test_a_menu_in_a_circle_is_walked_once() -> None:
    a, b = keys("a", k1=Action.goto("b"), k2=Action.goto("a")), keys("b", k1=Action.goto("a"))
    assert from_here(Menu(start="a", questions=(a, b)), b) == (b, a)


def test_a_destination_is_never_asked_for_behind_our_back() -> None:
    a, number = keys("a", k1=Action.goto("number")), Question("number", say("Number?"), Destination())
    assert from_here(Menu(start="a", questions=(a, number)), a) == (a,)


def test_what_follows_digits_is_ours_to_ask() -> None:
    card, b = Question("card", say("Card?"), Digits(most=4, then="b")), keys("b")
    assert from_here(Menu(start="card", questions=(card, b)), card) == (card,)
