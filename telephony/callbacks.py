"""The way in for providers: verify, parse, then for each event record, decide, render.

Raw bytes in, raw bytes out. Forged: 401, empty, nothing stored. Unreadable: 400 and one sentence. Our own trouble:
the safe answer in the provider's own language, within two seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from time import monotonic
from typing import Any, ClassVar
from urllib.parse import urlsplit

import structlog
from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.http.request import UnreadablePostError
from psycopg import Error as PostgresError
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.request import Request
from rest_framework.views import APIView

from postgres.base import DeadlinePassed
from postgres.deadline import deadline
from postgres.work import in_one_transaction
from telephony import control, inbox
from telephony.applications import KEYRINGS
from telephony.events import Event, EventKind
from telephony.inbox import Outcome, Received
from telephony.providers.base import Adapter, Callback, CallbackRefused, CallbackUnreadable, Reply
from telephony.providers.reading import clean
from telephony.registry import PROVIDERS

log = structlog.get_logger(__name__)

LARGEST_BODY_BYTES = 65_536

_HEADERS = {
    "authorization": "HTTP_AUTHORIZATION",
    "content-type": "CONTENT_TYPE",
    "x-timestamp": "HTTP_X_TIMESTAMP",
    "x-sinch-webhook-signature": "HTTP_X_SINCH_WEBHOOK_SIGNATURE",
    "x-sinch-webhook-signature-nonce": "HTTP_X_SINCH_WEBHOOK_SIGNATURE_NONCE",
    "x-sinch-webhook-signature-timestamp": "HTTP_X_SINCH_WEBHOOK_SIGNATURE_TIMESTAMP",
    "x-sinch-webhook-signature-algorithm": "HTTP_X_SINCH_WEBHOOK_SIGNATURE_ALGORITHM",
}
_NOTHING_TO_SAY = Reply(status=200, content_type="text/plain", body=b"")

# After this the caller has been answered; what is left is to write down what went wrong, if that is possible.
RECORDING_SECONDS = 0.3


class Refusals:
    """Counts callbacks that proved nothing. A flood of them is one line a second, not one line each."""

    def __init__(self) -> None:
        self._since_last_line = 0
        self._last_line_at = 0.0

    def count(self, provider: str, why: str) -> None:
        self._since_last_line += 1
        if (now := monotonic()) - self._last_line_at >= 1.0:
            log.warning("callbacks_refused", provider=provider, count=self._since_last_line, last=why)
            self._since_last_line, self._last_line_at = 0, now


refusals = Refusals()


class AnyContent(BaseContentNegotiation):
    """Providers label their bodies as they like and accept what we send."""

    def select_parser(self, request: Request, parsers: Any) -> None:
        return None

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> tuple[Any, str]:
        return renderers[0], renderers[0].media_type


class CallbackView(APIView):
    """One provider's callback address."""

    provider_name: ClassVar[str] = ""
    http_method_names = ["post"]
    content_negotiation_class = AnyContent
    authentication_classes = ()
    permission_classes = ()

    def post(self, request: Request, token: str = "", topic: str = "") -> HttpResponse:
        provider = PROVIDERS[self.provider_name]
        now = datetime.now(UTC)
        try:
            callback = _callback(request._request, token, topic)
            replies = _answers(provider, _received(provider, callback, now))
        except CallbackRefused as refused:
            refusals.count(provider.name, str(refused))
            return _response(Reply(status=refused.status, content_type="text/plain", body=b""))
        except CallbackUnreadable as unreadable:
            log.warning("callback_unreadable", provider=provider.name, why=str(unreadable))
            sentence = f"{unreadable}\n".encode()
            return _response(Reply(status=400, content_type="text/plain; charset=utf-8", body=sentence))
        # Of several events in one request, the one that went worst decides whether the provider sends them again.
        return _response(max(replies, key=lambda reply: reply.status, default=_NOTHING_TO_SAY))


class SinchCallbackView(CallbackView):
    """Every signed Sinch callback, of every application of ours there."""

    provider_name = "sinch"


class SinchTextsCallbackView(CallbackView):
    """Delivery reports and incoming texts of a Sinch SMS service plan, which signs nothing: the token is the proof."""

    provider_name = "sinch_sms"


