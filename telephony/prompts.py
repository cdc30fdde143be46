"""What callers hear and customers read: one catalogue, symbol to sentence, in English and Spanish.

A menu has a language. Where we have no sentence in it, English is spoken with the menu's voice.
"""

from __future__ import annotations

from decimal import ROUND_FLOOR, Decimal
from enum import StrEnum

from telephony.decisions import Reason, Refuse
from telephony.menus import LOCALE, Prompt, say

# Spoken to the caller. Short, polite, and never says anything about somebody else's account.
SPOKEN: dict[Reason, str] = {
    Reason.UNKNOWN_CALLER: "We do not know this caller. Please sign in to the app again.",
    Reason.NOT_IDENTIFIED: "This number cannot be used without signing in. Please call from the app.",
    Reason.ACCOUNT_NOT_ACTIVE: "Your account is not active. Please contact support.",
    Reason.DESTINATION_UNREADABLE: "This number is not valid. Please check it and dial again.",
    Reason.DESTINATION_UNSUPPORTED: "This kind of call is not available.",
    Reason.DESTINATION_NOT_ALLOWED: "Calls to this number are not allowed from your account.",
    Reason.NO_RATE: "Calls to this number are not available.",
    Reason.TOO_DEAR: "Calls to this number cost more than your account allows.",
    Reason.TOO_EXPOSED: "Your account cannot make this call in this way. Please contact support.",
    Reason.PIN_REFUSED: "This PIN is not right. Goodbye.",
    Reason.NO_FREE_SLOT: "You already have as many calls as your account allows.",
    Reason.NOT_ENOUGH_CREDIT: "You do not have enough credit for this call. Please top up.",
    Reason.CALL_IS_OVER: "This call has ended.",
    Reason.UNKNOWN_CALL: "This call cannot be continued.",
    Reason.ODD_EVENT: "This call cannot be connected.",
    Reason.OWN_TROUBLE: "The service is not available at the moment. Please try again later.",
    Reason.CALLER_ID_NOT_OWNED: "The number to be shown is not yours. Please choose another one.",
    Reason.NO_APPLICATION: "The service is not available at the moment. Please try again later.",
    Reason.CALLBACK_NUMBER_NOT_VERIFIED: "The number to call you back on is not verified. Please verify it first.",
    Reason.CALLS_ITSELF: "You cannot be connected to the number on which you are called.",
    Reason.TOO_OFTEN: "That was too often. Please wait a minute and try again.",
    Reason.NO_CALLER_NUMBER: "We do not know your telephone's number. Please verify it first.",
    Reason.NO_ACCESS_NUMBER: "There is no access number for you at the moment.",
    Reason.ACCESS_NUMBER_BUSY: "Somebody else on your account is dialling just now. Please try again in a minute.",
}

SPOKEN_IN_SPANISH: dict[Reason, str] = {
    Reason.UNKNOWN_CALLER: "No conocemos este número. Entre de nuevo en la aplicación, por favor.",
    Reason.NOT_IDENTIFIED: "Este número no se puede usar sin identificarse. Llame desde la aplicación, por favor.",
    Reason.ACCOUNT_NOT_ACTIVE: "Su cuenta no está activa. Póngase en contacto con atención al cliente.",
    Reason.DESTINATION_UNREADABLE: "Este número no es válido. Compruébelo y márquelo de nuevo.",
    Reason.DESTINATION_UNSUPPORTED: "Este tipo de llamada no está disponible.",
    Reason.DESTINATION_NOT_ALLOWED: "Su cuenta no permite llamar a este número.",
    Reason.NO_RATE: "No se puede llamar a este número.",
    Reason.TOO_DEAR: "Llamar a este número cuesta más de lo que permite su cuenta.",
    Reason.TOO_EXPOSED: "Su cuenta no puede hacer esta llamada de este modo. Contacte con atención al cliente.",
    Reason.PIN_REFUSED: "Este código no es correcto. Adiós.",
    Reason.NO_FREE_SLOT: "Ya tiene todas las llamadas que permite su cuenta.",
    Reason.NOT_ENOUGH_CREDIT: "No tiene saldo suficiente para esta llamada. Recargue, por favor.",
    Reason.CALL_IS_OVER: "Esta llamada ha terminado.",
    Reason.UNKNOWN_CALL: "Esta llamada no puede continuar.",
    Reason.ODD_EVENT: "No se puede conectar esta llamada.",
    Reason.OWN_TROUBLE: "El servicio no está disponible en este momento. Inténtelo más tarde.",
    Reason.CALLER_ID_NOT_OWNED: "El número que se mostraría no es suyo. Elija otro, por favor.",
    Reason.NO_APPLICATION: "El servicio no está disponible en este momento. Inténtelo más tarde.",
    Reason.CALLBACK_NUMBER_NOT_VERIFIED: "El número al que le llamaríamos no está verificado. Verifíquelo primero.",
    Reason.CALLS_ITSELF: "No se le puede conectar con el mismo número al que le llamamos.",
    Reason.TOO_OFTEN: "Ha sido demasiado a menudo. Espere un minuto e inténtelo de nuevo.",
    Reason.NO_CALLER_NUMBER: "No conocemos el número de su teléfono. Verifíquelo primero, por favor.",
    Reason.NO_ACCESS_NUMBER: "No hay ningún número de acceso para usted en este momento.",
    Reason.ACCESS_NUMBER_BUSY: "Otra persona de su cuenta está marcando ahora. Inténtelo de nuevo en un minuto.",
}

