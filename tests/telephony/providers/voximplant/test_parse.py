"""What Voximplant's account callbacks mean, and which of them are believed."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from telephony.events import Cost, Event, EventKind, UnknownEvent
from telephony.news import AccountNews, CreditLow, TextReceived
from telephony.providers.base import Callback, CallbackRefused, CallbackUnreadable, Credentials
from telephony.providers.voximplant.parse import MOST_CALLBACKS, Proved
from telephony.providers.voximplant.proof import proof_of
from telephony.providers.voximplant.provider import Voximplant
from telephony.providers.voximplant.words import KNOWN_TOPICS

NOW = datetime(2026, 3, 2, 8, 15, 30, tzinfo=UTC)
ACCOUNT, SALT, API_KEY = 1523447, "pepper-7f3", "6b1d2c3e-0f4a-4b5c-8d6e-9a7b8c9d0e1f"
VECTORS = [
    (SALT, 993810021, "257c35d3748755fc759b34b58159d002"),
    (SALT, 1, "368ca86b4134d9372bdc77d3a7aaf5af"),
    ("", 993810021, "c99f202cf63958f73a9f892c84058ad9"),
]


class Keys:
    """One account at Voximplant."""

    def __init__(self, *secrets: str, salt: str = SALT) -> None:
        self.known = Credentials(application_id=7, key=str(ACCOUNT), secrets=secrets or (API_KEY,), salt=salt)

    def find(self, key: str) -> Credentials | None:
        return self.known if key == self.known.key else None

    def find_by_token(self, token: str) -> Credentials | None:
        return None


def entry(callback_id: int = 1, type: str = "min_balance", **fields: Any) -> dict[str, Any]:
    return {
        "callback_id": callback_id,
        "type": type,
        "account_id": ACCOUNT,
        "account_name": "harbour",
        "balance": 4.97,
        "currency": "USD",
        "hash": proof_of(SALT, str(ACCOUNT), API_KEY, str(callback_id)),
        **fields,
    }


def posted(*entries: Any) -> Callback:
    return Callback(
        method="POST", path="/callbacks/voximplant/", headers={}, body=json.dumps({"callbacks": entries}).encode()
    )


def events(*entries: Any, keys: Keys | None = None) -> list[Event]:
    callback = posted(*entries)
    return list(Voximplant().parse(callback, Voximplant().verify(callback, keys or Keys(), NOW)))


@pytest.mark.parametrize(("salt", "callback_id", "expected"), VECTORS)
def test_the_hash_is_that_of_the_test_vectors(salt: str, callback_id: int, expected: str) -> None:
    assert proof_of(salt, str(ACCOUNT), API_KEY, str(callback_id)) == expected


def test_a_low_balance_is_read_exactly() -> None:
    (event,) = events(entry(993810021, min_balance={"is_min_credit": False, "is_repeated": True}))
    assert isinstance(event, CreditLow)
    assert event.balance == Cost(currency="USD", amount=Decimal("4.97"))
    assert event.is_repeated
    assert event.document == "news:993810021"


@pytest.mark.parametrize("nested", [True, False])
def test_an_incoming_text_is_read_nested_once_or_twice(nested: bool) -> None:
    inner: dict[str, Any] = {"source_number": "447700900123", "destination_number": "12025550123", "sms_body": "BAL"}
    (event,) = events(entry(2, "sms_inbound", sms_inbound={"sms_inbound": inner} if nested else inner))
    assert isinstance(event, TextReceived)
    assert (event.sender, event.recipient, event.body) == ("+447700900123", "+12025550123", "BAL")


@pytest.mark.parametrize("topic", sorted(KNOWN_TOPICS - {"min_balance", "sms_inbound"}))
def test_every_documented_type_is_kept_as_news(topic: str) -> None:
    (event,) = events(entry(3, topic, **{topic: {"history_report_id": 12, "success": True}}))
    assert isinstance(event, AccountNews)
    assert event.is_known_topic
    assert event.topic == topic
    assert event.details["history_report_id"] == 12


def test_a_type_nobody_has_heard_of_is_news_too() -> None:
    (event,) = events(entry(4, "moon_phase_changed"))
    assert isinstance(event, AccountNews)
    assert not event.is_known_topic


def test_each_callback_of_a_batch_is_an_event_and_a_forged_one_is_left_out() -> None:
    found = events(entry(1), entry(2, hash="0" * 32), entry(3, "js_fail"), {"no": "hash"}, 17)
    assert [event.kind for event in found] == [EventKind.CREDIT_LOW, EventKind.ACCOUNT_NEWS]


@pytest.mark.parametrize(
    "forged",
    [
        entry(1, hash="0" * 32),
        entry(1, hash=proof_of(SALT, str(ACCOUNT), API_KEY, "2")),
        entry(1, account_id=99),
        entry(1, account_id=True),
        {**entry(1), "callback_id": "1 "},
        entry(1, hash=None),
        entry(1, hash=12),
        entry(1, hash="é" * 32),
        {key: value for key, value in entry(1).items() if key != "hash"},
    ],
)
def test_what_is_not_proved_is_refused_with_403(forged: dict[str, Any]) -> None:
    with pytest.raises(CallbackRefused) as refused:
        events(forged)
    assert refused.value.status == 403


def test_the_hash_may_be_called_salt_and_be_in_capitals() -> None:
    proved = entry(1)
    proved["salt"] = proved.pop("hash").upper()
    assert len(events(proved)) == 1


def test_during_a_rotation_the_previous_api_key_counts() -> None:
    assert len(events(entry(1), keys=Keys("the-new-key", API_KEY))) == 1
    with pytest.raises(CallbackRefused):
        events(entry(1), keys=Keys("the-new-key"))


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"callbacks": {}}', b"[" * 10_000, b"\xff", b'{"callbacks": [' + b"1," * 300 + b"1]}"]
)
def test_what_has_no_list_of_callbacks_is_unreadable(body: bytes) -> None:
    assert body.count(b",") < 1 or body.count(b",") > MOST_CALLBACKS
    with pytest.raises(CallbackUnreadable):
        Voximplant().verify(Callback(method="POST", path="/", headers={}, body=body), Keys(), NOW)


def test_a_proved_callback_without_a_type_is_odd() -> None:
    (event,) = events(entry(1, type=None))
    assert isinstance(event, UnknownEvent)
    assert event.oddities


def test_something_else_told_under_the_same_id_has_another_digest() -> None:
    first, repeated, other = events(entry(1), entry(1), entry(1, balance=0.01))
    assert first.digest == repeated.digest != other.digest


def test_only_the_callbacks_of_one_account_travel_on() -> None:
    callback = posted(entry(1), entry(2))
    verified = Voximplant().verify(callback, Keys(), NOW)
    assert isinstance(verified, Proved)
    assert (verified.application_id, len(verified.entries)) == (7, 2)
