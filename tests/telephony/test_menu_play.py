"""What a caller's input means."""

from __future__ import annotations

import pytest

from telephony.events import PromptKind
from telephony.menu_play import (
    Broken,
    Chosen,
    Entered,
    Gone,
    Input,
    NotUnderstood,
    Silent,
    longest_input,
    understand,
)
from telephony.menus import Action, Destination, Digits, Expected, Keys, Pin, Question

KEYS = Keys({"1": Action.goto("sales"), "#": Action.hang_up()})


@pytest.mark.parametrize(
    ("expects", "kind", "value", "meant"),
    [
        (KEYS, PromptKind.RETURN, "1", Chosen(Action.goto("sales"))),
        (KEYS, PromptKind.RETURN, "#", Chosen(Action.hang_up())),
        (KEYS, PromptKind.SEQUENCE, "1", Chosen(Action.goto("sales"))),
        (KEYS, PromptKind.RETURN, " 1 ", Chosen(Action.goto("sales"))),
        (KEYS, PromptKind.RETURN, "7", NotUnderstood()),
        (KEYS, PromptKind.RETURN, "11", NotUnderstood()),
        (KEYS, PromptKind.RETURN, "", NotUnderstood()),
        (Pin(), PromptKind.SEQUENCE, "4711", Entered("4711")),
        (Pin(), PromptKind.SEQUENCE, "4711#", Entered("4711")),
        (Pin(), PromptKind.SEQUENCE, "47*1", NotUnderstood()),
        (Pin(), PromptKind.SEQUENCE, "", NotUnderstood()),
        (Pin(), PromptKind.SEQUENCE, "#", NotUnderstood()),
        (Pin(), PromptKind.SEQUENCE, "٤٧١١", NotUnderstood()),
        (Pin(), PromptKind.SEQUENCE, "1" * 22, Entered("1" * 22)),
        (Pin(), PromptKind.SEQUENCE, "1" * 23, NotUnderstood()),
        (Destination(), PromptKind.SEQUENCE, "00442079460101", Entered("00442079460101")),
        (Destination(), PromptKind.SEQUENCE, "0" * 21, NotUnderstood()),
        (Digits(most=4), PromptKind.SEQUENCE, "12345", NotUnderstood()),
        (KEYS, PromptKind.INVALID_INPUT, "7", NotUnderstood()),
        (KEYS, PromptKind.TIMEOUT, "", Silent()),
        (KEYS, PromptKind.HANGUP, "", Gone()),
        (KEYS, PromptKind.ERROR, "1", Broken()),
        (KEYS, PromptKind.OTHER, "1", Broken()),
    ],
)
def test_what_comes_back_from_a_question_means_one_thing(
    expects: Expected, kind: PromptKind, value: str, meant: Input
) -> None:
    assert understand(Question("question", (), expects), kind, value) == meant


@pytest.mark.parametrize(("expects", "most"), [(KEYS, 1), (Pin(), 22), (Destination(), 20), (Digits(most=7), 7)])
def test_every_question_takes_a_bounded_input(expects: Expected, most: int) -> None:
    assert longest_input(Question("question", (), expects)) == most
