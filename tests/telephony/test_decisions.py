"""A decision survives being kept in the inbox, so that a replay gets the same answer."""

from __future__ import annotations

import json

import pytest

from telephony.decisions import (
    Acknowledge,
    Connect,
    ConnectUser,
    Continue,
    Decision,
    Reason,
    read_decision,
    write_decision,
)
from telephony.prompts import refusal

DECISIONS: list[Decision] = [
    Connect(number="+442079460000", limit_seconds=720, caller_id=None),
    Connect(number="+442079460000", limit_seconds=720, caller_id="+447700900123", dial_timeout_seconds=45),
    ConnectUser(user="bob \N{SNOWMAN}"),
    Continue(),
    Acknowledge(),
    *(refusal(reason, "0.06 USD needed.") for reason in Reason),
]


@pytest.mark.parametrize("decision", DECISIONS, ids=str)
def test_a_decision_survives_json_unchanged(decision: Decision) -> None:
    read = read_decision(json.loads(json.dumps(write_decision(decision))))
    assert read == decision
    assert type(read) is type(decision)


def test_every_kind_of_decision_is_tried_here() -> None:
    assert {type(decision) for decision in DECISIONS} == set(Decision.__args__)


def test_a_decision_nobody_wrote_is_not_guessed_at() -> None:
    with pytest.raises(KeyError):
        read_decision({"decision": "park"})


def test_reading_does_not_use_up_what_was_stored() -> None:
    stored = write_decision(Continue())
    assert read_decision(stored) == read_decision(stored)
