"""Proving that a callback comes from Sinch, on its raw bytes and headers as they came.

Every way to fail ends in CallbackRefused. A key we do not know is checked against a secret nobody has, so
that it takes the same path and time as a wrong signature.
"""

from __future__ import annotations

import hmac
import re
import secrets
from contextlib import suppress
from datetime import datetime, timedelta

from telephony.events import Event, EventKind
from telephony.providers.base import Callback, CallbackRefused, Credentials, Keyring, Verified
from telephony.providers.reading import read_moment
from telephony.providers.sinch.parse import LARGEST_CALLBACK_BYTES
from telephony.providers.sinch.signing import decode_secret, normalise_key, signature, string_to_sign

_AUTHORIZATION = re.compile(r"application ([0-9A-Za-z-]{1,64}):([0-9A-Za-z+/]{43}=)", re.ASCII | re.IGNORECASE)
_NOBODYS_SECRET = secrets.token_bytes(16)
_AWAITS_A_DECISION = frozenset({EventKind.INCOMING, EventKind.ANSWERED, EventKind.PROMPT, EventKind.VERIFICATION_ASKED})


def verify(
    callback: Callback, keyring: Keyring, now: datetime, *, tolerance: timedelta, late_tolerance: timedelta
) -> Verified:
    """Which application the callback is for and when it was signed. Raises CallbackRefused.

    Refused without looking at the meaning: more than `late_tolerance` old or more than `tolerance` in the
    future.
    """
    if len(callback.body) > LARGEST_CALLBACK_BYTES:
        raise CallbackRefused("The body is too large.")
    authorization = _AUTHORIZATION.fullmatch(_header(callback, "authorization"))
    if authorization is None:
        raise CallbackRefused("The Authorization header is not a Sinch application's.")
    content_type = _header(callback, "content-type")
    timestamp = _header(callback, "x-timestamp")
    signed_at = _signed_at(timestamp)
    if not callback.path.isascii():
        raise CallbackRefused("The path is not the one that was configured.")
    credentials = keyring.find(normalise_key(authorization[1]))
    message = string_to_sign(callback.method, callback.path, content_type, timestamp, callback.body)
    genuine = _is_signed(message, authorization[2], credentials)
    if not genuine or credentials is None:
        raise CallbackRefused("The signature is wrong.")
    if not -tolerance <= now - signed_at <= late_tolerance:
        raise CallbackRefused("The callback is too old, or our clock is wrong.")
    return Verified(application_id=credentials.application_id, key=credentials.key, signed_at=signed_at)


def check_freshness(event: Event, verified: Verified, now: datetime, *, tolerance: timedelta) -> bool:
    """True in time, False late but still worth money. Raises CallbackRefused for a question too old.

    Connecting a call that was asked for long ago costs money; booking the end of one late only saves it.
    """
    in_time = abs(now - verified.signed_at) <= tolerance
    if not in_time and event.kind in _AWAITS_A_DECISION:
        raise CallbackRefused("The question is too old to be answered.")
    return in_time


def _header(callback: Callback, name: str) -> str:
    value = callback.headers.get(name, "")
    if not value or not value.isascii():
        raise CallbackRefused(f"The header {name} is missing or is not ASCII.")
    return value


def _signed_at(timestamp: str) -> datetime:
    try:
        return read_moment(timestamp)
    except ValueError as unreadable:
        raise CallbackRefused("The x-timestamp header is not a timestamp.") from unreadable


def _is_signed(message: bytes, claimed: str, credentials: Credentials | None) -> bool:
    """Whether one of the application's secrets made the signature. Tries them all, whichever fits."""
    genuine = False
    for secret in _secrets(credentials):
        genuine |= hmac.compare_digest(signature(secret, message), claimed)
    return genuine


def _secrets(credentials: Credentials | None) -> list[bytes]:
    """The application's secrets that are secrets at all; one that fits no signature when there is none."""
    found = []
    for secret in credentials.secrets if credentials else ():
        with suppress(ValueError):
            found.append(decode_secret(secret))
    return found or [_NOBODYS_SECRET]
