"""What Sift sends, from files, and one application of ours that is asked."""

from __future__ import annotations

import json
from typing import Any

from telephony.events import CallEnded, CallIncoming, Event, PromptAnswered
from telephony.providers.base import Callback, Credentials
from telephony.providers.sift.parse import parse_callback
from tests.telephony.providers.sift.api_stand_in import ACCOUNT, AUTH_TOKEN, FIXTURES

KEY, SECRET = ACCOUNT, AUTH_TOKEN
ANOTHER_SECRET = "another-auth-token-that-nobody-can-guess"
CALL_ID = "3bb34721cbe2e221"
CREDENTIALS = Credentials(application_id=7, key=KEY, secrets=(SECRET,))
TOKEN = "Zr8vQ0mT4nXw1uJ6bK3sYd"
BASE = f"https://calls.example.com/callbacks/sift/{TOKEN}/"
TURN = "5f0c2a91d3b7e846"
MARK = "ringfence-call:0e8f6b0a-2b1c-4b0e-9f53-1d2a3c4b5d6e"

# At which of our addresses each sample arrives.
TOPICS = {
    "incoming": "incoming",
    "status": f"status/{MARK}",
    "done": f"done/welcome.0.2.{TURN}",
    "event": f"event/{CALL_ID}",
}
SAMPLES = sorted(path.stem for kind in TOPICS for path in FIXTURES.glob(f"{kind}-*.json") if path.suffixes == [".json"])


def body_of(name: str) -> bytes:
    return (FIXTURES / f"{name}.json").read_bytes()


def topic_of(name: str) -> str:
    return TOPICS[name.partition("-")[0]]


def callback(body: bytes, topic: str, authorization: str = "", content_type: str = "application/json") -> Callback:
    """A callback as Sift sends it."""
    return Callback(
        method="POST",
        path=f"/callbacks/sift/{TOKEN}/{topic}/",
        headers={"content-type": content_type, "authorization": authorization},
        body=body,
        token=TOKEN,
        topic=topic,
        base=BASE,
    )


def parsed(name: str, topic: str = "") -> Event:
    return parse_callback(callback(body_of(name), topic or topic_of(name)))


def told(values: Any, topic: str) -> Event:
    """The event in these JSON values."""
    return parse_callback(callback(json.dumps(values).encode(), topic))


def changed(name: str, **fields: Any) -> dict[str, Any]:
    """A sample's values with fields replaced; a field that becomes `...` is left out."""
    values = json.loads(body_of(name)) | fields
    return {field: value for field, value in values.items() if value is not ...}


def of_connection(name: str, **fields: Any) -> Event:
    """A sample with fields of its connection replaced. `from_` is the field `from`."""
    fields = {field.removesuffix("_"): value for field, value in fields.items()}
    values = changed(name)
    connection = values["connection"] | fields
    values["connection"] = {field: value for field, value in connection.items() if value is not ...}
    return told(values, topic_of(name))


def incoming(**fields: Any) -> CallIncoming:
    event = of_connection("incoming-client-to-phone", **fields)
    assert isinstance(event, CallIncoming)
    return event


def ended(**fields: Any) -> CallEnded:
    event = of_connection("status-finished", **fields)
    assert isinstance(event, CallEnded)
    return event


def prompt(digits: Any = "1", topic: str = TOPICS["done"]) -> PromptAnswered:
    event = told(changed("done-pressed", digits=digits), topic)
    assert isinstance(event, PromptAnswered)
    return event
