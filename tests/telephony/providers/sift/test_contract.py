"""Sift keeps every promise of a provider."""

from __future__ import annotations

import json

from telephony.events import EventKind
from telephony.providers.base import Reply
from telephony.providers.sift.provider import Sift
from tests.telephony.providers.contract import Sample, TokenProviderContract
from tests.telephony.providers.sift.samples import ANOTHER_SECRET, CREDENTIALS, body_of, topic_of

# What the reference says of each command we use: what it must have, and what it may have.
COMMANDS = {
    "Say": ({"text"}, {"on_done"}),
    "Play": ({"sound_url"}, {"on_done"}),
    "HangUp": (set(), set()),
    "CallPhone": ({"phone_number"}, {"event_callback", "do_record"}),
    "CallClient": ({"client_name"}, {"event_callback", "do_record"}),
    "JoinConference": ({"conference_name"}, {"on_event", "do_record"}),
    "GetDigits": (set(), {"count", "timeout_seconds", "prompt_url", "on_done"}),
}
MAY_BE_EMPTY = {EventKind.ANSWERED, EventKind.PROMPT}
UNREADABLE = (b"", b"{", b"\xff", b"[" * 60_000, b'{"a":NaN}', b"1" * 5_000, b"[]", b"null", b'"incoming"', b"1")


def sample(name: str, topic: str = "") -> Sample:
    return Sample(body=body_of(name), topic=topic or topic_of(name))


class TestSift(TokenProviderContract):
    provider = Sift()
    credentials = CREDENTIALS
    another_secret = ANOTHER_SECRET
    remote_id = "9c1f0b7d2e4a6853"
    samples = {
        EventKind.INCOMING: sample("incoming-client-to-phone"),
        EventKind.ANSWERED: sample("status-connected"),
        EventKind.PROMPT: sample("done-pressed"),
        EventKind.ENDED: sample("status-finished"),
        EventKind.NOTIFIED: sample("event-started"),
    }
    unknown = sample("status-paused")
    unreadable = tuple(
        Sample(body=body, topic=topic) for body in UNREADABLE for topic in ("incoming", "done/x", "elsewhere", "")
    )
    names_account = frozenset({EventKind.INCOMING, EventKind.PROMPT, EventKind.NOTIFIED})

    def check_reply(self, reply: Reply, kind: EventKind) -> None:
        assert reply.status == 200
        if reply.body == b"":
            assert kind is not EventKind.INCOMING  # it would wait on the line
            return
        assert kind in MAY_BE_EMPTY | {EventKind.INCOMING}
        assert reply.content_type == "application/json"
        routine = json.loads(reply.body)
        assert routine.keys() == {"routine"}
        for command in routine["routine"]:
            must, may = COMMANDS[command.pop("name")]
            assert must <= command.keys() <= must | may
            assert "" not in command.values()
            assert not command.get("do_record")
        assert routine["routine"][-1] == {}  # whatever was played, the line is given back
