"""One account's requests to Sift's API: HTTP Basic on each, an end in time and in bytes, and lists page by page.

The auth token is in no exception, no log line and no `repr`, and it is sent to one address only: a list's next page is
believed when it is a page of the same list at the same place.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import SplitResult, urlsplit

from requests import PreparedRequest, Request, RequestException

from telephony.providers.base import NotSent, ProviderTrouble
from telephony.providers.reading import JsonObject, JsonUnreadable, read_json
from telephony.providers.sift.capability_codec import check_auth_token
from telephony.providers.sift.errors import error_of
from telephony.providers.sift.ids import is_id
from telephony.providers.transport import Answer, fetch

VERSION_PATH = "/v0"
LARGEST_ANSWER_BYTES = 4 * 1024 * 1024
JSON, FORM = "application/json", "application/x-www-form-urlencoded"

_QUERY = re.compile(r"[!-~]{1,2048}")
_DEFAULT_PORTS = {"http": 80, "https": 443}


class Rest:
    """One account at one address of the API."""

    def __init__(self, base_url: str, account_id: str, auth_token: str, *, deadline_seconds: float) -> None:
        """Raises ValueError when the address is not HTTP or has more in it, or when these can never be credentials."""
        if not is_id(account_id):
            raise ValueError("The account's id is not one: up to 64 letters, digits, _ and -.")
        check_auth_token(auth_token)
        self._base_url = _base(base_url)
        basic = b64encode(f"{account_id}:{auth_token}".encode()).decode()
        self._authorization = f"Basic {basic}"
        self._unspeakable = (auth_token, basic)
        self._deadline_seconds = deadline_seconds

    def get(self, path: str, query: str = "", *, is_about_connection: bool = False) -> Any:
        """The JSON at a path. Raises CommandRefused, ProviderTrouble when there is no answer to rely on."""
        answer = self._fetch("GET", path, query=query)
        if answer.status != HTTPStatus.OK:
            raise self._error(answer, is_about_connection)
        return _json_in(answer)

    def create(self, path: str, form: Mapping[str, str]) -> JsonObject:
        """Have something made, and told what it is. The fields go as a form, as the guide sends them.

        Raises NotSent or CommandRefused when it was not made; any other ProviderTrouble means that it may have been.
        """
        answer = self._fetch("POST", path, data=dict(form), content_type=FORM)
        if not 200 <= answer.status < 300:
            raise self._error(answer, is_about_connection=False)
        values = _json_in(answer)
        if not isinstance(values, JsonObject):
            raise ProviderTrouble("Sift's answer is not a JSON object.")
        return values

    def tell(self, path: str, body: bytes) -> None:
        """Have a connection do something; any success will do. Raises as `create`, and CallUnknown."""
        answer = self._fetch("POST", path, data=body, content_type=JSON)
        if not 200 <= answer.status < 300:
            raise self._error(answer, is_about_connection=True)

    def pages(self, path: str, most_pages: int) -> Iterator[list[Any]]:
        """A list, page by page, each asked for when the one before has been used. Raises as `get`.

        The reference shows `{"next", "previous", "results"}`, the guide a bare list: both are read. After `most_pages`,
        or when a page comes again, there is ProviderTrouble: a list that has no end cannot be believed.
        """
        query = ""
        asked = {query}
        for _ in range(most_pages):
            values = self.get(path, query)
            if isinstance(values, list):
                yield values
                return
            found = values.get("results") if isinstance(values, JsonObject) else None
            if not isinstance(found, list):
                raise ProviderTrouble("Sift's answer is not a list.")
            yield found
            following = values.get("next")
            if following is None:
                return
            query = self._query_of_next(following, path)
            if query in asked:
                raise ProviderTrouble("Sift's list goes round in a circle.")
            asked.add(query)
        raise ProviderTrouble(f"Sift's list has more than {most_pages} pages.")

    def _query_of_next(self, address: object, path: str) -> str:
        """The query of the next page. Everything else in its address has to be what we asked before.

        Only the query is used: had we misread the address, our credentials would still go nowhere else.
        """
        try:
            parts = urlsplit(address) if isinstance(address, str) else None
            is_ours = parts is not None and self._is_place_of(parts, path)
        except ValueError:
            parts, is_ours = None, False
        if parts is None or not is_ours or not _QUERY.fullmatch(parts.query):
            raise ProviderTrouble("Sift's list goes on at an address that is not that of its API.")
        return parts.query

    def _is_place_of(self, address: SplitResult, path: str) -> bool:
        """Whether the address is that of a path of ours, whatever its query. Raises ValueError for a broken one."""
        if address.username is not None or address.password is not None:
            return False
        ours = urlsplit(self._base_url + path)
        return _place(address) == _place(ours) and address.path.rstrip("/") == ours.path

    def _fetch(
        self,
        method: str,
        path: str,
        *,
        query: str = "",
        data: bytes | dict[str, str] | None = None,
        content_type: str = "",
    ) -> Answer:
        request = self._prepare(method, path + (f"?{query}" if query else ""), data, content_type)
        return fetch(request, deadline_seconds=self._deadline_seconds, limit_bytes=LARGEST_ANSWER_BYTES, who="Sift")

    def _prepare(
        self, method: str, target: str, data: bytes | dict[str, str] | None, content_type: str
    ) -> PreparedRequest:
        try:
            prepared = Request(method, self._base_url + target, data=data).prepare()
        except (RequestException, ValueError) as impossible:
            raise NotSent("Nothing can be sent to the address of Sift's API.") from impossible
        prepared.headers.update(
            {"accept": JSON, "accept-encoding": "identity", "authorization": self._authorization}
            | ({"content-type": content_type} if content_type else {})
        )
        return prepared

    def _error(self, answer: Answer, is_about_connection: bool) -> ProviderTrouble:
        return error_of(answer, is_about_connection=is_about_connection, unspeakable=self._unspeakable)


def _base(base_url: str) -> str:
    """The address with the API's version at its end, whether or not it was given with it."""
    try:
        address = urlsplit(base_url)
        is_whole = address.scheme in ("http", "https") and bool(address.hostname) and address.port != 0
    except ValueError as broken:
        raise ValueError("The address of Sift's API is not an address.") from broken
    if not is_whole or address.query or address.fragment:
        raise ValueError("The address of Sift's API begins with https:// and has no query.")
    if address.username is not None or address.password is not None:
        raise ValueError("The address of Sift's API has no user name and no password in it.")
    return base_url.rstrip("/").removesuffix(VERSION_PATH) + VERSION_PATH


def _place(address: SplitResult) -> tuple[str, str, int | None]:
    """Scheme, host and port, however they are written. Raises ValueError for a port that is none."""
    return address.scheme, address.hostname or "", address.port or _DEFAULT_PORTS.get(address.scheme)


def _json_in(answer: Answer) -> Any:
    try:
        return read_json(answer.body, LARGEST_ANSWER_BYTES)
    except JsonUnreadable as unreadable:
        raise ProviderTrouble(f"Sift's answer cannot be read: {unreadable}") from unreadable
