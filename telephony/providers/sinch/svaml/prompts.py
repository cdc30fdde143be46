"""Prompts: what is played to a caller. A text to speak, SSML, a sound on the web, or the name of an uploaded file.

Several in a row are written in one string with `;` between them and played without a pause.

>>> chain(tts("Welcome."), file("jingle.wav"))
'#tts[Welcome.];jingle.wav'
"""

from __future__ import annotations

import re

from telephony.providers.sinch.svaml.checks import require_length, require_speakable, require_web_address
from telephony.providers.sinch.svaml.errors import BuilderError
from telephony.providers.sinch.svaml.limits import LONGEST_FILE_NAME

_MARKED = re.compile(r"#(tts|ssml|href)\[(.*)\]", re.DOTALL)
_SPELLED = re.compile(r"#(tts|ssml|href)\[", re.IGNORECASE)
_NO_FILE_NAME = re.compile("[#\\[\\];\x00-\x1f\ud800-\udfff]")


def tts(text: str) -> str:
    """A text to speak. `]` and `;` would end it early and are refused."""
    require_speakable("tts", text)
    return f"#tts[{text}]"


def ssml(markup: str) -> str:
    """SSML to speak, `<speak>…</speak>`. `]` and `;` would end it early and are refused, so write no entities."""
    require_speakable("ssml", markup)
    return f"#ssml[{markup}]"


def href(address: str) -> str:
    """A sound on the web: http or https, at most 1 MB, with an audio content type."""
    require_web_address("href", address, "http", "https")
    return f"#href[{address}]"


def file(name: str) -> str:
    """A sound that was uploaded to Sinch, by its name."""
    _require_file_name("file", name)
    return name


def chain(*prompts: str) -> str:
    """Several prompts, one after the other."""
    return ";".join(prompts)


def respelled(prompts: str) -> str:
    """The same prompts with their marks in lower case: the README writes `#TTS[`."""
    return _SPELLED.sub(lambda mark: mark[0].lower(), prompts)


def require_prompts(field: str, prompts: str, *, bare_address: bool = False) -> None:
    """That every prompt in a row can be played. A bare web address is one in menus only."""
    for prompt in prompts.split(";"):
        _require_prompt(field, prompt, bare_address)


def require_one_prompt(field: str, prompt: str) -> None:
    _require_prompt(field, prompt, False)


def spoken_in(prompts: str) -> list[str]:
    """The texts among prompts that were found to be right: those to speak, and SSML with its marks."""
    return [prompt[prompt.index("[") + 1 : -1] for prompt in prompts.split(";") if prompt.startswith(("#tts", "#ssml"))]


def _require_prompt(field: str, prompt: str, bare_address: bool) -> None:
    if not prompt.startswith("#"):
        if bare_address and "://" in prompt:
            require_web_address(field, prompt, "http", "https")
        else:
            _require_file_name(field, prompt)
    elif marked := _MARKED.fullmatch(prompt):
        kind, inside = marked.groups()
        if kind == "href":
            require_web_address(field, inside, "http", "https")
        else:
            require_speakable(field, inside)
    else:
        raise BuilderError(field, "#tts[…], #ssml[…], #href[…] or a file name, without ] and ; inside", prompt)


def _require_file_name(field: str, name: str) -> None:
    require_length(field, name, LONGEST_FILE_NAME)
    if _NO_FILE_NAME.search(name) or "://" in name:
        raise BuilderError(field, "the name of an uploaded file", name)
