"""JSON in which money stays exact: a Decimal is written as the number it is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any


def dumps(value: object) -> bytes:
    """UTF-8 JSON without blanks.

    >>> dumps({"amount": Decimal("0.0140")})
    b'{"amount":0.0140}'
    """
    return _text(value).encode()


def loads(body: bytes) -> Any:
    """What the JSON says, with every fraction a Decimal.

    Raises ValueError when it is not UTF-8 JSON or is nested too deeply to read.
    """
    try:
        return json.loads(body.decode(), parse_float=Decimal)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def timestamp(moment: datetime) -> str:
    """A time as events carry it: 2026-03-02T08:15:30Z."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _text(value: object) -> str:
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{json.dumps(str(k))}:{_text(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(_text(v) for v in value) + "]"
    return json.dumps(value, ensure_ascii=False)
