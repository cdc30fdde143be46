"""Plays Sift in tests: builds callbacks as its guide shows them, posts them, and reads the routine that comes back."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from django.test import Client

from telephony.models import Application

AN_ACCOUNT = "3bb34721cbe2e221"
A_TOKEN = "auth-token-of-the-tests"
A_NUMBER = "+447700900123"
BEGAN_AT = "2026-03-02T08:15:30Z"


@dataclass(frozen=True)
class Answered:
    """What came back for a callback."""

    status: int
    body: bytes

    @property
    def routine(self) -> list[dict[str, Any]]:
        return json.loads(self.body)["routine"] if self.body else []

    @property
    def names(self) -> list[str]:
        """The commands, in order."""
        return [command["name"] for command in self.routine]

    def command(self, name: str) -> dict[str, Any]:
        return next(command for command in self.routine if command["name"] == name)


@dataclass(frozen=True)
class SiftCaller:
    """One application at Sift, making callbacks for one client's calls."""

    application: Application
    user: str = "alice"

    def incoming(self, connection_id: str, client_data: Any = None, **connection: Any) -> Answered:
        """A browser's client asks for a connection; by default to a telephone."""
        wished = {"phone_number": A_NUMBER} if client_data is None else client_data
        values = {"from": f"webrtc:{self.user}", "to": "", "client_data": wished, **connection}
        return self.post("incoming", self._named(connection=self.connection(connection_id, **values)))

    def dialled(self, connection_id: str, to: str, cli: str = A_NUMBER) -> Answered:
        """A telephone calls one of our numbers."""
        told = self.connection(connection_id, **{"from": cli, "to": to})
        return self.post("incoming", self._named(connection=told))

    def status(self, connection_id: str, status: str, mark: str = "", **connection: Any) -> Answered:
        topic = f"status/{mark}" if mark else "status"
        return self.post(topic, {"connection": self.connection(connection_id, status=status, **connection)})

    def conversation_ended(self, connection_id: str) -> Answered:
        told = {"conversation_id": "c0ffee", "event_type": "conversation_ended"}
        return self.post(f"event/{connection_id}", self._named(**told))

    def pressed(self, connection_id: str, asked: Answered, digits: str, repetition: int = 0) -> Answered:
        """The caller presses keys at the prompt that was asked, the first time or a repetition."""
        waits = [command for command in asked.routine if command["name"] == "GetDigits"]
        return self.done(connection_id, waits[repetition]["on_done"], digits=digits)

    def done(self, connection_id: str, address: str, **results: Any) -> Answered:
        return self.to(urlsplit(address).path, self._named(connection_id=connection_id, **results))

    def post(self, topic: str, body: Any, **headers: str) -> Answered:
        return self.to(f"/callbacks/sift/{self.application.callback_token}/{topic}/", body, **headers)

    def to(self, path: str, body: Any, **headers: str) -> Answered:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        response = Client().generic("POST", path, raw, "application/json", headers=headers)
        return Answered(response.status_code, response.content)

    def _named(self, **values: Any) -> dict[str, Any]:
        return {"account_id": self.application.key, **values}

    @staticmethod
    def connection(connection_id: str, **changes: Any) -> dict[str, Any]:
        """A connection as Sift shows it."""
        values = {
            "connection_id": connection_id,
            "status": "connecting",
            "start_time": BEGAN_AT,
            "direction": "incoming",
            **changes,
        }
        return {name: value for name, value in values.items() if value is not None}


def finished(connection_id: str, began_at: datetime, seconds: float, **changes: Any) -> dict[str, Any]:
    """A connection that lasted so long, as Sift's API answers."""
    ended_at = began_at + timedelta(seconds=seconds)
    times = {"start_time": began_at.isoformat(), "end_time": ended_at.isoformat()}
    return SiftCaller.connection(connection_id, status="finished", **times, **changes)
