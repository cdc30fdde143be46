"""Voximplant's HTTP API: /platform_api/METHOD, or POST /platform_api with `cmd`; every error is an HTTP 200.

What is asked of an account and changed in it is here; what it did before is in `api_voximplant_history`.
"""

from __future__ import annotations

import csv
import hmac
import io
import json
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from sandbox import api_voximplant_history as history
from sandbox import segments
from sandbox.access import authorization
from sandbox.api import VOXIMPLANT_PATH, Request, Response
from sandbox.api_voximplant_history import Parameters, Refused, failure, flag, whole
from sandbox.oracle import Kind
from sandbox.service_accounts import BadToken
from sandbox.voximplant import LEAST_FOR_LISTS, InsufficientFunds, date

if TYPE_CHECKING:
    from sandbox.platform import Sandbox

NOT_A_NUMBER, AUTHORISATION, UNKNOWN_METHOD, NO_MONEY = 1, 100, 102, 127
LONGEST_SALT, LONGEST_SMS, LONGEST_A2P, MOST_DESTINATIONS = 40, 765, 1600, 100
MOST_ATTEMPTS = 5
PAID = ("StartScenarios", "SendSmsMessage", "A2PSendSms", "CreateCallList")
FORM = "application/x-www-form-urlencoded"

Answerer = Callable[["Sandbox", Request, Parameters], dict[str, Any]]


def by_account(platform: Sandbox, request: Request) -> None:
    """Let in who has the account's API key, or a fresh token of one of its service accounts. Raises Refused."""
    account = platform.voximplant
    scheme, token = authorization(request)
    if scheme == "bearer":
        try:
            account.service_accounts.check(token, platform.wall_clock())
        except BadToken as error:
            raise Refused(AUTHORISATION, f"Authorization failed: {error}") from error
        return
    given = parameters(request)
    right = hmac.compare_digest(given.get("api_key", "").encode(), account.api_key.encode())
    if not right or given.get("account_id") != str(account.account_id):
        raise Refused(AUTHORISATION, "Authorization failed: account_id or api_key is wrong")


def costs(request: Request) -> bool:
    """Whether money is spent."""
    return _method(request) in PAID


def answer(platform: Sandbox, request: Request) -> Response:
    """Do what the method says that the path or `cmd` names."""
    name = _method(request)
    if name not in METHODS:
        raise Refused(UNKNOWN_METHOD, f"There is no method {name}")
    if name in PAID and platform.out_of_credit:
        raise Refused(NO_MONEY, "Insufficient funds")
    try:
        return Response(200, METHODS[name](platform, request, parameters(request)))
    except InsufficientFunds:
        raise Refused(NO_MONEY, "Insufficient funds") from None


def parameters(request: Request) -> Parameters:
    """Query string and form together; a body that is no form is the file of a call list."""
    found = request.parameters
    if request.headers.get("content-type", "").startswith(FORM):
        found |= parse_qsl(request.body.decode(errors="replace"), keep_blank_values=True)
    elif request.body:
        found["file_content"] = request.body.decode(errors="replace")
    return found


def _method(request: Request) -> str:
    named = request.path.removeprefix(VOXIMPLANT_PATH).strip("/")
    return named or parameters(request).get("cmd", "")


def get_account_info(platform: Sandbox, request: Request, given: Parameters) -> dict[str, Any]:
    """The account. Its API key is shown only to who has it already."""
    account = platform.voximplant
    result: dict[str, Any] = {
        "account_id": account.account_id,
        "account_name": account.account_name,
        "account_email": account.account_email,
        "balance": account.balance,
        "credit_limit": account.credit_limit,
        "currency": account.currency,
        "active": True,
        "frozen": account.frozen,
        "min_balance_to_notify": account.min_balance_to_notify,
        "callback_url": account.callback_url,
        "callback_salt": account.callback_salt,
        "location": account.location,
        "language_code": account.language_code,
        "a2p_sms_enabled": True,
        "created": date(platform.clock.start),
        **account.settings,
    }
    if authorization(request)[0] != "bearer":
        result["api_key"] = account.api_key
    if flag(given, "return_live_balance"):
        result["live_balance"] = account.balance
    return {"result": result, "api_address": urlsplit(platform.rest_url).netloc}


SETTINGS = (
    "send_js_error", "store_outbound_sms", "store_inbound_sms", "account_notifications", "account_custom_data",
    "account_first_name", "account_last_name", "location", "language_code",
)  # fmt: skip


def set_account_info(platform: Sandbox, request: Request, given: Parameters) -> dict[str, Any]:
    """Change the account."""
    account = platform.voximplant
    url, salt = given.get("callback_url"), given.get("callback_salt")
    if url and (urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname):
        raise failure("callback_url")
    if salt is not None and len(salt) > LONGEST_SALT:
        raise failure("callback_salt")
    least = given.get("min_balance_to_notify")
    try:
        least_balance = None if least is None else Decimal(least)
    except InvalidOperation:
        raise failure("min_balance_to_notify") from None
    if least_balance is not None and not least_balance.is_finite():
        raise failure("min_balance_to_notify")
    account.callback_url = account.callback_url if url is None else url
    account.callback_salt = account.callback_salt if salt is None else salt
    if least_balance is not None:
        account.min_balance_to_notify = least_balance
    account.settings |= {name: given[name] for name in SETTINGS if name in given}
    return {"result": 1}


