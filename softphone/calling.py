"""Web Call-Through: an app says whom its user wishes to call, and is told what to dial."""

from __future__ import annotations

from django.utils import timezone

from accounts.numbers import NumberUnreadable, parse_number
from postgres.work import in_one_transaction
from softphone import geoip, lines
from softphone.answers import Answer
from softphone.dial_strings import CannotBeDialled, dial_string, says_destination
from softphone.sentences import Refused, Sentence, refused_by
from softphone.views import Asking, SoftphoneView
from telephony import call_through
from telephony.call_through import CallThroughRefused, Promised, Wish


class CallThroughView(SoftphoneView):
    """`target` is whom the user wishes to call; the answer's `dialString` is what the app dials."""

    promised = ("dialString",)

    def answer(self, asking: Asking) -> Answer:
        """What to dial, once the call would be allowed. Raises Refused."""
        dialled = asking.needed("target")
        line = asking.proved_line
        dialling = lines.dialling_of(line)
        wish = Wish(
            account_id=line.client_user.account_id,
            client_user_id=line.client_user_id,
            client_user=line.client_user.name,
            dialled=dialled,
            access_number=_wanted(asking),
            country=geoip.country_of(asking.address),
            # Tones that nobody waits for would be heard by the person called.
            remembers=not says_destination(dialling.form, dialling.template),
        )
        promised = _promised(wish)
        try:
            text = dial_string(
                dialling.form,
                dialling.template,
                access_number=promised.access_number,
                destination=promised.destination,
                dialled=dialled,
            )
        except CannotBeDialled:
            raise Refused(Sentence.DESTINATION_UNSUPPORTED) from None
        return Answer({"dialString": text})


def _promised(wish: Wish) -> Promised:
    try:
        # The time is read inside: the answer leaves soon after it, and the app's minute begins with it.
        return in_one_transaction(lambda: call_through.promise(wish, timezone.now()))
    except CallThroughRefused as refused:
        raise refused_by(refused.refused) from None


def _wanted(asking: Asking) -> str:
    """The access number that the request names, else the line's own; what is no number is no wish."""
    chosen = asking.proved_line.access_number
    try:
        return parse_number(asking.parameters.get("access_number", ""))
    except NumberUnreadable:
        return chosen.number if chosen else ""
