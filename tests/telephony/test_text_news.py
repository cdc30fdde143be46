"""What providers tell about texts: each piece of news counts once, whatever its order, and keywords are obeyed."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from accounts.models import Account
from telephony import control, texts
from telephony.decisions import Acknowledge
from telephony.models import Application, OptOut, Payer, ReceivedEvent, TextMessage
from telephony.news import TextReceived, TextReported, TextStatus
from telephony.texts import Purpose, TextRefused
from tests.builders import (
    an_access_number,
    an_account,
    an_application,
    balance,
    check_deferred_constraints,
    held,
    house,
)
from tests.telephony.received import NOW
from tests.telephony.received import received as as_received
from tests.telephony.text_scenes import (
    ANOTHER,
    UK,
    a_given_up_text,
    a_promised_text,
    a_sent_text,
    a_text,
    again,
    row_of,
    settlements,
    text_prices,
)
from webhooks.models import Delivery, Endpoint

pytestmark = pytest.mark.django_db

OURS = "+447700900999"


@pytest.fixture
def application() -> Application:
    return an_application("sinch_sms", key="plan", secret="token", sender=OURS)


@pytest.fixture
def account(application: Application) -> Account:
    text_prices("0.05")
    account = an_account(balance="1.00", numbers=[UK])
    Endpoint.objects.create(account=account, url="https://customer.example/hooks", secret="whsec_AAAA")
    return account


def report(text: TextMessage, status: str = "delivered", **changes: Any) -> TextReported:
    means = {"queued": TextStatus.PENDING, "delivered": TextStatus.SUCCESSFUL}.get(status, TextStatus.FAILED)
    values = {
        "call_id": "",
        "text_id": "batch-1",
        "reference": str(text.pk),
        "recipient": text.recipient,
        "status": means,
        "status_word": status.capitalize(),
        "code": "0",
        **changes,
    }
    return TextReported(**values)


def tell(event: TextReported | TextReceived, application: Application, **changes: Any) -> None:
    assert control.decide(as_received(event, application, **changes)) == Acknowledge()
    check_deferred_constraints()


def announced(event: str = "text.status") -> list[dict[str, Any]]:
    return [delivery.data for delivery in Delivery.objects.filter(event=event).order_by("number")]


# --- what became of it -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("by", ["reference", "provider id"])
def test_a_delivered_text_is_successful_and_its_account_is_told(
    account: Account, application: Application, by: str
) -> None:
    text = a_sent_text(account, reference="order-7")
    tell(report(text, **({"reference": ""} if by == "provider id" else {"text_id": "another id"})), application)
    text = again(text)
    assert (text.status, text.detail, text.final_at) == ("successful", "Delivered 0", NOW)
    (told,) = announced()
    assert told == {
        "id": str(text.pk),
        "reference": "order-7",
        "sender": OURS,
        "recipient": UK,
        "status": "successful",
        "detail": "Delivered 0",
        "segments": 1,
        "currency": "USD",
        "price": "0.050000",
        "charge": "0.050000",
        "created_at": told["created_at"],
        "sent_at": told["sent_at"],
        "final_at": "2026-03-02T08:15:30Z",
    }
    assert len(settlements(text)) == 1


def test_a_text_that_was_not_delivered_has_failed_and_is_paid_all_the_same(
    account: Account, application: Application
) -> None:
    text = a_sent_text(account)
    tell(report(text, "rejected", code="408"), application)
    text = again(text)
    assert (text.status, text.detail, text.charge) == ("failed", "Rejected 408", Decimal("0.05"))
    assert balance(account) == Decimal("0.95")


def test_a_status_only_moves_forward(account: Account, application: Application) -> None:
    text = a_sent_text(account)
    tell(report(text, "queued", code="400"), application)
    assert (again(text).status, again(text).detail, again(text).final_at) == ("pending", "Queued 400", None)
    tell(report(text), application)
    final = again(text)
    tell(report(text, "queued", code="401"), application)
    assert vars(again(text)) | {"_state": None} == vars(final) | {"_state": None}
    assert len(announced()) == 1


def test_a_second_end_is_kept_as_a_contradiction_and_changes_nothing(
    account: Account, application: Application
) -> None:
    text = a_sent_text(account)
    tell(report(text), application)
    tell(report(text, "expired", code="406"), application)
    assert again(text).status == "successful"
    conflict = ReceivedEvent.objects.get(outcome="conflict")
    assert conflict.error == "It was successful before; now it is reported as failed."


def test_a_report_that_comes_twice_counts_once(account: Account, application: Application) -> None:
    text = a_sent_text(account)
    tell(report(text), application)
    tell(report(text), application)
    assert ReceivedEvent.objects.count() == 1
    assert len(announced()) == 1


def test_a_report_that_comes_before_the_answer_proves_that_it_was_sent(
    account: Account, application: Application
) -> None:
    text = a_promised_text(account)
    tell(report(text, "queued", code="400"), application)
    text = again(text)
    assert (text.status, text.provider_id, text.sent_at) == ("pending", "batch-1", NOW)
    assert row_of(text).state == "done"
    assert (balance(account), held(account), len(settlements(text))) == (Decimal("0.95"), 0, 1)


def test_a_report_after_giving_up_charges_once_and_late(account: Account, application: Application) -> None:
    text = a_given_up_text(account)
    assert (text.status, held(account), balance(account)) == ("failed", 0, Decimal("1.00"))
    tell(report(text, "queued", code="400"), application)
    assert (again(text).status, again(text).final_at, balance(account)) == ("pending", None, Decimal("0.95"))
    tell(report(text), application)
    text = again(text)
    assert (text.status, text.price, text.charge, text.loss) == ("successful", Decimal("0.05"), Decimal("0.05"), 0)
    assert len(settlements(text)) == 1
    assert [told["status"] for told in announced()] == ["failed", "successful"]


def test_what_the_wallet_no_longer_has_is_our_loss(application: Application) -> None:
    text_prices("0.05")
    account = an_account(balance="0.06")
    text = a_given_up_text(account)
    a_sent_text(account, "batch-2")
    tell(report(text), application)
    text = again(text)
    assert (text.charge, text.loss, house("loss:late")) == (Decimal("0.01"), Decimal("0.04"), Decimal("-0.04"))


def test_a_report_of_a_text_of_ours_charges_us_openly(account: Account, application: Application) -> None:
    text = a_promised_text(account, purpose=Purpose.ALERT, paid_by=Payer.HOUSE)
    tell(report(text), application)
    text = again(text)
    assert (text.price, text.charge, text.loss) == (Decimal("0.05"), 0, Decimal("0.05"))
    assert (balance(account), house("courtesy")) == (Decimal("1.00"), Decimal("-0.05"))
    assert announced() == []  # an alert of ours is nothing that the customer sent


@pytest.mark.parametrize(
    "changes", [{"reference": "nonsense"}, {"reference": ""}, {"reference": "6f2b1c1e-52f4-4d0a-9a55-9b1f3f1d8c11"}]
)
def test_a_report_about_no_text_of_ours_is_only_kept(
    account: Account, application: Application, changes: dict[str, str]
) -> None:
    text = a_promised_text(account)
    tell(report(text, **changes), application)
    assert (again(text).status, again(text).sent_at) == ("pending", None)
    assert ReceivedEvent.objects.get().outcome == "decided"


def test_another_application_cannot_report_about_it(account: Account, application: Application) -> None:
    text = a_sent_text(account)
    tell(report(text), an_application("sinch_sms", key="plan 2", secret="token"))
    assert again(text).status == "pending"


def test_a_provider_id_that_another_text_has_does_not_stand_in_the_way(
    account: Account, application: Application
) -> None:
    first, second = a_sent_text(account), a_promised_text(account)
    tell(report(second), application)
    assert (again(first).provider_id, again(second).provider_id) == ("batch-1", "")
    assert (again(first).status, again(second).status) == ("pending", "successful")


# --- a text comes in -------------------------------------------------------------------------------------------------


def incoming(body: str, sender: str = UK, recipient: str = OURS, text_id: str = "in-1") -> TextReceived:
    return TextReceived(call_id="", text_id=text_id, sender=sender, recipient=recipient, body=body)


def replies() -> list[TextMessage]:
    return list(TextMessage.objects.filter(purpose="reply").order_by("created_at"))


def test_a_text_is_kept_once_for_whom_the_number_belongs_to(account: Account, application: Application) -> None:
    owner = an_account()
    Endpoint.objects.create(account=owner, url="https://owner.example/hooks", secret="whsec_AAAA")
    an_access_number(application, "+447700900444", account=owner)
    event = incoming("Hello 👋", recipient="+447700900444")
    tell(event, application)
    tell(event, application)
    text = TextMessage.objects.get()
    assert (text.account, text.direction, text.body, text.status) == (owner, "in", "Hello 👋", "successful")
    assert (text.sender, text.recipient, text.encoding, text.provider_id) == (UK, "+447700900444", "ucs2", "in-1")
    (told,) = announced("text.received")
    assert told == {
        "id": str(text.pk),
        "sender": UK,
        "recipient": "+447700900444",
        "body": "Hello 👋",
        "received_at": "2026-03-02T08:15:30Z",
    }
    assert Delivery.objects.get().endpoint.account == owner


def test_a_text_to_a_number_of_nobody_is_for_the_account_of_its_sender(
    account: Account, application: Application
) -> None:
    tell(incoming("Hello"), application)
    assert TextMessage.objects.get().account == account


def test_a_text_that_belongs_to_nobody_is_only_kept(account: Account, application: Application) -> None:
    tell(incoming("BAL", sender=ANOTHER), application)
    assert (TextMessage.objects.get().account, announced("text.received"), replies()) == (None, [], [])


def test_a_long_name_as_sender_is_kept_as_far_as_there_is_room(account: Account, application: Application) -> None:
    tell(incoming("", sender="A name of many letters"), application)
    assert TextMessage.objects.get().sender == "A name of many l"


@pytest.mark.parametrize("body", ["BAL", " bal ", "Bal, please", "“bal”"])
def test_bal_is_answered_with_the_balance_at_our_cost(account: Account, application: Application, body: str) -> None:
    tell(incoming(body), application)
    (reply,) = replies()
    assert (reply.body, reply.recipient, reply.account) == ("You have 1.00 US dollars.", UK, account)
    assert (reply.paid_by, reply.sender, held(account)) == ("house", OURS, 0)
    assert row_of(reply).state == "ready"


def test_the_answer_comes_from_the_number_that_was_texted(account: Account, application: Application) -> None:
    an_application("sinch_sms", key="plan 0", secret="token")
    another = an_application("sinch", sends_texts=True)
    an_access_number(another, "+447700900444", account=an_account())
    tell(incoming("BAL", recipient="+447700900444"), another)
    (reply,) = replies()
    assert (reply.application, reply.sender) == (another, "+447700900444")


def test_an_application_that_sends_nothing_has_another_answer(account: Account, application: Application) -> None:
    voice_only = an_application("sinch")
    an_access_number(voice_only, "+447700900444", account=an_account())
    tell(incoming("BAL", recipient="+447700900444"), voice_only)
    (reply,) = replies()
    assert (reply.application, reply.sender) == (application, OURS)


def test_the_balance_is_answered_even_where_the_account_may_not_call(application: Application) -> None:
    account = an_account(numbers=[UK], deny=["44"], balance="2.50")
    tell(incoming("BAL"), application)
    assert [(reply.account, reply.body) for reply in replies()] == [(account, "You have 2.50 US dollars.")]


def test_a_number_is_answered_five_times_an_hour(account: Account, application: Application) -> None:
    for n in range(7):
        tell(incoming("BAL", text_id=f"in-{n}"), application)
    assert len(replies()) == 5
    tell(incoming("BAL", text_id="in-later"), application, received_at=NOW + timedelta(minutes=61))
    assert len(replies()) == 6


@pytest.mark.parametrize("sender", ["Harbour", OURS, "+447700900444", "447700900123", ""])
def test_names_and_numbers_of_our_own_are_never_answered(
    account: Account, application: Application, sender: str
) -> None:
    account.caller_numbers.create(number=OURS, verified_at=NOW)
    account.caller_numbers.create(number="+447700900444", verified_at=NOW)
    an_access_number(application, "+447700900444", account=account)
    tell(incoming("BAL", sender=sender), application)
    tell(incoming("STOP", sender=sender, text_id="in-2"), application)
    assert (replies(), OptOut.objects.count()) == ([], 0)


def test_a_number_that_is_not_verified_is_not_told_a_balance(account: Account, application: Application) -> None:
    account.caller_numbers.create(number=ANOTHER)
    tell(incoming("BAL", sender=ANOTHER), application)
    assert replies() == []


@pytest.mark.parametrize("word", ["STOP", "stopall", "Unsubscribe", "CANCEL", "end", "Quit", "stop!", "STOP it please"])
def test_stop_is_respected_until_start(account: Account, application: Application, word: str) -> None:
    tell(incoming(word), application)
    tell(incoming(word, text_id="in-2"), application)
    assert OptOut.objects.get().number == UK
    with pytest.raises(TextRefused, match="answered STOP"):
        texts.send(a_text(account))
    tell(incoming("BAL", text_id="in-3"), application)
    assert replies() == []
    tell(incoming("Start", text_id="in-4"), application)
    assert texts.send(a_text(account)).status == "pending"


def test_stop_said_to_an_application_that_sends_nothing_counts_for_those_that_do(
    account: Account, application: Application
) -> None:
    """A text may come from a number of ours that another provider has: that one hears the answer."""
    voice_only = an_application("voximplant", key="42")
    another = an_application("sinch_sms", key="another plan", secret="another-token", sender=OURS)
    tell(incoming("STOP"), voice_only)
    assert {each.application for each in OptOut.objects.all()} == {voice_only, application, another}
    with pytest.raises(TextRefused, match="answered STOP"):
        texts.send(a_text(account))
    tell(incoming("START", text_id="in-2"), voice_only)
    assert texts.send(a_text(account)).status == "pending"
    assert not OptOut.objects.exists()


def test_stop_said_to_an_application_that_sends_counts_there_alone(account: Account, application: Application) -> None:
    another = an_application("sinch_sms", key="another plan", secret="another-token", sender=OURS)
    tell(incoming("STOP"), another)
    assert {each.application for each in OptOut.objects.all()} == {another}
    assert texts.send(a_text(account)).status == "pending"


@pytest.mark.parametrize("body", ["HELP", "please STOP", "STOPPED", "", "...", "BALANCE"])
def test_other_words_change_nothing(account: Account, application: Application, body: str) -> None:
    tell(incoming(body), application)
    assert (OptOut.objects.count(), replies(), TextMessage.objects.count()) == (0, [], 1)
