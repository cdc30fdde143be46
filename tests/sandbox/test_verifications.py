"""Verifications: started, asked about, brought to an end, and told of."""

from decimal import Decimal

import pytest

from sandbox import DESK_KEY, Kind, Mishap, Phone, Sandbox
from tests.sandbox.desk import ask, basic
from tests.sandbox.receiver import application

NUMBER = "+12025550123"
IDENTITY = {"type": "number", "endpoint": NUMBER}
PUBLIC = {"Authorization": f"Application {DESK_KEY}"}
ALLOW = {"action": "allow"}


class Desk:
    def __init__(self, app, platform, url):
        self.app, self.platform, self.base = app, platform, f"{url}/verification/v1/verifications"

    def start(self, method="sms", headers=None, **fields):
        body = {"identity": IDENTITY, "method": method, **fields}
        return ask("POST", self.base, body, headers)

    def report(self, where, method="sms", **proof):
        key = "flashCall" if method == "flashcall" else method
        return ask("PUT", f"{self.base}/{where}", {"method": method, key: proof})

    def get(self, where):
        return ask("GET", f"{self.base}/{where}")

    @property
    def one(self):
        (verification,) = self.platform.verifications.values()
        return verification


@pytest.fixture
def answers():
    """What the application answers, by event; may be changed."""
    return {"VerificationRequestEvent": ALLOW}


@pytest.fixture
def desk(answers):
    with application(lambda event: answers.get(event["event"], {})) as app:
        platform = Sandbox(target=app.url)
        with platform.rest_server() as url:
            yield Desk(app, platform, url)


def test_a_code_is_texted_and_proves_the_number(desk):
    status, started = desk.start(reference="ref-1", custom="web")
    desk.platform.run()
    code = desk.one.code

    assert (status, started["method"], started["sms"]["codeType"]) == (200, "sms", "Numeric")
    assert [each["rel"] for each in started["_links"]] == ["status", "report"]
    assert desk.one.heard == [f"Your code is {code}"]
    assert code.isdecimal()
    assert desk.report(f"id/{started['id']}", code=code) == (
        200,
        {"id": started["id"], "method": "sms", "status": "SUCCESSFUL", "reference": "ref-1", "source": "manual"},
    )

    desk.platform.run()
    delivered, result = desk.app.events()
    assert (delivered["event"], delivered["smsResult"]) == ("VerificationSmsDeliveredEvent", "Successful")
    assert result == {
        "id": started["id"],
        "event": "VerificationResultEvent",
        "method": "sms",
        "identity": IDENTITY,
        "reference": "ref-1",
        "custom": "web",
        "status": "SUCCESSFUL",
        "source": "manual",
    }
    assert all(each.headers["authorization"].startswith("application ") for each in desk.app.received)
    assert desk.platform.oracle.of(Kind.VERIFICATION, "ref-1")[0].id == started["id"]


def test_a_verification_is_found_by_id_reference_and_number(desk):
    _, started = desk.start(reference="ref-1")
    desk.report(f"id/{started['id']}", code=desk.one.code)

    found = [desk.get(where) for where in (f"id/{started['id']}", "reference/ref-1", f"sms/number/{NUMBER}")]

    assert found[0] == found[1] == found[2]
    status, body = found[0]
    assert (status, body["status"], body["identity"], body["countryId"]) == (200, "SUCCESSFUL", IDENTITY, "US")
    assert body["price"]["verificationPrice"] == {"currencyId": "USD", "amount": Decimal("0.0500")}
    assert "Z" not in body["verificationTimestamp"]


@pytest.mark.parametrize("where", ["id/none", "reference/none", f"sms/number/{NUMBER}", f"number/{NUMBER}"])
def test_a_verification_nobody_started_is_not_found(desk, where):
    assert desk.get(where)[0] == 404
    assert desk.report("id/none", code="1234")[0] == 404


def test_a_missed_call_proves_the_number_by_who_called(desk):
    _, started = desk.start("flashcall")
    desk.platform.run()
    cli = desk.one.cli

    assert desk.one.heard == [cli]
    assert started["flashCall"]["cliFilter"].startswith("(.*)")
    assert desk.report(f"number/{NUMBER}", "flashcall", cli=cli)[1]["status"] == "SUCCESSFUL"


