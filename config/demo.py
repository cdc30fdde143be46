"""A prepaid calling service at work: five customers, a price list, and a platform that makes every mistake there is.

Everything is real but the telephones: PostgreSQL, the production web server, signed callbacks over HTTP. Numbers come
from ranges reserved for fiction.
"""

from __future__ import annotations

import secrets
from base64 import b64encode
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

from django.urls import reverse
from django.utils import timezone

from accounts.models import Account
from accounts.registration import open_account
from billing import rates
from billing.models import RateDeck
from billing.money import Money
from billing.topups import credit
from billing.wallets import open_wallet
from config import demo_sift, demo_softphone, demo_work, processes
from config.demo_menu import ACCESS_NUMBER, PIN, open_line
from config.demo_softphone import Seen
from config.demo_work import BOOKS, Begun, NotDone
from config.embedded_servers import free_port
from sandbox import Call, Lose, Phone, Press, Repeat, Sandbox, Silence, Swap
from telephony.applications import add_application
from telephony.callbacks import public_path
from telephony.models import Application
from telephony.reconcile import Reconciled, reconcile

HARBOUR = "+442079460001"
RATES_FILE = Path(__file__).with_name("demo_rates.csv")
CURRENCY = "USD"


@dataclass(frozen=True)
class Customer:
    """A customer of the demo. `options` are those of `open_account`."""

    name: str
    user: str
    balance: str
    options: dict[str, Any] = field(default_factory=dict)


HARBOUR_OPTIONS = {"verified": True, "numbers": [HARBOUR], "pin": PIN, "exposure_allowance": Decimal(500)}
CUSTOMERS = (
    Customer("Harbour Cafe", "harbour", "20.00", HARBOUR_OPTIONS),
    Customer("Corner Shop", "corner", "5.00", {"calls_at_once": 30}),
    Customer("Night Taxi", "taxi", "0.05"),
    Customer("City Hotel", "hotel", "10.00", {"allow": ["44"], "deny": ["447"]}),
    Customer("Book Club", "books", "2.00", {"longest_call_seconds": 300, "numbers": [BOOKS]}),
)


@dataclass(frozen=True)
class Outcome:
    """What a demo did: its accounts, the platform's record of the calls, what reconciling brought, what we began.

    `seen` is what the person with the softphone saw.
    """

    accounts: list[Account]
    opened_with: dict[int, Decimal]
    calls: list[Call]
    reconciled: Reconciled
    begun: Begun
    seen: Seen


def play(*, seed: int) -> Outcome:
    """Open the accounts, serve, place the calls, ask about what got lost. Leaves the books in the database."""
    accounts = open_accounts(suffix := _suffix())
    load_rates()
    demo_work.load_rates(CURRENCY)
    demo_work.want_to_be_told(accounts[-1], "1.95", CURRENCY)
    key, secret = str(uuid4()), b64encode(secrets.token_bytes(16)).decode()
    address = f"http://127.0.0.1:{(port := free_port())}"
    platform = Sandbox(target=address + public_path(reverse("sinch_callback")), key=key, secret=secret, seed=seed)
    with platform.rest_server() as rest_url:
        application = add_application(
            "sinch", key=key, secret=secret, base_url=rest_url, caller_id=HARBOUR, name=f"Demo{suffix}"
        )
        texting = demo_work.add_text_service(platform, rest_url, "Demo texts")
        at_sift = demo_sift.set_up(platform, address, rest_url)
        if not demo_work.nothing_real_can_be_used(application, texting, at_sift):
            raise NotDone("Applications are enabled here that may be real: run the demo on a database of its own.")
        open_line(application)
        place_calls(platform, suffix)
        processes.be_reached_at(address)
        commands = {
            "web": processes.web("127.0.0.1", port, workers=2, threads=4),
            "relay": processes.relay(),
            "worker": processes.worker(),
        }
        with processes.running(commands) as started:
            processes.wait_until_ready(address, started["web"])
            platform.run()
            begun = demo_work.begin(platform, accounts[0], told=accounts[-1])
            seen = [] if suffix else call_through(platform, address, application, accounts[0])
            demo_sift.call(platform, at_sift, accounts[0])
        reconciled = reconcile(timezone.now() + timedelta(hours=6), application)
    opened_with = {account.pk: Decimal(c.balance) for account, c in zip(accounts, CUSTOMERS, strict=True)}
    return Outcome(
        accounts=accounts,
        opened_with=opened_with,
        calls=platform.calls,
        reconciled=reconciled,
        begun=begun,
        seen=seen,
    )


def call_through(platform: Sandbox, address: str, application: Application, owner: Account) -> Seen:
    """The owner of Harbour Cafe calls with a softphone, and by calling card at somebody else's telephone."""
    line = demo_softphone.set_up(application, owner.client_users.get())
    seen = demo_softphone.play(platform, address, line, HARBOUR)
    demo_softphone.use_card(platform, owner)
    return seen


