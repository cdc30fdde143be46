"""What a softphone did and showed, for people and for programs. Addresses and bodies are told as they travelled."""

from __future__ import annotations

from sandbox import report
from sandbox.softphone import Shown
from sandbox.softphone_services import WebExchange

LONGEST_QUOTE = 400
INDENT = " " * 7


def lines(what: str, shown: Shown) -> list[str]:
    """A transcript: what the person did, what travelled, what was on the screen, and what became of the call."""
    told = [f"{what}: {shown.kind}", *(line for each in shown.exchanges for line in _travelled(each))]
    told += [f"{INDENT}shows  {line}" for line in shown.text.splitlines()]
    if shown.dial_string is not None:
        told.append(f"{INDENT}dials  {_dialled(shown)}")
    if shown.remark:
        told.append(f"{INDENT}why    {shown.remark}")
    if shown.call is not None:
        told += [f"{INDENT}{report.line(shown.call).strip()}", *report.menu_lines(shown.call)]
    if shown.unheard:
        told.append(f"{INDENT}tones nobody listened to: {' '.join(shown.unheard)}")
    return told


def as_dict(what: str, shown: Shown) -> dict[str, object]:
    """The same as JSON can carry it."""
    dial_string = shown.dial_string
    return {
        "did": what,
        "kind": shown.kind,
        "text": shown.text,
        "remark": shown.remark,
        "fields": dict(shown.fields),
        "exchanges": [_as_dict(each) for each in shown.exchanges],
        "dial_string": None if dial_string is None else dial_string.text,
        "call": None if shown.call is None else report.as_dict(shown.call),
        "unheard": list(shown.unheard),
    }


def _as_dict(exchange: WebExchange) -> dict[str, object]:
    return {
        "method": exchange.request.method,
        "url": exchange.request.url,
        "body": _text(exchange.request.body or b""),
        "status": exchange.status,
        "content_type": exchange.content_type,
        "answer": _text(exchange.answer),
        "error": exchange.error,
    }


def _travelled(exchange: WebExchange) -> list[str]:
    asked = f"{INDENT}asked  {exchange.request.method} {exchange.request.url} {_quoted(exchange.request.body or b'')}"
    answered = f"{INDENT}got    {exchange.status or exchange.error} {exchange.content_type} {_quoted(exchange.answer)}"
    return [asked.rstrip(), answered.rstrip()]


def _dialled(shown: Shown) -> str:
    assert shown.dial_string is not None  # noqa: S101
    pause, waits = shown.dial_string.pause_seconds, shown.dial_string.waits
    pauses = [f"{pause} s of pause"] * bool(pause) + [f"{waits} times waiting for the person"] * bool(waits)
    return ", ".join((shown.dial_string.number, *pauses, *shown.dial_string.groups))


def _quoted(content: bytes) -> str:
    text = " ".join(_text(content).split())
    return text if len(text) <= LONGEST_QUOTE else f"{text[:LONGEST_QUOTE]}…"


def _text(content: bytes) -> str:
    return content.decode(errors="replace")