def test_a_code_is_spoken_to_who_answers_and_the_minute_is_paid(desk):
    _, started = desk.start("callout")
    desk.platform.run()

    assert desk.one.heard == [f"Your code is {' '.join(desk.one.code)}"]
    outcome = desk.report(f"id/{started['id']}", "callout", code=desk.one.code)[1]
    assert (outcome["status"], outcome["callComplete"]) == ("SUCCESSFUL", True)
    status = desk.get(f"id/{started['id']}")[1]
    assert (status["callResult"], status["price"]["billableDuration"]) == ("ANSWERED", 8)
    assert status["price"]["terminationPrice"]["amount"] == Decimal("0.0070")


@pytest.mark.parametrize(
    ("phone", "result"),
    [(Phone.busy(), "BUSY"), (Phone.no_answer(), "NO_ANSWER"), (Phone.unreachable(), "FAILED")],
)
def test_a_code_that_nobody_hears_fails(desk, phone, result):
    desk.platform.phones[NUMBER] = phone
    _, started = desk.start("callout")
    desk.platform.run()

    assert desk.get(f"id/{started['id']}")[1]["callResult"] == result
    assert desk.app.events()[-1]["reason"] == "Network error or number unreachable"


def test_a_text_that_does_not_arrive_fails(desk):
    desk.platform.phones[NUMBER] = Phone.refuses_texts()
    desk.start()
    desk.platform.run()

    delivered, result = desk.app.events()
    assert delivered["smsResult"] == "Failed"
    assert (result["status"], result["reason"]) == ("FAIL", "SMS delivery failure")


def test_the_third_wrong_code_ends_it_and_then_the_right_one_is_too_late(desk):
    _, started = desk.start()
    where = f"id/{started['id']}"

    told = [desk.report(where, code="wrong")[1] for _ in range(3)]
    late = desk.report(where, code=desk.one.code)

    assert [(each["status"], each["reason"]) for each in told] == [
        ("PENDING", "Invalid code"),
        ("PENDING", "Invalid code"),
        ("FAIL", "Invalid code"),
    ]
    assert (late[0], late[1]["errorCode"]) == (400, 40003)


def test_a_wrong_caller_is_told_so(desk):
    _, started = desk.start("flashcall")

    assert desk.report(f"id/{started['id']}", "flashcall", cli="+1")[1]["reason"] == "Invalid CLI"


def test_a_verification_expires_only_when_time_is_let_pass(desk):
    _, started = desk.start(smsOptions={"expiry": "00:00:30", "codeType": "Alphanumeric"})
    desk.platform.at(1000, lambda: None)
    desk.platform.run()
    assert desk.one.status == "PENDING"

    desk.platform.run(until_seconds=0)
    assert (desk.one.status, desk.one.reason) == ("FAIL", "Expired")
    assert desk.app.events()[-1]["reason"] == "Expired"
    assert started["sms"]["interceptionTimeout"] == 30


def test_a_reference_counts_once_and_the_second_does_nothing(desk):
    desk.start(reference="ref-1")
    status, answer = desk.start(reference="ref-1")

    assert (status, answer["errorCode"]) == (400, 40003)
    assert len(desk.platform.verifications) == len(desk.platform.oracle.done) == 1
    assert desk.start()[0] == desk.start()[0] == 200


def test_the_application_is_asked_about_a_public_start(desk):
    assert desk.start(headers={**PUBLIC, "Accept-Language": "sv, en"}, reference="ref-1")[0] == 200

    (event,) = desk.app.events()
    assert (event["event"], event["identity"], event["reference"]) == ("VerificationRequestEvent", IDENTITY, "ref-1")
    assert event["price"] == {"amount": Decimal("0.0500"), "currencyId": "USD"}
    assert event["acceptLanguage"] == ["sv", "en"]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({"action": "deny"}, "Denied by callback"),
        ({"Action": "Deny", "Sms": None}, "Denied by callback"),
        ({}, "Invalid callback"),
        ({"action": "perhaps"}, "Invalid callback"),
        ((200, b"not json"), "Invalid callback"),
        ((200, b'{"action":"allow","Action":"allow"}'), "Invalid callback"),
        ((500, b""), "Invalid callback"),
        ((302, b"", {"Location": "/elsewhere/"}), "Invalid callback"),
    ],
)
def test_what_the_application_does_not_clearly_allow_is_denied_and_costs_nothing(desk, answers, answer, reason):
    answers["VerificationRequestEvent"] = answer

    status, told = desk.start(headers=PUBLIC, reference="ref-1")
    desk.platform.run()

    assert (status, told["errorCode"], told["message"]) == (403, 40300, reason)
    assert desk.platform.oracle.done == []
    assert (desk.one.status, desk.one.heard) == ("DENIED", [])
    assert desk.app.events()[-1]["status"] == "DENIED"
    assert desk.get("reference/ref-1")[1]["reason"] == reason


