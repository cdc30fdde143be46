"""What comes in all day is listed by stretches of time, and found, by ways for which there is an index."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, ClassVar
from uuid import UUID

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from accounts.models import Account
from billing.admin.ledger import as_uuid
from telephony.calls import call_id
from telephony.models import Application

STRETCHES = {
    "hour": ("Last hour", timedelta(hours=1)),
    "day": ("Last 24 hours", timedelta(days=1)),
    "week": ("Last 7 days", timedelta(days=7)),
    "month": ("Last 31 days", timedelta(days=31)),
    "year": ("Last 366 days", timedelta(days=366)),
}
USUAL = "day"
SEARCHED = timedelta(days=31)


class Recent(admin.SimpleListFilter):
    """The last 24 hours unless another stretch is chosen; everything of one account, whose rows have an index."""

    title = "when"
    parameter_name = "when"
    field: ClassVar[str]

    def __init__(self, request: HttpRequest, params: Any, model: Any, model_admin: Any) -> None:
        super().__init__(request, params, model, model_admin)
        self.is_narrow = any(name == "q" or name.startswith(("account", "call__")) for name in request.GET)

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(word, name) for word, (name, _) in STRETCHES.items()]

    def choices(self, changelist: Any) -> Iterator[Any]:
        any_time, *stretches = super().choices(changelist)
        if self.is_narrow:
            yield any_time
        for choice, word in zip(stretches, STRETCHES, strict=True):
            yield {**choice, "selected": word == self._word()}

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        word = self._word()
        return queryset.filter(**{f"{self.field}__gte": timezone.now() - STRETCHES[word][1]}) if word else queryset

    def _word(self) -> str:
        word = self.value() or ""
        if word in STRETCHES:
            return word
        return "" if self.is_narrow else USUAL


class CallsRecent(Recent):
    field = "begun_at"


class CdrsRecent(Recent):
    field = "ended_at"


def calls_meant(term: str) -> list[UUID]:
    """The ids of the calls a person may mean by our id or by a provider's; no table is read for it but one."""
    ids = [call_id(application, term) for application in Application.objects.values_list("pk", flat=True)]
    ours = as_uuid(term)
    return [*ids, ours] if ours else ids


def search(term: str, *, call: str, moment: str) -> Q:
    """Rows of the calls meant, of the account with this name, or lately from or to this number or user.

    `call` and `moment` are the names of the fields that hold the call's id and the time.
    """
    meant = Q(**{f"{call}__in": calls_meant(term)})
    return meant | _of_account(term) | _lately(moment, term, "caller", "destination")


def search_made(term: str, *fields: str) -> Q:
    """Rows with this id, of the account with this name, or made lately with exactly this in one of the fields."""
    id = as_uuid(term)
    return Q(pk__in=[id] if id else []) | _of_account(term) | _lately("created_at", term, *fields)


def _of_account(name: str) -> Q:
    account = Account.objects.filter(name=name).first()
    return Q(account=account) if account is not None else Q(pk__in=[])


def _lately(moment: str, term: str, *fields: str) -> Q:
    matching = Q(pk__in=[])
    for field in fields:
        matching |= Q(**{field: term})
    return Q(**{f"{moment}__gte": timezone.now() - SEARCHED}) & matching
