"""A Cloud Softphone as its user sees it, against a small web server and, for calls, a small application."""

import base64
import itertools
from datetime import timedelta

import pytest

from sandbox import Phone, Sandbox, wire
from sandbox.softphone import Softphone
from sandbox.softphone_chaos import HIDDEN, LATE_SECONDS, Mischance, SoftphoneChaos, mangled
from sandbox.softphone_services import Network
from tests.sandbox.receiver import CONTINUE, HANGUP, application, connect, menu, replies, run_menu
from tests.sandbox.web import Says, web

ACCESS_NUMBER, OWN_NUMBER = "+12025550100", "+12025550199"
JSON, FORM = "application/json", "application/x-www-form-urlencoded"


def account(url, **nodes):
    """Names with a minus cannot be keywords: write them with two underscores."""
    ours = {"username": "ana", "password": "s3cret-Pa55", "x-cth-pin": "1234", "x-ws-token": "9f3c"}
    asked = {"cth_ws_url": f"{url}/cth?u=%account[username]%&to=%targetNumber%"}
    return {**ours, **asked, **{name.replace("__", "-"): value.replace("URL", url) for name, value in nodes.items()}}


def dials(text):
    return Says(body=f"<response><dialString>{text}</dialString></response>")


ALONE = dials(ACCESS_NUMBER)


def softphone(server, platform=None, **options):
    nodes = options.pop("nodes", {})
    return Softphone(account(server.url, **nodes), platform=platform, number=OWN_NUMBER, **options)


# The examples of the documentation.


def test_the_documented_get_request_and_its_answer_in_xml():
    answer = "<response>\n    <dialString>+15551231234,,%account[x-cth-pin]%#12345678#</dialString>\n</response>"
    with web(Says(body=answer)) as server:
        url = f"{server.url}/callthrough/?username=%account[username]%&targetNumber=%targetNumber%"
        shown = softphone(server, nodes={"cth_ws_url": url, "username": "johndow"}).call_through("12345678")

    asked = server.asked[0]
    assert (asked.method, asked.target) == ("GET", "/callthrough/?username=johndow&targetNumber=12345678")
    assert asked.headers == {
        "Host": server.url.removeprefix("http://"),
        "Connection": "close",
        "Cache-Control": "max-age=0",
        "User-Agent": "CloudSoftphone/1.5.6",
    }
    assert (shown.kind, shown.text) == ("done", "+15551231234,,1234#12345678#")
    assert (shown.dial_string.number, shown.dial_string.groups) == ("+15551231234", ("1234#", "12345678#"))
    assert shown.call is None


def test_the_documented_path_and_its_refusal_in_json():
    answer = Says(403, JSON, '{\n    "message" : "Not enough credit for call-through."\n}')
    with web(answer) as server:
        url = f"{server.url}/callthrough/%account[username]%/%targetNumber%"
        shown = softphone(server, nodes={"cth_ws_url": url, "username": "johndow"}).call_through("12345678")

    assert server.asked[0].target == "/callthrough/johndow/12345678"
    assert (shown.kind, shown.text, shown.dial_string) == ("message", "Not enough credit for call-through.", None)


def test_the_documented_form_and_its_cleaned_number():
    with web(ALONE) as server:
        nodes = {"cth_ws_url": "URL/cth", "cth_ws_postData": "username=%account[username]%&to=%targetNumber%"}
        shown = softphone(server, nodes=nodes).call_through("+1 (555) 123-1234")

    asked = server.asked[0]
    assert (asked.method, asked.body) == ("POST", b"username=ana&to=%2B15551231234")
    assert (asked.headers["Content-Type"], shown.target) == (FORM, "+15551231234")


def test_the_documented_json_body():
    with web(ALONE) as server:
        data = '{ "username" : "%account[username]%", "to" : "%targetNumber%" }'
        nodes = {"cth_ws_url": "URL/cth", "cth_ws_postData": data, "cth_ws_contentType": JSON}
        softphone(server, nodes=nodes).call_through("+1 (555) 123-1234")

    asked = server.asked[0]
    assert (asked.body, asked.headers["Content-Type"]) == (b'{ "username" : "ana", "to" : "+15551231234" }', JSON)


# What the user sees of call-through.


