"""Whether a request was sent decides whether paid work may be tried again: asked of real sockets."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from requests import Request

from telephony.providers.base import NotSent, ProviderTrouble
from telephony.providers.transport import Answer, fetch

Behaviour = Callable[[socket.socket], None]


@dataclass
class Listener:
    """A port, what happens on it, and what came of it."""

    port: int
    connected: int = 0
    heard: list[bytes] = field(default_factory=list)


@contextmanager
def listening(behaviour: Behaviour) -> Iterator[Listener]:
    """A server that accepts every connection and then does as it is told."""
    server = socket.create_server(("127.0.0.1", 0))
    listener = Listener(server.getsockname()[1])
    done = Event()

    def serve() -> None:
        while not done.is_set():
            with suppress(OSError):
                line, _ = server.accept()
                listener.connected += 1
                with line, suppress(OSError):
                    behaviour(line)

    thread = Thread(target=serve)
    thread.start()
    try:
        yield listener
    finally:
        done.set()
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", listener.port), timeout=1).close()
        thread.join()
        server.close()


def ask(address: str, *, deadline_seconds: float = 5, body: bytes = b"{}") -> Answer:
    request = Request("POST", address, data=body).prepare()
    return fetch(request, deadline_seconds=deadline_seconds, limit_bytes=1000, who="Somebody")


def trouble(address: str, **options: Any) -> ProviderTrouble:
    with pytest.raises(ProviderTrouble, match=r"^Somebody .*\.$") as raised:
        ask(address, **options)
    return raised.value


def read_request(line: socket.socket) -> bytes:
    heard = b""
    while not heard.endswith(b"{}") and (more := line.recv(4096)):
        heard += more
    return heard


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def test_what_nobody_listens_to_was_not_sent() -> None:
    assert isinstance(trouble(f"http://127.0.0.1:{free_port()}/"), NotSent)


def test_what_has_no_address_was_not_sent() -> None:
    # Too long for any name, so no resolver outside this machine is asked.
    assert isinstance(trouble(f"http://{'a' * 64}.example/"), NotSent)


def test_what_could_not_be_connected_in_time_was_not_sent() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server:
        address = server.getsockname()
        waiting = []
        for _ in range(4):  # a full queue leaves the next one without an answer
            line = socket.socket()
            line.setblocking(False)
            line.connect_ex(address)
            waiting.append(line)
        assert isinstance(trouble(f"http://127.0.0.1:{address[1]}/", deadline_seconds=0.2), NotSent)
        for line in waiting:
            line.close()


@pytest.fixture
def slow_names(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Have every name take so many seconds to be resolved, for which no time-out of ours applies."""
    resolve = socket.getaddrinfo

    def slow_down(seconds: float) -> None:
        def slowly(*args: Any, **options: Any) -> Any:
            time.sleep(seconds)
            return resolve(*args, **options)

        monkeypatch.setattr(socket, "getaddrinfo", slowly)

    return slow_down


def test_what_found_its_way_only_after_the_deadline_is_not_sent_any_more(slow_names: Callable[[float], None]) -> None:
    """Whoever gave us the time has given us up, and may have asked already whether it was done."""

    def behaviour(line: socket.socket) -> None:
        listener.heard.append(line.recv(4096))

    with listening(behaviour) as listener:
        slow_names(0.4)
        assert isinstance(trouble(f"http://127.0.0.1:{listener.port}/", deadline_seconds=0.2), NotSent)
        slow_names(0)
    assert listener.heard[0] == b""


@pytest.mark.parametrize("listens", [False, True])
def test_what_was_dropped_after_the_connection_may_have_been_read(listens: bool) -> None:
    def behaviour(line: socket.socket) -> None:
        if listens:
            listener.heard.append(read_request(line))

    with listening(behaviour) as listener:
        assert not isinstance(trouble(f"http://127.0.0.1:{listener.port}/"), NotSent)
    assert all(heard.endswith(b"{}") for heard in listener.heard[:1])


def test_what_was_reset_after_its_first_byte_may_have_been_read() -> None:
    def behaviour(line: socket.socket) -> None:
        line.recv(1)
        # No lingering: the other side gets a reset, perhaps while it is still sending.
        line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    with listening(behaviour) as listener:
        assert not isinstance(trouble(f"http://127.0.0.1:{listener.port}/"), NotSent)


