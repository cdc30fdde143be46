"""Everybody tells of one text, or asks for one, at the same moment: it is sent once and paid once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import partial
from threading import Barrier
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.models import Account
from outbox import performing, rows
from outbox.errands import Outcome
from outbox.models import Row
from postgres.work import in_one_transaction
from sandbox import DESK_PLAN, DESK_TOKEN, Kind, Sandbox
from telephony import control, text_sending, texts
from telephony.models import Application, ReceivedEvent, TextMessage
from telephony.news import TextReceived, TextReported, TextStatus
from tests import books
from tests.builders import an_account, an_application, balance, held
from tests.races.crowd import Crowd, deadlocks
from tests.telephony.received import received as as_received
from tests.telephony.text_scenes import UK, a_promised_text, a_text, again, settlements, text_prices

pytestmark = pytest.mark.django_db(transaction=True)

ROUNDS = 12
THREADS = 4


@pytest.fixture(autouse=True)
def _the_books_are_in_order_and_nothing_deadlocked(db: None, crowd: Crowd) -> Iterator[None]:
    before = deadlocks()
    yield
    assert books.differences() == {}
    assert deadlocks() == before


@pytest.fixture(autouse=True)
def _there_is_time(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    options = connections.settings["default"]["OPTIONS"]
    monkeypatch.setitem(options, "options", options["options"] + " -c lock_timeout=30s -c statement_timeout=60s")


@pytest.fixture
def platform() -> Iterator[Sandbox]:
    platform = Sandbox(target="http://127.0.0.1:1/callbacks/sinch/")
    with platform.rest_server():
        yield platform


@pytest.fixture
def plan(db: None, platform: Sandbox) -> Application:
    text_prices("0.05")
    return an_application(
        "sinch_sms", key=DESK_PLAN, secret=DESK_TOKEN, sender="+447700900999", base_url=platform.rest_url
    )


@pytest.fixture
def account(plan: Application) -> Account:
    return an_account(balance="10.00", numbers=[UK])


def tell(event: TextReported | TextReceived, application: Application) -> Callable[[], Any]:
    return partial(control.decide, as_received(event, application))


def report(text: TextMessage, word: str, status: TextStatus) -> TextReported:
    return TextReported(call_id="", text_id=f"of {text.pk}", reference=str(text.pk), status=status, status_word=word)


def test_the_answer_and_the_reports_at_once_charge_a_text_once(
    account: Account, plan: Application, platform: Sandbox, crowd: Crowd, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reports come in while the worker holds the answer in its hands and is about to write it down."""
    send = text_sending.TextErrand.act
    answered = Barrier(3)

    def answer_and_wait(errand: text_sending.TextErrand, prepared: text_sending.Sending) -> Outcome:
        outcome = send(errand, prepared)
        answered.wait()
        return outcome

    def tell_then(told: Callable[[], Any]) -> None:
        answered.wait()
        told()

    monkeypatch.setattr(text_sending.TextErrand, "act", answer_and_wait)
    for _ in range(ROUNDS):
        text = a_promised_text(account)
        (row_id,) = in_one_transaction(lambda: rows.lease(timezone.now(), 1))
        queued, delivered = (
            report(text, "Queued", TextStatus.PENDING),
            report(text, "Delivered", TextStatus.SUCCESSFUL),
        )
        crowd.at_once(
            [
                partial(performing.perform, row_id),
                partial(tell_then, tell(queued, plan)),
                partial(tell_then, tell(delivered, plan)),
            ]
        )
        assert (again(text).status, len(settlements(text))) == ("successful", 1)
        assert len(platform.oracle.of(Kind.TEXT, str(text.pk))) == 1
    assert (balance(account), held(account)) == (10 - ROUNDS * Decimal("0.05"), 0)
    assert set(Row.objects.filter(kind=texts.ERRAND).values_list("state", flat=True)) == {"done"}


def test_the_same_reference_at_once_is_promised_once(account: Account, crowd: Crowd) -> None:
    for n in range(ROUNDS):
        send = partial(texts.send, a_text(account, reference=f"order-{n}"))
        assert len({text.pk for text in crowd.at_once([send] * THREADS)}) == 1
    assert (TextMessage.objects.count(), held(account)) == (ROUNDS, ROUNDS * Decimal("0.05"))


def test_texts_racing_for_the_last_cents_get_exactly_what_is_there(plan: Application, crowd: Crowd) -> None:
    poor = an_account(balance="0.15")

    def send() -> int:
        try:
            texts.send(a_text(poor))
        except texts.TextRefused:
            return 0
        return 1

    assert sum(crowd.at_once([send] * THREADS)) == 3
    assert held(poor) == Decimal("0.15")


def test_the_same_incoming_text_at_once_is_kept_and_answered_once(
    account: Account, plan: Application, crowd: Crowd
) -> None:
    for n in range(3):
        event = TextReceived(call_id="", text_id=f"in-{n}", sender=UK, recipient="+447700900999", body="BAL")
        crowd.at_once([tell(event, plan)] * THREADS)
    assert TextMessage.objects.filter(direction="in").count() == 3
    assert TextMessage.objects.filter(purpose="reply").count() == 3
    assert ReceivedEvent.objects.count() == 3


def test_a_number_is_answered_no_more_than_it_should_be_by_many_at_once(
    account: Account, plan: Application, crowd: Crowd
) -> None:
    def asks(n: int) -> Callable[[], Any]:
        return tell(TextReceived(call_id="", text_id=f"in-{n}", sender=UK, recipient="", body="BAL"), plan)

    for first in range(0, 2 * THREADS, THREADS):
        crowd.at_once([asks(n) for n in range(first, first + THREADS)])
    assert TextMessage.objects.filter(purpose="reply").count() == 5
