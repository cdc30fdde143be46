"""A five-level menu over real HTTP: wrong keys, silence and hang-ups at every step, callbacks lost and doubled.

Every way ends, no hold stays, and only talk is charged.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings
from pytest_django.live_server_helper import LiveServer

from accounts.models import Account
from billing.models import Entry, Hold
from sandbox import Call as PlayedCall
from sandbox import Fault, HangUp, Lose, Phone, Press, Repeat, Sandbox, Silence
from telephony.menus import Action, Destination, Digits, Keys, Pin, Question, say
from telephony.models import CDR, AccessNumber, Application, Call, MenuRun
from telephony.reconcile import reconcile
from tests import books
from tests.builders import A_SECRET, a_deck, a_menu, an_access_number, an_account, an_application, balance, held

pytestmark = pytest.mark.django_db(transaction=True)

MOBILE = "+447700900123"
PIN = "4711"
# What a caller who makes no mistake enters at each of the seven prompts.
RIGHT: tuple[Press, ...] = ("1", "1", "1", "1", "123456#", f"{PIN}#", "02079460101#")
STEPS = range(len(RIGHT))
WRONG: Press = "9"
TALK_SECONDS = 61
PRICE = Decimal("0.12")

FIVE_LEVELS = (
    Question("welcome", say("Products, press 1."), Keys({"1": Action.goto("products"), "0": Action.hang_up()})),
    Question(
        "products", say("Calling cards, press 1."), Keys({"1": Action.goto("cards"), "*": Action.goto("welcome")})
    ),
    Question("cards", say("Use a card, press 1."), Keys({"1": Action.goto("use"), "*": Action.goto("products")})),
    Question("use", say("With a card number, press 1."), Keys({"1": Action.goto("card"), "*": Action.goto("cards")})),
    Question("card", say("Your card number?"), Digits(most=6, then="pin")),
    Question("pin", say("Your PIN?"), Pin(then="number")),
    Question("number", say("Which number?"), Destination()),
)


@pytest.fixture
def caller() -> Account:
    a_deck({"44": "0.06"})
    return an_account(numbers=[MOBILE], pin=PIN, balance="500.00", calls_at_once=200)


@pytest.fixture
def application(caller: Account) -> Application:
    application = an_application()
    an_access_number(application, menu=a_menu(FIVE_LEVELS))
    return application


@pytest.fixture(params=[True, False], ids=["menu time counts", "menu time does not count"])
def platform(
    application: Application, live_server: LiveServer, settings: Settings, request: pytest.FixtureRequest
) -> Iterator[Sandbox]:
    settings.CALLBACK_DEADLINE_SECONDS = 60.0  # what is asked is what is decided, not how fast a busy machine does it
    platform = Sandbox(
        target=f"{live_server.url}/callbacks/sinch/",
        key=application.key,
        secret=A_SECRET,
        timeout_seconds=30,
        parallel=8,
        counts_menu_time=request.param,
    )
    platform.phones.default = Phone.answers(after_seconds=3, talks_seconds=TALK_SECONDS)
    with platform.rest_server() as address:
        Application.objects.update(base_url=address)
        yield platform


def dial(platform: Sandbox, keys: Sequence[Press], *faults: Fault) -> PlayedCall:
    number = AccessNumber.objects.get().number
    return platform.phone_to_access_number(cli=MOBILE, to=number, keys=keys, faults=faults)


def run(platform: Sandbox) -> None:
    """Let everything happen, ask about what got lost, and see that nothing is left over."""
    platform.run()
    reconcile(timezone.now() + timedelta(hours=6))
    assert [call.call_id for call in platform.calls if not call.ended] == []
    assert not Hold.objects.filter(state="open").exists()
    assert not Call.objects.filter(ended_at__isnull=True).exists()
    assert CDR.objects.count() == len(platform.calls)
    assert books.differences() == {}


def connected(call: PlayedCall) -> bool:
    return Call.objects.get(provider_call_id=call.call_id).connected_at is not None


def assert_charged(caller: Account, calls: int) -> None:
    charged = sum(CDR.objects.values_list("charge", flat=True), Decimal(0))
    assert charged == calls * PRICE
    assert (balance(caller), held(caller)) == (Decimal(500) - charged, 0)


def test_who_makes_no_mistake_is_connected_and_pays_for_the_talk_alone(platform: Sandbox, caller: Account) -> None:
    call = dial(platform, RIGHT)
    run(platform)
    assert (call.connected_to, call.result) == ("+442079460101", "ANSWERED")
    cdr = CDR.objects.get()
    assert (cdr.account, cdr.destination, cdr.duration_seconds, cdr.review) == (
        caller, "+442079460101", TALK_SECONDS, "",
    )  # fmt: skip
    assert MenuRun.objects.get().kept == [["card", "123456"]]
    assert_charged(caller, 1)


def test_one_wrong_input_at_any_step_is_forgiven(platform: Sandbox, caller: Account) -> None:
    calls = [dial(platform, (*RIGHT[:step], wrong_at(step), *RIGHT[step:])) for step in STEPS]
    run(platform)
    assert [connected(call) for call in calls] == [True] * len(calls)
    assert_charged(caller, len(calls))


def test_wrong_input_again_and_again_ends_politely_at_every_step(platform: Sandbox, caller: Account) -> None:
    calls = [dial(platform, (*RIGHT[:step], *[wrong_at(step)] * 12)) for step in STEPS]
    run(platform)
    assert [connected(call) for call in calls] == [False] * len(calls)
    assert {(call.result, call.reason) for call in calls} == {("ANSWERED", "MANAGERHANGUP")}
    assert all(call.heard[-1].text.endswith("Goodbye.") for call in calls)
    assert_charged(caller, 0)


def test_silence_ends_politely_at_every_step(platform: Sandbox, caller: Account) -> None:
    calls = [dial(platform, (*RIGHT[:step], *[Silence()] * 12)) for step in STEPS]
    run(platform)
    assert [call.menu_results[-1].type for call in calls] == ["timeout"] * len(calls)
    assert all(call.heard[-1].text == "Goodbye." for call in calls)
    assert_charged(caller, 0)


def test_who_hangs_up_at_any_step_pays_nothing(platform: Sandbox, caller: Account) -> None:
    calls = [dial(platform, (*RIGHT[:step], HangUp())) for step in STEPS]
    run(platform)
    assert {call.reason for call in calls} == {"CALLERHANGUP"}
    assert_charged(caller, 0)


def test_callbacks_that_come_twice_count_once(platform: Sandbox, caller: Account) -> None:
    doubled = [Repeat(event) for event in ("ice", "pie", "ace", "dice")]
    calls = [dial(platform, RIGHT, fault) for fault in doubled]
    calls.append(dial(platform, RIGHT, *doubled))
    run(platform)
    assert [connected(call) for call in calls] == [True] * len(calls)
    assert [run.kept for run in MenuRun.objects.all()] == [[["card", "123456"]]] * len(calls)
    assert_charged(caller, len(calls))


@pytest.mark.parametrize("lost", ["ice", "pie", "dice"])
def test_callbacks_that_are_lost_leave_nothing_held(platform: Sandbox, caller: Account, lost: str) -> None:
    call = dial(platform, RIGHT, Lose(lost))
    platform.run()
    reconcile(timezone.now() + timedelta(hours=6))
    assert call.ended
    assert not Hold.objects.filter(state="open").exists()
    assert not Call.objects.filter(ended_at__isnull=True).exists()
    assert books.differences() == {}
    talked_seconds = CDR.objects.get().duration_seconds
    assert talked_seconds <= max(TALK_SECONDS, call.duration_seconds if lost == "pie" else 0)
    assert Entry.objects.filter(house="revenue").exists() is (lost == "dice" and talked_seconds > 0)


def test_a_busy_number_behind_the_menu_costs_nothing(platform: Sandbox, caller: Account) -> None:
    platform.phones.default = Phone.busy()
    dial(platform, RIGHT)
    run(platform)
    assert CDR.objects.get().result == "busy"
    assert_charged(caller, 0)


def wrong_at(step: int) -> Press:
    """What is wrong there: a key that leads nowhere, or digits that are not right."""
    return (WRONG, WRONG, WRONG, WRONG, "#", "0000#", "123#")[step]
