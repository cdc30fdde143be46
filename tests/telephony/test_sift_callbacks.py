"""What Sift asks and tells over HTTP: whoever proves nothing begins calls at most, and moves no money."""

from __future__ import annotations

import json
from base64 import b64encode
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from accounts.models import Account
from accounts.registration import add_verified_number
from billing.models import Posting
from outbox.models import Row
from telephony.applications import callback_address
from telephony.live import Stage, stage_of
from telephony.menus import Action, Digits, Keys, Question, say
from telephony.models import AccessNumber, Call, ReceivedEvent
from telephony.replay import CannotReplay, replay
from tests.builders import a_deck, a_menu, an_access_number, an_account, balance, held
from tests.sift_caller import A_NUMBER, SiftCaller
from tests.telephony.sift_scenes import a_sift_application

pytestmark = pytest.mark.django_db

OURS = "+12025550123"


@pytest.fixture
def account() -> Account:
    a_deck({"44": "0.06"})
    return an_account(client_user="alice", calls_at_once=2, exposure_allowance=Decimal(40))


@pytest.fixture
def sift(account: Account) -> SiftCaller:
    return SiftCaller(a_sift_application())


def test_a_client_is_connected_to_the_telephone_it_wishes(sift: SiftCaller, account: Account) -> None:
    answered = sift.incoming("c-1")
    assert answered.names == ["CallPhone", "HangUp"]
    assert answered.command("CallPhone")["phone_number"] == A_NUMBER
    assert answered.command("CallPhone")["event_callback"].endswith("/event/c-1/")
    call = Call.objects.get()
    assert (call.account, call.state, call.shown_caller_id) == (account, Call.State.AUTHORISED, "")
    assert held(account) > 0


def test_a_client_is_connected_to_another_client(sift: SiftCaller) -> None:
    an_account(client_user="bob")
    answered = sift.incoming("c-1", {"client_name": "bob"})
    assert answered.command("CallClient")["client_name"] == "bob"
    assert answered.command("CallClient")["do_record"] is False


def test_a_number_that_leads_to_a_number_is_connected_at_its_accounts_cost(sift: SiftCaller, account: Account) -> None:
    an_access_number(sift.application, number=OURS, connects_to=A_NUMBER, account=account)
    assert sift.dialled("c-1", OURS, cli="+12025550199").command("CallPhone")["phone_number"] == A_NUMBER
    assert Call.objects.get().account == account


@pytest.mark.parametrize("allowance", [None, Decimal("0.01")])
def test_an_account_without_an_allowance_is_refused(
    sift: SiftCaller, account: Account, allowance: Decimal | None
) -> None:
    Account.objects.update(exposure_allowance=allowance)
    answered = sift.incoming("c-1")
    assert answered.names == ["Say", "HangUp"]
    call = Call.objects.get()
    assert call.refusal == "too_exposed"
    assert held(account) == 0
    assert Row.objects.filter(kind="watch", subject=call.pk).exists()


def test_the_same_question_gets_the_same_answer_and_one_hold(sift: SiftCaller, account: Account) -> None:
    first = sift.incoming("c-1")
    before = held(account)
    assert sift.incoming("c-1") == first
    assert (held(account), Call.objects.count(), ReceivedEvent.objects.count()) == (before, 1, 1)


@pytest.mark.parametrize("topic", ["status", "event/c-7", "done/welcome.0.2.0123456789abcdef", "status/no-mark"])
def test_news_of_an_unknown_connection_is_not_found_and_not_kept(sift: SiftCaller, topic: str) -> None:
    body = {
        "account_id": sift.application.key,
        "connection_id": "c-7",
        "digits": "1",
        "event_type": "conversation_ended",
        "connection": SiftCaller.connection("c-7", status="finished", end_time="2026-03-02T08:16:30Z"),
    }
    answered = sift.post(topic, body)
    assert (answered.status, answered.body) == (404, b"")
    assert not ReceivedEvent.objects.exists()
    assert not Call.objects.exists()


def test_another_account_is_not_found_and_nothing_is_kept(sift: SiftCaller, account: Account) -> None:
    told = {"account_id": "0000000000000000", "connection": SiftCaller.connection("c-1", **{"from": "webrtc:alice"})}
    assert sift.post("incoming", told).status == 404
    assert not ReceivedEvent.objects.exists()
    assert held(account) == 0


def test_an_unknown_token_is_refused(sift: SiftCaller) -> None:
    assert sift.to("/callbacks/sift/guessed/incoming/", {}).status == 401
    assert not ReceivedEvent.objects.exists()


def test_h20_a_forged_end_moves_no_money(sift: SiftCaller, account: Account) -> None:
    sift.incoming("c-1")
    before = held(account)
    for seconds in ("00", "59"):
        sift.status("c-1", "finished", start_time="2026-03-02T08:15:00Z", end_time=f"2026-03-02T08:15:{seconds}Z")
    sift.conversation_ended("c-1")
    assert (balance(account), held(account)) == (Decimal(5), before)
    assert not Posting.objects.filter(kind=Posting.Kind.SETTLEMENT).exists()


def test_an_end_that_is_told_badly_has_the_provider_asked_as_well(sift: SiftCaller) -> None:
    sift.incoming("c-1")
    before = Row.objects.get(kind="watch").due_at
    sift.status("c-1", "finished")  # without a time of its end
    assert Row.objects.get(kind="watch").due_at < before
    assert ReceivedEvent.objects.filter(kind="ended").get().outcome == "quarantined"