# Read by customers and staff beside the refused call.
WRITTEN: dict[Reason, str] = {
    Reason.UNKNOWN_CALLER: "The caller belongs to no account.",
    Reason.NOT_IDENTIFIED: "A caller's number alone is no proof of who calls.",
    Reason.ACCOUNT_NOT_ACTIVE: "The account was not active.",
    Reason.DESTINATION_UNREADABLE: "The number dialled could not be read.",
    Reason.DESTINATION_UNSUPPORTED: "This kind of destination is not offered.",
    Reason.DESTINATION_NOT_ALLOWED: "The account's destination rules do not allow this number.",
    Reason.NO_RATE: "There is no price for this destination.",
    Reason.TOO_DEAR: "The price per minute is above the account's limit.",
    Reason.TOO_EXPOSED: "Only we can end this call in time, and the account's exposure allowance is too small for it.",
    Reason.PIN_REFUSED: "The PIN was wrong too often.",
    Reason.NO_FREE_SLOT: "The account already had as many calls as it may have at once.",
    Reason.NOT_ENOUGH_CREDIT: "The credit was not enough to begin this call.",
    Reason.CALL_IS_OVER: "The call had already ended.",
    Reason.UNKNOWN_CALL: "The call was never authorised.",
    Reason.ODD_EVENT: "The provider's message could not be understood.",
    Reason.OWN_TROUBLE: "Our own systems could not decide, so the call was refused.",
    Reason.CALLER_ID_NOT_OWNED: "The number to be shown is no longer a verified number of the account.",
    Reason.NO_APPLICATION: "The application that was to place the call is switched off.",
    Reason.CALLBACK_NUMBER_NOT_VERIFIED: "The number to be called back is no verified number of the app's user.",
    Reason.CALLS_ITSELF: "The number to be called back was also the destination.",
    Reason.TOO_OFTEN: "The account asked too often within a short time.",
    Reason.NO_CALLER_NUMBER: "The app's user has no verified number to call from.",
    Reason.NO_ACCESS_NUMBER: "No access number is offered for the caller's country, and none by default.",
    Reason.ACCESS_NUMBER_BUSY: "Somebody else of the account was about to call the same access number.",
}


class Phrase(StrEnum):
    """What a menu says between its questions."""

    WRONG_INPUT = "wrong_input"
    GOODBYE = "goodbye"
    THANKS = "thanks"
    ASK_PIN = "ask_pin"
    WRONG_PIN = "wrong_pin"
    ASK_DESTINATION = "ask_destination"
    ASK_CARD_PIN = "ask_card_pin"
    BALANCE = "balance"
    ONE_MINUTE = "one_minute"
    MINUTES = "minutes"
    LOW_BALANCE = "low_balance"
    CONNECTING = "connecting"
    NOT_REACHED = "not_reached"


