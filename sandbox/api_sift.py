"""Sift's REST API, /v0: applications, connections and numbers, with Basic authentication.

Errors are {"error": {"code", "message"}}. Lists come in an envelope, {"next", "previous", "results"}, with an opaque
cursor in the addresses. Bodies may be forms or JSON. What is bought or changed, every POST, may be answered badly like
whatever costs money elsewhere.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from collections.abc import Callable, Mapping, Sequence
from time import monotonic
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from sandbox import wire
from sandbox.access import authorization
from sandbox.api import ApiError, Request, Response
from sandbox.numbers import E164
from sandbox.oracle import Kind
from sandbox.sift import Taken
from sandbox.sift_calls import Application, SiftCall
from sandbox.sift_routines import IllegalRoutine, read_routine

if TYPE_CHECKING:
    from sandbox.platform import Sandbox

FORM = "application/x-www-form-urlencoded"
Listed = Sequence[tuple[str, object]]


class Refused(ApiError):
    """An error as this API has it: a word for programs, a sentence for people."""

    def __init__(self, status: int, word: str, message: str) -> None:
        super().__init__(status, message)
        self.word = word

    def response(self) -> Response:
        headers = {"WWW-Authenticate": 'Basic realm="sift"'} if self.code == 401 else {}
        return Response(self.code, {"error": {"code": self.word, "message": str(self)}}, headers)


def by_account(platform: Sandbox, request: Request) -> None:
    """Let in who knows the account's auth token. Raises Refused."""
    account = platform.sift
    scheme, credentials = authorization(request)
    try:
        given = base64.b64decode(credentials, validate=True)
    except binascii.Error:
        given = b""
    right = hmac.compare_digest(given, f"{account.account_id}:{account.auth_token}".encode())
    if scheme != "basic" or not right:
        raise Refused(401, "unauthorized", "The account id or the auth token is wrong")


def costs(request: Request) -> bool:
    """Whether something is bought or changed."""
    return request.method == "POST"


def answer(platform: Sandbox, request: Request, rest: str) -> Response:
    """Do what is asked for, and answer it, unless a mishap is meant for this request."""
    platform.sift.last_asked_at = monotonic()
    return platform.sift.manners.serve(request, lambda seen: _answer(platform, seen, rest))


def _answer(platform: Sandbox, request: Request, rest: str) -> Response:
    found = [(methods, re.fullmatch(path, rest.rstrip("/"))) for path, methods in ROUTES]
    for methods, match in found:
        if match:
            handler = methods.get(request.method)
            if handler is None:
                raise Refused(405, "method_not_allowed", f"{request.method} is not possible here")
            return handler(platform, request, *match.groups())
    raise Refused(404, "not_found", "There is nothing here")


def _get_applications(platform: Sandbox, request: Request) -> Response:
    listed = [(each.app_id, _application(platform, each)) for each in platform.sift.applications]
    return _page(platform, request, listed)


def _add_application(platform: Sandbox, request: Request) -> Response:
    given = _fields(request)
    name, on_incoming, script = (_text(given, each) for each in ("name", "on_incoming", "script"))
    if not name:
        raise _wrong("name")
    if on_incoming and not _is_url(on_incoming):
        raise _wrong("on_incoming")
    routine = given.get("default_routine") or []
    if not isinstance(routine, list):
        raise _wrong("default_routine")
    try:
        application = platform.sift.add_application(name, on_incoming, routine, script)
    except IllegalRoutine as error:
        raise Refused(400, "invalid_routine", str(error)) from None
    return Response(201, _application(platform, application))


def _application(platform: Sandbox, application: Application) -> dict[str, object]:
    numbers = [number for number, owner in platform.sift.numbers.items() if owner is application]
    return {
        "app_id": application.app_id,
        "name": application.name,
        "on_incoming": application.on_incoming or None,
        "default_routine": application.default_routine,
        "script": application.script or None,
        "phone_numbers": numbers,
    }


def _get_connections(platform: Sandbox, request: Request) -> Response:
    begun = [each for each in platform.sift.calls if each.began_at is not None]
    newest = sorted(begun, key=lambda each: (each.began_at, each.number), reverse=True)
    return _page(platform, request, [(each.connection_id, each.document()) for each in newest])


def _get_connection(platform: Sandbox, request: Request, connection_id: str) -> Response:
    if not platform.sift.offers_one_connection:
        raise Refused(platform.sift.one_connection_status, "not_offered", "One connection cannot be asked for")
    return Response(200, _connection(platform, connection_id).document())


def _connection(platform: Sandbox, connection_id: str) -> SiftCall:
    call = platform.sift.find(connection_id)
    if call is None:
        raise Refused(404, "not_found", f"There is no connection {connection_id}")
    return call


