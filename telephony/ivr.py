"""A call in a menu: what the caller's keys do. State lives with us; what the provider hands back is a hint.

Wrong input is asked for again, three times; silence ends the call, because the provider has repeated the prompt by
then. Whatever is connected is authorised like any other call, with a hold of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import structlog

from accounts import directory, pins
from accounts.numbers import country_of
from billing import charging
from telephony import access_numbers, beginnings, callout_marks, calls, guesses, inbox, menu_runs, prompts, watching
from telephony.access_numbers import AccessNumber
from telephony.beginnings import Destination, begun_before, number_of
from telephony.calling_card import after_proof, card_menu
from telephony.calls import Connection, KnownCall
from telephony.decisions import Ask, Connect, Continue, Decision, HangUp, Reason, Refuse
from telephony.events import PromptAnswered
from telephony.inbox import Received
from telephony.menu_play import (
    DESTINATION_QUESTION,
    MOST_ANSWERS,
    MOST_WRONG,
    PIN_QUESTION,
    Broken,
    Chosen,
    Entered,
    Gone,
    NotUnderstood,
    Silent,
    understand,
)
from telephony.menu_runs import Run, Version
from telephony.menus import FIRST, Action, Digits, Does, Pin, Prompt, Question, from_here, say
from telephony.menus import Destination as AsksDestination
from telephony.models import Call
from telephony.policy import may_call
from telephony.prompts import Phrase, refusal

log = structlog.get_logger(__name__)

# After these the caller may try another number; after any other the call ends.
_TRY_ANOTHER_NUMBER = frozenset(
    {
        Reason.DESTINATION_UNREADABLE,
        Reason.DESTINATION_UNSUPPORTED,
        Reason.DESTINATION_NOT_ALLOWED,
        Reason.NO_RATE,
        Reason.TOO_DEAR,
    }
)

Outcome = tuple[Run, Decision]


@dataclass(frozen=True, kw_only=True)
class _Turn:
    """One input of a caller: the event, the call it is about, and the question it answers."""

    received: Received
    call: KnownCall
    question: Question

    @property
    def home_country(self) -> str | None:
        """Where the access number is: national numbers are read as that country's."""
        return country_of(self.call.destination)


def begin(received: Received, number: AccessNumber, version: Version, account_id: int | None) -> Decision:
    """Somebody dialled an access number that leads to a menu: ask its first question.

    `account_id` is the caller's where its number needs no PIN.
    """
    run = Run(version=version, account_id=account_id, payer_id=number.account_id, deck_ids=number.deck_ids)
    return _begun(received, number, first_question(run))


def begin_card(received: Received, number: AccessNumber, account_id: int | None) -> Decision:
    """Somebody dialled an access number that leads to the calling card. `account_id` as for a menu."""
    version = Version(id=None, menu=card_menu(number.locale))
    run = Run(version=version, account_id=account_id, deck_ids=number.deck_ids)
    action = after_proof(number.locale)
    if account_id is None:
        return _begun(received, number, _ask_pin(run, action))
    quote = charging.read_quote(charging.quote(account_id, [], received.received_at))
    spoken = prompts.balance(quote.available, quote.currency, number.locale) if quote else ()
    return _begun(received, number, _then(run, action.then, spoken))


def _begun(received: Received, number: AccessNumber, outcome: Outcome) -> Decision:
    run, decision = outcome
    beginnings.write(received, number.number, Call.State.MENU, account_id=None, access_number_id=number.id)
    menu_runs.write(received.call_id, run)
    inbox.record(received, decision)
    return decision


def first_question(run: Run, before: Prompt = ()) -> Outcome:
    """Ask what the menu asks first, after a prompt of one's own."""
    return _goto(run, run.menu.start, before)


def answered(received: Received) -> Decision:
    """The caller pressed keys, or did not: do what the menu says, once."""
    locked = calls.lock(received.call_id)
    found = menu_runs.find(received.call_id)
    recalled = inbox.recall(received)
    call, run, before = calls.read(locked), menu_runs.read(found), inbox.read_recalled(recalled)
    if call is not None and call.is_over:
        return begun_before(received, call)
    if before is not None:
        return before
    if call is None and (marked := callout_marks.found_by_provider_id(received)):
        return answered(marked)
    decision: Decision = Continue()
    if call is None or not call.is_running:
        decision = refusal(Reason.UNKNOWN_CALL)
    elif run is not None and call.state is Call.State.MENU:
        run, decision = _next(received, call, replace(run, answers=run.answers + 1))
        menu_runs.write(call.id, run)
    inbox.record(received, decision)
    return decision


