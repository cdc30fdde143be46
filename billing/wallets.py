"""An account's wallet: opened once, its credit limit, and the end of the account."""

from __future__ import annotations

from decimal import Decimal

import psycopg
from django.db import IntegrityError, transaction

from accounts.models import Account
from billing.exceptions import BillingError, InsufficientFunds, UnknownDeck
from billing.models import RateDeck, Wallet
from billing.money import Money


class WalletExists(BillingError, ValueError):
    """An account has one wallet in one currency."""


class NoWallet(BillingError, LookupError):
    """The account has no wallet yet."""


class MoneyHeld(BillingError):
    """Money is reserved for calls that have not ended."""


@transaction.atomic
def open_wallet(
    account: Account, currency: str, *, credit_limit: str | Decimal = "0", deck: RateDeck | None = None
) -> Wallet:
    """The account's wallet, empty. Without a deck it is charged by the default deck of its currency.

    Raises WalletExists, NotMoney for a credit limit that is none, UnknownDeck for a deck in another currency or
    of another service than calls, and Django's ValidationError for a currency that is not three capital letters.
    """
    if Wallet.objects.filter(account=account).exists():
        raise WalletExists(f"The account {account.name!r} has a wallet already.")
    if deck is not None and deck.currency != currency:
        raise UnknownDeck(f"The deck {deck.name!r} is in {deck.currency}, the wallet in {currency}.")
    if deck is not None and deck.service != RateDeck.Service.CALLS:
        raise UnknownDeck(f"The deck {deck.name!r} is for {deck.service}: a wallet chooses its deck of calls alone.")
    wallet = Wallet(account=account, currency=currency, deck=deck)
    wallet.clean_fields()
    wallet.credit_limit = Money.of(credit_limit, currency).amount
    wallet.full_clean()
    wallet.save()
    return wallet


@transaction.atomic
def set_credit_limit(account: Account, credit_limit: str | Decimal) -> Wallet:
    """How far below zero the account may go from now on; 0 or more.

    Raises InsufficientFunds when the account already is further below zero than that, held money included.
    """
    wallet = lock_wallet(account)
    wallet.credit_limit = Money.of(credit_limit, wallet.currency).amount
    try:
        with transaction.atomic():
            wallet.save(update_fields=["credit_limit"])
    except IntegrityError as error:
        if violated_constraint(error) == "wallet_covers_holds":
            raise InsufficientFunds(
                f"The account {account.name!r} uses more credit than {credit_limit} already: "
                "wait until its calls have ended or book a top-up first."
            ) from None
        if violated_constraint(error) == "wallet_credit_limit_not_negative":
            raise InsufficientFunds("A credit limit is 0 or more.") from None
        raise
    return wallet


@transaction.atomic
def close_account(account: Account) -> None:
    """Close the account for good: no call, no sign-in is its own again. Raises MoneyHeld while a call may cost money.

    What is left of the balance stays in the books and is paid out by a correction.
    """
    # The account before its wallet, as an app's request and a PIN take them: see docs/locking.md.
    Account.objects.select_for_update(no_key=True).get(pk=account.pk)
    wallet = Wallet.objects.select_for_update(no_key=True).filter(account=account).first()
    if wallet is not None and wallet.held:
        raise MoneyHeld(
            f"{wallet.held} {wallet.currency} are held for calls of {account.name!r}: "
            "close the account when they have ended."
        )
    account.status = Account.Status.CLOSED
    account.save(update_fields=["status"])


def wallet_of(account: Account) -> Wallet:
    """The account's wallet as it is now. Raises NoWallet."""
    return _found(Wallet.objects.filter(account=account).first(), account)


def lock_wallet(account: Account) -> Wallet:
    """The account's wallet, locked until the transaction ends. Raises NoWallet."""
    return _found(Wallet.objects.select_for_update(no_key=True).filter(account=account).first(), account)


def violated_constraint(error: BaseException) -> str:
    """The name of the constraint a database error is about, Django's error or psycopg's; "" when there is none."""
    cause = error if isinstance(error, psycopg.Error) else error.__cause__
    return (cause.diag.constraint_name or "") if isinstance(cause, psycopg.Error) else ""


def _found(wallet: Wallet | None, account: Account) -> Wallet:
    if wallet is None:
        raise NoWallet(f"The account {account.name!r} has no wallet: open it with open_account.")
    return wallet
