"""Prices for people who look: partial numbers, the deck in force, and nothing locked."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import Account
from billing import price_list
from billing.models import RateDeck
from billing.money import Money
from billing.price_list import Prices, Range, Tariff
from tests.builders import EPOCH, a_deck, an_account

pytestmark = pytest.mark.django_db

NOW = timezone.now()


def a_range(least: str, most: str | None = None) -> Range:
    return Range(least=Decimal(least), most=Decimal(most or least))


def prices_of(account: Account, typed: str) -> Prices:
    tariff = price_list.tariff_of(account.pk)
    assert tariff is not None
    return price_list.prices(tariff, typed, NOW)


def test_a_whole_number_has_the_price_of_its_longest_prefix() -> None:
    a_deck({"44": "0.02", "447": "0.15", "4477009": "0.30"})
    account = an_account()
    assert prices_of(account, "447700900123").call == a_range("0.30")
    assert prices_of(account, "442079460000").call == a_range("0.02")
    assert prices_of(account, "46701740605").call is None


def test_a_partial_number_has_every_price_that_it_may_still_come_to() -> None:
    a_deck({"44": "0.02", "447": "0.15", "4477009": "0.01", "45": "9.00", "4": "0.50"})
    account = an_account()
    assert prices_of(account, "44").call == a_range("0.01", "0.15")
    assert prices_of(account, "447").call == a_range("0.01", "0.15")
    assert prices_of(account, "4478").call == a_range("0.15")
    assert prices_of(account, "4").call == a_range("0.01", "9.00")
    assert prices_of(account, "49").call == a_range("0.50")


def test_texts_are_priced_by_their_own_deck_and_calls_between_apps_by_the_row_for_them() -> None:
    a_deck({"44": "0.02"})
    account = an_account()
    assert prices_of(account, "44").text is None
    assert prices_of(account, "44").call_between_apps == 0
    a_deck({"4": "0.05", "447": "0.06"}, service="texts")
    a_deck({"44": "0.02", "app": "0.001"})
    found = prices_of(account, "44")
    assert found == Prices(call=a_range("0.02"), text=a_range("0.05", "0.06"), call_between_apps=Decimal("0.001"))


def test_a_rate_counts_from_its_date_until_the_next_of_its_prefix() -> None:
    tomorrow = NOW + timedelta(days=1)
    a_deck(
        [
            {"prefix": "447", "price_per_minute": "0.10"},
            {"prefix": "447", "price_per_minute": "0.20", "effective_from": NOW - timedelta(days=1)},
            {"prefix": "447", "price_per_minute": "0.90", "effective_from": tomorrow},
            {"prefix": "449", "price_per_minute": "0.80", "effective_from": tomorrow},
        ]
    )
    account = an_account()
    assert prices_of(account, "44").call == a_range("0.20")
    assert prices_of(account, "4477").call == a_range("0.20")
    assert prices_of(account, "449").call is None


def test_the_tariff_follows_the_account_its_deck_and_the_version_in_force() -> None:
    retail, dear = a_deck({"44": "0.02"}), a_deck({"44": "0.09"}, name="dear")
    usual, special = an_account(), an_account(deck=dear.deck)
    assert prices_of(usual, "44").call == a_range("0.02")
    assert prices_of(special, "44").call == a_range("0.09")
    newer = a_deck({"44": "0.03"})
    assert price_list.tariff_of(usual.pk) == Tariff(currency="USD", calls_version_id=newer.pk, texts_version_id=None)
    assert newer.pk != retail.pk


def test_of_the_decks_that_a_way_in_names_the_one_in_the_accounts_currency_counts() -> None:
    a_deck({"44": "0.02"})
    in_euro, in_dollars = a_deck({"44": "0.05"}, name="in EUR", currency="EUR"), a_deck({"44": "0.07"}, name="in USD")
    account = an_account()
    named = price_list.tariff_of(account.pk, [in_euro.deck_id, in_dollars.deck_id])
    assert named is not None
    assert named.calls_version_id == in_dollars.pk
    other = price_list.tariff_of(account.pk, [in_euro.deck_id])
    assert other is not None
    assert other.calls_version_id == RateDeck.objects.get(name="retail").active_version_id


def test_without_decks_there_are_no_prices_and_without_a_wallet_no_tariff() -> None:
    account = an_account()
    tariff = price_list.tariff_of(account.pk)
    assert tariff == Tariff(currency="USD", calls_version_id=None, texts_version_id=None)
    assert prices_of(account, "44") == Prices(call=None, text=None, call_between_apps=Decimal(0))
    assert price_list.tariff_of(account.pk + 1) is None
    assert price_list.available(account.pk + 1) is None


def test_what_may_be_spent_counts_credit_and_what_is_held() -> None:
    assert price_list.available(an_account(balance="5.00", credit_limit="2.50").pk) == Money.of("7.50", "USD")


# Of this session alone: another worker's tests run beside this one.
OWN_ROW_LOCKS = "SELECT count(*) FROM pg_locks WHERE mode = 'RowShareLock' AND pid = pg_backend_pid()"


def test_looking_waits_for_no_lock_and_takes_none() -> None:
    a_deck({"44": "0.02"})
    account = an_account()
    with connection.cursor() as cursor:
        cursor.execute(OWN_ROW_LOCKS)
        before = cursor.fetchone()
        price_list.available(account.pk)
        prices_of(account, "44")
        cursor.execute(OWN_ROW_LOCKS)
        assert cursor.fetchone() == before


@pytest.mark.parametrize("typed", ["9", "999999999999999", "9" * 40])
def test_nines_and_numbers_that_are_too_long_are_only_digits(typed: str) -> None:
    a_deck({"99": "0.02", "999999999999999": "0.04"})
    found = prices_of(an_account(), typed).call
    assert found == (a_range("0.02", "0.04") if typed == "9" else a_range("0.04"))


@given(
    decks=st.dictionaries(st.text("0189", min_size=1, max_size=5), st.integers(0, 50), max_size=12),
    typed=st.text("0189", min_size=1, max_size=6),
)
def test_the_range_is_that_of_every_number_that_can_follow(decks: dict[str, int], typed: str) -> None:
    """Worked out anew here: the cheapest and dearest of the longest prefix and of all longer ones."""
    version = a_deck({prefix: f"0.{price:02}" for prefix, price in decks.items()}, name=f"deck {timezone.now()}")
    tariff = Tariff(currency="USD", calls_version_id=version.pk, texts_version_id=None)
    shorter = [prefix for prefix in decks if typed.startswith(prefix)]
    longer = [prefix for prefix in decks if prefix.startswith(typed) and prefix != typed]
    reachable = [decks[prefix] for prefix in [*sorted(shorter, key=len)[-1:], *longer]]
    found = price_list.prices(tariff, typed, EPOCH + timedelta(days=20_000)).call
    expected = a_range(f"0.{min(reachable):02}", f"0.{max(reachable):02}") if reachable else None
    assert found == expected
