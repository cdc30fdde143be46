"""How many parts a text is sent in: 160 septets of GSM 03.38 or 70 units of UTF-16 in one, 153 or 67 in each of more.

What takes two units, such as the euro sign or an emoji, is never cut in half.
"""

from __future__ import annotations

from typing import Literal

# GSM 03.38 in the order of its codes, without the escape.
_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED = frozenset("\f^{}\\[~]|€")

Encoding = Literal["GSM", "UNICODE"]


def encoding(text: str) -> Encoding:
    """GSM when every character is in its alphabet."""
    return "GSM" if all(each in _BASIC or each in _EXTENDED for each in text) else "UNICODE"


def parts(text: str) -> int:
    """How many parts are sent, and paid for; an empty text is one."""
    gsm = encoding(text) == "GSM"
    whole, each = (160, 153) if gsm else (70, 67)
    sizes = [(2 if char in _EXTENDED else 1) if gsm else (2 if ord(char) > 0xFFFF else 1) for char in text]
    if sum(sizes) <= whole:
        return 1
    count, room = 1, each
    for size in sizes:
        if size > room:
            count, room = count + 1, each
        room -= size
    return count
