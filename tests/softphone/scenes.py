"""Apps and lines, made by the same use cases that staff use."""

from __future__ import annotations

import itertools
from typing import Any

from accounts.models import Account, ClientUser
from softphone import lines
from softphone.models import Line, Softphone
from tests.builders import an_account

_serial = itertools.count(1)


def a_softphone(name: str | None = None, **fields: Any) -> Softphone:
    """An app in which lines prove themselves by their token; the first one is the default. `fields` are its own."""
    is_first = not Softphone.objects.filter(is_default=True).exists()
    name = name or f"app-{next(_serial)}"
    given = {"title": "Lusitel", "is_default": is_first, "proofs": ["token"], **fields}
    return Softphone.objects.create(name=name, **given)


def a_line(
    account: Account | None = None, *, name: str | None = None, softphone: Softphone | None = None, **options: Any
) -> Line:
    """A line of the account (a new one, unless given), with its secrets; `options` are those of `lines.give`."""
    user = ClientUser.objects.create(account=account or an_account(), name=name or f"user{next(_serial)}")
    return lines.give(user, softphone or Softphone.objects.filter(is_default=True).first() or a_softphone(), **options)
