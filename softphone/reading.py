"""An app's request, however its operator wrote the template, as one flat dict of texts under our own names.

The bytes are a stranger's: they are bounded, decoded strictly, and say each thing once. What cannot be read is
`Refused` with its sentence.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from softphone.answers import is_json
from softphone.sentences import Refused, Sentence

LARGEST_BODY_BYTES = 16_384
MOST_PARAMETERS = 40
LONGEST_NAME = 64
LONGEST_VALUE = 2_000
LONGEST_TEXT = 8_000

# Ours first, then what other servers of this kind are asked with.
ALIASES: dict[str, tuple[str, ...]] = {
    "username": ("username", "u", "user", "login", "account", "cloud_username", "authUsername"),
    "target": ("target", "targetNumber", "to", "number", "dst", "callee", "sms_to"),
    "token": ("token", "t"),
    "password": ("password", "p", "pw", "pwd", "cloud_password"),
    "hash": ("hash", "h", "sha1"),
    "nonce": ("nonce", "n"),
    "callback": ("callback", "cb", "callbackNumber"),
    "access_number": ("access_number", "an"),
    "format": ("format",),
    "lang": ("lang",),
    "app": ("app",),
    "sms_body": ("sms_body", "body"),
    "last_known_sms_id": ("last_known_sms_id",),
    "last_known_sent_sms_id": ("last_known_sent_sms_id",),
    "content_type": ("content_type",),
    "smart": ("smart",),
    "smartUri": ("smartUri",),
    "selector": ("selector",),
    "pushToken": ("pushToken",),
    "pushappid": ("pushappid",),
    "pushTokenIncomingCall": ("pushTokenIncomingCall",),
    "pushappid_incoming_call": ("pushappid_incoming_call",),
    "pushTokenOther": ("pushTokenOther",),
    "pushappid_other": ("pushappid_other",),
}

# They choose how a request is read and answered, before an operator's own names are known.
FIXED = frozenset({"format", "lang", "app"})

# Where a number may stand: a user may be called by one, too.
NUMBERS = frozenset({"target", "callback", "access_number", "username"})
BASE64 = frozenset({"pushToken", "pushTokenIncomingCall", "pushTokenOther"})
TEXTS = frozenset({"sms_body"})

# Unescaped, a plus arrives as a space. No number with a country code begins with 0.
_LOST_PLUS = re.compile(r" +(?=[1-9])")
_WITHOUT_LINES = dict.fromkeys(map(ord, "\t\n\r"))


@dataclass(frozen=True, kw_only=True)
class Incoming:
    """A request as it came: the query and the body as bytes, and what its path says by our own names, decoded."""

    query: bytes = b""
    content_type: str = ""
    body: bytes = b""
    path: Mapping[str, str] = field(default_factory=dict)


Pairs = list[tuple[str, str]]


def read(incoming: Incoming) -> dict[str, str]:
    """Every parameter of query and body by the name it came with. Raises Refused."""
    if len(incoming.query) > LARGEST_BODY_BYTES or len(incoming.body) > LARGEST_BODY_BYTES:
        raise Refused(Sentence.TOO_LARGE)
    pairs = _form(incoming.query)
    if incoming.body:  # without one the content type, which a GET may have too, only says how to answer
        pairs += _body(incoming.content_type, incoming.body)
    if len(pairs) > MOST_PARAMETERS:
        raise Refused(Sentence.TOO_MANY_PARAMETERS)
    return _said_once(pairs)


def in_our_names(raw: Mapping[str, str], path: Mapping[str, str], own_names: object) -> dict[str, str]:
    """What `read` returned, and what the path says, under our names; what we have no name for is left out.

    `own_names` are the operator's, `{"username": ["login"]}`, as they are stored: they win over ours, and a name that
    means something of the operator's own means nothing else. Raises Refused.
    """
    own = _own_names(own_names)
    meanings = {alias: ours for ours, aliases in ALIASES.items() for alias in aliases} | own
    meant = [(ours, name, value) for name, value in raw.items() if (ours := meanings.get(name)) is not None]
    decided = {ours for ours, name, _ in meant if own.get(name) == ours}
    pairs = [(ours, value) for ours, name, value in meant if ours not in decided or own.get(name) == ours]
    for name, value in [*raw.items(), *path.items()]:
        check_value(value, is_text=meanings.get(name) in TEXTS)
    return _said_once([(name, _mended(name, value)) for name, value in [*pairs, *path.items()]])


def check_value(value: str, *, is_text: bool = False) -> str:
    """The value itself. Raises Refused when it is too long or holds what no value may; a text may have lines."""
    if len(value) > (LONGEST_TEXT if is_text else LONGEST_VALUE):
        raise Refused(Sentence.TOO_LONG)
    if not all(map(_is_harmless, value.translate(_WITHOUT_LINES) if is_text else value)):
        raise Refused(Sentence.CONTROL_CHARACTERS)
    return value


def hints(query: bytes) -> dict[str, str]:
    """The format, language and app that a request asks for in its address, as far as it can be read. Never fails."""
    pairs = parse_qsl(query[:LARGEST_BODY_BYTES].decode("utf-8", "replace"))
    return {name: value for name, value in reversed(pairs) if name in FIXED and len(value) <= LONGEST_NAME}


def _body(content_type: str, body: bytes) -> Pairs:
    """JSON where it says so or looks like it: an app sends whatever its template holds as a form unless told."""
    if content_type.strip().lower().startswith("multipart/"):
        raise Refused(Sentence.UNKNOWN_BODY)
    if is_json(content_type) or body.lstrip().startswith(b"{"):
        return _json(body)
    return _form(body)


def _form(text: bytes) -> Pairs:
    try:
        return parse_qsl(
            text.strip().decode("utf-8"), keep_blank_values=True, errors="strict", max_num_fields=MOST_PARAMETERS
        )
    except UnicodeDecodeError:
        raise Refused(Sentence.NOT_UTF8) from None
    except ValueError:  # what parse_qsl says of too many
        raise Refused(Sentence.TOO_MANY_PARAMETERS) from None


def _json(body: bytes) -> Pairs:
    """The pairs of one flat object. Numbers stay as they are spelled, so nothing is rounded; null is not given."""
    try:
        found = _DECODER.decode(body.decode("utf-8"))
    except UnicodeDecodeError:
        raise Refused(Sentence.NOT_UTF8) from None
    except (ValueError, RecursionError):
        raise Refused(Sentence.NOT_JSON) from None
    if not isinstance(found, _Object):
        raise Refused(Sentence.NOT_FLAT)
    if len({name for name, _ in found.pairs}) != len(found.pairs):
        raise Refused(Sentence.NOT_FLAT)
    return [(name, _json_text(value)) for name, value in found.pairs if value is not None]


def _json_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    raise Refused(Sentence.NOT_FLAT)


class _Object:
    """A JSON object with every pair it was written with."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        self.pairs = pairs


