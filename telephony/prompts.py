"""What callers hear and customers read: one catalogue, symbol to sentence."""

from __future__ import annotations

from telephony.decisions import Reason, Refuse

LOCALE = "en-US"

# Spoken to the caller. Short, polite, and never says anything about somebody else's account.
SPOKEN: dict[Reason, str] = {
    Reason.UNKNOWN_CALLER: "We do not know this caller. Please sign in to the app again.",
    Reason.NOT_IDENTIFIED: "This number cannot be used without signing in. Please call from the app.",
    Reason.ACCOUNT_NOT_ACTIVE: "Your account is not active. Please contact support.",
    Reason.DESTINATION_UNREADABLE: "This number is not valid. Please check it and dial again.",
    Reason.DESTINATION_UNSUPPORTED: "This kind of call is not available.",
    Reason.DESTINATION_NOT_ALLOWED: "Calls to this number are not allowed from your account.",
    Reason.NO_RATE: "Calls to this number are not available.",
    Reason.TOO_DEAR: "Calls to this number cost more than your account allows.",
    Reason.NO_FREE_SLOT: "You already have as many calls as your account allows.",
    Reason.NOT_ENOUGH_CREDIT: "You do not have enough credit for this call. Please top up.",
    Reason.CALL_IS_OVER: "This call has ended.",
    Reason.UNKNOWN_CALL: "This call cannot be continued.",
    Reason.ODD_EVENT: "This call cannot be connected.",
    Reason.OWN_TROUBLE: "The service is not available at the moment. Please try again later.",
}

# Read by customers and staff beside the refused call.
WRITTEN: dict[Reason, str] = {
    Reason.UNKNOWN_CALLER: "The caller belongs to no account.",
    Reason.NOT_IDENTIFIED: "A caller's number alone is no proof of who calls.",
    Reason.ACCOUNT_NOT_ACTIVE: "The account was not active.",
    Reason.DESTINATION_UNREADABLE: "The number dialled could not be read.",
    Reason.DESTINATION_UNSUPPORTED: "This kind of destination is not offered.",
    Reason.DESTINATION_NOT_ALLOWED: "The account's destination rules do not allow this number.",
    Reason.NO_RATE: "There is no price for this destination.",
    Reason.TOO_DEAR: "The price per minute is above the account's limit.",
    Reason.NO_FREE_SLOT: "The account already had as many calls as it may have at once.",
    Reason.NOT_ENOUGH_CREDIT: "The credit was not enough to begin this call.",
    Reason.CALL_IS_OVER: "The call had already ended.",
    Reason.UNKNOWN_CALL: "The call was never authorised.",
    Reason.ODD_EVENT: "The provider's message could not be understood.",
    Reason.OWN_TROUBLE: "Our own systems could not decide, so the call was refused.",
}


def refusal(reason: Reason, detail: str = "") -> Refuse:
    """The refusal for a reason, with its spoken sentence and the figures behind it."""
    return Refuse(reason=reason, say=SPOKEN[reason], locale=LOCALE, detail=detail)
