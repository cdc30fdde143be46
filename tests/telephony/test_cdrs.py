"""The record of an ended call."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from billing.charging import FREE, Settlement
from billing.money import ZERO
from telephony.cdrs import SUSPICIOUS_COST_TIMES, cost_worth_a_look, ending_of
from telephony.events import Cost, Result
from telephony.models import CDR
from tests.telephony.received import ended

SIX_CENTS = Settlement(
    currency="USD",
    price=Decimal("0.06"),
    charge=Decimal("0.06"),
    loss=ZERO,
    rate_id=1,
    billed_seconds=60,
    breakdown={},
)


def usd(amount: str) -> Cost:
    return Cost(currency="USD", amount=Decimal(amount))


def test_an_ending_keeps_the_providers_words_and_cost() -> None:
    ending = ending_of(ended(duration_seconds=61, reason_word="CALLERHANGUP" * 9, cost=usd("0.01")))
    assert (ending.duration_seconds, ending.result) == (61, "answered")
    assert ending.reason == ("CALLERHANGUP" * 9)[:40]
    assert ending.cost == usd("0.01")
    assert ending.source is CDR.Source.EVENT
    assert ending_of(ended(), CDR.Source.ASKED).source is CDR.Source.ASKED


def test_no_duration_means_that_nobody_talked() -> None:
    assert ending_of(ended(duration_seconds=None, result=Result.BUSY)).duration_seconds == 0


@pytest.mark.parametrize(
    ("cost", "settlement", "expected"),
    [
        (None, SIX_CENTS, ""),
        (usd("0.30"), SIX_CENTS, ""),  # five times the price is still believable
        (usd("0.300001"), SIX_CENTS, "the provider charged 0.300001 USD"),
        (usd("1000000"), SIX_CENTS, "the provider charged 1000000 USD"),
        (Cost(currency="EUR", amount=Decimal(9)), SIX_CENTS, ""),  # not comparable
        (usd("9"), FREE, ""),
        (usd("9"), replace(SIX_CENTS, price=ZERO, charge=ZERO), ""),
    ],
)
def test_a_cost_far_above_the_price_deserves_a_look(cost: Cost | None, settlement: Settlement, expected: str) -> None:
    assert SUSPICIOUS_COST_TIMES == 5
    assert cost_worth_a_look(cost, settlement) == expected
