"""A mail server small enough to be wrong in every way that matters: it takes letters, refuses them, or goes away."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message

from django.test import override_settings


@dataclass
class MailServer:
    """What it answers to a command, else 250. `hangs_up_after` ends the conversation behind that answer."""

    port: int = 0
    answers: dict[str, str] = field(default_factory=dict)
    hangs_up_after: str = ""
    letters: list[Message] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)

    def converse(self, handler: socketserver.StreamRequestHandler) -> None:
        """One conversation, as in RFC 5321."""
        self._say(handler, self.answers.get("CONNECT", "220 mail.example.com"))
        while line := handler.rfile.readline():
            word = line.decode().split(":")[0].split()[0].upper()
            if word == "RCPT":
                self.recipients.append(line.decode().strip())
            if word == "DATA" and "DATA" not in self.answers:
                self._say(handler, "354 go on")
                self.letters.append(self._letter(handler))
                word = "END"
            if self.hangs_up_after == word:
                return
            self._say(handler, self.answers.get(word, "221 bye" if word == "QUIT" else "250 fine"))
            if word == "QUIT":
                return

    def _letter(self, handler: socketserver.StreamRequestHandler) -> Message:
        lines = []
        while (line := handler.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line)
        return message_from_bytes(b"".join(lines))

    def _say(self, handler: socketserver.StreamRequestHandler, text: str) -> None:
        handler.wfile.write(f"{text}\r\n".encode())


@contextmanager
def a_mail_server(answers: dict[str, str] | None = None, hangs_up_after: str = "") -> Iterator[MailServer]:
    """A server on this machine that Django's mail goes to."""
    mail = MailServer(answers=answers or {}, hangs_up_after=hangs_up_after)

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            mail.converse(self)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        mail.port = server.server_address[1]
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        backend = "django.core.mail.backends.smtp.EmailBackend"
        try:
            with override_settings(EMAIL_BACKEND=backend, EMAIL_HOST="127.0.0.1", EMAIL_PORT=mail.port):
                yield mail
        finally:
            server.shutdown()
