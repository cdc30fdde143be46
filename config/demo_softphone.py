"""The part of the demo that is played with a softphone, and with a calling card at somebody else's telephone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from accounts.models import Account, ClientUser
from accounts.registration import give_card_number
from config.demo_menu import PIN
from sandbox import Call, Phone, Sandbox
from sandbox.softphone import Shown
from sandbox.softphone import Softphone as App
from softphone import configuring, lines
from softphone.models import Line, Softphone
from telephony.models import AccessNumber, Application

ACCESS_NUMBER = "+442079460197"
PAYPHONE = "+442079460121"
FRIEND, CARD_FRIEND, SATELLITE = "+44 20 7946 0118", "02079460119", "+88299555010"

Seen = list[tuple[str, Shown]]


def set_up(application: Application, owner: ClientUser) -> Line:
    """An access number for apps and cards, an app, and a line in it for one of the customers."""
    AccessNumber.objects.create(
        number=ACCESS_NUMBER,
        application=application,
        leads=AccessNumber.Leads.CALLING_CARD,
        is_offered=True,
        is_default=True,
    )
    app = Softphone(name="demo", title="Demo", is_default=True, proofs=[Softphone.Proof.TOKEN.value])
    return lines.give(owner, configuring.save(app))


def play(platform: Sandbox, address: str, line: Line, number: str) -> Seen:
    """Somebody at this number signs in, looks at balance and price, calls a friend, and tries what is too dear."""
    app = App(
        {
            "InitialProvisioningUrl": f"{address}/acrobits/provisioning/",
            "InitialProvisioningPostData": "cloud_username=%username%&cloud_password=%password%",
        },
        platform=platform,
        number=number,
    )
    seen = [
        ("signs in", app.provision(line.client_user.name, line.secret, "DEMO")),
        ("balance", app.balance()),
        ("price", app.rate(FRIEND)),
        ("calls", app.call_through(FRIEND, phone=Phone.answers(after_seconds=4, talks_seconds=70))),
        ("too dear", app.call_through(SATELLITE)),
    ]
    platform.run()
    return seen


def use_card(platform: Sandbox, account: Account) -> Call:
    """Card number and PIN at a telephone that is nobody's, the balance, and a call."""
    call = platform.phone_to_access_number(
        cli=PAYPHONE,
        to=ACCESS_NUMBER,
        keys=[f"{give_card_number(account)}{PIN}#", f"{CARD_FRIEND}#"],
        phone=Phone.answers(after_seconds=5, talks_seconds=45),
    )
    platform.run()
    return call


def print_lines(seen: Seen) -> Iterator[str]:
    """What the person saw, for people."""
    for what, shown in seen:
        dialled = f"; dials {shown.dial_string.text}" if shown.dial_string and shown.call else ""
        yield f"  {what:<14} {shown.text.splitlines()[0] if shown.text else shown.remark}{dialled}"


def as_dict(seen: Seen) -> list[dict[str, Any]]:
    """The same as plain JSON values."""
    return [
        {
            "did": what,
            "kind": shown.kind,
            "shows": shown.text,
            "dials": shown.dial_string.text if shown.dial_string else None,
        }
        for what, shown in seen
    ]
