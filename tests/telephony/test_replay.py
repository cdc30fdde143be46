"""Deciding a kept event again: what failed then succeeds now, and what succeeded stays as it is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from accounts.models import Account
from telephony.decisions import Acknowledge
from telephony.models import CDR, Application, ReceivedEvent
from telephony.replay import CannotReplay, replay
from tests import books
from tests.builders import a_deck, an_account, an_application, balance, held
from tests.sinch_caller import SinchCaller, a_call_id

pytestmark = pytest.mark.django_db


@pytest.fixture
def sinch(db: None) -> SinchCaller:
    a_deck({"44": "0.06"})
    an_account("Alice", client_user="alice", calls_at_once=5, longest_call_seconds=600)
    return SinchCaller(an_application())


@pytest.fixture(autouse=True)
def _the_books_are_in_order(db: None) -> Iterator[None]:
    yield
    assert books.differences() == {}


@contextmanager
def a_mistake_at(table: str) -> Iterator[None]:
    """As if our own code or the database had one: nothing can be written there."""
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION broken_for_a_test() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'broken for a test' USING ERRCODE = 'XX000'; END $$"
        )
        cursor.execute(
            f"CREATE TRIGGER broken_for_a_test BEFORE INSERT OR UPDATE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION broken_for_a_test()"
        )
    yield
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("DROP FUNCTION broken_for_a_test CASCADE")


def alice() -> Account:
    return Account.objects.get(name="Alice")


def a_failed_hang_up(sinch: SinchCaller) -> ReceivedEvent:
    call_id = a_call_id()
    assert sinch.send(sinch.ice(call_id)).action == "connectPstn"
    with a_mistake_at("telephony_cdr"):
        assert sinch.send(sinch.dice(call_id, 61)).status == 503
    return ReceivedEvent.objects.get(outcome="failed")


def test_a_hang_up_that_failed_is_settled_when_it_is_replayed(sinch: SinchCaller) -> None:
    failed = a_failed_hang_up(sinch)
    assert "broken for a test" in failed.error
    assert held(alice()) == Decimal("0.60")
    assert replay(failed.pk) == Acknowledge()
    cdr = CDR.objects.get()
    assert (cdr.source, cdr.duration_seconds, cdr.charge) == (CDR.Source.EVENT, 61, Decimal("0.12"))
    assert (balance(alice()), held(alice())) == (Decimal("4.88"), Decimal(0))
    decided = ReceivedEvent.objects.get(kind="ended", outcome="decided")
    assert (bytes(decided.body), decided.signed_at, decided.late) == (bytes(failed.body), failed.signed_at, True)


def test_replaying_a_second_time_changes_nothing(sinch: SinchCaller) -> None:
    failed = a_failed_hang_up(sinch)
    replay(failed.pk)
    before = books.fingerprint()
    assert replay(failed.pk) == Acknowledge()
    assert books.fingerprint() == before


def test_an_event_that_was_decided_gets_its_decision_again_and_changes_nothing(sinch: SinchCaller) -> None:
    call_id, refused = a_call_id(), a_call_id()
    for body in (sinch.ice(call_id), sinch.ace(call_id), sinch.pie(call_id), sinch.notify(call_id)):
        sinch.send(body)
    sinch.send(sinch.ice(refused, to="+12025550123"))
    before = books.fingerprint()
    for event in ReceivedEvent.objects.order_by("id"):
        call_command("replay", event.pk, json=True)
        assert books.fingerprint() == before


def test_a_decided_hang_up_is_not_charged_again(sinch: SinchCaller) -> None:
    call_id = a_call_id()
    for body in (sinch.ice(call_id), sinch.ace(call_id), sinch.dice(call_id, 61)):
        sinch.send(body)
    before = books.fingerprint()
    for event in ReceivedEvent.objects.order_by("id"):
        replay(event.pk)
    assert books.fingerprint() == before


def test_a_question_that_failed_is_not_answered_after_the_fact(sinch: SinchCaller) -> None:
    with a_mistake_at("billing_hold"):
        sinch.send(sinch.ice(a_call_id()))
    failed = ReceivedEvent.objects.get(outcome="failed")
    before = books.fingerprint()
    with pytest.raises(CannotReplay, match="Nobody waits for this answer any more"):
        replay(failed.pk)
    assert books.fingerprint() == before


def test_an_event_that_does_not_exist_is_named(db: None) -> None:
    with pytest.raises(CannotReplay, match="There is no received event 4711"):
        replay(4711)
    with pytest.raises(CommandError, match="There is no received event 4711"):
        call_command("replay", 4711)


def test_a_hang_up_in_quarantine_stays_there_and_moves_no_money(sinch: SinchCaller) -> None:
    call_id = a_call_id()
    sinch.send(sinch.ice(call_id))
    sinch.send(sinch.dice(call_id, 100_000))
    replay(ReceivedEvent.objects.get(outcome="quarantined").pk)
    assert not ReceivedEvent.objects.filter(kind="ended", outcome="decided").exists()
    assert (held(alice()), CDR.objects.count()) == (Decimal("0.60"), 0)


def test_a_hang_up_counts_though_its_application_was_disabled_since(sinch: SinchCaller) -> None:
    failed = a_failed_hang_up(sinch)
    Application.objects.update(enabled=False)
    replay(failed.pk)
    assert balance(alice()) == Decimal("4.88")


def test_the_command_says_what_was_decided(sinch: SinchCaller, capsys: pytest.CaptureFixture[str]) -> None:
    failed = a_failed_hang_up(sinch)
    call_command("replay", failed.pk, json=True)
    assert json.loads(capsys.readouterr().out) == {"event_id": failed.pk, "decision": "acknowledge"}
