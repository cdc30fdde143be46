"""What a request offers as proof of who asks: in its parameters, or in its Authorization header."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass

from softphone import digest, salted
from softphone.models import Softphone
from softphone.reading import check_value
from softphone.sentences import Refused, Sentence

Proof = Softphone.Proof

LONGEST_HEADER = 4_096


@dataclass(frozen=True, kw_only=True)
class RequestFacts:
    """What a proof needs to know of a request beside its parameters.

    `paths` are those by which it may have been asked for, decoded; `query` is as it was sent.
    """

    method: str
    paths: tuple[bytes, ...]
    query: bytes
    authorization: str
    address: str
    secure: bool


@dataclass(frozen=True, kw_only=True)
class Offer:
    """One proof: a token, password or hash in `value`, or the answer to a challenge.

    `in_clear`: whoever can listen on the way has learned the secret itself.
    """

    proof: Proof
    value: str = ""
    nonce: str = ""
    answer: digest.Credentials | None = None
    in_clear: bool = False


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A user name, perhaps nobody's, and what is to prove it."""

    username: str
    offer: Offer


@dataclass(frozen=True, kw_only=True)
class _Header:
    """An Authorization header: the scheme in lower case, the user it names, and what else it says."""

    scheme: str = ""
    username: str = ""
    value: str = ""
    answer: digest.Credentials | None = None


def read_claim(kinds: frozenset[str], facts: RequestFacts, parameters: Mapping[str, str], challenge: str) -> Claim:
    """The best of the offered proofs that are among `kinds`. Raises Refused; with `challenge` where nothing is offered.

    The best is an answer to a challenge, then a token, a hash, a password.
    """
    header = _header(facts.authorization)
    offers = _offers(kinds, header, parameters)
    taken = [offer for offer in offers if offer.proof in kinds]
    if not taken:
        is_asked = bool(challenge) and not offers
        raise Refused(Sentence.NO_PROOF, headers={"WWW-Authenticate": challenge} if is_asked else None)
    offer = taken[0]
    if offer.in_clear and not facts.secure:
        raise Refused(Sentence.PASSWORD_OVER_HTTP)
    if offer.proof is Proof.SALTED and not salted.is_usable_nonce(offer.nonce):
        raise Refused(Sentence.NONCE_UNUSABLE)
    return Claim(username=_username(header, parameters), offer=offer)


def _offers(kinds: frozenset[str], header: _Header, parameters: Mapping[str, str]) -> list[Offer]:
    """Every proof that is there, best first."""
    offers: list[Offer] = []
    if header.answer:
        offers.append(Offer(proof=Proof.DIGEST, answer=header.answer))
    if token := parameters.get("token"):
        offers.append(Offer(proof=Proof.TOKEN, value=token))
    if header.scheme == "bearer" and header.value:
        offers.append(Offer(proof=Proof.TOKEN, value=header.value, in_clear=True))
    if hashed := parameters.get("hash"):
        nonce = parameters.get("nonce", "")
        is_salted = Proof.SALTED in kinds and (bool(nonce) or Proof.SHA1 not in kinds)
        kind = Proof.SALTED if is_salted else Proof.SHA1
        offers.append(Offer(proof=kind, value=hashed, nonce=nonce if is_salted else ""))
    password = parameters.get("password") or (header.value if header.scheme == "basic" else "")
    if password:
        offers.append(Offer(proof=Proof.PASSWORD, value=password, in_clear=True))
    return offers


def _username(header: _Header, parameters: Mapping[str, str]) -> str:
    named = {name for name in (parameters.get("username", ""), header.username) if name}
    if len(named) > 1:
        raise Refused(Sentence.CONTRADICTING)
    if not named:
        raise Refused(Sentence.MISSING, parameter="username")
    return named.pop()


def _header(authorization: str) -> _Header:
    """The header as far as it can be read: what cannot proves nothing. Raises Refused for control characters."""
    scheme, _, rest = authorization.strip().partition(" ")
    scheme, rest = scheme.lower(), rest.strip()
    if len(rest) > LONGEST_HEADER:
        raise Refused(Sentence.TOO_LONG)
    if scheme == "bearer":
        return _Header(scheme=scheme, value=check_value(rest))
    if scheme == "basic":
        return _basic(rest)
    if scheme == "digest":
        return _digest(rest)
    return _Header()


def _basic(encoded: str) -> _Header:
    try:
        username, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return _Header()
    return _Header(scheme="basic", username=check_value(username), value=check_value(password))


def _digest(rest: str) -> _Header:
    try:
        answer = digest.read(rest)
    except digest.DigestUnreadable:
        return _Header()
    return _Header(scheme="digest", username=check_value(answer.username), answer=answer)
