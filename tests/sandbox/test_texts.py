"""Texts over both APIs: accepted, delivered or not, reported, asked about, and coming in."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from sandbox import DESK_PLAN, DESK_TOKEN, Chaos, Kind, Mishap, Phone, Sandbox, segments
from tests.sandbox.desk import ask
from tests.sandbox.receiver import application

NUMBER = "+12025550123"
TO = "12025550123"
TOKEN = {"Authorization": f"Bearer {DESK_TOKEN}"}
WALL = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


class Desk:
    """A platform, the application that gets its reports, and both text APIs."""

    def __init__(self, app, platform, url):
        self.app, self.platform, self.base = app, platform, url
        self.plan = f"{url}/xms/v1/{DESK_PLAN}"

    def send(self, **fields):
        return ask("POST", f"{self.plan}/batches", {"to": [NUMBER], "body": "Hello", **fields}, TOKEN)

    def get(self, path):
        return ask("GET", self.plan + path, headers=TOKEN)

    def reports(self):
        return [each.event for each in self.app.received]


@pytest.fixture
def desk():
    with application(lambda event: (200, b"")) as app:
        platform = Sandbox(target=app.url, wall_clock=lambda: WALL)
        platform.texts.report_url = app.url
        with platform.rest_server() as url:
            yield Desk(app, platform, url)


def test_a_batch_is_accepted_and_delivered(desk):
    status, batch = desk.send(client_reference="ref-1", delivery_report="per_recipient", **{"from": "Shop"})

    assert status == 201
    assert (batch["to"], batch["from"], batch["canceled"], batch["type"]) == ([TO], "Shop", False, "mt_text")
    assert desk.get(f"/batches/{batch['id']}") == (200, batch)
    (deed,) = desk.platform.oracle.of(Kind.TEXT, "ref-1")
    assert (deed.id, deed.detail) == (batch["id"], {"to": TO, "body": "Hello"})

    desk.platform.run()
    dispatched, delivered = desk.reports()
    assert (dispatched["status"], dispatched["code"]) == ("Dispatched", 401)
    assert (delivered["status"], delivered["code"], delivered["recipient"]) == ("Delivered", 0, TO)
    assert (delivered["type"], delivered["client_reference"]) == ("recipient_delivery_report_sms", "ref-1")
    assert (delivered["encoding"], delivered["number_of_message_parts"]) == ("GSM", 1)
    assert desk.get(f"/batches/{batch['id']}/delivery_report/{TO}") == (200, delivered)


def test_nobody_proves_where_a_report_comes_from(desk):
    desk.send(delivery_report="per_recipient_final")
    desk.platform.run()

    (received,) = desk.app.received
    assert "authorization" not in received.headers
    assert received.event["status"] == "Delivered"


def test_a_report_goes_where_its_batch_wants_it(desk):
    desk.send(delivery_report="per_recipient_final", callback_url=desk.app.url + "texts/")
    desk.platform.run()

    assert desk.app.received[0].path.endswith("/texts/")


def test_a_telephone_may_refuse_a_text(desk):
    desk.platform.phones[NUMBER] = Phone.refuses_texts(code=402)
    desk.send(delivery_report="per_recipient_final")
    desk.platform.run()

    assert [(each["status"], each["code"]) for each in desk.reports()] == [("Failed", 402)]


def test_a_text_whose_fate_never_becomes_known_expires_when_time_is_let_pass(desk):
    desk.platform.phones[NUMBER] = Phone.answers().with_texts(0, "")
    desk.send(delivery_report="per_recipient_final")
    desk.platform.run()
    assert desk.reports() == []

    desk.platform.run(until_seconds=timedelta(days=3).total_seconds())
    assert [(each["status"], each["code"]) for each in desk.reports()] == [("Expired", 406)]


def test_a_batch_for_several_is_counted_and_names_them_if_wanted(desk):
    desk.platform.phones["+447700900123"] = Phone.refuses_texts(code=404)
    _, batch = desk.send(to=[NUMBER, "447700900123", "447700900124"], delivery_report="full")
    desk.platform.run()

    (report,) = desk.reports()
    assert report["statuses"] == [
        {"code": 0, "status": "Delivered", "count": 2, "recipients": [TO, "447700900124"]},
        {"code": 404, "status": "Failed", "count": 1, "recipients": ["447700900123"]},
    ]
    path = f"/batches/{batch['id']}/delivery_report"
    assert desk.get(f"{path}?type=full") == (200, report)
    assert desk.get(f"{path}?code=404")[1]["statuses"] == [{"code": 404, "status": "Failed", "count": 1}]
    assert desk.get(f"{path}?status=Queued")[1]["statuses"] == []
    assert desk.get(f"{path}/12025550199")[0] == 404


def test_a_summary_names_nobody_and_none_reports_nothing(desk):
    desk.send(delivery_report="summary")
    _, batch = desk.send()
    desk.platform.run()

    (report,) = desk.reports()
    assert report["statuses"] == [{"code": 0, "status": "Delivered", "count": 1}]
    assert desk.get(f"/batches/{batch['id']}/delivery_report")[0] == 404


def test_a_text_is_found_by_its_reference_before_anything_became_of_it(desk):
    for number in range(35):
        desk.send(client_reference=f"ref-{number}", delivery_report="per_recipient")

    _, found = desk.get("/delivery_reports?client_reference=ref-7")
    _, batches = desk.get("/batches?client_reference=ref-7")
    _, first = desk.get("/delivery_reports")
    _, second = desk.get("/delivery_reports?page=1&page_size=20&status=Queued")

    assert [(each["client_reference"], each["code"]) for each in found["delivery_reports"]] == [("ref-7", 400)]
    assert [each["client_reference"] for each in batches["batches"]] == ["ref-7"]
    assert (first["count"], first["page"], first["page_size"]) == (35, 0, 30)
    assert [each["client_reference"] for each in second["delivery_reports"]] == [f"ref-{n}" for n in range(14, -1, -1)]


def test_a_text_for_later_is_sent_later_and_may_be_cancelled(desk):
    later = (WALL + timedelta(seconds=100)).isoformat()
    _, kept = desk.send(send_at=later, delivery_report="per_recipient_final")
    _, dropped = desk.send(send_at=later, delivery_report="per_recipient_final")
    status, cancelled = ask("DELETE", f"{desk.plan}/batches/{dropped['id']}", headers=TOKEN)
    desk.platform.run()

    assert (status, cancelled["canceled"]) == (200, True)
    assert [(each["batch_id"], each["status"]) for each in desk.reports()] == [
        (dropped["id"], "Cancelled"),
        (kept["id"], "Delivered"),
    ]
    assert (desk.platform.clock.now - WALL).total_seconds() >= 103


def test_a_text_that_expires_before_it_arrives_is_expired(desk):
    desk.platform.phones[NUMBER] = Phone.answers().with_texts(0, "Delivered", after_seconds=60)
    desk.send(expire_at=(WALL + timedelta(seconds=30)).isoformat(), delivery_report="per_recipient_final")
    desk.platform.run()

    assert [(each["status"], each["code"]) for each in desk.reports()] == [("Expired", 406)]


def test_too_many_parts_are_rejected(desk):
    desk.send(body="x" * 307, max_number_of_message_parts=2, delivery_report="per_recipient_final")
    desk.platform.run()

    assert [(each["status"], each["code"]) for each in desk.reports()] == [("Rejected", 411)]


@pytest.mark.parametrize(("status", "times"), [(503, 16), (429, 16), (404, 1), (200, 1)])
def test_a_report_is_brought_again_when_the_receiver_has_trouble(status, times):
    with application(lambda event: (status, b"")) as app:
        platform = Sandbox(target=app.url)
        platform.texts.report_url = app.url
        with platform.rest_server() as url:
            Desk(app, platform, url).send(delivery_report="per_recipient_final")
        platform.run()

    begun = [fact.at for fact in platform.record if fact.what == "callback sent"]
    waited = [int((after - before).total_seconds()) for before, after in pairwise(begun)]
    assert len(app.received) == times
    assert waited == [5 * 2**n for n in range(times - 1)]


def test_reports_are_lost_and_repeated_by_chance():
    def heard(chaos):
        with application(lambda event: (200, b"")) as app:
            platform = Sandbox(target=app.url, chaos=chaos)
            platform.texts.report_url = app.url
            with platform.rest_server() as url:
                Desk(app, platform, url).send(delivery_report="per_recipient_final")
            platform.run()
        return len(app.received)

    assert (heard(Chaos(loss=1)), heard(Chaos(dup=1)), heard(Chaos(late=1, reorder=1))) == (0, 2, 1)


@pytest.mark.parametrize(
    "fields",
    [
        {"to": []},
        {"to": "12025550123"},
        {"to": ["nobody"]},
        {"to": [12025550123]},
        {"body": ""},
        {"body": "x" * 1601},
        {"body": None},
        {"type": "mt_binary"},
        {"delivery_report": "sometimes"},
        {"from": "A name that is too long"},
        {"callback_url": "ftp://example.com/"},
        {"callback_url": "https://example.com/" + "x" * 2048},
        {"client_reference": "x" * 129},
        {"send_at": "tomorrow"},
        {"max_number_of_message_parts": True},
        {"colour": "green"},
    ],
)
def test_a_batch_that_is_not_right_is_refused(desk, fields):
    status, answer = desk.send(**fields)

    assert (status, answer["code"]) == (400, "syntax_invalid_parameter_format")
    assert list(desk.platform.texts) == desk.platform.oracle.done == []


def test_a_body_that_is_no_json_object_is_refused(desk):
    assert ask("POST", f"{desk.plan}/batches", [], TOKEN)[1]["code"] == "syntax_invalid_json"


@pytest.mark.parametrize(
    ("plan", "headers"),
    [
        (DESK_PLAN, {"Authorization": "Bearer wrong"}),
        (DESK_PLAN, {"Authorization": f"Basic {DESK_TOKEN}"}),
        (DESK_PLAN, {"X": "1"}),
        ("another", TOKEN),
    ],
)
def test_a_service_plan_wants_its_token(desk, plan, headers):
    status, answer = ask("GET", f"{desk.base}/xms/v1/{plan}/inbounds", headers=headers)

    assert (status, answer["code"]) == (401, "unauthorized")


@pytest.mark.parametrize("path", ["/batches/none", "/batches/none/delivery_report", "/inbounds/none"])
def test_what_is_not_there_is_not_found(desk, path):
    assert desk.get(path)[0] == 404


@pytest.mark.parametrize("query", ["page=x", "page_size=0", "page_size=101", "code=all"])
def test_a_page_that_cannot_be_is_refused(desk, query):
    assert desk.get(f"/delivery_reports?{query}")[0] == 400


def test_a_text_from_a_telephone_is_told_and_kept(desk):
    desk.platform.texts.inbound_url = desk.app.url + "in/"
    inbound = desk.platform.text_from_phone(NUMBER, "+12025550100", "BAL")
    desk.platform.run()

    (received,) = desk.app.received
    told = received.event
    assert received.path.endswith("/in/")
    assert (told["type"], told["from"], told["to"], told["body"]) == ("mo_text", TO, "12025550100", "BAL")
    assert desk.get("/inbounds")[1]["inbounds"] == [told]
    assert desk.get(f"/inbounds/{inbound.id}") == (200, told)


def test_without_an_address_a_text_from_a_telephone_goes_the_classic_way(desk):
    desk.platform.text_from_phone(NUMBER, "+12025550100", "STOP")
    desk.platform.run()

    (received,) = desk.app.received
    assert received.headers["authorization"].startswith("application ")
    assert (received.event["event"], received.event["message"]) == ("incomingSms", "STOP")
    assert received.event["from"] == {"type": "number", "endpoint": NUMBER}
    with pytest.raises(ValueError, match="inbound_url"):
        desk.platform.text_from_phone(NUMBER, "+12025550100", "STOP", classic=False)


@pytest.mark.parametrize(("phone", "last"), [(Phone.answers(), "Successful"), (Phone.refuses_texts(), "Faulted")])
def test_a_classic_text_is_pending_and_then_it_is_not(desk, phone, last):
    desk.platform.phones[NUMBER] = phone
    status, answer = ask("POST", f"{desk.base}/v1/sms/{NUMBER}", {"from": "Shop", "message": "Hi"})
    paths = [f"{desk.base}/v1/{path}/{answer['messageId']}" for path in ("sms", "message/status")]

    assert (status, answer) == (200, {"messageId": 1})
    assert [ask("GET", path) for path in paths] == [(200, {"status": "Pending"})] * 2
    desk.platform.run()
    assert [ask("GET", path) for path in paths] == [(200, {"status": last})] * 2
    assert desk.platform.oracle.of(Kind.CLASSIC_TEXT, f"{NUMBER} Hi")
    assert desk.app.received == []


def test_a_classic_text_nobody_sent_is_unknown(desk):
    assert ask("GET", f"{desk.base}/v1/sms/99") == (200, {"status": "Unknown"})


@pytest.mark.parametrize(
    ("number", "body", "code"),
    [
        ("12025550123", {"message": "Hi"}, 40001),
        (NUMBER, {}, 40002),
        (NUMBER, {"message": ""}, 40001),
        (NUMBER, {"message": "Hi", "from": "A name that is too long"}, 40001),
    ],
)
def test_a_classic_text_that_is_not_right_is_refused(desk, number, body, code):
    assert ask("POST", f"{desk.base}/v1/sms/{number}", body)[1]["errorCode"] == code


def test_without_credit_no_text_is_sent(desk):
    desk.platform.out_of_credit = True

    assert desk.send()[0] == 402
    assert ask("POST", f"{desk.base}/v1/sms/{NUMBER}", {"message": "Hi"})[1]["errorCode"] == 40200
    assert list(desk.platform.texts) == []


def test_texts_are_treated_badly_like_all_that_costs_money(desk):
    desk.platform.misbehave(Mishap.BUSY, Mishap.ERROR_AFTER)

    assert desk.send(client_reference="ref-1")[0] == 429
    assert ask("POST", f"{desk.base}/v1/sms/{NUMBER}", {"message": "Hi"}, timeout=10)[0] in (500, 503)
    assert [(deed.kind, deed.withheld) for deed in desk.platform.oracle.done] == [(Kind.CLASSIC_TEXT, "error_after")]


@pytest.mark.parametrize(
    ("text", "encoding", "parts"),
    [
        ("", "GSM", 1),
        ("x" * 160, "GSM", 1),
        ("x" * 161, "GSM", 2),
        ("x" * 306, "GSM", 2),
        ("x" * 307, "GSM", 3),
        ("€" * 80, "GSM", 1),
        ("€" * 81, "GSM", 2),
        ("x" * 152 + "€" + "x" * 153, "GSM", 3),
        ("å" * 160, "GSM", 1),
        ("ç" * 70, "UNICODE", 1),
        ("ж" * 71, "UNICODE", 2),
        ("🙂" * 35, "UNICODE", 1),
        ("ж" * 66 + "🙂" + "ж" * 67, "UNICODE", 3),
    ],
)
def test_parts_are_counted_as_they_are_sent(text, encoding, parts):
    assert (segments.encoding(text), segments.parts(text)) == (encoding, parts)
