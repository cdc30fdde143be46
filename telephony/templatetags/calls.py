"""Calls for people: numbers, durations and refusals in plain words."""

from __future__ import annotations

from django import template

from accounts.numbers import display
from telephony.decisions import Reason
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
