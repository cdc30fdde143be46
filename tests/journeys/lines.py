"""One way to call by every provider: the same telephones, the same mistakes on the way, whoever carries the call.

A journey that is to hold for all providers takes the fixture `line`. A new provider is added to LINES.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta, tzinfo
from types import TracebackType
from typing import Any, Protocol, Self

import pytest
from django.utils import timezone
from pytest_django.live_server_helper import LiveServer

from accounts.models import ClientUser
from outbox import performing, rows
from postgres.work import in_one_transaction
from sandbox import DESK_SIFT_ACCOUNT, DESK_SIFT_TOKEN, Fault, Lose, Phone, Press, Repeat, Sandbox
from telephony.applications import callback_address
from telephony.models import AccessNumber, Application
from telephony.reconcile import reconcile
from telephony.registrations import register
from tests.builders import A_SECRET, an_application


class Played(Protocol):
    """A call as the platform saw it. `heard` is what was spoken and played."""

    @property
    def call_id(self) -> str: ...

    @property
    def heard(self) -> Sequence[Any]: ...


class Line(ABC):
    """A provider's platform on the desk, and our server that it calls. A context manager.

    `callbacks` names those that a call may lose or send twice: how it begins, a key in a menu, how it ends.
    """

    callbacks: tuple[str, str, str]
    platform: Sandbox
    application: Application

    @abstractmethod
    def call(self, user: str, to: str, *faults: Fault, phone: Phone | None = None) -> Played:
        """Somebody's app calls a telephone."""

    @abstractmethod
    def dial(self, cli: str, keys: Sequence[Press], *faults: Fault, phone: Phone | None = None) -> Played:
        """Somebody dials our access number, and presses keys."""

    @abstractmethod
    def is_over(self, call: Played) -> bool: ...

    @abstractmethod
    def number_is_ours(self, number: AccessNumber) -> None:
        """Rent the number."""

    def losing(self, which: int) -> Lose:
        return Lose(self.callbacks[which])

    def doubling(self, which: int) -> Repeat:
        return Repeat(self.callbacks[which], times=2)

    def run(self) -> None:
        """Let everything happen that is due, and ask about what got lost."""
        self.platform.run()
        self.carry_out()
        self.platform.run()
        self.carry_out()
        reconcile(timezone.now() + timedelta(hours=6))

    def let_pass(self, seconds: int) -> None:
        """Let so many seconds pass on the platform, with a relay and a worker that look every ten."""
        for _ in range(seconds // 10):
            self.platform.run(until_seconds=10)
            self.carry_out(timezone.now())

    def carry_out(self, now: datetime | None = None) -> None:
        """What the relay and a worker do with what is due; with all that was promised, as if an hour had passed."""
        due_at = now or timezone.now() + timedelta(hours=1)
        for id in in_one_transaction(lambda: rows.lease(due_at, 1000)):
            performing.perform(id)

    def __enter__(self) -> Self:
        self._server = self.platform.rest_server()
        Application.objects.filter(pk=self.application.pk).update(base_url=self._server.__enter__())
        return self

    def __exit__(self, kind: type[BaseException] | None, why: BaseException | None, at: TracebackType | None) -> None:
        self._server.__exit__(kind, why, at)


class SinchLine(Line):
    callbacks = ("ice", "pie", "dice")

    def __init__(self, server: LiveServer, monkeypatch: pytest.MonkeyPatch) -> None:
        self.application = an_application()
        self.platform = Sandbox(
            target=f"{server.url}/callbacks/sinch/", key=self.application.key, secret=A_SECRET, timeout_seconds=30
        )

    def call(self, user: str, to: str, *faults: Fault, phone: Phone | None = None) -> Played:
        return self.platform.app_to_phone(user=user, to=to, faults=faults, phone=phone)

    def dial(self, cli: str, keys: Sequence[Press], *faults: Fault, phone: Phone | None = None) -> Played:
        number = AccessNumber.objects.get().number
        return self.platform.phone_to_access_number(cli=cli, to=number, keys=keys, faults=faults, phone=phone)

    def is_over(self, call: Played) -> bool:
        return call in [each for each in self.platform.calls if each.ended]

    def number_is_ours(self, number: AccessNumber) -> None:
        """The sandbox asks about every number."""


class SiftLine(Line):
    """Sift tells no time of what happens in a menu, and its calls are ended by us: our clock is the platform's."""

    callbacks = ("incoming", "done", "conversation_ended")

    def __init__(self, server: LiveServer, monkeypatch: pytest.MonkeyPatch) -> None:
        self.application = an_application("sift", key=DESK_SIFT_ACCOUNT, secret=DESK_SIFT_TOKEN)
        self.platform = Sandbox(target=server.url, timeout_seconds=30, start=timezone.now())
        address = callback_address(self.application)
        self.desk = self.platform.sift
        self.remote = self.desk.add_application("ours", on_incoming=address)
        Application.objects.filter(pk=self.application.pk).update(remote_id=self.remote.app_id)
        monkeypatch.setattr("telephony.callbacks.datetime", _clock_of(lambda: self.platform.clock.now))
        monkeypatch.setattr(timezone, "now", lambda: self.platform.clock.now)

    def call(self, user: str, to: str, *faults: Fault, phone: Phone | None = None) -> Played:
        account = ClientUser.objects.get(name=user).account
        token = register(account, user, timezone.now()).registration.token
        return self.desk.browser(token).connect({"phone_number": to}, faults=faults, phone=phone)

    def dial(self, cli: str, keys: Sequence[Press], *faults: Fault, phone: Phone | None = None) -> Played:
        number = AccessNumber.objects.get().number
        return self.desk.phone_to_number(cli, number, keys=keys, faults=faults, phone=phone)

    def is_over(self, call: Played) -> bool:
        return call in [each for each in self.desk.calls if each.over]

    def number_is_ours(self, number: AccessNumber) -> None:
        self.desk.register(number.number, self.remote)


def _clock_of(now: Callable[[], datetime]) -> type[datetime]:
    class Clock(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return now()

    return Clock


LINES: dict[str, Callable[[LiveServer, pytest.MonkeyPatch], Line]] = {"sinch": SinchLine, "sift": SiftLine}
