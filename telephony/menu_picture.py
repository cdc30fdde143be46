"""A menu as a drawing: SVG text without styles or scripts, which the page's own stylesheet colours.

Questions stand in columns by how many keys lead to them. To the right of each are its keys: one that asks a question
of the next column is an arrow, every other is a pill that says what it does. A key that leads back, or sideways, is a
pill too (`↩ welcome`), so that no arrow ever crosses a box. Texts that do not fit are cut; `<title>` has all of them.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from html import escape

from accounts.numbers import display
from telephony.menu_checks import Problem
from telephony.menus import (
    KEYS,
    Action,
    Destination,
    Digits,
    Does,
    Keys,
    Menu,
    Pin,
    Prompt,
    Question,
    Sound,
    actions_of,
)

BOX_WIDTH = 214
BOX_HEIGHT = 92
ROW_HEIGHT = 36
FIRST_ROW = 22
BETWEEN_BOXES = 26
BEFORE_PILLS = 40
PILL_HEIGHT = 26
WIDEST_PILL = 210
LANE = 76
MARGIN = 14
ENTRY = 34
KEY_RADIUS = 11
INSIDE = 14
SAYS_FROM = 62
LINE_HEIGHT = 16
TEXT_SIZE = 12
NAME_SIZE = 14

_NARROW = frozenset("ijlt.,:;'|!()[] I1f-/“”‘’")
_BROAD = frozenset("mwMWOQGDH@%&—…")


@dataclass
class _Row:
    """One thing a question leads to: a key and its arrow, its pill, or a pill with an arrow behind it."""

    key: str
    pill: str = ""
    look: str = ""
    leads: int | None = None


@dataclass
class _Box:
    """A question in its place. `children` are the boxes that stand right of it in its own stretch of height."""

    question: Question
    rows: list[_Row] = field(default_factory=list)
    children: list[int] = field(default_factory=list)
    column: int = 0
    x: int = 0
    y: int = 0

    @property
    def height(self) -> int:
        return max(BOX_HEIGHT, 2 * FIRST_ROW + (len(self.rows) - 1) * ROW_HEIGHT)

    def row_y(self, step: int) -> int:
        return self.y + FIRST_ROW + step * ROW_HEIGHT


def draw(
    menu: Menu,
    problems: Collection[Problem] = (),
    names: Mapping[Does, Mapping[str, str]] | None = None,
) -> str:
    """The menu as an `<svg>` element, everything in it escaped.

    `names` are those of accounts and menus, by what leads to them and their ids.
    """
    boxes = [_Box(question) for question in menu.questions]
    _arrange(menu, boxes, names or {})
    pills = _place(boxes)
    bad = {problem.question for problem in problems}
    bad_keys = {(problem.question, problem.key) for problem in problems if problem.key}
    parts = [part for box in boxes for part in _drawn(box, boxes, pills, bad, bad_keys)]
    width = max((box.x + BOX_WIDTH + pills[box.column] for box in boxes), default=BOX_WIDTH) + MARGIN
    height = max((box.y + box.height for box in boxes), default=BOX_HEIGHT) + MARGIN
    label = escape(_in_a_sentence(menu))
    return (
        f'<svg class="menu-picture" role="img" aria-label="{label}" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" xmlns="http://www.w3.org/2000/svg"><title>{label}</title>'
        '<defs><marker id="menu-arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" '
        'orient="auto-start-reverse"><path class="head" d="M0 0L8 4L0 8z"/></marker></defs>'
        f"{_entry(boxes, menu)}{''.join(parts)}</svg>"
    )


def _in_a_sentence(menu: Menu) -> str:
    count = len(menu.questions)
    return f"The menu as a drawing: {count} question{'' if count == 1 else 's'}, beginning with {menu.start}"


# --- where everything stands -----------------------------------------------------------------------------------------


def _arrange(menu: Menu, boxes: list[_Box], names: Mapping[Does, Mapping[str, str]]) -> None:
    """Columns from the first question on; what nobody comes to begins again in the first column."""
    by_name = {box.question.name: index for index, box in reversed(list(enumerate(boxes)))}
    seen: set[int] = set()
    for root in sorted(range(len(boxes)), key=lambda index: index != by_name.get(menu.start)):
        if root in seen:
            continue
        seen.add(root)
        waiting = [root]
        while waiting:
            box = boxes[waiting.pop(0)]
            for _, action in _in_order(box.question):
                leads = by_name.get(_follows(action))
                if leads is not None and leads not in seen:
                    seen.add(leads)
                    boxes[leads].column = box.column + 1
                    box.children.append(leads)
                    waiting.append(leads)
    for index, box in enumerate(boxes):
        box.rows = [_row(index, box, key, action, boxes, by_name, names) for key, action in _in_order(box.question)]
        if isinstance(box.question.expects, Destination):
            box.rows = [_Row("", "Connect to that number", "connect")]


def _in_order(question: Question) -> list[tuple[str, Action]]:
    return sorted(actions_of(question), key=lambda pressed: KEYS.find(pressed[0]))


def _follows(action: Action) -> str:
    return action.target if action.does is Does.GOTO else action.then


def _row(
    index: int,
    box: _Box,
    key: str,
    action: Action,
    boxes: list[_Box],
    by_name: Mapping[str, int],
    names: Mapping[Does, Mapping[str, str]],
) -> _Row:
    name = _follows(action)
    leads = by_name.get(name)
    pill = _words(action, names)
    look = str(action.does)
    if not name and action.does is not Does.GOTO:
        return _Row(key, pill if isinstance(box.question.expects, Keys) else "Thanks, goodbye", look)
    if leads is None:
        return _Row(key, _joined(pill, f"{name or '…'}?"), "missing")
    if boxes[leads].column == box.column + 1:
        return _Row(key, pill, look, leads)
    sign = "↺ asks again" if leads == index else f"{'↩' if boxes[leads].column < box.column else '→'} {name}"
    return _Row(key, _joined(pill, sign), look)


def _joined(pill: str, sign: str) -> str:
    return f"{pill}, then {sign}" if pill else sign


def _words(action: Action, names: Mapping[Does, Mapping[str, str]]) -> str:
    target = action.target
    match action.does:
        case Does.GOTO:
            return ""
        case Does.CONNECT:
            return f"Connect {display(target)}"
        case Does.CONNECT_ACCOUNT:
            return f"Connect {names.get(action.does, {}).get(target, target)}"
        case Does.TRANSFER:
            return f"Menu “{names.get(action.does, {}).get(target, target)}”"
        case Does.RETURN:
            return f"Return “{target}”"
        case Does.SPEAK_BALANCE:
            return "Balance"
        case Does.ASK_PIN:
            return "PIN"
        case Does.ASK_DESTINATION:
            return "Destination"
        case Does.HANG_UP:
            return "Hang up"


def _place(boxes: list[_Box]) -> dict[int, int]:
    """Give every box its place. Returns how much room the keys and pills of each column take."""
    pills: dict[int, int] = {}
    for box in boxes:
        widest = max((_pill_width(row.pill) for row in box.rows if row.pill), default=0)
        pills[box.column] = max(pills.get(box.column, 0), BEFORE_PILLS + widest)
    lefts = [MARGIN + ENTRY]
    for column in range(max(pills, default=0)):
        lefts.append(lefts[column] + BOX_WIDTH + pills[column] + LANE)
    children = {child for box in boxes for child in box.children}
    top = MARGIN
    for index in range(len(boxes)):
        if index not in children:
            top += _stand(boxes, index, top, lefts)
    return pills


def _stand(boxes: list[_Box], index: int, top: int, lefts: list[int]) -> int:
    """Place a box and all that stand in its stretch; returns the height of the stretch."""
    box = boxes[index]
    box.x, box.y = lefts[box.column], top
    right = sum(_stand_all(boxes, box.children, top, lefts))
    return max(box.height + BETWEEN_BOXES, right)


def _stand_all(boxes: list[_Box], indexes: list[int], top: int, lefts: list[int]) -> Iterator[int]:
    for index in indexes:
        height = _stand(boxes, index, top, lefts)
        top += height
        yield height


# --- what is drawn ---------------------------------------------------------------------------------------------------


def _entry(boxes: list[_Box], menu: Menu) -> str:
    first = next((box for box in boxes if box.question.name == menu.start), None)
    if first is None:
        return ""
    x, y = first.x - ENTRY + 5, first.row_y(0)
    line = _line(f"M{x + 5} {y}H{first.x - 2}")
    return f'<g><title>Callers begin here</title><circle class="entry" cx="{x}" cy="{y}" r="5"/>{line}</g>'


def _line(path: str) -> str:
    return f'<path class="edge" marker-end="url(#menu-arrow)" d="{path}"/>'


def _drawn(
    box: _Box, boxes: list[_Box], pills: Mapping[int, int], bad: set[str], bad_keys: set[tuple[str, str]]
) -> Iterator[str]:
    question = box.question
    for step, row in enumerate(box.rows):
        is_bad = row.look == "missing" or (question.name, row.key) in bad_keys
        yield _key(box, row, box.row_y(step), boxes, pills[box.column], is_bad)
    look = "question bad" if question.name in bad else "question"
    yield f'<g class="{look}"><title>{escape(_everything(question))}</title>'
    yield f'<rect x="{box.x}" y="{box.y}" width="{BOX_WIDTH}" height="{box.height}" rx="9"/>'
    room = BOX_WIDTH - INSIDE - KEY_RADIUS - 6
    yield _text("name", box.x + INSIDE, box.y + 24, cut(question.name or "no name", room, NAME_SIZE))
    yield _text("expects", box.x + INSIDE, box.y + 42, cut(_expectation(question), room, TEXT_SIZE))
    most = (box.height - SAYS_FROM) // LINE_HEIGHT + 1
    for line, text in enumerate(_lines(_said(question.prompt) or "says nothing", room, most)):
        yield _text("says", box.x + INSIDE, box.y + SAYS_FROM + LINE_HEIGHT * line, text)
    yield "</g>"
    for step, row in enumerate(box.rows):
        if row.key:
            yield _chip(box.x + BOX_WIDTH, box.row_y(step), row.key)


def _key(box: _Box, row: _Row, y: int, boxes: list[_Box], room: int, is_bad: bool) -> str:
    """The line that leaves the box, the pill on it and the arrow to the next question."""
    right = box.x + BOX_WIDTH
    pill_x = right + BEFORE_PILLS
    target = "" if row.leads is None else boxes[row.leads].question.name
    words = _joined(row.pill, f"→ {target}") if target else row.pill
    parts = [f'<g class="key"><title>{escape(f"Key {row.key}: {words}" if row.key else words)}</title>']
    if row.pill:
        width = _pill_width(row.pill)
        look = f"pill {row.look} bad" if is_bad else f"pill {row.look}"
        top = y - PILL_HEIGHT // 2
        parts += [
            _line(f"M{right} {y}H{pill_x - 2}"),
            f'<rect class="{look}" x="{pill_x}" y="{top}" width="{width}" height="{PILL_HEIGHT}" rx="13"/>',
            _text("on-pill", pill_x + INSIDE, y + 4, cut(row.pill, width - 2 * INSIDE, TEXT_SIZE)),
        ]
        right = pill_x + width
    if row.leads is not None:
        lane = box.x + BOX_WIDTH + room
        end_x, end_y = boxes[row.leads].x - 2, boxes[row.leads].row_y(0)
        bend = lane + LANE // 2
        parts.append(_line(f"M{right} {y}H{lane}C{bend} {y} {bend} {end_y} {end_x} {end_y}"))
    return "".join([*parts, "</g>"])


def _chip(x: int, y: int, key: str) -> str:
    return (
        f'<g class="chip"><circle cx="{x}" cy="{y}" r="{KEY_RADIUS}"/>'
        f'<text x="{x}" y="{y + 4}" text-anchor="middle">{escape(key[:1])}</text></g>'
    )


def _text(look: str, x: int, y: int, text: str) -> str:
    return f'<text class="{look}" x="{x}" y="{y}">{escape(text)}</text>'


# --- words -----------------------------------------------------------------------------------------------------------


def _expectation(question: Question) -> str:
    match question.expects:
        case Keys(actions):
            return f"waits for 1 of {len(actions)} keys" if len(actions) > 1 else "waits for a key"
        case Pin():
            return "waits for the PIN"
        case Destination():
            return "waits for a number to call"
        case Digits(most):
            return f"keeps up to {most} digits"


def _said(prompt: Prompt) -> str:
    return " ".join(f"♪ {part.url.rpartition('/')[2]}" if isinstance(part, Sound) else part.text for part in prompt)


def _everything(question: Question) -> str:
    said = " ".join(part.url if isinstance(part, Sound) else part.text for part in question.prompt)
    return f"{question.name}: {said} ({_expectation(question)})"


def _lines(text: str, room: int, most: int) -> list[str]:
    """The text in so many lines at most, broken between words."""
    lines: list[str] = []
    words = text.split()
    while words and len(lines) < most:
        fitting = 1
        while fitting < len(words) and _width(" ".join(words[: fitting + 1]), TEXT_SIZE) <= room:
            fitting += 1
        if len(lines) == most - 1:
            fitting = len(words)
        lines.append(cut(" ".join(words[:fitting]), room, TEXT_SIZE))
        words = words[fitting:]
    return lines


def cut(text: str, room: int, size: int) -> str:
    """The text as far as it surely fits into so many pixels, with an ellipsis where something is left out.

    >>> cut("Welcome to the Harbour Café", 80, 12)
    'Welcome t…'
    """
    if _width(text, size) <= room:
        return text
    while text and _width(f"{text}…", size) > room:
        text = text[:-1]
    return f"{text}…"


def _width(text: str, size: int) -> int:
    """Pixels that no ordinary font exceeds, in whole ones."""
    return sum(map(_hundredths, text)) * size // 100 + 1


def _hundredths(character: str) -> int:
    if unicodedata.east_asian_width(character) in "WF":
        return 115
    if character in _NARROW:
        return 40
    if character in _BROAD:
        return 95
    return 72 if character.isupper() else 60


def _pill_width(text: str) -> int:
    return min(WIDEST_PILL, _width(text, TEXT_SIZE) + 2 * INSIDE)