def test_a_forged_answer_takes_nothing_off_what_is_charged(sift: SiftCaller, account: Account) -> None:
    """Talk that a menu connected is measured from an answer where one is told, and nobody who proves it tells one."""
    question = Question("a", say("Press 1."), Keys({"1": Action.connect(A_NUMBER)}))
    an_access_number(sift.application, number=OURS, menu=a_menu((question,)), account=account)
    sift.pressed("c-1", sift.dialled("c-1", OURS, cli="+12025550199"), "1")
    assert sift.status("c-1", "connected").body == b""
    call = Call.objects.get()
    assert (call.state, call.answered_at) == (Call.State.AUTHORISED, None)


@pytest.mark.parametrize("topic", ["status/a%00b", "status/%00", "event/c-1/%00", "%00"])
def test_an_address_that_no_database_can_keep_is_kept_all_the_same(sift: SiftCaller, topic: str) -> None:
    sift.incoming("c-1")
    told = {"account_id": sift.application.key, "connection_id": "c-1", "event_type": "conversation_ended"}
    connection = SiftCaller.connection("c-1", status="finished", end_time="2026-03-02T08:16:30Z")
    assert sift.post(topic, {**told, "connection": connection}).status in (200, 404)
    assert not ReceivedEvent.objects.filter(outcome="failed").exists()


def test_a_password_is_asked_for_where_our_address_holds_one(account: Account) -> None:
    sift = SiftCaller(a_sift_application(callback_salt="p@ss"))
    address = callback_address(sift.application)
    assert f"://{sift.application.key}:p%40ss@" in address
    assert address.endswith("/incoming/")
    assert sift.incoming("c-1").status == 401
    body = {
        "account_id": sift.application.key,
        "connection": SiftCaller.connection(
            "c-1", **{"from": "webrtc:alice", "client_data": {"phone_number": A_NUMBER}}
        ),
    }
    proof = b64encode(f"{sift.application.key}:p@ss".encode()).decode()
    answered = sift.post("incoming", body, authorization=f"Basic {proof}")
    assert f"://{sift.application.key}:p%40ss@" in answered.command("CallPhone")["event_callback"]


def test_a_menu_is_played_prompt_by_prompt(sift: SiftCaller, account: Account) -> None:
    questions = (
        Question("welcome", say("For sales, press 1."), Keys({"1": Action.goto("number")})),
        Question("number", say("Your number?"), Digits(most=4, then="welcome")),
    )
    an_access_number(sift.application, number=OURS, menu=a_menu(questions))
    first = sift.dialled("c-1", OURS)
    assert first.names == ["Say", "GetDigits"] * 3 + ["HangUp"]
    assert sift.pressed("c-1", first, "", repetition=0).body == b""  # silence: the routine goes on to its repetition
    wrong = sift.pressed("c-1", first, "7", repetition=1)
    assert wrong.routine[0]["text"] == "Sorry, that is not possible here."
    asked = sift.pressed("c-1", wrong, "1")
    assert asked.routine[0] == {"name": "Say", "text": "Your number?"}
    again = sift.pressed("c-1", asked, "1234")
    assert again.routine[0]["text"] == "For sales, press 1."
    assert sift.pressed("c-1", asked, "1234") == again  # a retry
    last = sift.pressed("c-1", again, "", repetition=2)
    assert last.names == ["Say", "HangUp"]
    assert Call.objects.get().menu_run.kept == [["number", "1234"]]


def test_what_was_kept_can_be_decided_again(sift: SiftCaller, account: Account) -> None:
    an_access_number(sift.application, number=OURS, menu=a_menu((Question("a", say("?"), Digits(4)),)))
    asked = sift.dialled("c-1", OURS)
    sift.pressed("c-1", asked, "12")
    event = ReceivedEvent.objects.get(kind="prompt")
    assert event.topic.startswith("done/a.0.2.")
    assert type(replay(event.pk)).__name__ == "HangUp"
    assert AccessNumber.objects.count() == 1


def test_a_call_that_a_menu_connects_is_looked_at_when_its_time_is_up(sift: SiftCaller, account: Account) -> None:
    Account.objects.update(longest_call_seconds=20)
    question = Question("a", say("Press 1."), Keys({"1": Action.connect(A_NUMBER)}))
    an_access_number(sift.application, number=OURS, menu=a_menu((question,)), account=account)
    asked = sift.dialled("c-1", OURS, cli="+12025550199")
    before = Row.objects.get(kind="watch").due_at
    assert sift.pressed("c-1", asked, "1").names[-2:] == ["CallPhone", "HangUp"]
    call = Call.objects.get()
    assert (call.limit_seconds, call.account) == (20, account)
    assert Row.objects.get(kind="watch").due_at == call.connected_at + timedelta(seconds=20) < before


def test_no_caller_id_is_written_down_as_shown_and_the_call_is_neither_ringing_nor_talking(
    sift: SiftCaller, account: Account
) -> None:
    add_verified_number(account.pk, A_NUMBER, timezone.now())
    sift.incoming("c-1", {"phone_number": "+447700900124"})
    call = Call.objects.get()
    assert call.shown_caller_id == ""
    assert stage_of(call) is Stage.CONNECTED


def test_an_event_about_a_call_nobody_knows_is_not_decided_again(sift: SiftCaller, account: Account) -> None:
    body = {"account_id": sift.application.key, "conversation_id": "c0ffee", "event_type": "conversation_ended"}
    event = ReceivedEvent.objects.create(
        application=sift.application, kind="ended", outcome="failed", topic="event/c-2", body=json.dumps(body).encode(),
        signed_at=timezone.now(), received_at=timezone.now(),
    )  # fmt: skip
    with pytest.raises(CannotReplay, match="do not know"):
        replay(event.pk)
