"""A number claims, a PIN proves, and guessing leads nowhere."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.hashers import make_password
from django.db import transaction
from pytest_django.fixtures import Settings

from accounts import pins
from accounts.models import Account, CallerNumber, ClientUser
from accounts.pins import Claim
from accounts.registration import open_account
from postgres.statements import Answer, ask
from telephony.menu_play import LONGEST_PIN as LONGEST_ENTRY

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
        return pins.try_pin(claim(number), pin, at).is_proved


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


# --- a line's own PIN, and a card number -----------------------------------------------------------------------------


def test_a_lines_pin_proves_its_account_and_nobody_elses(account: Account) -> None:
    other = open_account("Other", numbers=["+447700900124"], pin="1111")
    ClientUser.objects.create(account=account, name="ana", pin_digest=pins.digest_of_line_pin(account.pk, "81726354"))
    assert proves("81726354")
    assert proves("4711"), "the account's own serves as before"
    assert not proves("81726354", number="+447700900124")
    assert counted(other) == (1, NOW)


def test_a_lines_pin_outlives_the_rotation_of_our_key(account: Account, settings: Settings) -> None:
    digest = pins.digest_of_line_pin(account.pk, "81726354")
    ClientUser.objects.create(account=account, name="ana", pin_digest=digest)
    settings.FIELD_KEYS = ("a new key", *settings.FIELD_KEYS)
    assert proves("81726354")
    settings.FIELD_KEYS = ("a new key",)
    assert not proves("81726354")


def test_a_card_number_claims_its_account_from_any_telephone(account: Account) -> None:
    Account.objects.update(card_number="9012345678")
    with transaction.atomic():
        found = pins.read_claim(pins.find_claim_of_card("9012345678"))
        assert found is not None
        assert pins.try_pin(found, "4711", NOW).is_proved
        assert pins.read_claim(pins.find_claim_of_card("9012345679")) is None


def test_a_card_number_and_the_shortest_pin_are_longer_than_the_longest_pin() -> None:
    assert pins.CARD_NUMBER_DIGITS + pins.SHORTEST_PIN > pins.LONGEST_PIN
    assert pins.CARD_NUMBER_DIGITS + pins.LONGEST_PIN == LONGEST_ENTRY
    assert pins.read_entered("1" * pins.LONGEST_PIN) == ("", "1" * pins.LONGEST_PIN)


def test_the_tenth_wrong_pin_is_the_one_that_locks(account: Account) -> None:
    with transaction.atomic():
        verdicts = [pins.try_pin(claim(), "0000", NOW) for _ in range(12)]
    assert [verdict.has_locked for verdict in verdicts] == [False] * 9 + [True] + [False] * 2
    assert verdicts[9].account == account.name


def test_a_wrong_pin_for_nobody_asks_the_database_as_much_as_one_for_somebody(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def noted(sql: str, parameters: Sequence[Any]) -> Answer:
        asked.append(sql)
        return ask(sql, parameters)

    monkeypatch.setattr(pins, "ask", noted)
    proves("0000")
    of_somebody = list(asked)
    proves("0000", number="+447700900999")
    assert len(of_somebody) == 2
    assert asked == of_somebody * 2


@pytest.mark.parametrize(
    ("needs_pin", "verified", "trusted"), [(False, True, True), (True, True, False), (False, False, False)]
)
def test_a_number_is_trusted_when_it_is_verified_and_its_owner_chose_so(
    account: Account, needs_pin: bool, verified: bool, trusted: bool
) -> None:
    CallerNumber.objects.update(needs_pin=needs_pin, verified_at=NOW if verified else None)
    with transaction.atomic():
        assert pins.read_trusted(pins.find_trusted(MOBILE)) == (account.pk if trusted else None)
