"""What staff fill in to have one number called, or a list of them. The rules are the use cases'; these only read."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms

from accounts.exceptions import UnknownAccount
from accounts.models import Account
from accounts.registration import find_account
from billing.admin.forms import fresh_reference
from telephony.call_lists import LARGEST_FILE_BYTES, MOST_AT_ONCE, MOST_PER_MINUTE, MOST_ROWS, NewCallList
from telephony.callout_checks import LONGEST_CONFERENCE_ID, LONGEST_REFERENCE, LONGEST_TEXT, MOST_ATTEMPTS
from telephony.callouts import CalloutRefused, NewCallout
from telephony.menus import LOCALE
from telephony.models import Callout, Menu

VOICES = ((LOCALE, "English (American)"), ("en-GB", "English (British)"), ("es-ES", "Spanish"))
TIME = forms.TimeInput(attrs={"placeholder": "09:00", "size": 8})

# A bridge is asked for by who is to be called back, not here.
KINDS = [choice for choice in Callout.Kind.choices if choice[0] != Callout.Kind.BRIDGE]

# Where on the form a refusal belongs; what is not here concerns the whole.
_FIELDS = {"retry_seconds": "retry_minutes", "account": "account", "menu": "menu", "kind": "kind"}


class CalloutWishes(forms.Form):
    """What is wished for a callout, whoever is called."""

    account = forms.CharField(max_length=100, help_text="Its name. It pays, at its own prices.")
    kind = forms.ChoiceField(choices=KINDS, label="What it does")
    text = forms.CharField(
        required=False,
        max_length=LONGEST_TEXT,
        widget=forms.Textarea(attrs={"rows": 3, "cols": 60}),
        help_text="What is spoken; before a menu or a conference a greeting, which may be empty.",
    )
    locale = forms.ChoiceField(choices=VOICES, initial=LOCALE, label="Voice")
    menu = forms.ModelChoiceField(
        Menu.objects.order_by("name"), required=False, help_text="For a menu: its newest version is played."
    )
    conference_id = forms.CharField(
        required=False, max_length=LONGEST_CONFERENCE_ID, label="Conference", help_text="For a conference: its id."
    )
    caller_id = forms.CharField(
        required=False,
        max_length=64,
        label="Caller ID",
        help_text="A verified number of the account. Empty: its first one.",
    )
    on_machine = forms.ChoiceField(choices=Callout.OnMachine.choices, label="When a machine answers")
    not_before = forms.CharField(
        required=False,
        max_length=40,
        help_text="Where the callee is: 2026-12-01 09:00. Empty: as soon as it may be.",
    )
    earliest = forms.TimeField(
        required=False, widget=TIME, help_text="Where the callee is, not before this time of day."
    )
    latest = forms.TimeField(required=False, widget=TIME, help_text="Where the callee is, not after this time of day.")
    time_zone = forms.CharField(
        required=False, max_length=64, help_text="Where the callee is, such as Europe/Stockholm. Empty: by the number."
    )
    most_attempts = forms.IntegerField(
        min_value=1, max_value=MOST_ATTEMPTS, initial=1, label="Calls at most", help_text="When busy or not answered."
    )
    retry_minutes = forms.IntegerField(min_value=1, max_value=7 * 1440, initial=5, label="Minutes between two calls")

    def clean_account(self) -> Account:
        try:
            return find_account(self.cleaned_data["account"])
        except UnknownAccount as unknown:
            raise forms.ValidationError("There is no account with this name.") from unknown

    def clean_not_before(self) -> datetime | None:
        text = self.cleaned_data["not_before"].strip()
        try:
            return datetime.fromisoformat(text) if text else None
        except ValueError as unreadable:
            raise forms.ValidationError("Write the time like 2026-12-01 09:00.") from unreadable

    def wished(self, made_by: str, **more: Any) -> NewCallout:
        """The callout that was filled in; `more` are further fields of it."""
        given = self.cleaned_data
        menu: Menu | None = given["menu"]
        version = menu.in_force if menu else None
        return NewCallout(
            account_id=given["account"].pk,
            kind=Callout.Kind(given["kind"]),
            caller_id=given["caller_id"],
            text=given["text"],
            locale=given["locale"],
            menu_version_id=version.pk if version else None,
            conference_id=given["conference_id"],
            on_machine=Callout.OnMachine(given["on_machine"]),
            not_before=given["not_before"],
            earliest=given["earliest"],
            latest=given["latest"],
            time_zone=given["time_zone"],
            most_attempts=given["most_attempts"],
            retry_seconds=60 * given["retry_minutes"],
            made_by=made_by,
            **{"destination": "", **more},
        )

    def add_refusal(self, refused: CalloutRefused) -> None:
        """Put a refusal at the field it is about."""
        name = _FIELDS.get(refused.field, refused.field)
        self.add_error(name if name in self.fields else None, str(refused))


class CalloutForm(CalloutWishes):
    """One number is called."""

    field_order = ("account", "destination", "kind", "text")
    destination = forms.CharField(max_length=64, label="Number", help_text="With + and country code.")
    reference = forms.CharField(
        max_length=LONGEST_REFERENCE, initial=fresh_reference, help_text="What it is for. The same one is called once."
    )

    def callout(self, made_by: str) -> NewCallout:
        """The callout that was filled in."""
        given = self.cleaned_data
        return self.wished(made_by, destination=given["destination"], reference=given["reference"])


class CallListForm(CalloutWishes):
    """The numbers in a file are called, one after the other."""

    field_order = ("account", "name", "file", "kind", "text")
    name = forms.CharField(max_length=100)
    file = forms.FileField(
        label="CSV file",
        help_text=(
            f"UTF-8, with a first line: number, and if wanted text, time_zone, reference. At most {MOST_ROWS:,} rows."
        ),
    )
    at_once = forms.IntegerField(min_value=1, max_value=MOST_AT_ONCE, initial=2, label="Calls at the same time")
    per_minute = forms.IntegerField(min_value=1, max_value=MOST_PER_MINUTE, initial=30, label="Calls a minute")

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file.size > LARGEST_FILE_BYTES:
            raise forms.ValidationError("The file is larger than 2 MB: split it.")
        return file

    def call_list(self, made_by: str) -> NewCallList:
        """The list that was filled in, without its numbers."""
        given = self.cleaned_data
        return NewCallList(
            name=given["name"],
            callout=self.wished(made_by),
            at_once=given["at_once"],
            per_minute=given["per_minute"],
        )
