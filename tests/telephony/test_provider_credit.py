"""A provider's hint that our credit is low is checked, and told the operator once in 24 hours. It moves no money."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.conf import LazySettings
from django.db.models import F
from django.utils import timezone

from accounts.models import Notice
from billing.models import Posting
from outbox import performing, rows
from outbox.errands import Absent, TryAgain
from outbox.models import Row
from postgres.work import in_one_transaction
from telephony import texts
from telephony.control import decide
from telephony.decisions import Acknowledge
from telephony.events import EndReason, Result
from telephony.models import Application, ReceivedEvent, TextMessage
from telephony.news import AccountNews, CreditLow
from telephony.provider_credit import WAITS, CreditErrand, Question, provider_says_no_credit
from telephony.providers.base import Access, NoCreditThere
from telephony.sending import NoCredit, outcome_of
from tests.builders import a_deck, an_account, an_application, held
from tests.telephony.received import ended, incoming, received
from tests.telephony.rest_api import RestApi, only, serving
from tests.telephony.text_scenes import a_text, text_prices
from webhooks.models import Delivery, Endpoint

pytestmark = pytest.mark.django_db

OPERATOR = "+447700900111"


def says(balance: float, *, frozen: bool = False) -> Any:
    result = {"account_id": 1523447, "balance": balance, "currency": "USD", "frozen": frozen}
    return only(200, json.dumps({"result": result}).encode())


@pytest.fixture
def api(settings: LazySettings) -> Iterator[RestApi]:
    settings.OPERATOR_EMAIL, settings.OPERATOR_NUMBER = "operator@example.com", OPERATOR
    with serving(says(4.97)) as api:
        yield api


@pytest.fixture
def application(api: RestApi) -> Application:
    an_application("sinch_sms", key="plan", secret="token", sender="+447700900999")
    Endpoint.objects.create(account=None, url="https://hooks.example.com/", secret="whsec_c2VjcmV0")
    application = an_application("voximplant", key="1523447", secret="6b1d", base_url=api.url, name="Lusitel")
    application.least_credit = Decimal("10")
    application.save()
    return application


def hint(application: Application, news_id: str = "993810021") -> CreditLow:
    event = CreditLow(call_id="", news_id=news_id)
    assert decide(received(event, application)) == Acknowledge()
    return event


def news(application: Application, topic: str, *, is_known_topic: bool = True, news_id: str = "7") -> None:
    event = AccountNews(call_id="", news_id=news_id, topic=topic, is_known_topic=is_known_topic)
    assert decide(received(event, application)) == Acknowledge()


def ask() -> None:
    """What the relay and a worker do with the question."""
    Row.objects.exclude(kind="provider_credit").update(due_at=timezone.now() + timedelta(hours=1))
    Row.objects.filter(kind="provider_credit", state="retry").update(due_at=timezone.now())
    for id in in_one_transaction(lambda: rows.lease(timezone.now(), 10)):
        performing.perform(id)


def staff_read() -> list[str]:
    return list(Notice.objects.filter(account=None).order_by("made_at").values_list("text", flat=True))


def test_a_hint_is_kept_and_asked_about_once(application: Application, api: RestApi) -> None:
    hint(application)
    hint(application)
    assert ReceivedEvent.objects.get().kind == "credit_low"
    assert not Notice.objects.exists()
    ask()
    assert api.asked == ["GetAccountInfo"]
    assert Row.objects.get(kind="provider_credit").state == "done"


def test_the_operator_hears_of_low_credit_by_every_way_that_is_set_up(application: Application) -> None:
    hint(application)
    ask()
    sentence = "The credit at Lusitel is low: 4.97 USD, less than 10.00 USD."
    assert staff_read() == [sentence]
    letter = Row.objects.get(kind="email")
    assert (letter.payload["to"], letter.payload["body"]) == ("operator@example.com", f"Ringfence: {sentence}")
    text = TextMessage.objects.get()
    assert (text.recipient, text.body, text.account) == (OPERATOR, f"Ringfence: {sentence}", None)
    assert (text.paid_by, text.price, text.purpose) == ("house", 0, "alert")
    told = Delivery.objects.get()
    assert told.endpoint.account is None
    assert told.data == {
        "application": "Lusitel",
        "trouble": "low",
        "balance": "4.97",
        "currency": "USD",
        "threshold": "10.000000",
    }
    assert not Posting.objects.exists()


def test_a_hint_that_the_provider_does_not_confirm_is_told_nobody(application: Application, api: RestApi) -> None:
    api.answers = says(10)
    hint(application)
    ask()
    assert not Notice.objects.exists()
    assert Row.objects.count() == 1


def test_a_storm_of_hints_is_told_once_in_24_hours(application: Application) -> None:
    for number in range(5):
        hint(application, str(number))
        ask()
    assert Row.objects.filter(kind="provider_credit", state="done").count() == 5
    assert Row.objects.filter(kind="email").count() == TextMessage.objects.count() == Delivery.objects.count() == 1
    Notice.objects.update(made_at=F("made_at") - timedelta(hours=24))
    hint(application, "tomorrow")
    ask()
    assert Row.objects.filter(kind="email").count() == TextMessage.objects.count() == Delivery.objects.count() == 2
    assert Notice.objects.count() == 1


def test_another_trouble_of_the_same_application_is_told_too(application: Application, api: RestApi) -> None:
    hint(application)
    ask()
    api.answers = says(-1.5, frozen=True)
    news(application, "account_is_frozen")
    ask()
    provider_says_no_credit(application.pk)
    provider_says_no_credit(application.pk)
    assert staff_read()[1:] == [
        "The account of Lusitel is frozen, with -1.50 USD on it.",
        "The credit at Lusitel is used up: nothing that costs money goes out there.",
    ]
    assert Row.objects.filter(kind="email").count() == 3


def test_without_a_least_credit_of_ours_the_providers_word_stands(application: Application) -> None:
    Application.objects.update(least_credit=None)
    hint(application)
    ask()
    assert staff_read() == ["The credit at Lusitel is low: 4.97 USD."]


def test_an_account_said_to_be_frozen_that_is_not_is_not_called_low(application: Application, api: RestApi) -> None:
    Application.objects.update(least_credit=None)
    api.answers = says(500)
    news(application, "account_is_frozen")
    ask()
    assert staff_read() == []
    hint(application)
    ask()
    assert staff_read() == ["The credit at Lusitel is low: 500.00 USD."]


def test_without_an_operator_to_write_to_staff_read_it_all_the_same(
    application: Application, settings: LazySettings
) -> None:
    settings.OPERATOR_EMAIL = settings.OPERATOR_NUMBER = ""
    hint(application)
    ask()
    assert len(staff_read()) == 1
    assert not Row.objects.filter(kind__in=["email", "text"]).exists()


@pytest.mark.parametrize(("email", "number"), [("nobody", OPERATOR), ("operator@example.com", "12")])
def test_one_way_to_the_operator_that_is_wrong_stops_no_other(
    application: Application, settings: LazySettings, email: str, number: str
) -> None:
    settings.OPERATOR_EMAIL, settings.OPERATOR_NUMBER = email, number
    hint(application)
    ask()
    assert len(staff_read()) == Delivery.objects.count() == 1
    assert Row.objects.filter(kind__in=["email", "text"]).count() == 1


def test_a_provider_that_refuses_to_be_asked_is_told_of_unconfirmed(application: Application, api: RestApi) -> None:
    api.answers = only(200, b'{"error":{"code":100,"msg":"Authorization failed"}}')
    news(application, "account_is_frozen")
    ask()
    (sentence,) = staff_read()
    assert sentence.startswith("Lusitel says that its credit is low or frozen, and could not be asked: ")


def test_a_provider_that_is_away_is_asked_again_for_hours_and_then_the_hint_is_passed_on(
    application: Application, api: RestApi
) -> None:
    api.answers = only(500)
    hint(application)
    for _ in WAITS:
        ask()
        assert staff_read() == []
        assert Row.objects.get().state == "retry"
    ask()
    assert Row.objects.get(kind="provider_credit").state == "dead"
    assert len(staff_read()) == 1


@pytest.mark.parametrize("change", ["gone", "switched off"])
def test_an_application_that_is_not_there_any_more_is_not_asked(
    application: Application, api: RestApi, change: str
) -> None:
    hint(application)
    if change == "gone":
        Row.objects.update(payload={"application": 0})
    else:
        Application.objects.update(enabled=False)
    ask()
    assert api.asked == []
    assert Row.objects.get().state == "done"


def test_a_provider_that_cannot_be_asked_is_told_of_unconfirmed() -> None:
    application = an_application("sinch", name="Voice")
    Row.objects.create(kind="provider_credit", key="provider_credit:x", payload={"application": application.pk})
    ask()
    assert Row.objects.get(kind="provider_credit").state == "dead"
    assert staff_read() == [
        "Voice says that its credit is low or frozen, and could not be asked: its provider has no way to be asked"
    ]


@pytest.mark.parametrize("topic", ["balance_is_changed", "call_history_report", "transaction_history_report"])
def test_other_news_is_kept_and_nothing_else(application: Application, topic: str) -> None:
    news(application, topic)
    news(application, topic)
    assert ReceivedEvent.objects.get().kind == "account_news"
    assert not Row.objects.exists()
    assert not Notice.objects.exists()


def test_an_unknown_topic_is_kept_and_shown_once(application: Application) -> None:
    for number in range(3):
        news(application, "moon_phase<b>", is_known_topic=False, news_id=str(number))
    assert ReceivedEvent.objects.count() == 3
    assert staff_read() == [
        "voximplant tells of something that Ringfence does not know: 'moon_phase<b>'. It is kept among the events."
    ]


def test_a_refusal_for_lack_of_credit_is_known_from_any_other() -> None:
    def refused() -> None:
        raise NoCreditThere("empty")

    assert outcome_of(refused) == NoCredit("empty")


def test_a_question_may_be_asked_again() -> None:
    errand = CreditErrand()
    question = Question(provider="voximplant", access=Access(base_url="http://127.0.0.1:9", key="1", secret="x"))
    assert isinstance(errand.look_up(question), Absent)
    assert isinstance(errand.act(question), TryAgain)


def test_a_text_that_is_refused_for_lack_of_our_credit_is_told_once(settings: LazySettings) -> None:
    settings.OPERATOR_EMAIL, settings.OPERATOR_NUMBER = "operator@example.com", OPERATOR
    refusal = b'{"errorCode":40200,"message":"Not enough credit","reference":"r"}'
    with serving(only(402, refusal)) as api:
        application = an_application(
            "sinch_sms", key="plan", secret="token", sender="+447700900999", base_url=api.url, name="Texts"
        )
        text_prices()
        account = an_account()
        for _ in range(2):
            texts.send(a_text(account))
        for _ in range(2):  # the second time the operator's own text is refused as well
            for id in in_one_transaction(lambda: rows.lease(timezone.now(), 10)):
                performing.perform(id)
    assert staff_read() == ["The credit at Texts is used up: nothing that costs money goes out there."]
    assert TextMessage.objects.filter(account=account, status="failed").count() == 2
    assert TextMessage.objects.get(account=None).status == "failed"
    assert Row.objects.filter(kind="email").count() == 1
    assert held(account) == 0
    assert application.name == "Texts"


def test_a_call_that_ended_for_lack_of_our_credit_is_told() -> None:
    a_deck({"44": "0.06"})
    an_account(client_user="alice")
    application = an_application("sinch", name="Voice")
    decide(received(incoming(), application))
    news = ended(duration_seconds=0, result=Result.FAILED, reason=EndReason.NO_CREDIT_AT_PROVIDER)
    decide(received(news, application))
    assert staff_read() == ["The credit at Voice is used up: nothing that costs money goes out there."]
