"""Who asks: the line that a user name claims, and whether the request proves it.

Whether a user is there, has a line or had one cannot be learned: an unknown name costs what a known one costs and is
refused in the same words as a wrong proof. A nonce is written down only when the proof was right, so that strangers
fill no table.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Collection, Mapping
from datetime import datetime
from functools import cache

from django.conf import settings

from postgres.encrypted import EncryptedTextField, decrypted
from softphone import attempts, digest, nonces, salted
from softphone.claims import Claim, Offer, Proof, RequestFacts, read_claim
from softphone.known import find_line
from softphone.models import Line, Softphone
from softphone.sentences import Refused, Sentence


def prove(
    softphone: Softphone,
    facts: RequestFacts,
    parameters: Mapping[str, str],
    now: datetime,
    *,
    accepted: Collection[str] = (),
) -> Line:
    """The line that the request proves, with client user, account and softphone. Raises Refused.

    `accepted` are the kinds of proof that are taken; empty: those of the softphone.
    """
    kinds = frozenset(accepted or softphone.proofs)
    claim = read_claim(kinds, facts, parameters, _challenge(softphone, now) if Proof.DIGEST in kinds else "")
    attempts.check(facts.address, claim.username, now)
    line = find_line(softphone, claim.username)
    verdict = _judge(softphone, claim, line, facts, now)
    if line is None or line.revoked_at is not None or verdict is digest.Verdict.WRONG:
        attempts.count_wrong(facts.address, claim.username, now)
        raise Refused(Sentence.NOT_PROVED, headers=_asking_again(softphone, claim.offer, now))
    if verdict is digest.Verdict.STALE:
        raise Refused(Sentence.TRY_AGAIN, headers=_asking_again(softphone, claim.offer, now, stale=True))
    used = claim.offer.answer.use if claim.offer.answer else claim.offer.nonce
    if used and not nonces.use(line, used, now):
        raise Refused(Sentence.NONCE_REPLAYED)
    return line


def _judge(softphone: Softphone, claim: Claim, line: Line | None, facts: RequestFacts, now: datetime) -> digest.Verdict:
    """What the offer is worth for this line. Without one it is compared with what nobody knows, which takes as long."""
    secret, token = (line.secret, line.token) if line else _nobodys()
    offer = claim.offer
    if offer.answer is not None:
        if not digest.is_for(offer.answer, paths=facts.paths, query=facts.query):
            return digest.Verdict.WRONG
        realm, key = softphone.name, _digest_key()
        return digest.judge(offer.answer, secret=secret, realm=realm, method=facts.method, key=key, now=now)
    if offer.proof is Proof.SALTED:
        order = softphone.salted_order
        computed = salted.salted_sha1(order, username=claim.username, nonce=offer.nonce, secret=secret)
        is_right = salted.same_hash(offer.value, computed)
    elif offer.proof is Proof.SHA1:
        is_right = salted.same_hash(offer.value, salted.sha1(secret))
    else:
        is_right = hmac.compare_digest(offer.value.encode(), (token if offer.proof is Proof.TOKEN else secret).encode())
    return digest.Verdict.RIGHT if is_right else digest.Verdict.WRONG


def _nobodys() -> tuple[str, str]:
    """A secret and a token that nobody has, decrypted as those of a line are."""
    secret, token, _ = (decrypted(stored) for stored in _kept_for_nobody())
    return secret, token


@cache
def _kept_for_nobody() -> tuple[str, str, str]:
    """As a line keeps its secret, token and PIN; made anew in each process."""
    kept = EncryptedTextField().get_prep_value
    return kept(secrets.token_urlsafe()), kept(secrets.token_urlsafe()), kept(secrets.token_urlsafe())


def _asking_again(softphone: Softphone, offer: Offer, now: datetime, *, stale: bool = False) -> dict[str, str]:
    return {"WWW-Authenticate": _challenge(softphone, now, stale=stale)} if offer.answer else {}


def _challenge(softphone: Softphone, now: datetime, *, stale: bool = False) -> str:
    return digest.challenge(softphone.name, key=_digest_key(), now=now, stale=stale)


def _digest_key() -> bytes:
    return hmac.digest(settings.SECRET_KEY.encode(), b"softphone digest", "sha256")
