"""What staff fill in before money moves. The rules are the use cases'; these forms only read."""

from __future__ import annotations

import secrets
from typing import Any, cast

from django import forms

from billing.models import RateDeck, Wallet, currency_code
from billing.topups import LONGEST_REASON, LONGEST_REFERENCE

LARGEST_FILE_BYTES = 20 * 1024 * 1024


def fresh_reference() -> str:
    """Offered with a form, so that one that is sent twice counts once."""
    return f"office-{secrets.token_hex(6)}"


class MoneyForm(forms.Form):
    """An amount in the wallet's currency, exact to six places."""

    amount = forms.DecimalField(max_digits=20, decimal_places=6)
    reference = forms.CharField(
        max_length=LONGEST_REFERENCE,
        initial=fresh_reference,
        help_text="The document behind it: receipt, ticket, invoice. The same reference is booked once.",
    )


class TopUpForm(MoneyForm):
    """Money that came in."""

    field_order = ("amount", "reference", "reason")
    reason = forms.CharField(max_length=LONGEST_REASON, required=False, label="Note")


class AdjustForm(MoneyForm):
    """A mistake put right, in either direction."""

    field_order = ("amount", "reason", "reference")
    amount = forms.DecimalField(
        max_digits=20, decimal_places=6, help_text="With a minus it takes money away. Held money cannot be taken."
    )
    reason = forms.CharField(
        max_length=LONGEST_REASON,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Why, in a sentence. It stays in the ledger for good.",
    )


class CreditLimitForm(forms.Form):
    """How far below zero an account may go."""

    credit_limit = forms.DecimalField(max_digits=20, decimal_places=6, min_value=0)


class WalletForm(forms.ModelForm):  # type: ignore[type-arg]
    """The one thing of a wallet that is chosen: its rate deck."""

    class Meta:
        model = Wallet
        fields = ("deck",)

    def clean_deck(self) -> RateDeck | None:
        deck = cast("RateDeck | None", self.cleaned_data["deck"])
        if deck is not None and deck.currency != self.instance.currency:
            raise forms.ValidationError(f"This wallet is in {self.instance.currency}: choose a deck in it.")
        if deck is not None and deck.service != RateDeck.Service.CALLS:
            raise forms.ValidationError(
                "Choose a deck of calls: texts and verifications are priced by the default deck."
            )
        return deck


class DeckFileForm(forms.Form):
    """A CSV file that becomes a new version of a deck."""

    name = forms.CharField(max_length=100, label="Deck", help_text="A new name makes a new deck.")
    currency = forms.CharField(max_length=3, validators=[currency_code])
    service = forms.TypedChoiceField(
        choices=RateDeck.Service.choices,
        coerce=RateDeck.Service,
        initial=RateDeck.Service.CALLS.value,
        required=False,
        empty_value=RateDeck.Service.CALLS,
    )
    file = forms.FileField(
        label="CSV file",
        help_text="Columns prefix, destination, price_per_minute; connection_fee, increments and dates if you like. "
        "For texts and verifications: prefix, destination, price_each, and dates.",
    )
    check_only = forms.BooleanField(required=False, label="Only check it and say what would change")

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file.size > LARGEST_FILE_BYTES:
            raise forms.ValidationError("The file is larger than 20 MB: load it with the command load_rates.")
        return file
