"""The way in: what HTTP status and body each outcome has."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from django.db import connection
from pytest_django.fixtures import Settings

from telephony.callbacks import public_path
from telephony.models import CDR, Call, ReceivedEvent
from tests import books
from tests.builders import a_deck, an_account, an_application, balance
from tests.sinch_caller import PATH, SinchCaller, a_call_id

BROKEN = "INSERT OR UPDATE ON billing_hold FOR EACH ROW EXECUTE FUNCTION broken_for_a_test()"


@pytest.fixture
def sinch(db: None) -> SinchCaller:
    a_deck({"44": "0.06"})
    an_account("Alice", client_user="alice")
    return SinchCaller(an_application())


@pytest.fixture
def holds_cannot_be_written(sinch: SinchCaller) -> Iterator[None]:
    """As if our own code or the database had a mistake: every hold fails."""
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION broken_for_a_test() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'broken for a test' USING ERRCODE = 'XX000'; END $$"
        )
        cursor.execute(f"CREATE TRIGGER broken_for_a_test BEFORE {BROKEN}")
    yield
    with connection.cursor() as cursor:
        cursor.execute("DROP FUNCTION IF EXISTS broken_for_a_test CASCADE")


@pytest.mark.parametrize(
    ("public_url", "expected"),
    [
        ("https://calls.example.com", "/callbacks/sinch/"),
        ("https://calls.example.com/", "/callbacks/sinch/"),
        ("https://calls.example.com/voice", "/voice/callbacks/sinch/"),
        ("https://calls.example.com:8443/a/b/", "/a/b/callbacks/sinch/"),
    ],
)
def test_h6_the_signed_path_is_that_of_the_public_address(settings: Settings, public_url: str, expected: str) -> None:
    settings.PUBLIC_URL = public_url
    assert public_path(PATH) == expected


def test_each_question_gets_svaml_and_news_gets_nothing(sinch: SinchCaller) -> None:
    call_id = a_call_id()
    for body in (sinch.ice(call_id), sinch.ace(call_id), sinch.pie(call_id)):
        assert set(sinch.send(body).svaml) == {"instructions", "action"}
    for body in (sinch.dice(call_id), sinch.notify(call_id)):
        assert sinch.send(body).body == b""
    assert sinch.send({"event": "new", "callid": call_id}).body == b"{}"


def test_our_own_trouble_refuses_the_call_in_words_and_is_written_down(
    sinch: SinchCaller, holds_cannot_be_written: None
) -> None:
    body = sinch.ice(a_call_id())
    reply = sinch.send(body)
    assert (reply.status, reply.action) == (200, "hangup")
    assert reply.spoken == "The service is not available at the moment. Please try again later."
    assert not Call.objects.exists()
    failed = ReceivedEvent.objects.get()
    assert (failed.outcome, bytes(failed.body)) == ("failed", json.dumps(body).encode())
    assert "broken for a test" in failed.error


def test_p6_a_hang_up_we_could_not_book_is_answered_503_and_booked_when_it_comes_again(
    sinch: SinchCaller, request: pytest.FixtureRequest
) -> None:
    call_id = a_call_id()
    sinch.send(sinch.ice(call_id))
    request.getfixturevalue("holds_cannot_be_written")
    reply = sinch.send(sinch.dice(call_id))
    assert (reply.status, reply.body) == (503, b"")
    assert not CDR.objects.exists()
    assert ReceivedEvent.objects.get(outcome="failed").kind == "ended"

    with connection.cursor() as cursor:
        cursor.execute("DROP TRIGGER broken_for_a_test ON billing_hold")
    assert sinch.send(sinch.dice(call_id)).status == 200
    assert balance(CDR.objects.get().account) == 5 - CDR.objects.get().charge < 5
    assert books.differences() == {}


def test_a_failed_question_is_decided_when_it_is_asked_again(sinch: SinchCaller, holds_cannot_be_written: None) -> None:
    body = sinch.ice(a_call_id())
    assert sinch.send(body).action == "hangup"
    with connection.cursor() as cursor:
        cursor.execute("DROP TRIGGER broken_for_a_test ON billing_hold")
    assert sinch.send(body).action == "connectPstn"


def test_c25_no_reply_of_ours_switches_callbacks_off(sinch: SinchCaller) -> None:
    call_id = a_call_id()
    for body in (
        sinch.ice(call_id),
        sinch.ice(a_call_id(), to={"type": "username", "endpoint": "bob"}),
        sinch.ice(a_call_id(), to="+12025550123"),
        sinch.ace(call_id),
        sinch.pie(call_id),
    ):
        assert b"suppressCallbacks" not in sinch.send(body).body


def test_a_hang_up_with_many_remarks_is_booked_all_the_same(sinch: SinchCaller) -> None:
    """Found by fuzzing: what is remarked was longer than its column, and the hang-up was lost."""
    odd = {"timestamp": " " * 5_000, "reason": "r" * 500, "custom": "c" * 5_000, "debit": "free", "from": "f" * 300}
    assert sinch.send(sinch.dice(a_call_id(), 60, **odd)).status == 200
    assert balance(CDR.objects.get().account) < 5
    call_id = a_call_id()
    sinch.send(sinch.ice(call_id))
    assert sinch.send(sinch.dice(call_id, 60, **odd)).status == 200
