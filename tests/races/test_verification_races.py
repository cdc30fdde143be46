"""Real threads that want verifications at the same moment: exactly as many begin as the policy allows."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from django.db import connections
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.models import Account, CallerNumber, Notice
from billing.models import Hold, Posting
from outbox import performing
from outbox.models import Row
from telephony import control, registry, verifications
from telephony.decisions import AllowVerification, Decision
from telephony.models import Application, Verification
from telephony.news import VerificationAsked
from telephony.verification_facts import country_of
from telephony.verifications import VerificationRefused
from tests.builders import a_deck, an_account, an_application, balance, held
from tests.races.crowd import Crowd, deadlocks
from tests.telephony.received import received
from tests.telephony.verification_scenes import CODE, NUMBER, Desk, another_session, asked, begun, lost, started, told

pytestmark = pytest.mark.django_db(transaction=True)

AT_ONCE = 64


@pytest.fixture(autouse=True)
def _nothing_deadlocked(db: None) -> Iterator[None]:
    before = deadlocks()
    yield
    assert deadlocks() == before


@pytest.fixture(autouse=True)
def _there_is_time(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is asked here is what is decided, not how fast a busy machine decides it."""
    options = connections.settings["default"]["OPTIONS"]
    monkeypatch.setitem(options, "options", options["options"] + " -c lock_timeout=30s -c statement_timeout=60s")


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    desk = Desk()
    monkeypatch.setitem(registry.PROVIDERS, "sinch", desk)
    return desk


@pytest.fixture
def application(desk: Desk) -> Application:
    a_deck({"44": "0.05", "46": "0.05"}, service="verifications")
    return an_application()


@pytest.fixture
def account(application: Application) -> Account:
    return an_account(balance="500")


def a_number(serial: int) -> str:
    return f"+447700900{serial:03}"


def wants(account: Account, number: str, address: str | None = None) -> Callable[[], str]:
    """Somebody who starts a verification; what comes of it, in a word."""

    def start() -> str:
        try:
            started(account, number, from_address=address)
        except VerificationRefused as refused:
            return str(refused)
        return "started"

    return start


def asks(application: Application, event: VerificationAsked) -> Callable[[], Decision]:
    now = timezone.now()
    return partial(control.decide, received(event, application, signed_at=now, received_at=now))


def before(application: Application, count: int, ago: timedelta, number: str = NUMBER, **fields: object) -> None:
    Verification.objects.bulk_create(
        Verification(
            application=application, number=number, country=country_of(number), method="sms", by_app=True,
            provider_id=f"before-{uuid4()}", created_at=timezone.now() - ago, **fields,
        )
        for _ in range(count)
    )  # fmt: skip


