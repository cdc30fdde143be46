"""A call that its provider does not end is ended by us, and settled by what the provider says when it is asked."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from accounts.limits import PLATFORM_LONGEST_CALL_SECONDS
from accounts.models import Account, Notice
from accounts.registration import add_verified_number
from billing.models import Entry, Hold
from outbox.errands import Claimed, GivenUp, patient_kinds
from outbox.models import Row
from postgres.work import in_one_transaction
from telephony.ending_in_time import WatchErrand
from telephony.models import CDR, Call, Callout
from telephony.policy import LATE_SECONDS, LONGEST_CHARGED_SECONDS
from telephony.providers.sift.provider import Sift
from telephony.reconcile import reconcile, write_down
from telephony.watching import LOOKS_EVERY
from tests import books
from tests.builders import a_deck, an_account, balance, held, house
from tests.sift_caller import A_TOKEN, AN_ACCOUNT, SiftCaller
from tests.telephony.callout_scenes import OWN, a_callout, the_call
from tests.telephony.rest_api import RestApi, serving
from tests.telephony.sift_scenes import Desk, a_sift_application, begun, watch

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _the_books_are_in_order(db: None) -> Iterator[None]:
    yield
    assert books.differences() == {}


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def api(desk: Desk) -> Iterator[RestApi]:
    with serving(desk.answers) as api:
        yield api


@pytest.fixture
def account() -> Account:
    a_deck({"44": "0.06"})
    return an_account(client_user="alice", calls_at_once=2, exposure_allowance=Decimal(40))


@pytest.fixture
def sift(account: Account, api: RestApi) -> SiftCaller:
    return SiftCaller(a_sift_application(api.url))


@pytest.fixture
def call(sift: SiftCaller) -> Call:
    """Alice talks to the United Kingdom: 2.50 of her 5.00 are held, which is 41 minutes and 10 seconds to be late."""
    assert "CallPhone" in sift.incoming("c-1").names
    return Call.objects.get(provider_call_id="c-1")


def test_the_money_is_held_for_the_limit_and_for_being_late(call: Call, account: Account) -> None:
    assert call.limit_seconds == 30 * 60
    assert (held(account), LATE_SECONDS) == (Decimal("1.86"), 10)  # 30 minutes and 10 seconds: 31 minutes begun


def test_a_call_is_asked_about_every_minute_and_settled_when_it_has_ended(
    call: Call, desk: Desk, api: RestApi, account: Account
) -> None:
    row = Row.objects.get(subject=call.pk)
    assert row.due_at - call.begun_at == LOOKS_EVERY
    desk.going_on("c-1", call.begun_at)
    row = watch(call)
    assert (row.state, api.asked) == (Row.State.RETRY, ["c-1"])
    assert timedelta(seconds=55) < row.due_at - timezone.now() <= LOOKS_EVERY
    desk.ended("c-1", call.begun_at, 61)
    assert watch(call).state == Row.State.DONE
    cdr = CDR.objects.get(call=call)
    assert (cdr.duration_seconds, cdr.charge, cdr.source, cdr.review) == (61, Decimal("0.12"), "asked", "")
    assert (balance(account), held(account)) == (Decimal("4.88"), 0)


def test_a_look_lies_no_later_than_the_end_of_the_time(call: Call, desk: Desk) -> None:
    desk.going_on("c-1", begun("c-1", 30 * 60 - 20).begun_at)
    assert watch(call).due_at - timezone.now() <= timedelta(seconds=20)


def test_a_call_is_hung_up_when_its_time_is_up_and_not_before(call: Call, desk: Desk, api: RestApi) -> None:
    desk.going_on("c-1", begun("c-1", 30 * 60 - 20).begun_at)
    watch(call)
    assert api.asked == ["c-1"]
    desk.going_on("c-1", begun("c-1", 30 * 60 + 1).begun_at)
    row = watch(call)
    assert api.asked == ["c-1"] * 3  # asked, and told to end
    assert "told to end" in row.error
    assert row.due_at - timezone.now() <= timedelta(seconds=2)  # and looked at again at once


def test_ringing_takes_none_of_the_time_of_a_call(call: Call, desk: Desk, api: RestApi) -> None:
    begun("c-1", 30 * 60 + 20)
    desk.connections["c-1"] = SiftCaller.connection("c-1", status="connecting", start_time=None)
    watch(call)  # it cannot have been ringing for half an hour: 45 seconds of it are believed
    desk.going_on("c-1", timezone.now() - timedelta(seconds=30 * 60 - 10))
    watch(call)
    assert api.asked == ["c-1"] * 2
    desk.going_on("c-1", timezone.now() - timedelta(seconds=30 * 60 + 1))
    watch(call)
    assert api.asked == ["c-1"] * 4


def test_a_call_that_rings_for_ever_is_hung_up(call: Call, desk: Desk, api: RestApi) -> None:
    desk.connections["c-1"] = SiftCaller.connection("c-1", status="connecting", start_time=None)
    begun("c-1", 30 * 60 + 44)
    watch(call)
    assert api.asked == ["c-1"]
    begun("c-1", 30 * 60 + 46)
    watch(call)
    assert api.asked == ["c-1"] * 3


def test_a_late_cut_within_what_is_held_costs_us_nothing(call: Call, desk: Desk, account: Account) -> None:
    desk.ended("c-1", call.begun_at, 30 * 60 + 10)
    watch(call)
    cdr = CDR.objects.get(call=call)
    assert (cdr.charge, cdr.loss, cdr.review) == (Decimal("1.86"), 0, "")


def test_a_cut_that_comes_too_late_is_a_loss_in_the_books(call: Call, desk: Desk, account: Account) -> None:
    desk.ended("c-1", call.begun_at, 4 * 3600)
    watch(call)
    cdr = CDR.objects.get(call=call)
    assert (cdr.price, cdr.charge, cdr.loss) == (Decimal("14.40"), Decimal("5.00"), Decimal("9.40"))
    assert house(Entry.House.LOSS_OVERRUN) == Decimal("-9.40")
    assert "could not be charged" in cdr.review
    assert balance(account) == 0


def test_the_longest_call_there_is_is_charged_with_its_ringing_and_its_late_end(call: Call, desk: Desk) -> None:
    call = begun("c-1", 4 * 3600 + 60, limit_seconds=4 * 3600)
    desk.ended("c-1", call.begun_at, 4 * 3600 + LONGEST_CHARGED_SECONDS - PLATFORM_LONGEST_CALL_SECONDS)
    watch(call)
    assert (CDR.objects.get().price, CDR.objects.get().charge) == (Decimal("14.46"), Decimal("5.00"))


def test_no_loss_can_be_greater_than_the_allowance_of_its_slot(call: Call, desk: Desk, account: Account) -> None:
    desk.ended("c-1", call.begun_at, LONGEST_CHARGED_SECONDS + 1)
    watch(call)
    assert not CDR.objects.exists()
    assert Hold.objects.get().state == Hold.State.OPEN
    call.refresh_from_db()
    assert "could not be believed" in call.review


def test_what_lasted_longer_than_any_call_is_charged_as_the_longest_one(call: Call, desk: Desk) -> None:
    call = begun("c-1", 5 * 3600 + 1)
    desk.ended("c-1", call.begun_at, 5 * 3600)
    watch(call)
    cdr = CDR.objects.get(call=call)
    assert (cdr.duration_seconds, cdr.price) == (LONGEST_CHARGED_SECONDS, Decimal("14.46"))
    assert "it lasted 18000 s" in cdr.review


def test_a_call_that_the_provider_does_not_know_is_shown_to_a_person(call: Call, desk: Desk, api: RestApi) -> None:
    begun("c-1", 61)
    row = watch(call)
    assert (row.state, row.due_at - timezone.now() > timedelta(seconds=50)) == (Row.State.RETRY, True)
    call.refresh_from_db()
    assert "does not know it" in call.review
    begun("c-1", 30 * 60 + 90)
    watch(call)
    row = watch(call)
    assert row.due_at - timezone.now() > timedelta(minutes=2)
    assert not Notice.objects.exists()  # nothing goes on at our cost as far as anybody knows


def test_a_call_that_was_given_up_is_told_to_end_and_charged_when_it_is_found(
    call: Call, desk: Desk, api: RestApi, account: Account
) -> None:
    desk.status = 503
    begun("c-1", 24 * 3600 + 60)
    reconcile(timezone.now())
    assert CDR.objects.get().source == "expired"
    asked = len(api.asked)
    watch(call)
    assert len(api.asked) == asked + 2
    desk.status = 200
    desk.ended("c-1", timezone.now() - timedelta(hours=1), 600)
    assert watch(call).state == Row.State.DONE
    assert CDR.objects.get(revision=1).charge == Decimal("0.60")
    assert balance(account) == Decimal("4.40")


def test_what_ends_calls_goes_out_beside_paid_work(call: Call) -> None:
    assert not {"watch", "hang_up", "cut"} & set(patient_kinds())
    assert "webhook" in patient_kinds()


def test_a_watch_that_ends_by_our_own_mistake_alarms_the_operator(call: Call) -> None:
    row = Row.objects.get(subject=call.pk)
    claimed = Claimed(id=row.pk, key=row.key, subject=call.pk, payload={}, attempt=1, failures=8, doubtful_since=None)
    in_one_transaction(lambda: WatchErrand().record(claimed, GivenUp("a key is missing"), timezone.now()))
    assert "Nobody looks after call" in Notice.objects.get().text


def test_a_connection_without_an_end_time_keeps_its_hold(call: Call, desk: Desk, account: Account) -> None:
    desk.ended("c-1", call.begun_at, 61)
    del desk.connections["c-1"]["end_time"]
    watch(call)
    assert not CDR.objects.exists()
    assert held(account) == Decimal("1.86")


def test_a_call_in_a_state_that_we_do_not_know_is_hung_up_in_time(call: Call, desk: Desk, api: RestApi) -> None:
    call = begun("c-1", 30 * 60 + 50)
    desk.connections["c-1"] = SiftCaller.connection("c-1", status="paused", start_time=call.begun_at.isoformat())
    row = watch(call)
    assert (row.state, api.asked) == (Row.State.RETRY, ["c-1", "c-1"])


def test_a_provider_that_cannot_be_asked_is_told_to_hang_up_all_the_same(call: Call, desk: Desk, api: RestApi) -> None:
    desk.status = 503
    begun("c-1", 30 * 60 + 1)
    row = watch(call)
    assert api.asked == ["c-1"] * 2
    assert row.state == Row.State.RETRY


def test_a_call_that_cannot_be_ended_alarms_the_operator_once(call: Call, desk: Desk) -> None:
    desk.status = 503
    begun("c-1", 30 * 60 + 45)
    watch(call)
    assert not Notice.objects.exists()  # we may have stood still until now, and it may obey
    watch(call)
    watch(call)
    notice = Notice.objects.get()
    assert "cannot be ended" in notice.text
    assert str(call.pk) in notice.text


def test_a_refused_call_is_written_down_and_costs_nothing(sift: SiftCaller, desk: Desk, account: Account) -> None:
    assert sift.incoming("c-2", {"phone_number": "+12025550123"}).names == ["Say", "HangUp"]
    call = Call.objects.get(provider_call_id="c-2")
    desk.ended("c-2", call.begun_at, 4)
    assert watch(call).state == Row.State.DONE
    cdr = CDR.objects.get(call=call)
    assert (cdr.price, cdr.review) == (0, "")  # it was answered for its refusal to be heard


def test_a_refused_call_that_stays_on_the_line_is_hung_up(sift: SiftCaller, desk: Desk, api: RestApi) -> None:
    sift.incoming("c-2", {"phone_number": "+12025550123"})
    call = begun("c-2", 300, ended_at=timezone.now() - timedelta(seconds=55))  # it was in a menu before
    desk.going_on("c-2", call.begun_at)
    watch(call)
    assert api.asked == ["c-2"]
    call = begun("c-2", 300, ended_at=timezone.now() - timedelta(seconds=61))
    watch(call)
    assert api.asked == ["c-2"] * 3


def test_a_refused_call_is_not_looked_after_for_ever(sift: SiftCaller, desk: Desk, api: RestApi) -> None:
    sift.incoming("c-2", {"phone_number": "+12025550123"})
    assert watch(begun("c-2", 3601)).state == Row.State.DONE
    assert api.asked == []


def test_an_end_that_is_found_while_the_call_is_being_given_up_is_charged_all_the_same(
    call: Call, desk: Desk, account: Account
) -> None:
    begun("c-1", 25 * 3600)
    assert in_one_transaction(lambda: write_down(call.pk, "sift", None, timezone.now())) == "given_up"
    assert in_one_transaction(lambda: write_down(call.pk, "sift", None, timezone.now())) == "given_up"
    assert (CDR.objects.count(), held(account)) == (1, 0)
    desk.ended("c-1", call.begun_at, 61)
    told = Sift().ask_about_call(call.application.base_url, AN_ACCOUNT, A_TOKEN, "c-1")
    for _ in "twice":
        assert in_one_transaction(lambda: write_down(call.pk, "sift", told, timezone.now())) == "settled"
    assert (CDR.objects.count(), balance(account)) == (2, Decimal("4.88"))


def test_what_is_over_is_not_asked_about(call: Call, desk: Desk, api: RestApi) -> None:
    desk.ended("c-1", call.begun_at, 61)
    watch(call)
    Row.objects.filter(subject=call.pk).update(state=Row.State.RETRY, finished_at=None)
    assert watch(call).state == Row.State.DONE
    assert api.asked == ["c-1"]


def test_news_that_it_has_ended_is_no_proof_but_has_the_provider_asked_at_once(
    call: Call, sift: SiftCaller, desk: Desk, account: Account
) -> None:
    assert sift.conversation_ended("c-1").status == 200
    assert (CDR.objects.count(), held(account)) == (0, Decimal("1.86"))
    row = Row.objects.get(subject=call.pk)
    assert row.due_at - timezone.now() <= timedelta(seconds=1)
    before = row.due_at
    sift.status("c-1", "finished", start_time="2026-03-02T08:15:30Z", end_time="2026-03-02T08:15:31Z")
    row.refresh_from_db()
    assert row.due_at <= before
    desk.going_on("c-1", call.begun_at)
    watch(call)
    assert (CDR.objects.count(), held(account)) == (0, Decimal("1.86"))


class TestCallouts:
    """A callout's time begins when the provider begins it, which may be long after it was promised."""

    @pytest.fixture
    def callout(self, sift: SiftCaller, account: Account) -> Call:
        Account.objects.update(verified=True)
        add_verified_number(account.pk, OWN, timezone.now())
        call = the_call(a_callout(account))
        Call.objects.filter(pk=call.pk).update(provider_call_id="c-9")
        call.refresh_from_db()
        return call

    def test_its_time_begins_with_the_connection(self, callout: Call, desk: Desk, api: RestApi) -> None:
        call = begun("c-9", callout.limit_seconds + 5)
        desk.going_on("c-9", call.begun_at + timedelta(seconds=30))
        watch(call)
        assert api.asked == ["c-9"]
        desk.going_on("c-9", call.begun_at)
        watch(call)
        assert api.asked == ["c-9"] * 3

    def test_a_providers_clock_that_runs_ahead_gives_no_time_away(
        self, callout: Call, desk: Desk, api: RestApi
    ) -> None:
        answered_at = timezone.now() - timedelta(seconds=callout.limit_seconds + 1)
        call = begun("c-9", callout.limit_seconds + 30, answered_at=answered_at, state="answered")
        desk.going_on("c-9", timezone.now() + timedelta(hours=1))
        watch(call)
        assert api.asked == ["c-9"] * 2

    def test_one_that_is_not_placed_yet_waits(self, callout: Call, desk: Desk, api: RestApi) -> None:
        Call.objects.update(provider_call_id="")
        assert watch(callout).state == Row.State.RETRY
        assert api.asked == []
        assert Callout.objects.get().state == Callout.State.CALLING


