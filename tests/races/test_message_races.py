"""An app asks twice, or two of an account at once: one text for one message, and sixty an hour for all of them."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from functools import partial
from uuid import UUID

import pytest
from django.db import connections
from django.utils import timezone
from pytest_django.fixtures import Settings

from outbox.models import Row
from softphone import messaging
from softphone.models import Line
from softphone.sentences import Refused, Sentence
from telephony.models import TextMessage
from tests import books
from tests.builders import an_account, an_application, held
from tests.races.crowd import Crowd, deadlocks
from tests.softphone.scenes import a_line
from tests.telephony.text_scenes import UK, text_prices

pytestmark = pytest.mark.django_db(transaction=True)


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
def line(db: None) -> Line:
    text_prices("0.05")
    an_application("sinch_sms", key="plan", secret="token", sender="+447700900999", sends_texts=True)
    return a_line(an_account(balance="50.00"))


def ask(line: Line, body: str) -> UUID | Sentence:
    try:
        return messaging.send(line, UK, body, timezone.now())
    except Refused as refused:
        return refused.sentence


def test_an_app_that_asks_twenty_times_at_once_sends_one_text(line: Line, crowd: Crowd) -> None:
    for number in range(3):
        assert len(set(crowd.at_once([partial(ask, line, f"ola {number}")] * 20))) == 1
    assert TextMessage.objects.count() == Row.objects.count() == 3
    assert held(line.client_user.account) == Decimal("0.15")


def test_two_lines_of_an_account_send_sixty_an_hour_and_no_more(line: Line, crowd: Crowd) -> None:
    other = a_line(line.client_user.account)
    asked = [partial(ask, each, f"message {number}") for number in range(40) for each in (line, other)]
    told = crowd.at_once(asked)
    assert told.count(Sentence.TOO_MANY_MESSAGES) == len(asked) - messaging.MOST_PER_HOUR
    assert TextMessage.objects.count() == Row.objects.count() == messaging.MOST_PER_HOUR
