"""A question of ours as commands that Sift follows, and the way a caller's keys come back."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from telephony.decisions import Ask
from telephony.events import Event, Notified, PromptAnswered, PromptKind
from telephony.menu_checks import MOST_PARTS, MOST_REPEATS, problems_of
from telephony.menu_play import Entered, understand
from telephony.menus import KEYS, Action, Destination, Digits, Keys, Menu, Pin, Question, Sound, say
from telephony.providers.base import CannotExpress
from telephony.providers.sift.menus import ask, check_menu
from telephony.providers.sift.render import render
from telephony.providers.sift.steps import Step, asking_after, read_step
from tests.telephony.providers.sift.samples import BASE, CALL_ID, KEY, parsed, prompt, told

INCOMING = parsed("incoming-phone")
JINGLE = Sound("https://sounds.example.com/jingle.wav")
WELCOME = Question("welcome", (JINGLE, *say("For sales, press 1.")), Keys({"1": Action.hang_up()}))


def commands(question: Question, event: Event = INCOMING, **more: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = ask(Ask(questions=(question,), **more), event).wire()["routine"]
    return found


def heard(question: Question, **more: Any) -> list[str]:
    """What the caller hears and does, as words."""
    names = {"Say": "text", "Play": "sound_url", "GetDigits": "name", "HangUp": "name"}
    return [command[names[command["name"]]] for command in commands(question, **more)]


def steps(question: Question, event: Event = INCOMING) -> list[str]:
    asked = [command["on_done"] for command in commands(question, event) if command["name"] == "GetDigits"]
    return [address.removeprefix(f"{BASE}done/").removesuffix("/") for address in asked]


def answer(step: str, digits: str) -> Event:
    return told({"account_id": KEY, "connection_id": CALL_ID, "digits": digits}, f"done/{step}")


def test_a_question_is_asked_and_repeated_while_the_caller_is_silent_and_then_the_call_ends() -> None:
    spoken = "For sales, press 1."
    assert heard(WELCOME) == [JINGLE.url, spoken, "GetDigits"] * 3 + ["HangUp"]
    assert heard(replace(WELCOME, repeats=0)) == [JINGLE.url, spoken, "GetDigits", "HangUp"]


def test_a_repeated_question_has_its_own_words_and_what_is_said_before_is_said_once() -> None:
    question = replace(WELCOME, repeat_prompt=say("Press 1."), repeats=1)
    assert heard(question, say=say("Hello.")) == [
        "Hello.", JINGLE.url, "For sales, press 1.", "GetDigits", "Press 1.", "GetDigits", "HangUp",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("expects", "count"), [(Keys({"1": Action.hang_up()}), 1), (Pin(), 22), (Destination(), 20), (Digits(most=7), 7)]
)
def test_a_number_is_as_long_as_its_question_takes(expects: Any, count: int) -> None:
    question = Question("number", say("Number?"), expects, wait_seconds=9)
    asked = [command for command in commands(question) if command["name"] == "GetDigits"]
    assert {(command["count"], command["timeout_seconds"]) for command in asked} == {(count, 9)}


def test_only_the_first_question_is_played_because_every_key_comes_back() -> None:
    sales = Question("sales", say("Sales."), Keys({"9": Action.hang_up()}))
    assert ask(Ask(questions=(WELCOME, sales)), INCOMING) == ask(Ask(questions=(WELCOME,)), INCOMING)


def test_each_time_a_question_is_played_has_an_address_of_its_own() -> None:
    asking = asking_after(INCOMING)
    assert steps(WELCOME) == [f"welcome.{repetition}.2.{asking}" for repetition in range(3)]


def test_a_caller_who_stays_silent_is_told_of_once_at_the_end() -> None:
    first, second, last = (answer(step, "") for step in steps(WELCOME))
    assert isinstance(first, Notified)
    assert isinstance(second, Notified)
    assert first.step != second.step
    assert isinstance(last, PromptAnswered)
    assert last.prompt_kind is PromptKind.TIMEOUT
    # The reply to news is empty, so that the routine goes on to the repetition.
    assert render(Ask(questions=(WELCOME,)), first).body == b""


def test_a_callback_that_comes_twice_is_one_answer_and_the_same_question_asked_again_is_another() -> None:
    once = answer(steps(WELCOME)[0], "1")
    again = answer(steps(WELCOME)[0], "1")
    assert isinstance(once, PromptAnswered)
    assert (once.step, once.menu_id) == (again.step, "welcome")
    asked_again = {answer(step, "1").step for step in steps(WELCOME, once)}
    assert len(asked_again) == 1
    assert once.step not in asked_again


def test_two_callers_in_the_same_question_have_different_turns() -> None:
    assert asking_after(INCOMING) != asking_after(replace(INCOMING, call_id="another"))
    assert asking_after(prompt("1")) == asking_after(prompt("2"))  # what was pressed is in no address


def test_no_address_of_a_question_can_be_made_to_lead_elsewhere() -> None:
    for name in ("a/b", "a.b", "", "a b", "ä", "a" * 65, "a\n"):
        with pytest.raises(CannotExpress):
            ask(Ask(questions=(replace(WELCOME, name=name),)), INCOMING)


def test_what_was_written_is_read_again() -> None:
    for step in (
        Step("_pin", repetition=9, repeats=9, asking="0" * 16),
        Step("a-1", repetition=0, repeats=0, asking="f" * 16),
    ):
        assert read_step(str(step)) == step


@pytest.mark.parametrize("expects", [Pin(), Destination(), Digits(most=7)])
@pytest.mark.parametrize("end", ["", "#"])
def test_digits_are_the_same_with_the_key_that_ended_them_and_without(expects: Any, end: str) -> None:
    question = Question("number", say("Number?"), expects)
    event = answer(steps(question)[0], f"0472{end}")
    assert isinstance(event, PromptAnswered)
    assert understand(question, event.prompt_kind, event.value) == Entered("0472")


# --- what cannot be played is said when the menu is bound ------------------------------------------------------------


def menu_of(question: Question, locale: str = "en-GB") -> Menu:
    return Menu(start=question.name, questions=(question,), locale=locale)


@pytest.mark.parametrize("locale", ["en-US", "en-GB", "en"])
def test_a_menu_in_english_can_be_played(locale: str) -> None:
    check_menu(menu_of(WELCOME, locale))
    check_menu(menu_of(replace(WELCOME, expects=Pin()), locale))


@pytest.mark.parametrize("question", [WELCOME, Question("sounds", (JINGLE,), Keys({"1": Action.hang_up()}))])
def test_a_menu_in_another_language_cannot_even_if_it_is_all_sounds(question: Question) -> None:
    with pytest.raises(CannotExpress, match=rf"^{question.name}: Sift speaks English only, .* es-ES.*sounds.*\.$"):
        check_menu(menu_of(question, "es-ES"))


@pytest.mark.parametrize(
    "address", ["https://sounds.example.com/a.ogg", "https://sounds.example.com/", "ftp://x/a.wav"]
)
@pytest.mark.parametrize("where", ["prompt", "repeat_prompt", "key"])
def test_a_sound_that_sift_does_not_play_is_named_with_its_question(address: str, where: str) -> None:
    wrong = (*say("Listen."), Sound(address))
    if where == "key":
        question, named = replace(WELCOME, expects=Keys({"1": Action.hang_up(wrong)})), "welcome, key 1: "
    else:
        question, named = replace(WELCOME, **{where: wrong}), "welcome: "
    with pytest.raises(CannotExpress, match=rf"^{named}Sift: .*\.$"):
        check_menu(menu_of(question))


def test_the_key_that_ends_the_input_can_be_no_key_of_a_menu() -> None:
    sales = Question("sales", say("Sales."), Keys({"*": Action.hang_up(), "#": Action.goto("welcome")}))
    with pytest.raises(CannotExpress, match=r"^sales, key #: # ends the input at Sift, .*: choose another\.$"):
        check_menu(Menu(start="welcome", questions=(WELCOME, sales), locale="en-US"))
    others = {key: Action.hang_up() for key in KEYS if key != "#"}
    check_menu(menu_of(replace(WELCOME, expects=Keys(others))))


def test_a_sound_may_have_a_query_and_any_letter_case() -> None:
    check_menu(menu_of(replace(WELCOME, prompt=(Sound("https://sounds.example.com/A.MP3?v=2"),))))


def test_whatever_else_cannot_be_asked_is_named_with_its_question() -> None:
    for impossible in (
        replace(WELCOME, name="no.name"),
        replace(WELCOME, repeats=10),
        replace(WELCOME, repeats=-1),
        replace(WELCOME, wait_seconds=0),
        replace(WELCOME, expects=Digits(most=65)),
        replace(WELCOME, prompt=say("\x07")),
    ):
        with pytest.raises(CannotExpress, match=rf"^{impossible.name}: Sift: .*\.$"):
            check_menu(menu_of(impossible))


def test_a_menu_is_refused_when_its_routine_could_become_too_long_in_the_middle_of_a_call() -> None:
    """Before a question our engine may say something: that a key was wrong, or a balance."""
    question = replace(WELCOME, prompt=say("Listen.") * (MOST_PARTS - 1), repeats=MOST_REPEATS)
    assert problems_of(menu_of(question)) == []
    assert len(heard(question)) == 97
    with pytest.raises(CannotExpress, match=r"^welcome: Sift: a routine takes 1 to 100 commands\.$"):
        check_menu(menu_of(question))
    fitting = replace(question, repeats=MOST_REPEATS - 1)
    check_menu(menu_of(fitting))
    assert heard(fitting, say=say("You have 5.00 US dollars.") * 4).count("GetDigits") == MOST_REPEATS


def test_what_cannot_be_played_does_not_keep_a_running_call_from_its_question() -> None:
    question = replace(WELCOME, prompt=(Sound("https://sounds.example.com/a.ogg"), *say("Press 1.")), repeats=0)
    assert heard(question, say=say("\x07")) == ["Press 1.", "GetDigits", "HangUp"]
