"""The web services of a softphone: which nodes of its account configure them, and one request to one of them.

What is documented nowhere is decided here.

- The older names of call-through (`cth_ws_url`, `cth_ws_postData`, `cth_ws_contentType`) go on as `cth_ws_method`,
  `cth_ws_authUsername`, `cth_ws_authPassword` and `cth_ws_customHeaders`; Web Callback's prefix is `webCallback`.
- A value is percent-escaped in an address and in a form, and stands as it is in any other body and in a header.
- An address that is no address after its placeholders were replaced, such as one with a stray per cent sign, is not
  asked.
- HTTP Digest is proved with the true password, by TLS or not: it is hashed.
- Only POST and PUT have a body. A redirect is not followed: it is an answer like any other that is not 2xx.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from urllib.parse import urlsplit, urlunsplit

import requests
import urllib3
from requests.auth import HTTPDigestAuth

from sandbox.softphone_replies import FORM, LONGEST_BYTES, media_type
from sandbox.softphone_templates import BadTemplate, Values, as_it_is, expand, percent_escaped

USER_AGENT = "CloudSoftphone/1.5.6"
METHODS = ("GET", "POST", "PUT", "HEAD", "DELETE")
WITH_BODY = ("POST", "PUT")
ANSWER_WITHIN_SECONDS = 10

_STRAY_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_UNPRINTABLE = re.compile(r"[\x00-\x20\x7f]")


class BadService(Exception):
    """The service cannot be asked as it is configured; the message says why, in a sentence."""


@dataclass(frozen=True, kw_only=True)
class NodeNames:
    """Which nodes of the account configure a service."""

    url: str
    post_data: str
    content_type: str
    method: str
    auth_username: str
    auth_password: str
    custom_headers: str

    @classmethod
    def prefixed(cls, prefix: str, *, post_data: str = "", content_type: str = "") -> NodeNames:
        """The names as they are made today; a service may have older ones for two of them."""
        return cls(
            url=f"{prefix}Url",
            post_data=post_data or f"{prefix}PostData",
            content_type=content_type or f"{prefix}ContentType",
            method=f"{prefix}Method",
            auth_username=f"{prefix}AuthUsername",
            auth_password=f"{prefix}AuthPassword",
            custom_headers=f"{prefix}CustomHeaders",
        )


CALL_THROUGH = NodeNames(
    url="cth_ws_url",
    post_data="cth_ws_postData",
    content_type="cth_ws_contentType",
    method="cth_ws_method",
    auth_username="cth_ws_authUsername",
    auth_password="cth_ws_authPassword",  # noqa: S106
    custom_headers="cth_ws_customHeaders",
)
CALLBACK = NodeNames.prefixed("webCallback")
BALANCE = NodeNames.prefixed("genericBalanceCheck")
RATE = NodeNames.prefixed("genericRateCheck")
SEND_TEXT = NodeNames.prefixed("genericSmsSend", post_data="genericSmsPostData", content_type="genericSmsContentType")
FETCH_TEXTS = NodeNames.prefixed("genericSmsFetch")
PUSH_TOKEN = NodeNames.prefixed("pushTokenReporter")
PROVISIONING = NodeNames.prefixed("InitialProvisioning")


@dataclass(frozen=True, kw_only=True)
class Service:
    """A web service as its operator wrote it down: templates and the names of the protocol."""

    url: str
    post_data: str = ""
    content_type: str = FORM
    method: str = "GET"
    auth_username: str = ""
    auth_password: str = ""
    custom_headers: str = ""

    @classmethod
    def of(cls, nodes: Mapping[str, str], names: NodeNames) -> Service | None:
        """The service that these nodes configure; None when they name no address.

        Raises BadService for a method that there is not.
        """
        url = nodes.get(names.url, "")
        if not url:
            return None
        post_data = nodes.get(names.post_data, "")
        method = nodes.get(names.method, "").upper() or ("POST" if post_data else "GET")
        if method not in METHODS:
            raise BadService(f"{names.method} is {method}, and the app knows {', '.join(METHODS)}")
        return cls(
            url=url,
            post_data=post_data,
            content_type=nodes.get(names.content_type, "") or FORM,
            method=method,
            auth_username=nodes.get(names.auth_username, ""),
            auth_password=nodes.get(names.auth_password, ""),
            custom_headers=nodes.get(names.custom_headers, ""),
        )


@dataclass(frozen=True, kw_only=True)
class WebRequest:
    """One request, ready to go: every placeholder replaced. digest_as is the user name and password for HTTP Digest."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    digest_as: tuple[str, str] | None = None


