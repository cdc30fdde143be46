"""The calling card: PIN, balance, destination; from one's own telephone or any other."""

from __future__ import annotations

from datetime import timedelta

import pytest

from accounts.models import Account, CallerNumber
from accounts.notices import to_see
from accounts.registration import give_card_number, set_pin, trust_number
from billing.models import Hold
from telephony import control, guesses
from telephony.decisions import Ask, Connect, Decision, HangUp, Reason, Refuse
from telephony.events import PromptAnswered, PromptKind
from telephony.menus import FIRST, Spoken
from telephony.models import AccessNumber, Application, Call, MenuRun
from tests.builders import a_deck, an_access_number, an_account, an_application, balance, held
from tests.telephony.received import NOW, from_a_phone, received
from tests.telephony.test_ivr import Line, asked, spoken

pytestmark = pytest.mark.django_db

MOBILE = "+447700900123"
PAYPHONE = "+447700900999"
LONDON = "+442079460101"


@pytest.fixture
def application() -> Application:
    a_deck({"44": "0.06", "1": "0.02"})
    application = an_application()
    an_access_number(application, leads="calling_card")
    return application


@pytest.fixture
def caller(application: Application) -> Account:
    account = an_account(numbers=[MOBILE], pin="4711", card=True)
    account.refresh_from_db()
    return account


def question(decision: object) -> str:
    assert isinstance(decision, Ask)
    return " ".join(part.text for part in decision.questions[0].prompt if isinstance(part, Spoken))


def presses(application: Application, call_id: str, digits: str, seconds: int) -> Decision:
    at = NOW + timedelta(seconds=seconds)
    event = PromptAnswered(call_id=call_id, at=at, menu_id=FIRST, prompt_kind=PromptKind.SEQUENCE, value=digits)
    return control.decide(received(event, application, received_at=at))


def guess(application: Application, call_id: str, digits: str, cli: str = PAYPHONE) -> list[Decision]:
    """A whole call of somebody who guesses: what is heard, from the first question on."""
    first = control.decide(received(from_a_phone(call_id, cli=cli), application))
    return [first, *(presses(application, call_id, digits, seconds) for seconds in (1, 2, 3))]


def test_pin_then_balance_then_destination_then_the_call(application: Application, caller: Account) -> None:
    line = Line(application)
    assert question(line.first).startswith("Please enter your PIN")
    welcome = line.enter("4711#")
    assert "5.00 US dollars" in spoken(welcome)
    assert asked(welcome) == "destination"
    assert not Hold.objects.exists()
    connected = line.enter("00442079460101#")
    assert isinstance(connected, Connect)
    assert connected.number == LONDON
    assert held(caller) > 0
    call = Call.objects.get()
    assert (call.account, call.destination, call.access_number.leads) == (caller, LONDON, "calling_card")
    line.answers()
    line.ends(duration_seconds=75, after_seconds=60)
    assert balance(caller) < 5
    assert held(caller) == 0


def test_a_card_number_before_the_pin_names_the_account_on_any_telephone(
    application: Application, caller: Account
) -> None:
    line = Line(application, cli=PAYPHONE)
    assert question(line.first).startswith("Please enter your PIN")
    assert asked(line.enter(f"{caller.card_number}4711#")) == "destination"
    assert isinstance(line.enter("00442079460101#"), Connect)
    assert Call.objects.get().account == caller


def test_a_hidden_number_may_use_the_card_as_well(application: Application, caller: Account) -> None:
    line = Line(application, cli="")
    assert asked(line.enter(f"{caller.card_number}4711#")) == "destination"


@pytest.mark.parametrize("entered", ["4712#", "90000000004711#", "#", "4711471147114711471147#"])
def test_what_proves_nothing_is_refused_three_times(application: Application, caller: Account, entered: str) -> None:
    line = Line(application, cli=PAYPHONE)
    for _ in range(2):
        assert isinstance(line.enter(entered), Ask)
    assert isinstance(line.enter(entered), Refuse | HangUp)
    assert not Hold.objects.exists()


def test_the_right_pin_from_a_strange_telephone_proves_nothing_without_the_card(
    application: Application, caller: Account
) -> None:
    decision = Line(application, cli=PAYPHONE).enter("4711#")
    assert "not right" in spoken(decision)
    assert MenuRun.objects.get().account is None


def test_known_and_unknown_numbers_hear_the_same(application: Application, caller: Account) -> None:
    heard = [guess(application, f"from {cli}", "0000#", cli=cli) for cli in (MOBILE, PAYPHONE, "")]
    assert heard[0] == heard[1] == heard[2]


# --- without a PIN ---------------------------------------------------------------------------------------------------


