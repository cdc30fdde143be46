"""An operator builds a menu in a real browser, sees it drawn and tries it on the telephone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from accounts.models import User
from telephony import menus
from telephony.menus import Action, Destination, Digits, Keys, Pin, Question, say
from telephony.models import AccessNumber, Menu, MenuVersion
from tests.browser.visitor import LOOKS, PASSWORD, Visitor, follow
from tests.builders import an_account, an_application

pytestmark = pytest.mark.django_db(transaction=True)

ADD = "/admin/telephony/menu/add/"


@pytest.fixture
def staff_at(visit: Callable[..., Visitor]) -> Callable[..., Visitor]:
    """Somebody of the staff, signed in at a page."""
    User.objects.create_superuser("staff@example.com", PASSWORD)

    def enter(path: str, size: str = "desktop", colours: str = "light") -> Visitor:
        visitor = visit(size, colours)
        visitor.sign_in("staff@example.com", path)
        return visitor

    return enter


def a_large_menu() -> Menu:
    """A menu in force that has something of everything, two numbers and an earlier version."""
    account = an_account("Harbour Café", numbers=["+442079460999"])
    night = Menu.objects.create(name="At night")
    closed = menus.Menu("closed", (Question("closed", say("We are closed."), Keys({"1": Action.hang_up()})),))
    MenuVersion.objects.create(menu=night, number=1, definition=menus.write_menu(closed))
    actions = {
        "1": Action.goto("sales"),
        "2": Action.goto("support"),
        "3": Action.speak_balance("welcome"),
        "4": Action.ask_destination(),
        "8": Action.transfer(night.pk),
        "9": Action.goto("welcome"),
        "#": Action.hang_up(say("Thank you for calling Harbour Café.")),
    }
    welcome = Question(
        "welcome",
        say("Welcome to Harbour Café. For sales press 1, for support press 2, for your balance press 3."),
        Keys(actions),
        repeat_prompt=say("Please press a key."),
    )
    shop = {"1": Action.connect("+442079460101"), "2": Action.connect_account(account.pk), "0": Action.goto("welcome")}
    sales = Question("sales", say("For tables, press 1. For boats, press 2."), Keys(shop))
    support = {
        "1": Action.goto("customer"),
        "2": Action.give_back("complaint", "customer"),
        "0": Action.goto("welcome"),
    }
    questions = (
        welcome,
        sales,
        Question("support", say("For help with an order, press 1."), Keys(support)),
        Question("customer", say("Please enter your customer number."), Digits(8, "proof")),
        Question("proof", say("And your PIN, please."), Pin("call")),
        Question("call", say("Which number do you wish to reach?"), Destination()),
    )
    menu = Menu.objects.create(name="Front desk")
    first = menus.Menu("welcome", (Question("welcome", say("Hello."), Keys({"1": Action.hang_up()})),))
    MenuVersion.objects.create(menu=menu, number=1, definition=menus.write_menu(first))
    MenuVersion.objects.create(menu=menu, number=2, definition=menus.write_menu(menus.Menu("welcome", questions)))
    for number in ("+442079460100", "+12025550101"):
        AccessNumber.objects.create(number=number, application=an_application(), menu=menu, account=account)
    return menu


def test_a_menu_is_built_drawn_tried_and_saved(staff_at: Any) -> None:
    staff = staff_at(ADD)
    page = staff.page
    page.get_by_label("Name", exact=True).first.fill("Front desk")
    page.locator("#id_q1-says").fill("Welcome. For sales, press 1.")
    first = page.locator("#q1-k1")
    first.get_by_label("Does").select_option("goto")
    first.get_by_label("Question").fill("sales")
    follow(page.get_by_role("button", name="Add question"))
    assert page.url.endswith("#q2")
    page.locator("#id_q2-name").fill("sales")
    page.locator("#id_q2-says").fill("One moment.")
    key = page.locator("#q2-k1")
    key.get_by_label("Key", exact=True).fill("1")
    key.get_by_label("Does").select_option("connect")
    key.get_by_label("Number").fill("+44 20 7946 0101")
    adds = page.get_by_role("button", name="Add key to sales")
    follow(adds.or_(page.get_by_role("button", name="Add key to question-1")))
    page.locator("#q2-k2").get_by_label("Key", exact=True).fill("x")
    follow(page.get_by_role("button", name="Save"))
    assert "2 things to put right" in page.inner_text(".fault-list")
    assert "A key is one of 0 to 9" in page.inner_text("#q2-k2")
    assert not Menu.objects.exists()
    staff.picture("menu-faults")
    follow(page.get_by_role("button", name="Remove key x of sales"))
    assert page.locator("svg.menu-picture .question").count() == 2
    assert "Connect +44 20 7946 0101" in page.locator("svg.menu-picture").text_content()

    follow(page.get_by_role("button", name="Try it on the telephone"))
    follow(page.get_by_role("button", name="1", exact=True))
    follow(page.get_by_role("button", name="1", exact=True))
    assert "+44 20 7946 0101 rings." in page.inner_text(".bubbles")
    follow(page.get_by_role("button", name="Back to the editor"))
    assert page.locator("#id_q2-says").input_value() == "One moment."
    follow(page.get_by_role("button", name="Save"))
    assert "Saved as version 1." in page.inner_text(".messagelist")
    saved = Menu.objects.get().in_force
    assert saved is not None
    assert saved.read().question("sales") == Question(
        "sales", say("One moment."), Keys({"1": Action.connect("+442079460101")})
    )


def test_only_what_an_action_has_is_shown(staff_at: Any) -> None:
    page = staff_at(ADD).page
    row = page.locator("#q1-k1")
    row.get_by_label("Does").select_option("connect")
    assert row.locator("label:visible").all_inner_texts() == ["Key", "Does", "Number"]
    row.get_by_label("Does").select_option("hang_up")
    assert row.locator("label:visible").all_inner_texts() == ["Key", "Does", "What callers hear first"]
    row.get_by_label("Does").select_option("return")
    assert row.locator("label:visible").all_inner_texts() == ["Key", "Does", "Value", "Then asks"]
    page.get_by_label("Then waits for").select_option("digits")
    assert not row.is_visible()
    assert page.get_by_label("Digits at most").is_visible()


def test_the_return_key_never_removes_or_saves_anything(staff_at: Any) -> None:
    page = staff_at(ADD).page
    page.locator("#id_name").fill("Front desk")
    with page.expect_navigation():
        page.locator("#id_name").press("Enter")
    assert not Menu.objects.exists()
    assert page.locator("#id_name").input_value() == "Front desk"
    assert page.locator(".key-row").count() == 2
    follow(page.get_by_role("button", name="Try it on the telephone"))
    page.get_by_label("Several keys").fill("11234#")
    with page.expect_navigation():
        page.get_by_label("Several keys").press("Enter")
    assert "You have 4.20 US dollars." in page.inner_text(".bubbles")


@pytest.mark.parametrize(("size", "colours"), LOOKS)
def test_the_pages_of_menus_fit_and_work_everywhere(staff_at: Any, size: str, colours: str) -> None:
    menu = a_large_menu()
    number = AccessNumber.objects.first()
    assert number is not None
    staff = staff_at("/admin/", size, colours)
    pages = {
        "list": "menu/",
        "editor": f"menu/{menu.pk}/change/",
        "new": "menu/add/",
        "version": f"menu/{menu.pk}/versions/1/",
        "try": f"menu/{menu.pk}/try/",
        "numbers": "accessnumber/",
        "number": f"accessnumber/{number.pk}/change/",
    }
    for name, path in pages.items():
        staff.go(f"/admin/telephony/{path}")
        staff.picture(f"menu-{name}")
        assert not staff.is_wider_than_its_window(), path
    staff.go(f"/admin/telephony/menu/{menu.pk}/try/")
    for key in "7", "3", "Say nothing":
        follow(staff.page.get_by_role("button", name=key, exact=True))
    staff.page.get_by_label("Several keys").fill("1234#")
    follow(staff.page.get_by_role("button", name="Press them", exact=True).last)
    assert "You have 4.20 US dollars." in staff.text()
    staff.picture("menu-trying")
    assert not staff.is_wider_than_its_window()
