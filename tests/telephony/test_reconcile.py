"""What if the hang-up never comes: faults C9, C10 and V8, against a platform that speaks real HTTP."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

import psycopg
import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone
from pytest_django.live_server_helper import LiveServer

from accounts.models import Account
from billing.models import Entry, Hold
from config.embedded_servers import free_port
from sandbox import Call as SandboxCall
from sandbox import Lose, Phone, Sandbox
from telephony.models import CDR, Application, Call, ReceivedEvent
from telephony.reconcile import AT_ONCE, DOUBTED, SILENT_AFTER, Reconciled, reconcile
from tests import books
from tests.builders import A_SECRET, a_deck, an_account, an_application, available, balance, held, house
from tests.sinch_caller import PATH, SinchCaller, a_call_id
from tests.telephony.rest_api import RestApi, only, says, serving

pytestmark = pytest.mark.django_db(transaction=True)

KEY = "00000000-0000-4000-8000-00000000c0c9"
NUMBER = "+447700900123"
TALKS = Phone.answers(after_seconds=3, talks_seconds=61)
LIMIT_SECONDS = 600
OVERDUE = timedelta(seconds=LIMIT_SECONDS + 45 + 120)  # the limit, ringing, and a margin
NOT_YET, SOON = OVERDUE - timedelta(seconds=30), OVERDUE + timedelta(seconds=30)
A_DAY_LATER = timedelta(hours=24, minutes=1)


@dataclass
class Desk:
    """A platform, our application there, and the account that calls."""

    platform: Sandbox
    application: Application
    account: Account

    def call(self, phone: Phone = TALKS, *, lost: bool = True, until_seconds: float | None = None) -> SandboxCall:
        faults = (Lose("dice"),) if lost else ()
        call = self.platform.app_to_phone(user="alice", to=NUMBER, phone=phone, faults=faults)
        self.platform.run(until_seconds)
        return call


@pytest.fixture
def account(db: None) -> Account:
    a_deck({"44": "0.06"})
    return an_account(client_user="alice", calls_at_once=5, longest_call_seconds=LIMIT_SECONDS)


@pytest.fixture
def desk(account: Account, live_server: LiveServer) -> Iterator[Desk]:
    platform = Sandbox(target=live_server.url + PATH, key=KEY, secret=A_SECRET, timeout_seconds=60)
    with platform.rest_server() as url:
        yield Desk(platform, an_application(key=KEY, base_url=url), account)


@pytest.fixture
def api() -> Iterator[RestApi]:
    with serving(says()) as api:
        yield api


@pytest.fixture
def sinch(account: Account, api: RestApi) -> SinchCaller:
    """A caller whose platform has an API that says what the test wants."""
    return SinchCaller(an_application(base_url=api.url))


@pytest.fixture(autouse=True)
def _the_books_are_in_order(db: None) -> Iterator[None]:
    yield
    assert books.differences() == {}


def later(delay: timedelta) -> Reconciled:
    return reconcile(timezone.now() + delay)


def a_call_without_end(sinch: SinchCaller) -> str:
    call_id = a_call_id()
    assert sinch.send(sinch.ice(call_id)).action == "connectPstn"
    return call_id


def story(cdr: CDR) -> dict[str, object]:
    """A CDR without what must differ between two calls."""
    own = {"id", "call_id", "begun_at", "ended_at", "posting_id", "source", "_state"}
    return {name: value for name, value in vars(cdr).items() if name not in own}


@pytest.mark.parametrize(
    ("phone", "charge"),
    [
        (TALKS, "0.12"),
        (Phone.answers(after_seconds=3), "0.60"),  # as long as it was allowed
        (Phone.busy(), "0"),
        (Phone.rejects(), "0"),
        (Phone.no_answer(), "0"),
        (Phone.unreachable(), "0"),
    ],
)
def test_c9_a_lost_hang_up_is_asked_for_and_settled_exactly_as_it_would_have_been(
    desk: Desk, phone: Phone, charge: str
) -> None:
    desk.call(phone, lost=False)
    lost = desk.call(phone)
    assert held(desk.account) == Decimal("0.60")
    assert later(SOON) == Reconciled(asked=1, settled=1)
    told, asked = CDR.objects.order_by("id")
    assert story(asked) == story(told)
    assert (told.source, asked.source) == (CDR.Source.EVENT, CDR.Source.ASKED)
    assert (asked.charge, asked.provider_cost) == (Decimal(charge), lost.debit)
    assert (held(desk.account), balance(desk.account)) == (Decimal(0), 5 - 2 * Decimal(charge))
    assert later(A_DAY_LATER) == Reconciled()


def test_a_call_between_apps_without_a_hold_is_asked_about_too(desk: Desk) -> None:
    desk.platform.app_to_app(user="alice", to="bob", phone=TALKS, faults=[Lose("dice")])
    desk.platform.run()
    assert not Hold.objects.exists()
    longest = timedelta(seconds=LIMIT_SECONDS)
    assert later(longest) == Reconciled()
    assert later(timedelta(hours=4, minutes=5)) == Reconciled(asked=1, settled=1)
    cdr = CDR.objects.get()
    assert (cdr.duration_seconds, cdr.charge, cdr.source) == (61, Decimal(0), CDR.Source.ASKED)


def test_a_call_that_goes_on_is_kept_and_asked_about_again_after_a_minute(desk: Desk) -> None:
    call = desk.call(Phone.answers(after_seconds=3), lost=False, until_seconds=60)
    now = timezone.now() + SOON
    assert reconcile(now) == Reconciled(asked=1, going_on=1)
    assert reconcile(now + timedelta(seconds=59)) == Reconciled()
    assert reconcile(now + timedelta(seconds=61)) == Reconciled(asked=1, going_on=1)
    assert (held(desk.account), CDR.objects.count()) == (Decimal("0.60"), 0)
    desk.platform.run()
    cdr = CDR.objects.get()
    assert (cdr.source, cdr.duration_seconds, call.duration_seconds) == (CDR.Source.EVENT, 600, 600)
    assert balance(desk.account) == Decimal("4.40")


def test_v8_a_call_that_goes_on_for_ever_is_given_up_after_the_longest_real_call(desk: Desk) -> None:
    desk.call(Phone.answers(after_seconds=3), until_seconds=60)
    assert later(timedelta(hours=3)).going_on == 1
    assert later(timedelta(hours=4, minutes=9)).going_on == 1
    assert later(timedelta(hours=4, minutes=11)) == Reconciled()  # it was asked about two minutes ago
    assert later(timedelta(hours=5)) == Reconciled(asked=1, given_up=1)
    assert available(desk.account) == Decimal(5)
    assert Hold.objects.get().state == Hold.State.EXPIRED


def forgotten(desk: Desk, call: SandboxCall) -> None:
    call.forgotten = True


def unreachable(desk: Desk, call: SandboxCall) -> None:
    Application.objects.update(base_url=f"http://127.0.0.1:{free_port()}")


def misconfigured(desk: Desk, call: SandboxCall) -> None:
    Application.objects.update(base_url="http://")


def locked_out(desk: Desk, call: SandboxCall) -> None:
    desk.application.secret = "AAECAwQFBgcICQoLDA0ODw=="
    desk.application.save()


@pytest.mark.parametrize("silence", [forgotten, unreachable, misconfigured, locked_out])
def test_c9_a_call_nobody_can_tell_about_is_kept_for_a_day_and_then_given_up(
    desk: Desk, silence: Callable[[Desk, SandboxCall], None]
) -> None:
    silence(desk, desk.call())
    assert later(SOON) == Reconciled(asked=1, no_answer=1)
    assert later(timedelta(hours=23, minutes=59)) == Reconciled(asked=1, no_answer=1)
    assert held(desk.account) == Decimal("0.60")
    assert later(timedelta(hours=28)) == Reconciled(asked=1, given_up=1)
    (cdr,) = CDR.objects.all()
    assert (cdr.source, cdr.revision, cdr.charge, cdr.price) == (CDR.Source.EXPIRED, 0, Decimal(0), Decimal(0))
    assert cdr.review == Call.objects.get().review == "nobody could say how it ended: charged nothing"
    assert Hold.objects.get().state == Hold.State.EXPIRED
    assert available(desk.account) == Decimal(5)
    assert later(timedelta(hours=48)) == Reconciled()


def test_a_provider_that_gives_no_answer_is_asked_ever_more_rarely(sinch: SinchCaller, api: RestApi) -> None:
    api.answers = only(500)
    a_call_without_end(sinch)
    began, step = timezone.now(), timedelta(minutes=3)
    minutes = [n for n in range(0, 24 * 60, 3) if reconcile(began + n * step / 3).asked]
    gaps = [after - before for before, after in itertools.pairwise(minutes)]
    assert gaps[0] <= 6
    assert gaps == sorted(gaps)
    assert 60 <= gaps[-1] <= 150
    assert len(minutes) == len(api.asked) < 60


def given_up(desk: Desk) -> SandboxCall:
    call = desk.call()
    call.forgotten = True
    assert later(A_DAY_LATER).given_up == 1
    return call


def test_c10_a_hang_up_after_giving_up_is_charged_once(desk: Desk) -> None:
    call = given_up(desk)
    sinch = SinchCaller(desk.application)
    for _ in range(3):
        assert sinch.send(sinch.dice(call.call_id, 61)).status == 200
    first, second = CDR.objects.order_by("revision")
    assert (second.revision, second.source, second.charge, second.loss) == (1, "event", Decimal("0.12"), Decimal(0))
    assert "after the call had been given up" in second.review
    assert (first.revision, first.charge) == (0, Decimal(0))
    assert balance(desk.account) == Decimal("4.88")
    assert later(timedelta(hours=48)) == Reconciled()


def test_c10_when_the_money_is_gone_by_then_the_rest_is_our_loss(desk: Desk) -> None:
    call = given_up(desk)
    sinch = SinchCaller(desk.application)
    while (reply := sinch.send(sinch.ice(call_id := a_call_id()))).action == "connectPstn":
        sinch.send(sinch.dice(call_id, reply.limit_seconds))
    left = balance(desk.account)
    assert left < Decimal("0.06")
    sinch.send(sinch.dice(call.call_id, 61))
    cdr = CDR.objects.get(call__provider_call_id=call.call_id, revision=1)
    assert (cdr.price, cdr.charge, cdr.loss) == (Decimal("0.12"), left, Decimal("0.12") - left)
    assert house(Entry.House.LOSS_LATE) == cdr.charge - cdr.price
    assert balance(desk.account) == 0


@pytest.mark.parametrize(
    "doubtful",
    [
        {"duration": -1},
        {"duration": True},
        {"duration": "a while"},
        {"duration": LIMIT_SECONDS + 61},
        {"duration": 10**9},
        {"duration": None, "result": "WELL"},
        {"duration": None},
    ],
)
def test_an_answer_that_cannot_be_true_settles_nothing_and_asks_for_a_persons_look(
    sinch: SinchCaller, api: RestApi, account: Account, doubtful: dict[str, object]
) -> None:
    call_id = a_call_without_end(sinch)
    api.answers = says(**doubtful)
    assert later(SOON) == Reconciled(asked=1, no_answer=1)
    assert later(timedelta(hours=1)) == Reconciled(asked=1, no_answer=1)
    call = Call.objects.get()
    assert (call.review, call.ended_at, CDR.objects.count()) == (DOUBTED, None, 0)
    assert held(account) == Decimal("0.60")
    api.answers = says()
    assert later(timedelta(hours=2)) == Reconciled(asked=1, settled=1)
    assert balance(account) == Decimal("4.88")
    assert api.asked == [call_id] * 3


@pytest.mark.parametrize("answers", [only(500), only(200), only(200, b"<html>"), only(302), says(callId="another")])
def test_an_answer_that_is_none_settles_nothing(sinch: SinchCaller, api: RestApi, answers: object) -> None:
    a_call_without_end(sinch)
    api.answers = answers
    assert later(SOON) == Reconciled(asked=1, no_answer=1)
    assert (Hold.objects.get().state, CDR.objects.count()) == (Hold.State.OPEN, 0)


def test_a_call_cut_a_little_late_is_believed(sinch: SinchCaller, api: RestApi, account: Account) -> None:
    a_call_without_end(sinch)
    api.answers = says(duration=LIMIT_SECONDS + 60)
    assert later(SOON).settled == 1
    assert balance(account) == Decimal("4.34")


def test_what_is_remarkable_in_an_answer_is_noted_as_in_a_hang_up(sinch: SinchCaller, api: RestApi) -> None:
    told, asked = a_call_without_end(sinch), a_call_without_end(sinch)
    odd = {"result": "SOMETHING NEW", "debit": {"currencyId": "USD", "amount": 3}}
    sinch.send(sinch.dice(told, 61, **odd))
    api.answers = says(**odd)
    assert later(SOON).settled == 1
    reviews = dict(CDR.objects.values_list("call__provider_call_id", "review"))
    assert reviews[told] == reviews[asked]
    assert "3 USD" in reviews[asked]


def test_calls_that_are_not_overdue_are_never_asked_about(sinch: SinchCaller, api: RestApi) -> None:
    over, refused = a_call_without_end(sinch), a_call_id()
    sinch.send(sinch.dice(over, 10))
    assert sinch.send(sinch.ice(refused, to="+12025550123")).action == "hangup"
    running = a_call_without_end(sinch)
    assert later(NOT_YET) == Reconciled()
    assert later(SOON) == Reconciled(asked=1, settled=1)
    assert api.asked == [running]


def test_the_oldest_calls_are_asked_about_first_and_not_all_at_once(sinch: SinchCaller, api: RestApi) -> None:
    now = timezone.now()
    begun = {f"call {n}": now - timedelta(hours=1, seconds=n * 7919 % 997) for n in range(AT_ONCE + 5)}
    Call.objects.bulk_create(
        Call(
            id=f"00000000-0000-4000-8000-{n:012d}",
            application=sinch.application,
            provider_call_id=call_id.replace(" ", "-"),
            destination="bob",
            state=Call.State.AUTHORISED,
            limit_seconds=60,
            begun_at=at,
        )
        for n, (call_id, at) in enumerate(begun.items())
    )
    api.answers = says("ONGOING")
    oldest_first = [call_id.replace(" ", "-") for call_id in sorted(begun, key=begun.__getitem__)]
    assert reconcile(now) == Reconciled(asked=AT_ONCE, going_on=AT_ONCE)
    assert api.asked == oldest_first[:AT_ONCE]
    assert reconcile(now).asked == 5
    assert api.asked == oldest_first


def test_the_database_is_left_alone_while_the_provider_is_asked(sinch: SinchCaller, api: RestApi) -> None:
    states: list[tuple[str, ...]] = []

    def answer(call_id: str) -> tuple[int, bytes]:
        with psycopg.connect(**connection.get_connection_params()) as session:
            rows = session.execute(
                "SELECT state, backend_xid IS NULL FROM pg_stat_activity WHERE datname = current_database() "
                "AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
            ).fetchall()
        states.extend(rows)
        return says()(call_id)

    for _ in range(2):
        a_call_without_end(sinch)
    api.answers = answer
    assert later(SOON).settled == 2
    assert set(states) == {("idle", True)}


def test_one_call_that_cannot_be_settled_does_not_keep_the_others_waiting(sinch: SinchCaller, api: RestApi) -> None:
    bad, good = a_call_without_end(sinch), a_call_without_end(sinch)
    bad_id = Call.objects.get(provider_call_id=bad).pk
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION refuse_for_a_test() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'broken for a test' USING ERRCODE = 'XX000'; END $$"
        )
        cursor.execute(
            "CREATE TRIGGER refuse_for_a_test BEFORE INSERT ON telephony_cdr FOR EACH ROW "
            f"WHEN (NEW.call_id = '{bad_id}') EXECUTE FUNCTION refuse_for_a_test()"
        )
    try:
        with pytest.raises(psycopg.Error, match="broken for a test"):
            later(SOON)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP FUNCTION refuse_for_a_test CASCADE")
    assert CDR.objects.get().call.provider_call_id == good
    assert later(SOON) == Reconciled(asked=1, settled=1)


def test_c9_after_a_tenth_of_the_hang_ups_is_lost_nothing_stays_held(desk: Desk) -> None:
    rich = an_account(client_user="rich", calls_at_once=300, balance="500", longest_call_seconds=LIMIT_SECONDS)
    phones = [TALKS, Phone.busy(), Phone.answers(after_seconds=2, talks_seconds=599), Phone.no_answer()]
    for n in range(200):
        faults = (Lose("dice"),) if n % 10 == 3 else ()
        desk.platform.app_to_phone(user="rich", to=NUMBER, at_seconds=n // 4, phone=phones[n % 4 - 1], faults=faults)
    desk.platform.run()
    assert Hold.objects.filter(state=Hold.State.OPEN).count() == 20
    assert later(timedelta(hours=26)) == Reconciled(asked=20, settled=20)
    assert not Hold.objects.filter(state=Hold.State.OPEN).exists()
    durations = dict(CDR.objects.values_list("call__provider_call_id", "duration_seconds"))
    assert durations == {call.call_id: call.duration_seconds for call in desk.platform.calls}
    minutes = sum(-(-call.duration_seconds // 60) for call in desk.platform.calls)
    assert balance(rich) == 500 - minutes * Decimal("0.06")
    assert not ReceivedEvent.objects.exclude(outcome="decided").exists()


def test_the_command_says_what_was_done(sinch: SinchCaller, api: RestApi, capsys: pytest.CaptureFixture[str]) -> None:
    a_call_without_end(sinch)
    at: datetime = timezone.now() + SOON
    call_command("reconcile", now=at)
    assert capsys.readouterr().out.startswith("1 calls asked about: 1 settled, 0 still going on")


def test_a_silent_provider_keeps_the_calls_of_another_application_not_waiting(sinch: SinchCaller, api: RestApi) -> None:
    now = timezone.now()
    silent = an_application(base_url="http://127.0.0.1:1")
    api.answers = says("ONGOING")
    Call.objects.bulk_create(
        Call(
            id=f"00000000-0000-4000-8000-{n:012d}",
            application=silent if n < 20 else sinch.application,
            provider_call_id=f"call-{n}",
            destination="bob",
            state=Call.State.AUTHORISED,
            limit_seconds=60,
            begun_at=now - timedelta(hours=1, seconds=-n),
        )
        for n in range(21)
    )
    assert reconcile(now) == Reconciled(asked=SILENT_AFTER + 1, no_answer=SILENT_AFTER, going_on=1)
    assert api.asked == ["call-20"]
    assert reconcile(now, sinch.application) == Reconciled(), "it was asked about a moment ago"
