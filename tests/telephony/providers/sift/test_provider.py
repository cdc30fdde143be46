"""Sift as a Provider: what its API is asked and told, over real HTTP, and what its answers become."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from telephony.decisions import (
    Acknowledge,
    Ask,
    Connect,
    ConnectUser,
    Continue,
    Decision,
    HangUp,
    JoinConference,
    Park,
    Reason,
    Refuse,
)
from telephony.events import EndReason, Result
from telephony.menus import say
from telephony.providers.base import (
    Access,
    CalloutKind,
    CallUnknown,
    CommandRefused,
    NoCreditThere,
    NotSent,
    ProviderTrouble,
)
from telephony.providers.sift.capability_codec import CapabilityCodec
from telephony.providers.sift.provider import Sift
from tests.telephony.providers.contract import CALLOUT
from tests.telephony.providers.sift.api_stand_in import Says, answering
from tests.telephony.providers.sift.samples import CALL_ID, KEY, SECRET, changed

NOW = datetime(2026, 3, 2, 8, 15, 30, 250_000, tzinfo=UTC)
APPLICATION = "9c1f0b7d2e4a6853"
SIFT = Sift()


def connection(name: str = "status-finished", **fields: Any) -> Says:
    values = changed(name)["connection"] | fields
    return Says({field: value for field, value in values.items() if value is not ...})


def asked_about(*answers: Says) -> Any:
    with answering(*answers) as api:
        return SIFT.ask_about_call(api.address, KEY, SECRET, CALL_ID)


@pytest.mark.parametrize("status", ["connecting", "connected"])
def test_a_connection_that_goes_on_has_not_ended(status: str) -> None:
    # The reference's own example of a connected one has an end_time.
    report = asked_about(connection(status=status, end_time="2026-03-02T08:16:31Z"))
    assert (report.call_id, report.ended) == (CALL_ID, None)
    assert report.begun_at == datetime(2026, 3, 2, 8, 15, 30, tzinfo=UTC)


@pytest.mark.parametrize("nothing", [None, ..., "", "yesterday", 5])
def test_a_connection_that_still_rings_need_not_have_begun(nothing: Any) -> None:
    report = asked_about(connection("status-connecting", start_time=nothing))
    assert (report.call_id, report.ended, report.begun_at) == (CALL_ID, None, None)


@pytest.mark.parametrize("nothing", [None, ..., "", "yesterday", 5])
def test_one_that_is_connected_and_does_not_say_since_when_is_not_taken_for_one_that_rings(nothing: Any) -> None:
    with pytest.raises(ProviderTrouble, match=r"^Sift does not say since when this connection is connected\.$"):
        asked_about(connection("status-connected", start_time=nothing))


def test_a_finished_connection_lasted_from_when_it_was_established_and_a_begun_second_counts() -> None:
    ended = asked_about(connection()).ended
    assert (ended.result, ended.duration_seconds, ended.reason) == (Result.ANSWERED, 62, EndReason.NONE)
    assert (ended.at, ended.call_id) == (datetime(2026, 3, 2, 8, 16, 31, 500_000, UTC), CALL_ID)
    assert ended.oddities == ()


@pytest.mark.parametrize("start", ["2026-03-02T08:15:30Z", None, ..., "yesterday"])
@pytest.mark.parametrize("end", ["2026-03-02T08:16:00Z", "2026-03-02T08:15:00Z", None, ..., 5])
def test_a_failed_connection_lasted_no_time_whatever_its_times_are(start: Any, end: Any) -> None:
    ended = asked_about(connection("status-failed", start_time=start, end_time=end)).ended
    assert (ended.result, ended.duration_seconds, ended.oddities) == (Result.FAILED, 0, ())


def test_a_finished_connection_without_its_times_is_odd_so_that_nothing_is_settled_by_it() -> None:
    for missing in ("start_time", "end_time"):
        for nothing in (None, ...):
            ended = asked_about(connection(**{missing: nothing})).ended
            assert ended.duration_seconds is None
            assert ended.oddities == ("it has finished, and its times do not say how long it lasted",)


@pytest.mark.parametrize(
    ("times", "oddity"),
    [
        ({"end_time": "2026-03-02T08:15:29Z"}, "end_time is before start_time"),
        ({"end_time": "yesterday"}, "end_time is not a timestamp"),
        ({"start_time": 5}, "start_time is not a text of at most 64 characters"),
    ],
)
def test_an_end_with_odd_times_is_told_with_them_so_that_a_person_looks(times: dict[str, Any], oddity: str) -> None:
    report = asked_about(connection(**times))
    assert (report.call_id, report.ended.result, report.ended.duration_seconds) == (CALL_ID, Result.ANSWERED, None)
    assert oddity in report.ended.oddities


def test_a_status_that_we_do_not_know_says_nothing_that_could_be_settled() -> None:
    ended = asked_about(connection(status="paused")).ended
    assert (ended.result, ended.result_word, ended.duration_seconds) == (Result.OTHER, "paused", None)


def test_a_connection_that_is_not_asked_for_by_itself_is_looked_for_in_the_list() -> None:
    page = Says(
        {"next": None, "previous": None, "results": [connection(connection_id="another").values, connection().values]}
    )
    for status in (404, 405):
        assert asked_about(Says({}, status), page).ended.duration_seconds == 62


def test_a_connection_that_sift_does_not_know_is_unknown_and_a_strange_answer_is_trouble() -> None:
    with pytest.raises(CallUnknown):
        asked_about(Says({}, 404), Says({"next": None, "previous": None, "results": []}))
    for strange in (Says([]), Says(b"<html>"), connection(connection_id="another"), Says({}, 500)):
        with pytest.raises(ProviderTrouble) as trouble:
            asked_about(strange)
        assert not isinstance(trouble.value, CallUnknown)


def test_a_call_that_cannot_be_sifts_is_not_asked_about() -> None:
    with answering(Says({})) as api, pytest.raises(NotSent, match=r"^[A-Z].*\.$"):
        SIFT.ask_about_call(api.address, KEY, SECRET, "../applications")
    assert api.asked == []


@pytest.mark.parametrize(
    ("decision", "routine"),
    [
        (HangUp(), [{"name": "HangUp"}]),
        (HangUp(say=say("Goodbye.")), [{"name": "Say", "text": "Goodbye."}, {"name": "HangUp"}]),
        (Refuse(Reason.NOT_ENOUGH_CREDIT, "No.", "en-US"), [{"name": "Say", "text": "No."}, {"name": "HangUp"}]),
        (HangUp(say=say("\x00")), [{"name": "HangUp"}]),
    ],
)
def test_a_running_call_is_ended_by_another_routine(decision: Decision, routine: Any) -> None:
    with answering(connection()) as api:
        SIFT.manage(api.address, KEY, SECRET, CALL_ID, decision)
    asked = api.only_request()
    assert (asked.method, asked.path) == ("POST", f"/v0/connections/{CALL_ID}")
    assert json.loads(asked.body) == {"routine": routine}


@pytest.mark.parametrize(
    "decision",
    [
        Connect(number="+12025550123", limit_seconds=60, caller_id=None),
        ConnectUser(user="bob"),
        Ask(questions=()),
        Park(say=say("Please hold."), limit_seconds=60),
        JoinConference("room-7"),
        Continue(),
        Acknowledge(),
    ],
)
def test_nothing_else_is_told_to_a_running_call(decision: Decision) -> None:
    with answering(Says({})) as api, pytest.raises(CommandRefused, match=type(decision).__name__):
        SIFT.manage(api.address, KEY, SECRET, CALL_ID, decision)
    assert api.asked == []


def test_a_call_that_is_over_cannot_be_ended_again() -> None:
    over = Says({"error": {"code": "over", "message": "It is over."}}, 409)
    with answering(over) as api, pytest.raises(CommandRefused) as refused:
        SIFT.manage(api.address, KEY, SECRET, CALL_ID, HangUp())
    assert refused.value.code == "over"


@pytest.mark.parametrize("kind", CalloutKind)
def test_a_callout_is_placed_with_an_address_that_brings_its_mark_back(kind: CalloutKind) -> None:
    with answering(Says(connection("status-connecting").values, 201)) as api:
        order = replace(CALLOUT, kind=kind, conference_id="room-7")
        assert SIFT.place_callout(Access(api.address, KEY, SECRET), order) == CALL_ID
    asked = api.only_request()
    assert asked.path == "/v0/connections"
    assert asked.form == [
        ("phone_number", "+46701740605"),
        ("status_url", f"{CALLOUT.report_base}status/{CALLOUT.mark.replace(':', '%3A')}/"),
    ]


@pytest.mark.parametrize(
    "order",
    [
        replace(CALLOUT, report_base=""),
        replace(CALLOUT, report_base="not an address"),
        replace(CALLOUT, number="46701740605"),
        replace(CALLOUT, mark="x" * 3_000),
    ],
)
def test_a_callout_that_cannot_be_told_is_refused_unsent(order: Any) -> None:
    with answering(Says({})) as api, pytest.raises(CommandRefused, match=r"^[A-Z].*\.$"):
        SIFT.place_callout(Access(api.address, KEY, SECRET), order)
    assert api.asked == []


def test_a_callout_without_an_address_of_ours_says_what_is_missing() -> None:
    with pytest.raises(CommandRefused, match="needs an address of ours"):
        SIFT.place_callout(Access("http://127.0.0.1:1", KEY, SECRET), replace(CALLOUT, report_base=""))


def test_an_empty_account_at_sift_is_told_as_such() -> None:
    with answering(Says({}, 402)) as api, pytest.raises(NoCreditThere):
        SIFT.place_callout(Access(api.address, KEY, SECRET), CALLOUT)


def test_a_users_token_lets_it_call_by_one_application_and_be_called_by_its_own_name_for_an_hour() -> None:
    registration = SIFT.registration_token(KEY, SECRET, "alice", NOW, APPLICATION)
    assert registration.expires_at == NOW.replace(microsecond=0) + timedelta(hours=1)
    granted = CapabilityCodec(KEY, SECRET).read(registration.token, NOW)
    assert granted.permissions.application_id == APPLICATION
    assert granted.permissions.client_name == "alice"
    assert granted.expires_at == registration.expires_at


def test_a_token_says_which_application_it_is_for() -> None:
    with pytest.raises(ValueError, match=r"^Say which application at Sift .*\.$"):
        SIFT.registration_token(KEY, SECRET, "alice", NOW)


@pytest.mark.parametrize("user", ["", "alice&app_id=1", "a b", "x" * 129, "a\n"])
def test_a_user_that_cannot_stand_in_a_token_gets_none(user: str) -> None:
    with pytest.raises(ValueError, match=r"^[A-Z].*\.$"):
        SIFT.registration_token(KEY, SECRET, user, NOW, APPLICATION)


@pytest.mark.parametrize("address", ["", "ftp://api.example.com", "not an address"])
def test_an_address_that_is_none_is_said_before_anything_is_sent(address: str) -> None:
    with pytest.raises(NotSent, match=r"^[A-Z].*\.$"):
        SIFT.ask_about_call(address, KEY, SECRET, CALL_ID)


def test_an_answer_may_take_so_long_and_no_longer() -> None:
    with answering(Says({}), silent=True) as api, pytest.raises(ProviderTrouble, match="in time"):
        Sift(deadline_seconds=0.2).ask_about_call(api.address, KEY, SECRET, CALL_ID)


def test_sift_says_what_it_cannot_be_told() -> None:
    able = SIFT.capabilities
    assert able.carries_calls
    assert able.is_watched
    assert not any((able.limits_phone_calls, able.shows_caller_id, able.proves_news, able.acts_on_orders))
    assert [able.speaks(locale) for locale in ("en-GB", "es-ES")] == [True, False]
