"""How a text travels: in which alphabet, and in how many segments. A segment is what is paid for.

A text whose every character is in the GSM 7-bit alphabet has 160 septets in one segment; any other travels as UCS-2
with 70 code units. A longer text is cut into segments of 153 septets or 67 units, because each then says which part
of the text it is. What takes two places, such as `€` or an emoji, is never cut in half.

>>> count("Top up received. Thank you!")
Segmented(encoding='gsm7', units=27, segments=1)
>>> count("€" * 80).segments, count("€" * 81).segments
(1, 2)
>>> count("Ваш баланс")
Segmented(encoding='ucs2', units=10, segments=1)
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

GSM7 = "gsm7"
UCS2 = "ucs2"

# 3GPP TS 23.038, 6.2.1: the default alphabet, and its extension table, where a character is two septets.
_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED = frozenset("\f^{}\\[~]|€")

_ALONE = {GSM7: 160, UCS2: 70}
_TOGETHER = {GSM7: 153, UCS2: 67}

_LAST_OF_ONE_UNIT = "\uffff"


@dataclass(frozen=True)
class Segmented:
    """A text's encoding (`gsm7`, `ucs2`), its length in septets or 16-bit units, and how many segments it takes."""

    encoding: str
    units: int
    segments: int


def count(body: str) -> Segmented:
    """How the text travels. An empty one takes one segment all the same."""
    if all(character in _BASIC or character in _EXTENDED for character in body):
        encoding, widths = GSM7, [1 + (character in _EXTENDED) for character in body]
    else:
        encoding, widths = UCS2, [1 + (character > _LAST_OF_ONE_UNIT) for character in body]
    units = sum(widths)
    segments = 1 if units <= _ALONE[encoding] else _packed(widths, _TOGETHER[encoding])
    return Segmented(encoding, units, segments)


def _packed(widths: Iterable[int], room: int) -> int:
    """How many segments it takes when each has this room and nothing is cut in half."""
    segments, left = 0, 0
    for width in widths:
        if width > left:
            segments, left = segments + 1, room
        left -= width
    return segments
