"""C11: the hang-up comes at the very moment its call is asked about, and the asking happens twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from functools import partial
from threading import Barrier
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.models import Account
from billing.models import Hold, Posting
from telephony.models import CDR, ReceivedEvent
from telephony.reconcile import Reconciled, reconcile
from tests import books
from tests.builders import a_deck, an_account, an_application, balance, held
from tests.sinch_caller import SinchCaller, a_call_id
from tests.telephony.rest_api import RestApi, only, says, serving

pytestmark = pytest.mark.django_db(transaction=True)

ROUNDS = 20
PRICE = Decimal("0.12")
AN_HOUR, A_DAY = timedelta(hours=1), timedelta(hours=25)


@pytest.fixture
def account(db: None) -> Account:
    a_deck({"44": "0.06"})
    return an_account(client_user="alice", calls_at_once=5, balance="500", longest_call_seconds=600)


@pytest.fixture
def api() -> Iterator[RestApi]:
    with serving(says()) as api:
        yield api


@pytest.fixture
def sinch(account: Account, api: RestApi) -> SinchCaller:
    return SinchCaller(an_application(base_url=api.url))


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    """Two threads that are kept, with their connections."""
    barrier = Barrier(2)

    def go_home() -> None:
        barrier.wait()
        connections.close_all()

    with ThreadPoolExecutor(2) as threads:
        yield threads
        for done in [threads.submit(go_home), threads.submit(go_home)]:
            done.result()


@pytest.fixture(autouse=True)
def _the_books_are_in_order(db: None) -> Iterator[None]:
    yield
    assert books.differences() == {}
    assert not ReceivedEvent.objects.filter(outcome="failed").exists()


@pytest.fixture(autouse=True)
def _there_is_time(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.CALLBACK_DEADLINE_SECONDS = 60.0
    options = connections.settings["default"]["OPTIONS"]
    monkeypatch.setitem(options, "options", options["options"] + " -c lock_timeout=30s -c statement_timeout=60s")


def waits_at(barrier: Barrier, answers: Callable[[str], tuple[int, bytes]]) -> Callable[[str], tuple[int, bytes]]:
    """An API that has the answer ready, and gives it when everybody is there."""

    def answer(call_id: str) -> tuple[int, bytes]:
        barrier.wait()
        return answers(call_id)

    return answer


def after(barrier: Barrier, work: Callable[[], Any]) -> Any:
    barrier.wait()
    return work()


def test_c11_the_hang_up_and_the_providers_answer_at_the_same_moment_settle_once(
    sinch: SinchCaller, api: RestApi, account: Account, threads: ThreadPoolExecutor
) -> None:
    barrier = Barrier(2)
    api.answers = waits_at(barrier, says())
    for _ in range(ROUNDS):
        call_id = a_call_id()
        sinch.send(sinch.ice(call_id))
        asking = threads.submit(reconcile, timezone.now() + AN_HOUR)
        told = threads.submit(after, barrier, partial(sinch.send, sinch.dice(call_id, 61)))
        assert asking.result() == Reconciled(asked=1, settled=1)
        assert told.result().status == 200
    assert CDR.objects.count() == Posting.objects.filter(kind=Posting.Kind.SETTLEMENT).count() == ROUNDS
    assert (balance(account), held(account)) == (500 - ROUNDS * PRICE, Decimal(0))


def test_c11_a_hang_up_that_comes_while_the_provider_is_asked_is_the_one_that_counts(
    sinch: SinchCaller, api: RestApi, account: Account, threads: ThreadPoolExecutor
) -> None:
    call_id = a_call_id()

    def answer(asked_about: str) -> tuple[int, bytes]:
        assert threads.submit(sinch.send, sinch.dice(call_id, 61)).result().status == 200
        return says(duration=500)(asked_about)

    sinch.send(sinch.ice(call_id))
    api.answers = answer
    assert reconcile(timezone.now() + AN_HOUR).settled == 1
    cdr = CDR.objects.get()
    assert (cdr.source, cdr.duration_seconds, balance(account)) == (CDR.Source.EVENT, 61, 500 - PRICE)


def test_c11_a_call_given_up_while_its_hang_up_arrives_is_charged_once(
    sinch: SinchCaller, api: RestApi, account: Account, threads: ThreadPoolExecutor
) -> None:
    barrier = Barrier(2)
    api.answers = waits_at(barrier, only(404))
    for _ in range(ROUNDS):
        call_id = a_call_id()
        sinch.send(sinch.ice(call_id))
        asking = threads.submit(reconcile, timezone.now() + A_DAY)
        told = threads.submit(after, barrier, partial(sinch.send, sinch.dice(call_id, 61)))
        done = asking.result()
        assert told.result().status == 200
        sources = list(CDR.objects.filter(call__provider_call_id=call_id).order_by("revision").values_list("source"))
        assert sources == ([("expired",), ("event",)] if done.given_up else [("event",)])
    assert balance(account) == 500 - ROUNDS * PRICE
    assert not Hold.objects.filter(state=Hold.State.OPEN).exists()


def test_two_askings_at_once_settle_every_call_once(
    sinch: SinchCaller, api: RestApi, account: Account, threads: ThreadPoolExecutor
) -> None:
    for _ in range(ROUNDS // 5):
        for _ in range(5):
            sinch.send(sinch.ice(a_call_id()))
        api.answers = waits_at(Barrier(2), says())  # each call's answer goes to both at the same moment
        both = [threads.submit(reconcile, timezone.now() + AN_HOUR) for _ in range(2)]
        assert [asking.result().settled for asking in both] == [5, 5]
    assert CDR.objects.count() == ROUNDS
    assert balance(account) == 500 - ROUNDS * PRICE
