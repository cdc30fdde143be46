"""Who may ask: each way to prove a line, and what nobody learns by guessing."""

from __future__ import annotations

import base64
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.cache import cache, caches
from django.db import connection
from django.test.utils import CaptureQueriesContext

from postgres import encrypted
from softphone import attempts, lines, nonces, proof, salted
from softphone.claims import RequestFacts
from softphone.models import Line, Softphone, UsedNonce
from softphone.proof import prove
from softphone.sentences import Refused, Sentence
from tests.builders import an_account
from tests.softphone.scenes import a_line, a_softphone
from tests.softphone.test_digest import answered, answers

NOW = datetime(2026, 1, 5, 10, 0, tzinfo=UTC)
NONCE = "d41f9b7a2c"
EVERY_PROOF = list(Softphone.Proof.values)
PLAIN = RequestFacts(
    method="GET", paths=(b"/acrobits/rate/",), query=b"u=ana", authorization="", address="192.0.2.7", secure=False
)
SECURE = replace(PLAIN, secure=True)


@pytest.fixture
def softphone(db: None) -> Softphone:
    return a_softphone("lusitel", proofs=EVERY_PROOF)


@pytest.fixture
def ana(softphone: Softphone) -> Line:
    return a_line(an_account(), name="ana", softphone=softphone)


def refused(
    softphone: Softphone,
    facts: RequestFacts = PLAIN,
    *,
    now: datetime = NOW,
    accepted: tuple[str, ...] = (),
    **parameters: str,
) -> Refused:
    with pytest.raises(Refused) as caught:
        prove(softphone, facts, parameters, now, accepted=accepted)
    return caught.value


def accepts(line: Line, facts: RequestFacts = PLAIN, *, now: datetime = NOW, **parameters: str) -> bool:
    return prove(line.softphone, facts, parameters, now) == line


