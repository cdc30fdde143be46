"""Capability tokens: what a browser may do, as whoever knows the auth token has signed it.

The format is published nowhere. This desk reads a JWT (RFC 7519, HS256) with the claims `iss`, the account's id, `iat`,
`exp` and `scope`: what is allowed, with blanks between,

    scope:client:outgoing?app_id=ID[&params=URL-ENCODED][&client_name=NAME]
    scope:client:incoming?client_name=NAME
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from sandbox import wire

CLOCKS_DIFFER_SECONDS = 5
OUTGOING, INCOMING = "scope:client:outgoing", "scope:client:incoming"
HEADER = {"typ": "JWT", "alg": "HS256"}


class BadCapability(Exception):
    """The token allows nothing, or not this; the message says why."""


@dataclass(frozen=True)
class Capability:
    """What a token allows: outgoing connections for an application, incoming ones under a name; empty is not at all.

    parameters are handed to the application with every outgoing connection. expires_at is in seconds since 1970.
    """

    app_id: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)
    outgoing_name: str = ""
    incoming_name: str = ""
    expires_at: int = 0

    def is_valid(self, now: datetime) -> bool:
        """Whether the token has not expired."""
        return now.timestamp() < self.expires_at


def signed(account_id: str, auth_token: str, scope: str, *, now: datetime, expires_seconds: int = 3600) -> str:
    """A token with this scope."""
    issued = int(now.timestamp())
    claims = {"iss": account_id, "iat": issued, "exp": issued + expires_seconds, "scope": scope}
    content = f"{_part(wire.dumps(HEADER))}.{_part(wire.dumps(claims))}"
    return f"{content}.{_part(_signature(auth_token, content))}"


def read(token: str, *, account_id: str, auth_token: str, now: datetime) -> Capability:
    """What a token allows. Raises BadCapability when it was not signed for this account, or is not valid now."""
    content, dot, signature = token.rpartition(".")
    header, _, claims = content.partition(".")
    if not dot or not claims or "." in claims:
        raise BadCapability("the token has not three parts")
    if _object(header).get("alg") != "HS256":
        raise BadCapability("the token is not signed with HS256")
    if not hmac.compare_digest(_bytes(signature), _signature(auth_token, content)):
        raise BadCapability("the signature of the token is wrong")
    return _allowed(_object(claims), account_id, now)


def _allowed(claims: Mapping[str, Any], account_id: str, now: datetime) -> Capability:
    if claims.get("iss") != account_id:
        raise BadCapability("the token is not for this account")
    issued, expires = (_seconds(claims, name) for name in ("iat", "exp"))
    if issued > now.timestamp() + CLOCKS_DIFFER_SECONDS:
        raise BadCapability("the token is not valid yet")
    scope = claims.get("scope")
    if not isinstance(scope, str):
        raise BadCapability("the token has no scope")
    allowed: dict[str, Any] = {"expires_at": expires}
    for each in scope.split():
        allowed |= _permission(each)
    capability = Capability(**allowed)
    if not capability.is_valid(now):
        raise BadCapability("the token has expired")
    return capability


def _permission(text: str) -> dict[str, object]:
    what, _, query = text.partition("?")
    try:
        given = dict(parse_qsl(query, keep_blank_values=True, strict_parsing=True, errors="strict"))
    except ValueError:
        raise BadCapability(f"the scope {what} is not readable") from None
    if what == OUTGOING and given.get("app_id") and given.keys() <= {"app_id", "params", "client_name"}:
        parameters = dict(parse_qsl(given.get("params", ""), keep_blank_values=True))
        return {"app_id": given["app_id"], "parameters": parameters, "outgoing_name": given.get("client_name", "")}
    if what == INCOMING and given.get("client_name") and given.keys() == {"client_name"}:
        return {"incoming_name": given["client_name"]}
    raise BadCapability(f"the token has a scope that is none: {what}")


def _seconds(claims: Mapping[str, Any], name: str) -> int:
    value = claims.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise BadCapability(f"the token has no {name}")
    return value


def _object(part: str) -> dict[str, Any]:
    try:
        found = wire.loads(_bytes(part))
    except ValueError:
        raise BadCapability("the token is not readable") from None
    if not isinstance(found, dict):
        raise BadCapability("the token is not readable")
    return found


def _signature(auth_token: str, content: str) -> bytes:
    return hmac.new(auth_token.encode(), content.encode(), hashlib.sha256).digest()


def _part(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def _bytes(part: str) -> bytes:
    try:
        return base64.b64decode(part.encode() + b"=" * (-len(part) % 4), altchars=b"-_", validate=True)
    except ValueError:
        raise BadCapability("the token is not readable") from None
