"""Staff see what an app asked for and what came of it, and set up what access numbers do."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from telephony.models import AccessNumber, Application, CallThrough, CallThroughCaller
from tests.builders import a_deck, an_access_number, an_account, an_application

pytestmark = pytest.mark.django_db

LIST = "/admin/telephony/callthrough/"


@pytest.fixture
def application() -> Application:
    return an_application()


@pytest.fixture
def staff(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("staff@example.com"))
    return client


@pytest.fixture
def wish(application: Application) -> CallThrough:
    now = timezone.now()
    number = an_access_number(application, is_offered=True, leads="nowhere")
    made = CallThrough.objects.create(
        account=an_account("Harbour Cafe"),
        access_number=number,
        destination="+442079460101",
        made_at=now,
        expires_at=now + timedelta(minutes=1),
    )
    CallThroughCaller.objects.create(call_through=made, access_number=number, caller="+447700900123")
    return made


@pytest.mark.parametrize(
    ("change", "outcome"),
    [
        ({}, "waits for its call"),
        ({"expires_at": timezone.now() - timedelta(minutes=1)}, "no call came"),
        ({"replaced_at": timezone.now()}, "replaced by a newer one"),
        (
            {"claimed_at": timezone.now(), "claimed_by": "6f2b1c1e-52f4-4d0a-9a55-000000000001"},
            "its call came",
        ),
    ],
)
def test_what_came_of_a_wish_is_seen(staff: Client, wish: CallThrough, change: dict[str, Any], outcome: str) -> None:
    CallThrough.objects.update(**change)
    assert outcome in staff.get(LIST).content.decode()
    page = staff.get(f"{LIST}{wish.pk}/change/").content.decode()
    assert outcome in page
    assert "+44 7700 900123" in page


@pytest.mark.parametrize("term", ["Harbour Cafe", "+442079460101", "+447700900123"])
def test_a_wish_is_found_by_whose_it_is_and_by_its_numbers(staff: Client, wish: CallThrough, term: str) -> None:
    assert str(wish.pk) in staff.get(LIST, {"q": term}).content.decode()
    assert str(wish.pk) not in staff.get(LIST, {"q": "+442079460999"}).content.decode()


def post_number(staff: Client, application: Application, **fields: Any) -> Any:
    given = {"number": "+442079460188", "application": application.pk, "locale": "en-US", "enabled": "on", **fields}
    return staff.post("/admin/telephony/accessnumber/add/", given)


def test_a_number_for_the_calling_card_needs_neither_menu_nor_payer(staff: Client, application: Application) -> None:
    answer = post_number(staff, application, leads="calling_card", is_offered="on", country="gb", locale="es-ES")
    assert answer.status_code == 302
    number = AccessNumber.objects.get()
    assert (number.leads, number.country, number.locale, number.is_offered) == ("calling_card", "GB", "es-ES", True)
    assert "calling card" in staff.get("/admin/telephony/accessnumber/").content.decode()


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"leads": "calling_card", "connects_to": "+442079460101"}, "It leads elsewhere"),
        ({"leads": "nowhere", "country": "XX"}, "Write a country as two letters"),
        ({"leads": "nowhere", "locale": "English"}, "Write the language like en-US."),
        ({"leads": "calling_card", "locale": "fr-FR"}, "The calling card speaks en and es"),
    ],
)
def test_what_a_number_cannot_be_is_said(
    staff: Client, application: Application, fields: dict[str, str], sentence: str
) -> None:
    answer = post_number(staff, application, **fields)
    assert sentence in answer.content.decode()
    assert not AccessNumber.objects.exists()


def test_calls_by_a_number_are_priced_by_one_deck_for_each_currency(staff: Client, application: Application) -> None:
    first, second = a_deck({"44": "0.06"}).deck, a_deck({"44": "0.07"}, name="second").deck
    texts = a_deck({"44": "0.01"}, service="texts").deck
    twice = post_number(staff, application, leads="nowhere", rate_decks=[first.pk, second.pk])
    assert "Choose one deck in USD." in twice.content.decode()
    assert "prices no calls" in post_number(staff, application, leads="nowhere", rate_decks=[texts.pk]).content.decode()
    assert post_number(staff, application, leads="nowhere", rate_decks=[first.pk]).status_code == 302