def test_what_is_not_answered_in_time_may_have_been_done() -> None:
    def behaviour(line: socket.socket) -> None:
        read_request(line)
        line.recv(1)  # until the other side has had enough

    with listening(behaviour) as listener:
        assert not isinstance(trouble(f"http://127.0.0.1:{listener.port}/", deadline_seconds=0.2), NotSent)


def test_what_breaks_while_it_is_being_sent_may_have_been_done() -> None:
    def behaviour(line: socket.socket) -> None:
        line.recv(100)

    with listening(behaviour) as listener:
        address = f"http://127.0.0.1:{listener.port}/"
        assert not isinstance(trouble(address, body=b" " * 20_000_000), NotSent)


def test_an_answer_is_an_answer() -> None:
    def behaviour(line: socket.socket) -> None:
        read_request(line)
        line.sendall(b"HTTP/1.1 402 No\r\nX-Why: Poor\r\ncontent-length: 2\r\n\r\n{}")

    with listening(behaviour) as listener:
        answer = ask(f"http://127.0.0.1:{listener.port}/")
    assert (answer.status, answer.body, answer.headers["x-why"]) == (402, b"{}", "Poor")


def test_the_body_of_a_redirect_is_bounded_like_any_other() -> None:
    sent = []

    def behaviour(line: socket.socket) -> None:
        read_request(line)
        line.sendall(b"HTTP/1.1 302 Go\r\nLocation: /elsewhere\r\n\r\n")
        for _ in range(400):
            line.sendall(b" " * 65536)
            sent.append(65536)

    with listening(behaviour) as listener:
        assert "more than 1000 bytes" in str(trouble(f"http://127.0.0.1:{listener.port}/"))
    assert sum(sent) < 20_000_000


def test_a_redirect_to_nowhere_readable_is_an_answer() -> None:
    def behaviour(line: socket.socket) -> None:
        read_request(line)
        line.sendall(b"HTTP/1.1 302 Go\r\nLocation: http://\xff[/\r\ncontent-length: 0\r\n\r\n")

    with listening(behaviour) as listener:
        assert ask(f"http://127.0.0.1:{listener.port}/").status == 302


def test_nothing_is_said_to_who_cannot_speak_tls() -> None:
    def behaviour(line: socket.socket) -> None:
        listener.heard.append(line.recv(4096))
        line.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")

    with listening(behaviour) as listener:
        assert isinstance(trouble(f"https://127.0.0.1:{listener.port}/"), NotSent)
    assert b"POST" not in listener.heard[0]


def test_a_handshake_is_cut_at_the_deadline_and_nothing_was_sent(slow_names: Callable[[float], None]) -> None:
    """TLS has a time-out of its own, which begins only when the connection is made."""
    dripped = []

    def behaviour(line: socket.socket) -> None:
        line.recv(4096)
        for byte in b"\x16\x03\x03\x3f\xff" + b"\0" * 100:
            line.sendall(bytes([byte]))
            dripped.append(byte)
            time.sleep(0.1)

    with listening(behaviour) as listener:
        slow_names(0.8)
        assert isinstance(trouble(f"https://127.0.0.1:{listener.port}/", deadline_seconds=1), NotSent)
        slow_names(0)
    assert 0 < len(dripped) < 8


def test_nothing_is_said_to_somebody_for_whom_nobody_vouches(tmp_path: Path) -> None:
    certified = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certified.load_cert_chain(certificate(tmp_path))

    def behaviour(line: socket.socket) -> None:
        with certified.wrap_socket(line, server_side=True) as secret:
            listener.heard.append(secret.recv(4096))

    with listening(behaviour) as listener:
        assert isinstance(trouble(f"https://127.0.0.1:{listener.port}/"), NotSent)
    assert listener.connected >= 1
    assert b"".join(listener.heard) == b""


def certificate(folder: Path) -> Path:
    """A certificate that its owner alone has signed, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "sms.example.com")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    path = folder / "certificate.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(secret + made.public_bytes(serialization.Encoding.PEM))
    return path
