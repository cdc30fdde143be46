"""Whatever comes to whichever of our addresses: an event, an answer, or one of two refusals. Never an error."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telephony.events import EventKind
from telephony.providers.base import Callback, CallbackRefused, CallbackUnreadable
from telephony.providers.sift.provider import Sift
from tests.telephony.providers.contract import DECISIONS, Keys
from tests.telephony.providers.sift.samples import (
    BASE,
    CALL_ID,
    CREDENTIALS,
    KEY,
    SAMPLES,
    TOKEN,
    TOPICS,
    TURN,
    changed,
)

NOW = datetime(2026, 3, 2, 8, 15, 30, tzinfo=UTC)
SIFT = Sift()
ONE_OF_EACH = list({type(decision): decision for decision in reversed(DECISIONS)}.values())
KEYS = Keys(SIFT, CREDENTIALS, tokens={TOKEN: CREDENTIALS})

texts = st.text(max_size=40) | st.sampled_from(
    [CALL_ID, KEY, "connected", "finished", "failed", "conversation_ended", "webrtc:alice", "+12025550123", "1", "",
     "2026-03-02T08:15:30Z", "0001-01-01T00:00:00+14:00", "\x00", "\ud800", "x" * 5_000]
)  # fmt: skip
scalars = st.none() | st.booleans() | st.integers() | st.floats() | texts
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4), max_leaves=12
)
names = st.sampled_from(
    ["account_id", "connection", "connection_id", "status", "digits", "event_type", "from", "to", "start_time",
     "end_time", "client_data", "phone_number", "client_name", "direction"]
) | texts  # fmt: skip
objects = st.dictionaries(names, values | st.dictionaries(names, values, max_size=8), max_size=6)
# A sample in which something was replaced comes further than what is made up.
spoiled = st.builds(
    lambda name, spoiled, inside: json.dumps(
        changed(name, **spoiled)
        if not inside
        else changed(name, connection=changed(name).get("connection", {}) | inside)
    ).encode(),
    st.sampled_from(SAMPLES),
    st.dictionaries(names.filter(str.isidentifier), values, max_size=2),
    st.dictionaries(names, values, max_size=3),
)
bodies = spoiled | objects.map(lambda made: json.dumps(made).encode()) | st.binary(max_size=200)
topics = st.sampled_from([*TOPICS.values(), "status", f"done/welcome.2.2.{TURN}"]) | st.builds(
    "{}/{}".format, st.sampled_from(["incoming", "status", "done", "event", "x"]), texts
)
headers = st.fixed_dictionaries({"content-type": texts, "authorization": texts | texts.map("Basic {}".format)})


@settings(max_examples=150)
@given(body=bodies, topic=topics, headers=headers, base=st.sampled_from([BASE, "", "nowhere"]) | texts)
def test_no_body_and_no_address_is_an_error(body: bytes, topic: str, headers: dict[str, str], base: str) -> None:
    callback = Callback(method="POST", path="", headers=headers, body=body, token=TOKEN, topic=topic, base=base)
    try:
        verified = SIFT.verify(callback, KEYS, NOW)
        (event,) = SIFT.parse(callback, verified)
    except (CallbackRefused, CallbackUnreadable):
        return
    # What is kept can be kept: PostgreSQL takes neither NUL nor half a character.
    for kept in (event.call_id, event.custom, event.step, event.client_user, event.application_key, *event.oddities):
        assert "\0" not in kept
        kept.encode()
    assert len(event.call_id) <= 64
    assert event.call_id or event.oddities or event.kind is EventKind.UNKNOWN
    for decision in ONE_OF_EACH:
        reply = SIFT.render(decision, event)
        assert reply.status == 200
        assert bool(reply.body) or event.kind is not EventKind.INCOMING


@settings(max_examples=40)
@given(body=bodies, topic=topics, token=texts)
def test_nobody_is_believed_without_the_token(body: bytes, topic: str, token: str) -> None:
    callback = Callback(method="POST", path="", headers={}, body=body, token=token, topic=topic, base=BASE)
    with pytest.raises(CallbackRefused) as refused:
        SIFT.verify(callback, KEYS, NOW)
    assert refused.value.status == 401
