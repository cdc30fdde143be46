"""Money that people put in, take out or correct. Every one names its business document and counts once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal

import psycopg
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import Account
from billing import alerts, ledger
from billing.exceptions import BillingError, InsufficientFunds, ReferenceTaken
from billing.ledger import Line
from billing.models import Entry, Posting, Wallet
from billing.money import Money
from billing.wallets import lock_wallet, violated_constraint
from webhooks.models import EventType
from webhooks.telling import announce

LONGEST_REFERENCE = 180
LONGEST_REASON = 500


class NotBookable(BillingError, ValueError):
    """An amount, currency, reference or reason that cannot be written to the books."""


@dataclass(frozen=True, kw_only=True)
class Booked:
    """A posting for one wallet. `is_new` is False when the same reference had been booked before."""

    posting_id: int
    amount: Money
    is_new: bool


def credit(account: Account, amount: Money, *, reference: str, made_by: str = "", reason: str = "") -> Booked:
    """Top the account up, once per reference: the same call again returns the first posting.

    The amount is more than 0 and in the wallet's currency, else NotBookable. Raises ReferenceTaken when the reference
    was used for another account or amount, NoWallet.
    """
    if amount.amount <= 0:
        raise NotBookable(f"A top-up is more than 0, not {amount}: use a correction to take money back.")
    return _book(
        account,
        amount,
        kind=Posting.Kind.TOP_UP,
        house=Entry.House.TOP_UPS,
        reference=reference,
        made_by=made_by,
        reason=reason,
    )


def correct(account: Account, amount: Money, *, reason: str, made_by: str, reference: str) -> Booked:
    """Put a mistake right by a signed amount, once per reference; the reason is mandatory.

    Money that is held for calls cannot be taken: InsufficientFunds. Otherwise as `credit`.
    """
    if not amount.amount:
        raise NotBookable("A correction of 0 corrects nothing.")
    if not reason.strip():
        raise NotBookable("A correction needs a reason.")
    return _book(
        account,
        amount,
        kind=Posting.Kind.CORRECTION,
        house=Entry.House.CORRECTIONS,
        reference=reference,
        made_by=made_by,
        reason=reason,
    )


@transaction.atomic
def reverse(posting: Posting, *, reason: str, made_by: str) -> int:
    """Undo a posting by its mirror image, once; returns the id of the reversing posting.

    Raises CannotReverse, NotBookable without a reason, InsufficientFunds when the money is held or spent.
    """
    if not reason.strip():
        raise NotBookable("A reversal needs a reason.")
    wallet_ids = posting.entries.filter(wallet__isnull=False).values("wallet")
    list(Wallet.objects.select_for_update(no_key=True).filter(pk__in=wallet_ids).order_by("pk"))
    with _funds_are_enough("The money of this posting is held for calls or spent: it cannot be taken back."):
        reversing = ledger.reverse(posting, reason=reason, made_by=made_by)
    for entry in Entry.objects.filter(posting=reversing, wallet__isnull=False):
        _tell_of_movement(entry.wallet_id, entry.amount)
    return reversing


def _book(
    account: Account,
    amount: Money,
    *,
    kind: Posting.Kind,
    house: Entry.House,
    reference: str,
    made_by: str,
    reason: str,
) -> Booked:
    key = f"{kind.value}:{_usable_reference(reference)}"
    if len(reason) > LONGEST_REASON:
        raise NotBookable(f"A reason has at most {LONGEST_REASON} characters.")
    with transaction.atomic():
        # The lock comes first: of two simultaneous calls the second one finds what the first one wrote.
        wallet = lock_wallet(account)
        if amount.currency != wallet.currency:
            raise NotBookable(f"The wallet of {account.name!r} is in {wallet.currency}, not {amount.currency}.")
        booked = _booked_before(key, wallet, amount)
        if booked is not None:
            return booked
        with _funds_are_enough(_not_available(wallet, amount)), _reference_is_free(reference):
            answer = ledger.post(
                kind,
                key,
                wallet.currency,
                [Line(amount.amount, wallet_id=wallet.pk), Line(-amount.amount, house=house)],
                reason=reason,
                made_by=made_by,
            )
            row = answer.row()
        assert row is not None  # noqa: S101 - INSERT ... RETURNING gives a row or raises
        _tell_of_movement(wallet.pk, amount.amount, by_top_up=kind is Posting.Kind.TOP_UP)
        if kind is Posting.Kind.TOP_UP:
            _announce(wallet, amount, reference)
        return Booked(posting_id=int(row[0]), amount=amount, is_new=True)


def _tell_of_movement(wallet_id: int | None, amount: Decimal, *, by_top_up: bool = False) -> None:
    """Let the alerts of the wallet know that money came or went."""
    if wallet_id is None:
        return
    if amount > 0:
        alerts.rearm(wallet_id, by_top_up=by_top_up)
    else:
        alerts.watch(wallet_id)


def _announce(wallet: Wallet, amount: Money, reference: str) -> None:
    """Tell the account's systems of a top-up, in its transaction. `wallet` is as it was before."""
    told = {
        "amount": amount.amount,
        "currency": amount.currency,
        "reference": reference,
        "balance": wallet.balance + amount.amount,
    }
    announce(wallet.account_id, EventType.TOPPED_UP, told, timezone.now())


def _booked_before(key: str, wallet: Wallet, amount: Money) -> Booked | None:
    entry = Entry.objects.filter(posting__idempotency_key=key, wallet__isnull=False).select_related("posting").first()
    if entry is None:
        return None
    if entry.wallet_id != wallet.pk or entry.amount != amount.amount:
        raise _reference_taken(key.partition(":")[2])
    return Booked(posting_id=entry.posting.pk, amount=amount, is_new=False)


def _usable_reference(reference: str) -> str:
    if not reference.strip() or len(reference) > LONGEST_REFERENCE or not reference.isprintable():
        raise NotBookable(f"A reference is 1 to {LONGEST_REFERENCE} printable characters.")
    return reference


def _not_available(wallet: Wallet, amount: Money) -> str:
    available: Decimal = wallet.balance - wallet.held + wallet.credit_limit
    return f"{-amount} cannot be taken: {available} {wallet.currency} are available, the rest is held or not there."


@contextmanager
def _funds_are_enough(sentence: str) -> Iterator[None]:
    try:
        with transaction.atomic():
            yield
    except (psycopg.errors.CheckViolation, IntegrityError) as error:
        if violated_constraint(error) != "wallet_covers_holds":
            raise
        raise InsufficientFunds(sentence) from None


@contextmanager
def _reference_is_free(reference: str) -> Iterator[None]:
    """Another account's top-up can only have written this key between our look and our insert."""
    try:
        yield
    except psycopg.errors.UniqueViolation:
        raise _reference_taken(reference) from None


def _reference_taken(reference: str) -> ReferenceTaken:
    return ReferenceTaken(
        f"The reference {reference!r} was used before for another account or amount: choose another one."
    )
