"""What Sinch allows, in numbers and words, each with where it is written.

*Documentation* is Sinch's, today's and that of 2019 to 2021. *README* and *C#* are the old server SDK, the promise and
the program. A number after *contradiction* is its row in the table of docs/providers/sinch-svaml.md. Where two sources
disagree, the stricter one holds, unless it says otherwise here.
"""

from __future__ import annotations

from dataclasses import dataclass

PRIVATE = "private"
INCOMING = "incoming"
MAIN = "main"


@dataclass(frozen=True)
class SpeechLimits:
    """How many characters a platform speaks for us. Sinch's support raises these numbers for a customer on request.

    `per_prompt` is of one text; `in_all` of a whole reply; above `advised` a reply is built with a Caution.
    """

    per_prompt: int = 600  # documentation and C#; contradiction 5
    in_all: int = 1_000  # C#
    advised: int = 200  # README, which knew no more; contradiction 5


SPEECH = SpeechLimits()

# Spoken and played
LONGEST_SPEECH = SPEECH.per_prompt
MOST_PROMPTS = 64  # C#, by its text
LONGEST_FILE_NAME = 128  # C# 1.3.0
DTMF_TO_SEND = "0123456789#w"  # documentation; w waits half a second

# Cookies and headers
LONGEST_COOKIE_KEY = 50  # README
LONGEST_COOKIE_BYTES = 1_024  # documentation: keys and values; README: values. All of a reply together.
LONGEST_HEADERS_BYTES = 1_024  # documentation: keys and values as UTF-8

# Who is connected
LONGEST_CALL_SECONDS = 14_400  # documentation; README: 4 hours
LONGEST_USER = 128  # C#
LONGEST_CONFERENCE_ID = 64  # documentation; C# allows 128. Contradiction 7
LONGEST_PARK_SECONDS = 600  # documentation

# Documentation, then what only the README lists. `no` is Norway, which YAML made `false` of.
INDICATIONS = frozenset({
    "at", "au", "be", "bg", "br", "ch", "cl", "cn", "cz", "de", "dk", "ee", "es", "fi", "fr", "gr", "hu", "il", "in",
    "it", "jp", "lt", "mx", "my", "nl", "no", "nz", "ph", "pl", "pt", "ru", "se", "sg", "th", "tw", "uk", "us", "ve",
    "za", "ml", "us-old",
})  # fmt: skip
MUSIC_ON_HOLD = frozenset({"ring", "music1", "music2", "music3"})  # documentation
TRANSPORTS = frozenset({"UDP", "TCP", "TLS"})  # documentation, which spells them in every case
CONFERENCE_DTMF_MODES = frozenset({"ignore", "forward", "detect"})  # documentation
CONFERENCE_TYPES = frozenset({"twopart", "multipart"})  # C#

# Menus
LONGEST_MENU_ID = 64  # C#
SHORTEST_MENU_MILLS = 1_000  # C#: 1 s
LONGEST_MENU_MILLS = 30_000  # C#: 30 s
KEYS = "0123456789*#"  # documentation

# After the call
LONGEST_DETAILS = 64  # documentation, which trims what is longer

# Our own: nothing is read without bounds
LONGEST_PASTED_BYTES = 65_536
