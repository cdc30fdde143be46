"""The policy of verifications: every limit at its border, and the order of the reasons."""

from __future__ import annotations

from dataclasses import replace

import pytest

from telephony.verification_policy import (
    CONVERSION_ASKED_FROM,
    PER_NETWORK,
    PER_NUMBER,
    Conversion,
    Facts,
    Limit,
    denial,
    network_of,
    plain_address,
)

NONE_BEGUN = Conversion(begun=0, successful=0)
NOTHING_KNOWN = Facts(country="SE", country_allowed=True, of_number=(0, 0, 0), of_network=(0,), conversion=NONE_BEGUN)


def denied(**changes: object) -> Limit | None:
    found = denial(replace(NOTHING_KNOWN, **changes))
    return found.limit if found else None


def test_the_first_verification_of_all_may_begin() -> None:
    assert denial(NOTHING_KNOWN) is None


def test_the_table_says_what_was_promised() -> None:
    assert [(a.most, a.within.total_seconds()) for a in PER_NUMBER] == [(1, 30), (5, 3600), (10, 86400)]
    assert [(a.most, a.within.total_seconds()) for a in PER_NETWORK] == [(10, 3600)]


@pytest.mark.parametrize(
    ("counts", "limit"),
    [
        ((0, 4, 9), None),
        ((1, 1, 1), Limit.NUMBER),
        ((0, 5, 5), Limit.NUMBER),
        ((0, 0, 10), Limit.NUMBER),
    ],
)
def test_a_number_is_bothered_so_often(counts: tuple[int, ...], limit: Limit | None) -> None:
    assert denied(of_number=counts) == limit


@pytest.mark.parametrize(("counts", "limit"), [((9,), None), ((10,), Limit.NETWORK), ((), None)])
def test_a_network_asks_so_often_where_it_is_known(counts: tuple[int, ...], limit: Limit | None) -> None:
    assert denied(of_network=counts) == limit


def test_a_country_that_is_not_allowed_comes_first() -> None:
    assert denied(country_allowed=False, of_number=(1, 5, 10)) == Limit.COUNTRY


@pytest.mark.parametrize(
    ("begun", "successful", "limit"),
    [
        (CONVERSION_ASKED_FROM - 1, 0, None),
        (50, 14, Limit.CONVERSION),
        (50, 15, None),
        (1000, 299, Limit.CONVERSION),
        (1000, 300, None),
    ],
)
def test_a_country_in_which_hardly_anybody_brings_the_code_back_is_stopped(
    begun: int, successful: int, limit: Limit | None
) -> None:
    assert denied(conversion=Conversion(begun=begun, successful=successful)) == limit


def test_a_reason_has_its_figures() -> None:
    hour = denial(replace(NOTHING_KNOWN, of_number=(0, 5, 5)))
    guard = denial(replace(NOTHING_KNOWN, conversion=Conversion(begun=60, successful=4)))
    assert hour is not None
    assert guard is not None
    assert hour.say == "5 verifications of this number were begun within an hour, and 5 is the most: try again later."
    assert guard.detail == (
        "Verifications of numbers in SE are stopped: 4 of 60 begun within 24 hours were successful, "
        "which is under 30 %."
    )
    assert "60" not in guard.say  # how the house does is nobody else's business


def test_a_number_of_no_country_has_a_sentence_too() -> None:
    found = denial(replace(NOTHING_KNOWN, country="", country_allowed=False))
    assert found is not None
    assert found.say == "We do not verify such numbers: use a number of another country."


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.255", "192.0.2.0/24"),
        ("198.51.100.1", "198.51.100.0/24"),
        ("::ffff:198.51.100.1", "198.51.100.0/24"),
        ("2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff", "2001:db8:aaaa::/48"),
        ("fe80::1%eth0", "fe80::/48"),
        ("unix:", "None"),
        ("", "None"),
        ("192.0.2.1, 198.51.100.1", "None"),
    ],
)
def test_addresses_are_counted_by_their_network(address: str, network: str) -> None:
    assert str(network_of(address)) == network


def test_an_address_has_one_spelling() -> None:
    assert plain_address("2001:DB8:0:0::1") == plain_address("2001:db8::1%7") == "2001:db8::1"
    assert plain_address("::ffff:192.0.2.1") == "192.0.2.1"


@pytest.mark.parametrize(("begun", "successful", "percent"), [(0, 0, 0), (3, 1, 33), (50, 50, 100)])
def test_conversion_in_percent(begun: int, successful: int, percent: int) -> None:
    assert Conversion(begun=begun, successful=successful).percent == percent
