"""Texts on the staff's site: what a page says of each, and that nothing is sent before its price was seen."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.core.management import CommandError, call_command
from django.test import Client

from accounts.models import Account
from outbox.models import Row
from telephony import texts
from telephony.models import Application, OptOut, TextMessage
from tests.accounts.test_admin import staff
from tests.billing.test_admin import queries_of
from tests.builders import an_account, an_application, held
from tests.telephony.text_scenes import ANOTHER, UK, a_promised_text, a_sent_text, a_text, text_prices

pytestmark = pytest.mark.django_db

SEND = "/admin/telephony/textmessage/send/"
LIST = "/admin/telephony/textmessage/"


@pytest.fixture
def application() -> Application:
    return an_application("sinch_sms", key="plan", secret="token", sender="+447700900999", name="Texts")


@pytest.fixture
def account(application: Application) -> Account:
    text_prices("0.05")
    return an_account("Harbour Café", balance="1.00", numbers=["+447700900111"])


def filled(**changes: str) -> dict[str, str]:
    return {"account": "Harbour Café", "to": UK, "sender": "", "body": "Hello", "reference": "office-1", **changes}


def look(client: Client, **changes: str) -> Any:
    response = client.post(SEND, filled(**changes))
    assert response.status_code == 200
    return response.context


def test_a_page_tells_what_became_of_a_text_and_what_it_cost(admin_client: Client, account: Account) -> None:
    text = a_sent_text(account, body="a" * 161)
    page = admin_client.get(f"{LIST}{text.pk}/change/").content.decode()
    for figure in (
        "0.10\u00a0USD",
        "0.10\u00a0USD settled",
        f"/admin/billing/posting/{text.posting_id}/change/",
        "done, begun 0 times",
        "/admin/telephony/receivedevent/?q=text%3Abatch-1",
        "Pending",
        "+44 7700 900123",
    ):
        assert figure in page


def test_a_text_in_doubt_says_so(admin_client: Client, account: Account) -> None:
    text = a_promised_text(account)
    Row.objects.update(state="unknown", attempts=1, looks=3, error="no answer within 10 s")
    page = admin_client.get(f"{LIST}{text.pk}/change/").content.decode()
    assert "unknown, begun once, looked up 3 times: no answer within 10 s" in page


@pytest.mark.parametrize("term", ["Harbour Café", UK, "order-7", "batch-1", "{id}"])
def test_a_text_is_found_by_what_people_have_of_it(admin_client: Client, account: Account, term: str) -> None:
    text = a_sent_text(account, reference="order-7")
    texts.send(a_text(an_account(), recipient=ANOTHER))
    found = admin_client.get(LIST, {"q": term.format(id=text.pk)}).context["cl"].result_list
    assert list(found) == [text]


def test_ten_texts_take_as_many_queries_as_one(admin_client: Client, account: Account) -> None:
    a_promised_text(account)
    few = len(queries_of(admin_client, LIST))
    for n in range(4):
        texts.send(a_text(an_account(), str(n)))
    queries = queries_of(admin_client, LIST)
    assert len(queries) == few
    assert not [sql for sql in queries if "COUNT(" in sql or "OFFSET" in sql]


def test_looking_shows_segments_and_price_and_sends_nothing(admin_client: Client, account: Account) -> None:
    response = admin_client.post(SEND, filled(body="ж" * 71, to=f"{UK}\n{ANOTHER}"))
    page = response.content.decode()
    assert "71 units, UCS-2 each" in page
    assert "0.20\u00a0USD" in page
    assert not TextMessage.objects.exists()
    assert held(account) == 0


def test_what_was_looked_at_is_sent_once_and_written_down(admin_client: Client, account: Account) -> None:
    seen = look(admin_client)["seen"]
    data = filled(seen=seen, send="Send")
    response = admin_client.post(SEND, data, follow=True)
    assert "The text is on its way." in response.content.decode()
    text = TextMessage.objects.get()
    assert (text.recipient, text.body, text.reference, held(account)) == (UK, "Hello", "office-1", Decimal("0.05"))
    assert LogEntry.objects.get().change_message == "Sent by hand."
    admin_client.post(SEND, data)
    assert (TextMessage.objects.count(), held(account)) == (1, Decimal("0.05"))


def test_several_numbers_get_a_text_each(admin_client: Client, account: Account) -> None:
    numbers = {"to": f" {UK} \r\n\r\n{ANOTHER}"}
    seen = look(admin_client, **numbers)["seen"]
    response = admin_client.post(SEND, filled(seen=seen, send="Send", **numbers), follow=True)
    assert "2 texts are on their way." in response.content.decode()
    assert set(TextMessage.objects.values_list("recipient", "reference")) == {
        (UK, "office-1-1"),
        (ANOTHER, "office-1-2"),
    }


def test_what_was_changed_after_looking_is_shown_again(admin_client: Client, account: Account) -> None:
    seen = look(admin_client)["seen"]
    response = admin_client.post(SEND, filled(body="a" * 161, seen=seen, send="Send"))
    assert "161 septets" in response.content.decode()
    assert not TextMessage.objects.exists()


@pytest.mark.parametrize(
    ("changes", "field", "sentence"),
    [
        ({"account": "Nobody"}, "account", "There is no account with this name."),
        ({"body": " "}, "body", "The text is empty: write something."),
        ({"to": "0770 0900123"}, "to", "Begin the number with + and the country code."),
        ({"to": f"{UK}\n+12025550123"}, "to", "Line 2: There is no price for texts to this number."),
        ({"to": f"{UK}\n00447700900123"}, "to", "Line 2: this number stands above already."),
        ({"to": "\n".join(["+447700900123"] * 101)}, "to", "At most 100 numbers are texted at once; these are 101."),
        ({"to": ""}, "to", "This field is required."),
        (
            {"sender": "Bank", "to": f"{UK}\n{ANOTHER}"},
            "sender",
            "The account does not own this sender: use one of its verified numbers or sender names, or none.",
        ),
    ],
)
def test_what_is_wrong_is_said_at_its_field(
    admin_client: Client, account: Account, changes: dict[str, str], field: str, sentence: str
) -> None:
    context = look(admin_client, send="Send", **changes)
    assert context["form"].errors == {field: [sentence]}
    assert not context["estimate"]
    assert not TextMessage.objects.exists()


def test_without_an_application_the_page_says_so(admin_client: Client, account: Account) -> None:
    Application.objects.update(enabled=False)
    errors = look(admin_client)["form"].non_field_errors()
    assert errors == ["No application sends texts: have one switched on that does."]


def test_only_who_may_send_sees_the_page(client: Client, account: Account) -> None:
    staff(client, "view_textmessage")
    assert client.get(SEND).status_code == 403
    assert client.post(SEND, filled()).status_code == 403
    assert "Send a text" not in client.get(LIST).content.decode()


def test_who_may_send_finds_the_page(admin_client: Client, account: Account) -> None:
    assert SEND in admin_client.get(LIST).content.decode()
    assert admin_client.get(SEND, {"account": "Harbour Café"}).context["form"]["account"].value() == "Harbour Café"


def test_staff_add_and_remove_who_said_stop_but_change_nothing(admin_client: Client, application: Application) -> None:
    address = "/admin/telephony/optout/"
    admin_client.post(f"{address}add/", {"application": application.pk, "number": "0044 7700 900123"})
    opt_out = OptOut.objects.get()
    assert opt_out.number == UK
    assert "+44 7700 900123" in admin_client.get(address).content.decode()
    assert admin_client.post(f"{address}{opt_out.pk}/change/", {"number": ANOTHER}).status_code == 403
    again = admin_client.post(f"{address}add/", {"application": application.pk, "number": UK})
    assert "already exists" in again.content.decode()
    assert admin_client.post(f"{address}add/", {"application": application.pk, "number": "12"}).status_code == 200
    admin_client.post(f"{address}{opt_out.pk}/delete/", {"post": "yes"})
    assert not OptOut.objects.exists()


# --- the command -----------------------------------------------------------------------------------------------------


def test_the_command_promises_a_text(account: Account, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("send_text", "Harbour Café", UK, "a" * 161, "--sender", "+447700900111", "--reference", "r", "--json")
    told = json.loads(capsys.readouterr().out)
    text = TextMessage.objects.get()
    assert told == {
        "id": str(text.pk),
        "recipient": UK,
        "sender": "+447700900111",
        "encoding": "gsm7",
        "segments": 2,
        "currency": "USD",
        "held": "0.100000",
        "status": "pending",
    }
    call_command("send_text", "Harbour Café", UK, "a" * 161, "--reference", "r")
    assert f"{text.pk} to {UK}: 2 segments, 0.100000 USD held, pending" in capsys.readouterr().out
    assert TextMessage.objects.count() == 1


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["Nobody", UK, "Hello"], "no account called 'Nobody'"),
        (["Harbour Café", "12", "Hello"], "Begin the number with"),
        (["Harbour Café", UK, ""], "The text is empty"),
        (["Harbour Café", UK, "Hello", "--sender", "Bank"], "does not own this sender"),
    ],
)
def test_the_command_says_in_one_sentence_what_is_wrong(account: Account, arguments: list[str], sentence: str) -> None:
    with pytest.raises(CommandError, match=sentence):
        call_command("send_text", *arguments)
    assert not TextMessage.objects.exists()
