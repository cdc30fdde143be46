"""Alerts on the customer's page and beside the wallet on the staff's site."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts import notices
from accounts.models import Account, CallerNumber, User
from billing.alerts import MOST_ALERTS, Channel, set_alert
from billing.models import Alert, Crossing
from billing.money import Money
from billing.topups import correct
from tests.accounts.test_admin import staff
from tests.builders import an_account, wallet_of

pytestmark = pytest.mark.django_db

NUMBER = "+447700900111"


@pytest.fixture
def account() -> Account:
    return an_account("Harbour Café", balance="6", numbers=[NUMBER])


@pytest.fixture
def customer(client: Client, account: Account) -> Client:
    client.force_login(User.objects.create_user("owner@example.com", account=account))
    return client


def an_alert(account: Account, threshold: str = "5", *channels: Channel) -> Alert:
    return set_alert(account, Money.of(threshold, "USD"), channels or [Channel.NOTICE])


def test_a_customer_asks_to_be_warned_and_sees_it(customer: Client, account: Account) -> None:
    data = {"threshold": "5.00", "channels": ["text", "email"], "number": NUMBER, "email": "books@example.com"}
    page = customer.post("/alerts/", data, follow=True).content.decode()
    alert = Alert.objects.get()
    assert (alert.wallet, alert.threshold, alert.armed) == (wallet_of(account), Decimal("5"), True)
    assert (alert.channels, alert.number, alert.email) == (["email", "text"], NUMBER, "books@example.com")
    assert "You will be warned." in page
    assert "5.00\u00a0USD" in page
    assert "e-mail, text message" in page
    assert ">ready<" in page


def test_a_warning_that_was_told_says_from_which_balance_it_is_told_again(customer: Client, account: Account) -> None:
    an_alert(account)
    correct(account, Money.of("-2", "USD"), reason="spent", made_by="a test", reference="spent")
    assert "until the balance is back at 5.50\u00a0USD" in customer.get("/alerts/").content.decode()


def test_a_customer_changes_and_removes_a_warning(customer: Client, account: Account) -> None:
    alert = an_alert(account, "5", Channel.CALL)
    page = customer.get(f"/alerts/{alert.pk}/")
    assert page.context["form"].initial == {"threshold": "5.00", "channels": ["call"], "number": "", "email": ""}
    customer.post(f"/alerts/{alert.pk}/", {"threshold": "3", "channels": ["notice"]})
    alert.refresh_from_db()
    assert (alert.threshold, alert.channels) == (3, ["notice"])
    customer.post(f"/alerts/{alert.pk}/", {"remove": "1"})
    assert not Alert.objects.exists()


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ({"threshold": "", "channels": ["notice"]}, "This field is required."),
        ({"threshold": "five", "channels": ["notice"]}, "Enter a number."),
        ({"threshold": "NaN", "channels": ["notice"]}, "Enter a number."),
        ({"threshold": "1e30", "channels": ["notice"]}, "no more than 20 digits"),
        ({"threshold": "0.0000001", "channels": ["notice"]}, "no more than 6 decimal places"),
        ({"threshold": "5"}, "This field is required."),
        ({"threshold": "5", "channels": ["pigeon"]}, "pigeon is not one of the available choices"),
        ({"threshold": "5", "channels": ["text"], "number": "+447700900222"}, "is not one of the available choices"),
        ({"threshold": "5", "channels": ["email"], "email": "nobody"}, "Enter a valid email address."),
        ({"threshold": "7", "channels": ["notice"]}, "There is an alert at 7 already: change that one."),
    ],
)
def test_what_cannot_be_is_said_beside_the_field_and_nothing_is_written(
    customer: Client, account: Account, data: dict[str, Any], sentence: str
) -> None:
    an_alert(account, "7")
    page = customer.post("/alerts/", data)
    assert page.status_code == 200
    assert sentence in page.content.decode()
    assert Alert.objects.count() == 1


def test_only_verified_numbers_can_be_chosen(customer: Client, account: Account) -> None:
    CallerNumber.objects.create(account=account, number="+447700900333")
    CallerNumber.objects.create(account=account, number="+447700900444", verified_at=timezone.now())
    choices = customer.get("/alerts/").context["form"].fields["number"].choices
    assert [value for value, _ in choices] == ["", NUMBER, "+447700900444"]


def test_nobody_reaches_somebody_elses_warning(customer: Client) -> None:
    other = an_alert(an_account(balance="6"))
    for response in (customer.get(f"/alerts/{other.pk}/"), customer.post(f"/alerts/{other.pk}/", {"remove": "1"})):
        assert response.status_code == 404
    assert Alert.objects.exists()


def test_the_page_wants_somebody_who_signed_in(client: Client) -> None:
    assert client.get("/alerts/").headers["Location"].startswith("/accounts/login/")
    assert client.delete("/alerts/").status_code == 405


def test_an_account_without_a_wallet_has_no_form(client: Client) -> None:
    from accounts.registration import open_account

    client.force_login(User.objects.create_user("early@example.com", account=open_account("Early bird")))
    assert '<form method="post" action="/alerts/"' not in client.get("/alerts/").content.decode()
    assert client.post("/alerts/", {"threshold": "5", "channels": ["notice"]}).status_code == 200


# --- staff -----------------------------------------------------------------------------------------------------------


def rows(*given: dict[str, Any], initial: int = 0, **more: Any) -> dict[str, Any]:
    """What the wallet's page posts: its deck and a row for each alert."""
    data: dict[str, Any] = {"deck": "", "alerts-TOTAL_FORMS": len(given), "alerts-INITIAL_FORMS": initial, **more}
    for number, row in enumerate(given):
        data |= {f"alerts-{number}-{name}": value for name, value in row.items()}
    return data


