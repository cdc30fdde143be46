"""Voximplant's management API for one account: what a prepaid back office needs of it.

>>> from telephony.providers.base import Access
>>> client = VoximplantClient(Access(base_url="https://api.voximplant.com", key="1523447", secret="6b1d2c3e"))
>>> client.address_of("GetAccountInfo")
'https://api.voximplant.com/platform_api/GetAccountInfo'

Errors come with status 200 and an `error` object; that and any 4xx but 408 is CommandRefused, because nothing was done.
What was lost on the way is ProviderTrouble. Money is Decimal, times are UTC.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from requests import Request

from telephony.events import Cost
from telephony.providers.base import Access, CommandRefused, Credit, ProviderTrouble, TooMuchAtOnce
from telephony.providers.reading import JsonObject, JsonUnreadable, clean, read_json
from telephony.providers.transport import Answer, fetch
from telephony.providers.voximplant.access import ServiceAccount

DEADLINE_SECONDS = 10.0
LARGEST_ANSWER_BYTES = 4 * 1024 * 1024
LONGEST_TEXT_CHARACTERS = 765
LONGEST_A2P_CHARACTERS = 1600
MOST_A2P_NUMBERS = 100
MOST_ATTEMPTS = 5
LONGEST_MESSAGE = 200
_TIME = "%Y-%m-%d %H:%M:%S"

Result = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class AccountInfo:
    """What Voximplant says about our account. Its API key and salt are in the answer and are left there."""

    account_id: str
    name: str
    credit: Credit
    credit_limit: Decimal
    is_active: bool
    least_balance: Decimal | None
    callback_url: str


class VoximplantClient:
    """One account. With a key file it speaks as that service account, else with the account's API key."""

    def __init__(self, access: Access, *, deadline_seconds: float = DEADLINE_SECONDS) -> None:
        """Raises ProviderTrouble when the address is not HTTP or the key file cannot be read."""
        address = urlsplit(access.base_url)
        if address.scheme not in ("http", "https") or not address.hostname or address.query or address.username:
            raise ProviderTrouble("The address of Voximplant's API begins with https:// and has nothing else in it.")
        self._access = access
        self._base_url = access.base_url.rstrip("/")
        self._service_account = ServiceAccount.read(access.key_file) if access.key_file else None
        self._deadline_seconds = deadline_seconds

    def address_of(self, method: str) -> str:
        """Where a method is called. Their letter case counts."""
        return f"{self._base_url}/platform_api/{method}"

    def get_account_info(self) -> AccountInfo:
        """Balance, limits and settings of the account, live."""
        result = _object(self.call("GetAccountInfo", return_live_balance=True).get("result"))
        balance, currency = _decimal(result.get("balance")), result.get("currency")
        if balance is None or not isinstance(currency, str):
            raise ProviderTrouble("Voximplant's answer has no balance.")
        return AccountInfo(
            account_id=str(result.get("account_id", "")),
            name=_words(result.get("account_name")),
            credit=Credit(
                balance=Cost(currency=clean(currency)[:3].upper(), amount=balance),
                frozen=result.get("frozen") is True,
            ),
            credit_limit=_decimal(result.get("credit_limit")) or Decimal(0),
            is_active=result.get("active") is not False,
            least_balance=_decimal(result.get("min_balance_to_notify")),
            callback_url=_words(result.get("callback_url"), 2048),
        )

    def set_account_info(self, **settings: Any) -> None:
        """Change settings of the account: callback_url, callback_salt, min_balance_to_notify and so on."""
        self.call("SetAccountInfo", **settings)

    def start_scenarios(self, rule_id: int, *, script_custom_data: str = "", **options: Any) -> Result:
        """Start the scenario of a rule; there is no other way to have a number dialled. Paid work."""
        return self.call("StartScenarios", rule_id=rule_id, script_custom_data=script_custom_data, **options)

    def send_sms(self, source: str, destination: str, body: str, *, store_body: bool = False) -> str:
        """Send a text from a number of ours; returns its id. Paid work."""
        if not 0 < len(body) <= LONGEST_TEXT_CHARACTERS:
            raise CommandRefused(f"A text has 1 to {LONGEST_TEXT_CHARACTERS} characters at Voximplant.")
        answer = self.call(
            "SendSmsMessage", source=_bare(source), destination=_bare(destination), sms_body=body, store_body=store_body
        )
        return _id(answer.get("message_id"))

    def send_a2p_sms(self, sender: str, destinations: Iterable[str], text: str) -> Result:
        """Send one text to many numbers from a sender's name. Paid work; result and failures are as Voximplant says."""
        numbers = [_bare(number) for number in destinations]
        if not 0 < len(numbers) <= MOST_A2P_NUMBERS:
            raise CommandRefused(f"Voximplant takes 1 to {MOST_A2P_NUMBERS} numbers at once.")
        if not 0 < len(text) <= LONGEST_A2P_CHARACTERS:
            raise CommandRefused(f"A text has 1 to {LONGEST_A2P_CHARACTERS} characters at Voximplant.")
        return self.call("A2PSendSms", src_number=_bare(sender), dst_numbers=";".join(numbers), text=text)

    def get_call_history(self, begin: datetime, end: datetime, **options: Any) -> Result:
        """Sessions between two moments, with their calls when `with_calls` is given. Costs are Decimal."""
        return self.call("GetCallHistory", from_date=_moment(begin), to_date=_moment(end), **options)

    def create_call_list(
        self,
        rule_id: int,
        name: str,
        file: str,
        *,
        max_simultaneous: int,
        num_attempts: int = 1,
        **options: Any,
    ) -> Result:
        """Have Voximplant work through a CSV of tasks. Paid work."""
        if not 1 <= num_attempts <= MOST_ATTEMPTS:
            raise CommandRefused(f"Voximplant tries a task 1 to {MOST_ATTEMPTS} times.")
        return self.call(
            "CreateCallList", rule_id=rule_id, name=name, file_content=file,
            max_simultaneous=max_simultaneous, num_attempts=num_attempts, **{"priority": 0, **options},
        )  # fmt: skip

    def get_transaction_history(self, begin: datetime, end: datetime, **options: Any) -> Result:
        """What was booked on the account between two moments."""
        return self.call("GetTransactionHistory", from_date=_moment(begin), to_date=_moment(end), **options)

    def get_sms_history(self, **options: Any) -> Result:
        """Texts in and out. The method's name is GetSmsHistory; GetSMSHistory is unknown to it."""
        return self.call("GetSmsHistory", **options)

    def get_resource_price(self, **options: Any) -> Result:
        """What calls and texts cost us."""
        return self.call("GetResourcePrice", **options)

    def get_phone_numbers(self, **options: Any) -> Result:
        """The numbers rented there."""
        return self.call("GetPhoneNumbers", **options)

    def control_sms(self, phone_number: str, *, enable: bool) -> None:
        """Switch texts on or off for a number of ours."""
        self.call("ControlSms", phone_number=_bare(phone_number), command="enable" if enable else "disable")

    def call(self, method: str, **parameters: Any) -> Result:
        """Any method: its whole answer, fractions as Decimal. Raises CommandRefused, TooMuchAtOnce, ProviderTrouble."""
        form = {name: _parameter(value) for name, value in parameters.items() if value is not None}
        headers = {"accept": "application/json", "accept-encoding": "identity"}
        if self._service_account is None:
            form |= {"account_id": self._access.key, "api_key": self._access.secret}
        else:
            headers["authorization"] = f"Bearer {self._service_account.token(datetime.now(UTC))}"
        request = Request("POST", self.address_of(method), data=form, headers=headers).prepare()
        answer = fetch(
            request, deadline_seconds=self._deadline_seconds, limit_bytes=LARGEST_ANSWER_BYTES, who="Voximplant"
        )
        return _read(answer, unspeakable=self._access.secret)


