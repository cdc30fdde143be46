"""The outbox on the staff's site."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone

from outbox.errands import GivenUp
from outbox.models import Row
from tests.accounts.test_admin import staff
from tests.billing.test_admin import queries_of
from tests.outbox.conftest import known
from tests.outbox.errand import AnErrand, promise

__all__ = ["known"]

pytestmark = pytest.mark.django_db

LIST = "/admin/outbox/row/"
Known = Callable[..., AnErrand]


def a_row(key: str, state: str, kind: str = "parcel") -> Row:
    row = promise(kind, key)
    more: dict[str, Any] = {"doubtful_since": timezone.now()} if state == "unknown" else {}
    if state in ("done", "dead"):
        more["finished_at"] = timezone.now()
    Row.objects.filter(pk=row.pk).update(state=state, error="what was wrong", failures=5, attempts=5, **more)
    row.refresh_from_db()
    return row


def decide(client: Client, row: Row, word: str, **given: str) -> str:
    page = client.post(f"{LIST}{row.pk}/{word}/decide/", given, follow=True)
    row.refresh_from_db()
    return page.content.decode()


def test_the_list_shows_rows_by_state_with_what_was_wrong(admin_client: Client) -> None:
    for state in ("ready", "done", "unknown", "dead"):
        a_row(f"the {state} one", state)

    def keys(**query: str) -> list[str]:
        return [row.key for row in admin_client.get(LIST, query).context["cl"].result_list]

    assert "what was wrong" in admin_client.get(LIST).content.decode()
    assert keys() == ["the dead one", "the unknown one", "the done one", "the ready one"]
    assert keys(rows="troubled") == ["the dead one", "the unknown one"]
    assert keys(rows="dead") == ["the dead one"]
    assert keys(rows="unknown") == ["the unknown one"]
    assert keys(rows="waiting") == ["the ready one"]
    assert keys(rows="leased") == []
    assert keys(q="the done one") == ["the done one"]
    assert keys(q="00000000-0000-0000-0000-000000000000") == []
    assert not [sql for sql in queries_of(admin_client, LIST) if "COUNT(" in sql or "OFFSET" in sql]


def test_a_dead_row_that_does_no_harm_twice_is_tried_again(admin_client: Client, known: Known) -> None:
    known(is_repeatable=True)
    row = a_row("1", "dead")
    assert "Try again" in admin_client.get(f"{LIST}{row.pk}/change/").content.decode()
    assert "paid twice" not in admin_client.get(f"{LIST}{row.pk}/again/decide/").content.decode()
    assert "It will be tried again at once." in decide(admin_client, row, "again")
    assert (row.state, row.failures, row.attempts, row.finished_at) == ("retry", 0, 5, None)
    assert LogEntry.objects.get().change_message == "Try again"


def test_paid_work_is_tried_again_only_by_somebody_who_says_that_it_was_not_done(
    admin_client: Client, known: Known
) -> None:
    known()
    row = a_row("1", "dead")
    assert "it is done and paid twice" in admin_client.get(f"{LIST}{row.pk}/again/decide/").content.decode()
    assert "Look at the other side first" in decide(admin_client, row, "again")
    assert row.state == "dead"
    decide(admin_client, row, "again", certain="on")
    assert row.state == "retry"


def test_a_kind_that_nobody_knows_counts_as_paid(admin_client: Client, known: Known) -> None:
    row = a_row("1", "dead")
    assert "Look at the other side first" in decide(admin_client, row, "again")


def test_what_nobody_will_find_out_is_given_up_and_its_errand_is_told(admin_client: Client, known: Known) -> None:
    errand = known()
    row = a_row("1", "unknown")
    assert "nothing is charged for it" in decide(admin_client, row, "give-up")
    assert (row.state, row.error) == ("dead", "given up by admin@example.com")
    assert errand.recorded == [GivenUp(row.error)]


@pytest.mark.parametrize(
    ("state", "word"),
    [("ready", "again"), ("done", "again"), ("unknown", "again"), ("dead", "give-up"), ("sending", "give-up")],
)
def test_there_is_nothing_to_decide_about_a_row_in_another_state(
    admin_client: Client, known: Known, state: str, word: str
) -> None:
    known(is_repeatable=True)
    row = a_row("1", "ready")
    more = {"lease_until": timezone.now()} if state == "sending" else {}
    finished = {"finished_at": timezone.now()} if state in ("done", "dead") else {}
    Row.objects.filter(pk=row.pk).update(state=state, **more, **finished)
    assert "there is nothing to decide" in decide(admin_client, row, word, certain="on")
    assert row.state == state


def test_deciding_needs_a_right_of_its_own_and_a_word_that_exists(client: Client, known: Known) -> None:
    row = a_row("1", "dead")
    clerk = staff(client, "view_row")
    assert client.get(f"{LIST}{row.pk}/change/").status_code == 200
    assert "Try again" not in client.get(f"{LIST}{row.pk}/change/").content.decode()
    assert client.post(f"{LIST}{row.pk}/again/decide/", {"certain": "on"}).status_code == 403
    clerk.user_permissions.add(Permission.objects.get(codename="change_row"))
    assert client.get(f"{LIST}{row.pk}/delete/decide/").status_code == 404
    assert client.get(f"{LIST}4711/again/decide/").status_code == 404
    row.refresh_from_db()
    assert row.state == "dead"


def test_the_dashboard_says_how_the_outbox_is_doing(admin_client: Client) -> None:
    page = admin_client.get("/admin/").content.decode()
    assert "0 due" in page
    assert "unknown," not in page
    a_row("1", "unknown")
    a_row("2", "dead")
    page = admin_client.get("/admin/").content.decode()
    assert "1 unknown, 1 dead within a day" in page
    assert "/admin/outbox/row/?rows=troubled" in page
