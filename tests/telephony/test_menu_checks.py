"""What makes a menu that cannot work, and that one which can always comes to an end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from telephony.menu_checks import Problem, Unpaid, only_transfers, problems_of, reachable, unpaid_connection
from telephony.menu_trial import HANG_UP, SILENCE, listen
from telephony.menus import (
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
    read_menu,
    say,
    write_menu,
)

A_NUMBER = "+442079460101"
CONNECT = Action.connect(A_NUMBER)
FINE = Question("welcome", say("Hello."), Keys({"1": CONNECT}))


def menu_of(*questions: Question, start: str = "welcome", locale: str = "en-US") -> Menu:
    return Menu(start, questions, locale)


def asked(**fields: Any) -> Menu:
    """A menu that works, but for these fields of its only question."""
    return menu_of(replace(FINE, **fields))


def pressed(action: Action, key: str = "1") -> Menu:
    """A menu whose first question has one key more than a working one."""
    return asked(expects=Keys({"0": CONNECT, key: action}))


def spoken(prompt: Prompt) -> Menu:
    return asked(prompt=prompt)


TWICE = menu_of(FINE, FINE)
CIRCLE = menu_of(
    Question("welcome", say("Hello."), Keys({"1": Action.goto("other")})),
    Question("other", say("Other."), Keys({"1": Action.goto("welcome")})),
)
LONELY = menu_of(FINE, Question("lonely", say("Nobody?"), Keys({"1": CONNECT})))

RULES: list[tuple[str, Menu, Problem]] = [
    ("no question", menu_of(), Problem("", "", "A menu needs at least one question.")),
    ("no start", menu_of(FINE, start=""), Problem("", "", "Choose the first question.")),
    ("unknown start", menu_of(FINE, start="x"), Problem("", "", "There is no question called “x” to begin with.")),
    ("locale", menu_of(FINE, locale="english"), Problem("", "", "Write the language as a language and a country")),
    ("no name", menu_of(FINE, replace(FINE, name="")), Problem("", "", "Every question needs a name.")),
    ("same name", TWICE, Problem("", "", "There are 2 questions called “welcome”")),
    (
        "too many questions",
        menu_of(*(replace(FINE, name=f"q{number}") for number in range(51)), start="q0"),
        Problem("", "", "A menu has at most 50 questions"),
    ),
    ("taken name", menu_of(replace(FINE, name="main"), start="main"), Problem("main", "", "“main” is a name that")),
    ("large letters", menu_of(replace(FINE, name="Sales"), start="Sales"), Problem("Sales", "", "A question's name")),
    ("our names", menu_of(replace(FINE, name="_pin"), start="_pin"), Problem("_pin", "", "A question's name is")),
    ("long name", menu_of(replace(FINE, name="q" * 41), start="q" * 41), Problem("q" * 41, "", "A question's name")),
    ("says nothing", spoken(()), Problem("welcome", "", "It says nothing: write what callers hear.")),
    ("blank text", spoken(say(" ")), Problem("welcome", "", "A text to be spoken is empty.")),
    ("long text", spoken(say("a" * 501)), Problem("welcome", "", "A text has 501 characters and may have 500")),
    ("bracket", spoken(say("a]")), Problem("welcome", "", "A text cannot have the characters [ ] and ; in it.")),
    ("opening bracket", spoken(say("[a")), Problem("welcome", "", "A text cannot have the characters")),
    ("semicolon", spoken(say("a;b")), Problem("welcome", "", "A text cannot have the characters")),
    ("control", spoken(say("a\x00")), Problem("welcome", "", "A text has a character in it that cannot be seen.")),
    (
        "a lot to say",
        asked(prompt=say("a" * 500), repeat_prompt=say("a" * 401)),
        Problem("welcome", "", "All its texts have 901 characters together and may have 900"),
    ),
    (
        "long last words",
        pressed(Action.hang_up(say("a" * 451) * 2)),
        Problem("welcome", "1", "All its texts have 902 characters together"),
    ),
    ("many parts", spoken(say("a") * 17), Problem("welcome", "", "At most 16 texts and sounds")),
    ("ftp", spoken((Sound("ftp://example.com/a"),)), Problem("welcome", "", "The address of a sound begins with")),
    ("no host", spoken((Sound("https:///a"),)), Problem("welcome", "", "The address of a sound begins with")),
    ("bad host", spoken((Sound("https://[a/b"),)), Problem("welcome", "", "The address of a sound begins with")),
    ("address", spoken((Sound("https://example.com/a b"),)), Problem("welcome", "", "The address of a sound begins")),
    (
        "long",
        spoken((Sound("https://example.com/" + "a" * 2029),)),
        Problem("welcome", "", "The address of a sound has"),
    ),
    ("repeat prompt", asked(repeat_prompt=say("a;")), Problem("welcome", "", "When repeated: A text cannot have")),
    ("repeats", asked(repeats=6), Problem("welcome", "", "It can be repeated 0 to 5 times.")),
    ("repeats below", asked(repeats=-1), Problem("welcome", "", "It can be repeated 0 to 5 times.")),
    ("wait", asked(wait_seconds=31), Problem("welcome", "", "It can wait 1 to 30 seconds.")),
    ("no wait", asked(wait_seconds=0), Problem("welcome", "", "It can wait 1 to 30 seconds.")),
    ("no key", asked(expects=Keys({})), Problem("welcome", "", "No key does anything: add one.")),
    ("no digits", asked(expects=Digits(0)), Problem("welcome", "", "It can take 1 to 32 digits.")),
    ("digits", asked(expects=Digits(33)), Problem("welcome", "", "It can take 1 to 32 digits.")),
    ("digits then", asked(expects=Digits(8, "x")), Problem("welcome", "", "There is no question called “x” to follow")),
    ("PIN then", asked(expects=Pin("x")), Problem("welcome", "", "There is no question called “x” to follow")),
    ("key", pressed(CONNECT, "a"), Problem("welcome", "a", "A key is one of 0 to 9, * and #.")),
    ("two keys", pressed(CONNECT, "12"), Problem("welcome", "12", "A key is one of 0 to 9, * and #.")),
    ("goto", pressed(Action.goto("x")), Problem("welcome", "1", "There is no question called “x”: add it")),
    ("goto nothing", pressed(Action.goto("")), Problem("welcome", "1", "Write which question comes next.")),
    ("then", pressed(Action.speak_balance("x")), Problem("welcome", "1", "There is no question called “x” to follow")),
    ("number", pressed(Action.connect("020 7946 0101")), Problem("welcome", "1", "Write the number to connect to")),
    ("not E.164", pressed(Action.connect("+44 20 7946 0101")), Problem("welcome", "1", "Write the number to connect")),
    (
        "account",
        pressed(Action(Does.CONNECT_ACCOUNT, "“x”")),
        Problem("welcome", "1", "There is no account called “x”."),
    ),
    ("no account", pressed(Action(Does.CONNECT_ACCOUNT)), Problem("welcome", "1", "Write which account is called.")),
    ("menu", pressed(Action(Does.TRANSFER, "“x”")), Problem("welcome", "1", "There is no menu called “x”.")),
    ("no menu", pressed(Action(Does.TRANSFER)), Problem("welcome", "1", "Write which menu goes on.")),
    ("value", pressed(Action.give_back("")), Problem("welcome", "1", "Write the value to keep")),
    ("long value", pressed(Action.give_back("a" * 65)), Problem("welcome", "1", "Write the value to keep")),
    ("two lines", pressed(Action.give_back("a\nb")), Problem("welcome", "1", "Write the value to keep")),
    ("last words", pressed(Action.hang_up(say("a;"))), Problem("welcome", "1", "A text cannot have the characters")),
    ("never reached", LONELY, Problem("lonely", "", "No caller ever comes here")),
    ("circle", CIRCLE, Problem("welcome", "", "Callers only go round in circles from here")),
    ("circle's other half", CIRCLE, Problem("other", "", "Callers only go round in circles from here")),
]


@pytest.mark.parametrize(("menu", "expected"), [rule[1:] for rule in RULES], ids=[rule[0] for rule in RULES])
def test_every_rule_says_which_question_which_key_and_why(menu: Menu, expected: Problem) -> None:
    said = [
        problem
        for problem in problems_of(menu)
        if (problem.question, problem.key) == (expected.question, expected.key)
        and problem.sentence.startswith(expected.sentence)
    ]
    assert len(said) == 1


@pytest.mark.parametrize(
    "menu",
    [
        menu_of(FINE),
        menu_of(*(replace(FINE, name=f"q{n}", expects=Keys({"1": Action.goto(f"q{n + 1}")})) for n in range(49)),
                replace(FINE, name="q49"), start="q0"),
        spoken(say("a") * 16),
        asked(prompt=say("a" * 500), repeat_prompt=say("a" * 400)),
        spoken((Sound("http://example.com/" + "a" * 2029),)),
        asked(repeats=0, wait_seconds=30),
        asked(repeats=5, wait_seconds=1),
        asked(expects=Digits(32, "welcome")),
        asked(expects=Destination()),
        asked(expects=Pin()),
        pressed(Action.give_back("a" * 64)),
        pressed(Action.hang_up(), "#"),
        pressed(Action.goto("welcome"), "*"),
        menu_of(replace(FINE, name="q" + "-" * 39), start="q" + "-" * 39, locale="yue-CN"),
    ],
)  # fmt: skip
def test_what_just_fits_is_right(menu: Menu) -> None:
    assert problems_of(menu) == []


def test_all_problems_are_said_in_the_order_of_the_questions() -> None:
    menu = menu_of(
        replace(FINE, prompt=(), expects=Keys({"1": Action.goto("x"), "2": Action.connect("1")})),
        Question("other", say("a]"), Keys({})),
    )
    places = [(problem.question, problem.key) for problem in problems_of(menu)]
    assert places == [("welcome", ""), ("welcome", "1"), ("welcome", "2"), ("other", ""), ("other", ""), ("other", "")]


def test_one_useful_key_at_the_end_makes_a_circle_useful() -> None:
    useful = replace(CIRCLE.questions[1], expects=Keys({"1": Action.goto("welcome"), "2": Action.speak_balance()}))
    assert problems_of(menu_of(CIRCLE.questions[0], useful)) == []


def test_questions_are_reached_by_keys_and_by_what_follows() -> None:
    menu = menu_of(
        Question("welcome", say("a"), Keys({"1": Action.speak_balance("b"), "2": Action.goto("c")})),
        Question("b", say("b"), Digits(3, "d")),
        Question("c", say("c"), Pin("welcome")),
        Question("d", say("d"), Destination()),
    )
    assert [question.name for question in reachable(menu)] == ["welcome", "b", "c", "d"]


# --- several menus ---


def handing_on(*ids: int) -> Menu:
    return menu_of(
        replace(FINE, expects=Keys({str(step): Action.transfer(id) for step, id in enumerate(ids, start=1)}))
    )


@pytest.mark.parametrize(
    ("menus", "is_circle"),
    [
        ({1: menu_of(FINE)}, False),
        ({1: handing_on(1)}, True),
        ({1: handing_on(2), 2: handing_on(1)}, True),
        ({1: handing_on(2), 2: handing_on(3)}, True),
        ({1: handing_on(2, 3), 2: handing_on(1), 3: menu_of(FINE)}, False),
    ],
)
def test_menus_that_only_hand_callers_on_are_recognised(menus: dict[int, Menu], is_circle: bool) -> None:
    assert only_transfers(menus, 1) is is_circle


def leading(action: Action) -> Menu:
    """A menu whose first key does this, and whose second question connects."""
    return menu_of(
        replace(FINE, expects=Keys({"1": action})), Question("shop", say("Shop."), Keys({"3": CONNECT}))
    )  # fmt: skip


@pytest.mark.parametrize(
    ("menu", "where"),
    [
        (leading(CONNECT), (1, "welcome", "1")),
        (leading(Action.goto("shop")), (1, "shop", "3")),
        (leading(Action.give_back("x", "shop")), (1, "shop", "3")),
        (leading(Action.transfer(2)), (2, "welcome", "1")),
        (leading(Action.transfer(3)), None),
        (leading(Action.ask_pin("shop")), None),
        (leading(Action.speak_balance("shop")), None),
        (leading(Action.connect_account(7)), None),
        (leading(Action.ask_destination()), None),
        (menu_of(replace(FINE, expects=Pin("shop")), leading(CONNECT).questions[1]), None),
        (menu_of(replace(FINE, expects=Digits(3, "shop")), leading(CONNECT).questions[1]), (1, "shop", "3")),
    ],
)
def test_who_connects_without_a_pin_is_found(menu: Menu, where: tuple[int, str, str] | None) -> None:
    expected = None if where is None else Unpaid(*where, A_NUMBER)
    assert unpaid_connection({1: menu, 2: menu_of(FINE)}, 1) == expected


# --- any menu ---

NAMES = ["welcome", "sales", "desk"]
PARTS: st.SearchStrategy[Any] = st.sampled_from([Spoken("Hello."), Spoken("a;"), Sound("https://example.com/a.mp3")])
FEW_PARTS = st.lists(PARTS, max_size=2).map(tuple)
RIGHT_PARTS = st.just(say("Hello."))


def some_menus(names: st.SearchStrategy[str], targets: st.SearchStrategy[str], parts: Any) -> st.SearchStrategy[Menu]:
    """Menus of up to four questions. With few names many of them are whole."""
    actions = st.builds(Action, st.sampled_from(Does), targets, st.sampled_from(["", *NAMES]), parts)
    then = st.sampled_from(["", *NAMES])
    expected = st.one_of(
        st.dictionaries(st.sampled_from("1234567890*#"), actions, max_size=4).map(Keys),
        st.builds(Pin, then),
        st.builds(Destination),
        st.builds(Digits, st.integers(1, 5), then),
    )
    questions = st.builds(Question, names, parts, expected, parts, st.integers(0, 3), st.integers(1, 30))
    return st.builds(Menu, names, st.lists(questions, max_size=4).map(tuple), st.sampled_from(["en-US", "es-ES", "x"]))


ANY_MENUS = some_menus(st.text(max_size=4) | st.sampled_from(NAMES), st.text(max_size=5), FEW_PARTS)
INPUTS = st.lists(st.sampled_from([*"1234567890*#", "1234#", "00442079460101#", SILENCE, HANG_UP]), max_size=40)


@st.composite
def right_menus(draw: Callable[..., Any]) -> Menu:
    """Menus that can work: every question leads somewhere, and the first one to all others."""
    names = NAMES[: draw(st.integers(1, 3))]
    then = st.sampled_from(["", *names])
    actions = st.one_of(
        st.builds(Action.goto, st.sampled_from(names)),
        st.builds(Action.give_back, st.just("x"), then),
        st.just(CONNECT),
        st.builds(Action.speak_balance, then),
        st.builds(Action.ask_pin, then),
        st.just(Action.ask_destination()),
        st.just(Action.transfer(1)),
        st.just(Action.hang_up()),
    )
    others = {str(step): Action.goto(name) for step, name in enumerate(names)}
    keys = st.dictionaries(st.sampled_from("456789*#"), actions, min_size=1, max_size=5)
    questions = [Question(names[0], say("Hello."), Keys({**draw(keys), **others, "#": draw(actions)}))]
    for name in names[1:]:
        expected = st.one_of(
            keys.map(lambda pressed: Keys({**pressed, "1": CONNECT})),
            st.builds(Pin, then),
            st.just(Destination()),
            st.builds(Digits, st.integers(1, 5), then),
        )
        questions.append(Question(name, say(name), draw(expected), repeats=draw(st.integers(0, 3))))
    return Menu(names[0], tuple(questions))


@given(ANY_MENUS)
def test_no_menu_is_too_odd_to_be_checked(menu: Menu) -> None:
    for problem in problems_of(menu):
        assert problem.sentence
        assert problem.question in {"", *(question.name for question in menu.questions)}
    assert unpaid_connection({1: menu}, 1) is None or menu.questions
    assert only_transfers({1: menu}, 1) in (True, False)


@given(right_menus(), INPUTS)
def test_a_menu_without_problems_always_comes_to_an_end(menu: Menu, inputs: list[str]) -> None:
    assume(not problems_of(menu))
    assert read_menu(write_menu(menu)) == menu
    longest = max(question.repeats for question in menu.questions)
    trial = listen(menu, inputs, menus={1: menu})
    assert trial.has_ended or trial.question is not None
    assert trial.has_ended or trial.lines
    ended = listen(menu, [*inputs, *[SILENCE] * (max(longest, 2) + 2)], menus={1: menu})
    assert ended.has_ended
    assert ended.lines[: len(trial.lines)] == trial.lines
