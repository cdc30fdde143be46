"""One use case per event: what is answered, and that nothing is half-written."""

from __future__ import annotations

from decimal import Decimal

import psycopg
import pytest
from django.db import connection, transaction

from accounts.registration import open_account, suspend
from billing.models import Hold
from telephony import control
from telephony.decisions import Acknowledge, Connect, ConnectUser, Continue, Reason, Refuse
from telephony.events import (
    CallAnswered,
    CallEnded,
    CallIncoming,
    Endpoint,
    EndpointKind,
    Event,
    Notified,
    Origin,
    PromptAnswered,
    Result,
    UnknownEvent,
)
from telephony.models import CDR, Call, ReceivedEvent
from tests.builders import a_deck, an_access_number, an_account, an_application, held
from tests.telephony.received import NOW, ended, from_a_phone, incoming, received


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (CallIncoming(call_id="x"), Reason.OWN_TROUBLE),
        (PromptAnswered(call_id="x"), Reason.OWN_TROUBLE),
        (CallAnswered(call_id="x"), Continue()),
        (CallEnded(call_id="x"), Acknowledge()),
        (Notified(call_id="x"), Acknowledge()),
        (UnknownEvent(call_id="x"), Acknowledge()),
    ],
    ids=lambda value: type(value).__name__,
)
def test_when_we_cannot_decide_no_call_begins_and_none_that_was_allowed_is_ended(
    event: Event, expected: object
) -> None:
    answer = control.safe_answer(event)
    assert answer == expected or (isinstance(answer, Refuse) and answer.reason is expected)


@pytest.mark.django_db
def test_a_known_caller_is_connected_for_as_long_as_the_hold_pays() -> None:
    a_deck({"44": "0.06"})
    account = an_account(client_user="alice", numbers=["+442079460001"], calls_at_once=1)
    decision = control.decide(received(incoming()))
    assert decision == Connect(
        number="+447700900123", limit_seconds=1_800, caller_id="+442079460001", dial_timeout_seconds=45
    )
    hold = Hold.objects.get()
    assert (hold.amount, held(account)) == (Decimal("1.80"), Decimal("1.80"))
    assert hold.opened_at == NOW
    assert (hold.expires_at - NOW).total_seconds() == 1_800 + 45 + 120
    assert Call.objects.get().limit_seconds == 1_800


@pytest.mark.django_db
def test_a_call_between_app_users_is_connected_to_the_user() -> None:
    an_account(client_user="alice")
    bob = Endpoint(kind=EndpointKind.USER, value="bob", word="username")
    assert control.decide(received(incoming(destination=bob))) == ConnectUser(user="bob")
    assert not Hold.objects.exists()


@pytest.mark.django_db
def test_a_call_to_an_app_user_without_a_name_is_refused() -> None:
    an_account(client_user="alice")
    nobody = Endpoint(kind=EndpointKind.USER, value="", word="username")
    decision = control.decide(received(incoming(destination=nobody)))
    assert isinstance(decision, Refuse)
    assert decision.reason is Reason.DESTINATION_UNSUPPORTED


@pytest.mark.django_db
@pytest.mark.parametrize("origin", [origin for origin in Origin if origin is not Origin.APP])
def test_t2_only_an_apps_user_is_believed(origin: Origin) -> None:
    an_account(client_user="alice")
    decision = control.decide(received(incoming(origin=origin)))
    assert isinstance(decision, Refuse)
    assert decision.reason is Reason.NOT_IDENTIFIED


@pytest.mark.django_db
def test_a_refused_call_is_written_down_with_its_figures() -> None:
    a_deck({"44": "0.06"})
    account = an_account(client_user="alice", balance="0.05")
    decision = control.decide(received(incoming()))
    assert isinstance(decision, Refuse)
    call = Call.objects.get()
    assert (call.account, call.state, call.refusal) == (account, Call.State.REFUSED, "not_enough_credit")
    assert call.detail == decision.detail == "0.06 USD needed to begin, 0.05 available."


@pytest.mark.django_db
def test_an_account_without_a_wallet_cannot_call() -> None:
    a_deck({"44": "0.06"})
    open_account("no wallet", client_users=["alice"])
    decision = control.decide(received(incoming()))
    assert isinstance(decision, Refuse)
    assert decision.reason is Reason.NOT_ENOUGH_CREDIT