@pytest.mark.django_db(transaction=True)
class TestAsInProduction:
    """Every statement once in a transaction of its own, as a worker and a web process send it."""

    def test_a_call_is_watched_hastened_and_settled(
        self, call: Call, sift: SiftCaller, desk: Desk, account: Account
    ) -> None:
        desk.going_on("c-1", call.begun_at)
        watch(call)
        assert sift.conversation_ended("c-1").status == 200
        desk.ended("c-1", call.begun_at, 61)
        assert watch(call).state == Row.State.DONE
        assert balance(account) == Decimal("4.88")

    def test_one_that_cannot_be_ended_alarms_the_operator(self, call: Call, desk: Desk) -> None:
        desk.status = 503
        begun("c-1", 30 * 60 + 45)
        watch(call)
        assert watch(call).state == Row.State.RETRY
        assert "cannot be ended" in Notice.objects.get().text

    def test_what_is_not_believed_is_marked_once(self, call: Call, desk: Desk) -> None:
        desk.ended("c-1", call.begun_at, 5 * 3600)
        assert watch(call).state == Row.State.DONE
        assert Row.objects.get(subject=call.pk, state=Row.State.READY).due_at > timezone.now()
        watch(call)
        assert Row.objects.filter(subject=call.pk).count() == 3
        call.refresh_from_db()
        assert call.review == "the provider's answer could not be believed"
