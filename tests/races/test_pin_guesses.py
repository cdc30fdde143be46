"""A script guesses PINs, many calls at once: it is locked out, no balance is touched, and the operator hears of it.

`make guesses` plays it with 100,000 guesses and prints how long an answer takes, whatever was guessed. How long that
may differ is not asserted here, because machines are busy; that the same is asked of the database is.
"""

from __future__ import annotations

import os
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from random import Random
from statistics import median, quantiles

import pytest
from django.db import connections
from pytest_django.fixtures import Settings

from accounts.models import Account
from accounts.notices import to_see
from billing.models import Entry, Hold, Posting
from telephony import control, guesses
from telephony.decisions import Connect, Decision, Refuse
from telephony.events import PromptAnswered, PromptKind
from telephony.menus import FIRST
from telephony.models import Application, Call, MenuRun, ReceivedEvent
from tests import books
from tests.builders import a_deck, an_access_number, an_account, an_application, balance
from tests.races.crowd import Crowd, deadlocks
from tests.telephony.received import NOW, from_a_phone, received

pytestmark = pytest.mark.django_db(transaction=True)

GUESSES = int(os.environ.get("GUESSES") or 1_500)
PEOPLE = 20
PIN = "864209"
A_CALL = 3  # so many guesses are let in
AT_ONCE = 300  # calls that are planned together


@pytest.fixture(autouse=True)
def _the_books_are_in_order_and_nothing_deadlocked(db: None, crowd: Crowd) -> Iterator[None]:
    before = deadlocks()
    yield
    assert books.differences() == {}
    assert not ReceivedEvent.objects.filter(outcome="failed").exists()
    assert deadlocks() == before


