"""The door of the softphone's web services: read, prove, let the service answer, write what the app can show.

A service is a subclass that says `answer`. Whatever goes wrong the app is told in the format it asked for, with one
sentence in its language: bad input 4xx, our own trouble 503, never a page and never a traceback.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar
from urllib.parse import urlsplit

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.request import UnreadablePostError
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.csrf import csrf_exempt

from postgres.deadline import deadline
from softphone import reading
from softphone.answers import Answer, Document, Format, chosen_format, write
from softphone.claims import RequestFacts
from softphone.known import find_softphone
from softphone.models import Line, Softphone
from softphone.proof import prove
from softphone.sentences import Refused, Sentence, spoken_language
from softphone.whereabouts import address_of, is_secure

__all__ = ["Answer", "Asking", "Document", "NothingThereView", "Refused", "Sentence", "SoftphoneView"]

log = structlog.get_logger(__name__)

# Somebody holds the telephone in their hand.
LONGEST_SECONDS = 5

METHODS = ("GET", "HEAD", "POST")
ALLOWED = {"Allow": ", ".join([*METHODS, "OPTIONS"])}

# Django decodes a path and leaves what is not UTF-8 percent-encoded.
_NOT_UTF8 = re.compile("%[89A-Fa-f][0-9A-Fa-f]")
_APP = re.compile(r"[-A-Za-z0-9_]{1,40}")


@dataclass(frozen=True, kw_only=True)
class Asking:
    """One request of an app, read and proved. `parameters` are texts by the names of `reading.ALIASES`."""

    softphone: Softphone
    line: Line | None
    parameters: Mapping[str, str]
    language: str
    address: str
    now: datetime
    secure: bool

    @property
    def proved_line(self) -> Line:
        """The line, where the service needs a proof. Raises RuntimeError where it does not."""
        if self.line is None:
            raise RuntimeError("this service asks for no proof, so it has no line")
        return self.line

    def needed(self, name: str) -> str:
        """The parameter, not empty. Raises Refused when it is not there."""
        if value := self.parameters.get(name, ""):
            return value
        raise Refused(Sentence.MISSING, parameter=name)


@method_decorator(csrf_exempt, name="dispatch")
class SoftphoneView(View):
    """One web service. A subclass answers `Asking`; the rest is here.

    `accepted_proofs`: the kinds of proof that are taken; empty: as the softphone says. `promised`: the fields without
    which a 2xx answer is never sent, because the app would not know what to do with it.
    """

    needs_proof: ClassVar[bool] = True
    accepted_proofs: ClassVar[tuple[str, ...]] = ()
    promised: ClassVar[tuple[str, ...]] = ()

    def answer(self, asking: Asking) -> Answer | Document:
        """What the app is told. Raises Refused."""
        raise NotImplementedError

    def dispatch(self, request: HttpRequest, *_: Any, **path: str) -> HttpResponse:
        """Every method comes this way; the words of the path are parameters by our own names."""
        if request.method == "OPTIONS":
            return _response(request, Document(content_type="text/plain", body=b""), ALLOWED)
        exchange = Exchange(request)
        headers: Mapping[str, str] = {}
        try:
            with deadline(LONGEST_SECONDS):
                document = exchange.write(self._answer(exchange, path))
        except Refused as refused:
            document, headers = exchange.write(exchange.message(refused)), refused.headers
        except Exception:
            log.exception("softphone_request_failed", service=type(self).__name__)
            document = exchange.write(exchange.message(Refused(Sentence.TROUBLE)))
        return _response(request, document, headers)

    def _answer(self, exchange: Exchange, path: Mapping[str, str]) -> Answer | Document:
        exchange.find_softphone()
        if exchange.request.method not in METHODS:
            raise Refused(Sentence.WRONG_METHOD, headers=ALLOWED)
        asking = self._asking(exchange, exchange.read(path))
        answer = self.answer(asking)
        if isinstance(answer, Answer) and 200 <= answer.status < 300 and not all(map(answer.fields.get, self.promised)):
            log.error("softphone_answer_incomplete", service=type(self).__name__)
            raise Refused(Sentence.TROUBLE)
        return answer

    def _asking(self, exchange: Exchange, parameters: Mapping[str, str]) -> Asking:
        request, softphone, now = exchange.request, exchange.the_softphone(), datetime.now(UTC)
        facts = exchange.facts()
        line = prove(softphone, facts, parameters, now, accepted=self.accepted_proofs) if self.needs_proof else None
        return Asking(
            softphone=softphone,
            line=line,
            parameters=parameters,
            language=exchange.language,
            address=address_of(request),
            now=now,
            secure=facts.secure,
        )


class NothingThereView(SoftphoneView):
    """For every other address below that of the services: an app that was configured wrongly is told so."""

    needs_proof = False

    def answer(self, asking: Asking) -> Answer:
        """Raises Refused."""
        raise Refused(Sentence.NOTHING_THERE)


class Exchange:
    """A request and how it is to be answered: as far as is known yet, so that anything can be refused in its format."""

    def __init__(self, request: HttpRequest) -> None:
        self.request = request
        self.query = request.META.get("QUERY_STRING", "").encode("latin-1", "replace")
        self.asked = reading.hints(self.query)
        self.softphone: Softphone | None = None

    @property
    def language(self) -> str:
        """Asked for, else of the app's settings, else the softphone's."""
        of_app = self.softphone.language if self.softphone else ""
        return spoken_language(self.asked.get("lang", ""), self.request.headers.get("Accept-Language", ""), of_app)

    def format(self, asked: str) -> Format | None:
        return chosen_format(
            asked=asked,
            configured=self.softphone.reply_format if self.softphone else "",
            content_type=self.request.headers.get("Content-Type", ""),
            accept=self.request.headers.get("Accept", ""),
        )

    def write(self, answer: Answer | Document) -> Document:
        """The answer in the format that was asked for; where that is none of ours, in the one it would have else."""
        if isinstance(answer, Document):
            return answer
        return write(answer, self.format(self.asked.get("format", "")) or self.format("") or Format.XML)

    def message(self, refused: Refused) -> Answer:
        """The refusal as the app shows it."""
        return Answer({"message": refused.message(self.language)}, status=refused.status)

    def find_softphone(self) -> None:
        """The softphone of the request as it is known by now, or none."""
        app = self.asked.get("app", "")
        self.softphone = find_softphone(app) if not app or _APP.fullmatch(app) else None

    def the_softphone(self) -> Softphone:
        """The softphone. Raises Refused when the request names one that is not there, or nobody has set one up."""
        if self.softphone is None:
            raise Refused(Sentence.UNKNOWN_APP if self.asked.get("app") else Sentence.NOT_SET_UP)
        return self.softphone

    def read(self, path: Mapping[str, str]) -> dict[str, str]:
        """Its parameters, under our names. Raises Refused."""
        incoming = reading.Incoming(
            query=self.query, content_type=self.request.headers.get("Content-Type", ""), body=self._body()
        )
        raw = reading.read(incoming)
        asked = {name: raw[name] for name in reading.FIXED & raw.keys()}
        is_other_app = asked.get("app", "") != self.asked.get("app", "")
        self.asked = asked
        if is_other_app:
            self.find_softphone()
        softphone = self.the_softphone()
        if self.format(asked.get("format", "")) is None:
            raise Refused(Sentence.WRONG_FORMAT)
        if _NOT_UTF8.search(self.request.path_info):
            raise Refused(Sentence.NOT_UTF8)
        return reading.in_our_names(raw, path, softphone.parameter_names)

    def facts(self) -> RequestFacts:
        """What a proof needs to know."""
        path = self.request.path_info.encode()
        return RequestFacts(
            # A HEAD is proved as what it is.
            method=self.request.method or "",
            paths=(path, urlsplit(settings.PUBLIC_URL).path.rstrip("/").encode() + path),
            query=self.query,
            authorization=_header(self.request, "Authorization"),
            address=address_of(self.request),
            secure=is_secure(self.request),
        )

    def _body(self) -> bytes:
        if self.request.method != "POST":
            return b""
        try:
            # One byte more than is taken shows that there is too much, whatever length was announced.
            return self.request.read(reading.LARGEST_BODY_BYTES + 1)
        except UnreadablePostError:
            raise Refused(Sentence.CUT_OFF) from None


def _header(request: HttpRequest, name: str) -> str:
    """A header as UTF-8. Raises Refused when it is not."""
    try:
        return request.headers.get(name, "").encode("latin-1", "replace").decode()
    except UnicodeDecodeError:
        raise Refused(Sentence.NOT_UTF8) from None


def _response(request: HttpRequest, document: Document, headers: Mapping[str, str]) -> HttpResponse:
    body = b"" if request.method == "HEAD" else document.body
    response = HttpResponse(body, status=document.status, content_type=document.content_type, headers=dict(headers))
    response["Cache-Control"] = "no-store"
    # Said here because a server would otherwise answer in chunks; a HEAD tells what a GET would bring.
    response["Content-Length"] = str(len(document.body))
    # Django's own line for a 5xx would hold the path, in which a user and a number may be; ours is written already.
    response._has_been_logged = True  # type: ignore[attr-defined]
    response._csp_exempt = True  # type: ignore[attr-defined]  # django-csp's own mark: no browser reads this
    return response
