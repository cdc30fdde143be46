"""The signature, against vectors that other implementations accepted."""

from datetime import UTC, datetime, timedelta

import pytest

from sandbox import Sandbox, signing
from tests.sandbox.receiver import PATH, application, connect, replies

SECRET = "AAECAwQFBgcICQoLDA0ODw=="
CALL_ID = "7d1f6a2c-9b3e-4c58-8a70-2f5e6d9c1b04"
KEY = "3f2b8c1e-7a54-4d0b-9c6e-51d2a7f0e8b4"
NOW = datetime(2026, 3, 2, 8, 15, 30, 123456, tzinfo=UTC)

ICE = (
    f'{{"event":"ice","callid":"{CALL_ID}","callResourceUrl":"https://calling-euc1.api.sinch.com/calling/v1/'
    f'calls/id/{CALL_ID}","timestamp":"2026-03-02T08:15:30Z","version":1,"userRate":{{"currencyId":"USD",'
    '"amount":0.0},"cli":"46701234567","to":{"type":"did","endpoint":"+46812345678"},"domain":"pstn",'
    f'"applicationKey":"{KEY}","originationType":"PSTN","rdnis":""}}'
)
DICE = (
    f'{{"event":"dice","callid":"{CALL_ID}","timestamp":"2026-03-02T08:19:02Z","reason":"CALLERHANGUP",'
    '"result":"ANSWERED","version":1,"custom":"kund-åäö","user":"alice","debit":{"currencyId":"USD",'
    '"amount":0.1476},"userRate":{"currencyId":"USD","amount":0.0369},"to":{"type":"number",'
    f'"endpoint":"+46709876543"}},"applicationKey":"{KEY}","duration":212,"from":"+46701234567"}}'
)
ACE = (
    '{"event":"ace","callid":"822aa4b7-05b4-4d83-87c7-1f835ee0b6f6_257","timestamp":"2014-09-24T10:59:41Z","version":1}'
)


@pytest.mark.parametrize(
    ("secret", "method", "path", "body", "content_type", "timestamp", "expected"),
    [
        pytest.param(
            SECRET,
            "POST",
            "/hooks/sinch/voice",
            ICE,
            "application/json; charset=utf-8",
            "2026-03-02T08:15:30.1234567Z",
            "AVdRq5tLDAciuL7YLQsQx+DkJqrWET6bSGkLa6RzvQw=",
            id="A: a charset in the type and seven digits of a second",
        ),
        pytest.param(
            SECRET,
            "POST",
            "/hooks/sinch/voice",
            DICE,
            "application/json",
            "2026-03-02T08:19:02Z",
            "DwVwJoOt9/Xtj2O8oJw4lzgjacL2vWUZ8NldMLHMaFk=",
            id="B: a body beyond ASCII",
        ),
        pytest.param(
            SECRET,
            "POST",
            "/hooks/sinch/voice",
            "",
            "application/json",
            "2026-03-02T08:19:02Z",
            "5THk5WS65wLHFoL+Y+YsSgtQoSORvuzDaxY+rs6x7D4=",
            id="C: no body",
        ),
        pytest.param(
            SECRET,
            "get",
            f"/calling/v1/calls/id/{CALL_ID}",
            "",
            "application/json",
            "2026-03-02T08:20:00.000Z",
            "x+fnlxwW7bDGsUwLg/d6VH/LTTPVYypE6MFHhriK/e8=",
            id="D: a request to the platform",
        ),
        pytest.param(
            "BeIukql3pTKJ8RGL5zo0DA==",
            "POST",
            "/sinch/callback/ace",
            ACE,
            "application/json",
            "2014-09-24T10:59:41Z",
            "Tg6fMyo8mj9pYfWQ9ssbx3Tc1BNC87IEygAfLbJqZb4=",
            id="published by the vendor",
        ),
    ],
)
def test_the_signature_agrees_with_the_published_vectors(secret, method, path, body, content_type, timestamp, expected):
    text = signing.string_to_sign(
        method=method, path=path, body=body.encode(), content_type=content_type, timestamp=timestamp
    )

    assert signing.signature(secret, text) == expected


def test_the_digest_of_a_body_agrees_with_the_published_vectors():
    assert signing.content_md5(ICE.encode()) == "ebhju2KQdHJGN6td3AiHAA=="
    assert signing.content_md5(DICE.encode()) == "UmFcLTGZlmZQ9YlZtBKisg=="


def test_a_callback_is_signed_over_the_bytes_and_the_path_that_arrive():
    with application(replies(ice=connect(maxDuration=60))) as app:
        platform = Sandbox(target=app.url, key=KEY, secret=SECRET, wall_clock=lambda: NOW)
        platform.app_to_phone(user="alice", to="+12025550123")
        platform.run()

    assert app.names == ["ice", "ace", "dice"]
    for received in app.received:
        assert received.path == PATH
        assert received.headers["x-timestamp"] == "2026-03-02T08:15:30.1234560Z"
        assert received.headers["content-type"] == "application/json; charset=utf-8"
        text = signing.string_to_sign(
            method="POST",
            path=PATH,
            body=received.body,
            content_type=received.headers["content-type"],
            timestamp=received.headers["x-timestamp"],
        )
        expected = f"application {KEY}:{signing.signature(SECRET, text)}"
        assert received.headers["authorization"] == expected


@pytest.mark.parametrize(
    "timestamp",
    [
        "2026-03-02T08:15:30Z",
        "2026-03-02T08:15:30.1234567Z",
        "2026-03-02T08:15:30",
        "2026-03-02T09:15:30+01:00",
    ],
)
def test_a_time_is_fresh_in_every_spelling_for_five_minutes(timestamp):
    signed_at = datetime(2026, 3, 2, 8, 15, 30, tzinfo=UTC)

    assert signing.is_fresh(timestamp, signed_at + timedelta(seconds=300))
    assert not signing.is_fresh(timestamp, signed_at + timedelta(seconds=302))
    assert not signing.is_fresh(timestamp, signed_at - timedelta(seconds=302))


@pytest.mark.parametrize("timestamp", ["", "yesterday", "2026-13-02T08:15:30Z"])
def test_a_time_nobody_can_read_is_not_fresh(timestamp):
    assert not signing.is_fresh(timestamp, NOW)


def test_a_secret_that_cannot_sign_is_refused_at_once():
    with pytest.raises(ValueError, match="secret is not base64"):
        Sandbox(target="http://127.0.0.1:1/", secret="not base64!")
