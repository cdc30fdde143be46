"""A Cloud Softphone as the person who holds it sees it: an account, web services, and a telephone to dial with.

    phone = Softphone(account, platform=platform, number="+12025550199")
    shown = phone.call_through("+44 20 7946 0000")
    platform.run()
    print(shown.kind, shown.text, shown.call.result)

What the documentation leaves open is decided here, and in `softphone_templates`, `softphone_services` and `dialling`.

- A call-through that succeeds without a dial string, or with one that no telephone can dial, does nothing; `remark`
  says why. A placeholder of another scope than account and app stays in a dial string as it is.
- A reply with 2xx that cannot be read is `unusable`, except where success says it all: Web Callback, push tokens.
- A reply with 2xx whose old-fashioned `error` is not 0 is a failure whose `description` is shown.
- Without a `balanceString` the number and currency are shown. A rate is kept for two hours only when it was answered
  with 2xx; its length is counted in digits.
- The last known ids are those of the last texts a fetch listed. A sent text that this phone sent itself is not listed
  again. A received one is listed as often as it is told, so that a text under two names is seen twice.
- `%fullcode%` is the cloud id as typed. What was typed stays in the account as cloud_username and cloud_password.
- The tokens for pushed messages begin with plus signs, which base64 may.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Literal

from sandbox import softphone_services as services
from sandbox.calls import Call
from sandbox.dialling import DialString, NotDialable, cleaned, read_dial_string
from sandbox.faults import Fault
from sandbox.phones import Phone
from sandbox.platform import Sandbox
from sandbox.softphone_chaos import SET_UP_SECONDS, Mischance, SoftphoneChaos
from sandbox.softphone_replies import Fields, Text, Unreadable, as_text, read_account, read_fields, read_texts
from sandbox.softphone_services import BadService, Network, NodeNames, Service, WebExchange
from sandbox.softphone_templates import LONGEST_NONCE, BadTemplate, Values, expand

OWN_NUMBER = "+12025550199"
RATE_KEPT_FOR = timedelta(hours=2)
WAITING = "waiting for call"

Kind = Literal["done", "message", "silence", "unusable", "not asked"]


@dataclass(frozen=True, kw_only=True)
class Shown:
    """What the person sees, and for tests how it came about.

    kind is `done`; `message` when the server refused and text says why; `silence` when it refused without a word;
    `unusable` when nothing came of it, remark says why; `not asked` when there was no reason to ask. text is what is
    on the screen. fields is the reply's, exchanges every request made for it. target is who is called in the end.
    """

    kind: Kind
    text: str = ""
    remark: str = ""
    fields: Fields = field(default_factory=dict)
    exchanges: tuple[WebExchange, ...] = ()
    target: str = ""
    dial_string: DialString | None = None
    call: Call | None = None
    texts: tuple[Text, ...] = ()

    @property
    def exchange(self) -> WebExchange:
        """The last request and its answer. Raises IndexError when nothing was asked."""
        return self.exchanges[-1]

    @property
    def unheard(self) -> tuple[str, ...]:
        """The tones that nobody has listened to so far."""
        return () if self.call is None else tuple(str(each) for each in self.call.keys.left)


class Softphone:
    """One installed app with one account.

    account is nodes by name, those of the operator's portal among them. number is the telephone's own, which whoever
    is called sees; platform is the network it dials in, and without one it only shows what it would dial. escapes_plus
    False is an app that leaves a plus bare in addresses and forms. network is how its requests travel. chaos and seed
    decide what goes wrong with call-through. nonces gives at least 64 characters a request, random by default.
    """

    def __init__(
        self,
        account: Mapping[str, str],
        *,
        platform: Sandbox | None = None,
        number: str = OWN_NUMBER,
        install_id: str = "5A4DB0C5-0000-4000-8000-000000000001",
        app_id: str = "com.example.softphone",
        escapes_plus: bool = True,
        network: Network | None = None,
        chaos: SoftphoneChaos | None = None,
        seed: int = 0,
        nonces: Callable[[], str] | None = None,
    ) -> None:
        self.account = dict(account)
        self.number = number
        self.platform = platform
        self._parameters = {"installid": install_id, "appid": app_id}
        self._escapes_plus = escapes_plus
        self._network = network or Network()
        self._chaos, self._seed, self._calls = chaos or SoftphoneChaos(), seed, 0
        self._nonces = nonces or (lambda: secrets.token_hex(LONGEST_NONCE // 2))
        self._rates: dict[str, tuple[datetime, Shown]] = {}
        self._last_received, self._last_sent = "", ""
        self._sent_by_us: set[str] = set()

    def call_through(
        self,
        target: str,
        *,
        after_seconds: int | None = None,
        cli: str | None = None,
        twice: bool = False,
        instead: str | None = None,
        phone: Phone | None = None,
        faults: Sequence[Fault] = (),
    ) -> Shown:
        """Call somebody by way of an access number: ask the web service what to dial, and dial it.

        The call is placed when virtual time passes: after_seconds from now, 8 when nothing is said. cli is the number
        that the network shows instead of the phone's own. twice asks a second time, and obeys the second answer.
        instead is whom the person calls the moment the first number was answered; only that is dialled. phone is how
        the one who is called behaves. Options given here have precedence over chaos.
        """
        chance = self._next_mischance()
        shown = self.ask(target)
        if twice or chance.twice:
            shown = _after(shown, self.ask(target))
        other = instead or chance.instead
        if other is not None:
            shown = _after(shown, self.ask(other))
        if shown.dial_string is None or self.platform is None:
            return shown
        call = self.dial(
            shown.dial_string,
            after_seconds=chance.after_seconds if after_seconds is None else after_seconds,
            cli=chance.cli if cli is None else cli,
            phone=phone,
            faults=faults,
        )
        return replace(shown, call=call)

    def ask(self, target: str) -> Shown:
        """Ask the web service what to dial for this target, and dial nothing yet."""
        number = cleaned(target)
        shown = replace(self._ask(services.CALL_THROUGH, targetNumber=number), target=number)
        if shown.kind != "done":
            return shown
        template = as_text(shown.fields, "dialString")
        if not template:
            return replace(shown, kind="unusable", remark="the reply has no dialString")
        try:
            dialled = read_dial_string(expand(template, self._values(shown.exchange.request.url, nonce="")))
        except (BadTemplate, NotDialable) as error:
            return replace(shown, kind="unusable", remark=f"the dialString cannot be dialled: {error}")
        return replace(shown, text=dialled.text, dial_string=dialled)

    def dial(
        self,
        dial_string: DialString,
        *,
        after_seconds: int | None = None,
        cli: str | None = None,
        phone: Phone | None = None,
        faults: Sequence[Fault] = (),
    ) -> Call:
        """Dial with the telephone itself: a call over the network from its own number, and then the tones.

        Raises ValueError when the phone is in no network.
        """
        if self.platform is None:
            raise ValueError("a softphone needs a platform to dial in")
        return self.platform.phone_to_access_number(
            cli=self.number if cli is None else cli,
            to=dial_string.number,
            at_seconds=SET_UP_SECONDS if after_seconds is None else after_seconds,
            keys=dial_string.groups,
            phone=phone,
            faults=faults,
        )

    def call_back(self, target: str) -> Shown:
        """Ask the server to call this phone and the target; it rings by itself when that works."""
        number = cleaned(target)
        shown = replace(self._ask(services.CALLBACK, reader=_refusal, targetNumber=number), target=number)
        return replace(shown, text=WAITING) if shown.kind == "done" else shown

    def balance(self) -> Shown:
        """What is left on the account, in the server's words."""
        shown = self._ask(services.BALANCE)
        if shown.kind != "done":
            return shown
        composed = " ".join(filter(None, (as_text(shown.fields, "balance"), as_text(shown.fields, "currency"))))
        text = as_text(shown.fields, "balanceString") or composed
        return replace(shown, text=text) if text else replace(shown, kind="unusable", remark="the reply has no balance")

    def rate(self, number: str) -> Shown:
        """What a call to a number, or to the beginning of one, would cost; kept for two hours."""
        target = cleaned(number)
        least = self.account.get("rateCheckMinNumberLength", "")
        if sum(each.isdigit() for each in target) < (int(least) if least.isdecimal() else 1):
            return Shown(kind="not asked", target=target, remark="the number is too short to ask about")
        kept = self._rates.get(target)
        if kept is not None and self._now() < kept[0]:
            return replace(kept[1], exchanges=())
        shown = replace(self._ask(services.RATE, targetNumber=target, smartUri=""), target=target)
        if shown.kind == "done":
            # An unknown rate is an empty string, and nothing is shown.
            shown = replace(shown, text=as_text(shown.fields, "callRateString", "rateString"))
            self._rates[target] = (self._now() + RATE_KEPT_FOR, shown)
        return shown

    def send_text(self, to: str, body: str) -> Shown:
        """Send one text; `fields` has the id that the server gave it."""
        shown = self._ask(
            services.SEND_TEXT,
            sms_to=cleaned(to),
            sms_body=body,
            smart="0",
            content_type="text/plain",
            disposition_notification="",
        )
        if shown.kind == "done":
            self._sent_by_us |= {as_text(shown.fields, name) for name in ("sms_id", "message_id")} - {""}
            return replace(shown, text="sent")
        return shown

    def fetch_texts(self) -> Shown:
        """Fetch the texts that are new since the last time, received and sent, in the order of the reply."""
        shown = self._ask(
            services.FETCH_TEXTS, last_known_sms_id=self._last_received, last_known_sent_sms_id=self._last_sent
        )
        if shown.kind != "done":
            return shown
        try:
            texts = read_texts(shown.fields)
        except Unreadable as error:
            return replace(shown, kind="unusable", remark=str(error))
        received = [each.sms_id for each in texts if each.direction == "received"]
        sent = [each.sms_id for each in texts if each.direction == "sent"]
        self._last_received, self._last_sent = [self._last_received, *received][-1], [self._last_sent, *sent][-1]
        new = tuple(each for each in texts if each.direction == "received" or each.sms_id not in self._sent_by_us)
        return replace(shown, texts=new, text="\n".join(f"{each.peer}: {each.body}" for each in new))

    def report_push_token(self) -> Shown:
        """Tell the server how this installation can be woken, as at every start of the app."""
        calls, others = self._push_token("calls"), self._push_token("others")
        app_id = self._parameters["appid"]
        known = f"{self._parameters['installid']}/{self.account.get('username', '')}".encode()
        selector = hashlib.sha1(known).hexdigest().upper()
        return self._ask(
            services.PUSH_TOKEN,
            reader=_refusal,
            selector=f"{selector}:{hashlib.sha256(known).hexdigest()[:8].upper()}",
            pushToken=calls,
            pushappid=app_id,
            pushTokenIncomingCall=calls,
            pushappid_incoming_call=app_id,
            pushTokenOther=others,
            pushappid_other=f"{app_id}.other",
        )

    def provision(self, username: str, password: str, cloud_id: str) -> Shown:
        """Sign in: fetch the account that belongs to what the person typed, and use it from now on."""
        shown = self._ask(
            services.PROVISIONING, reader=_refusal, username=username, password=password, fullcode=cloud_id
        )
        if shown.kind != "done":
            return shown
        try:
            nodes = read_account(shown.exchange.answer)
        except Unreadable as error:
            return replace(shown, kind="unusable", remark=str(error))
        self.account |= {"cloud_username": username, "cloud_password": password, **nodes}
        return replace(shown, text=nodes["title"])

    def again(self, exchange: WebExchange) -> WebExchange:
        """Send the very same request once more, byte for byte, as a network or somebody who overheard it might."""
        return self._network.exchange(exchange.request)

    def _ask(
        self,
        names: NodeNames,
        *,
        reader: Callable[[WebExchange], Fields] | None = None,
        **parameters: str,
    ) -> Shown:
        try:
            service = Service.of(self.account, names)
            if service is None:
                return Shown(kind="not asked", remark=f"the account has no {names.url}")
            values = self._values(service.url, parameters, nonce=self._nonces())
            request = services.prepare(service, values, escapes_plus=self._escapes_plus)
        except (BadTemplate, BadService) as error:
            return Shown(kind="unusable", remark=str(error))
        return _seen(self._network.exchange(request), reader or _fields)

    def _values(self, url: str, parameters: Mapping[str, str] | None = None, *, nonce: str) -> Values:
        return Values(
            nodes=self.account,
            parameters={**self._parameters, **(parameters or {})},
            nonce=nonce,
            secure=services.is_secure(url),
        )

    def _next_mischance(self) -> Mischance:
        self._calls += 1
        return self._chaos.drawn(seed=self._seed, own_number=self.number, call_number=self._calls)

    def _now(self) -> datetime:
        return datetime.now(UTC) if self.platform is None else self.platform.clock.now

    def _push_token(self, purpose: str) -> str:
        digest = hashlib.sha256(f"{self._parameters['installid']}/{purpose}".encode()).digest()
        return base64.b64encode(b"\xfb\xef\xbe" + digest[:29]).decode()


