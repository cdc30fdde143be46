"""What people fill in about apps and lines. The rules are the use cases'; these forms only read."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from accounts.models import CallerNumber, ClientUser
from softphone import configuring, lines
from softphone.lines import Dialling, LineRefused
from softphone.models import DialForm, Line, Softphone
from telephony.models import AccessNumber


class SoftphoneForm(forms.ModelForm):  # type: ignore[type-arg]
    """One app. Every setting is looked at by `configuring` before it is kept."""

    proofs = forms.MultipleChoiceField(
        choices=Softphone.Proof,
        widget=forms.CheckboxSelectMultiple,
        help_text="How a line may prove itself. Provisioning knows how to ask for each but the salted hash.",
    )

    class Meta:
        model = Softphone
        fields = (
            "name", "title", "is_default", "language", "reply_format", "parameter_names", "proofs", "salted_order",
            "dial_form", "dial_template", "callback_order", "balance_interval_seconds", "least_rate_digits",
            "has_legacy_messages", "sip_host", "sip_transport",
        )  # fmt: skip

    def clean_parameter_names(self) -> Any:
        """Nothing written is no names."""
        names = self.cleaned_data["parameter_names"]
        return {} if names is None else names

    def _get_validation_exclusions(self) -> set[str]:
        # An app that becomes the default takes that from the one before, so two are no error here.
        return {*super()._get_validation_exclusions(), "is_default"}  # type: ignore[misc]  # not in the stubs

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]  # Django's own hook, not in the stubs
        try:
            configuring.check(self.instance)
        except ValidationError as error:
            for field, messages in error.message_dict.items():
                if field not in self.errors:
                    self.add_error(field, messages)


class LineForm(forms.Form):
    """How one line dials and where it is called back. `account_id` is that of its user."""

    callback_number = forms.ModelChoiceField(
        CallerNumber.objects.none(),
        required=False,
        empty_label="nowhere",
        help_text="Where Web Callback rings; a verified number of the account.",
    )
    access_number = forms.ModelChoiceField(
        AccessNumber.objects.none(),
        required=False,
        empty_label="by the country",
        help_text="What its app dials for a call-through.",
    )
    dial_form = forms.ChoiceField(choices=[("", "as its app"), *DialForm.choices], required=False)
    dial_template = forms.CharField(max_length=200, required=False, help_text="For a template of its own.")

    def __init__(self, line: Line, data: Any = None) -> None:
        at_first = {
            "callback_number": line.callback_number_id,
            "access_number": line.access_number_id,
            "dial_form": line.dial_form,
            "dial_template": line.dial_template,
        }
        super().__init__(data, initial=at_first)
        self._line = line
        self.fields["callback_number"].queryset = lines.callback_numbers(line.client_user)  # type: ignore[attr-defined]
        self.fields["access_number"].queryset = lines.offered_numbers(line)  # type: ignore[attr-defined]

    def save(self) -> Line | None:
        """The line as it is then, or None after the reason against it was added to the form."""
        given = self.cleaned_data
        try:
            return lines.point(
                self._line,
                callback_number=given["callback_number"],
                access_number=given["access_number"],
                dialling=Dialling(form=given["dial_form"], template=given["dial_template"]),
            )
        except LineRefused as refused:
            self.add_error(refused.field, str(refused))
            return None


class NewLineForm(forms.Form):
    """A new line for an app's user."""

    client_user = forms.ModelChoiceField(
        ClientUser.objects.select_related("account"),
        to_field_name="name",
        widget=forms.TextInput(attrs={"size": 40, "autocomplete": "off"}),
        label="App user",
        help_text="Its name. Users are added on the page of their account.",
        error_messages={"invalid_choice": "There is no app user of this name: add it to an account first."},
    )
    softphone = forms.ModelChoiceField(Softphone.objects.order_by("name"), label="App", empty_label=None)
    callback_number = forms.CharField(
        max_length=64, required=False, help_text="Where Web Callback rings; a verified number of the user's account."
    )
    access_number = forms.ModelChoiceField(
        AccessNumber.objects.none(), required=False, empty_label="by the country", help_text="What its app dials."
    )

    def __init__(self, data: Any = None) -> None:
        super().__init__(data)
        self.fields["access_number"].queryset = lines.offered_numbers()  # type: ignore[attr-defined]

    def save(self) -> Line | None:
        """The line with its secrets, or None after the reason against it was added to the form."""
        given = self.cleaned_data
        try:
            user, callback = given["client_user"], given["callback_number"]
            return lines.give(
                user,
                given["softphone"],
                callback_number=lines.find_callback_number(user, callback) if callback else None,
                access_number=given["access_number"],
            )
        except LineRefused as refused:
            self.add_error(refused.field, str(refused))
            return None


class CallbackNumberForm(forms.Form):
    """Where Web Callback rings, chosen by the customer."""

    callback_number = forms.ModelChoiceField(
        CallerNumber.objects.none(), required=False, empty_label="nowhere", label="Number"
    )

    def __init__(self, line: Line, data: Any = None) -> None:
        super().__init__(data, initial={"callback_number": line.callback_number_id})
        self.fields["callback_number"].queryset = lines.callback_numbers(line.client_user)  # type: ignore[attr-defined]
