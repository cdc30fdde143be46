"""From Sift's JSON to one event. The address it came to says what it is about, the body what happened.

Nothing here trusts the sender, who proves nothing but that our address was known: a body that cannot be read is
CallbackUnreadable, and one that can be read but contradicts itself is an event with oddities. What a browser's client
says (`client_data`) tells where a call is to go and never who calls: that is in `from`, as our own token made it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from telephony.events import (
    NOWHERE,
    CallAnswered,
    CallEnded,
    Caller,
    CallerMode,
    CallIncoming,
    Endpoint,
    EndpointKind,
    Event,
    Notified,
    Origin,
    PromptAnswered,
    PromptKind,
    UnknownEvent,
)
from telephony.providers.base import Callback, CallbackUnreadable
from telephony.providers.reading import NO_OBJECT, JsonObject, JsonUnreadable, clean, read_json
from telephony.providers.sift.callback_urls import answer_to
from telephony.providers.sift.connections import Connection, ConnectionStatus, read_connection
from telephony.providers.sift.endings import ended_of
from telephony.providers.sift.ids import is_id
from telephony.providers.sift.steps import read_step
from telephony.providers.sift.words import (
    CLIENT,
    DONE,
    ENDED,
    EVENT,
    INCOMING,
    KNOWN_CONNECTION_FIELDS,
    KNOWN_FIELDS,
    STATUS,
)

LARGEST_CALLBACK_BYTES = 64 * 1024
LONGEST_WORD = 64
LONGEST_TEXT = 255
LONGEST_MARK = 1024
MOST_UNKNOWN_FIELDS = 32

_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_PRESSED = re.compile(r"[0-9*#]{0,64}")


def parse_callback(callback: Callback) -> Event:
    """The event in a callback, whatever its content type. Raises CallbackUnreadable."""
    topic, _, rest = callback.topic.partition("/")
    read = _READERS.get((topic, bool(rest)))
    told = _Told(callback, read_body(callback.body), topic)
    return read(told, rest) if read else _unknown(told, callback.topic)


def read_body(body: bytes) -> JsonObject:
    """The JSON object in a body. Raises CallbackUnreadable."""
    try:
        value = read_json(body, LARGEST_CALLBACK_BYTES)
    except JsonUnreadable as unreadable:
        raise CallbackUnreadable(str(unreadable)) from unreadable
    if not isinstance(value, JsonObject):
        raise CallbackUnreadable("The body is not a JSON object.")
    return value


class _Told:
    """One callback's body. Reading never fails: what cannot be read is left out, and said in `oddities`."""

    def __init__(self, callback: Callback, values: JsonObject, topic: str) -> None:
        self.oddities = [f"{clean(name)[:LONGEST_WORD]} is given more than once" for name in values.repeated]
        self._values = values
        self._callback = callback
        self._topic = topic

    def word(self, name: str) -> str:
        value = self._values.get(name)
        return clean(value.strip())[:LONGEST_WORD] if isinstance(value, str) else ""

    def connection(self) -> Connection:
        """The connection in the body; one without an id, and odd, when there is none.

        Nothing hangs on its times until it has ended, so odd ones are left to whoever reads its end.
        """
        connection = read_connection(self._inner)
        self.oddities += connection.oddities
        return connection

    def connection_id(self) -> str:
        """The id that stands in the body by itself."""
        return self.identifier(self._values.get("connection_id"))

    def identifier(self, value: object) -> str:
        """What the event is about, which has to be beyond doubt: empty and an oddity otherwise."""
        if is_id(value):
            return value
        self.oddities.append("connection_id is missing or is not an id")
        return ""

    def pressed(self) -> str:
        """The keys that were pressed; empty when there were none."""
        value = self._values.get("digits", ...)
        if value is None:
            return ""
        if isinstance(value, str) and _PRESSED.fullmatch(value):
            return value
        self.oddities.append("digits is missing or is not a text of keys")
        return ""

    def shared(self, call_id: str) -> dict[str, Any]:
        """What every event carries. Asked last, so that the doubts about all fields are complete."""
        return {
            "call_id": call_id,
            "application_key": self.word("account_id"),
            "answer_to": answer_to(self._callback),
            "unknown_fields": self._unknown_fields(),
            "oddities": tuple(dict.fromkeys(self.oddities)),
        }

    @property
    def _inner(self) -> JsonObject:
        value = self._values.get("connection")
        return value if isinstance(value, JsonObject) else NO_OBJECT

    def _unknown_fields(self) -> tuple[str, ...]:
        known = KNOWN_FIELDS.get(self._topic)
        if known is None:
            return ()
        names = [name for name in self._values if name not in known]
        names += [f"connection.{name}" for name in self._inner if name not in KNOWN_CONNECTION_FIELDS]
        return tuple(sorted(clean(name)[:LONGEST_WORD] for name in names)[:MOST_UNKNOWN_FIELDS])


