"""A delivery from its outbox row to the customer's system, and what becomes of an endpoint that does not answer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import accumulate

import psycopg
import pytest
import time_machine
from django.db import connection
from django.test import override_settings
from django.utils import timezone
from standardwebhooks import Webhook, WebhookVerificationError

from accounts.models import Account, Notice, User
from outbox.errands import Claimed, Outcome
from outbox.models import Pause, Row
from postgres.work import in_one_transaction
from tests.builders import an_account, check_deferred_constraints
from tests.webhooks.receiver import FINE
from tests.webhooks.scenes import (
    LOW,
    a_claim,
    a_told,
    carry_out,
    connection_parameters,
    give_up,
    it_happens,
    make_due,
    states,
    told_privately,
)
from tests.webhooks.test_addresses import REFUSED_URLS
from webhooks import endpoints
from webhooks.delivering import ANSWER_KEPT, WAITS, TellEndpoint
from webhooks.models import Attempt, Delivery, Endpoint, EventType
from webhooks.posting import INTERNET, Network
from webhooks.telling import replay

BROKEN = b"HTTP/1.1 500 Oh\r\nContent-Length: 5\r\n\r\nsorry"
NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)


@pytest.fixture
def account(db: None) -> Account:
    return an_account("Harbour Café")


@pytest.fixture
def clock() -> Iterator[time_machine.Coordinates]:
    # Real time goes on beside it: `time.monotonic`, by which waiting ends, is nobody's to stop.
    with time_machine.travel(NOW, tick=True) as coordinates:
        yield coordinates


def an_answer(status: int, *headers: str) -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status} So", "Content-Length: 0", *headers, "", ""]).encode()


def due_in(row: Row | None = None) -> timedelta:
    """In how long, to the second, the only row is due."""
    left = (row or Row.objects.get()).due_at - timezone.now()
    return timedelta(seconds=round(left.total_seconds()))


def test_what_happened_arrives_signed(account: Account) -> None:
    with a_told(account) as (receiver, endpoint):
        it_happens(account)
        assert carry_out() == 1
    (request,) = receiver.requests
    delivery = Delivery.objects.get()
    assert request.path == "/in"
    assert request.headers["webhook-id"] == str(delivery.pk)
    assert request.headers["content-type"] == "application/json"
    assert Webhook(endpoint.secret).verify(request.body, request.headers) == {
        "type": "balance.low",
        "timestamp": delivery.happened_at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "data": LOW,
    }
    attempt = delivery.attempts.get()
    assert (attempt.status, attempt.error, attempt.answer) == (200, "", "ok")
    assert states() == ["done"]


def test_both_secrets_verify_while_a_rotation_lasts_and_then_only_the_new_one(
    account: Account, clock: time_machine.Coordinates
) -> None:
    with a_told(account) as (receiver, endpoint):
        old = endpoint.secret
        new = endpoints.rotate(endpoint, seen=endpoints.secret_mark(endpoint), now=timezone.now())
        it_happens(account)
        carry_out()
        request = receiver.requests[0]
        for secret in (old, new):
            Webhook(secret).verify(request.body, request.headers)
        clock.shift(endpoints.ROTATION)
        it_happens(account)
        carry_out()
        request = receiver.requests[1]
        Webhook(new).verify(request.body, request.headers)
        with pytest.raises(WebhookVerificationError):
            Webhook(old).verify(request.body, request.headers)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_every_2xx_is_success(account: Account, status: int) -> None:
    with a_told(account, an_answer(status)):
        it_happens(account)
        carry_out()
    assert (states(), Attempt.objects.get().status) == (["done"], status)


@pytest.mark.parametrize("status", [103, 300, 301, 302, 307, 400, 401, 404, 408, 500, 502, 503, 504])
def test_every_other_answer_is_a_failure_to_be_tried_again(account: Account, status: int) -> None:
    with a_told(account, an_answer(status, "Location: https://169.254.169.254/")) as (receiver, _):
        it_happens(account)
        carry_out()
    assert states() == ["retry"]
    assert (len(receiver.requests), receiver.connections) == (1, 1)
    assert Attempt.objects.get().error == f"It answered {status}."


def test_the_schedule_is_the_specifications_75_hours(account: Account, clock: time_machine.Coordinates) -> None:
    with a_told(account, BROKEN) as (receiver, _):
        it_happens(account)
        waits = []
        while carry_out() == 1 and states() == ["retry"]:
            waits.append(due_in())
            clock.move_to(Row.objects.get().due_at)
    assert waits == list(WAITS)
    assert [str(total) for total in accumulate(waits)][-1] == "3 days, 3:35:05"
    assert states() == ["dead"]
    assert len(receiver.requests) == Attempt.objects.count() == 10
    assert Attempt.objects.filter(status=500, answer="sorry").count() == 10
    assert {request.headers["webhook-id"] for request in receiver.requests} == {str(Delivery.objects.get().pk)}
    assert {request.body for request in receiver.requests} == {receiver.requests[0].body}
    assert len({request.headers["webhook-timestamp"] for request in receiver.requests}) == 10


def test_a_delivery_that_is_taken_at_last_is_done(account: Account) -> None:
    with a_told(account, BROKEN, BROKEN, FINE) as (_, endpoint):
        it_happens(account)
        for _ in range(3):
            carry_out()
            make_due()
    endpoint.refresh_from_db()
    assert states() == ["done"]
    assert endpoint.failing_since is None
    assert list(Attempt.objects.order_by("id").values_list("status", flat=True)) == [500, 500, 200]


def test_failing_since_is_the_first_failure_after_the_last_success(
    account: Account, clock: time_machine.Coordinates
) -> None:
    with a_told(account, BROKEN, BROKEN, FINE, BROKEN) as (_, endpoint):
        since = []
        for _ in range(4):
            it_happens(account)
            carry_out()
            give_up()
            endpoint.refresh_from_db()
            since.append(endpoint.failing_since and round((endpoint.failing_since - NOW) / timedelta(hours=1)))
            clock.shift(timedelta(hours=1))
    assert since == [0, 0, None, 3]


def five_days_of(endpoint: Endpoint, clock: time_machine.Coordinates, *, failures: int) -> None:
    account = endpoint.account
    for number in range(failures):
        clock.move_to(NOW + timedelta(days=5, hours=1) * number / max(1, failures - 1))
        it_happens(account)
        carry_out()
        give_up()


def test_an_endpoint_that_takes_nothing_for_five_days_is_switched_off_with_a_notice(
    account: Account, clock: time_machine.Coordinates
) -> None:
    for person in ("owner", "clerk"):
        User.objects.create_user(f"{person}@example.com", account=account)
    with a_told(account, BROKEN) as (receiver, endpoint):
        five_days_of(endpoint, clock, failures=3)
        endpoint.refresh_from_db()
        assert not endpoint.enabled
        assert endpoint.switched_off_at is not None
        it_happens(account)
        assert Delivery.objects.count() == 3
    notice = Notice.objects.get()
    assert (notice.account, notice.level) == (account, "warning")
    assert f"127.0.0.1:{receiver.port} was switched off: it has taken nothing for 5 days." in notice.text
    assert "/in" not in notice.text
    letters = Row.objects.filter(kind="email").values_list("payload__to", "payload__body")
    assert sorted(letters) == [("clerk@example.com", notice.text), ("owner@example.com", notice.text)]


def test_two_failures_five_days_apart_are_not_enough(account: Account, clock: time_machine.Coordinates) -> None:
    with a_told(account, BROKEN) as (_, endpoint):
        five_days_of(endpoint, clock, failures=2)
    endpoint.refresh_from_db()
    assert endpoint.enabled
    assert not Notice.objects.exists()


def test_a_success_on_the_fourth_day_begins_the_five_days_anew(
    account: Account, clock: time_machine.Coordinates
) -> None:
    with a_told(account, BROKEN, BROKEN, BROKEN, BROKEN, FINE, BROKEN) as (_, endpoint):
        five_days_of(endpoint, clock, failures=6)
    endpoint.refresh_from_db()
    assert endpoint.enabled
    assert endpoint.failing_since is not None


def test_410_gone_switches_off_at_once(account: Account) -> None:
    with a_told(account, an_answer(410)) as (_, endpoint):
        it_happens(account)
        carry_out()
    endpoint.refresh_from_db()
    assert not endpoint.enabled
    assert states() == ["dead"]
    assert "it answered 410 Gone" in Notice.objects.get().text


@pytest.mark.parametrize("tail", ["/in?token=their-own", "?token=their-own"])
def test_a_token_in_an_address_is_repeated_to_nobody(account: Account, tail: str) -> None:
    User.objects.create_user("owner@example.com", account=account)
    with a_told(account, an_answer(410)) as (receiver, endpoint):
        Endpoint.objects.filter(pk=endpoint.pk).update(url=f"http://127.0.0.1:{receiver.port}{tail}")
        it_happens(account)
        carry_out()
    letter = Row.objects.get(kind="email").payload
    assert f"127.0.0.1:{receiver.port} was switched off" in letter["subject"]
    assert "their-own" not in Notice.objects.get().text + letter["subject"] + letter["body"]


def test_the_operators_endpoint_is_switched_off_with_a_notice_for_staff(db: None) -> None:
    with a_told(None, an_answer(410)), override_settings(OPERATOR_EMAIL="operator@example.com"):
        it_happens(None)
        carry_out()
    assert Notice.objects.get().account is None
    assert Row.objects.get(kind="email").payload["to"] == "operator@example.com"


@pytest.mark.parametrize(
    ("header", "wait"),
    [
        ("Retry-After: 7200", timedelta(hours=2)),
        ("Retry-After: 1", timedelta(seconds=5)),
        ("Retry-After: 0", timedelta(seconds=5)),
        ("Retry-After: 999999999999999999999", timedelta(hours=24)),
        ("Retry-After: -5", timedelta(seconds=5)),
        ("Retry-After: soon", timedelta(seconds=5)),
        ("Retry-After: ٣٠٠", timedelta(seconds=5)),
        (f"Retry-After: {format_datetime(NOW + timedelta(hours=1), usegmt=True)}", timedelta(hours=1)),
        ("Retry-After: Mon, 01 Jan 1990 00:00:00 GMT", timedelta(seconds=5)),
        ("Retry-After: Mon, 01 Jan 99999999999999999999 00:00:00 GMT", timedelta(seconds=5)),
    ],
)
def test_an_endpoint_may_ask_to_be_left_alone_for_a_while(
    account: Account, clock: time_machine.Coordinates, header: str, wait: timedelta
) -> None:
    with a_told(account, an_answer(429, header)):
        it_happens(account)
        carry_out()
    assert abs(due_in() - wait) <= timedelta(seconds=3)
    assert Attempt.objects.get().status == 429
    assert not Pause.objects.exists()  # it is that delivery's business and nobody else's


def test_one_failing_endpoint_keeps_nothing_from_another(account: Account) -> None:
    with a_told(account, an_answer(429, "Retry-After: 3600")), a_told(account) as (receiver, _):
        it_happens(account)
        carry_out()
        it_happens(account)
        carry_out()
    assert len(receiver.requests) == 2
    assert sorted(states()) == ["done", "done", "retry", "retry"]


def being_told(delivery: Delivery) -> None:
    """Some other worker tells this one just now."""
    lease_until = timezone.now() + timedelta(seconds=30)
    Row.objects.filter(subject=delivery.pk).update(state="sending", lease_until=lease_until)


def test_what_fails_is_told_to_one_customer_one_at_a_time_and_the_others_wait_their_turn(account: Account) -> None:
    with a_told(account) as (receiver, endpoint), a_told(account) as (second, also_failing):
        for _ in range(2):
            it_happens(account)
        Endpoint.objects.update(failing_since=timezone.now())
        being_told(endpoint.deliveries.earliest("number"))
        waits = []
        for _ in range(4):
            carry_out()
            waits.append(due_in(Row.objects.get(subject=endpoint.deliveries.latest("number").pk)))
            make_due()
        assert receiver.connections == second.connections == 0
        waiting = Row.objects.filter(subject__in=also_failing.deliveries.values("pk"))
        assert {(row.state, row.failures, row.error[:17]) for row in waiting} == {("retry", 0, "another delivery ")}
        assert not Attempt.objects.exists()
        Row.objects.filter(state="sending").update(state="done", lease_until=None, finished_at=timezone.now())
        carry_out()
        assert (len(receiver.requests), len(second.requests)) == (1, 2)
    assert waits == [timedelta(seconds=seconds) for seconds in (5, 10, 20, 40)]


def test_an_endpoint_that_is_well_is_told_several_things_at_once(account: Account) -> None:
    with a_told(account) as (receiver, endpoint):
        for _ in range(3):
            it_happens(account)
        being_told(endpoint.deliveries.earliest("number"))
        carry_out()
    assert len(receiver.requests) == 2


def test_one_customers_failing_endpoint_keeps_nothing_from_anothers(account: Account) -> None:
    other = an_account("Somebody else")
    with a_told(account) as (_, endpoint), a_told(other) as (receiver, _), a_told(None) as (operators, _):
        for whose in (account, other, None):
            it_happens(whose)
        Endpoint.objects.update(failing_since=timezone.now())
        being_told(endpoint.deliveries.get())
        carry_out()
    assert len(receiver.requests) == len(operators.requests) == 1


def test_however_often_it_waits_its_turn_it_waits_no_longer_than_an_hour(account: Account) -> None:
    with a_told(account) as (_, endpoint):
        it_happens(account)
        it_happens(account)
        Endpoint.objects.update(failing_since=timezone.now())
        being_told(endpoint.deliveries.earliest("number"))
        Row.objects.filter(state="ready").update(attempts=5000, failures=3)
        carry_out()
    assert due_in(Row.objects.get(state="retry")) == timedelta(hours=1)


def test_nothing_is_sent_to_an_endpoint_switched_off_or_removed_meanwhile(account: Account) -> None:
    with a_told(account) as (receiver, endpoint):
        it_happens(account)
        endpoints.switch_off(endpoint)
        carry_out()
        assert states() == ["done"]
        endpoints.switch_on(endpoint)
        it_happens(account)
        endpoints.remove(endpoint)
        carry_out()
    assert states() == ["done", "done"]
    assert receiver.connections == 0
    assert not Attempt.objects.exists()


@pytest.mark.parametrize("answer", [FINE, BROKEN])
def test_an_endpoint_removed_while_it_is_told_leaves_nothing_half_written(account: Account, answer: bytes) -> None:
    errand = TellEndpoint()
    with a_told(account, answer) as (_, endpoint):
        it_happens(account)
        claim = a_claim(Delivery.objects.get())
        prepared = errand.prepare(claim, timezone.now())
        assert prepared is not None
        outcome = errand.act(prepared)
        endpoints.remove(endpoint)
        in_one_transaction(lambda: errand.record(claim, outcome, timezone.now()))
    check_deferred_constraints()
    assert (Endpoint.objects.count(), Delivery.objects.count(), Attempt.objects.count()) == (0, 0, 0)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("answer", [FINE, BROKEN])
def test_who_removes_an_endpoint_and_who_has_just_told_it_do_not_wait_in_a_circle(answer: bytes) -> None:
    errand = TellEndpoint()
    with a_told(an_account(), answer) as (_, endpoint):
        it_happens(endpoint.account)
        Endpoint.objects.update(failing_since=timezone.now())
        claim = a_claim(Delivery.objects.get())
        outcome = errand.act(errand.prepare(claim, timezone.now()))  # type: ignore[arg-type]
    with psycopg.connect(**connection_parameters()) as removing, ThreadPoolExecutor(1) as thread:
        removing.execute("SET lock_timeout = '200ms'")
        removing.execute("SELECT FROM webhooks_endpoint FOR UPDATE")
        recorded = thread.submit(_recorded, errand, claim, outcome)
        while removing.execute("SELECT count(*) FROM pg_locks WHERE NOT granted").fetchone() == (0,):
            assert not recorded.done()
        removing.execute("DELETE FROM webhooks_delivery")
        removing.execute("DELETE FROM webhooks_endpoint")
        removing.commit()
        recorded.result()
    assert not Attempt.objects.exists()


def _recorded(errand: TellEndpoint, claim: Claimed, outcome: Outcome) -> None:
    try:
        in_one_transaction(lambda: errand.record(claim, outcome, timezone.now()))
    finally:
        connection.close()


def test_what_the_answer_said_is_kept_in_part_and_made_harmless(account: Account) -> None:
    body = b"<script>\0\x1b[31m\xff " + "é".encode() * 5000
    with a_told(account, b"HTTP/1.1 500 Oh\r\n\r\n" + body):
        it_happens(account)
        carry_out()
    answer = Attempt.objects.get().answer
    assert len(answer) == ANSWER_KEPT
    assert answer.startswith("<script>  [31m� éé")


def test_nobody_there_is_a_failure_with_a_sentence(account: Account) -> None:
    with a_told(account) as (receiver, _):
        it_happens(account)
    with told_privately(receiver):
        carry_out()
    attempt = Attempt.objects.get()
    assert (attempt.status, attempt.answer) == (None, "")
    assert attempt.error == f"127.0.0.1 did not take the connection on port {receiver.port}."
    assert states() == ["retry"]


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/", "https://10.0.0.1/", *REFUSED_URLS[20:24]])
def test_an_address_that_was_stored_is_checked_again_before_it_is_told(account: Account, url: str) -> None:
    endpoint = endpoints.add(account, "https://hooks.example.com/")
    Endpoint.objects.filter(pk=endpoint.pk).update(url=url)
    it_happens(account)
    carry_out()
    attempt = Attempt.objects.get()
    assert attempt.status is None
    assert attempt.error.startswith(("The ", "Write "))
    assert states() == ["retry"]


def test_a_name_that_leads_inside_is_told_nothing(account: Account) -> None:
    def connect(ip: str, port: int, seconds: float) -> None:
        raise AssertionError(f"connected to {ip}")

    inside = Network(resolve=lambda host, port: ["169.254.169.254"], connect=connect)  # type: ignore[arg-type]
    errand = TellEndpoint(network=inside)
    endpoints.add(account, "https://hooks.example.com/")
    it_happens(account)
    prepared = errand.prepare(a_claim(Delivery.objects.get()), timezone.now())
    assert prepared is not None
    outcome = errand.act(prepared)
    assert "leads to an address that is not public" in outcome.why  # type: ignore[union-attr]
    assert "169.254" not in outcome.why  # type: ignore[union-attr]  # what our names lead to is not the customer's
    assert TellEndpoint().network is INTERNET


def test_a_replay_arrives_under_an_id_of_its_own(account: Account) -> None:
    with a_told(account) as (receiver, _):
        it_happens(account, EventType.CALL_ENDED, call_id="x")
        carry_out()
        replay(Delivery.objects.get().pk)
        carry_out()
    first, second = receiver.requests
    assert first.headers["webhook-id"] != second.headers["webhook-id"]
    assert json.loads(first.body) == json.loads(second.body)


def test_a_secret_never_shows_in_what_is_printed_of_a_delivery(account: Account) -> None:
    endpoint = endpoints.add(account, "https://hooks.example.com/")
    it_happens(account)
    prepared = TellEndpoint().prepare(a_claim(Delivery.objects.get()), timezone.now())
    assert prepared is not None
    assert prepared.told.keys == (endpoint.secret,)
    assert endpoint.secret not in repr(prepared)
