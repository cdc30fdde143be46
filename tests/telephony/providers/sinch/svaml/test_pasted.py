"""Pasted SVAML is read in every spelling that works at Sinch, and a mistake in it is found by its path."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephony.providers.sinch.svaml import BuilderError, EventName, SpeechLimits, read_svaml
from tests.telephony.providers.sinch.svaml.snapshots import event_of, names, reviewed

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@pytest.mark.parametrize("name", names())
def test_what_the_kit_writes_it_reads(name: str) -> None:
    written = reviewed(name)
    assert read_svaml(written, event_of(name)).body == written
    assert read_svaml(json.loads(written), event_of(name)).body == written


@pytest.mark.parametrize("name", names())
@pytest.mark.parametrize("spell", [str.lower, str.upper, str.capitalize])
def test_names_are_read_in_any_letter_case(name: str, spell: Any) -> None:
    assert read_svaml(respelled(json.loads(reviewed(name)), spell), event_of(name)).body == reviewed(name)


def respelled(value: Any, spell: Any) -> Any:
    """The same with every property's name, and what stands under `name`, spelled in another way."""
    if isinstance(value, list):
        return [respelled(entry, spell) for entry in value]
    if not isinstance(value, dict):
        return value
    return {
        spell(name): spell(inner) if name == "name" else respelled(inner, spell)
        for name, inner in reversed(value.items())
    }


@pytest.mark.parametrize(
    ("action", "read"),
    [
        (
            {"name": "connectpstn", "destination": {"type": "Number", "endpoint": "+12025550123"}, "cli": "INCOMING"},
            {"name": "connectPstn", "number": "+12025550123", "cli": "incoming", "locale": "en-US"},
        ),
        (
            {"name": "connectPstn", "destination": {"endpoint": "+12025550123"}, "indications": "SE"},
            {"name": "connectPstn", "number": "+12025550123", "locale": "en-US", "indications": "se"},
        ),
        (
            {"name": "connectsip", "destination": {"type": "Sip", "endpoint": "sip:a@b"}, "transport": "tls"},
            {"name": "connectSip", "transport": "TLS", "destination": {"type": "sip", "endpoint": "a@b"}},
        ),
        (
            {"name": "connectMxp", "destination": {"type": "username", "endpoint": "bob"}, "callheaders": []},
            {"name": "connectMxp", "destination": {"type": "username", "endpoint": "bob"}},
        ),
        (
            {"name": "park", "holdPrompt": "#TTS[Wait.]", "dialTimeout": 60, "introPrompt": None},
            {"name": "park", "holdPrompt": "#tts[Wait.]", "maxDuration": 60, "locale": "en-US"},
        ),
        ({"name": "hangup", "hangupCause": "BUSY"}, {"name": "hangup", "hangupCause": 1}),
        (
            {"name": "connectPstn", "recordingOptions": {"destination": "s3://bucket/calls"}},
            {"name": "connectPstn", "locale": "en-US", "recordingOptions": {"destinationUrl": "s3://bucket/calls"}},
        ),
        (
            {
                "name": "runMenu",
                "menus": [{"id": "main", "mainPrompt": "f", "options": [{"dtmf": 1, "action": "MENU(main)"}]}],
            },
            {
                "name": "runMenu",
                "barge": True,
                "locale": "en-US",
                "mainMenu": "main",
                "menus": [{"id": "main", "mainPrompt": "f", "options": [{"dtmf": "1", "action": "menu(main)"}]}],
            },
        ),
    ],
)
def test_the_spellings_of_every_generation_become_ours(action: dict[str, Any], read: dict[str, Any]) -> None:
    assert read_svaml({"action": action}, "ice").model == {"instructions": [], "action": read}


def test_files_that_the_old_sdk_left_in_one_id_are_taken_apart() -> None:
    pasted = {"instructions": [{"name": "playfiles", "ids": ["a;#TTS[b]", "c"]}], "action": {"name": "hangup"}}
    assert read_svaml(pasted, "pie").model["instructions"][0]["ids"] == ["a", "#tts[b]", "c"]


def menus(*menus: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"action": {"name": "runMenu", "menus": list(menus), **fields}}


MAIN = {"id": "main", "mainPrompt": "f", "maxDigits": 1}
HANGUP = {"name": "hangup"}