@pytest.mark.parametrize(
    ("answer", "kind", "text"),
    [
        (Says(200, JSON, '{"dialString":"+12025550100"}'), "done", "+12025550100"),
        (Says(200, FORM, "dialString=%2B12025550100"), "done", "+12025550100"),
        (Says(201, "", "<response><dialString>+12025550100</dialString></response>"), "done", "+12025550100"),
        (Says(403, "text/xml", "<response><message>No credit.</message></response>"), "message", "No credit."),
        (Says(402, FORM, "message=No+credit."), "message", "No credit."),
        (Says(403, JSON, '{"message":""}'), "silence", ""),
        (Says(403, JSON, "{}"), "silence", ""),
        (Says(500, "text/html", "<h1>Server Error</h1>"), "silence", ""),
        (Says(404, "", ""), "silence", ""),
        (Says(301, headers={"Location": "/cth/"}), "silence", ""),
        (Says(403, "text/xml", "<response><dialString>1</dialString></response>"), "silence", ""),
        (Says(200, JSON, '{"message":"No."}'), "unusable", ""),
        (Says(200, "text/xml", "<response/>"), "unusable", ""),
        (Says(200, "text/html", "<h1>Hello</h1>"), "unusable", ""),
        (Says(200, JSON, '{"dialString":"+12025550100 "}'), "unusable", ""),
        (Says(200, JSON, '{"dialString":"+12025550100,,%targetNumber%#"}'), "unusable", ""),
        (Says(200, JSON, '{"dialString":"tel:+12025550100"}'), "unusable", ""),
        (Says(200, JSON, '{"dialString":"%sha1(+12025550100"}'), "unusable", ""),
    ],
)
def test_what_is_on_the_screen_after_the_answer(answer, kind, text):
    with web(answer) as server:
        shown = softphone(server).call_through("12345678")

    assert (shown.kind, shown.text) == (kind, text)
    assert bool(shown.remark) == (kind == "unusable" or answer.content_type == "text/html")
    assert shown.exchange.status == answer.status


def test_a_dial_string_may_have_parameters_of_the_app_and_no_others_of_the_account():
    with web(dials("%account[x-access]%,%installid%#%account[no-such-node]%")) as server:
        shown = softphone(server, nodes={"x__access": ACCESS_NUMBER}, install_id="77").call_through("1234")

    assert shown.text == f"{ACCESS_NUMBER},77#"


def test_a_password_is_asterisks_without_tls_and_itself_with_it():
    with web(ALONE) as server:
        plain = "URL/?p=%account[password]%&h=%sha1(%account[password]%)%"
        softphone(server, nodes={"cth_ws_url": plain}).call_through("1")
        nodes = {"cth_ws_url": plain.replace("URL", "https://bo.example")}
        softphone(server, nodes=nodes, network=Network(via=server.url)).call_through("1")

    hashed = "b84f2841b936fb2986d3f8ed4c4407e62246909b"
    told = [f"/?p=%2A%2A%2A%2A%2A%2A%2A%2A&h={hashed}", f"/?p=s3cret-Pa55&h={hashed}"]
    assert [each.target for each in server.asked] == told


def test_every_request_has_a_nonce_of_its_own():
    with web(ALONE) as server:
        phone = softphone(server, nodes={"cth_ws_url": "URL/%nonce(16)%/%nonce(16)%"})
        phone.call_through("1", twice=True)

    first, second = (each.target.strip("/").split("/") for each in server.asked)
    assert first[0] == first[1] != second[0] == second[1]
    assert len(first[0]) == 16


def test_the_very_same_request_can_be_sent_again():
    with web(ALONE) as server:
        phone = softphone(server, nodes={"cth_ws_url": "URL/%nonce(16)%"})
        shown = phone.call_through("1")
        again = phone.again(shown.exchange)

    assert server.asked[0] == server.asked[1]
    assert again.status == 200


def test_a_plus_may_arrive_bare():
    with web(ALONE) as server:
        softphone(server, escapes_plus=False).call_through("+447700900123")
        softphone(server).call_through("+447700900123")

    assert [each.target for each in server.asked] == ["/cth?u=ana&to=+447700900123", "/cth?u=ana&to=%2B447700900123"]


def test_without_an_address_nothing_is_asked():
    shown = Softphone({}).call_through("1")

    assert (shown.kind, shown.remark, shown.exchanges) == ("not asked", "the account has no cth_ws_url", ())


