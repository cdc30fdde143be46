"""What is paid by the piece: held before, charged once, given back or given away, and always in the books."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID, uuid4

import psycopg
import pytest
from django.db import transaction
from django.utils import timezone

from accounts.models import Account
from accounts.registration import open_account
from billing import piecework
from billing.audit import run_audit
from billing.exceptions import OutsideTransaction
from billing.models import Entry, Hold, Posting
from billing.money import ZERO, Money
from billing.piecework import Charged, PieceQuote, PieceReservation, Service
from billing.topups import correct
from tests.builders import a_deck, an_account, available, balance, check_deferred_constraints, held, house

pytestmark = pytest.mark.django_db

UK = ["447700", "44770", "4477", "447", "44", "4"]


@pytest.fixture(autouse=True)
def account() -> Account:
    """Somebody with one dollar; a segment costs 3.3333 cents, a verification 5 cents."""
    a_deck({"44": "0.033333", "4477": "0.04", "46": "0"}, service="texts")
    a_deck({"44": "0.05"}, service="verifications")
    a_deck({"44": "9"})
    return an_account(balance="1")


def quote(account: Account, service: Service = Service.TEXTS, prefixes: list[str] | None = None) -> PieceQuote:
    with transaction.atomic():
        found = piecework.read_quote(
            piecework.quote(account.pk, service, ["44"] if prefixes is None else prefixes, timezone.now())
        )
    assert found is not None
    return found


def reserve(account: Account, pieces: int = 3) -> UUID:
    subject, now = uuid4(), timezone.now()
    with transaction.atomic():
        found = quote(account)
        piecework.reserve(found, subject, pieces, opened_at=now, expires_at=now + timedelta(hours=25))
    return subject


def reservation(subject: UUID) -> PieceReservation:
    found = piecework.read_reservation(piecework.find_reservation(subject))
    assert found is not None
    return found


def settle(subject: UUID, pieces: int = 3) -> Charged:
    with transaction.atomic():
        return piecework.settle(reservation(subject), subject, pieces, timezone.now())


def spend(account: Account, amount: str) -> None:
    correct(account, Money.of(f"-{amount}", "USD"), reason="spent", made_by="a test", reference=str(uuid4()))


def books_are_right() -> bool:
    check_deferred_constraints()
    return run_audit(full=True).differences == []


# --- what it costs ---------------------------------------------------------------------------------------------------


def test_the_longest_prefix_of_the_services_default_deck_has_the_price(account: Account) -> None:
    assert quote(account, prefixes=UK).rate == piecework.PieceRate(
        rate_id=quote(account, prefixes=["4477"]).rate.rate_id,  # type: ignore[union-attr]
        destination="+4477",
        price_each=Decimal("0.04"),
    )
    verification = quote(account, Service.VERIFICATIONS, UK).rate
    assert verification is not None
    assert verification.price_each == Decimal("0.05")
    assert quote(account, prefixes=["1"]).rate is None


def test_a_quote_says_what_can_be_spent_and_locks_nothing_away(account: Account) -> None:
    reserve(account)
    found = quote(account)
    assert (found.currency, found.available) == ("USD", Decimal("0.900001"))


def test_a_rate_that_begins_later_is_not_in_force_yet(account: Account) -> None:
    later = datetime(2999, 1, 1, tzinfo=UTC)
    rows = [{"prefix": "44", "price_each": "0.01"}, {"prefix": "44", "price_each": "1", "effective_from": later}]
    a_deck(rows, service="texts")
    assert quote(account).rate.price_each == Decimal("0.01")  # type: ignore[union-attr]


def test_the_price_of_many_pieces_is_rounded_once(account: Account) -> None:
    rate = quote(account).rate
    assert rate is not None
    assert rate.price_of(3) == Decimal("0.099999")
    assert rate.price_of(0) == ZERO


def test_without_a_wallet_or_a_rate_there_is_nothing_to_hold() -> None:
    with transaction.atomic():
        assert (
            piecework.read_quote(piecework.quote(open_account("Early").pk, Service.TEXTS, UK, timezone.now())) is None
        )
    nowhere = PieceQuote(wallet_id=1, currency="USD", available=ZERO, rate=None)
    now = timezone.now()
    assert piecework.reserve(nowhere, uuid4(), 1, opened_at=now, expires_at=now) == ZERO


@pytest.mark.django_db(transaction=True)
def test_money_moves_only_inside_a_transaction() -> None:
    with pytest.raises(OutsideTransaction):
        piecework.quote(1, Service.TEXTS, UK, timezone.now())
    with pytest.raises(OutsideTransaction):
        piecework.find_reservation(uuid4())


# --- held, charged, given back ---------------------------------------------------------------------------------------


def test_a_hold_is_the_price_and_becomes_the_charge(account: Account) -> None:
    subject = reserve(account)
    assert (held(account), available(account)) == (Decimal("0.099999"), Decimal("0.900001"))
    charged = settle(subject)
    posting = Posting.objects.get(kind="settlement")
    assert charged == Charged(
        currency="USD", price=Decimal("0.099999"), charge=Decimal("0.099999"), loss=ZERO, posting_id=posting.pk
    )
    assert (posting.subject, posting.idempotency_key) == (subject, f"settles:{subject}")
    assert (balance(account), held(account), house("revenue")) == (Decimal("0.900001"), 0, Decimal("0.099999"))
    assert Hold.objects.get().state == "settled"
    assert books_are_right()


def test_fewer_pieces_than_were_held_cost_less_and_the_rest_comes_back(account: Account) -> None:
    settle(reserve(account, 10), 1)
    assert (balance(account), held(account)) == (Decimal("0.966667"), 0)
    assert books_are_right()


def test_more_pieces_than_were_held_cost_what_is_there_and_the_rest_is_our_loss(account: Account) -> None:
    subject = reserve(account, 1)
    spend(account, "0.95")
    charged = settle(subject, 3)
    assert (charged.price, charged.charge, charged.loss) == (Decimal("0.099999"), Decimal("0.05"), Decimal("0.049999"))
    assert (balance(account), house("loss:overrun")) == (0, Decimal("-0.049999"))
    assert books_are_right()


@pytest.mark.parametrize("give_back", [piecework.release, piecework.expire])
def test_one_that_was_done_after_all_is_charged_late(account: Account, give_back: object) -> None:
    subject = reserve(account)
    with transaction.atomic():
        give_back(reservation(subject), timezone.now())  # type: ignore[operator]
    assert held(account) == 0
    spend(account, "0.98")
    charged = settle(subject)
    assert (charged.charge, charged.loss) == (Decimal("0.02"), Decimal("0.079999"))
    assert house("loss:late") == Decimal("-0.079999")
    assert books_are_right()


def test_giving_back_twice_or_after_the_charge_changes_nothing(account: Account) -> None:
    subject = reserve(account)
    settle(subject)
    with transaction.atomic():
        piecework.release(reservation(subject), timezone.now())
        piecework.expire(reservation(subject), timezone.now())
    assert Hold.objects.get().state == "settled"
    assert balance(account) == Decimal("0.900001")


def test_a_subject_is_charged_once(account: Account) -> None:
    subject = reserve(account)
    settle(subject)
    with pytest.raises(psycopg.errors.UniqueViolation), transaction.atomic():
        settle(subject)
    assert balance(account) == Decimal("0.900001")


def test_pieces_that_cost_nothing_leave_no_hold_and_no_posting(account: Account) -> None:
    free, subject, now = quote(account, prefixes=["46"]), uuid4(), timezone.now()
    with transaction.atomic():
        assert piecework.reserve(free, subject, 3, opened_at=now, expires_at=now) == ZERO
        assert piecework.read_reservation(piecework.find_reservation(subject)) is None
        assert piecework.give_away(free, subject, 3) == Charged(
            currency="USD", price=ZERO, charge=ZERO, loss=ZERO, posting_id=None
        )
    assert not Posting.objects.filter(kind="settlement").exists()


def test_a_price_of_another_deck_does_not_change_what_was_promised(account: Account) -> None:
    subject = reserve(account)
    a_deck({"44": "0.5"}, service="texts")
    assert settle(subject).price == Decimal("0.099999")


def test_what_we_give_away_is_revenue_and_a_courtesy_and_no_wallets_business(account: Account) -> None:
    subject = uuid4()
    with transaction.atomic():
        charged = piecework.give_away(quote(account), subject, 2)
    assert (charged.price, charged.charge, charged.loss) == (Decimal("0.066666"), ZERO, Decimal("0.066666"))
    assert (house("revenue"), house("courtesy")) == (Decimal("0.066666"), Decimal("-0.066666"))
    assert not Entry.objects.filter(posting_id=charged.posting_id, wallet__isnull=False).exists()
    assert balance(account) == 1
    assert books_are_right()
