"""What a customer's system is sent: the body of a delivery, in the form that its endpoint asked for.

A body is the same at every attempt, byte for byte; only the time of the attempt and the signature of it change.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from webhooks.signing import standard_headers, voximplant_hash
from webhooks.telling import as_json

AGENT = "Ringfence-Webhooks"


@dataclass(frozen=True, kw_only=True)
class Told:
    """One delivery, read from the database. `keys` are secrets: the present one, and before a rotation ends also the
    one before it.
    """

    id: UUID
    number: int
    event: str
    data: Mapping[str, Any]
    happened_at: datetime
    is_replay: bool
    form: str
    keys: tuple[str, ...] = field(repr=False)
    salt: str = field(repr=False)
    account_id: int | None
    account_name: str
    account_email: str


def body_and_headers(told: Told, at: datetime) -> tuple[bytes, dict[str, str]]:
    """What is posted at an attempt at this time."""
    headers = {"Content-Type": "application/json", "User-Agent": AGENT}
    if told.form == "voximplant":
        return voximplant_body(told).encode(), headers
    body = standard_body(told)
    return body.encode(), {**headers, **standard_headers(id=str(told.id), body=body, keys=told.keys, at=at)}


def standard_body(told: Told) -> str:
    """`type`, `timestamp` (when it happened) and `data`, as Standard Webhooks recommends."""
    return _dumped({"type": told.event, "timestamp": as_json(told.happened_at), "data": told.data})


def voximplant_body(told: Told) -> str:
    """One account callback of type min_balance, with every field of the envelope.

    `is_repeated` belongs to the delivery, not to the attempt: a receiver knows a callback by its id and rightly
    mistrusts a second body under the same one. It is true when the alert says so, and in a replay.
    """
    if told.account_id is None:
        raise ValueError("the Voximplant form is an account's, and this endpoint has none")
    is_repeated = told.is_replay or bool(told.data.get("is_repeated"))
    callback = {
        "callback_id": told.number,
        "type": "min_balance",
        "account_id": told.account_id,
        "hash": voximplant_hash(
            salt=told.salt, account_id=told.account_id, api_key=told.keys[0], callback_id=told.number
        ),
        "account_name": told.account_name,
        "account_email": told.account_email,
        "language_code": "en",
        "currency": told.data["currency"],
        "min_balance": {"is_min_credit": _is_in_credit(told.data), "is_repeated": is_repeated},
    }
    # The balance is a number on their wire. It goes there as it was written, without becoming a float on the way.
    balance = f'"balance":{Decimal(told.data["balance"]):f}'
    return f'{{"callbacks":[{{{_dumped(callback)[1:-1]},{balance}}}]}}'


def _is_in_credit(data: Mapping[str, Any]) -> bool:
    """Did the balance pass a threshold below zero, where only the credit limit carries it?"""
    return Decimal(data["threshold"]) < 0


def _dumped(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
