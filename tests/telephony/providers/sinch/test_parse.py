"""What Sinch sends becomes one event of ours, whatever its spelling."""

from __future__ import annotations

import json
from dataclasses import fields
from decimal import Decimal
from typing import Any

import pytest

from telephony.events import (
    AnsweringMachine,
    CallAnswered,
    CallEnded,
    Caller,
    CallerMode,
    CallIncoming,
    Cost,
    Endpoint,
    EndpointKind,
    EndReason,
    Event,
    EventKind,
    Notified,
    Origin,
    PromptAnswered,
    PromptKind,
    Result,
    UnknownEvent,
)
from telephony.providers.sinch.words import RESULTS
from tests.telephony.providers.sinch.samples import (
    AT,
    CALL_ID,
    FIXTURES,
    KEY,
    body_of,
    changed,
    ended,
    incoming,
    parsed,
)

CALLBACKS = sorted(
    path.stem
    for path in FIXTURES.glob("*.json")
    if not path.name.endswith(".reply.json") and not path.name.startswith("call-")
)


RESOURCE = f"https://calling-euc1.api.sinch.com/calling/v1/calls/id/{CALL_ID}"


RATE = Cost(currency="USD", amount=Decimal("0.0369"))


LONDON = Endpoint(kind=EndpointKind.NUMBER, value="+442079460000", word="number")


def test_a_call_from_the_app_is_read_with_every_field() -> None:
    assert parsed(body_of("ice")) == CallIncoming(
        call_id=CALL_ID,
        at=AT,
        version=1,
        application_key=KEY,
        client_user="alice",
        custom="order 7",
        cookies={"hold": "h-81"},
        caller=Caller(mode=CallerMode.HIDDEN),
        destination=LONDON,
        origin=Origin.APP,
        origin_word="MXP",
        domain="pstn",
        provider_rate=RATE,
        headers={"tier": "gold"},
        resource_url=RESOURCE,
    )


def test_a_call_to_an_access_number_is_read_with_its_caller_and_who_forwarded_it() -> None:
    event = parsed(body_of("ice-access-number"))
    assert isinstance(event, CallIncoming)
    assert event.caller == Caller(mode=CallerMode.NUMERIC, number="+46701740605", text="46701740605")
    assert event.destination == Endpoint(kind=EndpointKind.ACCESS_NUMBER, value="+46846500401", word="did")
    assert event.origin is Origin.PHONE
    assert event.redirected_from == "447700900123"
    assert event.provider_rate == Cost(currency="USD", amount=Decimal("0.0"))


def test_a_prompt_answer_is_read_with_every_field() -> None:
    assert parsed(body_of("pie")) == PromptAnswered(
        call_id=CALL_ID,
        at=AT,
        version=1,
        application_key=KEY,
        menu_id="main",
        prompt_kind=PromptKind.RETURN,
        prompt_word="return",
        value="call",
        input_method="dtmf",
    )


def test_an_answered_call_is_read_with_what_the_machine_detection_thought() -> None:
    assert parsed(body_of("ace-machine")) == CallAnswered(
        call_id=CALL_ID,
        at=AT,
        version=1,
        application_key=KEY,
        resource_url=RESOURCE,
        machine=AnsweringMachine(status="machine", reason="longgreeting", duration=Decimal(15)),
    )


def test_an_ended_call_is_read_with_every_field() -> None:
    assert parsed(body_of("dice")) == CallEnded(
        call_id=CALL_ID,
        at=AT,
        version=1,
        application_key=KEY,
        client_user="alice",
        custom="kund-åäö",
        cookies={"hold": "h-81"},
        result=Result.ANSWERED,
        result_word="ANSWERED",
        reason=EndReason.CALLER_HUNG_UP,
        reason_word="CALLERHANGUP",
        duration_seconds=212,
        cost=Cost(currency="USD", amount=Decimal("0.1476")),
        provider_rate=RATE,
        caller=Caller(mode=CallerMode.NUMERIC, number="+46701740605", text="+46701740605"),
        destination=LONDON,
    )


def test_a_notification_is_read_with_every_field() -> None:
    assert parsed(body_of("notify-calling-error")) == Notified(
        call_id=CALL_ID,
        version=1,
        client_user="alice",
        custom="order 7",
        topic="callingerror",
        error_code="40001",
        error_message="Illegal SVAML",
    )


