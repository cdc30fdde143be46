"""The `sandbox softphone` command: a Cloud Softphone against any server, and calls by way of an access number."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from sandbox import report, softphone_report, wire
from sandbox.platform import DESK_KEY, DESK_SECRET, Sandbox
from sandbox.softphone import OWN_NUMBER, Shown, Softphone
from sandbox.softphone_chaos import SoftphoneChaos
from sandbox.softphone_replies import LONGEST_BYTES, Unreadable, read_account
from sandbox.softphone_services import PROVISIONING, Network

TARGET = "http://127.0.0.1:8000/callbacks/sinch/"
PROVISION = "provision"
# What there is to do, by the names of the options.
WISHES = ("username", "push_token", "balance", "rate", "call_through", "call_back", "text", "fetch")

Deed = tuple[str, Callable[[], Shown]]


def main(argv: Sequence[str]) -> int:
    """Run the command; gives 0 on success, 2 for bad arguments, 1 when something failed, saying what to do.

    A refusal that the person is shown is a success. Failed means: a service gave nothing that the app can use, a call
    was not answered as the platform needs, or the account could not be fetched. The transcript goes to standard
    output, everything else to standard error.
    """
    try:
        options = _parser().parse_args(argv)
        platform = _platform(options)
        phone = _phone(options, platform)
    except SystemExit as stop:
        return int(stop.code or 0)
    except (ValueError, Unreadable) as error:
        _say(str(error))
        return 2
    done = []
    for what, act in _deeds(phone, options):
        done.append((what, act()))
        platform.run()  # a person makes one call at a time
        if what == PROVISION and done[0][1].kind != "done":
            break
    _report(done, as_json=options.json)
    return _judge(done, platform)


def _platform(options: argparse.Namespace) -> Sandbox:
    if (options.key is None) != (options.secret is None):
        raise ValueError("--key and --secret belong together")
    return Sandbox(
        target=options.target,
        key=options.key or DESK_KEY,
        secret=options.secret or DESK_SECRET,
        start=datetime.now(UTC),  # servers compare when a call came with when it was asked for
    )


def _phone(options: argparse.Namespace, platform: Sandbox) -> Softphone:
    nodes = _account(options.account)
    for each in options.node or ():
        name, equals, value = each.partition("=")
        if not equals or not name:
            raise ValueError(f"--node needs NAME=VALUE, not {each!r}")
        nodes[name] = value
    if options.username and not nodes.get(PROVISIONING.url):
        raise ValueError(f"--username needs an address to sign in at: --node '{PROVISIONING.url}=https://…'")
    if not any(getattr(options, name) for name in WISHES):
        raise ValueError("nothing to do: give --username, --call-through NUMBER, --balance or the like")
    return Softphone(
        nodes,
        platform=platform,
        number=options.number,
        escapes_plus=not options.bare_plus,
        network=Network(via=options.via, address=options.address),
        chaos=options.chaos,
        seed=options.seed,
    )


def _account(path: Path | None) -> dict[str, str]:
    if path is None:
        return {}
    try:
        with path.open("rb") as file:
            return read_account(file.read(LONGEST_BYTES + 1))
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from error


def _deeds(phone: Softphone, options: argparse.Namespace) -> Iterator[Deed]:
    if options.username:
        yield PROVISION, partial(phone.provision, options.username, options.password, options.cloud_id)
    if options.push_token:
        yield "push token", phone.report_push_token
    if options.balance:
        yield "balance", phone.balance
    for number in options.rate or ():
        yield f"rate {number}", partial(phone.rate, number)
    for number in options.call_through or ():
        yield f"call through {number}", partial(_call_through, phone, number, options)
    for number in options.call_back or ():
        yield f"call back {number}", partial(phone.call_back, number)
    for to, body in options.text or ():
        yield f"text {to}", partial(phone.send_text, to, body)
    if options.fetch:
        yield "fetch", phone.fetch_texts


def _call_through(phone: Softphone, number: str, options: argparse.Namespace) -> Shown:
    return phone.call_through(
        number,
        after_seconds=options.after_seconds,
        cli=options.arrives_as,
        twice=options.twice,
        instead=options.instead,
    )


def _report(done: Sequence[tuple[str, Shown]], *, as_json: bool) -> None:
    if as_json:
        document = {"deeds": [softphone_report.as_dict(what, shown) for what, shown in done]}
        sys.stdout.write(wire.dumps(document).decode() + "\n")
    else:
        transcript = [line for what, shown in done for line in softphone_report.lines(what, shown)]
        sys.stdout.write("\n".join(transcript) + "\n")


def _judge(done: Sequence[tuple[str, Shown]], platform: Sandbox) -> int:
    """Say the first thing that failed; gives the exit code."""
    failed = [sentence for what, shown in done if (sentence := _failure(what, shown))]
    failed += [f"not answered as the platform needs: {each}" for each in report.failures(platform.calls)]
    if failed:
        _say(f"{failed[0].rstrip('.')}.")
    return 1 if failed else 0


def _failure(what: str, shown: Shown) -> str:
    """Why this is no success; empty when it is one, as a refusal is unless nothing can be done without it."""
    if shown.kind in ("unusable", "not asked"):
        return f"{what}: {shown.remark}"
    if what == PROVISION and shown.kind != "done":
        return f"{what}: {shown.text or 'refused without a word'}"
    return ""


def _say(sentence: str) -> None:
    sys.stderr.write(f"sandbox softphone: {sentence}\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="sandbox softphone", description="A Cloud Softphone: its web services, and calls by an access number."
    )
    add = parser.add_argument
    add("--account", type=Path, help="file with the account in XML, as provisioning gives it")
    add("--node", action="append", help="NAME=VALUE, one node of the account; may be repeated")
    add("--username", help="sign in first, at the account's InitialProvisioningUrl")
    add("--password", default="", help="what is typed there")
    add("--cloud-id", default="", help="what is typed there")
    add("--call-through", action="append", help="number to call by an access number; may be repeated")
    add("--call-back", action="append", help="number to be connected with by being called; may be repeated")
    add("--balance", action="store_true", help="look at the balance")
    add("--rate", action="append", help="number, or its beginning, whose price is asked; may be repeated")
    add("--text", action="append", nargs=2, metavar=("TO", "BODY"), help="send a text; may be repeated")
    add("--fetch", action="store_true", help="fetch texts")
    add("--push-token", action="store_true", help="report how this app can be woken")
    add("--number", default=OWN_NUMBER, help="the telephone's own number (%(default)s)")
    add("--arrives-as", help="the caller's number that the network shows instead; empty: none")
    add("--after-seconds", type=_seconds, help="how long after the answer the call arrives; default: 8")
    add("--twice", action="store_true", help="ask a second time, and obey the second answer")
    add("--instead", help="number that the person calls at once instead")
    add("--chaos", type=_chaos, help="twice=0.1,redial=0.1,late=0.1,hidden=0.1,mangled=0.1")
    add("--seed", type=int, default=0, help="of the chaos (%(default)s)")
    add("--via", default="", help="server that stands for every host, as behind a proxy that ends TLS")
    add("--address", default="", help="IP address that X-Forwarded-For tells")
    add("--bare-plus", action="store_true", help="do not escape + in addresses and forms, as some apps")
    add("--target", default=TARGET, help="callback URL of the application that is called (%(default)s)")
    add("--key", help="application key; default: the desk's own")
    add("--secret", help="application secret in base64; default: the desk's own")
    add("--json", action="store_true", help="one JSON document on standard output")
    return parser


def _seconds(text: str) -> int:
    if not (text.isascii() and text.isdecimal()) or len(text) > 6:
        raise argparse.ArgumentTypeError("a whole number from 0 to 999999")
    return int(text)


def _chaos(text: str) -> SoftphoneChaos:
    try:
        return SoftphoneChaos.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
