"""The real books and a model of them in plain Python, moved together and compared after every step."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TypeVar
from uuid import UUID

import psycopg
import pytest
from django.db import transaction
from django.utils import timezone

from accounts.models import Account
from accounts.registration import open_account
from billing import charging, topups
from billing.exceptions import CannotReverse, InsufficientFunds, ReferenceTaken
from billing.models import Posting, Rate
from billing.money import Money
from billing.rating import Terms
from billing.wallets import open_wallet, set_credit_limit
from postgres.statements import ask, tell
from postgres.work import in_one_transaction
from tests.billing.reference import reference_price
from tests.builders import EPOCH, a_deck

T = TypeVar("T")

PREFIXES = {
    "1": Terms(price_per_minute=Decimal("0.06")),
    "44": Terms(price_per_minute=Decimal("1.00"), first_increment=30, next_increment=6, connection_fee=Decimal("0.05")),
    "46": Terms(price_per_minute=Decimal("0.01"), first_increment=1, next_increment=1, minimum_charge=Decimal("0.02")),
    "61": Terms(price_per_minute=Decimal("0.333333"), first_increment=60, next_increment=1, grace_seconds=5),
    "880": Terms(price_per_minute=Decimal(0)),
}
CURRENCIES = ("USD", "EUR")
SUBJECTS = tuple(UUID(int=number) for number in range(1, 5))

# Each finds rows that break an invariant, from the rows alone.
AUDIT = """
SELECT 'I1' FROM billing_entry GROUP BY posting_id
    HAVING sum(amount) <> 0 OR count(*) < 2 OR count(DISTINCT currency) <> 1
UNION ALL SELECT 'I2' FROM billing_posting
    WHERE NOT EXISTS (SELECT FROM billing_entry WHERE posting_id = billing_posting.id)
UNION ALL SELECT 'I3' FROM billing_wallet
    WHERE balance <> coalesce((SELECT sum(amount) FROM billing_entry WHERE wallet_id = billing_wallet.id), 0)
UNION ALL SELECT 'I4' FROM billing_wallet
    WHERE held <> (SELECT coalesce(sum(amount), 0) FROM billing_hold
                   WHERE wallet_id = billing_wallet.id AND state = 'open')
UNION ALL SELECT 'I5' FROM billing_wallet WHERE balance - held < -credit_limit
UNION ALL SELECT 'I7' FROM billing_hold WHERE state = 'open' GROUP BY subject HAVING count(*) > 1
UNION ALL SELECT 'I8' FROM billing_posting WHERE kind = 'settlement' GROUP BY subject HAVING count(*) > 1
UNION ALL SELECT 'I13' FROM billing_entry e JOIN billing_wallet w ON w.id = e.wallet_id WHERE e.currency <> w.currency
"""

STATE = f"""
SELECT
    (SELECT json_agg(json_build_array(currency, balance::text, held::text, credit_limit::text)) FROM billing_wallet),
    (SELECT json_agg(house) FROM (
        SELECT json_build_array(currency, house, sum(amount)::text) AS house
        FROM billing_entry WHERE house IS NOT NULL GROUP BY currency, house) AS houses),
    (SELECT json_agg(json_build_array(subject, state, amount::text) ORDER BY id) FROM billing_hold),
    (SELECT count(*) FROM billing_posting),
    (SELECT count(*) FROM billing_entry),
    (SELECT array_agg(rule) FROM ({AUDIT}) AS broken (rule))