def test_every_sample_without_a_flaw_is_read_without_a_doubt() -> None:
    flawed = {"ice-without-call-id", "dice-answered-without-duration", "dice-of-another-application"}
    for name in CALLBACKS:
        event = parsed(body_of(name))
        assert bool(event.oddities) is (name in flawed), (name, event.oddities)
        assert bool(event.remarks) is (name == "dice-absurd-cost"), (name, event.remarks)
        assert bool(event.unknown_fields) is (name == "ice-from-the-future")


@pytest.mark.parametrize(
    ("name", "topic", "url"),
    [
        ("notify-recording-finished", "recording_finished", ""),
        ("notify-recording-available", "recording_available", "https://recordings.example.com/7d1f.mp3"),
        (
            "notify-transcription-available",
            "transcription_available",
            "https://recordings.example.com/7d1f.json",
        ),
        (
            "notify-transcription-complete",
            "transcription_available",
            "https://recordings.example.com/7d1f.json",
        ),
        ("notify-machine", "amd", ""),
        ("notify-machine-beep", "amd_beep", ""),
    ],
)
def test_each_notification_has_its_topic(name: str, topic: str, url: str) -> None:
    event = parsed(body_of(name))
    assert isinstance(event, Notified)
    assert (event.topic, event.url) == (topic, url)
    assert event.step.startswith(topic)


def test_two_recordings_of_one_call_are_two_pieces_of_news() -> None:
    one, same, other = (
        Notified(call_id="one", topic="recording_available", url=f"https://recordings.example.com/{name}.mp3")
        for name in ("1", "1", "2")
    )
    assert one.step == same.step != other.step


def test_a_notified_machine_is_read() -> None:
    event = parsed(body_of("notify-machine"))
    assert isinstance(event, Notified)
    assert event.machine == AnsweringMachine(status="human", reason="greeting", duration=Decimal(1200))


def test_news_of_another_service_is_unknown_and_not_odd() -> None:
    assert parsed(body_of("unknown")) == UnknownEvent(call_id="", word="numberRented")


def test_a_new_kind_of_event_keeps_its_call() -> None:
    event = parsed(b'{"event":"teleported","callid":"c-1","timestamp":"2026-03-02T08:15:30Z"}')
    assert event == UnknownEvent(call_id="c-1", word="teleported", at=AT)


@pytest.mark.parametrize("event", ["ice", "ICE", "Ice", " ice "])
def test_the_kind_of_event_is_read_in_any_letter_case(event: str) -> None:
    assert incoming(event=event).kind is EventKind.INCOMING


def test_names_of_fields_are_read_in_any_letter_case() -> None:
    shouted = {name.upper(): value for name, value in json.loads(body_of("ice")).items()}
    assert parsed(json.dumps(shouted).encode()) == parsed(body_of("ice"))
    assert parsed(body_of("ice-call-id-spelled-anew")).call_id == CALL_ID


def test_new_words_and_fields_are_kept_and_do_no_harm() -> None:
    event = parsed(body_of("ice-from-the-future"))
    assert isinstance(event, CallIncoming)
    assert (event.origin, event.origin_word) == (Origin.OTHER, "SATELLITE")
    assert event.destination == Endpoint(kind=EndpointKind.OTHER, value="bob", word="hologram")
    assert event.unknown_fields == ("mood", "network")
    assert event.oddities == ()


@pytest.mark.parametrize(
    ("word", "origin"),
    [
        ("MXP", Origin.APP),
        ("pstn", Origin.PHONE),
        ("SIP", Origin.SIP),
        ("Server", Origin.SERVER),
        ("", Origin.OTHER),
    ],
)
def test_each_origin_is_known(word: str, origin: Origin) -> None:
    assert incoming(originationType=word).origin is origin


@pytest.mark.parametrize(("word", "result"), [*RESULTS.items(), ("MOON", Result.OTHER)])
def test_each_result_is_known_and_an_unknown_one_is_only_remarked_upon(word: str, result: Result) -> None:
    event = ended(result=word.upper(), duration=0)
    assert (event.result, event.result_word, event.oddities) == (result, word.upper(), ())
    assert bool(event.remarks) is (word == "MOON")


