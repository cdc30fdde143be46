"""Callouts by a provider whose orders say nothing of what happens when somebody answers: it is said then."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest
from django.utils import timezone

from accounts.models import Account
from billing.models import Hold
from outbox.errands import Claimed
from outbox.models import Row
from telephony import calls
from telephony.callout_checks import CalloutRefused, find_application
from telephony.callout_dialling import CalloutErrand, _Order
from telephony.menus import Keys, Question, say
from telephony.models import Application, Call, Callout
from telephony.policy import LATE_SECONDS
from telephony.providers.base import CalloutKind
from telephony.watching import KIND
from tests import books
from tests.builders import a_menu, an_application, balance
from tests.sift_caller import Answered, SiftCaller
from tests.telephony.callout_scenes import a_caller, a_callout, a_placed_call, a_survey, row_of, the_call
from tests.telephony.sift_scenes import a_sift_application

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _the_books_are_in_order(db: None) -> Iterator[None]:
    yield
    assert books.differences() == {}


@pytest.fixture
def account() -> Account:
    return a_caller(exposure_allowance=Decimal(100))


@pytest.fixture
def sift(account: Account) -> SiftCaller:
    return SiftCaller(a_sift_application())


def picks_up(sift: SiftCaller, callout: Callout) -> Answered:
    """Somebody answers the callout: what they hear."""
    call = a_placed_call(callout, "c-1")
    mark = calls.mark_of_callout(call.pk)
    assert sift.status("c-1", "connecting", mark).body == b""
    return sift.status("c-1", "connected", mark)


def test_a_text_is_spoken_when_somebody_has_picked_up(sift: SiftCaller, account: Account) -> None:
    heard = picks_up(sift, a_callout(account))
    assert heard.routine == [{"name": "Say", "text": "Your table is ready."}, {"name": "HangUp"}]
    assert sift.status("c-1", "connected", calls.mark_of_callout(Call.objects.get().pk)) == heard
    assert Call.objects.get().state == Call.State.ANSWERED
    assert balance(account) == 5


def test_somebody_is_led_into_a_conference(sift: SiftCaller, account: Account) -> None:
    heard = picks_up(sift, a_callout(account, kind=Callout.Kind.CONFERENCE, conference_id="room-7", text="Welcome."))
    assert heard.names == ["Say", "JoinConference", "HangUp"]
    assert heard.command("JoinConference")["conference_name"] == "room-7"


def test_a_menu_is_played_to_somebody(sift: SiftCaller, account: Account) -> None:
    heard = picks_up(sift, a_callout(account, kind=Callout.Kind.MENU, menu_version_id=a_survey(), text=""))
    asked = sift.pressed("c-1", heard, "1")
    assert sift.pressed("c-1", asked, "2024").names == ["Say", "HangUp"]
    assert Call.objects.get().menu_run.kept == [["well", "yes"], ["when", "2024"]]


def test_a_mark_of_another_call_is_not_believed(sift: SiftCaller, account: Account) -> None:
    call = a_placed_call(a_callout(account), "c-1")
    assert sift.status("c-2", "connected", calls.mark_of_callout(call.pk)).status == 404
    call.refresh_from_db()
    assert call.state == Call.State.AUTHORISED


def test_it_is_watched_and_held_for_longer_than_it_may_last(sift: SiftCaller, account: Account) -> None:
    call = the_call(a_callout(account))
    assert Row.objects.filter(kind=KIND, subject=call.pk).exists()
    assert (call.limit_seconds, LATE_SECONDS) == (60, 10)
    assert Hold.objects.get().amount == Decimal("0.12")


def test_callouts_are_placed_by_a_provider_that_ends_them_where_there_is_one(sift: SiftCaller) -> None:
    row = find_application().row()
    assert row is not None
    assert row[2] == "sift"
    assert find_application(must_limit=True).row() is None
    sinch = an_application()
    for found in (find_application(), find_application(must_limit=True)):
        row = found.row()
        assert row is not None
        assert row[0] == sinch.pk


@pytest.mark.parametrize(
    ("changes", "field"),
    [({"on_machine": Callout.OnMachine.HANG_UP}, "on_machine"), ({"locale": "es-ES"}, "locale")],
)
def test_what_the_provider_cannot_do_is_not_promised(
    sift: SiftCaller, account: Account, changes: dict[str, str], field: str
) -> None:
    with pytest.raises(CalloutRefused, match="provider for callouts") as refused:
        a_callout(account, **changes)
    assert refused.value.field == field
    assert not Callout.objects.exists()


def test_a_menu_that_the_provider_cannot_play_is_not_promised(sift: SiftCaller, account: Account) -> None:
    menu = a_menu((Question("well", say("¿Qué tal?"), Keys({})),), locale="es-ES")
    with pytest.raises(CalloutRefused, match="English only") as refused:
        a_callout(account, kind=Callout.Kind.MENU, menu_version_id=menu.versions.get().pk, text="")
    assert refused.value.field == "menu"


def test_an_order_is_only_whom_to_call_and_where_to_ask(sift: SiftCaller, account: Account) -> None:
    call = the_call(a_callout(account))
    row = row_of(call)
    claimed = Claimed(id=row.pk, key=row.key, subject=call.pk, payload={}, attempt=1, failures=0, doubtful_since=None)
    prepared = CalloutErrand().prepare(claimed, timezone.now())
    assert isinstance(prepared, _Order)
    order = prepared.order
    assert order.kind is CalloutKind.ASK_US
    assert order.report_base.endswith(f"/callbacks/sift/{Application.objects.get().callback_token}/")
