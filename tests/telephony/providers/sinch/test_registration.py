"""The token is what Sinch's apps expect, taken apart here with nothing but HMAC and base64."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import jwt
import pytest

from telephony.providers.sinch.registration import registration_token
from tests.telephony.providers.sinch.samples import KEY, PREVIOUS_SECRET, SECRET

NOW = datetime(2026, 3, 2, 23, 59, 30, 500_000, tzinfo=UTC)
# Decoded by hand: the bytes 0 to 15.
SECRET_BYTES = bytes(range(16))


def decoded(part: str) -> bytes:
    assert "=" not in part
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def parts_of(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    header, claims, _ = token.split(".")
    return json.loads(decoded(header)), json.loads(decoded(claims))


def test_the_token_says_who_at_which_application_and_how_long() -> None:
    registration = registration_token(KEY, SECRET, "alice", NOW, nonce="n-1")
    header, claims = parts_of(registration.token)
    assert header == {"alg": "HS256", "typ": "JWT", "kid": "hkdfv1-20260302"}
    assert claims == {
        "iss": f"//rtc.sinch.com/applications/{KEY}",
        "sub": f"//rtc.sinch.com/applications/{KEY}/users/alice",
        "iat": 1772495970,
        "exp": 1772496570,
        "nonce": "n-1",
    }
    assert registration.expires_at == datetime(2026, 3, 3, 0, 9, 30, tzinfo=UTC)


def test_the_token_is_signed_with_the_key_of_its_day() -> None:
    token = registration_token(KEY, SECRET, "alice", NOW).token
    signed, _, mark = token.rpartition(".")
    day = hmac.new(SECRET_BYTES, b"20260302", hashlib.sha256).digest()
    assert decoded(mark) == hmac.new(day, signed.encode(), hashlib.sha256).digest()
    jwt.decode(token, day, algorithms=["HS256"], options={"verify_exp": False, "verify_iat": False})


@pytest.mark.parametrize("secret", [PREVIOUS_SECRET, "AQECAwQFBgcICQoLDA0ODw=="])
def test_another_secret_makes_another_token(secret: str) -> None:
    tokens = {registration_token(KEY, each, "alice", NOW, nonce="n-1").token for each in (SECRET, secret)}
    assert len(tokens) == 2


def test_the_day_is_that_of_utc() -> None:
    tokyo = timezone(timedelta(hours=9))
    registration = registration_token(KEY, SECRET, "alice", NOW.astimezone(tokyo), nonce="n-1")
    assert registration == registration_token(KEY, SECRET, "alice", NOW, nonce="n-1")
    header, _ = parts_of(registration_token(KEY, SECRET, "alice", NOW + timedelta(minutes=1)).token)
    assert header["kid"] == "hkdfv1-20260303"


def test_no_two_tokens_share_a_nonce() -> None:
    nonces = {parts_of(registration_token(KEY, SECRET, "alice", NOW).token)[1]["nonce"] for _ in range(50)}
    assert len(nonces) == 50
    assert min(map(len, nonces)) >= 22


@pytest.mark.parametrize("seconds", [60, 86_400])
def test_a_token_lives_as_long_as_asked(seconds: int) -> None:
    _, claims = parts_of(registration_token(KEY, SECRET, "alice", NOW, lifetime_seconds=seconds).token)
    assert claims["exp"] - claims["iat"] == seconds


@pytest.mark.parametrize("seconds", [-1, 0, 59, 86_401])
def test_a_token_lives_neither_too_short_nor_too_long(seconds: int) -> None:
    with pytest.raises(ValueError, match="60 to 86400 seconds"):
        registration_token(KEY, SECRET, "alice", NOW, lifetime_seconds=seconds)


@pytest.mark.parametrize("name", ["", "a/b", "../bob", "a\nb", "a\x00", "\ud800", "x" * 129])
def test_a_name_that_would_be_somebody_else_gets_no_token(name: str) -> None:
    with pytest.raises(ValueError, match="cannot stand in a token"):
        registration_token(KEY, SECRET, name, NOW)
    with pytest.raises(ValueError, match="cannot stand in a token"):
        registration_token(name, SECRET, "alice", NOW)


@pytest.mark.parametrize("name", ["alice", "Åsa Öberg", "a.b@example.com", "x" * 128])
def test_other_names_stand_in_the_token_as_they_are(name: str) -> None:
    _, claims = parts_of(registration_token(KEY, SECRET, name, NOW).token)
    assert claims["sub"].endswith(f"/users/{name}")


def test_a_secret_that_is_none_makes_no_token() -> None:
    with pytest.raises(ValueError, match="secret"):
        registration_token(KEY, "", "alice", NOW)


def test_a_token_does_not_show_itself_in_a_log() -> None:
    registration = registration_token(KEY, SECRET, "alice", NOW)
    assert registration.token not in repr(registration)
