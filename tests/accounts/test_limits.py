"""An account's own limit replaces its plan's; the platform's bounds both."""

from __future__ import annotations

from decimal import Decimal

import pytest

from accounts.limits import PLATFORM_LONGEST_CALL_SECONDS, UNVERIFIED, VERIFIED, Limits, limits_of


def limits(*, verified: bool = False, **own: object) -> Limits:
    nothing: dict[str, object] = {
        "calls_at_once": None,
        "longest_call_seconds": None,
        "highest_price_per_minute": None,
    }
    return limits_of(verified=verified, **(nothing | own))  # type: ignore[arg-type]


def test_an_account_without_limits_of_its_own_has_its_plans() -> None:
    assert limits(verified=False) == UNVERIFIED
    assert limits(verified=True) == VERIFIED


def test_the_unverified_plan_is_the_tighter_one() -> None:
    assert (UNVERIFIED.calls_at_once, UNVERIFIED.longest_call_seconds) == (2, 1_800)
    assert (VERIFIED.calls_at_once, VERIFIED.longest_call_seconds) == (10, 3_600)
    assert UNVERIFIED.highest_price_per_minute == Decimal("0.10")
    assert VERIFIED.highest_price_per_minute == Decimal("0.50")


@pytest.mark.parametrize("verified", [False, True])
def test_a_limit_of_its_own_replaces_the_plans_in_both_directions(verified: bool) -> None:
    assert limits(verified=verified, calls_at_once=1).calls_at_once == 1
    assert limits(verified=verified, calls_at_once=500).calls_at_once == 500
    assert limits(verified=verified, longest_call_seconds=60).longest_call_seconds == 60
    assert limits(verified=verified, longest_call_seconds=7_200).longest_call_seconds == 7_200


def test_a_highest_price_of_zero_is_a_limit_and_not_the_plans() -> None:
    assert limits(highest_price_per_minute=Decimal(0)).highest_price_per_minute == 0


def test_one_limit_of_its_own_leaves_the_others_to_the_plan() -> None:
    assert limits(verified=True, calls_at_once=3) == Limits(3, 3_600, Decimal("0.50"))


def test_no_call_is_longer_than_the_platform_allows() -> None:
    assert limits(longest_call_seconds=99_999).longest_call_seconds == PLATFORM_LONGEST_CALL_SECONDS == 14_400
