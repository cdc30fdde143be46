"""Sinch's SMS service plans as an adapter: texts out by the REST API, reports and incoming texts by callback.

Its callbacks carry no signature unless Sinch's support was asked for one, with a secret of its own that we have
nowhere. What proves them is a token in the address, which only Sinch was given.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from datetime import datetime

from telephony.decisions import Decision
from telephony.events import Event
from telephony.news import TextReported
from telephony.providers.base import (
    Access,
    Callback,
    CallbackRefused,
    Capabilities,
    CommandRefused,
    Keyring,
    NotSent,
    ProviderTrouble,
    Reply,
    TextOrder,
    Verified,
)
from telephony.providers.reading import JsonObject
from telephony.providers.sinch.errors import saying_nothing_of_the_deed
from telephony.providers.sinch.fields import Fields
from telephony.providers.sinch.orders import Impossible, require_number, require_reference, require_text
from telephony.providers.sinch.rest import (
    DEADLINE_SECONDS,
    Authentication,
    Rest,
    check_token,
    encode,
    segment,
)
from telephony.providers.sinch.text_reports import parse_reports

LONGEST_BODY = 2_000  # the newer documentation; that of 2020 has 1600
LONGEST_SENDER = 16
LONGEST_REFERENCE = 128
LONGEST_REPORT_URL = 2_048

# How much is read to find one text; ours.
MOST_PAGES = 20
PAGE_SIZE = 100


class SinchTexts:
    """One service plan is one application: its id is the key, its API token the secret.

    `deadline_seconds` is how long an answer may take, and how long a text is looked for in all.
    """

    name = "sinch_sms"
    capabilities = Capabilities(
        limits_phone_calls=False,
        limits_user_calls=False,
        shows_caller_id=False,
        registers_users=False,
        sends_texts=True,
    )
    finds_texts = True
    tells_of_texts = True

    def __init__(self, *, deadline_seconds: float = DEADLINE_SECONDS) -> None:
        self._deadline_seconds = deadline_seconds

    def normalise_key(self, key: str) -> str:
        """A service plan id as it is written."""
        return key.strip()

    def check_secret(self, secret: str) -> None:
        """Raise ValueError unless the token can be sent as it is."""
        check_token(secret)

    def verify(self, callback: Callback, keyring: Keyring, now: datetime) -> Verified:
        """The token in the address is the proof. Raises CallbackRefused.

        It is looked up in a dictionary, which compares hashes: nothing that could be timed grows with the part of a
        token that was guessed right. Nobody signs when it was sent, so that is now.
        """
        credentials = keyring.find_by_token(callback.token)
        if credentials is None:
            raise CallbackRefused("No service plan has this token.")
        return Verified(application_id=credentials.application_id, key=credentials.key, signed_at=now)

    def parse(self, callback: Callback, verified: Verified) -> Sequence[Event]:
        """What the callback means; a report about several recipients is several events. Raises CallbackUnreadable."""
        return parse_reports(callback.body)

    def check_freshness(self, event: Event, verified: Verified, now: datetime) -> bool:
        """Reports are tried again for days; a late one is as good as an early one."""
        return True

    def render(self, decision: Decision, event: Event) -> Reply:
        """Nothing is ever asked. Sinch repeats what was not answered with 2xx."""
        return Reply(status=200, content_type="text/plain", body=b"")

    def send_text(self, access: Access, order: TextOrder) -> str:
        """POST a batch of one. Raises as the protocol says."""
        try:
            body = _batch(order)
        except Impossible as impossible:
            raise CommandRefused(str(impossible)) from impossible
        plan = _plan(access, self._deadline_seconds)
        answer = Fields(plan.ask("POST", _path(access, "batches"), body, subject="this service plan"))
        batch_id = answer.identifier("id")
        if answer.oddities:
            raise ProviderTrouble("Sinch's answer does not say which batch it made.")
        return batch_id

    def find_text(self, access: Access, order: TextOrder) -> str | None:
        """Look for our reference among the delivery reports. Never None: that no report names it proves nothing.

        A text is reported about some time after it was taken, and Sinch does not say how long reports are kept, nor in
        which order they are listed. What is not found is trouble, so nothing is sent twice on the strength of it.
        """
        with saying_nothing_of_the_deed():
            for report in _reports(access, self._deadline_seconds):
                if report.text("client_reference") == order.reference and (found := report.identifier("batch_id")):
                    return found
        raise ProviderTrouble("No delivery report names this text, which does not prove that it was not sent.")

    def ask_text(self, access: Access, text_id: str) -> TextReported:
        """Always raises ProviderTrouble: what became of a text is reported, so nobody needs to ask."""
        raise ProviderTrouble("Sinch reports what became of a text.")


def _batch(order: TextOrder) -> bytes:
    require_number("A text's recipient", order.recipient)
    require_text("A text", order.body, LONGEST_BODY)
    require_reference("A text's reference", order.reference, LONGEST_REFERENCE)
    values = {
        "to": [order.recipient.removeprefix("+")],
        "body": order.body,
        "type": "mt_text",
        "delivery_report": "per_recipient",
        "client_reference": order.reference,
    }
    if order.sender:
        require_text("A text's sender", order.sender, LONGEST_SENDER)
        values = {"from": order.sender.removeprefix("+")} | values
    if order.report_url:
        require_text("The address for reports", order.report_url, LONGEST_REPORT_URL)
        values["callback_url"] = order.report_url
    return encode(values)


def _reports(access: Access, within_seconds: float) -> Iterator[Fields]:
    """The delivery reports of the service plan, page after page, as many as there is time for."""
    ends_at = time.monotonic() + within_seconds
    seen = 0
    for page in range(MOST_PAGES):
        left_seconds = ends_at - time.monotonic()
        if left_seconds <= 0:
            return
        answer = _page(access, page, left_seconds)
        reports = Fields(answer).inside("delivery_reports")
        yield from reports
        seen += len(reports)
        total = answer.get("count")
        if not reports or (isinstance(total, int) and seen >= total):
            return


def _page(access: Access, page: int, deadline_seconds: float) -> JsonObject:
    path = f"{_path(access, 'delivery_reports')}?page={page}&page_size={PAGE_SIZE}"
    answer = _plan(access, deadline_seconds).get(path, subject="this service plan")
    if not isinstance(answer.get("delivery_reports"), list):
        raise ProviderTrouble("Sinch's answer does not list delivery reports.")
    return answer


def _path(access: Access, below: str) -> str:
    return f"/xms/v1/{segment(access.key)}/{below}"


def _plan(access: Access, deadline_seconds: float) -> Rest:
    try:
        return Rest(
            access.base_url,
            access.key,
            access.secret,
            authentication=Authentication.BEARER,
            deadline_seconds=deadline_seconds,
        )
    except ValueError as misconfigured:
        raise NotSent(str(misconfigured)) from misconfigured