def test_a_telephone_whose_owner_chose_so_needs_no_pin(application: Application, caller: Account) -> None:
    trust_number(CallerNumber.objects.get(), needs_pin=False)
    line = Line(application)
    assert "5.00 US dollars" in spoken(line.first)
    assert asked(line.first) == "destination"
    assert isinstance(line.enter("00442079460101#"), Connect)
    assert Call.objects.get().account == caller


def test_another_telephone_still_needs_it(application: Application, caller: Account) -> None:
    trust_number(CallerNumber.objects.get(), needs_pin=False)
    assert question(Line(application, cli=PAYPHONE).first).startswith("Please enter your PIN")


def test_it_speaks_the_access_numbers_language(application: Application, caller: Account) -> None:
    AccessNumber.objects.update(locale="es-ES")
    line = Line(application)
    assert question(line.first).startswith("Introduzca su código")
    assert "Tiene 5.00 dólares" in spoken(line.enter("4711#"))
    assert line.press("", kind=PromptKind.TIMEOUT).locale == "es-ES"


def test_a_wrong_destination_may_be_corrected(application: Application, caller: Account) -> None:
    line = Line(application)
    line.enter("4711#")
    assert asked(line.enter("12#")) == "destination"
    assert isinstance(line.enter("00442079460101#"), Connect)


# --- guessing --------------------------------------------------------------------------------------------------------


def test_ten_wrong_pins_from_one_telephone_make_nothing_right_there(application: Application, caller: Account) -> None:
    others = [an_account(pin="1234", card=True) for _ in range(4)]
    for account in others:
        account.refresh_from_db()
    for number, account in enumerate(others):
        guess(application, f"guess-{number}", f"{account.card_number}0000#")
    for account in (*others, caller):
        account.refresh_from_db()
        assert account.wrong_pins < 10
    control.decide(received(from_a_phone("last", cli=PAYPHONE), application))
    decision = presses(application, "last", f"{caller.card_number}4711#", 1)
    assert isinstance(decision, Ask)
    assert "not right" in spoken(decision)
    caller.refresh_from_db()
    assert caller.wrong_pins == 0, "a telephone that guesses locks nobody out any more"


def test_ones_own_pin_forgives_no_guesses_at_others(application: Application, caller: Account) -> None:
    """A guesser who has a card as well: the telephone's count goes on, and the operator hears of it."""
    others = [an_account(pin="1234", card=True) for _ in range(5)]
    for number, account in enumerate(others):
        account.refresh_from_db()
        call_id = f"guess-{number}"
        control.decide(received(from_a_phone(call_id, cli=MOBILE), application))
        for second in (1, 2):
            presses(application, call_id, f"{account.card_number}0000#", second)
        heard = presses(application, call_id, "4711#", 3)
        if number < 4:
            assert asked(heard) == "destination"
    assert isinstance(heard, Refuse), "ten were wrong by then"
    control.decide(received(from_a_phone("last", cli=MOBILE), application))
    assert "not right" in spoken(presses(application, "last", f"{others[0].card_number}1234#", 1))


def test_the_operator_hears_of_a_locked_pin_once(application: Application, caller: Account) -> None:
    for number in range(5):
        guess(application, f"guess-{number}", "0000#", cli=MOBILE)
    told = [notice.text for notice in to_see(None)]
    assert len(told) == 1
    assert f"The PIN of {caller.name} was wrong 10 times" in told[0]


def test_the_operator_hears_of_guesses_from_everywhere(application: Application) -> None:
    guesses.watch(NOW)
    assert not to_see(None)
    for number in range(10):
        guess(application, f"guess-{number}", "0000#", cli=f"+4477009008{number:02}")
    guesses.watch(NOW + timedelta(minutes=1))
    guesses.watch(NOW + timedelta(minutes=2))
    assert [notice.text for notice in to_see(None)] == [
        "30 wrong PINs from 10 numbers within 10 minutes: somebody may be guessing."
    ]


def test_a_pin_is_refused_with_its_reason_on_the_call(application: Application, caller: Account) -> None:
    guess(application, "one", "0000#")
    assert Call.objects.get().refusal == Reason.PIN_REFUSED.value


@pytest.mark.parametrize("hint", ["destination", "_destination"])
def test_a_destination_that_nobody_was_asked_for_ends_the_call(
    application: Application, caller: Account, hint: str
) -> None:
    assert isinstance(Line(application).enter("00442079460101#", menu_id=hint), HangUp)
    assert not Hold.objects.exists()


def test_a_card_number_is_given_once(caller: Account) -> None:
    first = caller.card_number
    assert give_card_number(caller) == first
    set_pin(caller, "998877")
    caller.refresh_from_db()
    assert caller.card_number == first
    assert first is not None
    assert len(first) == 10
    assert first[0] != "0"
