"""The main money test: a whole platform against the whole of Ringfence, over real HTTP.

5.00 USD, 0.06 a minute, thirty callers at once, again and again; everyone talks as long as it was allowed.
"""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.db import connections
from pytest_django.fixtures import Settings
from pytest_django.live_server_helper import LiveServer

from billing.models import Entry
from sandbox import Call, Chaos, Phone, Sandbox
from telephony.models import CDR, ReceivedEvent
from tests.builders import A_SECRET, a_deck, an_account, an_application, available, balance, held, house

pytestmark = pytest.mark.django_db(transaction=True)

CALLERS = 30
WAVES = 3
BETWEEN_WAVES_SECONDS = 20_000  # longer than any call
UNRULY = Chaos(dup=0.5, late=0.2, reorder=0.2)


@pytest.mark.parametrize(
    ("calls_at_once", "chaos"),
    [(1, Chaos()), (2, Chaos()), (30, Chaos()), (2, UNRULY), (30, UNRULY)],
    ids=["one at once", "two at once", "thirty at once", "two, unruly", "thirty, unruly"],
)
def test_five_dollars_buy_five_dollars_of_calls(
    live_server: LiveServer, settings: Settings, calls_at_once: int, chaos: Chaos
) -> None:
    settings.CALLBACK_DEADLINE_SECONDS = 60.0  # what is asked is what is decided, not how fast a busy machine does it
    a_deck({"44": "0.06"})
    account = an_account(client_user="alice", calls_at_once=calls_at_once, longest_call_seconds=14_400)
    application = an_application()
    platform = Sandbox(
        target=f"{live_server.url}/callbacks/sinch/",
        key=application.key,
        secret=A_SECRET,
        chaos=chaos,
        timeout_seconds=30,
        parallel=8,
    )
    platform.phones.default = Phone.answers(after_seconds=3, talks_seconds=None)
    lowest: list[Decimal] = []

    def look_at_the_wallet() -> None:
        lowest.append(available(account))
        connections.close_all()  # the platform runs this in a thread of its own

    for wave in range(WAVES):
        begins = wave * BETWEEN_WAVES_SECONDS
        for caller in range(CALLERS):
            platform.app_to_phone(user="alice", to=f"+44770090{caller:04d}", at_seconds=begins)
        for seconds in (1, 60, 600, 6_000):
            platform.at(begins + seconds, look_at_the_wallet)
    platform.run()

    talked = [call for call in platform.calls if call.duration_seconds]
    charged = sum(CDR.objects.values_list("charge", flat=True))
    assert min(lowest) >= 0
    assert 0 < charged <= Decimal("5.000000")
    assert (balance(account), held(account)) == (Decimal(5) - charged, Decimal(0))
    assert house(Entry.House.REVENUE) == charged == sum(_price(call) for call in talked)
    assert not Entry.objects.filter(house__startswith="loss").exists()
    assert not ReceivedEvent.objects.exclude(outcome="decided").exists()


def _price(call: Call) -> Decimal:
    return Decimal("0.06") * -(-call.duration_seconds // 60)
