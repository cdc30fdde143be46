"""The price of a duration, and the duration a sum can buy."""

from __future__ import annotations

import doctest
import json
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from billing import rating
from billing.money import SMALLEST
from billing.rating import (
    Terms,
    affordable_seconds,
    affordable_seconds_together,
    billed_seconds,
    breakdown,
    least_price,
    price_of,
)
from tests.billing.reference import reference_affordable, reference_price

LONGEST = 14_400


def terms(price: str = "0.06", increments: str = "60/60", **others: object) -> Terms:
    first, following = increments.split("/")
    amounts = {name: Decimal(value) if isinstance(value, str) else value for name, value in others.items()}
    return Terms(price_per_minute=Decimal(price), first_increment=int(first), next_increment=int(following), **amounts)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("increments", "seconds", "billed"),
    [
        ("60/60", 0, 0), ("60/60", 1, 60), ("60/60", 59, 60), ("60/60", 60, 60), ("60/60", 61, 120),
        ("60/60", 120, 120), ("60/60", 121, 180),
        ("60/1", 1, 60), ("60/1", 60, 60), ("60/1", 61, 61), ("60/1", 3599, 3599),
        ("30/6", 1, 30), ("30/6", 30, 30), ("30/6", 31, 36), ("30/6", 36, 36), ("30/6", 37, 42),
        ("1/1", 0, 0), ("1/1", 1, 1), ("1/1", 61, 61),
        ("6/60", 6, 6), ("6/60", 7, 66),
    ],
)  # fmt: skip
def test_every_begun_increment_is_billed(increments: str, seconds: int, billed: int) -> None:
    assert billed_seconds(terms(increments=increments), seconds) == billed


@pytest.mark.parametrize(
    ("rate", "seconds", "price"),
    [
        (terms(), 0, "0.000000"),
        (terms(), 60, "0.060000"),
        (terms(), 61, "0.120000"),
        (terms(increments="60/1"), 61, "0.061000"),
        (terms(increments="30/6"), 31, "0.036000"),
        (terms(increments="1/1"), 1, "0.001000"),
        (terms("0.01", "1/1"), 1, "0.000167"),
        (terms("0.00003", "1/1"), 1, "0.000001"),
        (terms("0.000029", "1/1"), 1, "0.000000"),
        (terms(connection_fee="0.05"), 0, "0.050000"),
        (terms(connection_fee="0.05"), 1, "0.110000"),
        (terms(minimum_charge="0.25"), 0, "0.250000"),
        (terms(minimum_charge="0.25"), 60, "0.250000"),
        (terms(minimum_charge="0.25"), 300, "0.300000"),
        (terms(connection_fee="0.20", minimum_charge="0.25"), 60, "0.260000"),
        (terms(grace_seconds=5), 0, "0.000000"),
        (terms(grace_seconds=5), 5, "0.000000"),
        (terms(grace_seconds=5), 6, "0.060000"),
        (terms(grace_seconds=5, connection_fee="0.05", minimum_charge="0.50"), 5, "0.000000"),
        (terms(grace_seconds=5, connection_fee="0.05", minimum_charge="0.50"), 6, "0.500000"),
        (terms("0"), 14_400, "0.000000"),
        (terms("0", connection_fee="0.10"), 14_400, "0.100000"),
        (terms("99999999.999999", "1/1"), 14_400, "23999999999.999760"),
    ],
)
def test_the_price_of_an_answered_call(rate: Terms, seconds: int, price: str) -> None:
    assert str(price_of(rate, seconds)) == price


@pytest.mark.parametrize(
    ("rate", "amount", "seconds"),
    [
        (terms(), "5.00", 4_980),
        (terms(), "0.06", 60),
        (terms(), "0.059999", 0),
        (terms(), "0", 0),
        (terms(), "-1", 0),
        (terms(increments="60/1"), "0.061", 61),
        (terms(increments="60/1"), "0.060999", 60),
        (terms(increments="30/6"), "0.04", 36),
        (terms("0.01", "1/1"), "0.000167", 1),
        (terms("0.01", "1/1"), "0.000166", 0),
        (terms(connection_fee="0.05"), "0.10", 0),
        (terms(connection_fee="0.05"), "0.11", 60),
        (terms(minimum_charge="0.25"), "0.24", 0),
        (terms(minimum_charge="0.25"), "0.25", 240),
        (terms(grace_seconds=5), "0.05", 0),
        (terms("0.06", "1/1", grace_seconds=90), "0.091", 91),
        (terms("0"), "0", LONGEST),
        (terms("0", connection_fee="0.10"), "0.09", 0),
        (terms("0", connection_fee="0.10"), "0.10", LONGEST),
        (terms(), "1000000", LONGEST),
    ],
)
def test_the_longest_call_a_sum_can_pay(rate: Terms, amount: str, seconds: int) -> None:
    assert affordable_seconds(rate, Decimal(amount), at_most_seconds=LONGEST) == seconds


