"""Every refusal has its sentence in both languages, and says nothing that it should not."""

from __future__ import annotations

import string
from decimal import Decimal

import pytest

from accounts.limits import VERIFIED, Standing
from billing.rating import PinnedRate, Quote, Terms
from softphone.sentences import ENGLISH, SPANISH, Refused, Sentence, refused_by, say, spoken_language, status_of
from telephony import policy
from telephony.decisions import Reason, Refuse
from telephony.prompts import refusal


def figures_in(text: str) -> list[str]:
    return sorted(name for _, name, _, _ in string.Formatter().parse(text) if name)


@pytest.mark.parametrize("sentence", Sentence)
def test_each_sentence_is_there_in_both_languages_with_the_same_figures(sentence: Sentence) -> None:
    assert figures_in(ENGLISH[sentence]) == figures_in(SPANISH[sentence])
    assert ENGLISH[sentence] != SPANISH[sentence]
    for text in (ENGLISH[sentence], SPANISH[sentence]):
        assert text[0].isupper()
        assert text.endswith(".")
        assert text.replace("{", "").isprintable()
        assert ". " not in text, "more than one sentence"


def test_both_tables_are_whole() -> None:
    assert set(ENGLISH) == set(SPANISH) == set(Sentence)
    assert len(set(ENGLISH.values())) == len(set(SPANISH.values())) == len(Sentence)


@pytest.mark.parametrize("sentence", Sentence)
def test_no_refusal_looks_like_success(sentence: Sentence) -> None:
    assert 400 <= status_of(sentence) < 500 or status_of(sentence) == 503


@pytest.mark.parametrize(
    ("sentence", "status"),
    [
        (Sentence.NOT_JSON, 400),
        (Sentence.DESTINATION_UNREADABLE, 400),
        (Sentence.NOT_PROVED, 401),
        (Sentence.NO_CREDIT, 403),
        (Sentence.DESTINATION_NOT_ALLOWED, 403),
        (Sentence.PASSWORD_OVER_HTTP, 403),
        (Sentence.WRONG_METHOD, 405),
        (Sentence.NONCE_REPLAYED, 409),
        (Sentence.TOO_LARGE, 413),
        (Sentence.RATE_LIMITED, 429),
        (Sentence.TROUBLE, 503),
    ],
)
def test_statuses(sentence: Sentence, status: int) -> None:
    assert Refused(sentence).status == status


def test_the_documents_own_words_are_said() -> None:
    assert say(Sentence.NO_CREDIT, "en") == "Not enough credit for call-through."
    refused = Refused(Sentence.CREDIT_BELOW, available="0.12", needed="0.30", currency="EUR")
    assert refused.message("en") == "Credit 0.12 EUR is below the 0.30 EUR needed for this call."
    assert refused.message("es") == "El saldo de 0.12 EUR no llega a los 0.30 EUR de esta llamada."
    assert refused.message("pt") == refused.message("en")


@pytest.mark.parametrize("reason", Reason)
def test_each_reason_of_a_refused_call_has_a_sentence(reason: Reason) -> None:
    for detail in ("", "12 of something."):
        refused = refused_by(refusal(reason, detail))
        assert refused.message("en") in ENGLISH.values()
        assert refused.message("es") in SPANISH.values()
        assert 400 <= refused.status < 600


def test_a_figure_is_that_of_the_policy() -> None:
    rate = PinnedRate(rate_id=1, prefix="44", destination="UK", terms=Terms(price_per_minute=Decimal("0.30")))
    quote = Quote(wallet_id=1, currency="EUR", available=Decimal("0.123400"), rate=rate)
    standing = Standing(account_id=1, is_active=True, limits=VERIFIED, destination_allowed=True, shown_number=None)
    decided = policy.how_long(standing, quote, open_calls=0)
    assert isinstance(decided, Refuse)
    assert refused_by(decided).message("en") == "Credit 0.1234 EUR is below the 0.30 EUR needed for this call."


@pytest.mark.parametrize(
    ("wishes", "language"),
    [
        ((), "en"),
        (("", "", ""), "en"),
        (("es", "en", "en"), "es"),
        (("es-ES",), "es"),
        (("ES_mx",), "es"),
        (("pt", "es-MX,es;q=0.9,en;q=0.8", "en"), "es"),
        (("", "en;q=0.8,es;q=0.9", "en"), "es"),
        (("", "es;q=0, fr", "en"), "en"),
        (("", "es;q=0.001", "en"), "es"),
        (("", "fr, de;q=0.7", "es"), "es"),
        (("xx", "*", "es"), "es"),
        (("", "es;q=9", "en"), "en"),
        (("", "," * 1_000 + "es", "en"), "en"),
    ],
)
def test_the_language_is_the_first_wish_that_we_speak(wishes: tuple[str, ...], language: str) -> None:
    assert spoken_language(*wishes) == language
