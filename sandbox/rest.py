"""The platform's REST API: one table of routes, so that another endpoint is another row."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote

from sandbox import (
    access,
    api_callouts,
    api_calls,
    api_configuration,
    api_sift,
    api_texts,
    api_verifications,
    api_voximplant,
)
from sandbox.api import (
    CALLOUTS_PATH,
    CALLS_PATH,
    CLASSIC_TEXTS_PATH,
    CONFERENCES_PATH,
    CONFIGURATION_PATH,
    PLANS_PATH,
    QUERY_PATH,
    SIFT_PATH,
    VERIFICATIONS_PATH,
    VOXIMPLANT_PATH,
    ApiError,
    Request,
    Response,
)

if TYPE_CHECKING:
    from sandbox.platform import Sandbox

CALL = rf"{CALLS_PATH}(?P<call_id>[^/]+)"
CONFERENCE = rf"{CONFERENCES_PATH}(?P<conference_id>[^/]+)"
PLAN = rf"{PLANS_PATH}(?P<plan>[^/]+)"
BATCH = rf"{PLAN}/batches/(?P<batch_id>[^/]+)"
REPORT = rf"{BATCH}/delivery_report"
VERIFICATION = rf"{VERIFICATIONS_PATH}/id/(?P<id>[^/]+)"
VERIFIED = rf"{VERIFICATIONS_PATH}/number/(?P<number>[^/]+)"
NUMBERS = rf"{CONFIGURATION_PATH}numbers"
CALLBACKS = rf"{CONFIGURATION_PATH}callbacks/applications/(?P<key>[^/]+)"

Handler = Callable[..., Response]


def _never(request: Request) -> bool:
    return False


def _always(request: Request) -> bool:
    return True


@dataclass(frozen=True)
class Route:
    """One endpoint: methods with blanks between, path a regular expression whose groups go to the handler.

    costs says which requests are paid for.
    """

    methods: str
    path: str
    handler: Handler
    door: Callable[[Sandbox, Request], None] = access.by_application
    costs: Callable[[Request], bool] = _never


def _nowhere(platform: Sandbox, request: Request) -> Response:
    raise ApiError(40400, "Resource not found")


NOWHERE = Route("", "", _nowhere)
ROUTES: tuple[Route, ...] = (
    Route("POST", rf"{CALLOUTS_PATH}/?", api_callouts.place, costs=_always),
    Route("GET", CALL, api_calls.get_call),
    Route("PATCH", CALL, api_calls.patch_call),
    Route("PATCH", rf"{CALL}/leg/(?P<leg>[^/]+)", api_calls.patch_call),
    Route("GET", CONFERENCE, api_calls.get_conference),
    Route("DELETE", CONFERENCE, api_calls.kick_all),
    Route("PATCH", rf"{CONFERENCE}/(?P<call_id>[^/]+)", api_calls.manage_participant),
    Route("DELETE", rf"{CONFERENCE}/(?P<call_id>[^/]+)", api_calls.kick),
    Route("GET", NUMBERS, api_configuration.get_numbers),
    Route("POST", NUMBERS, api_configuration.assign_numbers),
    Route("DELETE", NUMBERS, api_configuration.unassign_number),
    Route("GET", CALLBACKS, api_configuration.get_callbacks),
    Route("POST", CALLBACKS, api_configuration.set_callbacks),
    Route("GET", rf"{QUERY_PATH}(?P<number>[^/]+)", api_configuration.query_number),
    Route("POST", rf"{PLAN}/batches", api_texts.send, api_texts.by_token, _always),
    Route("GET", rf"{PLAN}/batches", api_texts.get_batches, api_texts.by_token),
    Route("GET", BATCH, api_texts.get_batch, api_texts.by_token),
    Route("DELETE", BATCH, api_texts.cancel_batch, api_texts.by_token),
    Route("GET", REPORT, api_texts.get_report, api_texts.by_token),
    Route("GET", rf"{REPORT}/(?P<recipient>[^/]+)", api_texts.get_recipient_report, api_texts.by_token),
    Route("GET", rf"{PLAN}/delivery_reports", api_texts.get_reports, api_texts.by_token),
    Route("GET", rf"{PLAN}/inbounds", api_texts.get_inbounds, api_texts.by_token),
    Route("GET", rf"{PLAN}/inbounds/(?P<inbound_id>[^/]+)", api_texts.get_inbound, api_texts.by_token),
    Route("POST", rf"{CLASSIC_TEXTS_PATH}(?P<number>[^/]+)", api_texts.send_classic, costs=_always),
    Route("GET", rf"{CLASSIC_TEXTS_PATH}(?P<message_id>[^/]+)", api_texts.get_classic),
    Route("GET", r"/v1/message/status/(?P<message_id>[^/]+)", api_texts.get_classic),
    Route("POST", VERIFICATIONS_PATH, api_verifications.start, access.by_application_or_publicly, _always),
    Route("PUT", VERIFICATION, api_verifications.report_by_id, access.by_application_or_publicly),
    Route("PUT", VERIFIED, api_verifications.report_by_number, access.by_application_or_publicly),
    Route("GET", VERIFICATION, api_verifications.by_id),
    Route("GET", rf"{VERIFICATIONS_PATH}/reference/(?P<reference>[^/]+)", api_verifications.by_reference),
    Route("GET", rf"{VERIFICATIONS_PATH}/(?P<method>[^/]+)/number/(?P<number>[^/]+)", api_verifications.by_number),
    Route(
        "GET POST",
        rf"{VOXIMPLANT_PATH}(?:/[^/]+)?/?",
        api_voximplant.answer,
        api_voximplant.by_account,
        api_voximplant.costs,
    ),
    Route(
        "GET POST PUT PATCH DELETE", rf"{SIFT_PATH}/(?P<rest>.*)", api_sift.answer, api_sift.by_account, api_sift.costs
    ),
)


def answer(platform: Sandbox, request: Request) -> Response:
    """The answer to one request, authenticated first."""
    try:
        route, named = _route(request)
        route.door(platform, request)
        if not route.costs(request):
            return route.handler(platform, request, **named)
        return platform.manners.serve(request, lambda seen: route.handler(platform, seen, **named))
    except ApiError as error:
        return error.response()


def _route(request: Request) -> tuple[Route, dict[str, str]]:
    for route in ROUTES:
        found = re.fullmatch(route.path, request.path)
        if found and request.method in route.methods.split():
            return route, {name: unquote(value) for name, value in found.groupdict().items()}
    return NOWHERE, {}