def _next(received: Received, call: KnownCall, run: Run) -> Outcome:
    event = received.event
    assert isinstance(event, PromptAnswered)  # noqa: S101 - chosen by the event's kind
    question = _asked(run, event.menu_id)
    if question is None or run.answers > MOST_ANSWERS:
        log.warning("menu_left", call=str(call.id), asked=event.menu_id, answers=run.answers)
        return _goodbye(run)
    turn = _Turn(received=received, call=call, question=question)
    match understand(question, event.prompt_kind, event.value):
        case Chosen(action):
            return _do(turn, replace(run, wrong_inputs=0), action)
        case Entered(digits):
            return _entered(turn, run, digits)
        case NotUnderstood():
            return _again(turn, run, prompts.phrase(Phrase.WRONG_INPUT, run.menu.locale))
        case Gone():
            return run, HangUp()
        case Silent() | Broken():
            return _goodbye(run)


def _asked(run: Run, menu_id: str) -> Question | None:
    """The question that the provider calls by this id: ours by name, the first of the last reply by `FIRST`."""
    name = run.asked if menu_id == FIRST else menu_id
    question = _standing_question(run, name) or run.menu.question(name)
    is_too_early = run.account_id is None and question is not None and isinstance(question.expects, AsksDestination)
    return None if is_too_early else question


# --- asking ----------------------------------------------------------------------------------------------------------


def _ask(run: Run, question: Question, before: Prompt = ()) -> Outcome:
    decision = Ask(questions=from_here(run.menu, question), say=before, locale=run.menu.locale)
    return replace(run, asked=question.name), decision


def _goto(run: Run, name: str, before: Prompt = ()) -> Outcome:
    """Ask a question of the menu; one for a destination only after the caller has proved who it is."""
    question = run.menu.question(name)
    if question is None:
        log.error("menu_has_no_question", version=run.version.id, name=name)
        return _goodbye(run, before)
    if isinstance(question.expects, AsksDestination) and run.account_id is None:
        return _ask_pin(run, Action.goto(name), before)
    return _ask(run, question, before)


def _ask_pin(run: Run, then: Action, before: Prompt = ()) -> Outcome:
    run = replace(run, waiting=then)
    question = _standing_question(run, PIN_QUESTION)
    assert question is not None  # noqa: S101 - it stands in every menu
    return _ask(run, question, before)


def _standing_question(run: Run, name: str) -> Question | None:
    """The two questions that every menu has without anybody writing them."""
    locale, waiting = run.menu.locale, run.waiting
    prompt = waiting.prompt if waiting is not None else ()
    if name == PIN_QUESTION:
        own = prompt if waiting is not None and waiting.does in (Does.ASK_PIN, Does.SPEAK_BALANCE) else ()
        return Question(PIN_QUESTION, own or prompts.phrase(Phrase.ASK_PIN, locale), Pin())
    if name == DESTINATION_QUESTION:
        own = prompt if waiting is not None and waiting.does is Does.ASK_DESTINATION else ()
        return Question(DESTINATION_QUESTION, own or prompts.phrase(Phrase.ASK_DESTINATION, locale), AsksDestination())
    return None


def _again(turn: _Turn, run: Run, why: Prompt) -> Outcome:
    """The same question once more, unless that was often enough."""
    run = replace(run, wrong_inputs=run.wrong_inputs + 1)
    if run.wrong_inputs >= MOST_WRONG:
        return _goodbye(run, why)
    return _ask(run, turn.question, why)


def _goodbye(run: Run, before: Prompt = (), phrase: Phrase = Phrase.GOODBYE) -> Outcome:
    locale = run.menu.locale
    return run, HangUp(say=before + prompts.phrase(phrase, locale), locale=locale)


