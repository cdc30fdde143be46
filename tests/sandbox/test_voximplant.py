"""Voximplant's API: both ways to sign in, what it does, what it tells, and the callbacks it sends."""

from base64 import urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import jwt
import pytest
import requests
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from sandbox import REMOVED, Kind, Mishap, Phone, Sandbox, wire
from sandbox.voximplant import DESK_ACCOUNT, DESK_API_KEY
from tests.sandbox.receiver import application

KEY = {"account_id": str(DESK_ACCOUNT), "api_key": DESK_API_KEY}
NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
DAY = {"from_date": "2026-03-02 00:00:00", "to_date": "2026-03-02 23:59:59"}


class Desk:
    def __init__(self, platform, url):
        self.platform, self.account, self.url = platform, platform.voximplant, url

    def call(self, method, **given):
        response = requests.post(f"{self.url}/platform_api/{method}", data={**KEY, **given}, timeout=10)
        assert response.status_code == 200
        return wire.loads(response.content)


@pytest.fixture
def desk():
    platform = Sandbox(target="http://127.0.0.1:9/", wall_clock=lambda: NOW)
    with platform.rest_server() as url:
        yield Desk(platform, url)


def code(answer):
    return answer["error"]["code"]


@pytest.mark.parametrize(
    ("salt", "callback_id", "expected"),
    [
        ("pepper-7f3", 993810021, "257c35d3748755fc759b34b58159d002"),
        ("pepper-7f3", 1, "368ca86b4134d9372bdc77d3a7aaf5af"),
        ("", 993810021, "c99f202cf63958f73a9f892c84058ad9"),
    ],
)
def test_the_hash_is_that_of_the_published_vectors(desk, salt, callback_id, expected):
    desk.account.callback_salt = salt

    assert desk.account.hash(callback_id) == expected


def test_a_method_may_be_named_in_the_path_or_as_a_command_and_asked_for_either_way(desk):
    path, command = f"{desk.url}/platform_api/GetAccountInfo", f"{desk.url}/platform_api"
    named = {**KEY, "cmd": "GetAccountInfo"}

    answers = [
        requests.get(path, params=KEY, timeout=10),
        requests.post(path, data=KEY, timeout=10),
        requests.get(command, params=named, timeout=10),
        requests.post(command, data=named, timeout=10),
    ]

    assert {each.json()["result"]["account_id"] for each in answers} == {DESK_ACCOUNT}


def test_the_account_tells_its_money_exactly(desk):
    desk.account.balance = Decimal("4.97")
    info = desk.call("GetAccountInfo", return_live_balance="true")

    assert info["result"]["balance"] == info["result"]["live_balance"] == Decimal("4.97")
    assert (info["result"]["frozen"], info["result"]["api_key"]) == (False, DESK_API_KEY)
    assert info["api_address"] in desk.url


def token(key, *, kid=None, iss=None, issued=0, lives=30, algorithm="RS256", **more):
    begins = int(NOW.timestamp()) + issued
    claims = {"iss": iss or str(key["account_id"]), "iat": begins, "exp": begins + lives, **more}
    headers = {"kid": kid or key["key_id"]}
    return jwt.encode(claims, key["private_key"] if algorithm == "RS256" else "x" * 32, algorithm, headers)


def claims_another_algorithm(key):
    """A token that is signed as it should be, and says that it is not signed at all."""
    _, claims, _ = token(key).split(".")
    header = urlsafe_b64encode(wire.dumps({"alg": "none", "kid": key["key_id"]})).decode().rstrip("=")
    private = load_pem_private_key(key["private_key"].encode(), None)
    signature = private.sign(f"{header}.{claims}".encode(), PKCS1v15(), SHA256())
    return f"{header}.{claims}.{urlsafe_b64encode(signature).decode().rstrip('=')}"


@pytest.fixture(scope="module")
def keys():
    """Two key files, of which the desk knows the first; made once, because it takes a while."""
    platform = Sandbox(target="http://127.0.0.1:9/")
    accounts = platform.voximplant.service_accounts
    stranger = Sandbox(target="http://127.0.0.1:9/").voximplant.service_accounts.new()
    return accounts, accounts.new(), stranger


