"""The same answer in XML, JSON and form, as apps read it."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs
from xml.etree import ElementTree

import pytest

from softphone.answers import Answer, Format, chosen_format, to_xml, write

MESSAGES: dict[str, Any] = {
    "date": "2026-01-05T10:00:00Z",
    "received_smss": [
        {"sms_id": "80", "sender": "+447700900123", "sms_text": 'olá <b> & "you"\n€'},
        {"sms_id": "81", "sender": "+447700900124", "sms_text": "two"},
    ],
    "sent_smss": [],
}


def body(fields: Any, written: Format) -> str:
    return write(Answer(fields), written).body.decode()


def test_xml_is_what_the_products_document_shows() -> None:
    document = write(Answer({"dialString": "+15551231234,,%account[x-cth-pin]%#12345678#"}), Format.XML)
    assert (document.status, document.content_type) == (200, "text/xml")
    assert document.body == (
        b"<response><dialString>+15551231234,,%account[x-cth-pin]%#12345678#</dialString></response>"
    )


def test_json_is_what_the_products_document_shows() -> None:
    document = write(Answer({"message": "Not enough credit for call-through."}, status=403), Format.JSON)
    assert (document.status, document.content_type) == (403, "application/json")
    assert json.loads(document.body) == {"message": "Not enough credit for call-through."}


def test_a_form_is_what_the_products_document_shows() -> None:
    document = write(Answer({"dialString": "+12025550123"}), Format.FORM)
    assert document.content_type == "application/x-www-form-urlencoded"
    assert document.body == b"dialString=%2B12025550123"
    assert write(Answer({"a": "x/y z"}), Format.FORM).body == b"a=x%2Fy%20z"


NASTY = "a&b<c>d\"e'f%g=h+i é€😀 ]]> &amp;"


@pytest.mark.parametrize("written", Format)
def test_nothing_in_a_value_breaks_out_of_its_field(written: Format) -> None:
    text = body({"message": NASTY, "other": "x"}, written)
    if written is Format.XML:
        found = {child.tag: child.text for child in ElementTree.fromstring(text)}
    elif written is Format.JSON:
        found = json.loads(text)
    else:
        found = {name: value for name, [value] in parse_qs(text, strict_parsing=True).items()}
    assert found == {"message": NASTY, "other": "x"}


def test_xml_is_plain_ascii_whatever_it_says() -> None:
    assert body({"balanceString": "€12.40"}, Format.XML) == (
        "<response><balanceString>&#8364;12.40</balanceString></response>"
    )
    assert ElementTree.fromstring(to_xml("response", {"a": "one\r\ntwo\tthree"})).findtext("a") == "one\r\ntwo\tthree"


@pytest.mark.parametrize("forbidden", ["\x00", "\x01", "\x0b", "\x1f", "\ufffe", "\uffff", "\ud800"])
def test_what_xml_cannot_hold_is_left_out(forbidden: str) -> None:
    assert body({"a": f"x{forbidden}y"}, Format.XML) in (
        "<response><a>xy</a></response>",
        "<response><a>x&#65533;y</a></response>",
    )
    for written in (Format.JSON, Format.FORM):
        assert write(Answer({"a": f"x{forbidden}y"}), written).body.decode("utf-8")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Decimal("12.40"), "12.40"),
        (Decimal("-0.000001"), "-0.000001"),
        (Decimal("1E+3"), "1000"),
        (Decimal("123456789012345678901234567890.12"), "123456789012345678901234567890.12"),
        (0, "0"),
        (True, "true"),
        (False, "false"),
    ],
)
def test_amounts_and_truths_are_written_exactly(value: Any, text: str) -> None:
    assert body({"a": value}, Format.JSON) == f'{{"a":{text}}}'
    assert body({"a": value}, Format.XML) == f"<response><a>{text}</a></response>"
    assert body({"a": value}, Format.FORM) == f"a={text}"


@pytest.mark.parametrize("written", Format)
@pytest.mark.parametrize("value", [0.1, Decimal("NaN"), Decimal("Infinity"), None, object()])
def test_a_float_or_no_number_is_never_sent(written: Format, value: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        write(Answer({"a": value}), written)


def test_lists_of_objects_are_written_in_each_format() -> None:
    assert json.loads(body(MESSAGES, Format.JSON)) == MESSAGES
    root = ElementTree.fromstring(body(MESSAGES, Format.XML))
    assert [child.tag for child in root] == ["date", "received_smss", "sent_smss"]
    items = root.findall("received_smss/item")
    assert [{field.tag: field.text for field in item} for item in items] == MESSAGES["received_smss"]
    assert root.findall("sent_smss/item") == []
    assert json.loads(parse_qs(body(MESSAGES, Format.FORM))["received_smss"][0]) == MESSAGES["received_smss"]


def test_nothing_at_all_is_an_empty_answer() -> None:
    assert [body({}, written) for written in Format] == ["<response></response>", "{}", ""]


@pytest.mark.parametrize("name", ["", "a b", "1a", "a>", "a\n", "é"])
def test_a_field_that_xml_cannot_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="name in XML"):
        to_xml("response", {name: "x"})


@pytest.mark.parametrize(
    ("asked", "configured", "content_type", "accept", "expected"),
    [
        ("", "", "", "", Format.XML),
        ("json", "xml", "", "", Format.JSON),
        ("FORM", "", "application/json", "text/xml", Format.FORM),
        ("xml", "json", "application/json", "application/json", Format.XML),
        ("yaml", "json", "", "", None),
        ("", "json", "text/xml", "text/xml", Format.JSON),
        ("", "form", "application/json", "", Format.FORM),
        ("", "", "application/json", "text/xml", Format.JSON),
        ("", "", "Application/JSON; charset=utf-8", "", Format.JSON),
        ("", "", "application/x-www-form-urlencoded", "", Format.XML),
        ("", "", "", "application/json", Format.JSON),
        ("", "", "", "text/html, */*", Format.XML),
        ("", "", "", "application/json;q=0.5, application/xml", Format.XML),
        ("", "", "", "text/xml;q=0.50, application/json;q=0.9", Format.JSON),
        ("", "", "", "application/json;q=0", Format.XML),
        ("", "", "", "application/json;q=nonsense", Format.XML),
        ("", "", "", "application/x-www-form-urlencoded", Format.FORM),
        ("", "", "", "," * 10_000 + "application/json", Format.XML),
    ],
)
def test_the_format_is_chosen_in_this_order(
    asked: str, configured: str, content_type: str, accept: str, expected: Format | None
) -> None:
    assert chosen_format(asked=asked, configured=configured, content_type=content_type, accept=accept) is expected
