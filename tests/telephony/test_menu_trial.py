"""A menu tried at a desk says and does what a call would."""

from __future__ import annotations

import pytest

from telephony.menu_play import MOST_ANSWERS
from telephony.menu_trial import HANG_UP, SILENCE, Trial, Who, listen
from telephony.menus import Action, Destination, Digits, Keys, Menu, Pin, Prompt, Question, Sound, Spoken, say

A_NUMBER = "+442079460101"
WRONG = "Sorry, that is not possible here."
ASK_PIN = "Please enter your PIN, then press the hash key."
ASK_NUMBER = "Please enter the number you wish to call, then press the hash key."
UNREADABLE = "This number is not valid. Please check it and dial again."
GOODBYE = "Goodbye."
THANKS = "Thank you. Goodbye."
TALK = "You can talk for 42 minutes."
BALANCE = "You have 4.20 US dollars."
HELLO = say("Hello.")
SHOP = Question("shop", say("Shop."), Keys({"0": Action.goto("welcome"), "1": Action.connect(A_NUMBER)}))


def menu_of(*others: Question, prompt: Prompt = HELLO, **keys: Action) -> Menu:
    """A menu with these keys, `k1=…`, in its first question."""
    actions = {key.removeprefix("k"): action for key, action in keys.items()}
    return Menu("welcome", (Question("welcome", prompt, Keys(actions)), *others))


def heard(trial: Trial) -> list[str]:
    return [line.text for line in trial.lines if line.who is Who.MENU]


def noted(trial: Trial) -> list[str]:
    return [line.text for line in trial.lines if line.who is Who.NOTE]


KEYS = menu_of(
    SHOP,
    Question("number", say("Number?"), Digits(3, "shop")),
    Question("last", say("Last?"), Digits(3)),
    Question("pin", say("PIN?"), Pin("shop")),
    Question("proof", say("Proof?"), Pin()),
    Question("call", say("Call whom?"), Destination()),
    k1=Action.goto("shop"),
    k2=Action.speak_balance("shop"),
    k3=Action.ask_pin(prompt=say("Secret?")),
    k4=Action.ask_destination(say("Whom?")),
    k5=Action.give_back("sales", "shop"),
    k6=Action.give_back("done"),
    k7=Action.hang_up(),
    k8=Action.hang_up(say("So long.")),
    k9=Action.connect(A_NUMBER),
)


