"""An answer as status, content type and bytes, in the format that the app or its operator asked for.

XML, the app's default, is plain ASCII: what is not ASCII is written as a character reference, so no charset has to be
told and none can be guessed wrongly.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from urllib.parse import quote

Scalar = str | int | bool | Decimal
Item = Mapping[str, Scalar]
Value = Scalar | Sequence[Item]
_SCALARS = (str, int, Decimal)

MOST_TYPES_ASKED = 20


class Format(StrEnum):
    """How an answer is written."""

    XML = "xml"
    JSON = "json"
    FORM = "form"


@dataclass(frozen=True)
class Answer:
    """What an app is told: fields by name. A list of objects is for messages; an amount is a Decimal, never a float."""

    fields: Mapping[str, Value]
    status: int = 200


@dataclass(frozen=True, kw_only=True)
class Document:
    """An answer that is ready: it has one form only, such as the XML of an account."""

    content_type: str
    body: bytes
    status: int = 200


CONTENT_TYPES = {
    # As the product's own example writes them, without a charset.
    Format.XML: "text/xml",
    Format.JSON: "application/json",
    Format.FORM: "application/x-www-form-urlencoded",
}

_ACCEPTED = {"text/xml": Format.XML, "application/xml": Format.XML} | {
    name: written for written, name in CONTENT_TYPES.items()
}

# What XML 1.0 cannot hold, not even as a reference.
_FORBIDDEN_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_HALF_CHARACTERS = re.compile("[\ud800-\udfff]")
_XML_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9._-]*")


def chosen_format(*, asked: str, configured: str, content_type: str, accept: str) -> Format | None:
    """The format of the answer: as asked in the request, as configured, JSON for JSON, as accepted, else XML.

    `asked` and `configured` may be empty. None when `asked` is no format of ours.
    """
    if asked:
        return _format(asked.strip().lower())
    if (known := _format(configured)) is not None:
        return known
    if is_json(content_type):
        return Format.JSON
    return _accepted(accept) or Format.XML


def is_json(content_type: str) -> bool:
    """Does the content type say JSON?"""
    media_type = content_type.partition(";")[0].strip().lower()
    return media_type in ("application/json", "text/json") or media_type.endswith("+json")


def write(answer: Answer, written: Format) -> Document:
    """The answer in a format. Raises TypeError for a value that is none of ours, ValueError for NaN or an odd name."""
    writers = {Format.XML: lambda: to_xml("response", answer.fields), Format.JSON: lambda: _to_json(answer.fields)}
    body = writers.get(written, lambda: _to_form(answer.fields))()
    return Document(content_type=CONTENT_TYPES[written], body=body, status=answer.status)


def to_xml(root: str, fields: Mapping[str, Value]) -> bytes:
    """One element with a child for each field; the objects of a list are its children, each called `item`.

    >>> to_xml("response", {"dialString": "+12025550123,,1#", "price": Decimal("0.10")})
    b'<response><dialString>+12025550123,,1#</dialString><price>0.10</price></response>'
    """
    inner = "".join(_element(name, _xml_inside(value)) for name, value in fields.items())
    return _element(root, inner).encode("ascii", "xmlcharrefreplace")


def _xml_inside(value: Value) -> str:
    if isinstance(value, _SCALARS):
        return _escaped(value)
    return "".join(
        _element("item", "".join(_element(name, _escaped(inner)) for name, inner in item.items())) for item in value
    )


def _element(name: str, inside: str) -> str:
    if not _XML_NAME.fullmatch(name):
        raise ValueError("A field's name has to be a name in XML.")
    return f"<{name}>{inside}</{name}>"


def _escaped(value: Scalar) -> str:
    text = _FORBIDDEN_IN_XML.sub("", _text(value))
    # A carriage return would be read as a line feed unless it is a reference.
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#13;")


def _to_json(fields: Mapping[str, Value]) -> bytes:
    return _json_object(fields).encode()


def _json_object(fields: Mapping[str, Value]) -> str:
    return "{" + ",".join(f"{json.dumps(name)}:{_json_value(value)}" for name, value in fields.items()) + "}"


def _json_value(value: Value) -> str:
    if isinstance(value, str):
        return json.dumps(_whole(value), ensure_ascii=False)
    if isinstance(value, _SCALARS):
        return _text(value)
    return "[" + ",".join(_json_object(item) for item in value) + "]"


def _to_form(fields: Mapping[str, Value]) -> bytes:
    """A list has no place in a form, so it is its JSON."""
    texts = {
        name: _text(value) if isinstance(value, _SCALARS) else _json_value(value) for name, value in fields.items()
    }
    return "&".join(f"{quote(name, safe='')}={quote(text, safe='')}" for name, text in texts.items()).encode()


def _text(value: Scalar) -> str:
    """The value as text: an amount with all its places, a truth as JSON has it."""
    if isinstance(value, str):
        return _whole(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if not value.is_finite():
        raise ValueError("An amount has to be a number.")
    return f"{value:f}"


def _whole(text: str) -> str:
    return _HALF_CHARACTERS.sub("\ufffd", text)


def _format(name: str) -> Format | None:
    try:
        return Format(name)
    except ValueError:
        return None


def _accepted(accept: str) -> Format | None:
    """The format of an Accept header that is wanted most; None when it names none of ours."""
    best: tuple[str, Format] | None = None
    for part in accept.split(",", MOST_TYPES_ASKED)[:MOST_TYPES_ASKED]:
        media_type, *settings = (piece.strip().lower() for piece in part.split(";"))
        quality = next((piece[2:] for piece in settings if piece.startswith("q=")), "1")
        written = _ACCEPTED.get(media_type)
        if written is None or not re.fullmatch(r"0(\.[0-9]{0,3})?|1(\.0{0,3})?", quality) or not quality.strip("0."):
            continue
        if best is None or quality.rstrip("0.") > best[0].rstrip("0."):
            best = quality, written
    return None if best is None else best[1]
