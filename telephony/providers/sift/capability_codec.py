"""How a capability token looks inside. It is documented nowhere: this form is ours, and all that depends on it is here.

A JWT, HS256, in the manner of the client tokens whose helper library Sift's resembles. It is signed with the account's
auth token, which cannot be seen in it. Claims: `iss` the account, `iat` and `exp` in seconds, and `scope`, permissions
with a blank between them:

    scope:client:outgoing?app_id=3bb34721cbe2e221&params=plan%3Dgold&client_name=alice
    scope:client:incoming?client_name=alice

`params` is a query within the query; `client_name` stands in the first only when the second is there too. Should the
real form ever be known, this module changes and nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

import jwt
from jwt.algorithms import HMACAlgorithm

from telephony.providers.reading import JsonObject, JsonUnreadable, read_json
from telephony.providers.sift.ids import is_id

LONGEST_CLIENT_NAME = 128
LONGEST_SECRET = 512
LONGEST_TOKEN = 8_192
ALGORITHM = "HS256"
OUTGOING, INCOMING = "scope:client:outgoing", "scope:client:incoming"

# What permissions are written with. Who unescapes too early would read such a name as further permissions, and a plus
# as a blank. A blank parts one permission from the next.
_UNSAFE_IN_NAMES = frozenset(" &=?#%+")


class TokenRefused(ValueError):
    """The token is not one of this account's, has run out, or grants something in words that we do not know."""


@dataclass(frozen=True, kw_only=True)
class Permissions:
    """Outgoing connections to `application_id`, incoming ones as `client_name`; empty for neither.

    `params` are handed to the application with every outgoing connection.
    """

    application_id: str = ""
    params: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), hash=False)
    client_name: str = ""


@dataclass(frozen=True, kw_only=True)
class Capability:
    """What a token grants, and until when."""

    account_id: str
    expires_at: datetime
    permissions: Permissions


class CapabilityCodec:
    """Writes and reads the tokens of one account."""

    def __init__(self, account_id: str, auth_token: str) -> None:
        """Raises ValueError for what can never be an account of Sift's or its auth token."""
        if not is_id(account_id):
            raise ValueError("The account's id is not one: up to 64 letters, digits, _ and -.")
        check_auth_token(auth_token)
        self._account_id = account_id
        self._key = auth_token.encode()
        # One algorithm and no other: what a token's header says chooses nothing.
        self._jws = jwt.PyJWS(algorithms=[])
        self._jws.register_algorithm(ALGORITHM, _Signing(HMACAlgorithm.SHA256))

    def claims(self, permissions: Permissions) -> dict[str, str]:
        """What a token says, but for its times."""
        return {"iss": self._account_id, "scope": _write_scope(permissions)}

    def write(self, permissions: Permissions, now: datetime, lifetime_seconds: int) -> str:
        """The token, good for so many seconds from `now` on. Raises ValueError when the auth token cannot sign."""
        issued_at = int(now.timestamp())
        claims = {**self.claims(permissions), "iat": issued_at, "exp": issued_at + lifetime_seconds}
        body = json.dumps(claims, separators=(",", ":")).encode()
        try:
            return self._jws.encode(body, self._key, algorithm=ALGORITHM)
        except jwt.PyJWTError as unusable:
            raise ValueError("The auth token cannot sign anything: it is a key of another kind.") from unusable

    def read(self, token: str, now: datetime) -> Capability:
        """What a token of this account grants at `now`. Raises TokenRefused."""
        if len(token) > LONGEST_TOKEN:
            raise TokenRefused(f"The token is longer than {LONGEST_TOKEN} characters.")
        try:
            claims = read_json(self._jws.decode(token, self._key, algorithms=[ALGORITHM]), LONGEST_TOKEN)
        except JsonUnreadable as unreadable:
            raise TokenRefused(f"The token cannot be read: {unreadable}") from unreadable
        except (jwt.PyJWTError, ValueError, RecursionError) as broken:
            raise TokenRefused("The token is not signed by this account.") from broken
        if not isinstance(claims, JsonObject) or claims.repeated:
            raise TokenRefused("The token's claims are not an object that names each once.")
        if claims.get("iss") != self._account_id:
            raise TokenRefused("The token is for another account.")
        expires_at = _moment(claims.get("exp"))
        if now >= expires_at:
            raise TokenRefused("The token has run out.")
        permissions = _read_scope(claims.get("scope"))
        return Capability(account_id=self._account_id, expires_at=expires_at, permissions=permissions)


