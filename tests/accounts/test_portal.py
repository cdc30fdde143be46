"""Signing in, and whose pages a person sees."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import NoReverseMatch, reverse

from accounts.models import Account, User
from accounts.registration import suspend
from tests.builders import an_account

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def fresh_rate_limits() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def account() -> Account:
    return an_account("Harbour Café")


@pytest.fixture
def owner(account: Account) -> User:
    return User.objects.create_user("owner@example.com", PASSWORD, account=account)


def sign_in(client: Client, email: str, password: str = PASSWORD, next: str = "") -> object:
    data = {"login": email, "password": password} | ({"next": next} if next else {})
    return client.post("/accounts/login/", data)


def test_a_customer_lands_on_the_calls(client: Client, owner: User) -> None:
    assert sign_in(client, owner.email)["Location"] == "/"


def test_staff_land_in_the_back_office(client: Client) -> None:
    User.objects.create_superuser("staff@example.com", PASSWORD)
    assert sign_in(client, "staff@example.com")["Location"] == "/admin/"


def test_a_page_asked_for_before_signing_in_is_shown_after_it(client: Client, owner: User) -> None:
    assert client.get("/money/")["Location"] == "/accounts/login/?next=/money/"
    assert sign_in(client, owner.email, next="/money/")["Location"] == "/money/"


def test_nobody_is_sent_to_another_site_after_signing_in(client: Client, owner: User) -> None:
    assert sign_in(client, owner.email, next="https://evil.example/")["Location"] == "/"


def test_the_admin_has_no_sign_in_page_of_its_own(client: Client) -> None:
    assert client.get("/admin/")["Location"] == "/admin/login/?next=/admin/"
    assert client.get("/admin/login/?next=/admin/")["Location"] == "/accounts/login/?next=%2Fadmin%2F"
    response = client.post("/admin/login/", {"username": "staff@example.com", "password": PASSWORD})
    assert response["Location"].startswith("/accounts/login/")


def test_a_customer_is_no_staff(client: Client, owner: User) -> None:
    client.force_login(owner)
    response = client.get("/admin/", follow=True)
    assert response.status_code == 403
    assert "This is not for you" in response.content.decode()


def test_an_unknown_person_and_a_wrong_password_read_alike(client: Client, owner: User) -> None:
    def words(email: str) -> str:
        page = sign_in(client, email, "wrong password").content.decode()
        return page[page.index('<div class="note bad"') : page.index("<form")]

    assert words(owner.email) == words("nobody@example.com")


def test_an_unknown_person_costs_as_much_hashing_as_a_known_one(client: Client, owner: User, monkeypatch) -> None:
    from django.contrib.auth.hashers import Argon2PasswordHasher

    hashed: list[str] = []
    encode = Argon2PasswordHasher.encode
    verify = Argon2PasswordHasher.verify
    monkeypatch.setattr(Argon2PasswordHasher, "encode", lambda *a: (hashed.append("e"), encode(*a))[1])
    monkeypatch.setattr(Argon2PasswordHasher, "verify", lambda *a: (hashed.append("v"), verify(*a))[1])
    sign_in(client, owner.email, "wrong password")
    of_known = len(hashed)
    sign_in(client, "nobody@example.com", "wrong password")
    assert len(hashed) - of_known == of_known == 1


def test_the_sixth_wrong_password_is_not_even_looked_at(client: Client, owner: User) -> None:
    for _ in range(5):
        sign_in(client, owner.email, "wrong password")
    page = sign_in(client, owner.email).content.decode()
    assert "Too many failed login attempts" in page
    assert "_auth_user_id" not in client.session


def test_a_suspended_customer_still_signs_in_and_is_told(client: Client, owner: User, account: Account) -> None:
    suspend(account)
    sign_in(client, owner.email)
    assert "Your account is suspended." in client.get("/").content.decode()


def test_a_person_switched_off_cannot_sign_in(client: Client, owner: User) -> None:
    User.objects.filter(pk=owner.pk).update(is_active=False)
    response = sign_in(client, owner.email)
    assert response["Location"] == "/accounts/inactive/"
    assert "switched off" in client.get("/accounts/inactive/").content.decode()
    assert "_auth_user_id" not in client.session


def test_staff_without_an_account_are_shown_the_way(client: Client) -> None:
    client.force_login(User.objects.create_superuser("staff@example.com", PASSWORD))
    for path in ("/", "/money/"):
        assert 'href="/admin/"' in client.get(path).content.decode()


def test_a_person_without_account_or_staff_rights_learns_nothing(client: Client) -> None:
    client.force_login(User.objects.create_user("nobody@example.com", PASSWORD))
    page = client.get("/").content.decode()
    assert "No account belongs to you" in page
    assert "/admin/" not in page


def test_a_new_password_works_and_the_old_one_does_not(client: Client, owner: User) -> None:
    sign_in(client, owner.email)
    new = "a much better one 7"
    data = {"oldpassword": PASSWORD, "password1": new, "password2": new}
    assert client.post("/accounts/password/change/", data)["Location"] == "/"
    owner.refresh_from_db()
    assert owner.check_password(new)


def test_a_short_password_is_refused(client: Client, owner: User) -> None:
    sign_in(client, owner.email)
    page = client.post(
        "/accounts/password/change/", {"oldpassword": PASSWORD, "password1": "short", "password2": "short"}
    )
    assert "at least 10 characters" in page.content.decode()


def test_signing_out_needs_a_form_and_ends_on_the_sign_in_page(client: Client, owner: User) -> None:
    sign_in(client, owner.email)
    assert client.get("/accounts/logout/").status_code == 200
    assert client.post("/accounts/logout/")["Location"] == "/accounts/login/"
    assert "_auth_user_id" not in client.session


@pytest.mark.parametrize("name", ["account_signup", "account_reset_password", "account_email", "account_set_password"])
def test_what_does_not_work_has_no_address(name: str) -> None:
    with pytest.raises(NoReverseMatch):
        reverse(name)


def test_times_are_in_the_zone_of_the_account(client: Client, owner: User, account: Account) -> None:
    Account.objects.filter(pk=account.pk).update(time_zone="Asia/Tokyo")
    client.force_login(owner)
    assert "Times are in Asia/Tokyo." in client.get("/").content.decode()


def test_a_zone_nobody_knows_falls_back_to_utc(client: Client, owner: User, account: Account) -> None:
    Account.objects.filter(pk=account.pk).update(time_zone="Mars/Base")
    client.force_login(owner)
    assert "Times are in UTC." in client.get("/").content.decode()
