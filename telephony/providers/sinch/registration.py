"""The token with which an app registers at Sinch as one of our users: a JWT that only the application's secret makes.

HS256, with a key of its own for each day: HMAC-SHA256 over the day (YYYYMMDD in UTC), keyed with the decoded secret.
The header names the day in `kid`. We know of no bound that Sinch sets; ours is a day, which is as long as a key is
made for.
"""

from __future__ import annotations

import hmac
import secrets
from datetime import UTC, datetime, timedelta

import jwt

from telephony.providers.base import Registration
from telephony.providers.sinch.signing import decode_secret

LIFETIME_SECONDS = 600
SHORTEST_LIFETIME_SECONDS = 60
LONGEST_LIFETIME_SECONDS = 86_400
LONGEST_USER = 128
REALM = "//rtc.sinch.com/applications"


def registration_token(
    key: str,
    secret: str,
    client_user: str,
    now: datetime,
    *,
    lifetime_seconds: int = LIFETIME_SECONDS,
    nonce: str | None = None,
) -> Registration:
    """The token of one user of one application, good from `now` on. `nonce` is made up when not given.

    Raises ValueError when the user or the key cannot stand in a token, the lifetime is not SHORTEST_LIFETIME_SECONDS to
    LONGEST_LIFETIME_SECONDS, or the secret is not base64.
    """
    if not SHORTEST_LIFETIME_SECONDS <= lifetime_seconds <= LONGEST_LIFETIME_SECONDS:
        raise ValueError(f"A token lives {SHORTEST_LIFETIME_SECONDS} to {LONGEST_LIFETIME_SECONDS} seconds.")
    if not _is_segment(key) or not _is_segment(client_user):
        raise ValueError("The user's name or the application's key cannot stand in a token.")
    issued_at = now.astimezone(UTC).replace(microsecond=0)
    expires_at = issued_at + timedelta(seconds=lifetime_seconds)
    day = f"{issued_at:%Y%m%d}"
    claims = {
        "iss": f"{REALM}/{key}",
        "sub": f"{REALM}/{key}/users/{client_user}",
        "iat": int(issued_at.timestamp()),
        "exp": int(expires_at.timestamp()),
        "nonce": nonce or secrets.token_hex(16),
    }
    token = jwt.encode(claims, _key_of(day, decode_secret(secret)), algorithm="HS256", headers={"kid": f"hkdfv1-{day}"})
    return Registration(token=token, expires_at=expires_at)


def _key_of(day: str, secret: bytes) -> bytes:
    return hmac.digest(secret, day.encode(), "sha256")


def _is_segment(name: str) -> bool:
    """Whether the name is one part of the path that names a user: with a slash it would name somebody else."""
    return 0 < len(name) <= LONGEST_USER and name.isprintable() and "/" not in name
