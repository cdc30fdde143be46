"""The reader's two doors lead to the events that callbacks become, with every field that Sinch's own reader has."""

from __future__ import annotations

import copy
import json
import pickle
from dataclasses import asdict
from datetime import UTC, datetime
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
    EventKind,
    Notified,
    Origin,
    PromptAnswered,
    PromptKind,
    Result,
    UnknownEvent,
)
from telephony.providers.base import CallbackUnreadable
from telephony.providers.sinch.reader import read_json, read_model
from telephony.providers.sinch.words import END_REASONS
from tests.telephony.providers.sinch.samples import CALL_ID, KEY, body_of, changed, parsed
from tests.telephony.providers.sinch.test_parse import CALLBACKS
from tests.telephony.providers.test_reading import UNREADABLE

OTHER_KEY = "669E367E-6BBA-48AB-AF15-266871C28135"


@pytest.mark.parametrize("name", [name for name in CALLBACKS if name != "dice-of-another-application"])
def test_both_doors_lead_to_the_event_of_the_callback(name: str) -> None:
    body = body_of(name)
    expected = parsed(body)
    assert read_json(body) == read_json(body.decode()) == expected
    assert read_model(json.loads(body)) == expected
    assert read_model(json.loads(body, parse_float=Decimal)) == expected


def test_without_a_signer_an_event_of_any_application_is_as_good() -> None:
    event = read_json(changed("dice", applicationKey=OTHER_KEY))
    assert (event.application_key, event.oddities) == (OTHER_KEY, ())
    assert read_model({"event": "ace", "callid": "c-1", "applicationKey": OTHER_KEY}).oddities == ()


def test_every_field_common_to_all_events_is_there() -> None:
    body = changed("ice", cookies=[{"key": "hold", "value": "h-81"}, {"key": "acc", "value": "4711"}])
    event = read_json(body)
    assert event.kind is EventKind.INCOMING
    assert event.application_key == KEY
    assert event.call_id == CALL_ID
    assert event.cookies == {"hold": "h-81", "acc": "4711"}
    assert (event.custom, event.client_user, event.version) == ("order 7", "alice", 1)
    assert event.at == datetime(2026, 3, 2, 8, 15, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("cli", "mode", "numeric", "alphanumeric", "full"),
    [
        ("", CallerMode.HIDDEN, None, "", ""),
        ("private", CallerMode.HIDDEN, None, "", ""),
        ("46701740605", CallerMode.NUMERIC, "+46701740605", "", "+46701740605"),
        ("+46 70 174 06 05", CallerMode.NUMERIC, "+46701740605", "", "+46701740605"),
        ("Harbour", CallerMode.ALPHANUMERIC, None, "Harbour", "Harbour"),
        ("Harbour <+46701740605>", CallerMode.FULL, "+46701740605", "Harbour", "Harbour <+46701740605>"),
        ('"Harbour"  <46701740605>', CallerMode.FULL, "+46701740605", "Harbour", "Harbour <+46701740605>"),
        ("<+46701740605>", CallerMode.FULL, "+46701740605", "", "+46701740605"),
    ],
)
def test_a_caller_has_a_mode_and_the_parts_it_allows(
    cli: str, mode: CallerMode, numeric: str | None, alphanumeric: str, full: str
) -> None:
    event = read_json(changed("ice", cli=cli))
    assert isinstance(event, CallIncoming)
    caller = event.caller
    assert (caller.mode, caller.number, caller.alphanumeric, caller.full) == (mode, numeric, alphanumeric, full)


def test_an_incoming_call_has_its_destination_origin_and_rate() -> None:
    event = read_model(
        {
            "Event": "ICE",
            "callId": "c-1",
            "to": {"Type": "Username", "Endpoint": "bob"},
            "OriginationType": "Mxp",
            "userRate": {"currencyId": "USD", "amount": 0.0369},
            "callheaders": [{"Key": "tier", "Value": "gold"}],
        }
    )
    assert isinstance(event, CallIncoming)
    assert event.destination == Endpoint(kind=EndpointKind.USER, value="bob", word="Username")
    assert event.origin is Origin.APP
    assert event.provider_rate == Cost(currency="USD", amount=Decimal("0.0369"))
    assert event.headers == {"tier": "gold"}


def test_a_prompt_answer_has_its_menu_its_kind_and_its_value() -> None:
    event = read_model(
        {
            "event": "pie",
            "callid": "c-1",
            "menuResult": {
                "menuId": "pin",
                "type": "Sequence",
                "value": "1234",
                "inputMethod": "DTMF",
                "addToContext": [],
            },
        }
    )
    assert isinstance(event, PromptAnswered)
    assert (event.menu_id, event.prompt_kind, event.value, event.input_method) == (
        "pin",
        PromptKind.SEQUENCE,
        "1234",
        "dtmf",
    )


def test_an_ended_call_has_duration_result_reason_and_money() -> None:
    event = read_json(changed("dice", result="DENIED", reason="ManagerHangup", **{"from": "private"}))
    assert isinstance(event, CallEnded)
    assert event.duration_seconds == 212
    assert (event.result, event.result_word) == (Result.BUSY, "DENIED")
    assert (event.reason, event.reason_word) == (EndReason.MANAGER_HUNG_UP, "ManagerHangup")
    assert event.cost == Cost(currency="USD", amount=Decimal("0.1476"))
    assert event.provider_rate == Cost(currency="USD", amount=Decimal("0.0369"))
    assert event.caller == Caller(text="private")
    assert event.destination.kind is EndpointKind.NUMBER


