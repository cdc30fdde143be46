"""The `sandbox` command: calls against any Sinch application, and the platform's REST APIs."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from random import SystemRandom
from threading import Event
from time import monotonic, sleep

from sandbox import report, sift_report, sift_scenario, softphone_cli, wire
from sandbox.faults import Chaos
from sandbox.misbehaviour import Misbehaviour
from sandbox.numbers import E164
from sandbox.platform import DESK_KEY, DESK_SECRET, Sandbox
from sandbox.scenario import place_calls
from sandbox.sift import DESK_SIFT_ACCOUNT, DESK_SIFT_TOKEN

CALLER = "+12025550199"
QUIET_SECONDS = 5
TARGET = "http://127.0.0.1:8000/callbacks/sinch/"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; gives 0 on success, 2 for bad arguments, 1 when something failed, saying what to do.

    The application failed when it could not be reached, refused a callback, or gave a reply that is not
    legal. The report goes to standard output, everything else to standard error. `softphone` as the first argument
    runs that command instead.
    """
    given = sys.argv[1:] if argv is None else argv
    if given[:1] == ["softphone"]:
        return softphone_cli.main(given[1:])
    try:
        options = _parser().parse_args(given)
        platform = _platform(options)
    except SystemExit as stop:
        return int(stop.code or 0)
    except ValueError as error:
        _say(f"sandbox: {error}")
        return 2
    with ExitStack() as stack:
        if options.port is not None:
            try:
                url = stack.enter_context(platform.rest_server(options.port))
            except OSError as error:
                _say(f"sandbox: port {options.port}: {error.strerror}; choose another with --port.")
                return 1
            _say(f"REST API at {url}/calling/v1/, application {platform.key}")
            _say(f"texts at {url}/xms/v1/{platform.service_plan_id}, token {platform.api_token}")
            account, sift = platform.voximplant, platform.sift
            _say(f"Voximplant's API at {url}/platform_api, account {account.account_id}, key {account.api_key}")
            _say(f"Sift's API at {url}/v0, account {sift.account_id}, token {sift.auth_token}")
        if not options.calls:
            return _wait(platform, options.pace)
        code = _call(platform, options)
        if options.sift and options.port is not None:
            _answer_questions(platform)
        return code


def _platform(options: argparse.Namespace) -> Sandbox:
    if options.calls is None and options.port is None:
        raise ValueError("nothing to do: give --calls N, --port P or both")
    if (options.key is None) != (options.secret is None):
        raise ValueError("--key and --secret belong together")
    if options.pace is not None and options.calls is not None:
        raise ValueError("--pace is for --port without --calls, whose time jumps")
    if options.oracle is not None and not options.oracle.absolute().parent.is_dir():
        raise ValueError(f"there is no folder for the oracle's file {options.oracle}")
    if options.sift and (options.calls is None or options.target == TARGET):
        raise ValueError("--sift needs --calls, and --target with the address up to callbacks/sift/TOKEN/")
    if options.sift and not all(E164.fullmatch(each) for each in options.access_number or []):
        raise ValueError("--sift needs every --access-number in E.164, like +12025550100")
    sinch, sift = (DESK_KEY, DESK_SECRET), (DESK_SIFT_ACCOUNT, DESK_SIFT_TOKEN)
    if options.key is not None and options.sift:
        sift = options.key, options.secret
    elif options.key is not None:
        sinch = options.key, options.secret
    return Sandbox(
        target=options.target,
        key=sinch[0],
        secret=sinch[1],
        sift_account_id=sift[0],
        sift_auth_token=sift[1],
        seed=options.seed,
        chaos=options.chaos,
        misbehaviour=options.misbehave,
        oracle_path=options.oracle,
    )


def _call(platform: Sandbox, options: argparse.Namespace) -> int:
    _say(f"{options.calls} calls, callbacks to {platform.target}, seed {options.seed}")
    outcome = _sift_outcome(platform, options) if options.sift else _outcome(platform, options)
    if options.json:
        document = {
            "target": platform.target,
            "seed": options.seed,
            "calls": outcome.calls,
            "totals": outcome.totals,
        }
        sys.stdout.write(wire.dumps(document).decode() + "\n")
    else:
        sys.stdout.write(outcome.text + "\n")
    failures = outcome.failures
    if failures:
        _say(f"sandbox: not answered as the platform needs: {'; '.join(failures[:5])}. {_advice(failures)}")
    return 1 if failures else 0


