"""People and accounts on the staff's site.

The page of an account also shows its money and its calls, which this app knows nothing of: `telephony.admin` extends
`AccountAdmin` and registers it.
"""

from __future__ import annotations

from typing import Any, ClassVar, cast

from allauth.account.models import EmailAddress
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.forms import BaseInlineFormSet, ModelChoiceField
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone

from accounts import notices, registration
from accounts.exceptions import AccountError
from accounts.forms import AccountForm, NewPersonForm, PersonForm
from accounts.models import Account, CallerNumber, ClientUser, DestinationRule, Notice, User

# Nobody signs up or changes an address alone, so allauth's own list of addresses is of no use to staff.
admin.site.unregister(EmailAddress)


@admin.register(User)
class PersonAdmin(UserAdmin):
    """People who sign in. Who is staff, and what staff may do, is decided by superusers alone."""

    form = PersonForm
    add_form = NewPersonForm
    list_display = ("email", "name", "account", "is_staff", "is_active", "last_login")
    list_select_related = ("account",)
    list_filter = ("is_staff", "is_active")
    search_fields = ("email__istartswith", "account__name__istartswith")
    search_help_text = "The beginning of an e-mail address or of an account's name."
    show_full_result_count = False
    ordering = ("email",)
    raw_id_fields = ("account",)
    filter_horizontal = ("groups", "user_permissions")
    readonly_fields = ("last_login", "date_joined")
    fieldsets = (
        (None, {"fields": ("email", "name", "account", "password")}),
        ("May do", {"fields": ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")}),
        ("When", {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = (
        (
            None,
            {"classes": ("wide",), "fields": ("email", "name", "account", "usable_password", "password1", "password2")},
        ),
    )

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        if cast(User, request.user).is_superuser:
            return self.readonly_fields
        return (*self.readonly_fields, "is_staff", "is_superuser", "groups", "user_permissions")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        if obj is not None and obj.is_staff and not cast(User, request.user).is_superuser:
            return False
        return super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # what a person did stays theirs; `active` switches them off


class _Rows(BaseInlineFormSet):
    """Rows of a table, whose box for deletion says what it is for."""

    def add_fields(self, form: Any, index: int | None) -> None:
        super().add_fields(form, index)
        if "DELETE" in form.fields:
            form.fields["DELETE"].widget.attrs["aria-label"] = "Delete"


class _AccountInline(admin.TabularInline):
    extra = 0
    formset = _Rows

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """In a table a field has a column head and no label, so its name is said to those who cannot see it."""
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field is not None:
            for widget in getattr(field.widget, "widgets", [field.widget]):
                widget.attrs["aria-label"] = str(db_field.verbose_name)
        return field


class CallerNumberInline(_AccountInline):
    model = CallerNumber

    def get_formset(self, request: HttpRequest, obj: Account | None = None, **kwargs: Any) -> Any:
        """A number is somebody's of the same account, or everybody's."""
        formset = super().get_formset(request, obj, **kwargs)
        whose = formset.form.base_fields.get("client_user")
        if isinstance(whose, ModelChoiceField):
            whose.queryset = ClientUser.objects.filter(account=obj).order_by("name")
        return formset


class ClientUserInline(_AccountInline):
    model = ClientUser


class DestinationRuleInline(_AccountInline):
    model = DestinationRule


class AccountAdmin(admin.ModelAdmin):
    """Accounts: who they are, what bounds them, and suspending them."""

    form = AccountForm
    list_display: tuple[str, ...] = ("name", "status", "verified", "created_at")
    list_filter = ("status", "verified")
    search_fields = ("name__istartswith",)
    search_help_text = "The beginning of a name, a caller number with its plus, or the name of an app's user."
    show_full_result_count = False
    ordering = ("name",)
    readonly_fields = ("status", "card_number", "created_at")
    fieldsets: ClassVar = (
        (None, {"fields": ("name", "status", "verified", "time_zone", "card_number", "created_at")}),
        (
            "Limits of its own",
            {
                "description": "Empty: as its plan says.",
                "fields": (
                    "calls_at_once",
                    "longest_call_seconds",
                    "highest_price_per_minute",
                    "exposure_allowance",
                    "velocity_limits",
                ),
            },
        ),
        ("Destinations", {"fields": ("destinations",)}),
    )
    inlines: ClassVar = [CallerNumberInline, ClientUserInline, DestinationRuleInline]
    actions = ("suspend", "reactivate", "give_card")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Account], search_term: str
    ) -> tuple[QuerySet[Account], bool]:
        term = search_term.strip()
        found, duplicates = super().get_search_results(request, queryset, search_term)
        if term:
            found |= queryset.filter(pk__in=CallerNumber.objects.filter(number=term).values("account"))
            found |= queryset.filter(pk__in=ClientUser.objects.filter(name=term).values("account"))
        return found, duplicates

    def has_delete_permission(self, request: HttpRequest, obj: Account | None = None) -> bool:
        return False  # an account that called or paid is closed, never deleted

    @admin.action(description="Suspend: refuse new calls", permissions=["change"])
    def suspend(self, request: HttpRequest, queryset: QuerySet[Account]) -> None:
        for account in queryset:
            self.change_status(request, account, "suspend")

    @admin.action(description="Reactivate: allow calls again", permissions=["change"])
    def reactivate(self, request: HttpRequest, queryset: QuerySet[Account]) -> None:
        for account in queryset:
            self.change_status(request, account, "reactivate")

    @admin.action(description="Give a card number, for calls from any telephone", permissions=["change"])
    def give_card(self, request: HttpRequest, queryset: QuerySet[Account]) -> None:
        for account in queryset:
            number = registration.give_card_number(account)
            self.log_change(request, account, "Has a card number.")
            messages.success(request, f"{account}: card number {number}.")

    def change_status(self, request: HttpRequest, account: Account, verb: str) -> None:
        """Suspend or reactivate through the use case, and write down who did."""
        use_case = registration.suspend if verb == "suspend" else registration.reactivate
        try:
            use_case(account)
        except AccountError as error:
            messages.error(request, f"{account}: {error}")
        else:
            self.log_change(request, account, f"Now {account.get_status_display()}.")
            messages.success(request, f"{account} is {account.get_status_display()}.")


@admin.register(Notice)
class NoticeAdmin(admin.ModelAdmin):
    """What was left for staff and customers to read. Those for staff are on the dashboard until they are dismissed."""

    list_display = ("made_at", "whose", "level", "text", "dismissed_at")
    list_select_related = ("account",)
    list_filter = ("level", ("account", admin.EmptyFieldListFilter))
    ordering = ("-made_at",)
    fields = readonly_fields = ("account", "level", "text", "made_at", "dismissed_at")
    show_full_result_count = False
    actions = None

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Notice | None = None) -> bool:
        return False  # its text stays what it was; it is dismissed

    def has_delete_permission(self, request: HttpRequest, obj: Notice | None = None) -> bool:
        return False

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.dismiss_view)
        return [path("<int:notice_id>/dismiss/", view, name="accounts_notice_dismiss"), *super().get_urls()]

    def dismiss_view(self, request: HttpRequest, notice_id: int) -> HttpResponse:
        """Take a notice for staff off the dashboard, for everybody."""
        if request.method != "POST":
            raise Http404
        if not request.user.has_perm("accounts.change_notice"):
            raise PermissionDenied
        notices.dismiss(None, notice_id, timezone.now())
        return HttpResponseRedirect(reverse("admin:index"))

    @admin.display(description="for", ordering="account")
    def whose(self, notice: Notice) -> str:
        return str(notice.account) if notice.account else "staff"
