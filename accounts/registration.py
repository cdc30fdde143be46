"""Open an account, give it a PIN, suspend it and let it call again.

Closing asks whether money is still held, so it lives in `billing.wallets`.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.db import transaction
from django.utils import timezone

from accounts import pins
from accounts.exceptions import (
    AccountClosed,
    ClientUserTaken,
    NameTaken,
    NumberNotVerified,
    NumberTaken,
    PinUnusable,
    PrefixUnusable,
    TimeZoneUnknown,
    UnknownAccount,
)
from accounts.models import Account, CallerNumber, ClientUser, DestinationRule
from accounts.numbers import parse_number
from postgres.statements import Answer, ask

_PIN = re.compile(r"[0-9]{4,12}")
_PREFIX = re.compile(r"\+?([1-9][0-9]{0,14})")

# A number that somebody only claims gives way to whoever proves it. In other hands it asks for the PIN again.
_ADD_VERIFIED = """
INSERT INTO accounts_callernumber (account_id, number, verified_at, is_shown) VALUES (%s, %s, %s, true)
ON CONFLICT (number) DO UPDATE SET
    account_id = excluded.account_id,
    verified_at = excluded.verified_at,
    is_shown = accounts_callernumber.is_shown OR accounts_callernumber.account_id <> excluded.account_id,
    needs_pin = accounts_callernumber.needs_pin OR accounts_callernumber.account_id <> excluded.account_id,
    client_user_id = CASE WHEN accounts_callernumber.account_id = excluded.account_id
        THEN accounts_callernumber.client_user_id END
WHERE accounts_callernumber.account_id = excluded.account_id OR accounts_callernumber.verified_at IS NULL
RETURNING id
"""


@transaction.atomic
def open_account(
    name: str,
    *,
    verified: bool = False,
    calls_at_once: int | None = None,
    longest_call_seconds: int | None = None,
    highest_price_per_minute: Decimal | None = None,
    exposure_allowance: Decimal | None = None,
    velocity_limits: bool = True,
    numbers: Iterable[str] = (),
    client_users: Iterable[str] = (),
    pin: str | None = None,
    card: bool = False,
    allow: Iterable[str] = (),
    deny: Iterable[str] = (),
    time_zone: str = "UTC",
) -> Account:
    """A new account with everything it is recognised by and bounded with, or nothing at all.

    Limits left None are the plan's. `numbers` are read by `parse_number` and count as proved, because staff gave
    them. `card` gives it a card number. `allow` and `deny` are prefixes such as "44" or "+44"; any `allow` limits the
    account to what is listed. Raises an AccountError, NumberUnreadable, or Django's ValidationError, field named.
    """
    if Account.objects.filter(name=name).exists():
        raise NameTaken(f"There is already an account called {name!r}: choose another name.")
    allowed = [read_prefix(prefix) for prefix in allow]
    account = Account(
        name=name,
        verified=verified,
        destinations=Account.Destinations.LISTED_ONLY if allowed else Account.Destinations.ANYTHING_RATED,
        calls_at_once=calls_at_once,
        longest_call_seconds=longest_call_seconds,
        highest_price_per_minute=highest_price_per_minute,
        exposure_allowance=exposure_allowance,
        velocity_limits=velocity_limits,
        pin_hash="" if pin is None else hash_pin(pin),
        time_zone=_known_time_zone(time_zone),
    )
    account.full_clean()
    account.save()
    _add_ways_in(account, numbers, client_users)
    _add_rules(account, allowed, deny)
    if card:
        give_card_number(account)
    return account


def find_account(name: str) -> Account:
    """The account of this name. Raises UnknownAccount."""
    try:
        return Account.objects.get(name=name)
    except Account.DoesNotExist:
        raise UnknownAccount(f"There is no account called {name!r}: open it with open_account.") from None


def set_pin(account: Account, pin: str) -> None:
    """Give the account a new PIN; only its hash is kept. Raises PinUnusable."""
    account.pin_hash = hash_pin(pin)
    account.save(update_fields=["pin_hash"])


def hash_pin(pin: str) -> str:
    """The hash of 4 to 12 digits. Raises PinUnusable, whose sentence never repeats the PIN."""
    if not _PIN.fullmatch(pin):
        raise PinUnusable("A PIN is 4 to 12 digits.")
    return pins.hash_of(pin)


def give_card_number(account: Account) -> str:
    """The account's card number, a new one where it had none: ten digits by which it is named on any telephone."""
    for _ in range(20):
        with transaction.atomic():
            stored = Account.objects.select_for_update(no_key=True).get(pk=account.pk)
            if stored.card_number:
                account.card_number = stored.card_number
                return stored.card_number
            number = f"{secrets.randbelow(9) + 1}{secrets.randbelow(10**9):09}"
            if Account.objects.filter(card_number=number).exists():
                continue
            account.card_number = stored.card_number = number
            stored.save(update_fields=["card_number"])
            return number
    raise RuntimeError("of twenty random card numbers each was taken")


