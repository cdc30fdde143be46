"""Our credentials at the providers, for staff. A secret goes in and never comes out again.

One does: the password that callbacks from Sift bring stands in the address that is typed in there, as its token does.
Both are shown to those only who may change the application.
"""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.http import HttpRequest

from telephony.applications import callback_address
from telephony.models import Application

SINCH_ADDRESS: str = Application._meta.get_field("base_url").get_default()
SECRETS = ("secret", "previous_secret", "callback_salt", "service_account")


class ApplicationForm(forms.ModelForm):
    """Empty secret fields keep what is stored. The model's own `clean` refuses a half-configured application."""

    secret = forms.CharField(required=False, widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}))
    previous_secret = forms.CharField(
        required=False, widget=forms.PasswordInput(attrs={"autocomplete": "new-password"})
    )
    base_url = forms.URLField(
        assume_scheme="https",
        label="REST API",
        initial=SINCH_ADDRESS,
        help_text="Where the provider is asked and told: that of its region, or a sandbox's.",
    )
    callback_salt = forms.CharField(
        required=False,
        max_length=40,
        label="security salt or callback password",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    service_account = forms.CharField(
        required=False, label="service account's key file", widget=forms.Textarea(attrs={"rows": 3})
    )
    forget_previous_secret = forms.BooleanField(required=False, help_text="The rotation is over.")

    class Meta:
        model = Application
        fields = (
            "provider", "name", "key", "secret", "previous_secret", "default_account", "caller_id", "base_url",
            "sends_texts", "sender", "least_credit", "callback_salt", "service_account", "remote_id", "enabled",
        )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in SECRETS:
            stored = getattr(self.instance, name)
            self.initial.pop(name, None)
            self.fields[name].help_text = "Set. Leave empty to keep it." if stored else "Not set."

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or {}
        for name in SECRETS:
            given[name] = given.get(name) or getattr(self.instance, name)
        if given.get("forget_previous_secret"):
            given["previous_secret"] = ""
        if given.get("base_url") == SINCH_ADDRESS and given.get("provider") not in (None, Application.Provider.SINCH):
            # It stands in a new form from the beginning; whoever leaves it there would send Sinch the secret.
            self.add_error("base_url", "This is where Sinch's calls are managed: write the address of this provider.")
        return given


@admin.register(Application)
class ApplicationAdmin(admin.ModelAdmin):
    """One line per set of credentials."""

    form = ApplicationForm
    list_display = ("__str__", "provider", "key", "enabled", "secret_set", "rotating", "default_account")
    list_select_related = ("default_account",)
    list_filter = ("provider", "enabled")
    raw_id_fields = ("default_account",)
    actions = None
    fieldsets: ClassVar = (
        (None, {"fields": ("provider", "name", "enabled")}),
        ("Credentials", {"fields": ("key", "secret", "previous_secret", "forget_previous_secret", "base_url")}),
        ("Where the provider calls us", {"fields": ("callback_address",)}),
        ("Calls", {"fields": ("default_account", "caller_id")}),
        ("Texts", {"fields": ("sends_texts", "sender")}),
        ("Our credit there", {"fields": ("least_credit",)}),
        ("Voximplant and Sift", {"fields": ("callback_salt", "service_account", "remote_id")}),
    )

    def get_fieldsets(self, request: HttpRequest, obj: Application | None = None) -> Any:
        if self.has_change_permission(request, obj):
            return self.fieldsets
        # A page for reading shows model fields as they are, so the secrets are not on it at all.
        return (
            (None, {"fields": ("provider", "name", "enabled")}),
            ("Credentials", {"fields": ("key", "secret_set", "rotating", "base_url")}),
            ("Calls", {"fields": ("default_account", "caller_id")}),
            ("Texts", {"fields": ("sends_texts", "sender")}),
            ("Our credit there", {"fields": ("least_credit",)}),
        )

    def get_readonly_fields(self, request: HttpRequest, obj: Application | None = None) -> tuple[str, ...]:
        return ("callback_address",) if self.has_change_permission(request, obj) else ("secret_set", "rotating")

    def has_delete_permission(self, request: HttpRequest, obj: Application | None = None) -> bool:
        return False  # its calls and events stay; `enabled` switches it off

    @admin.display(description="address")
    def callback_address(self, application: Application) -> str:
        return callback_address(application) if application.pk else "Shown once it is saved."

    @admin.display(description="secret set", boolean=True)
    def secret_set(self, application: Application) -> bool:
        return bool(application.secret)

    @admin.display(description="rotating", boolean=True)
    def rotating(self, application: Application) -> bool:
        return bool(application.previous_secret)
