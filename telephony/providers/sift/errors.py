"""What Sift's API says when it does not do what it was asked, as exceptions.

The form of its errors is documented nowhere; we read `{"error": {"code", "message"}}` when it is there, and the status
decides the exception in any case. What is said comes from outside and is shown to staff: one cleaned line, and never
one that repeats our auth token.
"""

from __future__ import annotations

from collections.abc import Collection
from http import HTTPStatus

from telephony.providers.base import CallUnknown, CommandRefused, NoCreditThere, ProviderTrouble, TooMuchAtOnce
from telephony.providers.reading import NO_OBJECT, JsonObject, JsonUnreadable, read_json
from telephony.providers.transport import Answer

LONGEST_MESSAGE = 200
LONGEST_CODE = 64
LONGEST_ERROR_BYTES = 65_536


class RequestRefused(CommandRefused):
    """4xx: Sift will not do this, and nothing was done. `status` is that of HTTP."""

    def __init__(self, sentence: str, *, status: int, code: str = "") -> None:
        super().__init__(sentence, code=code or str(status))
        self.status = status


class CredentialsRefused(RequestRefused):
    """401 or 403: the account's id or its auth token is wrong, or the account may not do this."""


class ConnectionUnknown(RequestRefused, CallUnknown):
    """404 about a connection. The address may be wrong, so this proves nothing."""


class NotEnoughCredit(RequestRefused, NoCreditThere):
    """402: our account at Sift is empty."""


class TooManyRequests(RequestRefused, TooMuchAtOnce):
    """429: nothing was done; ask again after `retry_after_seconds`, or after a while when that is None."""

    def __init__(self, sentence: str, *, status: int, code: str, retry_after_seconds: int | None) -> None:
        super().__init__(sentence, status=status, code=code)
        self.retry_after_seconds = retry_after_seconds


def error_of(answer: Answer, *, is_about_connection: bool, unspeakable: Collection[str]) -> ProviderTrouble:
    """The exception for an answer that is no success. What holds one of `unspeakable` is not repeated."""
    status = answer.status
    code, message = _complaint(answer, unspeakable)
    said = f": {message.rstrip('.')}" if message else ""
    sentence = f"Sift answered with status {status}{said}."
    # 408 is said by whoever lost patience on the way, and need not be Sift's word.
    if not 400 <= status < 500 or status == HTTPStatus.REQUEST_TIMEOUT:
        return ProviderTrouble(sentence)
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return TooManyRequests(sentence, status=status, code=code, retry_after_seconds=answer.retry_after_seconds)
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return CredentialsRefused(sentence, status=status, code=code)
    if status == HTTPStatus.PAYMENT_REQUIRED:
        return NotEnoughCredit(sentence, status=status, code=code)
    if status == HTTPStatus.NOT_FOUND and is_about_connection:
        return ConnectionUnknown("Sift does not know this connection.", status=status, code=code)
    return RequestRefused(sentence, status=status, code=code)


def _complaint(answer: Answer, unspeakable: Collection[str]) -> tuple[str, str]:
    """The code and the message in the answer's body, which need not come from Sift at all; empty where it has none."""
    try:
        values = read_json(answer.body, LONGEST_ERROR_BYTES)
    except JsonUnreadable:
        return "", ""
    error = values.get("error") if isinstance(values, JsonObject) else None
    error = error if isinstance(error, JsonObject) else NO_OBJECT
    code, message = error.get("code"), error.get("message")
    if isinstance(code, int) and not isinstance(code, bool):
        code = str(code)
    return _one_line(code, LONGEST_CODE, unspeakable), _one_line(message, LONGEST_MESSAGE, unspeakable)


def _one_line(text: object, most: int, unspeakable: Collection[str]) -> str:
    if not isinstance(text, str) or any(secret in text for secret in unspeakable):
        return ""
    visible = "".join(character if character.isprintable() else " " for character in text)
    return " ".join(visible.split())[:most]