@pytest.mark.parametrize(
    ("word", "reason"),
    [*END_REASONS.items(), ("EATEN", EndReason.OTHER), ("", EndReason.OTHER)],
)
def test_each_reason_is_known_and_another_is_kept_as_a_word(word: str, reason: EndReason) -> None:
    event = read_json(changed("dice", reason=word.upper()))
    assert isinstance(event, CallEnded)
    assert (event.reason, event.reason_word, event.oddities, event.remarks) == (reason, word.upper(), (), ())


def test_every_reason_of_ours_has_a_word_of_theirs() -> None:
    assert set(EndReason) == {*END_REASONS.values(), EndReason.OTHER}


@pytest.mark.parametrize("key", ["destination", "destinationUrl", "destinationurl"])
@pytest.mark.parametrize(
    ("topic", "ours"),
    [
        ("recording_available", "recording_available"),
        ("Transcription_Available", "transcription_available"),
        ("transcription_complete", "transcription_available"),
    ],
)
def test_news_of_a_recording_or_transcription_says_what_and_where(key: str, topic: str, ours: str) -> None:
    url = "https://recordings.example.com/7d1f.mp3"
    event = read_model({"event": "notify", "callid": "c-1", "type": topic, key: url})
    assert isinstance(event, Notified)
    assert (event.topic, event.url, event.at) == (ours, url, None)


@pytest.mark.parametrize("name", ["errorCode", "errCode"])
def test_an_error_of_ours_is_told_under_both_names(name: str) -> None:
    event = read_model({"event": "notify", "callid": "c-1", "type": "callingerror", name: 40001})
    assert isinstance(event, Notified)
    assert event.error_code == "40001"


def test_a_machine_that_is_still_being_listened_to_is_read() -> None:
    event = read_model({"event": "ace", "callid": "c-1", "conferenceId": "weekly", "amd": {"status": "InProgress"}})
    assert isinstance(event, CallAnswered)
    assert event.machine == AnsweringMachine(status="inprogress")
    assert event.conference_id == "weekly"


@pytest.mark.parametrize(
    ("custom", "headers"),
    [
        ('{"Tier":"gold","b":"é\\u0000"}', {"Tier": "gold", "b": "é\ufffd"}),
        ("{}", {}),
        ('{"tier":1}', {}),
        ('{"tier":{"a":"b"}}', {}),
        ("{order 7}", {}),
        ('["tier"]', {}),
        ("{" * 60, {}),
        ("order 7", {}),
    ],
)
def test_old_clients_put_their_headers_into_custom(custom: str, headers: dict[str, str]) -> None:
    for name in ("ice", "dice"):
        event = read_json(changed(name, custom=custom, callHeaders=...))
        assert isinstance(event, CallIncoming | CallEnded)
        assert event.headers == headers
        assert event.custom == custom
        assert (event.oddities, event.remarks) == ((), ())


def test_headers_of_their_own_leave_custom_alone() -> None:
    event = read_json(changed("ice", custom='{"tier":"lead"}'))
    assert isinstance(event, CallIncoming)
    assert event.headers == {"tier": "gold"}


@pytest.mark.parametrize(
    ("version", "read", "remarked"),
    [
        (1, 1, False),
        ("2", 2, False),
        (..., None, False),
        (None, None, False),
        (True, None, True),
        (-1, None, True),
        (1.5, None, True),
        ("one", None, True),
        (10**9, None, True),
        ([], None, True),
    ],
)
def test_a_version_is_a_whole_number(version: Any, read: int | None, remarked: bool) -> None:
    event = read_json(changed("ace", version=version))
    assert (event.version, event.oddities) == (read, ())
    assert bool(event.remarks) is remarked


@pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_what_cannot_be_read_is_refused_with_one_sentence(body: bytes) -> None:
    with pytest.raises(CallbackUnreadable, match=r"^[A-Z][^.]*\.$"):
        read_json(body)


def test_half_a_character_is_no_text() -> None:
    with pytest.raises(CallbackUnreadable, match="not UTF-8"):
        read_json('{"event":"\ud800"}')


def nested(levels: int) -> Any:
    return [nested(levels - 1)] if levels else 1


@pytest.mark.parametrize(
    "value",
    [
        float("nan"),
        float("-inf"),
        Decimal("NaN"),
        Decimal("sNaN"),
        Decimal("1e999"),
        10**30,
        -(10**30),
        1e300,
        {1: 2},
        {None: 2},
        b"bytes",
        object(),
        {"a"},
        nested(32),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_model_of_what_json_does_not_have_is_refused_with_one_sentence(value: Any) -> None:
    with pytest.raises(CallbackUnreadable, match=r"^[A-Z][^.]*\.$"):
        read_model({"event": "ice", "callid": "c-1", "mood": value})


def test_a_model_that_holds_itself_is_refused() -> None:
    model: dict[str, Any] = {"event": "ice"}
    model["self"] = model
    with pytest.raises(CallbackUnreadable, match="nested deeper"):
        read_model(model)


def test_a_model_that_says_two_things_is_odd() -> None:
    model = json.loads(body_of("dice"))
    assert read_model({**model, "Duration": 1}).oddities == ("duration is given more than once",)
    assert read_model({**model, "CallId": model["callid"]}).oddities == ()


def test_an_empty_model_is_an_odd_event_of_an_unknown_kind() -> None:
    event = read_model({})
    assert isinstance(event, UnknownEvent)
    assert event.oddities


@pytest.mark.parametrize("name", CALLBACKS)
def test_an_event_can_be_copied_kept_and_taken_apart(name: str) -> None:
    event = read_json(body_of(name))
    assert copy.deepcopy(event) == event
    assert pickle.loads(pickle.dumps(event)) == event
    apart = asdict(event)
    assert apart["call_id"] == event.call_id
    assert apart["cookies"] == event.cookies
    with pytest.raises(TypeError):
        copy.deepcopy(event).cookies["a"] = "b"  # type: ignore[index]
