"""Texts on the staff's site: what became of each and what it cost, a page to send some, and who said STOP."""

from __future__ import annotations

from typing import Any, ClassVar
from urllib.parse import urlencode

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.models import ADDITION, LogEntry
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from accounts.exceptions import UnknownAccount
from accounts.models import Account, User
from accounts.numbers import NumberUnreadable, parse_number
from accounts.registration import find_account
from billing.admin.forms import fresh_reference
from billing.admin.large_tables import NamedChangeList
from billing.models import Hold
from billing.templatetags.money import money
from telephony import texts
from telephony.admin.outgoing import PricedAdmin
from telephony.admin.recent import Recent
from telephony.models import OptOut, TextMessage
from telephony.templatetags.calls import number
from telephony.texts import ERRAND, MOST_AT_ONCE, Estimate, NewText, TextsRefused

MAY_SEND = "telephony.add_textmessage"

# Where on the form a refusal belongs; what is not here concerns the whole.
_FIELDS = {"account": "account", "recipient": "to", "body": "body", "sender": "sender", "reference": "reference"}


class SendForm(forms.Form):
    """A text to one number, or the same to several. The rules are the use case's; this form only reads."""

    account = forms.CharField(max_length=100, help_text="Its name. It pays, at its own prices.")
    to = forms.CharField(
        max_length=64 * MOST_AT_ONCE,
        widget=forms.Textarea(attrs={"rows": 3, "cols": 40}),
        help_text=f"With + and country code; several numbers one per line, at most {MOST_AT_ONCE}.",
    )
    sender = forms.CharField(
        max_length=64,
        required=False,
        help_text="A verified number or a sender name of the account. Empty: the number texts usually come from.",
    )
    body = forms.CharField(
        strip=False, required=False, label="Text", widget=forms.Textarea(attrs={"rows": 4, "cols": 60})
    )
    reference = forms.CharField(
        max_length=90, initial=fresh_reference, help_text="What it is for. The same reference is sent once."
    )

    def clean_account(self) -> Account:
        try:
            return find_account(self.cleaned_data["account"])
        except UnknownAccount as unknown:
            raise forms.ValidationError("There is no account with this name.") from unknown

    def clean_to(self) -> list[str]:
        lines = [line.strip() for line in self.cleaned_data["to"].splitlines() if line.strip()]
        if len(lines) > MOST_AT_ONCE:
            raise forms.ValidationError(f"At most {MOST_AT_ONCE} numbers are texted at once; these are {len(lines)}.")
        return lines

    def texts(self) -> list[NewText]:
        """One text for each number, each with a reference of its own."""
        given = self.cleaned_data
        several = len(given["to"]) > 1
        return [
            NewText(
                account_id=given["account"].pk,
                recipient=recipient,
                body=given["body"].replace("\r\n", "\n"),
                sender=given["sender"],
                reference=f"{given['reference']}-{position}" if several else given["reference"],
            )
            for position, recipient in enumerate(given["to"], start=1)
        ]

    def add_refusals(self, refused: TextsRefused) -> None:
        """Put each refusal at its field, said once; what concerns a number says which."""
        for position, refusal in refused.refusals:
            field, sentence = _FIELDS.get(refusal.field), str(refusal)
            if field == "to" and len(self.cleaned_data["to"]) > 1:
                sentence = f"Line {position + 1}: {sentence}"
            if sentence not in self.errors.get(field or "__all__", []):
                self.add_error(field, sentence)


class TextsRecent(Recent):
    field = "created_at"


