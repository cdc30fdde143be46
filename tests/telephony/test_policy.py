"""Who may call, and for how long: every step of the policy, in its order, and every border."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.limits import PLATFORM_LONGEST_CALL_SECONDS, UNVERIFIED, VERIFIED, Limits, Standing, limits_of
from billing.rating import PinnedRate, Quote, Terms, least_price, price_of
from telephony.decisions import Reason, Refuse
from telephony.policy import (
    LATE_SECONDS,
    LEAST_SECONDS,
    LONGEST_CHARGED_SECONDS,
    Grant,
    how_long,
    how_long_to_app_user,
    how_long_together,
    may_call,
)

WIDE = Limits(calls_at_once=30, longest_call_seconds=14_400, highest_price_per_minute=Decimal(10))
KNOWN = Standing(account_id=1, is_active=True, limits=WIDE, destination_allowed=True, shown_number=None)
SIX_CENTS = Terms(price_per_minute=Decimal("0.06"))


def a_standing(**changes: object) -> Standing:
    limits = {name: changes.pop(name) for name in list(changes) if name in Limits.__dataclass_fields__}
    return replace(KNOWN, limits=replace(WIDE, **limits), **changes)


def a_quote(available: str, terms: Terms | None = SIX_CENTS) -> Quote:
    rate = terms and PinnedRate(rate_id=1, prefix="44", destination="United Kingdom", terms=terms)
    return Quote(wallet_id=1, currency="USD", available=Decimal(available), rate=rate)


def reason_of(answer: object) -> Reason | None:
    return answer.reason if isinstance(answer, Refuse) else None


# --- the questions that need no money --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("standing", "to_app_user", "expected"),
    [
        (None, False, Reason.UNKNOWN_CALLER),
        (None, True, Reason.UNKNOWN_CALLER),
        (a_standing(is_active=False), False, Reason.ACCOUNT_NOT_ACTIVE),
        (a_standing(is_active=False), True, Reason.ACCOUNT_NOT_ACTIVE),
        (a_standing(is_active=False, destination_allowed=False), False, Reason.ACCOUNT_NOT_ACTIVE),
        (a_standing(destination_allowed=False), False, Reason.DESTINATION_NOT_ALLOWED),
        (a_standing(destination_allowed=False), True, None),
        (a_standing(), False, None),
        (a_standing(), True, None),
    ],
)
def test_the_caller_must_be_known_and_active_and_allowed_to_call_there(
    standing: Standing | None, to_app_user: bool, expected: Reason | None
) -> None:
    assert reason_of(may_call(standing, to_app_user=to_app_user)) is expected


# --- the order of the questions about money --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("quote", "open_calls", "expected"),
    [
        (a_quote("0", None), 30, Reason.NO_RATE),
        (a_quote("0", Terms(price_per_minute=Decimal("10.01"))), 30, Reason.TOO_DEAR),
        (a_quote("0"), 30, Reason.NO_FREE_SLOT),
        (a_quote("0"), 29, Reason.NOT_ENOUGH_CREDIT),
        (a_quote("1.80"), 29, None),
    ],
)
def test_of_several_reasons_to_refuse_the_first_in_order_is_given(
    quote: Quote, open_calls: int, expected: Reason | None
) -> None:
    assert reason_of(how_long(KNOWN, quote, open_calls=open_calls)) is expected


def test_a_price_exactly_at_the_accounts_limit_is_not_too_dear() -> None:
    at_the_limit = a_standing(highest_price_per_minute=Decimal("0.06"))
    assert isinstance(how_long(at_the_limit, a_quote("5"), open_calls=0), Grant)
    below = a_standing(highest_price_per_minute=Decimal("0.059999"))
    answer = how_long(below, a_quote("5"), open_calls=0)
    assert reason_of(answer) is Reason.TOO_DEAR
    assert answer.detail == "0.06 USD a minute; the account's limit is 0.059999."


def test_the_last_free_slot_is_given_and_no_more() -> None:
    two = a_standing(calls_at_once=2)
    assert isinstance(how_long(two, a_quote("5"), open_calls=1), Grant)
    for open_calls in (2, 3):
        answer = how_long(two, a_quote("5"), open_calls=open_calls)
        assert reason_of(answer) is Reason.NO_FREE_SLOT
        assert answer.detail == f"{open_calls} calls were open; the account may have 2."


def test_a_refusal_for_want_of_credit_says_both_figures() -> None:
    answer = how_long(KNOWN, a_quote("0.0123"), open_calls=0)
    assert answer.detail == "0.06 USD needed to begin, 0.0123 available."
    dear = Terms(price_per_minute=Decimal("0.06"), connection_fee=Decimal("1"))
    assert how_long(KNOWN, a_quote("1.00", dear), open_calls=0).detail == ("1.06 USD needed to begin, 1.00 available.")


# --- fair slots ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("available", "calls_at_once", "open_calls", "expected_seconds"),
    [
        ("5", 1, 0, 4_980),  # the only call gets everything: 83 minutes of 0.06
        ("5", 2, 0, 2_460),  # 2.50 affords 41 minutes
        ("2.54", 2, 1, 2_520),  # the last slot gets all that is left
        ("5", 30, 0, 120),  # 5/30 = 0.1666 affords two minutes
        ("5", 30, 29, 4_980),
        ("1.80", 30, 0, 60),  # exactly a minute each
        ("1.79", 30, 0, 60),  # less than a minute each: the minute minimum
        ("0.06", 30, 0, 60),  # the last cent there is
    ],
)
def test_a_call_gets_its_share_of_the_credit(
    available: str, calls_at_once: int, open_calls: int, expected_seconds: int
) -> None:
    standing = a_standing(calls_at_once=calls_at_once)
    assert how_long(standing, a_quote(available), open_calls=open_calls) == Grant(expected_seconds)


def test_less_than_a_minutes_credit_is_refused() -> None:
    by_the_second = Terms(price_per_minute=Decimal("0.06"), first_increment=1, next_increment=1)
    assert how_long(KNOWN, a_quote("0.06", by_the_second), open_calls=0) == Grant(60)
    answer = how_long(KNOWN, a_quote("0.059999", by_the_second), open_calls=0)
    assert reason_of(answer) is Reason.NOT_ENOUGH_CREDIT


def test_an_account_limited_to_half_a_minute_may_still_call_that_long() -> None:
    short = a_standing(longest_call_seconds=30)
    assert how_long(short, a_quote("5"), open_calls=0) == Grant(30)


def test_a_free_destination_lasts_as_long_as_the_account_may_call() -> None:
    free = Terms(price_per_minute=Decimal(0))
    assert how_long(KNOWN, a_quote("0", free), open_calls=0) == Grant(14_400)


@pytest.mark.parametrize(
    ("limits", "longest", "at_once"), [(UNVERIFIED, 1_800, 2), (VERIFIED, 3_600, 10)], ids=["unverified", "verified"]
)
def test_the_plan_bounds_length_and_number_of_calls(limits: Limits, longest: int, at_once: int) -> None:
    standing = replace(KNOWN, limits=limits)
    rich = a_quote("100000")
    assert how_long(standing, rich, open_calls=at_once - 1) == Grant(longest)
    assert reason_of(how_long(standing, rich, open_calls=at_once)) is Reason.NO_FREE_SLOT


def test_nothing_exceeds_the_platforms_longest_call() -> None:
    limits = limits_of(
        verified=True, calls_at_once=None, longest_call_seconds=99_999, highest_price_per_minute=Decimal(10)
    )
    standing = replace(KNOWN, limits=limits)
    assert how_long(standing, a_quote("100000"), open_calls=0) == Grant(PLATFORM_LONGEST_CALL_SECONDS)


terms = st.builds(
    Terms,
    price_per_minute=st.decimals("0", "9", places=6),
    connection_fee=st.decimals("0", "2", places=6),
    first_increment=st.integers(1, 120),
    next_increment=st.integers(1, 120),
    minimum_charge=st.decimals("0", "2", places=6),
    grace_seconds=st.integers(0, 90),
)


@given(terms=terms, available=st.decimals("0", "50", places=6), at_once=st.integers(1, 40), data=st.data())
def test_what_is_granted_can_always_be_paid(
    terms: Terms, available: Decimal, at_once: int, data: st.DataObject
) -> None:
    open_calls = data.draw(st.integers(0, at_once - 1))
    standing = a_standing(calls_at_once=at_once)
    answer = how_long(standing, a_quote(str(available), terms), open_calls=open_calls)
    if isinstance(answer, Grant):
        assert LEAST_SECONDS <= answer.seconds <= 14_400
        # The hold is for the whole grant; a shorter call never costs more.
        assert price_of(terms, answer.seconds) <= available
    else:
        assert answer.reason is Reason.NOT_ENOUGH_CREDIT
        assert max(least_price(terms), price_of(terms, LEAST_SECONDS)) > available


@given(available=st.decimals("1.80", "500", places=6), at_once=st.integers(1, 30))
def test_every_slot_of_the_account_can_be_used_one_after_the_other(available: Decimal, at_once: int) -> None:
    standing = a_standing(calls_at_once=at_once)
    left = available
    for open_calls in range(at_once):
        answer = how_long(standing, a_quote(str(left)), open_calls=open_calls)
        assert isinstance(answer, Grant)
        left -= price_of(SIX_CENTS, answer.seconds)
    assert left >= 0


# --- two calls that belong together ----------------------------------------------------------------------------------

TWO_CENTS = Terms(price_per_minute=Decimal("0.02"))


def together(standing: Standing, available: str, *legs: Terms | None, open_calls: int = 0) -> Grant | Refuse:
    return how_long_together(standing, [a_quote(available, leg) for leg in legs], open_calls=open_calls)


@pytest.mark.parametrize(
    ("available", "calls_at_once", "open_calls", "expected_seconds"),
    [
        ("5", 1, 0, 3_720),  # 62 minutes of 0.08
        ("5", 10, 0, 360),  # 0.50 affords six minutes
        ("0.79", 10, 0, 60),  # less than a minute each: the minute minimum
        ("0.08", 10, 9, 60),  # the last cent there is
    ],
)
def test_two_calls_together_get_the_share_of_one(
    available: str, calls_at_once: int, open_calls: int, expected_seconds: int
) -> None:
    standing = a_standing(calls_at_once=calls_at_once)
    answer = together(standing, available, SIX_CENTS, TWO_CENTS, open_calls=open_calls)
    assert answer == Grant(expected_seconds)


def test_of_several_reasons_to_refuse_two_calls_the_first_in_order_is_given() -> None:
    dear = Terms(price_per_minute=Decimal("10.01"))
    assert reason_of(together(KNOWN, "0", dear, None, open_calls=30)) is Reason.NO_RATE
    assert reason_of(together(KNOWN, "0", None, SIX_CENTS, open_calls=30)) is Reason.NO_RATE
    for legs in ((dear, SIX_CENTS), (SIX_CENTS, dear)):
        answer = together(KNOWN, "0", *legs, open_calls=30)
        assert reason_of(answer) is Reason.TOO_DEAR
        assert answer.detail == "10.01 USD a minute; the account's limit is 10.00."
    assert reason_of(together(KNOWN, "0", SIX_CENTS, TWO_CENTS, open_calls=30)) is Reason.NO_FREE_SLOT
    answer = together(KNOWN, "0.079999", SIX_CENTS, TWO_CENTS, open_calls=29)
    assert reason_of(answer) is Reason.NOT_ENOUGH_CREDIT
    assert answer.detail == "0.08 USD needed to begin, 0.079999 available."


def test_each_of_two_calls_is_asked_by_itself_whether_it_is_too_dear() -> None:
    assert isinstance(together(a_standing(highest_price_per_minute=Decimal("0.06")), "5", SIX_CENTS, SIX_CENTS), Grant)


@given(one=terms, other=terms, available=st.decimals("0", "50", places=6), at_once=st.integers(1, 40))
def test_what_two_calls_are_granted_can_always_be_paid_and_a_second_more_is_not_their_share(
    one: Terms, other: Terms, available: Decimal, at_once: int
) -> None:
    answer = together(a_standing(calls_at_once=at_once), str(available), one, other)
    if isinstance(answer, Refuse):
        assert answer.reason is Reason.NOT_ENOUGH_CREDIT
        assert sum(max(least_price(leg), price_of(leg, LEAST_SECONDS)) for leg in (one, other)) > available
        return
    assert LEAST_SECONDS <= answer.seconds <= 14_400
    assert price_of(one, answer.seconds) + price_of(other, answer.seconds) <= available
    if LEAST_SECONDS < answer.seconds < 14_400:
        assert price_of(one, answer.seconds + 1) + price_of(other, answer.seconds + 1) > available / at_once


# --- calls between app users -----------------------------------------------------------------------------------------


def test_a_call_between_app_users_is_free_without_a_price_for_it() -> None:
    for quote in (a_quote("0", None), a_quote("0", Terms(price_per_minute=Decimal(0)))):
        assert how_long_to_app_user(KNOWN, quote, open_calls=0) == Grant(14_400)


def test_a_priced_call_between_app_users_needs_credit_for_the_longest_call_there_is() -> None:
    a_cent = Terms(price_per_minute=Decimal("0.01"))  # 240 minutes
    assert how_long_to_app_user(KNOWN, a_quote("2.40", a_cent), open_calls=0) == Grant(14_400)
    answer = how_long_to_app_user(KNOWN, a_quote("2.399999", a_cent), open_calls=0)
    assert reason_of(answer) is Reason.NOT_ENOUGH_CREDIT
    assert answer.detail == "2.40 USD needed to begin, 2.399999 available."


def test_a_call_between_app_users_that_has_only_a_fee_is_not_free() -> None:
    fee = Terms(price_per_minute=Decimal(0), connection_fee=Decimal("0.05"))
    assert reason_of(how_long_to_app_user(KNOWN, a_quote("0.04", fee), open_calls=0)) is Reason.NOT_ENOUGH_CREDIT
    assert how_long_to_app_user(KNOWN, a_quote("0.05", fee), open_calls=0) == Grant(14_400)


def test_a_call_between_app_users_needs_a_free_slot_and_a_price_within_the_limit() -> None:
    assert reason_of(how_long_to_app_user(KNOWN, a_quote("5", None), open_calls=30)) is Reason.NO_FREE_SLOT
    dear = Terms(price_per_minute=Decimal("10.01"))
    assert reason_of(how_long_to_app_user(KNOWN, a_quote("99999", dear), open_calls=0)) is Reason.TOO_DEAR


# --- calls that only we can end --------------------------------------------------------------------------------------


ALLOWED = a_standing(calls_at_once=2, exposure_allowance=Decimal(1000))


def test_a_call_that_only_we_can_end_is_granted_less_than_is_held_for_it() -> None:
    answer = how_long(ALLOWED, a_quote("5"), open_calls=0, is_limited=False)
    assert answer == Grant(41 * 60 - LATE_SECONDS, LATE_SECONDS)
    assert isinstance(answer, Grant)
    assert price_of(SIX_CENTS, answer.held_seconds) <= Decimal("2.50")


def test_no_longer_is_granted_than_the_account_may_talk_and_more_is_held() -> None:
    short = a_standing(longest_call_seconds=120, exposure_allowance=Decimal(1000))
    assert how_long(short, a_quote("5000"), open_calls=0, is_limited=False) == Grant(120, LATE_SECONDS)


def test_a_minute_needs_the_money_for_a_minute_and_for_being_late() -> None:
    assert reason_of(how_long(ALLOWED, a_quote("0.06"), open_calls=1, is_limited=False)) is Reason.NOT_ENOUGH_CREDIT
    answer = how_long(ALLOWED, a_quote("0.12"), open_calls=0, is_limited=False)
    assert answer == Grant(LEAST_SECONDS, LATE_SECONDS)


def test_without_an_allowance_no_call_that_only_we_can_end_is_paid_for() -> None:
    refused = how_long(a_standing(calls_at_once=2), a_quote("5"), open_calls=0, is_limited=False)
    assert reason_of(refused) is Reason.TOO_EXPOSED
    assert isinstance(refused, Refuse)
    assert "12.00 USD could be lost" in refused.detail  # 14.46 for four hours and a minute; 41 minutes are held
    assert isinstance(how_long(a_standing(calls_at_once=2), a_quote("5"), open_calls=0), Grant)


def test_each_call_has_an_equal_part_of_the_allowance() -> None:
    for allowance, expected in (("24.00", None), ("23.99", Reason.TOO_EXPOSED)):
        standing = a_standing(calls_at_once=2, exposure_allowance=Decimal(allowance))
        assert reason_of(how_long(standing, a_quote("5"), open_calls=0, is_limited=False)) is expected


def test_what_costs_nothing_needs_no_allowance() -> None:
    free = a_quote("5", Terms(price_per_minute=Decimal(0)))
    assert isinstance(how_long(a_standing(), free, open_calls=0, is_limited=False), Grant)


@given(
    available=st.decimals(min_value=0, max_value=500, places=2),
    price=st.decimals(min_value=0, max_value=10, places=4),
    at_once=st.integers(1, 30),
    allowance=st.decimals(min_value=0, max_value=5000, places=2),
)
def test_all_slots_together_can_never_lose_more_than_the_allowance(
    available: Decimal, price: Decimal, at_once: int, allowance: Decimal
) -> None:
    standing = a_standing(calls_at_once=at_once, exposure_allowance=allowance)
    terms = Terms(price_per_minute=price)
    granted = [
        answer
        for k in range(at_once)
        if isinstance(
            answer := how_long(standing, a_quote(str(available), terms), open_calls=k, is_limited=False), Grant
        )
    ]
    longest = price_of(terms, LONGEST_CHARGED_SECONDS)
    assert sum((longest - price_of(terms, each.held_seconds) for each in granted), Decimal(0)) <= allowance
