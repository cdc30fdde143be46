"""The customer's calls: what is shown, whose it is, and in how many queries."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Account, User
from telephony.decisions import Reason
from telephony.models import Application
from telephony.portal import running_call
from telephony.prompts import WRITTEN
from telephony.templatetags.calls import duration, refused_because
from tests.builders import a_deck, an_account, an_application
from tests.telephony.scenes import a_refused_call, a_running_call, an_ended_call

pytestmark = pytest.mark.django_db


@pytest.fixture
def account() -> Account:
    a_deck({"44": "0.06"})
    return an_account("Harbour Café", balance="50.00", calls_at_once=9)


@pytest.fixture
def application() -> Application:
    return an_application()


@pytest.fixture
def owner(client: Client, account: Account) -> Client:
    client.force_login(User.objects.create_user("owner@example.com", account=account))
    return client


def test_balance_held_and_available_are_shown(owner: Client, account: Account, application: Application) -> None:
    a_running_call(account, application, limit_seconds=600)
    page = owner.get("/").content.decode()
    for figure in ("50.00\u00a0USD", "0.60\u00a0USD", "49.40\u00a0USD"):
        assert figure in page


def test_a_refused_call_says_why_in_words_and_figures(
    owner: Client, account: Account, application: Application
) -> None:
    call = a_refused_call(account, application, reason=Reason.NOT_ENOUGH_CREDIT, detail="0.10 USD needed, 0.02 there.")
    for path in ("/", f"/calls/{call.pk}/"):
        page = owner.get(path).content.decode()
        assert "The credit was not enough to begin this call." in page
        assert "0.10 USD needed, 0.02 there." in page


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_its_sentence(reason: Reason) -> None:
    assert refused_because(reason.value) == WRITTEN[reason]


def test_a_reason_of_tomorrow_is_still_a_sentence() -> None:
    assert refused_because("solar_storm") == "The call was refused."


def test_an_ended_call_shows_what_it_cost_and_how_that_came(
    owner: Client, account: Account, application: Application
) -> None:
    call = an_ended_call(account, application, seconds=95)
    assert "0.12\u00a0USD" in owner.get("/").content.decode()
    page = owner.get(f"/calls/{call.pk}/").content.decode()
    for figure in ("1:35", "2:00", "0.06\u00a0USD", "0.12\u00a0USD"):
        assert figure in page


def test_a_running_call_says_for_how_long_it_may_still_run(account: Account, application: Application) -> None:
    call = a_running_call(account, application, limit_seconds=600)
    assert call.answered_at is not None
    line = running_call(call, call.answered_at + timedelta(seconds=100))
    assert (line.talked_seconds, line.left_seconds) == (100, 500)


def test_a_call_that_still_rings_may_run_its_whole_limit(account: Account, application: Application) -> None:
    call = a_running_call(account, application, limit_seconds=600, answered=False)
    line = running_call(call, timezone.now())
    assert (line.talked_seconds, line.left_seconds) == (None, 600)


def test_a_call_past_its_limit_has_nothing_left(account: Account, application: Application) -> None:
    call = a_running_call(account, application, limit_seconds=60)
    assert call.answered_at is not None
    assert running_call(call, call.answered_at + timedelta(seconds=61)).left_seconds == 0


def test_nobody_sees_anothers_calls(owner: Client, application: Application) -> None:
    other = an_account("Rival", balance="5")
    calls = [an_ended_call(other, application), a_refused_call(other, application), a_refused_call(None, application)]
    page = owner.get("/")
    assert page.context["calls"] == []
    for call in calls:
        assert owner.get(f"/calls/{call.pk}/").status_code == 404


@pytest.mark.parametrize("path", ["/", "/money/", "/calls/00000000-0000-4000-8000-000000000000/"])
@pytest.mark.parametrize("verb", ["post", "put", "patch", "delete"])
def test_the_customers_pages_are_for_reading_only(owner: Client, path: str, verb: str) -> None:
    assert getattr(owner, verb)(path).status_code == 405


@pytest.mark.parametrize("path", ["/", "/money/", "/calls/00000000-0000-4000-8000-000000000000/"])
def test_a_stranger_is_asked_to_sign_in(client: Client, path: str) -> None:
    assert client.get(path)["Location"].startswith("/accounts/login/")


def test_pages_of_calls_follow_each_other_without_gap_or_repeat(
    owner: Client, account: Account, application: Application
) -> None:
    # All at one moment, so that only the id tells them apart.
    calls = [a_refused_call(account, application) for _ in range(60)]
    account.calls.update(begun_at=timezone.now(), ended_at=timezone.now())
    seen: list[Any] = []
    query = "/"
    while query:
        context = owner.get(query).context
        seen += [past.call.pk for past in context["calls"]]
        query = f"/?{context['older']}" if context["older"] else ""
    assert seen == sorted((call.pk for call in calls), reverse=True)


@pytest.mark.parametrize(
    "before", ["nonsense", "2026-01-01T00:00:00_x", "2026-01-01T00:00:00_00000000-0000-4000-8000-000000000000"]
)
def test_a_place_nobody_gave_out_shows_the_newest(
    owner: Client, account: Account, application: Application, before: str
) -> None:
    a_refused_call(account, application)
    assert len(owner.get("/", {"before": before}).context["calls"]) == 1


def test_ten_calls_take_as_many_queries_as_one(
    owner: Client, account: Account, application: Application, django_assert_num_queries: Any
) -> None:
    an_ended_call(account, application)
    a_running_call(account, application)
    queries = 8  # session, user, account, notices, wallet, calls, running calls, records
    with django_assert_num_queries(queries):
        owner.get("/")
    for _ in range(5):
        an_ended_call(account, application)
        a_refused_call(account, application)
    a_running_call(account, application)
    with django_assert_num_queries(queries):
        owner.get("/")


def test_what_a_caller_typed_cannot_become_markup(owner: Client, account: Account, application: Application) -> None:
    evil = "<script>alert(1)</script>"
    call = a_refused_call(account, application, to=evil, detail=evil)
    for path in ("/", f"/calls/{call.pk}/"):
        assert evil not in owner.get(path).content.decode()


def test_durations_read_like_a_clock() -> None:
    assert [duration(seconds) for seconds in (None, 0, 59, 60, 3599, 3600)] == [
        "–",
        "0:00",
        "0:59",
        "1:00",
        "59:59",
        "1:00:00",
    ]
