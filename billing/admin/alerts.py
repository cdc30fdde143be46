"""Low-balance alerts for staff: set beside the wallet, and what crossed them when."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest

from billing.admin.large_tables import NamedChangeList, ReadOnlyAdmin
from billing.alerts import MOST_ALERTS, Channel, remove_alert, set_alert
from billing.forms import number_choices
from billing.models import Alert, Crossing, Wallet
from billing.money import Money
from billing.templatetags.money import money


class StaffAlertForm(forms.ModelForm):  # type: ignore[type-arg]
    """One alert of the wallet it stands beside, saved through the use case."""

    channels = forms.TypedMultipleChoiceField(
        coerce=Channel, choices=Channel.choices, widget=forms.CheckboxSelectMultiple
    )
    number = forms.ChoiceField(required=False)

    class Meta:
        model = Alert
        fields = ("threshold", "channels", "number", "email")

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.fields["number"].choices = [("", "The first verified number")]  # type: ignore[attr-defined]

    def clean_threshold(self) -> Any:
        threshold = self.cleaned_data["threshold"]
        others = Alert.objects.filter(wallet=self.instance.wallet_id, threshold=threshold).exclude(pk=self.instance.pk)
        if others.exists():
            raise forms.ValidationError("There is an alert at this threshold already: change that one.")
        return threshold

    def save(self, commit: bool = True) -> Alert:
        """Through `billing.alerts.set_alert`, which decides whether it is armed."""
        wallet: Wallet = self.instance.wallet
        given = self.cleaned_data
        before = Alert.objects.filter(pk=self.instance.pk).first() if self.instance.pk else None
        self.instance: Alert = set_alert(
            wallet.account,
            Money.of(given["threshold"], wallet.currency),
            given["channels"],
            number=given["number"],
            email=given["email"],
            replaces=before,
        )
        return self.instance


class AlertRows(forms.BaseInlineFormSet):  # type: ignore[type-arg]
    """The alerts of one wallet; only numbers that its account has proved can be chosen."""

    def add_fields(self, form: Any, index: int | None) -> None:
        super().add_fields(form, index)
        form.instance.wallet = self.instance
        if "DELETE" in form.fields:
            form.fields["DELETE"].widget.attrs["aria-label"] = "Delete"
        for name, field in form.fields.items():
            field.widget.attrs.setdefault("aria-label", name.capitalize())
        if self.instance.pk:
            form.fields["number"].choices = number_choices(self.instance.account)

    def delete_existing(self, obj: Alert, commit: bool = True) -> None:
        """Through the use case, under the lock of the wallet."""
        remove_alert(obj)


class AlertInline(admin.TabularInline):  # type: ignore[type-arg]
    """When an account is warned, beside its wallet."""

    model = Alert
    form = StaffAlertForm
    formset = AlertRows
    fields = ("threshold", "channels", "number", "email", "armed", "told_at")
    readonly_fields = ("armed", "told_at")
    extra = 0
    max_num = MOST_ALERTS
    ordering = ("-threshold",)

    def get_formset(self, request: HttpRequest, obj: Any = None, **options: Any) -> Any:
        return super().get_formset(request, obj, **{"validate_max": True, **options})


@admin.register(Crossing)
class CrossingAdmin(ReadOnlyAdmin):
    """What crossed a threshold, newest first. It was told by texts, calls, e-mails, webhooks and notices."""

    list_display = ("crossed_at", "account", "threshold_shown", "balance_shown")
    list_select_related = ("wallet__account",)
    search_fields = ("wallet__account__name",)
    search_help_text = "A part of an account's name."
    show_full_result_count = False
    ordering = ("-crossed_at",)
    fields = ("crossed_at", "account", "threshold_shown", "balance_shown", "channels")
    readonly_fields = ("account", "threshold_shown", "balance_shown", "channels")
    actions = None

    def get_changelist(self, request: HttpRequest, **options: Any) -> type[NamedChangeList]:
        return NamedChangeList

    @admin.display(description="account")
    def account(self, crossing: Crossing) -> str:
        return str(crossing.wallet.account)

    @admin.display(description="threshold", ordering="threshold")
    def threshold_shown(self, crossing: Crossing) -> str:
        return money(crossing.threshold, crossing.currency)

    @admin.display(description="balance", ordering="balance")
    def balance_shown(self, crossing: Crossing) -> str:
        return money(crossing.balance, crossing.currency)

    @admin.display(description="told by, as the alert is now")
    def channels(self, crossing: Crossing) -> str:
        return ", ".join(crossing.alert.channel_names)
