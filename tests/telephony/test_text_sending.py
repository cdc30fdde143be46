"""Sending texts by the sandbox over real HTTP: whatever the answers are, a text goes out once and is paid once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import pytest
from django.test import override_settings
from django.utils import timezone
from pytest_django.live_server_helper import LiveServer

from accounts.models import Account
from outbox import rows
from outbox.errands import errand_of, repeatable_kinds
from outbox.models import Pause, Row
from postgres.work import in_one_transaction
from sandbox import DESK_KEY, DESK_PLAN, DESK_SECRET, DESK_TOKEN, Kind, Mishap, Phone, Sandbox, TextFate
from telephony import opt_outs, texts
from telephony.models import Application, OptOut, Payer, TextMessage
from telephony.texts import Purpose
from tests.builders import an_account, an_application, balance, check_deferred_constraints, held, house
from tests.telephony.text_scenes import UK, a_promised_text, a_text, again, carry_out, row_of, settlements, text_prices
from webhooks.models import Delivery, Endpoint

OURS = "+447700900999"


@pytest.fixture
def platform() -> Iterator[Sandbox]:
    platform = Sandbox(target="http://127.0.0.1:1/callbacks/sinch/")
    with platform.rest_server():
        yield platform


@pytest.fixture
def plan(db: None, platform: Sandbox) -> Application:
    return an_application("sinch_sms", key=DESK_PLAN, secret=DESK_TOKEN, sender=OURS, base_url=platform.rest_url)


@pytest.fixture
def account(plan: Application) -> Account:
    text_prices("0.05")
    account = an_account(balance="1.00", numbers=[UK])
    Endpoint.objects.create(account=account, url="https://customer.example/hooks", secret="whsec_AAAA")
    return account


def deeds(platform: Sandbox, text: TextMessage) -> int:
    """How often the platform really sent it."""
    return len(platform.oracle.of(Kind.TEXT, str(text.pk)))


def statuses() -> list[str]:
    return [each.data["status"] for each in Delivery.objects.filter(event="text.status").order_by("number")]


def test_a_text_goes_out_and_is_charged_by_its_segments(account: Account, plan: Application, platform: Sandbox) -> None:
    text = a_promised_text(account, body="€" * 81)
    carry_out()
    check_deferred_constraints()
    text = again(text)
    batch = platform.texts.find(text.provider_id)
    assert batch is not None
    order = batch.order
    assert (order.recipients, order.sender, order.body) == ((UK[1:],), OURS[1:], "€" * 81)
    assert (order.client_reference, order.delivery_report) == (str(text.pk), "per_recipient")
    assert order.callback_url.endswith(f"/callbacks/sinch/sms/{plan.callback_token}/")
    assert (text.status, text.final_at) == ("pending", None)
    assert text.sent_at is not None
    assert (text.price, text.charge, text.loss, text.posting) == (
        Decimal("0.10"),
        Decimal("0.10"),
        0,
        settlements(text)[0],
    )
    assert (balance(account), held(account), row_of(text).state) == (Decimal("0.90"), 0, "done")


def test_what_we_pay_ourselves_is_given_away_openly(account: Account, platform: Sandbox) -> None:
    text = a_promised_text(account, purpose=Purpose.ALERT, paid_by=Payer.HOUSE)
    carry_out()
    check_deferred_constraints()
    text = again(text)
    assert (text.price, text.charge, text.loss) == (Decimal("0.05"), 0, Decimal("0.05"))
    assert (balance(account), house("courtesy")) == (Decimal("1.00"), Decimal("-0.05"))


def test_a_text_of_nobody_is_sent_and_costs_nobody_anything(account: Account, platform: Sandbox) -> None:
    new = texts.NewText(account_id=None, recipient=UK, body="Low", purpose=Purpose.ALERT, paid_by=Payer.HOUSE)
    text = texts.send(new)
    carry_out()
    assert (deeds(platform, text), again(text).price, again(text).posting) == (1, 0, None)


def test_what_costs_nothing_is_sent_without_a_posting(plan: Application, platform: Sandbox) -> None:
    text_prices("0")
    text = a_promised_text(an_account(balance="0"))
    carry_out()
    assert (deeds(platform, text), again(text).sent_at is not None, settlements(text)) == (1, True, [])


@pytest.mark.parametrize("mishap", [Mishap.LOST, Mishap.ERROR_AFTER, Mishap.GARBAGE])
def test_a_lost_answer_is_looked_up_and_the_text_is_paid_once(
    account: Account, platform: Sandbox, mishap: Mishap
) -> None:
    platform.misbehave(mishap)
    text = a_promised_text(account)
    carry_out()
    assert (row_of(text).state, held(account), balance(account)) == ("unknown", Decimal("0.05"), Decimal("1.00"))
    carry_out(everything=True)
    check_deferred_constraints()
    assert (row_of(text).state, held(account), balance(account)) == ("done", 0, Decimal("0.95"))
    assert (deeds(platform, text), len(settlements(text))) == (1, 1)
    assert again(text).provider_id == platform.oracle.of(Kind.TEXT, str(text.pk))[0].id


def test_a_worker_that_died_after_sending_is_no_second_text(account: Account, platform: Sandbox) -> None:
    text = a_promised_text(account)
    (row_id,) = in_one_transaction(lambda: rows.lease(timezone.now(), 1))
    errand = errand_of(texts.ERRAND)

    def claimed() -> object:
        found = rows.claim(row_id, timezone.now())
        assert found is not None
        return errand.prepare(found[1], timezone.now())

    errand.act(in_one_transaction(claimed))
    Row.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    in_one_transaction(lambda: rows.sweep(timezone.now(), repeatable_kinds()))
    assert row_of(text).state == "unknown"
    carry_out(everything=True)
    assert (row_of(text).state, deeds(platform, text), balance(account)) == ("done", 1, Decimal("0.95"))


def test_what_nobody_knows_for_a_day_is_given_up_and_not_charged(account: Account, platform: Sandbox) -> None:
    platform.misbehave(Mishap.ERROR_BEFORE)
    text = a_promised_text(account)
    carry_out()
    carry_out(everything=True)
    assert (row_of(text).state, held(account)) == ("unknown", Decimal("0.05"))
    Row.objects.update(doubtful_since=timezone.now() - timedelta(hours=25))
    carry_out(everything=True)
    check_deferred_constraints()
    text = again(text)
    assert (row_of(text).state, text.status, deeds(platform, text)) == ("dead", "failed", 0)
    assert text.detail.startswith("Nobody could say whether it was sent: ")
    assert (held(account), balance(account), settlements(text), text.price) == (0, Decimal("1.00"), [], 0)
    assert statuses() == ["failed"]


def test_too_much_at_once_is_nobodys_failure(account: Account, platform: Sandbox) -> None:
    platform.misbehave(Mishap.BUSY)
    text = a_promised_text(account)
    carry_out()
    row = row_of(text)
    assert (row.state, row.failures, again(text).status) == ("retry", 0, "pending")
    assert Pause.objects.get().kind == texts.ERRAND
    Pause.objects.all().delete()
    carry_out(everything=True)
    assert (row_of(text).state, deeds(platform, text)) == ("done", 1)


def test_what_the_provider_refuses_has_failed_in_its_words_and_costs_nothing(
    account: Account, plan: Application, platform: Sandbox
) -> None:
    plan.secret = "another-token"
    plan.save()
    text = a_promised_text(account)
    carry_out()
    check_deferred_constraints()
    text = again(text)
    assert (row_of(text).state, text.status, deeds(platform, text)) == ("dead", "failed", 0)
    assert "The service plan or its API token is wrong" in text.detail
    assert (held(account), balance(account), settlements(text)) == (0, Decimal("1.00"), [])
    assert statuses() == ["failed"]


def test_a_provider_that_cannot_be_reached_is_tried_five_times(account: Account, plan: Application) -> None:
    plan.base_url = "http://127.0.0.1:1"
    plan.save()
    text = a_promised_text(account)
    for failures in range(1, 5):
        carry_out(everything=True)
        assert (row_of(text).state, row_of(text).failures) == ("retry", failures)
    assert held(account) == Decimal("0.05")
    carry_out(everything=True)
    text = again(text)
    assert (row_of(text).state, text.status, held(account)) == ("dead", "failed", 0)
    assert text.detail.endswith("(tried 5 times)")


def test_stop_is_respected_until_the_last_moment(account: Account, plan: Application, platform: Sandbox) -> None:
    text = a_promised_text(account)
    in_one_transaction(lambda: opt_outs.stop(plan.pk, UK, timezone.now()))
    carry_out()
    text = again(text)
    assert (text.status, text.detail) == ("failed", "The number answered STOP before this was sent.")
    assert (deeds(platform, text), held(account), row_of(text).state) == (0, 0, "dead")


def test_stop_said_to_another_application_is_no_hindrance(
    account: Account, plan: Application, platform: Sandbox
) -> None:
    another = an_application("sinch_sms", key="plan 2", secret="token")
    text = a_promised_text(account)
    in_one_transaction(lambda: opt_outs.stop(another.pk, UK, timezone.now()))
    carry_out()
    assert deeds(platform, text) == 1
    in_one_transaction(lambda: opt_outs.stop(plan.pk, UK, timezone.now()))
    in_one_transaction(lambda: opt_outs.start(plan.pk, UK))
    assert OptOut.objects.get().application == another


def test_what_waited_longer_than_a_day_is_not_sent_any_more(account: Account, platform: Sandbox) -> None:
    text = a_promised_text(account)
    TextMessage.objects.update(created_at=timezone.now() - timedelta(hours=24, minutes=1))
    carry_out()
    text = again(text)
    assert (text.status, deeds(platform, text), held(account)) == ("failed", 0, 0)
    assert text.detail == "It could not be sent within a day, so it was not sent at all."


def test_an_application_that_was_switched_off_sends_nothing(
    account: Account, plan: Application, platform: Sandbox
) -> None:
    text = a_promised_text(account)
    plan.enabled = False
    plan.save()
    carry_out()
    assert again(text).detail == "The application was switched off before this was sent."
    assert (deeds(platform, text), held(account)) == (0, 0)


def test_what_may_have_been_sent_is_asked_about_whatever_was_said_since(
    account: Account, plan: Application, platform: Sandbox
) -> None:
    platform.misbehave(Mishap.LOST)
    text = a_promised_text(account)
    carry_out()
    OptOut.objects.create(application=plan, number=UK)
    plan.enabled = False
    plan.save()
    carry_out(everything=True)
    assert (again(text).sent_at is not None, len(settlements(text)), row_of(text).state) == (True, 1, "done")


def test_a_classic_text_cannot_be_looked_for_and_is_given_up(
    account: Account, plan: Application, platform: Sandbox
) -> None:
    classic = an_application("sinch", key=DESK_KEY, secret=DESK_SECRET, sends_texts=True, base_url=plan.base_url)
    sent = texts.send(a_text(account, application_id=classic.pk))
    carry_out()
    sent = again(sent)
    assert (row_of(sent).state, sent.charge) == ("done", Decimal("0.05"))
    assert platform.oracle.of(Kind.CLASSIC_TEXT)[-1].id == sent.provider_id
    platform.misbehave(Mishap.LOST)
    lost = texts.send(a_text(account, "Once more", application_id=classic.pk))
    carry_out()
    carry_out(everything=True)
    assert (row_of(lost).state, row_of(lost).error) == ("unknown", "the provider cannot be asked about a text")
    Row.objects.update(doubtful_since=timezone.now() - timedelta(hours=25))
    carry_out(everything=True)
    assert (again(lost).status, held(account)) == ("failed", 0)


def test_a_provider_that_does_not_tell_is_asked_until_it_says_the_end(
    account: Account, plan: Application, platform: Sandbox
) -> None:
    classic = an_application("sinch", key=DESK_KEY, secret=DESK_SECRET, sends_texts=True, base_url=plan.base_url)
    text = texts.send(a_text(account, application_id=classic.pk))
    carry_out()
    asking = Row.objects.get(kind="text_status")
    assert (asking.state, asking.due_at - again(text).sent_at) == ("ready", timedelta(seconds=30))
    carry_out(everything=True)
    assert (again(text).status, again(text).detail) == ("pending", "Pending")
    second = Row.objects.get(kind="text_status", state="ready")
    assert second.payload == {"asked": 1}
    platform.run()
    carry_out(everything=True)
    check_deferred_constraints()
    assert (again(text).status, again(text).detail, statuses()) == ("successful", "Successful", ["successful"])
    assert set(Row.objects.filter(kind="text_status").values_list("state", flat=True)) == {"done"}


def test_a_text_that_never_comes_to_an_end_is_not_asked_about_for_ever(
    account: Account, plan: Application, platform: Sandbox
) -> None:
    classic = an_application("sinch", key=DESK_KEY, secret=DESK_SECRET, sends_texts=True, base_url=plan.base_url)
    text = texts.send(a_text(account, application_id=classic.pk))
    carry_out()
    TextMessage.objects.update(created_at=timezone.now() - timedelta(days=3))
    carry_out(everything=True)
    assert not Row.objects.exclude(state="done").filter(kind="text_status").exists()
    assert again(text).status == "pending"


def test_a_text_about_which_the_provider_says_nothing_stays_pending_and_says_why(
    account: Account, plan: Application, platform: Sandbox
) -> None:
    classic = an_application("sinch", key=DESK_KEY, secret=DESK_SECRET, sends_texts=True, base_url=plan.base_url)
    text = texts.send(a_text(account, application_id=classic.pk))
    carry_out()
    classic.secret = "YW5vdGhlciBzaXh0ZWVuIQ=="
    classic.save()
    carry_out(everything=True)
    assert again(text).detail.startswith("Nobody can say what became of it: Sinch answered with status 401")
    assert (again(text).status, Row.objects.get(kind="text_status").state) == ("pending", "dead")


@pytest.mark.django_db(transaction=True)
def test_the_whole_way_of_texts_over_http(
    account: Account, plan: Application, platform: Sandbox, live_server: LiveServer
) -> None:
    """Out by HTTP, reports and texts in by HTTP, and then the books."""
    callbacks = f"{live_server.url}/callbacks/sinch/sms/{plan.callback_token}/"
    with override_settings(PUBLIC_URL=live_server.url):
        delivered, lost = a_promised_text(account), a_promised_text(account, body="Lost")
        platform.misbehave(None, Mishap.LOST)
        carry_out()
        refused = a_promised_text(account, recipient="+447700900456")
        platform.phones["+447700900456"] = Phone(texts=TextFate("Rejected", 408))
        carry_out()
        assert row_of(lost).state == "unknown"
        platform.run()
        # The reports were proof enough: nobody had to look.
        assert [again(text).status for text in (delivered, lost, refused)] == ["successful", "successful", "failed"]
        assert again(refused).detail == "Rejected 408"
        assert (row_of(lost).state, balance(account), held(account)) == ("done", Decimal("0.85"), 0)
        assert sorted(statuses()) == ["failed", "successful", "successful"]

        platform.texts.inbound_url = callbacks
        platform.text_from_phone(UK, OURS, "bal")
        platform.run()
        carry_out()
        reply = TextMessage.objects.get(purpose="reply")
        assert (reply.body, deeds(platform, reply)) == ("You have 0.85 US dollars.", 1)
        platform.text_from_phone(UK, OURS, "Stop")
        platform.run()
        assert OptOut.objects.get().number == UK
        platform.text_from_phone(UK, OURS, "BAL")
        platform.run()
        assert TextMessage.objects.filter(purpose="reply").count() == 1
        assert again(reply).status == "successful"
    assert platform.oracle.duplicates() == {}
    assert balance(account) == Decimal("0.85")
