"""What follows the end of a call, in the transaction that wrote its CDR: who is told, and what is done next."""

from __future__ import annotations

from datetime import datetime

from billing.charging import Settlement
from telephony.calls import KnownCall
from telephony.cdrs import Ending


def follow(call: KnownCall, ending: Ending, settlement: Settlement, at: datetime) -> None:
    """A call we know has ended: its account's systems are told, and the callout it was placed for goes on."""
