"""Lists of tables with millions of rows: never counted, never sorted as a whole, never paged by OFFSET.

A page begins behind the last row of the one before, found by the key the list is ordered by. How many rows there
are is PostgreSQL's own estimate.
"""

from __future__ import annotations

from typing import Any, ClassVar
from urllib.parse import urlencode

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import ValidationError
from django.db import connection
from django.db.models import Field, Model, Q, QuerySet
from django.http import HttpRequest

OLDER_THAN = "older_than"
# A "+" in an address is read as a blank, and so "_" is what no part of a key has.
BETWEEN_PARTS = "_"


class ReadOnlyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Looked at, never touched: what changes these rows is a use case."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class NamedChangeList(ChangeList):
    """A list whose title says what it lists."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.is_popup:
            name = str(self.opts.verbose_name_plural)
            self.title = name[:1].upper() + name[1:]


class KeysetChangeList(NamedChangeList):
    """One page, newest first, and a link to the page behind it."""

    model_admin: LargeTableAdmin
    older_link: str = ""
    newest_link: str = ""
    estimate: int | None = None

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet[Any]:
        # Where the page begins is no filter, and a changed filter begins at the newest again.
        self.params.pop(OLDER_THAN, None)
        self.filter_params.pop(OLDER_THAN, None)
        return super().get_queryset(request, exclude_parameters)

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[Any]:
        return [f"-{name}" for name in self.model_admin.keyset]

    def get_results(self, request: HttpRequest) -> None:
        key = request.GET.get(OLDER_THAN, "")
        rows = self.queryset.filter(self._beyond(key)) if key else self.queryset
        found = list(rows[: self.list_per_page + 1])
        self.result_list = found[: self.list_per_page]
        self.result_count = len(self.result_list)
        self.multi_page = self.can_show_all = self.show_full_result_count = False
        self.full_result_count = None
        self.paginator = None
        self.show_admin_actions = bool(found)
        if len(found) > self.list_per_page:
            self.older_link = self._link({OLDER_THAN: self._key_of(self.result_list[-1])})
        if key:
            self.newest_link = self._link({})
        elif not self.query and not self.has_active_filters:
            self.estimate = estimated_count(self.model)

    def _link(self, more: dict[str, str]) -> str:
        query = {**self.filter_params, **more}
        return "?" + urlencode(sorted(query.items()), doseq=True)

    def _key_of(self, row: Model) -> str:
        return BETWEEN_PARTS.join(field.value_to_string(row) for field in self._key_fields())

    def _beyond(self, key: str) -> Q:
        fields = self._key_fields()
        texts = key.split(BETWEEN_PARTS)
        if len(texts) != len(fields):
            raise IncorrectLookupParameters("The page's address is not whole.")
        try:
            values = [field.to_python(text) for field, text in zip(fields, texts, strict=True)]
        except ValidationError as error:
            raise IncorrectLookupParameters(error) from error
        return rows_beyond(self.model_admin.keyset, values)

    def _key_fields(self) -> list[Field[Any, Any]]:
        fields = {field.name: field for field in self.opts.concrete_fields}
        return [fields[name] for name in self.model_admin.keyset]


def rows_beyond(names: tuple[str, ...], values: list[Any]) -> Q:
    """The rows behind these values in descending order, written so that an index on the names is walked."""
    strictly = Q(**{f"{names[0]}__lt": values[0]})
    if len(names) == 1:
        return strictly
    return Q(**{f"{names[0]}__lte": values[0]}) & (strictly | rows_beyond(names[1:], values[1:]))


def estimated_count(model: type[Model]) -> int | None:
    """How many rows PostgreSQL believes there are; None before it has ever looked."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT reltuples::bigint FROM pg_class WHERE oid = %s::regclass", [f'"{model._meta.db_table}"'])
        (rows,) = cursor.fetchone()
    return None if rows < 0 else int(rows)


class LargeTableAdmin(ReadOnlyAdmin):
    """A list of a large table. `keyset` names the fields that order it, newest first; an index covers them."""

    keyset: ClassVar[tuple[str, ...]] = ("id",)
    list_per_page = 50
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    sortable_by = ()
    actions = None

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return KeysetChangeList