@pytest.fixture(autouse=True)
def _there_is_time(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.OPERATOR_EMAIL = "operator@example.com"
    options = connections.settings["default"]["OPTIONS"]
    monkeypatch.setitem(options, "options", options["options"] + " -c lock_timeout=30s -c statement_timeout=60s")


@pytest.fixture
def application() -> Application:
    a_deck({"44": "0.06"})
    application = an_application()
    an_access_number(application, leads="calling_card")
    return application


@pytest.fixture
def people(application: Application) -> Sequence[Account]:
    people = [an_account(numbers=[mobile(person)], pin=PIN, card=True) for person in range(PEOPLE)]
    for account in people:
        account.refresh_from_db()
    return people


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def mobile(person: int) -> str:
    return f"+447700900{person:03}"


class Guesser:
    """One call: it dials, guesses as often as it is let, and keeps what it heard and how long each answer took."""

    def __init__(self, application: Application, call_id: str, cli: str, entered: Sequence[str]) -> None:
        self.application = application
        self.call_id = call_id
        self.cli = cli
        self.entered = entered
        self.heard: list[Decision] = []
        self.seconds: list[float] = []

    def play(self) -> Guesser:
        control.decide(received(from_a_phone(self.call_id, cli=self.cli), self.application, received_at=NOW))
        for number, digits in enumerate(self.entered):
            at = NOW + timedelta(seconds=number + 1)
            self.heard.append(self._enter(digits, at))
        return self

    def _enter(self, digits: str, at: datetime) -> Decision:
        event = PromptAnswered(
            call_id=self.call_id, at=at, menu_id=FIRST, prompt_kind=PromptKind.SEQUENCE, value=f"{digits}#"
        )
        coming = received(event, self.application, received_at=at)
        began = time.perf_counter()
        decision = control.decide(coming)
        self.seconds.append(time.perf_counter() - began)
        return decision


def wrong_pin(chance: Random) -> str:
    return f"{chance.randrange(10**5):05}"  # a digit short of the right one


def a_guesser(application: Application, people: Sequence[Account], chance: Random, number: int) -> Guesser:
    """A made-up number of somebody, a number of nobody, or a card number from anywhere."""
    kind, account = chance.random(), chance.choice(people)
    guessed = [wrong_pin(chance) for _ in range(A_CALL)]
    cli = f"+4420794{number % 100_000:05}"
    if kind < 0.5:
        cli = mobile(people.index(account))
    elif kind < 0.75:
        guessed = [f"{account.card_number}{pin}" for pin in guessed]
        cli = cli if kind < 0.65 else ""
    return Guesser(application, f"guess-{number}", cli, guessed)


def how_long_answers_take(application: Application) -> None:
    """Somebody's number, nobody's, the right PIN of a locked account: by turns, so that a slow moment hits all."""
    people = [an_account(numbers=[f"+447700900{800 + person}"], pin=PIN) for person in range(PEOPLE)]
    numbers = [account.caller_numbers.get().number for account in people]
    for n in range(4):
        Guesser(application, f"lock-{n}", numbers[0], [wrong_pin(Random(n))] * A_CALL).play()
    taken: dict[str, list[float]] = defaultdict(list)
    chance = Random("times")
    for round_ in range(1_000):
        kinds = {
            "somebody's number, a wrong PIN": (numbers[1 + round_ % (PEOPLE - 1)], wrong_pin(chance)),
            "nobody's number": (f"+4420795{round_:05}", wrong_pin(chance)),
            "a locked account, a wrong PIN": (numbers[0], wrong_pin(chance)),
            "a locked account, the right PIN": (numbers[0], PIN),
            "nobody's card": (f"+4420796{round_:05}", f"9{round_:09}{PIN}"),
        }
        for kind, (cli, digits) in sorted(kinds.items(), key=lambda _: chance.random()):
            taken[kind] += Guesser(application, f"{kind} {round_}", cli, [digits]).play().seconds
    for kind, seconds in taken.items():
        say(f"{kind:36} median {median(seconds) * 1000:6.2f} ms, p95 {quantiles(seconds, n=20)[-1] * 1000:6.2f} ms")


def test_a_script_that_guesses_is_locked_out_and_touches_nothing(
    application: Application, people: Sequence[Account], crowd: Crowd
) -> None:
    chance, calls = Random("guesses"), GUESSES // A_CALL
    postings, entries = Posting.objects.count(), Entry.objects.count()
    for first in range(0, calls, AT_ONCE):
        numbers = range(first, min(first + AT_ONCE, calls))
        work: list[Callable[[], Guesser]] = [a_guesser(application, people, chance, number).play for number in numbers]
        for guesser in crowd.at_once(work):
            assert isinstance(guesser.heard[-1], Refuse)
            assert not any(isinstance(each, Connect) for each in guesser.heard)
    for account in people:
        account.refresh_from_db()
        assert account.wrong_pins >= 10, "every account that was guessed at is locked"

    # Now the right one, from the right telephone and with the card from others: it proves nothing any more.
    right = [Guesser(application, f"right-{n}", mobile(n), [PIN]) for n in range(PEOPLE)]
    right += [
        Guesser(application, f"card-{n}", "", [f"{account.card_number}{PIN}"]) for n, account in enumerate(people)
    ]
    crowd.at_once([guesser.play for guesser in right])
    assert not MenuRun.objects.exclude(account=None).exists()

    assert not Hold.objects.exists()
    assert (Posting.objects.count(), Entry.objects.count()) == (postings, entries)
    assert {balance(account) for account in people} == {5}
    assert not Call.objects.exclude(account=None).exists()
    guesses.watch(NOW + timedelta(minutes=1))
    told = [notice.text for notice in to_see(None)]
    assert any("somebody may be guessing" in text for text in told)
    assert sum("no PIN is right there for a day" in text for text in told) >= min(PEOPLE, 19)
    say(f"{GUESSES:,} guesses in {calls:,} calls: {PEOPLE} accounts locked, nothing held, nothing charged")
    if "GUESSES" in os.environ:
        how_long_answers_take(application)


def test_of_many_right_pins_at_once_all_are_right(
    application: Application, people: Sequence[Account], crowd: Crowd
) -> None:
    guessers = [Guesser(application, f"call-{n}", mobile(0), [PIN]) for n in range(16)]
    crowd.at_once([partial(guesser.play) for guesser in guessers])
    assert MenuRun.objects.filter(account=people[0]).count() == 16