def test_staff_set_change_and_delete_alerts_beside_the_wallet(admin_client: Client, account: Account) -> None:
    wallet = wallet_of(account)
    address = f"/admin/billing/wallet/{wallet.pk}/change/"
    new = {"threshold": "9", "channels": ["email", "notice"], "number": NUMBER, "email": ""}
    admin_client.post(address, rows(new))
    alert = Alert.objects.get()
    assert (alert.threshold, alert.channels, alert.number) == (9, ["email", "notice"], NUMBER)
    assert not alert.armed  # the balance is below it already
    changed = {"id": alert.pk, "wallet": wallet.pk, **new, "threshold": "4"}
    admin_client.post(address, rows(changed, initial=1))
    alert.refresh_from_db()
    assert (alert.threshold, alert.armed) == (4, True)
    admin_client.post(address, rows({**changed, "DELETE": "on"}, initial=1))
    assert not Alert.objects.exists()


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ({"threshold": "7", "channels": ["notice"]}, "There is an alert at this threshold already"),
        ({"threshold": "5"}, "This field is required."),
        ({"threshold": "5", "channels": ["text"], "number": "+447700900222"}, "is not one of the available choices"),
    ],
)
def test_staff_read_beside_the_row_what_cannot_be(
    admin_client: Client, account: Account, row: dict[str, Any], sentence: str
) -> None:
    kept = an_alert(account, "7")
    first = {"id": kept.pk, "wallet": kept.wallet.pk, "threshold": "7", "channels": ["notice"]}
    address = f"/admin/billing/wallet/{kept.wallet.pk}/change/"
    assert sentence in admin_client.post(address, rows(first, row, initial=1)).content.decode()
    assert Alert.objects.count() == 1


def test_two_alerts_that_swap_their_thresholds_are_refused_with_a_sentence(
    admin_client: Client, account: Account
) -> None:
    one, two = an_alert(account, "5"), an_alert(account, "7")
    swapped = [
        {"id": one.pk, "wallet": one.wallet.pk, "threshold": "7", "channels": ["notice"]},
        {"id": two.pk, "wallet": one.wallet.pk, "threshold": "5", "channels": ["notice"]},
    ]
    response = admin_client.post(f"/admin/billing/wallet/{one.wallet.pk}/change/", rows(*swapped, initial=2))
    assert response.status_code == 200
    assert "There is an alert at this threshold already" in response.content.decode()


def test_more_alerts_than_an_account_may_have_are_refused(admin_client: Client, account: Account) -> None:
    many = [{"threshold": str(number), "channels": ["notice"]} for number in range(MOST_ALERTS + 1)]
    response = admin_client.post(f"/admin/billing/wallet/{wallet_of(account).pk}/change/", rows(*many))
    assert "at most 5" in response.content.decode()
    assert not Alert.objects.exists()


def test_staff_see_crossings_and_the_alerts_of_an_account(admin_client: Client, account: Account) -> None:
    an_alert(account, "5", Channel.EMAIL)
    correct(account, Money.of("-2", "USD"), reason="spent", made_by="a test", reference="spent")
    listed = admin_client.get("/admin/billing/crossing/?q=harbour").content.decode()
    assert "4.00\u00a0USD" in listed
    assert "Harbour Café" in listed
    crossing = Crossing.objects.get()
    assert "e-mail" in admin_client.get(f"/admin/billing/crossing/{crossing.pk}/change/").content.decode()
    page = admin_client.get(f"/admin/accounts/account/{account.pk}/change/").content.decode()
    assert "Low-balance alerts" in page
    assert "waits for the balance to recover" in page


def test_notices_for_staff_are_on_the_dashboard_until_somebody_dismisses_them(
    admin_client: Client, client: Client, account: Account
) -> None:
    notices.tell(None, "one", "The credit at <Lusitel> is low", notices.Level.WARNING)
    notices.tell(account.pk, "two", "for a customer")
    page = admin_client.get("/admin/").content.decode()
    assert "The credit at &lt;Lusitel&gt; is low" in page
    assert "for a customer" not in page
    (notice,) = notices.to_see(None)
    address = f"/admin/accounts/notice/{notice.pk}/dismiss/"
    assert admin_client.get(address).status_code == 404
    staff(client, "view_notice")
    assert "Dismiss:" not in client.get("/admin/").content.decode()
    assert client.post(address).status_code == 403
    assert admin_client.post(address).status_code == 302
    assert notices.to_see(None) == []
    assert len(notices.to_see(account)) == 1
    listed = admin_client.get("/admin/accounts/notice/").content.decode()
    assert "staff" in listed
    assert "for a customer" in listed


def test_staff_who_may_not_read_notices_see_none(client: Client) -> None:
    notices.tell(None, "one", "The credit is low")
    staff(client, "view_call")
    assert "The credit is low" not in client.get("/admin/").content.decode()