@pytest.mark.django_db
def test_an_event_with_oddities_is_quarantined_with_all_of_them() -> None:
    decision = control.decide(received(ended(oddities=("one thing", "another"))))
    assert decision == Acknowledge()
    kept = ReceivedEvent.objects.get()
    assert (kept.outcome, kept.error) == ("quarantined", "one thing; another")
    assert not CDR.objects.exists()


@pytest.mark.django_db
def test_a_hang_up_that_says_neither_result_nor_duration_is_quarantined() -> None:
    a_deck({"44": "0.06"})
    account = an_account(client_user="alice")
    application = an_application()
    control.decide(received(incoming(), application))
    control.decide(received(ended(duration_seconds=None, result=Result.OTHER, result_word="EH"), application))
    assert ReceivedEvent.objects.get(kind="ended").outcome == "quarantined"
    assert held(account) > 0


@pytest.mark.django_db(transaction=True)
def test_a_decision_that_cannot_be_kept_leaves_nothing_behind() -> None:
    """The inbox is written last: when that fails, hold and call must be gone as well."""
    a_deck({"44": "0.06"})
    account = an_account(client_user="alice")
    event = received(incoming())
    with connection.cursor() as cursor:
        cursor.execute(
            "ALTER TABLE telephony_receivedevent ADD CONSTRAINT broken_for_a_test CHECK (kind <> 'incoming')"
        )
    try:
        with pytest.raises(psycopg.errors.CheckViolation):
            control.decide(event)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE telephony_receivedevent DROP CONSTRAINT broken_for_a_test")
    assert held(account) == 0
    assert not Hold.objects.exists()
    assert not Call.objects.exists()
    with transaction.atomic():
        assert isinstance(control.decide(event), Connect)


# --- calls to our own numbers ----------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_an_access_number_that_leads_to_a_number_connects_at_its_accounts_cost() -> None:
    a_deck({"44": "0.06"})
    owner = an_account(calls_at_once=1)
    application = an_application()
    an_access_number(application, connects_to="+442079460101", account=owner)
    decision = control.decide(received(from_a_phone(), application))
    assert decision == Connect(
        number="+442079460101", limit_seconds=1_800, caller_id="+442079460199", dial_timeout_seconds=45
    )
    assert held(owner) == Decimal("1.80")
    call = Call.objects.get()
    assert (call.account, call.destination, call.shown_caller_id) == (owner, "+442079460101", "+442079460199")
    assert control.decide(received(from_a_phone(), application)) == decision


@pytest.mark.django_db
def test_an_access_number_of_an_account_alone_reaches_its_own_number() -> None:
    a_deck({"44": "0.06"})
    owner = an_account(numbers=["+447700900110"])
    application = an_application()
    an_access_number(application, account=owner)
    decision = control.decide(received(from_a_phone(), application))
    assert isinstance(decision, Connect)
    assert decision.number == "+447700900110"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("numbers", "connects_to", "reason"),
    [
        ([], "", Reason.DESTINATION_UNSUPPORTED),
        ([], "+442079460199", Reason.DESTINATION_UNSUPPORTED),
        ([], "+46701740605", Reason.NO_RATE),
    ],
    ids=["no number of its own", "itself", "no rate"],
)
def test_an_access_number_that_leads_nowhere_refuses_its_callers(
    numbers: list[str], connects_to: str, reason: Reason
) -> None:
    a_deck({"44": "0.06"})
    application = an_application()
    number = an_access_number(application, connects_to=connects_to, account=an_account(numbers=numbers))
    decision = control.decide(received(from_a_phone(), application))
    assert isinstance(decision, Refuse)
    assert decision.reason is reason
    call = Call.objects.get()
    assert (call.state, call.access_number, call.refusal) == (Call.State.REFUSED, number, reason.value)


@pytest.mark.django_db
def test_a_suspended_account_is_not_reached_by_its_access_number() -> None:
    a_deck({"44": "0.06"})
    owner = an_account(numbers=["+447700900110"])
    suspend(owner)
    application = an_application()
    an_access_number(application, account=owner)
    decision = control.decide(received(from_a_phone(), application))
    assert isinstance(decision, Refuse)
    assert decision.reason is Reason.ACCOUNT_NOT_ACTIVE