def trust_number(number: CallerNumber, *, needs_pin: bool) -> None:
    """Whether callers from this number have to give the PIN. Its owner decides: a caller's number can be made up.

    Raises NumberNotVerified for one that nobody has proved.
    """
    if number.verified_at is None:
        raise NumberNotVerified("This number is not verified: verify it first.")
    number.needs_pin = needs_pin
    number.save(update_fields=["needs_pin"])


def find_other_owner(number: str, account_id: int) -> Answer:
    """Ask whether the number is proved to belong to another account. A row means yes."""
    return ask(
        "SELECT 1 FROM accounts_callernumber WHERE number = %s AND account_id <> %s AND verified_at IS NOT NULL",
        [number, account_id],
    )


def add_verified_number(account_id: int, number: str, at: datetime) -> None:
    """The account has proved the number, in E.164: it may be shown as caller ID. In the caller's transaction.

    Proved again, it is verified from now on. Raises NumberTaken when it is another account's, whose is not said.
    """
    if ask(_ADD_VERIFIED, [account_id, number, at]).row() is None:
        raise NumberTaken(f"The number {number} belongs to another account.")


def suspend(account: Account) -> None:
    """Refuse the account's new calls; running ones end as they were allowed. Raises AccountClosed."""
    _change_status(account, Account.Status.SUSPENDED)


def reactivate(account: Account) -> None:
    """Let a suspended account call again. Raises AccountClosed."""
    _change_status(account, Account.Status.ACTIVE)


def read_prefix(text: str) -> str:
    """The digits of a prefix written as "44" or "+44". Raises PrefixUnusable."""
    match = _PREFIX.fullmatch(text.strip())
    if match is None:
        raise PrefixUnusable(f"{text!r} is not a prefix: write 1 to 15 digits, country code first, such as +44.")
    return match[1]


@transaction.atomic
def _change_status(account: Account, status: Account.Status) -> None:
    stored = Account.objects.select_for_update(no_key=True).get(pk=account.pk)
    if stored.status == Account.Status.CLOSED:
        raise AccountClosed(f"The account {stored.name!r} is closed: open a new one.")
    account.status = stored.status = status
    stored.save(update_fields=["status"])


def _add_ways_in(account: Account, numbers: Iterable[str], client_users: Iterable[str]) -> None:
    for number in numbers:
        _add_number(account, number)
    for client_user in client_users:
        _add_client_user(account, client_user)


def _add_number(account: Account, text: str) -> None:
    number = parse_number(text)
    if CallerNumber.objects.filter(number=number).exists():
        raise NumberTaken(f"The number {number} belongs to an account already.")
    caller_number = CallerNumber(account=account, number=number, verified_at=timezone.now())
    caller_number.full_clean()
    caller_number.save()


def _add_client_user(account: Account, name: str) -> None:
    if ClientUser.objects.filter(name=name).exists():
        raise ClientUserTaken(f"The app user {name!r} belongs to an account already.")
    client_user = ClientUser(account=account, name=name)
    client_user.full_clean()
    client_user.save()


def _add_rules(account: Account, allowed: Iterable[str], deny: Iterable[str]) -> None:
    denied = [read_prefix(prefix) for prefix in deny]
    for kind, prefixes in ((DestinationRule.Kind.ALLOW, allowed), (DestinationRule.Kind.DENY, denied)):
        for prefix in dict.fromkeys(prefixes):
            rule = DestinationRule(account=account, kind=kind, prefix=prefix)
            rule.full_clean()
            rule.save()


def _known_time_zone(name: str) -> str:
    try:
        return ZoneInfo(name).key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise TimeZoneUnknown(f"{name!r} is not a time zone: write one such as Europe/Stockholm.") from None
