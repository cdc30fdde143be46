"""What an app is told to dial: digits, pauses, and the names of what the app fills in by itself. Pure.

A dial string goes to a telephone's own dialler, so nothing reaches it that was not put together here.

>>> dial_string("access_number", access_number="+442079460000", destination="+46701740605")
'+442079460000'
>>> dial_string("pin_and_destination", access_number="+442079460000", destination="+46701740605")
'+442079460000,,%account[x-cth-pin]%#0046701740605#'
>>> dial_string("template", "{access_number},,{destination}", access_number="+442079460000", destination="+12025550123")
'+442079460000,,0012025550123'
"""

from __future__ import annotations

import re

from accounts.numbers import NumberUnreadable, country_of, parse_number

PIN_NODE = "x-cth-pin"
WITH_PIN = f"{{access_number}},,%account[{PIN_NODE}]%#{{destination}}#"
LONGEST_TEMPLATE = 200

_PLACES = re.compile(r"\{(\w*)\}")
_NODES = re.compile(r"%account\[[A-Za-z][A-Za-z0-9_-]{0,63}\]%")
_DIALLABLE = re.compile(r"[0-9+*#,;pw]*")
_KNOWN_PLACES = ("access_number", "destination", "dialled")

# Where 00 is only the beginning of the way to dial abroad (Singapore, Korea), one of the others is all of it.
_ABROAD = ("00", "001", "002", "000", "005", "009", "0011", "0014")


class DialTemplateUnusable(ValueError):
    """The template cannot become something to dial. Its sentence says what to change."""


class CannotBeDialled(ValueError):
    """No digits are read as this destination where the access number is."""


def says_destination(form: str, template: str = "") -> bool:
    """Does the app dial the destination as well, or does it dial the access number and nothing else of ours?"""
    used = template if form == "template" else WITH_PIN if form == "pin_and_destination" else ""
    return "{destination}" in used or "{dialled}" in used


def dial_string(form: str, template: str = "", *, access_number: str, destination: str, dialled: str = "") -> str:
    """What the app dials. `form` is a value of `DialForm`; `template` counts for a template of one's own alone.

    Both numbers are in E.164; `dialled` is the destination as its user wrote it. Raises CannotBeDialled, and
    DialTemplateUnusable for a template that was never checked.
    """
    if form == "access_number":
        return access_number
    template = template if form == "template" else WITH_PIN
    check_template(template)
    digits = destination_digits(destination, access_number) if "{destination}" in template else ""
    filled = template.replace("{access_number}", access_number).replace("{destination}", digits)
    return filled.replace("{dialled}", _as_dialled(dialled) if "{dialled}" in template else "")


def _as_dialled(text: str) -> str:
    """The digits that the user wrote, whatever they mean behind the access number; 00 for a plus."""
    digits = re.sub(r"[ .()/-]", "", text)
    digits = f"00{digits[1:]}" if digits.startswith("+") else digits
    if not re.fullmatch(r"[0-9]{1,20}", digits):
        raise CannotBeDialled("This destination cannot be entered with keys as it was written.")
    return digits


def destination_digits(destination: str, access_number: str) -> str:
    """The digits that a menu behind the access number reads as this destination, with nothing to guess.

    A national number is read there as the access number's country dials, so the digits begin with 00 and the country
    code; where 00 alone would be read as something else, with one of that country's own ways to dial abroad.

    >>> destination_digits("+46701740605", "+12025550123")
    '0046701740605'
    """
    home = country_of(access_number)
    for abroad in _ABROAD:
        digits = abroad + destination.removeprefix("+")
        try:
            if parse_number(digits, home) == destination:
                return digits
        except NumberUnreadable:
            continue
    raise CannotBeDialled("Behind this access number the destination cannot be entered with keys.")


def check_template(template: str) -> None:
    """Only what a telephone can dial, our own places and the app's own values. Raises DialTemplateUnusable."""
    if len(template) > LONGEST_TEMPLATE:
        raise DialTemplateUnusable(f"A dial template has at most {LONGEST_TEMPLATE} characters.")
    for place in _PLACES.findall(template):
        if place not in _KNOWN_PLACES:
            raise DialTemplateUnusable(
                "The places of a dial template are {access_number}, {destination} and {dialled}."
            )
    if "{access_number}" not in template:
        raise DialTemplateUnusable("A dial template dials {access_number} somewhere: write it into the template.")
    rest = _NODES.sub("", _PLACES.sub("", template))
    if not _DIALLABLE.fullmatch(rest):
        raise DialTemplateUnusable(
            "A dial template has only 0-9 + * # , ; p w, {access_number}, {destination}, {dialled} and %account[…]%."
        )