def with_token(desk, accounts, signed):
    desk.account.service_accounts = accounts
    answer = requests.get(
        f"{desk.url}/platform_api/GetAccountInfo", headers={"Authorization": f"Bearer {signed}"}, timeout=10
    )
    return answer.json()


def test_a_service_account_signs_in_with_a_token_and_is_not_shown_the_key(desk, keys):
    accounts, key, _ = keys

    result = with_token(desk, accounts, token(key))["result"]

    assert result["account_id"] == DESK_ACCOUNT
    assert "api_key" not in result
    assert "result" in with_token(desk, accounts, token(key, issued=4, iss=str(DESK_ACCOUNT)))


def test_a_token_that_proves_nothing_is_refused(desk, keys):
    accounts, key, stranger = keys
    nobody = urlsafe_b64encode(b"[]").decode()
    tokens = [
        token(key, kid="unknown"),
        token(stranger, kid=key["key_id"]),
        token(key, iss="1"),
        token(key, issued=-31),
        token(key, issued=60),
        token(key, lives=3601),
        token(key, algorithm="HS256"),
        claims_another_algorithm(key),
        token(key, iat="now"),
        f"{nobody}.{nobody}.",
        "a.b",
        "%.%.%",
    ]

    for each in tokens:
        assert code(with_token(desk, accounts, each)) == 100, each


@pytest.mark.parametrize("given", [{"api_key": "wrong"}, {"account_id": "1"}, {"api_key": ""}])
def test_who_has_no_key_is_refused_with_a_200(desk, given):
    assert code(desk.call("GetAccountInfo", **given)) == 100


def test_method_names_are_case_sensitive(desk):
    assert code(desk.call("GetSMSHistory")) == 102


def test_the_account_may_be_changed(desk):
    given = {"callback_url": "https://example.com/x", "callback_salt": "s", "min_balance_to_notify": "5.5"}
    assert desk.call("SetAccountInfo", **given, send_js_error="true") == {"result": 1}

    result = desk.call("GetAccountInfo")["result"]
    assert (result["callback_url"], result["callback_salt"]) == ("https://example.com/x", "s")
    assert (result["min_balance_to_notify"], result["send_js_error"]) == (Decimal("5.5"), "true")


@pytest.mark.parametrize(
    "given",
    [
        {"callback_url": "example.com"},
        {"callback_salt": "x" * 41},
        {"min_balance_to_notify": "much"},
        {"min_balance_to_notify": "NaN"},
    ],
)
def test_a_wrong_change_changes_nothing(desk, given):
    assert code(desk.call("SetAccountInfo", **{"callback_salt": "new", **given})) == 110
    assert desk.account.callback_salt == ""


def test_a_text_is_sent_paid_for_and_found_again(desk):
    answer = desk.call("SendSmsMessage", source="12025550100", destination="447700900123", sms_body="Hello " * 30)

    assert (answer["result"], answer["fragments_count"]) == (1, 2)
    assert desk.account.balance == Decimal("100") - 2 * Decimal("0.0120")
    waiting = desk.call("GetSmsHistory", **DAY)["result"][0]
    desk.platform.run()
    sent = desk.call("GetSmsHistory", destination_number="+447700900123")["result"][0]
    assert (waiting["status_id"], sent["status_id"], sent["message_id"]) == (3, 1, answer["message_id"])
    assert desk.platform.oracle.of(Kind.VOXIMPLANT_TEXT)[0].id == str(answer["message_id"])
    (paid,) = desk.call("GetTransactionHistory", **DAY)["result"]
    assert (paid["amount"], paid["transaction_id"]) == (Decimal("-0.0240"), sent["transaction_id"])


def test_a_text_that_does_not_arrive_is_an_error_in_the_history(desk):
    desk.platform.phones["+447700900123"] = Phone.refuses_texts()
    desk.call("SendSmsMessage", source="12025550100", destination="447700900123", sms_body="Hello")
    desk.platform.run()

    assert desk.call("GetSmsHistory")["result"][0]["status_id"] == 2


def test_a_text_under_a_name_goes_to_each_number_for_itself(desk):
    answer = desk.call("A2PSendSms", src_number="Shop", dst_numbers="447700900123;nobody;447700900124", text="Hi")

    assert [each["destination_number"] for each in answer["result"]] == ["447700900123", "447700900124"]
    assert [each["destination_number"] for each in answer["failed"]] == ["nobody"]
    assert answer["fragments_count"] == 1
    assert len(desk.platform.oracle.done) == 2


