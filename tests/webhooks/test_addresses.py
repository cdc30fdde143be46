"""Addresses of customers: how they may be written, and which IPs nobody is told anything at."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from webhooks.addresses import AddressRefused, is_public, read_target

# Blocks of IANA's that are public and nobody's own (AS112), since the ones for examples are exactly not public.
PUBLIC_4 = "192.175.48.1"
PUBLIC_6 = "2620:4f:8000::1"

FORBIDDEN_IPS = [
    # IPv4: this network, private, shared, loopback, link-local
    "0.0.0.0", "0.0.0.1", "0.255.255.255", "10.0.0.0", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.100.100.200",
    "100.127.255.255", "127.0.0.1", "127.0.0.53", "127.255.255.255", "169.254.0.1", "169.254.169.254",
    "169.254.170.2", "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.0.170", "192.0.0.192", "192.168.0.1",
    "192.168.255.255",
    # IPv4: documentation, relays, benchmarks, multicast, reserved, broadcast
    "192.0.2.1", "198.51.100.1", "203.0.113.255", "192.88.99.1", "198.18.0.1", "198.19.255.255", "224.0.0.1",
    "239.255.255.250", "240.0.0.1", "254.0.0.1", "255.255.255.255",
    # IPv6: unspecified, loopback, link-local, site-local, unique local, multicast
    "::", "::1", "fe80::1", "febf::1", "fec0::1", "feff::1", "fc00::1", "fd00::1", "fd00:ec2::254", "ff02::1",
    "ff05::2", "fe80::1%eth0", "2620:4f:8000::1%eth0",
    # IPv6 with an IPv4 address inside: mapped, compatible, translated, 6to4, Teredo, ISATAP
    "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:7f00:1", "::ffff:192.175.48.1", "::127.0.0.1", "::a00:1",
    "::ffff:0:127.0.0.1", "64:ff9b::127.0.0.1", "64:ff9b::169.254.169.254", "64:ff9b::192.175.48.1",
    "64:ff9b:1::a00:1", "2002:7f00:1::1", "2002:a00:1::", "2002:c0af:3001::1", "2001::1", "2001:0:7f00:1::",
    "2620:4f:8000::5efe:a00:1", "2620:4f:8000::200:5efe:7f00:1",
    # IPv6: documentation, benchmarks, ORCHID, discard, segment routing, reserved
    "2001:db8::1", "3fff::1", "2001:2::1", "2001:10::1", "2001:20::1", "100::1", "5f00::1", "4000::1", "e000::1",
    # No IPs at all
    "", "localhost", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "127.0.0.01", "1.2.3", "1.2.3.4.5", "::g",
    "[::1]", "１２７.0.0.1",
]  # fmt: skip


@pytest.mark.parametrize("ip", FORBIDDEN_IPS)
def test_an_ip_that_is_not_plainly_public_is_forbidden(ip: str) -> None:
    assert not is_public(ip)


@pytest.mark.parametrize(
    "ip",
    [PUBLIC_4, PUBLIC_6, "192.31.196.1", "192.52.193.1", "100.63.255.255", "100.128.0.0", "172.32.0.1", "11.0.0.1"],
)
def test_an_ip_of_the_internet_is_public(ip: str) -> None:
    assert is_public(ip)


@given(st.ip_addresses(v=6))
def test_an_ipv6_address_outside_global_unicast_is_never_public(ip: object) -> None:
    assert str(ip)[0] in "23" or not is_public(str(ip))


REFUSED_URLS = [
    # not https, or not an address
    "", "hooks.example.com", "//hooks.example.com/", "http://hooks.example.com/", "ftp://hooks.example.com/",
    "file:///etc/passwd", "gopher://hooks.example.com/", "javascript://hooks.example.com/", "https:hooks.example.com",
    "https:/hooks.example.com", "https://", "https:///path", "https://?x", "https://.", "https://..", "https://[]/",
    # who is meant: users, passwords, backslashes, blanks, control characters
    "https://user@hooks.example.com/", "https://user:password@hooks.example.com/", "https://@hooks.example.com/",
    "https://hooks.example.com@127.0.0.1/", "https://127.0.0.1@hooks.example.com/", "https://hooks.example.com\\@127.0.0.1/",
    "https://127.0.0.1\\@hooks.example.com/", "https:\\\\127.0.0.1/", "https://hooks.example.com#@127.0.0.1/",
    "https://hooks.example.com:443@127.0.0.1/", "https://hooks%40example.com/", "https://hooks.example.com%2f@127.0.0.1/",
    "https://127.0.0.1 .example.com/", " https://hooks.example.com/", "https://hooks.example.com/ ",
    "https://hooks.exam\tple.com/", "https://hooks.exam\nple.com/", "https://hooks.example.com/\r\nHost: 127.0.0.1",
    "https://hooks.example.com/\0", "https://hooks.example.com/a b", 'https://hooks.example.com/"', "https://hooks.example.com/<>",
    "https://hooks.example.com/#fragment", "https://hooks.example.com#",
    # hosts that are numbers, in every spelling a resolver may understand
    "https://127.0.0.1/", "https://127.1/", "https://127.0.1/", "https://2130706433/", "https://0x7f000001/",
    "https://0x7f.0.0.1/", "https://0x7f.1/", "https://017700000001/", "https://0177.0.0.1/", "https://0177.0.0.01/",
    "https://00000177.0.0.1/", "https://127.0.0.1./", "https://127.0.0.0x1/", "https://1.0x/", "https://0/",
    "https://0.0.0.0/", "https://169.254.169.254/latest/meta-data/", "https://2852039166/", "https://0xa9fea9fe/",
    "https://0251.0376.0251.0376/", "https://192.175.048.1/", "https://3232235777/", "https://10.0.0.1:8443/",
    "https://256.256.256.256/", "https://1.2.3.4.5/", "https://hooks.example.127/", "https://hooks.example.0x7f/",
    "https://١٢٧.0.0.1/", "https://１２７.０.０.１/", "https://127。0。0。1/", "https://①②⑦.0.0.1/",
    "https://192.175.48.1%00.example.com/",
    # the same for IPv6
    "https://[::1]/", "https://[::]/", "https://[::ffff:127.0.0.1]/", "https://[::ffff:a9fe:a9fe]/", "https://[fe80::1]/",
    "https://[fe80::1%25eth0]/", "https://[2620:4f:8000::1%25eth0]/", "https://[2620:4f:8000::1%eth0]/",
    "https://[fd00:ec2::254]/", "https://[64:ff9b::7f00:1]/", "https://[2002:7f00:1::]/", "https://[::1",
    "https://::1/", "https://[127.0.0.1]/", "https://[::1].example.com/", "https://[v1.x]/", "https://[[::1]]/",
    # names that are none, or not of the internet
    "https://localhost/", "https://db/", "https://hooks..example.com/", "https://.example.com/", "https://-x.example.com/",
    "https://x-.example.com/", "https://under_score.example.com/", "https://hooks.example.com./", "https://*.example.com/",
    "https://müller.example/", "https://hooks.example。com/", "https://ｈooks.example.com/",
    f"https://{'a' * 64}.example/",    f"https://{'a.' * 127}example/", f"https://hooks.example.com/{'a' * 2000}",
    "https://hooks.example.com,127.0.0.1/", "https://hooks.example.com;127.0.0.1/", "https://hooks.example.com&127.0.0.1/",
    "https://hooks.example.com|127.0.0.1/", "https://{127.0.0.1}/", "https://hooks.example.com^/",
    # ports
    "https://hooks.example.com:80/", "https://hooks.example.com:22/", "https://hooks.example.com:444/",
    "https://hooks.example.com:0/", "https://hooks.example.com:00443/", "https://hooks.example.com:/",
    "https://hooks.example.com:65979/", "https://hooks.example.com:-443/", "https://hooks.example.com:443:443/",
    "https://hooks.example.com:４４３/", "https://hooks.example.com:443x/", "https://hooks.example.com:8443@127.0.0.1/",
]  # fmt: skip


@pytest.mark.parametrize("url", REFUSED_URLS)
def test_an_address_in_any_doubt_is_refused_with_a_sentence(url: str) -> None:
    with pytest.raises(AddressRefused) as refused:
        read_target(url)
    assert str(refused.value).endswith(".")


@pytest.mark.parametrize(
    ("url", "host", "port", "path", "host_header"),
    [
        ("https://hooks.example.com", "hooks.example.com", 443, "/", "hooks.example.com"),
        ("HTTPS://Hooks.Example.COM:443/In?a=b", "hooks.example.com", 443, "/In?a=b", "hooks.example.com"),
        ("https://hooks.example.com:8443?a=b", "hooks.example.com", 8443, "/?a=b", "hooks.example.com:8443"),
        ("https://xn--mller-kva.example/%22", "xn--mller-kva.example", 443, "/%22", "xn--mller-kva.example"),
        (f"https://{PUBLIC_4}/x", PUBLIC_4, 443, "/x", PUBLIC_4),
        ("https://[2620:4F:8000:0::1]:8443/", PUBLIC_6, 8443, "/", f"[{PUBLIC_6}]:8443"),
        ("https://hooks.example.com/@at/a:b//c?d=https://e@f/", "hooks.example.com", 443, "/@at/a:b//c?d=https://e@f/",
         "hooks.example.com"),
    ],
)  # fmt: skip
def test_an_ordinary_address_is_taken_apart(url: str, host: str, port: int, path: str, host_header: str) -> None:
    target = read_target(url)
    assert (target.host, target.port, target.path, target.host_header) == (host, port, path, host_header)
    assert target.is_tls
    assert not target.is_private


@given(st.text(max_size=60).map("https://".__add__))
@example("https://[::ffff:127.0.0.1]:443")
def test_whatever_is_accepted_names_one_host_that_is_a_public_ip_or_a_dotted_name(url: str) -> None:
    try:
        target = read_target(url)
    except AddressRefused:
        return
    assert target.port in (443, 8443)
    assert is_public(target.host) if target.is_ip else "." in target.host
    assert target.host_header.isascii()
    assert target.path.startswith("/")


@pytest.mark.parametrize("url", ["http://127.0.0.1:9000/in", "https://127.0.0.1:9000/in", "http://[::1]:9000/"])
def test_a_receiver_on_a_test_bench_is_told_when_the_operator_named_it(url: str) -> None:
    with pytest.raises(AddressRefused):
        read_target(url)
    assert read_target(url, {"127.0.0.1:9000", "[::1]:9000"}).is_private


@pytest.mark.parametrize("url", ["http://127.0.0.1:9001/", "http://127.0.0.2:9000/", "http://hooks.example.com:9000/"])
def test_naming_one_private_receiver_opens_no_other(url: str) -> None:
    with pytest.raises(AddressRefused):
        read_target(url, {"127.0.0.1:9000"})


def test_reading_an_address_needs_no_framework() -> None:
    code = "import sys, webhooks.addresses; sys.exit(any(name.partition('.')[0] == 'django' for name in sys.modules))"
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, check=False)
    assert done.returncode == 0
