"""Money put in, corrected or taken back: once per document, and never money that is held."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import TypeVar

import pytest
from django.db import connection

from billing.exceptions import CannotReverse, InsufficientFunds, ReferenceTaken
from billing.models import Entry, Posting
from billing.money import Money
from billing.topups import Booked, NotBookable, correct, credit, reverse
from tests.billing.test_wallets import hold
from tests.builders import an_account, balance, check_deferred_constraints, house
from webhooks import endpoints
from webhooks.models import Delivery

T = TypeVar("T")


def usd(text: str) -> Money:
    return Money.of(text, "USD")


def at_once(*work: Callable[[], T]) -> list[T | BaseException]:
    """What each piece of work returned or raised, all begun at the same moment on connections of their own."""
    start = threading.Barrier(len(work))

    def run(piece: Callable[[], T]) -> T | BaseException:
        connection.ensure_connection()
        start.wait(timeout=10)
        try:
            return piece()
        except Exception as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(work)) as threads:
        return list(threads.map(run, work))


@pytest.mark.django_db
def test_a_top_up_is_there_at_once_and_balances() -> None:
    account = an_account(balance="0")
    booked = credit(account, usd("12.345678"), reference="bank-1", made_by="staff@example.com", reason="paid")
    check_deferred_constraints()
    posting = Posting.objects.get(pk=booked.posting_id)
    assert booked == Booked(posting_id=posting.pk, amount=usd("12.345678"), is_new=True)
    assert (posting.kind, posting.idempotency_key) == ("top_up", "top_up:bank-1")
    assert (posting.made_by, posting.reason) == ("staff@example.com", "paid")
    assert balance(account) == Decimal("12.345678")
    assert house(Entry.House.TOP_UPS) == Decimal("-12.345678")


@pytest.mark.django_db
def test_the_same_reference_counts_once() -> None:
    account = an_account(balance="0")
    first = credit(account, usd("3"), reference="bank-1")
    second = credit(account, usd("3.00"), reference="bank-1")
    assert (second.posting_id, second.is_new) == (first.posting_id, False)
    assert balance(account) == 3


@pytest.mark.django_db
def test_a_reference_means_one_account_and_one_amount() -> None:
    account = an_account(balance="0")
    other = an_account(balance="0")
    credit(account, usd("3"), reference="bank-1")
    with pytest.raises(ReferenceTaken, match="'bank-1'"):
        credit(account, usd("3.01"), reference="bank-1")
    with pytest.raises(ReferenceTaken, match="'bank-1'"):
        credit(other, usd("3"), reference="bank-1")
    assert (balance(account), balance(other)) == (3, 0)


@pytest.mark.django_db
@pytest.mark.parametrize("amount", ["0", "-1"])
def test_a_top_up_is_more_than_nothing(amount: str) -> None:
    with pytest.raises(NotBookable):
        credit(an_account(), usd(amount), reference="bank-1")


@pytest.mark.django_db
def test_a_top_up_in_another_currency_is_refused() -> None:
    account = an_account(currency="SEK")
    with pytest.raises(NotBookable, match="is in SEK, not USD"):
        credit(account, usd("1"), reference="bank-1")


@pytest.mark.django_db
@pytest.mark.parametrize("reference", ["", "  ", "a\nb", "x\x00", "r" * 181])
def test_a_reference_is_short_and_printable(reference: str) -> None:
    with pytest.raises(NotBookable):
        credit(an_account(), usd("1"), reference=reference)


@pytest.mark.django_db
def test_a_correction_goes_both_ways_and_needs_a_reason() -> None:
    account = an_account(balance="5")
    correct(account, usd("-2"), reason="paid out", made_by="staff@example.com", reference="c-1")
    correct(account, usd("0.5"), reason="goodwill", made_by="staff@example.com", reference="c-2")
    again = correct(account, usd("0.5"), reason="goodwill", made_by="staff@example.com", reference="c-2")
    assert not again.is_new
    assert balance(account) == Decimal("3.5")
    assert house(Entry.House.CORRECTIONS) == Decimal("1.5")
    with pytest.raises(NotBookable, match="reason"):
        correct(account, usd("1"), reason=" ", made_by="staff@example.com", reference="c-3")
    with pytest.raises(NotBookable):
        correct(account, usd("0"), reason="nothing", made_by="staff@example.com", reference="c-4")


@pytest.mark.django_db
def test_a_correction_cannot_take_money_that_is_held() -> None:
    account = an_account(balance="5")
    hold(account, "4")
    with pytest.raises(InsufficientFunds, match=r"1\.010000 USD cannot be taken: 1\.000000 USD are available"):
        correct(account, usd("-1.01"), reason="mistake", made_by="staff@example.com", reference="c-1")
    assert balance(account) == 5
    correct(account, usd("-1"), reason="mistake", made_by="staff@example.com", reference="c-1")
    assert balance(account) == 4


@pytest.mark.django_db
def test_a_top_up_and_a_correction_may_share_a_reference() -> None:
    account = an_account(balance="0")
    credit(account, usd("3"), reference="7")
    assert correct(account, usd("-1"), reason="typo", made_by="staff@example.com", reference="7").is_new
    assert balance(account) == 2


@pytest.mark.django_db
def test_a_posting_is_undone_once_by_its_mirror_image() -> None:
    account = an_account(balance="0")
    posting = Posting.objects.get(pk=credit(account, usd("3"), reference="bank-1").posting_id)
    mirror = Posting.objects.get(pk=reverse(posting, reason="bounced", made_by="staff@example.com"))
    check_deferred_constraints()
    assert (mirror.kind, mirror.reverses, mirror.reason) == ("reversal", posting, "bounced")
    assert balance(account) == 0
    assert house(Entry.House.TOP_UPS) == 0
    with pytest.raises(CannotReverse):
        reverse(posting, reason="again", made_by="staff@example.com")
    with pytest.raises(CannotReverse):
        reverse(mirror, reason="again", made_by="staff@example.com")


@pytest.mark.django_db
def test_money_that_is_held_is_not_reversed_away() -> None:
    account = an_account(balance="0")
    posting = Posting.objects.get(pk=credit(account, usd("3"), reference="bank-1").posting_id)
    hold(account, "0.5")
    with pytest.raises(InsufficientFunds):
        reverse(posting, reason="bounced", made_by="staff@example.com")
    with pytest.raises(NotBookable, match="reason"):
        reverse(posting, reason="", made_by="staff@example.com")
    assert balance(account) == 3


@pytest.mark.django_db(transaction=True)
def test_simultaneous_top_ups_with_one_reference_count_once_and_all_succeed() -> None:
    account = an_account(balance="0")
    for reference in ("r-1", "r-2", "r-3"):
        answers = at_once(*[lambda r=reference: credit(account, usd("3"), reference=r)] * 8)
        assert all(isinstance(answer, Booked) for answer in answers), answers
        booked = [answer for answer in answers if isinstance(answer, Booked)]
        assert len({answer.posting_id for answer in booked}) == 1
        assert sum(answer.is_new for answer in booked) == 1
    assert balance(account) == 9


@pytest.mark.django_db(transaction=True)
def test_of_two_accounts_racing_for_one_reference_one_is_told_it_is_taken() -> None:
    accounts = [an_account(balance="0") for _ in range(4)]
    answers = at_once(*[lambda a=account: credit(a, usd("3"), reference="r-1") for account in accounts])
    assert sorted(type(answer).__name__ for answer in answers) == ["Booked"] + ["ReferenceTaken"] * 3
    assert sum(balance(account) for account in accounts) == 3


@pytest.mark.django_db(transaction=True)
def test_simultaneous_reversals_undo_a_posting_once() -> None:
    account = an_account(balance="10")
    posting = Posting.objects.get(pk=credit(account, usd("3"), reference="bank-1").posting_id)
    answers = at_once(*[lambda: reverse(posting, reason="bounced", made_by="staff@example.com")] * 4)
    assert sorted(type(answer).__name__ for answer in answers) == ["CannotReverse"] * 3 + ["int"]
    assert balance(account) == 10


@pytest.mark.django_db
def test_an_accounts_systems_are_told_of_a_top_up_once_and_of_a_correction_not_at_all() -> None:
    account = an_account(balance="10")
    endpoints.add(account, "https://hooks.example.com/")
    for _ in range(2):
        credit(account, usd("3"), reference="bank-1")
    correct(account, usd("2"), reason="a gift", made_by="staff@example.com", reference="gift-1")
    told = Delivery.objects.get()
    assert told.event == "balance.topped_up"
    assert told.data == {"amount": "3.000000", "currency": "USD", "reference": "bank-1", "balance": "13.000000"}
