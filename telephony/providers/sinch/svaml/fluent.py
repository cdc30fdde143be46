"""The fluent face: a reply said in one breath. The same parts, the same checks, the same bytes.

Each kind of reply has a face of its own, and a face has only what is legal in it. Every step gives a new value and
leaves the old one as it was, so a beginning may be kept and ended in several ways.

>>> ice_reply().say("Hello world!").hangup().model["action"]
{'name': 'hangup'}
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Self

from telephony.providers.sinch.svaml.actions import BargeHangup, Continue, Hangup, HangupCause, Park, RunMenu
from telephony.providers.sinch.svaml.connecting import (
    ConnectConf,
    ConnectMxp,
    ConnectPstn,
    ConnectSip,
    ConnectSipPeer,
    ConnectStream,
)
from telephony.providers.sinch.svaml.definitions import MenuDefinitions
from telephony.providers.sinch.svaml.destinations import Identity, SipAddress, User, Websocket
from telephony.providers.sinch.svaml.instructions import (
    Answer,
    PlayFiles,
    Say,
    SendDtmf,
    SetCookie,
    StartRecording,
    StopRecording,
)
from telephony.providers.sinch.svaml.limits import SPEECH, SpeechLimits
from telephony.providers.sinch.svaml.prompts import href, respelled, ssml
from telephony.providers.sinch.svaml.recording import RecordingOptions
from telephony.providers.sinch.svaml.replies import ace, ace_of_callout, ice, manage, pie
from telephony.providers.sinch.svaml.steps import (
    ConferenceStep,
    MxpStep,
    PstnStep,
    SipPeerStep,
    SipStep,
    StreamStep,
    whole_seconds,
)
from telephony.providers.sinch.svaml.svamlet import Svamlet


@dataclass(frozen=True)
class _Face:
    """What every reply may say and do. `locale` is that of all it speaks, unless a prompt has its own."""

    reply: Callable[..., Svamlet]
    locale: str
    speech: SpeechLimits
    instructions: tuple[object, ...] = ()

    def say(self, text: str, locale: str | None = None) -> Self:
        """Speak a text."""
        return self._then(Say(text, locale or self.locale))

    def say_ssml(self, markup: str, locale: str | None = None) -> Self:
        """Speak SSML."""
        return self._then(PlayFiles((ssml(markup),), locale or self.locale))

    def play(self, files: str, locale: str | None = None) -> Self:
        """Play uploaded files, or sounds on the web, with `;` between them."""
        return self._then(PlayFiles(tuple(map(_playable, files.split(";"))), locale or self.locale))

    def set_cookie(self, name: str, value: str) -> Self:
        """Have a key and a value handed back in later events."""
        return self._then(SetCookie(name, value))

    def start_recording(self, options: RecordingOptions | None = None) -> Self:
        return self._then(StartRecording(options))

    def stop_recording(self) -> Self:
        return self._then(StopRecording())

    def hangup(self, cause: HangupCause | None = None) -> Svamlet:
        """End the call."""
        return self._finish(Hangup(cause))

    def continue_call(self) -> Svamlet:
        """Let the call go on."""
        return self._finish(Continue())

    def run_menu(
        self, menu_id: str, definitions: MenuDefinitions, *, barge: bool = True, enable_voice: bool | None = None
    ) -> Svamlet:
        """Let the caller hear the menu with this id, and those it leads to."""
        return self._finish(
            RunMenu(
                main_menu=menu_id,
                menus=definitions.menus,
                barge=barge,
                enable_voice=enable_voice,
                locale=self.locale,
            )
        )

    def _then(self, instruction: object) -> Self:
        return replace(self, instructions=(*self.instructions, instruction))

    def _finish(self, action: Any) -> Svamlet:
        return self.reply(*self.instructions, action=action, speech=self.speech)


class _SendsDtmf(_Face):
    def send_dtmf(self, value: str) -> Self:
        """Send tones."""
        return self._then(SendDtmf(value))


class _Answers(_Face):
    def answer(self) -> Self:
        """Answer before connecting."""
        return self._then(Answer())


class _ConnectsOutside(_Face):
    def connect_pstn(self, number: str | None = None) -> PstnStep:
        """Connect to a phone; without a number, to the one that was dialled."""
        return PstnStep(ConnectPstn(number, locale=self.locale), self._finish)

    def connect_sip_destination(self, address: str) -> SipStep:
        """Connect to user@host."""
        return SipStep(ConnectSip(destination=SipAddress(address)), self._finish)

    def connect_registered_sip_peer(self, account: str) -> SipPeerStep:
        """Connect to a peer that registered with this account."""
        return SipPeerStep(ConnectSipPeer(account=account), self._finish)


class _ConnectsUsers(_Face):
    def connect_mxp(self, destination: str | Identity | None = None) -> MxpStep:
        """Connect to an app's user, by name or by another identity; without one, to whom the app asked for."""
        identity = User(destination) if isinstance(destination, str) else destination
        return MxpStep(ConnectMxp(identity), self._finish)


