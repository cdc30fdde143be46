"""Web Callback over HTTP: who may be called back where, and what the app shows."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree as ET

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from accounts.models import Account, CallerNumber, ClientUser
from accounts.registration import suspend
from softphone import lines
from softphone.models import Line, Softphone
from telephony import bridges
from telephony.models import Application, Bridge, Call
from tests.builders import an_access_number, an_application, held
from tests.softphone.scenes import a_line, a_softphone
from tests.telephony.bridge_scenes import CALLBACK, DESTINATION, OUR_NUMBER, a_talker

pytestmark = pytest.mark.django_db

WHERE = "/acrobits/callback/"


@pytest.fixture(autouse=True)
def _nobody_has_tried_before() -> None:
    cache.clear()


@pytest.fixture
def application() -> Application:
    return an_application(caller_id=OUR_NUMBER)


@pytest.fixture
def account(application: Application) -> Account:
    return a_talker(client_user=None)


@pytest.fixture
def softphone() -> Softphone:
    return a_softphone()


@pytest.fixture
def ana(account: Account, softphone: Softphone) -> Line:
    return a_line(account, name="ana", softphone=softphone)


def ask(client: Client, line: Line, **parameters: str) -> Any:
    given = {"username": line.client_user.name, "token": line.token, "format": "json", "to": DESTINATION, **parameters}
    return client.post(WHERE, urlencode(given), content_type="application/x-www-form-urlencoded", secure=True)


def said(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["message"]


def a_number(account: Account, number: str, user: ClientUser | None = None) -> CallerNumber:
    return CallerNumber.objects.create(account=account, number=number, verified_at=timezone.now(), client_user=user)


def test_the_app_shows_that_its_user_is_called_back(client: Client, ana: Line) -> None:
    answer = ask(client, ana, cb=CALLBACK)
    assert (answer.status_code, answer.content) == (200, b'{"message":"Calling you back"}')
    bridge = Bridge.objects.get()
    assert (bridge.callback_number, bridge.destination, bridge.client_user) == (CALLBACK, DESTINATION, ana.client_user)
    assert bridge.caller_first


def test_xml_is_answered_where_nothing_else_is_asked_for(client: Client, ana: Line) -> None:
    given = {"username": "ana", "token": ana.token, "targetNumber": DESTINATION}
    answer = client.get(WHERE, given, secure=True)
    assert answer.status_code == 200
    assert ET.fromstring(answer.content).findtext("message") == "Calling you back"


def test_a_repeated_request_is_one_call(client: Client, ana: Line) -> None:
    assert [said(ask(client, ana)) for _ in range(3)] == [(200, "Calling you back")] * 3
    assert (Bridge.objects.count(), Call.objects.count()) == (1, 2)


def test_the_operator_says_whom_is_called_first(client: Client, ana: Line, softphone: Softphone) -> None:
    Softphone.objects.update(callback_order="destination_first")
    ask(client, ana)
    assert not Bridge.objects.get().caller_first


def test_its_user_is_spoken_to_in_the_apps_language(client: Client, ana: Line) -> None:
    assert said(ask(client, ana, lang="es")) == (200, "Le llamamos ahora")
    assert {call.callout.locale for call in Call.objects.select_related("callout")} == {"es-ES"}


# --- where somebody is called back -----------------------------------------------------------------------------------


def test_without_a_number_it_is_the_lines_own(client: Client, ana: Line, account: Account) -> None:
    other = a_number(account, "+46701740606")
    lines.point(ana, callback_number=other, access_number=None)
    assert said(ask(client, ana, callback=""))[0] == 200
    assert Bridge.objects.get().callback_number == other.number


def test_without_a_number_it_is_the_only_one_that_is_verified(client: Client, ana: Line, account: Account) -> None:
    CallerNumber.objects.create(account=account, number="+46701740606")
    assert said(ask(client, ana))[0] == 200
    assert Bridge.objects.get().callback_number == CALLBACK


def test_a_number_of_the_user_comes_before_those_of_everybody(client: Client, ana: Line, account: Account) -> None:
    a_number(account, "+46701740606", ana.client_user)
    assert said(ask(client, ana))[0] == 200
    assert Bridge.objects.get().callback_number == "+46701740606"


def test_with_several_numbers_the_app_has_to_say_which(client: Client, ana: Line, account: Account) -> None:
    a_number(account, "+46701740606")
    assert said(ask(client, ana)) == (400, "This request has no callback: check the app's settings.")
    assert not Bridge.objects.exists()


@pytest.mark.parametrize("callback", ["", CALLBACK, "+46701740606", "%account[callbackNumber]%"])
def test_a_number_that_is_not_verified_is_not_called_back(client: Client, ana: Line, callback: str) -> None:
    CallerNumber.objects.update(verified_at=None)
    refusal = (403, "The number to call you back at is not verified: verify it first.")
    assert said(ask(client, ana, callback=callback)) == refusal
    assert not Call.objects.exists()


def test_a_number_of_a_colleague_is_not_called_back(client: Client, ana: Line, account: Account) -> None:
    a_number(account, "+46701740606", ClientUser.objects.create(account=account, name="ben"))
    assert said(ask(client, ana, callback="+46701740606"))[0] == 403


# --- what is refused -------------------------------------------------------------------------------------------------


def test_a_destination_is_needed(client: Client, ana: Line) -> None:
    assert said(ask(client, ana, to="")) == (400, "This request has no target: check the app's settings.")


@pytest.mark.parametrize(
    ("changes", "status", "message"),
    [
        ({"to": "12"}, 400, "This number cannot be read: write it with + and the country code."),
        (
            {"to": CALLBACK},
            403,
            "You cannot be connected to the number on which you are called: call another one.",
        ),
        ({"to": "+12025550123"}, 403, "Calls to this number are not available: please call another one."),
        ({"to": "+442079460199"}, 403, "This kind of call is not available: please call an ordinary number."),
    ],
)
def test_what_cannot_be_called_is_said(
    client: Client, ana: Line, application: Application, changes: dict[str, str], status: int, message: str
) -> None:
    an_access_number(application, "+442079460199", account=ana.client_user.account)
    assert said(ask(client, ana, **changes)) == (status, message)
    assert not Call.objects.exists()


def test_both_legs_have_to_be_paid_for(client: Client, softphone: Softphone, application: Application) -> None:
    account = a_talker(client_user=None, balance="0.07")
    refusal = (403, "Credit 0.07 USD is below the 0.08 USD needed for this call.")
    assert said(ask(client, a_line(account, softphone=softphone))) == refusal
    assert held(account) == 0


@pytest.mark.parametrize(
    ("lang", "message"),
    [
        ("en", "Not enough credit to call you back: please top up."),
        ("es", "No hay saldo suficiente para llamarle: recargue, por favor."),
    ],
)
def test_without_any_credit_nobody_is_told_of_another_service(
    client: Client, softphone: Softphone, application: Application, lang: str, message: str
) -> None:
    line = a_line(a_talker(client_user=None, balance="0"), softphone=softphone)
    assert said(ask(client, line, lang=lang)) == (403, message)


def test_a_suspended_account_is_not_called_back(client: Client, ana: Line, account: Account) -> None:
    suspend(account)
    assert said(ask(client, ana)) == (403, "Your account is not active: please contact support.")
    assert not Call.objects.exists()


def test_who_asks_too_often_is_not_told_that_a_minute_would_do(client: Client, ana: Line, account: Account) -> None:
    lately = timezone.now() - timedelta(minutes=30)
    numbers = {"callback_number": CALLBACK, "destination": "+447700900199"}
    values = {"account": account, "caller_first": True, "limit_seconds": 60, "made_at": lately, **numbers}
    Bridge.objects.bulk_create(Bridge(**values) for _ in range(bridges.MOST_AN_HOUR))
    sentence = "You have asked for too many calls within a short time: please wait a while and try again."
    assert said(ask(client, ana)) == (429, sentence)
    assert not Call.objects.exists()


def test_who_proves_nothing_calls_nobody(client: Client, ana: Line) -> None:
    assert said(ask(client, ana, token="guessed"))[0] == 401
    assert not Call.objects.exists()


def test_without_an_application_that_calls_out_the_app_is_told_to_try_later(
    client: Client, ana: Line, application: Application
) -> None:
    Application.objects.update(enabled=False)
    assert said(ask(client, ana)) == (503, "The service is not available at the moment: please try again later.")
