"""Forms about people and accounts, for staff."""

from __future__ import annotations

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django import forms
from django.contrib.auth.forms import AdminUserCreationForm, UserChangeForm

from accounts.models import Account, User


class NewPersonForm(AdminUserCreationForm):
    """A person who will sign in with an e-mail address."""

    class Meta:
        model = User
        fields = ("email",)


class PersonForm(UserChangeForm):
    """A person, whose password is changed on a page of its own."""

    class Meta:
        model = User
        fields = "__all__"


class AccountForm(forms.ModelForm):
    """What staff decide about an account. Its status and its money have use cases of their own."""

    class Meta:
        model = Account
        fields = (
            "name", "verified", "destinations", "calls_at_once", "longest_call_seconds", "highest_price_per_minute",
            "exposure_allowance", "velocity_limits", "time_zone",
        )  # fmt: skip

    def clean_time_zone(self) -> str:
        name: str = self.cleaned_data["time_zone"]
        try:
            return ZoneInfo(name).key
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise forms.ValidationError("Write a time zone such as Europe/Stockholm.") from None
