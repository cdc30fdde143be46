"""An errand for the benchmark's worker: one HTTP request to where `CARRIER_URL` says."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from typing import Any
from urllib.request import Request, urlopen

from django.apps import AppConfig

from outbox.errands import Absent, Claimed, Done, Outcome, ever_more_rarely, patient, register

TIMEOUT_SECONDS = 5


class Carrier:
    """Carries a row's key out, as a provider's client would, and does nothing else."""

    kind = "benchmark"
    is_repeatable = False

    def prepare(self, row: Claimed, now: datetime) -> Any:
        return row.key

    def act(self, prepared: Any) -> Outcome:
        request = Request(f"{os.environ['CARRIER_URL']}/{prepared}", method="POST")
        with urlopen(request, timeout=TIMEOUT_SECONDS):
            return Done()

    def look_up(self, prepared: Any) -> Outcome:
        return Absent("nothing is lost in a benchmark")

    def record(self, row: Claimed, outcome: Outcome, now: datetime) -> None:
        """The receiver noted the time."""

    def next_try(self, failures: int) -> timedelta | None:
        return patient(failures)

    def next_look(self, looks: int, doubtful_for: timedelta) -> timedelta | None:
        return ever_more_rarely(looks, doubtful_for)


class CarrierConfig(AppConfig):
    name = "benchmarks.outbox_app"

    def ready(self) -> None:
        register(Carrier())