def _read(answer: Answer, *, unspeakable: str) -> Result:
    if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
        pressure = TooMuchAtOnce("Voximplant wants to be asked less often.")
        pressure.retry_after_seconds = answer.retry_after_seconds
        raise pressure
    # 408 is said by whoever lost patience on the way, and need not be Voximplant's word.
    if 400 <= answer.status < 500 and answer.status != HTTPStatus.REQUEST_TIMEOUT:
        raise CommandRefused(f"Voximplant answered with status {answer.status}.", code=str(answer.status))
    if answer.status != HTTPStatus.OK:
        raise ProviderTrouble(f"Voximplant answered with status {answer.status}.")
    try:
        values = read_json(answer.body, LARGEST_ANSWER_BYTES)
    except JsonUnreadable as unreadable:
        raise ProviderTrouble(f"Voximplant's answer cannot be read: {unreadable}") from unreadable
    if not isinstance(values, JsonObject):
        raise ProviderTrouble("Voximplant's answer is not a JSON object.")
    error = values.get("error")
    if isinstance(error, JsonObject):
        said = _words(error.get("msg"))
        said = "" if unspeakable and unspeakable in said else f": {said.rstrip('.')}" if said else ""
        raise CommandRefused(f"Voximplant refused{said}.", code=str(error.get("code", "")))
    if "result" not in values:
        raise ProviderTrouble("Voximplant's answer has no result.")
    return values


def _parameter(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value) if isinstance(value, dict) else str(value)


def _object(value: Any) -> JsonObject:
    return value if isinstance(value, JsonObject) else JsonObject()


def _words(value: Any, limit: int = LONGEST_MESSAGE) -> str:
    if not isinstance(value, str):
        return ""
    return " ".join("".join(c if c.isprintable() else " " for c in clean(value)).split())[:limit]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


def _decimal(value: Any) -> Decimal | None:
    return Decimal(value) if _is_number(value) else None


def _id(value: Any) -> str:
    """What something is known by there. Without it nothing can be followed up: raises ProviderTrouble."""
    if (isinstance(value, str) and value) or (_is_number(value) and isinstance(value, int)):
        return str(value)[:100]
    raise ProviderTrouble("Voximplant's answer does not say what it did.")


def _bare(number: str) -> str:
    """Voximplant writes numbers without the plus."""
    return number.removeprefix("+")


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime(_TIME)
