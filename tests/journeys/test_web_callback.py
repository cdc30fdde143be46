"""Web Callback from the wish to the ledger: two people are called by HTTP, talk in a conference, and are parted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone
from pytest_django.live_server_helper import LiveServer

from accounts.models import Account
from billing.models import Entry
from outbox import performing, rows
from outbox.models import Row
from postgres.work import in_one_transaction
from sandbox import Alter, Fault, Lose, Mishap, Phone, Sandbox
from sandbox import Call as SandboxCall
from telephony.models import CDR, Bridge, Call, Callout
from telephony.reconcile import reconcile
from tests.builders import A_SECRET, an_application, balance, held, house
from tests.sinch_caller import PATH
from tests.telephony.bridge_scenes import CALLBACK, DESTINATION, OUR_NUMBER, a_bridge, a_talker, legs_of

pytestmark = pytest.mark.django_db(transaction=True)

KEY = "00000000-0000-4000-8000-00000000b41d"
RINGS = 3


@dataclass
class Desk:
    """A platform, and the account that is called back there."""

    platform: Sandbox
    account: Account

    def call_back(self, *, caller: Phone, destination: Phone, seconds: int = 120, **changes: Any) -> Bridge:
        """Ask for it, and let so many seconds of the platform's time pass while a worker does what is due."""
        self.platform.phones[CALLBACK], self.platform.phones[DESTINATION] = caller, destination
        bridge = a_bridge(self.account, **changes)
        self.let_pass(seconds)
        return bridge

    def let_pass(self, seconds: int) -> None:
        for _ in range(seconds):
            self.carry_out()
            self.platform.run(1)
        self.carry_out()

    def carry_out(self) -> None:
        """What the relay and a worker do; who waits to be tried again has waited. No leg is beyond its limit yet."""
        waiting = Row.objects.filter(state__in=["ready", "retry", "unknown"]).exclude(kind="cut")
        waiting.update(due_at=timezone.now())
        for row_id in in_one_transaction(lambda: rows.lease(timezone.now(), 100)):
            performing.perform(row_id)

    def there(self, number: str) -> SandboxCall:
        """The one call that the platform made to this number."""
        (call,) = [call for call in self.platform.calls if call.to == number]
        return call

    @property
    def called(self) -> list[str]:
        return [call.to for call in self.platform.calls]

    def books(self) -> tuple[Decimal, Decimal, Decimal]:
        """What the account has, what is held of it, and what we earned."""
        return balance(self.account), held(self.account), house(Entry.House.REVENUE)


@pytest.fixture
def desk(live_server: LiveServer) -> Iterator[Desk]:
    platform = Sandbox(target=live_server.url + PATH, key=KEY, secret=A_SECRET, timeout_seconds=60)
    with platform.rest_server() as url:
        an_application(key=KEY, base_url=url, caller_id=OUR_NUMBER)
        yield Desk(platform, a_talker(calls_at_once=1))


def stays(seconds: int | None = None) -> Phone:
    return Phone.answers(RINGS, talks_seconds=seconds)


def charges() -> dict[str, tuple[int, str, Decimal]]:
    return {record.destination: (record.duration_seconds, record.result, record.charge) for record in CDR.objects.all()}


@pytest.mark.parametrize("caller_first", [True, False])
def test_two_are_brought_together_and_each_leg_is_charged_by_its_own_time(desk: Desk, caller_first: bool) -> None:
    who_hangs_up, who_is_left = (CALLBACK, DESTINATION) if not caller_first else (DESTINATION, CALLBACK)
    phones = {who_hangs_up: stays(70), who_is_left: stays()}
    bridge = desk.call_back(
        caller=phones[CALLBACK], destination=phones[DESTINATION], seconds=85, caller_first=caller_first
    )
    assert desk.called == [who_is_left, who_hangs_up], "the second telephone rings when the first was answered"
    first, second = desk.there(who_is_left), desk.there(who_hangs_up)
    assert first.conference_id == second.conference_id == Callout.objects.first().conference_id
    assert [heard.text for heard in first.heard] == ["Please hold the line. You are being connected."]
    assert second.heard == []
    assert (second.reason, second.duration_seconds) == ("CALLEEHANGUP", 70)
    assert first.reason == "MANAGERHANGUP"
    assert 70 < first.duration_seconds < 80
    prices = {CALLBACK: Decimal("0.04"), DESTINATION: Decimal("0.12")}
    assert charges() == {call.to: (call.duration_seconds, "answered", prices[call.to]) for call in (first, second)}
    assert desk.books() == (Decimal("4.84"), Decimal(0), Decimal("0.16"))
    assert {call.state for call in legs_of(bridge)} == {Call.State.ENDED}
    assert set(Callout.objects.values_list("state", flat=True)) == {"done"}


