"""Web Call-Through over HTTP: what the source document shows passes, and whatever is wrong is said."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from hashlib import sha1
from typing import Any
from urllib.parse import parse_qs
from xml.etree import ElementTree as ET

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from accounts.models import Account
from accounts.registration import suspend
from softphone import lines
from softphone.models import Line, Softphone
from telephony import control
from telephony.decisions import Connect
from telephony.models import AccessNumber, Application, CallThrough
from tests.builders import a_deck, an_access_number, an_account, an_application
from tests.softphone.scenes import a_line, a_softphone
from tests.telephony.received import from_a_phone, received

pytestmark = pytest.mark.django_db

WHERE = "/acrobits/callthrough/"
ACCESS = "+15551231234"  # the document's own
MOBILE = "+46701740605"
LONDON = "+442079460101"
# The document's: an app's request, without the line by which it proves itself.
APP = {
    "HTTP_CONNECTION": "close",
    "HTTP_CACHE_CONTROL": "max-age=0",
    "HTTP_USER_AGENT": "CloudSoftphone/1.5.6",
}


@pytest.fixture(autouse=True)
def _nobody_has_tried_before() -> None:
    cache.clear()


@pytest.fixture
def application() -> Application:
    a_deck({"44": "0.06", "46": "0.02"})
    application = an_application()
    an_access_number(application, ACCESS, is_offered=True, is_default=True, leads="nowhere")
    return application


@pytest.fixture
def softphone(application: Application) -> Softphone:
    return a_softphone(proofs=["token", "digest", "salted"])


@pytest.fixture
def john(softphone: Softphone) -> Line:
    return a_line(an_account(numbers=[MOBILE]), name="johndow", softphone=softphone)


def get(client: Client, line: Line | None, address: str, **headers: Any) -> Any:
    proof = {"HTTP_AUTHORIZATION": f"Bearer {line.token}"} if line else {}
    return client.get(address, secure=True, **APP, **proof, **headers)


def message(answer: Any) -> str:
    return ET.fromstring(answer.content).findtext("message") or ""


def uses_template(softphone: Softphone, template: str) -> None:
    softphone.dial_form, softphone.dial_template = "template", template
    softphone.save()


# --- the document ----------------------------------------------------------------------------------------------------


def test_the_documents_first_example_gets_its_answer_to_the_byte(
    client: Client, john: Line, softphone: Softphone
) -> None:
    uses_template(softphone, "{access_number},,%account[x-cth-pin]%#{dialled}#")
    answer = get(client, john, WHERE + "?username=johndow&targetNumber=12345678")
    assert (answer.status_code, answer["Content-Type"].partition(";")[0]) == (200, "text/xml")
    expected = "<response><dialString>+15551231234,,%account[x-cth-pin]%#12345678#</dialString></response>"
    assert answer.content.decode().rpartition("?>")[2].strip() == expected


def test_the_documents_second_example_is_refused_in_its_words(client: Client, softphone: Softphone) -> None:
    softphone.reply_format = "json"
    softphone.save()
    line = a_line(an_account(numbers=[MOBILE], balance="0"), name="johndow", softphone=softphone)
    answer = get(client, line, WHERE + "johndow/12345678")
    assert (answer.status_code, answer["Content-Type"].partition(";")[0]) == (403, "application/json")
    assert json.loads(answer.content) == {"message": "Not enough credit for call-through."}


def test_the_documents_two_addresses_are_understood(client: Client, john: Line) -> None:
    by_query = get(client, john, WHERE + "?u=johndow&to=%2B442079460101")
    by_path = get(client, john, WHERE + "johndow/+442079460101")
    assert by_query.content == by_path.content
    assert b"<dialString>+15551231234</dialString>" in by_path.content


def test_the_documents_form_and_its_json_are_understood(client: Client, john: Line) -> None:
    proof = {"HTTP_AUTHORIZATION": f"Bearer {john.token}"}
    form = client.post(
        WHERE, "username=johndow&to=+442079460101", "application/x-www-form-urlencoded", secure=True, **proof
    )
    assert b"<dialString>+15551231234</dialString>" in form.content
    body = '{ "username" : "johndow", "to" : "+442079460101" }'
    as_json = client.post(WHERE, body, "application/json", secure=True, **proof)
    assert as_json["Content-Type"].partition(";")[0] == "application/json"
    assert json.loads(as_json.content) == {"dialString": ACCESS}


def test_a_plus_that_nobody_escaped_is_a_plus_all_the_same(client: Client, john: Line) -> None:
    assert get(client, john, WHERE + "?u=johndow&to=+442079460101").status_code == 200
    assert CallThrough.objects.get().destination == LONDON


def test_a_form_is_answered_as_a_form_where_that_is_asked_for(client: Client, john: Line) -> None:
    answer = get(client, john, WHERE + "?u=johndow&to=%2B442079460101&format=form")
    assert answer["Content-Type"].partition(";")[0] == "application/x-www-form-urlencoded"
    assert parse_qs(answer.content.decode()) == {"dialString": [ACCESS]}
    assert answer.content == b"dialString=%2B15551231234"


def test_names_of_the_operators_own_are_understood(client: Client, john: Line, softphone: Softphone) -> None:
    softphone.parameter_names = {"username": ["kto"], "target": ["dokad"]}
    softphone.save()
    assert get(client, john, WHERE + "?kto=johndow&dokad=%2B442079460101").status_code == 200


# --- the call that follows -------------------------------------------------------------------------------------------


def test_the_call_that_follows_is_connected_without_a_key(client: Client, john: Line, application: Application) -> None:
    get(client, john, WHERE + "?u=johndow&to=%2B442079460101")
    at = timezone.now() + timedelta(seconds=9)
    event = replace(from_a_phone("one", ACCESS, MOBILE), at=at)
    decision = control.decide(received(event, application, received_at=at))
    assert isinstance(decision, Connect)
    assert (decision.number, decision.caller_id) == (LONDON, MOBILE)


def test_tones_carry_the_destination_where_the_line_is_set_so(client: Client, john: Line) -> None:
    Line.objects.update(dial_form="pin_and_destination")
    answer = get(client, john, WHERE + "?u=johndow&to=%2B46846500401&format=json")
    assert json.loads(answer.content)["dialString"].startswith(f"{ACCESS},,%account[x-cth-pin]%#")
    assert "46846500401#" in json.loads(answer.content)["dialString"]
    assert not CallThrough.objects.exists(), "tones would be heard by whoever is called"


def test_a_template_without_the_destination_is_remembered(client: Client, john: Line, softphone: Softphone) -> None:
    uses_template(softphone, "*31#{access_number}")
    answer = get(client, john, WHERE + "?u=johndow&to=%2B442079460101&format=json")
    assert json.loads(answer.content) == {"dialString": f"*31#{ACCESS}"}
    assert CallThrough.objects.get().destination == LONDON


def test_a_line_dials_its_own_access_number_and_a_request_may_wish_for_another(
    client: Client, john: Line, application: Application
) -> None:
    own = an_access_number(application, "+46846500401", is_offered=True, leads="nowhere")
    an_access_number(application, "+442079460199", is_offered=True, leads="nowhere")
    lines.point(john, callback_number=None, access_number=own)
    assert b"+46846500401" in get(client, john, WHERE + "?u=johndow&to=%2B442079460101").content
    wished = get(client, john, WHERE + "?u=johndow&to=%2B442079460102&access_number=%2B442079460199")
    assert b"+442079460199" in wished.content


# --- refused ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "status", "sentence"),
    [
        ("u=johndow&to=12345", 400, "This number cannot be read: write it with + and the country code."),
        ("u=johndow&to=%2B61491570156", 403, "Calls to this number are not available: please call another one."),
        ("u=johndow", 400, "This request has no target: check the app's settings."),
        ("u=johndow&to=12345&lang=es", 400, "No se puede leer este número: escríbalo con + y el prefijo del país."),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(
    client: Client, john: Line, query: str, status: int, sentence: str
) -> None:
    answer = get(client, john, WHERE + "?" + query)
    assert (answer.status_code, message(answer)) == (status, sentence)
    assert not CallThrough.objects.exists()


def test_strangers_and_wrong_tokens_hear_the_same(client: Client, john: Line) -> None:
    wrong = client.get(WHERE + f"?u=johndow&to=%2B442079460101&token={'x' * 43}")
    stranger = client.get(WHERE + f"?u=nobody&to=%2B442079460101&token={john.token}")
    assert wrong.status_code == stranger.status_code == 401
    assert wrong.content == stranger.content
    assert client.get(WHERE + "?u=johndow&to=%2B442079460101").status_code == 401
    assert not CallThrough.objects.exists()


def test_little_credit_is_said_with_its_figures(client: Client, softphone: Softphone) -> None:
    line = a_line(an_account(numbers=[MOBILE], balance="0.01"), name="poor", softphone=softphone)
    answer = get(client, line, WHERE + "?u=poor&to=%2B442079460101&format=json")
    assert answer.status_code == 403
    expected = "Credit 0.01 USD is below the 0.06 USD needed for this call."
    assert json.loads(answer.content) == {"message": expected}


def test_no_access_number_and_no_number_of_ones_own_are_told_apart(
    client: Client, john: Line, softphone: Softphone
) -> None:
    numberless = a_line(an_account(), name="ana", softphone=softphone)
    answer = get(client, numberless, WHERE + "?u=ana&to=%2B442079460101")
    assert (answer.status_code, message(answer)) == (403, "Your telephone's number is not known here: verify it first.")
    AccessNumber.objects.update(enabled=False)
    answer = get(client, john, WHERE + "?u=johndow&to=%2B442079460101")
    assert answer.status_code == 503
    assert message(answer).startswith("There is no access number for you")


def test_a_suspended_account_is_told_so(client: Client, john: Line) -> None:
    suspend(Account.objects.get())
    answer = get(client, john, WHERE + "?u=johndow&to=%2B442079460101")
    assert (answer.status_code, message(answer)) == (403, "Your account is not active: please contact support.")


def test_a_nonce_serves_once(client: Client, john: Line) -> None:
    nonce = "d41f9b7a2c"
    proof = sha1((nonce + john.secret).encode(), usedforsecurity=False).hexdigest()
    address = f"{WHERE}?u=johndow&to=%2B442079460101&n={nonce}&h={proof}"
    assert client.get(address).status_code == 200
    again = client.get(address)
    assert (again.status_code, message(again)) == (409, "This request was made before: please try again.")
