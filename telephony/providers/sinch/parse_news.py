"""From Sinch's JSON to an event about no call: a verification that is asked about or has ended, a text that came in.

They come to the same address as a call's events, signed the same way. What is missing from them is an oddity where the
event could not be told from another without it, else a remark.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any

from telephony.events import Event
from telephony.news import (
    TextReceived,
    VerificationAsked,
    VerificationEnded,
    VerificationMethod,
    VerificationStatus,
    VerificationTexted,
)
from telephony.providers.sinch.fields import LONGEST_CUSTOM, Fields
from telephony.providers.sinch.words import KNOWN_FIELDS, RAN_OUT, VERIFICATION_METHODS, VERIFICATION_STATUSES


def verification_status(word: str, reason: str) -> VerificationStatus:
    """How far a verification has come, by Sinch's word for it and its reason."""
    status = VERIFICATION_STATUSES.get(word.lower(), VerificationStatus.OTHER)
    ran_out = status is VerificationStatus.FAILED and reason.strip().lower() == RAN_OUT
    return VerificationStatus.EXPIRED if ran_out else status


def verification_method(word: str) -> VerificationMethod:
    """How the proof is brought."""
    return VERIFICATION_METHODS.get(word.lower(), VerificationMethod.OTHER)


def _asked(fields: Fields) -> VerificationAsked:
    price, languages = fields.cost("price"), fields.texts("acceptLanguage")
    if not fields.address("identity"):
        fields.oddities.append("identity names no number")
    return VerificationAsked(price=price, languages=languages, **_shared(fields, "verificationrequestevent"))


def _ended(fields: Fields) -> VerificationEnded:
    word, reason = fields.word("status"), fields.text("reason")
    status = verification_status(word, reason)
    if status is VerificationStatus.OTHER:
        fields.remarks.append("status is a word we do not know" if word else "status is missing")
    return VerificationEnded(
        status=status,
        status_word=word,
        reason=reason,
        source=fields.word("source").lower(),
        **_shared(fields, "verificationresultevent"),
    )


def _texted(fields: Fields) -> VerificationTexted:
    word = fields.word("smsResult").lower()
    if word not in ("successful", "failed"):
        fields.remarks.append("smsResult is a word we do not know" if word else "smsResult is missing")
    return VerificationTexted(successful=word == "successful", **_shared(fields, "verificationsmsdeliveredevent"))


def _shared(fields: Fields, kind: str) -> dict[str, Any]:
    """What every event of a verification carries. Read last, so that the doubts about all fields are complete."""
    method_word = fields.word("method")
    return {
        "call_id": "",
        "verification_id": fields.identifier("id"),
        "method": verification_method(method_word),
        "method_word": method_word,
        "number": fields.address("identity"),
        "reference": fields.text("reference"),
        "custom": fields.text("custom", LONGEST_CUSTOM),
        "at": fields.moment("timestamp"),
        "version": fields.version(),
        "application_key": fields.text("applicationKey"),
        "unknown_fields": fields.unknown(KNOWN_FIELDS[kind]),
        **fields.doubts(),
    }


def _text(fields: Fields) -> TextReceived:
    """A text of the classic API. `custom` is left out: nobody but its sender could have written anything there."""
    sender, recipient = fields.address("from"), fields.address("to")
    body, at = fields.text("message", LONGEST_CUSTOM), fields.moment("timestamp")
    if not sender:
        fields.oddities.append("from names nobody")
    text_id = fields.word("messageId") or fields.word("id")
    if not text_id:
        if at is None:
            fields.remarks.append("timestamp is missing: the same words count as a repeat")
        text_id = _derived_id(at.isoformat() if at else "", sender, recipient, body)
    return TextReceived(
        call_id="",
        text_id=text_id,
        sender=sender,
        recipient=recipient,
        body=body,
        at=at,
        version=fields.version(),
        application_key=fields.text("applicationKey"),
        unknown_fields=fields.unknown(KNOWN_FIELDS["incomingsms"]),
        **fields.doubts(),
    )


def _derived_id(at: str, sender: str, recipient: str, body: str) -> str:
    """An id for a text that came without: the same for a repeat, another for everything else."""
    digest = sha256(body.encode()).hexdigest()
    return f"sms-{sha256(chr(10).join((at, sender, recipient, digest)).encode()).hexdigest()}"


NEWS_READERS: Mapping[str, Callable[[Fields], Event]] = {
    "verificationrequestevent": _asked,
    "verificationresultevent": _ended,
    "verificationsmsdeliveredevent": _texted,
    "incomingsms": _text,
}
