"""Telephone numbers: read once into E.164, then only compared, masked and shown.

A number is read at the door and the same string is rated, checked against the rules and dialled, so that no
second reading can land in another country. Whether a number is in service is nobody's business here: ranges
reserved for tests and fiction read like any other.

>>> parse_number("+44 (0)20 7946 0000")
'+442079460000'
>>> parse_number("0046 70 174 06 05")
'+46701740605'
>>> from_digits("46701740605")
'+46701740605'
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

import phonenumbers
from phonenumbers import CountryCodeSource, NumberParseException, PhoneNumber, PhoneNumberFormat, ValidationResult

MOST_CHARACTERS = 64
VISIBLE_DIGITS = 3

# What people write between digits: blanks that can be seen, dots, brackets and every kind of hyphen.
_SEPARATORS = dict.fromkeys(map(ord, " \u00a0\u2009\u202f.()-\u2010\u2011\u2012\u2013"))
_PLUS_SIGNS = {ord("\uff0b"): "+"}
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_DIALLED = re.compile(r"\+?[0-9]+")
_DIGITS = re.compile(r"[0-9]+")


class NumberUnreadable(ValueError):
    """The text is not one telephone number. Its sentence never repeats the text."""


def parse_number(text: str, home_country: str | None = None) -> str:
    """The number as a plus and 7 to 15 digits, from whatever a person or an app may write.

    Read: `+` or `00` and the country code, `tel:`, blanks, dots, brackets, hyphens, and the decimal digits of
    every script. With `home_country` (two letters, ISO 3166) also that country's national and international
    dialling. Refused with NumberUnreadable: letters, extensions, `;` parameters, `#`, `*`, pauses, invisible
    characters, short codes, and digits that could belong to any country.
    """
    return _parse(text, home_country)


def from_digits(text: str) -> str:
    """The number that a network writes without its plus, country code first: `46701740605`.

    For networks only. A person who dials digits may mean the same or a local number, see `parse_number`.
    """
    if not _DIGITS.fullmatch(text):
        raise NumberUnreadable("The number is not written in digits alone.")
    return _parse(f"+{text}", None)


def mask(number: str) -> str:
    """The number with all but its last three digits hidden, for logs.

    >>> mask("+46701740605")
    '+********605'
    """
    digits = number.removeprefix("+")
    hidden = max(len(digits) - VISIBLE_DIGITS, VISIBLE_DIGITS)
    return "+" + "*" * hidden + digits[hidden:]


def prefixes(number: str) -> list[str]:
    """Every leading part of the number's digits, longest first, as rates and rules are looked up.

    >>> prefixes("+4670")
    ['4670', '467', '46', '4']
    """
    digits = number.removeprefix("+")
    return [digits[:length] for length in range(len(digits), 0, -1)]


def display(number: str) -> str:
    """The number as people like to read it; as it is when it cannot be read.

    >>> display("+46701740605")
    '+46 70 174 06 05'
    """
    try:
        return phonenumbers.format_number(phonenumbers.parse(number), PhoneNumberFormat.INTERNATIONAL)
    except NumberParseException:
        return number


def country_of(number: str) -> str | None:
    """The country whose way of dialling a number follows, as two letters: the first of those that share its code.

    None when no country has such a number.

    >>> country_of("+46701740605")
    'SE'
    """
    try:
        country = phonenumbers.region_code_for_country_code(phonenumbers.parse(number).country_code or 0)
    except NumberParseException:
        return None
    return None if country in ("ZZ", "001") else country


def countries_of(number: str) -> tuple[str, ...]:
    """The countries the number may be in, as two letters each: one where its digits tell, else all with its code.

    Empty for a number that belongs to no country, such as a satellite phone's.

    >>> countries_of("+14165550123"), countries_of("+447700900123"), countries_of("+88299555010")
    (('CA',), ('GB', 'GG', 'IM', 'JE'), ())
    """
    try:
        parsed = phonenumbers.parse(number)
    except NumberParseException:
        return ()
    country = phonenumbers.region_code_for_number(parsed)
    found = (country,) if country else phonenumbers.region_codes_for_country_code(parsed.country_code or 0)
    return tuple(code for code in found if code not in ("ZZ", "001"))


@lru_cache(maxsize=4096)
def _parse(text: str, home_country: str | None) -> str:
    bare = _bare(text)
    number = _e164(_read(bare, home_country))
    # A national prefix behind the country code is dropped above, or +46 0 70 would be rated as another place
    # than +46 70. What could be shortened a second time has no single reading.
    if number != bare and _e164(_read(number, None)) != number:
        raise NumberUnreadable("The number can be read in more than one way.")
    return number


def _bare(text: str) -> str:
    """The text as an optional plus and ASCII digits, nothing else."""
    if len(text) > MOST_CHARACTERS:
        raise NumberUnreadable(f"A number has at most {MOST_CHARACTERS} characters.")
    without_scheme = re.sub(r"^ *tel:", "", text, flags=re.ASCII | re.IGNORECASE)
    bare = "".join(map(_ascii_digit, without_scheme.translate(_SEPARATORS).translate(_PLUS_SIGNS)))
    if not bare:
        raise NumberUnreadable("There is no number.")
    if not _DIALLED.fullmatch(bare):
        raise NumberUnreadable("A number has only digits, blanks, dots, brackets and hyphens after its plus.")
    return bare


def _ascii_digit(character: str) -> str:
    return str(unicodedata.decimal(character)) if character.isdecimal() else character


def _read(bare: str, home_country: str | None) -> PhoneNumber:
    try:
        if bare.startswith("+"):
            return phonenumbers.parse(bare)
        if home_country is not None:
            number = phonenumbers.parse(bare, home_country.upper(), keep_raw_input=True)
            international = number.country_code_source == CountryCodeSource.FROM_NUMBER_WITH_IDD
            # Countries that dial abroad with other digits (US 011, AU 0011) still see 00 written everywhere.
            if international:
                return number
            if not bare.startswith("00"):
                return _as_long_as_there(number)
        if bare.startswith("00"):
            return phonenumbers.parse(f"+{bare[2:]}")
    except NumberParseException as unreadable:
        raise NumberUnreadable("No country has a number like this.") from unreadable
    raise NumberUnreadable("Begin the number with + and the country code.")


def _as_long_as_there(number: PhoneNumber) -> PhoneNumber:
    """A national number, unless it is too short or too long for its country: a short code is no number abroad."""
    if phonenumbers.is_possible_number_with_reason(number) != ValidationResult.IS_POSSIBLE:
        raise NumberUnreadable("The number is too short or too long: begin it with + and the country code.")
    return number


def _e164(number: PhoneNumber) -> str:
    formatted = phonenumbers.format_number(number, PhoneNumberFormat.E164)
    if not _E164.fullmatch(formatted):
        raise NumberUnreadable("A number has 7 to 15 digits with its country code.")
    return formatted