def _then(run: Run, name: str, before: Prompt = ()) -> Outcome:
    """The question that follows, or a thank-you where none does."""
    return _goto(run, name, before) if name else _goodbye(run, before, Phrase.THANKS)


# --- actions ---------------------------------------------------------------------------------------------------------


def _do(turn: _Turn, run: Run, action: Action) -> Outcome:
    return _ACTIONS[action.does](turn, run, action)


def _do_goto(turn: _Turn, run: Run, action: Action) -> Outcome:
    return _goto(run, action.target)


def _do_return(turn: _Turn, run: Run, action: Action) -> Outcome:
    return _then(_keep(turn, run, action.target), action.then)


def _do_connect(turn: _Turn, run: Run, action: Action) -> Outcome:
    payer_id = run.payer_id or run.account_id
    if payer_id is None:
        return _ask_pin(run, action)
    return _connect(turn, run, number_of(action.target), payer_id)


def _do_connect_account(turn: _Turn, run: Run, action: Action) -> Outcome:
    row = directory.find_own_number(int(action.target)).row()
    if row is None:
        return _refuse(turn, run, Destination(text=""), int(action.target), refusal(Reason.DESTINATION_UNSUPPORTED))
    return _connect(turn, run, number_of(row[0]), int(action.target))


def _do_speak_balance(turn: _Turn, run: Run, action: Action) -> Outcome:
    if run.account_id is None:
        return _ask_pin(run, action)
    quote = charging.read_quote(charging.quote(run.account_id, [], turn.received.received_at))
    if quote is None:
        return _refuse(turn, run, Destination(text=""), run.account_id, refusal(Reason.NOT_ENOUGH_CREDIT, "No wallet."))
    spoken = prompts.balance(quote.available, quote.currency, run.menu.locale)
    return _then(run, action.then, spoken)


def _do_ask_pin(turn: _Turn, run: Run, action: Action) -> Outcome:
    return _ask_pin(run, action) if run.account_id is None else _then(run, action.then)


def _do_ask_destination(turn: _Turn, run: Run, action: Action) -> Outcome:
    if run.account_id is None:
        return _ask_pin(run, action)
    run = replace(run, waiting=action)
    question = _standing_question(run, DESTINATION_QUESTION)
    assert question is not None  # noqa: S101 - it stands in every menu
    return _ask(run, question)


def _do_transfer(turn: _Turn, run: Run, action: Action) -> Outcome:
    version = menu_runs.read_version(menu_runs.find_newest(int(action.target)))
    if version is None:
        log.error("menu_has_no_version", menu=action.target)
        return _goodbye(run)
    return _goto(replace(run, version=version, waiting=None), version.menu.start)


def _do_hang_up(turn: _Turn, run: Run, action: Action) -> Outcome:
    locale = run.menu.locale
    return run, HangUp(say=action.prompt or prompts.phrase(Phrase.GOODBYE, locale), locale=locale)


_ACTIONS: Mapping[Does, Callable[[_Turn, Run, Action], Outcome]] = {
    Does.GOTO: _do_goto,
    Does.RETURN: _do_return,
    Does.CONNECT: _do_connect,
    Does.CONNECT_ACCOUNT: _do_connect_account,
    Does.SPEAK_BALANCE: _do_speak_balance,
    Does.ASK_PIN: _do_ask_pin,
    Does.ASK_DESTINATION: _do_ask_destination,
    Does.TRANSFER: _do_transfer,
    Does.HANG_UP: _do_hang_up,
}


# --- digits ----------------------------------------------------------------------------------------------------------


def _entered(turn: _Turn, run: Run, digits: str) -> Outcome:
    match turn.question.expects:
        case Pin(then):
            return _identify(turn, run, digits, then)
        case AsksDestination():
            assert run.account_id is not None  # noqa: S101 - it is asked for only then
            return _connect(turn, run, number_of(digits, turn.home_country), run.account_id)
        case Digits(then=then):
            return _then(_keep(turn, replace(run, wrong_inputs=0), digits), then)
        case _:
            return _again(turn, run, prompts.phrase(Phrase.WRONG_INPUT, run.menu.locale))


