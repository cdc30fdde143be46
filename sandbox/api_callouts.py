"""The endpoint that places calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox import callouts
from sandbox.api import ApiError, Request, Response
from sandbox.oracle import Kind
from sandbox.svaml import IllegalReply

if TYPE_CHECKING:
    from sandbox.platform import Sandbox


def place(platform: Sandbox, request: Request) -> Response:
    """Place a call, and tell its id.

    Raises ApiError: 40001 a wrong parameter, 40002 a missing one, 40200 no credit left, 40300 the destination is
    forbidden.
    """
    try:
        callout = callouts.read(request.body, request.headers)
    except callouts.Missing as error:
        raise ApiError(40002, str(error)) from error
    except (IllegalReply, ValueError) as error:
        raise ApiError(40001, str(error)) from error
    if platform.out_of_credit:
        raise ApiError(40200, "Not enough credit")
    if platform.phones.reached(callout.to).forbidden:
        raise ApiError(40300, "Calls to this destination are forbidden")
    call = platform.call_out(callout)
    platform.oracle.add(Kind.CALLOUT, callout.custom or "", call.call_id, withheld=request.withheld, to=callout.to)
    return Response(200, {"callId": call.call_id})
