"""A question of ours as a menu that Sinch plays."""

from __future__ import annotations

from telephony.decisions import Ask
from telephony.menus import Action, Destination, Digits, Keys, Pin, Question, Sound, say
from telephony.providers.sinch.menus import run_menu
from telephony.providers.sinch.speech import instructions, one_prompt, speakable, spoken_characters
from telephony.providers.sinch.svaml import Goto, Menu, Option, PlayFiles, Return, Say

JINGLE = Sound("https://sounds.example.com/jingle.wav")


def keys(name: str, text: str = "Press.", **actions: Action) -> Question:
    return Question(name, say(text), Keys({key.removeprefix("k"): action for key, action in actions.items()}))


def test_the_first_question_goes_to_sinch_as_main() -> None:
    ask = Ask(questions=(keys("welcome", k1=Action.goto("more")), keys("more", k9=Action.goto("welcome"))))
    assert run_menu(ask).main_menu == "main"
    assert [menu.id for menu in run_menu(ask).menus] == ["main", "more"]
    assert run_menu(ask).menus[1].options == (Option("9", Goto("main")),)


def test_a_key_that_does_something_returns_itself() -> None:
    (menu,) = run_menu(Ask(questions=(keys("welcome", k2=Action.speak_balance(), k0=Action.hang_up()),))).menus
    assert menu.options == (Option("2", Return("2")), Option("0", Return("0")))


def test_a_question_is_played_as_it_was_written() -> None:
    question = Question(
        "welcome",
        (JINGLE, *say("For sales, press 1.")),
        Keys({"1": Action.hang_up()}),
        repeat_prompt=say("Press 1."),
        repeats=3,
        wait_seconds=9,
    )
    assert run_menu(Ask(questions=(question,), locale="en-GB")).locale == "en-GB"
    assert run_menu(Ask(questions=(question,))).menus == (
        Menu(
            "main",
            "#href[https://sounds.example.com/jingle.wav];#tts[For sales, press 1.]",
            repeat_prompt="#tts[Press 1.]",
            repeats=3,
            timeout_mills=9_000,
            options=(Option("1", Return("1")),),
        ),
    )


def test_a_number_is_as_long_as_its_question_takes() -> None:
    questions = [
        Question("pin", say("PIN?"), Pin()),
        Question("number", say("Number?"), Destination()),
        Question("card", say("Card?"), Digits(most=7)),
    ]
    assert [run_menu(Ask(questions=(question,))).menus[0].max_digits for question in questions] == [22, 20, 7]


def test_what_sinch_would_not_speak_in_one_reply_is_asked_later() -> None:
    first = keys("first", "a" * 500, k1=Action.goto("second"), k2=Action.goto("third"))
    second, third = keys("second", "b" * 400, k0=Action.hang_up()), keys("third", "c" * 101, k0=Action.hang_up())
    menus = run_menu(Ask(questions=(first, second, third))).menus
    assert [menu.id for menu in menus] == ["main", "second"]
    assert menus[0].options == (Option("1", Goto("second")), Option("2", Return("2")))


def test_what_is_said_before_counts_too() -> None:
    first, second = keys("first", "a" * 500, k1=Action.goto("second")), keys("second", "b" * 400, k0=Action.hang_up())
    assert len(run_menu(Ask(questions=(first, second))).menus) == 2
    assert len(run_menu(Ask(questions=(first, second), say=say("c" * 101))).menus) == 1


def test_a_prompt_is_played_in_the_order_written() -> None:
    prompt = (*say("Welcome."), JINGLE, *say("Goodbye."))
    assert instructions(prompt, "en-GB") == (
        Say("Welcome.", "en-GB"),
        PlayFiles(("#href[https://sounds.example.com/jingle.wav]",), "en-GB"),
        Say("Goodbye.", "en-GB"),
    )
    assert spoken_characters(prompt) == 16


def test_what_would_end_a_prompt_early_is_not_spoken() -> None:
    assert speakable("One; two [three]\x00 ") == "One, two  three"
    assert one_prompt(say("a];#href[http://evil.example/x.wav")) == "#tts[a ,#href http://evil.example/x.wav]"
    assert one_prompt(say(" ];[ ")) == "#tts[,]"
    assert instructions(say("\x00"), "en-US") == ()
