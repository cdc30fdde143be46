"""A telephone number is read once, in one way, and cannot change its country afterwards."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from accounts.numbers import NumberUnreadable, countries_of, display, from_digits, mask, parse_number, prefixes

LONDON = "+442079460000"
MOBILE = "+447700900123"
STOCKHOLM = "+46701740605"
NEW_YORK = "+12025550123"

READABLE = [
    ("+442079460000", LONDON),
    (" +442079460000 ", LONDON),
    ("+44 20 7946 0000", LONDON),
    ("+44-20-7946-0000", LONDON),
    ("+44.20.7946.0000", LONDON),
    ("+44 (20) 7946 0000", LONDON),
    ("+44 (0)20 7946 0000", LONDON),
    ("+4402079460000", LONDON),
    ("(+44) 20 7946 0000", LONDON),
    ("+ 44 20 7946 0000", LONDON),
    ("+44\u00a020\u00a07946\u00a00000", LONDON),
    ("+44\u202f20\u202f7946\u202f0000", LONDON),
    ("+44\u200920\u20097946\u20090000", LONDON),
    ("+44\u201020\u20117946\u20130000", LONDON),
    ("+44\u201220 7946 0000", LONDON),
    ("\uff0b442079460000", LONDON),
    ("\uff0b\uff14\uff14\uff12\uff10\uff17\uff19\uff14\uff16\uff10\uff10\uff10\uff10", LONDON),
    ("+٤٤٢٠٧٩٤٦٠٠٠٠", LONDON),
    ("+۴۴۲۰۷۹۴۶۰۰۰۰", LONDON),
    ("+४४२०७९४६००००", LONDON),
    ("+๔๔๒๐๗๙๔๖๐๐๐๐", LONDON),
    ("+4٤20۷946००00", LONDON),
    ("+𝟒𝟒2079460000", LONDON),
    ("tel:+442079460000", LONDON),
    ("TEL:+44-20-7946-0000", LONDON),
    (" tel:+442079460000", LONDON),
    ("tel: +442079460000", LONDON),
    ("00442079460000", LONDON),
    ("00 44 20 7946 0000", LONDON),
    ("0044(0)2079460000", LONDON),
    ("tel:00442079460000", LONDON),
    ("٠٠442079460000", LONDON),
    ("+447700900123", MOBILE),
    ("+44 07700 900123", MOBILE),
    ("+46701740605", STOCKHOLM),
    ("+46 (0)70-174 06 05", STOCKHOLM),
    ("+460701740605", STOCKHOLM),
    ("0046701740605", STOCKHOLM),
    ("+12025550123", NEW_YORK),
    ("+1 (202) 555-0123", NEW_YORK),
    ("+1.202.555.0123", NEW_YORK),
    ("+112025550123", NEW_YORK),
    ("0012025550123", NEW_YORK),
    ("+61491570156", "+61491570156"),
    ("+610491570156", "+61491570156"),
    ("+390612345678", "+390612345678"),
    ("+39 06 1234 5678", "+390612345678"),
    ("+3906123", "+3906123"),
    ("+46123456", "+46123456"),
    ("+4612345", "+4612345"),
    ("+44123456789012", "+44123456789012"),
    ("+491234567890123", "+491234567890123"),
    ("+870773111632", "+870773111632"),
    ("+881612345678", "+881612345678"),
    ("+882123456789", "+882123456789"),
    ("+883510012345678", "+883510012345678"),
    ("+979123456789", "+979123456789"),
    ("+80012345678", "+80012345678"),
    ("+19005550123", "+19005550123"),
    ("+18095550123", "+18095550123"),
    ("+18765550123", "+18765550123"),
]

AT_HOME = [
    ("0701740605", "SE", STOCKHOLM),
    ("070-174 06 05", "se", STOCKHOLM),
    ("46701740605", "SE", STOCKHOLM),
    ("+46701740605", "US", STOCKHOLM),
    ("0046701740605", "SE", STOCKHOLM),
    ("01146701740605", "US", STOCKHOLM),
    ("011 46 70 174 06 05", "US", STOCKHOLM),
    ("0046701740605", "US", STOCKHOLM),
    ("001146701740605", "AU", STOCKHOLM),
    ("020 7946 0000", "GB", LONDON),
    ("202-555-0123", "US", NEW_YORK),
    ("1 202 555 0123", "US", NEW_YORK),
    ("0491 570 156", "AU", "+61491570156"),
    ("06 1234 5678", "IT", "+390612345678"),
    ("٠٧٠١٧٤٠٦٠٥", "SE", STOCKHOLM),
]

UNREADABLE = [
    "",
    " ",
    "+",
    "++",
    "-",
    "()",
    "tel:",
    "tel:tel:+442079460000",
    "++442079460000",
    "+44+2079460000",
    "442079460000+",
    "442079460000",
    "46701740605",
    "2025550123",
    "0701740605",
    "02079460000",
    "011442079460000",
    "0",
    "00",
    "000",
    "0000442079460000",
    "+0442079460000",
    "+00442079460000",
    "+210123456789",
    "+999123456789",
    "112",
    "911",
    "+112",
    "+46112",
    "+4411",
    "+44999",
    "+441234",
    "+4",
    "+44123456789012345",
    "+4412345678901234567890",
    "+1" + "2" * 60,
    "+1" + " " * 64 + "2025550123",
    "+44 20 7946 0000 x9",
    "+44 20 7946 0000 ext. 9",
    "+44 20 7946 0000 ext9",
    "+442079460000;ext=9",
    "tel:+442079460000;ext=9",
    "tel:2079460000;phone-context=+44",
    "tel:+442079460000;phone-context=+1900",
    "tel:+442079460000;isub=1",
    "tel:+442079460000?x=1",
    "tel://+442079460000",
    "sip:+442079460000@example.com",
    "callto:+442079460000",
    "+442079460000@example.com",
    "+442079460000#",
    "+442079460000#9",
    "+442079460000*9",
    "*31#+442079460000",
    "#31#+442079460000",
    "*67 +12025550123",
    "+442079460000,9",
    "+442079460000,,,9",
    "+442079460000w9",
    "+442079460000W9",
    "+442079460000p9",
    "+442079460000P9",
    "+442079460000;9",
    "+442079460000&+19005550123",
    "+442079460000/+19005550123",
    "+442079460000|+19005550123",
    "+442079460000\n+19005550123",
    "+442079460000\r\n",
    "+442079460000\t",
    "\n+442079460000",
    "+44\t2079460000",
    "+442079460000\x00",
    "\x00+442079460000",
    "+44\x002079460000",
    "+44\x1b[31m2079460000",
    "+44\u200b2079460000",
    "+44\u200d2079460000",
    "\u200e+442079460000",
    "\u200f+442079460000",
    "\u202a+442079460000\u202c",
    "\u202e0000649702 44+",
    "\u2066+442079460000\u2069",
    "\ufeff+442079460000",
    "+44\u00ad2079460000",
    "+44\u20602079460000",
    "+44\u21222079460000",
    "+44²2079460000",
    "+44①2079460000",
    "+44½2079460000",
    "+44Ⅳ2079460000",
    "+44二2079460000",
    "+44O2079460000",
    "+44l2079460000",
    "+44e2079460000",
    "+1 800 FLOWERS",
    "+1-202-555-CALL",
    "+44 twenty",
    "\ufe62442079460000",
    "\u207a442079460000",
    "＋",
    "﹢442079460000",
    "٪442079460000",
    "+44_2079460000",
    "+44:2079460000",
    "+44'2079460000",
    '"+442079460000"',
    "<+442079460000>",
    "Alice <+442079460000>",
    "[+442079460000]",
    "{+442079460000}",
    "+44=2079460000",
    "=+442079460000",
    "%2B442079460000",
    "+44%202079460000",
    "\\+442079460000",
    "+44\ud8002079460000",
    "+44\U0001f4de2079460000",
    "+44\u20142079460000",
    "+44\u22122079460000",
    "+44~2079460000",
    "-442079460000",
    "1e12",
    "+1e12",
    "0x442079460000",
    "None",
    "anonymous",
    "private",
    "+4900701234567",
    "+11165198566880",
]


def unreadable(text: str, home_country: str | None = None) -> bool:
    try:
        parse_number(text, home_country)
    except NumberUnreadable:
        return True
    return False


@pytest.mark.parametrize(("text", "number"), READABLE, ids=ascii)
def test_a_number_is_read_however_people_write_it(text: str, number: str) -> None:
    assert parse_number(text) == number
    assert parse_number(number) == number
    assert parse_number(text, "JP") == number


@pytest.mark.parametrize(("text", "home_country", "number"), AT_HOME, ids=ascii)
def test_at_home_a_number_is_read_as_it_is_dialled_there(text: str, home_country: str, number: str) -> None:
    assert parse_number(text, home_country) == number


@pytest.mark.parametrize("text", UNREADABLE, ids=ascii)
def test_what_is_not_plainly_one_number_is_refused_with_a_sentence_that_does_not_repeat_it(text: str) -> None:
    with pytest.raises(NumberUnreadable, match=r"^[A-Z][^.]*\.$") as refused:
        parse_number(text)
    assert len(text) < 4 or text.strip() not in str(refused.value)


@pytest.mark.parametrize("home_country", ["", "XX", "SWE", "1", "\x00"])
def test_a_home_that_does_not_exist_is_no_help(home_country: str) -> None:
    assert unreadable("0701740605", home_country)
    assert parse_number(STOCKHOLM, home_country) == STOCKHOLM


CALLING_CODES = ["1", "7", "20", "27", "33", "39", "44", "46", "49", "52", "54", "61", "81", "86", "234", "354", "995"]

homes = st.none() | st.sampled_from(["SE", "US", "GB", "AU", "IT", "JP", "BR", "MX", "AR", "RU"])
abroad = st.builds(
    "".join,
    st.tuples(
        st.sampled_from(["+", "00", "011", "0011", "tel:+", "+ ", ""]),
        st.sampled_from(CALLING_CODES),
        st.sampled_from(["", " ", " (0)", "0", "00", "-"]),
        st.from_regex(r"\A[0-9]{5,12}\Z"),
    ),
)
dialled = abroad | st.from_regex(r"\A[0-9 ().-]{5,20}\Z")


@settings(max_examples=200)
@given(dialled, homes)
@example("+390612345678", None)
@example("0701740605", "SE")
@example("+9700026635605", None)
@example("+111651985668807", None)
def test_reading_twice_is_reading_once(text: str, home_country: str | None) -> None:
    if unreadable(text, home_country):
        return
    number = parse_number(text, home_country)
    assert number[0] == "+"
    assert 7 <= len(number[1:]) <= 15
    assert number[1:].isascii()
    assert number[1:].isdecimal()
    assert parse_number(number) == number
    assert parse_number(number, home_country) == number
    assert from_digits(number[1:]) == number
    assert parse_number(f"00{number[1:]}") == number


@settings(max_examples=300)
@given(st.sampled_from(CALLING_CODES), st.from_regex(r"\A[0-9]{6,12}\Z"), homes)
def test_a_number_stays_in_the_country_it_was_written_with(code: str, rest: str, home: str | None) -> None:
    for written in (f"+{code}{rest}", f"tel:+{code}-{rest}", f"+{code} ({rest})"):
        if not unreadable(written, home):
            assert parse_number(written, home).startswith(f"+{code}")


@settings(max_examples=300)
@given(st.text(max_size=80), homes)
def test_any_text_is_a_number_or_unreadable(text: str, home_country: str | None) -> None:
    assert unreadable(text, home_country) or parse_number(text, home_country)


@pytest.mark.parametrize("text", ["46701740605", "460701740605"])
def test_a_network_writes_its_numbers_without_a_plus(text: str) -> None:
    assert from_digits(text) == STOCKHOLM


@pytest.mark.parametrize(
    "text", ["", "+46701740605", "46 701740605", "0701740605", "0046701740605", "٤٦٧٠١٧٤٠٦٠٥", "46701740605\n", "112"]
)
def test_anything_but_a_networks_digits_is_refused(text: str) -> None:
    with pytest.raises(NumberUnreadable):
        from_digits(text)


def test_a_masked_number_shows_its_last_three_digits() -> None:
    assert mask(STOCKHOLM) == "+********605"
    assert mask("46701740605") == "+********605"
    assert mask("+123") == "+***"
    assert mask("") == "+***"


@given(st.from_regex(r"\A\+[1-9][0-9]{0,14}\Z"))
def test_a_mask_never_shows_more_than_three_digits(number: str) -> None:
    assert sum(character.isdecimal() for character in mask(number)) <= 3


def test_prefixes_come_longest_first() -> None:
    assert prefixes("+46701") == ["46701", "4670", "467", "46", "4"]
    assert prefixes("") == []


def test_a_number_is_shown_as_people_read_it_and_otherwise_as_it_is() -> None:
    assert display(LONDON) == "+44 20 7946 0000"
    assert display(NEW_YORK) == "+1 202-555-0123"
    assert display("anonymous") == "anonymous"
    assert display("") == ""


@pytest.mark.parametrize(
    ("number", "countries"),
    [
        ("+12025550123", ("US",)),
        ("+14165550123", ("CA",)),
        ("+46701740605", ("SE",)),
        ("+447700900123", ("GB", "GG", "IM", "JE")),
        ("+882161234567", ()),
        ("no number", ()),
    ],
)
def test_a_number_tells_its_country_or_all_that_it_may_be_in(number: str, countries: tuple[str, ...]) -> None:
    assert countries_of(number) == countries
