"""Sift's API for one account: applications, connections and telephone numbers.

>>> from telephony.providers.sift.routine import HangUp, Routine, Say
>>> client = SiftClient("https://api.gridspace.com/v0", "573e49212d2c62e6", "an-auth-token-that-nobody-can-guess")
>>> goodbye = Routine([Say("Your credit is used up."), HangUp()])

`client.tell_connection("3bb34721cbe2e221", goodbye)` would then end a connection with a last word.

Every method raises NotSent or CommandRefused when nothing was done, be it that Sift will not or that Sift has no words
for it, and another ProviderTrouble when nothing is known. What is a list is asked for page by page while it is read, so
that it raises then. Sift has no prices and no reasons for an end: neither is here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from itertools import islice
from time import monotonic
from typing import Any

from telephony.providers.base import CallUnknown, CannotExpress, CommandRefused, NotSent, ProviderTrouble
from telephony.providers.reading import JsonObject, clean
from telephony.providers.sift.checks import (
    require_address,
    require_country,
    require_id,
    require_number,
    require_text,
)
from telephony.providers.sift.connections import Connection, read_connection
from telephony.providers.sift.errors import RequestRefused
from telephony.providers.sift.ids import is_id
from telephony.providers.sift.rest import Rest
from telephony.providers.sift.routine import Routine

# Whoever ends a call in time asks for it, perhaps in the list too, and tells it to end: all within one errand.
DEADLINE_SECONDS = 5.0
MOST_PAGES = 100
MOST_PAGES_SEARCHED = 20
LONGEST_APPLICATION_NAME = 128
LONGEST_TEXT = 2_048
MOST_NUMBERS = 1_000

APPLICATIONS, CONNECTIONS, PHONE_NUMBERS = "/applications", "/connections", "/phonenumbers"


@dataclass(frozen=True, kw_only=True)
class Application:
    """What Sift asks when a connection comes in. `on_incoming` is an address of ours and carries a secret.

    `default_routine` is followed only without `on_incoming`, `script` is where a hosted script is. Its id is called
    app_id in the object itself and application_id everywhere else; here it is `application_id`.
    """

    application_id: str
    name: str = ""
    on_incoming: str = field(default="", repr=False)
    default_routine: tuple[Mapping[str, Any], ...] = field(default=(), hash=False)
    script: str = ""
    phone_numbers: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class RegisteredNumber:
    """A telephone number of ours there. An empty `application_id` means: bound to none, or not said."""

    phone_number: str
    application_id: str = ""


class SiftClient:
    """One account at Sift."""

    def __init__(
        self, base_url: str, account_id: str, auth_token: str, *, deadline_seconds: float = DEADLINE_SECONDS
    ) -> None:
        """`base_url` may end in the API's version. Raises ValueError for no address, or for no credentials."""
        self._deadline_seconds = deadline_seconds
        self._rest = Rest(base_url, account_id, auth_token, deadline_seconds=deadline_seconds)

    def create_application(self, name: str, on_incoming: str) -> Application:
        """Have what comes in on an application asked of `on_incoming`, an address of ours."""
        with _refusing():
            require_text("name", name, LONGEST_APPLICATION_NAME)
            require_address("on_incoming", on_incoming)
        return _application(self._rest.create(APPLICATIONS, {"name": name, "on_incoming": on_incoming}))

    def applications(self) -> Iterator[Application]:
        """All applications of the account."""
        return map(_application, self._listed(APPLICATIONS))

    def create_connection(self, phone_number: str, status_url: str) -> Connection:
        """Have a telephone called; `status_url` is told when it rings, is answered and is over. Paid work.

        NotSent or CommandRefused: it was certainly not placed. After any other ProviderTrouble it may be ringing.
        Whatever else is odd about the answer, what it says about the id is beyond doubt.
        """
        with _refusing():
            require_number("phone_number", phone_number)
            require_address("status_url", status_url)
        connection = read_connection(
            self._rest.create(CONNECTIONS, {"phone_number": phone_number, "status_url": status_url})
        )
        if not connection.connection_id:
            raise ProviderTrouble("Sift's answer does not say which connection it made.")
        return connection

    def get_connection(self, connection_id: str) -> Connection:
        """One connection. Raises CallUnknown when Sift does not know it, ProviderTrouble when its answer is odd.

        Times alone may be odd: then it is known all the same which connection it is and how far it has come.
        That one can be asked for by its id is our reading: the reference shows the list alone, see `find_connection`.
        """
        values = self._rest.get(_path(connection_id), is_about_connection=True)
        if not isinstance(values, JsonObject):
            raise ProviderTrouble("Sift's answer is not a connection.")
        connection = _undoubted(read_connection(values))
        if connection.connection_id != connection_id:
            raise ProviderTrouble("Sift answered about another connection than the one asked for.")
        return connection

    def find_connection(self, connection_id: str) -> Connection:
        """One connection, out of the list when it cannot be asked for by itself.

        Raises CallUnknown when it is not among the newest MOST_PAGES_SEARCHED pages either, which proves nothing, and
        ProviderTrouble when looking through them takes longer than one answer may.
        """
        try:
            return self.get_connection(connection_id)
        except RequestRefused as refused:
            if refused.status not in (HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED):
                raise
        give_up_at = monotonic() + self._deadline_seconds
        for page in islice(self._rest.pages(CONNECTIONS, MOST_PAGES_SEARCHED), MOST_PAGES_SEARCHED):
            for values in filter(_is_object, page):
                # The others are not looked at: an odd one among them does not hide this one.
                if values.get("connection_id") == connection_id:
                    return _undoubted(read_connection(values))
            if monotonic() > give_up_at:
                raise ProviderTrouble("Sift's list of connections took too long to look through.")
        raise CallUnknown("Sift does not know this connection.")

    def connections(self) -> Iterator[Connection]:
        """All connections of the account, the newest first. What is odd about one it says itself."""
        return map(read_connection, self._listed(CONNECTIONS))

    def tell_connection(self, connection_id: str, routine: Routine) -> None:
        """Have a connection that is not over follow another routine from now on.

        Raises CallUnknown when Sift does not know it, CommandRefused when it is over. That a connection can be told
        anything out of turn is our reading: no page that remains shows it.
        """
        self._rest.tell(_path(connection_id), routine.encoded)

    def available_numbers(self, country: str) -> Iterator[str]:
        """Numbers that could be had in a country (two letters, ISO 3166-1), in E.164."""
        with _refusing():
            require_country("country", country)
        pages = self._rest.pages(f"/availablenumbers/{country.upper()}", MOST_PAGES)
        return (_number(value) for page in pages for value in page)

    def phone_numbers(self) -> Iterator[RegisteredNumber]:
        """All numbers of the account."""
        pages = self._rest.pages(PHONE_NUMBERS, MOST_PAGES)
        return (_registered(value) for page in pages for value in page)

    def register_number(self, phone_number: str, application_id: str) -> RegisteredNumber:
        """Take an available number and bind it to an application. Paid work."""
        with _refusing():
            require_number("phone_number", phone_number)
            require_id("application_id", application_id)
        form = {"phone_number": phone_number, "application_id": application_id}
        return _registered(self._rest.create(PHONE_NUMBERS, form))

    def _listed(self, path: str) -> Iterator[JsonObject]:
        for page in self._rest.pages(path, MOST_PAGES):
            for values in page:
                if not isinstance(values, JsonObject):
                    raise ProviderTrouble("Sift's list holds something that is not an object.")
                yield values


