"""The same promise under a second generator that shares nothing with the first: 500 seeded sequences."""

from __future__ import annotations

import random
from collections.abc import Callable
from decimal import Decimal

import pytest

from tests.properties.books import CURRENCIES, PREFIXES, SUBJECTS, Books, fresh_books, open_accounts

SEQUENCES = 500
PARTS = 10
STEPS = 10


def one_step(books: Books, chance: random.Random) -> Callable[[], None]:
    """Mostly what happens on an ordinary day, sometimes what should not."""
    currency, prefix = chance.choice(CURRENCIES), chance.choice(list(PREFIXES))
    subject, reference = chance.choice(SUBJECTS), chance.choice("abcdef")
    seconds = chance.choice([0, 1, 5, 6, 30, 59, 60, 61, chance.randrange(14_401)])
    amount = Decimal(chance.choice([1, 60_000, 1_000_000, chance.randrange(1, 20_000_000)])).scaleb(-6)
    steps: dict[Callable[[], None], int] = {
        lambda: books.reserve(currency, prefix, subject, seconds): 6,
        lambda: books.settle(subject, seconds): 5,
        lambda: books.top_up(currency, amount, reference): 4,
        lambda: books.release(subject): 2,
        lambda: books.expire(subject): 2,
        lambda: books.correct(currency, amount * chance.choice([1, -1]), reference): 2,
        lambda: books.reverse(chance.randrange(10)): 2,
        lambda: books.settle_unreserved(currency, prefix, subject, seconds): 1,
        lambda: books.limit_credit(currency, chance.choice([Decimal(0), amount])): 1,
    }
    return chance.choices(list(steps), weights=list(steps.values()))[0]


@pytest.mark.django_db
@pytest.mark.parametrize("part", range(PARTS))
def test_the_books_equal_a_plain_model_on_ordinary_and_odd_days(part: int) -> None:
    accounts = open_accounts()
    for number in range(part, SEQUENCES, PARTS):
        chance = random.Random(number)
        with fresh_books(accounts) as books:
            for _ in range(STEPS):
                one_step(books, chance)()
                books.check()
