"""The page about webhooks: its examples are what is really sent, and its receivers really verify it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Account
from billing.alerts import Channel, set_alert
from billing.money import Money
from billing.topups import correct, credit
from telephony import registry
from telephony.events import PromptAnswered, PromptKind
from telephony.models import Application, Callout
from telephony.news import TextReceived, TextReported, TextStatus
from tests.builders import a_deck, an_access_number, an_account, an_application
from tests.telephony import callout_scenes as callouts
from tests.telephony import text_scenes as texts
from tests.telephony import verification_scenes as verifications
from tests.telephony.received import ended as call_ended
from tests.telephony.received import incoming
from tests.telephony.verification_scenes import Desk
from tests.webhooks.scenes import a_claim, a_told, carry_out, it_happens
from webhooks import endpoints
from webhooks.bodies import body_and_headers
from webhooks.delivering import WAITS, TellEndpoint
from webhooks.models import Delivery, Endpoint, EventType

PAGE = (Path(__file__).resolve().parent.parent / "docs/webhooks.md").read_text(encoding="utf-8")
TEXT_NUMBER = "+447700900999"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


def example_of(event: EventType) -> dict[str, Any]:
    (example,) = [each for each in map(json.loads, blocks("json")) if each.get("type") == event.value]
    return example


def shape(value: Any) -> Any:
    """What kind of value it is: money, a time, an id, another text, a number … with the names of what is inside."""
    match value:
        case dict():
            return {name: shape(inside) for name, inside in value.items()}
        case list():
            return [shape(inside) for inside in value]
        case str() if re.fullmatch(r"-?\d+\.\d{6}", value):
            return "money"
        case str() if re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", value):
            return "time"
        case str() if re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", value):
            return "id"
    return type(value).__name__


def a_call(account: Account) -> None:
    application = an_application()
    callouts.told(application, incoming("one"))
    callouts.told(application, call_ended("one", 61), timezone.now() + timedelta(seconds=70))


def a_low_balance(account: Account) -> None:
    set_alert(account, Money.of("49", "USD"), [Channel.WEBHOOK])
    correct(account, Money.of("-2", "USD"), reason="spent", made_by="a test", reference="spent")
    carry_out()


def a_top_up(account: Account) -> None:
    credit(account, Money.of("10", "USD"), reference="receipt-17")


def a_text_in(account: Account) -> None:
    application = a_text_application()
    an_access_number(application, "+447700900998", account=account)
    news = TextReceived(
        call_id="", text_id="in-1", sender=texts.ANOTHER, recipient="+447700900998", body="See you at eight"
    )
    callouts.told(application, news)


def a_text_out(account: Account) -> None:
    application = a_text_application()
    texts.text_prices("0.05")
    text = texts.a_sent_text(account, reference="order-4711")
    news = TextReported(
        call_id="", text_id="batch-1", reference=str(text.pk), recipient=text.recipient,
        status=TextStatus.SUCCESSFUL, status_word="Delivered", code="0",
    )  # fmt: skip
    callouts.told(application, news)


def a_text_application() -> Application:
    return an_application("sinch_sms", key="plan", secret="token", sender=TEXT_NUMBER)


def a_callout(account: Account) -> None:
    application = an_application()
    callout = callouts.a_callout(
        account, kind=Callout.Kind.MENU, text="", menu_version_id=callouts.a_survey(), reference="reminder-12"
    )
    call = callouts.a_placed_call(callout)
    callouts.told(application, callouts.answered(call))
    for second, (kind, pressed) in enumerate([(PromptKind.RETURN, "1"), (PromptKind.SEQUENCE, "2024")]):
        at = call.begun_at + timedelta(seconds=second)
        news = PromptAnswered(call_id="provider-1", menu_id="main", value=pressed, prompt_kind=kind, at=at)
        callouts.told(application, news)
    callouts.told(application, callouts.ended(call))


def a_verification(account: Account) -> None:
    application = an_application()
    a_deck({"46": "0.05"}, service="verifications")
    verification = verifications.begun(account, reference="sign-up-88")
    callouts.told(application, verifications.told(verification))


HAPPENINGS: dict[EventType, Callable[[Account], None]] = {
    EventType.CALL_STARTED: a_call,
    EventType.CALL_ENDED: a_call,
    EventType.BALANCE_LOW: a_low_balance,
    EventType.TOPPED_UP: a_top_up,
    EventType.TEXT_RECEIVED: a_text_in,
    EventType.TEXT_STATUS: a_text_out,
    EventType.CALLOUT_ENDED: a_callout,
    EventType.VERIFICATION_ENDED: a_verification,
}


@pytest.fixture
def account(db: None, monkeypatch: pytest.MonkeyPatch) -> Account:
    monkeypatch.setitem(registry.PROVIDERS, "sinch", Desk())
    a_deck({"44": "0.06"})
    account = an_account(
        "Harbour Café", balance="50", client_user="alice", numbers=[callouts.OWN, texts.ANOTHER], verified=True
    )
    endpoints.add(account, "https://hooks.example.com/")
    return account


@pytest.mark.parametrize("event", EventType)
def test_the_example_has_the_shape_of_what_is_really_sent(account: Account, event: EventType) -> None:
    HAPPENINGS[event](account)
    delivery = Delivery.objects.filter(event=event).latest("number")
    prepared = TellEndpoint().prepare(a_claim(delivery), timezone.now())
    assert prepared is not None
    body, headers = body_and_headers(prepared.told, timezone.now())
    sent, example = json.loads(body), example_of(event)
    assert shape(sent) == shape(example)
    assert set(headers) > {"webhook-id", "webhook-timestamp", "webhook-signature"}


def test_the_voximplant_example_has_the_fields_that_are_really_sent(account: Account) -> None:
    Endpoint.objects.all().delete()
    endpoints.add(account, "https://hooks.example.com/", form=Endpoint.Form.VOXIMPLANT)
    a_low_balance(account)
    prepared = TellEndpoint().prepare(a_claim(Delivery.objects.get()), timezone.now())
    assert prepared is not None
    body, _ = body_and_headers(prepared.told, timezone.now())
    (example,) = [each for each in blocks("json") if '"callbacks"' in each]
    sent, told = (json.loads(text, parse_float=Decimal)["callbacks"][0] for text in (body, example))
    assert shape(sent) == shape(told)


def test_the_schedule_is_the_one_in_force() -> None:
    rows = re.findall(r"^\| \d+ \| (\d+) (seconds|minutes|hours) \|", PAGE, re.MULTILINE)
    assert [timedelta(**{unit: int(count)}) for count, unit in rows] == list(WAITS)


@pytest.mark.django_db
def test_the_python_receiver_knows_us_and_nobody_else() -> None:
    (source,) = blocks("python")
    names: dict[str, Any] = {}
    exec(source, names)  # our own page
    with a_told(an_account()) as (receiver, endpoint):
        it_happens(endpoint.account)
        carry_out()
    (request,) = receiver.requests
    assert names["receive"](endpoint.secret, request.headers, request.body)["type"] == "balance.low"
    assert names["receive"](endpoint.secret, request.headers, request.body + b" ") is None


@pytest.mark.skipif(shutil.which("node") is None, reason="the receiver is written for node")
@pytest.mark.django_db
def test_the_javascript_receiver_knows_us_and_nobody_else() -> None:
    (source,) = blocks("javascript")
    with a_told(an_account()) as (receiver, endpoint):
        endpoints.rotate(endpoint, seen=endpoints.secret_mark(endpoint), now=timezone.now())
        it_happens(endpoint.account)
        carry_out()
    (request,) = receiver.requests
    given = [endpoint.secret, request.headers, request.body.decode()]  # the old secret counts while the rotation lasts
    script = (
        f"{source}\nconst [secret, headers, body] = {json.dumps(given)};\n"
        "console.log(JSON.stringify([receive(secret, headers, body)?.type, receive(secret, headers, body + ' ')]));\n"
    )
    done = subprocess.run(
        ["node", "-e", script],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": os.environ["PATH"]},
        timeout=30,
    )
    assert (done.stderr, json.loads(done.stdout)) == ("", ["balance.low", None])