def test_each_sees_the_number_that_it_may_see(desk: Desk) -> None:
    desk.call_back(caller=stays(30), destination=stays(), seconds=40)
    assert (desk.there(CALLBACK).presented_cli, desk.there(DESTINATION).presented_cli) == (OUR_NUMBER, CALLBACK)


def test_who_waits_for_somebody_busy_hears_so_and_pays_for_the_wait(desk: Desk) -> None:
    desk.call_back(caller=stays(), destination=Phone.busy(), seconds=20)
    waiting = desk.there(CALLBACK)
    assert [heard.text for heard in waiting.heard][1:] == ["Nobody could be reached. Goodbye."]
    assert waiting.reason == "MANAGERHANGUP"
    assert charges()[DESTINATION] == (0, "busy", Decimal(0))
    assert desk.books() == (Decimal("4.98"), Decimal(0), Decimal("0.02"))


def test_nobody_is_called_and_nothing_is_charged_when_the_first_does_not_answer(desk: Desk) -> None:
    desk.call_back(caller=Phone.no_answer(), destination=stays(), seconds=65)
    assert desk.called == [CALLBACK]
    assert desk.books() == (Decimal(5), Decimal(0), Decimal(0))
    assert set(Callout.objects.values_list("state", flat=True)) == {"failed"}


def test_the_first_hangs_up_while_the_second_rings(desk: Desk) -> None:
    desk.call_back(caller=stays(10), destination=Phone.answers(20), seconds=40)
    rang = desk.there(DESTINATION)
    assert (rang.result, rang.reason) == ("ANSWERED", "MANAGERHANGUP")
    assert rang.duration_seconds <= 2
    assert held(desk.account) == 0


def test_the_first_hangs_up_while_nobody_answers_the_second(desk: Desk) -> None:
    desk.call_back(caller=stays(10), destination=Phone.no_answer(), seconds=75)
    assert charges()[DESTINATION] == (0, "no_answer", Decimal(0))
    assert desk.books() == (Decimal("4.98"), Decimal(0), Decimal("0.02"))


def test_the_second_may_not_be_called(desk: Desk) -> None:
    desk.call_back(caller=stays(), destination=Phone(forbidden=True), seconds=20)
    assert desk.called == [CALLBACK]
    assert desk.there(CALLBACK).reason == "MANAGERHANGUP"
    assert desk.books() == (Decimal("4.98"), Decimal(0), Decimal("0.02"))


def test_they_are_cut_when_what_was_held_is_used_up(desk: Desk) -> None:
    Account.objects.update(longest_call_seconds=60)
    bridge = desk.call_back(caller=stays(), destination=stays(), seconds=75)
    assert bridge.limit_seconds == desk.there(CALLBACK).duration_seconds == 60
    assert desk.there(DESTINATION).duration_seconds < 60
    assert desk.books() == (Decimal("4.92"), Decimal(0), Decimal("0.08"))


@pytest.mark.parametrize("mishap", [Mishap.LOST, Mishap.ERROR_AFTER])
def test_an_answer_that_was_lost_calls_nobody_twice(desk: Desk, mishap: Mishap) -> None:
    desk.platform.misbehave(mishap, mishap)
    desk.call_back(caller=stays(), destination=stays(50), seconds=70)
    assert desk.called == [CALLBACK, DESTINATION]
    assert desk.books() == (Decimal("4.92"), Decimal(0), Decimal("0.08"))


@pytest.mark.parametrize(
    "fault", [Alter("ace", {"custom": ""}), Alter("dice", {"custom": "something else"})], ids=["ace", "dice"]
)
def test_events_that_lost_our_mark_are_found_by_the_platforms_id(desk: Desk, fault: Fault) -> None:
    desk.platform.callout_faults = (fault,)
    desk.call_back(caller=stays(), destination=stays(50), seconds=70)
    assert desk.books() == (Decimal("4.92"), Decimal(0), Decimal("0.08"))


def test_hang_ups_that_never_come_are_asked_for(desk: Desk) -> None:
    desk.platform.callout_faults = (Lose("dice"),)
    desk.call_back(caller=stays(50), destination=stays(50), seconds=70)
    assert held(desk.account) == Decimal("4.80")
    reconcile(timezone.now() + timedelta(hours=2))
    desk.let_pass(1)
    assert set(CDR.objects.values_list("source", flat=True)) == {CDR.Source.ASKED}
    assert desk.books() == (Decimal("4.92"), Decimal(0), Decimal("0.08"))


def test_a_first_answer_that_never_reached_us_calls_nobody_and_gives_the_rest_back(desk: Desk) -> None:
    desk.platform.callout_faults = (Lose("ace"),)
    desk.call_back(caller=stays(30), destination=stays(), seconds=45)
    assert desk.called == [CALLBACK]
    assert desk.books() == (Decimal("4.98"), Decimal(0), Decimal("0.02"))
