"""Callouts: calls that the platform makes because somebody asked for them over REST.

    {"method": "ttsCallout", "ttsCallout": {"cli", "destination", "text", "enableDice", …}}

Where the documentation leaves it open, the reading is this. A text-to-speech callout ends when the text has been
said, with reason MANAGERHANGUP; who is called and hangs up first makes it CALLEEHANGUP. `continue` as the answer to
ACE or PIE, and no answer to ACE, do what the callout was for: say the text, join the conference, or, of a custom
callout, keep the line open. A menu without enablePie ends the call. ICE of a custom callout takes connectPstn, and
from the application hangup. DiCE of a custom callout goes to the application whatever `dice` says, unless that is
another URL; the flags enableAce, enableDice and enablePie may stand in it and change nothing. A property nobody knows
is refused, as everywhere on this desk.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from sandbox import svaml, wire
from sandbox.svaml import ConnectConf, IllegalReply, Prompt, prompts, reading
from sandbox.svaml.actions import E164, LONGEST_USER, READERS
from sandbox.svaml.instructions import dtmf
from sandbox.svaml.reading import Given

Method = Literal["ttsCallout", "conferenceCallout", "customCallout"]

LONGEST_CUSTOM_BYTES = 1024
FORWARDED = "x-cb-"
MOST_HEADERS, LONGEST_HEADER_NAME, LONGEST_HEADER_VALUE = 5, 32, 128
ADDRESS = ("cli", "destination", "dtmf", "domain", "custom", "locale")
EVENTS = ("enableAce", "enableDice", "enablePie")

_CLI = re.compile(r"\+?[0-9]{3,17}|private", re.IGNORECASE)
_PRINTABLE = re.compile(r"[\x20-\x7e]*")


@dataclass(frozen=True)
class Ask:
    """An event is told, at this URL, or where the application wants everything when it is empty."""

    url: str = ""


@dataclass(frozen=True)
class Told:
    """The reply came with the callout; nobody is asked."""

    reply: bytes


Way = Ask | Told | None  # None: the event is not told


@dataclass(frozen=True, kw_only=True)
class Callout:
    """One call wanted. `prompts` is the text of a text-to-speech callout, or the greeting of a conference's."""

    method: Method
    cli: str
    kind: Literal["number", "username"]
    to: str
    ways: Mapping[str, Way]
    custom: str | None = None
    dtmf: str = ""
    limit_seconds: int | None = None
    prompts: tuple[Prompt, ...] = ()
    conference: ConnectConf | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def way(self, event: str) -> Way:
        """How the application is told of an event, or asked."""
        return self.ways.get(event, Ask())


class Missing(IllegalReply):
    """Something is not there that has to be."""


def read(body: bytes, headers: Mapping[str, str]) -> Callout:
    """Understand the body of a callout request; header names are in lower case.

    Raises Missing when something is not there, IllegalReply when it is wrong, ValueError when it is not JSON.
    """
    document = reading.fold(wire.loads(body))
    if not isinstance(document, dict):
        raise IllegalReply("the body is not a JSON object")
    methods = {"ttscallout": _tts, "conferencecallout": _conference, "customcallout": _custom}
    method = _given(document, "method", "the callout").lower()
    if method not in methods:
        raise IllegalReply(f"method is none of ttsCallout, conferenceCallout, customCallout: {method}")
    given = reading.child(document, method, "the callout")
    if given is None:
        raise Missing(f"{document['method']} is missing")
    return methods[method](given, _forwarded(headers))


def _tts(given: Given, headers: Mapping[str, str]) -> Callout:
    whose = "ttsCallout"
    reading.known(given, [*ADDRESS, *EVENTS, "text", "prompts"], whose)
    text, chain = (reading.text(given, each, whose) for each in ("text", "prompts"))
    if text is None and chain is None:
        raise Missing("ttsCallout has neither text nor prompts")
    said = prompts.read(chain, f"{whose}.prompts") if chain else (prompts.speech(text or "", f"{whose}.text"),)
    kind, to = _destination(given, whose)
    return Callout(
        method="ttsCallout",
        cli=_cli(given, whose),
        kind=kind,
        to=to,
        ways=_ways(given, whose),
        custom=_custom_text(given, whose),
        dtmf=_dtmf(given, whose),
        prompts=said,
        headers=headers,
    )


def _conference(given: Given, headers: Mapping[str, str]) -> Callout:
    whose = "conferenceCallout"
    reading.known(
        given,
        [*ADDRESS, *EVENTS, "conferenceId", "greeting", "mohClass", "conferenceDtmfOptions", "maxDuration"],
        whose,
    )
    _given(given, "conferenceId", whose)
    names = {"conferenceid": "conferenceid", "moh": "mohclass", "conferencedtmfoptions": "conferencedtmfoptions"}
    conference = READERS["connectConf"]({name: given.get(source) for name, source in names.items()})
    assert isinstance(conference, ConnectConf)  # noqa: S101
    greeting = reading.text(given, "greeting", whose)
    kind, to = _destination(given, whose)
    return Callout(
        method="conferenceCallout",
        cli=_cli(given, whose),
        kind=kind,
        to=to,
        ways=_ways(given, whose),
        custom=_custom_text(given, whose),
        dtmf=_dtmf(given, whose),
        limit_seconds=reading.seconds(given, "maxDuration", whose),
        prompts=(prompts.speech(greeting, f"{whose}.greeting"),) if greeting else (),
        conference=conference,
        headers=headers,
    )


