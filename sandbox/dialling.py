"""What a telephone makes of what it is given to dial: a number, pauses and tones.

A number that a person typed or picked from an address book loses everything but letters, digits, `*`, `#` and a `+`
at its beginning. A dial string is a number, and after the first pause tones; no telephone can dial anything else.

How tones reach whoever listens is decided here. They are cut into groups, at every pause and after every `#`. Each
group answers the next prompt that wants input, whenever that comes: the platform on this desk keeps tones for as long
as the call lasts. What is left when the call has ended was sent to nobody. A group is sent once, so that a wrong PIN is
not sent again, and the question after it gets the next group whatever it asks.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

COMMA_SECONDS = 2

_PUNCTUATION = re.compile(r"[^\w*#+]|_")
_PLUS_INSIDE = re.compile(r"(?<!^)\+")
_DIALABLE = re.compile(r"[0-9+*#,;pw]+")
_NUMBER = re.compile(r"\+?[0-9]+")
_TONES = re.compile(r"[0-9*#]*")
_PAUSE = re.compile(r"[,;pw]")
_GROUP = re.compile(r"[0-9*]*#|[0-9*]+")


class NotDialable(Exception):
    """No telephone can dial it; the message says why, in a sentence."""


@dataclass(frozen=True)
class DialString:
    """A dial string as the telephone reads it.

    number is called. groups is what is pressed after that: the tones between pauses, each up to and with its `#`.
    pause_seconds is how long the telephone waits by itself before and between them; waits says how often it waits for
    the person, which this desk's person never lets it do for long.
    """

    text: str
    number: str
    groups: tuple[str, ...] = ()
    pause_seconds: int = 0
    waits: int = 0

    def __str__(self) -> str:
        return self.text


def cleaned(typed: str) -> str:
    """The number as the app passes it on.

    >>> cleaned("+1 (202) 555-0123")
    '+12025550123'
    """
    return _PLUS_INSIDE.sub("", _PUNCTUATION.sub("", typed))


def read_dial_string(text: str) -> DialString:
    """Take a dial string to pieces: `,` and `p` are a pause of two seconds, `;` and `w` wait for the person.

    Raises NotDialable.

    >>> read_dial_string("+12025550100,,1234#442079460000#").groups
    ('1234#', '442079460000#')
    """
    if not _DIALABLE.fullmatch(text):
        strange = re.sub(r"[0-9+*#,;pw]", "", text)
        raise NotDialable(
            f"a telephone can dial nothing but 0-9 + * # , ; p w: {text!r} has {strange!r}" if text else "it is empty"
        )
    number, *after = _PAUSE.split(text)
    if not _NUMBER.fullmatch(number):
        raise NotDialable(f"{text!r} does not begin with a number to call")
    if not all(_TONES.fullmatch(tones) for tones in after):
        raise NotDialable(f"{text!r} has a + among its tones, which is no key of a telephone")
    return DialString(
        text=text,
        number=number,
        groups=tuple(group for tones in after for group in _GROUP.findall(tones)),
        pause_seconds=COMMA_SECONDS * len(re.findall("[,p]", text)),
        waits=len(re.findall("[;w]", text)),
    )
