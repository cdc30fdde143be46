"""Menus and access numbers on the staff's site, through the pages as a browser sends them."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client

from accounts.models import CallerNumber
from telephony import menus
from telephony.admin.menu_fields import read_lines, write_fields
from telephony.menus import Action, Destination, Digits, Does, Keys, Pin, Question, Sound, Spoken, say
from telephony.models import AccessNumber, Application, Menu, MenuVersion
from tests.accounts.test_admin import staff
from tests.billing.test_admin import queries_of
from tests.builders import an_account, an_application

pytestmark = pytest.mark.django_db

ADD = "/admin/telephony/menu/add/"
TRY = "/admin/telephony/menu/try/"
NUMBERS = "/admin/telephony/accessnumber/"
OUR_NUMBER = "+442079460100"
A_NUMBER = "+442079460101"


def change(menu: Menu) -> str:
    return f"/admin/telephony/menu/{menu.pk}/change/"


def a_menu(name: str = "Front desk", **actions: Action) -> Menu:
    """A menu saved once, of one question with these keys: `k1=Action.hang_up()`."""
    keys = {key.removeprefix("k"): action for key, action in actions.items()} or {"1": Action.hang_up()}
    menu = Menu.objects.create(name=name)
    a_version(menu, 1, keys)
    return menu


def a_version(menu: Menu, number: int, keys: dict[str, Action], text: str = "Hello.") -> MenuVersion:
    asked = menus.Menu("welcome", (Question("welcome", say(text), Keys(keys)),))
    return MenuVersion.objects.create(menu=menu, number=number, definition=menus.write_menu(asked))


def drawn(page: str) -> dict[str, str]:
    """The fields of the editor as a browser would send them back."""
    form = page[page.index('class="menu-form"') : page.index('<datalist id="targets"')]
    fields: dict[str, str] = {}
    for tag in re.findall(r"<input[^>]*>", form):
        attributes = dict(re.findall(r'([a-z]+)="([^"]*)"', tag))
        fields[attributes["name"]] = unescape(attributes.get("value", ""))
    for name, text in re.findall(r'<textarea name="([^"]*)"[^>]*>\n?(.*?)</textarea>', form, re.S):
        fields[name] = unescape(text)
    for name, options in re.findall(r'<select name="([^"]*)"[^>]*>(.*?)</select>', form, re.S):
        chosen = re.search(r'<option value="([^"]*)" selected', options) or re.search(r'value="([^"]*)"', options)
        fields[name] = unescape(chosen[1]) if chosen else ""
    fields.pop("csrfmiddlewaretoken", None)
    return fields


def post(client: Client, path: str, fields: dict[str, str], do: str = "save") -> Any:
    return client.post(path, {**fields, "do": do})


def text_of(page: Any) -> str:
    return unescape(page.content.decode())


def element(page: Any, id: str) -> str:
    """What is written from an element's id to the next section or row."""
    text = page.content.decode()
    start = text.index(f'id="{id}"')
    end = re.compile(r'<section|<div class="key-row').search(text, start)
    return unescape(text[start : end.start() if end else None])


def three_levels() -> menus.Menu:
    return menus.Menu(
        "welcome",
        (
            Question(
                "welcome",
                (Spoken("Welcome to Harbour Café."), Sound("https://example.com/jingle.mp3")),
                Keys(
                    {
                        "1": Action.goto("sales"),
                        "2": Action.speak_balance("welcome"),
                        "3": Action.goto("customer"),
                        "9": Action.ask_pin("own", say("Now your secret number.")),
                        "*": Action.ask_destination(),
                        "#": Action.hang_up(say("See you.")),
                    }
                ),
                repeat_prompt=say("Please press a key."),
                repeats=3,
                wait_seconds=7,
            ),
            Question(
                "sales", say("For boats, press 1."), Keys({"1": Action.goto("boats"), "0": Action.goto("welcome")})
            ),
            Question(
                "boats", say("Which?"), Keys({"1": Action.connect(A_NUMBER), "2": Action.give_back("row", "sales")})
            ),
            Question("customer", say("Your customer number?"), Digits(9, "desk")),
            Question("desk", say("Your PIN?"), Pin("own")),
            Question("own", say("Which number?"), Destination()),
        ),
        "en-GB",
    )