def _outcome(platform: Sandbox, options: argparse.Namespace) -> report.Outcome:
    calls = place_calls(
        platform,
        options.calls,
        seed=options.seed,
        users=options.user or ["alice"],
        callers=options.caller or [CALLER],
        access_numbers=options.access_number or [],
    )
    platform.run()
    return report.outcome(calls)


def _sift_outcome(platform: Sandbox, options: argparse.Namespace) -> report.Outcome:
    calls = sift_scenario.place_calls(
        platform,
        options.calls,
        seed=options.seed,
        users=options.user or ["alice"],
        callers=options.caller or [CALLER],
        access_numbers=options.access_number or [],
    )
    platform.run()
    return sift_report.outcome(calls)


def _advice(failures: Sequence[str]) -> str:
    everything = " ".join(failures)
    if "ConnectionError" in everything:
        return "Start the application server, or name its callback URL with --target."
    if "HTTP 401" in everything or "HTTP 403" in everything:
        return "Give the application's own credentials with --key and --secret."
    if "HTTP 404" in everything:
        return "Name the callback URL, with its path, in --target."
    return "Look into the log of the application server."


def _answer_questions(platform: Sandbox) -> None:
    """Go on answering until nobody has asked for a while: who believes no callback asks what became of connections."""
    _say(f"Answering what is asked about them, until {QUIET_SECONDS} seconds pass without a question.")
    quiet_since = monotonic()
    while monotonic() < max(quiet_since, platform.sift.last_asked_at) + QUIET_SECONDS:
        sleep(0.1)


def _wait(platform: Sandbox, pace: float | None) -> int:
    with suppress(KeyboardInterrupt), platform.keep_running(pace):
        _say("Ctrl-C ends it.")
        Event().wait()
    return 0


def _say(sentence: str) -> None:
    sys.stderr.write(sentence + "\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="sandbox",
        description="A Sinch-like platform on your desk, an account at Voximplant and one at Sift.",
        epilog="sandbox softphone: a Cloud Softphone that calls through; see sandbox softphone --help.",
    )
    parser.add_argument("--target", default=TARGET, help="callback URL of the application (%(default)s)")
    parser.add_argument("--key", help="application key, with --sift account id; default: the desk's own")
    parser.add_argument("--secret", help="application secret in base64, with --sift auth token; default: the desk's")
    parser.add_argument("--calls", type=_calls, help="place that many calls, report, end")
    parser.add_argument("--sift", action="store_true", help="place them at Sift; --target is callbacks/sift/TOKEN/")
    parser.add_argument("--seed", type=int, default=SystemRandom().randrange(1 << 31), help="default: random")
    parser.add_argument("--chaos", type=_chaos, help="loss=0.1,dup=0.1,late=0.1,reorder=0.1")
    parser.add_argument("--port", type=_port, help="serve the REST APIs there; 0 takes a free port")
    parser.add_argument("--pace", type=_pace, help="virtual seconds in a real one while serving; default: time jumps")
    parser.add_argument("--misbehave", type=_misbehaviour, help="how paid requests go wrong: lost=0.2,busy=0.1")
    parser.add_argument("--oracle", type=Path, help="file to which everything paid that is really done is appended")
    parser.add_argument("--user", action="append", help="app user who calls; may be repeated (alice)")
    parser.add_argument(
        "--access-number", action="append", help="number of yours that telephones dial; may be repeated"
    )
    parser.add_argument(
        "--caller", action="append", help=f"who dials them, and presses keys; may be repeated ({CALLER})"
    )
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")
    return parser


def _calls(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 1_000_000:
        raise argparse.ArgumentTypeError("a whole number from 1 to 1000000")
    return int(text)


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError("a port from 0 to 65535")
    return int(text)


def _pace(text: str) -> float:
    try:
        pace = float(text)
    except ValueError:
        pace = 0.0
    if not 0 < pace <= 1_000_000:
        raise argparse.ArgumentTypeError("a number above 0, at most 1000000")
    return pace


def _misbehaviour(text: str) -> Misbehaviour:
    try:
        return Misbehaviour.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _chaos(text: str) -> Chaos:
    try:
        return Chaos.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