"""


@dataclass
class ModelHold:
    currency: str
    prefix: str
    amount: Decimal
    state: str = "open"


@dataclass
class ModelPosting:
    """What one posting did to its wallet and to the house accounts, so that it can be undone."""

    pk: int
    currency: str
    change: Decimal
    houses: dict[str, Decimal]
    is_reversal: bool = False
    is_reversed: bool = False


@dataclass
class Model:
    """The books by hand: what every number has to be."""

    balance: dict[str, Decimal] = field(default_factory=lambda: dict.fromkeys(CURRENCIES, Decimal(0)))
    credit_limit: dict[str, Decimal] = field(default_factory=lambda: dict.fromkeys(CURRENCIES, Decimal(0)))
    houses: dict[tuple[str, str], Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    holds: list[tuple[UUID, ModelHold]] = field(default_factory=list)
    settled: set[UUID] = field(default_factory=set)
    references: dict[tuple[str, str], tuple[str, Decimal, int]] = field(default_factory=dict)
    postings: list[ModelPosting] = field(default_factory=list)
    entries: int = 0

    def held(self, currency: str) -> Decimal:
        return sum((h.amount for _, h in self.holds if h.state == "open" and h.currency == currency), Decimal(0))

    def available(self, currency: str) -> Decimal:
        return self.balance[currency] - self.held(currency) + self.credit_limit[currency]

    def newest_hold(self, subject: UUID) -> ModelHold | None:
        return next((hold for of, hold in reversed(self.holds) if of == subject), None)

    def book(self, pk: int, currency: str, change: Decimal, houses: dict[str, Decimal], **marks: bool) -> None:
        self.postings.append(ModelPosting(pk, currency, change, houses, **marks))
        self.balance[currency] += change
        for name, amount in houses.items():
            self.houses[currency, name] += amount
        self.entries += sum(1 for amount in (change, *houses.values()) if amount)


class Books:
    """A wallet per currency; each method does one thing to the real books and expects of them what the model says."""

    def __init__(self, accounts: dict[str, Account]) -> None:
        self.accounts = accounts
        self.model = Model()

    def top_up(self, currency: str, amount: Decimal, reference: str) -> None:
        self._book_once("top_up", "top_ups", currency, amount, reference)

    def correct(self, currency: str, amount: Decimal, reference: str) -> None:
        self._book_once("correction", "corrections", currency, amount, reference)

    def _book_once(self, kind: str, house: str, currency: str, amount: Decimal, reference: str) -> None:
        known = self.model.references.get((kind, reference))
        if known and known[:2] != (currency, amount):
            with pytest.raises(ReferenceTaken):
                self._send(kind, currency, amount, reference)
        elif known:
            booked = self._send(kind, currency, amount, reference)
            assert (booked.posting_id, booked.is_new) == (known[2], False)
        elif amount < 0 and self.model.available(currency) + amount < 0:
            with pytest.raises(InsufficientFunds):
                self._send(kind, currency, amount, reference)
        else:
            booked = self._send(kind, currency, amount, reference)
            assert booked.is_new
            self.model.references[kind, reference] = (currency, amount, booked.posting_id)
            self.model.book(booked.posting_id, currency, amount, {house: -amount})

    def _send(self, kind: str, currency: str, amount: Decimal, reference: str) -> topups.Booked:
        money = Money.of(amount, currency)
        if kind == "top_up":
            return topups.credit(self.accounts[currency], money, reference=reference)
        return topups.correct(self.accounts[currency], money, reason="by test", made_by="test", reference=reference)

    def limit_credit(self, currency: str, limit: Decimal) -> None:
        if self.model.balance[currency] - self.model.held(currency) + limit < 0:
            with pytest.raises(InsufficientFunds):
                set_credit_limit(self.accounts[currency], limit)
        else:
            set_credit_limit(self.accounts[currency], limit)
            self.model.credit_limit[currency] = limit

    def reserve(self, currency: str, prefix: str, subject: UUID, seconds: int) -> None:
        def work() -> Decimal:
            quote = self._quote(currency, prefix)
            now = timezone.now()
            return charging.reserve(quote, subject, seconds, opened_at=now, expires_at=now)

        price = self._price(prefix, seconds)
        hold = self.model.newest_hold(subject)
        if price and price > self.model.available(currency):
            with refused("wallet_covers_holds", "one_open_hold_per_subject"):
                in_one_transaction(work)
        elif price and hold and hold.state == "open":
            with refused("one_open_hold_per_subject"):
                in_one_transaction(work)
        else:
            assert in_one_transaction(work) == price
            if price:
                self.model.holds.append((subject, ModelHold(currency, prefix, price)))

    def settle(self, subject: UUID, seconds: int) -> None:
        hold = self.model.newest_hold(subject)
        if hold is None:
            assert self._with_reservation(subject, lambda reservation: reservation) is None
            return
        house, reserved = ("loss:overrun", hold.amount) if hold.state == "open" else ("loss:late", Decimal(0))

        def work(reservation: charging.Reservation | None) -> charging.Settlement:
            assert reservation is not None
            return charging.settle(reservation, subject, seconds, timezone.now())

        def send() -> charging.Settlement:
            return self._with_reservation(subject, work)

        self._settle(send, subject, hold.currency, self._price(hold.prefix, seconds), reserved, house)
        if hold.state == "open" and not self._refused_last:
            hold.state = "settled"

    def settle_unreserved(self, currency: str, prefix: str, subject: UUID, seconds: int) -> None:
        def send() -> charging.Settlement:
            return in_one_transaction(
                lambda: charging.settle_unreserved(self._quote(currency, prefix), subject, seconds)
            )

        self._settle(send, subject, currency, self._price(prefix, seconds), Decimal(0), "loss:unreserved")

    def _settle(
        self,
        send: Callable[[], charging.Settlement],
        subject: UUID,
        currency: str,
        price: Decimal,
        reserved: Decimal,
        house: str,
    ) -> None:
        self._refused_last = bool(price and subject in self.model.settled)
        if self._refused_last:
            with refused("one_settlement_per_subject", "billing_posting_idempotency_key"):
                send()
            return
        charge = min(price, reserved + self.model.available(currency))
        settlement = send()
        assert (settlement.price, settlement.charge, settlement.loss) == (price, charge, price - charge)
        assert settlement.has_posting == bool(price)
        if price:
            self.model.settled.add(subject)
            pk = Posting.objects.get(subject=subject, kind="settlement").pk
            self.model.book(pk, currency, -charge, {"revenue": price, house: charge - price})

    def release(self, subject: UUID) -> None:
        self._resolve(subject, charging.release, "released")

    def expire(self, subject: UUID) -> None:
        self._resolve(subject, charging.expire, "expired")

    def _resolve(self, subject: UUID, resolve: Callable[..., None], state: str) -> None:
        hold = self.model.newest_hold(subject)
        if hold is not None:
            self._with_reservation(subject, lambda reservation: resolve(reservation, timezone.now()))
            if hold.state == "open":
                hold.state = state

    def reverse(self, index: int) -> None:
        if not self.model.postings:
            return
        undone = self.model.postings[index % len(self.model.postings)]
        posting = Posting.objects.get(pk=undone.pk)
        if undone.is_reversal or undone.is_reversed:
            with pytest.raises(CannotReverse):
                topups.reverse(posting, reason="by test", made_by="test")
        elif undone.change and self.model.available(undone.currency) - undone.change < 0 < undone.change:
            with pytest.raises(InsufficientFunds):
                topups.reverse(posting, reason="by test", made_by="test")
        else:
            pk = topups.reverse(posting, reason="by test", made_by="test")
            undone.is_reversed = True
            mirrored = {house: -amount for house, amount in undone.houses.items()}
            self.model.book(pk, undone.currency, -undone.change, mirrored, is_reversal=True)

    def check(self) -> None:
        """Every number equals the model's and every audit finds nothing."""
        row = ask(STATE).row()
        assert row is not None
        wallets, houses, holds, postings, entries, broken = row
        assert broken is None
        assert {c: tuple(map(Decimal, numbers)) for c, *numbers in wallets} == {
            c: (self.model.balance[c], self.model.held(c), self.model.credit_limit[c]) for c in CURRENCIES
        }
        assert {(c, house): Decimal(amount) for c, house, amount in houses or () if Decimal(amount)} == {
            key: amount for key, amount in self.model.houses.items() if amount
        }
        assert [(subject, state, Decimal(amount)) for subject, state, amount in holds or ()] == [
            (str(subject), hold.state, hold.amount) for subject, hold in self.model.holds
        ]
        assert (postings, entries) == (len(self.model.postings), self.model.entries)

    def _quote(self, currency: str, prefix: str) -> charging.Quote:
        answer = charging.quote(self.accounts[currency].pk, [prefix, prefix[:1]], timezone.now())
        quote = charging.read_quote(answer)
        assert quote is not None
        assert quote.rate is not None
        assert quote.available == self.model.available(currency)
        return quote

    def _price(self, prefix: str, seconds: int) -> Decimal:
        price = reference_price(PREFIXES[prefix], seconds)
        return Decimal(price.numerator) / Decimal(price.denominator)

    def _with_reservation(self, subject: UUID, work: Callable[[charging.Reservation | None], T]) -> T:
        return in_one_transaction(lambda: work(charging.read_reservation(charging.find_reservation(subject))))


