"""The page on which a menu is written: a card for each question, a row for each key, a sentence for each problem.

Everything is in the page's fields (`menu_fields`), so that it can be redrawn without being saved.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from django import forms

from accounts.numbers import NumberUnreadable, parse_number
from telephony.admin import menu_fields
from telephony.admin.menu_fields import USUAL_DIGITS, next_row, read_lines
from telephony.menu_checks import MOST_DIGITS, MOST_REPEATS, MOST_WAIT_SECONDS, Problem
from telephony.menus import (
    Action,
    Destination,
    Digits,
    Does,
    Expected,
    Keys,
    Menu,
    Pin,
    Question,
)

LONGEST_NAME = 100

DOES = {
    Does.GOTO: "Ask another question",
    Does.CONNECT: "Connect to a number",
    Does.CONNECT_ACCOUNT: "Connect to an account’s own number",
    Does.SPEAK_BALANCE: "Speak the balance",
    Does.ASK_DESTINATION: "Ask which number to call",
    Does.ASK_PIN: "Ask for the PIN",
    Does.RETURN: "Keep a value with the call",
    Does.TRANSFER: "Go on in another menu",
    Does.HANG_UP: "Say goodbye and hang up",
}
EXPECTS = {
    "keys": "One of these keys",
    "pin": "The PIN of the caller’s account",
    "destination": "A number to call",
    "digits": "Digits to keep with the call",
}
WITH_TARGET = frozenset({Does.GOTO, Does.CONNECT, Does.CONNECT_ACCOUNT, Does.RETURN, Does.TRANSFER})
WITH_THEN = frozenset({Does.SPEAK_BALANCE, Does.ASK_PIN, Does.RETURN})
WITH_PROMPT = frozenset({Does.ASK_PIN, Does.ASK_DESTINATION, Does.HANG_UP})


class HeadForm(forms.Form):
    """What a menu has once."""

    name = forms.CharField(max_length=LONGEST_NAME, required=False)
    locale = forms.CharField(
        label="Language",
        max_length=10,
        required=False,
        widget=forms.TextInput(attrs={"list": "languages"}),
        help_text="Of the voice: a language and a country, such as en-US.",
    )
    start = forms.CharField(label="Begins with", required=False, widget=forms.Select, help_text="Is asked first.")


class QuestionForm(forms.Form):
    """One question. Rules are those of `menu_checks`; here only figures are read."""

    was = forms.CharField(required=False, widget=forms.HiddenInput)
    name = forms.CharField(required=False, help_text="Small letters, digits and hyphens. Callers do not hear it.")
    says = forms.CharField(
        label="What callers hear",
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="A line is spoken as a text; a line with an address (https://…) is played as a sound.",
    )
    repeat_says = forms.CharField(
        label="When it is repeated",
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="Empty: the same again.",
    )
    repeats = forms.IntegerField(
        label="Repeated", initial=2, widget=forms.NumberInput(attrs={"min": 0, "max": MOST_REPEATS})
    )
    wait_seconds = forms.IntegerField(
        label="Waits, seconds", initial=5, widget=forms.NumberInput(attrs={"min": 1, "max": MOST_WAIT_SECONDS})
    )
    expects = forms.ChoiceField(label="Then waits for", choices=EXPECTS.items())
    most = forms.IntegerField(
        label="Digits at most",
        required=False,
        initial=USUAL_DIGITS,
        widget=forms.NumberInput(attrs={"min": 1, "max": MOST_DIGITS}),
    )
    then = forms.CharField(label="Then asks", required=False, widget=forms.Select)


class KeyForm(forms.Form):
    """One key and what it does."""

    key = forms.CharField(required=False, widget=forms.TextInput(attrs={"maxlength": 1, "size": 2}))
    does = forms.ChoiceField(label="Does", choices=[(does.value, words) for does, words in DOES.items()])
    target = forms.CharField(required=False, widget=forms.TextInput(attrs={"list": "targets", "autocomplete": "off"}))
    then = forms.CharField(label="Then asks", required=False, widget=forms.Select)
    says = forms.CharField(
        label="What callers hear first", required=False, widget=forms.Textarea(attrs={"rows": 2, "cols": 30})
    )


@dataclass
class Row:
    """A key on the page."""

    prefix: str
    form: KeyForm
    faults: list[str] = field(default_factory=list)

    @property
    def given(self) -> Mapping[str, Any]:
        return self.form.cleaned_data

    @property
    def key(self) -> str:
        return str(self.given.get("key", ""))

    @property
    def is_empty(self) -> bool:
        return not any(self.given.get(name) for name in ("key", "target", "then", "says"))

    @property
    def does(self) -> Does:
        return Does(self.given.get("does", Does.GOTO))

    def action(self) -> Action:
        """What the key does, as it is written: accounts and menus by name."""
        does, given = self.does, self.given
        target = str(given.get("target", "")) if does in WITH_TARGET else ""
        return Action(
            does,
            target=_number(target) if does is Does.CONNECT else target,
            then=str(given.get("then", "")) if does in WITH_THEN else "",
            prompt=read_lines(str(given.get("says", ""))) if does in WITH_PROMPT else (),
        )


@dataclass
class Card:
    """A question on the page."""

    prefix: str
    form: QuestionForm
    rows: list[Row]
    next_row: str
    faults: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        return str(self.form.cleaned_data.get("name", ""))

    @property
    def has_faults(self) -> bool:
        return bool(self.faults) or any(row.faults for row in self.rows)

    def question(self) -> Question:
        """The question as it is written; a figure that cannot be read is the usual one."""
        given = self.form.cleaned_data
        return Question(
            name=self.name,
            prompt=read_lines(str(given.get("says", ""))),
            expects=self._expects(given),
            repeat_prompt=read_lines(str(given.get("repeat_says", ""))),
            repeats=given.get("repeats", 2),
            wait_seconds=given.get("wait_seconds", 5),
        )

    def _expects(self, given: Mapping[str, Any]) -> Expected:
        then = str(given.get("then", ""))
        match given.get("expects"):
            case "pin":
                return Pin(then)
            case "destination":
                return Destination()
            case "digits":
                return Digits(given.get("most") or 0, then)
        return Keys({row.key: row.action() for row in self.rows if row.key and self._is_first(row)})

    def _is_first(self, row: Row) -> bool:
        return row is next(other for other in self.rows if other.key == row.key)

    def check(self) -> None:
        """Say what is wrong with how the fields were filled in."""
        for name, errors in self.form.errors.items():
            self.faults += [f"{self.form[name].label}: {error}" for error in errors]
        if self.form.cleaned_data.get("expects", "keys") != "keys":
            return
        for row in self.rows:
            if not row.key and not row.is_empty:
                row.faults.append("Write which key it is.")
            elif row.key and not self._is_first(row):
                row.faults.append(f"Key {row.key} is there already.")
            row.faults += [str(error) for errors in row.form.errors.values() for error in errors]


@dataclass(frozen=True)
class Fault:
    """One line of the list above the form: where it is on the page, which question and key, and what is wrong."""

    anchor: str
    where: str
    sentence: str


class Draft:
    """A menu on the page, saved or not. `fields` are names and values as a browser sends them."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        self.fields = menu_fields.renamed(fields)
        self.head = HeadForm(self.fields)
        self.head.is_valid()
        self.cards = [self._card(prefix) for prefix in menu_fields.cards(self.fields)]
        self.faults: list[str] = []
        self._offer_names()

    def _card(self, prefix: str) -> Card:
        rows = [Row(row, KeyForm(self.fields, prefix=row)) for row in menu_fields.rows(self.fields, prefix)]
        card = Card(prefix, QuestionForm(self.fields, prefix=prefix), rows, next_row(self.fields, prefix))
        for form in (card.form, *(row.form for row in card.rows)):
            form.is_valid()
        return card

    @property
    def names(self) -> list[str]:
        return [card.name for card in self.cards if card.name]

    @property
    def menu(self) -> Menu:
        """The menu as it is written: accounts and menus by name."""
        given = self.head.cleaned_data
        questions = tuple(card.question() for card in self.cards)
        return Menu(start=given.get("start", ""), questions=questions, locale=given.get("locale", ""))

    @property
    def menu_name(self) -> str:
        return str(self.head.cleaned_data.get("name", ""))

    @property
    def version(self) -> str:
        """The number of the version that the page began with; empty for a new menu."""
        return self.fields.get("version", "")

    def check(self, problems: Collection[Problem], *, needs_name: bool = True) -> list[Fault]:
        """Put every problem beside its question and key, and list all of them. An empty list: it may be saved."""
        for name, errors in self.head.errors.items():
            self.faults += [f"{self.head[name].label}: {error}" for error in errors]
        if needs_name and not self.menu_name and "name" not in self.head.errors:
            self.faults.append("The menu needs a name.")
        if not self.menu_name.isprintable():
            self.faults.append("The menu's name has a character in it that cannot be seen.")
        self.faults += [problem.sentence for problem in problems if not problem.question]
        for card in self.cards:
            card.check()
            own = [problem for problem in problems if problem.question and problem.question == card.name]
            for problem in own:
                row = next((row for row in card.rows if row.key == problem.key), None)
                (row.faults if problem.key and row else card.faults).append(problem.sentence)
        return list(self._listed())

    def _listed(self) -> Iterator[Fault]:
        yield from (Fault("menu-head", "", sentence) for sentence in self.faults)
        for card in self.cards:
            yield from (Fault(card.prefix, card.name, sentence) for sentence in card.faults)
            for row in card.rows:
                where = ", key ".join(part for part in (card.name, row.key) if part)
                yield from (Fault(row.prefix, where, sentence) for sentence in row.faults)

    def _offer_names(self) -> None:
        chosen = [(name, name) for name in dict.fromkeys(self.names)]
        for form, name in (
            (self.head, "start"),
            *((card.form, "then") for card in self.cards),
            *((row.form, "then") for card in self.cards for row in card.rows),
        ):
            value = form.cleaned_data.get(name, "")
            unknown = [] if not value or value in self.names else [(value, f"{value} (not there)")]
            nothing = [] if name == "start" and value in self.names else [("", "–" if name == "start" else "nothing")]
            form.fields[name].widget.choices = [*nothing, *chosen, *unknown]


def _number(text: str) -> str:
    try:
        return parse_number(text)
    except NumberUnreadable:
        return text