def test_texts_of_a_number_are_turned_off_and_on(desk):
    text = {"source": "12025550100", "destination": "447700900123", "sms_body": "Hi"}

    assert desk.call("ControlSms", phone_number="12025550100", command="disable") == {"result": 1}
    assert desk.call("GetPhoneNumbers")["result"][0]["is_sms_enabled"] is False
    assert code(desk.call("SendSmsMessage", **text)) == 110
    desk.call("ControlSms", phone_number="12025550100", command="enable")
    assert desk.call("SendSmsMessage", **text)["result"] == 1
    assert code(desk.call("ControlSms", phone_number="12025550199", command="enable")) == 110
    assert code(desk.call("ControlSms", phone_number="12025550100", command="explode")) == 110


def start(desk, *, a="12025550123", b="447700900123", limit=600):
    data = wire.dumps({"v": 1, "ref": "r-1", "a": a, "b": b, "max_sec": limit}).decode()
    return data, desk.call("StartScenarios", rule_id="7", script_custom_data=data)


def history(desk, **given):
    return desk.call("GetCallHistory", **DAY, with_calls="true", **given)


def test_a_scenario_calls_two_people_and_is_found_by_what_it_was_given(desk):
    desk.platform.phones["+12025550123"] = Phone.answers(3, 999)
    desk.platform.phones["+447700900123"] = Phone.answers(10, 61)
    data, answer = start(desk)
    assert history(desk)["result"] == []
    desk.platform.run()

    (session,) = history(desk, call_session_history_custom_data=data)["result"]
    assert (session["call_session_history_id"], session["custom_data"]) == (answer["call_session_history_id"], data)
    legs = [(each["remote_number"], each["duration"], each["cost"]) for each in session["calls"]]
    assert legs == [("12025550123", 71, Decimal("0.0140")), ("447700900123", 61, Decimal("0.0630"))]
    assert desk.account.balance == 100 - Decimal("0.0770")
    assert desk.platform.oracle.of(Kind.SCENARIO, data)[0].id == str(session["call_session_history_id"])


@pytest.mark.parametrize(
    ("first", "second", "legs"),
    [
        (Phone.busy(), Phone.answers(), [(False, 0, "BUSY")]),
        (Phone.answers(3, 50), Phone.no_answer(), [(True, 60, "Normal termination"), (False, 0, "NOANSWER")]),
        (Phone.answers(3), Phone.answers(5), [(True, 605, "Normal termination"), (True, 600, "Normal termination")]),
    ],
)
def test_a_scenario_gets_as_far_as_its_people_let_it(desk, first, second, legs):
    desk.platform.phones.update({"+12025550123": first, "+447700900123": second})
    start(desk)
    desk.platform.run()

    (session,) = history(desk)["result"]
    assert [(each["successful"], each["duration"], each["end_reason"]) for each in session["calls"]] == legs


@pytest.mark.parametrize("data", ["", "not json", "[]", '{"a": "nobody"}'])
def test_a_scenario_that_names_nobody_calls_nobody(desk, data):
    desk.call("StartScenarios", rule_id="7", script_custom_data=data)
    desk.platform.run()

    assert history(desk)["result"][0]["calls"] == []


def test_history_is_asked_for_in_pages_and_by_what_one_looks_for(desk):
    ids = [start(desk, a=f"1202555{number:04}")[1]["call_session_history_id"] for number in range(100, 125)]
    desk.platform.run()

    page = history(desk, count="10", offset="20", desc_order="true")
    assert (page["count"], page["total_count"]) == (5, 25)
    assert [each["call_session_history_id"] for each in page["result"]] == ids[4::-1]
    assert history(desk, remote_number="+12025550124")["result"][0]["call_session_history_id"] == ids[24]
    assert history(desk, call_session_history_id=f"{ids[0]};{ids[1]}")["total_count"] == 2
    assert desk.call("GetCallHistory", from_date="2026-03-02 09:30:01", to_date=DAY["to_date"])["total_count"] == 0