@pytest.mark.parametrize("url", ["nowhere", "http://127.0.0.1:9/", "http://bo.example/%nonce(0)%"])
def test_what_cannot_be_asked_is_said(url):
    shown = Softphone({"cth_ws_url": url}).call_through("1")

    assert (shown.kind, shown.text, bool(shown.remark)) == ("unusable", "", True)


# The telephone that dials.


def test_the_access_number_alone_is_called_from_the_phones_own_number():
    with web(ALONE) as server, application(replies(ice=connect("+447700900123"))) as app:
        platform = Sandbox(target=app.url)
        shown = softphone(server, platform).call_through("+44 7700 900123", phone=Phone.answers(1, 60))
        platform.run()

    ice = app.events("ice")[0]
    assert (ice["cli"], ice["to"]["endpoint"], ice["originationType"]) == ("12025550199", ACCESS_NUMBER, "PSTN")
    assert ice["timestamp"] == "2026-03-02T08:00:08Z"
    assert (shown.call.result, shown.call.duration_seconds, shown.unheard) == ("ANSWERED", 60, ())


def asks_pin_then_number(event):
    """An application that asks for a PIN until it is right or silence, then for a destination, and connects to it."""
    if event["event"] == "ice":
        return run_menu(menu("pin"))
    if event["event"] != "pie":
        return CONTINUE
    if not event["menuResult"]["value"]:
        return HANGUP
    if event["menuResult"]["menuId"] == "pin":
        return run_menu(menu("destination" if event["menuResult"]["value"] == "1234" else "pin"))
    return connect(f"+{event['menuResult']['value']}")


@pytest.mark.parametrize(
    ("dialled", "connected_to", "unheard"),
    [
        ("%account[x-cth-pin]%#447700900123#", "+447700900123", ()),
        ("%account[x-cth-pin]%#447700900123#,99#", "+447700900123", ("99#",)),
        ("0000#%account[x-cth-pin]%#447700900123#", "+447700900123", ()),
    ],
)
def test_tones_answer_one_prompt_after_the_other(dialled, connected_to, unheard):
    with web(dials(f"{ACCESS_NUMBER},,{dialled}")) as server, application(asks_pin_then_number) as app:
        platform = Sandbox(target=app.url)
        shown = softphone(server, platform).call_through("+447700900123")
        assert shown.unheard == shown.dial_string.groups
        platform.run()

    assert (shown.call.connected_to, shown.unheard) == (connected_to, unheard)


def test_tones_are_sent_once_even_when_a_question_is_asked_again():
    with web(dials(f"{ACCESS_NUMBER},,9999#447700900123#")) as server, application(asks_pin_then_number) as app:
        platform = Sandbox(target=app.url)
        shown = softphone(server, platform).call_through("+447700900123")
        platform.run()

    values = [event["menuResult"]["value"] for event in app.events("pie")]
    assert (values, shown.call.connected_to) == (["9999", "447700900123", ""], None)


def test_tones_to_somebody_who_wants_none_are_lost():
    with web(dials(f"{ACCESS_NUMBER},,1234#")) as server, application(replies(ice=connect())) as app:
        platform = Sandbox(target=app.url)
        shown = softphone(server, platform).call_through("1")
        platform.run()

    assert (shown.call.result, shown.unheard) == ("ANSWERED", ("1234#",))


def test_a_call_may_come_late_and_from_somebody_else_as_it_seems():
    with web(ALONE) as server, application(replies(ice=connect())) as app:
        platform = Sandbox(target=app.url)
        phone = softphone(server, platform)
        phone.call_through("1", after_seconds=90, cli="")
        phone.call_through("1", after_seconds=91, cli="private")
        platform.run()

    told = [(ice["cli"], ice["timestamp"]) for ice in app.events("ice")]
    assert told == [("", "2026-03-02T08:01:30Z"), ("private", "2026-03-02T08:01:31Z")]


def test_the_second_answer_to_a_question_asked_twice_is_dialled():
    with web(ALONE, dials("+12025550101")) as server, application(replies(ice=connect())) as app:
        platform = Sandbox(target=app.url)
        shown = softphone(server, platform).call_through("1", twice=True)
        platform.run()

    assert [each.status for each in shown.exchanges] == [200, 200]
    assert [ice["to"]["endpoint"] for ice in app.events("ice")] == ["+12025550101"]