@pytest.mark.parametrize(
    ("pasted", "event", "field"),
    [
        ("", "ice", "reply"),
        ("[]", "ice", "reply"),
        ("null", "ice", "reply"),
        ('"\ud800"', "ice", "reply"),
        ({"action": float("nan")}, "ice", "reply"),
        ({"action": {1, 2}}, "ice", "reply"),
        ({}, "ice", "action"),
        ({"instructions": [], "action": None}, "ace", "action"),
        ({"action": HANGUP, "actions": []}, "ice", "actions"),
        ('{"action":{"name":"hangup"},"Action":{"name":"continue"}}', "ice", "reply.Action"),
        ({"action": []}, "ice", "action"),
        ({"action": {}}, "ice", "action.name"),
        ({"action": {"name": 1}}, "ice", "action.name"),
        ({"action": {"name": "connectPSTM"}}, "ice", "action.name"),
        ({"action": {"name": "hangup", "Reason": "x"}}, "ice", "action.Reason"),
        ({"action": {"name": "hangup", "hangupCause": 3}}, "ice", "action.hangupCause"),
        ({"action": {"name": "hangup", "hangupCause": []}}, "ice", "action.hangupCause"),
        ({"action": {"name": "hangup", "barge": True}}, "ice", "action"),
        ({"action": {"name": "connectPstn", "maxDuration": "720"}}, "ice", "action.maxDuration"),
        ({"action": {"name": "connectPstn", "maxDuration": True}}, "ice", "action.maxDuration"),
        ({"action": {"name": "connectPstn", "maxDuration": 14_401}}, "ice", "action.maxDuration"),
        ({"action": {"name": "connectPstn", "suppressCallbacks": "yes"}}, "ice", "action.suppressCallbacks"),
        ({"action": {"name": "connectPstn", "amd": True}}, "ice", "action.amd"),
        ({"action": {"name": "connectPstn", "amd": {"asynchronous": True}}}, "ice", "action.amd.asynchronous"),
        (
            {"action": {"name": "connectPstn", "number": "+12025550123", "destination": {"endpoint": "+12025550123"}}},
            "ice",
            "action.destination",
        ),
        (
            {"action": {"name": "connectPstn", "destination": {"type": "username", "endpoint": "bob"}}},
            "ice",
            "action.destination.type",
        ),
        ({"action": {"name": "connectPstn", "destination": {"endpoint": "1"}}}, "ice", "action.destination.endpoint"),
        ({"action": {"name": "connectPstn"}}, "ace", "action"),
        ({"action": {"name": "connectConf"}}, "pie", "action.conferenceId"),
        ({"action": {"name": "connectSip"}}, "ice", "action.destination"),
        ({"action": {"name": "connectSip", "destination": {"endpoint": "4711"}}}, "ice", "action.destination.endpoint"),
        (
            {"action": {"name": "connectSip", "account": "a", "destination": {"endpoint": "4711@b"}}},
            "ice",
            "action.destination.endpoint",
        ),
        ({"action": {"name": "connectMxp", "callHeaders": [{"key": "k"}]}}, "ice", "action.callHeaders[0].value"),
        ({"action": {"name": "park", "holdPrompt": "f", "maxDuration": 601}}, "ice", "action.maxDuration"),
        (
            {"action": {"name": "park", "holdPrompt": "f", "maxDuration": 60, "dialTimeout": 60}},
            "ice",
            "action.dialTimeout",
        ),
        ({"instructions": {}, "action": HANGUP}, "ice", "instructions"),
        ({"instructions": ["say"], "action": HANGUP}, "ice", "instructions[0]"),
        ({"instructions": [{"name": "hangup"}], "action": HANGUP}, "ice", "instructions[0].name"),
        ({"instructions": [{"name": "say"}], "action": HANGUP}, "ice", "instructions[0].text"),
        ({"instructions": [{"name": "say", "text": "a;b"}], "action": HANGUP}, "ice", "instructions[0].text"),
        ({"instructions": [{"name": "say", "text": "a" * 601}], "action": HANGUP}, "ice", "instructions[0].text"),
        ({"instructions": [{"name": "answer"}], "action": HANGUP}, "ace", "instructions[0]"),
        (
            {"instructions": [{"name": "playFiles", "ids": ["a", "b;#tts[]"]}], "action": HANGUP},
            "ice",
            "instructions[0].ids[1]",
        ),
        (
            {"instructions": [{"name": "startRecording", "options": {"transcriptionOptions": {"locale": "x"}}}]},
            "ice",
            "instructions[0].options.transcriptionOptions.locale",
        ),
        (menus(), "ice", "action.menus"),
        (menus(MAIN, MAIN), "ice", "action.menus[1].id"),
        (menus(MAIN, mainMenu="other"), "ice", "action.mainMenu"),
        (menus(MAIN, MAIN | {"id": "b", "timeoutMills": 999}), "ice", "action.menus[1].timeoutMills"),
        (menus(MAIN, MAIN | {"id": "b", "timeoutMillis": 5000}), "ice", "action.menus[1].timeoutMillis"),
        (
            menus(MAIN, MAIN | {"id": "b", "options": [{"dtmf": 12, "action": "return(r)"}]}),
            "ice",
            "action.menus[1].options[0].dtmf",
        ),
        (
            menus(MAIN, MAIN | {"id": "b", "options": [{"dtmf": True, "action": "return(r)"}]}),
            "ice",
            "action.menus[1].options[0].dtmf",
        ),
        (
            menus(MAIN | {"options": [{"dtmf": 1, "action": "return(r)"}, {"dtmf": "1", "action": "menu(main)"}]}),
            "ice",
            "action.menus[0].options[1].dtmf",
        ),
        (
            menus(MAIN | {"options": [{"dtmf": "1", "action": "goto(main)"}]}),
            "ice",
            "action.menus[0].options[0].action",
        ),
        (
            menus(MAIN | {"options": [{"dtmf": "1", "action": "menu(nowhere)"}]}),
            "ice",
            "action.menus[0].options[0].action",
        ),
        (
            menus(MAIN | {"options": [{"dtmf": "1", "action": "menu(main)", "add": [{"key": "", "value": "v"}]}]}),
            "ice",
            "action.menus[0].options[0].add[0].key",
        ),
        (
            menus(MAIN | {"options": [{"dtmf": "1", "action": "return(r)", "add": [{"key": "k", "value": "v"}]}]}),
            "ice",
            "action.menus[0].options[0].add",
        ),
        ({"action": HANGUP}, "notify", "reply"),
        ({"action": {"name": "continue"}}, "dice", "action"),
        ({"instructions": [{"name": "say", "text": "Goodbye."}]}, "dice", "instructions[0]"),
    ],
)
def test_a_mistake_is_found_by_its_path(pasted: str | dict[str, Any], event: EventName, field: str) -> None:
    with pytest.raises(BuilderError) as refused:
        read_svaml(pasted, event)
    assert refused.value.field == field
    assert str(refused.value).startswith(f"SVAML: {field} takes ")


