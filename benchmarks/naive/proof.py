"""The signature check of the naive applications: ours, so that it costs the same."""

from __future__ import annotations

from datetime import UTC, datetime

from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from telephony.applications import KEYRINGS, KnownApplication
from telephony.providers.base import Callback, CallbackRefused
from telephony.registry import PROVIDERS


class SinchSignature(BaseAuthentication):
    """`request.auth` is the application that signed."""

    def authenticate(self, request: Request) -> tuple[None, KnownApplication]:
        headers = {name: request.headers.get(name, "") for name in ("authorization", "content-type", "x-timestamp")}
        callback = Callback(method="POST", path=request.path, headers=headers, body=request._request.body)
        keyring = KEYRINGS["sinch"]
        try:
            verified = PROVIDERS["sinch"].verify(callback, keyring, datetime.now(UTC))
        except CallbackRefused as refused:
            raise AuthenticationFailed(str(refused)) from refused
        return None, keyring.application(verified.application_id)
