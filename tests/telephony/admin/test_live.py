"""The list of running calls and the pages that manage one: what they show, to whom, and what they write down."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from pytest_django.live_server_helper import LiveServer

from accounts.models import Account, User
from telephony.models import Application, Call
from tests.accounts.test_admin import staff
from tests.billing.test_admin import queries_of
from tests.builders import a_deck, an_account, an_application
from tests.telephony.live_scenes import Desk, a_call_in_a_menu, a_desk
from tests.telephony.scenes import LONDON, a_running_call, an_ended_call, an_event

SCRIPT = "<script>alert(1)</script>"
LIVE = "/admin/telephony/call/live/"
VERBS = ("hang-up", "park", "unpark")


@pytest.fixture
def account(db: None) -> Account:
    a_deck({"44": "0.06"})
    return an_account("Harbour Café", balance="50.00", calls_at_once=9)


@pytest.fixture
def application(db: None) -> Application:
    return an_application(name="Softphone", base_url="http://127.0.0.1:1")


@pytest.fixture
def desk(live_server: LiveServer) -> Iterator[Desk]:
    with a_desk(live_server.url) as desk:
        yield desk


def command(call: Call, verb: str) -> str:
    return f"/admin/telephony/call/{call.pk}/live/{verb}/"


def page_of(client: Client, path: str) -> str:
    response = client.get(path)
    assert response.status_code == 200
    return response.content.decode()


# --- looking ---------------------------------------------------------------------------------------------------------


def test_a_running_call_shows_whom_it_is_for_how_long_it_may_run_and_what_is_held(
    admin_client: Client, account: Account, application: Application
) -> None:
    a_running_call(account, application, limit_seconds=600, begun_ago=timedelta(seconds=105))
    page = page_of(admin_client, LIVE)
    for figure in ("+44 20 7946 0123", "Harbour Café", "talking", "left of 10:00", "0.60\u00a0USD", "Hang up", "Park"):
        assert figure in page
    assert "Unpark" not in page


def test_a_call_in_a_menu_shows_the_menu_and_its_question(admin_client: Client, application: Application) -> None:
    a_call_in_a_menu(application)
    page = page_of(admin_client, LIVE)
    for figure in ("in a menu", "Reception, at welcome", "+44 20 7946 0555", "not known yet", "no limit"):
        assert figure in page


def test_the_figures_count_menus_and_parked_calls_and_add_up_what_is_held(
    admin_client: Client, account: Account, application: Application
) -> None:
    a_running_call(account, application)
    parked = a_running_call(account, application)
    Call.objects.filter(pk=parked.pk).update(parked_at=parked.begun_at)
    an_ended_call(account, application)
    a_call_in_a_menu(application)
    totals = admin_client.get(LIVE).context["totals"]
    assert (totals.calls, totals.in_menus, totals.parked) == (3, 1, 1)
    assert [(currency, f"{sum:.2f}") for currency, sum in totals.held] == [("USD", "1.20")]
    assert "1 in menus, 1 parked" in page_of(admin_client, "/admin/")


def test_the_calls_of_one_account_are_shown_alone(
    admin_client: Client, account: Account, application: Application
) -> None:
    a_running_call(account, application)
    a_running_call(an_account("Rival", balance="5"), application, to="+442079460777")
    page = page_of(admin_client, f"{LIVE}?account={account.pk}")
    assert "Calls of Harbour Café" in page
    assert "+44 20 7946 0777" not in page
    assert admin_client.get(f"{LIVE}?account={account.pk}").context["totals"].calls == 1


@pytest.mark.parametrize("wrong", ["x", "-1", "0", "²", "9" * 40])
def test_an_account_that_does_not_exist_is_not_found(admin_client: Client, wrong: str) -> None:
    assert admin_client.get(LIVE, {"account": wrong}).status_code == 404


def test_the_part_that_is_refreshed_is_the_table_alone(
    admin_client: Client, account: Account, application: Application
) -> None:
    a_running_call(account, application)
    part = page_of(admin_client, f"{LIVE}?part=table")
    assert part.lstrip().startswith('<div id="live-calls">')
    assert "left of" in part
    assert "<html" not in part


def test_ten_running_calls_take_as_many_queries_as_one(
    admin_client: Client, account: Account, application: Application
) -> None:
    a_running_call(account, application)
    a_call_in_a_menu(application)
    few = len(queries_of(admin_client, LIVE))
    for _ in range(4):
        a_running_call(an_account(balance="5"), application)
        a_call_in_a_menu(application)
    assert len(queries_of(admin_client, LIVE)) == few


def test_names_and_numbers_from_outside_do_nothing(
    admin_client: Client, account: Account, application: Application
) -> None:
    call = a_running_call(account, application)
    Call.objects.update(caller=SCRIPT)
    Account.objects.update(name=SCRIPT)
    a_call_in_a_menu(application, name=SCRIPT, caller=SCRIPT)
    for path in (LIVE, f"{LIVE}?part=table", command(call, "hang-up"), f"/admin/telephony/call/{call.pk}/change/"):
        page = page_of(admin_client, path)
        assert SCRIPT not in page
        assert "&lt;script&gt;" in page


# --- who may do what -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("permissions", "may_look", "may_manage"),
    [
        ((), False, False),
        (("view_account", "view_cdr", "change_wallet"), False, False),
        (("view_call",), True, False),
        (("view_call", "change_call"), True, True),
    ],
)
@pytest.mark.parametrize("verb", VERBS)
def test_looking_and_managing_have_permissions_of_their_own(
    client: Client,
    account: Account,
    application: Application,
    permissions: tuple[str, ...],
    may_look: bool,
    may_manage: bool,
    verb: str,
) -> None:
    call = a_running_call(account, application)
    Call.objects.update(parked_at=call.begun_at if verb == "unpark" else None)
    staff(client, *permissions)
    assert client.get(LIVE).status_code == (200 if may_look else 403)
    assert client.get(f"{LIVE}?part=table").status_code == (200 if may_look else 403)
    assert client.get(command(call, verb)).status_code == (200 if may_manage else 403)
    posted = client.post(command(call, verb), {"say": "Bye", "locale": "en-US"})
    assert posted.status_code == (200 if may_manage else 403)  # with the trouble of a provider that is not there
    if may_look:
        for path in (LIVE, f"/admin/telephony/call/{call.pk}/change/"):
            assert ("Hang up" in page_of(client, path)) is may_manage


@pytest.mark.parametrize("verb", VERBS)
def test_customers_and_strangers_come_nowhere_near(
    client: Client, account: Account, application: Application, verb: str
) -> None:
    call = a_running_call(account, application)
    for user in (None, User.objects.create_user("owner@example.com", account=account)):
        if user is not None:
            client.force_login(user)
        for path in (LIVE, f"{LIVE}?part=table", command(call, verb)):
            assert client.get(path).status_code == 302
            assert client.post(path, {"say": "Bye", "locale": "en-US"}).status_code == 302
    assert not LogEntry.objects.exists()


def test_whoever_may_manage_calls_still_changes_no_row(
    client: Client, account: Account, application: Application
) -> None:
    call = a_running_call(account, application)
    staff(client, "view_call", "change_call", "add_call", "delete_call")
    for verb in ("change", "delete"):
        assert client.post(f"/admin/telephony/call/{call.pk}/{verb}/", {"state": "ended"}).status_code == 403


def test_a_form_from_elsewhere_is_refused(account: Account, application: Application) -> None:
    call = a_running_call(account, application)
    careful = Client(enforce_csrf_checks=True)
    careful.force_login(User.objects.create_superuser("staff@example.com", "correct horse battery"))
    assert careful.post(command(call, "hang-up"), {"say": "Bye", "locale": "en-US"}).status_code == 403
    assert not LogEntry.objects.exists()


def test_nothing_is_done_by_merely_looking(admin_client: Client, account: Account, application: Application) -> None:
    call = a_running_call(account, application)
    page = page_of(admin_client, command(call, "hang-up"))
    assert "This call is ended by our staff. Goodbye." in page
    assert "Leave it as it is" in page
    assert not LogEntry.objects.exists()


@pytest.mark.parametrize("path", ["/live/dance/", "/live/HANG_UP/"])
def test_a_word_nobody_knows_is_not_found(
    admin_client: Client, account: Account, application: Application, path: str
) -> None:
    call = a_running_call(account, application)
    assert admin_client.post(f"/admin/telephony/call/{call.pk}{path}").status_code == 404


# --- managing --------------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_a_call_is_hung_up_with_a_reason_and_it_is_written_down(admin_client: Client, desk: Desk) -> None:
    call, theirs = desk.talking()
    answer = admin_client.post(command(call, "hang-up"), {"say": f"Bye {SCRIPT}", "locale": "en-US"}, follow=True)
    assert "Hung up." in answer.content.decode()
    desk.platform.run()
    assert "Bye <script>" in " ".join(heard.text for heard in theirs.heard)
    assert theirs.reason == "MANAGERHANGUP"
    written = LogEntry.objects.get()
    assert (written.user.email, written.object_id) == ("admin@example.com", str(call.pk))
    assert written.change_message == f"Hang up, saying “Bye {SCRIPT}”. Done."
    history = page_of(admin_client, f"/admin/telephony/call/{call.pk}/history/")
    assert SCRIPT not in history
    assert "Bye &lt;script&gt;" in history


@pytest.mark.django_db(transaction=True)
def test_a_call_is_parked_and_unparked_from_the_page(admin_client: Client, desk: Desk) -> None:
    call, _ = desk.talking()
    parked = admin_client.post(command(call, "park"), {"say": "Please wait.", "locale": "en-US"}, follow=True)
    assert "Parked for" in parked.content.decode()
    assert "Unpark" in page_of(admin_client, LIVE)
    assert "Parked since" in page_of(admin_client, f"/admin/telephony/call/{call.pk}/change/")
    unparked = admin_client.post(command(call, "unpark"), follow=True)
    assert "Unparked: connected to +447700900123 again" in unparked.content.decode()
    call.refresh_from_db()
    assert call.parked_at is None


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("verb", VERBS)
def test_what_the_provider_refuses_is_shown_in_its_words_and_changes_nothing(
    admin_client: Client, desk: Desk, verb: str
) -> None:
    call, theirs = desk.talking()
    Call.objects.update(parked_at=call.begun_at if verb == "unpark" else None)
    before = Call.objects.values().get()
    desk.platform.run()  # it ends on the platform, and we are made to forget that
    assert theirs.ended
    Call.objects.filter(pk=call.pk).update(**{name: before[name] for name in ("state", "ended_at", "parked_at")})
    page = admin_client.post(command(call, verb), {"say": "Bye", "locale": "en-US"}).content.decode()
    assert "The provider refused" in page
    assert "reference" in page
    assert Call.objects.values().get() == before
    assert "The provider refused" in LogEntry.objects.get().change_message


def test_a_provider_that_does_not_answer_leaves_the_person_with_what_is_certain(
    admin_client: Client, account: Account, application: Application
) -> None:
    call = a_running_call(account, application)
    page = admin_client.post(command(call, "park"), {"say": "Wait", "locale": "en-US"}).content.decode()
    assert "nothing is known about what it did" in page
    assert "time is up at" in page
    call.refresh_from_db()
    assert call.parked_at is None
    assert "No answer" in LogEntry.objects.get().change_message


@pytest.mark.parametrize(("say", "locale"), [("x" * 121, "en-US"), ("", "en-US"), ("Wait", "tlh")])
def test_what_cannot_be_spoken_is_not_sent(
    admin_client: Client, account: Account, application: Application, say: str, locale: str
) -> None:
    call = a_running_call(account, application)
    answer = admin_client.post(command(call, "park"), {"say": say, "locale": locale})
    assert answer.context["form"].errors
    assert not LogEntry.objects.exists()


@pytest.mark.parametrize("verb", VERBS)
def test_a_call_that_is_over_sends_people_to_its_page(
    admin_client: Client, account: Account, application: Application, verb: str
) -> None:
    call = an_ended_call(account, application)
    answer = admin_client.post(command(call, verb), {"say": "Bye", "locale": "en-US"}, follow=True)
    assert answer.redirect_chain == [(f"/admin/telephony/call/{call.pk}/change/", 302)]
    assert "This call is over." in answer.content.decode()
    assert not LogEntry.objects.exists()


# --- the page of a call ----------------------------------------------------------------------------------------------


def test_the_page_of_a_call_tells_how_it_went_in_its_menu(
    admin_client: Client, account: Account, application: Application
) -> None:
    call = a_call_in_a_menu(application)
    call.menu_run.account = account
    call.menu_run.save()
    page = page_of(admin_client, f"/admin/telephony/call/{call.pk}/change/")
    for fact in ("Reception, version 1", "welcome", "Kept: customer", "4711", "the last 1 wrong", "PIN of"):
        assert fact in page
    assert "In a menu" in page


@pytest.mark.parametrize(
    ("body", "shown", "not_shown"),
    [
        (
            b'{"event":"notify","callid":"c","type":"recording_available","destination":"https://example.com/a.mp3"}',
            ("Recording available", 'href="https://example.com/a.mp3"', 'rel="noopener noreferrer"'),
            (),
        ),
        (
            b'{"event":"notify","callid":"c","type":"transcription_complete","destination":"s3://bucket/a.json"}',
            ("Transcription available", "s3://bucket/a.json"),
            ('href="s3:',),
        ),
        (
            b'{"event":"notify","callid":"c","type":"recording_available","destination":"javascript:alert(1)"}',
            ("javascript:alert(1)",),
            ('href="javascript:',),
        ),
        (
            b'{"event":"notify","callid":"c","type":"callingerror","errorCode":40001,"errorMsg":"<b>illegal</b>"}',
            ("Callingerror", "40001 &lt;b&gt;illegal&lt;/b&gt;"),
            ("<b>illegal</b>",),
        ),
    ],
)
def test_recordings_transcriptions_and_errors_are_read_from_what_was_kept(
    admin_client: Client,
    account: Account,
    application: Application,
    body: bytes,
    shown: tuple[str, ...],
    not_shown: tuple[str, ...],
) -> None:
    call = an_ended_call(account, application)
    an_event(application, call.pk, kind="notified", body=body)
    page = page_of(admin_client, f"/admin/telephony/call/{call.pk}/change/")
    assert "Recordings and transcriptions" in page
    for text in shown:
        assert text in page
    for text in not_shown:
        assert text not in page


def test_news_that_cannot_be_read_leaves_the_page_whole(
    admin_client: Client, account: Account, application: Application
) -> None:
    call = an_ended_call(account, application)
    an_event(application, call.pk, kind="notified", body=b"\xff{")
    page = page_of(admin_client, f"/admin/telephony/call/{call.pk}/change/")
    assert "Recordings and transcriptions" not in page
    assert LONDON[-4:] in page