def test_who_thinks_better_of_it_calls_only_the_other_number():
    with web(ALONE) as server, application(replies(ice=connect())) as app:
        platform = Sandbox(target=app.url)
        shown = softphone(server, platform).call_through("+447700900123", instead="+44 7700 900124")
        platform.run()

    assert [each.target[-12:] for each in server.asked] == ["447700900123", "447700900124"]
    assert (shown.target, len(platform.calls)) == ("+447700900124", 1)


def test_a_refusal_is_not_dialled():
    with web(Says(403, JSON, '{"message":"No."}')) as server:
        platform = Sandbox(target="http://127.0.0.1:9/")
        shown = softphone(server, platform).call_through("1")

    assert (shown.call, platform.calls) == (None, [])


def test_a_phone_in_no_network_cannot_dial():
    with web(ALONE) as server:
        phone = softphone(server)
        shown = phone.ask("1")

    with pytest.raises(ValueError, match="needs a platform"):
        phone.dial(shown.dial_string)


# Chaos.


def placed_with(chaos, seed):
    with web(ALONE) as server:
        platform = Sandbox(target="http://127.0.0.1:9/")
        phone = softphone(server, platform, chaos=chaos, seed=seed)
        shown = [phone.call_through("+447700900123") for _ in range(20)]
    return [(each.call.cli, each.target, len(each.exchanges)) for each in shown]


def test_chance_is_the_same_for_one_seed():
    chaos = SoftphoneChaos(twice=0.3, redial=0.3, hidden=0.3, mangled=0.3)
    calls = placed_with(chaos, 7)

    assert calls == placed_with(chaos, 7) != placed_with(chaos, 8)
    assert {len_ for _, _, len_ in calls} == {1, 2, 3}
    seen = {cli for cli, _, _ in calls}
    assert OWN_NUMBER in seen
    assert seen & set(HIDDEN)
    assert seen & set(mangled(OWN_NUMBER))


def test_without_chaos_nothing_goes_wrong():
    assert SoftphoneChaos().drawn(seed=1, own_number=OWN_NUMBER, call_number=1) == Mischance()


def test_a_certain_mischance_happens_every_time():
    chaos = SoftphoneChaos(twice=1, redial=1, late=1, hidden=1, mangled=1)
    drawn = [chaos.drawn(seed=1, own_number=OWN_NUMBER, call_number=number) for number in range(50)]

    assert {each.after_seconds for each in drawn} == {LATE_SECONDS}
    assert {each.cli for each in drawn} == set(HIDDEN)
    assert all(each.twice and each.instead for each in drawn)


def test_by_chance_a_call_comes_late():
    with web(ALONE) as server, application(replies(ice=connect())) as app:
        platform = Sandbox(target=app.url)
        softphone(server, platform, chaos=SoftphoneChaos(late=1)).call_through("1")
        platform.run()

    assert app.events("ice")[0]["timestamp"] == "2026-03-02T08:01:30Z"


def test_what_the_test_says_comes_before_chance():
    chaos = SoftphoneChaos(redial=1, late=1, hidden=1)
    with web(ALONE) as server, application(replies(ice=connect())) as app:
        platform = Sandbox(target=app.url)
        phone = softphone(server, platform, chaos=chaos)
        shown = phone.call_through("1", after_seconds=1, cli=OWN_NUMBER, instead="2")
        platform.run()

    ice = app.events("ice")[0]
    assert (ice["cli"], ice["timestamp"], shown.target) == ("12025550199", "2026-03-02T08:00:01Z", "2")


def test_a_mangled_number_is_another_spelling():
    assert mangled("+12025550199") == ("0012025550199", "02025550199", "0199", "Somebody <+12025550199>")
    assert mangled("+0123456789")[1] == "00123456789"


def test_chaos_is_read_from_text():
    assert SoftphoneChaos.parse("twice=0.5, late=1") == SoftphoneChaos(twice=0.5, late=1)


@pytest.mark.parametrize("text", ["rain=1", "late", "late=often", "late=2", "late=0.1,late=0.2"])
def test_chaos_that_cannot_be_is_refused(text):
    with pytest.raises(ValueError, match="chaos"):
        SoftphoneChaos.parse(text)


# The other services.

CALLBACK = {"webCallbackUrl": "URL/callback?to=%targetNumber%&cb=%account[callbackNumber]%"}