def test_a_call_list_runs_a_scenario_for_every_line(desk):
    lines = "a;b\n12025550123;447700900123\n12025550124;447700900123\n"
    given = {"rule_id": "7", "priority": "0", "max_simultaneous": "1", "num_attempts": "1", "name": "list-1"}

    answer = requests.post(
        f"{desk.url}/platform_api/CreateCallList",
        params={**KEY, **given},
        data=lines.encode(),
        headers={"Content-Type": "text/csv"},
        timeout=10,
    ).json()
    desk.platform.run()

    assert (answer["result"], answer["count"]) == (True, 2)
    assert desk.call("CreateCallList", **given, file_content=lines)["count"] == 2
    assert len(history(desk)["result"][0]["calls"]) == 2
    assert desk.platform.oracle.duplicates() == {(Kind.CALL_LIST, "list-1"): 2}
    desk.account.balance = Decimal("0.99")
    assert code(desk.call("CreateCallList", **given, file_content=lines)) == 127


@pytest.mark.parametrize(
    ("method", "given"),
    [
        ("SendSmsMessage", {"source": "12025550199", "destination": "447700900123", "sms_body": "Hi"}),
        ("SendSmsMessage", {"source": "12025550100", "destination": "nobody", "sms_body": "Hi"}),
        ("SendSmsMessage", {"source": "12025550100", "destination": "447700900123", "sms_body": "x" * 766}),
        ("A2PSendSms", {"src_number": "", "dst_numbers": "447700900123", "text": "Hi"}),
        ("A2PSendSms", {"src_number": "Shop", "dst_numbers": "", "text": "Hi"}),
        ("A2PSendSms", {"src_number": "Shop", "dst_numbers": ";".join(["447700900123"] * 101), "text": "Hi"}),
        ("StartScenarios", {}),
        ("StartScenarios", {"rule_id": "seven"}),
        ("GetCallHistory", {}),
        ("GetCallHistory", {**DAY, "from_date": "yesterday"}),
        ("GetCallHistory", {**DAY, "count": "1001"}),
        ("GetCallHistory", {**DAY, "offset": "10001"}),
        ("GetCallHistory", {**DAY, "call_session_history_id": ";".join(str(n) for n in range(1001))}),
        ("CreateCallList", {"rule_id": "7"}),
    ],
)
def test_wrong_parameters_are_refused_with_a_200(desk, method, given):
    assert code(desk.call(method, **given)) == 110
    assert desk.platform.oracle.done == []


def test_a_call_list_with_bad_lines_is_refused_whole(desk):
    given = {"rule_id": "7", "priority": "0", "max_simultaneous": "1", "num_attempts": "1", "name": "list-1"}
    for wrong in [
        {"num_attempts": "6"},
        {"name": ""},
        {"delimiter": "::"},
        {"file_content": "a;b\n"},
        {"file_content": "a;b\n1\n"},
        {"file_content": "a;b\n1;2;3\n"},
    ]:
        assert code(desk.call("CreateCallList", **{**given, "file_content": "a\n1\n", **wrong})) == 110
    assert desk.platform.oracle.done == desk.account.sessions == []


def test_without_money_nothing_is_sent(desk):
    text = {"source": "12025550100", "destination": "447700900123", "sms_body": "Hi"}
    desk.account.balance = Decimal("0.0110")
    assert code(desk.call("SendSmsMessage", **text)) == 127
    desk.account.credit_limit = Decimal(1)
    assert desk.call("SendSmsMessage", **text)["result"] == 1
    desk.platform.out_of_credit = True
    assert code(desk.call("SendSmsMessage", **text)) == 127
    desk.platform.out_of_credit = False
    desk.account.balance = Decimal(-1)
    assert code(desk.call("StartScenarios", rule_id="7")) == 127


def test_prices_are_told_by_kind(desk):
    (calls,) = desk.call("GetResourcePrice", resource_type="PSTNOUT")["result"]

    assert {"prefix +447", "prefix +1"} <= {each["price_group_name"] for each in calls["price_groups"]}
    assert (calls["num_resources_per_price"], calls["quantum"]) == (60, 60)
    assert len(desk.call("GetResourcePrice")["result"]) == 2


def test_what_costs_money_is_treated_badly_and_looking_is_not(desk):
    desk.platform.misbehave(Mishap.LOST)
    assert "result" in desk.call("GetAccountInfo")
    with pytest.raises(requests.ConnectionError):
        start(desk)
    desk.platform.misbehave(Mishap.BUSY)
    answer = requests.get(f"{desk.url}/platform_api", params={**KEY, "cmd": "StartScenarios", "rule_id": 7}, timeout=10)

    assert answer.status_code == 429
    assert [deed.withheld for deed in desk.platform.oracle.done] == ["lost"]