def _add_connection(platform: Sandbox, request: Request) -> Response:
    given = _fields(request)
    number, status_url = _number(given), _text(given, "status_url")
    if not _is_url(status_url):
        raise _wrong("status_url")
    if platform.out_of_credit:
        raise Refused(402, "insufficient_funds", "The account has no credit")
    if platform.phones.reached(number).forbidden:
        raise Refused(403, "forbidden", "No call to this number is allowed")
    call = platform.sift.call_out(number, status_url)
    platform.oracle.add(Kind.SIFT_CONNECTION, status_url, call.connection_id, withheld=request.withheld, to=number)
    return Response(201, call.document())


def _take_over(platform: Sandbox, request: Request, connection_id: str) -> Response:
    call = _connection(platform, connection_id)
    try:
        routine = read_routine(_fields(request).get("routine"))
    except IllegalRoutine as error:
        raise Refused(400, "invalid_routine", str(error)) from None
    if not platform.sift.take_over(call, routine):
        raise Refused(409, "conflict", "The connection is over")
    return Response(200, call.document())


def _get_available(platform: Sandbox, request: Request, country: str) -> Response:
    if not re.fullmatch(r"[A-Z]{2}", country):
        raise Refused(404, "not_found", f"There is no country {country}")
    free = [each for each in FOR_RENT.get(country, ()) if each not in platform.sift.numbers]
    if platform.sift.numbers_as_list:
        return Response(200, content=wire.dumps(free), content_type="application/json")
    return _page(platform, request, [(each, each) for each in free])


def _get_numbers(platform: Sandbox, request: Request) -> Response:
    listed = [(number, _rented(number, owner)) for number, owner in platform.sift.numbers.items()]
    return _page(platform, request, listed)


def _add_number(platform: Sandbox, request: Request) -> Response:
    given = _fields(request)
    number, app_id = _number(given), _text(given, "application_id")
    application = platform.sift.application(app_id)
    if application is None:
        raise Refused(404, "not_found", f"There is no application {app_id}")
    try:
        platform.sift.register(number, application)
    except Taken as error:
        raise Refused(409, "conflict", str(error)) from None
    return Response(201, _rented(number, application))


def _rented(number: str, owner: Application) -> dict[str, object]:
    return {"phone_number": number, "application_id": owner.app_id}


def _page(platform: Sandbox, request: Request, listed: Listed) -> Response:
    """One page, from the item the cursor names on: what is new at the front moves nothing."""
    keys, size = [key for key, _ in listed], max(1, platform.sift.page_size)
    first = 0
    cursor = request.parameters.get("cursor")
    if cursor is not None:
        try:
            first = keys.index(base64.urlsafe_b64decode(cursor.encode()).decode())
        except ValueError:
            raise _wrong("cursor") from None

    def address(position: int) -> str:
        named = base64.urlsafe_b64encode(keys[position].encode()).decode()
        return f"{platform.rest_url}{request.path}?cursor={named}"

    body = {
        "next": address(first + size) if first + size < len(keys) else None,
        "previous": address(max(0, first - size)) if first else None,
        "results": [item for _, item in listed[first : first + size]],
    }
    return Response(200, body)


def _fields(request: Request) -> Mapping[str, Any]:
    """The form or JSON object in the body. Raises Refused."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() == FORM:
        return dict(parse_qsl(request.body.decode(errors="replace"), keep_blank_values=True))
    try:
        document = wire.loads(request.body)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise Refused(400, "invalid_body", "The body is neither a form nor a JSON object")
    return document


def _text(given: Mapping[str, Any], name: str) -> str:
    value = given.get(name)
    if value is not None and not isinstance(value, str):
        raise _wrong(name)
    return value or ""


def _number(given: Mapping[str, Any]) -> str:
    number = _text(given, "phone_number")
    if not E164.fullmatch(number):
        raise _wrong("phone_number")
    return number


def _is_url(text: str) -> bool:
    parts = urlsplit(text)
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def _wrong(name: str) -> Refused:
    return Refused(400, "invalid_parameter", f"{name} is missing or wrong")


# Of the ranges reserved for fiction, all that may be wanted.
FOR_RENT: Mapping[str, tuple[str, ...]] = {
    "US": tuple(f"+1202555{line:04}" for line in range(100, 200)),
    "GB": tuple(f"+4420794600{line:02}" for line in range(100)),
    "SE": tuple(f"+468465004{line:02}" for line in range(100)),
    "AU": tuple(f"+61{line}" for line in range(491570156, 491570160)),
}
ROUTES: Sequence[tuple[str, Mapping[str, Callable[..., Response]]]] = (
    (r"applications", {"GET": _get_applications, "POST": _add_application}),
    (r"connections", {"GET": _get_connections, "POST": _add_connection}),
    (r"connections/([^/]+)", {"GET": _get_connection, "POST": _take_over}),
    (r"availablenumbers/([^/]+)", {"GET": _get_available}),
    (r"phonenumbers", {"GET": _get_numbers, "POST": _add_number}),
)