def test_a_reply_without_an_action_is_told_so() -> None:
    with pytest.raises(BuilderError, match=r"^SVAML: action takes exactly one action, not None\.$"):
        read_svaml({"instructions": []}, "ice")


@pytest.mark.parametrize("pasted", [{}, {"instructions": []}, {"Action": {"name": "HANGUP"}}])
def test_the_ways_to_say_nothing_after_a_call_become_nothing(pasted: dict[str, Any]) -> None:
    assert read_svaml(pasted, "dice").body == "{}"


def test_a_pasted_reply_is_at_most_so_large() -> None:
    text = '{"action":{"name":"hangup"}}'
    assert read_svaml(text + " " * (65_536 - len(text)), "ice").body
    with pytest.raises(BuilderError, match="The body is larger than 65536 bytes"):
        read_svaml(text + " " * (65_537 - len(text)), "ice")


@pytest.mark.parametrize("levels", [33, 100_000])
def test_a_pasted_reply_is_at_most_so_deep(levels: int) -> None:
    with pytest.raises(BuilderError) as refused:
        read_svaml("[" * levels, "ice")
    assert refused.value.field == "reply"


def test_an_object_that_is_too_deep_is_refused_too() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(BuilderError, match="reply takes what JSON can hold, not 'dict'"):
        read_svaml({"action": deep}, "ice")


def test_limits_that_sinch_raised_hold_for_what_is_pasted() -> None:
    pasted = {"instructions": [{"name": "say", "text": "a" * 700}], "action": HANGUP}
    assert read_svaml(pasted, "ice", speech=SpeechLimits(per_prompt=700)).body


def test_what_is_pasted_gets_the_same_cautions() -> None:
    pasted = {"instructions": [{"name": "say", "text": "a" * 201}], "action": HANGUP}
    assert [caution.value for caution in read_svaml(pasted, "ice").warnings] == [201]


@given(st.text() | st.dictionaries(st.sampled_from(["action", "instructions"]) | st.text(), JSON))
def test_whatever_is_pasted_is_read_or_refused(pasted: str | dict[str, Any]) -> None:
    with suppress(BuilderError):
        read_svaml(pasted, "ice")


@given(st.sampled_from(names()), st.data())
def test_a_property_that_becomes_something_else_is_read_or_refused(name: str, data: st.DataObject) -> None:
    pasted = json.loads(reviewed(name))
    branch: Any = pasted
    while isinstance(branch, dict | list) and branch:
        key = data.draw(st.sampled_from(list(branch) if isinstance(branch, dict) else range(len(branch))))
        if data.draw(st.booleans()) or not isinstance(branch[key], dict | list):
            branch[key] = data.draw(JSON)
            break
        branch = branch[key]
    with suppress(BuilderError):
        read = read_svaml(pasted, event_of(name))
        assert read_svaml(read.body, event_of(name)).body == read.body
