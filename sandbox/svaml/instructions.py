"""Instructions: what is carried out, in order, before the action."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from sandbox.svaml import prompts, reading
from sandbox.svaml.prompts import Prompt
from sandbox.svaml.reading import Given, IllegalReply

LONGEST_COOKIE_KEY = 50
STORES = ("s3://", "azure://", "gs://")

_DTMF = re.compile(r"[0-9#w]+")


@dataclass(frozen=True)
class Say:
    prompt: Prompt


@dataclass(frozen=True)
class PlayFiles:
    prompts: tuple[Prompt, ...]


@dataclass(frozen=True)
class SendDtmf:
    keys: str


@dataclass(frozen=True)
class SetCookie:
    key: str
    value: str


@dataclass(frozen=True)
class Answer:
    """Answer the incoming leg before anything is connected."""


@dataclass(frozen=True)
class StartRecording:
    """destination is the folder the file goes to; notifies whether its fate is told, transcribes whether as text."""

    destination: str
    notifies: bool = True
    transcribes: bool = False


@dataclass(frozen=True)
class StopRecording:
    pass


Instruction = Say | PlayFiles | SendDtmf | SetCookie | Answer | StartRecording | StopRecording


def _say(given: Given) -> Say:
    reading.known(given, ["text", "locale"], "say")
    reading.locale(given, "say")
    return Say(prompts.speech(reading.required_text(given, "text", "say"), "say.text"))


def _play_files(given: Given) -> PlayFiles:
    reading.known(given, ["ids", "locale"], "playFiles")
    ids = given.get("ids")
    if not isinstance(ids, list) or not ids or not all(isinstance(each, str) for each in ids):
        raise IllegalReply("playFiles.ids is not an array of prompts")
    items = [item for each in ids for item in prompts.read(each, "playFiles.ids", bare_url=False)]
    if reading.locale(given, "playFiles") is None and any(each.kind in ("tts", "ssml") for each in items):
        raise IllegalReply("playFiles.locale is missing, and there is something to say")
    return PlayFiles(prompts.limited(items, "playFiles.ids"))


def _send_dtmf(given: Given) -> SendDtmf:
    reading.known(given, ["value"], "sendDtmf")
    return SendDtmf(dtmf(reading.required_text(given, "value", "sendDtmf"), "sendDtmf.value"))


def dtmf(keys: str, whose: str) -> str:
    """Keys to be sent: digits, #, and w for half a second's wait.

    Raises IllegalReply.
    """
    if not _DTMF.fullmatch(keys):
        raise IllegalReply(f"{whose} has other keys than 0-9, # and w: {keys}")
    return keys


def _set_cookie(given: Given) -> SetCookie:
    reading.known(given, ["key", "value"], "setCookie")
    key, value = (reading.required_text(given, each, "setCookie") for each in ("key", "value"))
    return SetCookie(cookie_key(key), value)


def cookie_key(key: str) -> str:
    """The key of a cookie, if it is short enough.

    Raises IllegalReply.
    """
    if len(key) > LONGEST_COOKIE_KEY:
        raise IllegalReply(f"a cookie's key is longer than {LONGEST_COOKIE_KEY} characters")
    return key


def _answer(given: Given) -> Answer:
    reading.known(given, [], "answer")
    return Answer()


def _start_recording(given: Given) -> StartRecording:
    reading.known(given, ["options"], "startRecording")
    options = reading.child(given, "options", "startRecording")
    if options is None:
        raise IllegalReply("startRecording.options is missing")
    return recording(options, "startRecording.options")


def recording(options: Given, whose: str) -> StartRecording:
    """How to record.

    Raises IllegalReply.
    """
    reading.known(
        options,
        ["destinationUrl", "destination", "credentials", "format", "notificationEvents", "transcriptionOptions"],
        whose,
    )
    destination = reading.text(options, "destinationUrl", whose) or reading.required_text(options, "destination", whose)
    if not destination.startswith(STORES):
        raise IllegalReply(f"{whose}.destinationUrl is in none of {', '.join(STORES)}: {destination}")
    if destination.startswith("s3://") and reading.required_text(options, "credentials", whose).count(":") != 2:
        raise IllegalReply(f"{whose}.credentials is not accessKey:secret:region")
    reading.choice(options, "format", whose, ["mp3"])
    transcription = reading.child(options, "transcriptionOptions", whose) or {}
    reading.known(transcription, ["enabled", "locale"], f"{whose}.transcriptionOptions")
    reading.locale(transcription, f"{whose}.transcriptionOptions")
    return StartRecording(
        destination,
        notifies=reading.flag(options, "notificationEvents", whose, default=True),
        transcribes=reading.flag(transcription, "enabled", f"{whose}.transcriptionOptions"),
    )


def _stop_recording(given: Given) -> StopRecording:
    reading.known(given, [], "stopRecording")
    return StopRecording()


READERS: dict[str, Callable[[Given], Instruction]] = {
    "say": _say,
    "playFiles": _play_files,
    "sendDtmf": _send_dtmf,
    "setCookie": _set_cookie,
    "answer": _answer,
    "startRecording": _start_recording,
    "stopRecording": _stop_recording,
}