def test_a_menu_of_three_levels_is_built_through_the_form(admin_client: Client) -> None:
    fields = drawn(admin_client.get(ADD).content.decode())
    wanted = {"name": "Front desk", **write_fields(three_levels())}
    do = [*["add-question"] * 5, *[f"add-key:{card}" for card in ["q1"] * 4 + ["q2"] + ["q3"]]]
    for step in do:
        fields = drawn(post(admin_client, ADD, fields, step).content.decode())
    assert Menu.objects.count() == 0  # nothing is saved on the way
    names = set(fields)
    answer = post(admin_client, ADD, {name: wanted.get(name, text) for name, text in fields.items()})
    assert set(wanted) <= names
    menu = Menu.objects.get()
    assert answer.url == change(menu)
    assert menu.in_force is not None
    assert (menu.name, menu.in_force.number, menu.in_force.read()) == ("Front desk", 1, three_levels())
    assert menu.in_force.saved_by is not None
    assert LogEntry.objects.get().change_message == "Saved as version 1."


def test_what_is_saved_comes_back_into_the_form_as_it_was(admin_client: Client) -> None:
    account, other = an_account("Harbour Café", numbers=["+442079460999"]), a_menu("Night")
    asked = three_levels()
    own = Question(
        "last", say("Last."), Keys({"1": Action.connect_account(account.pk), "2": Action.transfer(other.pk)})
    )
    keys = Keys({"1": Action.goto("sales"), "3": Action.goto("customer"), "8": Action.goto("last")})
    first = Question("welcome", asked.questions[0].prompt, keys)
    asked = menus.Menu("welcome", (first, *asked.questions[1:], own), "en-GB")
    menu = Menu.objects.create(name="Front desk")
    MenuVersion.objects.create(menu=menu, number=1, definition=menus.write_menu(asked))
    page = admin_client.get(change(menu)).content.decode()
    fields = drawn(page)
    assert {"Harbour Café", "Night", "+44 20 7946 0101"} <= set(fields.values())
    said = post(admin_client, change(menu), fields)
    assert said.status_code == 302
    assert menu.versions.count() == 1  # nothing was changed, so nothing was saved
    post(admin_client, change(menu), {**fields, "q1-repeats": "0"})
    assert menu.in_force is not None
    saved = menu.in_force.read()
    assert (saved.questions[1:], saved.questions[0].repeats) == (asked.questions[1:], 0)


def test_a_new_menu_begins_with_something_sensible(admin_client: Client) -> None:
    fields = drawn(admin_client.get(ADD).content.decode())
    post(admin_client, ADD, {**fields, "name": "Front desk"})
    menu = Menu.objects.get()
    assert menu.in_force is not None
    assert len(menu.in_force.read().questions) == 1


PUT_WRONG = [
    ({"q2-k1-target": "nowhere"}, "q2-k1", "There is no question called “nowhere”"),
    ({"q2-k1-key": ""}, "q2-k1", "Write which key it is."),
    ({"q1-k2-key": "1"}, "q1-k2", "Key 1 is there already."),
    ({"q3-k1-target": "020 7946 0101"}, "q3-k1", "Write the number to connect to"),
    ({"q3-k1-does": "connect_account", "q3-k1-target": "Nobody"}, "q3-k1", "There is no account called “Nobody”"),
    ({"q3-k1-does": "connect_account", "q3-k1-target": "7"}, "q3-k1", "There is no account called “7”"),
    ({"q3-k1-does": "transfer", "q3-k1-target": "Night"}, "q3-k1", "There is no menu called “Night”"),
    ({"q1-says": " \n "}, "q1", "It says nothing"),
    ({"q1-repeats": "often"}, "q1", "Repeated: Enter a whole number."),
    ({"q1-repeats": "9"}, "q1", "It can be repeated 0 to 5 times."),
    ({"q4-most": ""}, "q4", "It can take 1 to 32 digits."),
    ({"q2-name": "main", "q2-was": ""}, "q2", "“main” is a name that providers use"),
    ({"name": ""}, "menu-head", "The menu needs a name."),
    ({"locale": "english"}, "menu-head", "Write the language as a language and a country"),
    ({"start": "nowhere"}, "menu-head", "There is no question called “nowhere” to begin with."),
]


