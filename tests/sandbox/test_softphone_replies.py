"""What a softphone can read, and what it refuses to."""

from decimal import Decimal

import pytest

from sandbox.softphone_replies import FORM, Text, Unreadable, as_text, read_account, read_fields, read_texts

DIAL = {"dialString": "+12025550100"}


@pytest.mark.parametrize(
    ("content_type", "body", "fields"),
    [
        ("text/xml", b"<response>\n    <dialString>+12025550100</dialString>\n</response>", DIAL),
        ("application/xml; charset=utf-8", b"<response><dialString>+12025550100</dialString></response>", DIAL),
        ("", b"<response><dialString>+12025550100</dialString></response>", DIAL),
        ("Application/JSON", b'{"dialString":"+12025550100"}', DIAL),
        (FORM, b"dialString=%2B12025550100", DIAL),
        (FORM, b"dialString=+12025550100", {"dialString": " 12025550100"}),
        (
            "text/xml",
            "<response><message>Crédit &amp; plus</message></response>".encode(),
            {"message": "Crédit & plus"},
        ),
        ("text/xml", b"<message>No such account.</message>", {"message": "No such account."}),
        ("text/xml", b"<response/>", {}),
        ("text/xml", b"<?xml version='1.0' encoding='ISO-8859-1'?><response><a>\xe9</a></response>", {"a": "é"}),
        ("application/json", b'{"balance":12.40}', {"balance": Decimal("12.40")}),
        (FORM, b"message=", {"message": ""}),
    ],
)
def test_fields_are_read_by_the_content_type(content_type, body, fields):
    assert read_fields(content_type, body) == fields


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("text/html", b"<response><dialString>1</dialString></response>"),
        ("text/plain", b"dialString=1"),
        ("text/xml", b'{"dialString":"1"}'),
        ("text/xml", b""),
        ("text/xml", b"<response><dialString>1</response>"),
        ("text/xml", b"<?xml version='1.0' encoding='no-such-code'?><response/>"),
        ("text/xml", b"<!DOCTYPE response><response><dialString>1</dialString></response>"),
        (
            "text/xml",
            b'<!DOCTYPE r [<!ENTITY a "1"><!ENTITY b "&a;&a;">]><response><dialString>&b;</dialString></response>',
        ),
        ("text/xml", b'<!DOCTYPE r SYSTEM "http://127.0.0.1:9/r.dtd"><response/>'),
        ("text/xml", b"<a>" * 17 + b"</a>" * 17),
        ("text/xml", b"<a>" + b" " * (1 << 20) + b"</a>"),
        ("application/json", b"[]"),
        ("application/json", b"{"),
        ("application/json", b"\xff"),
        ("application/json", b"[" * 100_000),
        (FORM, b"\xff"),
        (FORM, b"a=1&" * 1001),
    ],
)
def test_what_cannot_be_read_is_refused(content_type, body):
    with pytest.raises(Unreadable):
        read_fields(content_type, body)


def test_many_pieces_of_text_are_read_in_one_go():
    body = b"<response>" + b"a<b/>" * 200_000 + b"</response>"

    assert read_fields("text/xml", body) == {"b": ""}


def test_an_account_is_its_nodes():
    account = read_account(
        b"<account><title>Lusitel</title><username> ana </username><x-cth-pin>4711</x-cth-pin>"
        b"<u>https://bo.example/?u=%account[username]%&amp;to=%targetNumber%</u><codecs><one/></codecs></account>"
    )

    assert account == {
        "title": "Lusitel",
        "username": "ana",
        "x-cth-pin": "4711",
        "u": "https://bo.example/?u=%account[username]%&to=%targetNumber%",
    }


@pytest.mark.parametrize(
    "body",
    [
        b"<response><title>Lusitel</title></response>",
        b"<account><username>ana</username></account>",
        b"<account><title> </title></account>",
        b"<account/>",
        b"{}",
        b"<!DOCTYPE account><account><title>Lusitel</title></account>",
    ],
)
def test_what_is_no_account_is_refused(body):
    with pytest.raises(Unreadable):
        read_account(body)


RECEIVED = Text(sms_id="80", direction="received", peer="+447700900123", body="ola", sent_at="2026-01-05T09:58:11Z")
SENT = Text(sms_id="81", direction="sent", peer="+447700900124", body="oi", sent_at="2026-01-05T09:59:00Z")


def test_texts_are_read_from_json():
    fields = read_fields(
        "application/json",
        b'{"date":"2026-01-05T10:00:00Z","received_smss":[{"sms_id":"80","sending_date":"2026-01-05T09:58:11Z",'
        b'"sender":"+447700900123","sms_text":"ola","content_type":"text/plain","stream_id":"+447700900123"}],'
        b'"sent_smss":[{"sms_id":81,"sending_date":"2026-01-05T09:59:00Z","recipient":"+447700900124",'
        b'"sms_text":"oi"}]}',
    )

    assert read_texts(fields) == [RECEIVED, SENT]


def test_texts_are_read_from_xml():
    fields = read_fields(
        "text/xml",
        b"<response><date>2026-01-05T10:00:00Z</date><received_smss><item><sms_id>80</sms_id>"
        b"<sending_date>2026-01-05T09:58:11Z</sending_date><sender>+447700900123</sender><sms_text>ola</sms_text>"
        b"</item></received_smss><sent_smss/></response>",
    )

    assert read_texts(fields) == [RECEIVED]


def test_texts_of_the_old_interface_are_received_ones():
    fields = {
        "unread_smss": [
            {"sms_id": "80", "sending_date": "2026-01-05T09:58:11Z", "sender": "+447700900123", "sms_text": "ola"}
        ]
    }

    assert read_texts(fields) == [RECEIVED]


@pytest.mark.parametrize("fields", [{"received_smss": "80"}, {"sent_smss": ["80"]}, {"unread_smss": {"item": {}}}])
def test_what_is_no_list_of_texts_is_refused(fields):
    with pytest.raises(Unreadable):
        read_texts(fields)


@pytest.mark.parametrize(
    ("fields", "text"),
    [({"a": "x"}, "x"), ({"a": "", "b": 12}, "12"), ({"a": None}, ""), ({"a": [1], "b": {"c": 1}}, ""), ({}, "")],
)
def test_the_first_field_with_something_to_show_is_shown(fields, text):
    assert as_text(fields, "a", "b") == text
