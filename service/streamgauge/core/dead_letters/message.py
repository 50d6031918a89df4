"""Messages without the values in them: equal causes have equal messages, and no secret is left.

| placeholder | stands for |
|---|---|
| `<text>` | what is quoted, in brackets or tags, or behind `=`, `payload:` or a word for secrets |
| `<n>` | a number |
| `<id>` | a UUID, a hash, a token, an identity hash, a word that looks like one |
| `<email>` `<url>` `<ip>` `<path>` `<time>` | what they say |

What is opened and not closed is masked to the end. Too much is masked rather than too little.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from streamgauge.core.dead_letters.quoted import TEXT, without_quotes
from streamgauge.core.dead_letters.words import SHORT, masked_word

LONGEST_RAW: Final = 4096
"""Characters of a message that are masked, and twice as many bytes that are read."""
LONGEST: Final = 200
"""Characters of a masked message."""
MOST_PREFIXES: Final = 8
LONGEST_REMEMBERED: Final = 64
"""Characters of a word that is not masked anew each time: messages have few different words."""
_LISTENER: Final = "Listener method '"
_THREW: Final = "' threw exception; "
_FAILED: Final = "Listener failed; "
_HANDLER: Final = "error occurred in message handler ["
_NESTED: Final = "nested exception is "

_BEFORE_VALUES: Final = (
    *("payload", "value", "body", "content", "record", "data", "input", "source", "string", "text"),
    *("literal", "document", "line", "key", "header", "param", "parameter", "argument", "arg"),
    *("request", "response"),
)
"""Behind these and a colon stands what was processed, to the end of the message."""
_SECRETS: Final = (
    *(
        "passw",
        "passphrase",
        "passcode",
        "pwd",
        "secret",
        "token",
        "api",
        "access",
        "private",
        "authori",
    ),
    *("credential", "cookie", "session", "signature", "card", "cvv", "cvc", "iban", "ssn", "pin"),
    *("sid", "jwt", "otp"),
)
"""Without one of these there is no match."""
_BARE_SECRETS: Final = (
    *("password", "passwd", "passphrase", "passcode", "pwd", "bearer", "basic", "digest", "token"),
    *("secret", "cookie", "apikey", "api key", "api-key", "api_key", "access key", "access-key"),
    *("access_key", "private key", "private-key", "private_key", "credentials", "credential"),
)
"""The word behind one of these is taken for it, unless it is one of grammar."""
_tail = re.compile(rf"(?i)({'|'.join(_BEFORE_VALUES)})(s?\s{{0,3}}(?::(?!:)|=)).*").sub
_secret = re.compile(
    r"(?i)(passw|passphrase|passcode|pwd|secret|token|api[-_ ]?key|access[-_ ]?key|private[-_ ]?key"
    r"|authori[sz]ation|credential|cookie|session|signature|card|cvv|cvc|iban|ssn|\bpin\b"
    r"|\bsid\b|\bjwt\b|\botp\b)([\w-]{0,30}(?: (?:number|id|value|code))?)"
    r"\s{0,3}(?::(?!:)|=|\bis\b|\bwas\b)(?:[^,;]|[,;](?!\s))*"
).sub
_bare_secret = re.compile(
    rf"(?i)({'|'.join(_BARE_SECRETS)})\s{{1,3}}(?!(?:for|of|is|was|in|from|has|had|not|and|or|to|the"
    r"|expired|invalid|missing|rejected|required|refused|at|by|on)\b)[^\s,;]{1,256}"
).sub
_assigned = re.compile(r"=(?:[^,;]|[,;](?!\s))*").sub
_numbers = re.compile(r"<n>(?:[ -]<n>)+").sub
_times = re.compile(r"<time>(?: <time>)+").sub


def read_message(value: bytes | None) -> str | None:
    """The text of a header, not masked; of a long one its beginning."""
    if value is None:
        return None
    text = value[: 2 * LONGEST_RAW].decode(errors="replace")
    return _cut(text, len(text)) if len(value) > 2 * LONGEST_RAW else text


def own_message(text: str) -> str:
    """The message of the exception itself, where Spring put its own in front; not masked."""
    for _ in range(MOST_PREFIXES):
        if text.startswith(_LISTENER) and (at := text.find(_THREW)) >= 0:
            text = text[at + len(_THREW) :]
        elif text.startswith(_FAILED):
            text = text[len(_FAILED) :]
        elif text.startswith(_HANDLER) and (at := text.find("]; ", len(_HANDLER))) >= 0:
            text = text[at + 3 :]
        elif text.startswith(_NESTED):
            _, colon, text = text.partition(": ")
            if not colon:
                return ""
        else:
            break
    return text


def mask(text: str | None) -> str | None:
    """A message in which every value is replaced; None where nothing is left."""
    if not text:
        return None
    if len(text) > LONGEST_RAW:
        text = _cut(text, LONGEST_RAW)
    if not text.isprintable():
        text = "".join([each if each.isprintable() else " " for each in text])
    text = " ".join(text.split())
    masked = _masked_words(_without_values(text)).replace(TEXT, "<text>")
    masked = _times("<time>", _numbers("<n>", masked))
    if len(masked) > LONGEST:
        masked = masked[:LONGEST]
        if masked.rfind("<") > masked.rfind(">"):
            masked = masked[: masked.rfind("<")]
    return masked.strip() or None


def _without_values(text: str) -> str:
    """What is quoted or follows a name is replaced; words are not looked at."""
    text = without_quotes(text)
    lower = text.lower()
    is_assigned = "=" in text
    if (is_assigned or ":" in text) and _mentions(lower, _BEFORE_VALUES):
        text = _tail(rf"\1\2 {TEXT}", text, count=1)
    if _mentions(lower, _SECRETS):
        text = _secret(rf"\1\2: {TEXT}", text)
        text = _bare_secret(rf"\1 {TEXT}", text)
    elif _mentions(lower, _BARE_SECRETS):
        text = _bare_secret(rf"\1 {TEXT}", text)
    return _assigned(f"={TEXT}", text) if is_assigned else text


def _mentions(lower_text: str, words: tuple[str, ...]) -> bool:
    return any(word in lower_text for word in words)


_remembered: Final = lru_cache(maxsize=2048)(masked_word)


def _masked_words(text: str) -> str:
    """As many words as may be needed, each by itself."""
    words: list[str] = []
    length = 0
    for word in text.split():
        if len(word) > LONGEST_REMEMBERED:
            masked = masked_word(word)
        else:
            masked = word if len(word) < SHORT and word.isalpha() else _remembered(word)
        words.append(masked)
        length += len(masked)
        if length > 2 * LONGEST:
            break
    return " ".join(words)


def _cut(text: str, length: int) -> str:
    """So much of it, less the last word: half a token would not be known as one."""
    return text[: max(text.rfind(" ", 0, length), 0)]
