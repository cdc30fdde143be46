"""The customer's money page."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone

from accounts.models import User
from billing import piecework
from billing.money import Money
from billing.piecework import Service
from billing.topups import correct, credit
from tests.billing.test_audit import reserve, settle
from tests.builders import a_deck, an_account

pytestmark = pytest.mark.django_db


def test_movements_are_shown_newest_first_and_only_ones_own(client: Client) -> None:
    account, other = an_account(balance="5"), an_account(balance="77.77")
    correct(account, Money.of("-1.25", "USD"), reason="a secret remark", made_by="staff", reference="c1")
    client.force_login(User.objects.create_user("owner@example.com", account=account))
    page = client.get("/money/").content.decode()
    assert page.index("−1.25\u00a0USD") < page.index("+5.00\u00a0USD")
    assert "77.77" not in page
    assert "a secret remark" not in page
    assert other.wallet is not None


def test_earlier_movements_are_on_the_next_page(client: Client) -> None:
    account = an_account(balance="0")
    for number in range(1, 53):
        credit(account, Money.of(f"{number}.00", "USD"), reference=f"r{number}")
    client.force_login(User.objects.create_user("owner@example.com", account=account))
    first = client.get("/money/")
    assert [m.amount for m in first.context["movements"]] == list(range(52, 2, -1))
    second = client.get("/money/", {"before": first.context["older"]})
    assert [m.amount for m in second.context["movements"]] == [2, 1]
    assert second.context["older"] is None


def test_what_was_charged_says_what_for(client: Client) -> None:
    a_deck({"44": "0.06"})
    a_deck({"44": "0.05"}, service="texts")
    a_deck({"44": "0.07"}, service="verifications")
    account = an_account(balance="5")
    settle(reserve(account))
    for service in (Service.TEXTS, Service.VERIFICATIONS):
        subject, now = uuid4(), timezone.now()
        with transaction.atomic():
            quote = piecework.read_quote(piecework.quote(account.pk, service, ["44"], now))
            assert quote is not None
            piecework.reserve(quote, subject, 1, opened_at=now, expires_at=now)
            reservation = piecework.read_reservation(piecework.find_reservation(subject))
            assert reservation is not None
            piecework.settle(reservation, subject, 1, now)
    client.force_login(User.objects.create_user("owner@example.com", account=account))
    page = client.get("/money/").content.decode()
    assert page.index(">Verification<") < page.index(">Text<") < page.index(">Call</a>") < page.index(">Top-up<")
    assert page.count("/calls/") == 1


@pytest.mark.parametrize("before", ["", "-1", "x", "9" * 40, "٣"])
def test_an_address_nobody_gave_out_shows_the_first_page(client: Client, before: str) -> None:
    client.force_login(User.objects.create_user("owner@example.com", account=an_account(balance="5")))
    assert len(client.get("/money/", {"before": before}).context["movements"]) == 1


def test_an_account_without_a_wallet_is_told_so(client: Client) -> None:
    from accounts.registration import open_account

    client.force_login(User.objects.create_user("owner@example.com", account=open_account("Early bird")))
    for path in ("/", "/money/"):
        assert "There is no wallet for this account yet." in client.get(path).content.decode()
