"""What happened is written down for everybody who wants to hear of it, with what happened itself or not at all."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from uuid import UUID

import psycopg
import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts.models import Account
from outbox.models import Row
from postgres.work import in_one_transaction
from tests.builders import an_account
from tests.webhooks.scenes import LOW, connection_parameters, it_happens
from webhooks import endpoints
from webhooks.models import Delivery, Endpoint, EventType
from webhooks.telling import announce, as_json, replay

AT = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)


@pytest.fixture
def account(db: None) -> Account:
    return an_account()


def an_endpoint(account: Account | None, path: str = "", **options: object) -> Endpoint:
    return endpoints.add(account, f"https://hooks.example.com/{path}", **options)  # type: ignore[arg-type]


def told() -> list[tuple[int, str]]:
    return list(Delivery.objects.order_by("number").values_list("endpoint", "event"))


def test_every_endpoint_that_wants_it_gets_a_delivery_and_an_outbox_row(account: Account) -> None:
    everything = an_endpoint(account, "a")
    low_only = an_endpoint(account, "b", events=[EventType.BALANCE_LOW, EventType.CALL_ENDED])
    an_endpoint(account, "c", events=[EventType.CALL_STARTED])
    announce(account.pk, EventType.BALANCE_LOW, LOW, AT)
    assert sorted(told()) == [(everything.pk, "balance.low"), (low_only.pk, "balance.low")]
    delivery = everything.deliveries.get()
    assert (delivery.data, delivery.happened_at) == (LOW, AT)
    row = Row.objects.get(subject=delivery.pk)
    assert (row.kind, row.key, row.state, row.payload) == ("webhook", f"webhook:{delivery.pk}", "ready", {})


def test_nobody_else_hears_of_it(account: Account) -> None:
    other = an_account()
    an_endpoint(other)
    an_endpoint(None)
    off = an_endpoint(account)
    endpoints.switch_off(off)
    it_happens(account)
    assert told() == []
    assert not Row.objects.exists()


def test_what_is_the_operators_goes_to_the_operator(account: Account) -> None:
    an_endpoint(account)
    own = an_endpoint(None)
    it_happens(None)
    assert told() == [(own.pk, "balance.low")]


@pytest.mark.parametrize("event", EventType)
def test_the_voximplant_form_is_told_of_low_balance_alone(account: Account, event: EventType) -> None:
    endpoint = an_endpoint(account, form=Endpoint.Form.VOXIMPLANT)
    it_happens(account, event)
    assert told() == ([(endpoint.pk, event.value)] if event == EventType.BALANCE_LOW else [])


def test_telling_is_one_statement_however_many_listen(account: Account) -> None:
    for path in "abcde":
        an_endpoint(account, path)
    with CaptureQueriesContext(connection) as queries:
        it_happens(account)
    assert Delivery.objects.count() == 5
    assert len(queries) == 0  # the one statement does not go through Django's cursor


def test_what_is_undone_was_never_told(account: Account) -> None:
    an_endpoint(account)
    with transaction.atomic():
        it_happens(account)
        assert (Delivery.objects.count(), Row.objects.count()) == (1, 1)
        transaction.set_rollback(True)
    assert (Delivery.objects.count(), Row.objects.count()) == (0, 0)


@pytest.mark.django_db(transaction=True)
def test_in_a_batch_it_is_committed_with_the_rest_and_rings_the_bell() -> None:
    account = an_account()
    an_endpoint(account)
    with psycopg.connect(**connection_parameters(), autocommit=True) as listening:
        listening.execute("LISTEN outbox")
        in_one_transaction(lambda: announce(account.pk, EventType.CALL_ENDED, {"call_id": "x"}, AT))
        assert len(list(listening.notifies(timeout=5, stop_after=1))) == 1
    assert Delivery.objects.get().data == {"call_id": "x"}


@pytest.mark.django_db(transaction=True)
def test_an_endpoint_that_is_just_being_removed_is_passed_over_and_not_waited_for() -> None:
    account = an_account()
    going, staying = an_endpoint(account, "going"), an_endpoint(account, "staying")
    with psycopg.connect(**connection_parameters()) as other:
        other.execute("DELETE FROM webhooks_endpoint WHERE id = %s", [going.pk])
        in_one_transaction(lambda: announce(account.pk, EventType.CALL_ENDED, {}, AT))
    assert told() == [(staying.pk, "call.ended")]


def test_money_ids_and_times_travel_as_text() -> None:
    tokyo = timezone(timedelta(hours=9))
    assert as_json(
        {
            "price": Decimal("0.060000"),
            "small": Decimal("1E-6"),
            "id": UUID(int=1),
            "at": datetime(2026, 11, 21, 18, 30, tzinfo=tokyo),
            "list": [1, True, None, ("x",)],
            "kind": EventType.CALL_ENDED,
        }
    ) == {
        "price": "0.060000",
        "small": "0.000001",
        "id": "00000000-0000-0000-0000-000000000001",
        "at": "2026-11-21T09:30:00Z",
        "list": [1, True, None, ["x"]],
        "kind": "call.ended",
    }


def test_a_float_is_not_told() -> None:
    with pytest.raises(TypeError, match="float"):
        as_json({"price": 0.06})


def test_what_postgresql_would_refuse_in_a_text_does_not_undo_what_happened(account: Account) -> None:
    an_endpoint(account)
    it_happens(account, EventType.TEXT_RECEIVED, body="nul \0, half \ud800, whole \U0001f600", **{"key\0": 1})
    assert Delivery.objects.get().data == {"body": "nul �, half ?, whole 😀", "key�": 1}


def test_a_replay_is_a_new_delivery_of_the_same(account: Account) -> None:
    an_endpoint(account)
    announce(account.pk, EventType.BALANCE_LOW, LOW, AT)
    first = Delivery.objects.get()
    second = Delivery.objects.get(pk=replay(first.pk))
    assert second.pk != first.pk
    assert second.number > first.number
    assert (second.replays, second.event, second.data, second.happened_at) == (first, first.event, LOW, AT)
    assert Row.objects.filter(subject=second.pk, state="ready").count() == 1


@pytest.mark.django_db(transaction=True)
def test_who_removes_an_endpoint_and_who_replays_to_it_do_not_wait_in_a_circle() -> None:
    account = an_account()
    an_endpoint(account)
    it_happens(account)
    delivery = Delivery.objects.get()
    with psycopg.connect(**connection_parameters()) as removing, ThreadPoolExecutor(1) as thread:
        removing.execute("SET lock_timeout = '200ms'")
        removing.execute("SELECT FROM webhooks_endpoint FOR UPDATE")
        replayed = thread.submit(_replayed, delivery.pk)
        while removing.execute("SELECT count(*) FROM pg_locks WHERE NOT granted").fetchone() == (0,):
            assert not replayed.done()
        removing.execute("DELETE FROM webhooks_delivery")
        removing.execute("DELETE FROM webhooks_endpoint")
        removing.commit()
        assert replayed.result() is None


def _replayed(delivery_id: UUID) -> UUID | None:
    try:
        return replay(delivery_id)
    finally:
        connection.close()


def test_nothing_is_replayed_to_an_endpoint_that_is_switched_off(account: Account) -> None:
    endpoint = an_endpoint(account)
    it_happens(account)
    endpoints.switch_off(endpoint)
    assert replay(Delivery.objects.get().pk) is None
    assert Delivery.objects.count() == 1
