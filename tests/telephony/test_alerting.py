"""A crossing becomes texts, calls, e-mails, webhooks and notices, all in one transaction and each of them once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from accounts.models import Account, CallerNumber, Notice, User
from accounts.registration import suspend
from billing.alerts import Channel, set_alert
from billing.models import Crossing, Posting
from billing.money import Money
from billing.topups import correct
from outbox import performing, rows
from outbox.errands import MOST_FAILURES, Absent, Claimed, Done
from outbox.models import Row
from postgres.work import in_one_transaction
from telephony.alerting import AlertErrand
from telephony.models import Application, Callout, TextMessage
from telephony.prompts import low_balance
from tests.builders import a_deck, an_account, an_application, balance
from webhooks.models import Delivery, Endpoint

pytestmark = pytest.mark.django_db

NUMBER = "+447700900111"


@pytest.fixture
def account() -> Account:
    an_application("sinch", key="00000000-0000-4000-8000-0000000000a1", caller_id="+442079460001")
    an_application("sinch_sms", key="plan", secret="token", sender="+447700900999")
    account = an_account("Harbour Café", balance="6", numbers=[NUMBER])
    User.objects.create_user("owner@example.com", account=account)
    User.objects.create_user("gone@example.com", account=account, is_active=False)
    Endpoint.objects.create(account=account, url="https://hooks.example.com/", secret="whsec_c2VjcmV0")
    return account


def cross(account: Account, *channels: Channel, number: str = "", email: str = "") -> Crossing:
    set_alert(account, Money.of("5", "USD"), channels, number=number, email=email)
    correct(account, Money.of("-1.03", "USD"), reason="spent", made_by="a test", reference="spent")
    return Crossing.objects.get()


def deliver() -> None:
    """What the relay and a worker do with the alert; what comes of it stays in the outbox."""
    Row.objects.exclude(kind="alert").update(due_at=timezone.now() + timedelta(hours=1))
    for id in in_one_transaction(lambda: rows.lease(timezone.now(), 10)):
        performing.perform(id)


def staff_read() -> list[str]:
    return list(Notice.objects.filter(account=None).order_by("id").values_list("text", flat=True))


def test_an_alert_goes_out_by_every_channel_and_its_row_is_done(account: Account) -> None:
    crossing = cross(account, *Channel)
    deliver()
    sentence = "Your balance is low: 4.97 USD, less than the 5.00 USD of which you asked to be warned."

    text = TextMessage.objects.get()
    assert (text.recipient, text.purpose, text.paid_by, text.account) == (NUMBER, "alert", "house", account)
    assert (text.body, text.segments) == (f"{sentence} Please top up.", 1)

    callout = Callout.objects.get()
    assert (callout.destination, callout.purpose, callout.paid_by, callout.kind) == (NUMBER, "alert", "house", "text")
    assert callout.text == low_balance(Decimal("4.97"), Decimal("5"), "USD", "en-US")
    assert callout.most_attempts == 3

    letter = Row.objects.get(kind="email")
    assert (letter.payload["to"], letter.payload["subject"]) == (
        "owner@example.com",
        "Your balance is low: 4.97 USD",
    )
    assert sentence in letter.payload["body"]
    assert "/alerts/" in letter.payload["body"]

    told = Delivery.objects.get()
    assert (told.event, told.happened_at) == ("balance.low", crossing.crossed_at)
    assert told.data == {
        "balance": "4.970000",
        "threshold": "5.000000",
        "currency": "USD",
        "credit_limit": "0.000000",
        "is_repeated": False,
    }

    notice = Notice.objects.get()
    assert (notice.account, notice.text, notice.level) == (account, sentence, "warning")
    assert Row.objects.get(kind="alert").state == "done"


def test_the_alert_itself_costs_the_account_nothing(account: Account) -> None:
    a_deck({"44": "0.05"}, service="texts")
    cross(account, Channel.TEXT)
    deliver()
    assert balance(account) == Decimal("4.97")
    assert not Posting.objects.filter(kind="settlement").exists()


def test_an_alert_that_is_handed_out_twice_goes_out_once(account: Account) -> None:
    cross(account, *Channel)
    deliver()
    performing.perform(Row.objects.get(kind="alert").pk)
    Row.objects.filter(kind="alert").update(state="ready", finished_at=None)
    deliver()
    assert Row.objects.filter(kind="email").count() == Notice.objects.count() == 1
    assert TextMessage.objects.count() == Callout.objects.count() == 1


def test_an_alert_whose_delivery_fails_half_way_leaves_nothing_and_is_tried_again(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    cross(account, Channel.TEXT, Channel.NOTICE)
    with monkeypatch.context() as patched:
        patched.setattr("telephony.alerting.notices.tell", lambda *arguments: {}["nothing"])
        deliver()
    assert not TextMessage.objects.exists()
    row = Row.objects.get(kind="alert")
    assert (row.state, row.failures) == ("retry", 1)
    Row.objects.update(due_at=timezone.now())
    deliver()
    assert (TextMessage.objects.count(), Notice.objects.count()) == (1, 1)


def test_one_channel_that_cannot_be_used_stops_no_other_and_staff_read_why(account: Account) -> None:
    CallerNumber.objects.all().update(verified_at=None)
    cross(account, Channel.TEXT, Channel.CALL, Channel.EMAIL)
    deliver()
    why = "The account has no verified number, or the alert names one that it does not have any more."
    assert staff_read() == [
        f"A low-balance alert for Harbour Café could not go out as text message: {why}",
        f"A low-balance alert for Harbour Café could not go out as spoken call: {why}",
    ]
    assert Row.objects.filter(kind="email").count() == 1
    # The customer reads it in the portal, though that was not asked for: two ways were not open.
    assert Notice.objects.filter(account=account).count() == 1
    assert Row.objects.get(kind="alert").state == "done"


def test_a_number_that_is_not_the_accounts_own_is_never_called(account: Account) -> None:
    an_account("Bob", numbers=["+447700900222"])
    cross(account, Channel.TEXT, Channel.CALL, number="+447700900222")
    deliver()
    assert not TextMessage.objects.exists()
    assert not Callout.objects.exists()
    assert len(staff_read()) == 2


def test_the_alerts_own_number_and_address_are_used(account: Account) -> None:
    CallerNumber.objects.create(account=account, number="+447700900333", verified_at=timezone.now())
    cross(account, Channel.TEXT, Channel.EMAIL, number="+447700900333", email="books@example.com")
    deliver()
    assert TextMessage.objects.get().recipient == "+447700900333"
    assert Row.objects.get(kind="email").payload["to"] == "books@example.com"


@pytest.mark.parametrize(
    ("prepare", "channel", "why"),
    [
        ("no application", Channel.TEXT, "No application sends texts"),
        ("suspended", Channel.TEXT, "The account is not active"),
        ("nobody", Channel.EMAIL, "Nobody signs in for the account"),
    ],
)
def test_what_the_other_use_cases_refuse_becomes_a_notice(
    account: Account, prepare: str, channel: Channel, why: str
) -> None:
    if prepare == "no application":
        Application.objects.update(sends_texts=False)
    elif prepare == "suspended":
        suspend(account)
    else:
        User.objects.all().delete()
    cross(account, channel)
    deliver()
    assert len(staff_read()) == 1
    assert why in staff_read()[0]


def test_an_alert_that_was_removed_meanwhile_is_not_told(account: Account) -> None:
    crossing = cross(account, *Channel)
    crossing.alert.delete()
    deliver()
    assert Row.objects.get(kind="alert").state == "done"
    assert not Notice.objects.exists()


def test_a_crossing_below_zero_is_said_in_words_a_telephone_can_show(account: Account) -> None:
    account = an_account("Lender", balance="0", credit_limit="10", numbers=["+447700900444"])
    set_alert(account, Money.of("-2.5", "USD"), [Channel.TEXT, Channel.CALL])
    correct(account, Money.of("-3", "USD"), reason="spent", made_by="a test", reference="below")
    deliver()
    text = TextMessage.objects.get()
    assert text.body.startswith("Your balance is low: -3.00 USD, less than the -2.50 USD")
    assert text.encoding == "gsm7"
    assert "Your balance is minus 3.00 US dollars." in Callout.objects.get().text


def test_nothing_is_done_outside_the_transaction() -> None:
    errand = AlertErrand()
    row = Claimed(id=1, key="alert:1", subject=None, payload={}, attempt=1, failures=0, doubtful_since=None)
    assert errand.act(None) == Done()
    assert isinstance(errand.look_up(None), Absent)
    errand.record(row, Done(), datetime.now(tz=UTC))
    assert errand.next_try(1) is not None
    assert errand.next_try(MOST_FAILURES) is None