@pytest.mark.parametrize(
    ("menu", "inputs", "said", "note"),
    [
        (KEYS, "1", ["Shop."], None),
        (KEYS, "10", ["Shop.", "Hello."], None),
        (KEYS, "11", ["Shop.", TALK], "+44 20 7946 0101 rings."),
        (KEYS, "21234#", [ASK_PIN, BALANCE, "Shop."], None),
        (KEYS, "21234#02", [ASK_PIN, BALANCE, "Shop.", "Hello.", BALANCE, "Shop."], None),
        (KEYS, "31234#", ["Secret?", THANKS], "The call ends."),
        (KEYS, "41234#00442079460101#", [ASK_PIN, "Whom?", TALK], "+44 20 7946 0101 rings."),
        (KEYS, "4" + "1" * 22, [ASK_PIN, "Whom?"], None),
        (KEYS, "5", ["Shop."], None),
        (KEYS, "6", [THANKS], "The call ends."),
        (KEYS, "7", [GOODBYE], "The call ends."),
        (KEYS, "8", ["So long."], "The call ends."),
        (KEYS, "9", [TALK], "+44 20 7946 0101 rings."),
        (KEYS, "*", [WRONG, "Hello."], None),
        (KEYS, "***", [WRONG, "Hello.", WRONG, "Hello.", WRONG, GOODBYE], "The call ends."),
        (KEYS, "**5***", [WRONG, "Hello."] * 2 + ["Shop."] + [WRONG, "Shop."] * 2 + [WRONG, GOODBYE], "The call ends."),
        (KEYS, "*1*0*", [WRONG, "Hello.", "Shop.", WRONG, "Shop.", "Hello.", WRONG, GOODBYE], "The call ends."),
        (menu_of(Question("call", say("Call whom?"), Destination()), k1=Action.goto("call")), "**1*#",
         [WRONG, "Hello.", WRONG, "Hello.", ASK_PIN, WRONG, ASK_PIN], None),
        (KEYS, "21#2#1234#", [ASK_PIN, "This PIN is not right.", ASK_PIN, "This PIN is not right.", ASK_PIN, BALANCE,
                              "Shop."], None),
        (KEYS, "21#2#3#", [ASK_PIN, "This PIN is not right.", ASK_PIN, "This PIN is not right.", ASK_PIN,
                           "This PIN is not right. Goodbye."], "The call ends."),
        (KEYS, "2*#", [ASK_PIN, WRONG, ASK_PIN], None),
        (KEYS, "41234#12#", [ASK_PIN, "Whom?", UNREADABLE, "Whom?"], None),
        (KEYS, "41234#1#1#1#", [ASK_PIN, "Whom?", UNREADABLE, "Whom?", UNREADABLE, "Whom?", UNREADABLE, GOODBYE],
         "The call ends."),
        (menu_of(k1=Action.connect_account(7)), "1", [TALK], "The account's own number rings."),
        (menu_of(k1=Action.transfer(9)), "1", [GOODBYE], "The call ends."),
        (menu_of(k1=Action.transfer(7)), "1", ["Other."], None),
        (menu_of(k1=Action.transfer(7)), "11", ["Other.", GOODBYE], "The call ends."),
        (menu_of(k1=Action.ask_destination()), "11234#", [ASK_PIN, ASK_NUMBER], None),
    ],
)  # fmt: skip
def test_every_key_does_in_a_trial_what_it_does_in_a_call(
    menu: Menu, inputs: str, said: list[str], note: str | None
) -> None:
    other = Menu("start", (Question("start", say("Other."), Keys({"1": Action.hang_up()})),))
    trial = listen(menu, [inputs], menus={7: other})
    assert heard(trial) == ["Hello.", *said]
    assert noted(trial) == ([note] if note else [])
    assert trial.has_ended is bool(note)


def asking(question: Question) -> Menu:
    return Menu(question.name, (question, SHOP, Question("welcome", say("Hello."), Keys({"1": Action.hang_up()}))))


@pytest.mark.parametrize(
    ("expects", "inputs", "said", "kept"),
    [
        (Digits(3, "shop"), "123", ["Shop."], [("ask", "123")]),
        (Digits(3, "shop"), "12#", ["Shop."], [("ask", "12")]),
        (Digits(3), "12#", [THANKS], [("ask", "12")]),
        (Digits(3), "#", [WRONG, "Ask."], []),
        (Digits(3), "1*3", [WRONG, "Ask."], []),
        (Pin("shop"), "1234#", ["Shop."], []),
        (Pin(), "1234#", [THANKS], []),
        (Keys({"5": Action.give_back("x", "shop")}), "5", ["Shop."], [("ask", "x")]),
    ],
)
def test_digits_are_complete_at_their_number_or_at_the_hash_key(
    expects: Digits | Pin | Keys, inputs: str, said: list[str], kept: list[tuple[str, str]]
) -> None:
    trial = listen(asking(Question("ask", say("Ask."), expects)), inputs)
    assert heard(trial) == ["Ask.", *said]
    assert list(trial.kept) == kept


def test_a_destination_is_asked_for_only_after_the_pin() -> None:
    trial = listen(asking(Question("ask", say("Whom?"), Destination())), ["1234#", "00442079460101#"])
    assert heard(trial) == [ASK_PIN, "Whom?", TALK]


def test_digits_without_more_coming_are_complete() -> None:
    trial = listen(asking(Question("ask", say("Ask."), Digits(5))), ["12", SILENCE])
    assert trial.kept == (("ask", "12"),)


def test_half_typed_digits_are_shown() -> None:
    assert listen(asking(Question("ask", say("Ask."), Digits(5))), ["12"]).typed == "12"


