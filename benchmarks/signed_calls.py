"""Signed requests as Sinch sends them, whole and ready for the wire."""

from __future__ import annotations

import http.client
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from benchmarks.world import KEY, SECRET
from sandbox import signing

CALLBACK_PATH = "/callbacks/sinch/"
CONTENT_TYPE = "application/json"


@dataclass(frozen=True)
class SignedCall:
    """One answered call: the question that begins it and the news that it has ended."""

    ice: bytes
    dice: bytes


def random_calls(path: str, *, count: int, accounts: int, seed: int) -> Iterator[SignedCall]:
    """Calls of users chosen by chance among `user1` to `userN`, of 1 to 600 seconds, signed now."""
    chance = random.Random(seed)
    for _ in range(count):
        call_id = str(UUID(int=chance.getrandbits(128), version=4))
        user = f"user{chance.randint(1, accounts)}"
        number = f"+44207946{chance.randint(0, 999):04d}"
        yield SignedCall(
            ice=signed_request(path, ice_body(call_id, user, number)),
            dice=signed_request(path, dice_body(call_id, user, number, chance.randint(1, 600))),
        )


def post(port: int, path: str, body: bytes) -> bytes:
    """Send one signed callback on a connection of its own; the body of the answer, which must be 200."""
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        link.request("POST", path, body, _headers(path, body))
        answer = link.getresponse()
        said = answer.read()
    finally:
        link.close()
    if answer.status != 200:
        raise RuntimeError(f"{path} answered {answer.status}: {said[:200]!r}")
    return said


def signed_request(path: str, body: bytes) -> bytes:
    """The same as bytes, for a connection that is kept alive."""
    lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in _headers(path, body).items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


def ice_body(call_id: str, user: str, number: str) -> bytes:
    """May this call happen?"""
    return _json(
        {
            "event": "ice",
            "callid": call_id,
            "callResourceUrl": f"https://calling-euc1.api.sinch.com/calling/v1/calls/id/{call_id}",
            "timestamp": signing.stamp(datetime.now(UTC)),
            "version": 1,
            "user": user,
            "userRate": {"currencyId": "USD", "amount": 0.0108},
            "cli": "",
            "to": {"type": "number", "endpoint": number},
            "domain": "pstn",
            "applicationKey": KEY,
            "originationType": "MXP",
            "rdnis": "",
        }
    )


def dice_body(call_id: str, user: str, number: str, duration_seconds: int) -> bytes:
    """It was answered and has ended."""
    return _json(
        {
            "event": "dice",
            "callid": call_id,
            "timestamp": signing.stamp(datetime.now(UTC)),
            "reason": "CALLERHANGUP",
            "result": "ANSWERED",
            "version": 1,
            "user": user,
            "debit": {"currencyId": "USD", "amount": 0.0108},
            "userRate": {"currencyId": "USD", "amount": 0.0108},
            "to": {"type": "number", "endpoint": number},
            "applicationKey": KEY,
            "duration": duration_seconds,
            "from": "",
        }
    )


def _headers(path: str, body: bytes) -> dict[str, str]:
    return signing.signed_headers(
        key=KEY, secret=SECRET, path=path, body=body, content_type=CONTENT_TYPE, now=datetime.now(UTC)
    )


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