def _refuse(word: str) -> Any:
    raise ValueError(f"{word} is not JSON")


_DECODER = json.JSONDecoder(object_pairs_hook=_Object, parse_float=str, parse_int=str, parse_constant=_refuse)


def _said_once(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    said: dict[str, str] = {}
    for name, value in pairs:
        if len(name) > LONGEST_NAME:
            raise Refused(Sentence.TOO_LONG)
        if said.setdefault(name, value) != value:
            raise Refused(Sentence.CONTRADICTING)
    return said


def _is_harmless(character: str) -> bool:
    """No control character, and no half of one, which no database keeps."""
    return character.isprintable() or unicodedata.category(character) not in ("Cc", "Cs")


def _mended(name: str, value: str) -> str:
    if name in NUMBERS:
        return _LOST_PLUS.sub("+", value, count=1) if value.startswith(" ") else value
    return value.replace(" ", "+") if name in BASE64 else value


def _own_names(stored: object) -> dict[str, str]:
    """Our name for each of the operator's; what is not a name of ours with names behind it is passed over."""
    if not isinstance(stored, Mapping):
        return {}
    return {
        own: ours
        for ours, names in stored.items()
        if ours in ALIASES and ours not in FIXED
        for own in ([names] if isinstance(names, str) else names if isinstance(names, list) else [])
        if isinstance(own, str) and own not in FIXED
    }
