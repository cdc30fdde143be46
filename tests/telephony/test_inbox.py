"""What providers send is recorded once with its decision, and recognised when it comes again."""

from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest
from django.db import IntegrityError, transaction

from telephony import inbox
from telephony.decisions import Acknowledge, Connect, Continue
from telephony.events import PromptAnswered, UnknownEvent
from telephony.inbox import LONGEST_STEP, Outcome
from telephony.models import ReceivedEvent
from tests.builders import an_application
from tests.telephony.received import NOW, ended, incoming, received

CONNECT = Connect(number="+447700900123", limit_seconds=60, caller_id=None, dial_timeout_seconds=45)

pytestmark = pytest.mark.django_db


def test_an_event_is_recalled_with_the_decision_it_got() -> None:
    once = received(incoming())
    assert inbox.read_recalled(inbox.recall(once)) is None
    inbox.record(once, CONNECT)
    assert inbox.read_recalled(inbox.recall(once)) == CONNECT


def test_another_kind_another_call_and_another_application_are_other_events() -> None:
    application = an_application()
    inbox.record(received(incoming("one"), application), CONNECT)
    for other in (
        received(ended("one"), application),
        received(incoming("two"), application),
        received(incoming("one"), an_application()),
    ):
        assert inbox.read_recalled(inbox.recall(other)) is None


def test_two_answers_of_one_menu_are_told_apart_by_their_step() -> None:
    application = an_application()
    first = received(PromptAnswered(call_id="one", menu_id="main", at=NOW), application)
    inbox.record(first, Continue())
    for menu_id, at in (("number", NOW), ("first", NOW), ("main", NOW + timedelta(seconds=1)), ("", None)):
        other = received(PromptAnswered(call_id="one", menu_id=menu_id, at=at), application)
        assert inbox.read_recalled(inbox.recall(other)) is None
    assert inbox.read_recalled(inbox.recall(first)) == Continue()


def test_only_a_decision_is_recalled_and_not_what_was_kept_for_a_person() -> None:
    event = received(ended())
    for outcome in (Outcome.QUARANTINED, Outcome.CONFLICT, Outcome.FAILED):
        inbox.record(event, Acknowledge(), outcome, "why")
        inbox.record(event, Acknowledge(), outcome, "why")
    assert inbox.read_recalled(inbox.recall(event)) is None
    assert ReceivedEvent.objects.count() == 6


def test_the_database_refuses_a_second_decision_about_one_event() -> None:
    event = received(incoming())
    inbox.record(event, CONNECT)
    with pytest.raises((psycopg.errors.UniqueViolation, IntegrityError)), transaction.atomic():
        inbox.record(event, CONNECT)


def test_the_bytes_and_circumstances_are_kept() -> None:
    inbox.record(received(incoming(), body=b"\x00\xff{", content_type="x" * 300, late=True), CONNECT, error="e" * 9_000)
    kept = ReceivedEvent.objects.get()
    assert bytes(kept.body) == b"\x00\xff{"
    assert (kept.content_type, kept.late, kept.error) == ("x" * 100, True, "e" * 4_000)
    assert (kept.signed_at, kept.received_at) == (NOW, NOW)


def test_an_event_without_a_call_belongs_to_none() -> None:
    inbox.record(received(UnknownEvent(call_id="", word="w" * 300)), Acknowledge(), Outcome.QUARANTINED)
    kept = ReceivedEvent.objects.get()
    assert (kept.call_id, kept.provider_call_id, kept.step) == (None, "", "w" * LONGEST_STEP)
