"""What an app is told to dial reaches the destination it stands for, and nothing else gets into it."""

from __future__ import annotations

import re

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st
from phonenumbers import PhoneNumberFormat

from accounts.numbers import country_of, parse_number
from softphone.dial_strings import (
    LONGEST_TEMPLATE,
    CannotBeDialled,
    DialTemplateUnusable,
    check_template,
    destination_digits,
    dial_string,
    says_destination,
)
from telephony.menu_play import LONGEST_DESTINATION

ACCESS = "+442079460000"
DESTINATIONS = ("+12025550123", "+442079460001", "+447700900123", "+46701740605", "+46846500401", "+61491570156")

# A number in every country that has one; it is read and never printed.
EVERYWHERE = {
    country: phonenumbers.format_number(example, PhoneNumberFormat.E164)
    for country in phonenumbers.SUPPORTED_REGIONS
    if (example := phonenumbers.example_number(country)) is not None
}


def test_the_access_number_alone_is_dialled_as_it_is() -> None:
    assert dial_string("access_number", access_number=ACCESS, destination="+46701740605") == ACCESS


def test_the_app_fills_in_its_own_pin_before_the_destination() -> None:
    dialled = dial_string("pin_and_destination", access_number=ACCESS, destination="+46701740605")
    assert dialled == "+442079460000,,%account[x-cth-pin]%#0046701740605#"


def test_a_template_of_ones_own_puts_things_where_it_likes() -> None:
    template = "{access_number};pw%account[userCallerId]%*{destination}##"
    dialled = dial_string("template", template, access_number=ACCESS, destination="+12025550123")
    assert dialled == "+442079460000;pw%account[userCallerId]%*0012025550123##"


@pytest.mark.parametrize(
    ("written", "digits"), [("12345678", "12345678"), ("(020) 7946-0000", "02079460000"), ("+46 8", "00468")]
)
def test_a_template_may_repeat_what_the_user_wrote(written: str, digits: str) -> None:
    numbers = {"access_number": ACCESS, "destination": "+46701740605"}
    assert dial_string("template", "{access_number},{dialled}#", **numbers, dialled=written) == f"{ACCESS},{digits}#"


@pytest.mark.parametrize("written", ["", "*21#", "1;2", "mum", "1" * 21, "\u0661", "{access_number}"])
def test_what_the_user_wrote_goes_nowhere_unless_it_is_digits(written: str) -> None:
    with pytest.raises(CannotBeDialled):
        dial_string(
            "template", "{access_number},{dialled}", access_number=ACCESS, destination="+46701740605", dialled=written
        )


def test_where_tones_say_the_destination_nothing_has_to_be_remembered() -> None:
    assert says_destination("pin_and_destination")
    assert says_destination("template", "{access_number},{dialled}")
    assert not says_destination("template", "{access_number},1")
    assert not says_destination("access_number", "{access_number},{destination}")


@pytest.mark.parametrize("destination", DESTINATIONS)
def test_behind_an_access_number_of_any_country_the_digits_are_read_as_the_destination(destination: str) -> None:
    for access_number in EVERYWHERE.values():
        digits = destination_digits(destination, access_number)
        assert parse_number(digits, country_of(access_number)) == destination
        assert digits.isdecimal()
        assert len(digits) <= LONGEST_DESTINATION


def test_a_number_of_any_country_can_be_reached_where_00_is_only_the_beginning_of_the_way_abroad() -> None:
    for access_number in (EVERYWHERE["SG"], EVERYWHERE["KR"], EVERYWHERE["BR"], EVERYWHERE["HK"], ACCESS):
        for destination in EVERYWHERE.values():
            assert (
                parse_number(destination_digits(destination, access_number), country_of(access_number)) == destination
            )


def test_what_no_keys_can_say_is_refused_instead_of_dialling_something_else() -> None:
    with pytest.raises(CannotBeDialled, match="cannot be entered with keys"):
        destination_digits("+0", ACCESS)


@pytest.mark.parametrize(
    ("template", "sentence"),
    [
        ("", "dials {access_number} somewhere"),
        ("{destination}", "dials {access_number} somewhere"),
        ("{access_number}{target}", "The places of a dial template are"),
        ("{access_number}{}", "The places of a dial template are"),
        ("{access_number},,{0.__class__}", "has only 0-9"),
        ("{access_number} 1", "has only 0-9"),
        ("{access_number}\n", "has only 0-9"),
        ("tel:{access_number}", "has only 0-9"),
        ("{access_number}<b>", "has only 0-9"),
        ("{access_number}\u0661", "has only 0-9"),
        ("{access_number}%account[]%", "has only 0-9"),
        ("{access_number}%account[x", "has only 0-9"),
        ("{access_number}%account[a b]%", "has only 0-9"),
        ("{access_number}%installid%", "has only 0-9"),
        ("{access_number}%sha1(%account[password]%)%", "has only 0-9"),
        ("{access_number}" + "1" * LONGEST_TEMPLATE, "at most 200 characters"),
    ],
)
def test_a_template_that_could_dial_something_else_is_refused_with_one_sentence(template: str, sentence: str) -> None:
    with pytest.raises(DialTemplateUnusable) as refused:
        check_template(template)
    assert sentence in str(refused.value)
    with pytest.raises(DialTemplateUnusable):
        dial_string("template", template, access_number=ACCESS, destination="+46701740605")


@given(st.text(max_size=40))
def test_whatever_is_typed_into_a_template_only_what_a_telephone_dials_comes_out(text: str) -> None:
    try:
        dialled = dial_string("template", "{access_number}" + text, access_number=ACCESS, destination="+46701740605")
    except DialTemplateUnusable:
        return
    assert re.fullmatch(r"[0-9+*#,;pw]+", re.sub(r"%account\[[A-Za-z][A-Za-z0-9_-]*\]%", "", dialled))