def start_scenarios(platform: Sandbox, request: Request, given: Parameters) -> dict[str, Any]:
    """Run a scenario."""
    rule_id, custom_data = whole(given, "rule_id", required=True), given.get("script_custom_data", "")
    session = platform.voximplant.start_scenario(rule_id, custom_data)
    platform.oracle.add(Kind.SCENARIO, custom_data, str(session.id), withheld=request.withheld)
    media = f"{platform.rest_url}/sessions/{session.id}"
    return {
        "result": 1,
        "call_session_history_id": session.id,
        "media_session_access_url": media,
        "media_session_access_secure_url": media,
        "media_session_check_url": media,
    }


def send_sms_message(platform: Sandbox, request: Request, given: Parameters) -> dict[str, Any]:
    """Send a text from a number of the account."""
    source, destination = _number(given, "source"), _number(given, "destination")
    text = _body(given, "sms_body", LONGEST_SMS)
    if not any(each.number == source and each.sms_enabled for each in platform.voximplant.numbers):
        raise failure("source")
    return {"result": 1, **_send(platform, request, source, destination, text)}


def a2p_send_sms(platform: Sandbox, request: Request, given: Parameters) -> dict[str, Any]:
    """Send a text under a name to up to a hundred numbers; each goes or fails for itself."""
    source, text = given.get("src_number", ""), _body(given, "text", LONGEST_A2P)
    destinations = [each.strip().removeprefix("+") for each in given.get("dst_numbers", "").split(";") if each.strip()]
    if not source:
        raise failure("src_number")
    if not 1 <= len(destinations) <= MOST_DESTINATIONS:
        raise failure("dst_numbers")
    sent: list[dict[str, Any]] = []
    failed: list[dict[str, Any]] = []
    for destination in destinations:
        if not destination.isdecimal():
            failed.append(_failure(destination, NOT_A_NUMBER, "Not a number"))
            continue
        try:
            done = _send(platform, request, source, destination, text)
        except InsufficientFunds:
            if not sent:
                raise
            failed.append(_failure(destination, NO_MONEY, "Insufficient funds"))
            continue
        sent.append({"message_id": done["message_id"], "destination_number": destination})
    return {"result": sent, "failed": failed, "fragments_count": segments.parts(text)}


def _failure(destination: str, code: int, why: str) -> dict[str, Any]:
    return {"error_code": code, "error_description": why, "destination_number": destination}


def _send(platform: Sandbox, request: Request, source: str, destination: str, text: str) -> dict[str, Any]:
    sms = platform.voximplant.send_sms(source, destination, text)
    reference = f"{source} {destination} {text}"
    platform.oracle.add(
        Kind.VOXIMPLANT_TEXT, reference, str(sms.message_id), withheld=request.withheld, to=destination, body=text
    )
    return {"message_id": sms.message_id, "fragments_count": sms.fragments}


def create_call_list(platform: Sandbox, request: Request, given: Parameters) -> dict[str, Any]:
    """Run a scenario for every line of a CSV file; its payload is the line as JSON."""
    rule_id, name = whole(given, "rule_id", required=True), given.get("name", "")
    for required in ("priority", "max_simultaneous"):
        whole(given, required, required=True)
    if not 1 <= whole(given, "num_attempts", required=True) <= MOST_ATTEMPTS or not name:
        raise failure("num_attempts" if name else "name")
    delimiter = given.get("delimiter", ";")
    if len(delimiter) != 1:
        raise failure("delimiter")
    rows = list(csv.DictReader(io.StringIO(given.get("file_content", "")), delimiter=delimiter))
    if not rows or any(None in row or None in row.values() for row in rows):
        raise failure("file_content")
    account, list_id = platform.voximplant, platform.voximplant.new_id()
    if account.balance < LEAST_FOR_LISTS:
        raise InsufficientFunds
    platform.oracle.add(Kind.CALL_LIST, name, str(list_id), withheld=request.withheld, lines=str(len(rows)))
    for row in rows:
        account.start_scenario(rule_id, json.dumps(row))
    return {"result": True, "count": len(rows), "list_id": list_id, "batch_id": f"batch-{list_id}"}


def get_phone_numbers(platform: Sandbox, request: Request, given: Parameters) -> dict[str, Any]:
    """The numbers the account rents."""
    listed = [
        {
            "phone_id": each.phone_id,
            "phone_number": each.number,
            "is_sms_supported": True,
            "is_sms_enabled": each.sms_enabled,
        }
        for each in platform.voximplant.numbers
    ]
    return {"result": listed, "count": len(listed), "total_count": len(listed)}


def control_sms(platform: Sandbox, request: Request, given: Parameters) -> dict[str, Any]:
    """Let a number take and send texts, or not."""
    number, command = _number(given, "phone_number"), given.get("command")
    found = [each for each in platform.voximplant.numbers if each.number == number]
    if not found:
        raise failure("phone_number")
    if command not in ("enable", "disable"):
        raise failure("command")
    found[0].sms_enabled = command == "enable"
    return {"result": 1}


def _number(given: Parameters, name: str) -> str:
    number = given.get(name, "").removeprefix("+")
    if not number.isdecimal():
        raise failure(name)
    return number


def _body(given: Parameters, name: str, longest: int) -> str:
    text = given.get(name, "")
    if not 1 <= len(text) <= longest:
        raise failure(name)
    return text


METHODS: dict[str, Answerer] = {
    "GetAccountInfo": get_account_info,
    "SetAccountInfo": set_account_info,
    "StartScenarios": start_scenarios,
    "SendSmsMessage": send_sms_message,
    "A2PSendSms": a2p_send_sms,
    "CreateCallList": create_call_list,
    "GetPhoneNumbers": get_phone_numbers,
    "ControlSms": control_sms,
    "GetCallHistory": history.get_call_history,
    "GetTransactionHistory": history.get_transaction_history,
    "GetSmsHistory": history.get_sms_history,
    "GetResourcePrice": history.get_resource_price,
}
