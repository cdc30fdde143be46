"""An account is opened whole or not at all."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from accounts import pins
from accounts.exceptions import (
    AccountClosed,
    ClientUserTaken,
    NameTaken,
    NumberTaken,
    PinUnusable,
    PrefixUnusable,
    TimeZoneUnknown,
    UnknownAccount,
)
from accounts.models import Account
from accounts.numbers import NumberUnreadable
from accounts.registration import add_verified_number, find_account, open_account, reactivate, set_pin, suspend
from billing.wallets import close_account

pytestmark = pytest.mark.django_db


def rules(account: Account) -> set[tuple[str, str]]:
    return set(account.destination_rules.values_list("kind", "prefix"))


def test_an_account_is_opened_active_with_the_limits_of_its_plan() -> None:
    account = Account.objects.get(pk=open_account("Alice").pk)
    assert account.status == "active"
    assert account.destinations == "anything_rated"
    assert (account.calls_at_once, account.longest_call_seconds, account.highest_price_per_minute) == (None,) * 3
    assert account.velocity_limits
    assert not account.verified


def test_limits_given_here_are_the_accounts_own() -> None:
    account = open_account(
        "Alice",
        verified=True,
        calls_at_once=30,
        longest_call_seconds=600,
        highest_price_per_minute=Decimal("1.25"),
        velocity_limits=False,
        time_zone="Europe/Stockholm",
    )
    account.refresh_from_db()
    assert account.verified
    assert not account.velocity_limits
    assert account.limits.calls_at_once == 30
    assert account.limits.longest_call_seconds == 600
    assert account.limits.highest_price_per_minute == Decimal("1.25")
    assert account.time_zone == "Europe/Stockholm"


def test_numbers_given_by_staff_are_read_and_count_as_proved() -> None:
    account = open_account("Alice", numbers=["0046 70 174 06 05", "+1 202-555-0123"])
    numbers = account.caller_numbers.order_by("number")
    assert [n.number for n in numbers] == ["+12025550123", "+46701740605"]
    assert all(n.verified_at is not None for n in numbers)


def test_an_allow_list_limits_the_account_to_what_is_listed() -> None:
    account = open_account("Alice", allow=["+44", "46", "46"], deny=["+4490"])
    assert account.destinations == "listed_only"
    assert rules(account) == {("allow", "44"), ("allow", "46"), ("deny", "4490")}


def test_a_deny_list_alone_leaves_the_rest_open() -> None:
    account = open_account("Alice", deny=["882"])
    assert account.destinations == "anything_rated"
    assert rules(account) == {("deny", "882")}


@pytest.mark.parametrize("prefix", ["", "0", "044", "+", "++44", "44x", "4" * 16, "४४", "app"])
def test_a_prefix_that_is_none_is_refused(prefix: str) -> None:
    with pytest.raises(PrefixUnusable):
        open_account("Alice", allow=[prefix])


@pytest.mark.parametrize("pin", ["4711", "123456789012"])
def test_a_pin_is_kept_only_as_a_hash(pin: str) -> None:
    account = open_account("Alice", pin=pin)
    assert pin not in account.pin_hash
    assert pins.fits(pin, account.pin_hash)


@pytest.mark.parametrize("pin", ["", "123", "1234567890123", "47a1", "४७११", "4711\n"])
def test_a_pin_that_is_not_4_to_12_digits_is_refused_and_not_repeated(pin: str) -> None:
    with pytest.raises(PinUnusable) as refused:
        open_account("Alice", pin=pin)
    assert str(refused.value) == "A PIN is 4 to 12 digits."


def test_a_new_pin_replaces_the_old_one() -> None:
    account = open_account("Alice", pin="4711")
    set_pin(account, "081547")
    account.refresh_from_db()
    assert pins.fits("081547", account.pin_hash)
    assert not pins.fits("4711", account.pin_hash)


def test_two_accounts_do_not_share_a_name() -> None:
    open_account("Alice")
    with pytest.raises(NameTaken, match="Alice"):
        open_account("Alice")


def test_a_number_and_an_app_user_belong_to_one_account() -> None:
    open_account("Alice", numbers=["+12025550123"], client_users=["alice"])
    with pytest.raises(NumberTaken):
        open_account("Bob", numbers=["+1 (202) 555-0123"])
    with pytest.raises(ClientUserTaken):
        open_account("Bob", client_users=["alice"])


def test_an_account_that_cannot_be_whole_is_not_opened_at_all() -> None:
    with pytest.raises(NumberUnreadable):
        open_account("Alice", client_users=["alice"], numbers=["+12025550123", "not a number"])
    assert not Account.objects.filter(name="Alice").exists()


@pytest.mark.parametrize(
    ("limits", "field"),
    [
        ({"calls_at_once": 0}, "calls_at_once"),
        ({"longest_call_seconds": 0}, "longest_call_seconds"),
        ({"longest_call_seconds": 14_401}, "__all__"),
        ({"highest_price_per_minute": Decimal("0.0000001")}, "highest_price_per_minute"),
    ],
)
def test_a_limit_that_makes_no_sense_is_refused_with_its_name(limits: dict[str, object], field: str) -> None:
    with pytest.raises(ValidationError) as refused:
        open_account("Alice", **limits)  # type: ignore[arg-type]
    assert field in refused.value.message_dict


@pytest.mark.parametrize("name", ["", "x" * 101])
def test_a_name_has_1_to_100_characters(name: str) -> None:
    with pytest.raises(ValidationError):
        open_account(name)


@pytest.mark.parametrize("zone", ["Europe/Atlantis", "", "../../etc/passwd", "/etc/localtime"])
def test_a_time_zone_nobody_knows_is_refused(zone: str) -> None:
    with pytest.raises(TimeZoneUnknown):
        open_account("Alice", time_zone=zone)


def test_an_account_is_suspended_and_calls_again() -> None:
    account = open_account("Alice")
    suspend(account)
    assert Account.objects.get(name="Alice").status == account.status == "suspended"
    reactivate(account)
    assert Account.objects.get(name="Alice").status == account.status == "active"


def test_a_closed_account_stays_closed_even_for_a_stale_copy() -> None:
    stale = open_account("Alice")
    close_account(Account.objects.get(name="Alice"))
    for change in (suspend, reactivate):
        with pytest.raises(AccountClosed):
            change(stale)
    assert Account.objects.get(name="Alice").status == "closed"


def test_an_account_is_found_by_its_name_or_a_sentence_says_so() -> None:
    account = open_account("Alice")
    assert find_account("Alice") == account
    with pytest.raises(UnknownAccount, match="There is no account called 'alice'"):
        find_account("alice")


def test_a_proved_number_is_the_accounts_from_then_on() -> None:
    account, now = open_account("Alice"), timezone.now()
    add_verified_number(account.pk, "+46701740605", now)
    number = account.caller_numbers.get()
    assert (number.number, number.verified_at, number.is_shown) == ("+46701740605", now, True)
    add_verified_number(account.pk, "+46701740605", now + timedelta(days=400))
    assert account.caller_numbers.get().verified_at == now + timedelta(days=400)


def test_a_number_that_another_account_has_proved_is_taken_and_whose_is_not_said() -> None:
    open_account("Alice", numbers=["+46701740605"])
    bob = open_account("Bob")
    with pytest.raises(NumberTaken) as error:
        add_verified_number(bob.pk, "+46701740605", timezone.now())
    assert str(error.value) == "The number +46701740605 belongs to another account."
    assert bob.caller_numbers.count() == 0
