"""Calls that we start, as Sinch is asked for them.

Every one of them asks for its DiCE (`enableDice`), by which it is charged, and carries our mark in `custom`, by which
its events are known. A spoken one asks for its ACE too, so that we learn that it was answered; `continue` plays the
text then. A conference's ACE has to be answered with the conference once more, so it is asked for only where the
answer matters to somebody else: who waits in a conference of two hears it ringing.

A custom callout is SVAML for the moment when it begins, as a string. Nothing is said in it about ACE, PIE and DiCE:
what is left out is asked of the application's callback address. The old server SDK sent `"dice":"{}"`, which is an
answer, so that nobody would be told of the end. Documentation lists `enableDice` for the other two kinds only; it is
sent with this one as well, so that no callout of ours can be without it.
"""

from __future__ import annotations

from typing import Any

from telephony.providers.base import CalloutKind, CalloutOrder
from telephony.providers.sinch.orders import require_locale, require_number, require_seconds, require_text
from telephony.providers.sinch.rest import encode
from telephony.providers.sinch.speech import tidied
from telephony.providers.sinch.svaml import LONGEST_CALL_SECONDS, LONGEST_SPEECH, Amd, ConnectPstn, ice
from telephony.providers.sinch.svaml.connecting import Music
from telephony.providers.sinch.svaml.limits import LONGEST_CONFERENCE_ID

LONGEST_MARK = 1024
WHILE_ALONE: Music = "ring"

Section = dict[str, Any]


def callout(order: CalloutOrder) -> bytes:
    """The body that asks for this callout. Raises Impossible for what Sinch would not do, or do without an end."""
    require_number("A callout's destination", order.number)
    require_number("A callout's caller ID", order.caller_id)  # without one a spoken callout never arrives
    require_text("A callout's mark", order.mark, LONGEST_MARK)
    require_locale("A callout's locale", order.locale)
    require_seconds("A callout's limit", order.limit_seconds, LONGEST_CALL_SECONDS)
    match order.kind:
        case CalloutKind.SPEAK:
            method, section = "ttsCallout", _spoken(order)
        case CalloutKind.CONFERENCE:
            method, section = "conferenceCallout", _conference(order)
        case CalloutKind.ASK_US:
            method, section = "customCallout", _asking(order)
    return encode({"method": method, method: _common(order) | section})


def _common(order: CalloutOrder) -> Section:
    return {
        "cli": order.caller_id,
        "destination": {"type": "number", "endpoint": order.number},
        "domain": "pstn",
        "custom": order.mark,
        "locale": order.locale,
        "enableDice": True,
    }


def _spoken(order: CalloutOrder) -> Section:
    """Sinch takes no limit for it: it lasts as long as the text."""
    return {"text": _speech("A callout's text", order.text), "enableAce": True}


def _conference(order: CalloutOrder) -> Section:
    require_text("A conference's id", order.conference_id, LONGEST_CONFERENCE_ID)
    greeting = {"greeting": _speech("A callout's greeting", order.text)} if order.text else {}
    asking = {"enableAce": True, "mohClass": WHILE_ALONE} if order.asks_when_answered else {}
    return {"conferenceId": order.conference_id, "maxDuration": order.limit_seconds, **greeting, **asking}


def _asking(order: CalloutOrder) -> Section:
    require_seconds("A callout's dial time-out", order.dial_timeout_seconds, LONGEST_CALL_SECONDS)
    connect = ConnectPstn(
        order.number,
        cli=order.caller_id,
        max_duration=order.limit_seconds,
        dial_timeout=order.dial_timeout_seconds,
        locale=order.locale,
        # Not asynchronous: then the ACE itself says who or what answered.
        amd=Amd() if order.detects_machine else None,
    )
    return {"maxDuration": order.limit_seconds, "ice": ice(action=connect).body}


def _speech(what: str, text: str) -> str:
    """The text as it can be spoken. It is never cut: half a sentence may say the opposite."""
    speech = tidied(text)
    require_text(what, speech, LONGEST_SPEECH)
    return speech
