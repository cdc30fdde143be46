"""The command, the scenario it plays and the report it gives."""

import json
import re
import signal
import socket
import subprocess
import sys
import threading
from collections import Counter
from decimal import Decimal
from random import Random

import pytest

from sandbox import HangUp, Kind, Lose, Phone, Sandbox, Silence, cli, oracle, report
from sandbox.scenario import keys, place_calls
from tests.sandbox.desk import CALLOUTS, ask, tts
from tests.sandbox.receiver import application, connect, menu, replies, run_menu

MINUTE = replies(ice=connect(maxDuration=60))


def test_calls_are_placed_and_reported_as_one_json_document(capsys):
    with application(MINUTE) as app:
        code = cli.main(
            [
                "--target",
                app.url,
                "--calls",
                "25",
                "--seed",
                "3",
                "--user",
                "alice",
                "--user",
                "bob",
                "--json",
            ]
        )
    output = capsys.readouterr()
    document = json.loads(output.out)

    assert code == 0
    assert len(document["calls"]) == document["totals"]["calls"] == 25
    assert {call["from"] for call in document["calls"]} == {"alice", "bob"}
    debits = [Decimal(call["debit"]) for call in document["calls"]]
    assert document["totals"]["debit"] == str(sum(debits))
    assert all(call["duration_seconds"] <= 60 for call in document["calls"])
    assert "25 calls" in output.err


def test_calls_are_reported_in_a_line_each_and_the_totals_last(capsys):
    with application(MINUTE) as app:
        code = cli.main(["--target", app.url, "--calls", "3", "--seed", "3", "--port", "0"])
    output = capsys.readouterr()

    assert code == 0
    assert len(output.out.splitlines()) == 4
    assert output.out.splitlines()[-1].startswith("calls 3, ")
    assert "REST API at http://127.0.0.1:" in output.err


@pytest.mark.parametrize(
    ("answering", "advice"),
    [
        (lambda event: (401, b""), "--secret"),
        (lambda event: (404, b""), "--target"),
        (lambda event: (500, b""), "log"),
        (replies(ice=connect(maxDuration=99999)), "maxDuration"),
    ],
)
def test_an_application_that_does_not_obey_is_a_failure_with_advice(answering, advice, capsys):
    with application(answering) as app:
        assert cli.main(["--target", app.url, "--calls", "2", "--seed", "1"]) == 1

    assert advice in capsys.readouterr().err


def test_an_application_that_is_not_there_is_a_failure_with_advice(capsys):
    assert cli.main(["--target", "http://127.0.0.1:9/", "--calls", "1", "--seed", "1"]) == 1

    assert "Start the application server" in capsys.readouterr().err


def test_chaos_is_not_the_applications_failure(capsys):
    with application(MINUTE) as app:
        arguments = ["--target", app.url, "--calls", "30", "--seed", "5", "--json"]
        code = cli.main([*arguments, "--chaos", "loss=0.3,dup=0.3,late=0.3,reorder=0.3"])
    totals = json.loads(capsys.readouterr().out)["totals"]

    assert code == 0
    assert min(totals["lost"], totals["repeated"], totals["late"], totals["overtaken"]) > 0


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--calls", "0"],
        ["--calls", "many"],
        ["--port", "65536"],
        ["--port", "0", "--pace", "0"],
        ["--port", "0", "--pace", "fast"],
        ["--port", "0", "--calls", "1", "--pace", "2"],
        ["--port", "0", "--misbehave", "rude=1"],
        ["--port", "0", "--oracle", "/no/such/folder/oracle.jsonl"],
        ["--calls", "1", "--chaos", "rain=1"],
        ["--calls", "1", "--key", "k"],
        ["--calls", "1", "--key", "k", "--secret", "not base64"],
        ["--calls", "1", "--target", "nowhere"],
        ["--unheard-of"],
    ],
)
def test_bad_arguments_are_told_apart_from_failures(arguments, capsys):
    assert cli.main(arguments) == 2
    assert capsys.readouterr().err


def test_help_is_not_an_error(capsys):
    assert cli.main(["--help"]) == 0
    assert "--chaos" in capsys.readouterr().out


