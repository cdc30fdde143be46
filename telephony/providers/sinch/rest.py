"""Signing and sending: one application's requests to one address of Sinch's REST APIs, and its answers as values.

A secret is in no exception and in no log line. Redirects are refused, an answer has an end in time and in bytes.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlsplit

from requests import PreparedRequest, Request, RequestException

from telephony.providers.base import NotSent, ProviderTrouble
from telephony.providers.reading import JsonObject, JsonUnreadable, read_json
from telephony.providers.sinch.errors import NotFound, error_of
from telephony.providers.sinch.signing import decode_secret, signature, string_to_sign
from telephony.providers.transport import Answer, fetch

DEADLINE_SECONDS = 10.0
LARGEST_ANSWER_BYTES = 1024 * 1024
CONTENT_TYPE = "application/json"

_TOKEN = re.compile(r"[!-~]+")
_NO_HEADERS: Mapping[str, str] = {}


class Authentication(StrEnum):
    """How a request proves whose it is. Sinch lets each application choose the least it accepts.

    Bearer is for texts by service plan, whose secret is a token; the others are for applications.
    """

    SIGNED = "signed"
    BASIC = "basic"
    BEARER = "bearer"


class Rest:
    """One application at one address of Sinch's."""

    def __init__(
        self, base_url: str, key: str, secret: str, *, authentication: Authentication, deadline_seconds: float
    ) -> None:
        """Raises ValueError when the address is not HTTP, carries more than a place, or the secret can never be one."""
        try:
            address = urlsplit(base_url)
        except ValueError as broken:
            raise ValueError("The address of Sinch's API is not an address.") from broken
        if address.scheme not in ("http", "https") or not address.hostname or address.query or address.fragment:
            raise ValueError("The address of Sinch's API begins with https:// and has no query.")
        if address.username is not None or address.password is not None:
            raise ValueError("The address of Sinch's API has no user name and no password in it.")
        self._base_url = base_url.rstrip("/")
        self._key = key
        if authentication is Authentication.BEARER:
            check_token(secret)
        self._secret = b"" if authentication is Authentication.BEARER else decode_secret(secret)
        self._token = secret
        self._basic = b64encode(f"{key}:{secret}".encode()).decode()
        self._unspeakable = (secret, self._basic)
        self._authentication = authentication
        self._deadline_seconds = deadline_seconds

    def get(self, path: str, *, subject: str, not_found: type[NotFound] = NotFound) -> JsonObject:
        """The object under a path. Raises ApiError, ProviderTrouble when there is no answer to rely on."""
        answer = self._fetch("GET", path, b"")
        if answer.status != HTTPStatus.OK:
            raise error_of(answer, subject=subject, not_found=not_found, unspeakable=self._unspeakable)
        return _object_in(answer)

    def send(
        self, method: str, path: str, body: bytes = b"", *, subject: str, not_found: type[NotFound] = NotFound
    ) -> None:
        """Have something done; any success will do. Raises RequestRefused, ProviderTrouble when nothing is known."""
        answer = self._fetch(method, path, body)
        if not 200 <= answer.status < 300:
            raise error_of(answer, subject=subject, not_found=not_found, unspeakable=self._unspeakable)

    def ask(
        self, method: str, path: str, body: bytes, *, subject: str, headers: Mapping[str, str] = _NO_HEADERS
    ) -> JsonObject:
        """Have something done that is answered with an object; any success will do.

        Raises NotSent or RequestRefused when it was not done, another ProviderTrouble when nothing is known.
        """
        answer = self._fetch(method, path, body, headers)
        if not 200 <= answer.status < 300:
            raise error_of(answer, subject=subject, not_found=NotFound, unspeakable=self._unspeakable)
        return _object_in(answer)

    def sign(self, method: str, path: str, timestamp: str, body: bytes = b"") -> str:
        """The Authorization header of a signed request. The path is the one sent, without its query."""
        message = string_to_sign(method, path, CONTENT_TYPE, timestamp, body)
        return f"Application {self._key}:{signature(self._secret, message)}"

    def _fetch(self, method: str, path: str, body: bytes, headers: Mapping[str, str] = _NO_HEADERS) -> Answer:
        return fetch(
            self._prepare(method, path, body, headers),
            deadline_seconds=self._deadline_seconds,
            limit_bytes=LARGEST_ANSWER_BYTES,
            who="Sinch",
        )

    def _prepare(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> PreparedRequest:
        try:
            prepared = Request(method, self._base_url + path, data=body or None).prepare()
        except (RequestException, ValueError) as impossible:
            raise NotSent("Nothing can be sent to this address.") from impossible
        # The library tidies addresses. A name that does not survive this would ask about something else.
        if not prepared.path_url.endswith(path):
            raise NotSent("This name cannot be asked about.")
        prepared.headers.update(
            {
                "accept": CONTENT_TYPE,
                "accept-encoding": "identity",
                "content-type": CONTENT_TYPE,
                **headers,
                **self._proof(method, prepared.path_url, body),
            }
        )
        return prepared

    def _proof(self, method: str, path: str, body: bytes) -> dict[str, str]:
        """The headers that say whose request it is."""
        if self._authentication is Authentication.BASIC:
            return {"authorization": f"Basic {self._basic}"}
        if self._authentication is Authentication.BEARER:
            return {"authorization": f"Bearer {self._token}"}
        timestamp = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return {"authorization": self.sign(method, path, timestamp, body), "x-timestamp": timestamp}


def check_token(token: str) -> None:
    """Raise ValueError for what can never be an API token."""
    if not _TOKEN.fullmatch(token):
        raise ValueError("The API token is empty, or has a character that cannot be sent.")


def segment(name: str, *, safe: str = "") -> str:
    """A name as one segment of a path, whatever is in it. Raises NotSent for one that cannot be a segment.

    Without its last name a path would be about everything that is there. What is `safe` is left as it is.
    """
    try:
        quoted = quote(name, safe=safe)
    except UnicodeEncodeError:
        quoted = ""
    if quoted in ("", ".", ".."):
        raise NotSent("This name cannot be asked about.")
    return quoted


def number_segment(number: str) -> str:
    """A telephone number as a segment, its plus as it is: an escape may be undone before the signature is checked."""
    return segment(number, safe="+")


def encode(values: Mapping[str, Any]) -> bytes:
    """JSON as it is sent: compact, UTF-8."""
    return json.dumps(values, separators=(",", ":"), ensure_ascii=False).encode()


def _object_in(answer: Answer) -> JsonObject:
    try:
        values = read_json(answer.body, LARGEST_ANSWER_BYTES)
    except JsonUnreadable as unreadable:
        raise ProviderTrouble(f"Sinch's answer cannot be read: {unreadable}") from unreadable
    if not isinstance(values, JsonObject):
        raise ProviderTrouble("Sinch's answer is not a JSON object.")
    return values
