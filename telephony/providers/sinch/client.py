"""Asking Sinch what became of a call, with requests signed as an application."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from http import HTTPStatus
from urllib.parse import quote, urlsplit

from requests import PreparedRequest, Request

from telephony.events import CallEnded
from telephony.providers.base import CallReport, CallUnknown, ProviderTrouble
from telephony.providers.sinch.fields import Fields
from telephony.providers.sinch.parse import read_ended
from telephony.providers.sinch.reading import JsonObject, JsonUnreadable, read_json
from telephony.providers.sinch.signing import decode_secret, signature, string_to_sign
from telephony.providers.sinch.transport import Answer, fetch

DEADLINE_SECONDS = 10.0
LARGEST_ANSWER_BYTES = 1024 * 1024
CONTENT_TYPE = "application/json"


class SinchClient:
    """One application at Sinch's calling API. `base_url` is a region's, such as https://calling.api.sinch.com."""

    def __init__(self, base_url: str, key: str, secret: str, *, deadline_seconds: float = DEADLINE_SECONDS) -> None:
        """Raises ValueError when the address is not HTTP or the secret is not base64."""
        address = urlsplit(base_url)
        if address.scheme not in ("http", "https") or not address.hostname or address.query:
            raise ValueError("The address of Sinch's API begins with https:// and has no query.")
        self._base_url = base_url.rstrip("/")
        self._key = key
        self._secret = decode_secret(secret)
        self._deadline_seconds = deadline_seconds

    def get_call(self, call_id: str) -> CallReport:
        """What Sinch says about a call; `ended` is read as a DiCE would be, doubts included.

        Raises CallUnknown when Sinch does not know it, ProviderTrouble when there is no answer to rely on.
        """
        answer = fetch(
            self._prepare("GET", f"/calling/v1/calls/id/{quote(call_id, safe='')}"),
            deadline_seconds=self._deadline_seconds,
            limit_bytes=LARGEST_ANSWER_BYTES,
        )
        values = _successful(answer)
        if values.get("callid") not in (None, call_id):
            raise ProviderTrouble("Sinch answered about another call than the one asked for.")
        return CallReport(call_id=call_id, ended=_ended(values, call_id))

    def sign(self, method: str, path: str, timestamp: str, body: bytes = b"") -> str:
        """The Authorization header for a request of ours. The path is the one sent, without its query."""
        message = string_to_sign(method, path, CONTENT_TYPE, timestamp, body)
        return f"Application {self._key}:{signature(self._secret, message)}"

    def _prepare(self, method: str, path: str) -> PreparedRequest:
        prepared = Request(method, self._base_url + path).prepare()
        # The library tidies addresses. An id that does not survive this would ask about something else.
        if not prepared.path_url.endswith(path):
            raise ProviderTrouble("This call id cannot be asked about.")
        timestamp = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        prepared.headers.update(
            {
                "accept": CONTENT_TYPE,
                "accept-encoding": "identity",
                "authorization": self.sign(method, prepared.path_url, timestamp),
                "content-type": CONTENT_TYPE,
                "x-timestamp": timestamp,
            }
        )
        return prepared


def _successful(answer: Answer) -> JsonObject:
    if answer.status == HTTPStatus.NOT_FOUND:
        raise CallUnknown("Sinch does not know this call.")
    if answer.status != HTTPStatus.OK:
        raise ProviderTrouble(f"Sinch answered with status {answer.status}.")
    try:
        values = read_json(answer.body, LARGEST_ANSWER_BYTES)
    except JsonUnreadable as unreadable:
        raise ProviderTrouble(f"Sinch's answer cannot be read: {unreadable}") from unreadable
    if not isinstance(values, JsonObject):
        raise ProviderTrouble("Sinch's answer is not a JSON object.")
    return values


def _ended(values: JsonObject, call_id: str) -> CallEnded | None:
    status = values.get("status")
    word = status.upper() if isinstance(status, str) else ""
    if word == "ONGOING":
        return None
    if word != "FINAL":
        raise ProviderTrouble("Sinch's answer does not say whether the call has ended.")
    return read_ended(Fields(replace(values, values={**values.values, "callid": call_id})))
