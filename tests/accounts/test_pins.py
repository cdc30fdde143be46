"""A number claims, a PIN proves, and guessing leads nowhere."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.hashers import make_password
from django.db import transaction
from pytest_django.fixtures import Settings

from accounts import pins
from accounts.models import Account, CallerNumber
from accounts.pins import Claim
from accounts.registration import open_account

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 2, 8, 15, 30, tzinfo=UTC)
MOBILE = "+447700900123"


@pytest.fixture
def account() -> Account:
    return open_account("Harbour Cafe", numbers=[MOBILE], pin="4711")


def claim(number: str = MOBILE) -> Claim | None:
    with transaction.atomic():
        return pins.read_claim(pins.find_claim(number))


def proves(pin: str, at: datetime = NOW, number: str = MOBILE) -> bool:
    with transaction.atomic():
        return pins.proves(claim(number), pin, at)


def counted(account: Account) -> tuple[int, datetime | None]:
    account.refresh_from_db()
    return account.wrong_pins, account.wrong_pins_since


def test_a_verified_number_claims_its_account(account: Account) -> None:
    found = claim()
    assert found is not None
    assert found.account_id == account.pk


def test_the_right_pin_proves_the_claim(account: Account) -> None:
    assert proves("4711")


@pytest.mark.parametrize("pin", ["4712", "", "47110", "0"])
def test_any_other_pin_proves_nothing_and_is_counted(account: Account, pin: str) -> None:
    assert not proves(pin)
    assert counted(account) == (1, NOW)


def test_a_number_that_is_not_verified_claims_nothing(account: Account) -> None:
    CallerNumber.objects.update(verified_at=None)
    assert claim() is None


def test_an_unknown_number_proves_nothing_with_any_pin(account: Account) -> None:
    assert not proves("4711", number="+447700900999")
    assert counted(account) == (0, None)


def test_an_account_without_a_pin_cannot_be_proved() -> None:
    open_account("No PIN", numbers=[MOBILE])
    assert not proves("")
    assert not proves("no PIN has letters")


def test_ten_wrong_pins_in_a_day_lock_the_account_even_for_the_right_one(account: Account) -> None:
    for _ in range(9):
        assert not proves("0000")
    assert proves("4711")
    for _ in range(10):
        assert not proves("0000")
    assert not proves("4711")


def test_a_day_after_the_first_wrong_pin_the_count_begins_again(account: Account) -> None:
    for _ in range(10):
        proves("0000")
    tomorrow = NOW + timedelta(days=1, seconds=1)
    assert not proves("4711", at=tomorrow - timedelta(seconds=2))
    assert not proves("0000", at=tomorrow)
    assert counted(account) == (1, tomorrow)
    assert proves("4711", at=tomorrow)


def test_wrong_pins_within_the_day_do_not_move_its_beginning(account: Account) -> None:
    proves("0000")
    proves("0000", at=NOW + timedelta(hours=23))
    assert counted(account) == (2, NOW)


def test_the_right_pin_forgets_the_wrong_ones(account: Account) -> None:
    proves("0000")
    proves("4711")
    assert counted(account) == (0, None)


def test_what_is_kept_of_a_pin_is_different_each_time_and_needs_our_key(settings: Settings) -> None:
    first, second = pins.hash_of("4711"), pins.hash_of("4711")
    assert first != second
    assert pins.fits("4711", first)
    assert not pins.fits("4712", first)
    settings.FIELD_KEYS = ("another key",)
    assert not pins.fits("4711", first)


def test_a_pin_outlives_the_rotation_of_our_key(settings: Settings) -> None:
    kept = pins.hash_of("4711")
    settings.FIELD_KEYS = ("a new key", *settings.FIELD_KEYS)
    assert pins.fits("4711", kept)
    assert pins.fits("4711", pins.hash_of("4711"))


def test_a_pin_that_was_kept_the_old_way_still_fits() -> None:
    assert pins.fits("4711", make_password("4711"))
    assert not pins.fits("4712", make_password("4711"))


def test_nothing_fits_an_account_without_a_pin() -> None:
    assert not pins.fits("", "")