def basic(name: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


def salted_hash(line: Line, nonce: str = NONCE, order: str = "{nonce}{secret}") -> str:
    return salted.salted_sha1(order, username=line.client_user.name, nonce=nonce, secret=line.secret)


def test_each_proof_proves_the_line(ana: Line) -> None:
    assert accepts(ana, username="ana", token=ana.token)
    assert accepts(ana, SECURE, username="ana", password=ana.secret)
    assert accepts(ana, username="ana", hash=salted.sha1(ana.secret))
    assert accepts(ana, username="ana", hash=salted.sha1(ana.secret).upper())
    assert accepts(ana, username="ana", hash=salted_hash(ana), nonce=NONCE)
    assert accepts(ana, replace(SECURE, authorization=f"Bearer {ana.token}"), username="ana")
    assert accepts(ana, replace(SECURE, authorization=basic("ana", ana.secret)))
    assert accepts(ana, replace(SECURE, authorization=basic("ana", ana.secret)), username="ana")


@pytest.mark.parametrize("wrong", ["", "x", "é", "ana"])
def test_a_wrong_proof_of_each_kind_is_refused_in_the_same_words(ana: Line, wrong: str) -> None:
    bearer = replace(SECURE, authorization=f"Bearer {wrong or 'x'}")
    for facts, parameters in [
        (PLAIN, {"token": wrong or ana.secret}),
        (SECURE, {"password": wrong or ana.token}),
        (PLAIN, {"hash": wrong or ana.secret}),
        (PLAIN, {"hash": wrong or salted.sha1(ana.secret), "nonce": NONCE}),
        (bearer, {}),
        (replace(SECURE, authorization=basic("ana", wrong or ana.token)), {}),
    ]:
        caches[attempts.STORE].clear()
        assert refused(ana.softphone, facts, username="ana", **parameters).sentence is Sentence.NOT_PROVED


def test_an_unknown_user_a_revoked_line_and_a_wrong_token_look_alike(ana: Line) -> None:
    gone = a_line(ana.client_user.account, name="gone", softphone=ana.softphone)
    token, secret = gone.token, gone.secret
    lines.revoke(gone)
    elsewhere = a_line(ana.client_user.account, name="other", softphone=a_softphone("another"))
    answers = [
        refused(ana.softphone, username="ana", token="wrong"),
        refused(ana.softphone, username="nobody", token="wrong"),
        refused(ana.softphone, username="gone", token=token),
        refused(ana.softphone, SECURE, username="gone", password=secret),
        refused(ana.softphone, username="other", token=elsewhere.token),
    ]
    assert {(each.sentence, each.status, each.message("en"), str(each.headers)) for each in answers} == {
        (Sentence.NOT_PROVED, 401, "The user name or its proof is wrong: check both, or ask your operator.", "{}")
    }


def test_a_revoked_line_proves_nothing_whatever_it_still_knows(ana: Line) -> None:
    Line.objects.filter(pk=ana.pk).update(revoked_at=NOW)
    assert refused(ana.softphone, username="ana", token=ana.token).sentence is Sentence.NOT_PROVED


def test_a_known_and_an_unknown_user_cost_the_same_work(ana: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    done: Counter[str] = Counter()

    def counted(what: str, real: Callable[[str], str]) -> Callable[[str], str]:
        def count(text: str) -> str:
            done[what] += 1
            return real(text)

        return count

    for module in (proof, encrypted):  # a known user's secrets are decrypted by the column, nobody's by the proof
        monkeypatch.setattr(module, "decrypted", counted("decrypted", encrypted.decrypted))
    monkeypatch.setattr(salted, "sha1", counted("hashed", salted.sha1))
    refused(ana.softphone, username="nobody", hash="0" * 40)  # what nobody has is made once in each process
    for name in ("ana", "nobody"):
        done.clear()
        with CaptureQueriesContext(connection) as queries:
            assert refused(ana.softphone, username=name, hash="0" * 40).sentence is Sentence.NOT_PROVED
        assert (done, len(queries)) == ({"decrypted": 3, "hashed": 1}, 1)


def test_the_line_comes_with_all_that_a_service_asks_of_it(ana: Line, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        line = prove(ana.softphone, PLAIN, {"username": "ana", "token": ana.token}, NOW)
        assert line.client_user.account.name
        assert line.softphone.name == "lusitel"


def test_no_proof_at_all_is_said(ana: Line) -> None:
    bare = refused(ana.softphone, username="ana")
    assert (bare.sentence, bare.status) == (Sentence.NO_PROOF, 401)
    assert re.fullmatch(r'Digest realm="lusitel", qop="auth", .*', bare.headers["WWW-Authenticate"])
    assert refused(ana.softphone, username="ana", token="", hash="", password="").sentence is Sentence.NO_PROOF
    assert refused(ana.softphone, replace(PLAIN, authorization="Negotiate x")).sentence is Sentence.NO_PROOF
    assert refused(ana.softphone, replace(PLAIN, authorization="Digest x")).sentence is Sentence.NO_PROOF
    assert refused(ana.softphone, replace(PLAIN, authorization="Basic ???")).sentence is Sentence.NO_PROOF
    assert refused(ana.softphone, token="x").figures == {"parameter": "username"}


def test_only_what_the_operator_takes_is_taken(ana: Line) -> None:
    good = {"token": ana.token, "password": ana.secret, "hash": salted.sha1(ana.secret)}
    for kind, name in [("token", "token"), ("password", "password"), ("sha1", "hash")]:
        ana.softphone.proofs = [kind]
        for given, value in good.items():
            if given == name:
                assert accepts(ana, SECURE, username="ana", **{given: value})
            else:
                assert refused(ana.softphone, SECURE, username="ana", **{given: value}).sentence is Sentence.NO_PROOF
    ana.softphone.proofs = []
    assert refused(ana.softphone, username="ana", token=ana.token).sentence is Sentence.NO_PROOF


def test_a_service_may_take_other_proofs_than_the_app(ana: Line) -> None:
    ana.softphone.proofs = ["token"]
    parameters = {"username": "ana", "password": ana.secret}
    assert prove(ana.softphone, SECURE, parameters, NOW, accepted=("password",)) == ana
    assert refused(ana.softphone, accepted=("password",), username="ana", token=ana.token).sentence is Sentence.NO_PROOF


def test_an_empty_secret_proves_nothing(ana: Line) -> None:
    Line.objects.filter(pk=ana.pk).update(token="")
    bearer = replace(SECURE, authorization="Bearer ")
    assert refused(ana.softphone, bearer, username="ana", token="").sentence is Sentence.NO_PROOF


@pytest.mark.parametrize("password", ["********", "the right one"])
def test_a_password_over_http_is_told_so_and_never_looked_at(ana: Line, password: str) -> None:
    password = ana.secret if password == "the right one" else password
    assert refused(ana.softphone, username="ana", password=password).sentence is Sentence.PASSWORD_OVER_HTTP
    for header in (basic("ana", password), f"Bearer {ana.token}"):
        facts = replace(PLAIN, authorization=header)
        assert refused(ana.softphone, facts, username="ana").sentence is Sentence.PASSWORD_OVER_HTTP


def test_a_masked_password_beside_a_good_hash_does_no_harm(ana: Line) -> None:
    assert accepts(ana, username="ana", password="********", hash=salted.sha1(ana.secret))


def test_two_names_in_one_request_contradict_each_other(ana: Line) -> None:
    facts = replace(SECURE, authorization=basic("bob", "x"))
    assert refused(ana.softphone, facts, username="ana").sentence is Sentence.CONTRADICTING


@pytest.mark.parametrize("name", ["a\x00b", "a\nb", "a" * 2_001])
def test_a_name_in_a_header_is_looked_at_like_any_other(softphone: Softphone, name: str) -> None:
    facts = replace(SECURE, authorization=basic(name, "x"))
    assert refused(softphone, facts).sentence in {Sentence.CONTROL_CHARACTERS, Sentence.TOO_LONG}
    assert refused(softphone, replace(SECURE, authorization="Basic " + "A" * 4_097)).sentence is Sentence.TOO_LONG


# --- nonces -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("nonce", ["", "short", "with blank", "x" * 129])
def test_a_nonce_that_cannot_be_used_is_refused(ana: Line, nonce: str) -> None:
    ana.softphone.proofs = ["salted"]
    answer = refused(ana.softphone, username="ana", hash=salted_hash(ana, nonce), nonce=nonce)
    assert (answer.sentence, answer.status) == (Sentence.NONCE_UNUSABLE, 400)


def test_the_operators_order_counts(ana: Line) -> None:
    order = "{username}{nonce}{secret}"
    ana.softphone.salted_order = order
    assert accepts(ana, username="ana", hash=salted_hash(ana, order=order), nonce=NONCE)
    assert refused(ana.softphone, username="ana", hash=salted_hash(ana), nonce=NONCE).sentence is Sentence.NOT_PROVED


def test_a_nonce_is_good_once(ana: Line) -> None:
    good = {"username": "ana", "hash": salted_hash(ana), "nonce": NONCE}
    assert accepts(ana, **good)
    for later in (timedelta(0), timedelta(hours=23)):
        again = refused(ana.softphone, now=NOW + later, **good)
        assert (again.sentence, again.status) == (Sentence.NONCE_REPLAYED, 409)
    assert accepts(ana, username="ana", hash=salted_hash(ana, "another-nonce"), nonce="another-nonce")


def test_the_same_nonce_of_another_line_is_another_nonce(ana: Line) -> None:
    bob = a_line(ana.client_user.account, name="bob", softphone=ana.softphone)
    assert accepts(ana, username="ana", hash=salted_hash(ana), nonce=NONCE)
    assert accepts(bob, username="bob", hash=salted_hash(bob), nonce=NONCE)


def test_a_stranger_fills_no_table(ana: Line) -> None:
    refused(ana.softphone, username="ana", hash="0" * 40, nonce=NONCE)
    refused(ana.softphone, username="nobody", hash=salted_hash(ana), nonce=NONCE)
    assert not UsedNonce.objects.exists()
    assert accepts(ana, username="ana", hash=salted_hash(ana), nonce=NONCE)


def test_a_nonce_is_forgotten_after_a_day(ana: Line) -> None:
    assert accepts(ana, username="ana", hash=salted_hash(ana), nonce=NONCE)
    nonces.forget_old(NOW + timedelta(days=1))
    assert UsedNonce.objects.count() == 1
    nonces.forget_old(NOW + timedelta(days=1, seconds=1))
    assert not UsedNonce.objects.exists()


# --- Digest -----------------------------------------------------------------------------------------------------------


def challenged(softphone: Softphone, now: datetime = NOW, **parameters: str) -> str:
    return refused(softphone, now=now, **parameters).headers["WWW-Authenticate"]


def test_an_app_that_is_challenged_answers_and_is_let_in(ana: Line) -> None:
    first, second = answers(challenged(ana.softphone), 2, secret=ana.secret)
    assert accepts(ana, replace(PLAIN, authorization=f"Digest {first}"))
    again = refused(ana.softphone, replace(PLAIN, authorization=f"Digest {first}"))
    assert again.sentence is Sentence.NONCE_REPLAYED
    assert accepts(ana, replace(PLAIN, authorization=f"digest {second}"), username="ana")


def test_a_right_answer_that_is_late_may_try_again(ana: Line) -> None:
    answer = "Digest " + answered(challenged(ana.softphone), secret=ana.secret)
    late = refused(ana.softphone, replace(PLAIN, authorization=answer), now=NOW + timedelta(minutes=6))
    assert (late.sentence, late.status) == (Sentence.TRY_AGAIN, 401)
    assert late.headers["WWW-Authenticate"].endswith("stale=true")
    assert not UsedNonce.objects.exists()


def test_an_answer_for_another_address_or_another_user_is_wrong(ana: Line) -> None:
    header = challenged(ana.softphone)
    answer = "Digest " + answered(header, secret=ana.secret)
    for facts in (
        replace(PLAIN, authorization=answer, query=b"u=ana&to=1"),
        replace(PLAIN, authorization=answer, paths=(b"/acrobits/callthrough/",)),
        replace(PLAIN, authorization=answer, method="POST"),
        replace(PLAIN, authorization="Digest " + answered(header, secret="wrong")),
        replace(PLAIN, authorization=answer.replace('"ana"', '"nobody"')),
    ):
        answer_ = refused(ana.softphone, facts)
        assert answer_.sentence is Sentence.NOT_PROVED
        assert "stale" not in answer_.headers["WWW-Authenticate"]


def test_nobody_is_challenged_who_sent_something_else_or_where_digest_is_not_taken(ana: Line) -> None:
    assert refused(ana.softphone, username="ana", token="wrong").headers == {}
    ana.softphone.proofs = ["digest"]
    assert refused(ana.softphone, username="ana", token=ana.token).headers == {}
    ana.softphone.proofs = ["token"]
    assert refused(ana.softphone, username="ana").headers == {}


# --- too many ---------------------------------------------------------------------------------------------------------


def tried_wrongly(softphone: Softphone, times: int, facts: RequestFacts = PLAIN, name: str | None = None) -> None:
    """So many wrong proofs, for one name or for a new one each time."""
    for number in range(times):
        answer = refused(softphone, facts, username=name or f"user{number}", token="wrong")
        assert answer.sentence is Sentence.NOT_PROVED


def test_many_wrong_proofs_in_a_minute_close_the_door_to_a_network(ana: Line) -> None:
    tried_wrongly(ana.softphone, attempts.MOST_WRONG_OF_A_NETWORK - 1)
    assert accepts(ana, username="ana", token=ana.token)
    tried_wrongly(ana.softphone, 1)
    closed = refused(ana.softphone, now=NOW + timedelta(seconds=15), username="ana", token=ana.token)
    assert (closed.sentence, closed.status, closed.headers) == (Sentence.RATE_LIMITED, 429, {"Retry-After": "45"})
    assert accepts(ana, replace(PLAIN, address="192.0.2.8"), username="ana", token=ana.token)
    assert accepts(ana, now=NOW + timedelta(seconds=60), username="ana", token=ana.token)


@pytest.mark.parametrize("name", ["ana", "nobody"])
def test_ten_wrong_proofs_for_a_user_known_or_not_close_the_door_to_that_user_from_there(ana: Line, name: str) -> None:
    bob = a_line(ana.client_user.account, name="bob", softphone=ana.softphone)
    tried_wrongly(ana.softphone, attempts.MOST_WRONG_OF_A_USER, name=name)
    assert refused(ana.softphone, username=name, token=ana.token).sentence is Sentence.RATE_LIMITED
    assert accepts(bob, username="bob", token=bob.token)


def test_nobody_is_locked_out_by_strangers_who_know_the_name(ana: Line) -> None:
    for number in range(attempts.MOST_WRONG_OF_A_NETWORK + 1):
        tried_wrongly(ana.softphone, 1, replace(PLAIN, address=f"203.0.113.{number}"), name="ana")
    assert accepts(ana, username="ana", token=ana.token)


def test_a_flood_of_names_makes_the_sign_in_page_forget_nothing(ana: Line) -> None:
    cache.set("wrong-passwords", 5)
    for network in range(10):
        facts = replace(PLAIN, address=f"203.0.113.{network}")
        tried_wrongly(ana.softphone, attempts.MOST_WRONG_OF_A_NETWORK, facts)
    assert cache.get("wrong-passwords") == 5


def test_an_ipv6_network_is_one_address(ana: Line) -> None:
    for number in range(attempts.MOST_WRONG_OF_A_NETWORK):
        refused(ana.softphone, replace(PLAIN, address=f"2001:db8::{number}"), username=f"u{number}", token="wrong")
    facts = replace(PLAIN, address="2001:db8::ffff")
    assert refused(ana.softphone, facts, username="ana", token=ana.token).sentence is Sentence.RATE_LIMITED
    assert accepts(ana, replace(PLAIN, address="2001:db8:0:1::1"), username="ana", token=ana.token)


def test_right_proofs_and_requests_without_any_are_not_counted(ana: Line) -> None:
    for _ in range(attempts.MOST_WRONG_OF_A_NETWORK + 2):
        assert accepts(ana, username="ana", token=ana.token)
        refused(ana.softphone, username="ana")
    assert accepts(ana, username="ana", token=ana.token)
