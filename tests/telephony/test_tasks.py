"""The doorway from the timetable to asking the providers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import pytest

from telephony import callout_dialling
from telephony.models import CDR, Call
from telephony.tasks import begin_callouts, reconcile_overdue_calls
from tests.builders import a_deck, an_account, an_application
from tests.postgres.locks import held_elsewhere
from tests.sinch_caller import SinchCaller, a_call_id
from tests.telephony.callout_scenes import a_caller, promised
from tests.telephony.rest_api import RestApi, says, serving
from tests.telephony.test_call_lists import a_list

pytestmark = pytest.mark.django_db


@pytest.fixture
def api() -> Iterator[RestApi]:
    with serving(says()) as api:
        yield api


@pytest.fixture
def an_overdue_call(db: None, api: RestApi) -> None:
    a_deck({"44": "0.06"})
    an_account(client_user="alice", longest_call_seconds=60)
    sinch = SinchCaller(an_application(base_url=api.url))
    sinch.send(sinch.ice(a_call_id()))
    Call.objects.update(begun_at="2026-03-02T08:15:30Z")


def test_the_task_settles_what_is_overdue_by_the_clock(an_overdue_call: None) -> None:
    reconcile_overdue_calls()
    assert CDR.objects.get().source == CDR.Source.ASKED


def test_while_it_runs_elsewhere_the_task_does_nothing(an_overdue_call: None, api: RestApi) -> None:
    with held_elsewhere("telephony.reconcile"):
        reconcile_overdue_calls()
    assert api.asked == []
    reconcile_overdue_calls()
    assert len(api.asked) == 1


def test_the_task_begins_what_is_due_and_paces_the_lists(db: None) -> None:
    an_application()
    account = a_caller()
    single, listed = promised(account), a_list(account, at_once=1)
    with held_elsewhere("telephony.callouts"):
        begin_callouts()
    assert not Call.objects.exists()
    begin_callouts()
    assert {call.callout.call_list for call in Call.objects.all()} == {None, listed}
    single.refresh_from_db()
    assert single.state == "calling"


def test_a_callout_that_fails_keeps_no_list_waiting(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    an_application()
    account = a_caller()
    listed = a_list(account, at_once=1)

    def broken(now: datetime) -> int:
        raise RuntimeError("a mistake of ours")

    monkeypatch.setattr(callout_dialling, "begin_due", broken)
    with pytest.raises(RuntimeError, match="a mistake of ours"):
        begin_callouts()
    assert Call.objects.get(callout__call_list=listed).state == Call.State.AUTHORISED
