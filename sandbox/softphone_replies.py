"""What a softphone reads: replies in XML, JSON or as a form, and the account that provisioning hands out.

What comes from outside is bounded, and XML with a document type is not read at all, so that no entity is ever expanded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import parse_qsl
from xml.parsers import expat

from sandbox import wire

FORM = "application/x-www-form-urlencoded"
LONGEST_BYTES = 1 << 20
DEEPEST = 16
MOST_FIELDS = 1000

Fields = Mapping[str, object]


class Unreadable(Exception):
    """Nothing the app can read; the message says why, in a sentence."""


@dataclass(frozen=True, kw_only=True)
class Text:
    """A text as a message list has it. sent_at is as it was told; peer is the other side."""

    sms_id: str
    direction: Literal["received", "sent"]
    peer: str
    body: str
    sent_at: str


@dataclass(eq=False)
class _Element:
    name: str
    pieces: list[str] = field(default_factory=list)
    children: list[_Element] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(self.pieces).strip()

    @property
    def value(self) -> object:
        """A text, a list of `item`, or values by name, of which the last counts."""
        if not self.children:
            return self.text
        if all(child.name == "item" for child in self.children):
            return [child.value for child in self.children]
        return {child.name: child.value for child in self.children}


def read_fields(content_type: str, body: bytes) -> Fields:
    """The fields of a reply by its content type; XML when there is none.

    Raises Unreadable.
    """
    kind = media_type(content_type) or "application/xml"
    if kind in ("application/xml", "text/xml"):
        root = _xml(body)
        value = root.value
        if isinstance(value, dict):
            return value
        return {root.name: value} if root.name == "message" else {}
    if kind == "application/json":
        return _json(body)
    if kind == FORM:
        return _form(body)
    raise Unreadable(f"the app reads XML, JSON and forms, not {kind}")


def read_account(body: bytes) -> dict[str, str]:
    """The nodes of an `<account>`; a node that has nodes itself is passed over.

    Raises Unreadable.
    """
    root = _xml(body)
    if root.name != "account":
        raise Unreadable(f"an account is expected, and this is <{root.name}>")
    nodes = {child.name: child.text for child in root.children if not child.children}
    if not nodes.get("title"):
        raise Unreadable("the account has no title, and the app takes none without")
    return nodes


def read_texts(fields: Fields) -> list[Text]:
    """The texts of a reply, as told: those of the present interface, then those of the old one.

    Raises Unreadable.
    """
    received = [*_items(fields, "received_smss"), *_items(fields, "unread_smss")]
    sent = _items(fields, "sent_smss")
    return [*(_text(each, "received") for each in received), *(_text(each, "sent") for each in sent)]


def media_type(content_type: str) -> str:
    """The kind without its parameters, in lower case."""
    return content_type.partition(";")[0].strip().lower()


def as_text(fields: Fields, *names: str) -> str:
    """The first of these fields that has something to show, as it would be shown; else empty."""
    values = (fields.get(name) for name in names)
    return next((str(value) for value in values if value not in (None, "") and not _is_nested(value)), "")


def _is_nested(value: object) -> bool:
    return isinstance(value, Mapping) or (isinstance(value, Sequence) and not isinstance(value, str))


def _items(fields: Fields, name: str) -> list[Fields]:
    items = fields.get(name) or []
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise Unreadable(f"{name} is expected to be a list of texts")
    return items


def _text(item: Fields, direction: Literal["received", "sent"]) -> Text:
    return Text(
        sms_id=as_text(item, "sms_id"),
        direction=direction,
        peer=as_text(item, "sender" if direction == "received" else "recipient"),
        body=as_text(item, "sms_text"),
        sent_at=as_text(item, "sending_date"),
    )


def _json(body: bytes) -> Fields:
    try:
        value = wire.loads(body)
    except ValueError as error:
        raise Unreadable(f"it is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise Unreadable("a JSON object is expected")
    return value


def _form(body: bytes) -> Fields:
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS))
    except ValueError as error:
        raise Unreadable(f"it is not a form: {error}") from error


def _xml(body: bytes) -> _Element:
    if len(body) > LONGEST_BYTES:
        raise Unreadable(f"it has more than {LONGEST_BYTES} bytes")
    tree = _Element("")
    path = [tree]

    def begin(name: str, attributes: object) -> None:
        if len(path) > DEEPEST:
            raise Unreadable(f"it is nested more than {DEEPEST} deep")
        path[-1].children.append(_Element(name))
        path.append(path[-1].children[-1])

    def end(name: str) -> None:
        path.pop()

    def say(text: str) -> None:
        path[-1].pieces.append(text)

    def refuse(*document_type: object) -> None:
        raise Unreadable("XML with a document type is not read")

    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = begin, end
    parser.CharacterDataHandler, parser.StartDoctypeDeclHandler = say, refuse
    try:
        parser.Parse(body, True)
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise Unreadable(f"it is not XML: {error}") from error
    return tree.children[0]
