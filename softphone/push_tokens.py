"""Where an app's installations can be woken: reported at each start, taken back when the account is removed there."""

from __future__ import annotations

import re
from collections.abc import Mapping

from postgres.statements import tell
from postgres.work import in_one_transaction
from softphone.models import Line, PushToken
from softphone.sentences import Refused, Sentence
from softphone.views import Answer, Asking, SoftphoneView

MOST_PER_LINE = 10

_SELECTOR = re.compile(r"[\x21-\x7e]{1,128}")
_TOKEN = re.compile(r"[A-Za-z0-9+/=_:.-]{0,512}")
_APP_ID = re.compile(r"[\x21-\x7e]{0,128}")

_UPSERT = """
INSERT INTO softphone_pushtoken (line_id, selector, calls_token, calls_app_id, other_token, other_app_id, reported_at)
VALUES (%s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (line_id, selector) DO UPDATE SET
    calls_token = excluded.calls_token, calls_app_id = excluded.calls_app_id,
    other_token = excluded.other_token, other_app_id = excluded.other_app_id, reported_at = excluded.reported_at
"""
_FORGET_OLDEST = """
DELETE FROM softphone_pushtoken WHERE line_id = %s AND id NOT IN (
    SELECT id FROM softphone_pushtoken WHERE line_id = %s ORDER BY reported_at DESC, id DESC LIMIT %s)
"""


class ReportView(SoftphoneView):
    """Keeps the tokens of one installation, in the place of those that it reported before. The app ignores the answer.

    With no token at all, as after push was switched off, nothing is kept of the installation.
    """

    def answer(self, asking: Asking) -> Answer:
        line, selector = asking.proved_line, _selector(asking)
        tokens = _tokens(asking.parameters)
        if not any(tokens[::2]):
            forget(line, selector)
            return Answer({})

        def work() -> None:
            # The line first, so that two installations that report at once do not each count without the other.
            tell("SELECT FROM softphone_line WHERE id = %s FOR NO KEY UPDATE", [line.pk])
            tell(_UPSERT, [line.pk, selector, *tokens, asking.now])
            tell(_FORGET_OLDEST, [line.pk, line.pk, MOST_PER_LINE])

        in_one_transaction(work)
        return Answer({})


class RemovalView(SoftphoneView):
    """The account was removed from one installation: its tokens go. What was never reported is gone already."""

    def answer(self, asking: Asking) -> Answer:
        forget(asking.proved_line, _selector(asking))
        return Answer({})


def forget(line: Line, selector: str) -> None:
    """Keep nothing of the installation."""
    PushToken.objects.filter(line=line, selector=selector).delete()


def _selector(asking: Asking) -> str:
    selector = asking.needed("selector")
    if not _SELECTOR.fullmatch(selector):
        raise Refused(Sentence.PUSH_TOKEN_UNREADABLE)
    return selector


def _tokens(given: Mapping[str, str]) -> tuple[str, str, str, str]:
    """Token and app id for calls, then for everything else. Old apps have one pair, which serves for both."""
    token, app_id = given.get("pushToken", ""), given.get("pushappid", "")
    calls = given.get("pushTokenIncomingCall") or token, given.get("pushappid_incoming_call") or app_id
    other = given.get("pushTokenOther") or token, given.get("pushappid_other") or app_id
    if not all(_TOKEN.fullmatch(token) and _APP_ID.fullmatch(app_id) for token, app_id in (calls, other)):
        raise Refused(Sentence.PUSH_TOKEN_UNREADABLE)
    return (*calls, *other)
