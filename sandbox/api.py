"""What every endpoint of the REST API has in common: requests, responses and errors.

Errors have the platform's shape, {"errorCode", "message", "reference"}; the first three digits of the code
are the HTTP status.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any
from urllib.parse import parse_qsl
from uuid import uuid4

from sandbox import wire

CALLOUTS_PATH = "/calling/v1/callouts"
CALLS_PATH = "/calling/v1/calls/id/"
CONFERENCES_PATH = "/calling/v1/conferences/id/"
CONFIGURATION_PATH = "/v1/configuration/"
CLASSIC_TEXTS_PATH = "/v1/sms/"
PLANS_PATH = "/xms/v1/"
QUERY_PATH = "/v1/calling/query/number/"
VERIFICATIONS_PATH = "/verification/v1/verifications"
VOXIMPLANT_PATH = "/platform_api"
SIFT_PATH = "/v0"


@dataclass(frozen=True)
class Request:
    """What came in. path has no query string; header names are lower case.

    withheld names the mishap that will keep the client from learning what was done; empty when none will.
    """

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes = b""
    query: str = ""
    withheld: str = ""

    @property
    def parameters(self) -> dict[str, str]:
        """The query string; of two with one name the later."""
        return dict(parse_qsl(self.query, keep_blank_values=True, errors="replace"))

    def fields(self) -> Mapping[str, Any]:
        """The JSON object in the body, its property names in lower case: they are written in several ways.

        Raises ApiError 40001.
        """
        try:
            document = wire.loads(self.body)
        except ValueError:
            raise ApiError(40001, "The body is not JSON") from None
        if not isinstance(document, dict):
            raise ApiError(40001, "The body is not a JSON object")
        return {name.lower(): value for name, value in document.items()}


class Transmission(Enum):
    """How an answer gets to the client."""

    WHOLE = auto()
    DROPPED = auto()  # the connection is closed without a word
    LATE = auto()  # after late_seconds of wall-clock time
    DRIPPING = auto()  # byte by byte, and never to the end
    FLOOD = auto()  # more bytes than anybody should read


@dataclass(frozen=True)
class Response:
    """body becomes JSON; None means that there is none. content, when given, goes out as it is instead."""

    status: int
    body: Mapping[str, object] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes | None = None
    content_type: str = "application/json; charset=utf-8"
    transmission: Transmission = Transmission.WHOLE
    late_seconds: float = 0.0


DONE = Response(204)


class ApiError(Exception):
    """An answer that is an error; the code begins with the HTTP status."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code

    def response(self) -> Response:
        body = {"errorCode": self.code, "message": str(self), "reference": str(uuid4())}
        return Response(self.code // 100, body)
