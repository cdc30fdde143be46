"""What Sift sends becomes one event of ours; what its browsers say is believed about where to, never about who."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from telephony.events import (
    NOWHERE,
    CallAnswered,
    CallEnded,
    Caller,
    CallerMode,
    CallIncoming,
    Endpoint,
    EndpointKind,
    EndReason,
    EventKind,
    Notified,
    Origin,
    PromptAnswered,
    PromptKind,
    Result,
    UnknownEvent,
)
from telephony.providers.base import CallbackUnreadable
from telephony.providers.sift.parse import LARGEST_CALLBACK_BYTES, parse_callback
from tests.telephony.providers.sift.samples import (
    BASE,
    CALL_ID,
    KEY,
    MARK,
    SAMPLES,
    TOPICS,
    TURN,
    body_of,
    callback,
    changed,
    ended,
    incoming,
    of_connection,
    parsed,
    prompt,
    told,
)

AT = datetime(2026, 3, 2, 8, 15, 30, tzinfo=UTC)
PHONE = Endpoint(kind=EndpointKind.NUMBER, value="+12025550123", word="phone_number")
BOB = Endpoint(kind=EndpointKind.USER, value="bob", word="client_name")


def test_a_browser_that_calls_a_telephone_is_read_with_every_field() -> None:
    assert parsed("incoming-client-to-phone") == CallIncoming(
        call_id=CALL_ID,
        at=AT,
        application_key=KEY,
        client_user="alice",
        destination=PHONE,
        origin=Origin.APP,
        origin_word="webrtc",
        answer_to=BASE,
    )


def test_a_telephone_that_calls_our_number_is_read_with_every_field() -> None:
    assert parsed("incoming-phone") == CallIncoming(
        call_id=CALL_ID,
        at=None,
        application_key=KEY,
        caller=Caller(mode=CallerMode.NUMERIC, number="+46701740605", text="+46701740605"),
        destination=Endpoint(kind=EndpointKind.ACCESS_NUMBER, value="+12025550100"),
        origin=Origin.PHONE,
        answer_to=BASE,
    )


@pytest.mark.parametrize(
    ("client_data", "destination"),
    [
        ({"phone_number": "+12025550123"}, PHONE),
        ({"client_name": "bob"}, BOB),
        ({"client_name": "bob", "phone_number": "+12025550123"}, PHONE),
        ({"client_name": "bob", "phone_number": None}, BOB),
        ({"Phone_Number": "+12025550123"}, PHONE),
        ({"phone_number": "555"}, Endpoint(kind=EndpointKind.NUMBER, value="555", word="phone_number")),
        ({"phone_number": ""}, Endpoint(kind=EndpointKind.NUMBER, value="", word="phone_number")),
        ({"phone_number": 12025550123, "client_name": "bob"}, NOWHERE),
        ({"phone_number": ["+12025550123"]}, NOWHERE),
        ({"client_name": {"client_name": "bob"}}, NOWHERE),
        ({"client_name": "b" * 256}, NOWHERE),
        ({"phone_number": None}, NOWHERE),
        ({"call": "bob"}, NOWHERE),
        ({}, NOWHERE),
        ([], NOWHERE),
        (["phone_number"], NOWHERE),
        ("+12025550123", NOWHERE),
        (5, NOWHERE),
        (True, NOWHERE),
        (None, NOWHERE),
        (..., NOWHERE),
    ],
)
def test_a_browser_is_connected_where_it_wished_and_otherwise_nowhere(client_data: Any, destination: Endpoint) -> None:
    event = incoming(client_data=client_data)
    assert (event.destination, event.client_user, event.oddities) == (destination, "alice", ())


@pytest.mark.parametrize("start_time", [None, ..., "", "yesterday", 5, {}])
def test_no_call_is_refused_for_the_time_at_which_it_began(start_time: Any) -> None:
    event = incoming(start_time=start_time)
    assert (event.at, event.client_user, event.destination, event.oddities) == (None, "alice", PHONE, ())
    for name in ("status-connecting", "status-connected"):
        assert of_connection(name, start_time=start_time) == parsed(name)


def test_what_a_browser_says_about_itself_does_not_make_it_somebody_else() -> None:
    said = {"from": "webrtc:bob", "client_user": "bob", "phone_number": "+12025550123", "application_id": "1"}
    assert incoming(client_data=said).client_user == "alice"


@pytest.mark.parametrize(
    "from_",
    ["", None, ..., "webrtc:", "alice", "WEBRTC:alice", "sip:alice@example.com", "12025550123", "+1", "+0123456"],
)
def test_only_what_a_token_of_ours_made_counts_as_an_app_and_only_a_number_as_a_telephone(from_: Any) -> None:
    event = incoming(from_=from_)
    assert (event.origin, event.client_user, event.caller.number) == (Origin.OTHER, "", None)
    assert event.destination.kind is EndpointKind.OTHER
    assert event.oddities == ()


@pytest.mark.parametrize("direction", ["incoming", "outgoing", "sideways", "", None, 5, {}, ...])
def test_nothing_hangs_on_the_direction(direction: Any) -> None:
    assert incoming(direction=direction) == incoming()


@pytest.mark.parametrize("connection_id", [..., None, "", 5, "x" * 65, "a/b", "../x", "a b", "\x00", [], {}])
def test_a_connection_that_cannot_be_named_is_odd(connection_id: Any) -> None:
    for name in ("incoming-phone", "status-connected", "status-finished", "status-connecting"):
        event = of_connection(name, connection_id=connection_id)
        assert event.call_id == ""
        assert event.oddities == ("connection_id is missing or is not an id",)
    done = told(changed("done-pressed", connection_id=connection_id), TOPICS["done"])
    assert (done.call_id, done.oddities) == ("", ("connection_id is missing or is not an id",))


@pytest.mark.parametrize("connection", [..., None, [], "connected", 5, {}])
def test_a_body_without_a_connection_is_odd(connection: Any) -> None:
    for name in ("incoming-phone", "status-connected"):
        event = told(changed(name, connection=connection), TOPICS[name.partition("-")[0]])
        assert event.call_id == ""
        assert "connection_id is missing or is not an id" in event.oddities


def test_what_is_said_twice_is_odd() -> None:
    body = body_of("done-pressed").replace(b'"digits"', b'"digits": "2", "digits"')
    assert parse_callback(callback(body, TOPICS["done"])).oddities == ("digits is given more than once",)


def test_new_fields_are_named_and_do_no_harm() -> None:
    event = parsed("incoming-from-the-future")
    assert event.unknown_fields == ("connection.codec", "mood")
    assert event.oddities == ()
    many = told({f"field{number}": 1 for number in range(100)}, "status")
    assert len(many.unknown_fields) == 32


def test_every_sample_without_a_flaw_is_read_without_a_doubt() -> None:
    flawed = {"incoming-without-connection-id", "status-finished-without-end"}
    assert {name for name in SAMPLES if parsed(name).oddities} == flawed
    assert {name for name in SAMPLES if parsed(name).unknown_fields} == {"incoming-from-the-future"}


# --- statuses --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("status-connecting", EventKind.NOTIFIED),
        ("status-connected", EventKind.ANSWERED),
        ("status-finished", EventKind.ENDED),
        ("status-failed", EventKind.ENDED),
        ("status-paused", EventKind.UNKNOWN),
    ],
)
def test_each_status_brings_our_mark_back_and_none_needs_one(name: str, kind: EventKind) -> None:
    for topic, mark in (
        ("status", ""),
        (f"status/{MARK}", MARK),
        ("status/a/b/", "a/b/"),
        ("status/" + "x" * 2000, "x" * 1024),
    ):
        event = parsed(name, topic)
        assert (event.kind, event.call_id, event.custom, event.oddities) == (kind, CALL_ID, mark, ())


def test_an_answered_call_is_read_with_every_field() -> None:
    assert parsed("status-connected") == CallAnswered(call_id=CALL_ID, custom=MARK, answer_to=BASE)


def test_a_call_that_begins_to_ring_is_news() -> None:
    assert parsed("status-connecting") == Notified(call_id=CALL_ID, topic="connecting", custom=MARK, answer_to=BASE)


def test_a_finished_call_is_read_with_every_field() -> None:
    assert parsed("status-finished") == CallEnded(
        call_id=CALL_ID,
        at=datetime(2026, 3, 2, 8, 16, 31, 500_000, UTC),
        custom=MARK,
        result=Result.ANSWERED,
        result_word="finished",
        reason=EndReason.NONE,
        duration_seconds=62,
        answer_to=BASE,
    )


def test_a_call_that_failed_was_never_talked() -> None:
    event = parsed("status-failed")
    assert isinstance(event, CallEnded)
    assert (event.result, event.duration_seconds, event.oddities) == (Result.FAILED, 0, ())


@pytest.mark.parametrize(
    "times",
    [
        {"end_time": ...},
        {"end_time": None},
        {"end_time": ""},
        {"end_time": "yesterday"},
        {"end_time": 1772439391},
        {"end_time": "2026-03-02T08:15:29Z"},
        {"start_time": ...},
        {"start_time": "yesterday"},
        {"start_time": None},
        {"start_time": "9999-12-31T23:59:59-14:00"},
    ],
)
def test_a_finished_call_of_unknown_length_is_odd_so_that_nothing_is_settled_by_it(times: dict[str, Any]) -> None:
    event = ended(**times)
    assert event.duration_seconds is None
    assert event.oddities


def test_a_status_that_we_do_not_know_is_kept_in_its_own_word() -> None:
    event = parsed("status-paused")
    assert event == UnknownEvent(call_id=CALL_ID, word="paused", custom=MARK, answer_to=BASE)


# --- menus -----------------------------------------------------------------------------------------------------------


def test_keys_that_were_pressed_are_read_with_every_field() -> None:
    assert parsed("done-pressed") == PromptAnswered(
        call_id=CALL_ID,
        application_key=KEY,
        menu_id="welcome",
        prompt_kind=PromptKind.RETURN,
        value="1",
        input_method="dtmf",
        asking=TURN,
        answer_to=BASE,
    )


def test_silence_is_news_until_the_question_was_repeated_often_enough() -> None:
    first, second = (parsed("done-silence", f"done/welcome.{repetition}.2.{TURN}") for repetition in (0, 1))
    assert first == Notified(call_id=CALL_ID, topic=f"silence {TURN}.0", application_key=KEY, answer_to=BASE)
    assert first.step != second.step
    last = parsed("done-silence", f"done/welcome.2.2.{TURN}")
    assert isinstance(last, PromptAnswered)
    assert (last.prompt_kind, last.value, last.menu_id, last.asking) == (PromptKind.TIMEOUT, "", "welcome", TURN)


def test_keys_are_an_answer_whichever_repetition_they_were_pressed_in() -> None:
    steps = {prompt(topic=f"done/welcome.{repetition}.2.{TURN}").step for repetition in range(3)}
    assert steps == {f"welcome@{TURN}"}


@pytest.mark.parametrize("digits", ["0", "*", "#", "0472#", "1" * 64])
def test_whatever_was_pressed_is_handed_on(digits: str) -> None:
    event = prompt(digits)
    assert (event.prompt_kind, event.value, event.oddities) == (PromptKind.RETURN, digits, ())


@pytest.mark.parametrize("digits", [..., 1, True, [], {}, "one", "1 2", "1" * 65, "\u0661", "1\n"])
def test_what_no_keys_can_be_is_odd(digits: Any) -> None:
    for repetition in (0, 2):
        event = told(changed("done-pressed", digits=digits), f"done/welcome.{repetition}.2.{TURN}")
        assert event.oddities == ("digits is missing or is not a text of keys",)


def test_nothing_at_all_is_silence() -> None:
    assert prompt(None, f"done/welcome.2.2.{TURN}").prompt_kind is PromptKind.TIMEOUT


@pytest.mark.parametrize(
    "step",
    [
        "welcome",
        f"welcome.3.2.{TURN}",
        f"welcome.-1.2.{TURN}",
        f"welcome.0.10.{TURN}",
        f"welcome.0.2.{TURN}x",
        f"welcome.0.2.{TURN.upper()}",
        f"wel come.0.2.{TURN}",
        f"{'w' * 65}.0.2.{TURN}",
        f"welcome.\u0660.2.{TURN}",
        f"../welcome.0.2.{TURN}",
        f"welcome.0.2.{TURN}/more",
        f"welcome.0.2.{TURN}\n",
        "x" * 100_000,
    ],
)
def test_a_step_that_we_never_made_is_no_answer_to_anything(step: str) -> None:
    event = told(changed("done-pressed"), f"done/{step}")
    assert event == UnknownEvent(call_id=CALL_ID, word="done", application_key=KEY, answer_to=BASE)


# --- conversations ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("word", ["conversation_ended", "conversation-ended", "ConversationEnded", "ENDED", "ended"])
def test_a_conversation_that_ended_is_the_call_that_our_address_names(word: str) -> None:
    event = told(changed("event-ended", event_type=word, connection_id="c08d5f1e7a6b2934"), TOPICS["event"])
    assert event == CallEnded(call_id=CALL_ID, result_word=word, application_key=KEY, answer_to=BASE)


def test_the_word_may_stand_where_the_guide_to_recording_has_it() -> None:
    event = told(changed("event-ended", event_type=..., type="ended"), TOPICS["event"])
    assert event == CallEnded(call_id=CALL_ID, result_word="ended", application_key=KEY, answer_to=BASE)
    assert told(changed("event-started", type="ended"), TOPICS["event"]) == parsed("event-started")


def test_other_news_of_a_conversation_is_only_news() -> None:
    event = parsed("event-started")
    assert isinstance(event, Notified)
    assert (event.call_id, event.topic, event.oddities) == (CALL_ID, "conversation_started", ())


@pytest.mark.parametrize("word", [..., None, "", " ", 5, [], {}])
def test_an_event_without_a_word_is_odd(word: Any) -> None:
    event = told(changed("event-ended", event_type=word, type=word), TOPICS["event"])
    assert (event.kind, event.oddities) == (EventKind.NOTIFIED, ("event_type is missing or is not a text",))


def test_an_event_of_a_connection_that_cannot_be_named_is_odd() -> None:
    assert parsed("event-ended", "event/a b").oddities == ("connection_id is missing or is not an id",)


# --- everything ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "topic", ["", "/", "elsewhere", "incoming/more", "Incoming", "done", "event", "statuses", "x" * 5_000, "\x00\ud800"]
)
def test_what_comes_to_an_address_that_we_gave_nobody_is_kept_and_not_odd(topic: str) -> None:
    for name in ("incoming-phone", "done-pressed"):
        event = parse_callback(callback(body_of(name), topic))
        assert isinstance(event, UnknownEvent)
        assert event.oddities == ()
        assert len(event.word) <= 64
        assert event.call_id == (CALL_ID if name == "done-pressed" else "")


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/x-www-form-urlencoded", "\x00", "x" * 10_000])
def test_the_body_is_read_whatever_it_is_called(content_type: str) -> None:
    for name in SAMPLES:
        topic = TOPICS[name.partition("-")[0]]
        assert parse_callback(callback(body_of(name), topic, content_type=content_type)) == parsed(name)


def test_a_body_that_is_too_large_is_unreadable_and_one_just_fitting_is_not() -> None:
    body = json.dumps(changed("done-pressed")).encode()
    fitting = body + b" " * (LARGEST_CALLBACK_BYTES - len(body))
    assert parse_callback(callback(fitting, TOPICS["done"])) == parsed("done-pressed")
    with pytest.raises(CallbackUnreadable, match="larger"):
        parse_callback(callback(fitting + b" ", TOPICS["done"]))
