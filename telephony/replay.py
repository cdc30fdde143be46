"""Decide a received event again from the bytes that were kept: what failed then may succeed now.

An event that was decided before gives the same decision and changes nothing. A question too old to matter, such as
whether a call may begin, is decided but no longer answered: the call it was about was refused long ago.
"""

from __future__ import annotations

from django.utils import timezone

from telephony import control
from telephony.applications import KnownApplication
from telephony.decisions import Decision
from telephony.events import EventKind
from telephony.inbox import LONGEST_STEP, Received
from telephony.models import ReceivedEvent
from telephony.providers.base import Callback, CallbackRefused, Verified
from telephony.registry import PROVIDERS

QUESTIONS = frozenset({EventKind.INCOMING, EventKind.ANSWERED, EventKind.PROMPT})


class CannotReplay(ValueError):
    """There is nothing to decide again."""


def replay(event_id: int) -> Decision:
    """Decide the event again. Raises CannotReplay for one that is unknown or asks a question nobody waits for."""
    stored = ReceivedEvent.objects.filter(pk=event_id).select_related("application").first()
    if stored is None:
        raise CannotReplay(f"There is no received event {event_id}.")
    if stored.kind in QUESTIONS and stored.outcome != ReceivedEvent.Outcome.DECIDED:
        raise CannotReplay("Nobody waits for this answer any more: only news, such as a hang-up, can be replayed.")
    application = stored.application
    provider = PROVIDERS[application.provider]
    body = bytes(stored.body)
    headers = {"content-type": stored.content_type}
    callback = Callback(method="POST", path="", headers=headers, body=body, topic=stored.topic)
    verified = Verified(application_id=application.pk, key=application.key, signed_at=stored.signed_at)
    # One request may have told several things; this was one of them.
    events = provider.parse(callback, verified)
    told = (stored.kind, stored.step)
    event = next((each for each in events if (each.kind.value, each.step[:LONGEST_STEP]) == told), events[0])
    received = Received(
        event=event,
        # Not from the keyring: a hang-up counts even if its application was disabled since.
        application=KnownApplication(
            id=application.pk,
            provider=application.provider,
            key=application.key,
            default_account_id=application.default_account_id,
            caller_id=application.caller_id,
        ),
        signed_at=stored.signed_at,
        received_at=timezone.now(),
        late=True,
        content_type=stored.content_type,
        body=body,
        topic=stored.topic,
    )
    try:
        return control.decide(received)
    except CallbackRefused as refused:
        raise CannotReplay(str(refused)) from refused