@pytest.mark.parametrize(("wrong", "place", "sentence"), PUT_WRONG)
def test_a_menu_that_cannot_work_is_not_saved_and_the_page_says_where(
    admin_client: Client, wrong: dict[str, str], place: str, sentence: str
) -> None:
    fields = {"name": "Front desk", **write_fields(three_levels()), **wrong}
    page = post(admin_client, ADD, fields)
    assert Menu.objects.count() == 0
    assert sentence in element(page, place)
    assert f'href="#{place}"' in element(page, "faults")
    kept = drawn(page.content.decode())
    assert {name: kept[name].replace("\r\n", "\n") for name in wrong if not name.endswith("was")} == {
        name: text for name, text in wrong.items() if not name.endswith("was")
    } or sentence == "It says nothing"


def test_every_problem_is_said_at_once(admin_client: Client) -> None:
    wrong = {"name": "", "q1-says": "", "q2-k1-target": "nowhere", "q3-k1-target": "12"}
    page = text_of(post(admin_client, ADD, {**write_fields(three_levels()), **wrong}))
    assert "Not saved yet: 5 things to put right" in page  # nobody comes to the boats any more either


def test_a_question_that_gets_another_name_keeps_what_leads_to_it(admin_client: Client) -> None:
    fields = {"name": "Front desk", **write_fields(three_levels()), "q1-name": "hello", "q2-name": "boats-and-more"}
    post(admin_client, ADD, fields)
    menu = Menu.objects.get()
    assert menu.in_force is not None
    saved = menu.in_force.read()
    assert saved.start == "hello"
    welcome = saved.question("hello")
    assert welcome is not None
    assert isinstance(welcome.expects, Keys)
    assert welcome.expects.actions["1"] == Action.goto("boats-and-more")
    assert welcome.expects.actions["2"] == Action.speak_balance("hello")


def test_questions_and_keys_are_removed_on_the_page_alone(admin_client: Client) -> None:
    menu = a_menu(k1=Action.hang_up(), k2=Action.speak_balance())
    fields = drawn(admin_client.get(change(menu)).content.decode())
    fields = drawn(post(admin_client, change(menu), fields, "remove:q1-k1").content.decode())
    assert [fields[name] for name in fields if name.endswith("-key")] == ["2"]
    fields = drawn(post(admin_client, change(menu), fields, "add-question").content.decode())
    fields = drawn(post(admin_client, change(menu), fields, "remove:q1").content.decode())
    assert [name for name in fields if name.endswith("-name")] == ["q2-name"]
    assert menu.versions.count() == 1


