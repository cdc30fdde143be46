"""What Sinch's REST API says when it does not do what it was asked, as exceptions.

Its errors are `{"errorCode", "message", "reference"}`; the first three digits of the code are the HTTP status. The REST
API for texts says `{"code", "text"}`, the code a word. The status decides the exception: a gateway in between has one
too, and no code.

`message` comes from outside and is shown to staff, so it is one cleaned line of at most LONGEST_MESSAGE characters.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus

from telephony.providers.base import CallUnknown, CommandRefused, NoCreditThere, ProviderTrouble, TooMuchAtOnce
from telephony.providers.reading import JsonObject, JsonUnreadable, read_json
from telephony.providers.sinch.fields import Fields
from telephony.providers.transport import Answer

LONGEST_MESSAGE = 200
LONGEST_ERROR_BYTES = 65_536
WRONG_SCHEME = 40301


@dataclass(frozen=True, kw_only=True)
class Complaint:
    """What an answer says about itself. `error_code` None and empty texts: it does not say."""

    status: int
    error_code: int | None = None
    error_word: str = ""
    message: str = ""
    reference: str = ""


class ApiError(ProviderTrouble):
    """Sinch answered, but not with what was asked for. `reference` is what its support asks for."""

    def __init__(self, sentence: str, complaint: Complaint) -> None:
        super().__init__(sentence)
        self.status = complaint.status
        self.error_code = complaint.error_code
        self.code = str(complaint.error_code or complaint.error_word or complaint.status)
        self.message = complaint.message
        self.reference = complaint.reference


class RequestRefused(ApiError, CommandRefused):
    """4xx: Sinch will not do this, and asking again changes nothing."""


class CredentialsRefused(RequestRefused):
    """401, or 403 with 40301: the key, the secret or the way of authentication is wrong, or our clock."""


class NotEnoughCredit(RequestRefused, NoCreditThere):
    """402: our account at Sinch is empty."""


class Forbidden(RequestRefused):
    """403: our account at Sinch may not do this."""


class NotFound(RequestRefused):
    """404: Sinch does not know what the request is about."""


class CallNotFound(NotFound, CallUnknown):
    """404 about a call. The address may be wrong, so this proves nothing."""


class TooManyRequests(RequestRefused, TooMuchAtOnce):
    """429: nothing was done; ask again after `retry_after_seconds`, or after a while when that is None."""

    def __init__(self, sentence: str, complaint: Complaint, retry_after_seconds: int | None) -> None:
        super().__init__(sentence, complaint)
        self.retry_after_seconds = retry_after_seconds


class ProviderDown(ApiError):
    """5xx: Sinch is in trouble. Nothing is known about what it did."""


def error_of(answer: Answer, *, subject: str, not_found: type[NotFound], unspeakable: tuple[str, ...]) -> ApiError:
    """The exception for an answer that is no success.

    `subject` is what was asked about, in words; a message that holds one of `unspeakable` is not repeated.
    """
    complaint = _complaint(answer, unspeakable)
    status = complaint.status
    sentence = _sentence(complaint)
    if status == HTTPStatus.NOT_FOUND:
        return not_found(f"Sinch does not know {subject}.", complaint)
    if status == HTTPStatus.UNAUTHORIZED or complaint.error_code == WRONG_SCHEME:
        return CredentialsRefused(sentence, complaint)
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return TooManyRequests(sentence, complaint, answer.retry_after_seconds)
    if status in _OWN_KINDS:
        return _OWN_KINDS[status](sentence, complaint)
    # 408 is said by whoever lost patience on the way, and need not be Sinch's word.
    if 400 <= status < 500 and status != HTTPStatus.REQUEST_TIMEOUT:
        return RequestRefused(sentence, complaint)
    return (ProviderDown if status >= 500 else ApiError)(sentence, complaint)


@contextmanager
def saying_nothing_of_the_deed() -> Iterator[None]:
    """While asking whether something was done: whatever stops the question says nothing about the deed.

    A refusal, or that nothing was sent, would be taken for the fate of what is asked about. Here all become one
    ProviderTrouble.
    """
    try:
        yield
    except ProviderTrouble as trouble:
        raise ProviderTrouble(f"It could not be asked for. {trouble}") from trouble


_OWN_KINDS: Mapping[int, type[RequestRefused]] = {
    HTTPStatus.PAYMENT_REQUIRED: NotEnoughCredit,
    HTTPStatus.FORBIDDEN: Forbidden,
}


def _sentence(complaint: Complaint) -> str:
    said = f": {complaint.message.rstrip('.')}" if complaint.message else ""
    return f"Sinch answered with status {complaint.status}{said}."


def _complaint(answer: Answer, unspeakable: tuple[str, ...]) -> Complaint:
    """What can be read of the answer's body, which need not come from Sinch at all."""
    try:
        values = read_json(answer.body, LONGEST_ERROR_BYTES)
    except JsonUnreadable:
        values = None
    if not isinstance(values, JsonObject):
        return Complaint(status=answer.status)
    fields = Fields(values)
    code = values.get("errorcode")
    return Complaint(
        status=answer.status,
        error_code=code if isinstance(code, int) and 0 < code < 1_000_000 and code is not True else None,
        error_word=_one_line(fields.word("code"), unspeakable),
        message=_one_line(fields.text("message", LONGEST_ERROR_BYTES), unspeakable)
        or _one_line(fields.text("text", LONGEST_ERROR_BYTES), unspeakable),
        reference=_one_line(fields.text("reference", LONGEST_ERROR_BYTES), unspeakable),
    )


def _one_line(text: str, unspeakable: tuple[str, ...]) -> str:
    if any(secret in text for secret in unspeakable):
        return ""
    visible = "".join(character if character.isprintable() else " " for character in text)
    return " ".join(visible.split())[:LONGEST_MESSAGE]
