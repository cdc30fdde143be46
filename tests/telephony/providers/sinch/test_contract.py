"""Sinch keeps every promise of a provider."""

from __future__ import annotations

import json
from datetime import datetime

from telephony.events import EventKind
from telephony.providers.base import Callback, Reply
from telephony.providers.sinch import Sinch
from tests.telephony.providers.contract import NOW, Sample, SignedProviderContract
from tests.telephony.providers.sinch.samples import CREDENTIALS, PREVIOUS_SECRET, SECRET, body_of, signed

# What Sinch's documentation allows as the one action of a reply.
ACTIONS = {
    EventKind.INCOMING: {
        "hangup",
        "connectPstn",
        "connectMxp",
        "connectConf",
        "connectSip",
        "runMenu",
        "park",
    },
    EventKind.ANSWERED: {"hangup", "continue", "connectConf", "runMenu"},
    EventKind.PROMPT: {"hangup", "continue", "connectPstn", "connectConf", "connectSip", "runMenu"},
}


class TestSinch(SignedProviderContract):
    provider = Sinch()
    credentials = CREDENTIALS
    another_secret = PREVIOUS_SECRET
    samples = {
        EventKind.INCOMING: Sample(body=body_of("ice")),
        EventKind.ANSWERED: Sample(body=body_of("ace")),
        EventKind.PROMPT: Sample(body=body_of("pie")),
        EventKind.ENDED: Sample(body=body_of("dice")),
        EventKind.NOTIFIED: Sample(body=body_of("notify-recording-available")),
        EventKind.VERIFICATION_ASKED: Sample(body=body_of("verification-request")),
        EventKind.VERIFICATION_ENDED: Sample(body=body_of("verification-result")),
        EventKind.VERIFICATION_TEXTED: Sample(body=body_of("verification-sms-delivered")),
        EventKind.TEXT_RECEIVED: Sample(body=body_of("incoming-sms")),
    }
    unknown = Sample(body=body_of("unknown"))
    unreadable = tuple(Sample(body=body) for body in (b"", b"{", b"\xff", b"[" * 60_000, b'{"a":NaN}', b"1" * 5_000))

    def sign(self, body: bytes, *, secret: str | None = None, at: datetime = NOW) -> Callback:
        return signed(body, secret=secret or SECRET, timestamp=f"{at:%Y-%m-%dT%H:%M:%S}.0000000Z")

    def check_reply(self, reply: Reply, kind: EventKind) -> None:
        assert reply.status == 200
        assert reply.content_type == "application/json"
        if kind in (EventKind.ENDED, EventKind.NOTIFIED):
            assert reply.body == b""
        elif kind is EventKind.VERIFICATION_ASKED:
            assert json.loads(reply.body) in ({"action": "allow"}, {"action": "deny"})
        elif kind not in ACTIONS:
            assert reply.body == b"{}"
        else:
            svaml = json.loads(reply.body)
            assert set(svaml) == {"instructions", "action"}
            assert svaml["action"]["name"] in ACTIONS[kind]
            for instruction in svaml["instructions"]:
                assert instruction["name"] in {"say", "playFiles"} | (
                    {"answer"} if kind is EventKind.INCOMING else set()
                )
                assert instruction["name"] != "say" or 0 < len(instruction["text"]) <= 600
            assert b"suppresscallbacks" not in reply.body.lower()
