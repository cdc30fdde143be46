"""Verifications at Sinch: begun with a reference of ours, proved by a code or by the number that called.

The reference counts once at Sinch, so a verification may be begun again when the answer was lost: the second is
refused, and by the reference the first is found. What the refusal looks like is not documented. Hence every refusal of
a beginning is doubted until Sinch has said that it knows none by this reference.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from http import HTTPStatus
from typing import Any

from telephony.events import Cost
from telephony.news import VerificationMethod
from telephony.providers.base import ProviderTrouble, VerificationOrder, VerificationReport
from telephony.providers.reading import JsonObject
from telephony.providers.sinch.errors import (
    CredentialsRefused,
    NotFound,
    RequestRefused,
    TooManyRequests,
    saying_nothing_of_the_deed,
)
from telephony.providers.sinch.fields import Fields
from telephony.providers.sinch.orders import Impossible, require_locale, require_number, require_reference, require_text
from telephony.providers.sinch.parse_news import verification_method, verification_status
from telephony.providers.sinch.rest import Rest, encode, number_segment, segment

PATH = "/verification/v1/verifications"
UNKNOWN_VERIFICATION = 40400
LONGEST_REFERENCE = 100
LONGEST_CUSTOM = 4096
LONGEST_PROOF = 64

# The word under which each method's proof is handed in, and what the proof is called there.
_PROOFS: Mapping[VerificationMethod, tuple[str, str]] = {
    VerificationMethod.SMS: ("sms", "code"),
    VerificationMethod.FLASHCALL: ("flashCall", "cli"),
    VerificationMethod.CALLOUT: ("callout", "code"),
}


class Verifications:
    """The verifications of one application.

    Every method raises NotSent or RequestRefused (NotFound when there is no such verification) when Sinch did nothing,
    another ProviderTrouble when nothing is known, Impossible for what can never be asked.
    """

    def __init__(self, rest: Rest) -> None:
        self._rest = rest

    def start(self, order: VerificationOrder) -> VerificationReport:
        """Begin one. A reference that was used before is refused."""
        language = {"accept-language": order.locale} if order.locale else {}
        body = encode(_start(order))
        answer = self._rest.ask("POST", PATH, body, subject="verifications at this address", headers=language)
        # It says how it will go about it, and has no word for what has only begun.
        answer.setdefault("status", "PENDING")
        return _report(answer)

    def report(self, verification_id: str, method: VerificationMethod, proof: str) -> VerificationReport:
        """Hand in the proof for a verification."""
        return self._prove(f"{PATH}/id/{segment(verification_id)}", method, proof)

    def report_number(self, number: str, method: VerificationMethod, proof: str) -> VerificationReport:
        """Hand in the proof for the verification of a number that is under way."""
        return self._prove(f"{PATH}/number/{number_segment(number)}", method, proof)

    def get(self, verification_id: str) -> VerificationReport:
        """What Sinch says about one."""
        return self._ask(f"{PATH}/id/{segment(verification_id)}")

    def get_by_reference(self, reference: str) -> VerificationReport:
        """What Sinch says about the one that was begun with this reference."""
        return self._ask(f"{PATH}/reference/{segment(reference)}")

    def get_by_number(self, number: str, method: VerificationMethod) -> VerificationReport:
        """What Sinch says about the latest of a number."""
        return self._ask(f"{PATH}/{_word(method)}/number/{number_segment(number)}")

    def _prove(self, path: str, method: VerificationMethod, proof: str) -> VerificationReport:
        require_text("The proof", proof, LONGEST_PROOF)
        word = _word(method)
        section, name = _PROOFS[method]
        body = encode({"method": word, section: {name: proof}})
        return _report(self._rest.ask("PUT", path, body, subject="this verification"))

    def _ask(self, path: str) -> VerificationReport:
        return _report(self._rest.get(path, subject="this verification"))


def start_once(room: Verifications, order: VerificationOrder, again: Verifications) -> VerificationReport:
    """Begin a verification, or take the one that its reference has begun before.

    `again` is asked when beginning was refused. Raises as `Verifications.start`, but a refusal only once Sinch has said
    that it knows none by this reference.
    """
    try:
        return room.start(order)
    except (CredentialsRefused, NotFound, TooManyRequests):
        # Whoever said so did not come as far as looking at the reference.
        raise
    except RequestRefused as refused:
        begun = find(again, order.reference)
        if begun is not None:
            return begun
        if refused.status == HTTPStatus.CONFLICT or "reference" in refused.message.lower():
            raise ProviderTrouble("Sinch says that this was begun before, and does not know it.") from refused
        raise


def find(room: Verifications, reference: str) -> VerificationReport | None:
    """The verification begun with this reference; None when Sinch says that it knows none.

    Raises ProviderTrouble when it cannot say, and nothing more particular.
    """
    with saying_nothing_of_the_deed():
        try:
            report = room.get_by_reference(reference)
        except NotFound as unknown:
            if unknown.error_code == UNKNOWN_VERIFICATION:
                return None
            raise  # something else is not there: perhaps the whole address is wrong
        if report.reference not in ("", reference):
            raise ProviderTrouble("Sinch answered about another reference than the one asked for.")
        return report


def _start(order: VerificationOrder) -> dict[str, Any]:
    require_number("The number to verify", order.number)
    require_reference("A verification's reference", order.reference, LONGEST_REFERENCE)
    body: dict[str, Any] = {
        "identity": {"type": "number", "endpoint": order.number},
        "method": _word(order.method),
        "reference": order.reference,
    }
    if order.custom:
        require_text("A verification's custom text", order.custom, LONGEST_CUSTOM)
        body["custom"] = order.custom
    if order.locale:
        require_locale("A verification's locale", order.locale)
        if order.method is VerificationMethod.CALLOUT:
            body["calloutOptions"] = {"speech": {"locale": order.locale}}
    return body


def _word(method: VerificationMethod) -> str:
    """The method as it is sent: in lower case, though old SDKs write `flashCall`."""
    if method not in _PROOFS:
        raise Impossible(f"A number is verified by one of {', '.join(_PROOFS)}.")
    return method.value


def _report(answer: JsonObject) -> VerificationReport:
    fields = Fields(answer)
    word, reason = fields.word("status"), fields.text("reason")
    verification_id = fields.identifier("id")
    if fields.oddities:
        raise ProviderTrouble("Sinch's answer does not say which verification it is about.")
    if not word:
        raise ProviderTrouble("Sinch's answer does not say how far the verification has come.")
    return VerificationReport(
        verification_id=verification_id,
        status=verification_status(word, reason),
        method=verification_method(fields.word("method")),
        number=fields.address("identity"),
        reference=fields.text("reference"),
        reason=reason,
        cost=_cost(fields),
    )


def _cost(fields: Fields) -> Cost | None:
    """What it cost us: the verification itself and, where there was one, the call."""
    price = fields.inner("price")
    parts = [part for name in ("verificationPrice", "terminationPrice") if (part := price.cost(name))]
    if not parts:
        return None
    same = [part.amount for part in parts if part.currency == parts[0].currency]
    return Cost(currency=parts[0].currency, amount=sum(same, Decimal(0)))