@contextmanager
def refused(*constraints: str) -> Iterator[None]:
    """The database refuses what happens inside by one of these constraints."""
    with pytest.raises(psycopg.IntegrityError) as caught:
        yield
    name = caught.value.diag.constraint_name or ""
    assert name.startswith(constraints), name


def open_accounts() -> dict[str, Account]:
    """An account per currency with its empty wallet, and the deck it is charged by."""
    for currency in CURRENCIES:
        a_deck([rate_row(prefix, terms) for prefix, terms in PREFIXES.items()], name=currency, currency=currency)
    accounts = {currency: open_account(currency) for currency in CURRENCIES}
    for currency, account in accounts.items():
        open_wallet(account, currency)
    return accounts


def rate_row(prefix: str, terms: Terms) -> dict[str, object]:
    names = {f.name for f in Rate._meta.concrete_fields} & set(Terms.__dataclass_fields__)
    return {"prefix": prefix, "effective_from": EPOCH, **{name: getattr(terms, name) for name in names}}


@contextmanager
def fresh_books(accounts: dict[str, Account]) -> Iterator[Books]:
    """New books inside a transaction that is undone in the end; what is else checked at commit is checked at once."""
    with transaction.atomic():
        tell("SET CONSTRAINTS ALL IMMEDIATE")
        yield Books(accounts)
        transaction.set_rollback(True)