def _custom(given: Given, headers: Mapping[str, str]) -> Callout:
    whose = "customCallout"
    reading.known(given, [*ADDRESS, *EVENTS, "maxDuration", "ice", "ace", "pie", "dice"], whose)
    ways = {event: _way(given, event) for event in ("ice", "ace", "pie", "dice")}
    if isinstance(ways["dice"], Told):
        ways["dice"] = Ask()
    kind, to = _custom_destination(given, whose, ways["ice"])
    return Callout(
        method="customCallout",
        cli=_cli(given, whose),
        kind=kind,
        to=to,
        ways=ways,
        custom=_custom_text(given, whose),
        dtmf=_dtmf(given, whose),
        limit_seconds=reading.seconds(given, "maxDuration", whose),
        headers=headers,
    )


def _custom_destination(given: Given, whose: str, ice: Way) -> tuple[Literal["number", "username"], str]:
    """Whom a custom callout calls: an ICE that came along may say so instead."""
    if not isinstance(ice, Told):
        return _destination(given, whose)
    action = svaml.read_reply(ice.reply, "callout ice").action
    if not isinstance(action, svaml.ConnectPstn):
        raise IllegalReply("customCallout.ice takes no action but connectPstn")
    if given.get("destination") is not None:
        return _destination(given, whose)
    if action.number is None:
        raise Missing("customCallout has no destination, and its ice names no number")
    return "number", action.number


def _way(given: Given, event: str) -> Way:
    value = reading.text(given, event, "customCallout")
    if value is None:
        return Ask()
    if value.startswith(("http://", "https://")):
        return Ask(value)
    return Told(value.encode())


def _ways(given: Given, whose: str) -> dict[str, Way]:
    enabled = {event: reading.flag(given, f"enable{event.capitalize()}", whose) for event in ("ace", "dice", "pie")}
    return {event: Ask() if told else None for event, told in enabled.items()}


def _destination(given: Given, whose: str) -> tuple[Literal["number", "username"], str]:
    destination = reading.child(given, "destination", whose)
    if destination is None:
        raise Missing(f"{whose}.destination is missing")
    reading.known(destination, ["type", "endpoint"], f"{whose}.destination")
    kind, endpoint = (_given(destination, each, f"{whose}.destination") for each in ("type", "endpoint"))
    domain = reading.choice(given, "domain", whose, ["pstn", "mxp"])
    if kind.lower() == "number":
        if not E164.fullmatch(endpoint):
            raise IllegalReply(f"{whose}.destination.endpoint is not E.164: {endpoint}")
        if domain == "mxp":
            raise IllegalReply(f"{whose}.domain is mxp, and its destination a number")
        return "number", endpoint
    if kind.lower() != "username" or len(endpoint) > LONGEST_USER:
        raise IllegalReply(f"{whose}.destination is neither a number nor a user: {kind} {endpoint}")
    return "username", endpoint


def _cli(given: Given, whose: str) -> str:
    reading.locale(given, whose)
    cli = reading.text(given, "cli", whose) or ""
    if cli and not _CLI.fullmatch(cli):
        raise IllegalReply(f"{whose}.cli is neither a number nor private: {cli}")
    return cli


def _custom_text(given: Given, whose: str) -> str | None:
    custom = reading.text(given, "custom", whose)
    if custom is not None and len(custom.encode()) > LONGEST_CUSTOM_BYTES:
        raise IllegalReply(f"{whose}.custom is longer than {LONGEST_CUSTOM_BYTES} bytes")
    return custom


def _dtmf(given: Given, whose: str) -> str:
    keys = reading.text(given, "dtmf", whose)
    return dtmf(keys, f"{whose}.dtmf") if keys else ""


def _given(given: Given, name: str, whose: str) -> str:
    value = reading.text(given, name, whose)
    if value is None:
        raise Missing(f"{whose}.{name} is missing")
    return value


def _forwarded(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers of the request that go along with every callback of the call."""
    found = {name: value for name, value in headers.items() if name.startswith(FORWARDED)}
    if len(found) > MOST_HEADERS:
        raise IllegalReply(f"there are more than {MOST_HEADERS} headers X-CB-*")
    for name, value in found.items():
        if len(name) > LONGEST_HEADER_NAME or len(value) > LONGEST_HEADER_VALUE or not _PRINTABLE.fullmatch(value):
            raise IllegalReply(f"the header {name} is too long, or not plain ASCII")
    return found
