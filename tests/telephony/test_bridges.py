"""Two people are called and brought together: who may have it, for how long, and what is held for it."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Account, CallerNumber, ClientUser, User
from accounts.registration import suspend
from billing.models import Hold
from outbox.models import Row
from telephony.bridges import MOST_AN_HOUR, MOST_AN_HOUR_UNVERIFIED, BridgeRefused
from telephony.decisions import Reason
from telephony.models import Application, Bridge, Call, Callout
from tests import books
from tests.builders import an_access_number, an_account, an_application, available, held, wallet_of
from tests.telephony.bridge_scenes import CALLBACK, DESTINATION, OUR_NUMBER, a_bridge, a_talker, bridged, legs_of

pytestmark = pytest.mark.django_db

OTHER = "+442079460001"


@pytest.fixture
def application() -> Application:
    return an_application(caller_id=OUR_NUMBER)


@pytest.fixture
def account(application: Application) -> Account:
    return a_talker()


def refused(account: Account, at: datetime | None = None, **changes: Any) -> tuple[Reason, str]:
    """The reason and its figures; nothing is written."""
    before = books.fingerprint()
    with pytest.raises(BridgeRefused) as refusal:
        bridged(account, at, **changes)
    assert books.fingerprint() == before
    return refusal.value.refused.reason, refusal.value.refused.detail


# --- what is promised ------------------------------------------------------------------------------------------------


def test_both_legs_are_written_and_held_and_only_the_first_is_to_be_called(account: Account) -> None:
    bridge = a_bridge(account)
    first, second = legs_of(bridge)
    assert (first.destination, second.destination) == (CALLBACK, DESTINATION)
    assert {first.state, second.state} == {Call.State.AUTHORISED}
    assert bridge.limit_seconds == first.limit_seconds == second.limit_seconds == 360
    holds = {hold.subject: hold for hold in Hold.objects.all()}
    assert (holds[first.pk].amount, holds[second.pk].amount) == (Decimal("0.12"), Decimal("0.36"))
    assert held(account) == Decimal("0.48"), "a tenth of the credit, because ten calls may be had at once"
    assert {(hold.expires_at - hold.opened_at).total_seconds() for hold in holds.values()} == {360 + 45 + 45 + 120}
    assert list(Row.objects.filter(kind="callout").values_list("subject", flat=True)) == [first.pk]
    assert bridge.client_user == account.client_users.get()
    assert books.differences() == {}


def test_its_callouts_share_a_conference_that_nobody_can_guess(account: Account) -> None:
    bridge = a_bridge(account)
    callouts = Callout.objects.filter(calls__bridge=bridge)
    assert {(one.kind, one.state, one.attempts, one.most_attempts) for one in callouts} == {("bridge", "calling", 1, 1)}
    (conference_id,) = {one.conference_id for one in callouts}
    assert 40 <= len(conference_id) <= 64
    (other,) = {one.conference_id for one in Callout.objects.filter(calls__bridge=a_bridge(account, destination=OTHER))}
    assert conference_id != other


def test_the_destination_sees_who_calls_and_the_caller_sees_our_number(account: Account) -> None:
    to_caller, to_destination = legs_of(a_bridge(account))
    assert (to_destination.shown_caller_id, to_destination.caller) == (CALLBACK, CALLBACK)
    assert (to_caller.shown_caller_id, to_caller.caller) == (OUR_NUMBER, OUR_NUMBER)


def test_of_several_numbers_the_destination_sees_the_one_that_is_called_back(application: Application) -> None:
    account = a_talker(numbers=["+442079460003", CALLBACK])
    _, to_destination = legs_of(a_bridge(account))
    assert to_destination.shown_caller_id == CALLBACK


def test_a_number_that_must_not_be_shown_is_not_shown(account: Account) -> None:
    CallerNumber.objects.update(is_shown=False)
    _, to_destination = legs_of(a_bridge(account))
    assert to_destination.shown_caller_id == OUR_NUMBER


def test_the_destination_may_be_called_first(account: Account) -> None:
    first, second = legs_of(a_bridge(account, caller_first=False))
    assert (first.destination, second.destination) == (DESTINATION, CALLBACK)
    assert Row.objects.get(kind="callout").subject == first.pk


def test_numbers_are_read_as_people_write_them(account: Account) -> None:
    bridge = a_bridge(account, destination="+44 (7700) 900-123", callback_number="tel:+46701740605")
    assert (bridge.callback_number, bridge.destination) == (CALLBACK, DESTINATION)


def test_a_number_without_a_country_is_one_where_the_caller_is(account: Account) -> None:
    assert a_bridge(account, destination="0701740606").destination == "+46701740606"


def test_its_two_calls_take_one_slot(application: Application) -> None:
    account = a_talker(calls_at_once=2, balance="50.00")
    bridge = a_bridge(account)
    a_bridge(account, destination=OTHER)
    assert refused(account, destination="+442079460002")[0] is Reason.NO_FREE_SLOT
    first, second = legs_of(bridge)
    now = timezone.now()
    Call.objects.filter(pk=first.pk).update(state="ended", ended_at=now)
    assert refused(account, destination="+442079460002")[0] is Reason.NO_FREE_SLOT, "one leg is still open"
    Call.objects.filter(pk=second.pk).update(state="ended", ended_at=now)
    a_bridge(account, destination="+442079460002")


def test_an_account_with_one_slot_can_have_one(application: Application) -> None:
    account = a_talker(calls_at_once=1)
    assert a_bridge(account).limit_seconds == 3600
    assert held(account) == Decimal("4.80")


def test_staff_find_the_other_leg_from_each_call(account: Account, admin_client: Client) -> None:
    bridge = a_bridge(account)
    first, second = legs_of(bridge)
    for call, other in ((first, second), (second, first)):
        page = admin_client.get(f"/admin/telephony/call/{call.pk}/change/").content.decode()
        assert f"/admin/telephony/call/{other.pk}/change/" in page
        assert str(bridge) in page
    callout = admin_client.get(f"/admin/telephony/callout/{second.callout_id}/change/").content.decode()
    assert "is one leg of a bridge" in callout
    assert "is one leg of a bridge" not in admin_client.get("/admin/telephony/callout/place/").content.decode()


def test_customers_see_both_calls(account: Account, client: Client) -> None:
    a_bridge(account)
    client.force_login(User.objects.create_user("ana@example.com", "correct horse battery", account=account))
    page = client.get("/").content.decode()
    assert "+46 70 174 06 05" in page
    assert "+44 7700 900123" in page


# --- the same wish twice ---------------------------------------------------------------------------------------------


def test_the_same_wish_within_15_seconds_is_the_same_bridge(account: Account) -> None:
    now = timezone.now()
    first = bridged(account, now)
    again = bridged(account, now + timedelta(seconds=14), caller_first=False)
    assert (first.is_new, again.is_new) == (True, False)
    assert (again.id, again.limit_seconds) == (first.id, first.limit_seconds)
    assert Call.objects.count() == 2
    assert bridged(account, now + timedelta(seconds=16)).id != first.id


def test_another_wish_is_another_bridge(account: Account) -> None:
    now, other = timezone.now(), ClientUser.objects.create(account=account, name="ben")
    CallerNumber.objects.create(account=account, number="+46701740606", verified_at=now)
    wishes = ({}, {"destination": OTHER}, {"callback_number": "+46701740606"}, {"client_user_id": other.pk})
    assert len({bridged(account, now, **wish).id for wish in wishes}) == 4


def test_the_same_wish_is_the_same_bridge_even_when_another_would_be_refused(application: Application) -> None:
    account = a_talker(calls_at_once=1)
    first = bridged(account)
    assert bridged(account).id == first.id


# --- who may not have it ---------------------------------------------------------------------------------------------


def test_a_number_that_is_not_verified_is_not_called_back(account: Account) -> None:
    assert refused(account, callback_number="+46701740606")[0] is Reason.CALLBACK_NUMBER_NOT_VERIFIED
    CallerNumber.objects.update(verified_at=None)
    assert refused(account)[0] is Reason.CALLBACK_NUMBER_NOT_VERIFIED
    assert refused(account, callback_number="nonsense")[0] is Reason.CALLBACK_NUMBER_NOT_VERIFIED


def test_a_number_of_another_account_is_not_called_back(account: Account) -> None:
    stranger = an_account(numbers=["+46701740606"])
    assert stranger.caller_numbers.get().verified_at is not None
    assert refused(account, callback_number="+46701740606")[0] is Reason.CALLBACK_NUMBER_NOT_VERIFIED


def test_a_number_of_somebody_else_in_the_account_is_not_called_back(account: Account) -> None:
    ben = ClientUser.objects.create(account=account, name="ben")
    CallerNumber.objects.update(client_user=ben)
    assert refused(account)[0] is Reason.CALLBACK_NUMBER_NOT_VERIFIED
    assert bridged(account, client_user_id=ben.pk).is_new
    assert bridged(account, client_user_id=None).is_new


def test_nobody_is_connected_to_themselves(account: Account) -> None:
    assert refused(account, destination=CALLBACK)[0] is Reason.CALLS_ITSELF


def test_a_number_that_cannot_be_read_is_refused(account: Account) -> None:
    assert refused(account, destination="12")[0] is Reason.DESTINATION_UNREADABLE


def test_our_own_access_numbers_are_not_called(account: Account, application: Application) -> None:
    an_access_number(application, OTHER, account=account)
    assert refused(account, destination=OTHER)[0] is Reason.DESTINATION_UNSUPPORTED


@pytest.mark.parametrize(("prefix", "said"), [("44", ""), ("46", "+46 70 174 06 05 is to be called back.")])
def test_both_numbers_must_be_allowed(application: Application, prefix: str, said: str) -> None:
    assert refused(a_talker(deny=[prefix])) == (Reason.DESTINATION_NOT_ALLOWED, said)


def test_an_account_that_is_not_active_is_refused(account: Account) -> None:
    suspend(account)
    assert refused(account)[0] is Reason.ACCOUNT_NOT_ACTIVE


def test_an_account_that_does_not_exist_is_refused(account: Account) -> None:
    assert refused(account, account_id=account.pk + 1)[0] is Reason.UNKNOWN_CALLER


def test_without_an_application_that_calls_out_nobody_is_called() -> None:
    assert refused(a_talker())[0] is Reason.NO_APPLICATION


def test_without_a_number_to_show_nobody_is_called(account: Account) -> None:
    Application.objects.update(caller_id="")
    CallerNumber.objects.update(is_shown=False)
    reason, detail = refused(account)
    assert (reason, detail) == (
        Reason.OWN_TROUBLE,
        "There is no number to show: give the application a caller ID.",
    )


def test_credit_for_one_leg_is_not_enough(application: Application) -> None:
    account = a_talker(balance="0.07")
    assert refused(account) == (Reason.NOT_ENOUGH_CREDIT, "0.08 USD needed to begin, 0.07 available.")
    assert available(account) == Decimal("0.07")


def test_an_account_without_a_wallet_is_refused(account: Account) -> None:
    poor = Account.objects.create(name="no wallet", verified=True)
    CallerNumber.objects.create(account=poor, number="+46701740607", verified_at=timezone.now())
    wish = {"client_user_id": None, "callback_number": "+46701740607"}
    assert refused(poor, **wish) == (Reason.NOT_ENOUGH_CREDIT, "No wallet.")


@pytest.mark.parametrize("callback", ["+46701740605", "+12025550123"])
def test_a_leg_without_a_price_is_refused(application: Application, callback: str) -> None:
    account = a_talker(numbers=[callback])
    destination = "+12025550124" if callback == CALLBACK else DESTINATION
    assert refused(account, callback_number=callback, destination=destination)[0] is Reason.NO_RATE


@pytest.mark.parametrize(("verified", "most"), [(True, MOST_AN_HOUR), (False, MOST_AN_HOUR_UNVERIFIED)])
def test_only_so_many_are_made_within_an_hour(application: Application, verified: bool, most: int) -> None:
    account = a_talker(verified=verified, calls_at_once=100, balance="50.00")
    now = timezone.now()
    for n in range(most):
        bridged(account, now + timedelta(minutes=n), destination=f"+4477009001{n:02}")
    later = now + timedelta(minutes=59)
    assert refused(account, later) == (
        Reason.TOO_OFTEN,
        f"{most} callbacks were asked for within an hour; the account may have {most}.",
    )
    assert bridged(account, now + timedelta(minutes=61)).is_new


def test_wholesale_may_have_as_many_as_it_likes(application: Application) -> None:
    account = a_talker(calls_at_once=100, balance="50.00", velocity_limits=False)
    now = timezone.now()
    Bridge.objects.bulk_create(
        Bridge(
            account=account,
            callback_number=CALLBACK,
            destination=DESTINATION,
            caller_first=True,
            limit_seconds=60,
            made_at=now - timedelta(minutes=1),
        )
        for _ in range(MOST_AN_HOUR)
    )
    assert bridged(account, now).is_new
    assert wallet_of(account).held > 0
