"""A request that was overheard comes again at the same moment, on connections of their own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from softphone import nonces, salted
from softphone.claims import RequestFacts
from softphone.models import Line, UsedNonce
from softphone.proof import prove
from softphone.sentences import Refused, Sentence
from tests.builders import an_account
from tests.races.crowd import Crowd
from tests.softphone.scenes import a_line, a_softphone

pytestmark = pytest.mark.django_db(transaction=True)

NONCE = "d41f9b7a2c"
FACTS = RequestFacts(method="GET", paths=(), query=b"", authorization="", address="192.0.2.7", secure=False)


def proving(line: Line, nonce: str) -> Callable[[], object]:
    """Prove it with this nonce: the line, or why not."""
    name, secret = line.client_user.name, line.secret
    hashed = salted.salted_sha1(line.softphone.salted_order, username=name, nonce=nonce, secret=secret)

    def prove_it() -> object:
        try:
            return prove(line.softphone, FACTS, {"username": name, "hash": hashed, "nonce": nonce}, timezone.now())
        except Refused as refused:
            return refused.sentence

    return prove_it


def test_of_twelve_equal_requests_at_once_one_is_let_in(db: None, crowd: Crowd) -> None:
    softphone = a_softphone(proofs=["salted"])
    ana, bob = (a_line(an_account(), name=name, softphone=softphone) for name in ("ana", "bob"))
    came = crowd.at_once([proving(ana, NONCE)] * 12 + [proving(bob, NONCE)])
    assert (came.count(ana), came.count(bob), came.count(Sentence.NONCE_REPLAYED)) == (1, 1, 11)
    nonces.forget_old(timezone.now() + timedelta(hours=25))
    assert not UsedNonce.objects.exists()
