"""A list of numbers: every bad row named before anything is written, and no faster than was wished."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from io import BytesIO
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Account
from accounts.registration import suspend
from billing.models import Hold
from billing.money import Money
from billing.topups import credit
from outbox.models import Row
from telephony import call_lists, callout_checks, callout_dialling
from telephony.call_lists import (
    CallListError,
    CallListUnreadable,
    LoadReport,
    NewCallList,
    load,
    pace,
    pause,
    resume,
    stop,
)
from telephony.callouts import CalloutRefused
from telephony.events import Result
from telephony.menus import Menu
from telephony.models import Application, Call, CallList, Callout
from tests import books
from tests.builders import an_access_number, an_application, available, held
from tests.telephony.callout_scenes import a_caller, a_new_callout, a_placed_call, a_survey, ended, promised, told

pytestmark = pytest.mark.django_db

THREE = "number\n+447700900101\n+447700900102\n+447700900103\n"


@pytest.fixture
def application() -> Application:
    return an_application()


@pytest.fixture
def account(application: Application) -> Account:
    return a_caller(deny=["4420"])


def loaded(account: Account, content: str | bytes = THREE, **changes: Any) -> LoadReport:
    """`changes` are fields of the list, else of what is wished for every number."""
    raw = content.encode() if isinstance(content, str) else content
    ours = {name: changes.pop(name) for name in ("at_once", "per_minute", "name") if name in changes}
    return load(
        BytesIO(raw),
        NewCallList(**{"name": "Tables", **ours}, callout=a_new_callout(account, destination="", **changes)),
    )


def a_list(account: Account, content: str = THREE, **changes: Any) -> CallList:
    report = loaded(account, content, **changes)
    assert report.refused == []
    return CallList.objects.get(pk=report.call_list_id)


def nothing_was_written() -> bool:
    return not (CallList.objects.exists() or Callout.objects.exists() or Row.objects.exists() or Hold.objects.exists())


def states(a_list: CallList) -> list[str]:
    return list(a_list.callouts.order_by("due_at").values_list("state", flat=True))


# --- loading ---------------------------------------------------------------------------------------------------------


def test_a_list_is_loaded_whole_and_holds_nothing_yet(account: Account, application: Application) -> None:
    report = loaded(account, at_once=3, per_minute=20, made_by="desk")
    a_list = CallList.objects.get()
    assert (report.rows_read, report.refused, report.call_list_id) == (3, [], a_list.pk)
    assert (a_list.name, a_list.state, a_list.at_once, a_list.per_minute) == ("Tables", "running", 3, 20)
    assert (a_list.account, a_list.application, a_list.made_by) == (account, application, "desk")
    waiting = list(a_list.callouts.order_by("due_at"))
    assert [callout.destination for callout in waiting] == ["+447700900101", "+447700900102", "+447700900103"]
    assert {(callout.state, callout.text) for callout in waiting} == {("waiting", "Your table is ready.")}
    assert held(account) == 0


def test_a_row_may_have_its_own_text_time_zone_and_reference(account: Account) -> None:
    content = (
        "\ufeffNumber, text ,time_zone,reference\r\n"
        '+44 7700 900101,"Hello, you.",Asia/Tokyo,a-1\r\n'
        "+447700900102,,,\r\n\r\n"
    )
    a_list(account, content, not_before=datetime(2027, 1, 5, 9), text="Hello, all.")  # noqa: DTZ001 - on their clock
    first, second = Callout.objects.order_by("due_at")
    assert (first.text, first.time_zone, first.reference) == ("Hello, you.", "Asia/Tokyo", "a-1")
    assert first.due_at == datetime(2027, 1, 5, 0, tzinfo=UTC)
    assert (second.text, second.time_zone, second.reference) == ("Hello, all.", "", "")


def test_every_bad_row_is_named_and_nothing_is_written(account: Account, application: Application) -> None:
    an_access_number(application, number="+447700900109", account=account)
    content = "\n".join(
        [
            "number,text,time_zone,reference",
            "+447700900101,,,a-1",
            "07700 900102,,,",
            "+447700900103," + "a" * 601 + ",,",
            "+44 7700 900101,,,",
            "+447700900104,,Europe/Atlantis,",
            "+447700900105,,,a-1",
            ",Hello.,,",
            "+447700900106,Hello, you,,",
            "+447700900107,,,,,surplus",
            "+447700900108,a\0b,,",
        ]
    )
    report = loaded(account, content)
    assert (report.rows_read, report.call_list_id) == (10, None)
    assert [line for line, _ in report.refused] == [3, 4, 5, 6, 7, 8, 9, 10, 11]
    sentences = dict(report.refused)
    assert "Begin the number with +" in sentences[3]
    assert "601 characters" in sentences[4]
    assert sentences[5] == "This number is on line 2 already."
    assert "Europe/Stockholm" in sentences[6]
    assert sentences[7] == "This reference is on line 2 already."
    assert sentences[8] == "There is no number."
    assert "time zone" in sentences[9]
    assert "more in this row" in sentences[10]
    assert "control character" in sentences[11]
    assert all(sentence.endswith(".") for sentence in sentences.values())
    assert nothing_was_written()


def test_what_only_the_database_knows_is_named_by_row_too(account: Account, application: Application) -> None:
    an_access_number(application, number="+447700900102", account=account)
    earlier = promised(account, reference="a-3")
    another = promised(account, reference="a-4", destination="+447700900104")
    report = loaded(
        account,
        "number,reference\n+447700900101,\n+447700900102,\n+447700900103,a-3\n+442079460123,\n+447700900104,a-4\n",
    )
    assert report.refused == [
        (3, "It is one of our own access numbers: the call would come back to us."),
        (4, "This reference belongs to a callout of another number: use one of its own."),
        (5, "The account's destination rules do not allow this number."),
        (6, "The account used this reference for a callout before."),
    ]
    assert not CallList.objects.exists()
    assert set(Callout.objects.all()) == {earlier, another}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "must name the columns"),
        ("telephone\n+447700900101\n", "must name the columns"),
        ("number,colour\n", "There is no column 'colour'"),
        ("number,text,number\n", "named twice"),
        ("number\n", "no number in the file"),
        ("number\n\n,\n", "no number in the file"),
        (b"number\n\xff\xfe\n", "not UTF-8"),
        ('number,text\n+447700900101,"unfinished\n', "not CSV"),
        ('number,text\n+447700900101,"a"b\n', "not CSV"),
        ("number\n" + "+447700900101\n" * 10_001, "more than 10,000 rows"),
        ("number,text\n+447700900101," + "a" * 200_000, "not CSV"),
        (b"number\n" + b"1" * 2_000_001, "larger than 2 MB"),
    ],
)
def test_what_is_no_call_list_is_refused_in_one_sentence(account: Account, content: str | bytes, words: str) -> None:
    with pytest.raises(CallListUnreadable, match=words):
        loaded(account, content)
    assert nothing_was_written()


@pytest.mark.parametrize(
    "changes",
    [
        {"name": " "},
        {"name": "n" * 101},
        {"name": "a\nb"},
        {"at_once": 0},
        {"at_once": 101},
        {"per_minute": 0},
        {"per_minute": 601},
    ],
)
def test_a_list_has_a_name_and_a_pace(account: Account, changes: dict[str, Any]) -> None:
    with pytest.raises(CallListError):
        loaded(account, **changes)
    assert nothing_was_written()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"caller_id": "+442079460777"}, "caller_id"),
        ({"kind": Callout.Kind.MENU, "menu_version_id": 999_999}, "menu"),
        ({"account_id": 0}, "account"),
    ],
)
def test_what_is_wrong_with_the_whole_list_is_said_once(account: Account, changes: dict[str, Any], field: str) -> None:
    with pytest.raises(CalloutRefused) as refusal:
        loaded(account, **changes)
    assert refusal.value.field == field
    assert nothing_was_written()


def test_a_list_may_play_a_menu(account: Account) -> None:
    version = a_survey()
    one = a_list(account, kind=Callout.Kind.MENU, text="", menu_version_id=version)
    assert {callout.menu_version_id for callout in one.callouts.all()} == {version}


def test_a_menu_is_judged_once_for_a_whole_list(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """The transaction waits meanwhile, and one that waits for five seconds is ended by the database."""
    judged: list[Menu] = []
    why_not = callout_checks.why_not_in_a_callout

    def judge(menu: Menu) -> str:
        judged.append(menu)
        return why_not(menu)

    monkeypatch.setattr(callout_checks, "why_not_in_a_callout", judge)
    callout_checks._why_not.cache_clear()
    a_list(account, kind=Callout.Kind.MENU, text="", menu_version_id=a_survey())
    assert len(judged) == 1


# --- calling ---------------------------------------------------------------------------------------------------------


def test_no_more_calls_at_once_than_the_list_has(account: Account, application: Application) -> None:
    one = a_list(account, at_once=2)
    assert pace(timezone.now()) == 2
    assert pace(timezone.now()) == 0
    assert states(one) == ["calling", "calling", "waiting"]
    told(application, ended(a_placed_call(one.callouts.filter(state="calling")[0])))
    assert pace(timezone.now()) == 1
    assert states(one) == ["done", "calling", "calling"]


def test_no_more_calls_a_minute_than_the_list_has(account: Account, application: Application) -> None:
    one, now = a_list(account, at_once=10, per_minute=2), timezone.now()
    assert pace(now) == 2
    for callout in one.callouts.filter(state="calling"):
        told(application, ended(a_placed_call(callout, f"p-{callout.pk}"), 0, Result.FAILED))
    assert pace(now + timedelta(seconds=59)) == 0
    assert pace(now + timedelta(seconds=61)) == 1


def test_a_list_is_finished_with_its_last_call(account: Account, application: Application) -> None:
    one = a_list(account, at_once=3)
    pace(timezone.now())
    pace(timezone.now())
    one.refresh_from_db()
    assert one.state == CallList.State.RUNNING
    for callout in one.callouts.all():
        told(application, ended(a_placed_call(callout, f"p-{callout.pk}")))
    now = timezone.now()
    assert pace(now) == 0
    one.refresh_from_db()
    assert (one.state, one.finished_at) == (CallList.State.FINISHED, now)
    assert books.differences() == {}


def test_a_list_waits_for_a_number_that_is_called_again(account: Account, application: Application) -> None:
    one = a_list(account, "number\n+447700900101\n", most_attempts=2, retry_seconds=600)
    pace(timezone.now())
    told(application, ended(a_placed_call(one.callouts.get()), 0, Result.BUSY))
    assert pace(timezone.now()) == 0
    one.refresh_from_db()
    assert (one.state, states(one)) == (CallList.State.RUNNING, ["waiting"])
    assert pace(timezone.now() + timedelta(minutes=11)) == 1


def test_the_credit_ends_and_with_it_the_list_until_it_is_resumed(application: Application) -> None:
    account = a_caller(balance="0.13")
    one = a_list(account, at_once=10)
    assert pace(timezone.now()) == 2
    one.refresh_from_db()
    assert one.state == CallList.State.STOPPED
    assert one.why.startswith("The credit was not enough to begin this call. 0.06 USD needed")
    assert states(one) == ["calling", "calling", "waiting"]
    credit(account, Money.of("1.00", "USD"), reference="more")
    assert pace(timezone.now()) == 0
    resume(one.pk)
    assert pace(timezone.now()) == 1
    one.refresh_from_db()
    assert (one.state, one.why, held(account)) == (CallList.State.RUNNING, "", Decimal("0.18"))


def test_a_list_of_an_account_that_was_suspended_stops(account: Account) -> None:
    one = a_list(account)
    suspend(account)
    assert pace(timezone.now()) == 0
    one.refresh_from_db()
    assert (one.state, one.why) == (CallList.State.STOPPED, "The account was not active.")


def test_without_a_free_slot_a_list_waits(application: Application) -> None:
    account = a_caller(calls_at_once=1)
    one = a_list(account, at_once=10)
    assert pace(timezone.now()) == 1
    one.refresh_from_db()
    assert (one.state, states(one)) == (CallList.State.RUNNING, ["calling", "waiting", "waiting"])


def test_a_number_that_cannot_be_called_fails_and_the_list_goes_on(account: Account) -> None:
    one = a_list(account, "number\n+46701740605\n+447700900101\n")
    assert pace(timezone.now()) == 1
    assert states(one) == ["failed", "calling"]


def test_at_night_nobody_on_a_list_is_called(account: Account) -> None:
    now = timezone.now()
    one = a_list(account, time_zone="UTC")
    one.callouts.update(earliest=time(9), latest=time(20))
    assert pace(now.astimezone(UTC).replace(hour=22) + timedelta(days=1)) == 0
    assert states(one) == ["waiting"] * 3
    assert {callout.due_at.hour for callout in one.callouts.all()} == {9}


def test_callouts_of_a_list_are_not_begun_beside_its_pace(account: Account) -> None:
    one = a_list(account)
    assert callout_dialling.begin_due(timezone.now()) == 0
    assert states(one) == ["waiting"] * 3


def test_a_list_that_fails_keeps_no_other_waiting(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = a_list(account, name="first"), a_list(account, name="second")
    begin_next = call_lists._begin_next

    def broken(id: int, now: datetime) -> tuple[bool, bool]:
        if id == first.pk:
            raise RuntimeError("a mistake of ours")
        return begin_next(id, now)

    monkeypatch.setattr(call_lists, "_begin_next", broken)
    with pytest.raises(RuntimeError):
        pace(timezone.now())
    assert states(second)[:2] == ["calling", "calling"]


# --- under the hands of staff ----------------------------------------------------------------------------------------


def test_a_list_is_paused_and_resumed(account: Account) -> None:
    one = a_list(account, at_once=1)
    pace(timezone.now())
    pause(one.pk, "a colleague")
    one.refresh_from_db()
    assert (one.state, one.why) == (CallList.State.PAUSED, "Paused by a colleague.")
    Call.objects.update(begun_at=timezone.now() - timedelta(hours=1))
    one.callouts.filter(state="calling").update(state="done", finished_at=timezone.now())
    assert pace(timezone.now()) == 0
    resume(one.pk)
    assert pace(timezone.now()) == 1


def test_a_stopped_list_calls_nobody_any_more(account: Account, application: Application) -> None:
    one, now = a_list(account, at_once=1, most_attempts=3), timezone.now()
    pace(now)
    stop(one.pk, "a colleague", now)
    assert states(one) == ["calling", "cancelled", "cancelled"]
    told(application, ended(a_placed_call(one.callouts.get(state="calling")), 0, Result.BUSY))
    assert states(one) == ["failed", "cancelled", "cancelled"]
    with pytest.raises(CallListError, match="Nobody on this list waits"):
        resume(one.pk)
    one.refresh_from_db()
    assert one.state == CallList.State.STOPPED
    assert available(account) == Decimal(5)


@pytest.mark.parametrize(
    ("state", "refused"),
    [("running", "resume"), ("paused", "pause"), ("finished", "pause"), ("finished", "resume"), ("finished", "stop")],
)
def test_what_does_not_fit_the_state_of_a_list_is_refused(account: Account, state: str, refused: str) -> None:
    one = a_list(account)
    CallList.objects.update(state=state)
    with pytest.raises(CallListError, match=f"The list is {state}"):
        {
            "pause": lambda: pause(one.pk, "me"),
            "resume": lambda: resume(one.pk),
            "stop": lambda: stop(one.pk, "me", timezone.now()),
        }[refused]()


def test_a_list_that_is_none_is_refused(account: Account) -> None:
    with pytest.raises(CallListError, match="no such call list"):
        pause(0, "me")
