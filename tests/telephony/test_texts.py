"""What may be sent: one sentence for each thing that is wrong, and nothing written or held before all is right."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from accounts.models import Account, SenderName
from accounts.registration import reactivate, suspend
from billing.models import Hold
from billing.money import Money
from billing.topups import credit
from outbox.models import Row
from telephony import texts
from telephony.models import Application, OptOut, Payer, TextMessage
from telephony.texts import MOST_AT_ONCE, NewText, Purpose, TextRefused, TextsRefused
from tests.builders import an_access_number, an_account, an_application, available, balance, held
from tests.telephony.text_scenes import ANOTHER, UK, a_text, row_of, text_prices

pytestmark = pytest.mark.django_db

AMERICA = "+12025550123"


@pytest.fixture
def application() -> Application:
    return an_application("sinch_sms", key="plan", secret="token", sender="+447700900999")


@pytest.fixture
def account(application: Application) -> Account:
    text_prices("0.05")
    account = an_account(balance="1.00", numbers=["+447700900111"], deny=["4420"])
    SenderName.objects.create(account=account, name="Harbour")
    return account


def nothing_was_written() -> bool:
    return not (TextMessage.objects.exists() or Row.objects.exists() or Hold.objects.exists())


def test_a_promised_text_holds_its_price_and_waits_in_the_outbox(account: Account, application: Application) -> None:
    text = texts.send(a_text(account, "a" * 161))
    hold = Hold.objects.get(subject=text.pk)
    assert (text.status, text.segments, text.encoding, text.price) == ("pending", 2, "gsm7", 0)
    assert (hold.amount, hold.state, held(account)) == (Decimal("0.10"), "open", Decimal("0.10"))
    assert (row_of(text).key, row_of(text).state) == (f"text:{text.pk}", "ready")
    assert (text.sender, text.application, text.currency) == ("+447700900999", application, "USD")
    assert hold.expires_at - hold.opened_at == texts.HELD_FOR


@pytest.mark.parametrize(
    ("changes", "field", "sentence"),
    [
        ({"body": ""}, "body", "The text is empty: write something."),
        ({"body": " \n "}, "body", "The text is empty: write something."),
        ({"body": "a" * 1601}, "body", "A text has at most 1,600 characters; this one has 1,601."),
        ({"body": "a" * 1531}, "body", "A text has at most 10 segments; this one has 11."),
        ({"body": "ж" * 671}, "body", "A text has at most 10 segments; this one has 11."),
        ({"body": "a\0b"}, "body", "The text has a control character, which cannot be sent: remove it."),
        ({"body": "a\ud800"}, "body", "The text has a control character, which cannot be sent: remove it."),
        ({"reference": "r" * 101}, "reference", "A reference has at most 100 printable characters."),
        ({"reference": "r\0"}, "reference", "A reference has at most 100 printable characters."),
        ({"recipient": "0770 0900123"}, "recipient", "Begin the number with + and the country code."),
        ({"recipient": ""}, "recipient", "There is no number."),
        ({"account_id": 0}, "account", "There is no such account."),
        (
            {"recipient": "+442079460123"},
            "recipient",
            "The account's destination rules do not allow texts to this number.",
        ),
        (
            {"sender": "Bank"},
            "sender",
            "The account does not own this sender: use one of its verified numbers or sender names, or none.",
        ),
        (
            {"sender": "+447700900112"},
            "sender",
            "The account does not own this sender: use one of its verified numbers or sender names, or none.",
        ),
        (
            {"sender": "Har\0bour\ud800"},
            "sender",
            "The account does not own this sender: use one of its verified numbers or sender names, or none.",
        ),
        ({"recipient": AMERICA}, "recipient", "There is no price for texts to this number."),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_written(
    account: Account, changes: dict[str, Any], field: str, sentence: str
) -> None:
    with pytest.raises(TextRefused) as refused:
        texts.send(replace(a_text(account), **changes))
    assert (refused.value.field, str(refused.value)) == (field, sentence)
    assert nothing_was_written()


def test_the_longest_text_there_may_be_is_taken(account: Account) -> None:
    assert texts.send(a_text(account, "a" * 1530)).segments == 10
    assert texts.send(a_text(account, "ж" * 670)).segments == 10


def test_credit_must_be_enough_for_the_whole_text(account: Account) -> None:
    poor = an_account(balance="0.09")
    with pytest.raises(TextRefused) as refused:
        texts.send(a_text(poor, "a" * 161))
    assert str(refused.value) == ("The credit is not enough: 0.100000 USD needed, 0.090000 USD available.")
    assert (held(poor), nothing_was_written()) == (0, True)
    texts.send(a_text(poor, "a" * 160))
    assert available(poor) == Decimal("0.04")


def test_the_checks_are_asked_in_their_order(application: Application) -> None:
    """Everything is wrong at first; putting one thing right shows what is asked next."""
    account = an_account(balance="0.01", deny=["44"])
    suspend(account)
    OptOut.objects.create(application=application, number=UK)
    new = a_text(account, "", "nobody", sender="Bank")
    assert "empty" in refusal_of(new)
    new = replace(new, body="a" * 1601)
    assert "1,600 characters" in refusal_of(new)
    new = replace(new, body="a")
    assert "digits" in refusal_of(new)
    new = replace(new, recipient=UK)
    assert "not active" in refusal_of(new)
    reactivate(account)
    assert "destination rules" in refusal_of(new)
    account.destination_rules.all().delete()
    assert "STOP" in refusal_of(new)
    Application.objects.update(enabled=False)  # who has said STOP to nobody is not known any more
    assert "own this sender" in refusal_of(new)
    new = replace(new, sender="")
    assert "No application sends texts" in refusal_of(new)
    Application.objects.update(enabled=True)
    OptOut.objects.all().delete()
    assert "no price" in refusal_of(new)
    text_prices("0.05")
    assert "credit is not enough" in refusal_of(new)
    assert nothing_was_written()
    credit(account, Money.of("0.04", "USD"), reference="enough")
    assert texts.send(new).status == "pending"


def refusal_of(new: NewText) -> str:
    with pytest.raises(TextRefused) as refused:
        texts.send(new)
    return str(refused.value)


def test_a_number_is_read_once_however_it_is_written(account: Account) -> None:
    assert texts.send(a_text(account, recipient="0044 (0)7700 900-123")).recipient == UK


@pytest.mark.parametrize(
    ("sender", "shown"),
    [("", "+447700900999"), ("Harbour", "Harbour"), ("00447700900111", "+447700900111"), ("+447700900222", None)],
)
def test_only_senders_of_its_own_are_used(
    account: Account, application: Application, sender: str, shown: str | None
) -> None:
    an_account(numbers=["+447700900222"])
    new = a_text(account, sender=sender)
    if shown is None:
        assert "own this sender" in refusal_of(new)
    else:
        assert texts.send(new).sender == shown


def test_a_number_that_is_not_verified_is_no_sender(account: Account) -> None:
    account.caller_numbers.create(number="+447700900333")
    assert "own this sender" in refusal_of(a_text(account, sender="+447700900333"))


def test_an_access_number_is_a_sender_of_the_account_it_was_given_to(
    account: Account, application: Application
) -> None:
    number = an_access_number(application, "+447700900444", account=account)
    assert texts.send(a_text(account, sender=number.number)).sender == number.number
    other = an_account()
    assert "own this sender" in refusal_of(a_text(other, sender=number.number))


def test_a_name_in_other_letters_is_another_name(account: Account) -> None:
    assert "own this sender" in refusal_of(a_text(account, sender="harbour"))


def test_whose_provider_can_be_asked_about_a_lost_answer_is_preferred(
    account: Account, application: Application
) -> None:
    application.delete()
    classic = an_application("sinch", sends_texts=True)
    assert texts.send(a_text(account)).application == classic
    plan = an_application("sinch_sms", key="plan 2", secret="token")
    assert texts.send(a_text(account)).application == plan
    assert texts.send(a_text(account, application_id=classic.pk)).application == classic
    voice_only = an_application("sinch")
    assert "No application" in refusal_of(a_text(account, application_id=voice_only.pk))


def test_one_who_said_stop_to_another_application_may_be_texted(account: Account, application: Application) -> None:
    OptOut.objects.create(application=an_application("sinch_sms", key="plan 2", secret="token"), number=UK)
    assert texts.send(a_text(account)).application == application


def test_the_same_reference_counts_once(account: Account) -> None:
    first = texts.send(a_text(account, "Hello", reference="order-7"))
    suspend(account)  # what was promised stays promised
    assert texts.send(a_text(account, "Hello", "0044 7700 900123", reference="order-7")) == first
    assert (Hold.objects.count(), Row.objects.count(), held(account)) == (1, 1, Decimal("0.05"))


@pytest.mark.parametrize("changes", [{"body": "Other words"}, {"recipient": ANOTHER}])
def test_a_reference_of_another_text_is_refused(account: Account, changes: dict[str, Any]) -> None:
    texts.send(a_text(account, "Hello", reference="order-7"))
    assert "belongs to another text" in refusal_of(replace(a_text(account, "Hello", reference="order-7"), **changes))


def test_two_accounts_may_use_one_reference(account: Account) -> None:
    other = an_account()
    assert texts.send(a_text(account, reference="1")) != texts.send(a_text(other, reference="1"))


def test_what_we_pay_ourselves_holds_nothing_and_needs_no_price(account: Account) -> None:
    poor = an_account(balance="0")
    text = texts.send(a_text(poor, purpose=Purpose.ALERT, paid_by=Payer.HOUSE))
    assert (text.paid_by, text.purpose, held(poor)) == ("house", "alert", 0)
    assert texts.send(a_text(poor, recipient=AMERICA, paid_by=Payer.HOUSE)).recipient == AMERICA


def test_the_operator_is_texted_without_an_account(account: Account) -> None:
    new = NewText(account_id=None, recipient=UK, body="Low credit", purpose=Purpose.ALERT, paid_by=Payer.HOUSE)
    assert texts.send(new).account is None
    with pytest.raises(ValueError, match="paid by the house"):
        NewText(account_id=None, recipient=UK, body="Who pays?")


def test_what_costs_nothing_is_sent_without_a_hold(application: Application) -> None:
    text_prices("0")
    account = an_account(balance="0")
    assert texts.send(a_text(account)).status == "pending"
    assert not Hold.objects.exists()


# --- many at once ----------------------------------------------------------------------------------------------------


def test_a_list_is_promised_as_a_whole(account: Account) -> None:
    sent = texts.send_many([a_text(account, "One"), a_text(account, "Two", ANOTHER)])
    assert [text.body for text in sent] == ["One", "Two"]
    assert (held(account), Row.objects.filter(kind="text").count()) == (Decimal("0.10"), 2)


def test_of_a_list_with_bad_rows_nothing_is_sent_and_each_is_named(account: Account) -> None:
    rows = [
        a_text(account, "Fine"),
        a_text(account, ""),
        a_text(account, "Fine too", AMERICA),
        a_text(account, "Fine as well", sender="Bank"),
    ]
    with pytest.raises(TextsRefused) as refused:
        texts.send_many(rows)
    assert [(position, why.field) for position, why in refused.value.refusals] == [
        (1, "body"),
        (2, "recipient"),
        (3, "sender"),
    ]
    assert str(refused.value).startswith("Text 2: The text is empty: write something. Text 3: There is no price")
    assert nothing_was_written()
    assert held(account) == 0


def test_the_credit_must_be_enough_for_the_whole_list(account: Account) -> None:
    poor = an_account(balance="0.12")
    with pytest.raises(TextsRefused) as refused:
        texts.send_many([a_text(poor, str(n)) for n in range(3)])
    ((position, why),) = refused.value.refusals
    assert (position, str(why)) == (2, "The credit is not enough: 0.050000 USD needed, 0.020000 USD available.")
    assert (held(poor), nothing_was_written()) == (0, True)


def test_a_list_that_is_sent_twice_is_promised_once(account: Account) -> None:
    rows = [a_text(account, str(n), reference=f"list-{n}") for n in range(3)]
    assert texts.send_many(rows) == texts.send_many(rows)
    assert (Row.objects.count(), held(account)) == (3, Decimal("0.15"))


def test_a_reference_stands_once_in_a_list(account: Account) -> None:
    with pytest.raises(TextsRefused, match=r"Text 2: This reference stands in the list twice"):
        texts.send_many([a_text(account, "One", reference="1"), a_text(account, "One", reference="1")])
    assert nothing_was_written()


def test_a_list_is_bounded_and_of_one_account(account: Account) -> None:
    with pytest.raises(ValueError, match="at most 100 texts"):
        texts.send_many([a_text(account)] * (MOST_AT_ONCE + 1))
    with pytest.raises(ValueError, match="all of one account"):
        texts.send_many([a_text(account), a_text(an_account())])


def test_an_estimate_says_what_it_would_take_and_does_nothing(account: Account) -> None:
    estimate = texts.estimate([a_text(account, "a" * 161), a_text(account, "ж", ANOTHER)])
    assert (estimate.price, estimate.currency) == (Decimal("0.15"), "USD")
    assert [(each.encoding, each.segments) for each in estimate.segmented] == [("gsm7", 2), ("ucs2", 1)]
    assert estimate.recipients == (UK, ANOTHER)
    assert nothing_was_written()
    assert (balance(account), held(account)) == (Decimal("1.00"), 0)
