"""Calls for people: numbers, durations and refusals in plain words."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import template
from django.urls import reverse

from accounts.numbers import display
from telephony.decisions import Reason
from telephony.live import stage_of
from telephony.models import Call, TextMessage, Verification
from telephony.prompts import WRITTEN

register = template.Library()

ENDINGS = {
    "answered": "answered",
    "busy": "busy",
    "no_answer": "no answer",
    "failed": "failed",
    "cancelled": "hung up before it was answered",
    "unknown": "never resolved",
}

DECISIONS = {
    "connect": "connect",
    "connect_user": "connect to an app's user",
    "continue": "let it go on",
    "refuse": "refuse",
    "ask": "ask the caller",
    "hang_up": "hang up",
    "park": "park",
    "join_conference": "join a conference",
    "acknowledge": "take note",
}


@register.filter
def paid_for(subject: UUID) -> str:
    """Where staff see what a hold is for: a call, a text or a verification."""
    for documents, page in (
        (TextMessage, "admin:telephony_textmessage_change"),
        (Verification, "admin:telephony_verification_change"),
    ):
        if documents.objects.filter(pk=subject).exists():
            return reverse(page, args=[subject])
    return reverse("admin:telephony_call_change", args=[subject])


@register.filter
def number(text: str) -> str:
    """A telephone number spaced as people read it; anything else as it is."""
    return display(text) if text.startswith("+") else text


@register.filter
def duration(seconds: int | None) -> str:
    """Seconds as a clock shows them.

    >>> [duration(s) for s in (None, 7, 754, 3605)]
    ['–', '0:07', '12:34', '1:00:05']
    """
    if seconds is None:
        return "–"
    minutes, rest = divmod(max(0, seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


@register.filter
def refused_because(reason: str) -> str:
    """Why a call was refused, as a sentence."""
    try:
        return WRITTEN[Reason(reason)]
    except ValueError:
        return "The call was refused."


@register.filter
def words(name: str) -> str:
    """A name from the code as people write it: `billed_seconds` as "billed seconds"."""
    return name.replace("_", " ").capitalize()


@register.filter
def ending(result: str) -> str:
    """How a call ended, in words."""
    return ENDINGS.get(result, "ended")


@register.filter
def state(call: Call) -> str:
    """How far the call has come, in words: of a running call also that it is parked."""
    return call.get_state_display() if call.ended_at else stage_of(call).value


@register.filter
def decision_word(decision: dict[str, Any] | None) -> str:
    """What a stored decision was, in words.

    >>> [decision_word(stored) for stored in ({"decision": "hang_up"}, {"decision": "ask"}, None)]
    ['hang up', 'ask the caller', '']
    """
    word = (decision or {}).get("decision", "")
    return DECISIONS.get(word, word)


@register.filter
def decision_details(decision: dict[str, Any] | None) -> list[tuple[str, str]]:
    """What a stored decision holds, each with its name; what is empty is left out.

    >>> decision_details({"decision": "park", "say": [{"say": "Please hold."}], "limit_seconds": 60})
    [('say', '“Please hold.”'), ('limit seconds', '60')]
    """
    details = {name: value for name, value in (decision or {}).items() if name != "decision"}
    return [(name.replace("_", " "), _detail(value)) for name, value in details.items() if value not in ([], "")]


def _detail(value: Any) -> str:
    """A figure as it is; a prompt as what is heard; questions as their names and prompts."""
    if not isinstance(value, list):
        return "–" if value is None else str(value)
    return " ".join(_part(part) if isinstance(part, dict) else str(part) for part in value)


def _part(part: dict[str, Any]) -> str:
    if "name" in part:
        return f"{part['name']}: {_detail(part.get('prompt', []))}"
    return f"“{part['say']}”" if "say" in part else str(part.get("play", part))
