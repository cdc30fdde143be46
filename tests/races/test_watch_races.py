"""Hang-up news, the watch and the reconciler at once: settled once, and nobody waits for another in a circle."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Account
from outbox import performing
from outbox import rows as outbox_rows
from outbox.models import Row
from postgres.work import in_one_transaction
from telephony import reconcile
from telephony.menus import Action, Keys, Question, say
from telephony.models import CDR, Call
from tests.builders import a_deck, a_menu, an_access_number, an_account, balance, held
from tests.races.crowd import Crowd
from tests.sift_caller import A_NUMBER, SiftCaller
from tests.telephony.rest_api import serving
from tests.telephony.sift_scenes import Desk, a_sift_application, begun

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("orderly", "plenty_of_time")]


@pytest.mark.parametrize("round", range(3))
def test_news_watch_and_reconciler_settle_once(round: int, crowd: Crowd) -> None:
    a_deck({"44": "0.06"})
    account = an_account(client_user="alice", calls_at_once=2, exposure_allowance=Decimal(40))
    desk = Desk()
    with serving(desk.answers) as api:
        sift = SiftCaller(a_sift_application(api.url))
        sift.incoming("c-1")
        call = begun("c-1", 3600)
        desk.ended("c-1", call.begun_at, 61)
        row = Row.objects.get(kind="watch")
        Row.objects.update(due_at=timezone.now())
        assert in_one_transaction(lambda: outbox_rows.lease(timezone.now(), 10)) == [row.pk]
        crowd.at_once(
            [
                lambda: performing.perform(row.pk),
                lambda: reconcile.reconcile(timezone.now()),
                lambda: reconcile.reconcile(timezone.now()),
                lambda: sift.conversation_ended("c-1"),
                lambda: sift.status("c-1", "finished"),
            ]
        )
    assert CDR.objects.count() == 1
    assert (balance(account), held(account)) == (Decimal("4.88"), 0)


@pytest.mark.parametrize("round", range(3))
def test_a_menu_that_connects_while_the_watch_asks_loses_neither_call_nor_watch(round: int, crowd: Crowd) -> None:
    a_deck({"44": "0.06"})
    account = an_account(client_user="alice", calls_at_once=2, exposure_allowance=Decimal(40))
    desk = Desk()
    with serving(desk.answers) as api:
        sift = SiftCaller(a_sift_application(api.url))
        question = Question("a", say("Press 1."), Keys({"1": Action.connect(A_NUMBER)}))
        an_access_number(sift.application, number="+12025550123", menu=a_menu((question,)), account=account)
        asked = sift.dialled("c-1", "+12025550123", cli="+12025550199")
        call = Call.objects.get()
        desk.going_on("c-1", call.begun_at)
        row = Row.objects.get(kind="watch")
        Row.objects.update(due_at=timezone.now())
        assert in_one_transaction(lambda: outbox_rows.lease(timezone.now(), 10)) == [row.pk]
        answers: list[Any] = []
        crowd.at_once(
            [
                lambda: performing.perform(row.pk),
                lambda: answers.append(sift.pressed("c-1", asked, "1")),
                lambda: answers.append(sift.pressed("c-1", asked, "1")),
                lambda: sift.conversation_ended("c-1"),
            ]
        )
    assert all(answer.status == 200 and answer.names[-2:] == ["CallPhone", "HangUp"] for answer in answers), answers
    assert Row.objects.get(kind="watch").state == Row.State.RETRY
    assert held(account) > 0
    assert Account.objects.count() == 1
