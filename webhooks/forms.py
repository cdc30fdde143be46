"""What people fill in about webhooks. The rules are the use cases'; these forms only read."""

from __future__ import annotations

from typing import Any

from django import forms

from accounts.models import Account
from webhooks import endpoints
from webhooks.endpoints import EndpointRefused
from webhooks.models import Endpoint, EventType

_FORMS = [("standard", "Standard Webhooks"), ("voximplant", "Voximplant callbacks (low balance only)")]


class EndpointForm(forms.Form):
    """A new endpoint."""

    url = forms.CharField(
        label="Address",
        widget=forms.URLInput(attrs={"size": 60, "autocomplete": "off"}),
        help_text="https, on port 443 or 8443, at a public name or IP.",
    )
    events = forms.TypedMultipleChoiceField(
        required=False,
        coerce=EventType,
        choices=EventType.choices,
        widget=forms.CheckboxSelectMultiple,
        label="Tell it when",
        help_text="Nothing chosen: of everything.",
    )
    form = forms.TypedChoiceField(
        coerce=Endpoint.Form, choices=_FORMS, initial=Endpoint.Form.STANDARD, label="In the form of"
    )
    salt = forms.CharField(
        required=False,
        strip=False,
        max_length=endpoints.LONGEST_SALT,
        label="Security salt",
        help_text="For Voximplant callbacks: goes into the hash. At most 40 characters.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def save(self, account: Account | None) -> Endpoint | None:
        """The endpoint, or None after the reason against it was added to the form."""
        given: dict[str, Any] = self.cleaned_data
        try:
            return endpoints.add(account, given["url"], form=given["form"], events=given["events"], salt=given["salt"])
        except EndpointRefused as refused:
            self.add_error(refused.field, str(refused))
            return None


class StaffEndpointForm(EndpointForm):
    """The same, for any account or for the operator."""

    field_order = ("account", "url", "events")
    account = forms.ModelChoiceField(
        Account.objects.order_by("name"),
        required=False,
        to_field_name="name",
        widget=forms.TextInput(attrs={"size": 40}),
        help_text="Its name. Empty: the operator's own, told of low credit at a provider.",
    )
    events = forms.TypedMultipleChoiceField(
        required=False,
        coerce=EventType,
        choices=EventType.choices,
        widget=forms.SelectMultiple(attrs={"size": len(EventType)}),
        label="Tell it when",
        help_text="Nothing chosen: of everything. Hold Ctrl, or ⌘, to choose several.",
    )
