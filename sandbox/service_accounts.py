"""Service accounts: RSA keys, and the tokens their owners sign with them (RFC 7519, RS256), read by hand."""

from __future__ import annotations

import base64
from datetime import datetime
from threading import Lock
from typing import Any
from uuid import uuid4

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from sandbox import wire

LONGEST_LIFE_SECONDS = 3600
CLOCKS_DIFFER_SECONDS = 5
KEY_BITS = 2048


class BadToken(Exception):
    """The token proves nothing; the message says why."""


class ServiceAccounts:
    """The service accounts of one account."""

    def __init__(self, account_id: int) -> None:
        self._account_id = account_id
        self._keys: dict[str, rsa.RSAPublicKey] = {}
        self._lock = Lock()

    def new(self) -> dict[str, object]:
        """Make one; gives the key file that its owner downloads, `account_id`, `key_id` and `private_key`."""
        private = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
        key_id = uuid4().hex
        with self._lock:
            self._keys[key_id] = private.public_key()
        pem = private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return {"account_id": self._account_id, "key_id": key_id, "private_key": pem.decode()}

    def check(self, token: str, now: datetime) -> None:
        """Whether a token was signed by one of them for this account, and is fresh.

        Raises BadToken.
        """
        parts = token.split(".")
        if len(parts) != 3:
            raise BadToken("the token has not three parts")
        header, claims = _object(parts[0]), _object(parts[1])
        key = self._keys.get(str(header.get("kid")))
        if header.get("alg") != "RS256" or key is None:
            raise BadToken("the token is not signed with RS256 by a key of this account")
        try:
            key.verify(_bytes(parts[2]), f"{parts[0]}.{parts[1]}".encode(), padding.PKCS1v15(), hashes.SHA256())
        except InvalidSignature:
            raise BadToken("the signature of the token is wrong") from None
        self._check_claims(claims, now.timestamp())

    def _check_claims(self, claims: dict[str, Any], now: float) -> None:
        if str(claims.get("iss")) != str(self._account_id):
            raise BadToken("the token is not for this account")
        issued, expires = (_seconds(claims, name) for name in ("iat", "exp"))
        if not issued - CLOCKS_DIFFER_SECONDS <= now < expires:
            raise BadToken("the token is not valid now")
        if expires - issued > LONGEST_LIFE_SECONDS:
            raise BadToken("the token lives longer than an hour")


def _seconds(claims: dict[str, Any], name: str) -> int:
    value = claims.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise BadToken(f"the token has no {name}")
    return value


def _object(part: str) -> dict[str, Any]:
    try:
        found = wire.loads(_bytes(part))
    except ValueError:
        raise BadToken("the token is not readable") from None
    if not isinstance(found, dict):
        raise BadToken("the token is not readable")
    return found


def _bytes(part: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(part.encode() + b"=" * (-len(part) % 4))
    except ValueError:
        raise BadToken("the token is not readable") from None
