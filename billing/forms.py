"""What customers fill in about their money. The rules are the use cases'; these forms only read."""

from __future__ import annotations

from typing import Any

from django import forms

from accounts.models import Account
from accounts.numbers import display
from billing.alerts import Channel
from billing.models import Alert


class AlertForm(forms.Form):
    """When to be warned of a low balance, and how. Only the account's own proved numbers can be called."""

    threshold = forms.DecimalField(
        max_digits=20, decimal_places=6, label="Warn me when my balance falls below", localize=False
    )
    channels = forms.TypedMultipleChoiceField(
        label="By", coerce=Channel, choices=Channel.choices, widget=forms.CheckboxSelectMultiple
    )
    number = forms.ChoiceField(required=False, label="Number for texts and calls")
    email = forms.EmailField(
        required=False, label="E-mail address", help_text="Empty: everybody who signs in for the account."
    )

    def __init__(self, account: Account, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.fields["number"].choices = number_choices(account)  # type: ignore[attr-defined]

    @staticmethod
    def initial_of(alert: Alert) -> dict[str, Any]:
        """What the form shows of an alert before it is changed."""
        places = max(2, -int(alert.threshold.normalize().as_tuple().exponent))
        return {
            "threshold": f"{alert.threshold:.{places}f}",
            "channels": alert.channels,
            "number": alert.number,
            "email": alert.email,
        }


def number_choices(account: Account) -> list[tuple[str, str]]:
    """The account's verified numbers, after the choice of none in particular."""
    verified = account.caller_numbers.filter(verified_at__isnull=False).order_by("pk")
    return [("", "The first verified number"), *((n.number, display(n.number)) for n in verified)]