@admin.register(TextMessage)
class TextMessageAdmin(PricedAdmin):
    """Every text, in and out."""

    errand = ERRAND
    told_as = "text"
    sought_in = ("sender", "recipient", "reference", "provider_id")
    list_display = (
        "created_at", "direction", "sender_shown", "recipient_shown", "account", "status_shown", "segments",
        "price_shown", "detail",
    )  # fmt: skip
    list_display_links = ("created_at",)
    list_filter = (TextsRecent, "direction", "status", "purpose")
    search_help_text = "A text's id; an account's name; lately: a number with its plus, a reference, a provider's id."
    change_list_template = "admin/telephony/textmessage/change_list.html"
    fieldsets: ClassVar = (
        (None, {"fields": ("status_shown", "detail", "direction", "sender_shown", "recipient_shown", "body")}),
        (
            "Money",
            {
                "fields": (
                    "segments",
                    "encoding",
                    "paid_by",
                    "hold",
                    "price_shown",
                    "charge_shown",
                    "loss_shown",
                    "paid",
                )
            },
        ),
        ("On its way", {"fields": ("outbox", "created_at", "sent_at", "final_at", "provider_id", "told")}),
        ("Whose", {"fields": ("account", "application", "purpose", "reference", "id")}),
    )
    readonly_fields = (
        "status_shown", "sender_shown", "recipient_shown", "hold", "price_shown", "charge_shown", "loss_shown", "paid",
        "outbox", "told",
    )  # fmt: skip

    def get_urls(self) -> list[URLPattern]:
        send = path("send/", self.admin_site.admin_view(self.send_view), name="telephony_textmessage_send")
        return [send, *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        context = {"may_send": request.user.has_perm(MAY_SEND), **(extra_context or {})}
        return super().changelist_view(request, context)

    def send_view(self, request: HttpRequest) -> HttpResponse:
        """Show how a text would travel and what it would cost; send it once that was seen."""
        if not request.user.has_perm(MAY_SEND):
            raise PermissionDenied
        form = SendForm(request.POST if request.method == "POST" else None, initial=dict(request.GET.items()))
        estimate = None
        if request.method == "POST" and form.is_valid():
            try:
                estimate = _estimate(form)
                if estimate and "send" in request.POST and request.POST.get("seen") == _seen(estimate):
                    return self._sent(request, texts.send_many(form.texts()))
            except TextsRefused as refused:
                estimate = None
                form.add_refusals(refused)
        context = {
            **self.admin_site.each_context(request),
            "title": "Send a text",
            "opts": self.opts,
            "form": form,
            "estimate": estimate,
            "segmented": estimate.segmented[0] if estimate else None,
            "seen": _seen(estimate) if estimate else "",
        }
        return TemplateResponse(request, "admin/telephony/textmessage/send.html", context)

    def _sent(self, request: HttpRequest, sent: list[TextMessage]) -> HttpResponse:
        user = request.user
        assert isinstance(user, User)  # noqa: S101 - the site lets nobody else in
        LogEntry.objects.log_actions(user.pk, sent, ADDITION, change_message="Sent by hand.")
        messages.success(
            request, f"{len(sent)} texts are on their way." if len(sent) > 1 else "The text is on its way."
        )
        if len(sent) == 1:
            return HttpResponseRedirect(reverse("admin:telephony_textmessage_change", args=[sent[0].pk]))
        found = urlencode({"account__id__exact": sent[0].account_id or ""})
        return HttpResponseRedirect(f"{reverse('admin:telephony_textmessage_changelist')}?{found}")

    @admin.display(description="from")
    def sender_shown(self, text: TextMessage) -> str:
        return number(text.sender) or "–"

    @admin.display(description="to")
    def recipient_shown(self, text: TextMessage) -> str:
        return number(text.recipient)

    @admin.display(description="hold")
    def hold(self, text: TextMessage) -> str:
        holds = Hold.objects.filter(subject=text.pk).order_by("id")
        return ", ".join(f"{money(hold.amount, text.currency)} {hold.get_state_display()}" for hold in holds) or "none"


def _estimate(form: SendForm) -> Estimate | None:
    """What sending would take; None when a number stands there twice, which the form then says."""
    estimate = texts.estimate(form.texts())
    for position, recipient in enumerate(estimate.recipients):
        if recipient in estimate.recipients[:position]:
            form.add_error("to", f"Line {position + 1}: this number stands above already.")
    return None if form.errors else estimate


def _seen(estimate: Estimate) -> str:
    """What a person has been shown before they send: when it has changed meanwhile they are shown it again."""
    return f"{len(estimate.recipients)}/{estimate.segments}/{estimate.price:f}/{estimate.currency}"


class OptOutForm(forms.ModelForm):
    """Numbers may be written as people write them."""

    number = forms.CharField(max_length=64, help_text="With + and country code.")

    class Meta:
        model = OptOut
        fields = ("application", "number")

    def clean_number(self) -> str:
        try:
            return parse_number(self.cleaned_data["number"])
        except NumberUnreadable as unreadable:
            raise forms.ValidationError(str(unreadable)) from unreadable


@admin.register(OptOut)
class OptOutAdmin(admin.ModelAdmin):
    """Who said STOP. Staff add a number that asked in another way, and remove one that asks to be texted again."""

    form = OptOutForm
    list_display = ("number_shown", "application", "made_at")
    list_select_related = ("application",)
    list_filter = ("application",)
    search_fields = ("number__startswith",)
    search_help_text = "The beginning of a number with its plus."
    ordering = ("-id",)
    show_full_result_count = False

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[NamedChangeList]:
        return NamedChangeList

    def has_change_permission(self, request: HttpRequest, obj: OptOut | None = None) -> bool:
        return False

    @admin.display(description="number", ordering="number")
    def number_shown(self, opt_out: OptOut) -> str:
        return number(opt_out.number)