def test_a_port_that_is_taken_is_a_failure_with_advice(capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert cli.main(["--port", str(taken.getsockname()[1])]) == 1

    assert "choose another with --port" in capsys.readouterr().err


def test_the_package_is_a_command_of_its_own():
    done = subprocess.run([sys.executable, "-m", "sandbox"], capture_output=True, text=True, check=False)

    assert done.returncode == 2
    assert "--calls N" in done.stderr


def test_what_is_asked_for_over_rest_happens_while_the_command_serves(tmp_path):
    path, told = tmp_path / "oracle.jsonl", threading.Event()
    with application(lambda event: told.set() or {}) as app:
        arguments = ["--target", app.url, "--port", "0", "--oracle", str(path), "--misbehave", "error_after=1"]
        with subprocess.Popen([sys.executable, "-m", "sandbox", *arguments], stderr=subprocess.PIPE, text=True) as desk:
            lines = [desk.stderr.readline() for _ in range(4)]
            url = re.search(r"http://[\d.:]+", lines[0])[0]
            status, _ = ask("POST", url + CALLOUTS, tts(custom="ref-1", enableDice=True))
            assert told.wait(10)
            desk.send_signal(signal.SIGINT)
            assert desk.wait(10) == 0

    assert status in (500, 503)
    assert app.names == ["dice"]
    assert [(deed.kind, deed.reference) for deed in oracle.read(path)] == [(Kind.CALLOUT, "ref-1")]


def test_calls_to_an_access_number_are_reported_with_the_menus_heard(capsys):
    number = menu("number", mainPrompt="#tts[Whom do you call?]", maxDigits=15)
    arguments = ["--calls", "40", "--seed", "3", "--access-number", "+442079460001", "--caller", "+12025550177"]
    with application(replies(ice=run_menu(number))) as app:
        assert cli.main(["--target", app.url, *arguments]) == 0
        plain = capsys.readouterr().out
        assert cli.main(["--target", app.url, *arguments, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)

    dialled = [call for call in document["calls"] if call["to"] == "+442079460001"]
    assert {call["from"] for call in dialled} == {"+12025550177"}
    assert all(call["menus"] for call in dialled)
    assert plain.count("       heard tts Whom do you call?\n") == sum(len(call["heard"]) for call in document["calls"])
    assert "       menu number: sequence " in plain


def test_keys_at_random_are_of_every_kind_and_the_same_for_one_seed():
    def pressed(seed):
        chance = Random(seed)
        return [press for _ in range(100) for press in keys(chance)]

    assert pressed(1) == pressed(1) != pressed(2)
    kinds = {type(press) for press in pressed(1)}
    assert kinds == {str, Silence, HangUp}
    assert any(isinstance(press, str) and press.endswith("#") and len(press) > 8 for press in pressed(1))


def placed(seed):
    platform = Sandbox(target="http://127.0.0.1:9/")
    calls = place_calls(
        platform,
        300,
        seed=seed,
        users=["alice", "bob"],
        callers=["+12025550199"],
        access_numbers=["+12025550100"],
    )
    return [(call.origin, call.user, call.cli, call.to_type, call.to, call.phone, call.keys.script) for call in calls]


def test_the_same_seed_places_the_same_calls():
    assert placed(1) == placed(1)
    assert placed(1) != placed(2)


def test_a_scenario_has_calls_of_every_kind_and_end():
    calls = placed(1)

    assert {call[3] for call in calls} == {"number", "username", "did"}
    refusals = Counter(call[5].refusal and call[5].refusal[1] for call in calls)
    assert set(refusals) == {None, "BUSY", "CALLEEHANGUP", "GENERALERROR"}
    assert any(call[5].rings_for_ever for call in calls)
    assert {bool(call[6]) for call in calls if call[3] == "did"} == {True, False}
    assert not any(call[6] for call in calls if call[3] != "did")
    assert all(call[1] != call[4] for call in calls)


def test_a_report_tells_what_became_of_a_call_with_money_as_text():
    with application(replies(ice={"instructions": [{"name": "say", "text": "Hi."}], **connect()})) as app:
        platform = Sandbox(target=app.url)
        call = platform.app_to_phone(
            user="alice", to="+12025550123", phone=Phone.answers(1, 61), faults=[Lose("dice")], call_id="c-1"
        )
        platform.run()

    assert report.as_dict(call) == {
        "call_id": "c-1",
        "number": 1,
        "from": "alice",
        "to": "+12025550123",
        "connected_to": "+12025550123",
        "asked": [
            {"event": "ice", "attempt": 1, "status": 200},
            {"event": "ace", "attempt": 1, "status": 200},
        ],
        "decision": "connectPstn",
        "limit_seconds": None,
        "heard": [{"name": "say", "kind": "tts", "text": "Hi."}],
        "menus": [],
        "answered": True,
        "duration_seconds": 61,
        "result": "ANSWERED",
        "reason": "CALLERHANGUP",
        "debit": "0.0140",
        "currency": "USD",
        "problem": "",
        "faults": ["dice lost"],
    }
    assert report.line(call) == (
        "    1  alice -> +12025550123  asked ice:200,ace:200  answered connectPstn"
        "  ANSWERED CALLERHANGUP 61 s 0.0140 USD [dice lost]"
    )


def test_totals_count_every_end_once():
    answers = {"+12025550101": connect("+12025550101"), "+12025550102": {"action": {"name": "hangup"}}}

    def by_number(event):
        return answers.get(event["to"]["endpoint"], {}) if event["event"] == "ice" else {}

    with application(by_number) as app:
        platform = Sandbox(target=app.url)
        for phone in (Phone.answers(1, 61), Phone.busy(), Phone.no_answer(), Phone.unreachable()):
            platform.app_to_phone(user="alice", to="+12025550101", phone=phone)
        for number in ("+12025550102", "+12025550103"):
            platform.app_to_phone(user="alice", to=number)
        platform.app_to_phone(user="alice", to="+12025550101", at_seconds=9999)
        platform.run(until_seconds=5000)

    assert report.totals(platform.calls) == {
        "calls": 7,
        "answered": 1,
        "busy": 1,
        "no_answer": 1,
        "refused": 1,
        "failed": 2,
        "not_ended": 1,
        "seconds": 61,
        "debit": "0.0140",
        "currency": "USD",
        "callbacks": 15,
        "lost": 0,
        "repeated": 0,
        "late": 0,
        "overtaken": 0,
    }
