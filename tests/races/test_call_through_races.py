"""A thousand apps ask and a thousand telephones ring at one access number: everybody reaches their own destination."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from functools import partial

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.models import Account, CallerNumber, ClientUser
from billing.models import Hold
from billing.wallets import close_account
from postgres.work import in_one_transaction
from telephony import call_through, control
from telephony.call_through import CallThroughRefused, Wish
from telephony.decisions import Connect, Decision, Reason, Refuse
from telephony.models import Application, Call, CallThrough, CallThroughCaller
from tests.builders import a_deck, an_access_number, an_account, an_application
from tests.races.crowd import Crowd
from tests.telephony.received import from_a_phone, known, received

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("orderly", "plenty_of_time")]

ACCESS = "+442079460199"
PEOPLE = 100
ROUNDS = 10


@pytest.fixture(autouse=True)
def _wishes_live_long(settings: Settings) -> None:
    settings.CALL_THROUGH_SECONDS = 600


@pytest.fixture
def application() -> Application:
    a_deck({"1": "0.01"})
    application = an_application()
    an_access_number(application, ACCESS, is_offered=True, is_default=True, leads="nowhere")
    return application


def mobile(person: int) -> str:
    return f"+447700900{person:03}"


def somebody(person: int) -> Account:
    return an_account(
        client_user=f"user{person}", numbers=[mobile(person)], velocity_limits=False, calls_at_once=50, balance="100"
    )


def wish_of(person: int, round_: int) -> Wish:
    """Nobody else wishes for this destination, in no other round either."""
    user = ClientUser.objects.get(name=f"user{person}")
    destination = f"+1{202 + round_}55501{person:02}"
    return Wish(account_id=user.account_id, client_user_id=user.pk, client_user=user.name, dialled=destination)


def asks(wish: Wish) -> str:
    try:
        in_one_transaction(lambda: call_through.promise(wish, timezone.now()))
    except CallThroughRefused as refused:
        return refused.refused.reason.value
    return ""


def rings(application: Application, person: int, call_id: str) -> Decision:
    event = from_a_phone(call_id, ACCESS, mobile(person))
    coming = received(event, application, received_at=timezone.now())
    return control.decide(coming)


def test_a_thousand_wishes_and_a_thousand_calls_at_one_access_number_reach_their_own(
    application: Application, crowd: Crowd
) -> None:
    for person in range(PEOPLE):
        somebody(person)
    wished: set[tuple[int, str]] = set()
    work: list[Callable[[], object]] = []
    for round_ in range(ROUNDS):
        for person in range(PEOPLE):
            wish = wish_of(person, round_)
            wished.add((wish.account_id, wish.dialled))
            work.append(partial(asks, wish))
            work.append(partial(rings, application, person, f"{person}-{round_}"))
    random.Random("call-through").shuffle(work)
    answers = crowd.at_once(work)

    assert len(work) == 2_000
    outcomes = Counter(type(answer).__name__ for answer in answers if not isinstance(answer, str))
    assert outcomes[Connect.__name__] > 100, outcomes
    assert {answer for answer in answers if isinstance(answer, str)} == {""}
    refusals = {answer.reason for answer in answers if isinstance(answer, Refuse)}
    assert refusals <= {Reason.NOT_IDENTIFIED}
    owner = dict(CallerNumber.objects.values_list("number", "account_id"))
    for call in Call.objects.filter(state=Call.State.AUTHORISED).select_related("call_through"):
        rule = call.call_through
        assert (call.account_id, call.destination) in wished
        assert (rule.account_id, rule.destination, rule.claimed_by) == (call.account_id, call.destination, call.pk)
        assert call.account_id == owner[call.caller]
    claimed = CallThrough.objects.exclude(claimed_by=None)
    assert claimed.count() == outcomes[Connect.__name__] == Hold.objects.count()
    assert not CallThroughCaller.objects.filter(closed_at=None, call_through__claimed_at__isnull=False).exists()


def test_of_many_calls_for_one_wish_one_is_connected(application: Application, crowd: Crowd) -> None:
    somebody(0)
    for round_ in range(10):
        assert asks(wish_of(0, round_)) == ""
        decisions = crowd.at_once([partial(rings, application, 0, f"{round_}-{n}") for n in range(16)])
        assert Counter(isinstance(each, Connect) for each in decisions) == {True: 1, False: 15}


def test_one_wish_repeated_at_once_is_one_rule(application: Application, crowd: Crowd) -> None:
    somebody(0)
    assert crowd.at_once([partial(asks, wish_of(0, 0))] * 16) == [""] * 16
    assert CallThrough.objects.filter(replaced_at=None).count() == 1
    assert CallThroughCaller.objects.filter(closed_at=None).count() == 1


def test_two_applications_never_meet(application: Application, crowd: Crowd) -> None:
    other = an_application()
    assert known(other).id != known(application).id
    somebody(0)
    asks(wish_of(0, 0))
    decisions = crowd.at_once([partial(rings, other, 0, f"other-{n}") for n in range(8)])
    assert not any(isinstance(each, Connect) for each in decisions)


def test_an_account_is_closed_while_its_apps_ask(application: Application, crowd: Crowd) -> None:
    account = somebody(0)
    for round_ in range(6):
        Account.objects.update(status=Account.Status.ACTIVE)
        work: list[Callable[[], object]] = [partial(asks, wish_of(0, round_))] * 13
        answers = crowd.at_once([*work, *[partial(close_account, account)] * 3])
        assert set(answers) <= {"", Reason.ACCOUNT_NOT_ACTIVE.value, None}
