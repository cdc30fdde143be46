"""Sift's words and ours: the topics of our callback addresses, which are of our own making, and the fields of the wire.

What a callback is about is said by the address it comes to: in its body Sift names no kind of event.
"""

from __future__ import annotations

INCOMING = "incoming"
STATUS = "status"
DONE = "done"
EVENT = "event"

# Where Sift documents `account_id` in the body. What `status_url` gets has none.
NAMES_ITS_ACCOUNT = frozenset({INCOMING, DONE, EVENT})

# `from` of a browser client: this, and then the name that its token gave it.
CLIENT = "webrtc:"

# Say has no language. What it is spoken with is documented nowhere; the guide's example is English.
LANGUAGES = ("en",)

# A conversation's last event has this in its word: the guide to recording compares `type` with it, and the one to live
# calls, which has `event_type`, does not spell the word out.
ENDED = "ended"

_ON_EVERY_CALLBACK = frozenset({"account_id", "connection_id"})
KNOWN_FIELDS = {
    INCOMING: frozenset({"account_id", "connection"}),
    STATUS: frozenset({"account_id", "connection"}),
    DONE: _ON_EVERY_CALLBACK | {"digits"},
    EVENT: _ON_EVERY_CALLBACK | {"conversation_id", "event_type", "type", "conference_name"},
}
KNOWN_CONNECTION_FIELDS = frozenset(
    {"connection_id", "status", "start_time", "end_time", "from", "to", "direction", "client_data"}
)