def test_nobody_is_asked_about_the_application_s_own_start_unless_it_wants_to_be(desk, answers):
    desk.start()
    assert desk.app.events() == []

    desk.platform.verifications.always_asks = True
    answers["VerificationRequestEvent"] = {"action": "deny"}
    assert desk.start()[0] == 403


def test_the_application_may_choose_the_code_the_caller_and_the_expiry(desk, answers):
    answers["VerificationRequestEvent"] = {
        "action": "allow",
        "sms": {"code": "9876", "expiry": "00:01:00"},
        "flashCall": {"cli": "+12025550177"},
    }
    _, texted = desk.start(headers=PUBLIC)
    _, called = desk.start("flashcall", headers=PUBLIC)

    first, second = desk.platform.verifications.values()
    assert (first.code, second.cli) == ("9876", "+12025550177")
    assert texted["sms"]["interceptionTimeout"] == 60
    assert desk.report(f"id/{called['id']}", "flashcall", cli="12025550177")[1]["status"] == "SUCCESSFUL"


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"identity": None}, 40002),
        ({"identity": {"type": "number", "endpoint": "12025550123"}}, 40001),
        ({"method": None}, 40002),
        ({"method": "pigeon"}, 40001),
        ({"method": "seamless"}, 40300),
        ({"method": "whatsapp"}, 40300),
        ({"reference": "a/b"}, 40001),
        ({"custom": "x" * 4097}, 40001),
        ({"smsOptions": "short"}, 40001),
        ({"smsOptions": {"expiry": "soon"}}, 40001),
        ({"smsOptions": {"codeType": "Runes"}}, 40001),
    ],
)
def test_a_start_that_is_not_right_is_refused(desk, fields, code):
    status, answer = desk.start(**fields)

    assert (status, answer["errorCode"]) == (code // 100, code)
    assert len(desk.platform.verifications) == 0


def test_a_report_that_is_not_right_is_refused(desk):
    _, started = desk.start()
    where = f"id/{started['id']}"

    assert desk.report(where, "callout", code="1")[1]["errorCode"] == 40003
    assert desk.report(where, code="")[1]["errorCode"] == 40002
    assert desk.report(where)[1]["errorCode"] == 40002
    assert desk.one.status == "PENDING"


def test_who_names_another_application_or_proves_a_wrong_secret_is_refused(desk):
    assert desk.start(headers={"Authorization": "Application another"})[0] == 401
    assert desk.start(headers=basic(secret="d3Jvbmc="))[0] == 401
    assert ask("GET", f"{desk.base}/id/none", headers=PUBLIC)[0] == 401


def test_without_credit_nothing_starts(desk):
    desk.platform.out_of_credit = True

    assert desk.start()[1]["errorCode"] == 40200


def test_a_lost_answer_hides_a_verification_that_goes_on(desk):
    desk.platform.misbehave(Mishap.ERROR_AFTER)

    assert desk.start(reference="ref-1")[0] in (500, 503)
    assert desk.get("reference/ref-1")[1]["status"] == "PENDING"
    assert desk.platform.oracle.of(Kind.VERIFICATION, "ref-1")[0].withheld == "error_after"


def test_the_same_seed_gives_the_same_codes():
    def codes(seed):
        platform = Sandbox(target="http://127.0.0.1:9/", seed=seed)
        with platform.rest_server() as url:
            desk = Desk(None, platform, url)
            for _ in range(3):
                desk.start()
        return [each.proof for each in platform.verifications.values()]

    assert codes(1) == codes(1) != codes(2)
