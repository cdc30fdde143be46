"""Each check of the audit finds the error it is for, planted past every trigger and constraint."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.db import connection, transaction
from django.utils import timezone

from accounts.models import Account
from billing import charging
from billing.audit import CHECKS, SEALS, Check, run_audit
from billing.models import Entry, Hold, Posting
from billing.money import Money
from billing.seals import seal_days
from billing.topups import credit, reverse
from tests.billing.test_seals import TODAY
from tests.builders import a_deck, an_account, check_deferred_constraints, wallet_of

pytestmark = pytest.mark.django_db


def reserve(account: Account, seconds: int = 600) -> UUID:
    """Money reserved for something new; returns what for."""
    subject, now = uuid4(), timezone.now()
    with transaction.atomic():
        quote = charging.read_quote(charging.quote(account.pk, ["44"], now))
        assert quote is not None
        charging.reserve(quote, subject, seconds, opened_at=now, expires_at=now + timedelta(hours=1))
    return subject


def settle(subject: UUID, seconds: int = 60) -> None:
    with transaction.atomic():
        reservation = charging.read_reservation(charging.find_reservation(subject))
        assert reservation is not None
        charging.settle(reservation, subject, seconds, timezone.now())


@pytest.fixture
def books() -> Account:
    """Books in which everything has happened once: top-up, reversal, a settled and an open hold."""
    a_deck({"44": "0.06"})
    account = an_account("Alice")
    undone = credit(account, Money.of("1", "USD"), reference="mistake")
    reverse(Posting.objects.get(pk=undone.posting_id), reason="typed twice", made_by="staff@example.com")
    settle(reserve(account))
    reserve(account)
    check_deferred_constraints()
    return account


def plant(*statements: str, drop: dict[str, str] | None = None) -> None:
    """Write past the triggers and the named constraints or indexes; the test's own rollback restores them."""
    check_deferred_constraints()
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL lock_timeout = '10s'")  # autovacuum gives way, but only after a second
        for table in ("wallet", "hold", "posting", "entry", "seal", "rate", "deckversion"):
            cursor.execute(f"ALTER TABLE billing_{table} DISABLE TRIGGER USER")
        for name, table in (drop or {}).items():
            if table == "index":
                cursor.execute(f"DROP INDEX {name}")
            else:
                cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
        for statement in statements:
            cursor.execute(statement)


def found_by(*, full: bool = True) -> set[str]:
    return {difference.check.split(" ")[0] for difference in run_audit(full=full).differences}


def names_found(*, full: bool = True) -> set[str]:
    return {difference.check for difference in run_audit(full=full).differences}


def test_books_in_order_have_no_differences_and_every_check_looked_at_something(books: Account) -> None:
    report = run_audit(full=True)
    assert report.differences == []
    assert set(report.checked) == {check.name for check in CHECKS} | {SEALS}
    assert {name for name, rows in report.checked.items() if rows == 0} == {SEALS}
    assert report.checked["I3 a balance is the sum of its entries"] == 1
    assert report.checked["I8 a subject is settled once"] == 1


def test_the_ordinary_audit_leaves_history_to_the_full_one(books: Account) -> None:
    assert set(run_audit(full=False).checked) == {check.name for check in CHECKS if not check.history}
    plant("UPDATE billing_posting SET idempotency_key = ''", drop=KEYS)
    assert found_by(full=False) == set()
    assert found_by(full=True) == {"I11"}


KEYS = {
    "billing_posting_idempotency_key_key": "billing_posting",
    "posting_has_document": "billing_posting",
}


def test_i1_a_sum_that_is_not_zero_is_found(books: Account) -> None:
    plant("UPDATE billing_entry SET amount = amount + 0.000001 WHERE house = 'revenue'")
    assert names_found() == {
        "I1 the books of a currency sum to zero",
        "I1 the entries of a posting sum to zero in one currency",
    }
    assert found_by(full=False) == {"I1"}


def test_i1_two_postings_whose_errors_cancel_out_are_found(books: Account) -> None:
    plant(
        "UPDATE billing_entry SET amount = amount + 1 WHERE house = 'revenue'",
        "UPDATE billing_entry SET amount = amount - 1 WHERE house = 'top_ups' "
        "AND posting_id = (SELECT min(id) FROM billing_posting)",
    )
    assert names_found() == {"I1 the entries of a posting sum to zero in one currency"}


def test_i2_a_posting_without_entries_is_found(books: Account) -> None:
    plant("INSERT INTO billing_posting (kind, idempotency_key, reason, made_by) VALUES ('top_up', 'x', '', '')")
    assert names_found() == {"I2 a posting has entries"}


def test_i2_entries_whose_posting_is_gone_are_found(books: Account) -> None:
    entry = Entry.objects.filter(posting__kind="top_up").order_by("id").first()
    assert entry is not None
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conname FROM pg_constraint WHERE conrelid = 'billing_entry'::regclass AND contype = 'f' "
            "AND confrelid = 'billing_posting'::regclass"
        )
        (foreign_key,) = cursor.fetchone()
    plant(f"DELETE FROM billing_posting WHERE id = {entry.posting_id}", drop={foreign_key: "billing_entry"})
    assert "I2 an entry has its posting" in names_found()


def test_i3_a_balance_nobody_paid_in_is_found(books: Account) -> None:
    plant("UPDATE billing_wallet SET balance = balance + 0.01")
    assert found_by(full=False) == {"I3"}


def test_i3_a_balance_without_any_entry_is_found(books: Account) -> None:
    empty = wallet_of(an_account(balance="0"))
    plant(f"UPDATE billing_wallet SET balance = 7 WHERE id = {empty.pk}")
    (difference,) = run_audit(full=True).differences
    assert difference.sentence == f"Wallet {empty.pk} has a balance of 7.000000, its entries sum to 0."


