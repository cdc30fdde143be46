"""Voximplant's account callbacks over HTTP: batches, forgeries, repeats, and news of every kind. None moves money."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from accounts.models import Notice
from outbox.models import Row
from postgres.base import DeadlinePassed
from telephony import control
from telephony.decisions import Acknowledge
from telephony.models import Application, OptOut, ReceivedEvent, TextMessage
from telephony.providers.voximplant.proof import proof_of
from telephony.replay import replay
from tests import books
from tests.builders import an_account, an_application, balance

PATH = "/callbacks/voximplant/"
ACCOUNT, SALT, API_KEY = "1523447", "pepper-7f3", "6b1d2c3e-0f4a-4b5c-8d6e-9a7b8c9d0e1f"

pytestmark = pytest.mark.django_db


@pytest.fixture
def application() -> Application:
    return an_application("voximplant", key=ACCOUNT, secret=API_KEY, callback_salt=SALT, base_url="http://127.0.0.1:1")


def told(callback_id: int, type: str, **fields: Any) -> dict[str, Any]:
    return {
        "callback_id": callback_id,
        "type": type,
        "account_id": int(ACCOUNT),
        "balance": 4.97,
        "currency": "USD",
        "hash": proof_of(SALT, ACCOUNT, API_KEY, str(callback_id)),
        **fields,
    }


def post(*entries: Any, path: str = PATH) -> int:
    response = Client().post(path, json.dumps({"callbacks": entries}), content_type="application/json")
    assert response.content == b"" or response.status_code == 400
    return response.status_code


@pytest.mark.parametrize("path", [PATH, PATH + "texts/"])
def test_somebody_who_looks_whether_we_are_there_gets_200(application: Application, path: str) -> None:
    assert Client().get(path).status_code == Client().head(path).status_code == 200
    assert Client().put(path).status_code == 405


def test_each_callback_of_a_batch_is_kept_once(application: Application) -> None:
    batch = [told(1, "min_balance", min_balance={"is_repeated": False}), told(2, "js_fail"), told(3, "no_such_type")]
    assert post(*batch) == 200
    assert post(*batch) == 200
    kept = ReceivedEvent.objects.order_by("id")
    assert [(event.kind, event.outcome) for event in kept] == [
        ("credit_low", "decided"),
        ("account_news", "decided"),
        ("account_news", "decided"),
    ]


def test_the_good_ones_count_when_others_are_forged(application: Application) -> None:
    assert post(told(1, "js_fail", hash="0" * 32), told(2, "js_fail")) == 200
    assert ReceivedEvent.objects.count() == 1


def test_when_nothing_is_proved_nothing_is_kept(application: Application) -> None:
    assert post(told(1, "js_fail", hash="0" * 32)) == 403
    assert post(told(1, "js_fail", account_id=7)) == 403
    assert post() == 403
    assert not ReceivedEvent.objects.exists()


def test_what_is_no_batch_gets_400_and_one_sentence(application: Application) -> None:
    for body in (b"", b"[]", b'{"callbacks": 1}', b"{" * 5000, b"\xff\xfe"):
        response = Client().post(PATH, body, content_type="application/json")
        assert response.status_code == 400
        assert response.content.count(b"\n") == 1


def test_p5_a_batch_is_not_carried_on_once_the_database_has_used_up_the_time(
    application: Application, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = []

    def decide(received: Any) -> None:
        tried.append(received.event)
        raise DeadlinePassed("the database did not answer in time")

    monkeypatch.setattr(control, "decide", decide)
    settings.CALLBACK_DEADLINE_SECONDS = 0.0
    assert post(*(told(number, "js_fail") for number in range(1, 101))) == 503
    assert len(tried) == 1


def test_a_batch_that_goes_well_is_carried_on_however_long_it_takes(
    application: Application, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = []
    monkeypatch.setattr(control, "decide", lambda received: tried.append(received) or Acknowledge())
    settings.CALLBACK_DEADLINE_SECONDS = 0.0
    assert post(*(told(number, "js_fail") for number in range(1, 101))) == 200
    assert len(tried) == 100


def test_one_callback_that_cannot_be_decided_keeps_no_other_of_its_batch_waiting(
    application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    really = control.decide

    def decide(received: Any) -> Any:
        if received.event.topic == "js_fail":
            raise RuntimeError("a mistake of ours")
        return really(received)

    monkeypatch.setattr(control, "decide", decide)
    assert post(told(1, "js_fail"), told(2, "card_expired")) == 503
    assert sorted(ReceivedEvent.objects.values_list("outcome", flat=True)) == ["decided", "failed"]


def test_h19_another_story_under_a_captured_hash_is_not_believed(application: Application) -> None:
    an_account("Alice", numbers=["+447700900123"])
    assert post(told(9, "js_fail")) == 200
    forged = {"source_number": "447700900123", "destination_number": "12025550123", "sms_body": "STOP"}
    assert post(told(9, "sms_inbound", sms_inbound=forged)) == 200
    assert not TextMessage.objects.exists()
    assert not OptOut.objects.exists()
    assert list(ReceivedEvent.objects.order_by("id").values_list("outcome", flat=True)) == ["decided", "conflict"]


def test_low_credit_is_asked_for_before_anybody_is_told(application: Application) -> None:
    assert post(told(1, "min_balance", min_balance={"is_repeated": False})) == 200
    assert Row.objects.filter(kind="provider_credit").count() == 1
    assert not Notice.objects.exists()


def test_an_incoming_text_is_read_and_money_never_moves(application: Application) -> None:
    account = an_account("Alice", numbers=["+447700900123"])
    before = balance(account)
    inner = {"source_number": "447700900123", "destination_number": "12025550123", "sms_body": "Hello"}
    assert post(told(4, "sms_inbound", sms_inbound={"sms_inbound": inner})) == 200
    text = TextMessage.objects.get()
    assert (text.direction, text.sender, text.body, text.account) == ("in", "+447700900123", "Hello", account)
    post(
        *(
            told(number, topic, **{topic: {"amount": 1000}})
            for number, topic in enumerate(("wire_transfer", "card_payment"), 10)
        )
    )
    assert balance(account) == before
    assert books.differences() == {}


def test_one_event_of_a_batch_can_be_replayed(application: Application) -> None:
    post(told(1, "js_fail"), told(2, "account_is_frozen"))
    for event in ReceivedEvent.objects.all():
        replay(event.pk)
    assert ReceivedEvent.objects.count() == 2
