"""What everything on the desk shares: time, telephones, prices, the post and the record."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sandbox.clock import Clock
from sandbox.messenger import Messenger
from sandbox.phones import PhoneBook
from sandbox.rates import RateTable
from sandbox.record import Record


@dataclass(frozen=True, kw_only=True)
class Desk:
    """clock is virtual time; wall_clock that of those who send requests."""

    clock: Clock
    wall_clock: Callable[[], datetime]
    phones: PhoneBook
    rate_table: RateTable
    messenger: Messenger
    record: Record