@pytest.mark.parametrize(
    ("answer", "kind", "text"),
    [
        (Says(200, JSON, '{"message":"Calling you back"}'), "done", "waiting for call"),
        (Says(200, "text/html", "fine"), "done", "waiting for call"),
        (Says(402, JSON, '{"message":"No credit."}'), "message", "No credit."),
        (Says(403, "", ""), "silence", ""),
    ],
)
def test_a_callback_is_waited_for_or_refused(answer, kind, text):
    with web(answer) as server:
        phone = softphone(server, nodes={**CALLBACK, "callbackNumber": OWN_NUMBER})
        shown = phone.call_back("+44 7700 900123")

    assert server.asked[0].target == "/callback?to=%2B447700900123&cb=%2B12025550199"
    assert (shown.kind, shown.text, shown.target, shown.remark) == (kind, text, "+447700900123", "")


BALANCE = {"genericBalanceCheckUrl": "URL/balance?u=%account[username]%&t=%account[x-ws-token]%"}


@pytest.mark.parametrize(
    ("answer", "kind", "text"),
    [
        (Says(200, JSON, '{"balanceString":"€12.40","balance":12.40,"currency":"EUR"}'), "done", "€12.40"),
        (Says(200, JSON, '{"balance":12.40,"currency":"EUR"}'), "done", "12.40 EUR"),
        (
            Says(body="<response><error>0</error><balanceString>€12.40</balanceString></response>"),
            "done",
            "€12.40",
        ),
        (Says(body="<response><error>1</error><description>No.</description></response>"), "message", "No."),
        (Says(body="<response><error>1</error></response>"), "silence", ""),
        (Says(200, JSON, "{}"), "unusable", ""),
        (Says(403, JSON, '{"message":"Wrong token."}'), "message", "Wrong token."),
    ],
)
def test_a_balance_is_shown_in_the_servers_words(answer, kind, text):
    with web(answer) as server:
        shown = softphone(server, nodes=BALANCE).balance()

    assert server.asked[0].target == "/balance?u=ana&t=9f3c"
    assert (shown.kind, shown.text) == (kind, text)


RATE = {
    "genericRateCheckUrl": "URL/rate?to=%targetNumber%&uri=%smartUri%",
    "rateCheckMinNumberLength": "3",
}


def test_a_rate_is_asked_from_the_least_length_on_and_kept_for_two_hours():
    with web(Says(200, JSON, '{"callRateString":"3.5¢/min","messageRateString":"6¢"}')) as server:
        platform = Sandbox(target="http://127.0.0.1:9/")
        phone = softphone(server, platform, nodes=RATE)
        short, first, kept = phone.rate("+44"), phone.rate("+447"), phone.rate("+44-7")
        platform.clock.run(platform.clock.now + timedelta(hours=2, seconds=-1))
        assert phone.rate("+447").exchanges == ()
        platform.clock.run(platform.clock.now + timedelta(seconds=1))
        assert len(phone.rate("+447").exchanges) == 1

    assert [each.target for each in server.asked] == ["/rate?to=%2B447&uri="] * 2
    assert (short.kind, short.text) == ("not asked", "")
    assert (first.kind, first.text, kept.text, kept.exchanges) == ("done", "3.5¢/min", "3.5¢/min", ())
    assert first.fields["messageRateString"] == "6¢"


@pytest.mark.parametrize(
    ("answer", "kind", "text"),
    [
        (
            Says(body="<response><error>0</error><callRateString>EUR 0.0044 / min</callRateString></response>"),
            "done",
            "EUR 0.0044 / min",
        ),
        (Says(body="<response><error>0</error><rateString>4c</rateString></response>"), "done", "4c"),
        (Says(200, JSON, '{"callRateString":""}'), "done", ""),
        (Says(429, JSON, '{"message":"Slower."}'), "message", "Slower."),
    ],
)
def test_a_rate_may_be_unknown_or_refused(answer, kind, text):
    with web(answer) as server:
        phone = softphone(server, nodes=RATE)
        shown = phone.rate("+447700900123")
        phone.rate("+447700900123")

    assert (shown.kind, shown.text) == (kind, text)
    assert len(server.asked) == (1 if kind == "done" else 2)


TEXTS = {
    "genericSmsSendUrl": "URL/send",
    "genericSmsPostData": "to=%sms_to%&body=%sms_body%&smart=%smart%&type=%content_type%",
    "genericSmsFetchUrl": "URL/fetch?last=%last_known_sms_id%&sent=%last_known_sent_sms_id%",
}


