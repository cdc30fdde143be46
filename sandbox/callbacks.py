"""The callbacks of a call, composed for the moment and handed to the courier."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from sandbox import events
from sandbox.callouts import Ask, Told
from sandbox.calls import Call, MenuResult
from sandbox.clock import Clock
from sandbox.courier import Answer, Courier, Obey
from sandbox.svaml import IllegalReply

ILLEGAL_SVAML = 40001


class Callbacks:
    """Tells the application what happens. resource_url gives the REST address of a call id."""

    def __init__(self, *, clock: Clock, courier: Courier, key: str, resource_url: Callable[[str], str]) -> None:
        self._clock = clock
        self._courier = courier
        self._key = key
        self._resource_url = resource_url

    def ice(self, call: Call, obey: Obey) -> None:
        """Ask what is to become of a call."""
        url = self._resource_url(call.call_id)
        self._send(call, "ice", events.ice(call, key=self._key, now=self._clock.now, resource_url=url), obey)

    def ace(self, call: Call, obey: Obey, amd: events.Body | None) -> None:
        """Tell that the called party answered, and ask whether that is all right."""
        url = self._resource_url(call.call_id)
        body = events.ace(call, key=self._key, now=self._clock.now, resource_url=url, amd=amd)
        self._send(call, "ace", body, obey)

    def pie(self, call: Call, result: MenuResult, obey: Obey | None) -> None:
        """Tell how a menu ended, and ask what now; without `obey` the answer does not matter."""
        body = events.pie(call, result, key=self._key, now=self._clock.now)
        self._send(call, "pie", body, obey)

    def dice(self, call: Call) -> None:
        """Tell that a call has ended."""
        self._send(call, "dice", events.dice(call, key=self._key, now=self._clock.now))

    def notify(self, call: Call, kind: str, **more: object) -> None:
        """Tell something that needs no answer."""
        self._send(call, "notify", events.notify(call, kind, more))

    def calling_error(self, call: Call, error: IllegalReply) -> None:
        """Tell that a reply was no legal SVAML, and why."""
        more: dict[str, object] = {"errorCode": ILLEGAL_SVAML, "errorMsg": str(error)}
        if call.user is not None:
            more["user"] = call.user
        if call.custom is not None:
            more["custom"] = call.custom
        self.notify(call, "callingerror", **more)

    def _send(self, call: Call, event: str, body: events.Body, obey: Obey | None = None) -> None:
        """Tell or ask, where a callout wants it; a reply that came with the callout is obeyed at once."""
        match call.callout.way(event) if call.callout else Ask():
            case Ask(url):
                self._courier.send(call, event, body, obey, url=url)
            case Told(reply) if obey is not None:
                self._clock.after(0, partial(obey, Answer(200, reply)))
