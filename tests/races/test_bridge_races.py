"""Bridges asked for, answered and parted at the same moment by real threads with connections of their own."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Account
from billing.models import Hold
from outbox import performing, rows
from outbox.models import Row
from postgres.work import in_one_transaction
from telephony import bridges
from telephony.bridges import BridgeRefused, NewBridge
from telephony.decisions import Reason
from telephony.models import CDR, Application, Bridge, Call
from tests.builders import an_application, available, balance, held
from tests.races.crowd import Crowd
from tests.telephony.bridge_scenes import OUR_NUMBER, a_bridge, a_new_bridge, a_talker, legs_of
from tests.telephony.callout_scenes import answered, ended, told

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("orderly", "plenty_of_time")]

ROUNDS = 6


@pytest.fixture
def application() -> Application:
    return an_application(base_url="http://127.0.0.1:1", caller_id=OUR_NUMBER)


def asking(new: NewBridge) -> Callable[[], Any]:
    """Ask for it now: what came of it, a refusal as its reason."""

    def ask() -> Any:
        try:
            return bridges.bridge(new, timezone.now())
        except BridgeRefused as refused:
            return refused.refused.reason

    return ask


def test_twenty_equal_wishes_at_once_are_one_bridge(application: Application, crowd: Crowd) -> None:
    account = a_talker(calls_at_once=30)
    made = crowd.at_once([asking(a_new_bridge(account))] * 20)
    assert len({bridged.id for bridged in made}) == 1
    assert [bridged.is_new for bridged in made].count(True) == 1
    assert (Bridge.objects.count(), Call.objects.count(), Hold.objects.count()) == (1, 2, 2)
    assert Row.objects.filter(kind="callout").count() == 1


def different(account: Account, count: int) -> list[Callable[[], Any]]:
    return [asking(a_new_bridge(account, destination=f"+4477009001{n:02}")) for n in range(count)]


def test_what_is_held_for_both_legs_is_never_more_than_there_is(application: Application, crowd: Crowd) -> None:
    account = a_talker(balance="1.00", calls_at_once=100, velocity_limits=False)
    made = crowd.at_once(different(account, 30))
    assert made.count(Reason.NOT_ENOUGH_CREDIT) == 30 - 12, "1.00 pays for twelve minutes of 0.08"
    assert (held(account), available(account)) == (Decimal("0.96"), Decimal("0.04"))


def test_bridges_at_once_are_never_more_than_calls_are_allowed(application: Application, crowd: Crowd) -> None:
    account = a_talker(calls_at_once=3)
    made = crowd.at_once(different(account, 16))
    assert made.count(Reason.NO_FREE_SLOT) == 13
    assert Call.objects.count() == 6


def test_no_more_are_made_within_an_hour_than_allowed(application: Application, crowd: Crowd) -> None:
    account = a_talker(verified=False, balance="50.00", calls_at_once=100)
    made = crowd.at_once(different(account, 16))
    assert made.count(Reason.TOO_OFTEN) == 6
    assert Bridge.objects.count() == 10


def test_both_legs_end_at_the_same_moment(application: Application, crowd: Crowd) -> None:
    account = a_talker(calls_at_once=30, balance="50.00")
    for attempt in range(ROUNDS):
        first, second = legs_of(a_bridge(account, destination=f"+4477009001{attempt:02}"))
        told(application, answered(first, f"first-{attempt}"))
        told(application, answered(second, f"second-{attempt}"))
        ends = [
            partial(told, application, ended(first, 30, provider_call_id=f"first-{attempt}")),
            partial(told, application, ended(second, 30, provider_call_id=f"second-{attempt}")),
        ]
        crowd.at_once(ends)
    carry_out(crowd)
    assert Row.objects.filter(kind="hang_up").exclude(state=Row.State.DONE).count() == 0
    assert CDR.objects.count() == 2 * ROUNDS
    assert (balance(account), held(account)) == (Decimal(50) - ROUNDS * Decimal("0.08"), Decimal(0))


def test_the_first_hangs_up_while_its_answer_is_decided(application: Application, crowd: Crowd) -> None:
    """Whichever comes first: the second is called off, and its money is free again."""
    account = a_talker(calls_at_once=30, balance="50.00")
    for attempt in range(ROUNDS):
        first, _ = legs_of(a_bridge(account, destination=f"+4477009001{attempt:02}"))
        Row.objects.filter(subject=first.pk).update(state="done", finished_at=timezone.now())
        news = [
            partial(told, application, answered(first, f"first-{attempt}")),
            partial(told, application, ended(first, 2, provider_call_id=f"first-{attempt}")),
        ]
        crowd.at_once(news)
    for _ in range(3):
        carry_out(crowd)
    assert Call.objects.filter(ended_at=None).count() == 0
    assert (balance(account), held(account)) == (Decimal(50) - ROUNDS * Decimal("0.02"), Decimal(0))


def carry_out(crowd: Crowd) -> None:
    """What workers do, each row by a thread of its own."""
    Row.objects.filter(state__in=["ready", "retry"]).update(due_at=timezone.now())
    leased = in_one_transaction(lambda: rows.lease(timezone.now(), 100))
    crowd.at_once([partial(performing.perform, row_id) for row_id in leased])
