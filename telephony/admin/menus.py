"""Menus on the staff's site: a page to write them on, a drawing, every version, and a telephone to try them with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.db.models import Prefetch, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from accounts.models import User
from accounts.numbers import display
from billing.admin.large_tables import NamedChangeList
from telephony import menus
from telephony.admin import menu_fields
from telephony.admin.menu_forms import Draft, Fault
from telephony.admin.menu_links import NEW_MENU, broken_links, names_in, with_ids
from telephony.admin.menu_phone import Phone
from telephony.menu_checks import Problem, problems_of
from telephony.menu_picture import draw
from telephony.models import Menu, MenuVersion

MOST_VERSIONS = 30
# Names and the token that a browser sends beside the fields of the menu.
FIELDS_BESIDE = 20
FULL = "The page cannot hold more. Let some of the questions be another menu and go on there."


@admin.register(Menu)
class MenuAdmin(admin.ModelAdmin):
    """Menus without code. What is saved is a new version; calls keep the one they began with."""

    list_display = ("name", "in_force_shown", "leads_here", "question_count")
    search_fields = ("name__icontains",)
    search_help_text = "A part of a menu's name."
    ordering = ("name",)
    actions = None

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return NamedChangeList

    def get_queryset(self, request: HttpRequest) -> QuerySet[Menu]:
        newest = MenuVersion.objects.order_by("menu_id", "-number").distinct("menu_id")
        return super().get_queryset(request).prefetch_related(
            "access_numbers", Prefetch("versions", newest, to_attr="newest")
        )  # fmt: skip

    def has_delete_permission(self, request: HttpRequest, obj: Menu | None = None) -> bool:
        return False  # its versions are kept, because calls refer to them

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("try/", wrap(self.try_draft_view), name="telephony_menu_try"),
            path("<int:menu_id>/try/", wrap(self.try_view), name="telephony_menu_try_saved"),
            path("<int:menu_id>/versions/<int:number>/", wrap(self.version_view), name="telephony_menu_version"),
            *super().get_urls(),
        ]

    # --- the page to write on ---

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        return self._edit(request, None)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        menu = self.get_object(request, object_id)
        if menu is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)  # type: ignore[attr-defined]
        if not self.has_view_or_change_permission(request, menu):
            raise PermissionDenied
        return self._edit(request, menu)

    def _edit(self, request: HttpRequest, menu: Menu | None) -> HttpResponse:
        if request.method != "POST":
            return self._page(request, menu, Draft(_fields_of(menu)))
        if menu is not None and not self.has_change_permission(request, menu):
            raise PermissionDenied
        fields = _pressed(request, menu_fields.known(request.POST.dict()))
        draft = Draft(fields)
        if request.POST.get("do") != "save":
            return self._page(request, menu, draft)
        faults = _faults(draft, menu)
        saved = None if faults else self._save(request, menu, draft)
        if saved is not None:
            return HttpResponseRedirect(reverse("admin:telephony_menu_change", args=[saved.pk]))
        return self._page(request, menu, draft, faults)

    def _page(
        self, request: HttpRequest, menu: Menu | None, draft: Draft, faults: list[Fault] | None = None
    ) -> HttpResponse:
        asked = with_ids(draft.menu)
        in_force = menu.in_force if menu else None
        context = {
            **self.admin_site.each_context(request),
            "title": f"Menu {menu}" if menu else "New menu",
            "opts": self.opts,
            "menu": menu,
            "in_force": in_force,
            "is_old": in_force is not None and draft.version != str(in_force.number),
            "draft": draft,
            "faults": faults,
            "picture": _picture(asked),
            "versions": _versions(menu),
            "next_card": menu_fields.next_card(draft.fields),
            "other_menus": Menu.objects.exclude(pk=menu.pk if menu else NEW_MENU).order_by("name"),
            "may_change": self.has_change_permission(request, menu) if menu else self.has_add_permission(request),
        }
        return TemplateResponse(request, "admin/telephony/menu/editor.html", context)

    # --- saving ---

    def _save(self, request: HttpRequest, menu: Menu | None, draft: Draft) -> Menu | None:
        """Write a new version, unless nothing changed or somebody else has saved; says what became of it."""
        try:
            with transaction.atomic():
                saved = Menu.objects.select_for_update().get(pk=menu.pk) if menu else Menu(name=draft.menu_name)
                before = saved.in_force if menu else None
                if menu is not None and draft.version != str(before.number if before else ""):
                    messages.error(request, _overtaken(before))
                    draft.fields["version"] = str(before.number if before else "")
                    return None
                is_new_name = saved.name != draft.menu_name
                if menu is None or is_new_name:
                    saved.name = draft.menu_name
                    saved.save()
                version = _add_version(saved, before, with_ids(draft.menu), request)
        except IntegrityError:  # somebody took the name, or saved, at this very moment
            messages.error(request, "Somebody saved at the same moment. Please save again.")
            return None
        self._tell(request, saved, version, is_added=menu is None, is_new_name=is_new_name)
        return saved

    def _tell(
        self, request: HttpRequest, menu: Menu, version: MenuVersion | None, *, is_added: bool, is_new_name: bool
    ) -> None:
        done = f"Saved as version {version.number}." if version else "Renamed." if is_new_name else ""
        if not done:
            messages.info(request, "Nothing was changed, so nothing was saved.")
            return
        if is_added:
            self.log_addition(request, menu, done)
        else:
            self.log_change(request, menu, done)
        messages.success(request, f"{done} Calls that begin from now on hear it.")

    # --- versions ---

    def version_view(self, request: HttpRequest, menu_id: int, number: int) -> HttpResponse:
        """One version as a drawing, and a button that puts it in force again as a new version."""
        version = MenuVersion.objects.select_related("menu", "saved_by").filter(menu=menu_id, number=number).first()
        if version is None:
            raise Http404
        menu = version.menu
        if not self.has_view_or_change_permission(request, menu):
            raise PermissionDenied
        if request.method == "POST":
            if not self.has_change_permission(request, menu):
                raise PermissionDenied
            return self._use_again(request, version)
        context = {
            **self.admin_site.each_context(request),
            "title": f"Version {number} of {menu}",
            "opts": self.opts,
            "menu": menu,
            "version": version,
            "in_force": menu.in_force,
            "picture": _picture(version.read()),
            "may_change": self.has_change_permission(request, menu),
        }
        return TemplateResponse(request, "admin/telephony/menu/version.html", context)

    def _use_again(self, request: HttpRequest, version: MenuVersion) -> HttpResponse:
        menu = version.menu
        problems = _problems(version.read(), menu)
        if problems:
            reasons = " ".join(map(str, problems))
            messages.error(request, f"Version {version.number} cannot be used any more. {reasons}")
            return HttpResponseRedirect(reverse("admin:telephony_menu_version", args=[menu.pk, version.number]))
        with transaction.atomic():
            menu = Menu.objects.select_for_update().get(pk=menu.pk)
            added = _add_version(menu, menu.in_force, version.read(), request)
        if added is None:
            messages.info(request, f"Version {version.number} is what is in force already.")
        else:
            done = f"Version {version.number} used again as version {added.number}."
            self.log_change(request, menu, done)
            messages.success(request, done)
        return HttpResponseRedirect(reverse("admin:telephony_menu_change", args=[menu.pk]))

    # --- the telephone ---

    def try_view(self, request: HttpRequest, menu_id: int) -> HttpResponse:
        """Try what is saved: the newest version, or the one with `?version=`."""
        menu = Menu.objects.filter(pk=menu_id).first()
        wanted = request.GET.get("version", "")
        if menu is None:
            raise Http404
        if not self.has_view_or_change_permission(request, menu):
            raise PermissionDenied
        version = menu.versions.filter(number=wanted).first() if wanted.isdecimal() else menu.in_force
        if version is None:
            raise Http404
        return self._phone(request, menu, Draft(_fields_of(menu, version)), "")

    def try_draft_view(self, request: HttpRequest) -> HttpResponse:
        """Try what is on the page, saved or not. All of it comes with the request; nothing is kept."""
        if request.method != "POST":
            return HttpResponseRedirect(reverse("admin:telephony_menu_changelist"))
        id = request.POST.get("menu", "")
        menu = Menu.objects.filter(pk=id).first() if id.isdecimal() and len(id) < 19 else None
        if not (self.has_view_or_change_permission(request, menu) if menu else self.has_add_permission(request)):
            raise PermissionDenied
        draft = Draft(menu_fields.known(request.POST.dict()))
        faults = _faults(draft, menu, is_named=True)
        if faults:
            return self._page(request, menu, draft, faults)
        return self._phone(request, menu, draft, Phone.next(request.POST))

    def _phone(self, request: HttpRequest, menu: Menu | None, draft: Draft, pressed: str) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": f"Try {draft.menu_name or 'the menu'}",
            "opts": self.opts,
            "menu": menu,
            "draft": draft,
            "phone": Phone.ring(with_ids(draft.menu), menu, pressed),
            "may_change": self.has_change_permission(request, menu) if menu else self.has_add_permission(request),
        }
        return TemplateResponse(request, "admin/telephony/menu/try.html", context)

    # --- the list ---

    @admin.display(description="in force")
    def in_force_shown(self, menu: Menu) -> str:
        return f"Version {_newest(menu).number}" if _newest(menu) else "nothing yet"  # type: ignore[union-attr]

    @admin.display(description="access numbers")
    def leads_here(self, menu: Menu) -> SafeString | str:
        numbers = [
            (reverse("admin:telephony_accessnumber_change", args=[number.pk]), display(number.number))
            for number in menu.access_numbers.all()
        ]
        return format_html_join(", ", '<a class="nowrap" href="{}">{}</a>', numbers) or "–"

    @admin.display(description="questions")
    def question_count(self, menu: Menu) -> int:
        newest = _newest(menu)
        return len(newest.read().questions) if newest else 0


def _newest(menu: Menu) -> MenuVersion | None:
    """The version in force as the list has read it for all its rows at once."""
    return next(iter(cast(Any, menu).newest), None)


def _fields_of(menu: Menu | None, version: MenuVersion | None = None) -> dict[str, str]:
    """The fields of a saved menu, or of the template that a new one begins with."""
    version = version or (menu.in_force if menu else None)
    if menu is None or version is None:
        return {**menu_fields.template(), "name": menu.name if menu else ""}
    asked = version.read()
    return {"name": menu.name, "version": str(version.number), **menu_fields.write_fields(asked, names_in(asked))}


def _pressed(request: HttpRequest, fields: dict[str, str]) -> dict[str, str]:
    """The fields after the button that was pressed: one more question or key, or one less."""
    verb, _, prefix = request.POST.get("do", "").partition(":")
    if verb.startswith("add-") and _is_full(fields):
        messages.error(request, FULL)
    elif verb == "add-question":
        return menu_fields.add_question(fields)
    elif verb == "add-key" and prefix in menu_fields.cards(fields):
        return menu_fields.add_key(fields, prefix)
    elif verb == "remove" and prefix:
        return menu_fields.remove(fields, prefix)
    return fields


def _is_full(fields: Mapping[str, str]) -> bool:
    """Whether the page has nearly as many fields, or nearly as much text, as Django takes in one request."""
    most_fields, most_bytes = settings.DATA_UPLOAD_MAX_NUMBER_FIELDS, settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    size = sum(len(name) + len(text.encode()) for name, text in fields.items())
    return len(fields) + FIELDS_BESIDE > most_fields or size * 10 > most_bytes * 9


def _faults(draft: Draft, menu: Menu | None, *, is_named: bool = False) -> list[Fault]:
    """Everything that is wrong with what is on the page. A menu that is only tried needs no name: `is_named`."""
    faults = draft.check(_problems(with_ids(draft.menu), menu), needs_name=not is_named)
    taken = Menu.objects.filter(name=draft.menu_name).exclude(pk=menu.pk if menu else NEW_MENU)
    if draft.menu_name and taken.exists():
        faults.insert(0, Fault("menu-head", "", f"There is already a menu called “{draft.menu_name}”."))
    return faults


def _problems(asked: menus.Menu, menu: Menu | None) -> list[Problem]:
    return [*problems_of(asked), *broken_links(asked, menu.pk if menu else None)]


def _picture(asked: menus.Menu) -> SafeString:
    # Everything in it was escaped by `draw`.
    return mark_safe(draw(asked, problems_of(asked), names_in(asked)))  # noqa: S308


def _versions(menu: Menu | None) -> list[MenuVersion]:
    return list(menu.versions.select_related("saved_by").order_by("-number")[:MOST_VERSIONS]) if menu else []


def _add_version(menu: Menu, before: MenuVersion | None, asked: menus.Menu, request: HttpRequest) -> MenuVersion | None:
    """The next version; None when it would ask what is asked already. The menu's row is locked."""
    definition = menus.write_menu(asked)
    if before is not None and before.definition == definition:
        return None
    number = before.number + 1 if before else 1
    return MenuVersion.objects.create(
        menu=menu, number=number, definition=definition, saved_by=cast(User, request.user)
    )


def _overtaken(version: MenuVersion | None) -> SafeString | str:
    if version is None:
        return "The page is not that of a menu that was saved. Nothing of yours is lost: save again."
    return format_html(
        'Meanwhile {} saved <a href="{}">version {}</a>. Nothing of yours is lost: look at it, then save again to put '
        "yours in its place.",
        version.saved_by or "somebody",
        reverse("admin:telephony_menu_version", args=[version.menu_id, version.number]),
        version.number,
    )
