"""Sinch's request signature, for the callbacks we send and the requests we receive.

    METHOD \\n base64(MD5(body)) or nothing \\n CONTENT-TYPE \\n x-timestamp:VALUE \\n PATH

signed with HMAC-SHA256 under the base64-decoded application secret. The query string takes no part.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta

TOLERANCE_SECONDS = 300


def string_to_sign(*, method: str, path: str, body: bytes, content_type: str, timestamp: str) -> str:
    """The canonical text of a request; every value exactly as it goes over the wire."""
    return "\n".join([method.upper(), content_md5(body), content_type, f"x-timestamp:{timestamp}", path])


def content_md5(body: bytes) -> str:
    """base64 of the MD5 of the raw body; nothing at all when there is no body."""
    return base64.b64encode(hashlib.md5(body).digest()).decode() if body else ""


def signature(secret: str, text: str) -> str:
    """base64 of the HMAC-SHA256 of the canonical text.

    Raises ValueError when the secret is not standard base64.
    """
    try:
        key = base64.b64decode(secret, validate=True)
    except ValueError as error:
        raise ValueError("the application secret is not base64") from error
    return base64.b64encode(hmac.new(key, text.encode(), hashlib.sha256).digest()).decode()


def signed_headers(
    *, key: str, secret: str, path: str, body: bytes, content_type: str, now: datetime
) -> dict[str, str]:
    """The headers of a callback: type, time of signing and `application KEY:SIGNATURE`."""
    timestamp = stamp(now)
    text = string_to_sign(method="POST", path=path, body=body, content_type=content_type, timestamp=timestamp)
    return {
        "Content-Type": content_type,
        "x-timestamp": timestamp,
        "Authorization": f"application {key}:{signature(secret, text)}",
    }


def stamp(now: datetime) -> str:
    """A time as .NET writes it, with seven digits of a second: 2026-03-02T08:15:30.1234560Z."""
    return now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f") + "0Z"


def is_fresh(timestamp: str, now: datetime, tolerance_seconds: int = TOLERANCE_SECONDS) -> bool:
    """Whether a request was signed close enough to now; a time nobody can read is not fresh."""
    try:
        signed_at = datetime.fromisoformat(_microseconds_at_most(timestamp))
    except ValueError:
        return False
    if signed_at.tzinfo is None:
        signed_at = signed_at.replace(tzinfo=UTC)
    return abs(now - signed_at) <= timedelta(seconds=tolerance_seconds)


def _microseconds_at_most(timestamp: str) -> str:
    # Python reads six digits of a second, .NET writes seven.
    whole, dot, fraction = timestamp.removesuffix("Z").partition(".")
    return f"{whole}{dot}{fraction[:6]}+00:00" if timestamp.endswith("Z") else timestamp