@pytest.mark.parametrize("at_most", [1, 59, 60, 61])
def test_the_bound_holds_whatever_could_be_paid(at_most: int) -> None:
    assert affordable_seconds(terms(), Decimal(1000), at_most_seconds=at_most) == at_most


def test_a_free_call_may_last_as_long_as_the_bound_even_without_money() -> None:
    assert least_price(terms("0")) == 0
    assert affordable_seconds(terms("0"), Decimal(0), at_most_seconds=3_600) == 3_600


def test_the_breakdown_shows_every_figure_as_plain_json() -> None:
    figures = breakdown(terms("0.06", "30/6", connection_fee="0.05"), 31)
    assert json.loads(json.dumps(figures)) == {
        "duration_seconds": 31,
        "billed_seconds": 36,
        "price_per_minute": "0.06",
        "connection_fee": "0.05",
        "first_increment": 30,
        "next_increment": 6,
        "minimum_charge": "0.000000",
        "grace_seconds": 0,
        "price": "0.086000",
    }


def test_the_examples_in_the_module_are_true() -> None:
    assert doctest.testmod(rating).attempted > 0
    assert doctest.testmod(rating).failed == 0


def money(largest: str) -> st.SearchStrategy[Decimal]:
    return st.decimals(0, Decimal(largest), places=6)


any_terms = st.builds(
    Terms,
    price_per_minute=money("0.01") | money("2") | money("50000") | st.just(Decimal(0)),
    connection_fee=st.just(Decimal(0)) | money("1"),
    first_increment=st.sampled_from([1, 6, 30, 60]) | st.integers(1, 3_600),
    next_increment=st.sampled_from([1, 6, 30, 60]) | st.integers(1, 3_600),
    minimum_charge=st.just(Decimal(0)) | money("1"),
    grace_seconds=st.just(0) | st.integers(0, 300),
)
any_duration = st.integers(0, LONGEST)
any_amount = money("0.01") | money("5") | money("100000")


@given(any_terms, any_duration)
@settings(max_examples=200)
def test_the_price_equals_that_of_an_independent_rater(rate: Terms, seconds: int) -> None:
    assert Fraction(price_of(rate, seconds)) == reference_price(rate, seconds)


@given(any_terms, any_duration)
def test_a_price_is_never_negative_and_has_six_places(rate: Terms, seconds: int) -> None:
    price = price_of(rate, seconds)
    assert price >= 0
    assert price == price.quantize(SMALLEST)


@given(any_terms, any_duration, any_duration)
@settings(max_examples=200)
def test_a_longer_call_never_costs_less(rate: Terms, one: int, other: int) -> None:
    shorter, longer = sorted((one, other))
    assert price_of(rate, shorter) <= price_of(rate, longer)


@given(any_terms, any_amount, st.integers(301, LONGEST))
@example(Terms(price_per_minute=Decimal("0.00006"), first_increment=1, next_increment=1), Decimal("0.000001"), 400)
@settings(max_examples=400)
def test_the_longest_affordable_call_is_exactly_that(rate: Terms, amount: Decimal, at_most: int) -> None:
    seconds = affordable_seconds(rate, amount, at_most_seconds=at_most)
    assert seconds == reference_affordable(rate, amount, at_most)


@given(any_terms, any_amount, st.integers(301, LONGEST))
@settings(max_examples=200)
def test_an_affordable_call_can_be_paid_and_one_second_more_cannot(rate: Terms, amount: Decimal, at_most: int) -> None:
    seconds = affordable_seconds(rate, amount, at_most_seconds=at_most)
    assume(seconds)
    assert price_of(rate, seconds) <= amount
    assert seconds == at_most or price_of(rate, seconds + 1) > amount


@given(any_terms, any_amount, st.integers(1, 301))
@settings(max_examples=200)
def test_a_bound_inside_the_grace_period_is_kept_too(rate: Terms, amount: Decimal, at_most: int) -> None:
    assert 0 <= affordable_seconds(rate, amount, at_most_seconds=at_most) <= at_most


@given(any_terms, any_amount, st.integers(301, LONGEST))
@settings(max_examples=200)
def test_one_call_together_with_none_is_that_call(rate: Terms, amount: Decimal, at_most: int) -> None:
    together = affordable_seconds_together([rate], amount, at_most_seconds=at_most)
    assert together == affordable_seconds(rate, amount, at_most_seconds=at_most)


@given(any_terms, any_terms, any_amount, st.integers(301, LONGEST))
@settings(max_examples=200)
def test_calls_together_can_be_paid_and_one_second_more_cannot(
    one: Terms, other: Terms, amount: Decimal, at_most: int
) -> None:
    seconds = affordable_seconds_together([one, other], amount, at_most_seconds=at_most)
    if not seconds:
        assert least_price(one) + least_price(other) > amount
        return
    assert price_of(one, seconds) + price_of(other, seconds) <= amount
    assert seconds == at_most or price_of(one, seconds + 1) + price_of(other, seconds + 1) > amount