@pytest.fixture
def told(desk):
    """An application that is told of callbacks."""
    with application(lambda event: (200, b"")) as app:
        desk.account.callback_url = app.url
        yield app


def callbacks(app):
    return [each for received in app.received for each in received.event["callbacks"]]


def test_callbacks_are_sent_together_each_with_its_hash(desk, told):
    desk.account.callback_salt = "pepper-7f3"
    desk.account.balance = Decimal("4.97")
    answer = desk.account.send_callbacks(
        [
            {"type": "min_balance", "min_balance": {"is_min_credit": False, "is_repeated": False}},
            {"type": "js_fail", "js_fail": {}},
        ]
    )

    first, second = callbacks(told)
    assert answer.status == 200
    assert len(told.received) == 1
    assert "authorization" not in told.received[0].headers
    assert (first["hash"], first["balance"]) == ("257c35d3748755fc759b34b58159d002", Decimal("4.97"))
    assert (second["callback_id"], second["hash"]) == (993810022, desk.account.hash(993810022))


def test_a_callback_may_be_forged_with_what_was_overheard(desk, told):
    pair = {"callback_id": 993810021, "hash": desk.account.hash(993810021)}
    desk.account.send_callbacks([{**pair, "type": "min_balance", "balance": Decimal(0), "currency": REMOVED}])

    (forged,) = callbacks(told)
    assert (forged["hash"], forged["balance"]) == (pair["hash"], 0)
    assert "currency" not in forged


def test_the_account_tells_of_itself_what_happens(desk, told):
    desk.account.min_balance_to_notify = Decimal("99.99")
    for _ in range(2):
        desk.call("SendSmsMessage", source="12025550100", destination="447700900123", sms_body="Hi")
    desk.platform.run()
    desk.account.top_up(Decimal(10))
    desk.platform.run()
    desk.account.text_from_phone("+447700900123", "+12025550100", "BAL")
    desk.call("GetCallHistory", **DAY, is_async="true")
    desk.call("GetTransactionHistory", **DAY, is_async="true")
    desk.platform.run()

    events = {each["type"]: each for each in callbacks(told)}
    assert sorted(each["type"] for each in callbacks(told)) == sorted(
        ["min_balance", "balance_is_changed", "sms_inbound", "call_history_report", "transaction_history_report"]
    )
    assert events["sms_inbound"]["sms_inbound"]["sms_inbound"]["sms_body"] == "BAL"
    assert events["call_history_report"]["call_history_report"]["success"] is True
    assert desk.call("GetSmsHistory", direction="IN")["total_count"] == 1
    assert events["balance_is_changed"]["balance"] == Decimal("109.976")


def test_without_an_address_nothing_is_told(desk):
    desk.account.top_up(Decimal(1))
    desk.platform.run()

    with pytest.raises(ValueError, match="callback_url"):
        desk.account.send_callbacks([{"type": "js_fail"}])


def test_the_dates_are_those_of_the_wall_clock(desk):
    desk.platform.at(timedelta(days=2).total_seconds(), lambda: start(desk))
    desk.platform.run()

    assert history(desk)["total_count"] == 1


def test_when_money_ends_in_the_middle_of_many_what_was_sent_is_said(desk):
    desk.account.balance = Decimal("0.015")

    answer = desk.call("A2PSendSms", src_number="Shop", dst_numbers="447700900123;447700900124", text="Hi")

    (sent,) = desk.platform.oracle.done
    assert answer["result"] == [{"message_id": int(sent.id), "destination_number": "447700900123"}]
    assert [each["destination_number"] for each in answer["failed"]] == ["447700900124"]


def test_money_for_none_of_many_is_an_error(desk):
    desk.account.balance = Decimal(0)

    assert code(desk.call("A2PSendSms", src_number="Shop", dst_numbers="447700900123", text="Hi")) == 127


def test_until_the_end_of_the_calendar_is_an_answer_too(desk):
    assert desk.call("GetSmsHistory", **{**DAY, "to_date": "9999-12-31 23:59:59"})["count"] == 0
