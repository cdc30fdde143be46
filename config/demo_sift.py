"""The part of the demo that is called from a browser, by a second voice platform: the same books, the same CDRs."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from django.utils import timezone

from accounts.models import Account
from config.demo_work import wait
from sandbox import Phone, Sandbox
from telephony.applications import add_application, callback_address
from telephony.models import CDR, Application
from telephony.providers.sift.client import SiftClient
from telephony.providers.sift.setting_up import find_or_make
from telephony.registrations import register

FRIEND = "+442079460122"
MOST_SHOWN = 5


def set_up(platform: Sandbox, address: str, rest_url: str) -> Application:
    """Our application there, which asks at this address of the machine."""
    desk = platform.sift
    application = add_application(
        "sift", key=desk.account_id, secret=desk.auth_token, base_url=rest_url, name="Demo Sift"
    )
    on_incoming = address + urlsplit(callback_address(application)).path
    sift = SiftClient(rest_url, application.key, application.secret)
    application.remote_id = find_or_make(sift, application.name, on_incoming)
    application.enabled = True
    application.save()
    return application


def call(platform: Sandbox, application: Application, caller: Account) -> None:
    """A customer signs a browser in with a token of ours and calls a friend. Raises NotDone when it takes too long."""
    desk = platform.sift
    name = caller.client_users.get().name
    token = register(caller, name, timezone.now(), application_key=application.key).registration.token
    platform.phones[FRIEND] = Phone.answers(after_seconds=4, talks_seconds=80)
    with platform.keep_running():
        connection = desk.browser(token).connect({"phone_number": FRIEND})
        wait(lambda: CDR.objects.filter(call__provider_call_id=connection.connection_id).exists())


def cdrs(account: Account) -> list[dict[str, str]]:
    """The account's latest CDRs, the newest last, whoever carried the call."""
    latest = CDR.objects.filter(account=account).select_related("call__application").order_by("-pk")[:MOST_SHOWN]
    return [
        {
            "provider": cdr.call.application.provider,
            "caller": cdr.caller,
            "destination": cdr.destination,
            "seconds": str(cdr.duration_seconds),
            "result": cdr.result,
            "charge": f"{cdr.charge:.6f}",
        }
        for cdr in reversed(latest)
    ]


def lines(account: Account, shown: list[dict[str, str]]) -> Iterator[str]:
    """The table a person reads."""
    yield f"The latest CDRs of {account.name}, by two platforms"
    yield ""
    for cdr in shown:
        yield (
            f"  {cdr['provider']:<8}{cdr['caller']:<16}→ {cdr['destination']:<16}{cdr['seconds']:>6} s  "
            f"{cdr['result']:<12}{cdr['charge']:>10}"
        )
    yield ""