def _identify(turn: _Turn, run: Run, digits: str, then: str) -> Outcome:
    """The caller's number, or the card number before the PIN, names an account; only the PIN proves it."""
    card_number, pin = pins.read_entered(digits)
    caller, at = turn.call.caller, turn.received.received_at
    found = pins.find_claim_of_card(card_number) if card_number else pins.find_claim(caller)
    guessed = guesses.find_by(caller, at)
    claim = pins.read_claim(found)
    if guesses.are_too_many(guessed):
        claim = None  # from here on nothing is right, and it sounds the same
    verdict = pins.try_pin(claim, pin, at)
    if verdict.has_locked:
        guesses.tell_locked(verdict.account, at)
    if not verdict.is_proved:
        return _wrong_pin(turn, run)
    assert claim is not None  # noqa: S101 - nothing else is proved
    waiting = run.waiting if turn.question.name == PIN_QUESTION else Action.goto(then) if then else None
    # Its wrong PINs stay: one right PIN of one's own must not hide guesses at others' from `guesses`.
    run = replace(run, account_id=claim.account_id, waiting=None, wrong_inputs=0)
    if waiting is None or waiting.does is Does.ASK_PIN:
        return _then(run, waiting.then if waiting else "")
    return _do(turn, run, waiting)


def _wrong_pin(turn: _Turn, run: Run) -> Outcome:
    run = replace(run, wrong_pins=run.wrong_pins + 1)
    log.warning("wrong_pin", call=str(turn.call.id), times=run.wrong_pins)
    if run.wrong_pins >= MOST_WRONG:
        return _refuse(turn, run, Destination(text=turn.call.destination), None, refusal(Reason.PIN_REFUSED))
    return _ask(run, turn.question, prompts.phrase(Phrase.WRONG_PIN, run.menu.locale))


def _keep(turn: _Turn, run: Run, value: str) -> Run:
    return replace(run, kept=(*run.kept, (turn.question.name, value)))


# --- connecting ------------------------------------------------------------------------------------------------------


def _connect(turn: _Turn, run: Run, destination: Destination, account_id: int) -> Outcome:
    """The second authorisation: the same policy as for any call, and a hold for this destination."""
    received, call = turn.received, turn.call
    ours = access_numbers.find_ours(destination.text)
    found = directory.find_standing(
        client_user="",
        otherwise_account_id=account_id,
        prefixes=destination.prefixes,
        preferred_number=call.caller,
    )
    standing = directory.read_standing(found)
    refused = refusal(destination.wrong) if destination.wrong else may_call(standing)
    if refused is None and ours.row() is not None:
        refused = refusal(Reason.DESTINATION_UNSUPPORTED, "It is one of our own access numbers.")
    if refused is not None or standing is None:
        return _refuse(turn, run, destination, account_id, refused or refusal(Reason.UNKNOWN_CALLER))
    answer = beginnings.authorise(received, standing, destination, run.deck_ids)
    if isinstance(answer, Refuse):
        return _refuse(turn, run, destination, account_id, answer)
    decision = beginnings.connect(received, standing, destination, answer)
    assert isinstance(decision, Connect)  # noqa: S101 - a menu connects to numbers alone
    calls.mark_connected(
        call.id,
        Connection(
            account_id=account_id,
            destination=destination.text,
            shown_caller_id=decision.caller_id or "",
            limit_seconds=answer.seconds,
            at=received.event.at or received.received_at,
        ),
    )
    if received.application.able.is_watched:
        watching.begin(call.id, received.received_at, answer.seconds)
    beginnings.tell_started(call.id, account_id, destination.text, answer.seconds, received.received_at)
    locale = run.menu.locale
    return run, replace(decision, say=prompts.time_to_talk(answer.seconds, locale), locale=locale)


def _refuse(turn: _Turn, run: Run, destination: Destination, account_id: int | None, refused: Refuse) -> Outcome:
    """Say why. A caller who chose the number may try another one; otherwise the call ends here."""
    in_words = refusal(refused.reason, refused.detail, run.menu.locale)
    if isinstance(turn.question.expects, AsksDestination) and refused.reason in _TRY_ANOTHER_NUMBER:
        return _again(turn, run, say(in_words.say))
    calls.mark_refused(turn.call.id, account_id, destination.text, in_words, turn.received.received_at)
    return run, in_words