def check_auth_token(auth_token: str) -> None:
    """Raise ValueError for what can never be an account's auth token. It is a password, and sent as one."""
    if not 1 <= len(auth_token) <= LONGEST_SECRET:
        raise ValueError(f"The auth token is empty or longer than {LONGEST_SECRET} characters.")
    if not (auth_token.isascii() and auth_token.isprintable()) or " " in auth_token:
        raise ValueError("The auth token has a blank in it, or a character that cannot be sent.")


def is_client_name(name: str) -> bool:
    """Whether a client can be called this: it has to survive as part of an address and of a permission.

    >>> is_client_name("alice@example.com"), is_client_name("alice&app_id=3bb34721cbe2e221")
    (True, False)
    """
    return 1 <= len(name) <= LONGEST_CLIENT_NAME and name.isprintable() and _UNSAFE_IN_NAMES.isdisjoint(name)


def query(values: Mapping[str, str]) -> str:
    """Values as a query, in their order. Raises UnicodeEncodeError for half a character."""
    return urlencode(values, quote_via=quote, safe="")


class _Signing(HMACAlgorithm):
    """HMAC with a key of any length. The account's auth token is what Sift made it; nobody can choose a longer one."""

    def check_key_length(self, key: bytes) -> None:
        return None


def _write_scope(permissions: Permissions) -> str:
    scopes = []
    if permissions.application_id:
        # In order of their names, so that one wish makes one token.
        params = query(dict(sorted(permissions.params.items())))
        said = {"app_id": permissions.application_id, "params": params, "client_name": permissions.client_name}
        scopes.append(f"{OUTGOING}?{query({name: value for name, value in said.items() if value})}")
    if permissions.client_name:
        scopes.append(f"{INCOMING}?{query({'client_name': permissions.client_name})}")
    return " ".join(scopes)


def _read_scope(scope: object) -> Permissions:
    if not isinstance(scope, str):
        raise TokenRefused("The token does not say what it grants.")
    granted: dict[str, Mapping[str, str]] = {}
    for permission in scope.split(" ") if scope else ():
        name, _, values = permission.partition("?")
        if name not in _FIELDS or name in granted:
            raise TokenRefused("The token grants something unknown, or the same twice.")
        granted[name] = _values(values, _FIELDS[name])
    nothing: Mapping[str, str] = {}
    outgoing, incoming = granted.get(OUTGOING, nothing), granted.get(INCOMING, nothing)
    application_id, client_name = outgoing.get("app_id", ""), incoming.get("client_name", "")
    if OUTGOING in granted and not is_id(application_id):
        raise TokenRefused("The token does not say to which application its client may connect.")
    if INCOMING in granted and not is_client_name(client_name):
        raise TokenRefused("The token does not say by which name its client may be called.")
    if outgoing.get("client_name", client_name) != client_name:
        raise TokenRefused("The token gives its client two names.")
    params = _values(outgoing.get("params", ""), None)
    return Permissions(application_id=application_id, params=params, client_name=client_name)


def _values(text: str, known: frozenset[str] | None) -> Mapping[str, str]:
    """A query's values, each name given once and, unless `known` is None, of those."""
    try:
        pairs = parse_qsl(text, keep_blank_values=True, strict_parsing=bool(text), errors="strict")
    except ValueError as broken:
        raise TokenRefused("The token's permissions cannot be read.") from broken
    values = dict(pairs)
    if len(values) != len(pairs) or (known is not None and not known.issuperset(values)):
        raise TokenRefused("The token's permissions say something unknown, or the same twice.")
    return MappingProxyType(values)


def _moment(seconds: Any) -> datetime:
    if not isinstance(seconds, int) or isinstance(seconds, bool):
        raise TokenRefused("The token does not say when it runs out.")
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError) as outside:
        raise TokenRefused("The token runs out at a time outside the calendar.") from outside


_FIELDS: Mapping[str, frozenset[str]] = MappingProxyType(
    {OUTGOING: frozenset({"app_id", "params", "client_name"}), INCOMING: frozenset({"client_name"})}
)
