"""Endpoints of what is set up once: rented numbers, the callback URL, and what is known about a number.

A new primary URL is used from the next callback on. The fallback is kept and given back, but nothing goes there:
a call that a fallback answered is the fault `AnsweredElsewhere`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from sandbox import numbers, rates
from sandbox.api import ApiError, Request, Response
from sandbox.numbers import Capability

if TYPE_CHECKING:
    from sandbox.platform import Sandbox

CAPABILITIES: dict[str, Capability] = {"voice": "voice", "sms": "sms"}


def get_numbers(platform: Sandbox, request: Request) -> Response:
    """All rented numbers; one that no application has comes without applicationkey."""
    listed = [
        {
            "number": each.number,
            **({"applicationkey": each.application_key} if each.application_key else {}),
            "capability": each.capability,
        }
        for each in platform.numbers
    ]
    return Response(200, {"numbers": listed})


def assign_numbers(platform: Sandbox, request: Request) -> Response:
    """Give numbers to the application."""
    fields = request.fields()
    wanted = fields.get("numbers")
    if not isinstance(wanted, list) or not wanted:
        raise ApiError(40002, "numbers is missing")
    found = [_number(each) for each in wanted]
    key, capability = _own_key(platform, fields), _capability(fields)
    for number in found:
        platform.numbers.assign(number, key, capability)
    return Response(200, {})


def unassign_number(platform: Sandbox, request: Request) -> Response:
    """Take a number away from the application."""
    fields = request.fields()
    key, capability = _own_key(platform, fields), _capability(fields)
    if not platform.numbers.unassign(_number(fields.get("number")), key, capability):
        raise ApiError(40400, "Number not found")
    return Response(200, {})


def get_callbacks(platform: Sandbox, request: Request, key: str) -> Response:
    """Where callbacks go."""
    _own_key(platform, {"applicationkey": key})
    return Response(200, {"url": {"primary": platform.target, "fallback": platform.fallback}})


def set_callbacks(platform: Sandbox, request: Request, key: str) -> Response:
    """Have callbacks go elsewhere from now on."""
    _own_key(platform, {"applicationkey": key})
    url = request.fields().get("url")
    if not isinstance(url, dict):
        raise ApiError(40002, "url is missing")
    folded = {name.lower(): value for name, value in url.items()}
    primary, fallback = _url(folded.get("primary")), folded.get("fallback") or ""
    platform.fallback = _url(fallback) if fallback else ""
    platform.target = primary
    return Response(200, {})


def query_number(platform: Sandbox, request: Request, number: str) -> Response:
    """Country, kind and price of a number."""
    found = _number(f"+{number.removeprefix('+')}")
    answer = {
        "countryId": numbers.country_of(found),
        "numberType": numbers.type_of(found),
        "normalizedNumber": found,
        "restricted": False,
        "rate": rates.amount(platform.rate_table.per_minute(found)),
    }
    return Response(200, {"number": answer})


def _number(given: Any) -> str:
    if not isinstance(given, str) or not numbers.E164.fullmatch(given):
        raise ApiError(40001, f"Not a number in E.164: {given}")
    return given


def _own_key(platform: Sandbox, fields: Any) -> str:
    key = fields.get("applicationkey") or platform.key
    if str(key).lower() != platform.key.lower():
        raise ApiError(40300, "The application is not yours")
    return platform.key


def _capability(fields: Any) -> Capability:
    given = str(fields.get("capability") or "voice").lower()
    if given not in CAPABILITIES:
        raise ApiError(40001, f"capability is neither voice nor sms: {given}")
    return CAPABILITIES[given]


def _url(given: Any) -> str:
    parts = urlsplit(given) if isinstance(given, str) else None
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname:
        raise ApiError(40001, f"Not an http or https URL: {given}")
    return str(given)
