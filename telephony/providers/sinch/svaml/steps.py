"""The fluent face's second half: what may be said about a connection once it is chosen.

Each step checks what it adds, gives a new value and leaves the old one as it was. The reply is put together and
checked as a whole when its `body`, `encoded`, `model` or `warnings` is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Self

from telephony.providers.sinch.svaml.connecting import Amd, ConferenceDtmfOptions, Music, StreamingOptions, Transport
from telephony.providers.sinch.svaml.limits import PRIVATE
from telephony.providers.sinch.svaml.svamlet import Caution, Svamlet
from telephony.providers.sinch.svaml.wire import Verb, key_values


def whole_seconds(time: timedelta | int) -> int:
    """A duration in whole seconds; what is left over is cut off."""
    return time // timedelta(seconds=1) if isinstance(time, timedelta) else time


@dataclass(frozen=True)
class _Step:
    action: Verb
    finish: Callable[[Any], Svamlet]

    @property
    def svamlet(self) -> Svamlet:
        """The finished reply. Raises BuilderError."""
        return self.finish(self.action)

    @property
    def body(self) -> str:
        return self.svamlet.body

    @property
    def encoded(self) -> bytes:
        return self.svamlet.encoded

    @property
    def model(self) -> dict[str, Any]:
        return self.svamlet.model

    @property
    def warnings(self) -> tuple[Caution, ...]:
        return self.svamlet.warnings

    def _with(self, **changes: object) -> Self:
        action: Any = self.action
        return replace(self, action=replace(action, **changes))


class _ShowsCaller(_Step):
    def with_cli(self, cli: str) -> Self:
        """Show this number."""
        return self._with(cli=cli)

    def with_anonymous_cli(self) -> Self:
        """Show no number."""
        return self._with(cli=PRIVATE)


class _Records(_Step):
    def with_recording(self) -> Self:
        """Record the call (old); where to is agreed with Sinch."""
        return self._with(record=True)

    def without_recording(self) -> Self:
        return self._with(record=None)


class _Indicates(_Step):
    def with_indications(self, indications: str) -> Self:
        """How ringing, busy and congestion sound: a country like `se`."""
        return self._with(indications=indications)


class _CallsBack(_Step):
    def with_callbacks(self) -> Self:
        """Have events for the rest of the call, as it is without saying so."""
        return self._with(suppress_callbacks=None)

    def without_callbacks(self) -> Self:
        """No ACE and no DiCE: nobody learns how long the call was, so nobody can charge for it."""
        return self._with(suppress_callbacks=True)


class _EndsInTime(_Step):
    def with_bridge_timeout(self, time: timedelta | int) -> Self:
        """How long the call may be connected, at most four hours. A number is seconds."""
        return self._with(max_duration=whole_seconds(time))


class _SendsHeaders(_Step):
    def with_call_headers(self, headers: Mapping[str, str]) -> Self:
        return self._with(call_headers=key_values(headers))


class _PlaysMusic(_Step):
    def with_music_on_hold(self, moh: Music) -> Self:
        return self._with(moh=moh)


class PstnStep(_ShowsCaller, _Indicates, _Records, _CallsBack, _EndsInTime):
    """A connection to a phone."""

    def with_dial_timeout(self, time: timedelta | int) -> Self:
        """How long it may ring. A number is seconds."""
        return self._with(dial_timeout=whole_seconds(time))

    def with_dtmf(self, dtmf: str) -> Self:
        """Tones sent once it is answered."""
        return self._with(dtmf=dtmf)

    def with_amd(self, *, asynchronous: bool | None = None) -> Self:
        """Find out whether a machine answers."""
        return self._with(amd=Amd(async_=asynchronous))


class MxpStep(_ShowsCaller, _Indicates, _Records, _SendsHeaders):
    """A connection to an app's user."""


class SipStep(_ShowsCaller, _Indicates, _Records, _CallsBack, _EndsInTime, _SendsHeaders, _PlaysMusic):
    """A connection to a SIP address."""

    def with_transport(self, transport: Transport) -> Self:
        return self._with(transport=transport)


class SipPeerStep(SipStep):
    """A connection to a registered SIP peer."""

    def with_extension(self, extension: str) -> Self:
        """Take the place of the user in the peer's address."""
        return self._with(extension=extension)


class ConferenceStep(_ShowsCaller, _Records, _CallsBack, _PlaysMusic):
    """A connection to a conference."""

    def with_dtmf_options(self, options: ConferenceDtmfOptions) -> Self:
        return self._with(conference_dtmf_options=options)

    def with_enter_and_leave_sounds(self) -> Self:
        return self._with(enter_leave_sound=True)

    def with_two_parts(self) -> Self:
        return self._with(conference_type="twopart")

    def with_multi_parts(self) -> Self:
        return self._with(conference_type="multipart")


class StreamStep(_EndsInTime, _SendsHeaders):
    """A connection to a server that takes the sound."""

    def with_streaming_options(self, options: StreamingOptions) -> Self:
        return self._with(streaming_options=options)
