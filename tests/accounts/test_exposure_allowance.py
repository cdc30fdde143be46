"""What may be lost on an account whose calls only we can end: given when it is opened or by staff, else nothing."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from accounts.directory import find_standing, read_standing
from accounts.limits import UNVERIFIED, VERIFIED
from accounts.models import Account
from accounts.registration import open_account
from tests.accounts.test_admin import FIELDS, NO_INLINES, staff
from tests.builders import an_account

pytestmark = pytest.mark.django_db

ALICE = ("open_account", "Alice", "--currency", "USD")


def page(account: Account) -> str:
    return f"/admin/accounts/account/{account.pk}/change/"


def saved(client: Client, account: Account, allowance: str) -> str:
    """Staff write this into the form; gives the page that they see then."""
    data = {"name": account.name, "exposure_allowance": allowance, **FIELDS, **NO_INLINES}
    return client.post(page(account), data, follow=True).content.decode()


def test_no_plan_allows_any() -> None:
    assert (UNVERIFIED.exposure_allowance, VERIFIED.exposure_allowance) == (0, 0)


@pytest.mark.parametrize(("own", "allowed"), [(None, "0"), (Decimal(0), "0"), (Decimal("40.5"), "40.5")])
def test_policy_sees_the_accounts_own_or_none(own: Decimal | None, allowed: str) -> None:
    account = open_account("one", client_users=["alice"], exposure_allowance=own)
    found = find_standing(client_user="alice", otherwise_account_id=None, prefixes=["44"], preferred_number=None)
    standing = read_standing(found)
    assert standing is not None
    assert standing.limits.exposure_allowance == account.limits.exposure_allowance == Decimal(allowed)


def test_an_account_is_opened_with_it_or_without() -> None:
    call_command(*ALICE, "--exposure-allowance", "50.25")
    call_command("open_account", "Bob", "--currency", "USD")
    found = dict(Account.objects.values_list("name", "exposure_allowance"))
    assert found == {"Alice": Decimal("50.25"), "Bob": None}


@pytest.mark.parametrize("text", ["-1", "much", "NaN", "Infinity", "0.0000001", "1e15", ""])
def test_what_is_no_amount_opens_nothing(text: str) -> None:
    with pytest.raises(CommandError, match="amount"):
        call_command(*ALICE, f"--exposure-allowance={text}")
    assert not Account.objects.exists()


def test_staff_see_it_change_it_and_take_it_away(admin_client: Client) -> None:
    account = an_account()
    assert "Exposure allowance" in admin_client.get(page(account)).content.decode()
    saved(admin_client, account, "40.5")
    account.refresh_from_db()
    assert account.exposure_allowance == Decimal("40.5")
    assert "40.5" in admin_client.get(page(account)).content.decode()
    saved(admin_client, account, "")
    account.refresh_from_db()
    assert account.exposure_allowance is None
    assert account.limits.exposure_allowance == 0


@pytest.mark.parametrize("text", ["-0.01", "much", "1e15", "NaN"])
def test_staff_are_told_what_is_no_allowance(admin_client: Client, text: str) -> None:
    account = an_account(exposure_allowance=Decimal(7))
    assert "errornote" in saved(admin_client, account, text)
    account.refresh_from_db()
    assert account.exposure_allowance == 7


def test_whoever_may_only_look_gives_none(client: Client) -> None:
    account = an_account(exposure_allowance=Decimal("7.5"))
    staff(client, "view_account")
    assert "7.5" in client.get(page(account)).content.decode()
    assert client.post(page(account), {"exposure_allowance": "1000"}).status_code == 403
