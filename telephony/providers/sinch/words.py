"""Sinch's words and ours. Wire words are written here in lower case, since their letter case varies."""

from __future__ import annotations

from telephony.events import EndpointKind, EndReason, Origin, PromptKind, Result
from telephony.news import TextStatus, VerificationMethod, VerificationStatus

ENDPOINT_KINDS = {
    "number": EndpointKind.NUMBER,
    "username": EndpointKind.USER,
    "sip": EndpointKind.SIP,
    "did": EndpointKind.ACCESS_NUMBER,
    "conference": EndpointKind.CONFERENCE,
    "email": EndpointKind.EMAIL,
}

ORIGINS = {
    "mxp": Origin.APP,
    "pstn": Origin.PHONE,
    "sip": Origin.SIP,
    "server": Origin.SERVER,
}

RESULTS = {
    "answered": Result.ANSWERED,
    "busy": Result.BUSY,
    "denied": Result.BUSY,
    "noanswer": Result.NO_ANSWER,
    "failed": Result.FAILED,
    "cancel": Result.CANCELLED,
    "n/a": Result.NONE,
}

# The first eleven are documented for hang-ups; the others are in SDKs, in answers about a call, or in call records.
END_REASONS = {
    "n/a": EndReason.NONE,
    "timeout": EndReason.TIMEOUT,
    "callerhangup": EndReason.CALLER_HUNG_UP,
    "calleehangup": EndReason.CALLEE_HUNG_UP,
    "blocked": EndReason.BLOCKED,
    "managerhangup": EndReason.MANAGER_HUNG_UP,
    "nocreditpartner": EndReason.NO_CREDIT_AT_PROVIDER,
    "generalerror": EndReason.ERROR,
    "cancel": EndReason.CANCELLED,
    "usernotfound": EndReason.USER_NOT_FOUND,
    "callbackerror": EndReason.CALLBACK_FAILED,
    "established": EndReason.ESTABLISHED,
    "otherpeeranswered": EndReason.ANSWERED_ELSEWHERE,
    "clientnetwork": EndReason.CLIENT_NETWORK,
    "congestion": EndReason.CONGESTION,
    "busy": EndReason.BUSY,
    "noanswer": EndReason.NO_ANSWER,
    "invalidsvamlaction": EndReason.REPLY_REFUSED,
    "hangup": EndReason.HUNG_UP,
}

PROMPT_KINDS = {
    "return": PromptKind.RETURN,
    "sequence": PromptKind.SEQUENCE,
    "timeout": PromptKind.TIMEOUT,
    "hangup": PromptKind.HANGUP,
    "invalidinput": PromptKind.INVALID_INPUT,
    "error": PromptKind.ERROR,
}

# Documentation names one, Sinch's own integration notes the other.
TOPICS = {"transcription_complete": "transcription_available"}

# Seamless and WhatsApp are methods too, which we do not start.
VERIFICATION_METHODS = {
    "sms": VerificationMethod.SMS,
    "flashcall": VerificationMethod.FLASHCALL,
    "callout": VerificationMethod.CALLOUT,
}

# The last three are of the old server SDK. One that ran out is FAIL with a reason.
VERIFICATION_STATUSES = {
    "pending": VerificationStatus.PENDING,
    "successful": VerificationStatus.SUCCESSFUL,
    "fail": VerificationStatus.FAILED,
    "aborted": VerificationStatus.FAILED,
    "error": VerificationStatus.FAILED,
    "denied": VerificationStatus.DENIED,
    "failed": VerificationStatus.FAILED,
    "failed pending": VerificationStatus.FAILED,
    "expired": VerificationStatus.EXPIRED,
}
RAN_OUT = "expired"

# Those of the REST API, then those of the classic one; its README has another word for what its documentation calls
# Faulted. Nobody knows whether a text that is Unknown arrived.
TEXT_STATUSES = {
    "queued": TextStatus.PENDING,
    "dispatched": TextStatus.PENDING,
    "delivered": TextStatus.SUCCESSFUL,
    "failed": TextStatus.FAILED,
    "aborted": TextStatus.FAILED,
    "cancelled": TextStatus.FAILED,
    "canceled": TextStatus.FAILED,
    "rejected": TextStatus.FAILED,
    "deleted": TextStatus.FAILED,
    "expired": TextStatus.FAILED,
    "unknown": TextStatus.PENDING,
    "pending": TextStatus.PENDING,
    "successful": TextStatus.SUCCESSFUL,
    "faulted": TextStatus.FAILED,
}

# What a caller's number says when the caller does not want to be seen.
HIDDEN_CALLERS = {"", "private"}

ON_EVERY_EVENT = frozenset(
    {
        "event",
        "callid",
        "timestamp",
        "version",
        "custom",
        "user",
        "applicationkey",
        "cookies",
        "conferenceid",
        "callresourceurl",
    }
)

_ON_EVERY_VERIFICATION = frozenset(
    {"event", "id", "method", "identity", "reference", "custom", "timestamp", "version", "applicationkey"}
)

KNOWN_FIELDS = {
    "ice": ON_EVERY_EVENT | {"userrate", "cli", "to", "domain", "originationtype", "rdnis", "callheaders", "duration"},
    "ace": ON_EVERY_EVENT | {"amd"},
    "pie": ON_EVERY_EVENT | {"menuresult", "menuid"},
    "dice": ON_EVERY_EVENT
    | {"reason", "result", "duration", "debit", "userrate", "to", "from", "callheaders", "domain", "status"},
    "notify": ON_EVERY_EVENT | {"type", "destination", "destinationurl", "amd", "errorcode", "errcode", "errormsg"},
    "verificationrequestevent": _ON_EVERY_VERIFICATION | {"price", "rate", "acceptlanguage"},
    "verificationresultevent": _ON_EVERY_VERIFICATION | {"status", "reason", "source"},
    "verificationsmsdeliveredevent": _ON_EVERY_VERIFICATION | {"smsresult"},
    "incomingsms": frozenset(
        {"event", "to", "from", "message", "timestamp", "version", "applicationkey", "id", "messageid", "custom"}
    ),
}
