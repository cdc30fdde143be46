"""What is read out of a connection object, whatever is in it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephony.providers.reading import JsonObject, read_json
from telephony.providers.sift.connections import Connection, ConnectionStatus, read_connection
from tests.telephony.providers.sift.api_stand_in import sample

ID = "1994a0ee21b612ee"


def read(**values: Any) -> Connection:
    told = {"connection_id": ID, "status": "connected", **values}
    found = read_json(json.dumps(told).encode(), 100_000)
    assert isinstance(found, JsonObject)
    return read_connection(found)


def test_the_whole_object_of_the_reference_is_read() -> None:
    connection = read(**sample("api-connection"))
    assert connection == Connection(
        connection_id=ID,
        status=ConnectionStatus.FINISHED,
        status_word="finished",
        start_time=datetime(2026, 3, 2, 8, 20, tzinfo=UTC),
        end_time=datetime(2026, 3, 2, 8, 21, 1, tzinfo=UTC),
        from_="webrtc:jimmy",
        to="+12025550123",
        direction="incoming",
        client_data={"phone_number": "+12025550123"},
    )
    assert connection.duration_seconds == 61


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("connecting", ConnectionStatus.CONNECTING),
        ("connected", ConnectionStatus.CONNECTED),
        ("failed", ConnectionStatus.FAILED),
        ("finished", ConnectionStatus.FINISHED),
        ("Finished", ConnectionStatus.FINISHED),
        ("other", ConnectionStatus.OTHER),
        ("ringing", ConnectionStatus.OTHER),
    ],
)
def test_a_status_is_a_value_known_or_not(word: str, status: ConnectionStatus) -> None:
    connection = read(status=word)
    assert (connection.status, connection.status_word) == (status, word)
    assert connection.oddities == ()


@pytest.mark.parametrize("absent", [{}, {"start_time": None, "end_time": None, "from": None, "to": None}])
def test_what_may_be_absent_is_no_oddity(absent: dict[str, None]) -> None:
    connection = read(**absent)
    assert (connection.start_time, connection.end_time, connection.duration_seconds) == (None, None, None)
    assert (connection.from_, connection.to, connection.direction, connection.client_data) == ("", "", "", None)
    assert connection.oddities == ()


@pytest.mark.parametrize(
    ("field", "value", "oddity"),
    [
        ("connection_id", "", "connection_id is missing or is not an id"),
        ("connection_id", None, "connection_id is missing or is not an id"),
        ("connection_id", 1994, "connection_id is missing or is not an id"),
        ("connection_id", "../numbers", "connection_id is missing or is not an id"),
        ("connection_id", "a" * 65, "connection_id is missing or is not an id"),
        ("connection_id", "1994a0ee\n", "connection_id is missing or is not an id"),
        ("status", None, "status is missing"),
        ("status", "  ", "status is missing"),
        ("from", {"number": "+12025550123"}, "from is not a text of at most 255 characters"),
        ("to", "1" * 256, "to is not a text of at most 255 characters"),
    ],
)
def test_what_is_broken_is_left_out_and_said(field: str, value: Any, oddity: str) -> None:
    connection = read(**{field: value})
    assert oddity in connection.oddities
    assert getattr(connection, "from_" if field == "from" else field) in ("", None, ConnectionStatus.OTHER)


@pytest.mark.parametrize(
    ("field", "value", "oddity"),
    [
        ("start_time", "yesterday", "start_time is not a timestamp"),
        ("start_time", "2026-02-30T00:00:00Z", "start_time is not a timestamp"),
        ("end_time", 1772439600, "end_time is not a text of at most 64 characters"),
        ("end_time", "0001-01-01T00:00:00+23:00", "end_time is not a timestamp"),
        ("end_time", "2026-03-02T08:19:59Z", "end_time is before start_time"),
    ],
)
def test_a_time_that_is_odd_is_left_out_and_casts_no_doubt_on_the_rest(field: str, value: Any, oddity: str) -> None:
    connection = read(**{"start_time": "2026-03-02T08:20:00Z", field: value})
    assert (getattr(connection, field), connection.duration_seconds) == (None, None)
    assert (connection.odd_times, connection.oddities) == ((oddity,), ())


@pytest.mark.parametrize("field", ["start_time", "end_time", "START_TIME"])
def test_a_time_that_is_given_twice_is_odd(field: str) -> None:
    twice = f'{{"connection_id":"{ID}","status":"finished","{field}":null,"{field}":"2026-03-02T08:20:00Z"}}'
    connection = read_connection(read_json(twice.encode(), 1000))
    assert (connection.odd_times, connection.oddities) == ((f"{field.lower()} is given more than once",), ())


@pytest.mark.parametrize(
    ("end", "seconds"),
    [
        ("2026-03-02T08:20:00Z", 0),
        ("2026-03-02T08:20:00.001Z", 1),
        ("2026-03-02T08:20:01Z", 1),
        ("2026-03-02T10:20:00+02:00", 0),
        ("2026-03-03T08:20:01.5Z", 86_402),
    ],
)
def test_a_begun_second_counts(end: str, seconds: int) -> None:
    assert read(start_time="2026-03-02T08:20:00Z", end_time=end).duration_seconds == seconds


def test_a_strange_direction_is_no_oddity_because_nothing_hangs_on_it() -> None:
    assert read(direction=7).oddities == ()
    assert read(direction="sideways").direction == "sideways"


@pytest.mark.parametrize("data", ["text", 5, [1, {"a": None}], False, {"phone_number": "+12025550123"}])
def test_client_data_may_be_any_json(data: Any) -> None:
    connection = read(client_data=data)
    assert connection.client_data == data
    assert hash(connection) == hash(read(client_data=None))


def test_an_object_that_says_two_things_is_odd() -> None:
    twice = f'{{"connection_id":"{ID}","status":"finished","status":"connected"}}'
    found = read_json(twice.encode(), 1000)
    assert read_connection(found).oddities == ("status is given more than once",)


@pytest.mark.parametrize(
    "data", ['{"a":1,"a":2}', '{"a":1,"A":2}', '[{"to":1,"to":2}]', '[[{"x":{"status":1,"Status":2}}]]']
)
def test_what_a_browser_says_twice_casts_no_doubt_on_the_connection(data: str) -> None:
    told = f'{{"connection_id":"{ID}","status":"finished","client_data":{data}}}'
    assert read_connection(read_json(told.encode(), 1000)).oddities == ()
    contradicted = told.replace('"finished"', '"finished","status":"connected"')
    assert read_connection(read_json(contradicted.encode(), 1000)).oddities == ("status is given more than once",)


anything = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.text(max_size=80),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=3),
    max_leaves=6,
)
FIELDS = ("connection_id", "status", "start_time", "end_time", "from", "to", "direction", "client_data", "x")


@given(st.dictionaries(st.sampled_from(FIELDS), anything))
def test_reading_never_fails(values: dict[str, Any]) -> None:
    found = read_json(json.dumps(values).encode(), 100_000)
    connection = read_connection(found)
    assert len(connection.connection_id) <= 64
    assert "\0" not in connection.from_ + connection.to + connection.direction + connection.status_word
    assert connection.connection_id or connection.oddities
