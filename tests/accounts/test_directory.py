"""Who calls, and what may they do: found in one statement."""

from __future__ import annotations

from decimal import Decimal

import pytest

from accounts import directory
from accounts.limits import UNVERIFIED, VERIFIED, Limits, Standing
from accounts.models import Account, CallerNumber
from accounts.numbers import prefixes
from accounts.registration import open_account, suspend

pytestmark = pytest.mark.django_db
UK = "+447700900123"


def standing(
    client_user: str = "alice",
    *,
    otherwise: Account | None = None,
    to: str = UK,
    preferred: str | None = None,
) -> Standing | None:
    return directory.read_standing(
        directory.find_standing(
            client_user=client_user,
            otherwise_account_id=otherwise and otherwise.pk,
            prefixes=prefixes(to),
            preferred_number=preferred,
        )
    )


def test_an_apps_user_is_found_by_the_exact_name() -> None:
    account = open_account("one", client_users=["alice"])
    assert standing() == Standing(
        account_id=account.pk, is_active=True, limits=UNVERIFIED, destination_allowed=True, shown_number=None
    )
    for name in ("Alice", "alice ", "alic", "", "%", "alice'; --"):
        assert standing(name) is None


def test_a_user_of_nobody_falls_to_the_applications_own_account() -> None:
    shop, own = open_account("shop"), open_account("own", client_users=["alice"])
    assert standing("a passer-by", otherwise=shop).account_id == shop.pk
    assert standing("", otherwise=shop).account_id == shop.pk
    assert standing("alice", otherwise=shop).account_id == own.pk


def test_a_suspended_account_is_found_and_not_active() -> None:
    suspend(open_account("one", client_users=["alice"]))
    assert standing().is_active is False


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, UNVERIFIED),
        ({"verified": True}, VERIFIED),
        (
            {"calls_at_once": 30, "longest_call_seconds": 60, "highest_price_per_minute": Decimal("1.5")},
            Limits(calls_at_once=30, longest_call_seconds=60, highest_price_per_minute=Decimal("1.500000")),
        ),
    ],
)
def test_the_limits_are_the_accounts_own_or_its_plans(options: dict[str, object], expected: Limits) -> None:
    account = open_account("one", client_users=["alice"], **options)
    assert standing().limits == expected == Account.objects.get(pk=account.pk).limits


@pytest.mark.parametrize(
    ("allow", "deny", "allowed"),
    [
        ([], [], True),
        (["46"], [], False),
        (["44"], [], True),
        (["44"], ["447"], False),
        (["44", "447700"], ["447"], True),
        (["44"], ["44"], False),  # deny wins a tie
        ([], ["44"], False),
        ([], ["46"], True),
        ([], ["447700900123"], False),
        ([], ["4477009001234"], True),
    ],
)
def test_the_longest_rule_that_matches_decides(allow: list[str], deny: list[str], allowed: bool) -> None:
    open_account("one", client_users=["alice"], allow=allow, deny=deny)
    open_account("another", allow=["44"], deny=["4477"])
    assert standing().destination_allowed is allowed


def test_t3_only_a_verified_number_of_the_account_is_shown() -> None:
    account = open_account("one", client_users=["alice"], numbers=["+442079460001", "+442079460002"])
    open_account("another", numbers=["+442079460003"])
    CallerNumber.objects.create(account=account, number="+442079460004")
    assert standing().shown_number == "+442079460001"
    assert standing(preferred="+442079460002").shown_number == "+442079460002"
    for not_ours in ("+442079460003", "+442079460004", "+442079460999", ""):
        assert standing(preferred=not_ours).shown_number == "+442079460001"


def test_t3_a_number_that_may_not_be_shown_is_not() -> None:
    account = open_account("one", client_users=["alice"], numbers=["+442079460001"])
    CallerNumber.objects.filter(account=account).update(is_shown=False)
    assert standing(preferred="+442079460001").shown_number is None
