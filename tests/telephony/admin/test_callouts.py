"""Callouts and call lists on the staff's site: what they show, what may be done, and what is written down."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from accounts.models import Account
from telephony import call_lists
from telephony.events import Result
from telephony.models import Application, CallList, Callout, Menu
from tests.accounts.test_admin import staff
from tests.billing.test_admin import queries_of
from tests.builders import an_application, balance
from tests.telephony.callout_scenes import CALLEE, a_caller, a_callout, a_placed_call, a_survey, ended, promised, told
from tests.telephony.test_call_lists import a_list

pytestmark = pytest.mark.django_db

CALLOUTS, LISTS = "/admin/telephony/callout/", "/admin/telephony/calllist/"
SCRIPT = "<script>alert(1)</script>"
WISHES = {
    "account": "Harbour Café",
    "kind": "text",
    "text": "Your table is ready.",
    "locale": "en-US",
    "on_machine": "ignore",
    "most_attempts": "1",
    "retry_minutes": "5",
}


@pytest.fixture
def application() -> Application:
    return an_application(name="Softphone")


@pytest.fixture
def account(application: Application) -> Account:
    return a_caller(name="Harbour Café")


def page_of(client: Client, path: str) -> str:
    response = client.get(path)
    assert response.status_code == 200
    return response.content.decode()


def placed(client: Client, **changes: str) -> Any:
    return client.post(
        f"{CALLOUTS}place/", {**WISHES, "destination": CALLEE, "reference": "r-1", **changes}, follow=True
    )


def loaded(client: Client, content: str, **changes: str) -> Any:
    file = SimpleUploadedFile("list.csv", content.encode())
    data = {**WISHES, "name": "Tables", "at_once": "2", "per_minute": "30", **changes, "file": file}
    return client.post(f"{LISTS}load/", data, follow=True)


# --- one number ------------------------------------------------------------------------------------------------------


def test_somebody_is_called_from_the_form(admin_client: Client, account: Account) -> None:
    assert "Call somebody" in page_of(admin_client, CALLOUTS)
    page = placed(admin_client, not_before="", most_attempts="3", retry_minutes="2").content.decode()
    callout = Callout.objects.get()
    assert "It is being called." in page
    assert (callout.state, callout.destination, callout.made_by) == ("calling", CALLEE, "admin@example.com")
    assert (callout.most_attempts, callout.retry_seconds, callout.reference) == (3, 120, "r-1")
    assert LogEntry.objects.get().object_id == str(callout.pk)


def test_a_menu_is_played_in_its_newest_version(admin_client: Client, account: Account) -> None:
    version = a_survey()
    placed(admin_client, kind="menu", text="", menu=str(Menu.objects.get().pk))
    assert Callout.objects.get().menu_version_id == version


def test_a_time_is_on_the_callees_clock(admin_client: Client, account: Account) -> None:
    changes = {"not_before": "2026-12-01 09:00", "time_zone": "Asia/Tokyo", "earliest": "09:00", "latest": "20:00"}
    assert "It waits until it is due." in placed(admin_client, **changes).content.decode()
    assert Callout.objects.get().due_at.isoformat() == "2026-12-01T00:00:00+00:00"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"destination": "07700 900123"}, "Begin the number with + and the country code."),
        ({"text": ""}, "There is no text to speak."),
        ({"text": "a" * 601}, "at most 600"),
        ({"account": "Nobody"}, "There is no account with this name."),
        ({"kind": "menu"}, "Say which menu is to be played."),
        ({"kind": "conference"}, "A conference has a name"),
        ({"caller_id": "+442079460777"}, "is not a verified number of the account"),
        ({"not_before": "tomorrow"}, "Write the time like 2026-12-01 09:00."),
        ({"earliest": "20:00", "latest": "09:00"}, "ends before it begins"),
        ({"time_zone": "Europe/Atlantis"}, "There is no such time zone"),
        ({"most_attempts": "11"}, "less than or equal to 10"),
        ({"destination": SCRIPT}, "A number has only digits"),
        ({"kind": SCRIPT}, "is not one of the available choices"),
    ],
)
def test_a_mistake_in_the_form_is_said_at_its_field_and_nobody_is_called(
    admin_client: Client, account: Account, changes: dict[str, str], words: str
) -> None:
    page = placed(admin_client, **changes).content.decode()
    assert words in page
    assert SCRIPT not in page
    assert not Callout.objects.exists()


def test_what_could_not_begin_is_said(admin_client: Client, application: Application) -> None:
    a_caller(name="Poor", balance="0.01")
    page = placed(admin_client, account="Poor").content.decode()
    assert "It was not begun. The credit was not enough" in page


def test_a_callout_shows_its_calls_and_what_its_menu_heard(
    admin_client: Client, account: Account, application: Application
) -> None:
    callout = a_callout(account, text=SCRIPT, most_attempts=2, retry_seconds=1)
    call = a_placed_call(callout)
    told(application, ended(call, 20))
    Callout.objects.update(heard=[["well", "yes"]], machine="human")
    page = page_of(admin_client, f"{CALLOUTS}{callout.pk}/change/")
    for shown in ("+44 7700 900123", "Harbour Café", "1 of 2", "0:20", "0.06\u00a0USD", "Heard: well", "yes", "human"):
        assert shown in page
    assert SCRIPT not in page
    assert f"/admin/telephony/call/{call.pk}/change/" in page


def test_a_call_of_a_callout_leads_to_it(admin_client: Client, account: Account) -> None:
    callout = a_callout(account)
    call = callout.calls.get()
    assert f"{CALLOUTS}{callout.pk}/change/" in page_of(admin_client, f"/admin/telephony/call/{call.pk}/change/")


@pytest.mark.parametrize("term", [CALLEE, "r-1", "Harbour Café", "id"])
def test_a_callout_is_found(admin_client: Client, account: Account, term: str) -> None:
    callout = promised(account, reference="r-1")
    promised(a_caller(numbers=["+442079460002"]), destination="+447700900124")
    response = admin_client.get(CALLOUTS, {"q": str(callout.pk) if term == "id" else term})
    assert list(response.context["cl"].result_list) == [callout]
    assert not admin_client.get(CALLOUTS, {"q": "nothing like it"}).context["cl"].result_list


def test_a_waiting_callout_is_called_off(admin_client: Client, account: Account) -> None:
    callout = promised(account)
    assert "Call off" in page_of(admin_client, f"{CALLOUTS}{callout.pk}/change/")
    page = admin_client.post(f"{CALLOUTS}{callout.pk}/call-off/", follow=True).content.decode()
    callout.refresh_from_db()
    assert (callout.state, "It was called off." in page) == ("cancelled", True)
    again = admin_client.post(f"{CALLOUTS}{callout.pk}/call-off/", follow=True).content.decode()
    assert "It is over already." in again


def test_the_list_is_not_counted(admin_client: Client, account: Account) -> None:
    promised(account)
    assert not [sql for sql in queries_of(admin_client, CALLOUTS) if "COUNT(" in sql or "OFFSET" in sql]


# --- lists -----------------------------------------------------------------------------------------------------------


def test_a_list_is_loaded_from_a_file(admin_client: Client, account: Account) -> None:
    assert "Load a file" in page_of(admin_client, LISTS)
    page = loaded(admin_client, "number\n+447700900101\n+447700900102\n").content.decode()
    assert "2 numbers are on the list" in page
    one = CallList.objects.get()
    assert (one.name, one.made_by, one.callouts.count()) == ("Tables", "admin@example.com", 2)
    assert LogEntry.objects.get().change_message == "Loaded 2 numbers."


def test_bad_rows_are_shown_with_their_lines_and_nothing_is_loaded(admin_client: Client, account: Account) -> None:
    page = loaded(admin_client, f"number,text\n+447700900101,\n{SCRIPT},\n").content.decode()
    assert "Nothing was loaded: 1 of 2 rows cannot be used" in page
    assert "A number has only digits" in page
    assert SCRIPT not in page
    assert not CallList.objects.exists()


@pytest.mark.parametrize(
    ("content", "changes", "words"),
    [
        ("telephone\n", {}, "The first line must name the columns"),
        ("number\n+447700900101\n", {"caller_id": "+442079460777"}, "is not a verified number of the account"),
        ("number\n+447700900101\n", {"at_once": "0"}, "greater than or equal to 1"),
        ("number\n" + "1" * 2_000_000, {}, "larger than 2 MB"),
    ],
)
def test_what_is_wrong_with_a_list_is_said(
    admin_client: Client, account: Account, content: str, changes: dict[str, str], words: str
) -> None:
    assert words in loaded(admin_client, content, **changes).content.decode()
    assert not CallList.objects.exists()


def test_a_list_shows_how_far_it_is_and_every_number(
    admin_client: Client, account: Account, application: Application
) -> None:
    one = a_list(account, at_once=2)
    call_lists.pace(timezone.now())
    first, second = one.callouts.filter(state="calling").order_by("due_at")
    told(application, ended(a_placed_call(first, "p-1"), 20))
    told(application, ended(a_placed_call(second, "p-2"), 0, Result.BUSY))
    page = page_of(admin_client, f"{LISTS}{one.pk}/change/")
    for shown in ("2 of 3", 'width="66"', "66 % of the numbers are over", "+44 7700 900101", "busy", "2 at once"):
        assert shown in page
    assert "2 of 3" in page_of(admin_client, LISTS)
    found = admin_client.get(CALLOUTS, {"call_list__id__exact": one.pk, "state__exact": "failed"})
    assert list(found.context["cl"].result_list) == [second]
    assert balance(account) < 5


def test_a_list_is_paused_resumed_and_stopped(admin_client: Client, account: Account) -> None:
    one = a_list(account)
    for word, state in (("pause", "paused"), ("resume", "running"), ("stop", "stopped")):
        page = admin_client.post(f"{LISTS}{one.pk}/do/{word}/", follow=True).content.decode()
        one.refresh_from_db()
        assert one.state == state
    assert "Stopped by admin@example.com." in page
    assert "Resume" not in page
    assert admin_client.post(f"{LISTS}{one.pk}/do/pause/", follow=True).status_code == 200
    assert set(one.callouts.values_list("state", flat=True)) == {"cancelled"}


# --- who may ---------------------------------------------------------------------------------------------------------


def test_who_may_only_look_sees_no_buttons_and_does_nothing(client: Client, account: Account) -> None:
    staff(client, "view_callout", "view_calllist")
    one, callout = a_list(account), promised(account)
    assert "Call somebody" not in page_of(client, CALLOUTS)
    assert "Call off" not in page_of(client, f"{CALLOUTS}{callout.pk}/change/")
    assert "Load a file" not in page_of(client, LISTS)
    assert "Pause" not in page_of(client, f"{LISTS}{one.pk}/change/")
    assert client.get(f"{CALLOUTS}place/").status_code == client.get(f"{LISTS}load/").status_code == 403
    assert client.post(f"{CALLOUTS}{callout.pk}/call-off/").status_code == 403
    assert client.post(f"{LISTS}{one.pk}/do/stop/").status_code == 403
    one.refresh_from_db()
    assert one.state == "running"


def test_nothing_is_done_by_looking(admin_client: Client, account: Account) -> None:
    one, callout = a_list(account), promised(account)
    assert admin_client.get(f"{CALLOUTS}{callout.pk}/call-off/").status_code == 404
    assert admin_client.get(f"{LISTS}{one.pk}/do/stop/").status_code == 404
    assert admin_client.post(f"{LISTS}{one.pk}/do/explode/").status_code == 404
    assert admin_client.post(f"{LISTS}999999/do/stop/").status_code == 404


def test_a_callout_cannot_be_edited_by_hand(admin_client: Client, account: Account) -> None:
    callout = promised(account)
    response = admin_client.post(f"{CALLOUTS}{callout.pk}/change/", {"state": "done"})
    assert response.status_code == 403
    assert admin_client.post(f"{CALLOUTS}{callout.pk}/delete/").status_code == 403
