"""What a Voximplant account did: its calls, texts and transactions, and what such things cost."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sandbox.api import ApiError, Request, Response
from sandbox.voximplant import PART_PRICE, Leg, Session, Sms, Transaction, Voximplant, date

if TYPE_CHECKING:
    from sandbox.platform import Sandbox

WRONG_PARAMETER = 110
MOST, USUAL, FARTHEST = 1000, 20, 10_000
REPORT_AFTER_SECONDS = 30

Parameters = dict[str, str]


class Refused(ApiError):
    """An error as this API has it: HTTP 200 and {"error": {"code", "msg"}}."""

    def response(self) -> Response:
        return Response(200, {"error": {"code": self.code, "msg": str(self)}})


def failure(name: str) -> Refused:
    """A parameter is missing or wrong."""
    return Refused(WRONG_PARAMETER, f"The parameter {name} is missing or wrong")


def flag(given: Parameters, name: str) -> bool:
    """Whether a parameter says yes."""
    return given.get(name, "").lower() in ("true", "1")


def whole(given: Parameters, name: str, usual: int = 0, *, required: bool = False) -> int:
    """A parameter that is a whole number. Raises Refused."""
    value = given.get(name)
    if value is None and not required:
        return usual
    if value is None or not value.isdecimal():
        raise failure(name)
    return int(value)


def get_call_history(platform: Sandbox, request: Request, given: Parameters) -> dict[str, Any]:
    """Sessions that have ended, by when they began; `with_calls` with their legs."""
    since, until = _span(given)
    account = platform.voximplant
    ids = {each for each in given.get("call_session_history_id", "").split(";") if each}
    if len(ids) > MOST:
        raise failure("call_session_history_id")
    custom_data, remote = given.get("call_session_history_custom_data"), given.get("remote_number")
    found = [
        each
        for each in account.sessions
        if each.finished
        and since <= each.start_date <= until
        and (not ids or str(each.id) in ids)
        and custom_data in (None, each.custom_data)
        and (remote is None or any(leg.remote_number == remote.removeprefix("+") for leg in each.legs))
    ]
    if flag(given, "is_async"):
        return _report_later(platform)
    with_calls = flag(given, "with_calls")
    answer = _page(given, found, [_session(account, each, with_calls=with_calls) for each in found])
    return {**answer, "timezone": "Etc/UTC"}


def get_sms_history(platform: Sandbox, request: Request, given: Parameters) -> dict[str, Any]:
    """Texts, by when they were sent or came."""
    since, until = _span(given, required=False)
    wanted = {name: given.get(name) for name in ("source_number", "destination_number", "direction")}
    found = [
        each
        for each in platform.voximplant.texts
        if since <= each.processed_date <= until
        and wanted["direction"] in (None, each.direction)
        and (wanted["source_number"] or each.source).removeprefix("+") == each.source
        and (wanted["destination_number"] or each.destination).removeprefix("+") == each.destination
    ]
    return _page(given, found, [_sms(each) for each in found])


def get_transaction_history(platform: Sandbox, request: Request, given: Parameters) -> dict[str, Any]:
    """Money in and out."""
    since, until = _span(given)
    account = platform.voximplant
    found = [each for each in account.transactions if since <= each.performed_at <= until]
    if flag(given, "is_async"):
        return _report_later(platform, "transaction_history_report")
    return {
        **_page(given, found, [_transaction(account, each) for each in found]),
        "timezone": "Etc/UTC",
    }


def get_resource_price(platform: Sandbox, request: Request, given: Parameters) -> dict[str, Any]:
    """What a minute to each prefix costs, and a part of a text."""
    calls = [
        {"price_group_id": number, "price_group_name": f"prefix {prefix}", "price": price}
        for number, (prefix, price) in enumerate(platform.rate_table.prices, start=1)
    ]
    texts = [{"price_group_id": 1, "price_group_name": "all destinations", "price": PART_PRICE}]
    resources = [
        {"resource_type": "PSTNOUT", "num_resources_per_price": 60, "quantum": 60, "price_groups": calls},
        {"resource_type": "SMSOUT", "num_resources_per_price": 1, "quantum": 1, "price_groups": texts},
    ]
    wanted = {each for each in given.get("resource_type", "").split(";") if each}
    return {"result": [each for each in resources if not wanted or each["resource_type"] in wanted]}


def _report_later(platform: Sandbox, kind: str = "call_history_report") -> dict[str, Any]:
    """The report is made in the background; a callback tells when it is there."""
    account = platform.voximplant
    report_id = account.new_id()
    told = {"history_report_id": report_id, "success": True, "order_date": date(platform.wall_clock())}
    platform.clock.after(REPORT_AFTER_SECONDS, lambda: account.tell([{"type": kind, kind: told}]))
    return {"result": 1, "history_report_id": report_id}


def _span(given: Parameters, *, required: bool = True) -> tuple[datetime, datetime]:
    """From when to when, whole seconds included."""
    since, until = (_moment(given, name, required=required) for name in ("from_date", "to_date"))
    beginning, end = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    return since or beginning, until.replace(microsecond=999_999) if until else end


def _moment(given: Parameters, name: str, *, required: bool) -> datetime | None:
    value = given.get(name)
    if value is None and not required:
        return None
    try:
        return datetime.strptime(value or "", "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    except ValueError:
        raise failure(name) from None


def _page(given: Parameters, found: Sequence[object], shown: Sequence[dict[str, Any]]) -> dict[str, Any]:
    many, offset = whole(given, "count", USUAL), whole(given, "offset")
    if not 1 <= many <= MOST or offset > FARTHEST:
        raise failure("count" if offset <= FARTHEST else "offset")
    ordered = shown[::-1] if flag(given, "desc_order") else shown
    listed = list(ordered[offset : offset + many])
    return {"result": listed, "count": len(listed), "total_count": len(found)}


def _session(account: Voximplant, session: Session, *, with_calls: bool) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "call_session_history_id": session.id,
        "account_id": account.account_id,
        "application_id": 1,
        "application_name": "desk",
        "rule_name": f"rule {session.rule_id}",
        "start_date": date(session.start_date),
        "duration": session.duration,
        "finish_reason": "Normal termination",
        "custom_data": session.custom_data,
    }
    local = account.numbers[0].number if account.numbers else ""
    return {**shown, "calls": [_leg(each, local) for each in session.legs]} if with_calls else shown


def _leg(leg: Leg, local_number: str) -> dict[str, Any]:
    return {
        "call_id": leg.call_id,
        "start_time": date(leg.start_time),
        "duration": leg.duration,
        "local_number": local_number,
        "remote_number": leg.remote_number,
        "remote_number_type": "pstn",
        "incoming": False,
        "successful": leg.successful,
        "transaction_id": leg.transaction_id,
        "cost": leg.cost,
        "end_reason": leg.end_reason,
    }


def _sms(sms: Sms) -> dict[str, Any]:
    return {
        "message_id": sms.message_id,
        "source_number": sms.source,
        "destination_number": sms.destination,
        "direction": sms.direction,
        "fragments": sms.fragments,
        "processed_date": date(sms.processed_date),
        "status_id": sms.status,
        "cost": sms.cost,
        "transaction_id": sms.transaction_id,
        "text": sms.text,
    }


def _transaction(account: Voximplant, transaction: Transaction) -> dict[str, Any]:
    return {
        "transaction_id": transaction.id,
        "account_id": account.account_id,
        "performed_at": date(transaction.performed_at),
        "amount": transaction.amount,
        "currency": account.currency,
        "transaction_type": transaction.kind,
        "transaction_description": transaction.description,
    }
