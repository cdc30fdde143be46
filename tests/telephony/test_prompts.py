"""What callers hear and customers read."""

from __future__ import annotations

import pytest

from telephony.decisions import Reason
from telephony.prompts import LOCALE, SPOKEN, WRITTEN, refusal


def test_every_reason_has_a_sentence_to_hear_and_one_to_read() -> None:
    assert set(SPOKEN) == set(WRITTEN) == set(Reason)


@pytest.mark.parametrize("reason", Reason)
def test_a_sentence_begins_with_a_capital_and_ends_with_a_full_stop(reason: Reason) -> None:
    for sentence in (SPOKEN[reason], WRITTEN[reason]):
        assert sentence[0].isupper()
        assert sentence.endswith(".")


@pytest.mark.parametrize("reason", Reason)
def test_what_is_spoken_can_be_spoken(reason: Reason) -> None:
    """A bracket or semicolon would end Sinch's prompt early."""
    assert not set(SPOKEN[reason]) & set("[];#<>\n")


def test_a_refusal_keeps_its_figures_from_the_caller() -> None:
    refused = refusal(Reason.NOT_ENOUGH_CREDIT, "0.06 USD needed, 0.01 USD available.")
    assert refused.detail == "0.06 USD needed, 0.01 USD available."
    assert "0.06" not in refused.say
    assert refused.locale == LOCALE