class _ConnectsConferences(_Face):
    def connect_conference(self, conference_id: str) -> ConferenceStep:
        return ConferenceStep(ConnectConf(conference_id), self._finish)


class _Parks(_Face):
    def park(self, hold_prompt: str, timeout: timedelta | int, *, intro_prompt: str | None = None) -> Svamlet:
        """Let the caller wait, at most ten minutes. A number is seconds."""
        return self._finish(
            Park(
                respelled(hold_prompt),
                intro_prompt=None if intro_prompt is None else respelled(intro_prompt),
                max_duration=whole_seconds(timeout),
                locale=self.locale,
            )
        )


class IceReply(_SendsDtmf, _Answers, _ConnectsOutside, _ConnectsUsers, _ConnectsConferences, _Parks):
    """The reply to an Incoming Call Event."""

    def connect_stream(self, address: str) -> StreamStep:
        """Send the sound to a server, wss://…"""
        return StreamStep(ConnectStream(Websocket(address)), self._finish)


class AceReply(_Face):
    """The reply to an Answered Call Event of a phone that a caller was connected to."""


class AceOfCalloutReply(_ConnectsConferences, _Parks):
    """The reply to an Answered Call Event of a call that a server started."""


class PieReply(_SendsDtmf, _ConnectsOutside, _ConnectsConferences):
    """The reply to a Prompt Input Event."""


class ManageReply(_SendsDtmf, _Answers, _ConnectsOutside, _ConnectsUsers, _ConnectsConferences, _Parks):
    """What a running call is sent by PATCH."""

    def barge_hangup(self, cause: HangupCause | None = None) -> Svamlet:
        """End the call at once, whatever it is hearing."""
        return self._finish(BargeHangup(cause))


def ice_reply(locale: str = "en-US", speech: SpeechLimits = SPEECH) -> IceReply:
    """Begin a reply to an Incoming Call Event."""
    return IceReply(ice, locale, speech)


def ace_reply(locale: str = "en-US", speech: SpeechLimits = SPEECH) -> AceReply:
    """Begin a reply to an Answered Call Event of a phone that a caller was connected to."""
    return AceReply(ace, locale, speech)


def ace_of_callout_reply(locale: str = "en-US", speech: SpeechLimits = SPEECH) -> AceOfCalloutReply:
    """Begin a reply to an Answered Call Event of a call that a server started."""
    return AceOfCalloutReply(ace_of_callout, locale, speech)


def pie_reply(locale: str = "en-US", speech: SpeechLimits = SPEECH) -> PieReply:
    """Begin a reply to a Prompt Input Event."""
    return PieReply(pie, locale, speech)


def manage_reply(locale: str = "en-US", speech: SpeechLimits = SPEECH) -> ManageReply:
    """Begin what a running call is sent by PATCH."""
    return ManageReply(manage, locale, speech)


def _playable(prompt: str) -> str:
    return href(prompt) if "://" in prompt and not prompt.startswith("#") else respelled(prompt)
