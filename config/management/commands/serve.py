"""`manage.py serve`: web, relay, worker and timetable on one machine, as in production."""

from __future__ import annotations

import contextlib
from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser

from accounts.command import Outcome, RingfenceCommand
from config import processes
from config.migrating import bring_up_to_date
from config.processes import ProcessEnded


class Command(RingfenceCommand):
    help = "Serve until Ctrl-C: the web server, the relay, the worker and the timetable."
    facts = (ProcessEnded,)

    def arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--workers", type=int, default=settings.WEB_WORKERS, help="web processes")

    def perform(self, host: str = "", port: int = 0, workers: int = 0, **options: Any) -> Outcome:
        processes.must_be_free(host, port, "--port")
        bring_up_to_date()
        commands = processes.everything(host, port, workers)
        with contextlib.suppress(KeyboardInterrupt), processes.running(commands) as started:
            address = f"http://{host}:{port}"
            processes.wait_until_ready(address, started["web"])
            self.stderr.write(f"Serving at {address}; Ctrl-C ends it.")
            processes.watch(started)
        return Outcome(data={"status": "stopped"}, text="Stopped.")
