"""One POST to a customer's system: to which IP, in whose name, for how long, and how much of the answer is read."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Sequence
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.webhooks.receiver import FINE, NAME, network_to, receiving, slowly
from tests.webhooks.test_addresses import FORBIDDEN_IPS, PUBLIC_4, PUBLIC_6, REFUSED_URLS
from webhooks.addresses import AddressRefused, Target, is_public, read_target
from webhooks.posting import MOST_BYTES, Answer, Network, NotAnswered, post

TARGET = read_target(f"https://{NAME}/in?for=us")


def a_bench(port: int) -> Target:
    return read_target(f"http://127.0.0.1:{port}/in", {f"127.0.0.1:{port}"})


def to_the_bench(*answers: object, seconds: float = 5.0) -> Answer:
    with receiving(*answers) as receiver:  # type: ignore[arg-type]
        return post(a_bench(receiver.port), b"{}", {}, seconds=seconds)


def test_the_checked_ip_is_connected_to_in_the_name_of_the_host() -> None:
    with receiving(tls_name=NAME) as receiver:
        network, handed = network_to(receiver, [PUBLIC_4])
        answer = post(TARGET, b'{"a":1}', {"webhook-id": "x"}, network=network)
    assert (answer.status, answer.body) == (200, b"ok")
    assert handed == [PUBLIC_4]
    assert receiver.names == [NAME]
    (request,) = receiver.requests
    assert (request.path, request.body) == ("/in?for=us", b'{"a":1}')
    assert request.headers["host"] == NAME
    assert request.headers["webhook-id"] == "x"


def test_a_certificate_of_another_name_proves_nothing_and_nothing_is_sent() -> None:
    with receiving(tls_name="elsewhere.example.com") as receiver:
        network, _ = network_to(receiver, [PUBLIC_4])
        with pytest.raises(NotAnswered, match="certificate does not prove the name"):
            post(TARGET, b"{}", {}, network=network)
    assert receiver.requests == []


def test_the_authorities_of_the_internet_do_not_prove_a_certificate_of_a_test() -> None:
    with receiving(tls_name=NAME) as receiver:
        network, _ = network_to(receiver, [PUBLIC_4])
        everybodys = Network(resolve=network.resolve, connect=network.connect)
        with pytest.raises(NotAnswered, match="certificate does not prove the name"):
            post(TARGET, b"{}", {}, network=everybodys)
    assert receiver.requests == []


def test_no_case_of_the_tables_reaches_a_forbidden_address() -> None:
    """Every URL that is refused, and every IP that is forbidden as what a harmless name leads to."""
    with receiving() as receiver:
        answers = iter([[ip] for ip in FORBIDDEN_IPS])
        network, handed = network_to(receiver, lambda: next(answers))
        for url in REFUSED_URLS:
            with pytest.raises(AddressRefused):
                post(read_target(url), b"{}", {}, network=network)
        for _ in FORBIDDEN_IPS:
            with pytest.raises(NotAnswered, match="not public: nothing was sent"):
                post(TARGET, b"{}", {}, network=network)
    assert next(answers, None) is None
    assert len({*REFUSED_URLS, *FORBIDDEN_IPS}) >= 120
    assert (handed, receiver.connections) == ([], 0)


@pytest.mark.parametrize("place", range(4))
def test_one_private_address_among_public_ones_spoils_them_all(place: int) -> None:
    ips = [PUBLIC_4, PUBLIC_6, "192.31.196.1"]
    ips.insert(place, "10.0.0.1")
    with receiving() as receiver:
        network, handed = network_to(receiver, ips)
        with pytest.raises(NotAnswered, match="not public"):
            post(TARGET, b"{}", {}, network=network)
    assert (handed, receiver.connections) == ([], 0)


def test_a_private_address_behind_more_public_ones_than_are_tried_spoils_them_too() -> None:
    with receiving() as receiver:
        network, handed = network_to(receiver, [PUBLIC_4] * 40 + ["::1"])
        with pytest.raises(NotAnswered, match="not public"):
            post(TARGET, b"{}", {}, network=network)
    assert (handed, receiver.connections) == ([], 0)


def test_a_name_that_is_rebound_after_the_check_is_still_connected_to_where_it_was_checked() -> None:
    asked = count(1)
    with receiving(tls_name=NAME) as receiver:
        network, handed = network_to(receiver, lambda: [PUBLIC_4] if next(asked) == 1 else ["127.0.0.1"])
        post(TARGET, b"{}", {}, network=network)
        assert (handed, next(asked)) == ([PUBLIC_4], 2)
        with pytest.raises(NotAnswered, match="not public"):
            post(TARGET, b"{}", {}, network=network)
    assert handed == [PUBLIC_4]
    assert len(receiver.requests) == 1


@given(st.lists(st.ip_addresses().map(str), min_size=1, max_size=6))
def test_whatever_a_name_leads_to_only_public_ips_are_connected_to(ips: list[str]) -> None:
    handed: list[str] = []

    def connect(ip: str, port: int, seconds: float) -> socket.socket:
        handed.append(ip)
        raise ConnectionRefusedError

    with pytest.raises(NotAnswered):
        post(TARGET, b"{}", {}, network=Network(resolve=lambda host, port: ips, connect=connect))
    assert all(map(is_public, handed))
    assert bool(handed) == all(map(is_public, ips))


def test_an_ip_in_the_address_is_looked_up_by_nobody() -> None:
    handed: list[str] = []

    def connect(ip: str, port: int, seconds: float) -> socket.socket:
        handed.append(f"{ip} {port}")
        raise ConnectionRefusedError

    def resolve(host: str, port: int) -> Sequence[str]:
        raise AssertionError("looked up")

    for url in (f"https://{PUBLIC_4}/", f"https://[{PUBLIC_6}]:8443/"):
        with pytest.raises(NotAnswered, match="did not take the connection"):
            post(read_target(url), b"{}", {}, network=Network(resolve=resolve, connect=connect))
    assert handed == [f"{PUBLIC_4} 443", f"{PUBLIC_6} 8443"]


def test_the_next_public_ip_is_tried_when_one_does_not_take_the_connection() -> None:
    with receiving(tls_name=NAME) as receiver:
        network, handed = network_to(receiver, [PUBLIC_6, PUBLIC_4])

        def connect(ip: str, port: int, seconds: float) -> socket.socket:
            if ip == PUBLIC_6:
                raise OSError("no route")
            return network.connect(ip, port, seconds)

        patchy = Network(resolve=network.resolve, connect=connect, trust=network.trust)
        assert post(TARGET, b"{}", {}, network=patchy).status == 200
    assert handed == [PUBLIC_4]


@pytest.mark.parametrize(
    "place",
    ["https://169.254.169.254/latest/meta-data/", "http://127.0.0.1/", "//[::ffff:169.254.169.254]/", "/elsewhere"],
)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_an_answer_and_is_not_followed(status: int, place: str) -> None:
    with receiving(f"HTTP/1.1 {status} Go\r\nLocation: {place}\r\nContent-Length: 0\r\n\r\n".encode()) as receiver:
        answer = post(a_bench(receiver.port), b"{}", {})
    assert answer.status == status
    assert (receiver.connections, len(receiver.requests)) == (1, 1)


def test_neither_a_proxy_nor_a_netrc_of_ours_is_used(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    (netrc := tmp_path / "netrc").write_text("machine 127.0.0.1 login us password secret")  # type: ignore[operator]
    monkeypatch.setenv("NETRC", str(netrc))
    with receiving() as proxy, receiving() as receiver:
        for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        post(a_bench(receiver.port), b"{}", {})
    assert proxy.connections == 0
    assert "authorization" not in receiver.requests[0].headers


def test_headers_that_never_end_are_waited_for_no_longer_than_allowed() -> None:
    with pytest.raises(NotAnswered, match=r"within 0\.3 seconds"):
        to_the_bench(slowly(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000), seconds=0.3)


def test_silence_is_waited_for_no_longer_than_allowed() -> None:
    silent = threading.Event()
    with pytest.raises(NotAnswered, match=r"within 0\.3 seconds"):
        to_the_bench(lambda connection: silent.wait(1) and None, seconds=0.3)
    silent.set()


def test_a_name_that_takes_too_long_to_look_up_is_given_up() -> None:
    answered = threading.Event()

    def resolve(host: str, port: int) -> Sequence[str]:
        answered.wait(5)
        return [PUBLIC_4]

    with pytest.raises(NotAnswered, match="could not be looked up in time"):
        post(TARGET, b"{}", {}, network=Network(resolve=resolve), seconds=0.1)
    answered.set()


def test_a_name_that_nobody_knows_is_said_so() -> None:
    def resolve(host: str, port: int) -> Sequence[str]:
        raise socket.gaierror("unknown")

    with pytest.raises(NotAnswered, match=r"hooks\.example\.com could not be looked up"):
        post(TARGET, b"{}", {}, network=Network(resolve=resolve))
    with pytest.raises(NotAnswered, match="has no address"):
        post(TARGET, b"{}", {}, network=Network(resolve=lambda host, port: []))


def test_a_status_counts_even_when_its_body_never_comes_whole() -> None:
    """What is told twice because a long good-bye was cut short is told once too often."""
    answer = to_the_bench(lambda connection: _say_and_stall(connection), seconds=0.5)
    assert (answer.status, answer.body) == (200, b"beginning")
    cut = to_the_bench(b"HTTP/1.1 204 Fine\r\nContent-Length: 900\r\n\r\nshort")
    assert cut.status == 204


def _say_and_stall(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nbeginning")
    time.sleep(0.7)


def test_no_more_than_64_kib_of_an_answer_are_read() -> None:
    long = b"HTTP/1.1 200 OK\r\nContent-Length: 10000000\r\n\r\n" + b"x" * 10_000_000
    answer = to_the_bench(lambda connection: _say(connection, long))
    assert answer.status == 200
    assert MOST_BYTES - 8192 <= len(answer.body) < MOST_BYTES


def _say(connection: socket.socket, answer: bytes) -> None:
    try:
        connection.sendall(answer)
    except OSError:
        return


@pytest.mark.parametrize(
    "answer",
    [
        b"", b"\r\n", b"hello", b"HTTP/1.1\r\n\r\n", b"HTTP/1.1 OK 200\r\n\r\n", b"HTTP/1.1 99 Low\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n", b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70_000,
        b"HTTP/1.1 100 Continue\r\n\r\n" * 4000, b"\x15\x03\x01\x00\x02\x02\x28", b"HTTP/1.1 -200 OK\r\n\r\n",
    ],
)  # fmt: skip
def test_what_is_no_answer_in_http_is_none(answer: bytes) -> None:
    with pytest.raises(NotAnswered):
        to_the_bench(lambda connection: _say(connection, answer))


def test_chunks_and_their_bombs_are_read_like_everything_else() -> None:
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"
    assert to_the_bench(chunked).body == b"ok"
    assert to_the_bench(chunked.replace(b"2\r\nok", b"fffffffffff\r\nok")).status == 200
    squeezed = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n\x1f\x8b"
    assert to_the_bench(squeezed).body == b"\x1f\x8b"


def test_nothing_is_sent_twice_on_a_connection_that_breaks_off() -> None:
    with receiving(b"", FINE) as receiver, pytest.raises(NotAnswered):
        post(a_bench(receiver.port), b"{}", {})
    assert receiver.connections == 1


def test_a_body_larger_than_a_socket_takes_at_once_arrives_whole() -> None:
    body = b"x" * 3_000_000
    with receiving(tls_name=NAME) as receiver:
        network, _ = network_to(receiver, [PUBLIC_4])
        post(TARGET, body, {}, network=network)
    assert receiver.requests[0].body == body


def test_tls_that_is_none_is_a_failure_with_a_sentence() -> None:
    with receiving(b"HTTP/1.1 400 Plain HTTP\r\n\r\n") as receiver:
        network, _ = network_to(receiver, [PUBLIC_4])
        with pytest.raises(NotAnswered):
            post(TARGET, b"{}", {}, network=network, seconds=1)
    assert receiver.requests == []
