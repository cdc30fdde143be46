"""Callouts from the promise to the ledger: out by HTTP to the platform, in by its callbacks."""

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
from billing.models import Entry, Hold
from outbox import performing, rows
from outbox.models import Row
from postgres.work import in_one_transaction
from sandbox import Alter, Kind, Lose, Mishap, Phone, Sandbox
from sandbox import Call as SandboxCall
from telephony import callout_dialling
from telephony.models import CDR, Call, Callout
from telephony.reconcile import reconcile
from tests.builders import A_SECRET, an_application, balance, held, house
from tests.sinch_caller import PATH
from tests.telephony.callout_scenes import CALLEE, OWN, a_caller, a_callout, a_survey, row_of, the_call

pytestmark = pytest.mark.django_db(transaction=True)

KEY = "00000000-0000-4000-8000-0000000ca110"


@dataclass
class Desk:
    """A platform, and the account that has people called there."""

    platform: Sandbox
    account: Account

    def call(self, phone: Phone | None = None, *mishaps: Mishap, **changes: Any) -> Callout:
        """Have CALLEE called, who behaves like this phone; what was placed comes to its end."""
        if phone is not None:
            self.platform.phones[CALLEE] = phone
        self.platform.misbehave(*mishaps)
        callout = a_callout(self.account, **changes)
        self.carry_out()
        return Callout.objects.get(pk=callout.pk)

    def carry_out(self, *, everything: bool = False) -> None:
        """What the relay, a worker and time do."""
        if everything:
            Row.objects.exclude(state__in=["done", "dead"]).update(due_at=timezone.now())
        for row_id in in_one_transaction(lambda: rows.lease(timezone.now(), 100)):
            performing.perform(row_id)
        self.platform.run()

    @property
    def placed(self) -> list[SandboxCall]:
        """What the platform really called."""
        return [call for call in self.platform.calls if call.callout is not None]

    def books(self) -> tuple[Decimal, Decimal, Decimal]:
        """What the account has, what is held of it, and what we earned."""
        return balance(self.account), held(self.account), house(Entry.House.REVENUE)


@pytest.fixture
def desk(live_server: LiveServer) -> Iterator[Desk]:
    platform = Sandbox(target=live_server.url + PATH, key=KEY, secret=A_SECRET, timeout_seconds=60)
    with platform.rest_server() as url:
        an_application(key=KEY, base_url=url)
        yield Desk(platform, a_caller())


def test_somebody_answers_hears_the_text_and_it_is_charged_as_any_call(desk: Desk) -> None:
    callout = desk.call(Phone.answers(talks_seconds=None))
    assert (callout.state, callout.result, callout.attempts) == (Callout.State.DONE, "answered", 1)
    (there,) = desk.placed
    call = the_call(callout)
    assert (call.provider_call_id, call.shown_caller_id) == (there.call_id, OWN)
    assert call.answered_at is not None
    assert [heard.text for heard in there.heard] == ["Your table is ready."]
    record = CDR.objects.get()
    assert (record.duration_seconds, record.result, record.source) == (there.duration_seconds, "answered", "event")
    assert desk.books() == (Decimal("4.94"), Decimal(0), Decimal("0.06"))
    assert row_of(call).state == Row.State.DONE
    assert desk.platform.oracle.duplicates() == {}


def test_busy_is_called_again_and_costs_nothing(desk: Desk) -> None:
    callout = desk.call(Phone.busy(), most_attempts=2, retry_seconds=60)
    assert (callout.state, callout.result) == (Callout.State.WAITING, "busy")
    assert desk.books() == (Decimal(5), Decimal(0), Decimal(0))
    desk.platform.phones[CALLEE] = Phone.answers()
    callout_dialling.begin_due(timezone.now() + timedelta(seconds=61))
    desk.carry_out()
    callout.refresh_from_db()
    assert (callout.state, callout.result, callout.attempts) == (Callout.State.DONE, "answered", 2)
    assert desk.books() == (Decimal("4.94"), Decimal(0), Decimal("0.06"))
    assert sorted(CDR.objects.values_list("result", "charge")) == [("answered", Decimal("0.06")), ("busy", Decimal(0))]


def test_nobody_answers_until_that_was_enough(desk: Desk) -> None:
    callout = desk.call(Phone.busy())
    assert (callout.state, callout.result) == (Callout.State.FAILED, "busy")
    assert Hold.objects.get().state == Hold.State.RELEASED


@pytest.mark.parametrize(
    ("on_machine", "heard", "cost"), [("hang_up", [], "0.00"), ("speak", ["Your table is ready."], "0.06")]
)
def test_a_machine_answers(desk: Desk, on_machine: str, heard: list[str], cost: str) -> None:
    callout = desk.call(Phone.answering_machine(), on_machine=Callout.OnMachine(on_machine))
    assert (callout.state, callout.machine) == (Callout.State.DONE, "machine")
    (there,) = desk.placed
    assert [each.text for each in there.heard] == heard
    assert desk.books() == (Decimal(5) - Decimal(cost), Decimal(0), Decimal(cost))


