"""What every endpoint of the REST API has in common: requests, responses and errors.

Errors have the platform's shape, {"errorCode", "message", "reference"}; the first three digits of the code
are the HTTP status.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from sandbox import wire

CALLS_PATH = "/calling/v1/calls/id/"
CONFERENCES_PATH = "/calling/v1/conferences/id/"
CONFIGURATION_PATH = "/v1/configuration/"
QUERY_PATH = "/v1/calling/query/number/"


@dataclass(frozen=True)
class Request:
    """What came in. path has no query string; header names are lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes = b""

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


@dataclass(frozen=True)
class Response:
    """body None means that there is none."""

    status: int
    body: Mapping[str, object] | None = None


DONE = Response(204)


class ApiError(Exception):
    """An answer that is an error; the code begins with the HTTP status."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code

    def response(self) -> Response:
        body = {"errorCode": self.code, "message": str(self), "reference": str(uuid4())}
        return Response(self.code // 100, body)