def _incoming(told: _Told, _: str) -> Event:
    """Who calls is in `from`. `direction` decides nothing: the guide and its examples define it in opposite ways."""
    connection = told.connection()
    shared = {"at": connection.start_time, **told.shared(connection.connection_id)}
    text = connection.from_
    if text.startswith(CLIENT) and text != CLIENT:
        return CallIncoming(
            origin=Origin.APP,
            origin_word=_scheme(text),
            client_user=text.removeprefix(CLIENT),
            destination=_wished(connection.client_data),
            **shared,
        )
    if _E164.fullmatch(text):
        return CallIncoming(
            origin=Origin.PHONE,
            caller=Caller(mode=CallerMode.NUMERIC, number=text, text=text),
            destination=Endpoint(kind=EndpointKind.ACCESS_NUMBER, value=connection.to),
            **shared,
        )
    caller = Caller(mode=CallerMode.ALPHANUMERIC if text else CallerMode.HIDDEN, text=text)
    elsewhere = Endpoint(kind=EndpointKind.OTHER, value=connection.to)
    return CallIncoming(origin_word=_scheme(text), caller=caller, destination=elsewhere, **shared)


def _scheme(party: str) -> str:
    word, colon, _ = party.partition(":")
    return word[:LONGEST_WORD] if colon else ""


def _wished(client_data: Any) -> Endpoint:
    """Where a client wishes to be connected, in the two ways of the guide: a telephone before another client."""
    said = client_data if isinstance(client_data, JsonObject) else NO_OBJECT
    for name, kind in _WISHES:
        value = said.get(name)
        if isinstance(value, str) and len(value) <= LONGEST_TEXT:
            return Endpoint(kind=kind, value=clean(value), word=name)
        if value is not None:
            break  # it is there and is nothing that can be called: the other one is not meant
    return NOWHERE


def _status(told: _Told, mark: str) -> Event:
    connection = told.connection()
    ended = ended_of(connection)
    told.oddities += ended.oddities if ended else ()
    shared = {"custom": clean(mark)[:LONGEST_MARK], **told.shared(connection.connection_id)}
    match connection.status:
        case ConnectionStatus.CONNECTED:
            return CallAnswered(**shared)
        case ConnectionStatus.FAILED | ConnectionStatus.FINISHED if ended:
            return replace(ended, **shared)
        case ConnectionStatus.CONNECTING:
            return Notified(topic=connection.status.value, **shared)
        case _:
            return UnknownEvent(word=connection.status_word, **shared)


def _done(told: _Told, address: str) -> Event:
    """A question was played. Silence is news as long as it is repeated, and the caller's answer after that."""
    step, call_id = read_step(address), told.connection_id()
    if step is None:
        return UnknownEvent(word=DONE, **told.shared(call_id))
    pressed = told.pressed()
    if not pressed and not step.is_last:
        return Notified(topic=f"silence {step.asking}.{step.repetition}", **told.shared(call_id))
    return PromptAnswered(
        menu_id=step.question,
        prompt_kind=PromptKind.RETURN if pressed else PromptKind.TIMEOUT,
        value=pressed,
        input_method="dtmf" if pressed else "",
        asking=step.asking,
        **told.shared(call_id),
    )


def _event(told: _Told, connection_id: str) -> Event:
    """News of a conversation. Our address says whose it is: the body may name the other side of it, or nobody."""
    call_id, word = told.identifier(connection_id), told.word("event_type") or told.word("type")
    if not word:
        told.oddities.append("event_type is missing or is not a text")
    if ENDED in word.lower():
        return CallEnded(result_word=word, **told.shared(call_id))
    return Notified(topic=word.lower(), **told.shared(call_id))


def _unknown(told: _Told, topic: str) -> UnknownEvent:
    """News at an address below ours that we gave to nobody. It need not be about a call."""
    call_id = told.word("connection_id")
    return UnknownEvent(word=clean(topic)[:LONGEST_WORD], **told.shared(call_id if is_id(call_id) else ""))


_WISHES = (("phone_number", EndpointKind.NUMBER), ("client_name", EndpointKind.USER))

_READERS: dict[tuple[str, bool], Callable[[_Told, str], Event]] = {
    (INCOMING, False): _incoming,
    (STATUS, False): _status,
    (STATUS, True): _status,
    (DONE, True): _done,
    (EVENT, True): _event,
}
