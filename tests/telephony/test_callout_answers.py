"""What is said to whoever picks up, and to a machine that does."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import Account
from telephony.decisions import Ask, Continue, Decision, HangUp
from telephony.events import AnsweringMachine, Notified, PromptAnswered, PromptKind
from telephony.menus import say
from telephony.models import Application, Call, Callout
from tests.builders import an_application
from tests.telephony.callout_scenes import SURVEY, a_caller, a_callout, a_placed_call, a_survey, answered, ended, told

pytestmark = pytest.mark.django_db

SAID = HangUp(say=say("Your table is ready."))
HANG_UP, SPEAK, IGNORE = Callout.OnMachine.HANG_UP, Callout.OnMachine.SPEAK, Callout.OnMachine.IGNORE


@pytest.fixture
def application() -> Application:
    return an_application()


@pytest.fixture
def account(application: Application) -> Account:
    return a_caller()


def machine(status: str) -> AnsweringMachine | None:
    return AnsweringMachine(status=status, reason="longgreeting") if status else None


@pytest.mark.parametrize(
    ("on_machine", "status", "decision"),
    [
        (IGNORE, "", Continue()),
        (HANG_UP, "", SAID),
        (HANG_UP, "human", SAID),
        (HANG_UP, "notsure", SAID),
        (HANG_UP, "machine", HangUp()),
        (HANG_UP, "MACHINE", HangUp()),
        (HANG_UP, "hangup", HangUp()),
        (SPEAK, "human", SAID),
        (SPEAK, "machine", SAID),
        (SPEAK, "never heard of", SAID),
    ],
)
def test_a_text_is_spoken_to_a_person_and_to_a_machine_as_was_wished(
    account: Account, application: Application, on_machine: str, status: str, decision: Decision
) -> None:
    call = a_placed_call(a_callout(account, on_machine=Callout.OnMachine(on_machine)))
    assert told(application, answered(call, machine=machine(status))) == decision
    assert Callout.objects.get().machine == status.lower()
    call.refresh_from_db()
    assert call.state == Call.State.ANSWERED
    assert call.answered_at is not None
    assert call.connected_at is None


def test_the_same_news_again_gets_the_same_answer(account: Account, application: Application) -> None:
    call = a_placed_call(a_callout(account, on_machine=HANG_UP))
    first = told(application, answered(call, machine=machine("human")))
    assert told(application, answered(call, machine=machine("human"))) == first == SAID


def test_a_machine_that_is_told_of_later_is_kept(account: Account, application: Application) -> None:
    call = a_placed_call(a_callout(account))
    told(application, answered(call))
    news = Notified(call_id=call.provider_call_id, topic="amd", machine=machine("machine"))
    told(application, news)
    assert Callout.objects.get().machine == "machine"


def test_a_conference_goes_on_as_it_was_ordered(account: Account, application: Application) -> None:
    call = a_placed_call(a_callout(account, kind=Callout.Kind.CONFERENCE, conference_id="team", text="Welcome."))
    assert told(application, answered(call)) == Continue()


def keys(menu_id: str, value: str, at_second: int, **changes: Any) -> PromptAnswered:
    from datetime import UTC, datetime

    return PromptAnswered(
        call_id="provider-1",
        menu_id=menu_id,
        value=value,
        at=datetime(2026, 3, 2, 8, 15, at_second, tzinfo=UTC),
        **{"prompt_kind": PromptKind.RETURN, **changes},
    )


def test_a_menu_is_played_and_what_it_kept_stays_with_the_callout(account: Account, application: Application) -> None:
    callout = a_callout(account, kind=Callout.Kind.MENU, text="A short survey.", menu_version_id=a_survey())
    call = a_placed_call(callout)
    decision = told(application, answered(call))
    assert decision == Ask(questions=SURVEY, say=say("A short survey."))
    call.refresh_from_db()
    assert (call.state, call.menu_run.asked) == (Call.State.MENU, "well")
    assert isinstance(told(application, keys("main", "1", 1)), Ask)
    assert isinstance(told(application, keys("main", "2024", 2, prompt_kind=PromptKind.SEQUENCE)), HangUp)
    told(application, ended(call, 40))
    callout.refresh_from_db()
    assert (callout.state, callout.heard) == (Callout.State.DONE, [["well", "yes"], ["when", "2024"]])


def test_a_menu_is_not_played_to_a_machine_that_nobody_wants(account: Account, application: Application) -> None:
    changes = {"kind": Callout.Kind.MENU, "text": "", "menu_version_id": a_survey(), "on_machine": HANG_UP}
    call = a_placed_call(a_callout(account, **changes))
    assert told(application, answered(call, machine=machine("machine"))) == HangUp()
    told(application, ended(call, 4))
    callout = Callout.objects.get()
    assert (callout.state, callout.machine, callout.heard) == (Callout.State.DONE, "machine", [])
    assert callout.detail == "A machine answered, so nothing was said."


def test_after_the_end_nothing_is_said(account: Account, application: Application) -> None:
    call = a_placed_call(a_callout(account, on_machine=HANG_UP))
    told(application, ended(call, 0))
    assert told(application, answered(call)) != SAID
    assert Call.objects.get().state == Call.State.ENDED
