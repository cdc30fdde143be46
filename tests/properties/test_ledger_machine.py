"""Whatever happens in whatever order, the books equal those of a plain model: 2,000 sequences by Hypothesis."""

from __future__ import annotations

from contextlib import ExitStack
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import HealthCheck, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from accounts.models import Account
from tests.properties.books import CURRENCIES, PREFIXES, SUBJECTS, fresh_books, open_accounts

SEQUENCES = 2_000
PARTS = 20  # rows that were undone slow a long transaction down

currencies = st.sampled_from(CURRENCIES)
prefixes = st.sampled_from(sorted(PREFIXES))
subjects = st.sampled_from(SUBJECTS)
references = st.sampled_from(["a", "b", "c"])
amounts = st.sampled_from([Decimal("0.06"), Decimal(5)]) | st.decimals("0.000001", 20, places=6)
signed_amounts = amounts | amounts.map(lambda amount: -amount)
durations = st.integers(0, 100) | st.integers(0, 14_400)


class LedgerMachine(RuleBasedStateMachine):
    """Rules are the use cases; arguments come from small pools, so that things meet again."""

    accounts: dict[str, Account]

    def __init__(self) -> None:
        super().__init__()
        self._undo = ExitStack()
        self.books = self._undo.enter_context(fresh_books(self.accounts))

    def teardown(self) -> None:
        self._undo.close()

    @rule(currency=currencies, amount=amounts, reference=references)
    def top_up(self, currency: str, amount: Decimal, reference: str) -> None:
        self.books.top_up(currency, amount, reference)

    @rule(currency=currencies, amount=signed_amounts, reference=references)
    def correct(self, currency: str, amount: Decimal, reference: str) -> None:
        self.books.correct(currency, amount, reference)

    @rule(currency=currencies, limit=st.sampled_from([Decimal(0), Decimal("0.50"), Decimal(10)]))
    def limit_credit(self, currency: str, limit: Decimal) -> None:
        self.books.limit_credit(currency, limit)

    @rule(currency=currencies, prefix=prefixes, subject=subjects, seconds=durations)
    def reserve(self, currency: str, prefix: str, subject: UUID, seconds: int) -> None:
        self.books.reserve(currency, prefix, subject, seconds)

    @rule(subject=subjects, seconds=durations)
    def settle(self, subject: UUID, seconds: int) -> None:
        self.books.settle(subject, seconds)

    @rule(currency=currencies, prefix=prefixes, subject=subjects, seconds=durations)
    def settle_unreserved(self, currency: str, prefix: str, subject: UUID, seconds: int) -> None:
        self.books.settle_unreserved(currency, prefix, subject, seconds)

    @rule(subject=subjects)
    def release(self, subject: UUID) -> None:
        self.books.release(subject)

    @rule(subject=subjects)
    def expire(self, subject: UUID) -> None:
        self.books.expire(subject)

    @rule(index=st.integers(0, 9))
    def reverse(self, index: int) -> None:
        self.books.reverse(index)

    @invariant()
    def the_books_equal_the_model(self) -> None:
        self.books.check()


@pytest.mark.django_db
@pytest.mark.parametrize("number", range(PARTS))
def test_the_books_equal_a_plain_model_after_every_step(number: int) -> None:
    machine = seed(number)(type("SeededMachine", (LedgerMachine,), {"accounts": open_accounts()}))
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=SEQUENCES // PARTS,
            stateful_step_count=8,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
