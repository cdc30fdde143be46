"""What somebody on the line does when a routine wants input, and what the routine makes of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sandbox.keys import SILENT, Press, Script, check_keys
from sandbox.sift_routines import Get

YES, NO = ("yes", "yeah", "yep"), ("no", "nope")


@dataclass(frozen=True)
class Says:
    """Something spoken."""

    text: str


Reaction = Press | Says


class Reactions(Script[Reaction]):
    """A script of keys and spoken words; see `sandbox.keys.Script`. Raises ValueError for keys on no telephone."""

    def __init__(self, script: Sequence[Reaction] = ()) -> None:
        check_keys(script)
        super().__init__(script, SILENT)


def pressed(command: Get, keys: str) -> tuple[str, bool]:
    """The keys that GetDigits listens to, the last of them `#` when that ended the input, and whether it has ended."""
    before, end, _ = keys.partition("#")
    taken = (before + end)[: command.count]
    return taken, bool(end and taken.endswith("#")) or len(taken) == command.count


def understood(command: Get, reaction: Reaction) -> Mapping[str, object] | None:
    """The result of a command that wants something spoken; None when there is none that could be told.

    Keys are nothing spoken, and somebody who hangs up says nothing.
    """
    text = reaction.text.strip() if isinstance(reaction, Says) else ""
    match command.name:
        case "GetNumber" if not text:
            return {"value": None, "error": "timeout"}
        case "GetNumber":
            return {"value": text} if text.isdecimal() else {"value": None, "error": "invalid"}
        case "GetMultipleChoice":
            found = (each for each in command.choices if each.casefold() == text.casefold())
            return {"choice": next(found, "")}
        case "GetYesOrNo":
            return {"value": text.lower() in YES} if text.lower() in (*YES, *NO) else None
    return {"value": text} if text else None
