"""A customer's system on 127.0.0.1: it counts what reaches it and answers what it is told to, over HTTP or HTTPS."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from webhooks.posting import Network

NAME = "hooks.example.com"
FINE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

Answering = Callable[[socket.socket], None]


@dataclass
class Request:
    """What was received: the path of the request line, headers by names in lower case, the body."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """Answers the first request with the first answer and so on; the last one answers all that follow."""

    port: int
    answers: list[bytes | Answering]
    requests: list[Request] = field(default_factory=list)
    connections: int = 0
    names: list[str | None] = field(default_factory=list)

    def next_answer(self) -> bytes | Answering:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@contextmanager
def receiving(*answers: bytes | Answering, tls_name: str | None = None) -> Iterator[Receiver]:
    """A receiver until the end of the block; with `tls_name` it has a certificate for that name."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        receiver = Receiver(listener.getsockname()[1], list(answers) or [FINE])
        context = None if tls_name is None else _server_context(tls_name, receiver)
        thread = Thread(target=_serve, args=(listener, receiver, context), daemon=True)
        thread.start()
        try:
            yield receiver
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(5)


def network_to(receiver: Receiver, ips: Sequence[str] | Callable[[], Sequence[str]]) -> tuple[Network, list[str]]:
    """A network on which the name has these IPs and every IP is the receiver; and the IPs that were connected to."""
    handed: list[str] = []

    def connect(ip: str, port: int, seconds: float) -> socket.socket:
        handed.append(ip)
        return socket.create_connection(("127.0.0.1", receiver.port), timeout=seconds)

    def resolve(host: str, port: int) -> Sequence[str]:
        return ips() if callable(ips) else ips

    return Network(resolve=resolve, connect=connect, trust=_client_context), handed


def slowly(answer: bytes, seconds_between: float = 0.05) -> Answering:
    """The answer, a byte at a time."""

    def send(connection: socket.socket) -> None:
        with suppress(OSError):
            for byte in answer:
                connection.sendall(bytes([byte]))
                time.sleep(seconds_between)

    return send


def _serve(listener: socket.socket, receiver: Receiver, context: ssl.SSLContext | None) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        receiver.connections += 1
        with suppress(OSError), connection:
            connection.settimeout(5)
            with connection if context is None else context.wrap_socket(connection, server_side=True) as speaking:
                _answer(speaking, receiver)


def _answer(connection: socket.socket, receiver: Receiver) -> None:
    received = b""
    while b"\r\n\r\n" not in received:
        block = connection.recv(65536)
        if not block:
            return
        received += block
    head, _, body = received.partition(b"\r\n\r\n")
    line, *fields = head.decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (each.partition(": ") for each in fields)}
    while len(body) < int(headers.get("content-length", "0")):
        body += connection.recv(65536)
    receiver.requests.append(Request(line.split()[1], headers, body))
    answer = receiver.next_answer()
    if callable(answer):
        answer(connection)
    else:
        connection.sendall(answer)


@cache
def _authority() -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "an authority for tests")])
    return key, _certificate(key, name, name, key, x509.BasicConstraints(ca=True, path_length=0))


def _certificate(
    key: ec.EllipticCurvePrivateKey,
    subject: x509.Name,
    issuer: x509.Name,
    issuer_key: ec.EllipticCurvePrivateKey,
    extension: x509.ExtensionType,
) -> x509.Certificate:
    now = datetime.now(UTC)
    authority_id = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key())
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(authority_id, critical=False)
        .sign(issuer_key, hashes.SHA256())
    )


def _server_context(name: str, receiver: Receiver) -> ssl.SSLContext:
    authority_key, authority = _authority()
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    names = x509.SubjectAlternativeName([x509.DNSName(name)])
    certificate = _certificate(key, subject, authority.subject, authority_key, names)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with TemporaryDirectory() as folder:
        path = Path(folder, "server.pem")
        path.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
        context.load_cert_chain(path)
    context.sni_callback = lambda connection, asked, context: receiver.names.append(asked)
    return context


@cache
def _client_context() -> ssl.SSLContext:
    _, authority = _authority()
    return ssl.create_default_context(cadata=authority.public_bytes(serialization.Encoding.PEM).decode())