@pytest.mark.parametrize(
    ("count", "ago"),
    [(0, timedelta(0)), (4, timedelta(minutes=30)), (9, timedelta(hours=20))],
    ids=["in 30 seconds", "in an hour", "in a day"],
)
def test_a_number_gets_exactly_what_is_left_of_its_allowance(
    account: Account, application: Application, crowd: Crowd, count: int, ago: timedelta
) -> None:
    """Whoever asks, and at whichever of our applications."""
    before(application, count, ago)
    others = [an_application() for _ in range(3)]
    asking = [asks(others[serial % 3], asked(NUMBER)) for serial in range(AT_ONCE // 2)]
    results = crowd.at_once([work for each in asking for work in (wants(account, NUMBER), each)])
    assert results.count("started") + results.count(AllowVerification()) == 1
    assert Verification.objects.exclude(status="denied").count() == count + 1
    assert Hold.objects.count() == Row.objects.count() == results.count("started")


def test_a_network_gets_exactly_ten_within_an_hour(account: Account, crowd: Crowd) -> None:
    """Of whatever countries the numbers are."""
    numbers = [number for serial in range(AT_ONCE // 2) for number in (a_number(serial), f"+4670174{605 + serial:04}")]
    results = crowd.at_once([wants(account, number, f"192.0.2.{at}") for at, number in enumerate(numbers)])
    assert results.count("started") == 10
    assert Hold.objects.count() == Row.objects.count() == 10


def test_a_country_gets_exactly_what_the_conversion_guard_leaves(
    account: Account, application: Application, crowd: Crowd
) -> None:
    before(application, 45, timedelta(hours=3), number="+447700900999")
    starting = [wants(account, a_number(serial)) for serial in range(AT_ONCE // 2)]
    asking = [asks(application, asked(a_number(serial + AT_ONCE))) for serial in range(AT_ONCE // 2)]
    results = crowd.at_once([work for pair in zip(starting, asking, strict=True) for work in pair])
    assert results.count("started") + results.count(AllowVerification()) == 5
    assert Verification.objects.exclude(status="denied").count() == 50
    assert Notice.objects.count() == 1


def test_the_same_question_at_once_gets_one_answer(application: Application, crowd: Crowd) -> None:
    for _ in range(4):
        decisions = crowd.at_once([asks(application, asked(a_number(1), id=str(uuid4())))] * 16)
        assert len(set(decisions)) == 1
    assert Verification.objects.count() == 4


def test_v1_a_result_a_proof_and_the_look_up_of_a_lost_answer_at_once_charge_once(
    account: Account, application: Application, desk: Desk, crowd: Crowd
) -> None:
    for serial in range(8):
        desk.faults.append(lost)
        verification = begun(account, number=a_number(serial))
        row = Row.objects.get(subject=verification.pk)
        assert row.state == "unknown"
        Verification.objects.filter(pk=verification.pk).update(provider_id=desk.begun[-1].id)
        verification.refresh_from_db()
        crowd.at_once(
            [
                *[partial(performing.perform, row.pk)] * 3,
                *[tells(application, verification)] * 3,
                *[partial(_proved, verification, account)] * 3,
            ]
        )
    assert set(Verification.objects.values_list("status", flat=True)) == {"successful"}
    assert set(Row.objects.values_list("state", flat=True)) == {"done"}
    assert (len(desk.begun), Posting.objects.filter(kind="settlement").count(), CallerNumber.objects.count()) == (
        8,
    ) * 3
    assert (balance(account), held(account)) == (Decimal("499.60"), 0)


def test_news_waits_for_the_outbox_row_before_it_takes_the_verification(
    account: Account, application: Application, crowd: Crowd
) -> None:
    """A worker that records holds the row and comes for the verification: the other way round they would deadlock."""
    verification = begun(account)
    with ThreadPoolExecutor(1) as provider, another_session() as worker:
        worker.execute("SELECT FROM outbox_row WHERE subject = %s FOR NO KEY UPDATE", [verification.pk])
        news = provider.submit(_and_hang_up, tells(application, verification))
        until_it_waits(worker, news)
        worker.execute("SELECT FROM telephony_verification WHERE id = %s FOR NO KEY UPDATE NOWAIT", [verification.pk])
        worker.execute("COMMIT")
        news.result()
    verification.refresh_from_db()
    assert verification.status == "successful"


def test_nobody_has_more_than_five_tries_by_trying_at_once(account: Account, crowd: Crowd) -> None:
    verification = begun(account)
    crowd.at_once([partial(_proved, verification, account, "0000")] * 20)
    verification.refresh_from_db()
    assert (verification.status, verification.reports) == ("failed", 5)


def tells(application: Application, verification: Verification) -> Callable[[], Decision]:
    now = timezone.now()
    return partial(control.decide, received(told(verification), application, signed_at=now, received_at=now))


def _proved(verification: Verification, account: Account, proof: str = CODE) -> None:
    with contextlib.suppress(VerificationRefused):
        verifications.report(verification.pk, account, proof, timezone.now())


def _and_hang_up(work: Callable[[], Decision]) -> Decision:
    try:
        return work()
    finally:
        connections.close_all()


def until_it_waits(session: psycopg.Connection, work: Future[Any]) -> None:
    while not session.execute("SELECT 1 FROM pg_locks WHERE NOT granted").fetchone():
        assert not work.done()
        time.sleep(0.005)
