"""Errands for worker processes of the tests: they carry a key to an HTTP receiver, and die on the way when told to.

An app of its own, which only `tests.outbox.worker_settings` installs.
"""

from __future__ import annotations

import os
import signal
import time
from datetime import datetime, timedelta
from typing import Any

import requests
from django.apps import AppConfig

from outbox.errands import Absent, Claimed, Done, Lost, Outcome, ever_more_rarely, patient, register


class Carrier:
    """What the payload says happens once, at the first attempt: `dies` before or after acting, or `sleeps`."""

    def __init__(self, kind: str, *, is_repeatable: bool) -> None:
        self.kind = kind
        self.is_repeatable = is_repeatable

    def prepare(self, row: Claimed, now: datetime) -> Any:
        return row.key, row.payload if row.attempt == 1 else {}

    def act(self, prepared: Any) -> Outcome:
        key, told = prepared
        if told.get("dies") == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(told.get("sleeps", 0))
        answer = requests.post(_address(key), timeout=5)
        if told.get("dies") == "after":
            os.kill(os.getpid(), signal.SIGKILL)
        return Done() if answer.status_code == 200 else Lost(str(answer.status_code))

    def look_up(self, prepared: Any) -> Outcome:
        key, _ = prepared
        return Done() if requests.get(_address(key), timeout=5).status_code == 200 else Absent("not there")

    def record(self, row: Claimed, outcome: Outcome, now: datetime) -> None:
        """Nothing of ours to write down: the receiver knows what was done."""

    def next_try(self, failures: int) -> timedelta | None:
        return patient(failures)

    def next_look(self, looks: int, doubtful_for: timedelta) -> timedelta | None:
        return ever_more_rarely(looks, doubtful_for)


def _address(key: str) -> str:
    return f"{os.environ['CARRIER_URL']}/{key}"


class CarriersConfig(AppConfig):
    name = "tests.outbox.carriers"

    def ready(self) -> None:
        register(Carrier("parcel", is_repeatable=False))
        register(Carrier("letter", is_repeatable=True))