@pytest.mark.parametrize("word", ["return", "Sequence", "timeout", "Hangup", "invalidinput", "ERROR", "hummed"])
def test_each_kind_of_prompt_answer_is_known(word: str) -> None:
    event = parsed(changed("pie", menuResult={"menuId": "m", "type": word, "value": "1"}))
    assert isinstance(event, PromptAnswered)
    assert event.prompt_word == word
    expected = {"invalidinput": "invalid_input", "hummed": "other"}.get(word.lower(), word.lower())
    assert event.prompt_kind == expected


def test_two_answers_of_one_menu_are_told_apart_by_their_time() -> None:
    later = parsed(changed("pie", timestamp="2026-03-02T08:15:31Z"))
    assert later.step != parsed(body_of("pie")).step


def test_a_menus_id_may_stand_beside_its_result() -> None:
    event = parsed(body_of("pie-timeout"))
    assert isinstance(event, PromptAnswered)
    assert (event.menu_id, event.prompt_kind) == ("main", PromptKind.TIMEOUT)


@pytest.mark.parametrize("menu_result", [..., None])
def test_a_prompt_answer_without_an_answer_is_odd(menu_result: Any) -> None:
    assert parsed(changed("pie", menuResult=menu_result)).oddities == ("menuResult is missing",)


@pytest.mark.parametrize("duration", [..., None])
def test_an_answered_call_without_a_duration_is_odd(duration: Any) -> None:
    for result in ("ANSWERED", ..., None):
        event = ended(duration=duration, result=result)
        assert event.oddities == ("duration is missing from a call that may have been answered",)


@pytest.mark.parametrize("name", ["dice-busy", "dice-cancelled", "dice-failed"])
def test_a_call_nobody_answered_needs_no_duration(name: str) -> None:
    event = parsed(body_of(name))
    assert isinstance(event, CallEnded)
    assert (event.duration_seconds, event.oddities) == (None, ())


@pytest.mark.parametrize(
    "call_id", [..., None, "", 5, 1.5, True, [], {}, "x" * 256, "a\x00b", "a\nb", "\ud800", "\u202e"]
)
def test_a_call_id_beyond_doubt_is_needed(call_id: Any) -> None:
    for name in ("ice", "ace", "pie", "dice", "notify-recording-finished"):
        event = parsed(changed(name, callid=call_id))
        assert event.kind is parsed(body_of(name)).kind
        assert event.call_id == ""
        assert event.oddities == ("callid is missing or is not a short text",)


@pytest.mark.parametrize(
    "body", [b"[]", b"null", b"1", b'"ice"', b"true", b"[{}]", b"{}", b'{"event":5}', b'{"event":""}']
)
def test_json_that_is_no_event_is_an_odd_one_of_an_unknown_kind(body: bytes) -> None:
    event = parsed(body)
    assert isinstance(event, UnknownEvent)
    assert event.oddities


@pytest.mark.parametrize("key", [KEY.upper(), KEY.replace("-", ""), KEY])
def test_the_application_may_spell_its_key_in_other_ways(key: str) -> None:
    assert incoming(applicationKey=key).oddities == ()


@pytest.mark.parametrize("key", ["669E367E-6BBA-48AB-AF15-266871C28135", "", 5, [], KEY[:-1]])
def test_an_event_of_another_application_than_the_signer_is_odd(key: Any) -> None:
    assert incoming(applicationKey=key).oddities == ("applicationKey is not the application that signed",)


def test_no_field_of_an_event_is_silently_ignored() -> None:
    """Each field of each kind is filled by some sample, so that no reader can forget one."""
    filled: dict[type[Event], set[str]] = {}
    events = [parsed(body_of(name)) for name in CALLBACKS]
    events += [incoming(duration=1, conferenceId="c"), ended(callHeaders=[{"key": "a", "value": "b"}])]
    for event in events:
        names = {field.name for field in fields(event) if getattr(event, field.name) != field.default}
        filled.setdefault(type(event), set()).update(names)
    shared = {field.name for field in fields(Event)} | {"asking"}  # Sinch tells the time of an answer instead
    for kind, names in filled.items():
        assert {field.name for field in fields(kind)} - names - shared == set(), kind
