"""The audit finds every way in which calls and books could disagree, planted past triggers and constraints."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import Account
from billing.models import Hold, Posting
from outbox.models import Row
from telephony.audit import CHECKS, run_audit, worth_a_look
from telephony.models import CDR, Call, ReceivedEvent
from tests.billing.test_audit import reserve, settle
from tests.builders import a_deck, an_account, an_application, check_deferred_constraints

pytestmark = pytest.mark.django_db

OF_CALLS = {check.name for check in CHECKS}


def a_call(account: Account, call_id: UUID, state: str, **fields: object) -> Call:
    now = timezone.now()
    application = an_application()
    return Call.objects.create(
        id=call_id,
        application=application,
        provider_call_id=f"provider-{call_id}",
        account=account,
        caller="alice",
        destination="+442079460000",
        state=state,
        limit_seconds=600,
        begun_at=now - timedelta(minutes=5),
        ended_at=None if state in ("authorised", "answered") else now,
        **fields,
    )


def a_cdr(call: Call, price: str = "0.06") -> CDR:
    posting = Posting.objects.get(kind="settlement", subject=call.pk)
    return CDR.objects.create(
        call=call,
        account=call.account,
        caller=call.caller,
        destination=call.destination,
        begun_at=call.begun_at,
        ended_at=timezone.now(),
        duration_seconds=60,
        billed_seconds=60,
        result="answered",
        currency="USD",
        price=price,
        charge=price,
        rate=Hold.objects.get(subject=call.pk).rate,
        posting=posting,
    )


@pytest.fixture
def account() -> Account:
    """An account with one call that was charged, one that is running and one that was refused."""
    a_deck({"44": "0.06"})
    account = an_account("Alice")
    charged = reserve(account)
    settle(charged)
    a_cdr(a_call(account, charged, "ended"))
    running = reserve(account, 60)
    a_call(account, running, "answered")
    refused = a_call(account, uuid4(), "refused", refusal="destination_denied")
    an_event(refused)
    return account


def an_event(call: Call, outcome: str = "decided") -> None:
    now = timezone.now()
    ReceivedEvent.objects.create(
        application=call.application,
        call_id=call.pk,
        provider_call_id=call.provider_call_id,
        kind="incoming",
        outcome=outcome,
        signed_at=now,
        received_at=now,
        body=b"{}",
    )


def plant(*statements: str, drop: dict[str, str] | None = None) -> None:
    check_deferred_constraints()
    with connection.cursor() as cursor:
        for table in ("billing_hold", "billing_posting", "billing_entry", "telephony_cdr", "telephony_receivedevent"):
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        for name, table in (drop or {}).items():
            if table == "index":
                cursor.execute(f"DROP INDEX {name}")
            else:
                cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
        for statement in statements:
            cursor.execute(statement)


def found(*, full: bool = True) -> set[str]:
    return {difference.check for difference in run_audit(full=full).differences}


def test_calls_and_books_in_order_have_no_differences_and_every_check_looked_at_something(account: Account) -> None:
    report = run_audit(full=True)
    assert report.differences == []
    assert set(report.checked) > OF_CALLS
    assert {name for name in OF_CALLS if not report.checked[name]} == set()
    assert worth_a_look() == {}


def test_a_running_call_that_ended_with_its_hold_open_is_found(account: Account) -> None:
    Call.objects.filter(state="answered").update(state="refused", ended_at=timezone.now())
    assert found(full=False) == {"I10 a call that is over holds no money"}


def test_an_open_hold_of_no_call_is_found(account: Account) -> None:
    reserve(account, 60)
    assert found(full=False) == {"I10 an open hold has its call, text or verification"}


def test_money_held_in_somebody_elses_wallet_is_found(account: Account) -> None:
    Call.objects.filter(state="answered").update(account=an_account("Bob"))
    assert found(full=False) == {"I10 money is held in the wallet of the call's account"}


def test_a_priced_cdr_without_a_posting_is_found(account: Account) -> None:
    plant(
        "UPDATE telephony_cdr SET posting_id = NULL",
        drop={"cdr_priced_has_posting": "telephony_cdr"},
    )
    assert found() == {"I9 a CDR with a price has its posting", "I9 a settlement has its CDR, text or verification"}


def test_a_cdr_that_names_the_posting_of_something_else_is_found(account: Account) -> None:
    plant("UPDATE telephony_cdr SET posting_id = (SELECT min(id) FROM billing_posting)")
    assert found() >= {"I9 a CDR with a price has its posting", "I9 a settlement has its CDR, text or verification"}


def test_a_settlement_without_a_cdr_is_found(account: Account) -> None:
    call_id = reserve(account, 60)
    settle(call_id)
    a_call(account, call_id, "refused")
    assert found() == {"I9 a settlement has its CDR, text or verification"}


@pytest.mark.parametrize(
    "lie",
    [
        "price = price + 0.01, charge = charge + 0.01",
        "price = price - 0.000001, charge = charge - 0.000001",
        "charge = 0, loss = price",
        "currency = 'EUR'",
    ],
)
def test_a_cdr_that_tells_another_story_than_the_ledger_is_found(account: Account, lie: str) -> None:
    plant(f"UPDATE telephony_cdr SET {lie}")
    assert found() == {"I9 price, charge and loss of a CDR are the entries of its posting"}


def test_a_call_charged_to_somebody_else_is_found(account: Account) -> None:
    bob = an_account("Bob")
    plant(f"UPDATE telephony_cdr SET account_id = {bob.pk}")
    assert found() == {"I9 a call is charged to the wallet of its account"}


def test_an_ended_call_without_a_cdr_is_found(account: Account) -> None:
    a_call(account, uuid4(), "ended")
    assert found() == {"I10 an ended call has its CDR"}


def test_a_running_call_with_a_cdr_is_found(account: Account) -> None:
    Call.objects.filter(state="ended").update(state="answered", ended_at=None)
    assert found() == {"I10 a call with a CDR is over"}


def test_an_event_decided_twice_is_found(account: Account) -> None:
    plant(drop={"event_decided_once": "index"})
    an_event(Call.objects.get(state="refused"))
    assert found() == {"I14 an event was decided once"}


def test_a_cdr_priced_at_another_rate_than_was_pinned_is_found(account: Account) -> None:
    other = a_deck({"44": "0.50"}).rates.get()
    plant(f"UPDATE telephony_cdr SET rate_id = {other.pk}")
    assert found() == {"I16 a CDR uses the rate that was pinned for its call"}


def test_what_wants_a_person_is_counted_and_is_no_difference(account: Account) -> None:
    call = Call.objects.get(state="refused")
    for outcome in ("quarantined", "conflict", "failed", "failed"):
        an_event(call, outcome)
    Call.objects.filter(pk=call.pk).update(review="it was connected although we refused it")
    for number, state in enumerate(("unknown", "dead", "dead", "done")):
        over = timezone.now() if state in ("dead", "done") else None
        Row.objects.create(kind="text", key=f"text:{number}", state=state, finished_at=over)
    plant("UPDATE billing_hold SET expires_at = now() - interval '1 second' WHERE state = 'open'")
    assert worth_a_look() == {
        "holds past their time": 1,
        "calls to review": 1,
        "events quarantined": 1,
        "events conflict": 1,
        "outbox rows unknown": 1,
        "outbox rows dead": 2,
        "events failed": 2,
    }
    assert found() == set()