@pytest.mark.parametrize(
    ("answer", "kind", "text"),
    [
        (Says(200, JSON, '{"error":0,"description":"Success","sms_id":"81","message_id":"81"}'), "done", "sent"),
        (Says(body="<response><error>0</error><description>Success</description></response>"), "done", "sent"),
        (
            Says(body="<response><error>400</error><description>Too long.</description></response>"),
            "message",
            "Too long.",
        ),
        (Says(402, JSON, '{"message":"No credit."}'), "message", "No credit."),
    ],
)
def test_a_text_is_sent_or_refused(answer, kind, text):
    with web(answer) as server:
        shown = softphone(server, nodes=TEXTS).send_text("+44 7700 900123", "olá & até já +1")

    assert server.asked[0].body == (
        b"to=%2B447700900123&body=ol%C3%A1%20%26%20at%C3%A9%20j%C3%A1%20%2B1&smart=0&type=text%2Fplain"
    )
    assert (shown.kind, shown.text) == (kind, text)


def listed(received=(), sent=(), **more):
    """A list of texts by (id, body); ids of sent ones as well."""
    at = {"sending_date": "2026-01-05T09:58:11Z"}
    return {
        "date": "2026-01-05T10:00:00Z",
        "received_smss": [{"sms_id": i, "sender": "+447700900123", "sms_text": body, **at} for i, body in received],
        "sent_smss": [{"sms_id": i, "recipient": "+447700900124", "sms_text": body, **at} for i, body in sent],
        **more,
    }


def as_json(document):
    return Says(200, JSON, wire.dumps(document).decode())


def test_texts_are_fetched_from_the_last_known_ones_on():
    with web(
        as_json(listed([("79", "olá"), ("80", "tudo bem?")], [("78", "oi")])), as_json(listed()), as_json(listed())
    ) as server:
        phone = softphone(server, nodes=TEXTS)
        first, second, _ = phone.fetch_texts(), phone.fetch_texts(), phone.fetch_texts()

    targets = [each.target for each in server.asked]
    assert targets == ["/fetch?last=&sent=", "/fetch?last=80&sent=78", "/fetch?last=80&sent=78"]
    assert first.text == "+447700900123: olá\n+447700900123: tudo bem?\n+447700900124: oi"
    assert [(each.sms_id, each.direction) for each in first.texts] == [
        ("79", "received"),
        ("80", "received"),
        ("78", "sent"),
    ]
    assert (second.kind, second.texts, second.text) == ("done", (), "")


def test_a_text_that_this_phone_sent_is_not_shown_a_second_time():
    sent = Says(200, JSON, '{"sms_id":"81"}')
    with web(sent, as_json(listed(sent=[("81", "mine"), ("82", "from another device")]))) as server:
        phone = softphone(server, nodes=TEXTS)
        phone.send_text("+447700900124", "mine")
        shown = phone.fetch_texts()

    assert [each.body for each in shown.texts] == ["from another device"]


def test_a_text_to_oneself_is_shown_where_it_arrives():
    arrived = as_json(listed(received=[("81", "mine")], sent=[("81", "mine")]))
    with web(Says(200, JSON, '{"message_id":"81"}'), arrived) as server:
        phone = softphone(server, nodes=TEXTS)
        phone.send_text(OWN_NUMBER, "mine")
        shown = phone.fetch_texts()

    assert [each.direction for each in shown.texts] == ["received"]


def test_a_received_text_under_both_names_is_seen_twice():
    old = {"sms_id": "80", "sender": "+447700900123", "sms_text": "olá", "sending_date": "2026-01-05T09:58:11Z"}
    with web(as_json(listed([("80", "olá")], unread_smss=[old]))) as server:
        shown = softphone(server, nodes=TEXTS).fetch_texts()

    assert [each.sms_id for each in shown.texts] == ["80", "80"]


@pytest.mark.parametrize("answer", [Says(200, JSON, '{"received_smss":"none"}'), Says(200, "text/html", "<p>")])
def test_a_list_of_texts_that_is_none_is_said(answer):
    with web(answer) as server:
        shown = softphone(server, nodes=TEXTS).fetch_texts()

    assert (shown.kind, shown.text, bool(shown.remark)) == ("unusable", "", True)


