"""Conferences at Sinch: who is in one, and what may be done with a participant."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from telephony.events import Caller
from telephony.providers.base import ProviderTrouble
from telephony.providers.reading import JsonObject
from telephony.providers.sinch.fields import Fields
from telephony.providers.sinch.rest import Rest, encode, segment


class HoldMusic(StrEnum):
    """What a participant on hold hears."""

    RING = "ring"
    MUSIC_1 = "music1"
    MUSIC_2 = "music2"
    MUSIC_3 = "music3"


@dataclass(frozen=True, kw_only=True)
class Participant:
    """Somebody in a conference. `muted` and `on_hold` are None when Sinch does not say."""

    call_id: str
    caller: Caller
    duration_seconds: int | None
    muted: bool | None
    on_hold: bool | None


class Conferences:
    """The conferences of one application in one region.

    Every method raises RequestRefused (NotFound when there is no such conference or participant) when Sinch will not,
    ProviderTrouble when nothing is known.
    """

    def __init__(self, rest: Rest) -> None:
        self._rest = rest

    def participants(self, conference_id: str) -> tuple[Participant, ...]:
        """Who is in the conference now."""
        found = self._rest.get(_path(conference_id), subject="this conference").get("participants")
        if not isinstance(found, list) or not all(isinstance(each, JsonObject) for each in found):
            raise ProviderTrouble("Sinch's answer does not say who is in the conference.")
        return tuple(_participant(Fields(each)) for each in found)

    def kick(self, conference_id: str, call_id: str) -> None:
        """Put one participant out."""
        self._rest.send("DELETE", _path(conference_id, call_id), subject="this participant")

    def kick_all(self, conference_id: str) -> None:
        """Put everybody out, which ends the conference."""
        self._rest.send("DELETE", _path(conference_id), subject="this conference")

    def mute(self, conference_id: str, call_id: str) -> None:
        """Let nobody hear the participant."""
        self._command(conference_id, call_id, "mute")

    def unmute(self, conference_id: str, call_id: str) -> None:
        """Let everybody hear the participant again."""
        self._command(conference_id, call_id, "unmute")

    def hold(self, conference_id: str, call_id: str, *, music: HoldMusic | None = None) -> None:
        """Let the participant neither hear nor be heard, with music or in silence."""
        self._command(conference_id, call_id, "onhold", music)

    def resume(self, conference_id: str, call_id: str) -> None:
        """Take the participant back from hold."""
        self._command(conference_id, call_id, "resume")

    def _command(self, conference_id: str, call_id: str, command: str, music: HoldMusic | None = None) -> None:
        body = encode({"command": command, **({"moh": music} if music else {})})
        self._rest.send("PATCH", _path(conference_id, call_id), body, subject="this participant")


def _path(conference_id: str, *call_id: str) -> str:
    return "/calling/v1/conferences/id/" + "/".join(map(segment, (conference_id, *call_id)))


def _participant(fields: Fields) -> Participant:
    return Participant(
        call_id=fields.text("id"),
        caller=fields.caller("cli"),
        duration_seconds=fields.duration_seconds(fields.remarks),
        muted=fields.flag("muted"),
        on_hold=fields.flag("onhold"),
    )
