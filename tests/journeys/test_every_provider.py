"""What must hold whoever carries the call: the same policy, holds, menus and CDRs, over real HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest
from pytest_django.fixtures import Settings
from pytest_django.live_server_helper import LiveServer

from accounts.models import Account
from billing.models import Hold
from sandbox import HangUp, Phone, Press, Silence
from telephony.models import CDR, Call, MenuRun, ReceivedEvent
from telephony.policy import LATE_SECONDS
from tests import books
from tests.builders import a_deck, a_menu, an_access_number, an_account, balance, held
from tests.journeys.lines import LINES, Line, Played
from tests.journeys.test_menus import FIVE_LEVELS, MOBILE, PIN, RIGHT

pytestmark = pytest.mark.django_db(transaction=True)

FRIEND = "+447700900124"
TALK_SECONDS = 61
PRICE = Decimal("0.12")
TALKS = Phone.answers(after_seconds=2, talks_seconds=TALK_SECONDS)
BEGINS, KEY, ENDS = range(3)


@pytest.fixture
def alice() -> Account:
    a_deck({"44": "0.06"})
    return an_account(client_user="alice", numbers=[MOBILE], pin=PIN, calls_at_once=30, exposure_allowance=Decimal(500))


@pytest.fixture(params=LINES)
def line(
    alice: Account,
    live_server: LiveServer,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> Iterator[Line]:
    settings.PUBLIC_URL = live_server.url
    settings.CALLBACK_DEADLINE_SECONDS = 60.0  # what is asked is what is decided, not how fast a busy machine does it
    line = LINES[request.param](live_server, monkeypatch)
    line.platform.phones.default = TALKS
    with line:
        number = an_access_number(line.application, menu=a_menu(FIVE_LEVELS))
        line.number_is_ours(number)
        yield line
    assert books.differences() == {}


def cdr_of(call: Played) -> CDR:
    return CDR.objects.get(call__provider_call_id=call.call_id)


def nothing_is_left_over(line: Line, *calls: Played) -> None:
    assert [call.call_id for call in calls if not line.is_over(call)] == []
    assert not Hold.objects.filter(state=Hold.State.OPEN).exists()
    assert not Call.objects.filter(ended_at__isnull=True).exists()


# --- a prepaid call --------------------------------------------------------------------------------------------------


def test_a_call_is_held_connected_charged_and_written_down(line: Line, alice: Account) -> None:
    call = line.call("alice", FRIEND)
    line.run()
    cdr = cdr_of(call)
    assert (cdr.account, cdr.caller, cdr.destination, cdr.result) == (alice, "alice", FRIEND, "answered")
    assert (cdr.price, cdr.charge, cdr.loss, cdr.review) == (PRICE, PRICE, 0, "")
    assert cdr.duration_seconds == TALK_SECONDS
    assert (balance(alice), held(alice)) == (Decimal(5) - PRICE, 0)
    nothing_is_left_over(line, call)


def test_whoever_does_not_answer_costs_nothing(line: Line, alice: Account) -> None:
    calls = [line.call("alice", FRIEND, phone=phone) for phone in (Phone.busy(), Phone.no_answer(), Phone.rejects())]
    line.run()
    assert CDR.objects.count() == 3
    assert (balance(alice), held(alice)) == (Decimal(5), 0)
    nothing_is_left_over(line, *calls)


def test_a_call_ends_when_its_time_is_up_whoever_ends_it(line: Line, alice: Account) -> None:
    Account.objects.update(longest_call_seconds=120)
    call = line.call("alice", FRIEND, phone=Phone.answers(after_seconds=2, talks_seconds=None))
    line.let_pass(200)
    line.run()
    cdr = cdr_of(call)
    limit_seconds = cdr.call.limit_seconds or 0
    assert 60 <= limit_seconds <= 120
    assert limit_seconds <= cdr.duration_seconds <= limit_seconds + LATE_SECONDS
    assert (cdr.loss, cdr.review) == (0, "")
    nothing_is_left_over(line, call)


def test_thirty_calls_at_once_cost_no_more_than_there_is(line: Line, alice: Account) -> None:
    calls = [line.call("alice", FRIEND) for _ in range(35)]
    line.run()
    talked = CDR.objects.filter(charge__gt=0).count()
    assert talked == 30
    assert balance(alice) == Decimal(5) - talked * PRICE
    assert set(Call.objects.exclude(refusal="").values_list("refusal", flat=True)) == {"no_free_slot"}
    nothing_is_left_over(line, *calls)


# --- a refused call --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("to", "reason"), [("+12025550123", "no_rate"), ("+447700900124", "not_enough_credit"), ("12", "destination")]
)
def test_a_refused_call_says_why_and_costs_nothing(line: Line, alice: Account, to: str, reason: str) -> None:
    if reason == "not_enough_credit":
        an_account(client_user="poor", balance="0.01", exposure_allowance=Decimal(500))
    call = line.call("poor" if reason == "not_enough_credit" else "alice", to)
    line.run()
    refused = Call.objects.get(provider_call_id=call.call_id)
    assert refused.refusal.startswith(reason)
    assert len(call.heard) == 1
    assert (cdr_of(call).price, cdr_of(call).review) == (0, "")
    assert not Hold.objects.exists()
    nothing_is_left_over(line, call)


def test_whoever_dials_without_proof_is_not_connected(line: Line, alice: Account) -> None:
    call = line.dial("+447700900199", ("1", "1", "1", "1", "123456#", "0000#", "1111#", "2222#"))
    line.run()
    assert Call.objects.get().refusal == "pin_refused"
    assert balance(alice) == 5
    nothing_is_left_over(line, call)


# --- a menu of five levels -------------------------------------------------------------------------------------------


def test_a_menu_of_five_levels_leads_to_a_call_and_only_the_talk_is_charged(line: Line, alice: Account) -> None:
    call = line.dial(MOBILE, RIGHT)
    line.run()
    cdr = cdr_of(call)
    assert (cdr.account, cdr.destination, cdr.charge, cdr.review) == (alice, "+442079460101", PRICE, "")
    assert TALK_SECONDS <= cdr.duration_seconds <= TALK_SECONDS + 10  # with ringing, and being told how long to talk
    assert MenuRun.objects.get().kept == [["card", "123456"]]
    nothing_is_left_over(line, call)


@pytest.mark.parametrize("step", range(len(RIGHT)))
def test_a_wrong_input_is_forgiven_and_silence_and_hanging_up_end_the_call(
    line: Line, alice: Account, step: int
) -> None:
    wrong: Press = ("9", "9", "9", "9", "#", "0000#", "123#")[step]
    ways: list[tuple[Press, ...]] = [(wrong, *RIGHT[step:]), (wrong,) * 12, (Silence(),) * 30, (HangUp(),)]
    calls = [line.dial(MOBILE, (*RIGHT[:step], *way)) for way in ways]
    line.run()
    connected = [Call.objects.get(provider_call_id=call.call_id).connected_at is not None for call in calls]
    assert connected == [True, False, False, False]
    assert balance(alice) == Decimal(5) - PRICE
    assert all(call.heard[-1].text.endswith("Goodbye.") for call in calls[1:3])
    nothing_is_left_over(line, *calls)


# --- duplicates and losses -------------------------------------------------------------------------------------------


def test_what_is_told_twice_counts_once(line: Line, alice: Account) -> None:
    every = (BEGINS, KEY, ENDS)
    calls = [line.dial(MOBILE, RIGHT, line.doubling(which)) for which in every]
    calls.append(line.dial(MOBILE, RIGHT, *map(line.doubling, every)))
    calls.append(line.call("alice", FRIEND, line.doubling(BEGINS), line.doubling(ENDS)))
    line.run()
    assert [run.kept for run in MenuRun.objects.all()] == [[["card", "123456"]]] * 4
    assert balance(alice) == Decimal(5) - 5 * PRICE
    assert not ReceivedEvent.objects.exclude(outcome="decided").exists()
    nothing_is_left_over(line, *calls)


def test_an_end_that_is_never_told_is_asked_for(line: Line, alice: Account) -> None:
    calls = [line.call("alice", FRIEND, line.losing(ENDS)), line.dial(MOBILE, RIGHT, line.losing(ENDS))]
    line.run()
    assert {cdr_of(call).source for call in calls} == {CDR.Source.ASKED}
    assert balance(alice) == Decimal(5) - 2 * PRICE
    nothing_is_left_over(line, *calls)


def test_a_question_that_never_comes_begins_nothing(line: Line, alice: Account) -> None:
    calls = [line.call("alice", FRIEND, line.losing(BEGINS))]
    line.run()
    assert not Hold.objects.exists()
    assert balance(alice) == 5
    nothing_is_left_over(line, *calls)


def test_a_key_that_gets_lost_costs_nothing(line: Line, alice: Account) -> None:
    call = line.dial(MOBILE, RIGHT, line.losing(KEY))
    line.run()
    assert balance(alice) == 5
    nothing_is_left_over(line, call)