@contextmanager
def _refusing() -> Iterator[None]:
    """What Sift has no words for is refused before anything is sent."""
    try:
        yield
    except CannotExpress as impossible:
        raise CommandRefused(str(impossible)) from impossible


def _path(connection_id: str) -> str:
    if not is_id(connection_id):
        raise NotSent("Sift knows no connection by such an id, so nothing was asked.")
    return f"{CONNECTIONS}/{connection_id}"


def _undoubted(connection: Connection) -> Connection:
    if connection.oddities:
        raise ProviderTrouble(f"Sift's answer is odd: {connection.oddities[0]}.")
    return connection


def _is_object(value: object) -> bool:
    return isinstance(value, JsonObject)


def _application(values: JsonObject) -> Application:
    application_id = values.get("app_id")
    if not is_id(application_id):
        raise ProviderTrouble("Sift's answer does not say which application it is about.")
    routine, numbers = values.get("default_routine"), values.get("phone_numbers")
    return Application(
        application_id=application_id,
        name=_text(values.get("name")),
        on_incoming=_text(values.get("on_incoming")),
        default_routine=tuple(filter(_is_object, routine)) if isinstance(routine, list) else (),
        script=_text(values.get("script")),
        phone_numbers=tuple(map(_number, numbers[:MOST_NUMBERS])) if isinstance(numbers, list) else (),
    )


def _registered(value: object) -> RegisteredNumber:
    """A number of ours. What the object has is cut off in the reference, so either name of the application will do."""
    if not isinstance(value, JsonObject):
        return RegisteredNumber(phone_number=_number(value))
    application_id = value.get("application_id") or value.get("app_id")
    return RegisteredNumber(
        phone_number=_number(value.get("phone_number")),
        application_id=application_id if is_id(application_id) else "",
    )


def _number(value: object) -> str:
    try:
        require_number("phone_number", value)
    except CannotExpress as broken:
        raise ProviderTrouble("Sift's answer has something in it where a telephone number belongs.") from broken
    return str(value)


def _text(value: object) -> str:
    return clean(value)[:LONGEST_TEXT] if isinstance(value, str) else ""
