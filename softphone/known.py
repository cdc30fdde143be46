"""The app and the line of a request, read by two statements of our own.

Every request of every app begins with them, and an app asks for a price after each pause in typing. Through the ORM,
whose compiler writes the same SQL anew each time, they cost three quarters of such a request.
"""

from __future__ import annotations

from functools import cache
from typing import Any, TypeVar

from django.db import connection
from django.db.models import Model

from accounts.models import Account, ClientUser
from postgres.batch import Row
from softphone.models import Line, Softphone

M = TypeVar("M", bound=Model)


def find_softphone(name: str) -> Softphone | None:
    """The app of this name, or the default one when it is empty; None when there is none."""
    columns, _ = _columns(Softphone)
    condition = "softphone_softphone.name = %s" if name else "softphone_softphone.is_default"
    sql = f"SELECT {columns} FROM softphone_softphone WHERE {condition}"  # noqa: S608 - built from our own columns
    row = _row(sql, [name] if name else [])
    return None if row is None else _made(Softphone, row)


def find_line(softphone: Softphone, username: str) -> Line | None:
    """The line of the app's user of this name in this app, with its user and account, revoked or not; or None."""
    (line, many), (user, more), (account, _) = _columns(Line), _columns(ClientUser), _columns(Account)
    sql = (
        f"SELECT {line}, {user}, {account} FROM softphone_line "  # noqa: S608 - built from our own columns
        "JOIN accounts_clientuser ON accounts_clientuser.id = softphone_line.client_user_id "
        "JOIN accounts_account ON accounts_account.id = accounts_clientuser.account_id "
        "WHERE accounts_clientuser.name = %s AND softphone_line.softphone_id = %s"
    )
    row = _row(sql, [username, softphone.pk])
    if row is None:
        return None
    found: Line = _made(Line, row[:many])
    found.softphone = softphone
    found.client_user = _made(ClientUser, row[many : many + more])
    found.client_user.account = _made(Account, row[many + more :])
    return found


def _row(sql: str, parameters: list[Any]) -> Row | None:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        row: Row | None = cursor.fetchone()
    return row


@cache
def _columns(model: type[Model]) -> tuple[str, int]:
    """The columns of a model as a SELECT names them, and how many they are."""
    meta = model._meta
    names = [f"{meta.db_table}.{field.column}" for field in meta.concrete_fields]
    return ", ".join(names), len(names)


def _made(model: type[M], row: Row) -> M:
    """The object of a row, its encrypted and JSON columns read as the ORM reads them."""
    fields = model._meta.concrete_fields
    values = [
        field.from_db_value(value, None, connection) if hasattr(field, "from_db_value") else value
        for field, value in zip(fields, row, strict=True)
    ]
    return model.from_db(connection.alias, [field.attname for field in fields], values)
