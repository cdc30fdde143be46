"""What a telephone makes of numbers and dial strings."""

import pytest

from sandbox.dialling import NotDialable, cleaned, read_dial_string


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("+1 (202) 555-0123", "+12025550123"),
        ("12345", "12345"),
        ("(+44) 20.7946/0000", "+442079460000"),
        ("020 7946+0000", "02079460000"),
        ("*123#", "*123#"),
        ("", ""),
    ],
)
def test_a_typed_number_loses_its_punctuation(typed, number):
    assert cleaned(typed) == number


def test_tones_are_grouped_by_pauses_and_by_the_key_that_ends_a_number():
    dialled = read_dial_string("+12025550123,,1234#12345678#")

    assert (dialled.number, dialled.groups) == ("+12025550123", ("1234#", "12345678#"))
    assert (dialled.pause_seconds, dialled.waits) == (4, 0)
    assert str(dialled) == "+12025550123,,1234#12345678#"


def test_every_kind_of_pause_separates():
    dialled = read_dial_string("02079460000p1;2w*3#4,#")

    assert dialled.number == "02079460000"
    assert dialled.groups == ("1", "2", "*3#", "4", "#")
    assert (dialled.pause_seconds, dialled.waits) == (4, 2)


def test_an_access_number_alone_has_no_tones():
    dialled = read_dial_string("+12025550100")

    assert (dialled.number, dialled.groups, dialled.pause_seconds) == ("+12025550100", (), 0)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "empty"),
        ("+1202 5550100", "' '"),
        ("+12025550100,,%targetNumber%#", "%targetNumber%"),
        ("tel:+12025550100", "tel:"),
        ("+12025550100,1\n", "'\\n'"),
        ("٣٣٣", "٣"),
        (",,1234#", "begin with a number"),
        ("+", "begin with a number"),
        ("*100#", "begin with a number"),
        ("+12025550100#5", "begin with a number"),
        ("12+34", "begin with a number"),
        ("+12025550100,+1", "no key"),
    ],
)
def test_what_no_telephone_can_dial_is_refused_with_the_reason(text, why):
    with pytest.raises(NotDialable) as refused:
        read_dial_string(text)
    assert why in str(refused.value)
