"""Running calls in a real browser, carried by a platform that obeys: seen, parked, hung up, gone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from accounts.models import User
from telephony.models import Call
from tests.browser.visitor import LOOKS, PASSWORD, follow
from tests.builders import an_account
from tests.telephony.live_scenes import Desk, a_call_in_a_menu, a_desk
from tests.telephony.scenes import a_running_call, an_event

pytestmark = pytest.mark.django_db(transaction=True)

LIVE = "/admin/telephony/call/live/"
RECORDING = b'{"event":"notify","callid":"c","type":"recording_available","destination":"https://example.com/a.mp3"}'


@pytest.fixture
def desk(live_server: Any) -> Iterator[Desk]:
    User.objects.create_superuser("staff@example.com", PASSWORD)
    with a_desk(live_server.url) as desk:
        yield desk


def test_a_running_call_is_seen_hung_up_and_gone(desk: Desk, visit: Any) -> None:
    _, theirs = desk.talking()
    staff = visit()
    staff.sign_in("staff@example.com", "/admin/")
    follow(staff.page.get_by_role("link", name="Running now"))
    assert "+44 7700 900123" in staff.page.locator("#live-calls").inner_text()
    assert not staff.page.get_by_text("could not be refreshed").is_visible()
    follow(staff.page.get_by_role("link", name="Hang up the call to +44 7700 900123"))
    staff.page.get_by_label("The caller hears").fill("The line is needed.")
    staff.picture("live-hang-up")
    follow(staff.page.get_by_role("button", name="Hang up"))
    assert "Hung up." in staff.page.inner_text(".messagelist")
    desk.platform.run()
    assert "The line is needed." in [heard.text for heard in theirs.heard]
    # Nobody reloads: the list notices by itself.
    staff.page.get_by_text("No call is running.").wait_for()


def test_a_running_call_is_parked_and_unparked(desk: Desk, visit: Any) -> None:
    call, theirs = desk.talking()
    staff = visit("phone", "dark")
    staff.sign_in("staff@example.com", f"/admin/telephony/call/{call.pk}/change/")
    follow(staff.page.get_by_role("link", name="Park"))
    follow(staff.page.get_by_role("button", name="Park"))
    assert "Parked for" in staff.page.inner_text(".messagelist")
    assert theirs.stage == "parked"
    follow(staff.page.get_by_role("link", name="Unpark the call"))
    staff.picture("live-unpark")
    follow(staff.page.get_by_role("button", name="Unpark"))
    assert "Unparked" in staff.page.inner_text(".messagelist")
    desk.platform.run(10)
    assert theirs.stage == "talking"


def test_the_list_refreshes_itself_only_while_it_is_wanted(desk: Desk, visit: Any) -> None:
    staff = visit()
    staff.sign_in("staff@example.com", LIVE)
    asked: list[str] = []
    staff.page.on("request", lambda request: asked.append(request.url))
    with staff.page.expect_response(lambda response: "part=table" in response.url):
        pass
    staff.page.get_by_label("Refresh every 5 seconds").uncheck()
    asked.clear()
    a_running_call(desk.account, desk.application)
    follow(staff.page.get_by_role("link", name="Reload"))
    assert "talking" in staff.page.locator("#live-calls").inner_text()
    assert not [url for url in asked if "part=table" in url]


def test_a_list_that_could_not_be_refreshed_says_that_it_is_old(desk: Desk, visit: Any) -> None:
    staff = visit()
    staff.sign_in("staff@example.com", LIVE)
    User.objects.update(is_active=False)
    staff.page.get_by_text("The list could not be refreshed: it is old.").wait_for()
    User.objects.update(is_active=True)
    staff.page.get_by_text("The list could not be refreshed: it is old.").wait_for(state="hidden")


def test_without_scripts_the_list_is_reloaded_by_hand(desk: Desk, visit: Any, chromium: Any) -> None:
    staff = visit()
    staff.sign_in("staff@example.com", LIVE)
    plain = chromium.new_context(java_script_enabled=False, storage_state=staff.window.storage_state())
    page = plain.new_page()
    page.goto(staff.address + LIVE)
    assert not page.get_by_label("Refresh every 5 seconds").is_visible()
    a_running_call(desk.account, desk.application)
    follow(page.get_by_role("link", name="Reload"))
    assert "talking" in page.locator("#live-calls").inner_text()
    plain.close()


@pytest.mark.parametrize(("size", "colours"), LOOKS)
def test_the_pages_fit_everywhere(desk: Desk, visit: Any, size: str, colours: str) -> None:
    call, _ = desk.talking()
    parked = a_running_call(desk.account, desk.application, to="+442079460777", limit_seconds=180)
    Call.objects.filter(pk=parked.pk).update(parked_at=parked.begun_at)
    a_running_call(an_account("A customer with a name that is rather long"), desk.application, limit_seconds=48)
    a_running_call(desk.account, desk.application, to="+447700900456", answered=False)
    between_apps = a_running_call(desk.account, desk.application)
    Call.objects.filter(pk=between_apps.pk).update(destination="bob", limit_seconds=None)
    in_menu = a_call_in_a_menu(desk.application)
    an_event(desk.application, in_menu.pk, kind="notified", body=RECORDING)
    staff = visit(size, colours)
    staff.sign_in("staff@example.com", LIVE)
    pages = {
        "live": LIVE,
        "live-of-account": f"{LIVE}?account={desk.account.pk}",
        "live-call": f"/admin/telephony/call/{call.pk}/change/",
        "live-call-in-menu": f"/admin/telephony/call/{in_menu.pk}/change/",
        "live-park": f"/admin/telephony/call/{call.pk}/live/park/",
        "live-unpark": f"/admin/telephony/call/{parked.pk}/live/unpark/",
        "live-dashboard": "/admin/",
    }
    for name, path in pages.items():
        staff.go(path)
        staff.picture(name)
        assert not staff.is_wider_than_its_window(), path
