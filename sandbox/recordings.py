"""Recordings of calls: begun and ended as the application says, and what it is told of them afterwards.

How long the platform takes is not documented: a recording is told of a second after it ended, its file is there
four seconds later, its transcription five after that.
"""

from __future__ import annotations

from functools import partial

from sandbox.callbacks import Callbacks
from sandbox.calls import Call
from sandbox.clock import Clock
from sandbox.record import Record
from sandbox.svaml import StartRecording

FINISHED_AFTER_SECONDS = 1
AVAILABLE_AFTER_SECONDS = 5
TRANSCRIBED_AFTER_SECONDS = 10


class Recordings:
    """What is being recorded: at most one recording of a call at a time; starting again changes nothing."""

    def __init__(self, *, clock: Clock, callbacks: Callbacks, record: Record) -> None:
        self._clock = clock
        self._callbacks = callbacks
        self._record = record
        self._running: dict[str, StartRecording] = {}
        self._made: dict[str, int] = {}

    def start(self, call: Call, recording: StartRecording) -> None:
        """Record from now on."""
        self._running.setdefault(call.call_id, recording)

    def forget(self, call: Call) -> None:
        """There is no recording after all: a call between apps cannot be recorded."""
        self._running.pop(call.call_id, None)

    def stop(self, call: Call) -> None:
        """End the recording, if there is one, and tell what becomes of it."""
        recording = self._running.pop(call.call_id, None)
        if recording is None:
            return
        self._made[call.call_id] = self._made.get(call.call_id, 0) + 1
        file = f"{recording.destination.rstrip('/')}/{call.call_id}-{self._made[call.call_id]}"
        self._record.add(self._clock.now, call.call_id, "recorded", file=f"{file}.mp3")
        if not recording.notifies:
            return
        self._tell(call, FINISHED_AFTER_SECONDS, "recording_finished")
        self._tell(call, AVAILABLE_AFTER_SECONDS, "recording_available", destination=f"{file}.mp3")
        if recording.transcribes:
            self._tell(call, TRANSCRIBED_AFTER_SECONDS, "transcription_available", destination=f"{file}.json")

    def _tell(self, call: Call, seconds: int, kind: str, **more: object) -> None:
        self._clock.after(seconds, partial(self._callbacks.notify, call, kind, **more))
