"""The audit finds every way in which texts, verifications and books could disagree."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from uuid import UUID

import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import Account
from outbox import rows
from outbox.models import Row
from outbox.performing import perform
from postgres.work import in_one_transaction
from telephony import registry, text_states, texts, verification_records
from telephony.audit import run_audit
from telephony.audit_pieces import OUTBOX_CHECKS, PIECE_CHECKS
from telephony.models import Payer, TextMessage
from telephony.texts import NewText
from tests.builders import a_deck, an_account, an_application, check_deferred_constraints, house
from tests.telephony.text_scenes import UK, a_promised_text, a_sent_text, text_prices
from tests.telephony.verification_scenes import Desk, begun, started

pytestmark = pytest.mark.django_db

TABLES = {"text": "telephony_textmessage", "verification": "telephony_verification"}


@pytest.fixture(autouse=True)
def account(monkeypatch: pytest.MonkeyPatch) -> Account:
    """An account with a text and a verification that were charged, and one of each with its money held."""
    monkeypatch.setitem(registry.PROVIDERS, "sinch", Desk())
    a_deck({"46": "0.05"}, service="verifications")
    text_prices()
    an_application(sends_texts=True)
    account = an_account("Harbour Café", balance="5.00")
    begun(account)
    started(account, "+46701740699")
    a_sent_text(account)
    a_promised_text(account)
    return account


def found() -> set[str]:
    return {difference.check for difference in run_audit(full=True).differences}


def take(text: TextMessage) -> None:
    """The provider takes it."""

    def work() -> None:
        rows.finish_for(text.pk, texts.ERRAND, timezone.now())
        locked = text_states.read(text_states.lock(text.pk))
        assert locked is not None
        text_states.mark_sent(locked, "batch-9", timezone.now())

    in_one_transaction(work)


def plant(statement: str, *, drop: str = "") -> None:
    """Write past the triggers of holds, and past one constraint of the pieces."""
    check_deferred_constraints()
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE billing_hold DISABLE TRIGGER USER")
        if drop:
            cursor.execute(f"ALTER TABLE {TABLES[drop.partition('_')[0]]} DROP CONSTRAINT {drop}")
        cursor.execute(statement)


def test_pieces_and_books_in_order_have_no_differences_and_every_check_looked_at_something() -> None:
    report = run_audit(full=True)
    assert report.differences == []
    assert all(report.checked[check.name] for check in (*PIECE_CHECKS, *OUTBOX_CHECKS))


@pytest.mark.parametrize(
    ("piece", "change"),
    [("text", "sent_at = now()"), ("text", "final_at = now()"), ("verification", "status = 'expired'")],
)
def test_one_that_is_over_with_its_hold_open_is_found(piece: str, change: str) -> None:
    plant(f"UPDATE {TABLES[piece]} SET {change}")
    assert found() == {f"I10 a {piece} that is over holds no money"}


@pytest.mark.parametrize("piece", TABLES)
@pytest.mark.parametrize(
    "lie", ["price = price + 1, charge = charge + 1", "charge = 0, loss = price", "currency = 'EUR'"]
)
def test_one_that_tells_another_story_than_the_ledger_is_found(piece: str, lie: str) -> None:
    plant(f"UPDATE {TABLES[piece]} SET {lie} WHERE posting_id IS NOT NULL")
    assert found() == {f"I9 price, charge and loss of a {piece} are the entries of its posting"}


@pytest.mark.parametrize("piece", TABLES)
def test_one_of_somebody_else_is_found(piece: str) -> None:
    other = an_account()
    plant(f"UPDATE {TABLES[piece]} SET account_id = {other.pk}")
    assert found() == {
        f"I10 money is held in the wallet of the {piece}'s account",
        f"I9 a {piece} is charged to the wallet of its account",
    }


@pytest.mark.parametrize("piece", TABLES)
def test_a_settlement_and_a_hold_of_nothing_are_found(piece: str) -> None:
    plant(f"DELETE FROM {TABLES[piece]}")
    assert found() == {
        "I10 an open hold has its call, text or verification",
        "I9 a settlement has its CDR, text or verification",
    }


@pytest.mark.parametrize("piece", TABLES)
def test_a_price_without_a_posting_is_found(piece: str) -> None:
    plant(f"UPDATE {TABLES[piece]} SET posting_id = NULL", drop=f"{piece}_priced_has_posting")
    assert found() == {
        f"I9 a {piece} with a price has its posting",
        "I9 a settlement has its CDR, text or verification",
    }


@pytest.mark.parametrize("piece", TABLES)
def test_the_posting_of_something_else_is_found(piece: str) -> None:
    plant(f"UPDATE {TABLES[piece]} SET posting_id = (SELECT min(id) FROM billing_posting) WHERE price > 0")
    assert f"I9 a {piece} with a price has its posting" in found()


@pytest.mark.parametrize("piece", TABLES)
def test_one_paid_by_ourselves_that_a_wallet_paid_is_found(piece: str) -> None:
    plant(f"UPDATE {TABLES[piece]} SET paid_by = 'house', charge = 0, loss = price WHERE price > 0")
    assert found() == {f"I9 price, charge and loss of a {piece} are the entries of its posting"}


def test_a_courtesy_that_is_said_to_be_the_accounts_is_found(account: Account) -> None:
    given = texts.send(NewText(account_id=account.pk, recipient=UK, body="Your balance is low.", paid_by=Payer.HOUSE))
    take(given)
    assert house("courtesy") == Decimal("-0.05")
    assert found() == set()
    plant(f"UPDATE telephony_textmessage SET paid_by = 'account' WHERE id = '{given.pk}'")
    assert found() == {"I9 price, charge and loss of a text are the entries of its posting"}


@pytest.mark.parametrize("piece", TABLES)
def test_one_that_was_done_for_nothing_is_found(piece: str) -> None:
    plant(
        f"UPDATE outbox_row SET state = 'done', finished_at = now(), lease_until = NULL WHERE kind = '{piece}'; "
        f"UPDATE billing_hold SET state = 'released', resolved_at = now() WHERE state = 'open' "
        f"AND subject IN (SELECT id FROM {TABLES[piece]})",
    )
    assert f"I9 a {piece} that was done is settled when money was held for it" in found()


def test_a_verification_that_was_denied_is_done_and_costs_nothing() -> None:
    plant(
        "UPDATE outbox_row SET state = 'done', finished_at = now(), lease_until = NULL WHERE kind = 'verification'; "
        "UPDATE telephony_verification SET status = 'denied' WHERE posting_id IS NULL; "
        "UPDATE billing_hold SET state = 'released', resolved_at = now() WHERE state = 'open' "
        "AND subject IN (SELECT id FROM telephony_verification)",
    )
    assert found() == {"I4 what is held is the sum of the open holds"}  # planted past the wallet's trigger


@pytest.mark.parametrize("end", [text_states.mark_refused, text_states.mark_given_up])
def test_a_text_that_was_given_back_and_tried_again_by_hand_costs_nothing(
    account: Account, end: Callable[[text_states.SentText, str, datetime], None]
) -> None:
    text = a_promised_text(account)

    def work() -> None:
        locked = text_states.read(text_states.lock(text.pk))
        assert locked is not None
        end(locked, "no", timezone.now())

    in_one_transaction(work)
    try_again(text.pk)
    assert found() == set()


def test_a_verification_that_was_given_up_and_tried_again_by_hand_costs_nothing(account: Account) -> None:
    verification = started(account, "+46701740698")

    def work() -> None:
        known = verification_records.read(verification_records.lock(verification.pk))
        assert known is not None
        verification_records.give_up(known, "nobody knows", timezone.now())

    in_one_transaction(work)
    try_again(verification.pk)
    assert found() == set()


def try_again(subject: UUID) -> None:
    """A person has the dead row of a piece done once more, and there is nothing left to do."""
    row = Row.objects.get(subject=subject)
    Row.objects.filter(pk=row.pk).update(state="dead", finished_at=timezone.now())
    assert in_one_transaction(lambda: rows.begin_again(row.pk, timezone.now()))
    in_one_transaction(lambda: rows.lease(timezone.now(), 100))
    perform(row.pk)
    row.refresh_from_db()
    assert row.state == "done"


@pytest.mark.parametrize(
    ("change", "check"),
    [
        ("state = 'leased', lease_until = now() - interval '4 minutes'", None),
        ("state = 'leased', lease_until = now() - interval '6 minutes'", "I15 a lease of the outbox ends"),
        ("state = 'sending', lease_until = now() - interval '6 minutes'", "I15 a lease of the outbox ends"),
        ("state = 'unknown', doubtful_since = now() - interval '24 hours'", None),
        (
            "state = 'unknown', doubtful_since = now() - interval '26 hours'",
            "I15 nothing is unknown for longer than a day",
        ),
        ("state = 'retry', due_at = now() - interval '26 hours'", None),
    ],
)
def test_work_that_never_ends_is_found(change: str, check: str | None) -> None:
    Row.objects.create(kind="webhook", key="webhook:1")
    plant(f"UPDATE outbox_row SET {change} WHERE key = 'webhook:1'")
    assert found() == ({check} if check else set())
