"""The customer's page of the calling card."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts import pins
from accounts.models import Account, CallerNumber, User
from tests.builders import an_access_number, an_account, an_application

pytestmark = pytest.mark.django_db

MOBILE = "+447700900123"


@pytest.fixture
def account() -> Account:
    an_access_number(an_application(), leads="calling_card")
    return an_account(numbers=[MOBILE])


@pytest.fixture
def alice(client: Client, account: Account) -> Client:
    client.force_login(User.objects.create_user("alice@example.com", account=account))
    return client


def test_a_pin_of_ones_own_brings_a_card_number(alice: Client, account: Account) -> None:
    answer = alice.post("/card/", {"pin": "864209", "again": "864209"}, follow=True)
    account.refresh_from_db()
    assert pins.fits("864209", account.pin_hash)
    assert account.card_number in answer.content.decode()
    assert "+44 20 7946 0199" in answer.content.decode()
    assert "864209" not in answer.content.decode()


@pytest.mark.parametrize(
    ("pin", "again", "sentence"),
    [
        ("8642", "8643", "The two are different."),
        ("1111", "1111", "Everybody tries this one first"),
        ("1234", "1234", "Everybody tries this one first"),
        ("4321", "4321", "Everybody tries this one first"),
        ("2580", "2580", "Everybody tries this one first"),
        ("86x2", "86x2", "A PIN is 4 to 12 digits."),
        ("864", "864", "A PIN is 4 to 12 digits."),
    ],
)
def test_a_pin_that_is_none_is_refused_with_the_reason(
    alice: Client, account: Account, pin: str, again: str, sentence: str
) -> None:
    answer = alice.post("/card/", {"pin": pin, "again": again})
    assert sentence in answer.content.decode()
    account.refresh_from_db()
    assert account.pin_hash == ""
    assert account.card_number is None


def test_a_telephone_may_be_let_through_without_the_pin_and_asked_again(alice: Client) -> None:
    number = CallerNumber.objects.get()
    assert "a caller's number can be made up" in alice.get("/card/").content.decode().replace("&#x27;", "'")
    alice.post(f"/card/telephones/{number.pk}/", {"needs_pin": "no"})
    number.refresh_from_db()
    assert not number.needs_pin
    assert "needs no PIN" in alice.get("/card/").content.decode()
    alice.post(f"/card/telephones/{number.pk}/", {"needs_pin": "yes"})
    number.refresh_from_db()
    assert number.needs_pin


def test_nobody_lets_somebody_elses_telephone_through(alice: Client) -> None:
    other = an_account(numbers=["+447700900124"]).caller_numbers.get()
    assert alice.post(f"/card/telephones/{other.pk}/", {"needs_pin": "no"}).status_code == 404
    other.refresh_from_db()
    assert other.needs_pin


@pytest.mark.parametrize("posted", [{}, {"needs_pin": "maybe"}])
def test_an_odd_wish_changes_nothing(alice: Client, posted: dict[str, str]) -> None:
    number = CallerNumber.objects.get()
    assert alice.post(f"/card/telephones/{number.pk}/", posted).status_code == 404
    number.refresh_from_db()
    assert number.needs_pin


def test_a_number_nobody_proved_cannot_be_let_through(alice: Client, account: Account) -> None:
    claimed = CallerNumber.objects.create(account=account, number="+447700900125")
    assert alice.post(f"/card/telephones/{claimed.pk}/", {"needs_pin": "no"}).status_code == 404
