"""People and accounts on the staff's site."""

from __future__ import annotations

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.test import Client

from accounts.models import Account, User
from billing.models import Wallet
from tests.builders import an_account

pytestmark = pytest.mark.django_db

NO_INLINES = {
    f"{name}-{part}": "0"
    for name in ("caller_numbers", "client_users", "destination_rules")
    for part in ("TOTAL_FORMS", "INITIAL_FORMS")
}
FIELDS = {"verified": "on", "time_zone": "Europe/Stockholm", "destinations": "anything_rated", "velocity_limits": "on"}


def staff(client: Client, *permissions: str) -> User:
    """A member of staff with these permissions, signed in."""
    user = User.objects.create_user("clerk@example.com", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client.force_login(user)
    return user


def test_an_account_is_opened_with_its_wallet(admin_client: Client) -> None:
    data = {"name": "Harbour Café", "currency": "EUR", **FIELDS, **NO_INLINES}
    admin_client.post("/admin/accounts/account/add/", data)
    wallet = Wallet.objects.get(account__name="Harbour Café")
    assert (wallet.currency, wallet.balance) == ("EUR", 0)


def test_a_time_zone_nobody_knows_is_refused(admin_client: Client) -> None:
    data = {"name": "Harbour Café", "currency": "EUR", **FIELDS, "time_zone": "Mars/Base", **NO_INLINES}
    page = admin_client.post("/admin/accounts/account/add/", data).content.decode()
    assert "Write a time zone such as Europe/Stockholm." in page
    assert not Account.objects.exists()


@pytest.mark.parametrize(("verb", "status"), [("suspend", "suspended"), ("reactivate", "active")])
def test_staff_suspend_and_reactivate_and_it_is_written_down(admin_client: Client, verb: str, status: str) -> None:
    account = an_account()
    admin_client.post(f"/admin/accounts/account/{account.pk}/status/", {"verb": verb})
    account.refresh_from_db()
    assert account.status == status
    assert LogEntry.objects.get().change_message == f"Now {status}."


def test_several_accounts_are_suspended_at_once(admin_client: Client) -> None:
    accounts = [an_account(), an_account()]
    data = {"action": "suspend", "_selected_action": [account.pk for account in accounts]}
    admin_client.post("/admin/accounts/account/", data)
    assert set(Account.objects.values_list("status", flat=True)) == {"suspended"}


def test_a_closed_account_stays_closed(admin_client: Client) -> None:
    account = an_account(balance="0")
    Account.objects.update(status="closed")
    admin_client.post(f"/admin/accounts/account/{account.pk}/status/", {"verb": "reactivate"})
    account.refresh_from_db()
    assert account.status == "closed"


def test_who_may_only_look_changes_nothing(client: Client) -> None:
    account = an_account()
    staff(client, "view_account")
    page = client.get(f"/admin/accounts/account/{account.pk}/change/").content.decode()
    assert "Suspend" not in page
    assert "Available" not in page  # money has a permission of its own
    assert client.post(f"/admin/accounts/account/{account.pk}/status/", {"verb": "suspend"}).status_code == 403
    assert client.post(f"/admin/accounts/account/{account.pk}/change/", {"name": "x"}).status_code == 403


def test_the_status_and_the_balance_are_no_fields(admin_client: Client) -> None:
    account = an_account(balance="5.00")
    evil = {"name": account.name, "status": "closed", "balance": "1000", "currency": "EUR", **FIELDS, **NO_INLINES}
    admin_client.post(f"/admin/accounts/account/{account.pk}/change/", evil)
    account.refresh_from_db()
    assert account.verified
    assert (account.status, account.wallet.balance, account.wallet.currency) == ("active", 5, "USD")


def test_nothing_is_deleted(admin_client: Client) -> None:
    account = an_account()
    person = User.objects.create_user("owner@example.com", account=account)
    assert admin_client.post(f"/admin/accounts/account/{account.pk}/delete/").status_code == 403
    assert admin_client.post(f"/admin/accounts/user/{person.pk}/delete/").status_code == 403


@pytest.mark.parametrize("term", ["harb", "+442079460999", "alice"])
def test_an_account_is_found_by_name_number_and_user(admin_client: Client, term: str) -> None:
    found = an_account("Harbour Café", numbers=["+442079460999"], client_user="alice")
    an_account("Rival", client_user="bob")
    results = admin_client.get("/admin/accounts/account/", {"q": term}).context["cl"].result_list
    assert list(results) == [found]


def test_a_clerk_cannot_become_a_superuser(client: Client) -> None:
    clerk = staff(client, "view_user", "change_user", "add_user")
    path = f"/admin/accounts/user/{clerk.pk}/change/"
    assert client.post(path, {"email": clerk.email, "is_superuser": "on", "is_active": "on"}).status_code == 403
    customer = User.objects.create_user("owner@example.com")
    client.post(
        f"/admin/accounts/user/{customer.pk}/change/",
        {"email": customer.email, "name": "Olive", "is_active": "on", "is_staff": "on", "is_superuser": "on"},
    )
    customer.refresh_from_db()
    assert customer.name == "Olive"
    assert not customer.is_staff
    assert not customer.is_superuser


def test_a_clerk_cannot_change_the_password_of_staff(client: Client) -> None:
    staff(client, "view_user", "change_user")
    chief = User.objects.create_superuser("chief@example.com", "correct horse battery")
    new = {"password1": "mine now 12345", "password2": "mine now 12345", "usable_password": "true"}
    assert client.post(f"/admin/accounts/user/{chief.pk}/password/", new).status_code == 403


def test_a_person_is_added_with_an_account(admin_client: Client) -> None:
    account = an_account()
    data = {
        "email": "owner@example.com", "name": "Olive", "account": account.pk, "usable_password": "true",
        "password1": "correct horse battery", "password2": "correct horse battery",
    }  # fmt: skip
    admin_client.post("/admin/accounts/user/add/", data)
    person = User.objects.get(email="owner@example.com")
    assert person.account == account
    assert person.check_password("correct horse battery")
