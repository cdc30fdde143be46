"""`manage.py relay`: hand the outbox's rows to the workers, for as long as it runs."""

from __future__ import annotations

import signal
import threading
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from accounts.command import Outcome, RingfenceCommand
from outbox.relay import relay
from outbox.tasks import ring


class Command(RingfenceCommand):
    help = "Hand what is due in the outbox to the workers until Ctrl-C. Any number of relays may run."

    def arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--pulse", type=Path, help="a file that is touched at every round, for a health check")

    def perform(self, pulse: Path | None = None, **options: Any) -> Outcome:
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        relay(ring, stop, pulse.touch if pulse else lambda: None)
        return Outcome(data={"status": "stopped"}, text="Stopped.")
