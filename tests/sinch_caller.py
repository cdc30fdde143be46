"""Plays Sinch in tests: builds callbacks, signs them as the vendor does, and reads the reply.

It signs by itself, so that a mistake in our own signing cannot hide in a test.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
import json
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.test import Client

from telephony.models import Application
from tests.builders import A_SECRET

PATH = "/callbacks/sinch/"
CONTENT_TYPE = "application/json"
HAPPENED_AT = "2026-03-02T08:15:30Z"
A_NUMBER = "+447700900123"
LEFT_OUT: Any = ...  # a field with this value is not sent

_serial = itertools.count(1)


class _Desk(threading.local):
    """A client for each thread, kept, because making one loads all middleware anew."""

    def __init__(self) -> None:
        self.client = Client()


_desk = _Desk()


@dataclass(frozen=True)
class Answered:
    """What came back for a callback."""

    status: int
    body: bytes

    @property
    def svaml(self) -> dict[str, Any]:
        return json.loads(self.body)

    @property
    def action(self) -> str:
        """The name of the action, empty when nothing was asked."""
        return self.svaml["action"]["name"] if self.body else ""

    @property
    def limit_seconds(self) -> int:
        return self.svaml["action"]["maxDuration"]

    @property
    def spoken(self) -> str:
        return " ".join(each.get("text", "") for each in self.svaml["instructions"])


def a_call_id() -> str:
    """A call id nobody has used before."""
    return f"call-{next(_serial):06d}"


def signed_headers(
    body: bytes,
    *,
    key: str,
    secret: str = A_SECRET,
    at: datetime | None = None,
    content_type: str = CONTENT_TYPE,
    path: str = PATH,
) -> dict[str, str]:
    """The three headers of Sinch's application signature, Content-Type included."""
    timestamp = (at or datetime.now(UTC)).strftime("%Y-%m-%dT%H:%M:%S.%f") + "0Z"
    digest = base64.b64encode(hashlib.md5(body).digest()).decode() if body else ""
    text = f"POST\n{digest}\n{content_type}\nx-timestamp:{timestamp}\n{path}"
    mark = base64.b64encode(hmac.digest(base64.b64decode(secret), text.encode(), "sha256")).decode()
    return {"Authorization": f"application {key}:{mark}", "X-Timestamp": timestamp, "Content-Type": content_type}


def post(body: bytes, headers: dict[str, str], path: str = PATH) -> Answered:
    """Raw bytes through the whole of Django, as a web server would hand them over."""
    others = {name: value for name, value in headers.items() if name != "Content-Type"}
    content_type = headers.get("Content-Type", "")
    response = _desk.client.generic("POST", path, body, content_type, headers=others, CONTENT_TYPE=content_type)
    return Answered(response.status_code, response.content)


@dataclass(frozen=True)
class SinchCaller:
    """One application at Sinch, making callbacks for one user's calls."""

    application: Application
    user: str = "alice"
    secret: str = A_SECRET

    def send(self, body: dict[str, Any] | bytes, **signing: Any) -> Answered:
        """Sign and post; a mapping is written as JSON, bytes go as they are."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return post(raw, self.headers(raw, **signing))

    def headers(self, raw: bytes, **signing: Any) -> dict[str, str]:
        return signed_headers(raw, **{"key": self.application.key, "secret": self.secret, **signing})

    def ice(self, call_id: str, to: str | dict[str, Any] = A_NUMBER, **fields: Any) -> dict[str, Any]:
        return self._event(
            "ice",
            call_id,
            {
                "user": self.user,
                "cli": "",
                "to": {"type": "number", "endpoint": to} if isinstance(to, str) else to,
                "domain": "pstn",
                "originationType": "MXP",
                "userRate": {"currencyId": "USD", "amount": 0.0},
                **fields,
            },
        )

    def ace(self, call_id: str, **fields: Any) -> dict[str, Any]:
        return self._event("ace", call_id, fields)

    def pie(self, call_id: str, **fields: Any) -> dict[str, Any]:
        menu = {"menuId": "main", "type": "Return", "value": "1", "inputMethod": "dtmf"}
        return self._event("pie", call_id, {"menuResult": menu, **fields})

    def dice(self, call_id: str, duration: Any = 61, result: str = "ANSWERED", **fields: Any) -> dict[str, Any]:
        return self._event(
            "dice",
            call_id,
            {
                "reason": "CALLERHANGUP",
                "result": result,
                "duration": duration,
                "debit": {"currencyId": "USD", "amount": 0.0123},
                "user": self.user,
                "to": {"type": "number", "endpoint": A_NUMBER},
                "from": "private",
                **fields,
            },
        )

    def notify(self, call_id: str, **fields: Any) -> dict[str, Any]:
        return self._event("notify", call_id, {"type": "recording_finished", **fields})

    def _event(self, event: str, call_id: str, fields: dict[str, Any]) -> dict[str, Any]:
        values = {
            "event": event,
            "callid": call_id,
            "timestamp": HAPPENED_AT,
            "version": 1,
            "applicationKey": self.application.key,
            **fields,
        }
        return {name: value for name, value in values.items() if value is not LEFT_OUT}
