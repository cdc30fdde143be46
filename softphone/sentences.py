"""Every refusal that an app shows: a symbol, its status, and its sentence in English and Spanish.

A sentence says what to do. Figures are put in where the table has their names in braces; nothing that a request
brought is ever put in, neither a number nor a name nor a secret.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum

from telephony.decisions import Reason, Refuse

LANGUAGES = ("en", "es")

MOST_LANGUAGES_ASKED = 10


class Sentence(StrEnum):
    """Why a request of an app was refused."""

    # The request cannot be read.
    TOO_LARGE = "too_large"
    CUT_OFF = "cut_off"
    UNKNOWN_BODY = "unknown_body"
    NOT_JSON = "not_json"
    NOT_FLAT = "not_flat"
    NOT_UTF8 = "not_utf8"
    CONTROL_CHARACTERS = "control_characters"
    TOO_MANY_PARAMETERS = "too_many_parameters"
    TOO_LONG = "too_long"
    CONTRADICTING = "contradicting"
    MISSING = "missing"
    WRONG_FORMAT = "wrong_format"
    WRONG_METHOD = "wrong_method"
    UNKNOWN_APP = "unknown_app"

    # Nobody is proved.
    NO_PROOF = "no_proof"
    NOT_PROVED = "not_proved"
    TRY_AGAIN = "try_again"
    PASSWORD_OVER_HTTP = "password_over_http"  # noqa: S105 - a symbol
    NONCE_UNUSABLE = "nonce_unusable"
    NONCE_REPLAYED = "nonce_replayed"
    RATE_LIMITED = "rate_limited"

    # Who asks is known, and what is asked for is refused.
    DESTINATION_UNREADABLE = "destination_unreadable"
    DESTINATION_UNSUPPORTED = "destination_unsupported"
    DESTINATION_NOT_ALLOWED = "destination_not_allowed"
    NO_PRICE = "no_price"
    TOO_DEAR = "too_dear"
    TOO_EXPOSED = "too_exposed"
    TOO_MANY_CALLS = "too_many_calls"
    TOO_OFTEN = "too_often"
    ACCOUNT_NOT_ACTIVE = "account_not_active"
    NO_CREDIT = "no_credit"
    CREDIT_BELOW = "credit_below"
    NO_CREDIT_FOR_MESSAGE = "no_credit_for_message"
    NO_CREDIT_FOR_CALLBACK = "no_credit_for_callback"
    CALL_IS_OVER = "call_is_over"
    CALLER_ID_NOT_OWNED = "caller_id_not_owned"
    NO_ACCESS_NUMBER = "no_access_number"
    ACCESS_NUMBER_BUSY = "access_number_busy"
    CALLBACK_NOT_VERIFIED = "callback_not_verified"
    CALLS_ITSELF = "calls_itself"
    NO_CALLER_NUMBER = "no_caller_number"
    MESSAGE_REFUSED = "message_refused"
    MESSAGE_EMPTY = "message_empty"
    MESSAGE_TOO_LONG = "message_too_long"
    MESSAGE_NOT_PLAIN = "message_not_plain"
    MESSAGE_NOT_ALLOWED = "message_not_allowed"
    MESSAGE_OPTED_OUT = "message_opted_out"
    MESSAGE_WITHOUT_PRICE = "message_without_price"
    MESSAGES_NOT_SENT = "messages_not_sent"
    TOO_MANY_MESSAGES = "too_many_messages"
    PUSH_TOKEN_UNREADABLE = "push_token_unreadable"  # noqa: S105 - a symbol
    NOTHING_THERE = "nothing_there"

    # It is our own fault.
    NOT_SET_UP = "not_set_up"
    TROUBLE = "trouble"


# What is not here is a refusal by policy, 403.
_STATUSES: dict[Sentence, int] = {
    **dict.fromkeys(
        (
            Sentence.CUT_OFF, Sentence.UNKNOWN_BODY, Sentence.NOT_JSON, Sentence.NOT_FLAT, Sentence.NOT_UTF8,
            Sentence.CONTROL_CHARACTERS, Sentence.TOO_MANY_PARAMETERS, Sentence.TOO_LONG, Sentence.CONTRADICTING,
            Sentence.MISSING, Sentence.WRONG_FORMAT, Sentence.UNKNOWN_APP, Sentence.NONCE_UNUSABLE,
            Sentence.DESTINATION_UNREADABLE, Sentence.MESSAGE_EMPTY, Sentence.MESSAGE_TOO_LONG,
            Sentence.PUSH_TOKEN_UNREADABLE,
        ),
        400,
    ),
    Sentence.NO_PROOF: 401,
    Sentence.NOT_PROVED: 401,
    Sentence.TRY_AGAIN: 401,
    Sentence.NOTHING_THERE: 404,
    Sentence.WRONG_METHOD: 405,
    Sentence.NONCE_REPLAYED: 409,
    Sentence.TOO_LARGE: 413,
    Sentence.MESSAGE_NOT_PLAIN: 415,
    Sentence.TOO_MANY_MESSAGES: 429,
    Sentence.TOO_OFTEN: 429,
    Sentence.RATE_LIMITED: 429,
    Sentence.NO_ACCESS_NUMBER: 503,
    Sentence.MESSAGES_NOT_SENT: 503,
    Sentence.NOT_SET_UP: 503,
    Sentence.TROUBLE: 503,
}  # fmt: skip

ENGLISH: dict[Sentence, str] = {
    Sentence.TOO_LARGE: "This request is too large: send at most 16 KiB.",
    Sentence.CUT_OFF: "This request was cut off: please try again.",
    Sentence.UNKNOWN_BODY: "This kind of body cannot be read: send a form or JSON.",
    Sentence.NOT_JSON: "This request is not valid JSON: a quote or a backslash in a value breaks it.",
    Sentence.NOT_FLAT: "This request's JSON has to be one object of texts and numbers, each name once.",
    Sentence.NOT_UTF8: "This request is not UTF-8: check how the app's address and body are encoded.",
    Sentence.CONTROL_CHARACTERS: "This request holds control characters: please type it again.",
    Sentence.TOO_MANY_PARAMETERS: "This request has too many parameters: send at most 40.",
    Sentence.TOO_LONG: "A part of this request is too long: please shorten it.",
    Sentence.CONTRADICTING: "This request says the same thing twice and differently: send each parameter once.",
    Sentence.MISSING: "This request has no {parameter}: check the app's settings.",
    Sentence.WRONG_FORMAT: "This format is not offered: ask for xml, json or form.",
    Sentence.WRONG_METHOD: "This address takes GET and POST only.",
    Sentence.UNKNOWN_APP: "The app that this request names is not set up here: check the app's settings.",
    Sentence.NO_PROOF: "This request carries no proof that this app accepts: check the app's settings.",
    Sentence.NOT_PROVED: "The user name or its proof is wrong: check both, or ask your operator.",
    Sentence.TRY_AGAIN: "The sign-in took too long: please try again.",
    Sentence.PASSWORD_OVER_HTTP: "A password is taken over https only: use an https address in the app's settings.",
    Sentence.NONCE_UNUSABLE: "The nonce is unusable: it needs 8 to 128 visible characters.",
    Sentence.NONCE_REPLAYED: "This request was made before: please try again.",
    Sentence.RATE_LIMITED: "There were too many attempts: please wait a minute and try again.",
    Sentence.DESTINATION_UNREADABLE: "This number cannot be read: write it with + and the country code.",
    Sentence.DESTINATION_UNSUPPORTED: "This kind of call is not available: please call an ordinary number.",
    Sentence.DESTINATION_NOT_ALLOWED: "Your account does not allow calls to this number: ask your operator.",
    Sentence.NO_PRICE: "Calls to this number are not available: please call another one.",
    Sentence.TOO_DEAR: "Calls to this number cost more than your account allows: ask your operator.",
    Sentence.TOO_EXPOSED: "Your account cannot make this call in this way: ask your operator.",
    Sentence.TOO_MANY_CALLS: "You already have as many calls as your account allows: end one first.",
    Sentence.TOO_OFTEN: "You have asked for too many calls within a short time: please wait a while and try again.",
    Sentence.ACCOUNT_NOT_ACTIVE: "Your account is not active: please contact support.",
    Sentence.NO_CREDIT: "Not enough credit for call-through.",
    Sentence.CREDIT_BELOW: "Credit {available} {currency} is below the {needed} {currency} needed for this call.",
    Sentence.NO_CREDIT_FOR_MESSAGE: "Not enough credit for this message: please top up.",
    Sentence.NO_CREDIT_FOR_CALLBACK: "Not enough credit to call you back: please top up.",
    Sentence.CALL_IS_OVER: "This call has ended: please call again.",
    Sentence.CALLER_ID_NOT_OWNED: "The number to be shown is not yours: please choose another one.",
    Sentence.NO_ACCESS_NUMBER: "There is no access number for you at the moment: please try again later.",
    Sentence.ACCESS_NUMBER_BUSY: "The access number is being used for another call: please try again in a minute.",
    Sentence.CALLBACK_NOT_VERIFIED: "The number to call you back at is not verified: verify it first.",
    Sentence.CALLS_ITSELF: "You cannot be connected to the number on which you are called: call another one.",
    Sentence.NO_CALLER_NUMBER: "Your telephone's number is not known here: verify it first.",
    Sentence.MESSAGE_REFUSED: "This message cannot be sent: check its text and the number.",
    Sentence.MESSAGE_EMPTY: "This message is empty: write something.",
    Sentence.MESSAGE_TOO_LONG: "This message is too long: send it in parts.",
    Sentence.MESSAGE_NOT_PLAIN: "Only plain text can be sent to this number: write it as a message.",
    Sentence.MESSAGE_NOT_ALLOWED: "Your account does not allow messages to this number: ask your operator.",
    Sentence.MESSAGE_OPTED_OUT: "This number answered STOP: nothing is sent to it until it answers START.",
    Sentence.MESSAGE_WITHOUT_PRICE: "Messages to this number are not available: please call it instead.",
    Sentence.MESSAGES_NOT_SENT: "Messages cannot be sent at the moment: please contact support.",
    Sentence.TOO_MANY_MESSAGES: "You have sent as many messages as an hour allows: please wait and try again.",
    Sentence.PUSH_TOKEN_UNREADABLE: "This push token or selector cannot be read: check the app's settings.",
    Sentence.NOTHING_THERE: "There is nothing at this address: check the app's settings.",
    Sentence.NOT_SET_UP: "No app is set up here yet: please contact support.",
    Sentence.TROUBLE: "The service is not available at the moment: please try again later.",
}

SPANISH: dict[Sentence, str] = {
    Sentence.TOO_LARGE: "La petición es demasiado grande: envíe como mucho 16 KiB.",
    Sentence.CUT_OFF: "La petición llegó incompleta: inténtelo de nuevo.",
    Sentence.UNKNOWN_BODY: "No se puede leer este tipo de contenido: envíe un formulario o JSON.",
    Sentence.NOT_JSON: "La petición no es JSON válido: unas comillas o una barra invertida en un valor lo rompen.",
    Sentence.NOT_FLAT: "El JSON de la petición debe ser un solo objeto de textos y números, cada nombre una vez.",
    Sentence.NOT_UTF8: "La petición no está en UTF-8: compruebe la codificación de la dirección y del contenido.",
    Sentence.CONTROL_CHARACTERS: "La petición contiene caracteres de control: escríbala de nuevo.",
    Sentence.TOO_MANY_PARAMETERS: "La petición tiene demasiados parámetros: envíe como mucho 40.",
    Sentence.TOO_LONG: "Una parte de la petición es demasiado larga: acórtela.",
    Sentence.CONTRADICTING: "La petición dice lo mismo dos veces y de forma distinta: envíe cada parámetro una vez.",
    Sentence.MISSING: "A la petición le falta {parameter}: compruebe los ajustes de la aplicación.",
    Sentence.WRONG_FORMAT: "Ese formato no se ofrece: pida xml, json o form.",
    Sentence.WRONG_METHOD: "Esta dirección solo admite GET y POST.",
    Sentence.UNKNOWN_APP: "La aplicación que nombra la petición no está configurada: compruebe los ajustes.",
    Sentence.NO_PROOF: "La petición no trae ninguna credencial que esta aplicación acepte: compruebe los ajustes.",
    Sentence.NOT_PROVED: "El usuario o su credencial no son correctos: compruébelos o pregunte a su operador.",
    Sentence.TRY_AGAIN: "La identificación tardó demasiado: inténtelo de nuevo.",
    Sentence.PASSWORD_OVER_HTTP: "La contraseña solo se acepta por https: ponga una dirección https en los ajustes.",
    Sentence.NONCE_UNUSABLE: "El nonce no sirve: debe tener de 8 a 128 caracteres visibles.",
    Sentence.NONCE_REPLAYED: "Esta petición ya se hizo antes: inténtelo de nuevo.",
    Sentence.RATE_LIMITED: "Ha habido demasiados intentos: espere un minuto e inténtelo de nuevo.",
    Sentence.DESTINATION_UNREADABLE: "No se puede leer este número: escríbalo con + y el prefijo del país.",
    Sentence.DESTINATION_UNSUPPORTED: "Este tipo de llamada no está disponible: llame a un número corriente.",
    Sentence.DESTINATION_NOT_ALLOWED: "Su cuenta no permite llamar a este número: pregunte a su operador.",
    Sentence.NO_PRICE: "No se puede llamar a este número: llame a otro.",
    Sentence.TOO_DEAR: "Llamar a este número cuesta más de lo que permite su cuenta: pregunte a su operador.",
    Sentence.TOO_EXPOSED: "Su cuenta no puede hacer esta llamada de este modo: pregunte a su operador.",
    Sentence.TOO_MANY_CALLS: "Ya tiene todas las llamadas que permite su cuenta: termine una antes.",
    Sentence.TOO_OFTEN: "Ha pedido demasiadas llamadas en poco tiempo: espere un rato e inténtelo de nuevo.",
    Sentence.ACCOUNT_NOT_ACTIVE: "Su cuenta no está activa: póngase en contacto con atención al cliente.",
    Sentence.NO_CREDIT: "No hay saldo suficiente para la llamada.",
    Sentence.CREDIT_BELOW: "El saldo de {available} {currency} no llega a los {needed} {currency} de esta llamada.",
    Sentence.NO_CREDIT_FOR_MESSAGE: "No hay saldo suficiente para este mensaje: recargue, por favor.",
    Sentence.NO_CREDIT_FOR_CALLBACK: "No hay saldo suficiente para llamarle: recargue, por favor.",
    Sentence.CALL_IS_OVER: "Esta llamada ha terminado: llame de nuevo.",
    Sentence.CALLER_ID_NOT_OWNED: "El número que se mostraría no es suyo: elija otro, por favor.",
    Sentence.NO_ACCESS_NUMBER: "Ahora no hay ningún número de acceso para usted: inténtelo más tarde.",
    Sentence.ACCESS_NUMBER_BUSY: "El número de acceso se está usando para otra llamada: inténtelo en un minuto.",
    Sentence.CALLBACK_NOT_VERIFIED: "El número al que le llamaríamos no está verificado: verifíquelo antes.",
    Sentence.CALLS_ITSELF: "No se le puede conectar con el mismo número al que le llamamos: llame a otro.",
    Sentence.NO_CALLER_NUMBER: "No conocemos el número de su teléfono: verifíquelo antes.",
    Sentence.MESSAGE_REFUSED: "No se puede enviar este mensaje: compruebe el texto y el número.",
    Sentence.MESSAGE_EMPTY: "El mensaje está vacío: escriba algo.",
    Sentence.MESSAGE_TOO_LONG: "El mensaje es demasiado largo: envíelo por partes.",
    Sentence.MESSAGE_NOT_PLAIN: "A este número solo se puede enviar texto: escríbalo como mensaje.",
    Sentence.MESSAGE_NOT_ALLOWED: "Su cuenta no permite mensajes a este número: pregunte a su operador.",
    Sentence.MESSAGE_OPTED_OUT: "Este número respondió STOP: no se le envía nada hasta que responda START.",
    Sentence.MESSAGE_WITHOUT_PRICE: "No se pueden enviar mensajes a este número: llámelo, por favor.",
    Sentence.MESSAGES_NOT_SENT: "Ahora no se pueden enviar mensajes: póngase en contacto con atención al cliente.",
    Sentence.TOO_MANY_MESSAGES: "Ha enviado todos los mensajes que permite una hora: espere e inténtelo de nuevo.",
    Sentence.PUSH_TOKEN_UNREADABLE: "No se puede leer el token o el selector: compruebe los ajustes.",
    Sentence.NOTHING_THERE: "No hay nada en esta dirección: compruebe los ajustes de la aplicación.",
    Sentence.NOT_SET_UP: "Todavía no hay ninguna aplicación configurada: póngase en contacto con atención al cliente.",
    Sentence.TROUBLE: "El servicio no está disponible en este momento: inténtelo más tarde.",
}

_TABLES = {"en": ENGLISH, "es": SPANISH}

_REASONS: dict[Reason, Sentence] = {
    Reason.UNKNOWN_CALLER: Sentence.NOT_PROVED,
    Reason.NOT_IDENTIFIED: Sentence.NO_PROOF,
    Reason.ACCOUNT_NOT_ACTIVE: Sentence.ACCOUNT_NOT_ACTIVE,
    Reason.DESTINATION_UNREADABLE: Sentence.DESTINATION_UNREADABLE,
    Reason.DESTINATION_UNSUPPORTED: Sentence.DESTINATION_UNSUPPORTED,
    Reason.DESTINATION_NOT_ALLOWED: Sentence.DESTINATION_NOT_ALLOWED,
    Reason.NO_RATE: Sentence.NO_PRICE,
    Reason.TOO_DEAR: Sentence.TOO_DEAR,
    Reason.TOO_EXPOSED: Sentence.TOO_EXPOSED,
    Reason.PIN_REFUSED: Sentence.NOT_PROVED,
    Reason.NO_FREE_SLOT: Sentence.TOO_MANY_CALLS,
    Reason.NOT_ENOUGH_CREDIT: Sentence.NO_CREDIT,
    Reason.CALL_IS_OVER: Sentence.CALL_IS_OVER,
    Reason.UNKNOWN_CALL: Sentence.CALL_IS_OVER,
    Reason.ODD_EVENT: Sentence.TROUBLE,
    Reason.OWN_TROUBLE: Sentence.TROUBLE,
    Reason.CALLER_ID_NOT_OWNED: Sentence.CALLER_ID_NOT_OWNED,
    Reason.NO_APPLICATION: Sentence.TROUBLE,
    Reason.CALLBACK_NUMBER_NOT_VERIFIED: Sentence.CALLBACK_NOT_VERIFIED,
    Reason.CALLS_ITSELF: Sentence.CALLS_ITSELF,
    Reason.TOO_OFTEN: Sentence.TOO_OFTEN,
    Reason.NO_CALLER_NUMBER: Sentence.NO_CALLER_NUMBER,
    Reason.NO_ACCESS_NUMBER: Sentence.NO_ACCESS_NUMBER,
    Reason.ACCESS_NUMBER_BUSY: Sentence.ACCESS_NUMBER_BUSY,
}

# As telephony.policy writes it; a test holds the two together.
_CREDIT = re.compile(r"([0-9.]+) ([A-Z]{3}) needed to begin, (-?[0-9.]+) available\.")


class Refused(Exception):
    """A request is refused: the app shows `sentence`, with its figures, under the sentence's status.

    `headers` go with the response, such as what HTTP asks of a 401. Raises KeyError when a figure is missing.
    """

    def __init__(self, sentence: Sentence, *, headers: Mapping[str, str] | None = None, **figures: str) -> None:
        super().__init__(sentence.value)
        self.sentence = sentence
        self.figures = figures
        self.headers = dict(headers or {})
        self.message(LANGUAGES[0])  # a figure that is missing is our mistake: found here, not while answering

    @property
    def status(self) -> int:
        """The HTTP status, never a 2xx."""
        return status_of(self.sentence)

    def message(self, language: str) -> str:
        """What the app shows."""
        return say(self.sentence, language, **self.figures)


def say(sentence: Sentence, language: str, **figures: str) -> str:
    """The sentence with its figures, in English where we do not speak the language.

    >>> say(Sentence.CREDIT_BELOW, "en", available="0.12", needed="0.30", currency="EUR")
    'Credit 0.12 EUR is below the 0.30 EUR needed for this call.'
    """
    return _TABLES.get(language, ENGLISH)[sentence].format(**figures)


def status_of(sentence: Sentence) -> int:
    """The HTTP status that goes with a sentence."""
    return _STATUSES.get(sentence, 403)


def refused_by(refusal: Refuse) -> Refused:
    """The refusal of a call as the app shows it, to be raised. What credit is left is said in figures."""
    figures = _CREDIT.fullmatch(refusal.detail)
    if refusal.reason is Reason.NOT_ENOUGH_CREDIT and figures is not None:
        needed, currency, available = figures.groups()
        if Decimal(available) <= 0:
            return Refused(Sentence.NO_CREDIT)
        return Refused(Sentence.CREDIT_BELOW, needed=needed, currency=currency, available=available)
    return Refused(_REASONS[refusal.reason])


def spoken_language(*wishes: str) -> str:
    """The first language of the wishes that we speak, else English. A wish is `es`, `es-ES` or an Accept-Language.

    >>> spoken_language("", "fr;q=0.9, es-MX;q=0.8, en;q=0.5", "en")
    'es'
    """
    for wish in wishes:
        for language in _by_preference(wish):
            if language in LANGUAGES:
                return language
    return LANGUAGES[0]


def _by_preference(wish: str) -> list[str]:
    """The languages of a wish, best first; those with q=0 are not wanted."""
    weighed: list[tuple[str, str]] = []
    for part in wish.split(",", MOST_LANGUAGES_ASKED)[:MOST_LANGUAGES_ASKED]:
        tag, _, weight = part.strip().partition(";")
        quality = weight.strip().removeprefix("q=") or "1"
        if re.fullmatch(r"0(\.[0-9]{0,3})?|1(\.0{0,3})?", quality) and quality.strip("0."):
            # As texts they sort as their numbers do: all of them begin with one digit.
            weighed.append((quality, re.split("[-_]", tag.strip().lower())[0]))
    return [language for _, language in sorted(weighed, key=lambda pair: pair[0], reverse=True)]
