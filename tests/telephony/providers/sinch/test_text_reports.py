"""What a service plan tells becomes events of ours, and none of it is lost or believed too much."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telephony.events import Event, UnknownEvent
from telephony.news import AccountNews, TextReceived, TextReported, TextStatus
from telephony.providers.base import CallbackUnreadable
from telephony.providers.sinch.text_reports import parse_reports
from tests.telephony.providers.sinch.samples import FIXTURES
from tests.telephony.providers.test_reading import UNREADABLE

TEXTS = FIXTURES / "texts"
AT = datetime(2026, 3, 2, 8, 15, 30, 123000, tzinfo=UTC)
BATCH = "01FC66621XXXXX119Z8PMV1QPQ"
REFERENCE = "7f6a1b1e-2f40-4c47-9c49-0b1a5b9d8f01"


def parsed(name: str, **changes: Any) -> list[Event]:
    """The events of a sample with fields replaced; a field that becomes `...` is left out."""
    values = json.loads((TEXTS / f"{name}.json").read_bytes()) | changes
    return list(parse_reports(json.dumps({key: v for key, v in values.items() if v is not ...}).encode()))


def reported(name: str, **changes: Any) -> TextReported:
    (event,) = parsed(name, **changes)
    assert isinstance(event, TextReported)
    return event


def test_every_sample_is_read_without_a_doubt() -> None:
    names = [path.stem for path in TEXTS.glob("*.json")]
    assert len(names) == 6
    for name in names:
        for event in parsed(name):
            assert (event.oddities, event.remarks) == ((), ()), name
            assert not isinstance(event, UnknownEvent)


def test_a_report_about_a_recipient_is_read_with_every_field() -> None:
    assert parsed("recipient-report") == [
        TextReported(
            call_id="",
            at=AT,
            text_id=BATCH,
            reference=REFERENCE,
            recipient="+46701740605",
            status=TextStatus.SUCCESSFUL,
            status_word="Delivered",
            code="0",
            segments=2,
        )
    ]


def test_a_report_about_a_batch_is_one_event_for_each_recipient() -> None:
    events = parsed("batch-report")
    assert [
        (event.recipient, event.status, event.status_word, event.code, event.text_id, event.reference)
        for event in events
        if isinstance(event, TextReported)
    ] == [
        ("+46701740605", TextStatus.SUCCESSFUL, "Delivered", "0", BATCH, REFERENCE),
        ("+12025550123", TextStatus.SUCCESSFUL, "Delivered", "0", BATCH, REFERENCE),
        ("+447700900123", TextStatus.FAILED, "Failed", "402", BATCH, REFERENCE),
    ]
    assert len({(event.document, event.step) for event in events}) == 3


def test_a_report_that_names_nobody_is_about_the_batch() -> None:
    event = reported("batch-report-without-recipients")
    assert (event.recipient, event.status, event.code) == ("", TextStatus.PENDING, "400")


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("Queued", TextStatus.PENDING),
        ("Dispatched", TextStatus.PENDING),
        ("Delivered", TextStatus.SUCCESSFUL),
        ("delivered", TextStatus.SUCCESSFUL),
        ("Failed", TextStatus.FAILED),
        ("Aborted", TextStatus.FAILED),
        ("Cancelled", TextStatus.FAILED),
        ("Rejected", TextStatus.FAILED),
        ("Deleted", TextStatus.FAILED),
        ("Expired", TextStatus.FAILED),
        ("Unknown", TextStatus.PENDING),
    ],
)
def test_each_status_is_known(word: str, status: TextStatus) -> None:
    event = reported("recipient-report", status=word)
    assert (event.status, event.status_word, event.remarks) == (status, word, ())


def test_a_status_nobody_knows_is_a_value_and_only_remarked_upon() -> None:
    event = reported("recipient-report", status="Evaporated")
    assert (event.status, event.status_word, event.oddities) == (TextStatus.PENDING, "Evaporated", ())
    assert event.remarks == ("status is a word we do not know",)


@pytest.mark.parametrize("batch_id", [..., None, "", 5, [], "b" * 101])
@pytest.mark.parametrize("name", ["recipient-report", "batch-report"])
def test_a_report_about_no_text_is_odd(name: str, batch_id: object) -> None:
    for event in parsed(name, batch_id=batch_id):
        assert event.oddities == ("batch_id is missing or is not a short text",)


@pytest.mark.parametrize("status", [..., None, "", []])
def test_a_report_that_says_nothing_is_odd(status: object) -> None:
    assert reported("recipient-report", status=status).oddities == ("status is missing",)


@pytest.mark.parametrize("statuses", [..., None, [], {}, "Delivered", [5]])
def test_a_batch_without_statuses_is_odd(statuses: object) -> None:
    assert reported("batch-report", statuses=statuses).oddities == ("statuses says nothing",)


def test_a_batch_of_more_recipients_than_we_ever_send_to_is_cut() -> None:
    many = [{"code": 0, "status": "Delivered", "recipients": [f"4670174{n:04}" for n in range(60)]}] * 20
    events = parsed("batch-report", statuses=many)
    assert len(events) == 64
    assert events[0].remarks == ("statuses names more than 64 recipients and was cut",)


@pytest.mark.parametrize(("parts", "segments"), [(1, 1), ("3", 3), (..., None), (0, 0), (255, 255)])
def test_the_parts_of_a_text_are_counted(parts: object, segments: int | None) -> None:
    event = reported("recipient-report", number_of_message_parts=parts)
    assert (event.segments, event.remarks) == (segments, ())


@pytest.mark.parametrize("parts", [-1, 256, True, 1.5, "many", []])
def test_a_number_of_parts_that_cannot_be_is_only_remarked_upon(parts: object) -> None:
    event = reported("recipient-report", number_of_message_parts=parts)
    assert (event.segments, event.oddities) == (None, ())
    assert event.remarks == ("number_of_message_parts is not a whole number up to 255",)


def test_an_incoming_text_is_read_with_every_field() -> None:
    assert parsed("incoming") == [
        TextReceived(
            call_id="",
            at=AT,
            text_id="01XXXXX21XXXXX119Z8P1XXXXX",
            sender="+46701740605",
            recipient="+12025550123",
            body="BAL åäö 👍",
        )
    ]


def test_an_incoming_text_without_an_id_or_a_sender_is_odd() -> None:
    assert parsed("incoming", id=...)[0].oddities == ("id is missing or is not a short text",)
    assert parsed("incoming", **{"from": ""})[0].oddities == ("from names nobody",)


@pytest.mark.parametrize(("name", "topic"), [("incoming-binary", "mo_binary"), ("incoming-media", "mo_media")])
def test_what_is_no_words_is_news_and_no_text(name: str, topic: str) -> None:
    (event,) = parsed(name)
    assert isinstance(event, AccountNews)
    assert (event.topic, event.at) == (topic, AT)
    assert event.document.startswith("news:01XXXXX21")


@pytest.mark.parametrize("name", ["recipient-report", "incoming", "batch-report"])
def test_names_and_types_are_read_in_any_letter_case(name: str) -> None:
    plain = json.loads((TEXTS / f"{name}.json").read_bytes())
    shouted = {key.upper(): value for key, value in plain.items()} | {"TYPE": plain["type"].upper()}
    assert list(parse_reports(json.dumps(shouted).encode())) == parsed(name)


def test_a_type_nobody_knows_is_kept() -> None:
    assert parse_reports(b'{"type":"mo_hologram","id":"5"}') == [UnknownEvent(call_id="", word="mo_hologram")]


@pytest.mark.parametrize("body", [b"5", b"[]", b"null", b"{}", b'{"type":5.5}', b'{"type":""}', b'{"type":[]}'])
def test_json_that_is_no_news_is_kept(body: bytes) -> None:
    (event,) = parse_reports(body)
    assert isinstance(event, UnknownEvent)


@pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_what_cannot_be_read_is_refused_with_a_sentence(body: bytes) -> None:
    with pytest.raises(CallbackUnreadable, match=r"^The .*\.$|^A .*\.$"):
        parse_reports(body)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**12), 10**12) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3),
)
NAMES = ["batch_id", "status", "statuses", "recipients", "code", "at", "id", "from", "to", "body", "client_reference"]
TYPES = ["delivery_report_sms", "recipient_delivery_report_sms", "mo_text", "mo_binary", "mo_media"]


@settings(max_examples=100)
@given(st.sampled_from(TYPES), st.dictionaries(st.sampled_from(NAMES), JSON), st.dictionaries(st.text(), JSON))
def test_whatever_is_in_the_fields_there_is_an_event(word: str, fields: dict[str, Any], more: dict[str, Any]) -> None:
    body = json.dumps({"statuses": [fields]} | more | fields | {"type": word}).encode()
    events = parse_reports(body)
    assert events
    assert all(event.document.isprintable() for event in events)
