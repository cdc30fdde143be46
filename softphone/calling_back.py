"""Web Callback: an app names a destination, and two telephones ring: its user's own and that one."""

from __future__ import annotations

from accounts.models import CallerNumber
from softphone.answers import Answer
from softphone.models import Line, Softphone
from softphone.sentences import Refused, Sentence, refused_by
from softphone.views import Asking, SoftphoneView
from telephony import bridges
from telephony.bridges import BridgeRefused, NewBridge

CALLING_BACK = {"en": "Calling you back", "es": "Le llamamos ahora"}
VOICES = {"en": "en-US", "es": "es-ES"}


class CallbackView(SoftphoneView):
    """`target` is whom the user wishes to talk to, `callback` the number at which they are called, if they say one.

    Without it they are called at the line's callback number, else at the only verified number that is theirs.
    """

    promised = ("message",)

    def answer(self, asking: Asking) -> Answer:
        """That both are being called. Raises Refused."""
        destination, line = asking.needed("target"), asking.proved_line
        new = NewBridge(
            account_id=line.client_user.account_id,
            client_user_id=line.client_user_id,
            callback_number=asking.parameters.get("callback", "") or _usual_number(line),
            destination=destination,
            caller_first=asking.softphone.callback_order == Softphone.CallbackOrder.CALLER_FIRST,
            locale=VOICES[asking.language],
        )
        try:
            bridges.bridge(new, asking.now)
        except BridgeRefused as refused:
            raise _as_shown(refused) from None
        return Answer({"message": CALLING_BACK[asking.language]})


def _as_shown(refused: BridgeRefused) -> Refused:
    """The refusal in words that do not speak of call-through, as those of its own document do."""
    shown = refused_by(refused.refused)
    return Refused(Sentence.NO_CREDIT_FOR_CALLBACK) if shown.sentence is Sentence.NO_CREDIT else shown


def _usual_number(line: Line) -> str:
    """Where this user is called back when the request does not say it. Raises Refused when that is not clear."""
    if line.callback_number is not None:
        return line.callback_number.number
    user = line.client_user
    verified = CallerNumber.objects.filter(account=user.account_id, verified_at__isnull=False)
    own = verified.filter(client_user=user)
    numbers = list((own if own.exists() else verified.filter(client_user=None)).values_list("number", flat=True)[:2])
    if len(numbers) != 1:
        raise Refused(Sentence.MISSING, parameter="callback") if numbers else Refused(Sentence.CALLBACK_NOT_VERIFIED)
    return numbers[0]