PHRASES: dict[str, dict[Phrase, str]] = {
    "en": {
        Phrase.WRONG_INPUT: "Sorry, that is not possible here.",
        Phrase.GOODBYE: "Goodbye.",
        Phrase.THANKS: "Thank you. Goodbye.",
        Phrase.ASK_PIN: "Please enter your PIN, then press the hash key.",
        Phrase.WRONG_PIN: "This PIN is not right.",
        Phrase.ASK_DESTINATION: "Please enter the number you wish to call, then press the hash key.",
        Phrase.ASK_CARD_PIN: "Please enter your PIN, then press the hash key. On a telephone that is not yours, enter "
        "your card number first.",
        Phrase.BALANCE: "You have {amount}.",
        Phrase.ONE_MINUTE: "You can talk for one minute.",
        Phrase.MINUTES: "You can talk for {minutes} minutes.",
        Phrase.CONNECTING: "Please hold the line. You are being connected.",
        Phrase.NOT_REACHED: "Nobody could be reached. Goodbye.",
        Phrase.LOW_BALANCE: "This is an automatic message about your account. Your balance is {amount}. That is less "
        "than the {threshold} of which you asked to be warned. Please top up. Goodbye.",
    },
    "es": {
        Phrase.WRONG_INPUT: "Lo sentimos, eso no es posible aquí.",
        Phrase.GOODBYE: "Adiós.",
        Phrase.THANKS: "Gracias. Adiós.",
        Phrase.ASK_PIN: "Introduzca su código y pulse almohadilla.",
        Phrase.WRONG_PIN: "Este código no es correcto.",
        Phrase.ASK_DESTINATION: "Introduzca el número al que quiere llamar y pulse almohadilla.",
        Phrase.ASK_CARD_PIN: "Introduzca su código y pulse almohadilla. Desde un teléfono que no sea el suyo, "
        "introduzca antes su número de tarjeta.",
        Phrase.BALANCE: "Tiene {amount}.",
        Phrase.ONE_MINUTE: "Puede hablar un minuto.",
        Phrase.MINUTES: "Puede hablar {minutes} minutos.",
        Phrase.CONNECTING: "No cuelgue, por favor. Le estamos conectando.",
        Phrase.NOT_REACHED: "No se ha podido contactar con nadie. Adiós.",
        Phrase.LOW_BALANCE: "Este es un mensaje automático sobre su cuenta. Su saldo es de {amount}. Es menos que el "
        "aviso que pidió: {threshold}. Recargue, por favor. Adiós.",
    },
}

CURRENCIES: dict[str, dict[str, str]] = {
    "en": {"USD": "US dollars", "EUR": "euros", "GBP": "pounds", "SEK": "Swedish kronor", "AUD": "Australian dollars"},
    "es": {"USD": "dólares", "EUR": "euros", "GBP": "libras", "SEK": "coronas suecas", "AUD": "dólares australianos"},
}

MINUS = {"en": "minus", "es": "menos"}

CENT = Decimal("0.01")


def refusal(reason: Reason, detail: str = "", locale: str = LOCALE) -> Refuse:
    """The refusal for a reason, with its spoken sentence and the figures behind it."""
    spoken = SPOKEN_IN_SPANISH if _language(locale) == "es" else SPOKEN
    return Refuse(reason=reason, say=spoken[reason], locale=locale, detail=detail)


def phrase(phrase: Phrase, locale: str, **figures: str) -> Prompt:
    """A sentence between two questions, with its figures put in."""
    return say(PHRASES[_language(locale)][phrase].format(**figures))


def balance(available: Decimal, currency: str, locale: str) -> Prompt:
    """What the account may still spend, never more than it is: fractions of a cent are left out."""
    return phrase(Phrase.BALANCE, locale, amount=_amount(available, currency, locale))


def low_balance(balance: Decimal, threshold: Decimal, currency: str, locale: str) -> str:
    """What is said on the telephone to somebody whose balance fell below a threshold."""
    amount, below = _amount(balance, currency, locale), _amount(threshold, currency, locale)
    return PHRASES[_language(locale)][Phrase.LOW_BALANCE].format(amount=amount, threshold=below)


def time_to_talk(seconds: int, locale: str) -> Prompt:
    """For how long the caller can talk, in whole minutes; nothing when it is less than one."""
    minutes = seconds // 60
    if minutes < 1:
        return ()
    if minutes == 1:
        return phrase(Phrase.ONE_MINUTE, locale)
    return phrase(Phrase.MINUTES, locale, minutes=str(minutes))


def _amount(amount: Decimal, currency: str, locale: str) -> str:
    language, whole = _language(locale), amount.quantize(CENT, ROUND_FLOOR)
    name = CURRENCIES[language].get(currency, currency)
    return f"{MINUS[language]} {-whole} {name}" if whole < 0 else f"{whole} {name}"


def _language(locale: str) -> str:
    language = locale.partition("-")[0]
    return language if language in PHRASES else "en"
