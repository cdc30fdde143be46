"""Running calls that no other scene has: in a menu, parked, and those that a platform really carries."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from django.db.models import F
from django.utils import timezone

from accounts.models import Account
from sandbox import Call as SandboxCall
from sandbox import Phone, Sandbox
from telephony import calls
from telephony.menus import Action, Keys, Question, say, write_menu
from telephony.menus import Menu as MenuAsWritten
from telephony.models import AccessNumber, Application, Call, Menu, MenuRun, MenuVersion
from tests.builders import A_SECRET, a_deck, an_account, an_application
from tests.sinch_caller import PATH

KEY = "00000000-0000-4000-8000-00000000c0c9"
NUMBER = "+447700900123"
OURS = "+442079460555"
LIMIT_SECONDS = 600


@dataclass
class Desk:
    """A platform that can be told things about its calls, our application there, and the account that calls."""

    platform: Sandbox
    application: Application
    account: Account

    def talking(self, rings_seconds: int = 3) -> tuple[Call, SandboxCall]:
        """A call a minute after it began in the platform's time, as we know it and as the platform does."""
        phone = Phone.answers(after_seconds=rings_seconds)
        theirs = self.platform.app_to_phone(user="alice", to=NUMBER, phone=phone)
        self.platform.run(60)
        # The platform's minute took us no time: for us too it happened a minute ago.
        ran, talked = timedelta(seconds=60), timedelta(seconds=60 - rings_seconds)
        Call.objects.filter(provider_call_id=theirs.call_id).update(
            begun_at=F("begun_at") - ran, answered_at=F("answered_at") - talked
        )
        return Call.objects.get(provider_call_id=theirs.call_id), theirs


@contextmanager
def a_desk(address: str) -> Iterator[Desk]:
    """A platform whose callbacks go to the server at this address, and whose API is served."""
    a_deck({"44": "0.06"})
    account = an_account("Lighthouse", client_user="alice", calls_at_once=5, longest_call_seconds=LIMIT_SECONDS)
    platform = Sandbox(target=address + PATH, key=KEY, secret=A_SECRET, timeout_seconds=60)
    with platform.rest_server() as url:
        yield Desk(platform, an_application(key=KEY, base_url=url), account)


def a_call_in_a_menu(application: Application, *, caller: str = "+12025550123", name: str = "Reception") -> Call:
    """Somebody dialled a number of ours and hears a menu."""
    question = Question("welcome", say("For sales, press 1."), Keys({"1": Action.connect("+442079460101")}))
    menu, _ = Menu.objects.get_or_create(name=name)
    version, _ = MenuVersion.objects.get_or_create(
        menu=menu, number=1, defaults={"definition": write_menu(MenuAsWritten("welcome", (question,)))}
    )
    number, _ = AccessNumber.objects.get_or_create(number=OURS, defaults={"application": application, "menu": menu})
    provider_call_id = f"menu-{Call.objects.count()}"
    call = Call.objects.create(
        id=calls.call_id(application.pk, provider_call_id),
        application=application,
        provider_call_id=provider_call_id,
        caller=caller,
        destination=OURS,
        access_number=number,
        state=Call.State.MENU,
        begun_at=timezone.now(),
    )
    MenuRun.objects.create(call=call, version=version, asked="welcome", kept=[["customer", "4711"]], wrong_inputs=1)
    return call


@contextmanager
def answering(answer: Callable[[], tuple[int, bytes]]) -> Iterator[str]:
    """An API that gives the same answer to whatever it is sent; gives its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_PATCH(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", "0")))
            status, body = answer()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
