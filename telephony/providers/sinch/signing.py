"""Sinch's application signature: one canonical string, for callbacks we receive and requests we send.

The scheme is the vendor's: an HMAC-SHA256 over method, MD5 of the raw body, content type, timestamp and path.
The MD5 inside is part of their wire format; nothing else here relies on it.
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64decode, b64encode
from functools import lru_cache

_STANDARD_ALPHABET = str.maketrans("-_", "+/")


def normalise_key(key: str) -> str:
    """An application key as it is compared: lower case, no dashes. Keys are GUIDs, written in many ways."""
    return key.replace("-", "").lower()


@lru_cache(maxsize=1024)
def decode_secret(secret: str) -> bytes:
    """The bytes of an application secret given in base64, with either alphabet, padded or not.

    Raises ValueError when it is not base64 or is empty: an empty secret would let anybody sign.
    """
    text = secret.strip().translate(_STANDARD_ALPHABET).rstrip("=")
    try:
        decoded = b64decode(text + "=" * (-len(text) % 4), validate=True)
    except ValueError as broken:
        raise ValueError("The application secret is not base64.") from broken
    if not decoded:
        raise ValueError("The application secret is empty.")
    return decoded


def string_to_sign(method: str, path: str, content_type: str, timestamp: str, body: bytes) -> bytes:
    """What is signed: five lines. An empty body leaves its line empty. The path has no query string."""
    digest = b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode() if body else ""
    return f"{method.upper()}\n{digest}\n{content_type}\nx-timestamp:{timestamp}\n{path}".encode()


def signature(secret: bytes, message: bytes) -> str:
    """The signature of a string to sign, in base64."""
    return b64encode(hmac.digest(secret, message, "sha256")).decode()
