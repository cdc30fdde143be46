"""Endpoints of texts: the REST API of a service plan, and the classic one of the application."""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from sandbox import texts, wire
from sandbox.access import authorization
from sandbox.api import PLANS_PATH, ApiError, Request, Response
from sandbox.oracle import Kind
from sandbox.texts import CLASSIC, ORIGINATOR, REPORTS, Batch, Order

if TYPE_CHECKING:
    from sandbox.platform import Sandbox

T = TypeVar("T")
MOST_RECIPIENTS = 1000
LONGEST_TEXT, LONGEST_URL, LONGEST_REFERENCE = 1600, 2048, 128
PAGE_SIZE, LARGEST_PAGE = 30, 100
FIELDS = {
    "to", "from", "body", "type", "delivery_report", "callback_url", "client_reference", "send_at", "expire_at",
    "flash_message", "feedback_enabled", "truncate_concat", "max_number_of_message_parts",
}  # fmt: skip

_NUMBER = re.compile(r"\+?([1-9][0-9]{6,14})")
_SENDER = re.compile(r"\+?[0-9]{3,15}|[A-Za-z0-9 ._-]{1,11}")
_CLASSIC_NUMBER = re.compile(r"\+[0-9]{6,16}")


class TextError(ApiError):
    """An error as the service plans have it: {"code", "text"}."""

    def __init__(self, status: int, word: str, text: str) -> None:
        super().__init__(status * 100, text)
        self.word = word

    def response(self) -> Response:
        return Response(self.code // 100, {"code": self.word, "text": str(self)})


def by_token(platform: Sandbox, request: Request) -> None:
    """Let in who has the API token of the service plan in the path: `Bearer TOKEN`. Raises TextError 401."""
    scheme, token = authorization(request)
    plan = request.path.removeprefix(PLANS_PATH).partition("/")[0]
    right = hmac.compare_digest(token.encode(), platform.api_token.encode())
    if scheme != "bearer" or not right or plan != platform.service_plan_id:
        raise TextError(401, "unauthorized", "The service plan or its API token is wrong")


def send(platform: Sandbox, request: Request, plan: str) -> Response:
    """Send a text to one or more recipients."""
    order = _order(_document(request))
    if platform.out_of_credit:
        raise TextError(402, "insufficient_credit", "Not enough credit")
    batch = platform.texts.send(order)
    platform.oracle.add(
        Kind.TEXT,
        order.client_reference,
        batch.id,
        withheld=request.withheld,
        to=",".join(order.recipients),
        body=order.body,
    )
    return Response(201, _batch(batch))


def get_batch(platform: Sandbox, request: Request, plan: str, batch_id: str) -> Response:
    """A batch as it was accepted."""
    return Response(200, _batch(_find(platform, batch_id)))


def get_batches(platform: Sandbox, request: Request, plan: str) -> Response:
    """All batches, the latest first, page by page; `client_reference` picks those that have it."""
    reference = request.parameters.get("client_reference")
    found = [each for each in _newest(platform) if reference in (None, each.order.client_reference)]
    return _page(request, "batches", found, _batch)


def cancel_batch(platform: Sandbox, request: Request, plan: str, batch_id: str) -> Response:
    """Send nothing of it that has not been sent."""
    batch = _find(platform, batch_id)
    platform.texts.cancel(batch)
    return Response(200, _batch(batch))


def get_report(platform: Sandbox, request: Request, plan: str, batch_id: str) -> Response:
    """How many of a batch have come how far; `type=full` names the recipients."""
    batch, asked = _reported(platform, batch_id), request.parameters
    kind = asked.get("type", "summary")
    if kind not in ("summary", "full"):
        raise _wrong("type is neither summary nor full")
    statuses, codes = _status_and_code(asked)
    return Response(200, texts.batch_report(batch, full=kind == "full", statuses=statuses, codes=codes))


def get_recipient_report(platform: Sandbox, request: Request, plan: str, batch_id: str, recipient: str) -> Response:
    """How far the text to one recipient has come."""
    batch = _reported(platform, batch_id)
    copy = batch.copies.get(recipient.removeprefix("+"))
    if copy is None:
        raise TextError(404, "resource_not_found", "The batch has no such recipient")
    return Response(200, texts.recipient_report(batch, copy))


def get_reports(platform: Sandbox, request: Request, plan: str) -> Response:
    """How far every text has come, the latest first, page by page; by status, code and client_reference if wanted."""
    asked = request.parameters
    statuses, codes = _status_and_code(asked)
    reference = asked.get("client_reference")
    found = [
        (batch, copy)
        for batch in _newest(platform)
        if batch.order.delivery_report != "none" and reference in (None, batch.order.client_reference)
        for copy in batch.copies.values()
        if (not statuses or copy.status in statuses) and (not codes or copy.code in codes)
    ]
    return _page(request, "delivery_reports", found, lambda each: texts.recipient_report(*each))


def get_inbounds(platform: Sandbox, request: Request, plan: str) -> Response:
    """Texts from telephones, the latest first, page by page."""
    return _page(request, "inbounds", platform.texts.inbounds[::-1], texts.mo_text)


def get_inbound(platform: Sandbox, request: Request, plan: str, inbound_id: str) -> Response:
    """One text from a telephone."""
    for each in platform.texts.inbounds:
        if each.id == inbound_id:
            return Response(200, texts.mo_text(each))
    raise TextError(404, "resource_not_found", "There is no such inbound message")


def send_classic(platform: Sandbox, request: Request, number: str) -> Response:
    """Send one text the classic way; the id is a whole number."""
    if not _CLASSIC_NUMBER.fullmatch(number):
        raise ApiError(40001, f"Not a number with a plus: {number}")
    fields = request.fields()
    message, sender = fields.get("message"), fields.get("from")
    if message is None:
        raise ApiError(40002, "message is missing")
    if not isinstance(message, str) or not 1 <= len(message) <= LONGEST_TEXT:
        raise ApiError(40001, f"message is not a text of 1 to {LONGEST_TEXT} characters")
    if sender is not None and not (isinstance(sender, str) and _SENDER.fullmatch(sender)):
        raise ApiError(40001, f"from is neither a number nor a name: {sender}")
    if platform.out_of_credit:
        raise ApiError(40200, "Not enough credit")
    order = Order(recipients=(number.removeprefix("+"),), body=message, sender=sender or ORIGINATOR)
    batch = platform.texts.send(order, classic=True)
    reference = f"{number} {message}"
    platform.oracle.add(
        Kind.CLASSIC_TEXT, reference, batch.id, withheld=request.withheld, to=order.recipients[0], body=message
    )
    return Response(200, {"messageId": int(batch.id)})


def get_classic(platform: Sandbox, request: Request, message_id: str) -> Response:
    """Pending, Successful or Faulted; Unknown for a text nobody sent."""
    batch = platform.texts.find(message_id)
    if batch is None or not batch.classic:
        return Response(200, {"status": "Unknown"})
    (copy,) = batch.copies.values()
    return Response(200, {"status": CLASSIC.get(copy.status, "Faulted")})


def _document(request: Request) -> Mapping[str, Any]:
    try:
        document = wire.loads(request.body)
    except ValueError:
        raise TextError(400, "syntax_invalid_json", "The body is not JSON") from None
    if not isinstance(document, dict):
        raise TextError(400, "syntax_invalid_json", "The body is not a JSON object")
    unknown = document.keys() - FIELDS
    if unknown:
        raise _wrong(f"there is no parameter {', '.join(sorted(unknown))}")
    return document


def _order(given: Mapping[str, Any]) -> Order:
    to = given.get("to")
    if not isinstance(to, list) or not 1 <= len(to) <= MOST_RECIPIENTS:
        raise _wrong(f"to is not an array of 1 to {MOST_RECIPIENTS} numbers")
    numbers = [_NUMBER.fullmatch(each) if isinstance(each, str) else None for each in to]
    body, wanted = given.get("body"), given.get("delivery_report", "none")
    if not isinstance(body, str) or not 1 <= len(body) <= LONGEST_TEXT:
        raise _wrong(f"body is not a text of 1 to {LONGEST_TEXT} characters")
    if given.get("type", "mt_text") != "mt_text" or wanted not in REPORTS:
        raise _wrong("type is not mt_text, or delivery_report no word for one")
    most = given.get("max_number_of_message_parts")
    if most is not None and (not isinstance(most, int) or isinstance(most, bool) or most < 1):
        raise _wrong("max_number_of_message_parts is not a whole number")
    return Order(
        recipients=tuple(dict.fromkeys(each[1] if each else _no_number() for each in numbers)),
        body=body,
        sender=_text(given, "from", 15, _SENDER).removeprefix("+") or ORIGINATOR,
        delivery_report=wanted,
        callback_url=_url(given),
        client_reference=_text(given, "client_reference", LONGEST_REFERENCE),
        send_at=_time(given, "send_at"),
        expire_at=_time(given, "expire_at"),
        most_parts=most,
        flash=given.get("flash_message") is True,
    )


def _no_number() -> str:
    raise _wrong("to has something that is no number")


def _text(given: Mapping[str, Any], name: str, longest: int, pattern: re.Pattern[str] | None = None) -> str:
    value = given.get(name)
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > longest or (pattern and not pattern.fullmatch(value)):
        raise _wrong(f"{name} is not as it has to be")
    return value


def _url(given: Mapping[str, Any]) -> str:
    url = _text(given, "callback_url", LONGEST_URL)
    if url and (urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname):
        raise _wrong("callback_url is not an http or https URL")
    return url


def _time(given: Mapping[str, Any], name: str) -> datetime | None:
    value = _text(given, name, 40)
    if not value:
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise _wrong(f"{name} is not a time") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _wrong(text: str) -> TextError:
    return TextError(400, "syntax_invalid_parameter_format", text)


def _batch(batch: Batch) -> dict[str, object]:
    order = batch.order
    body: dict[str, object] = {
        "id": batch.id,
        "to": list(order.recipients),
        "from": order.sender,
        "canceled": batch.canceled,
        "body": order.body,
        "type": "mt_text",
        "created_at": texts.stamp(batch.created_at),
        "modified_at": texts.stamp(batch.modified_at),
        "delivery_report": order.delivery_report,
        "expire_at": texts.stamp(batch.expire_at),
        "flash_message": order.flash,
    }
    optional = {"callback_url": order.callback_url, "client_reference": order.client_reference}
    return body | {name: value for name, value in optional.items() if value}


def _find(platform: Sandbox, batch_id: str) -> Batch:
    batch = platform.texts.find(batch_id)
    if batch is None or batch.classic:
        raise TextError(404, "resource_not_found", "There is no such batch")
    return batch


def _reported(platform: Sandbox, batch_id: str) -> Batch:
    batch = _find(platform, batch_id)
    if batch.order.delivery_report == "none":
        raise TextError(404, "resource_not_found", "The batch asked for no delivery report")
    return batch


def _newest(platform: Sandbox) -> list[Batch]:
    return [each for each in platform.texts if not each.classic][::-1]


def _status_and_code(asked: Mapping[str, str]) -> tuple[set[str], set[int]]:
    codes = [each for each in asked.get("code", "").split(",") if each]
    if not all(each.isdecimal() for each in codes):
        raise _wrong("code is not a list of whole numbers")
    return {each for each in asked.get("status", "").split(",") if each}, {int(each) for each in codes}


def _page(request: Request, name: str, found: Sequence[T], shown: Callable[[T], object]) -> Response:
    asked = request.parameters
    page, size = asked.get("page", "0"), asked.get("page_size", str(PAGE_SIZE))
    if not (page.isdecimal() and size.isdecimal() and 1 <= int(size) <= LARGEST_PAGE):
        raise _wrong(f"page is not a whole number, or page_size not one from 1 to {LARGEST_PAGE}")
    first = int(page) * int(size)
    listed = [shown(each) for each in found[first : first + int(size)]]
    return Response(200, {"count": len(found), "page": int(page), "page_size": len(listed), name: listed})
