"""Telling customers' systems what happened: written down in the transaction in which it happens."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from webhooks.models import EventType


def announce(account_id: int | None, event: EventType, data: Mapping[str, Any], happened_at: datetime) -> None:
    """Promise a delivery to every endpoint of the account that wants to hear of this; the operator's with None."""
    raise NotImplementedError
