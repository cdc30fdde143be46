"""Bridges, and what the provider tells about their legs."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils import timezone

from accounts.models import Account
from telephony import bridges
from telephony.bridges import Bridged, NewBridge
from telephony.models import Bridge, Call
from tests.builders import a_deck, an_account

DESTINATION = "+447700900123"
CALLBACK = "+46701740605"
OUR_NUMBER = "+442079460099"


def a_talker(**options: Any) -> Account:
    """A verified account that can be called back in Sweden at 0.02 and talk to the United Kingdom at 0.06."""
    a_deck({"44": "0.06", "46": "0.02"})
    values = {"verified": True, "numbers": [CALLBACK], "client_user": "ana", **options}
    return an_account(**values)


def a_new_bridge(account: Account, **changes: Any) -> NewBridge:
    """Ana is to be called back; `changes` are fields of `NewBridge`."""
    user = account.client_users.first()
    values = {
        "account_id": account.pk,
        "client_user_id": user.pk if user else None,
        "callback_number": CALLBACK,
        "destination": DESTINATION,
        "caller_first": True,
        **changes,
    }
    return NewBridge(**values)


def bridged(account: Account, at: datetime | None = None, **changes: Any) -> Bridged:
    """What asking for it came to."""
    return bridges.bridge(a_new_bridge(account, **changes), at or timezone.now())


def a_bridge(account: Account, at: datetime | None = None, **changes: Any) -> Bridge:
    """Promised: both calls are written and held, the first one is to be placed."""
    return Bridge.objects.get(pk=bridged(account, at, **changes).id)


def legs_of(bridge: Bridge) -> tuple[Call, Call]:
    """The call that is made first, and the other one."""
    first = bridge.callback_number if bridge.caller_first else bridge.destination
    return bridge.calls.get(destination=first), bridge.calls.exclude(destination=first).get()
