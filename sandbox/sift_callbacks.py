"""What a Sift account tells and asks: JSON by POST, unsigned; who sends it shows only in `account_id`.

A URL that holds `user:password@` is asked with Basic authentication. Nothing is tried again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from sandbox.courier import Answer, Courier, Obey
from sandbox.events import Body
from sandbox.sift_calls import Conversation, SiftCall


class Account(Protocol):
    """What callbacks have to know of the account."""

    account_id: str
    events_name_connection: bool


class SiftCallbacks:
    """Composes callbacks for the moment and hands them to the courier."""

    def __init__(self, *, account: Account, courier: Courier) -> None:
        self._account = account
        self._courier = courier

    def incoming(self, call: SiftCall, url: str, obey: Obey) -> None:
        """Ask what is to become of an incoming connection."""
        body: Body = {"account_id": self._account.account_id, "connection": call.document()}
        if call.parameters:
            body["params"] = call.parameters
        self._send(call, "incoming", body, url, obey)

    def status(self, call: SiftCall, obey: Obey | None = None) -> None:
        """Tell the status of a connection that somebody created; nothing about others."""
        if call.status_url:
            self._send(call, call.status, {"connection": call.document()}, call.status_url, obey)

    def done(self, call: SiftCall, url: str, result: Mapping[str, object], obey: Obey) -> None:
        """Tell that a command is done, and ask whether to go on."""
        body: Body = {"account_id": self._account.account_id, "connection_id": call.connection_id, **result}
        self._send(call, "done", body, url, obey)

    def conversation(self, call: SiftCall, conversation: Conversation, event: str) -> None:
        """Tell that a conversation has begun or ended, if anybody wants to know."""
        if not conversation.event_url:
            return
        body: Body = {
            "account_id": self._account.account_id,
            "conversation_id": conversation.conversation_id,
            "event_type": event,
        }
        if conversation.kind == "conference":
            body["conference_name"] = conversation.endpoint
        if self._account.events_name_connection:
            body["connection_id"] = call.connection_id
        self._send(call, event, body, conversation.event_url, None)

    def _send(self, call: SiftCall, event: str, body: Body, url: str, obey: Obey | None) -> None:
        self._courier.send(call, event, body, obey, url, signed=False)


def has_no_answer(answer: Answer) -> str:
    """Why an answer is none; empty when it is one."""
    if answer.status is None:
        return answer.error
    return "" if 200 <= answer.status < 300 else f"the application answered HTTP {answer.status}"
