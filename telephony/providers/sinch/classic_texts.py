"""Texts by Sinch's classic API, which belongs to the application that also places calls and is signed like it.

It takes no reference of ours and tells nobody what became of a text: who wants to know has to ask, by its id.
"""

from __future__ import annotations

from telephony.news import TextReported, TextStatus
from telephony.providers.base import ProviderTrouble, TextOrder
from telephony.providers.reading import JsonObject
from telephony.providers.sinch.fields import LONGEST_ID, Fields
from telephony.providers.sinch.orders import require_number, require_text
from telephony.providers.sinch.rest import Rest, encode, number_segment, segment
from telephony.providers.sinch.words import TEXT_STATUSES

LONGEST_SENDER = 16
LONGEST_BODY = 4_096  # ours; Sinch names none


class ClassicTexts:
    """The texts of one application.

    Every method raises NotSent or RequestRefused when Sinch did nothing, another ProviderTrouble when nothing is known.
    """

    def __init__(self, rest: Rest) -> None:
        self._rest = rest

    def send(self, order: TextOrder) -> str:
        """Send a text; returns Sinch's id of it. Raises Impossible, unsent, for one that can never be sent."""
        require_number("A text's recipient", order.recipient)
        require_text("A text", order.body, LONGEST_BODY)
        if order.sender:
            require_text("A text's sender", order.sender, LONGEST_SENDER)
        body = encode({**({"from": order.sender} if order.sender else {}), "message": order.body})
        path = f"/v1/sms/{number_segment(order.recipient)}"
        return _text_id(self._rest.ask("POST", path, body, subject="texts at this address"))

    def status(self, text_id: str) -> TextReported:
        """What became of a text."""
        answer = Fields(self._rest.get(f"/v1/sms/{segment(text_id)}", subject="this text"))
        word = answer.word("status")
        if not word:
            raise ProviderTrouble("Sinch's answer does not say what became of the text.")
        status = TEXT_STATUSES.get(word.lower(), TextStatus.PENDING)
        return TextReported(call_id="", text_id=text_id, status=status, status_word=word)


def _text_id(answer: JsonObject) -> str:
    """A whole number on the old platform, a text on the new one."""
    given = answer.get("messageid")
    if isinstance(given, int) and not isinstance(given, bool) and given >= 0:
        return str(given)
    if isinstance(given, str) and 0 < len(given) <= LONGEST_ID and given.isprintable():
        return given
    raise ProviderTrouble("Sinch's answer does not say which text it sent.")
