"""How a text travels, against a count that does it the slow way: really cutting it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telephony.segments import count

BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENDED = "\f^{}\\[~]|€"

characters = st.sampled_from([*BASIC[:20], *EXTENDED, "ç", "ł", "ж", "語", "😀", "🇸"])
bodies = st.one_of(
    st.text(alphabet=st.sampled_from(list(BASIC[:9] + EXTENDED)), max_size=700),
    st.text(alphabet=characters, max_size=700),
)


def slow_count(body: str) -> tuple[str, int, int]:
    """Encode every character, then fill one segment after the other."""
    is_gsm7 = set(body) <= set(BASIC + EXTENDED)
    if is_gsm7:
        pieces = [b"\x1bx" if character in EXTENDED else b"x" for character in body]
        alone, together = 160, 153
    else:
        pieces = [character.encode("utf-16-be")[::2] for character in body]
        alone, together = 70, 67
    units = len(b"".join(pieces))
    if units <= alone:
        return ("gsm7" if is_gsm7 else "ucs2", units, 1)
    cut = [b""]
    for piece in pieces:
        if len(cut[-1]) + len(piece) > together:
            cut.append(b"")
        cut[-1] += piece
    return ("gsm7" if is_gsm7 else "ucs2", units, len(cut))


@settings(max_examples=150, deadline=None)
@given(bodies)
def test_the_count_is_that_of_really_cutting_the_text(body: str) -> None:
    counted = count(body)
    assert (counted.encoding, counted.units, counted.segments) == slow_count(body)


@pytest.mark.parametrize(
    ("body", "encoding", "units", "segments"),
    [
        ("", "gsm7", 0, 1),
        ("a" * 160, "gsm7", 160, 1),
        ("a" * 161, "gsm7", 161, 2),
        ("a" * 306, "gsm7", 306, 2),
        ("a" * 307, "gsm7", 307, 3),
        ("€" * 80, "gsm7", 160, 1),
        ("€" * 81, "gsm7", 162, 2),
        ("ж" * 70, "ucs2", 70, 1),
        ("ж" * 71, "ucs2", 71, 2),
        ("ж" * 134, "ucs2", 134, 2),
        ("ж" * 135, "ucs2", 135, 3),
        ("😀" * 35, "ucs2", 70, 1),
        ("😀" * 36, "ucs2", 72, 2),
        ("ç", "ucs2", 1, 1),
        ("Ç", "gsm7", 1, 1),
        ("\t", "ucs2", 1, 1),
        ("\n\r\f", "gsm7", 4, 1),
    ],
)
def test_the_limits_are_those_of_the_standard(body: str, encoding: str, units: int, segments: int) -> None:
    counted = count(body)
    assert (counted.encoding, counted.units, counted.segments) == (encoding, units, segments)


def test_what_takes_two_places_is_never_cut_in_half() -> None:
    assert count("a" * 152 + "€" + "a" * 151).segments == 2
    assert count("a" * 152 + "€" + "a" * 152).segments == 3  # 306 septets, but the first segment has one to spare
    assert count("ж" * 66 + "😀" + "ж" * 65).segments == 2
    assert count("ж" * 66 + "😀" + "ж" * 66).segments == 3


def test_the_alphabet_is_whole() -> None:
    # 128 places of the table, one of which is the way into the extension.
    assert len(set(BASIC)) == 127
    assert all(count(character).encoding == "gsm7" for character in BASIC + EXTENDED)
    assert sum(count(chr(point)).encoding == "gsm7" for point in range(0xD800)) == 127 + 10