def test_i4_money_held_for_nothing_is_found(books: Account) -> None:
    plant("UPDATE billing_wallet SET held = held + 0.01")
    assert found_by(full=False) == {"I4"}


def test_i4_a_hold_that_holds_nothing_is_found(books: Account) -> None:
    plant("UPDATE billing_wallet SET held = 0")
    assert found_by(full=False) == {"I4"}


def test_i5_a_wallet_beyond_its_credit_is_found(books: Account) -> None:
    plant("UPDATE billing_hold SET amount = 100 WHERE state = 'open'", "UPDATE billing_wallet SET held = 100", drop={
        "wallet_covers_holds": "billing_wallet",
    })  # fmt: skip
    assert found_by(full=False) == {"I5"}


def test_i6_a_negative_held_sum_or_credit_limit_is_found(books: Account) -> None:
    plant("UPDATE billing_wallet SET credit_limit = -1", drop={"wallet_credit_limit_not_negative": "billing_wallet"})
    assert found_by(full=False) == {"I6"}


def test_i7_two_open_holds_of_one_subject_are_found(books: Account) -> None:
    reserve(books, 60)
    plant(
        "UPDATE billing_hold SET subject = (SELECT min(subject::text)::uuid FROM billing_hold WHERE state = 'open') "
        "WHERE state = 'open'",
        drop={"one_open_hold_per_subject": "index"},
    )
    assert found_by(full=False) == {"I7"}


def test_i7_a_hold_resolved_while_open_is_found(books: Account) -> None:
    plant(
        "UPDATE billing_hold SET resolved_at = now() WHERE state = 'open'",
        drop={"hold_resolved_once": "billing_hold"},
    )
    assert found_by() == {"I7"}


def test_i8_a_subject_settled_twice_is_found(books: Account) -> None:
    settle(reserve(books))
    plant(
        "UPDATE billing_posting SET subject = (SELECT min(subject::text)::uuid FROM billing_posting "
        "WHERE kind = 'settlement') WHERE kind = 'settlement'",
        drop={"one_settlement_per_subject": "index"},
    )
    assert found_by() == {"I8"}


def test_i10_a_hold_left_open_by_a_settlement_is_found(books: Account) -> None:
    amount = Hold.objects.get(state="settled").amount
    plant(
        "UPDATE billing_hold SET state = 'open', resolved_at = NULL WHERE state = 'settled'",
        f"UPDATE billing_wallet SET held = held + {amount}",
    )
    assert found_by(full=False) == {"I10"}


def test_i11_two_postings_of_one_document_are_found(books: Account) -> None:
    plant("UPDATE billing_posting SET idempotency_key = 'the same'", drop=KEYS)
    assert found_by() == {"I11"}


def test_i12_a_reversal_that_does_not_undo_its_posting_is_found(books: Account) -> None:
    plant(
        "UPDATE billing_entry SET amount = amount / 2 WHERE posting_id = "
        "(SELECT id FROM billing_posting WHERE kind = 'reversal')",
        "UPDATE billing_wallet SET balance = balance + 0.5",
    )
    assert found_by() == {"I12"}


def test_i13_an_entry_in_another_currency_than_its_wallet_is_found(books: Account) -> None:
    plant(
        "UPDATE billing_entry SET currency = 'EUR' WHERE posting_id = (SELECT min(id) FROM billing_posting)",
        drop={"entry_has_currency_of_wallet": "billing_entry"},
    )
    assert found_by() == {"I13"}


def test_i16_a_hold_pinned_to_an_unsealed_version_is_found(books: Account) -> None:
    plant("UPDATE billing_deckversion SET sealed = false")
    assert found_by() == {"I16"}


def test_i16_a_hold_pinned_to_a_deck_of_another_currency_is_found(books: Account) -> None:
    foreign = a_deck({"44": "0.06"}, name="euro", currency="EUR").rates.get()
    plant(f"UPDATE billing_hold SET rate_id = {foreign.pk} WHERE state = 'open'")
    assert found_by() == {"I16"}


@pytest.mark.parametrize("effective_from", ["2999-01-01", "2000-01-01"])
def test_i16_a_hold_pinned_to_a_rate_of_another_time_is_found(books: Account, effective_from: str) -> None:
    """Valid only later; or replaced, at a time before the hold, by a newer rate."""
    plant(
        f"UPDATE billing_rate SET effective_from = '{effective_from}'",
        "INSERT INTO billing_rate (version_id, prefix, destination, price_per_minute, connection_fee, "
        "first_increment, next_increment, minimum_charge, grace_seconds, price_each, effective_from) "
        "SELECT version_id, prefix, destination, 9, 0, 60, 60, 0, 0, 0, '2020-01-01' FROM billing_rate",
    )
    assert found_by() == {"I16"}


def test_i18_a_sealed_day_that_was_altered_is_found(books: Account) -> None:
    plant("UPDATE billing_posting SET created_at = created_at - interval '3 days'")
    assert seal_days(TODAY)
    assert found_by() == set()
    plant("UPDATE billing_posting SET made_by = 'nobody' WHERE kind = 'reversal'")
    assert found_by(full=False) == set()
    assert found_by() == {"I18"}


@pytest.mark.django_db(transaction=True)
def test_a_check_may_take_its_time_and_nothing_after_it() -> None:
    slow = Check(name="slow", looks_at="billing_wallet", finds="SELECT pg_sleep(0.3)::text")
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 100")
        try:
            assert [one.check for one in run_audit(full=False, more_checks=[slow]).differences] == ["slow"]
            cursor.execute("SHOW statement_timeout")
            assert cursor.fetchone() == ("100ms",)
        finally:
            cursor.execute("RESET statement_timeout")
