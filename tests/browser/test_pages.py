"""Ways through the pages as people take them, with every complaint of the browser counted as a failure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from accounts import notices
from accounts.models import Account, User
from billing.alerts import Channel, set_alert
from billing.models import RateDeck
from billing.money import Money
from telephony.decisions import Reason
from telephony.models import Application, Call, ReceivedEvent
from tests.browser.visitor import LOOKS, PASSWORD, follow
from tests.builders import a_deck, an_account, an_application, balance
from tests.telephony.scenes import a_refused_call, a_running_call, an_ended_call, an_event

pytestmark = pytest.mark.django_db(transaction=True)


@dataclass
class Scene:
    account: Account
    application: Application
    running: Call
    ended: Call
    refused: Call


@pytest.fixture
def scene() -> Scene:
    a_deck({"44": "0.06", "1": "0.02", "46": "0.03"})
    account = an_account(
        "Harbour Café",
        balance="25.00",
        credit_limit="5",
        client_user="alice",
        numbers=["+442079460999"],
        time_zone="Europe/Stockholm",
    )
    application = an_application(name="Softphone")
    User.objects.create_superuser("staff@example.com", PASSWORD)
    User.objects.create_user("owner@example.com", PASSWORD, account=account, name="Olive Owner")
    ended = an_ended_call(account, application, seconds=95)
    an_ended_call(account, application, to="+46701740605", seconds=1265, begun_ago=timedelta(hours=5))
    an_ended_call(account, application, to="+12025550177", result="busy", begun_ago=timedelta(hours=9))
    a_refused_call(
        account, application, to="+447700900123", reason=Reason.NO_FREE_SLOT,
        detail="2 calls were open; the account may have 2.", begun_ago=timedelta(hours=7),
    )  # fmt: skip
    refused = a_refused_call(account, application)
    a_refused_call(None, application, reason=Reason.UNKNOWN_CALLER, detail="", begun_ago=timedelta(hours=2))
    running = a_running_call(account, application)
    a_running_call(account, application, to="+447700900456", answered=False, begun_ago=timedelta(seconds=8))
    an_event(application, ended.pk, kind="answered")
    an_event(
        application,
        None,
        kind="unknown",
        outcome="quarantined",
        error="no call id",
        body=b"\xff<script>alert(1)</script>",
    )
    set_alert(account, Money.of("30", "USD"), list(Channel), email="books@example.com")
    notices.tell(account.pk, "low", "Your balance is low: 4.97 USD.", notices.Level.WARNING)
    notices.tell(None, "low credit", "The credit at Softphone is low: 4.97 USD.", notices.Level.WARNING)
    return Scene(account, application, running, ended, refused)


def test_staff_adjust_a_balance_with_a_reason_and_see_it_in_the_ledger(scene: Scene, visit: Any) -> None:
    staff = visit()
    staff.sign_in("staff@example.com", f"/admin/accounts/account/{scene.account.pk}/change/")
    assert "Harbour Café" in staff.text()
    before = balance(scene.account)
    follow(staff.page.get_by_role("link", name="Adjust balance"))
    staff.page.get_by_label("Amount").fill("-1.25")
    staff.page.get_by_label("Reason").fill("Charged twice for a letter")
    staff.picture("adjust")
    follow(staff.page.get_by_role("button", name="Adjust"))
    assert "Charged twice for a letter" in staff.page.inner_text(".messagelist")
    row = staff.page.locator("tr", has_text="Charged twice for a letter")
    assert "−1.25" in row.inner_text()
    assert "staff@example.com" in row.inner_text()
    assert before - balance(scene.account) == 1.25


def test_a_customer_sees_the_balance_and_why_a_call_was_refused(scene: Scene, visit: Any) -> None:
    customer = visit()
    customer.sign_in("owner@example.com")
    text = customer.text()
    assert "Harbour Café" in text
    assert "The credit was not enough to begin this call." in text
    assert "0.10 USD needed to begin, 0.02 available." in text
    follow(customer.page.get_by_role("link", name="+44 20 7946 0123").last)
    assert "You paid" in customer.text()
    follow(customer.page.get_by_role("button", name="Sign out"))
    assert "Sign in" in customer.text()


@pytest.mark.parametrize(("size", "colours"), LOOKS)
def test_the_customers_pages_fit_and_work_everywhere(scene: Scene, visit: Any, size: str, colours: str) -> None:
    customer = visit(size, colours)
    customer.go("/")
    customer.picture("sign-in")
    customer.sign_in("owner@example.com")
    pages = {
        "home": "/",
        "call-ended": f"/calls/{scene.ended.pk}/",
        "call-refused": f"/calls/{scene.refused.pk}/",
        "call-running": f"/calls/{scene.running.pk}/",
        "money": "/money/",
        "alerts": "/alerts/",
        "alert": f"/alerts/{scene.account.wallet.alerts.get().pk}/",
        "password": "/accounts/password/change/",
        "sign-out": "/accounts/logout/",
    }
    for name, path in pages.items():
        customer.go(path)
        customer.picture(f"portal-{name}")
        assert not customer.is_wider_than_its_window(), path


@pytest.mark.parametrize(("size", "colours"), LOOKS)
def test_the_staff_pages_fit_and_work_everywhere(scene: Scene, visit: Any, size: str, colours: str) -> None:
    staff = visit(size, colours)
    staff.sign_in("staff@example.com", "/admin/")
    wallet, call = scene.account.wallet.pk, scene.ended.pk
    event = _last_event()
    pages = {
        "dashboard": "",
        "accounts": "accounts/account/",
        "account": f"accounts/account/{scene.account.pk}/change/",
        "account-new": "accounts/account/add/",
        "people": "accounts/user/",
        "person-new": "accounts/user/add/",
        "wallets": "billing/wallet/",
        "wallet": f"billing/wallet/{wallet}/change/",
        "top-up": f"billing/wallet/{wallet}/top-up/",
        "entries": "billing/entry/",
        "house": "billing/entry/house/",
        "postings": "billing/posting/",
        "holds": "billing/hold/",
        "crossings": "billing/crossing/",
        "notices": "accounts/notice/",
        "decks": "billing/ratedeck/",
        "deck": f"billing/ratedeck/{_deck()}/change/",
        "load": "billing/ratedeck/load/",
        "rates": "billing/rate/",
        "calls": "telephony/call/",
        "call": f"telephony/call/{call}/change/",
        "call-refused": f"telephony/call/{scene.refused.pk}/change/",
        "cdrs": "telephony/cdr/",
        "events": "telephony/receivedevent/",
        "event": f"telephony/receivedevent/{event}/change/",
        "applications": "telephony/application/",
        "application": f"telephony/application/{scene.application.pk}/change/",
    }
    for name, path in pages.items():
        staff.go(f"/admin/{path}")
        staff.picture(f"admin-{name}")
        assert not staff.is_wider_than_its_window(), path


def _last_event() -> int:
    return ReceivedEvent.objects.latest("id").pk


def _deck() -> int:
    return RateDeck.objects.get().pk
