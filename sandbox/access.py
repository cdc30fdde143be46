"""Who may ask for what: a door for each way of proving who one is. Each raises ApiError when it stays shut."""

from __future__ import annotations

import base64
import binascii
import hmac
from typing import TYPE_CHECKING

from sandbox import signing
from sandbox.api import ApiError, Request

if TYPE_CHECKING:
    from sandbox.platform import Sandbox


def by_application(platform: Sandbox, request: Request) -> None:
    """Let in who knows the application secret: Basic, or a fresh request signed `Application KEY:SIGNATURE`.

    Raises ApiError: 40100 no readable Authorization, 40101 x-timestamp missing or stale, 40102 wrong
    signature, 40108 wrong credentials, 40301 another scheme.
    """
    scheme, credentials = authorization(request)
    match scheme:
        case "":
            raise ApiError(40100, "Authorization header is missing")
        case "basic":
            _check_basic(platform, credentials)
        case "application":
            _check_signed(platform, request, credentials)
        case _:
            raise ApiError(40301, "Wrong authorization scheme")


def by_application_or_publicly(platform: Sandbox, request: Request) -> None:
    """Let in, besides, who knows no more than the application's key, as an app on a telephone does."""
    if is_public(request):
        _check_key(platform, authorization(request)[1])
    else:
        by_application(platform, request)


def is_public(request: Request) -> bool:
    """Whether the request names the application and proves nothing: `Application KEY`."""
    scheme, credentials = authorization(request)
    return scheme == "application" and ":" not in credentials


def authorization(request: Request) -> tuple[str, str]:
    """The Authorization header: its scheme in lower case, and the rest."""
    scheme, _, credentials = request.headers.get("authorization", "").strip().partition(" ")
    return scheme.lower(), credentials.strip()


def _check_basic(platform: Sandbox, credentials: str) -> None:
    try:
        given = base64.b64decode(credentials, validate=True)
    except binascii.Error:
        raise ApiError(40100, "Authorization header is not readable") from None
    if not hmac.compare_digest(given, f"{platform.key}:{platform.secret}".encode()):
        raise ApiError(40108, "Invalid credentials")


def _check_signed(platform: Sandbox, request: Request, credentials: str) -> None:
    key, colon, given = credentials.partition(":")
    if not colon or not given:
        raise ApiError(40100, "Authorization header is not readable")
    _check_key(platform, key)
    timestamp = request.headers.get("x-timestamp", "")
    if not signing.is_fresh(timestamp, platform.wall_clock()):
        raise ApiError(40101, "x-timestamp header is missing or not fresh")
    text = signing.string_to_sign(
        method=request.method,
        path=request.path,
        body=request.body,
        content_type=request.headers.get("content-type", ""),
        timestamp=timestamp,
    )
    if not hmac.compare_digest(given.encode(), signing.signature(platform.secret, text).encode()):
        raise ApiError(40102, "Invalid signature")


def _check_key(platform: Sandbox, key: str) -> None:
    if not hmac.compare_digest(key.lower().encode(), platform.key.lower().encode()):
        raise ApiError(40108, "Invalid credentials")