PUSH = {
    "pushTokenReporterUrl": "URL/push",
    "pushTokenReporterPostData": "|".join(
        f"%{name}%"
        for name in (
            "selector",
            "pushToken",
            "pushappid",
            "pushTokenIncomingCall",
            "pushappid_incoming_call",
            "pushTokenOther",
            "pushappid_other",
        )
    ),
    "pushTokenReporterContentType": "text/plain",
}


def test_push_tokens_are_base64_with_plus_signs_and_the_body_of_the_answer_does_not_matter():
    with web(Says(200, "text/html", "whatever"), Says(200, "", ""), Says(403, JSON, '{"message":"No."}')) as server:
        phone = softphone(server, nodes=PUSH)
        kinds = [phone.report_push_token().kind for _ in range(3)]
        softphone(server, nodes={**PUSH, "username": "bob"}).report_push_token()

    assert kinds == ["done", "done", "message"]
    first, *others, another_line = (each.body.decode().split("|") for each in server.asked)
    assert others == [first, first]
    selector, token, app_id, calls, calls_app_id, other, other_app_id = first
    assert [len(part) for part in selector.split(":")] == [40, 8]
    assert token == calls != other
    assert all(each.startswith("++++") and len(base64.b64decode(each, validate=True)) == 32 for each in (calls, other))
    assert (app_id, calls_app_id, other_app_id) == ("com.example.softphone",) * 2 + ("com.example.softphone.other",)
    assert (another_line[0] != selector, another_line[1:]) == (True, first[1:])


PROVISIONING = {
    "InitialProvisioningUrl": "URL/prov?cloud_username=%username%&cloud_password=%password%&cloud_id=%fullcode%"
}
PROVISIONED = (
    "<account><title>Lusitel</title><username>bea</username><x-cth-pin>4711</x-cth-pin>"
    "<cth_ws_url>{url}/cth</cth_ws_url><cth_ws_postData>"
    '{{ "username":"%account[username]%", "to":"%targetNumber%" }}</cth_ws_postData>'
    "<cth_ws_contentType>application/json</cth_ws_contentType></account>"
)


def test_an_account_is_provisioned_over_the_portals_own_and_used():
    with web(dials(f"{ACCESS_NUMBER},,%account[x-cth-pin]%#")) as server:
        account_xml = PROVISIONED.format(url=server.url)
        server.answers.insert(0, Says(200, "application/xml", account_xml))
        phone = softphone(server, nodes=PROVISIONING)
        signed_in = phone.provision("ana", "p&w", "LUSI*")
        shown = phone.call_through("1")

    assert server.asked[0].target == "/prov?cloud_username=ana&cloud_password=p%26w&cloud_id=LUSI%2A"
    assert (signed_in.kind, signed_in.text) == ("done", "Lusitel")
    assert server.asked[1].body == b'{ "username":"bea", "to":"1" }'
    assert shown.text == f"{ACCESS_NUMBER},,4711#"
    kept = [phone.account[name] for name in ("cloud_username", "cloud_password", "x-ws-token")]
    assert kept == ["ana", "p&w", "9f3c"]


@pytest.mark.parametrize(
    ("answer", "kind", "text"),
    [
        (
            Says(410, "application/xml", "<message>Wrong user name or password.</message>"),
            "message",
            "Wrong user name or password.",
        ),
        (Says(410, "application/xml", "<response><message>Wrong.</message></response>"), "message", "Wrong."),
        (Says(410, "", ""), "silence", ""),
        (Says(200, "application/xml", "<account><username>bea</username></account>"), "unusable", ""),
        (Says(200, "application/xml", "<!DOCTYPE account><account><title>x</title></account>"), "unusable", ""),
        (Says(200, "text/html", "<h1>Sign in</h1>"), "unusable", ""),
    ],
)
def test_without_an_account_everything_stays_as_it_was(answer, kind, text):
    with web(answer) as server:
        phone = softphone(server, nodes=PROVISIONING)
        before = dict(phone.account)
        shown = phone.provision("ana", "wrong", "LUSI")

    assert (shown.kind, shown.text, phone.account) == (kind, text, before)


def test_nonces_can_be_given():
    numbers = itertools.count(1)
    with web(ALONE) as server:
        phone = softphone(server, nodes={"cth_ws_url": "URL/%nonce(4)%"}, nonces=lambda: f"{next(numbers):064}"[::-1])
        phone.call_through("1")
        phone.call_through("1")

    assert [each.target for each in server.asked] == ["/1000", "/2000"]
