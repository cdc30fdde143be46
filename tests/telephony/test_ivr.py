"""A call in a menu: every key does what the menu says, and whatever is connected has its own hold."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from accounts.models import Account
from accounts.registration import set_pin, suspend
from billing.models import Hold
from telephony import control
from telephony.decisions import Ask, Connect, Continue, Decision, HangUp, Reason, Refuse
from telephony.events import CallAnswered, CallEnded, PromptAnswered, PromptKind, Result
from telephony.menu_play import DESTINATION_QUESTION, MOST_ANSWERS, PIN_QUESTION
from telephony.menus import FIRST, Action, Destination, Digits, Keys, Pin, Question, Spoken, say
from telephony.models import CDR, AccessNumber, Application, Call, MenuRun, ReceivedEvent
from tests import books
from tests.builders import (
    a_deck,
    a_menu,
    an_access_number,
    an_account,
    an_application,
    available,
    balance,
    held,
    save_menu,
)
from tests.telephony.received import NOW, from_a_phone, received

pytestmark = pytest.mark.django_db

MOBILE = "+447700900123"
LONDON = "+442079460101"


@pytest.fixture
def application() -> Application:
    a_deck({"44": "0.06", "1": "0.02"})
    return an_application()


@pytest.fixture
def caller() -> Account:
    return an_account(numbers=[MOBILE], pin="4711", calls_at_once=1)


class Line:
    """One call: each thing the caller does is a second later."""

    def __init__(self, application: Application, cli: str = MOBILE) -> None:
        self.application = application
        self.at = NOW
        self.first = self._decide(from_a_phone(cli=cli))

    def press(self, value: str, menu_id: str = FIRST, kind: PromptKind = PromptKind.RETURN) -> Decision:
        return self._decide(
            PromptAnswered(call_id="one", at=self._later(), menu_id=menu_id, prompt_kind=kind, value=value)
        )

    def enter(self, digits: str, menu_id: str = FIRST) -> Decision:
        return self.press(digits, menu_id, PromptKind.SEQUENCE)

    def is_silent(self) -> Decision:
        return self.press("", kind=PromptKind.TIMEOUT)

    def answers(self, after_seconds: int = 5) -> Decision:
        return self._decide(CallAnswered(call_id="one", at=self._later(after_seconds)))

    def ends(self, duration_seconds: int, after_seconds: int, result: Result = Result.ANSWERED) -> Decision:
        at = self._later(after_seconds)
        return self._decide(CallEnded(call_id="one", at=at, result=result, duration_seconds=duration_seconds))

    def _later(self, seconds: int = 1) -> datetime:
        self.at += timedelta(seconds=seconds)
        return self.at

    def _decide(self, event: Any) -> Decision:
        decision = control.decide(received(event, self.application, received_at=self.at))
        assert books.differences() == {}
        return decision


def a_line(application: Application, actions: Mapping[str, Action], *others: Question, **number: Any) -> Line:
    """A call to a number whose menu begins with these keys."""
    welcome = Question("welcome", say("Welcome."), Keys(dict(actions)))
    an_access_number(application, menu=a_menu([welcome, *others]), **number)
    return Line(application)


def spoken(decision: Decision) -> str:
    assert isinstance(decision, Ask | HangUp | Connect)
    return " ".join(part.text for part in decision.say if isinstance(part, Spoken))


def asked(decision: Decision) -> str:
    assert isinstance(decision, Ask), decision
    return decision.questions[0].name


# --- beginning -------------------------------------------------------------------------------------------------------


def test_a_call_to_an_access_number_hears_its_menu(application: Application) -> None:
    line = a_line(application, {"1": Action.hang_up()})
    assert asked(line.first) == "welcome"
    call = Call.objects.get()
    assert (call.state, call.account, call.destination) == (Call.State.MENU, None, "+442079460199")
    assert call.access_number == AccessNumber.objects.get()
    assert not Hold.objects.exists()


def test_a_number_of_another_application_leads_nowhere(application: Application) -> None:
    an_access_number(an_application(), menu=a_menu([Question("welcome", say("Hi."), Keys({"1": Action.hang_up()}))]))
    decision = Line(application).first
    assert isinstance(decision, Refuse)
    assert decision.reason is Reason.NOT_IDENTIFIED


def test_a_number_that_is_switched_off_leads_nowhere(application: Application) -> None:
    a_line(application, {"1": Action.hang_up()})
    AccessNumber.objects.update(enabled=False)
    decision = control.decide(received(from_a_phone("two"), application))
    assert isinstance(decision, Refuse)


def test_the_same_question_gets_the_same_answer(application: Application) -> None:
    line = a_line(application, {"1": Action.hang_up()})
    assert control.decide(received(from_a_phone(), application)) == line.first
    assert (Call.objects.count(), MenuRun.objects.count(), ReceivedEvent.objects.count()) == (1, 1, 1)


def test_a_running_call_keeps_its_menu(application: Application) -> None:
    line = a_line(application, {"1": Action.give_back("old")})
    menu = AccessNumber.objects.get().menu
    save_menu(menu, [Question("welcome", say("New."), Keys({"1": Action.connect(LONDON)}))])
    line.press("1")
    assert MenuRun.objects.get().kept == [["welcome", "old"]]
    new = control.decide(received(from_a_phone("two"), application))
    assert isinstance(new, Ask)
    assert new.questions[0].prompt == say("New.")


# --- keys ------------------------------------------------------------------------------------------------------------


def test_a_key_goes_to_another_question(application: Application) -> None:
    more = Question("more", say("More."), Keys({"1": Action.hang_up()}))
    line = a_line(application, {"1": Action.goto("more")}, more)
    assert asked(line.press("1")) == "more"


def test_a_question_the_provider_reached_by_itself_is_understood(application: Application) -> None:
    more = Question("more", say("More."), Keys({"7": Action.give_back("seven")}))
    line = a_line(application, {"1": Action.goto("more")}, more)
    assert spoken(line.press("7", menu_id="more")) == "Thank you. Goodbye."
    assert MenuRun.objects.get().kept == [["more", "seven"]]


def test_a_value_is_kept_and_the_next_question_asked(application: Application) -> None:
    more = Question("more", say("More."), Keys({"1": Action.hang_up()}))
    line = a_line(application, {"1": Action.give_back("satisfied", then="more")}, more)
    assert asked(line.press("1")) == "more"
    assert MenuRun.objects.get().kept == [["welcome", "satisfied"]]


def test_digits_are_kept_and_the_next_question_asked(application: Application) -> None:
    card = Question("card", say("Card?"), Digits(most=6, then="welcome"))
    line = a_line(application, {"1": Action.goto("card")}, card)
    line.press("1")
    assert asked(line.enter("123456")) == "welcome"
    assert MenuRun.objects.get().kept == [["card", "123456"]]


def test_a_caller_is_transferred_to_another_menu(application: Application) -> None:
    other = a_menu([Question("spanish", say("Hola."), Keys({"1": Action.hang_up()}))], locale="es-ES")
    line = a_line(application, {"2": Action.transfer(other.pk)})
    decision = line.press("2")
    assert asked(decision) == "spanish"
    assert isinstance(decision, Ask)
    assert decision.locale == "es-ES"
    assert spoken(line.press("1")) == "Adiós."


def test_hanging_up_says_the_last_sentence(application: Application) -> None:
    line = a_line(application, {"1": Action.hang_up(say("See you."))})
    assert line.press("1") == HangUp(say=say("See you."), locale="en-US")


def test_the_balance_is_spoken_to_who_proved_to_be_its_owner(application: Application, caller: Account) -> None:
    line = a_line(application, {"2": Action.speak_balance(then="welcome")})
    assert asked(line.press("2")) == PIN_QUESTION
    decision = line.enter("4711")
    assert (asked(decision), spoken(decision)) == ("welcome", "You have 5.00 US dollars.")


def test_who_has_proved_it_once_is_not_asked_again(application: Application, caller: Account) -> None:
    line = a_line(application, {"1": Action.ask_pin(then="welcome"), "2": Action.speak_balance(then="welcome")})
    line.press("1")
    assert asked(line.enter("4711")) == "welcome"
    assert spoken(line.press("2")) == "You have 5.00 US dollars."
    assert asked(line.press("1")) == "welcome"


def test_a_pin_question_of_the_menu_leads_on(application: Application, caller: Account) -> None:
    pin = Question("pin", say("Your PIN?"), Pin(then="welcome"))
    line = a_line(application, {"1": Action.goto("pin"), "2": Action.speak_balance()}, pin)
    line.press("1")
    assert asked(line.enter("4711")) == "welcome"
    assert spoken(line.press("2")) == "You have 5.00 US dollars. Thank you. Goodbye."


def test_the_owner_of_the_access_number_is_not_the_caller(application: Application, caller: Account) -> None:
    """Whoever dials a customer's number must not hear that customer's balance."""
    line = a_line(application, {"2": Action.speak_balance()}, account=an_account(balance="99.00"))
    assert asked(line.press("2")) == PIN_QUESTION
    assert spoken(line.enter("4711")) == "You have 5.00 US dollars. Thank you. Goodbye."


# --- wrong and missing input -----------------------------------------------------------------------------------------


def test_wrong_keys_are_asked_again_and_then_the_call_ends_politely(application: Application) -> None:
    line = a_line(application, {"1": Action.hang_up()})
    for _ in range(2):
        decision = line.press("9")
        assert (asked(decision), spoken(decision)) == ("welcome", "Sorry, that is not possible here.")
    assert line.press("9") == HangUp(say=say("Sorry, that is not possible here.") + say("Goodbye."), locale="en-US")


def test_a_right_key_forgives_the_wrong_ones(application: Application) -> None:
    line = a_line(application, {"1": Action.goto("welcome")})
    for _ in range(4):
        line.press("9")
        line.press("9")
        assert asked(line.press("1")) == "welcome"


def test_silence_ends_the_call_politely(application: Application) -> None:
    line = a_line(application, {"1": Action.hang_up()})
    assert spoken(line.is_silent()) == "Goodbye."


@pytest.mark.parametrize("kind", [PromptKind.ERROR, PromptKind.OTHER])
def test_a_menu_that_cannot_be_played_ends_the_call(application: Application, kind: PromptKind) -> None:
    line = a_line(application, {"1": Action.hang_up()})
    assert spoken(line.press("1", kind=kind)) == "Goodbye."


def test_a_caller_who_has_gone_hears_nothing(application: Application) -> None:
    line = a_line(application, {"1": Action.hang_up()})
    assert line.press("", kind=PromptKind.HANGUP) == HangUp()


def test_a_question_nobody_asked_ends_the_call(application: Application) -> None:
    line = a_line(application, {"1": Action.hang_up()})
    assert spoken(line.press("1", menu_id="invented")) == "Goodbye."


def test_nobody_stays_in_menus_for_ever(application: Application) -> None:
    line = a_line(application, {"1": Action.goto("welcome")})
    for _ in range(MOST_ANSWERS):
        assert asked(line.press("1")) == "welcome"
    assert spoken(line.press("1")) == "Goodbye."


def test_an_answer_that_comes_twice_counts_once(application: Application) -> None:
    line = a_line(application, {"1": Action.give_back("x", then="welcome")})
    first = line.press("1")
    again = control.decide(
        received(
            PromptAnswered(call_id="one", at=line.at, menu_id=FIRST, prompt_kind=PromptKind.RETURN, value="1"),
            application,
        )
    )
    assert again == first
    assert MenuRun.objects.get().kept == [["welcome", "x"]]


def test_an_answer_for_a_call_nobody_began_is_refused(application: Application) -> None:
    event = PromptAnswered(call_id="ghost", at=NOW, menu_id=FIRST, prompt_kind=PromptKind.RETURN, value="1")
    decision = control.decide(received(event, application))
    assert isinstance(decision, Refuse)
    assert decision.reason is Reason.UNKNOWN_CALL


# --- PINs ------------------------------------------------------------------------------------------------------------


def test_three_wrong_pins_end_the_call(application: Application, caller: Account) -> None:
    line = a_line(application, {"2": Action.speak_balance()})
    line.press("2")
    assert spoken(line.enter("1111")) == "This PIN is not right."
    assert asked(line.enter("2222")) == PIN_QUESTION
    decision = line.enter("3333")
    assert isinstance(decision, Refuse)
    assert decision.reason is Reason.PIN_REFUSED
    call = Call.objects.get()
    assert (call.state, call.refusal, call.account) == (Call.State.REFUSED, "pin_refused", None)
    caller.refresh_from_db()
    assert caller.wrong_pins == 3


def test_a_locked_account_cannot_be_told_from_a_wrong_pin(application: Application, caller: Account) -> None:
    Account.objects.filter(pk=caller.pk).update(wrong_pins=10, wrong_pins_since=NOW)
    line = a_line(application, {"2": Action.speak_balance()})
    line.press("2")
    assert spoken(line.enter("4711")) == "This PIN is not right."


def test_a_number_that_is_nobodys_cannot_be_told_from_a_wrong_pin(application: Application) -> None:
    line = a_line(application, {"2": Action.speak_balance()})
    line.press("2")
    assert spoken(line.enter("4711")) == "This PIN is not right."


def test_the_pin_of_one_account_opens_no_other(application: Application, caller: Account) -> None:
    other = an_account(numbers=["+447700900999"])
    set_pin(other, "9999")
    line = a_line(application, {"2": Action.speak_balance()})
    line.press("2")
    assert spoken(line.enter("9999")) == "This PIN is not right."


# --- connecting ------------------------------------------------------------------------------------------------------


def test_a_destination_is_asked_for_authorised_and_held(application: Application, caller: Account) -> None:
    line = a_line(application, {"1": Action.ask_destination()})
    assert asked(line.press("1")) == PIN_QUESTION
    assert asked(line.enter("4711")) == DESTINATION_QUESTION
    decision = line.enter("00442079460101")
    assert isinstance(decision, Connect)
    assert (decision.number, decision.limit_seconds, decision.caller_id) == (LONDON, 1_800, MOBILE)
    assert spoken(decision) == "You can talk for 30 minutes."
    assert held(caller) == Decimal("1.80")
    call = Call.objects.get()
    assert (call.state, call.account, call.destination, call.limit_seconds) == (
        Call.State.AUTHORISED, caller, LONDON, 1_800,
    )  # fmt: skip
    assert call.connected_at == line.at


def test_a_national_number_is_one_of_the_access_numbers_country(application: Application, caller: Account) -> None:
    line = a_line(application, {"1": Action.ask_destination()})
    line.press("1")
    line.enter("4711")
    decision = line.enter("02079460101")
    assert isinstance(decision, Connect)
    assert decision.number == LONDON


def test_a_destination_question_of_the_menu_wants_the_pin_first(application: Application, caller: Account) -> None:
    number = Question("number", say("Which number?"), Destination())
    line = a_line(application, {"1": Action.goto("number")}, number)
    assert asked(line.press("1")) == PIN_QUESTION
    assert asked(line.enter("4711")) == "number"
    assert isinstance(line.enter("00442079460101"), Connect)


@pytest.mark.parametrize(
    ("digits", "sentence"),
    [
        ("123", "This number is not valid. Please check it and dial again."),
        ("0046701740605", "Calls to this number are not available."),
        ("00442079460199", "This kind of call is not available."),
    ],
    ids=["unreadable", "no rate", "our own number"],
)
def test_another_number_may_be_tried(application: Application, caller: Account, digits: str, sentence: str) -> None:
    line = a_line(application, {"1": Action.ask_destination()})
    line.press("1")
    line.enter("4711")
    decision = line.enter(digits)
    assert (asked(decision), spoken(decision)) == (DESTINATION_QUESTION, sentence)
    assert not Hold.objects.exists()
    assert isinstance(line.enter("00442079460101"), Connect)


def test_three_wrong_numbers_end_the_call(application: Application, caller: Account) -> None:
    line = a_line(application, {"1": Action.ask_destination()})
    line.press("1")
    line.enter("4711")
    line.enter("123")
    line.enter("123")
    assert isinstance(line.enter("123"), HangUp)


def test_c24_a_menu_that_routes_to_a_dearer_number_is_refused_when_the_credit_does_not_pay_it(
    application: Application,
) -> None:
    poor = an_account(numbers=[MOBILE], pin="4711", balance="0.05")
    line = a_line(application, {"1": Action.ask_destination()})
    line.press("1")
    line.enter("4711")
    decision = line.enter("00442079460101")
    assert isinstance(decision, Refuse)
    assert decision.reason is Reason.NOT_ENOUGH_CREDIT
    call = Call.objects.get()
    assert (call.state, call.account, call.destination, call.refusal) == (
        Call.State.REFUSED, poor, LONDON, "not_enough_credit",
    )  # fmt: skip
    assert available(poor) == Decimal("0.05")


def test_a_suspended_account_connects_nobody(application: Application, caller: Account) -> None:
    line = a_line(application, {"1": Action.ask_destination()})
    line.press("1")
    line.enter("4711")
    suspend(caller)
    decision = line.enter("00442079460101")
    assert isinstance(decision, Refuse)
    assert decision.reason is Reason.ACCOUNT_NOT_ACTIVE


def test_a_fixed_number_is_paid_by_whose_access_number_it_is(application: Application) -> None:
    owner = an_account(calls_at_once=1)
    line = a_line(application, {"1": Action.connect(LONDON)}, account=owner)
    assert isinstance(line.press("1"), Connect)
    assert held(owner) == Decimal("1.80")


def test_a_fixed_number_that_nobody_pays_for_wants_a_pin(application: Application, caller: Account) -> None:
    line = a_line(application, {"1": Action.connect(LONDON)})
    assert asked(line.press("1")) == PIN_QUESTION
    assert isinstance(line.enter("4711"), Connect)
    assert held(caller) == Decimal("1.80")


def test_an_accounts_own_number_is_reached_at_its_cost(application: Application) -> None:
    sales = an_account(numbers=["+442079460110"], calls_at_once=1)
    line = a_line(application, {"1": Action.connect_account(sales.pk)})
    decision = line.press("1")
    assert isinstance(decision, Connect)
    assert decision.number == "+442079460110"
    assert held(sales) == Decimal("1.80")


def test_an_account_without_a_number_cannot_be_reached(application: Application) -> None:
    line = a_line(application, {"1": Action.connect_account(an_account().pk)})
    decision = line.press("1")
    assert isinstance(decision, Refuse)
    assert decision.reason is Reason.DESTINATION_UNSUPPORTED


def test_a_question_after_the_connection_changes_nothing(application: Application) -> None:
    line = a_line(application, {"1": Action.connect(LONDON)}, account=an_account(calls_at_once=1))
    line.press("1")
    assert line.press("1") == Continue()
    assert Hold.objects.count() == 1


# --- the end ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("counts_menu_time", [True, False])
def test_only_the_talk_is_charged_whether_the_provider_counts_the_menu_or_not(
    application: Application, counts_menu_time: bool
) -> None:
    owner = an_account(calls_at_once=1)
    line = a_line(application, {"1": Action.connect(LONDON), "2": Action.goto("welcome")}, account=owner)
    for _ in range(30):
        line.press("2")
    line.press("1")
    line.answers(after_seconds=9)
    line.ends(61 + (40 if counts_menu_time else 0), after_seconds=61)
    cdr = CDR.objects.get()
    assert (cdr.duration_seconds, cdr.price) == (61, Decimal("0.12"))
    assert (balance(owner), held(owner), cdr.review) == (Decimal("4.88"), 0, "")


def test_a_long_menu_does_not_make_a_hang_up_unbelievable(application: Application) -> None:
    owner = an_account(calls_at_once=1, longest_call_seconds=60)
    line = a_line(application, {"1": Action.connect(LONDON)}, account=owner)
    line.at += timedelta(seconds=500)
    line.press("1")
    line.answers()
    line.ends(566, after_seconds=60)
    assert CDR.objects.get().duration_seconds == 60


def test_a_busy_number_behind_a_menu_costs_nothing(application: Application) -> None:
    owner = an_account(calls_at_once=1)
    line = a_line(application, {"1": Action.connect(LONDON)}, account=owner)
    line.press("1")
    line.ends(0, after_seconds=4, result=Result.BUSY)
    assert (CDR.objects.get().price, balance(owner), held(owner)) == (0, Decimal("5.00"), 0)


def test_without_the_news_of_an_answer_the_talk_counts_from_the_connection_and_a_person_looks(
    application: Application,
) -> None:
    owner = an_account(calls_at_once=1)
    line = a_line(application, {"1": Action.connect(LONDON)}, account=owner)
    line.press("1")
    line.ends(70, after_seconds=61)
    cdr = CDR.objects.get()
    assert (cdr.duration_seconds, cdr.review) == (61, "nobody told us when it was answered")


def test_a_call_that_only_heard_a_menu_costs_nothing(application: Application) -> None:
    line = a_line(application, {"1": Action.hang_up()})
    line.press("1")
    line.ends(20, after_seconds=2)
    cdr = CDR.objects.get()
    assert (cdr.duration_seconds, cdr.price, cdr.account, cdr.review) == (20, 0, None, "")
    assert Call.objects.get().state == Call.State.ENDED


def test_a_call_refused_in_its_menu_stays_refused_and_needs_no_look(application: Application, caller: Account) -> None:
    line = a_line(application, {"2": Action.speak_balance()})
    line.press("2")
    for _ in range(3):
        line.enter("1111")
    line.ends(30, after_seconds=1)
    assert Call.objects.get().state == Call.State.REFUSED
    assert CDR.objects.get().review == ""


def test_after_the_end_a_menu_answers_nothing_more(application: Application) -> None:
    line = a_line(application, {"1": Action.goto("welcome")})
    line.ends(20, after_seconds=2)
    decision = line.press("1")
    assert isinstance(decision, Refuse)
    assert decision.reason is Reason.CALL_IS_OVER