def open_accounts(suffix: str = "") -> list[Account]:
    """The customers, with their money."""
    return [_open(customer, suffix) for customer in CUSTOMERS]


def place_calls(platform: Sandbox, suffix: str = "") -> None:
    """The story: good calls, busy ones, refused ones, doubled, overtaken and lost callbacks, a run on five dollars."""

    def dial(user: str, to: str, at_seconds: int, phone: Phone, *faults: Any) -> None:
        platform.app_to_phone(user=user + suffix, to=to, at_seconds=at_seconds, phone=phone, faults=faults)

    talks = Phone.answers
    dial("harbour", "+442079460101", 0, talks(after_seconds=4, talks_seconds=125))
    dial("harbour", "+447700900102", 10, talks(after_seconds=6, talks_seconds=61))
    dial("harbour", "+12025550103", 20, Phone.busy())
    dial("harbour", "+46701740605", 30, Phone.no_answer())
    doubled = (Repeat("ice"), Repeat("dice", times=3))
    dial("harbour", "+61491570156", 40, talks(after_seconds=3, talks_seconds=200), *doubled)
    dial("harbour", "+442079460104", 50, talks(after_seconds=2, talks_seconds=90), Swap("ace"))
    dial("harbour", "+442079460105", 60, talks(after_seconds=5, talks_seconds=300), Lose("dice"))
    dial("harbour", "+46701740606", 70, talks(after_seconds=5, talks_seconds=42), Lose("ace"), Lose("dice"))
    dial("harbour", "+88299555010", 80, talks(after_seconds=5, talks_seconds=10))  # too dear
    dial("harbour", "+442079460106", 90, Phone.rejects())
    platform.app_to_app(user=f"harbour{suffix}", to=f"books{suffix}", at_seconds=95, phone=talks(2, 60))
    dial("taxi", "+442079460107", 100, talks(after_seconds=2, talks_seconds=60))  # not enough credit
    dial("hotel", "+12025550108", 110, talks(after_seconds=2, talks_seconds=60))  # not on the list
    dial("hotel", "+447700900109", 115, talks(after_seconds=2, talks_seconds=60))  # on the deny list
    dial("hotel", "+442079460110", 120, talks(after_seconds=8, talks_seconds=400))
    dial("books", "+12025550111", 130, talks(after_seconds=2, talks_seconds=None))  # as long as it is allowed
    dial("nobody", "+442079460112", 140, talks(after_seconds=2, talks_seconds=60))  # belongs to no account
    platform.phone_to_access_number(cli="442079460113", to="+442079460199", at_seconds=150)  # proves nothing
    if not suffix:  # a number leads somewhere once
        dial_the_menu(platform)
    for line in range(30):  # thirty calls in the same instant on five dollars, everybody talks as long as allowed
        dial("corner", f"+4420794602{line:02}", 200, talks(after_seconds=3, talks_seconds=None))


def dial_the_menu(platform: Sandbox) -> None:
    """From an ordinary phone: the balance and a call by PIN, a wrong key, an opinion, silence, wrong PINs."""

    def dial(cli: str, at_seconds: int, *keys: Press, **options: Any) -> None:
        platform.phone_to_access_number(cli=cli, to=ACCESS_NUMBER, at_seconds=at_seconds, keys=keys, **options)

    talks = Phone.answers(after_seconds=6, talks_seconds=95)
    dial(HARBOUR, 160, "1", f"{PIN}#", "2", "02079460117#", phone=talks)
    dial("+447700900118", 165, "9", "3", "1")
    dial("+447700900119", 170, Silence())
    dial(HARBOUR, 175, "1", "1111#", "2222#", "3333#")


def _suffix() -> str:
    """Nothing on an empty database; else something that keeps this demo apart from the one before."""
    return f"-{secrets.token_hex(2)}" if Account.objects.filter(name=CUSTOMERS[0].name).exists() else ""


def _open(customer: Customer, suffix: str) -> Account:
    account = open_account(customer.name + suffix, client_users=[customer.user + suffix], **_options(customer, suffix))
    open_wallet(account, CURRENCY)
    credit(account, Money.of(customer.balance, CURRENCY), reference=f"demo:{account.name}")
    return account


def _options(customer: Customer, suffix: str) -> dict[str, Any]:
    """A number belongs to one account, so a second demo on the same database does without."""
    return {k: v for k, v in customer.options.items() if not (suffix and k == "numbers")}


def load_rates() -> None:
    """Put the demo's price list in force, once."""
    if RateDeck.objects.filter(name="Demo", active_version__isnull=False).exists():
        return
    with RATES_FILE.open("rb") as file:
        report = rates.load_deck(file, name="Demo", currency=CURRENCY, source=RATES_FILE.name)
    assert report.version is not None, report.refused  # noqa: S101 - our own file
    rates.activate(report.version)
