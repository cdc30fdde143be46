"""Plain functions that build what a test is about, through the same use cases that staff use."""

from __future__ import annotations

import base64
import itertools
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from unittest.mock import patch

from django.db import connection
from django.db.models import Model
from django.utils import timezone

from accounts.models import Account
from accounts.registration import open_account
from billing.models import DeckVersion, Entry, Rate, RateDeck, Wallet
from billing.money import Money
from billing.topups import credit
from billing.wallets import open_wallet
from telephony import menus
from telephony.applications import KEYRINGS, add_application
from telephony.models import AccessNumber, Application, Menu, MenuVersion

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
A_SECRET = base64.b64encode(b"sixteen bytes ok").decode()

_serial = itertools.count(1)


@contextmanager
def _constraints_left_to_postgresql() -> Iterator[None]:
    """Django would ask about each in a query of its own, in thousands of tests; the INSERT checks them anyway."""
    with patch.object(Model, "validate_constraints", lambda self, exclude=None: None):
        yield


def an_account(
    name: str | None = None,
    *,
    balance: str = "5.00",
    currency: str = "USD",
    credit_limit: str = "0",
    client_user: str | None = None,
    deck: RateDeck | None = None,
    **options: Any,
) -> Account:
    """An account with its wallet and money in it; `options` are those of `open_account`."""
    name = name or f"account {next(_serial)}"
    if client_user is not None:
        options["client_users"] = [*options.get("client_users", ()), client_user]
    with _constraints_left_to_postgresql():
        account = open_account(name, **options)
        open_wallet(account, currency, credit_limit=credit_limit, deck=deck)
    if Decimal(balance):
        credit(account, Money.of(balance, currency), reference=f"opening:{name}")
    return account


def a_deck(
    rows: Mapping[str, str] | Sequence[Mapping[str, Any]] | None = None,
    *,
    name: str = "retail",
    currency: str = "USD",
    activate: bool = True,
    service: str = "calls",
) -> DeckVersion:
    """A sealed version of a deck, in force unless told otherwise; the first of a currency and service is the default.

    `rows` are prices by prefix, `{"44": "0.06"}`, or the fields of `Rate`: `[{"prefix": "44", ...}]`. The price is of
    a minute, or of one piece for texts and verifications.
    """
    rows = {"44": "0.06"} if rows is None else rows
    if isinstance(rows, Mapping):
        priced = "price_per_minute" if service == "calls" else "price_each"
        rows = [{"prefix": prefix, priced: price} for prefix, price in rows.items()]
    is_first = not RateDeck.objects.filter(currency=currency, service=service, is_default=True).exists()
    name = name if service == "calls" else f"{name} {service}"
    deck, _ = RateDeck.objects.get_or_create(
        name=name, defaults={"currency": currency, "service": service, "is_default": is_first}
    )
    version = DeckVersion.objects.create(
        deck=deck, number=deck.versions.count() + 1, source="builder", rate_count=len(rows)
    )
    Rate.objects.bulk_create(
        Rate(version=version, **{"destination": f"+{row['prefix']}", "effective_from": EPOCH, **row}) for row in rows
    )
    version.sealed = True
    version.activated_at = timezone.now() if activate else None
    version.save()
    if activate:
        deck.active_version = version
        deck.save()
    return version


def an_application(
    provider: str = "sinch", *, key: str | None = None, secret: str = A_SECRET, **options: Any
) -> Application:
    """An application whose callbacks are accepted at once; `options` are those of `add_application`."""
    key = key or f"00000000-0000-4000-8000-{next(_serial):012d}"
    with _constraints_left_to_postgresql():
        application = add_application(provider, key=key, secret=secret, **options)
    KEYRINGS[provider].load()
    return application


def a_menu(questions: Sequence[menus.Question], *, name: str | None = None, locale: str = "en-US") -> Menu:
    """A menu whose first question is asked first, in force at once."""
    menu = Menu.objects.create(name=name or f"menu {next(_serial)}")
    save_menu(menu, questions, locale=locale)
    return menu


def save_menu(menu: Menu, questions: Sequence[menus.Question], *, locale: str = "en-US") -> MenuVersion:
    """One more version of the menu."""
    definition = menus.Menu(start=questions[0].name, questions=tuple(questions), locale=locale)
    number = menu.versions.count() + 1
    return MenuVersion.objects.create(menu=menu, number=number, definition=menus.write_menu(definition))


def an_access_number(application: Application, number: str = "+442079460199", **options: Any) -> AccessNumber:
    """A number of ours; `options` are its fields."""
    return AccessNumber.objects.create(application=application, number=number, **options)


def wallet_of(account: Account) -> Wallet:
    """The wallet as it is in the database now."""
    return Wallet.objects.get(account=account)


def balance(account: Account) -> Decimal:
    """What the account has, held money included."""
    return wallet_of(account).balance


def held(account: Account) -> Decimal:
    """What is reserved."""
    return wallet_of(account).held


def available(account: Account) -> Decimal:
    """What may be spent now, credit included."""
    wallet = wallet_of(account)
    return wallet.balance - wallet.held + wallet.credit_limit


def house(name: Entry.House | str, currency: str = "USD") -> Decimal:
    """The sum of a house account: revenue, losses, ..."""
    amounts = Entry.objects.filter(house=name, currency=currency).values_list("amount", flat=True)
    return sum(amounts, Decimal("0.000000"))


def check_deferred_constraints() -> None:
    """Let the checks that wait for the commit run now, inside a test's own transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
