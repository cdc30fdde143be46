"""Calls, events and applications on the staff's site."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts.models import Account
from telephony.admin.dashboard import overview
from telephony.admin.events import MOST_CHARACTERS, readable
from telephony.models import CDR, Application, Call, ReceivedEvent
from tests.accounts.test_admin import staff
from tests.billing.test_admin import queries_of
from tests.builders import A_SECRET, a_deck, an_account, an_application
from tests.telephony.scenes import a_refused_call, a_running_call, an_ended_call, an_event

pytestmark = pytest.mark.django_db

ANOTHER_SECRET = "YW5vdGhlciBzaXh0ZWVuIQ=="


@pytest.fixture
def account() -> Account:
    a_deck({"44": "0.06"})
    return an_account("Harbour Café", balance="50.00", calls_at_once=9)


@pytest.fixture
def application() -> Application:
    return an_application(name="Softphone")


def listed(client: Client, model: str, **query: str) -> list[object]:
    return list(client.get(f"/admin/telephony/{model}/", query).context["cl"].result_list)


def test_one_page_explains_an_ended_call(admin_client: Client, account: Account, application: Application) -> None:
    call = an_ended_call(account, application, seconds=95)
    an_event(application, call.pk, kind="ended", outcome="conflict", error="another duration")
    page = admin_client.get(f"/admin/telephony/call/{call.pk}/change/").content.decode()
    for figure in (
        "0.60\u00a0USD",
        "settled",
        "−0.12\u00a0USD",
        "+0.12\u00a0USD",
        f"settles:{call.pk}",
        "another duration",
    ):
        assert figure in page


def test_one_page_explains_a_refused_call(admin_client: Client, account: Account, application: Application) -> None:
    call = a_refused_call(account, application)
    page = admin_client.get(f"/admin/telephony/call/{call.pk}/change/").content.decode()
    assert "The credit was not enough to begin this call." in page
    assert "0.10 USD needed to begin, 0.02 available." in page
    assert "not_enough_credit" in page  # as it stands in the stored decision


def test_the_page_of_an_account_shows_money_limits_and_calls(
    admin_client: Client, account: Account, application: Application
) -> None:
    call = a_running_call(account, application)
    page = admin_client.get(f"/admin/accounts/account/{account.pk}/change/").content.decode()
    for figure in ("49.40\u00a0USD", str(call.pk), "its own", "talking"):
        assert figure in page


@pytest.mark.parametrize("model", ["call", "cdr", "receivedevent"])
def test_large_tables_are_not_counted_and_not_skipped_through(
    admin_client: Client, account: Account, application: Application, model: str
) -> None:
    an_ended_call(account, application)
    queries = queries_of(admin_client, f"/admin/telephony/{model}/")
    assert not [sql for sql in queries if "COUNT(" in sql or "OFFSET" in sql]


@pytest.mark.parametrize(
    "path",
    [
        "telephony/call/",
        "telephony/cdr/",
        "telephony/receivedevent/",
        "telephony/application/",
        "accounts/account/",
        "accounts/user/",
        "",
    ],
)
def test_ten_rows_take_as_many_queries_as_one(
    admin_client: Client, account: Account, application: Application, path: str
) -> None:
    an_ended_call(account, application)
    a_refused_call(account, application)
    few = len(queries_of(admin_client, f"/admin/{path}"))
    for _ in range(4):
        other = an_account(balance="5")
        another = an_application(default_account=other)
        an_ended_call(other, another)
        a_refused_call(other, another)
    assert len(queries_of(admin_client, f"/admin/{path}")) == few


def test_pages_of_calls_follow_each_other_without_gap_or_repeat(admin_client: Client, application: Application) -> None:
    for _ in range(60):
        a_refused_call(None, application)
    Call.objects.update(begun_at=timezone.now(), ended_at=timezone.now())
    seen: list[object] = []
    query = "/admin/telephony/call/"
    while query:
        cl = admin_client.get(query).context["cl"]
        seen += [call.pk for call in cl.result_list]
        query = f"/admin/telephony/call/{cl.older_link}" if cl.older_link else ""
    assert seen == sorted(Call.objects.values_list("pk", flat=True), reverse=True)


def test_a_list_begins_with_the_last_day(admin_client: Client, account: Account, application: Application) -> None:
    new = a_refused_call(account, application)
    old = a_refused_call(account, application, begun_ago=timedelta(days=3))
    assert listed(admin_client, "call") == [new]
    assert listed(admin_client, "call", when="week") == [new, old]
    assert listed(admin_client, "call", account__id__exact=str(account.pk)) == [new, old]


def test_a_call_is_found_by_either_id_by_account_and_by_number(
    admin_client: Client, account: Account, application: Application
) -> None:
    call = a_refused_call(account, application, to="+12025550199", begun_ago=timedelta(days=20))
    a_refused_call(None, application)
    for term in (str(call.pk), call.provider_call_id, "Harbour Café", "+12025550199"):
        assert listed(admin_client, "call", q=term) == [call], term
    assert listed(admin_client, "call", q="Harbour") == []


def test_the_cdr_of_a_call_is_found(admin_client: Client, account: Account, application: Application) -> None:
    call = an_ended_call(account, application)
    an_ended_call(account, application)
    assert listed(admin_client, "cdr", q=str(call.pk)) == [CDR.objects.get(call=call)]


def test_the_list_of_cdrs_uses_the_index_by_time() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("EXPLAIN SELECT * FROM telephony_cdr WHERE ended_at >= now() - interval '1 day'")
        assert "cdr_by_time" in str(cursor.fetchall())


def test_events_that_were_not_decided_are_found_at_once(admin_client: Client, application: Application) -> None:
    an_event(application, None)
    bad = an_event(application, None, outcome="quarantined", error="no call id")
    failed = an_event(application, None, outcome="failed", error="boom")
    assert listed(admin_client, "receivedevent", outcome="not_decided") == [failed, bad]
    assert listed(admin_client, "receivedevent", outcome="failed") == [failed]


def test_events_of_a_call_are_found_decided_or_not(
    admin_client: Client, account: Account, application: Application
) -> None:
    call = a_refused_call(account, application)
    conflict = an_event(application, call.pk, outcome="conflict")
    an_event(application, None)
    decided = ReceivedEvent.objects.get(call_id=call.pk, outcome="decided")
    for term in (str(call.pk), call.provider_call_id):
        assert listed(admin_client, "receivedevent", q=term) == [conflict, decided]


def test_a_body_is_shown_and_does_nothing(admin_client: Client, application: Application) -> None:
    event = an_event(application, None, body=b"\xff\x00<script>alert(1)</script>\x1b[31m")
    page = admin_client.get(f"/admin/telephony/receivedevent/{event.pk}/change/").content.decode()
    assert "<script>alert(1)</script>" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "\\x00" in page
    assert "\x1b" not in page


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        (b'{"menuResult": {"type": "sequence", "value": "4711"}}', "&quot;value&quot;: &quot;••••&quot;"),
        (b'{"menuResult": {"Value" : 4711}}', "&quot;Value&quot; : ••••"),
        (b'{"menuResult": {"type": "return", "value": "1"}}', "&quot;value&quot;: &quot;1&quot;"),
    ],
)
def test_digits_that_a_caller_entered_are_not_shown(
    admin_client: Client, application: Application, body: bytes, shown: str
) -> None:
    event = an_event(application, None, kind="prompt", body=body)
    page = admin_client.get(f"/admin/telephony/receivedevent/{event.pk}/change/").content.decode()
    assert shown in page
    assert "4711" not in page


def test_a_long_body_is_cut() -> None:
    assert readable(b"a" * (MOST_CHARACTERS + 7)).endswith("a\n… and 7 bytes more")


@pytest.mark.parametrize("model", ["call", "cdr", "receivedevent"])
@pytest.mark.parametrize("verb", ["add", "change", "delete"])
def test_what_happened_is_read_only_even_for_superusers(
    admin_client: Client, account: Account, application: Application, model: str, verb: str
) -> None:
    call = an_ended_call(account, application)
    an_event(application, call.pk)
    pk = {"call": call.pk, "cdr": CDR.objects.get().pk, "receivedevent": ReceivedEvent.objects.get().pk}[model]
    path = f"/admin/telephony/{model}/" + (f"{verb}/" if verb == "add" else f"{pk}/{verb}/")
    assert admin_client.post(path, {"state": "ended"}).status_code == 403


def application_form(application: Application, **changes: str) -> dict[str, str]:
    fields = {"provider": "sinch", "name": "Softphone", "key": application.key, "base_url": application.base_url}
    return {
        **fields,
        "enabled": "on",
        "secret": "",
        "previous_secret": "",
        "default_account": "",
        "caller_id": "",
        **changes,
    }


def test_secrets_are_never_shown(admin_client: Client, client: Client, application: Application) -> None:
    path = f"/admin/telephony/application/{application.pk}/change/"
    page = admin_client.get(path).content.decode()
    assert A_SECRET not in page
    assert "Set. Leave empty to keep it." in page
    staff(client, "view_application")
    page = client.get(path).content.decode()
    assert A_SECRET not in page
    assert "Secret set" in page
    assert A_SECRET not in client.get("/admin/telephony/application/").content.decode()


def test_a_refused_form_does_not_send_the_secret_back(admin_client: Client, application: Application) -> None:
    path = f"/admin/telephony/application/{application.pk}/change/"
    page = admin_client.post(path, application_form(application, secret=ANOTHER_SECRET, key="")).content.decode()
    assert "errornote" in page
    assert ANOTHER_SECRET not in page


def test_an_empty_secret_keeps_what_is_stored(admin_client: Client, application: Application) -> None:
    path = f"/admin/telephony/application/{application.pk}/change/"
    admin_client.post(path, application_form(application, name="Renamed"))
    application.refresh_from_db()
    assert (application.name, application.secret) == ("Renamed", A_SECRET)


def test_a_secret_is_rotated_and_the_old_one_forgotten(admin_client: Client, application: Application) -> None:
    path = f"/admin/telephony/application/{application.pk}/change/"
    admin_client.post(path, application_form(application, secret=ANOTHER_SECRET, previous_secret=A_SECRET))
    application.refresh_from_db()
    assert (application.secret, application.previous_secret) == (ANOTHER_SECRET, A_SECRET)
    admin_client.post(path, application_form(application, forget_previous_secret="on"))
    application.refresh_from_db()
    assert (application.secret, application.previous_secret) == (ANOTHER_SECRET, "")


@pytest.mark.parametrize(
    ("field", "value"), [("secret", ""), ("secret", "not base64!"), ("key", ""), ("caller_id", "12")]
)
def test_a_half_configured_application_is_refused_with_the_field_named(
    admin_client: Client, field: str, value: str
) -> None:
    whole = {
        "provider": "sinch", "key": "00000000-0000-4000-8000-000000000001", "secret": A_SECRET, "enabled": "on",
        "base_url": "https://calling.api.sinch.com",
    }  # fmt: skip
    response = admin_client.post("/admin/telephony/application/add/", {**whole, field: value})
    assert field in response.context["adminform"].form.errors
    assert not Application.objects.exists()


def test_the_dashboard_adds_up(admin_client: Client, account: Account, application: Application) -> None:
    now = timezone.now()
    an_ended_call(account, application, seconds=95, begun_ago=timedelta(0))
    a_running_call(account, application, begun_ago=timedelta(0))
    a_refused_call(account, application, begun_ago=timedelta(0))
    an_event(application, None, outcome="quarantined")
    today = overview(now + timedelta(seconds=1))
    assert (today["calls_today"], today["refused_today"], today["open_calls"]) == (3, 1, 1)
    assert (today["talked_seconds"], [row["charge"] for row in today["earned"]]) == (95, [CDR.objects.get().charge])
    assert today["problems"] == {"quarantined": 1}
    assert sum(bar.calls for bar in today["bars"]) == 3
    assert "Calls today" in admin_client.get("/admin/").content.decode()


def test_figures_are_for_those_who_may_see_them(client: Client, account: Account) -> None:
    staff(client, "view_account")
    page = client.get("/admin/").content.decode()
    assert "Calls today" not in page
    assert "Accounts" in page


def test_an_estimate_stands_where_a_count_would(
    admin_client: Client, account: Account, application: Application
) -> None:
    an_event(application, None)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE telephony_receivedevent")
    assert admin_client.get("/admin/telephony/receivedevent/").context["cl"].estimate == 1