def _seen(exchange: WebExchange, reader: Callable[[WebExchange], Fields]) -> Shown:
    """What the app makes of an answer, whatever the service was."""
    if exchange.status is None:
        return Shown(kind="unusable", remark=f"no answer: {exchange.error}", exchanges=(exchange,))
    try:
        fields = reader(exchange)
    except Unreadable as error:
        kind: Kind = "unusable" if exchange.succeeded else "silence"
        return Shown(kind=kind, remark=f"the answer cannot be read: {error}", exchanges=(exchange,))
    if exchange.succeeded and as_text(fields, "error") in ("", "0"):
        return Shown(kind="done", fields=fields, exchanges=(exchange,))
    text = as_text(fields, "message") or (as_text(fields, "description") if exchange.succeeded else "")
    return Shown(kind="message" if text else "silence", text=text, fields=fields, exchanges=(exchange,))


def _fields(exchange: WebExchange) -> Fields:
    return read_fields(exchange.content_type, exchange.answer) if exchange.answer.strip() else {}


def _refusal(exchange: WebExchange) -> Fields:
    """Of a service whose success says nothing, or something else than fields, only the refusal is read."""
    return {} if exchange.succeeded else _fields(exchange)


def _after(earlier: Shown, later: Shown) -> Shown:
    return replace(later, exchanges=(*earlier.exchanges, *later.exchanges))
