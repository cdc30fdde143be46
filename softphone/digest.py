"""The server's half of HTTP Digest (RFC 7616): MD5 and SHA-256, qop `auth` or none.

Our nonces prove themselves: the moment they were made, a random part, and a keyed hash of both. So a challenge needs
no memory; only a right answer is remembered, to be refused when it comes a second time.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from urllib.parse import unquote, unquote_to_bytes, urlsplit

NONCE_VALID_FOR = timedelta(minutes=5)
CLOCKS_DIFFER_BY = timedelta(seconds=5)  # between two web processes

MOST_CHARACTERS = 4_096
MOST_PARTS = 20

_ALGORITHMS = {"md5": "md5", "sha-256": "sha256"}

_WORD = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_PART = re.compile(rf'[ \t]*({_WORD})[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|({_WORD}))[ \t]*(?:,|$)', re.DOTALL)
_NONCE = re.compile(r"([0-9a-f]{8,12})-([0-9a-f]{16})-([0-9a-f]{64})")
_NEEDED = ("realm", "nonce", "uri", "response")


class DigestUnreadable(ValueError):
    """The Authorization header is not Digest as we offer it."""


class Verdict(Enum):
    """What the answer to a challenge is worth."""

    RIGHT = "right"
    STALE = "stale"  # right, for a nonce that is too old or not of ours: the client may answer a new one
    WRONG = "wrong"


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """An Authorization header as it was sent. `qop`, `nc` and `cnonce` are empty in the form of 1997."""

    username: str
    realm: str
    nonce: str
    uri: str
    response: str
    algorithm: str = "md5"
    qop: str = ""
    nc: str = ""
    cnonce: str = ""

    @property
    def use(self) -> str:
        """What is remembered of a right answer, at most 128 characters: without a count a nonce is good for one use."""
        return "digest:" + hashlib.sha256(f"{self.nonce}:{self.nc.lower()}".encode()).hexdigest()


def challenge(realm: str, *, key: bytes, now: datetime, stale: bool = False) -> str:
    """A WWW-Authenticate header. It names MD5, which every app with Digest has; an answer in SHA-256 is taken too."""
    quoted = realm.replace("\\", "\\\\").replace('"', '\\"')
    header = f'Digest realm="{quoted}", qop="auth", algorithm=MD5, nonce="{_new_nonce(key, now)}", charset=UTF-8'
    return f"{header}, stale=true" if stale else header


def read(header: str) -> Credentials:
    """The credentials behind `Digest `. Raises DigestUnreadable."""
    parts = _parts(header)
    if any(name not in parts for name in _NEEDED) or parts.get("userhash", "false").lower() != "false":
        raise DigestUnreadable("a part of it is missing, or not offered")
    algorithm, qop = parts.get("algorithm", "MD5").lower(), parts.get("qop", "")
    if algorithm not in _ALGORITHMS or qop not in ("", "auth"):
        raise DigestUnreadable("the algorithm or qop is not offered")
    nc, cnonce = parts.get("nc", ""), parts.get("cnonce", "")
    if qop and not (re.fullmatch("[0-9a-fA-F]{8}", nc) and cnonce):
        raise DigestUnreadable("qop needs nc and cnonce")
    return Credentials(
        username=_username(parts),
        realm=parts["realm"],
        nonce=parts["nonce"],
        uri=parts["uri"],
        response=parts["response"].lower(),
        algorithm=_ALGORITHMS[algorithm],
        qop=qop,
        nc=nc if qop else "",
        cnonce=cnonce if qop else "",
    )


def judge(given: Credentials, *, secret: str, realm: str, method: str, key: bytes, now: datetime) -> Verdict:
    """Is it the right answer for this secret, and to a challenge of ours that is young enough?

    Whether its `uri` is the request's is asked by `is_for`; whether it was used before, of whoever remembers `use`.
    """
    expected = expected_response(given, secret=secret, method=method)
    is_right = hmac.compare_digest(given.response.encode(), expected.encode())
    if not is_right or given.realm != realm:
        return Verdict.WRONG
    return Verdict.RIGHT if _is_young(given.nonce, key, now) else Verdict.STALE


def expected_response(given: Credentials, *, secret: str, method: str) -> str:
    """The response that the right secret gives."""

    def hashed(text: str) -> str:
        return hashlib.new(given.algorithm, text.encode(), usedforsecurity=False).hexdigest()

    about_user = hashed(f"{given.username}:{given.realm}:{secret}")
    about_request = hashed(f"{method}:{given.uri}")
    if not given.qop:
        return hashed(f"{about_user}:{given.nonce}:{about_request}")
    return hashed(f"{about_user}:{given.nonce}:{_counted(given)}:{about_request}")


def is_for(given: Credentials, *, paths: tuple[bytes, ...], query: bytes) -> bool:
    """Is its `uri` that of the request? `paths` are decoded: our own, and the one before a proxy took its part off."""
    try:
        parts = urlsplit(given.uri)
    except ValueError:
        return False
    return unquote_to_bytes(parts.path) in paths and parts.query.encode() == query


def _counted(given: Credentials) -> str:
    return f"{given.nc}:{given.cnonce}:{given.qop}"


def _parts(header: str) -> dict[str, str]:
    if len(header) > MOST_CHARACTERS:
        raise DigestUnreadable("it is too long")
    parts: dict[str, str] = {}
    at = 0
    while at < len(header):
        found = _PART.match(header, at)
        if found is None or found[1].lower() in parts or len(parts) == MOST_PARTS:
            raise DigestUnreadable("it is not a list of names and values, each once")
        parts[found[1].lower()] = found[3] if found[2] is None else re.sub(r"\\(.)", r"\1", found[2], flags=re.DOTALL)
        at = found.end()
    return parts


def _username(parts: dict[str, str]) -> str:
    """The plain form, or the one for names that are not ASCII."""
    plain, extended = parts.get("username"), parts.get("username*")
    if (plain is None) == (extended is None):
        raise DigestUnreadable("it names no user, or two")
    if plain is not None:
        return plain
    charset, _, rest = (extended or "").partition("'")
    try:
        name = unquote(rest.partition("'")[2], errors="strict")
    except UnicodeDecodeError:
        name = ""
    if charset.lower() != "utf-8" or not name:
        raise DigestUnreadable("the user's name is not UTF-8")
    return name


def _new_nonce(key: bytes, now: datetime) -> str:
    made = f"{int(now.timestamp()):08x}-{secrets.token_hex(8)}"
    return f"{made}-{_seal(key, made)}"


def _seal(key: bytes, made: str) -> str:
    return hmac.digest(key, f"nonce:{made}".encode(), "sha256").hex()


def _is_young(nonce: str, key: bytes, now: datetime) -> bool:
    found = _NONCE.fullmatch(nonce)
    if found is None or not hmac.compare_digest(_seal(key, f"{found[1]}-{found[2]}"), found[3]):
        return False
    age = timedelta(seconds=int(now.timestamp()) - int(found[1], 16))
    return -CLOCKS_DIFFER_BY <= age <= NONCE_VALID_FOR
