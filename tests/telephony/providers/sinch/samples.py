"""What Sinch sends, from files, and one application to sign it with."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from telephony.events import CallEnded, CallIncoming, Event
from telephony.providers.base import Callback, Credentials
from telephony.providers.sinch.parse import parse_callback
from telephony.providers.sinch.signing import decode_secret, signature, string_to_sign

FIXTURES = Path(__file__).parents[3] / "fixtures" / "sinch"
KEY = "3f2b8c1e-7a54-4d0b-9c6e-51d2a7f0e8b4"
SECRET = "AAECAwQFBgcICQoLDA0ODw=="
PREVIOUS_SECRET = "Dw4NDAsKCQgHBgUEAwIBAA=="
CALL_ID = "7d1f6a2c-9b3e-4c58-8a70-2f5e6d9c1b04"
PATH = "/hooks/sinch/voice"
CONTENT_TYPE = "application/json; charset=utf-8"
CREDENTIALS = Credentials(application_id=7, key=KEY, secrets=(SECRET,))
AT = datetime(2026, 3, 2, 8, 15, 30, tzinfo=UTC)


def body_of(name: str) -> bytes:
    return (FIXTURES / f"{name}.json").read_bytes()


def changed(name: str, **fields: Any) -> bytes:
    """A sample with fields replaced; a field that becomes `...` is left out."""
    values = json.loads(body_of(name)) | fields
    return json.dumps({field: value for field, value in values.items() if value is not ...}).encode()


def parsed(body: bytes) -> Event:
    return parse_callback(body, KEY)


def incoming(**changes: Any) -> CallIncoming:
    """The sample of an incoming call with fields replaced."""
    event = parsed(changed("ice", **changes))
    assert isinstance(event, CallIncoming)
    return event


def ended(**changes: Any) -> CallEnded:
    """The sample of an ended call with fields replaced."""
    event = parsed(changed("dice", **changes))
    assert isinstance(event, CallEnded)
    return event


def signed(
    body: bytes,
    *,
    secret: str = SECRET,
    key: str = KEY,
    timestamp: str = "2026-03-02T08:15:30.1234567Z",
    content_type: str = CONTENT_TYPE,
    path: str = PATH,
    scheme: str = "application",
) -> Callback:
    """A callback as Sinch would sign it."""
    mark = signature(decode_secret(secret), string_to_sign("POST", path, content_type, timestamp, body))
    headers = {
        "authorization": f"{scheme} {key}:{mark}",
        "content-type": content_type,
        "x-timestamp": timestamp,
    }
    return Callback(method="POST", path=path, headers=headers, body=body)