def test_a_silent_caller_hears_the_prompt_again_and_then_goodbye() -> None:
    question = Question("welcome", say("Hello."), Keys({"1": Action.hang_up()}), say("Still there?"), repeats=2)
    trial = listen(Menu("welcome", (question,)), [SILENCE] * 3)
    assert heard(trial) == ["Hello.", "Still there?", "Still there?", GOODBYE]
    assert trial.has_ended


def test_a_prompt_without_a_second_version_is_repeated_as_it_is() -> None:
    assert heard(listen(menu_of(k1=Action.hang_up()), [SILENCE])) == ["Hello.", "Hello."]


def test_a_key_ends_the_silence_before_it() -> None:
    trial = listen(menu_of(k1=Action.goto("welcome")), [SILENCE, SILENCE, "1", SILENCE, SILENCE])
    assert not trial.has_ended
    assert listen(menu_of(k1=Action.goto("welcome")), [SILENCE, SILENCE, "1", SILENCE, SILENCE, SILENCE]).has_ended


def test_the_pin_is_asked_for_once() -> None:
    menu = menu_of(k1=Action.speak_balance("welcome"), k2=Action.ask_pin("welcome"))
    assert heard(listen(menu, "11234#12")) == ["Hello.", ASK_PIN, BALANCE, "Hello.", BALANCE, "Hello.", "Hello."]


def test_a_caller_who_hangs_up_hears_nothing_more() -> None:
    trial = listen(menu_of(k1=Action.hang_up()), [HANG_UP, "1", SILENCE])
    assert heard(trial) == ["Hello."]
    assert noted(trial) == ["The caller hangs up."]


def test_nobody_stays_in_a_menu_for_ever() -> None:
    menu = menu_of(k1=Action.give_back("x", "welcome"))
    assert not listen(menu, "1" * MOST_ANSWERS).has_ended
    assert heard(listen(menu, "1" * (MOST_ANSWERS + 1)))[-1] == GOODBYE


def test_a_menu_speaks_its_own_language_and_the_currency_of_its_account() -> None:
    menu = Menu("welcome", menu_of(k1=Action.speak_balance()).questions, "es-ES")
    assert heard(listen(menu, "*11234#", currency="EUR"))[1:] == [
        "Lo sentimos, eso no es posible aquí.",
        "Hello.",
        "Introduzca su código y pulse almohadilla.",
        "Tiene 4.20 euros.",
        "Gracias. Adiós.",
    ]


def test_a_number_can_be_dialled_as_at_home() -> None:
    menu = menu_of(k1=Action.ask_destination())
    trial = listen(menu, "11234#02079460101#", home_country="GB")
    assert noted(trial) == ["+44 20 7946 0101 rings."]


def test_sounds_are_written_with_a_note() -> None:
    menu = menu_of(prompt=(Spoken("Hello."), Sound("https://example.com/a.mp3")), k1=Action.hang_up())
    assert heard(listen(menu, [])) == ["Hello.", "♪ https://example.com/a.mp3"]


@pytest.mark.parametrize(
    ("inputs", "sentence"),
    [
        ("", "Press 1, 2, 3, 4, 5, 6, 7, 8 or 9."),
        ("2", "Enter a PIN, any 4 to 12 digits, then #."),
        ("41234#", "Enter a number, such as 00442079460101, then #."),
        ("9", "The call has ended."),
        ("1", "Press 1 or 0."),
    ],
)
def test_a_trial_says_what_may_come_next(inputs: str, sentence: str) -> None:
    assert listen(KEYS, inputs).expected == sentence


def test_a_trial_says_how_many_digits_may_come() -> None:
    assert listen(asking(Question("ask", say("Ask."), Digits(5))), "").expected == "Enter up to 5 digits, then #."


def test_each_line_knows_its_question() -> None:
    assert [(line.who, line.question) for line in listen(KEYS, "1").lines] == [
        (Who.MENU, "welcome"),
        (Who.CALLER, "welcome"),
        (Who.MENU, "shop"),
    ]
