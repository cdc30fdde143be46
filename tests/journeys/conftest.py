"""Every journey ends with an audit of the books."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from accounts.models import Account
from billing.models import DeckVersion
from tests import books
from tests.builders import a_deck, an_account, an_application
from tests.sinch_caller import SinchCaller


@pytest.fixture(autouse=True)
def _the_books_are_in_order(db: None) -> Iterator[None]:
    yield
    assert books.differences() == {}


@pytest.fixture
def deck(db: None) -> DeckVersion:
    """The United Kingdom at 0.06 a minute; a dear prefix; nothing else."""
    return a_deck({"44": "0.06", "4487": "0.90"})


@pytest.fixture
def account(deck: DeckVersion) -> Account:
    """Alice's: 5.00 USD and room for thirty calls."""
    return an_account("Alice's shop", client_user="alice", calls_at_once=30, longest_call_seconds=14_400)


@pytest.fixture
def sinch(account: Account) -> SinchCaller:
    """Sinch, calling back about Alice's calls."""
    return SinchCaller(an_application())
