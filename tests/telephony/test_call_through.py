"""An app says where a call is to go, and the call is connected there: once, soon, and for nobody else."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest

from accounts.models import Account, CallerNumber, ClientUser
from accounts.registration import add_verified_number, suspend
from billing.models import Hold
from postgres.work import in_one_transaction
from telephony import call_through, control
from telephony.call_through import CallThroughRefused, Promised, Wish
from telephony.decisions import Ask, Connect, Decision, Reason, Refuse
from telephony.models import AccessNumber, Application, Call, CallThrough, CallThroughCaller
from tests import books
from tests.builders import a_deck, an_access_number, an_account, an_application, held
from tests.telephony.received import NOW, from_a_phone, received

pytestmark = pytest.mark.django_db

MOBILE = "+447700900123"
SECOND_SIM = "+447700900124"
LONDON = "+442079460101"
ACCESS = "+442079460199"
OTHER_ACCESS = "+442079460198"
STOCKHOLM = "+46846500401"


@pytest.fixture
def application() -> Application:
    a_deck({"44": "0.06", "46": "0.02"})
    return an_application()


@pytest.fixture
def access(application: Application) -> AccessNumber:
    return an_access_number(application, ACCESS, is_offered=True, leads="nowhere")


@pytest.fixture
def alice(access: AccessNumber) -> Account:
    return an_account(client_user="alice", numbers=[MOBILE])


def wish(account: Account, user: str = "alice", dialled: str = LONDON, **more: object) -> Wish:
    client = ClientUser.objects.get(name=user)
    return Wish(account_id=account.pk, client_user_id=client.pk, client_user=user, dialled=dialled, **more)  # type: ignore[arg-type]


def ask_for(wished: Wish, at: datetime = NOW) -> Promised:
    return in_one_transaction(lambda: call_through.promise(wished, at))


def refused(wished: Wish, at: datetime = NOW) -> Refuse:
    with pytest.raises(CallThroughRefused) as caught:
        ask_for(wished, at)
    return caught.value.refused


def calls(
    application: Application, call_id: str = "one", cli: str = MOBILE, to: str = ACCESS, seconds: float = 10
) -> Decision:
    at = NOW + timedelta(seconds=seconds)
    event = replace(from_a_phone(call_id, to, cli), at=at)
    decision = control.decide(received(event, application, received_at=at))
    assert books.differences() == {}
    return decision


def another_user(account: Account, name: str = "bob") -> ClientUser:
    return ClientUser.objects.create(account=account, name=name)


# --- the call that was said to come ----------------------------------------------------------------------------------


def test_the_call_is_connected_where_the_app_asked_without_a_key(alice: Account, application: Application) -> None:
    promised = ask_for(wish(alice))
    assert (promised.access_number, promised.destination) == (ACCESS, LONDON)
    assert not Hold.objects.exists(), "no money is held before the call comes"
    decision = calls(application)
    assert isinstance(decision, Connect)
    assert (decision.number, decision.caller_id, decision.say) == (LONDON, MOBILE, ())
    call = Call.objects.get()
    assert (call.account, call.destination, call.access_number.number) == (alice, LONDON, ACCESS)
    assert call.call_through_id == promised.id
    assert held(alice) > 0
    rule = CallThrough.objects.get()
    assert (rule.claimed_by, rule.claimed_at) == (call.pk, NOW + timedelta(seconds=10))


def test_the_same_call_told_again_gets_the_same_answer(alice: Account, application: Application) -> None:
    ask_for(wish(alice))
    first = calls(application)
    assert calls(application, seconds=12) == first
    assert Hold.objects.count() == 1


def test_the_same_call_told_again_does_not_take_a_newer_wish(alice: Account, application: Application) -> None:
    ask_for(wish(alice))
    first = calls(application)
    ask_for(wish(alice, dialled=STOCKHOLM), NOW + timedelta(seconds=11))
    assert calls(application, seconds=12) == first
    second = calls(application, "two", seconds=13)
    assert isinstance(second, Connect)
    assert second.number == STOCKHOLM


def test_a_second_call_gets_nothing(alice: Account, application: Application) -> None:
    ask_for(wish(alice))
    calls(application)
    decision = calls(application, "two")
    assert isinstance(decision, Refuse)
    assert decision.reason is Reason.NOT_IDENTIFIED


def test_a_call_from_another_number_gets_nothing(alice: Account, application: Application) -> None:
    ask_for(wish(alice))
    assert isinstance(calls(application, cli="+447700900999"), Refuse)
    assert isinstance(calls(application, "two", cli=""), Refuse)
    assert isinstance(calls(application, "three"), Connect), "and takes nothing away"


def test_a_call_to_another_access_number_gets_nothing(alice: Account, application: Application) -> None:
    an_access_number(application, OTHER_ACCESS, leads="nowhere")
    ask_for(wish(alice))
    assert isinstance(calls(application, to=OTHER_ACCESS), Refuse)


def test_another_application_with_the_same_number_gets_nothing(alice: Account) -> None:
    ask_for(wish(alice))
    assert isinstance(calls(an_application()), Refuse)


@pytest.mark.parametrize(("seconds", "is_connected"), [(59, True), (64, True), (66, False), (3600, False)])
def test_a_wish_runs_out_after_a_minute_give_or_take_a_clock(
    alice: Account, application: Application, seconds: int, is_connected: bool
) -> None:
    ask_for(wish(alice))
    assert isinstance(calls(application, seconds=seconds), Connect) is is_connected


def test_what_counts_is_when_the_call_was_begun(alice: Account, application: Application) -> None:
    ask_for(wish(alice))
    event = replace(from_a_phone("one", ACCESS), at=NOW + timedelta(seconds=50))
    late = received(event, application, received_at=NOW + timedelta(seconds=90))
    assert isinstance(control.decide(late), Connect)


@pytest.mark.parametrize("told", [NOW - timedelta(hours=1), NOW + timedelta(seconds=110), NOW + timedelta(hours=5)])
def test_a_clock_that_is_far_off_brings_no_wish_back(alice: Account, application: Application, told: datetime) -> None:
    ask_for(wish(alice))
    event = replace(from_a_phone("one", ACCESS), at=told)
    assert isinstance(control.decide(received(event, application, received_at=NOW + timedelta(minutes=3))), Refuse)


def test_a_clock_that_is_far_off_keeps_no_call_from_its_wish(alice: Account, application: Application) -> None:
    ask_for(wish(alice))
    event = replace(from_a_phone("one", ACCESS), at=NOW - timedelta(hours=1))
    coming = received(event, application, received_at=NOW + timedelta(seconds=10))
    assert isinstance(control.decide(coming), Connect)


def test_a_call_of_an_account_suspended_meanwhile_is_refused(alice: Account, application: Application) -> None:
    ask_for(wish(alice))
    suspend(alice)
    decision = calls(application)
    assert isinstance(decision, Refuse)
    assert decision.reason is Reason.ACCOUNT_NOT_ACTIVE
    call = Call.objects.get()
    assert (call.account, call.destination) == (alice, LONDON)


def test_money_spent_meanwhile_is_noticed_when_the_call_comes(application: Application, access: AccessNumber) -> None:
    poor = an_account(client_user="alice", numbers=[MOBILE], balance="0.06", calls_at_once=2)
    ask_for(wish(poor))
    ask_for(wish(poor), NOW + timedelta(seconds=1))
    assert isinstance(calls(application), Connect)
    ask_for_refused = refused(wish(poor), NOW + timedelta(seconds=20))
    assert ask_for_refused.reason is Reason.NOT_ENOUGH_CREDIT


def test_a_number_that_changed_hands_meanwhile_calls_at_nobodys_cost(alice: Account, application: Application) -> None:
    ask_for(wish(alice))
    CallerNumber.objects.update(account=an_account())
    assert isinstance(calls(application), Refuse)


def test_a_number_that_leads_to_the_calling_card_asks_for_the_pin_without_a_wish(
    alice: Account, application: Application
) -> None:
    AccessNumber.objects.update(leads="calling_card")
    assert isinstance(calls(application), Ask)
    ask_for(wish(alice))
    assert isinstance(calls(application, "two"), Connect)


@pytest.mark.parametrize("ended", [{"replaced_at": NOW}, {"claimed_at": NOW, "claimed_by": uuid4()}])
def test_a_wish_that_was_found_and_is_gone_by_now_is_nobodys(alice: Account, ended: dict[str, object]) -> None:
    """Another call, or a newer wish, was faster: as it is between two calls at the same moment."""
    promised = ask_for(wish(alice))
    assert promised.id is not None
    CallThrough.objects.update(**ended)
    mapped = call_through.Mapped(id=promised.id, account_id=alice.pk, destination=LONDON)
    assert not in_one_transaction(lambda: call_through.claim(mapped, uuid4(), NOW))
    assert CallThrough.objects.get().claimed_by == ended.get("claimed_by")


# --- several callers, several people ---------------------------------------------------------------------------------


def test_either_sim_may_call_and_the_other_gets_nothing_then(alice: Account, application: Application) -> None:
    add_verified_number(alice.pk, SECOND_SIM, NOW)
    ask_for(wish(alice))
    assert CallThroughCaller.objects.count() == 2
    decision = calls(application, cli=SECOND_SIM)
    assert isinstance(decision, Connect)
    assert decision.caller_id == SECOND_SIM, "the number that calls is shown, and no other of hers"
    assert isinstance(calls(application, "two"), Refuse)
    assert not CallThroughCaller.objects.filter(closed_at=None).exists()


def test_a_number_somebody_only_claims_cannot_call(alice: Account, application: Application) -> None:
    CallerNumber.objects.create(account=alice, number=SECOND_SIM)
    ask_for(wish(alice))
    assert isinstance(calls(application, cli=SECOND_SIM), Refuse)


def test_the_newest_destination_wins_where_there_is_one_access_number(alice: Account, application: Application) -> None:
    old = ask_for(wish(alice))
    new = ask_for(wish(alice, dialled=STOCKHOLM))
    assert CallThrough.objects.get(pk=old.id).replaced_at == NOW
    decision = calls(application)
    assert isinstance(decision, Connect)
    assert decision.number == STOCKHOLM
    assert CallThrough.objects.get(pk=new.id).claimed_by is not None


def test_a_second_destination_gets_another_access_number_while_there_is_one(
    alice: Account, application: Application
) -> None:
    an_access_number(application, OTHER_ACCESS, is_offered=True, leads="nowhere")
    first = ask_for(wish(alice))
    second = ask_for(wish(alice, dialled=STOCKHOLM))
    assert {first.access_number, second.access_number} == {ACCESS, OTHER_ACCESS}
    by_number = {first.access_number: LONDON, second.access_number: STOCKHOLM}
    for call_id, (number, destination) in enumerate(by_number.items()):
        decision = calls(application, str(call_id), to=number)
        assert isinstance(decision, Connect)
        assert decision.number == destination


def test_a_request_that_is_repeated_gets_the_same_access_number(alice: Account, application: Application) -> None:
    an_access_number(application, OTHER_ACCESS, is_offered=True, leads="nowhere")
    first = ask_for(wish(alice))
    again = ask_for(wish(alice), NOW + timedelta(seconds=2))
    assert again.access_number == first.access_number
    assert isinstance(calls(application, seconds=61), Connect), "it counts from the second request"


def test_two_people_with_the_same_number_get_different_access_numbers(alice: Account, application: Application) -> None:
    another_user(alice)
    an_access_number(application, OTHER_ACCESS, is_offered=True, leads="nowhere")
    hers, his = ask_for(wish(alice)), ask_for(wish(alice, "bob", STOCKHOLM))
    assert hers.access_number != his.access_number


def test_somebody_else_of_the_account_waits_where_there_is_one_access_number(
    alice: Account, application: Application
) -> None:
    another_user(alice)
    ask_for(wish(alice))
    assert refused(wish(alice, "bob", STOCKHOLM)).reason is Reason.ACCESS_NUMBER_BUSY
    decision = calls(application)
    assert isinstance(decision, Connect)
    assert decision.number == LONDON
    assert ask_for(wish(alice, "bob", STOCKHOLM)).access_number == ACCESS


def test_what_somebody_else_asked_for_is_in_nobodys_way_once_it_has_run_out(alice: Account) -> None:
    another_user(alice)
    ask_for(wish(alice))
    assert ask_for(wish(alice, "bob", STOCKHOLM), NOW + timedelta(seconds=70)).access_number == ACCESS


def test_people_with_numbers_of_their_own_are_not_in_each_others_way(alice: Account, application: Application) -> None:
    bob = another_user(alice)
    add_verified_number(alice.pk, SECOND_SIM, NOW)
    CallerNumber.objects.filter(number=SECOND_SIM).update(client_user=bob)
    CallerNumber.objects.filter(number=MOBILE).update(client_user=ClientUser.objects.get(name="alice"))
    ask_for(wish(alice))
    ask_for(wish(alice, "bob", STOCKHOLM))
    hers, his = calls(application, "one", MOBILE), calls(application, "two", SECOND_SIM)
    assert isinstance(hers, Connect)
    assert isinstance(his, Connect)
    assert (hers.number, his.number) == (LONDON, STOCKHOLM)


def test_two_accounts_share_an_access_number_and_reach_their_own(alice: Account, application: Application) -> None:
    bob = an_account(client_user="bob", numbers=[SECOND_SIM])
    ask_for(wish(alice))
    ask_for(wish(bob, "bob", STOCKHOLM))
    his, hers = calls(application, "two", SECOND_SIM), calls(application, "one", MOBILE)
    assert isinstance(hers, Connect)
    assert isinstance(his, Connect)
    assert (hers.number, his.number) == (LONDON, STOCKHOLM)


# --- what is refused before anybody dials ----------------------------------------------------------------------------


def test_nobody_without_a_verified_number_is_promised_anything(access: AccessNumber) -> None:
    account = an_account(client_user="alice")
    assert refused(wish(account)).reason is Reason.NO_CALLER_NUMBER
    assert not CallThrough.objects.exists()


def test_where_no_access_number_is_offered_there_is_none(alice: Account) -> None:
    AccessNumber.objects.update(country="FR")
    assert refused(wish(alice)).reason is Reason.NO_ACCESS_NUMBER


def test_the_access_number_is_that_of_the_country_the_request_came_from(
    alice: Account, application: Application
) -> None:
    an_access_number(application, STOCKHOLM, is_offered=True, leads="nowhere")
    assert ask_for(wish(alice, country="SE")).access_number == STOCKHOLM
    assert ask_for(wish(alice, country="FR")).access_number == ACCESS
    assert ask_for(wish(alice, country="SE", access_number=ACCESS)).access_number == ACCESS


def test_credit_is_asked_for_before_anybody_dials(access: AccessNumber) -> None:
    account = an_account(client_user="alice", numbers=[MOBILE], balance="0.01")
    answer = refused(wish(account))
    assert answer.reason is Reason.NOT_ENOUGH_CREDIT
    assert "0.06" in answer.detail
    assert not CallThrough.objects.exists()


@pytest.mark.parametrize(
    ("dialled", "reason"),
    [
        ("12345", Reason.DESTINATION_UNREADABLE),
        ("+61491570156", Reason.NO_RATE),
        (ACCESS, Reason.DESTINATION_UNSUPPORTED),
        ("+46846500499", Reason.DESTINATION_NOT_ALLOWED),
    ],
)
def test_a_destination_is_judged_as_for_any_call(access: AccessNumber, dialled: str, reason: Reason) -> None:
    account = an_account(client_user="alice", numbers=[MOBILE], deny=["46846"])
    assert refused(wish(account, dialled=dialled)).reason is reason
    assert not CallThrough.objects.exists()


def test_a_national_number_is_one_of_the_callers_country(alice: Account) -> None:
    assert ask_for(wish(alice, dialled="020 7946 0101")).destination == LONDON


def test_whoever_asks_too_often_waits(alice: Account) -> None:
    for _ in range(call_through.MOST_A_MINUTE):
        ask_for(wish(alice))
    assert refused(wish(alice)).reason is Reason.TOO_OFTEN
    ask_for(wish(alice), NOW + timedelta(seconds=61))


def test_wholesale_may_ask_as_often_as_it_likes(access: AccessNumber) -> None:
    account = an_account(client_user="alice", numbers=[MOBILE], velocity_limits=False)
    for _ in range(call_through.MOST_A_MINUTE + 1):
        ask_for(wish(account))


def test_without_remembering_nothing_is_kept(alice: Account, application: Application) -> None:
    promised = ask_for(wish(alice, remembers=False))
    assert (promised.id, promised.access_number, promised.destination) == (None, ACCESS, LONDON)
    assert not CallThrough.objects.exists()
    assert isinstance(calls(application), Refuse)


# --- the way in ------------------------------------------------------------------------------------------------------


def test_calls_that_come_in_by_a_number_are_priced_by_its_deck(alice: Account, application: Application) -> None:
    dearer = a_deck({"44": "0.10"}, name="by access number").deck
    euros = a_deck({"44": "9.00"}, name="euros", currency="EUR").deck
    AccessNumber.objects.get().rate_decks.set([dearer, euros])
    ask_for(wish(alice))
    calls(application)
    assert Hold.objects.get().rate.price_per_minute == Decimal("0.10")
