"""Callouts begun, answered and ended at the same moment by real threads with connections of their own."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from decimal import Decimal
from functools import partial
from io import BytesIO
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone

from billing.models import Hold, Posting
from outbox import rows
from outbox.models import Row
from outbox.performing import perform
from postgres.work import in_one_transaction
from telephony import call_lists, callout_dialling, callouts
from telephony.call_lists import NewCallList
from telephony.events import Result
from telephony.models import CDR, Application, Call, CallList, Callout
from tests.builders import an_application, available, balance, held
from tests.races.crowd import Crowd
from tests.telephony.callout_scenes import a_caller, a_new_callout, ended, promised, the_call, told
from tests.telephony.rest_api import RestApi, only, serving
from tests.telephony.verification_scenes import another_session

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("orderly", "plenty_of_time")]

ROUNDS = 6


@pytest.fixture
def application() -> Application:
    return an_application()


def begins(callout: Callout) -> Callable[[], Any]:
    now = timezone.now()
    return partial(in_one_transaction, partial(callout_dialling.begin_single, callout.pk, now))


def test_two_who_begin_make_one_attempt(application: Application, crowd: Crowd) -> None:
    account = a_caller(calls_at_once=30)
    for _ in range(ROUNDS):
        callout = promised(account)
        begun = crowd.at_once([begins(callout)] * 8)
        callout.refresh_from_db()
        assert (callout.attempts, callout.calls.count()) == (1, 1)
        assert [id for id in begun if id is not None] == [the_call(callout).pk]
    assert Hold.objects.count() == Row.objects.filter(kind="callout").count() == ROUNDS


def test_64_callouts_never_spend_more_than_there_is(application: Application, crowd: Crowd) -> None:
    account = a_caller(balance="1.00", calls_at_once=100)
    states = crowd.at_once([partial(callouts.place, a_new_callout(account)) for _ in range(64)])
    begun = [callout for callout in states if callout.state == Callout.State.CALLING]
    assert len(begun) == 16, "1.00 pays for sixteen minutes of 0.06"
    assert (held(account), available(account)) == (Decimal("0.96"), Decimal("0.04"))
    ends = [
        partial(told, application, ended(the_call(callout), 60, provider_call_id=f"p-{n}"))
        for n, callout in enumerate(begun)
    ]
    crowd.at_once(ends)
    assert (balance(account), held(account)) == (Decimal("0.04"), Decimal(0))
    assert Posting.objects.filter(kind=Posting.Kind.SETTLEMENT).count() == 16
    assert Callout.objects.filter(state="done").count() == 16
    assert Callout.objects.filter(state="failed", result="refused").count() == 48


def test_calls_at_once_are_never_more_than_allowed(application: Application, crowd: Crowd) -> None:
    account = a_caller(calls_at_once=3)
    crowd.at_once([partial(callouts.place, a_new_callout(account)) for _ in range(16)])
    assert Call.objects.count() == 3


def test_the_same_reference_at_once_is_one_callout(application: Application, crowd: Crowd) -> None:
    account = a_caller(calls_at_once=30)
    new = a_new_callout(account, reference="order 7")
    placed = crowd.at_once([partial(callouts.place, new)] * 12)
    assert len({callout.pk for callout in placed}) == 1
    assert (Callout.objects.count(), Call.objects.count()) == (1, 1)


def test_those_who_pace_a_list_together_keep_its_pace(
    application: Application, crowd: Crowd, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between counting and choosing each hesitates a little, so that the others may have begun one meanwhile."""
    has_room = call_lists._has_room

    def slowly(id: int, now: datetime) -> bool:
        answer = has_room(id, now)
        time.sleep(random.uniform(0, 0.03))
        return answer

    monkeypatch.setattr(call_lists, "_has_room", slowly)
    account = a_caller(calls_at_once=30, balance="50.00")
    numbers = "\n".join(f"+4477009001{n:02}" for n in range(30))
    report = call_lists.load(
        BytesIO(f"number\n{numbers}\n".encode()),
        NewCallList(name="Tables", at_once=4, callout=a_new_callout(account, destination="")),
    )
    begun = crowd.at_once([partial(call_lists.pace, timezone.now())] * 6)
    assert sum(begun) == Call.objects.count() == 4
    assert CallList.objects.get(pk=report.call_list_id).callouts.filter(state="calling").count() == 4


def test_whom_a_list_would_call_again_while_it_is_stopped_is_called_off_too(
    application: Application, crowd: Crowd
) -> None:
    """Somebody was busy, and the end of that call is just being written down."""
    account = a_caller()
    report = call_lists.load(
        BytesIO(b"number\n+447700900101\n"),
        NewCallList(name="Tables", callout=a_new_callout(account, destination="", most_attempts=3)),
    )
    list_id = report.call_list_id or 0
    assert call_lists.pace(timezone.now()) == 1
    callout = Callout.objects.get()
    in_time = threading.Event()

    def end() -> None:
        with another_session() as session:
            session.execute("UPDATE telephony_callout SET state = 'waiting' WHERE id = %s", [callout.pk])
            in_time.set()
            while not session.execute("SELECT 1 FROM pg_locks WHERE NOT granted").fetchone():
                time.sleep(0.01)

    def stop() -> None:
        in_time.wait()
        call_lists.stop(list_id, "a colleague", timezone.now())

    crowd.at_once([end, stop])
    callout.refresh_from_db()
    assert (CallList.objects.get().state, callout.state) == ("stopped", "cancelled")
    told(application, ended(the_call(callout), 0, Result.BUSY, "p-1"))


@pytest.fixture
def api() -> Iterator[RestApi]:
    with serving(only(200, b'{"callId":"provider-1"}')) as api:
        yield api


def test_the_hang_up_comes_while_the_answer_is_on_its_way(api: RestApi, crowd: Crowd) -> None:
    """The platform calls back before it has answered us, and the two are written down at the same time."""
    application = an_application(base_url=api.url)
    account = a_caller(calls_at_once=30)
    for attempt in range(ROUNDS):
        call = the_call(callouts.place(a_new_callout(account)))
        provider_call_id = f"provider-{attempt}"
        answer = f'{{"callId":"{provider_call_id}"}}'.encode()
        hang_up = partial(told, application, ended(call, 20, provider_call_id=provider_call_id))

        def answers(
            _: str, answer: bytes = answer, hang_up: Callable[[], Any] = hang_up, first: bool = attempt % 2 == 0
        ) -> Any:
            if first:
                hang_up()
                connections.close_all()
            return 200, answer

        api.answers = answers
        (row_id,) = in_one_transaction(lambda: rows.lease(timezone.now(), 10))
        crowd.at_once([partial(perform, row_id), hang_up])
        call.refresh_from_db()
        assert (call.state, call.provider_call_id) == (Call.State.ENDED, provider_call_id)
        assert Row.objects.get(pk=row_id).state == Row.State.DONE
    assert CDR.objects.count() == ROUNDS
    assert (balance(account), held(account)) == (Decimal(5) - ROUNDS * Decimal("0.06"), Decimal(0))
    assert Callout.objects.filter(state="done").count() == ROUNDS
