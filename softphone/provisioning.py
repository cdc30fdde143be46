"""External provisioning: an app that is told a user name and a secret asks here for the account it is to have.

The answer is the account's XML with the line's secrets and the address of every service, as templates in which the
app puts its own values. It is handed out over https alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import quote, urlsplit

from django.conf import settings

from softphone.answers import to_xml
from softphone.claims import RequestFacts
from softphone.dial_strings import PIN_NODE
from softphone.models import Line, Softphone
from softphone.proof import prove
from softphone.sentences import Refused, Sentence
from softphone.views import Answer, Asking, Document, SoftphoneView

TOKEN_NODE = "x-ws-token"  # noqa: S105 - the name of a node
FORM = "application/x-www-form-urlencoded"

# After a call, so that what it cost is in the books before the app asks.
BALANCE_DELAY_SECONDS = 5

GONE = 410
_BAD_CREDENTIALS = frozenset({Sentence.NOT_PROVED, Sentence.NO_PROOF, Sentence.MISSING})

USERNAME, PASSWORD = "%account[username]%", "%account[password]%"
CALLBACK_NUMBER = "%account[callbackNumber]%"

# How a template proves the line: by our name for the parameter, and the app's own value. Best first.
_PROOFS: tuple[tuple[str, str, str], ...] = (
    (Softphone.Proof.TOKEN.value, "token", f"%account[{TOKEN_NODE}]%"),
    (Softphone.Proof.SHA1.value, "hash", f"%sha1({PASSWORD})%"),
    (Softphone.Proof.PASSWORD.value, "password", PASSWORD),
)


@dataclass(frozen=True, kw_only=True)
class Service:
    """One service as the app's settings name it. `values` are our parameters, and what the app puts there."""

    path: str
    url: str
    post_data: str
    content_type: str
    auth_username: str
    auth_password: str
    values: Mapping[str, str]


def _service(path: str, prefix: str, values: Mapping[str, str], *, others: str = "") -> Service:
    """A service whose settings begin with one prefix, all but the address with another if `others` is given."""
    return Service(
        path=path,
        url=f"{prefix}Url",
        post_data=f"{others or prefix}PostData",
        content_type=f"{others or prefix}ContentType",
        auth_username=f"{prefix}AuthUsername",
        auth_password=f"{prefix}AuthPassword",
        values=values,
    )


SERVICES = (
    Service(
        path="callthrough/",
        url="cth_ws_url",
        post_data="cth_ws_postData",
        content_type="cth_ws_contentType",
        auth_username="cth_ws_authUsername",
        auth_password="cth_ws_authPassword",  # noqa: S106 - the name of a node
        values={"target": "%targetNumber%"},
    ),
    # Documented nowhere: an assumption, after the pattern of all others.
    _service("callback/", "webCallback", {"target": "%targetNumber%", "callback": CALLBACK_NUMBER}),
    _service("balance/", "genericBalanceCheck", {}),
    _service("rate/", "genericRateCheck", {"target": "%targetNumber%", "smartUri": "%smartUri%"}),
    _service(
        "messages/send/",
        "genericSmsSend",
        {"target": "%sms_to%", "sms_body": "%sms_body%", "content_type": "%content_type%", "smart": "%smart%"},
        others="genericSms",
    ),
    _service(
        "messages/fetch/",
        "genericSmsFetch",
        {"last_known_sms_id": "%last_known_sms_id%", "last_known_sent_sms_id": "%last_known_sent_sms_id%"},
    ),
    _service(
        "push-token/",
        "pushTokenReporter",
        {
            name: f"%{name}%"
            for name in (
                "selector", "pushToken", "pushappid", "pushTokenIncomingCall", "pushappid_incoming_call",
                "pushTokenOther", "pushappid_other",
            )
        },
    ),
)  # fmt: skip


class ProvisioningView(SoftphoneView):
    """The account of a line, for its secret. Bad credentials get 410, whether or not there is such a user."""

    needs_proof = False

    def answer(self, asking: Asking) -> Answer | Document:
        facts = RequestFacts(
            method="POST", paths=(), query=b"", authorization="", address=asking.address,
            secure=asking.secure or _is_on_a_desk(),
        )  # fmt: skip
        try:
            line = prove(asking.softphone, facts, asking.parameters, asking.now, accepted=(Softphone.Proof.PASSWORD,))
        except Refused as refused:
            if refused.sentence not in _BAD_CREDENTIALS:
                raise
            return Answer({"message": Refused(Sentence.NOT_PROVED).message(asking.language)}, status=GONE)
        return Document(content_type="application/xml", body=account_xml(line))


def account_xml(line: Line) -> bytes:
    """The `<account>` that the app merges over what its operator's portal says."""
    fields: dict[str, str | int] = {**_identity(line), **_services(line)}
    return to_xml("account", {name: value for name, value in fields.items() if value != ""})


def _identity(line: Line) -> dict[str, str]:
    softphone, name = line.softphone, line.client_user.name
    return {
        "title": softphone.title,
        "username": name,
        "password": line.secret,
        "authUsername": name,
        "host": softphone.sip_host,
        "transport": softphone.sip_transport if softphone.sip_host else "",
        "cloud_username": name,
        "cloud_password": line.secret,
        "callbackNumber": line.callback_number.number if line.callback_number else "",
        TOKEN_NODE: line.token,
        PIN_NODE: line.pin,
    }


def _services(line: Line) -> dict[str, str | int]:
    """Where each service is and what the app sends there, by the names of the app's own settings.

    An app whose lines prove themselves by salted hashes alone is told of none: how such a template is written is known
    to its operator only. What an app makes of a node that it was not given is documented nowhere, so no template
    of ours names one.
    """
    softphone = line.softphone
    proof = next((each for each in _PROOFS if each[0] in softphone.proofs), None)
    if proof is None and Softphone.Proof.DIGEST.value not in softphone.proofs:
        return {}
    nodes: dict[str, str | int] = {}
    for service in SERVICES:
        values = {"username": USERNAME, **({proof[1]: proof[2]} if proof else {}), **service.values}
        if line.callback_number is None:
            values = {ours: value for ours, value in values.items() if value != CALLBACK_NUMBER}
        nodes[service.url] = f"{settings.PUBLIC_URL}/acrobits/{service.path}?app={softphone.name}"
        nodes[service.post_data] = "&".join(f"{_name(softphone, ours)}={value}" for ours, value in values.items())
        nodes[service.content_type] = FORM
        if proof is None:
            nodes |= {service.auth_username: USERNAME, service.auth_password: PASSWORD}
    nodes["balanceCheckIntervalInSeconds"] = softphone.balance_interval_seconds
    nodes["balanceCheckDelayInSeconds"] = BALANCE_DELAY_SECONDS
    nodes["rateCheckMinNumberLength"] = softphone.least_rate_digits
    return nodes


def _name(softphone: Softphone, ours: str) -> str:
    """What the parameter is called: the first of the operator's names for it, else ours."""
    return quote(softphone.parameter_names.get(ours, [ours])[0], safe="")


def _is_on_a_desk() -> bool:
    """Is this a developer's machine, where the secret travels no further than to itself?"""
    host = urlsplit(settings.PUBLIC_URL).hostname or ""
    try:
        is_loopback = ip_address(host).is_loopback
    except ValueError:
        is_loopback = host == "localhost"
    return bool(settings.DEBUG) or is_loopback