def test_a_person_is_told_from_a_machine(desk: Desk) -> None:
    callout = desk.call(Phone.answers(), on_machine=Callout.OnMachine.HANG_UP)
    assert (callout.state, callout.machine) == (Callout.State.DONE, "human")
    assert [each.text for each in desk.placed[0].heard] == ["Your table is ready."]


def test_a_menu_is_played_and_its_answers_are_kept(desk: Desk) -> None:
    changes = {"kind": Callout.Kind.MENU, "text": "A short survey.", "menu_version_id": a_survey()}
    callout = desk.call(Phone.answers(talks_seconds=None, keys=["1", "2024#"]), **changes)
    assert (callout.state, callout.heard) == (Callout.State.DONE, [["well", "yes"], ["when", "2024"]])
    assert CDR.objects.get().duration_seconds == desk.placed[0].duration_seconds
    assert held(desk.account) == 0


def test_a_conference_is_joined_for_no_longer_than_was_paid_for(desk: Desk) -> None:
    changes = {"kind": Callout.Kind.CONFERENCE, "conference_id": "team", "text": "Welcome."}
    callout = desk.call(Phone.answers(talks_seconds=None), **changes)
    call = the_call(callout)
    assert callout.state == Callout.State.DONE
    assert CDR.objects.get().duration_seconds == call.limit_seconds == desk.placed[0].duration_seconds
    assert desk.books()[1] == 0


@pytest.mark.parametrize("mishap", [Mishap.LOST, Mishap.GARBAGE, Mishap.ERROR_AFTER])
def test_an_answer_that_was_lost_places_no_second_call_and_loses_no_money(desk: Desk, mishap: Mishap) -> None:
    callout = desk.call(Phone.answers(), mishap)
    assert callout.state == Callout.State.DONE
    desk.carry_out(everything=True)
    assert len(desk.platform.oracle.of(Kind.CALLOUT)) == 1
    assert row_of(the_call(callout)).state == Row.State.DONE
    assert the_call(callout).provider_call_id == desk.placed[0].call_id
    assert desk.books() == (Decimal("4.94"), Decimal(0), Decimal("0.06"))


def test_an_error_before_the_call_was_placed_gives_the_money_back_in_the_end(desk: Desk) -> None:
    callout = desk.call(Phone.answers(), Mishap.ERROR_BEFORE)
    assert (callout.state, row_of(the_call(callout)).state) == (Callout.State.CALLING, Row.State.UNKNOWN)
    assert held(desk.account) == Decimal("0.06")
    Row.objects.update(doubtful_since=timezone.now() - timedelta(hours=1))
    desk.carry_out(everything=True)
    callout.refresh_from_db()
    assert (callout.state, callout.detail) == (Callout.State.FAILED, "Nobody could say whether it was placed.")
    assert desk.platform.oracle.done == []
    assert desk.books() == (Decimal(5), Decimal(0), Decimal(0))


def test_what_the_platform_forbids_fails_at_once(desk: Desk) -> None:
    callout = desk.call(Phone(forbidden=True), most_attempts=3)
    assert (callout.state, callout.result) == (Callout.State.FAILED, "failed")
    assert "forbidden" in callout.detail
    assert desk.books() == (Decimal(5), Decimal(0), Decimal(0))


def test_without_our_credit_at_the_platform_it_fails_at_once(desk: Desk) -> None:
    desk.platform.out_of_credit = True
    callout = desk.call(Phone.answers())
    assert callout.state == Callout.State.FAILED
    assert desk.books() == (Decimal(5), Decimal(0), Decimal(0))


def test_events_that_lost_our_mark_are_found_by_the_platforms_id(desk: Desk) -> None:
    desk.platform.callout_faults = (Alter("ace", {"custom": ""}), Alter("dice", {"custom": "something else"}))
    callout = desk.call(Phone.answers())
    assert callout.state == Callout.State.DONE
    assert Call.objects.count() == 1
    assert desk.books() == (Decimal("4.94"), Decimal(0), Decimal("0.06"))


def test_a_hang_up_that_never_comes_is_asked_for(desk: Desk) -> None:
    desk.platform.callout_faults = (Lose("dice"),)
    callout = desk.call(Phone.answers())
    assert callout.state == Callout.State.CALLING
    reconcile(timezone.now() + timedelta(minutes=10))
    callout.refresh_from_db()
    assert (callout.state, callout.result) == (Callout.State.DONE, "answered")
    assert CDR.objects.get().source == CDR.Source.ASKED
    assert desk.books() == (Decimal("4.94"), Decimal(0), Decimal("0.06"))
