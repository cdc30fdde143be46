"""Replies as they were reviewed. A file's name begins with the event it answers."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

from telephony.providers.sinch.svaml import EventName

REVIEWED = Path(__file__).parents[4] / "fixtures" / "sinch" / "svaml"


def reviewed(name: str) -> str:
    return (REVIEWED / f"{name}.json").read_text(encoding="ascii").removesuffix("\n")


def names() -> list[str]:
    return sorted(path.stem for path in REVIEWED.glob("*.json"))


def event_of(name: str) -> EventName:
    """The longest event's name that a file's name begins with: `ace-of-callout` before `ace`."""
    spelled = name.replace("-", "_")
    return max((event for event in get_args(EventName) if spelled.startswith(f"{event}_")), key=len)
