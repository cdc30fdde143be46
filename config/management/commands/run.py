"""`manage.py run`: everything on one machine to look at, with a platform that places calls."""

from __future__ import annotations

import contextlib
import secrets
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser
from django.urls import reverse

from accounts.command import Outcome, RingfenceCommand
from accounts.models import Account, User
from config import demo, demo_menu, demo_work, processes
from config.migrating import bring_up_to_date
from config.processes import ProcessEnded
from sandbox import DESK_KEY, DESK_SECRET, Phone, Sandbox
from telephony.applications import add_application
from telephony.callbacks import public_path
from telephony.models import Application

Ours = tuple[Application, Application]

STAFF = "staff@ringfence.example"
CUSTOMER = "customer@ringfence.example"


class Command(RingfenceCommand):
    help = "Serve everything and a sandbox until Ctrl-C, with something to look at; says where to sign in."
    facts = (ProcessEnded,)

    def arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--sandbox-port", type=int, default=8001)

    def perform(self, port: int = 0, sandbox_port: int = 0, **options: Any) -> Outcome:
        processes.must_be_free("127.0.0.1", port, "--port")
        processes.must_be_free("127.0.0.1", sandbox_port, "--sandbox-port")
        bring_up_to_date()
        commands = processes.everything("127.0.0.1", port, settings.WEB_WORKERS)
        address = f"http://127.0.0.1:{port}"
        platform = Sandbox(target=address + public_path(reverse("sinch_callback")), key=DESK_KEY, secret=DESK_SECRET)
        with (
            contextlib.suppress(KeyboardInterrupt),
            platform.rest_server(port=sandbox_port) as rest_url,
        ):
            # Before the web processes start, so that they know it from the first callback on.
            application = add_application(
                "sinch", key=DESK_KEY, secret=DESK_SECRET, base_url=rest_url, caller_id=demo.HARBOUR, name="Sandbox"
            )
            texting = demo_work.add_text_service(platform, rest_url, "Sandbox texts")
            demo_menu.open_line(application)
            processes.be_reached_at(address)
            self._serve(commands, address, platform, rest_url, (application, texting))
        return Outcome(data={"status": "stopped"}, text="Stopped.")

    def _serve(
        self, commands: dict[str, list[str]], address: str, platform: Sandbox, rest_url: str, ours: Ours
    ) -> None:
        with processes.running(commands) as started:
            processes.wait_until_ready(address, started["web"])
            self._something_to_look_at(platform, address, ours)
            self.stderr.write(self.where_to_look(address, rest_url))
            with platform.keep_running(pace=1):
                processes.watch(started)

    def _something_to_look_at(self, platform: Sandbox, address: str, ours: Ours) -> None:
        if not Account.objects.exists():
            accounts = demo.open_accounts()
            demo.load_rates()
            demo_work.load_rates(demo.CURRENCY)
            demo_work.want_to_be_told(accounts[-1], "1.95", demo.CURRENCY)
            demo.place_calls(platform)
            platform.run()
            if demo_work.nothing_real_can_be_used(*ours):
                demo_work.begin(platform, accounts[0], told=accounts[-1])
            demo.call_through(platform, address, ours[0], accounts[0])
            self._a_call_that_goes_on(platform)
        self.people(Account.objects.order_by("pk").first())

    def people(self, customer: Account | None) -> None:
        """Somebody of the staff and somebody of the customer's, unless they are there already."""
        for email, fields in ((STAFF, {"is_staff": True, "is_superuser": True}), (CUSTOMER, {"account": customer})):
            if not User.objects.filter(email=email).exists():
                User.objects.create_user(email, _password(), **fields)

    def _a_call_that_goes_on(self, platform: Sandbox) -> None:
        """For the page of live calls: nobody hangs up."""
        platform.app_to_phone(user="harbour", to="+442079460114", phone=Phone.answers(after_seconds=2))
        platform.run(until_seconds=3)

    def where_to_look(self, address: str, rest_url: str) -> str:
        """Every address, and how to sign in."""
        return (
            f"\nRingfence is at {address}\n"
            f"  staff      {address}/admin/   {STAFF}   {_password_of(STAFF)}\n"
            f"  customer   {address}/         {CUSTOMER}   {_password_of(CUSTOMER)}\n"
            f"  sandbox    {rest_url}   place more calls: manage.py sandbox --calls 20 --user harbour\n"
            "Ctrl-C ends it.\n"
        )


def _password_of(email: str) -> str:
    """What opens the door; nothing is said about a password that somebody changed."""
    known = User.objects.get(email=email).check_password(_password())
    return _password() if known else "(its own password)"


def _password() -> str:
    """The password of the two people made here, kept beside the database it opens."""
    path = Path(settings.BASE_DIR) / "var" / "password"
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(9))
    return path.read_text()
