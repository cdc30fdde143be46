"""A softphone over real HTTP, from signing in to the ledger: it asks, dials, talks, and what it did is in the books."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.core.cache import cache
from django.db.models import F
from django.utils import timezone
from pytest_django.fixtures import Settings
from pytest_django.live_server_helper import LiveServer

from accounts.models import Account
from billing.models import Entry, Hold
from sandbox import Call as SandboxCall
from sandbox import Fault, Lose, Phone, Repeat, Sandbox, Swap
from sandbox.softphone import Shown
from sandbox.softphone import Softphone as App
from softphone import lines
from softphone.models import Line
from telephony.models import CDR, AccessNumber, Application, Call, CallThrough
from telephony.reconcile import reconcile
from tests.builders import A_SECRET, a_deck, an_access_number, an_account, an_application, balance, held, house
from tests.sinch_caller import PATH
from tests.softphone.scenes import a_line, a_softphone

pytestmark = pytest.mark.django_db(transaction=True)

ACCESS = "+442079460199"
MOBILE = "+447700900123"
FRIEND = "+442079460101"
OTHER = "+442079460102"
TALKS = Phone.answers(after_seconds=4, talks_seconds=70)
PRICE = Decimal("0.12")  # two begun minutes


@dataclass
class Ana:
    """Somebody with an app, the platform her telephone calls in, and the account that pays."""

    app: App
    platform: Sandbox
    account: Account
    line: Line

    def calls(self, target: str = FRIEND, *faults: Fault, **options: object) -> Shown:
        """Call somebody by the app, and let everything happen."""
        shown = self.app.call_through(target, phone=TALKS, faults=faults, **options)  # type: ignore[arg-type]
        self.platform.run()
        return shown

    def dials_late(self, shown: Shown) -> SandboxCall:
        """Dial what the app was told, more than a minute after it was told."""
        late = timedelta(seconds=70)
        CallThrough.objects.update(made_at=F("made_at") - late, expires_at=F("expires_at") - late)
        assert shown.dial_string is not None
        call = self.app.dial(shown.dial_string, phone=TALKS)
        self.platform.run()
        return call

    def books(self) -> tuple[Decimal, Decimal, Decimal]:
        """What the account has, what is held of it, and what we earned."""
        return balance(self.account), held(self.account), house(Entry.House.REVENUE)


def paid(times: int = 1) -> tuple[Decimal, Decimal, Decimal]:
    return Decimal(5) - times * PRICE, Decimal(0), times * PRICE


def reaches(shown: Shown) -> SandboxCall:
    """The call that came of it, answered and connected where the person wished."""
    assert shown.kind == "done", (shown.text, shown.remark)
    call = shown.call
    assert call is not None
    assert (call.result, Call.objects.get(provider_call_id=call.call_id).destination) == ("ANSWERED", shown.target)
    return call


def heard(call: SandboxCall) -> list[str]:
    """What was said to the one who dialled."""
    return [each.text for each in call.heard if each.text]


@pytest.fixture
def ana(live_server: LiveServer, settings: Settings) -> Iterator[Ana]:
    cache.clear()
    settings.PUBLIC_URL = live_server.url
    settings.CALLBACK_DEADLINE_SECONDS = 60.0  # what is asked is what is decided, not how fast a busy machine does it
    a_deck({"44": "0.06"})
    application = an_application()
    an_access_number(application, ACCESS, is_offered=True, is_default=True, leads="calling_card")
    account = an_account(numbers=[MOBILE])
    line = a_line(account, name="ana", softphone=a_softphone())
    platform = Sandbox(
        target=live_server.url + PATH,
        key=application.key,
        secret=A_SECRET,
        timeout_seconds=60,
        start=datetime.now(UTC),
    )
    where = {
        "InitialProvisioningUrl": f"{live_server.url}/acrobits/provisioning/",
        "InitialProvisioningPostData": "cloud_username=%username%&cloud_password=%password%",
    }
    with platform.rest_server() as address:
        Application.objects.update(base_url=address)
        app = App(where, platform=platform, number=MOBILE)
        assert app.provision("ana", line.secret, "DEMO").kind == "done"
        yield Ana(app, platform, account, line)


# --- the access number alone -----------------------------------------------------------------------------------------


def test_an_app_that_signed_in_calls_without_a_key_and_pays_for_the_talk(ana: Ana) -> None:
    shown = ana.calls()
    assert shown.text == ACCESS, "nothing but the access number is dialled"
    call = reaches(shown)
    assert (call.presented_cli, call.heard) == (MOBILE, [])
    assert ana.books() == paid()
    record, kept = CDR.objects.get(), Call.objects.get()
    assert (record.account, record.destination, record.duration_seconds, record.charge) == (
        ana.account, FRIEND, 70, PRICE,
    )  # fmt: skip
    rule = CallThrough.objects.get()
    assert (kept.call_through, rule.claimed_by, rule.destination) == (rule, kept.pk, FRIEND)
    assert ana.app.balance().text == "$4.88"


def test_the_way_in_is_paid_for_by_the_access_numbers_deck(ana: Ana) -> None:
    dearer = a_deck({"44": "0.10"}, name="by access number").deck
    AccessNumber.objects.get().rate_decks.add(dearer)
    reaches(ana.calls())
    assert ana.books() == (Decimal("4.80"), Decimal(0), Decimal("0.20"))


def test_one_wish_is_one_call(ana: Ana) -> None:
    shown = ana.calls()
    reaches(shown)
    assert shown.dial_string is not None
    again = ana.app.dial(shown.dial_string, phone=TALKS)
    ana.platform.run()
    assert heard(again)[0].startswith("Please enter your PIN"), "the second time nothing was asked for"
    assert ana.books() == paid()


def test_whoever_calls_another_number_at_once_reaches_that_one(ana: Ana) -> None:
    shown = ana.calls(FRIEND, instead=OTHER)
    assert shown.target == OTHER
    reaches(shown)
    assert ana.books() == paid()
    assert CallThrough.objects.get(destination=FRIEND).claimed_by is None


def test_an_app_that_asks_twice_makes_one_call(ana: Ana) -> None:
    reaches(ana.calls(FRIEND, twice=True))
    assert ana.books() == paid()
    assert CallThrough.objects.filter(claimed_by__isnull=False).count() == 1


def test_whoever_dials_too_late_is_asked_for_the_pin_and_pays_nothing(ana: Ana) -> None:
    call = ana.dials_late(ana.app.ask(FRIEND))
    assert heard(call)[0].startswith("Please enter your PIN")
    assert (call.presented_cli, ana.books()) == (None, (Decimal(5), Decimal(0), Decimal(0)))
    assert not Hold.objects.exists()


def test_whoever_hides_the_number_is_asked_for_the_pin(ana: Ana) -> None:
    shown = ana.calls(FRIEND, cli="anonymous")
    assert shown.call is not None
    assert heard(shown.call)[0].startswith("Please enter your PIN")
    assert not Hold.objects.exists()


def test_a_wish_that_would_be_refused_is_refused_before_anybody_dials(ana: Ana) -> None:
    Account.objects.update(highest_price_per_minute="0.05")
    shown = ana.calls()
    assert (shown.kind, shown.exchange.status, shown.call) == ("message", 403, None)
    assert shown.text == "Calls to this number cost more than your account allows: ask your operator."


# --- what gets lost on the way ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "faults",
    [
        (Repeat("ice"),),
        (Repeat("ice", after_seconds=30), Repeat("dice", times=3)),
        (Repeat("ace"), Lose("ace")),
        (Swap("ace"),),
    ],
    ids=["ice twice", "ice again in the call, dice thrice", "no ace", "ace overtaken"],
)
def test_a_callback_that_is_doubled_lost_or_overtaken_changes_nothing(ana: Ana, faults: tuple[Fault, ...]) -> None:
    reaches(ana.calls(FRIEND, *faults))
    assert ana.books() == paid()
    assert (Hold.objects.count(), CDR.objects.count()) == (1, 1)


def test_a_hang_up_that_never_comes_is_asked_for(ana: Ana) -> None:
    reaches(ana.calls(FRIEND, Lose("dice")))
    assert held(ana.account) > 0
    reconcile(timezone.now() + timedelta(hours=6))
    assert CDR.objects.get().source == CDR.Source.ASKED
    assert ana.books() == paid()


@pytest.mark.parametrize("fault", [Lose("ice"), Swap("ice")], ids=["lost", "overtaken by its own hang-up"])
def test_a_call_that_was_not_put_through_leaves_its_wish_to_the_next(ana: Ana, fault: Fault) -> None:
    shown = ana.calls(FRIEND, fault)
    assert shown.dial_string is not None
    assert not Hold.objects.exists()
    ana.app.dial(shown.dial_string, phone=TALKS)
    ana.platform.run()
    assert ana.books() == paid()


# --- with tones ------------------------------------------------------------------------------------------------------


def test_pin_and_destination_travel_as_tones_through_the_calling_card(ana: Ana) -> None:
    Line.objects.update(dial_form="pin_and_destination")
    shown = ana.calls()
    assert shown.text == f"{ACCESS},,{ana.line.pin}#00442079460101#"
    call = reaches(shown)
    assert shown.unheard == ()
    asked, told, *_ = heard(call)
    assert asked.startswith("Please enter your PIN")
    assert told.startswith("You have 5.00 US dollars.")
    assert not CallThrough.objects.exists()
    assert ana.books() == paid()
    assert CDR.objects.get().duration_seconds == 70, "the time in the menu is nobody's talk"


def test_a_revoked_lines_tones_prove_nothing(ana: Ana) -> None:
    Line.objects.update(dial_form="pin_and_destination")
    shown = ana.app.ask(FRIEND)
    lines.revoke(ana.line)
    assert shown.dial_string is not None
    call = ana.app.dial(shown.dial_string, phone=TALKS)
    ana.platform.run()
    assert heard(call)[1].startswith("This PIN is not right.")
    assert ana.books() == (Decimal(5), Decimal(0), Decimal(0))
