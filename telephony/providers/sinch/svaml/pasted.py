"""Reading SVAML that a person pasted: names in any letter case, the spellings of every generation.

What is read is built again from the same parts as everything else. So it is either legal, and then written as we write
it, or a BuilderError that says where.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal

from telephony.providers.reading import JsonUnreadable, read_json
from telephony.providers.sinch.svaml.actions import Hangup
from telephony.providers.sinch.svaml.errors import BuilderError
from telephony.providers.sinch.svaml.limits import LONGEST_PASTED_BYTES, SPEECH, SpeechLimits
from telephony.providers.sinch.svaml.reading_parts import Members, Shape, entries, read_part, several, text
from telephony.providers.sinch.svaml.replies import CONTEXTS, dice, notify
from telephony.providers.sinch.svaml.svamlet import Svamlet, compose
from telephony.providers.sinch.svaml.vocabulary import ACTIONS, INSTRUCTIONS

EventName = Literal["ice", "ace", "ace_of_callout", "pie", "manage", "dice", "notify"]


def read_svaml(given: str | Mapping[str, Any], event: EventName, *, speech: SpeechLimits = SPEECH) -> Svamlet:
    """The reply that was pasted, as text or as an object, in answer to this event.

    At most 64 KiB and 32 levels deep. Raises BuilderError, whose `field` is the path to what is not legal.
    """
    instructions: tuple[Any, ...] = ()
    action = None
    for folded, written, value in entries("reply", _read(given)):
        if folded == "instructions":
            instructions = several(_read_instruction)("instructions", [] if value is None else value)
        elif folded == "action":
            action = None if value is None else _read_verb(ACTIONS, "action", value)
        else:
            raise BuilderError(written, "no property of this name", value)
    return _compose(event, instructions, action, speech)


def _compose(event: EventName, instructions: tuple[Any, ...], action: Any, speech: SpeechLimits) -> Svamlet:
    if event == "notify":
        if instructions or action is not None:
            raise BuilderError("reply", "nothing in answer to a notification", "instructions or an action")
        return notify()
    if event == "dice":
        if not instructions and action in (None, Hangup()):
            return dice()
        action = action or Hangup()
    if action is None:
        raise BuilderError("action", "exactly one action", None)
    return compose(CONTEXTS[event], instructions, action, speech)


def _read(given: str | Mapping[str, Any]) -> Any:
    try:
        written = given if isinstance(given, str) else json.dumps(given)
        # The first reading keeps the bounds. The second keeps the names as they were written, for the paths.
        read_json(written.encode("utf-8", "surrogatepass"), LONGEST_PASTED_BYTES)
        return json.loads(written, object_pairs_hook=Members)
    except JsonUnreadable as unreadable:
        raise BuilderError("reply", "JSON that can be read", str(unreadable)) from None
    except (TypeError, ValueError, RecursionError):
        raise BuilderError("reply", "what JSON can hold", type(given).__name__) from None


def _read_instruction(path: str, value: Any) -> Any:
    return _read_verb(INSTRUCTIONS, path, value)


def _read_verb(shapes: Mapping[str, Shape], path: str, value: Any) -> Any:
    names = [inner for folded, _, inner in entries(path, value) if folded == "name"]
    name = text(f"{path}.name", names[0] if names else None)
    if name.lower() not in shapes:
        raise BuilderError(f"{path}.name", f"one of {', '.join(sorted(shapes))}", name)
    return read_part(shapes[name.lower()], path, value, aside="name")
