"""Exact amounts, and the one rounding rule."""

from __future__ import annotations

import doctest
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing import money
from billing.money import LARGEST, Money, NotMoney, rounded


@pytest.mark.parametrize(
    ("exact", "kept"),
    [
        ("0.0000005", "0.000001"), ("0.00000049999", "0.000000"), ("0.0000015", "0.000002"),
        ("0.0000025", "0.000003"), ("-0.0000005", "-0.000001"), ("1", "1.000000"),
    ],
)  # fmt: skip
def test_half_a_millionth_is_rounded_away_from_zero(exact: str, kept: str) -> None:
    assert str(rounded(Decimal(exact))) == kept


@pytest.mark.parametrize("given_as", ["5", "5.00", Decimal("5.000000"), 5, " 5 "])
def test_an_amount_is_read_from_text_decimals_and_whole_numbers(given_as: str | Decimal | int) -> None:
    assert Money.of(given_as, "USD") == Money(Decimal("5.000000"), "USD")


@pytest.mark.parametrize(
    "text",
    ["", "five", "1,50", "NaN", "-NaN", "sNaN", "Infinity", "-inf", "0.0000001", "100000000000000", "1e99", "1e-7"],
)
def test_what_cannot_be_kept_exactly_is_no_money(text: str) -> None:
    with pytest.raises(NotMoney):
        Money.of(text, "USD")


@pytest.mark.parametrize("currency", ["", "usd", "US", "USDX", "U$D", "USD\n", "ÄÖÜ"])
def test_a_currency_is_three_capital_letters(currency: str) -> None:
    with pytest.raises(NotMoney, match="currency"):
        Money.of("1", currency)


@pytest.mark.parametrize("number", [0.1, 5.0, float("nan"), float("inf")])
def test_money_is_never_a_float(number: float) -> None:
    with pytest.raises(NotMoney, match="float"):
        Money.of(number, "USD")  # type: ignore[arg-type]


def test_the_largest_amount_the_database_keeps_is_an_amount() -> None:
    assert Money.of(LARGEST, "USD").amount == LARGEST
    assert Money.of(-LARGEST, "USD").amount == -LARGEST


def test_amounts_of_one_currency_are_added_taken_away_and_turned_round() -> None:
    five, two = Money.of("5", "USD"), Money.of("2.50", "USD")
    assert five + two == Money.of("7.50", "USD")
    assert two - five == Money.of("-2.50", "USD")
    assert -five == Money.of("-5", "USD")


def test_amounts_of_two_currencies_never_meet() -> None:
    dollars, euros = Money.of("5", "USD"), Money.of("5", "EUR")
    assert dollars != euros
    with pytest.raises(NotMoney, match="USD and EUR"):
        dollars + euros
    with pytest.raises(NotMoney, match="USD and EUR"):
        dollars - euros


def test_an_amount_is_written_in_full_without_an_exponent() -> None:
    assert str(Money.of("0.000001", "USD")) == "0.000001 USD"
    assert str(Money.of(0, "EUR")) == "0.000000 EUR"


@given(st.decimals(-LARGEST, LARGEST, places=6))
def test_every_amount_survives_being_written_and_read(amount: Decimal) -> None:
    text, currency = str(Money.of(amount, "USD")).split()
    assert Money.of(text, currency).amount == amount


def test_the_examples_in_the_module_are_true() -> None:
    assert doctest.testmod(money).attempted > 0
    assert doctest.testmod(money).failed == 0
