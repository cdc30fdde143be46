"""Running calls: what is said of them, and what staff may do, against a platform that speaks real HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.db.models import F
from django.test import Client
from django.utils import timezone
from pytest_django.live_server_helper import LiveServer

from accounts.models import Account, User
from billing.models import Entry
from sandbox import Call as SandboxCall
from telephony import live
from telephony.live import (
    GOODBYE,
    MOST_SHOWN,
    PLEASE_HOLD,
    CallNotManageable,
    CallNotRunning,
    NothingKnown,
    RefusedByProvider,
    Stage,
    Verb,
)
from telephony.models import CDR, Application, Call, ReceivedEvent
from telephony.templatetags.calls import decision_details, decision_word, state
from tests import books
from tests.builders import a_deck, an_account, an_application, balance, held, house
from tests.telephony.callout_scenes import a_caller, a_callout, a_placed_call, the_call
from tests.telephony.live_scenes import LIMIT_SECONDS, NUMBER, OURS, Desk, a_call_in_a_menu, a_desk, answering
from tests.telephony.scenes import a_refused_call, a_running_call, an_ended_call

LOCALE = "en-US"


@pytest.fixture
def account(db: None) -> Account:
    a_deck({"44": "0.06"})
    return an_account("Harbour Café", balance="50.00", calls_at_once=9)


@pytest.fixture
def application(db: None) -> Application:
    return an_application(base_url="http://127.0.0.1:1")


@pytest.fixture
def clerk(db: None) -> User:
    return User.objects.create_superuser("clerk@example.com", "correct horse battery")


@pytest.fixture
def desk(live_server: LiveServer) -> Iterator[Desk]:
    with a_desk(live_server.url) as desk:
        yield desk
    assert books.differences() == {}


def time_passes(desk: Desk, seconds: int) -> None:
    """For the platform and for us alike: what we wrote down happened longer ago."""
    desk.platform.run(seconds)
    ago = timedelta(seconds=seconds)
    Call.objects.update(begun_at=F("begun_at") - ago, answered_at=F("answered_at") - ago)


def heard(call: SandboxCall) -> str:
    return " ".join(each.text for each in call.heard)


def do(verb: Verb, call: Call, by: User) -> str:
    match verb:
        case Verb.HANG_UP:
            return live.hang_up(call.pk, GOODBYE, LOCALE, by)
        case Verb.PARK:
            return live.park(call.pk, PLEASE_HOLD, LOCALE, by)
        case Verb.UNPARK:
            return live.unpark(call.pk, by)


# --- looking ---------------------------------------------------------------------------------------------------------


def test_running_calls_are_listed_newest_first_and_no_others(account: Account, application: Application) -> None:
    old = a_running_call(account, application, begun_ago=timedelta(minutes=5))
    new = a_running_call(account, application, answered=False)
    an_ended_call(account, application)
    a_refused_call(account, application)
    assert [line.id for line in live.running(timezone.now())] == [new.pk, old.pk]


def test_a_talking_call_says_how_long_it_runs_and_may_run_and_what_is_held(
    account: Account, application: Application
) -> None:
    call = a_running_call(account, application, limit_seconds=600)
    assert call.answered_at is not None
    (line,) = live.running(call.answered_at + timedelta(seconds=150))
    assert (line.stage, line.account, line.caller, line.provider) == (Stage.TALKING, "Harbour Café", "alice", "sinch")
    assert (line.seconds, line.limit_seconds, line.seconds_left, line.percent_used) == (155, 600, 450, 25)
    assert (line.held, line.currency) == (Decimal("0.60"), "USD")
    assert line.verbs == (Verb.HANG_UP, Verb.PARK)


def test_the_limit_counts_from_the_answer_the_connection_or_the_beginning(
    account: Account, application: Application
) -> None:
    call = a_running_call(account, application, limit_seconds=600, answered=False)
    now = call.begun_at + timedelta(seconds=100)
    assert live.seconds_left(call, now) == 500
    call.connected_at = call.begun_at + timedelta(seconds=40)
    assert live.seconds_left(call, now) == 540
    call.answered_at = call.begun_at + timedelta(seconds=60)
    assert live.seconds_left(call, now) == 560


@pytest.mark.parametrize(("milliseconds", "left"), [(0, 600), (1, 599), (999, 599), (1000, 599), (600_000, 0)])
def test_a_second_that_has_begun_is_used(
    account: Account, application: Application, milliseconds: int, left: int
) -> None:
    call = a_running_call(account, application, limit_seconds=600)
    assert call.answered_at is not None
    assert live.seconds_left(call, call.answered_at + timedelta(milliseconds=milliseconds)) == left
    assert live.seconds_left(call, call.answered_at + timedelta(hours=1)) == 0


def test_a_call_in_a_menu_names_the_menu_its_question_and_the_number_dialled(application: Application) -> None:
    a_call_in_a_menu(application)
    (line,) = live.running(timezone.now())
    assert (line.stage, line.menu, line.question) == (Stage.MENU, "Reception", "welcome")
    assert (line.access_number, line.account_id, line.account) == (OURS, None, "")
    assert (line.seconds_left, line.percent_used, line.held) == (None, None, None)
    assert line.verbs == (Verb.HANG_UP,)


def test_a_call_between_app_users_cannot_be_managed(account: Account, application: Application) -> None:
    call = a_running_call(account, application)
    Call.objects.update(destination="bob", limit_seconds=None)
    call.refresh_from_db()
    (line,) = live.running(timezone.now())
    assert (line.seconds_left, line.verbs) == (None, ())


def test_the_calls_of_one_account_are_listed_alone(account: Account, application: Application) -> None:
    mine = a_running_call(account, application)
    a_running_call(an_account("Rival", balance="5"), application)
    a_call_in_a_menu(application)
    assert [line.id for line in live.running(timezone.now(), account)] == [mine.pk]
    assert live.totals(account).calls == 1
    assert live.totals().calls == 3


def test_the_list_has_an_end_and_the_count_has_none(application: Application) -> None:
    now = timezone.now()
    Call.objects.bulk_create(
        Call(
            id=f"00000000-0000-4000-8000-{n:012d}",
            application=application,
            provider_call_id=f"call-{n}",
            destination=NUMBER,
            state=Call.State.AUTHORISED,
            limit_seconds=60,
            begun_at=now,
        )
        for n in range(MOST_SHOWN + 3)
    )
    assert len(live.running(now)) == MOST_SHOWN
    assert live.totals().calls == MOST_SHOWN + 3


def test_the_list_takes_two_statements_however_long_it_is(
    account: Account, application: Application, django_assert_num_queries: Callable[[int], Any]
) -> None:
    for _ in range(4):
        a_running_call(account, application)
        a_call_in_a_menu(application)
    with django_assert_num_queries(2):
        assert len(live.running(timezone.now())) == 8


def test_only_what_is_held_for_running_calls_is_added_up(account: Account, application: Application) -> None:
    a_running_call(account, application)
    an_ended_call(account, application)
    lost = a_running_call(account, application)
    Call.objects.filter(pk=lost.pk).update(state="ended", ended_at=timezone.now())
    assert live.totals().held == [("USD", Decimal("0.60"))]


def test_a_parked_call_is_said_to_be_parked_until_it_is_over(account: Account, application: Application) -> None:
    call = a_running_call(account, application)
    call.parked_at = timezone.now()
    assert (state(call), live.stage_of(call)) == ("parked", Stage.PARKED)
    call.state, call.ended_at = Call.State.ENDED, timezone.now()
    assert state(call) == "ended"


# --- doing -----------------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_a_call_that_is_hung_up_hears_why_and_pays_for_what_was_talked(desk: Desk, clerk: User) -> None:
    call, theirs = desk.talking()
    live.hang_up(call.pk, "The line is needed.", LOCALE, clerk)
    desk.platform.run()
    assert "The line is needed." in heard(theirs)
    assert (theirs.result, theirs.reason) == ("ANSWERED", "MANAGERHANGUP")
    cdr = CDR.objects.get()
    minutes = -(-theirs.duration_seconds // 60)
    assert (cdr.duration_seconds, cdr.charge) == (theirs.duration_seconds, minutes * Decimal("0.06"))
    assert theirs.duration_seconds < 120
    assert (held(desk.account), balance(desk.account)) == (0, 5 - cdr.charge)
    assert not ReceivedEvent.objects.exclude(outcome="decided").exists()


@pytest.mark.django_db(transaction=True)
def test_a_call_may_be_ended_without_a_word(desk: Desk, clerk: User) -> None:
    call, theirs = desk.talking()
    live.hang_up(call.pk, "", LOCALE, clerk)
    desk.platform.run()
    assert theirs.ended
    assert heard(theirs) == ""


@pytest.mark.django_db(transaction=True)
def test_who_did_what_and_what_came_of_it_is_written_down(desk: Desk, clerk: User) -> None:
    call, _ = desk.talking()
    live.park(call.pk, "One moment.", LOCALE, clerk)
    live.unpark(call.pk, clerk)
    time_passes(desk, 10)
    live.hang_up(call.pk, "Goodbye.", LOCALE, clerk)
    written = LogEntry.objects.order_by("id")
    assert {(entry.user_id, entry.object_id) for entry in written} == {(clerk.pk, str(call.pk))}
    parked, unparked, hung_up = (entry.change_message for entry in written)
    assert parked.startswith("Park for ")
    assert parked.endswith(" s, saying “One moment.”. Done.")
    assert unparked.startswith(f"Unpark, connecting to {NUMBER} for ")
    assert hung_up == "Hang up, saying “Goodbye.”. Done."


@pytest.mark.django_db(transaction=True)
def test_a_parked_call_waits_and_goes_on_when_it_is_unparked(desk: Desk, clerk: User) -> None:
    call, theirs = desk.talking()
    assert "600 s at most" not in live.park(call.pk, "Please wait.", LOCALE, clerk)
    call.refresh_from_db()
    assert call.parked_at is not None
    assert theirs.stage == "parked"
    time_passes(desk, 30)
    assert "Please wait." in heard(theirs)
    live.unpark(call.pk, clerk)
    call.refresh_from_db()
    assert (call.parked_at, call.ended_at) == (None, None)
    time_passes(desk, 20)
    assert (theirs.stage, theirs.connected_to, theirs.presented_cli) == ("talking", NUMBER, "private")


@pytest.mark.django_db(transaction=True)
def test_a_parked_call_is_ended_by_the_provider_when_nobody_comes(desk: Desk, clerk: User) -> None:
    call, theirs = desk.talking()
    time_passes(desk, 60)
    live.park(call.pk, PLEASE_HOLD, LOCALE, clerk)
    desk.platform.run()
    assert theirs.duration_seconds <= LIMIT_SECONDS
    call.refresh_from_db()
    assert (call.state, state(call)) == (Call.State.ENDED, "ended")
    assert held(desk.account) == 0


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("parked_for", [5, 200, 480])
def test_v7_parking_never_buys_more_time_than_was_reserved(desk: Desk, clerk: User, parked_for: int) -> None:
    call, theirs = desk.talking(rings_seconds=30)
    live.park(call.pk, PLEASE_HOLD, LOCALE, clerk)
    time_passes(desk, parked_for)
    live.unpark(call.pk, clerk)
    desk.platform.run()
    assert theirs.ended
    assert theirs.duration_seconds <= call.limit_seconds == LIMIT_SECONDS
    cdr = CDR.objects.get()
    assert (cdr.loss, house(Entry.House.LOSS_OVERRUN)) == (0, 0)
    assert cdr.charge <= Decimal("0.60")
    assert not ReceivedEvent.objects.exclude(outcome="decided").exists()


@pytest.mark.django_db(transaction=True)
def test_without_time_left_unparking_hangs_up_and_says_so(desk: Desk, clerk: User) -> None:
    call, theirs = desk.talking()
    live.park(call.pk, PLEASE_HOLD, LOCALE, clerk)
    Call.objects.update(answered_at=timezone.now() - timedelta(seconds=LIMIT_SECONDS - 0.5))
    assert live.unpark(call.pk, clerk) == "No time was left, so the call was hung up instead."
    desk.platform.run()
    assert "The time for this call is used up." in heard(theirs)
    assert theirs.reason == "MANAGERHANGUP"
    assert LogEntry.objects.latest("id").change_message == "Unpark with no time left: hang up. Done."


@pytest.mark.django_db(transaction=True)
def test_a_hang_up_that_overtakes_a_park_leaves_the_call_over(account: Account, clerk: User) -> None:
    call = a_running_call(account, an_application())

    def hang_up_first() -> tuple[int, bytes]:
        with psycopg.connect(**connection.get_connection_params()) as session:
            session.execute("UPDATE telephony_call SET state = 'ended', ended_at = now()")
        return 204, b""

    with answering(hang_up_first) as url:
        Application.objects.update(base_url=url)
        live.park(call.pk, PLEASE_HOLD, LOCALE, clerk)
    call.refresh_from_db()
    assert (call.state, call.parked_at) == (Call.State.ENDED, None)


@pytest.mark.django_db(transaction=True)
def test_the_database_is_left_alone_while_the_provider_is_told(account: Account, clerk: User) -> None:
    call = a_running_call(account, an_application())
    states: list[tuple[object, ...]] = []

    def look() -> tuple[int, bytes]:
        with psycopg.connect(**connection.get_connection_params()) as session:
            states.extend(
                session.execute(
                    "SELECT state, backend_xid IS NULL FROM pg_stat_activity WHERE datname = current_database() "
                    "AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
                ).fetchall()
            )
        return 204, b""

    with answering(look) as url:
        Application.objects.update(base_url=url)
        live.park(call.pk, PLEASE_HOLD, LOCALE, clerk)
        live.unpark(call.pk, clerk)
        live.hang_up(call.pk, GOODBYE, LOCALE, clerk)
    assert set(states) == {("idle", True)}
    assert len(states) >= 3


# --- not doing -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", Verb)
@pytest.mark.parametrize(
    ("status", "code"), [(400, 40001), (400, 40003), (401, 40102), (402, 40200), (403, 40300), (404, 40400)]
)
def test_a_refusal_keeps_the_providers_words_and_changes_nothing(
    account: Account, clerk: User, verb: Verb, status: int, code: int
) -> None:
    body = f'{{"errorCode":{code},"message":"not like this","reference":"ref-4711"}}'.encode()
    with answering(lambda: (status, body)) as url:
        call = a_running_call(account, an_application(base_url=url))
        Call.objects.update(parked_at=call.begun_at if verb is Verb.UNPARK else None)
        before = Call.objects.values().get()
        with pytest.raises(RefusedByProvider, match=f"Code {code}, reference ref-4711") as refused:
            do(verb, call, clerk)
    assert "not like this" in str(refused.value) or status == 404
    assert Call.objects.values().get() == before
    assert "ref-4711" in LogEntry.objects.get().change_message


@pytest.mark.parametrize("verb", Verb)
@pytest.mark.parametrize("status", [302, 500, 503])
def test_v7_without_an_answer_nothing_is_known_and_the_limit_ends_the_call_anyway(
    account: Account, clerk: User, verb: Verb, status: int
) -> None:
    with answering(lambda: (status, b"<html>")) as url:
        call = a_running_call(account, an_application(base_url=url), limit_seconds=600)
        Call.objects.update(parked_at=call.begun_at if verb is Verb.UNPARK else None)
        before = Call.objects.values().get()
        with pytest.raises(NothingKnown) as unknown:
            do(verb, call, clerk)
    assert call.answered_at is not None
    end = call.answered_at + timedelta(seconds=600)
    assert f"the call's time is up at {end:%Y-%m-%d %H:%M:%S}, and the provider ends it then." in str(unknown.value)
    assert Call.objects.values().get() == before
    assert "No answer" in LogEntry.objects.get().change_message


def test_a_call_that_rings_ends_at_the_latest_after_ringing_and_its_limit(
    account: Account, application: Application
) -> None:
    call = a_running_call(account, application, limit_seconds=600, answered=False)
    assert live.ends_by(call) == call.begun_at + timedelta(seconds=600 + 45)
    call.limit_seconds = None
    assert live.ends_by(call) == call.begun_at + timedelta(hours=4)


@pytest.mark.parametrize("verb", Verb)
def test_a_call_that_is_over_refused_or_unknown_is_left_alone(
    account: Account, application: Application, clerk: User, verb: Verb
) -> None:
    unknown = Call(pk="00000000-0000-4000-8000-000000000000")
    sentences = {
        "This call is over.": an_ended_call(account, application),
        "This call was refused.": a_refused_call(account, application),
        "There is no such call.": unknown,
    }
    for sentence, call in sentences.items():
        with pytest.raises(CallNotRunning) as refused:
            do(verb, call, clerk)
        assert str(refused.value) == sentence
    assert not LogEntry.objects.exists()


@pytest.mark.parametrize("verb", Verb)
def test_a_call_between_app_users_is_left_alone(
    account: Account, application: Application, clerk: User, verb: Verb
) -> None:
    call = a_running_call(account, application)
    Call.objects.update(destination="bob", limit_seconds=None, parked_at=timezone.now())
    with pytest.raises(CallNotManageable, match="no telephone takes part"):
        do(verb, call, clerk)


def test_what_does_not_fit_the_calls_state_is_refused_with_a_sentence(
    account: Account, application: Application, clerk: User
) -> None:
    talking = a_running_call(account, application)
    with pytest.raises(CallNotManageable, match="This call is not parked"):
        live.unpark(talking.pk, clerk)
    with pytest.raises(CallNotManageable, match="a menu cannot be parked"):
        live.park(a_call_in_a_menu(application).pk, PLEASE_HOLD, LOCALE, clerk)
    Call.objects.filter(pk=talking.pk).update(parked_at=timezone.now())
    with pytest.raises(CallNotManageable, match="parked already"):
        live.park(talking.pk, PLEASE_HOLD, LOCALE, clerk)
    used_up = a_running_call(account, application, limit_seconds=60, begun_ago=timedelta(seconds=90))
    with pytest.raises(CallNotManageable, match="no time left"):
        live.park(used_up.pk, PLEASE_HOLD, LOCALE, clerk)


def test_a_sentence_that_nobody_can_speak_is_refused_before_the_provider_hears_of_it(
    account: Account, application: Application, clerk: User
) -> None:
    call = a_running_call(account, application)
    with pytest.raises(RefusedByProvider, match=r"The provider refused: .* The call was left as it was."):
        live.park(call.pk, "[[", LOCALE, clerk)
    call.refresh_from_db()
    assert call.parked_at is None


def test_a_call_in_a_menu_is_hung_up(clerk: User) -> None:
    with answering(lambda: (204, b"")) as url:
        call = a_call_in_a_menu(an_application(base_url=url))
        assert live.hang_up(call.pk, GOODBYE, LOCALE, clerk).startswith("Hung up.")


# --- words -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stored", "word", "details"),
    [
        (
            {"decision": "ask", "questions": [{"name": "welcome", "prompt": [{"say": "Press 1."}]}], "say": []},
            "ask the caller",
            [("questions", "welcome: “Press 1.”")],
        ),
        (
            {"decision": "hang_up", "say": [{"play": "https://example.com/bye.mp3"}, {"say": "Bye."}]},
            "hang up",
            [("say", "https://example.com/bye.mp3 “Bye.”")],
        ),
        (
            {"decision": "connect", "number": NUMBER, "caller_id": None, "limit_seconds": 60},
            "connect",
            [("number", NUMBER), ("caller id", "–"), ("limit seconds", "60")],
        ),
        (None, "", []),
    ],
)
def test_a_stored_decision_is_read_by_people(stored: dict[str, Any], word: str, details: list[tuple[str, str]]) -> None:
    assert (decision_word(stored), decision_details(stored)) == (word, details)


@pytest.mark.parametrize(
    ("parked", "answered", "word"), [(True, True, "parked"), (False, True, "talking"), (False, False, "ringing")]
)
def test_a_customer_reads_how_far_a_running_call_has_come(
    client: Client, account: Account, application: Application, parked: bool, answered: bool, word: str
) -> None:
    client.force_login(User.objects.create_user("owner@example.com", account=account))
    call = a_running_call(account, application, answered=answered)
    Call.objects.update(parked_at=call.begun_at if parked else None)
    for path in ("/", f"/calls/{call.pk}/"):
        assert f'<span class="state {word}">{word}</span>' in client.get(path).content.decode()


def test_a_call_that_we_began_is_hung_up_and_not_parked(application: Application) -> None:
    call = a_placed_call(a_callout(a_caller()))
    now = timezone.now()
    assert live.verbs_of(call, now) == (Verb.HANG_UP,)
    with pytest.raises(CallNotManageable, match="nothing could connect it again"):
        live.find(call.pk, Verb.PARK)


def test_a_call_of_which_the_provider_told_no_id_is_not_managed(application: Application) -> None:
    call = the_call(a_callout(a_caller()))
    assert live.verbs_of(call, timezone.now()) == ()
    with pytest.raises(CallNotManageable, match="by which id it knows this call"):
        live.find(call.pk, Verb.HANG_UP)
