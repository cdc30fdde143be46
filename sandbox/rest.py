"""The platform's REST API: one table of routes, so that another endpoint is another row."""

from __future__ import annotations

import base64
import binascii
import hmac
import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from sandbox import api_calls, api_configuration, signing, wire
from sandbox.api import (
    CALLS_PATH,
    CONFERENCES_PATH,
    CONFIGURATION_PATH,
    QUERY_PATH,
    ApiError,
    Request,
    Response,
)

if TYPE_CHECKING:
    from sandbox.platform import Sandbox

log = logging.getLogger(__name__)

LONGEST_BODY_BYTES = 1 << 20
CALL = rf"{CALLS_PATH}(?P<call_id>[^/]+)"
CONFERENCE = rf"{CONFERENCES_PATH}(?P<conference_id>[^/]+)"
NUMBERS = rf"{CONFIGURATION_PATH}numbers"
CALLBACKS = rf"{CONFIGURATION_PATH}callbacks/applications/(?P<key>[^/]+)"

Handler = Callable[..., Response]
ROUTES: tuple[tuple[str, str, Handler], ...] = (
    ("GET", CALL, api_calls.get_call),
    ("PATCH", CALL, api_calls.patch_call),
    ("PATCH", rf"{CALL}/leg/(?P<leg>[^/]+)", api_calls.patch_call),
    ("GET", CONFERENCE, api_calls.get_conference),
    ("DELETE", CONFERENCE, api_calls.kick_all),
    ("PATCH", rf"{CONFERENCE}/(?P<call_id>[^/]+)", api_calls.manage_participant),
    ("DELETE", rf"{CONFERENCE}/(?P<call_id>[^/]+)", api_calls.kick),
    ("GET", NUMBERS, api_configuration.get_numbers),
    ("POST", NUMBERS, api_configuration.assign_numbers),
    ("DELETE", NUMBERS, api_configuration.unassign_number),
    ("GET", CALLBACKS, api_configuration.get_callbacks),
    ("POST", CALLBACKS, api_configuration.set_callbacks),
    ("GET", rf"{QUERY_PATH}(?P<number>[^/]+)", api_configuration.query_number),
)


def answer(platform: Sandbox, request: Request) -> Response:
    """The answer to one request, authenticated first."""
    try:
        authenticate(platform, request)
        for method, path, handler in ROUTES:
            found = re.fullmatch(path, request.path)
            if found and method == request.method:
                return handler(platform, request, **found.groupdict())
        raise ApiError(40400, "Resource not found")
    except ApiError as error:
        return error.response()


def authenticate(platform: Sandbox, request: Request) -> None:
    """Let in who knows the application secret: Basic, or a fresh request signed `Application KEY:SIGNATURE`.

    Raises ApiError: 40100 no readable Authorization, 40101 x-timestamp missing or stale, 40102 wrong
    signature, 40108 wrong credentials, 40301 another scheme.
    """
    scheme, _, credentials = request.headers.get("authorization", "").strip().partition(" ")
    match scheme.lower():
        case "":
            raise ApiError(40100, "Authorization header is missing")
        case "basic":
            _check_basic(platform, credentials.strip())
        case "application":
            _check_signed(platform, request, credentials.strip())
        case _:
            raise ApiError(40301, "Wrong authorization scheme")


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
    if not hmac.compare_digest(key.lower().encode(), platform.key.lower().encode()):
        raise ApiError(40108, "Invalid credentials")
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


@contextmanager
def serve(platform: Sandbox, host: str, port: int) -> Iterator[str]:
    """Serve in the background; gives the base URL.

    Raises OSError when the port is taken.
    """
    server = ThreadingHTTPServer((host, port), _handler(platform))
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://{host}:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _handler(platform: Sandbox) -> type[BaseHTTPRequestHandler]:
    class DeskHandler(BaseHTTPRequestHandler):
        timeout = 30

        def _serve(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            length = headers.get("content-length", "0")
            if not length.isdecimal() or int(length) > LONGEST_BODY_BYTES:
                self._send(ApiError(40003, "Invalid request").response())
                return
            body = self.rfile.read(int(length))
            request = Request(self.command, urlsplit(self.path).path, headers, body)
            self._send(answer(platform, request))

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815

        def _send(self, response: Response) -> None:
            content = b"" if response.body is None else wire.dumps(response.body)
            self.send_response(response.status)
            if content:
                self.send_header("Content-Type", "application/json; charset=utf-8")
            if response.status != 204:
                self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            log.debug(format, *args)

    return DeskHandler
