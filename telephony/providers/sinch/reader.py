"""Reading an event outside the callback path: from a JSON text, or from the values another framework made of it.

Both are read by the code that reads callbacks. Nothing here proves who sent the event: `Sinch.verify` does, on the
raw bytes, and it has to be asked before an event is believed.

>>> event = read_json('{"event": "dice", "callid": "c-1", "result": "BUSY", "from": "Harbour <+442079460000>"}')
>>> event.result, event.caller.full
(<Result.BUSY: 'busy'>, 'Harbour <+442079460000>')
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from telephony.events import Event
from telephony.providers.base import CallbackUnreadable
from telephony.providers.reading import JsonUnreadable, read_plain
from telephony.providers.sinch.parse import parse_callback, read_event


def read_json(text: str | bytes) -> Event:
    """The event in a JSON text. Raises CallbackUnreadable.

    Whatever its spelling, what can be read is in the event's fields; what looked wrong is in its `oddities` and
    `remarks`.
    """
    # Half a character has no UTF-8 of its own and is refused as such.
    return parse_callback(text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text, None)


def read_model(mapping: Mapping[str, Any]) -> Event:
    """The event in the values that another reader made of its JSON. Raises CallbackUnreadable.

    Money should have been read as Decimal (`json.loads(..., parse_float=Decimal)`); of a float its shortest spelling
    counts.
    """
    try:
        return read_event(read_plain(mapping), None)
    except JsonUnreadable as unreadable:
        raise CallbackUnreadable(str(unreadable)) from unreadable
