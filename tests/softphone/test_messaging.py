"""Messages: one text for one request, told of once to the line that sent it, and those that came in to the account."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4
from xml.etree import ElementTree as ET

import pytest
import time_machine
from django.test import Client

from accounts.models import Account
from accounts.registration import suspend
from billing.models import Hold
from outbox.models import Row
from softphone import messaging
from softphone.models import Line, Softphone
from telephony import texts
from telephony.models import Application, OptOut, TextMessage
from telephony.texts import NewText
from tests.builders import an_access_number, an_account, an_application, held
from tests.softphone.scenes import a_line
from tests.telephony.text_scenes import ANOTHER, UK, text_prices

pytestmark = pytest.mark.django_db

OURS = "+447700900999"
NOON = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)


@pytest.fixture
def application() -> Application:
    text_prices("0.05")
    return an_application("sinch_sms", key="plan", secret="token", sender=OURS, sends_texts=True)


@pytest.fixture
def account(application: Application) -> Account:
    return an_account(balance="5.00", deny=["4420"])


@pytest.fixture
def line(account: Account) -> Line:
    return a_line(account, name="ana")


@pytest.fixture
def own_number(application: Application, account: Account) -> str:
    an_access_number(application, "+447700900111", account=account)
    return "+447700900111"


def post(client: Client, path: str, line: Line, **parameters: str) -> Any:
    proof = {"username": line.client_user.name, "token": line.token, "format": "json"}
    return client.post(path, {**proof, **parameters}, content_type="application/json")


def send(client: Client, line: Line, body: str = "ola", to: str = UK, **parameters: str) -> Any:
    return post(client, "/acrobits/messages/send/", line, sms_to=to, sms_body=body, **parameters)


def fetch(client: Client, line: Line, **parameters: str) -> dict[str, Any]:
    answer = post(client, "/acrobits/messages/fetch/", line, **parameters)
    assert answer.status_code == 200, answer.content
    found: dict[str, Any] = json.loads(answer.content)
    return found


def a_received_text(account: Account, application: Application, recipient: str, at: datetime, body: str = "ola") -> str:
    text = TextMessage.objects.create(
        direction="in", account=account, application=application, sender=UK, recipient=recipient, body=body,
        status="successful", created_at=at, provider_id=str(uuid4()),
    )  # fmt: skip
    return str(text.pk)


def bodies(found: list[dict[str, str]]) -> list[str]:
    return [each["sms_text"] for each in found]


# --- sending ---------------------------------------------------------------------------------------------------------


def test_a_message_is_promised_as_a_text_and_the_app_is_told_its_id(client: Client, line: Line) -> None:
    answer = send(client, line, content_type="text/plain; charset=utf-8", smart="0")
    text = TextMessage.objects.get()
    assert answer.status_code == 200
    assert json.loads(answer.content) == {
        "error": 0, "description": "Success", "sms_id": str(text.pk), "message_id": str(text.pk),
    }  # fmt: skip
    assert (text.sender, text.recipient, text.body, text.account) == (OURS, UK, "ola", line.client_user.account)
    assert Hold.objects.get(subject=text.pk).amount == held(text.account)
    assert Row.objects.get().subject == text.pk


def test_the_legacy_answer_is_the_documented_one(client: Client, line: Line) -> None:
    body = f"username=ana&token={line.token}&sms_to=+447700900123&sms_body=ol%C3%A1"
    answer = client.post("/acrobits/messages/send/", body, content_type="application/x-www-form-urlencoded")
    assert answer["Content-Type"] == "text/xml"
    assert answer.content.startswith(b"<response><error>0</error><description>Success</description><sms_id>")
    assert TextMessage.objects.get().body == "ol\u00e1"


def test_a_text_comes_from_the_accounts_own_number_so_that_it_can_be_answered(
    client: Client, line: Line, own_number: str
) -> None:
    send(client, line)
    assert TextMessage.objects.get().sender == own_number


def test_the_same_request_within_15_seconds_is_one_text(client: Client, line: Line) -> None:
    ids = []
    with time_machine.travel(NOON, tick=False) as clock:
        for seconds in (0, 14.9, 0.2):
            clock.shift(seconds)
            ids.append(json.loads(send(client, line).content)["sms_id"])
    assert ids[0] == ids[1] != ids[2]
    assert TextMessage.objects.count() == 2


def test_another_text_another_number_and_another_line_are_other_texts(client: Client, line: Line) -> None:
    other = a_line(line.client_user.account)
    answers = [send(client, line), send(client, line, "ola!"), send(client, line, to=ANOTHER), send(client, other)]
    assert len({json.loads(answer.content)["sms_id"] for answer in answers}) == 4


@pytest.mark.parametrize(
    ("changes", "status", "sentence"),
    [
        ({"sms_body": ""}, 400, "This message is empty: write something."),
        ({"sms_body": "a" * 1601}, 400, "This message is too long: send it in parts."),
        ({"sms_body": "\u0142" * 900}, 400, "This message is too long: send it in parts."),
        ({"sms_body": "bell\x07"}, 400, "This request holds control characters: please type it again."),
        ({"sms_to": ""}, 400, "This request has no target: check the app's settings."),
        ({"sms_to": "mum"}, 400, "This number cannot be read: write it with + and the country code."),
        ({"sms_to": "+442079460000"}, 403, "Your account does not allow messages to this number: ask your operator."),
        ({"sms_to": "+46701740605"}, 403, "Messages to this number are not available: please call it instead."),
        ({"content_type": "application/x-acro-filetransfer+json"}, 415,
         "Only plain text can be sent to this number: write it as a message."),
        ({"content_type": "application/x-acro-disposition-notification"}, 415,
         "Only plain text can be sent to this number: write it as a message."),
    ],
)  # fmt: skip
def test_what_cannot_be_sent_is_refused_in_one_sentence(
    client: Client, line: Line, changes: dict[str, str], status: int, sentence: str
) -> None:
    given = {"sms_to": UK, "sms_body": "ola", **changes}
    answer = post(client, "/acrobits/messages/send/", line, **given)
    assert (answer.status_code, json.loads(answer.content)) == (status, {"message": sentence})
    in_spanish = post(client, "/acrobits/messages/send/", line, lang="es", **given)
    assert in_spanish.status_code == status
    assert json.loads(in_spanish.content)["message"] != sentence
    assert not TextMessage.objects.exists()


def test_the_accounts_own_reasons_have_their_sentences(client: Client, account: Account, line: Line) -> None:
    poor = a_line(an_account(balance="0.04"))
    answer = send(client, poor)
    assert (answer.status_code, answer.json()["message"]) == (
        403,
        "Not enough credit for this message: please top up.",
    )
    OptOut.objects.create(application=Application.objects.get(), number=ANOTHER)
    assert "answered STOP" in send(client, line, to=ANOTHER).json()["message"]
    suspend(account)
    assert send(client, line).json()["message"] == "Your account is not active: please contact support."
    Application.objects.update(sends_texts=False)
    answer = send(client, a_line(an_account()))
    assert (answer.status_code, answer.json()["message"][:23]) == (503, "Messages cannot be sent")
    assert not TextMessage.objects.exists()


def test_an_account_sends_sixty_an_hour_unless_its_limits_are_off(client: Client, account: Account) -> None:
    first, second = a_line(account), a_line(account)
    wholesale = a_line(an_account(velocity_limits=False))
    with time_machine.travel(NOON, tick=False) as clock:
        for line, sent in ((first, 30), (second, 30), (wholesale, 60)):
            TextMessage.objects.bulk_create(
                TextMessage(
                    account=line.client_user.account, application=Application.objects.get(), recipient=UK, body="x",
                    reference=f"line:{line.pk}:{number}", created_at=NOON,
                )
                for number in range(sent)
            )  # fmt: skip
        texts.send(NewText(account_id=account.pk, recipient=UK, body="not from an app"))
        refused = send(client, first)
        assert (refused.status_code, refused.json()["message"][:27]) == (429, "You have sent as many messa")
        assert not TextMessage.objects.filter(body="ola").exists()
        assert send(client, wholesale).status_code == 200
        clock.shift(3601)
        assert send(client, first).status_code == 200


# --- fetching --------------------------------------------------------------------------------------------------------


def test_what_came_in_and_what_was_sent_is_told_as_the_product_documents_it(
    client: Client, account: Account, application: Application, line: Line, own_number: str
) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        sent = send(client, line, "how are you?").json()["sms_id"]
        got = a_received_text(account, application, own_number, NOON + timedelta(seconds=1), "fine & <you>?")
        clock.shift(10)
        assert fetch(client, line) == {
            "date": "2026-01-05T12:00:10Z",
            "received_smss": [
                {
                    "sms_id": got,
                    "sending_date": "2026-01-05T12:00:01Z",
                    "sender": UK,
                    "sms_text": "fine & <you>?",
                    "content_type": "text/plain",
                    "stream_id": UK,
                }
            ],
            "sent_smss": [
                {
                    "sms_id": sent,
                    "sending_date": "2026-01-05T12:00:00Z",
                    "recipient": UK,
                    "sms_text": "how are you?",
                    "content_type": "text/plain",
                    "stream_id": UK,
                }
            ],
        }
        answer = client.get("/acrobits/messages/fetch/", {"username": "ana", "token": line.token})
    found = ET.fromstring(answer.content)
    assert found.findtext("date") == "2026-01-05T12:00:10Z"
    assert found.findtext("received_smss/item/sms_text") == "fine & <you>?"
    assert found.findtext("sent_smss/item/recipient") == UK


def test_nothing_is_told_twice_and_nothing_is_left_out(
    client: Client, account: Account, application: Application, line: Line, own_number: str
) -> None:
    for number in range(250):
        # Several of the same moment: their ids decide.
        at = NOON - timedelta(minutes=number // 3)
        a_received_text(account, application, own_number, at, str(number))
    told: list[str] = []
    last = ""
    with time_machine.travel(NOON + timedelta(minutes=1), tick=False):
        while found := fetch(client, line, last_known_sms_id=last)["received_smss"]:
            assert len(found) <= messaging.MOST_AT_ONCE
            told += bodies(found)
            last = found[-1]["sms_id"]
    assert sorted(told, key=int) == [str(number) for number in range(250)]
    assert [int(each) // 3 for each in told] == sorted((number // 3 for number in range(250)), reverse=True)


def test_a_line_is_told_of_its_own_texts_alone_and_every_line_of_what_came_in(
    client: Client, account: Account, application: Application, line: Line, own_number: str
) -> None:
    second, stranger = a_line(account), a_line()
    an_access_number(application, "+447700900114", leads="nowhere")
    with time_machine.travel(NOON, tick=False) as clock:
        send(client, line, "of the first")
        send(client, second, "of the second")
        texts.send(NewText(account_id=account.pk, recipient=UK, body="by a program", reference="line:"))
        a_received_text(account, application, own_number, NOON, "to both")
        for shared in (OURS, "+447700900114"):
            a_received_text(account, application, shared, NOON, "BAL")
        clock.shift(60)
        first_told, second_told, strangers = (fetch(client, each) for each in (line, second, stranger))
    assert (bodies(first_told["sent_smss"]), bodies(first_told["received_smss"])) == (["of the first"], ["to both"])
    assert (bodies(second_told["sent_smss"]), bodies(second_told["received_smss"])) == (["of the second"], ["to both"])
    assert (strangers["sent_smss"], strangers["received_smss"]) == ([], [])


def test_an_id_that_is_not_the_accounts_counts_as_none(
    client: Client, account: Account, application: Application, line: Line, own_number: str
) -> None:
    a_received_text(account, application, own_number, NOON - timedelta(days=31), "long ago")
    a_received_text(account, application, own_number, NOON - timedelta(days=29), "lately")
    theirs = a_received_text(an_account(), application, "+447700900112", NOON)
    with time_machine.travel(NOON + timedelta(hours=1), tick=False):
        for last in ("", "81", theirs, str(uuid4()), "x" * 300, "\u0661"):
            assert bodies(fetch(client, line, last_known_sms_id=last)["received_smss"]) == ["lately"]


def test_a_text_is_told_of_once_everything_older_must_have_been_committed(
    client: Client, account: Account, application: Application, line: Line, own_number: str
) -> None:
    a_received_text(account, application, own_number, NOON)
    with time_machine.travel(NOON + timedelta(seconds=1), tick=False) as clock:
        assert fetch(client, line)["received_smss"] == []
        clock.shift(1)
        assert len(fetch(client, line)["received_smss"]) == 1


def test_old_apps_find_what_came_in_under_its_old_name_too(
    client: Client, account: Account, application: Application, line: Line, own_number: str
) -> None:
    a_received_text(account, application, own_number, NOON)
    with time_machine.travel(NOON + timedelta(minutes=1), tick=False):
        assert "unread_smss" not in fetch(client, line)
        Softphone.objects.update(has_legacy_messages=True)
        found = fetch(client, line)
    (item,) = found["unread_smss"]
    assert item == {name: found["received_smss"][0][name] for name in ("sms_id", "sending_date", "sender", "sms_text")}
