"""The customer's numbers: the way through the two forms, what a refusal looks like, and whose they are."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from django.utils.html import escape

from accounts.models import Account, CallerNumber, User
from telephony import registry
from telephony.models import Verification
from tests.builders import a_deck, an_account, an_application
from tests.telephony.verification_scenes import CODE, NUMBER, Desk, begun, work

pytestmark = pytest.mark.django_db

SHOWN = "+46 70 174 06 05"


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    desk = Desk()
    monkeypatch.setitem(registry.PROVIDERS, "sinch", desk)
    return desk


@pytest.fixture
def account(desk: Desk) -> Account:
    an_application()
    a_deck({"46": "0.05"}, service="verifications")
    return an_account("Harbour Café", balance="5.00", numbers=["+442079460999"])


@pytest.fixture
def owner(client: Client, account: Account) -> Client:
    client.force_login(User.objects.create_user("owner@example.com", account=account))
    return client


def page_of(client: Client, path: str = "/numbers/") -> str:
    response = client.get(path)
    assert response.status_code == 200
    return response.content.decode()


def test_verified_numbers_are_shown_and_claimed_ones_are_not(owner: Client, account: Account) -> None:
    CallerNumber.objects.create(account=account, number="+442079460998")
    page = page_of(owner)
    assert "+44 20 7946 0999" in page
    assert "+44 20 7946 0998" not in page


@pytest.mark.parametrize(
    ("method", "words"),
    [("sms", "We text you"), ("callout", "a code is spoken"), ("flashcall", "Write down the number that called")],
)
def test_a_number_is_added_in_two_steps(owner: Client, account: Account, method: str, words: str) -> None:
    response = owner.post("/numbers/", {"number": SHOWN, "method": method}, REMOTE_ADDR="192.0.2.7")
    verification = Verification.objects.get()
    assert response["Location"] == f"/numbers/{verification.pk}/"
    assert verification.from_address == "192.0.2.7"
    work()
    assert words in page_of(owner, response["Location"])
    assert SHOWN in page_of(owner)  # it waits
    code = "+46846500405" if method == "flashcall" else CODE
    done = owner.post(response["Location"], {"code": code}, follow=True).content.decode()
    assert f"{SHOWN} is verified." in done
    assert account.caller_numbers.filter(number=NUMBER, verified_at__isnull=False).exists()


def test_a_wrong_code_is_said_beside_the_field(owner: Client, account: Account) -> None:
    verification = begun(account)
    page = owner.post(f"/numbers/{verification.pk}/", {"code": "0000"}).content.decode()
    assert "This code is wrong: 4 tries are left." in page
    assert "Error:" in page
    assert "0000" in page  # what was typed stays in the field


def test_after_the_last_try_there_is_no_form_any_more(owner: Client, account: Account) -> None:
    verification = begun(account)
    for _ in range(5):
        page = owner.post(f"/numbers/{verification.pk}/", {"code": "0000"}).content.decode()
    assert "This verification has failed (5 wrong tries). Start a new one." in page
    assert 'name="code"' not in page
    assert "Verify it again" in page


@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        ("0701740605", "Begin the number with + and the country code."),
        ("+12025550123", "There is no price for verifying this number: use another one."),
        ("<script>", "A number has only digits, blanks, dots, brackets and hyphens after its plus."),
    ],
)
def test_a_refusal_is_a_sentence_beside_the_number(owner: Client, number: str, sentence: str) -> None:
    page = owner.post("/numbers/", {"number": number, "method": "sms"}).content.decode()
    assert escape(sentence) in page
    assert "<script>" not in page
    assert Verification.objects.count() == 0


def test_a_rate_limit_is_a_sentence_too(owner: Client) -> None:
    for _ in range(2):
        page = owner.post("/numbers/", {"number": NUMBER, "method": "sms"}, follow=True).content.decode()
    assert "One verification of this number was begun within 30 seconds" in page


def test_too_little_credit_is_said_above_the_form(owner: Client, account: Account) -> None:
    a_deck({"46": "7.00"}, service="verifications")
    page = owner.post("/numbers/", {"number": NUMBER, "method": "sms"}).content.decode()
    assert "The credit is not enough: 7.000000 USD needed, 5.000000 USD available." in page


def test_a_method_nobody_offers_is_refused(owner: Client) -> None:
    page = owner.post("/numbers/", {"number": NUMBER, "method": "pigeon"}).content.decode()
    assert "Select a valid choice" in page


def test_an_expired_one_says_so_and_asks_for_nothing(owner: Client, account: Account) -> None:
    verification = begun(account)
    Verification.objects.update(created_at=timezone.now() - timedelta(minutes=16))
    page = page_of(owner, f"/numbers/{verification.pk}/")
    assert "expired" in page
    assert 'name="code"' not in page
    assert f"/numbers/{verification.pk}/" not in page_of(owner)


def test_a1_somebody_elses_verification_is_not_found(owner: Client, account: Account) -> None:
    foreign = begun(an_account())
    assert owner.get(f"/numbers/{foreign.pk}/").status_code == 404
    assert owner.post(f"/numbers/{foreign.pk}/", {"code": CODE}).status_code == 404
    assert owner.get("/numbers/00000000-0000-4000-8000-000000000000/").status_code == 404
    foreign.refresh_from_db()
    assert foreign.status == "pending"


def test_a_form_from_another_site_is_refused(account: Account) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(User.objects.create_user("owner@example.com", account=account))
    assert strict.post("/numbers/", {"number": NUMBER, "method": "sms"}).status_code == 403
    assert Verification.objects.count() == 0


def test_nobody_looks_without_signing_in(client: Client, account: Account) -> None:
    assert client.get("/numbers/")["Location"].startswith("/accounts/login/")
