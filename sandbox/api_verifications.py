"""Endpoints of verifications: start, report, look."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sandbox import access
from sandbox.api import VERIFICATIONS_PATH, ApiError, Request, Response
from sandbox.numbers import country_of
from sandbox.oracle import Kind
from sandbox.svaml import IllegalReply
from sandbox.svaml.actions import E164
from sandbox.svaml.reading import fold
from sandbox.verifications import ALPHABETS, CODE_LENGTH, METHODS, Taken, Verification, Wish, expiry_seconds
from sandbox.wire import timestamp

if TYPE_CHECKING:
    from sandbox.platform import Sandbox

LONGEST_CUSTOM = 4096
KEYS = {"sms": "sms", "flashcall": "flashCall", "callout": "callout"}

_REFERENCE = re.compile(r"[A-Za-z0-9._~-]{1,255}")


def start(platform: Sandbox, request: Request) -> Response:
    """Begin a verification.

    Raises ApiError: 40001 a wrong parameter, 40002 a missing one, 40003 the reference was used before, 40200 no
    credit left, 40300 a method this desk does not offer, or the application says no.
    """
    wish = _wish(request)
    if platform.out_of_credit:
        raise ApiError(40200, "Not enough credit")
    try:
        started = platform.verifications.start(wish, publicly=access.is_public(request))
    except Taken as error:
        raise ApiError(40003, str(error)) from error
    if started.status == "DENIED":
        raise ApiError(40300, started.reason)
    platform.oracle.add(
        Kind.VERIFICATION, wish.reference, started.id, withheld=request.withheld, to=wish.number, method=wish.method
    )
    return Response(200, _started(platform, started))


def report_by_id(platform: Sandbox, request: Request, id: str) -> Response:
    """Bring the proof."""
    return _report(platform, request, platform.verifications.get(id))


def report_by_number(platform: Sandbox, request: Request, number: str) -> Response:
    """Bring the proof for the last verification of a number."""
    return _report(platform, request, platform.verifications.latest(number, _method(_document(request))))


def by_id(platform: Sandbox, request: Request, id: str) -> Response:
    """How a verification stands."""
    return Response(200, _status(platform, _known(platform.verifications.get(id))))


def by_reference(platform: Sandbox, request: Request, reference: str) -> Response:
    """How the verification with this reference stands."""
    return Response(200, _status(platform, _known(platform.verifications.by_reference(reference))))


def by_number(platform: Sandbox, request: Request, method: str, number: str) -> Response:
    """How the last verification of a number by this method stands."""
    return Response(200, _status(platform, _known(platform.verifications.latest(number, method.lower()))))


def _report(platform: Sandbox, request: Request, found: Verification | None) -> Response:
    document = _document(request)
    method, verification = _method(document), _known(found)
    if method != verification.wish.method:
        raise ApiError(40003, f"The verification is not by {method}")
    given = document.get(method)
    proof = given.get("cli" if method == "flashcall" else "code") if isinstance(given, dict) else None
    if not isinstance(proof, str) or not proof:
        raise ApiError(40002, f"{KEYS[method]} has no {'cli' if method == 'flashcall' else 'code'}")
    if verification.ended:
        raise ApiError(40003, "The verification has ended")
    platform.verifications.report(verification, proof)
    return Response(200, _outcome(verification))


def _known(found: Verification | None) -> Verification:
    if found is None:
        raise ApiError(40400, "Verification not found")
    return found


def _document(request: Request) -> Mapping[str, Any]:
    try:
        return {name: fold(value) for name, value in request.fields().items()}
    except IllegalReply as error:
        raise ApiError(40001, str(error)) from error


def _method(document: Mapping[str, Any]) -> str:
    method = document.get("method")
    if method is None:
        raise ApiError(40002, "method is missing")
    if str(method).lower() in ("seamless", "whatsapp"):
        raise ApiError(40300, f"This desk offers no verification by {method}")
    if str(method).lower() not in METHODS:
        raise ApiError(40001, f"There is no verification by {method}")
    return str(method).lower()


def _wish(request: Request) -> Wish:
    document = _document(request)
    identity = document.get("identity")
    number = identity.get("endpoint") if isinstance(identity, dict) else None
    if number is None:
        raise ApiError(40002, "identity.endpoint is missing")
    if not isinstance(number, str) or not E164.fullmatch(number):
        raise ApiError(40001, f"identity.endpoint is not E.164: {number}")
    reference, custom = document.get("reference") or "", document.get("custom") or ""
    if not isinstance(reference, str) or (reference and not _REFERENCE.fullmatch(reference)):
        raise ApiError(40001, "reference cannot stand in a URL")
    if not isinstance(custom, str) or len(custom) > LONGEST_CUSTOM:
        raise ApiError(40001, f"custom is longer than {LONGEST_CUSTOM} characters")
    options = document.get("smsoptions") or {}
    code_type = str(options.get("codetype") or "numeric").lower() if isinstance(options, dict) else ""
    seconds = expiry_seconds(options["expiry"]) if code_type and options.get("expiry") else Wish.expires_after_seconds
    if code_type not in ALPHABETS or seconds is None:
        raise ApiError(40001, "smsOptions has no readable codeType or expiry")
    languages = tuple(each.strip() for each in request.headers.get("accept-language", "").split(",") if each.strip())
    return Wish(
        number=number,
        method=METHODS[_method(document)],
        reference=reference,
        custom=custom,
        code_type=code_type,
        expires_after_seconds=seconds,
        languages=languages,
    )


def _started(platform: Sandbox, started: Verification) -> dict[str, object]:
    seconds, method = started.expires_after_seconds, started.wish.method
    details: dict[str, dict[str, object]] = {
        "sms": {
            "template": "Your code is {{CODE}}",
            "interceptionTimeout": seconds,
            "codeType": started.wish.code_type.capitalize(),
        },
        "flashcall": {
            "cliFilter": f"(.*){started.cli.removeprefix('+')[:-CODE_LENGTH]}([0-9]{{4}})",
            "interceptionTimeout": 60,
            "reportTimeout": seconds,
            "denyCallAfter": 0,
        },
        "callout": {"startPollingAfter": 2, "stopPollingAfter": seconds, "pollingInterval": 2},
    }
    href = f"{platform.rest_url}{VERIFICATIONS_PATH}"
    links = [
        {"rel": "status", "href": f"{href}/id/{started.id}", "method": "GET"},
        {"rel": "report", "href": f"{href}/id/{started.id}", "method": "PUT"},
    ]
    return {"id": started.id, "method": method, KEYS[method]: details[method], "_links": links}


def _outcome(found: Verification) -> dict[str, object]:
    body: dict[str, object] = {"id": found.id, "method": found.wish.method, "status": found.status}
    optional = {"reason": found.reason, "reference": found.wish.reference, "source": found.source}
    body |= {name: value for name, value in optional.items() if value}
    return body if found.wish.method == "sms" else body | {"callComplete": bool(found.call_result)}


def _status(platform: Sandbox, found: Verification) -> dict[str, object]:
    body = _outcome(found) | {
        "identity": {"type": "number", "endpoint": found.wish.number},
        "countryId": country_of(found.wish.number),
        # Without a zone, as the platform writes it.
        "verificationTimestamp": timestamp(found.started_at).removesuffix("Z"),
        "price": platform.verifications.price(found),
    }
    return body | {"callResult": found.call_result} if found.call_result else body
