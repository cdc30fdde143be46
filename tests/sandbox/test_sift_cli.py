"""Many connections at Sift from the command line, and the report on them."""

import json
import re
from threading import Timer

import pytest
import requests

from sandbox import Delay, Phone, Sandbox, cli, oracle, sift_report
from sandbox.sift_scenario import place_calls
from tests.sandbox.sift_server import AUTH, NUMBER, call_phone, desk, routine, say, serving

USERS = ("--user", "alice", "--user", "bob")


def incoming(told):
    """What a simple application does: browsers are put through, telephones are asked for a number."""
    wanted = told["connection"].get("client_data", {})
    if "client_name" in wanted:
        return routine({"name": "CallClient", **wanted})
    return routine(call_phone(wanted["phone_number"]) if wanted else say("Welcome."))


def run(server, *more):
    return cli.main(["--sift", "--target", server.url, "--seed", "3", *more])


def test_connections_are_placed_and_reported_as_one_json_document(capsys, tmp_path):
    path = tmp_path / "oracle.jsonl"
    with serving(incoming=incoming) as server:
        code = run(server, "--calls", "40", *USERS, "--access-number", NUMBER, "--json", "--oracle", str(path))
        told = server.told()
    document = json.loads(capsys.readouterr().out)

    assert code == 0
    calls = document["calls"]
    assert len(calls) == len(told) == document["totals"]["calls"] == 40
    assert {each["from"] for each in calls} == {"webrtc:alice", "webrtc:bob", "+12025550199"}
    assert {each["to"] for each in calls} == {None, NUMBER}
    assert {kind for each in calls for kind in (called["kind"] for called in each["called"])} == {"phone", "client"}
    assert document["totals"]["seconds"] == sum(each["duration_seconds"] for each in calls)
    assert max(each["duration_seconds"] for each in calls) <= 1800
    deeds = {each.reference: int(each.detail["duration_seconds"]) for each in oracle.read(path)}
    assert deeds == {each["connection_id"]: each["duration_seconds"] for each in calls}


def test_connections_are_reported_in_a_line_each_and_the_totals_last(capsys, monkeypatch):
    monkeypatch.setattr(cli, "QUIET_SECONDS", 0)
    with serving(incoming=incoming) as server:
        code = run(server, "--calls", "3", "--port", "0")
    output = capsys.readouterr()

    assert code == 0
    *lines, last = output.out.splitlines()
    assert all(re.match(r" +\d  webrtc:alice -> nobody  asked incoming:200  calls \+\d+ ", each) for each in lines)
    assert last.startswith("calls 3, finished ")
    assert "Sift's API at http://127.0.0.1:" in output.err
    assert f"/v0, account {AUTH[0]}, token {AUTH[1]}" in output.err


def test_whoever_asks_about_connections_is_still_answered_after_the_report(capsys, monkeypatch):
    monkeypatch.setattr(cli, "QUIET_SECONDS", 1)
    answers = []

    def ask_when_reported(call):
        url = re.search(r"http://\S+/v0", capsys.readouterr().err)[0]
        Timer(0.3, lambda: answers.append(requests.get(f"{url}/connections", auth=AUTH, timeout=5).json())).start()
        return original(call)

    original = sift_report.line
    monkeypatch.setattr(sift_report, "line", ask_when_reported)
    with serving(incoming=incoming) as server:
        assert run(server, "--calls", "1", "--port", "0") == 0
    assert [each["status"] for each in answers[0]["results"]] == ["finished"]


def test_what_chance_does_is_not_the_applications_failure(capsys):
    with serving(incoming=incoming) as server:
        code = run(server, "--calls", "40", "--chaos", "loss=0.3,dup=0.3,late=0.3", "--json")
    totals = json.loads(capsys.readouterr().out)["totals"]

    assert code == 0
    assert min(totals["lost"], totals["repeated"], totals["late"]) > 0


@pytest.mark.parametrize(
    ("answer", "advice"),
    [
        ((404, ""), "--target"),
        ((401, ""), "--secret"),
        ("", "empty"),
        (routine({"name": "Sing"}), "no command Sing"),
    ],
)
def test_an_application_that_does_not_answer_as_it_must_is_a_failure_with_advice(answer, advice, capsys):
    with serving(incoming=answer) as server:
        assert run(server, "--calls", "2") == 1

    assert advice in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ["--sift"],
        ["--sift", "--calls", "1"],
        ["--sift", "--port", "0", "--target", "http://127.0.0.1:9/"],
        ["--sift", "--calls", "1", "--target", "http://127.0.0.1:9/", "--access-number", "desk"],
        ["--sift", "--calls", "1", "--target", "http://127.0.0.1:9/", "--key", "0123456789abcdef"],
    ],
)
def test_bad_arguments_are_told_apart_from_failures(arguments, capsys):
    assert cli.main(arguments) == 2
    assert capsys.readouterr().err


def test_account_and_token_may_be_anybodys(capsys):
    with serving(incoming=incoming) as server:
        assert run(server, "--calls", "1", "--key", "0123456789abcdef", "--secret", "x" * 32, "--port", "0") == 0
        assert server.told()[0]["account_id"] == "0123456789abcdef"

    assert f"account 0123456789abcdef, token {'x' * 32}" in capsys.readouterr().err


def test_the_same_seed_places_the_same_connections():
    def wishes(seed):
        platform = Sandbox(target="http://127.0.0.1:9/")
        dialled = {"callers": ["+12025550199"], "access_numbers": [NUMBER, NUMBER]}
        calls = place_calls(platform, 20, seed=seed, users=["alice"], **dialled)
        return [(each.from_, each.to, each.client_data, each.phone, each.hangs_up_after_seconds) for each in calls]

    assert repr(wishes(1)) == repr(wishes(1)) != repr(wishes(2))


def test_the_report_says_what_went_wrong():
    with desk(incoming=(500, "")) as place:
        place.dialled()
    reported = sift_report.outcome(place.sift.calls)

    assert reported.failures == ["1 x incoming: HTTP 500"]
    assert reported.text.splitlines()[0].endswith("failed platform 0 s (the application answered HTTP 500)")
    assert reported.calls[0]["problems"] == ["the application answered HTTP 500"]


def test_a_call_that_goes_on_is_reported_as_not_ended():
    with desk(incoming=routine(call_phone())) as place:
        place.dialled(phone=Phone.answers(3))
    reported = sift_report.outcome(place.sift.calls)

    assert reported.totals["not_ended"] == 1
    assert "answered 0 s  connected not ended 0 s" in reported.text


def test_faults_are_shown():
    with desk(incoming=routine()) as place:
        place.dialled(faults=[Delay("incoming", 30)])

    assert sift_report.outcome(place.sift.calls).text.splitlines()[0].endswith("[incoming 30 s late]")
