"""The `sandbox softphone` command, its transcript, and what its page says of it."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sandbox import cli
from tests.sandbox.receiver import HANGUP, application, connect, menu, replies, run_menu
from tests.sandbox.web import Says, web

ACCESS_NUMBER = "+12025550100"
DIALS = Says(body=f"<response><dialString>{ACCESS_NUMBER}</dialString></response>")
PAGE = Path(__file__).parents[2] / "docs/sandbox.md"


def node(name, value):
    return ["--node", f"{name}={value}"]


def run(capsys, *arguments):
    code = cli.main(["softphone", *arguments])
    output = capsys.readouterr()
    return code, output.out, output.err


def test_a_call_through_is_made_and_told_line_by_line(capsys):
    dials = Says(body=f"<response><dialString>{ACCESS_NUMBER},,%account[x-cth-pin]%#5#</dialString></response>")
    asks = replies(ice=run_menu(menu("pin")), pie=HANGUP)
    with web(dials) as server, application(asks) as app:
        url = f"{server.url}/cth?to=%targetNumber%"
        nodes = [*node("cth_ws_url", url), *node("x-cth-pin", "1234")]
        code, out, err = run(capsys, *nodes, "--call-through", "+44 7700 900123", "--target", app.url)

    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "call through +44 7700 900123: done",
        f"       asked  GET {server.url}/cth?to=%2B447700900123",
        f"       got    200 text/xml {dials.body}",
        f"       shows  {ACCESS_NUMBER},,1234#5#",
        f"       dials  {ACCESS_NUMBER}, 4 s of pause, 1234#, 5#",
        (
            f"       1  +12025550199 -> {ACCESS_NUMBER}  asked ice:200,pie:200,dice:200  answered runMenu"
            "  ANSWERED MANAGERHANGUP 5 s 0.0 USD"
        ),
        "       heard tts pin",
        "       menu pin: sequence 1234",
        "       tones nobody listened to: 5#",
    ]


def test_a_refusal_is_told_and_is_no_failure(capsys):
    with web(Says(403, "application/json", '{"message":"No credit."}')) as server:
        code, out, _ = run(capsys, *node("cth_ws_url", server.url), "--call-through", "1")

    assert code == 0
    assert out.splitlines()[0] == "call through 1: message"
    assert "       shows  No credit." in out.splitlines()


def test_everything_a_person_can_do_is_done_in_turn_and_told_in_json(capsys):
    answers = {
        "/prov": "<account><title>Lusitel</title><username>ana</username></account>",
        "/push": "",
        "/balance": "<response><balanceString>5.00</balanceString></response>",
        "/rate": "<response><callRateString>1c</callRateString></response>",
        "/cth": f"<response><dialString>{ACCESS_NUMBER}</dialString></response>",
        "/callback": "<response/>",
        "/send": "<response><sms_id>1</sms_id></response>",
        "/fetch": "<response><received_smss/><sent_smss/></response>",
    }
    with web(lambda asked: Says(body=answers[asked.target])) as server, application(replies(ice=connect())) as app:
        prefixes = {
            "InitialProvisioning": "/prov",
            "pushTokenReporter": "/push",
            "genericBalanceCheck": "/balance",
            "genericRateCheck": "/rate",
            "webCallback": "/callback",
            "genericSmsSend": "/send",
            "genericSmsFetch": "/fetch",
        }
        nodes = [each for prefix, path in prefixes.items() for each in node(f"{prefix}Url", server.url + path)]
        deeds = ["--username", "ana", "--push-token", "--balance", "--rate", "+44", "--call-through", "1"]
        deeds += ["--call-through", "2", "--call-back", "3", "--text", "+447700900123", "hello", "--fetch"]
        code, out, err = run(
            capsys, *nodes, *node("cth_ws_url", f"{server.url}/cth"), *deeds, "--target", app.url, "--json"
        )

    assert (code, err) == (0, "")
    told = json.loads(out)["deeds"]
    assert [each["did"] for each in told] == [
        "provision",
        "push token",
        "balance",
        "rate +44",
        "call through 1",
        "call through 2",
        "call back 3",
        "text +447700900123",
        "fetch",
    ]
    assert [each["text"] for each in told] == [
        "Lusitel",
        "",
        "5.00",
        "1c",
        ACCESS_NUMBER,
        ACCESS_NUMBER,
        "waiting for call",
        "sent",
        "",
    ]
    assert {each["kind"] for each in told} == {"done"}
    first, second = (each["call"] for each in told[4:6])
    assert (first["result"], second["result"]) == ("ANSWERED", "ANSWERED")
    begun, _, ended, *_ = (event for event in app.names)
    assert (begun, ended) == ("ice", "dice")
    assert told[2]["exchanges"] == [
        {
            "method": "GET",
            "url": f"{server.url}/balance",
            "body": "",
            "status": 200,
            "content_type": "text/xml",
            "answer": "<response><balanceString>5.00</balanceString></response>",
            "error": "",
        }
    ]


def test_how_the_call_arrives_can_be_said(capsys):
    with web(DIALS) as server, application(replies(ice=connect())) as app:
        how = ["--number", "+447700900124", "--arrives-as", "private", "--after-seconds", "90"]
        how += ["--twice", "--instead", "+447700900125", "--bare-plus", "--address", "198.51.100.7"]
        where = [*node("cth_ws_url", "https://bo.example/%targetNumber%"), "--via", server.url, "--target", app.url]
        code, out, _ = run(capsys, *where, *how, "--call-through", "+447700900123")

    assert code == 0
    assert [each.target for each in server.asked] == ["/+447700900123", "/+447700900123", "/+447700900125"]
    assert {each.headers["X-Forwarded-For"] for each in server.asked} == {"198.51.100.7"}
    assert app.events("ice")[0]["cli"] == "private"
    assert "asked  GET https://bo.example/+447700900125" in out


def test_the_call_comes_after_the_request_by_the_servers_clock_too(capsys):
    before = datetime.now(UTC)
    with web(DIALS) as server, application(replies(ice=connect())) as app:
        run(capsys, *node("cth_ws_url", server.url), "--call-through", "1", "--target", app.url)

    assert datetime.fromisoformat(app.events("ice")[0]["timestamp"]) > before


def test_chaos_can_be_said(capsys):
    with web(DIALS) as server, application(replies(ice=connect())) as app:
        how = ["--chaos", "twice=1,hidden=1", "--seed", "3", "--target", app.url]
        code, _, _ = run(capsys, *node("cth_ws_url", server.url), *how, "--call-through", "1")

    assert (code, len(server.asked)) == (0, 2)
    assert app.events("ice")[0]["cli"] in ("", "private", "anonymous")


def test_an_account_can_come_from_a_file(capsys, tmp_path):
    file = tmp_path / "account.xml"
    with web(Says(body="<response><balanceString>5.00</balanceString></response>")) as server:
        url = f"<genericBalanceCheckUrl>{server.url}</genericBalanceCheckUrl>"
        file.write_text(f"<account><title>Lusitel</title>{url}</account>")
        code, out, _ = run(capsys, "--account", str(file), "--balance")

    assert (code, "       shows  5.00" in out.splitlines()) == (0, True)


@pytest.mark.parametrize(
    ("answer", "wish", "sentence"),
    [
        (Says(200, "application/json", "{}"), "--call-through", "call through 1: the reply has no dialString."),
        (Says(200, "text/html", "<p>"), "--rate", "rate 1: "),
        (DIALS, "--call-back", "call back 1: the account has no webCallbackUrl."),
    ],
)
def test_what_the_app_cannot_use_is_a_failure_with_a_sentence(answer, wish, sentence, capsys):
    with web(answer) as server:
        code, _, err = run(capsys, *node("cth_ws_url", server.url), *node("genericRateCheckUrl", server.url), wish, "1")

    assert (code, sentence in err) == (1, True)


def test_who_cannot_sign_in_does_nothing_else(capsys):
    with web(Says(410, "application/xml", "<message>Wrong password.</message>")) as server:
        nodes = [*node("InitialProvisioningUrl", server.url), *node("genericBalanceCheckUrl", server.url)]
        code, _, err = run(capsys, *nodes, "--username", "ana", "--password", "x", "--balance")

    assert (code, len(server.asked)) == (1, 1)
    assert err == "sandbox softphone: provision: Wrong password.\n"


def test_an_application_that_does_not_answer_the_call_is_a_failure(capsys):
    with web(DIALS) as server, application(lambda event: (401, b"")) as app:
        code, _, err = run(capsys, *node("cth_ws_url", server.url), "--call-through", "1", "--target", app.url)

    assert code == 1
    assert "not answered as the platform needs: " in err


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--node", "a=b"],
        ["--node", "a", "--balance"],
        ["--node", "=b", "--balance"],
        ["--account", "/no/such/file.xml", "--balance"],
        ["--account", str(PAGE), "--balance"],
        ["--username", "ana"],
        ["--balance", "--via", "bo.example"],
        ["--balance", "--key", "k"],
        ["--balance", "--key", "k", "--secret", "not base64"],
        ["--balance", "--target", "nowhere"],
        ["--call-through", "1", "--after-seconds", "-1"],
        ["--call-through", "1", "--after-seconds", "1000000"],
        ["--call-through", "1", "--chaos", "rain=1"],
        ["--unheard-of"],
    ],
)
def test_bad_arguments_are_told_apart_from_failures(arguments, capsys):
    code, out, err = run(capsys, *arguments)

    assert (code, out) == (2, "")
    assert "sandbox softphone: " in err


def test_the_page_tells_of_every_option_and_of_no_other(capsys):
    _, usage, _ = run(capsys, "--help")
    options = set(re.findall(r"--[a-z][a-z-]+", usage.partition("\n\n")[0]))
    _, _, rest = PAGE.read_text(encoding="utf-8").partition("\n## The softphone\n")
    section = rest.partition("\n## ")[0]

    assert set(re.findall(r"(?<!\w)--[a-z][a-z-]+", section)) == options
