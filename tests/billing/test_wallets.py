"""A wallet is opened once; an account is closed when nothing is held."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from accounts.models import Account
from accounts.registration import open_account
from billing.exceptions import InsufficientFunds, UnknownDeck
from billing.holds import open_hold, release
from billing.models import Hold
from billing.money import NotMoney
from billing.wallets import MoneyHeld, NoWallet, WalletExists, close_account, open_wallet, set_credit_limit
from tests.builders import a_deck, an_account, available, wallet_of

pytestmark = pytest.mark.django_db


def hold(account: Account, amount: str) -> Hold:
    rate = a_deck(name=f"deck {uuid4()}").rates.get()
    subject = uuid4()
    now = timezone.now()
    open_hold(
        wallet_id=wallet_of(account).pk,
        subject=subject,
        rate_id=rate.pk,
        amount=Decimal(amount),
        opened_at=now,
        expires_at=now + timedelta(hours=1),
    )
    return Hold.objects.get(subject=subject)


def test_a_wallet_begins_empty_in_its_currency() -> None:
    account = open_account("Alice")
    wallet = open_wallet(account, "SEK", credit_limit="2.50")
    wallet.refresh_from_db()
    assert (wallet.currency, wallet.balance, wallet.held, wallet.credit_limit) == ("SEK", 0, 0, Decimal("2.5"))
    assert available(account) == Decimal("2.5")


def test_an_account_has_one_wallet() -> None:
    with pytest.raises(WalletExists):
        open_wallet(an_account(), "EUR")


@pytest.mark.parametrize("currency", ["", "usd", "US", "USDT", "ÄÖÜ"])
def test_a_currency_is_three_capital_letters(currency: str) -> None:
    with pytest.raises(ValidationError):
        open_wallet(open_account("Alice"), currency)


def test_a_deck_in_another_currency_is_refused() -> None:
    deck = a_deck(currency="EUR").deck
    with pytest.raises(UnknownDeck, match="EUR"):
        open_wallet(open_account("Alice"), "USD", deck=deck)


@pytest.mark.parametrize("limit", ["-1", "-0.000001"])
def test_a_credit_limit_is_never_negative(limit: str) -> None:
    with pytest.raises(ValidationError):
        open_wallet(open_account("Alice"), "USD", credit_limit=limit)
    with pytest.raises(InsufficientFunds):
        set_credit_limit(an_account(), limit)


@pytest.mark.parametrize("limit", ["NaN", "much", "0.0000001"])
def test_a_credit_limit_is_an_amount_of_money(limit: str) -> None:
    with pytest.raises(NotMoney):
        open_wallet(open_account("Alice"), "USD", credit_limit=limit)


def test_a_new_credit_limit_counts_at_once() -> None:
    account = an_account(balance="5")
    set_credit_limit(account, "10")
    assert available(account) == 15


def test_credit_that_is_in_use_cannot_be_taken_away() -> None:
    account = an_account(balance="0", credit_limit="10")
    hold(account, "7")
    with pytest.raises(InsufficientFunds, match=r"more credit than 6\.99"):
        set_credit_limit(account, "6.99")
    assert wallet_of(account).credit_limit == 10
    set_credit_limit(account, "7")
    assert available(account) == 0


def test_an_account_with_money_held_is_not_closed() -> None:
    account = an_account()
    its_hold = hold(account, "0.30")
    with pytest.raises(MoneyHeld, match=r"0\.300000 USD are held"):
        close_account(account)
    assert Account.objects.get(pk=account.pk).status == "active"
    with transaction.atomic():
        release(its_hold.pk, timezone.now())
    close_account(account)
    assert Account.objects.get(pk=account.pk).status == "closed"


def test_an_account_without_a_wallet_closes_but_has_no_credit_limit() -> None:
    account = open_account("Alice")
    with pytest.raises(NoWallet, match="Alice"):
        set_credit_limit(account, "1")
    close_account(account)
    assert Account.objects.get(pk=account.pk).status == "closed"
