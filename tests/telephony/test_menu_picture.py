"""The drawing of a menu: everything is there, nothing lies on anything else, and no text of anybody gets out."""

from __future__ import annotations

import re
from itertools import combinations
from xml.etree import ElementTree

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from telephony.menu_checks import problems_of
from telephony.menu_picture import KEY_RADIUS, draw
from telephony.menus import Action, Destination, Digits, Does, Keys, Menu, Pin, Question, Sound, Spoken, say
from tests.telephony.test_menu_checks import ANY_MENUS

A_NUMBER = "+442079460101"
SVG = "{http://www.w3.org/2000/svg}"
Box = tuple[float, float, float, float]


def menu_of(*questions: Question, start: str = "welcome") -> Menu:
    return Menu(start, questions)


def keys(**actions: Action) -> Keys:
    return Keys({name.removeprefix("k"): action for name, action in actions.items()})


MENU = menu_of(
    Question(
        "welcome",
        (Spoken("Welcome to Harbour Café, the only café in the harbour."), Sound("https://example.com/jingle.mp3")),
        keys(
            k1=Action.goto("sales"), k2=Action.speak_balance(), k3=Action.speak_balance("welcome"),
            k4=Action.ask_pin("sales"), k5=Action.ask_destination(), k6=Action.transfer(7),
            k7=Action.connect_account(8), k8=Action.goto("welcome"), k9=Action.hang_up(), k0=Action.give_back("yes"),
        ),
    ),
    Question(
        "sales",
        say("Sales."),
        keys(k1=Action.connect(A_NUMBER), k0=Action.goto("welcome"), k2=Action.goto("id")),
    ),
    Question("id", say("Number?"), Digits(8, "pin")),
    Question("pin", say("PIN?"), Pin("call")),
    Question("call", say("Whom?"), Destination()),
)  # fmt: skip
NAMES = {Does.TRANSFER: {"7": "Night"}, Does.CONNECT_ACCOUNT: {"8": "Harbour Café"}}


def parsed(menu: Menu, **options: object) -> ElementTree.Element:
    return ElementTree.fromstring(draw(menu, problems_of(menu), NAMES, **options))


def texts(svg: ElementTree.Element) -> list[str]:
    return [text.text or "" for text in svg.iter(f"{SVG}text")]


def box_of(rectangle: ElementTree.Element) -> Box:
    x, y, width, height = (float(rectangle.attrib[name]) for name in ("x", "y", "width", "height"))
    return x, y, x + width, y + height


