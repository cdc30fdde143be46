"""The web process's way in. What machines ask takes a shorter one: it has no session, no cookies and no reader."""

import os
from collections.abc import Callable, Iterable
from typing import Any

import django
from django.core.handlers.exception import convert_exception_to_response
from django.core.handlers.wsgi import WSGIHandler

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup(set_prefix=False)

from telephony.applications import watch_applications  # noqa: E402 - models exist only now

MACHINES = ("/callbacks/", "/acrobits/")


class MachineHandler(WSGIHandler):
    """Django without the middleware of pages: sign-in, sessions, page headers, static files.

    They cost a fifth of a callback's time and mean nothing to a provider or an app.
    """

    def load_middleware(self, is_async: bool = False) -> None:
        self._view_middleware: list[Any] = []
        self._template_response_middleware: list[Any] = []
        self._exception_middleware: list[Any] = []
        self._middleware_chain = convert_exception_to_response(self._get_response)  # type: ignore[attr-defined]


_machines = MachineHandler()
_pages = WSGIHandler()


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """WSGI."""
    handler = _machines if environ.get("PATH_INFO", "").startswith(MACHINES) else _pages
    return handler(environ, start_response)


# A callback is proved from memory, so the memory is filled before the first one comes.
watch_applications()