@dataclass(frozen=True, kw_only=True)
class WebExchange:
    """What was asked and what came back; status is None when nothing did, and error then says what happened."""

    request: WebRequest
    status: int | None
    content_type: str = ""
    answer: bytes = b""
    error: str = ""

    @property
    def succeeded(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


def is_secure(url: str) -> bool:
    """Whether a template's address is one that is asked by TLS."""
    return url.lower().startswith("https:")


def prepare(service: Service, values: Values, *, escapes_plus: bool) -> WebRequest:
    """The request for this service with these values.

    Raises BadTemplate, and BadService when the address is none.
    """
    escape = partial(percent_escaped, escapes_plus=escapes_plus)
    url = expand(service.url, values, escape)
    _check_address(url)
    headers = {"Cache-Control": "max-age=0", "Connection": "close", "User-Agent": USER_AGENT}
    body = None
    if service.method in WITH_BODY:
        is_form = media_type(service.content_type) == FORM
        body = expand(service.post_data, values, escape if is_form else as_it_is).encode()
        headers["Content-Type"] = service.content_type
    digest_as = None
    if service.auth_username:
        hashed = replace(values, secure=True)  # what Digest proves by does not travel
        digest_as = (expand(service.auth_username, hashed), expand(service.auth_password, hashed))
    return WebRequest(
        method=service.method,
        url=url,
        headers={**headers, **_custom_headers(service.custom_headers, values)},
        body=body,
        digest_as=digest_as,
    )


def _check_address(url: str) -> None:
    try:
        parts = urlsplit(url)
        reachable = parts.scheme in ("http", "https") and parts.hostname and (parts.port is None or parts.port > 0)
    except ValueError:
        reachable = False
    if not reachable or _STRAY_PERCENT.search(url) or _UNPRINTABLE.search(url):
        raise BadService(f"this is no http or https address: {url!r}")


def _custom_headers(template: str, values: Values) -> dict[str, str]:
    """One header a line; the lines may also be joined by a written-out \\n."""
    headers = {}
    for line in template.replace("\\n", "\n").splitlines():
        name, colon, value = line.partition(":")
        if not line.strip():
            continue
        if not colon or not re.fullmatch(r"[A-Za-z0-9-]+", name.strip()):
            raise BadTemplate(f"a custom header is a name, a colon and a value, not {line!r}")
        headers[name.strip()] = re.sub(r"[\r\n]", "", expand(value.strip(), values))
    return headers


@dataclass(frozen=True, kw_only=True)
class Network:
    """How requests travel.

    via is the address of a server that stands for every host, as one behind a proxy that ends TLS: it is told the host
    in Host and the scheme in X-Forwarded-Proto. address is where the telephone seems to be, told in X-Forwarded-For.
    timeout_seconds is wall-clock time for the whole exchange.
    """

    via: str = ""
    address: str = ""
    timeout_seconds: float = ANSWER_WITHIN_SECONDS

    def __post_init__(self) -> None:
        parts = urlsplit(self.via)
        if self.via and not (parts.scheme in ("http", "https") and parts.hostname and parts.path in ("", "/")):
            raise ValueError(f"the server is named as http://HOST:PORT, not {self.via}")

    def exchange(self, request: WebRequest) -> WebExchange:
        """Ask, and wait for the answer. Whatever goes wrong on the way is told in the exchange."""
        deadline = time.monotonic() + self.timeout_seconds
        try:
            with requests.Session() as session:
                session.trust_env = False  # a proxy of the machine has no business between the phone and its server
                session.headers.clear()
                with session.request(
                    request.method,
                    self._destination(request.url),
                    data=request.body,
                    headers=self._headers(request),
                    auth=HTTPDigestAuth(*request.digest_as) if request.digest_as else None,
                    timeout=self.timeout_seconds,
                    allow_redirects=False,
                    stream=True,
                ) as response:
                    return WebExchange(
                        request=request,
                        status=response.status_code,
                        content_type=response.headers.get("Content-Type", ""),
                        answer=_read(response, deadline),
                    )
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            return WebExchange(request=request, status=None, error=f"{type(error).__name__} at {request.url}")

    def _destination(self, url: str) -> str:
        if not self.via:
            return url
        there, asked = urlsplit(self.via), urlsplit(url)
        return urlunsplit((there.scheme, there.netloc, asked.path or "/", asked.query, ""))

    def _headers(self, request: WebRequest) -> dict[str, str]:
        headers = {"Accept-Encoding": urllib3.util.SKIP_HEADER, **request.headers}
        if self.via:
            asked = urlsplit(request.url)
            headers |= {"Host": asked.netloc, "X-Forwarded-Proto": asked.scheme}
        if self.address:
            headers["X-Forwarded-For"] = self.address
        return headers


def _read(response: requests.Response, deadline: float) -> bytes:
    """The body, piece by piece, so that neither a slow nor an endless one holds the phone up."""
    content = b""
    while piece := response.raw.read1(65536):
        content += piece
        if time.monotonic() > deadline:
            raise requests.Timeout("the answer took too long")
        if len(content) > LONGEST_BYTES:
            raise requests.RequestException("the answer is too long")
    return content
