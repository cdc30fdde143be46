"""How much an account may do at once: its own limits, else its plan's, and never more than the platform's."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

PLATFORM_LONGEST_CALL_SECONDS = 14_400


@dataclass(frozen=True)
class Limits:
    """Bounds that policy asks for; money is in the account's currency.

    `exposure_allowance` is what we are ready to lose on the account, should calls that only we can end not be ended.
    """

    calls_at_once: int
    longest_call_seconds: int
    highest_price_per_minute: Decimal
    exposure_allowance: Decimal = Decimal(0)


UNVERIFIED = Limits(calls_at_once=2, longest_call_seconds=1_800, highest_price_per_minute=Decimal("0.10"))
VERIFIED = Limits(calls_at_once=10, longest_call_seconds=3_600, highest_price_per_minute=Decimal("0.50"))


def limits_of(
    *,
    verified: bool,
    calls_at_once: int | None,
    longest_call_seconds: int | None,
    highest_price_per_minute: Decimal | None,
    exposure_allowance: Decimal | None = None,
) -> Limits:
    """The limits in force for an account: a limit staff gave it replaces its plan's; None means the plan's.

    >>> limits = limits_of(verified=False, calls_at_once=30, longest_call_seconds=99_999, highest_price_per_minute=None)
    >>> limits.calls_at_once, limits.longest_call_seconds, limits.highest_price_per_minute
    (30, 14400, Decimal('0.10'))
    """
    plan = VERIFIED if verified else UNVERIFIED
    longest = plan.longest_call_seconds if longest_call_seconds is None else longest_call_seconds
    return Limits(
        calls_at_once=plan.calls_at_once if calls_at_once is None else calls_at_once,
        longest_call_seconds=min(longest, PLATFORM_LONGEST_CALL_SECONDS),
        highest_price_per_minute=(
            plan.highest_price_per_minute if highest_price_per_minute is None else highest_price_per_minute
        ),
        exposure_allowance=plan.exposure_allowance if exposure_allowance is None else exposure_allowance,
    )


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What is known about who calls, as far as a decision needs it. Never says anything about money."""

    account_id: int
    is_active: bool
    limits: Limits
    destination_allowed: bool
    shown_number: str | None