class SiftCallbackView(CallbackView):
    """All that Sift asks and tells about calls. It signs nothing: the token is the proof, and proves no news."""

    provider_name = "sift"


class VoximplantCallbackView(CallbackView):
    """Voximplant's account callbacks. It looks by GET whether anybody is there."""

    provider_name = "voximplant"
    http_method_names = ["get", "head", "post"]

    def get(self, request: Request) -> HttpResponse:
        return _response(_NOTHING_TO_SAY)


def _callback(request: HttpRequest, token: str, topic: str) -> Callback:
    """The request as it came. Raises CallbackUnreadable when it is too large or was cut off."""
    try:
        # One byte more than is taken shows that there is too much, whatever length was announced.
        body = request.read(LARGEST_BODY_BYTES + 1)
    except UnreadablePostError:
        raise CallbackUnreadable("The body was cut off.") from None
    if len(body) > LARGEST_BODY_BYTES:
        raise CallbackUnreadable("The body is larger than 64 KiB.")
    headers = {name: request.META.get(variable, "") for name, variable in _HEADERS.items()}
    return Callback(
        method="POST",
        path=public_path(request.path_info),
        headers=headers,
        body=body,
        token=token,
        topic=clean(topic),
        base=f"{settings.PUBLIC_URL}{request.path_info.removesuffix(f'{topic}/')}" if topic else "",
    )


def public_path(path: str) -> str:
    """The path as the provider signed it: that of PUBLIC_URL before ours, whatever a proxy stripped."""
    return urlsplit(settings.PUBLIC_URL).path.rstrip("/") + path


def _received(provider: Adapter, callback: Callback, now: datetime) -> list[Received]:
    keyring = KEYRINGS[provider.name]
    verified = provider.verify(callback, keyring, now)
    application = keyring.application(verified.application_id)
    return [
        Received(
            event=event,
            application=application,
            signed_at=verified.signed_at,
            received_at=now,
            late=not provider.check_freshness(event, verified, now),
            content_type=callback.headers["content-type"],
            topic=callback.topic,
            body=callback.body,
        )
        for event in provider.parse(callback, verified)
    ]


def _answers(provider: Adapter, batch: Sequence[Received]) -> list[Reply]:
    """An answer to each. A batch that is to come again anyway is not carried on when its time is used up."""
    began = monotonic()
    replies: list[Reply] = []
    for received in batch:
        replies.append(_answer(provider, received))
        if replies[-1].status >= 500 and monotonic() - began > settings.CALLBACK_DEADLINE_SECONDS:
            break
    return replies


def _answer(provider: Adapter, received: Received) -> Reply:
    try:
        with deadline(settings.CALLBACK_DEADLINE_SECONDS):
            decision = control.decide(received)
    except CallbackRefused:
        raise
    except Exception as error:
        log.exception("callback_failed", provider=provider.name, kind=received.event.kind.value)
        _record_failure(received, error)
        if _would_be_lost(received.event):
            # Sinch asks the fallback address after an error; a 200 would tell it that the hang-up was booked.
            return Reply(status=503, content_type="text/plain", body=b"")
        decision = control.safe_answer(received.event)
    return provider.render(decision, received.event)


def _would_be_lost(event: Event) -> bool:
    return event.kind in control.NEWS and event.kind is not EventKind.UNKNOWN


def _record_failure(received: Received, error: Exception) -> None:
    """Keep the event and what went wrong, in a transaction of its own; the log has it when even that fails.

    A database that did not answer in time is not asked again: the provider is waiting.
    """
    decision = control.safe_answer(received.event)
    try:
        if isinstance(error, DeadlinePassed):
            raise error
        with deadline(RECORDING_SECONDS):
            in_one_transaction(lambda: inbox.record(received, decision, Outcome.FAILED, repr(error)))
    except (DatabaseError, PostgresError):
        log.error("event_not_recorded", call=received.event.call_id, kind=received.event.kind.value)


def _response(reply: Reply) -> HttpResponse:
    response = HttpResponse(reply.body, status=reply.status, content_type=reply.content_type)
    # Set by middleware on pages; without it the server would answer in chunks, which a simple client may not read.
    response["Content-Length"] = str(len(reply.body))
    response._csp_exempt = True  # type: ignore[attr-defined]  # django-csp's own mark: no browser reads this
    return response