def test_a_page_does_not_grow_beyond_what_can_be_sent(admin_client: Client, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_NUMBER_FIELDS = 60
    fields = drawn(admin_client.get(ADD).content.decode())
    sizes = []
    for _ in range(8):
        page = post(admin_client, ADD, fields, "add-question")
        fields = drawn(page.content.decode())
        sizes.append(len(fields))
    assert sizes[-1] == sizes[-2] <= 60
    assert "The page cannot hold more." in text_of(page)


def test_a_page_does_not_grow_beyond_the_bytes_that_can_be_sent(admin_client: Client, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 2_000
    fields = drawn(admin_client.get(ADD).content.decode())
    assert "The page cannot hold more." not in text_of(post(admin_client, ADD, fields, "add-question"))
    room = 1_900 - sum(len(name) + len(text) for name, text in fields.items() if name != "q1-says")
    page = post(admin_client, ADD, {**fields, "q1-says": "é" * (room // 2)}, "add-question")
    assert page.status_code == 200
    assert "The page cannot hold more." in text_of(page)


def test_lines_of_every_kind_are_read_alike() -> None:
    text = "Hello.\r\n\r\n  https://example.com/a.mp3  \nBye.\r"
    assert read_lines(text) == (Spoken("Hello."), Sound("https://example.com/a.mp3"), Spoken("Bye."))


def test_texts_with_line_ends_commas_and_quotes_are_kept(admin_client: Client) -> None:
    said = 'Press 1, "please".\r\nOr =2+3, or 2.'
    post(admin_client, ADD, {"name": "Front desk", **write_fields(three_levels()), "q1-says": said})
    menu = Menu.objects.get()
    assert menu.in_force is not None
    assert menu.in_force.read().questions[0].prompt == (Spoken('Press 1, "please".'), Spoken("Or =2+3, or 2."))


# --- two people ---


def test_whoever_saves_second_is_told_and_loses_nothing(admin_client: Client) -> None:
    menu = a_menu()
    mine = drawn(admin_client.get(change(menu)).content.decode())
    post(admin_client, change(menu), {**mine, "q1-says": "Theirs."})
    page = post(admin_client, change(menu), {**mine, "q1-says": "Mine."})
    assert "saved <a" in page.content.decode()
    assert menu.versions.count() == 2
    fields = drawn(page.content.decode())
    assert fields["q1-says"] == "Mine."
    post(admin_client, change(menu), fields)
    assert menu.in_force is not None
    assert (menu.in_force.number, menu.in_force.read().questions[0].prompt) == (3, say("Mine."))


def test_two_menus_cannot_have_one_name(admin_client: Client) -> None:
    a_menu("Front desk")
    page = post(admin_client, ADD, {"name": "Front desk", **write_fields(three_levels())})
    assert "There is already a menu called “Front desk”." in text_of(page)


def test_another_name_alone_is_no_new_version(admin_client: Client) -> None:
    menu = a_menu()
    fields = drawn(admin_client.get(change(menu)).content.decode())
    post(admin_client, change(menu), {**fields, "name": "Reception"})
    menu.refresh_from_db()
    assert (menu.name, menu.versions.count()) == ("Reception", 1)
    assert LogEntry.objects.get().change_message == "Renamed."


# --- versions ---


def test_an_earlier_version_can_be_looked_at_and_used_again(admin_client: Client) -> None:
    menu = a_menu()
    a_version(menu, 2, {"1": Action.speak_balance()}, "Changed.")
    path = f"/admin/telephony/menu/{menu.pk}/versions/1/"
    assert "Hello." in text_of(admin_client.get(path))
    admin_client.post(path)
    first, _, third = menu.versions.order_by("number")
    assert (third.number, third.definition) == (3, first.definition)
    assert LogEntry.objects.get().change_message == "Version 1 used again as version 3."
    admin_client.post(path)
    assert menu.versions.count() == 3  # it is in force already


def test_a_version_that_could_not_work_today_is_not_used_again(admin_client: Client) -> None:
    menu = a_menu(k1=Action.connect_account(4711))
    a_version(menu, 2, {"1": Action.hang_up()})
    answer = admin_client.post(f"/admin/telephony/menu/{menu.pk}/versions/1/", follow=True)
    assert "This account is not there any more." in text_of(answer)
    assert menu.versions.count() == 2


def test_a_menu_is_never_deleted_and_the_page_says_why(admin_client: Client) -> None:
    menu = a_menu()
    assert admin_client.post(f"/admin/telephony/menu/{menu.pk}/delete/", {"post": "yes"}).status_code == 403
    assert "A menu is not deleted, because calls keep the version they began with." in text_of(
        admin_client.get(change(menu))
    )


# --- what the rest of the house says ---


def an_access_number(menu: Menu | None = None, **fields: Any) -> AccessNumber:
    application = Application.objects.first() or an_application()
    return AccessNumber.objects.create(**{"number": OUR_NUMBER, "application": application, "menu": menu, **fields})


def saving(client: Client, menu: Menu, key: Action) -> str:
    """What the page says when a menu's only key is to do this."""
    fields = drawn(client.get(change(menu)).content.decode())
    names = {Does.CONNECT_ACCOUNT: {key.target: key.target}, Does.TRANSFER: {key.target: key.target}}
    new = write_fields(menus.Menu("welcome", (Question("welcome", say("Hello."), Keys({"1": key})),)), names)
    page = post(client, change(menu), {**fields, **new})
    return element(page, "q1-k1") + element(page, "menu-head") if page.status_code == 200 else "saved"


def test_an_account_that_is_called_needs_a_number_to_be_reached_at(admin_client: Client) -> None:
    an_account("Harbour Café")
    key = Action(Does.CONNECT_ACCOUNT, "Harbour Café")
    menu = a_menu()
    assert "Harbour Café has no verified number" in saving(admin_client, menu, key)
    number = CallerNumber.objects.create(account=an_account("Mole"), number="+442079460999")
    assert "Mole has no verified number" in saving(admin_client, menu, Action(Does.CONNECT_ACCOUNT, "Mole"))
    an_account("Pier", numbers=["+442079460998"])
    assert saving(admin_client, menu, Action(Does.CONNECT_ACCOUNT, "Pier")) == "saved"
    assert number.verified_at is None


def test_a_key_does_not_call_one_of_our_own_numbers(admin_client: Client) -> None:
    an_access_number(a_menu("Night"))
    said = saving(admin_client, a_menu(), Action.connect(OUR_NUMBER))
    assert "+44 20 7946 0100 is a number of ours" in said


def test_menus_that_only_hand_callers_around_are_refused(admin_client: Client) -> None:
    menu = a_menu("Day")
    a_menu("Night", k1=Action.transfer(menu.pk))
    assert "Callers are only handed from menu to menu" in saving(admin_client, menu, Action(Does.TRANSFER, "Night"))
    a_menu("Real", k1=Action.hang_up())
    assert saving(admin_client, menu, Action(Does.TRANSFER, "Real")) == "saved"


def test_nobody_is_connected_at_nobodys_cost_by_changing_a_menu(admin_client: Client) -> None:
    inner = a_menu("Inner")
    an_access_number(a_menu("Outer", k1=Action.transfer(inner.pk)))
    assert "no account pays for that number" in saving(admin_client, inner, Action.connect(A_NUMBER))
    AccessNumber.objects.update(account=an_account())
    assert saving(admin_client, inner, Action.connect(A_NUMBER)) == "saved"


# --- the telephone ---


def test_the_telephone_plays_what_is_on_the_page_unsaved(admin_client: Client) -> None:
    fields = write_fields(three_levels())
    page = text_of(admin_client.post(TRY, {**fields, "pressed": "1", "press": "1"}))
    for line in ("Welcome to Harbour Café.", "♪ https://example.com/jingle.mp3", "For boats, press 1.", "Which?"):
        assert line in page
    assert 'name="pressed" value="11"' in page
    ended = text_of(admin_client.post(TRY, {**fields, "pressed": "11", "press": "1"}))
    assert "+44 20 7946 0101 rings." in ended
    assert "The call has ended." in ended
    assert (Menu.objects.count(), MenuVersion.objects.count()) == (0, 0)


def test_a_press_can_be_taken_back_and_the_call_begun_again(admin_client: Client) -> None:
    fields = write_fields(three_levels())
    pressed = {
        ("11", "back"): "1",
        ("11", "again"): "",
        ("9", "typed"): "91234#",
        ("9", "s"): "9s",
        ("9", "h"): "9h",
        ("9<b>", "junk"): "9",
    }
    for (before, press), after in pressed.items():
        page = admin_client.post(TRY, {**fields, "pressed": before, "press": press, "typed": "12 34#x"})
        assert f'name="pressed" value="{after}"' in page.content.decode()


def test_a_saved_version_is_tried_by_its_address_and_goes_on_in_other_menus(admin_client: Client) -> None:
    other = a_menu("Night")
    menu = a_menu(k1=Action.transfer(other.pk))
    a_version(menu, 2, {"1": Action.hang_up()}, "Second.")
    assert "Second." in text_of(admin_client.get(f"/admin/telephony/menu/{menu.pk}/try/"))
    first = admin_client.get(f"/admin/telephony/menu/{menu.pk}/try/?version=1")
    assert "Second." not in text_of(first)
    fields = {"name": "Front desk", "menu": str(menu.pk), "version": "1", "press": "1", "pressed": ""}
    asked = menus.Menu("welcome", (Question("welcome", say("First."), Keys({"1": Action.transfer(other.pk)})),))
    names = {Does.TRANSFER: {str(other.pk): "Night"}}
    assert text_of(admin_client.post(TRY, {**fields, **write_fields(asked, names)})).count("Hello.") == 1
    assert admin_client.get(f"/admin/telephony/menu/{menu.pk}/try/?version=9").status_code == 404


def test_a_menu_that_cannot_work_is_not_tried_but_explained(admin_client: Client) -> None:
    page = text_of(admin_client.post(TRY, {**write_fields(three_levels()), "q1-says": ""}))
    assert "It says nothing" in page
    assert "Save" in page


# --- who may do what ---


def test_who_may_only_look_sees_everything_and_changes_nothing(client: Client) -> None:
    menu = a_menu()
    staff(client, "view_menu")
    fields = {"name": "x", "version": "1", "menu": str(menu.pk), **write_fields(three_levels())}
    page = text_of(client.get(change(menu)))
    assert "<svg" in page
    assert '<fieldset class="menu-fields" disabled>' in page
    assert "Add question" not in page
    assert client.get(ADD).status_code == 403
    assert client.get(f"/admin/telephony/menu/{menu.pk}/try/").status_code == 200
    assert client.post(TRY, {**fields, "press": "1"}).status_code == 200
    assert client.post(change(menu), fields).status_code == 403
    assert client.post(f"/admin/telephony/menu/{menu.pk}/versions/1/").status_code == 403
    assert client.get(f"/admin/telephony/menu/{menu.pk}/versions/1/").status_code == 200


def test_who_may_not_look_sees_nothing(client: Client) -> None:
    menu = a_menu()
    staff(client, "view_call")
    for path in (change(menu), f"/admin/telephony/menu/{menu.pk}/try/", f"/admin/telephony/menu/{menu.pk}/versions/1/"):
        assert client.get(path).status_code == 403
    assert client.post(TRY, {"menu": str(menu.pk), **write_fields(three_levels())}).status_code == 403
    assert client.post(TRY, write_fields(three_levels())).status_code == 403


def test_every_post_needs_its_token(admin_user: Any) -> None:
    menu = a_menu()
    client = Client(enforce_csrf_checks=True)
    client.force_login(admin_user)
    for path in (ADD, change(menu), TRY, f"/admin/telephony/menu/{menu.pk}/versions/1/", f"{NUMBERS}add/"):
        assert client.post(path, write_fields(three_levels())).status_code == 403


SCRIPT = "\"'><script>alert(1)</script>"


def test_no_text_of_anybody_runs_in_the_page(admin_client: Client) -> None:
    an_account(SCRIPT[:40], numbers=["+442079460999"])
    other = a_menu(f"{SCRIPT} menu")
    texts = {
        name: SCRIPT
        for name in write_fields(three_levels())
        if name.rpartition("-")[2] in ("name", "was", "says", "repeat_says", "target", "then", "key", "start", "locale")
    }
    fields = {"name": SCRIPT, **write_fields(three_levels()), **texts}
    an_access_number(other)
    a_version(other, 2, {"1": Action.give_back(SCRIPT), SCRIPT: Action.goto(SCRIPT)}, SCRIPT)
    pages = [
        post(admin_client, ADD, fields),
        admin_client.post(TRY, fields),
        admin_client.get(change(other)),
        admin_client.get(f"/admin/telephony/menu/{other.pk}/versions/2/"),
        admin_client.get(f"/admin/telephony/menu/{other.pk}/try/"),
        admin_client.get("/admin/telephony/menu/"),
        admin_client.get(NUMBERS),
    ]
    for page in pages:
        assert page.status_code == 200
        assert "<script>alert" not in page.content.decode()
        assert "alert(1)" in text_of(page)


def test_ten_menus_take_as_many_queries_as_one(admin_client: Client) -> None:
    an_access_number(a_menu("first"))
    few = len(queries_of(admin_client, "/admin/telephony/menu/"))
    for number in range(9):
        menu = a_menu(f"menu {number}")
        an_access_number(menu, number=f"+44207946020{number}")
    page = admin_client.get("/admin/telephony/menu/")
    assert "+44 20 7946 0205" in text_of(page)
    assert len(queries_of(admin_client, "/admin/telephony/menu/")) == few


# --- access numbers ---


def number_fields(**fields: Any) -> dict[str, Any]:
    application = Application.objects.first() or an_application()
    return {
        "number": OUR_NUMBER,
        "application": application.pk,
        "leads": "as_below",
        "locale": "en-US",
        "enabled": "on",
        "menu": "",
        "connects_to": "",
        "account": "",
        **fields,
    }


def test_a_number_is_written_as_people_write_it_and_leads_to_a_menu(admin_client: Client) -> None:
    menu = a_menu()
    admin_client.post(f"{NUMBERS}add/", number_fields(number="+44 (0)20 7946 0100", menu=menu.pk))
    number = AccessNumber.objects.get()
    assert (number.number, number.menu, number.account) == (OUR_NUMBER, menu, None)
    page = text_of(admin_client.get(NUMBERS))
    assert "+44 20 7946 0100" in page
    assert "Front desk" in page
    assert LogEntry.objects.count() == 1


def test_a_number_leads_to_a_number_or_to_its_accounts_own(admin_client: Client) -> None:
    account = an_account("Pier", numbers=["+442079460998"])
    admin_client.post(f"{NUMBERS}add/", number_fields(connects_to="+44 20 7946 0101", account=account.pk))
    admin_client.post(f"{NUMBERS}add/", number_fields(number="+442079460102", account=account.pk))
    assert list(AccessNumber.objects.order_by("number").values_list("connects_to", "account")) == [
        (A_NUMBER, account.pk),
        ("", account.pk),
    ]
    page = text_of(admin_client.get(NUMBERS))
    assert "+44 20 7946 0101" in page
    assert "the number of Pier" in page


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"number": "12"}, "Begin the number with + and the country code."),
        ({}, "Without a menu an account has to pay for the calls it connects."),
        ({"menu": "day", "connects_to": A_NUMBER}, "Choose a menu or a number, not both."),
        ({"menu": "empty"}, "Nothing was saved in the menu “Empty” yet."),
        ({"connects_to": OUR_NUMBER, "account": "pier"}, "A number cannot lead to itself."),
        ({"connects_to": "+442079460150", "account": "pier"}, "This is an access number of ours"),
        ({"account": "mole"}, "Mole has no verified number that may be shown"),
        ({"number": "+442079460998", "connects_to": A_NUMBER, "account": "pier"}, "This is a caller number of Pier"),
        ({"menu": "day"}, "Key 1 of “welcome” in the menu “Day” connects to +44 20 7946 0101 without asking for a PIN"),
        ({"menu": "outer"}, "Key 1 of “welcome” in the menu “Day” connects to +44 20 7946 0101"),
    ],
)
def test_a_number_that_cannot_work_is_refused_with_the_reason(
    admin_client: Client, fields: dict[str, Any], sentence: str
) -> None:
    day = a_menu("Day", k1=Action.connect(A_NUMBER))
    known = {
        "day": day.pk,
        "outer": a_menu("Outer", k1=Action.transfer(day.pk)).pk,
        "empty": Menu.objects.create(name="Empty").pk,
        "pier": an_account("Pier", numbers=["+442079460998"]).pk,
        "mole": an_account("Mole").pk,
    }
    an_access_number(day, number="+442079460150", account=an_account())
    given = {name: known.get(value, value) for name, value in fields.items()}
    page = admin_client.post(f"{NUMBERS}add/", number_fields(**given))
    assert sentence in text_of(page)
    assert AccessNumber.objects.count() == 1


def test_an_account_whose_number_is_ours_cannot_be_where_a_number_leads(admin_client: Client) -> None:
    account = an_account("Pier", numbers=["+442079460150"])
    an_access_number(a_menu(), number="+442079460150")
    page = admin_client.post(f"{NUMBERS}add/", number_fields(account=account.pk))
    assert "The number of Pier is an access number" in text_of(page)


def test_a_menu_that_connects_is_fine_once_somebody_pays(admin_client: Client) -> None:
    day = a_menu("Day", k1=Action.connect(A_NUMBER))
    admin_client.post(f"{NUMBERS}add/", number_fields(menu=day.pk, account=an_account().pk))
    assert AccessNumber.objects.get().menu == day


def test_a_number_is_switched_off_and_never_deleted(admin_client: Client) -> None:
    number = an_access_number(a_menu())
    assert admin_client.post(f"{NUMBERS}{number.pk}/delete/", {"post": "yes"}).status_code == 403
    fields = number_fields(menu=number.menu_id)
    fields.pop("enabled")
    admin_client.post(f"{NUMBERS}{number.pk}/change/", fields)
    number.refresh_from_db()
    assert not number.enabled