def overlap(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def chips(svg: ElementTree.Element) -> list[Box]:
    found = [circle for circle in svg.iter(f"{SVG}circle") if circle.attrib.get("r") == str(KEY_RADIUS)]
    centres = [(float(circle.attrib["cx"]), float(circle.attrib["cy"])) for circle in found]
    return [(x - KEY_RADIUS, y - KEY_RADIUS, x + KEY_RADIUS, y + KEY_RADIUS) for x, y in centres]


def assert_nothing_lies_on_anything(svg: ElementTree.Element) -> None:
    boxes = [box_of(rectangle) for rectangle in svg.iter(f"{SVG}rect")]
    assert not [pair for pair in combinations(boxes, 2) if overlap(*pair)]
    assert not [pair for pair in combinations(chips(svg), 2) if overlap(*pair)]
    _, _, width, height = (float(figure) for figure in svg.attrib["viewBox"].split())
    assert all(left >= 0 and top >= 0 and right <= width and bottom <= height for left, top, right, bottom in boxes)
    for group in svg.iter(f"{SVG}g"):
        rectangle = group.find(f"{SVG}rect")
        if rectangle is not None:
            assert all(float(text.attrib["y"]) < box_of(rectangle)[3] for text in group.iter(f"{SVG}text"))
    for path in svg.iter(f"{SVG}path"):
        curve = re.fullmatch(r".*H(\d+)C(\d+) \d+ \d+ \d+ (\d+) \d+", path.attrib["d"])
        if curve is not None:  # bends only between two columns, where no box is
            left, _, right = (float(x) for x in curve.groups())
            lane = (left + 1, 0, right, height)
            assert left < right
            assert not [box for box in boxes if overlap(lane, box)]


def a_tree(count: int, fan: int) -> Menu:
    """A menu whose questions lead to the next ones, and now and then back or to themselves."""
    questions = []
    for number in range(count):
        following = [child for child in range(number * fan + 1, number * fan + fan + 1) if child < count]
        actions = {str(step): Action.goto(f"q{child}") for step, child in enumerate(following, start=1)}
        actions |= {"0": Action.goto(f"q{number // 2}"), "*": Action.connect(A_NUMBER), "#": Action.goto(f"q{number}")}
        questions.append(Question(f"q{number}", say("All the words of a long prompt. " * 9), Keys(actions)))
    return Menu("q0", tuple(questions))


@pytest.mark.parametrize(("count", "fan"), [(1, 1), (2, 1), (50, 1), (50, 2), (50, 3), (50, 9)])
def test_nothing_lies_on_anything_however_large_a_menu_is(count: int, fan: int) -> None:
    svg = parsed(a_tree(count, fan))
    assert len([group for group in svg.iter(f"{SVG}g") if group.attrib.get("class") == "question"]) == count
    assert_nothing_lies_on_anything(svg)


@given(ANY_MENUS)
def test_any_menu_can_be_drawn(menu: Menu) -> None:
    drawing = draw(menu, problems_of(menu))
    if drawing.isprintable():  # XML cannot hold control characters; a browser drops them
        svg = ElementTree.fromstring(drawing)
        assert_nothing_lies_on_anything(svg)


@example("W" * 200)
@example("漢字 " * 60)
@example("a word and another " * 9 + "!")
@given(st.text("mWi漢 é&<>'\"", min_size=1, max_size=200))
def test_long_texts_are_cut_and_whole_in_the_title(text: str) -> None:
    question = Question("welcome", say(text), keys(k1=Action.give_back(text)))
    svg = parsed(menu_of(question))
    assert_nothing_lies_on_anything(svg)
    titles = [title.text or "" for title in svg.iter(f"{SVG}title")]
    assert f"welcome: {text} (waits for a key)" in titles
    assert f"Key 1: Return “{text}”" in titles
    assert all(len(line) < 60 for line in texts(svg))


def test_every_key_and_what_it_does_is_there() -> None:
    shown = texts(parsed(MENU))
    for words in (
        "welcome", "sales", "waits for 1 of 10 keys", "waits for the PIN", "keeps up to 8 digits", "Balance",
        "Balance, then ↺ asks again", "PIN", "Destination", "Menu “Night”", "Connect Harbour Café", "↺ asks again",
        "Hang up", "Return “yes”", "Connect +44 20 7946 0101", "↩ welcome", "Connect to that number",
        "waits for a number to call",
    ):  # fmt: skip
        assert words in shown
    assert [text for text in shown if text.startswith("Welcome to Harbour")]
    assert [text for text in shown if len(text) == 1] == [*"1234567890", "1", "2", "0"]


def test_a_key_to_the_next_question_is_an_arrow_and_a_key_back_is_not() -> None:
    svg = parsed(MENU)
    arrows = [path for path in svg.iter(f"{SVG}path") if "C" in path.attrib["d"]]
    assert len(arrows) == 5  # to sales twice, to id, pin and call
    titles = [title.text for title in svg.iter(f"{SVG}title")]
    assert "Key 1: → sales" in titles
    assert "Key 4: PIN, then → sales" in titles
    assert "Key 0: ↩ welcome" in titles


def test_columns_follow_the_keys() -> None:
    svg = parsed(MENU)
    rectangles = [group.find(f"{SVG}rect") for group in svg.iter(f"{SVG}g") if group.attrib.get("class") == "question"]
    lefts = [float(rectangle.attrib["x"]) for rectangle in rectangles if rectangle is not None]
    assert lefts == sorted(set(lefts))


def test_what_follows_a_question_stands_beside_it() -> None:
    svg = parsed(a_tree(13, 3))
    boxes = {
        (group.findtext(f"{SVG}text") or ""): box_of(rectangle)
        for group in svg.iter(f"{SVG}g")
        if group.attrib.get("class") == "question" and (rectangle := group.find(f"{SVG}rect")) is not None
    }
    for parent, first, last in (("q0", "q1", "q3"), ("q1", "q4", "q6"), ("q2", "q7", "q9"), ("q3", "q10", "q12")):
        assert boxes[parent][1] == boxes[first][1] < boxes[last][1]
    assert boxes["q6"][3] < boxes["q2"][1]


def test_what_nobody_comes_to_stands_in_the_first_column_and_is_marked() -> None:
    svg = parsed(menu_of(*MENU.questions, Question("lonely", say("Nobody?"), keys(k1=Action.hang_up()))))
    bad = [group for group in svg.iter(f"{SVG}g") if group.attrib.get("class") == "question bad"]
    assert ["lonely" in (group.findtext(f"{SVG}title") or "") for group in bad] == [True]
    rectangle = bad[0].find(f"{SVG}rect")
    first = next(svg.iter(f"{SVG}rect"))
    assert rectangle is not None
    assert float(rectangle.attrib["x"]) <= float(first.attrib["x"])


def test_a_problem_of_a_key_marks_its_pill() -> None:
    menu = menu_of(Question("welcome", say("Hello."), keys(k1=Action.connect("12"), k2=Action.goto("nowhere"))))
    looks = [rectangle.attrib.get("class") for rectangle in parsed(menu).iter(f"{SVG}rect")]
    assert looks == ["pill connect bad", "pill missing bad", None]
    assert "nowhere?" in texts(parsed(menu))


def test_a_menu_without_a_start_and_one_without_questions_are_drawn() -> None:
    assert parsed(menu_of(*MENU.questions, start="")).tag == f"{SVG}svg"
    assert parsed(Menu("", ())).tag == f"{SVG}svg"
    assert parsed(menu_of(*MENU.questions[:1] * 3)).tag == f"{SVG}svg"


def test_the_drawing_says_what_it_is_and_has_no_style_and_no_script() -> None:
    evil = "\"'><script>alert(1)</script>]]>&amp;"
    menu = menu_of(
        Question(
            evil, say(evil), Keys({evil: Action.give_back(evil), "2": Action.goto(evil), "3": Action.transfer(7)})
        ),
        start=evil,
    )
    drawing = draw(menu, problems_of(menu), {Does.TRANSFER: {"7": evil}})
    svg = ElementTree.fromstring(drawing)
    assert svg.attrib["role"] == "img"
    assert svg.attrib["aria-label"] == svg.findtext(f"{SVG}title") == (
        f"The menu as a drawing: 1 question, beginning with {evil}"
    )  # fmt: skip
    names = {name for part in svg.iter() for name in part.attrib}
    assert not {name for name in names if name == "style" or name.startswith("on") or "href" in name}
    assert {part.tag.removeprefix(SVG) for part in svg.iter()} <= {
        "svg", "title", "defs", "marker", "path", "g", "rect", "text", "circle",
    }  # fmt: skip
