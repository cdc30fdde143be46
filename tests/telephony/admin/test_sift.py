"""What staff see of Sift: our application there, and a running call that nobody limits but us."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings
from pytest_django.live_server_helper import LiveServer

from outbox import performing, rows
from postgres.work import in_one_transaction
from sandbox import DESK_SIFT_ACCOUNT, DESK_SIFT_TOKEN, Phone, Sandbox
from sandbox.misbehaviour import Mishap
from sandbox.sift_calls import SiftCall
from telephony import live
from telephony.applications import callback_address
from telephony.live import Verb
from telephony.models import CDR, Application, Call
from telephony.registrations import register
from tests.accounts.test_admin import staff
from tests.builders import a_deck, an_account, an_application, balance, held
from tests.telephony.test_admin import application_form

FRIEND = "+442079460101"
LIMIT_SECONDS = 600
LIVE = "/admin/telephony/call/live/"


# --- our application there -------------------------------------------------------------------------------------------


@pytest.fixture
def application(db: None) -> Application:
    return an_application(
        "sift", key=DESK_SIFT_ACCOUNT, secret=DESK_SIFT_TOKEN, callback_salt="open sesame", remote_id="9c1f0b7d2e4a6853"
    )


def page(application: Application) -> str:
    return f"/admin/telephony/application/{application.pk}/change/"


def sift_form(application: Application, **changes: str) -> dict[str, str]:
    return application_form(application, provider="sift", **changes)


def test_whoever_may_change_it_reads_the_address_that_sift_calls(
    admin_client: Client, application: Application
) -> None:
    shown = admin_client.get(page(application)).content.decode()
    assert f"{DESK_SIFT_ACCOUNT}:open%20sesame@" in callback_address(application)
    for fact in (
        callback_address(application),
        "9c1f0b7d2e4a6853",
        "callback password",
        "Set. Leave empty to keep it.",
    ):
        assert fact in shown
    for secret in (DESK_SIFT_TOKEN, "open sesame"):
        assert secret not in shown


def test_whoever_may_only_look_reads_neither_the_address_nor_the_password(
    client: Client, application: Application
) -> None:
    staff(client, "view_application")
    for path in (page(application), "/admin/telephony/application/"):
        shown = client.get(path).content.decode()
        assert DESK_SIFT_ACCOUNT in shown
        for secret in (DESK_SIFT_TOKEN, "sesame", application.callback_token):
            assert secret not in shown


def test_its_id_there_is_written_down_and_an_empty_password_keeps_the_stored_one(
    admin_client: Client, application: Application
) -> None:
    token = application.callback_token
    admin_client.post(page(application), sift_form(application, remote_id="3bb34721cbe2e221", callback_token="guessed"))
    application.refresh_from_db()
    assert application.remote_id == "3bb34721cbe2e221"
    assert (application.secret, application.callback_salt) == (DESK_SIFT_TOKEN, "open sesame")
    assert application.callback_token == token
    admin_client.post(page(application), sift_form(application, callback_salt="another"))
    application.refresh_from_db()
    assert "another@" in callback_address(application)


def test_an_application_is_added_and_a_secret_that_cannot_be_sent_is_refused(admin_client: Client, db: None) -> None:
    new = {"provider": "sift", "key": DESK_SIFT_ACCOUNT, "base_url": "https://api.gridspace.com", "enabled": "on"}
    path = "/admin/telephony/application/add/"
    refused = admin_client.post(path, {**new, "secret": "two words"})
    assert "secret" in refused.context["adminform"].form.errors
    assert not Application.objects.exists()
    admin_client.post(path, {**new, "secret": DESK_SIFT_TOKEN})
    assert callback_address(Application.objects.get()).endswith("/incoming/")


def test_a_secret_is_not_sent_to_sinch_because_its_address_was_left_in_the_form(admin_client: Client, db: None) -> None:
    path = "/admin/telephony/application/add/"
    usual = admin_client.get(path).context["adminform"].form["base_url"].initial
    new = {"provider": "sift", "key": DESK_SIFT_ACCOUNT, "secret": DESK_SIFT_TOKEN, "base_url": usual, "enabled": "on"}
    assert "base_url" in admin_client.post(path, new).context["adminform"].form.errors
    assert not Application.objects.exists()


# --- a running call --------------------------------------------------------------------------------------------------


class Desk:
    """The platform, our application there, and a customer whose browser calls."""

    def __init__(self, platform: Sandbox, api: str) -> None:
        self.platform = platform
        self.application = an_application("sift", key=DESK_SIFT_ACCOUNT, secret=DESK_SIFT_TOKEN, base_url=api)
        remote = platform.sift.add_application("ours", on_incoming=callback_address(self.application))
        Application.objects.filter(pk=self.application.pk).update(remote_id=remote.app_id)
        a_deck({"44": "0.06"})
        self.account = an_account(
            "Lighthouse", client_user="alice", longest_call_seconds=LIMIT_SECONDS, exposure_allowance=Decimal(100)
        )

    def talking(self) -> tuple[Call, SiftCall]:
        """A call as we know it and as the platform does. It would go on for ever."""
        token = register(self.account, "alice", timezone.now()).registration.token
        phone = Phone.answers(after_seconds=3, talks_seconds=None)
        theirs = self.platform.sift.browser(token).connect({"phone_number": FRIEND}, phone=phone)
        self.platform.run(until_seconds=90)
        return Call.objects.get(provider_call_id=theirs.connection_id), theirs

    def carry_out(self) -> None:
        """What a worker does, a little later."""
        for id in in_one_transaction(lambda: rows.lease(timezone.now() + timedelta(minutes=2), 100)):
            performing.perform(id)


@pytest.fixture
def desk(live_server: LiveServer, settings: Settings) -> Iterator[Desk]:
    settings.PUBLIC_URL = live_server.url
    settings.CALLBACK_DEADLINE_SECONDS = 60.0
    platform = Sandbox(target=live_server.url, timeout_seconds=30, start=timezone.now())
    with platform.rest_server() as url:
        yield Desk(platform, url)


def command(call: Call, verb: str) -> str:
    return f"/admin/telephony/call/{call.pk}/live/{verb}/"


@pytest.mark.django_db(transaction=True)
class TestARunningCall:
    def test_the_list_shows_it_with_its_limit_and_offers_no_parking(self, admin_client: Client, desk: Desk) -> None:
        call, _ = desk.talking()
        shown = admin_client.get(LIVE).content.decode()
        for fact in ("+44 20 7946 0101", "Lighthouse", "Sift", "left of 10:00", "Hang up the call to"):
            assert fact in shown
        assert "Park the call" not in shown
        assert live.verbs_of(call, timezone.now()) == (Verb.HANG_UP,)
        assert live.ends_by(call) >= call.begun_at + timedelta(seconds=LIMIT_SECONDS)
        sent = admin_client.post(command(call, "park"), {"say": "Wait.", "locale": "en-US"}, follow=True)
        assert "Its provider cannot park a call. It can be hung up." in sent.content.decode()
        assert not LogEntry.objects.exists()

    def test_it_is_hung_up_with_a_last_sentence_and_charged_for_what_it_lasted(
        self, admin_client: Client, desk: Desk
    ) -> None:
        call, theirs = desk.talking()
        answer = admin_client.post(command(call, "hang-up"), {"say": "Goodbye.", "locale": "es-ES"}, follow=True)
        assert "Hung up." in answer.content.decode()
        desk.platform.run()
        assert (theirs.ended_by, theirs.status) == ("rest", "finished")
        assert [heard.text for heard in theirs.heard] == ["Goodbye."]
        assert LogEntry.objects.get().change_message == "Hang up, saying “Goodbye.”. Done."
        desk.carry_out()
        cdr = CDR.objects.get(call=call)
        assert (cdr.result, cdr.duration_seconds) == ("answered", theirs.duration_seconds)
        assert 60 < cdr.duration_seconds <= 120
        assert (cdr.charge, cdr.loss) == (Decimal("0.12"), 0)
        assert (balance(desk.account), held(desk.account)) == (Decimal(5) - cdr.charge, 0)
        assert "No call is running" in admin_client.get(LIVE).content.decode()

    def test_one_that_is_over_there_is_refused_in_sifts_words(self, admin_client: Client, desk: Desk) -> None:
        call, theirs = desk.talking()
        admin_client.post(command(call, "hang-up"), {"say": "", "locale": "en-US"})
        desk.platform.run()
        assert theirs.over
        shown = admin_client.post(command(call, "hang-up"), {"say": "", "locale": "en-US"}).content.decode()
        assert "The provider refused: Sift answered with status 409: The connection is over" in shown
        assert Call.objects.get().ended_at is None  # until Sift, asked about it, says how it ended

    def test_sift_being_silent_leaves_the_person_with_what_is_certain(self, admin_client: Client, desk: Desk) -> None:
        call, theirs = desk.talking()
        desk.platform.sift.misbehave(Mishap.LOST)
        shown = admin_client.post(command(call, "hang-up"), {"say": "", "locale": "en-US"}).content.decode()
        assert "nothing is known about what it did" in shown
        assert f"time is up at {timezone.localtime(live.ends_by(call)):%Y-%m-%d %H:%M:%S}" in shown
        desk.platform.run()
        assert theirs.over  # it had been done
