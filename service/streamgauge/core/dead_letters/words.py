"""One word of a message, masked if it is a value: a number, a name in a network, a token."""

from __future__ import annotations

import re
from typing import Final

SHORT: Final = 8
"""Characters below which no word is a token."""
OPAQUE: Final = 20
"""Characters from which on a word without a meaning is one."""
_trimmed = re.compile("([.,;:!?)(\\]\u2026]*)(.*?)([.,;:!?)(\\]\u2026]*)", re.DOTALL).fullmatch
_whole = re.compile(
    r"(?P<id>.*eyJ.*|(?:(?:sk|pk|rk|whsec|pat|tok)[-_]|gh[pousr]_|github_pat_|xox[a-z]-|glpat-"
    r"|AKIA|ASIA|AIza|ya29|SG\.|npm_|dop_v1_|hv[sb]\.)[\w.-]{4}.*)"
    r"|(?P<url>.*://.*|www\..*|(?:jdbc|mailto|data|urn):.*)"
    r"|(?P<email>[^@]+@(?![0-9a-fA-F]{1,16}\Z|-?\d+\Z).*)"
    r"|(?P<time>\d{4}-\d{2}-\d{2}(?:[Tt_]\d{2}:\d{2}(?::\d{2})?(?:[.,]\d+)?(?:[Zz]|[+-]\d{2}:?\d{2})?)?"
    r"|\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?(?:[Zz]|[+-]\d{2}:?\d{2})?|\d{1,2}[./]\d{1,2}[./]\d{2,4})"
    r"|(?P<ip>(?=.*\d)[0-9a-fA-F]{0,4}(?::[0-9a-fA-F]{0,4}){2,8})"
    r"|(?P<path>.*\\.*|(?:~|\.)?/.*|[^/]*/[^/]*/.*)",
    re.DOTALL,
).fullmatch
"""Words that are one value; the group is what they are."""
_may_be_whole = re.compile(
    r"[@/\\:_-]|\d[./]\d|eyJ|\A(?:AKIA|ASIA|AIza|ya29|SG\.|hv[sb]\.|www\.)"
).search
"""Cheap, and true of every word that is."""
_ips = re.compile(r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?::\d{1,5}|/\d{1,2})?(?![\d.])").sub
_number = re.compile(
    r"[-+#]?(?:0[xX][0-9a-fA-F]+|[\d.,_]*\d[\d.,_]*)([A-Za-z\u00b5%]{0,3})"
).fullmatch
_identity = re.compile(r"([^@]*)@[0-9a-fA-F-]{1,17}").fullmatch
_run = re.compile(r"[\w+/=~-]{20,}").sub
_piece = re.compile(r"\w+").sub
_hex = re.compile(r"[0-9a-fA-F]{8,}").fullmatch
_counted = re.compile(r"([^\W\d]{0,7})\d+|\d+([^\W\d]{1,3})").fullmatch
_digits = re.compile(r"\d+").sub
_digit = re.compile(r"\d").search
_humps = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+").findall


def masked_word(word: str) -> str:
    """One word between spaces, with whatever surrounds it."""
    match = _trimmed(word)
    before, core, behind = match.groups() if match else ("", word, "")
    return f"{before}{_core(core)}{behind}" if core else word


def _core(core: str) -> str:
    if core.isalpha():
        return _bare(core)
    if _may_be_whole(core) is not None and (whole := _whole(core)) is not None:
        return f"<{whole.lastgroup}>"
    if _digit(core) is not None:
        number = _number(core)
        if number is not None:
            return f"<n>{number[1]}"
        core = _ips("<ip>", core)
    identity = _identity(core)
    if identity is not None:
        return f"{_piece(_masked_piece, identity[1])}@<id>"
    return _piece(_masked_piece, _run(_masked_run, core))


def _masked_run(match: re.Match[str]) -> str:
    return match[0] if _digit(match[0]) is None else "<id>"


def _masked_piece(match: re.Match[str]) -> str:
    piece = match[0]
    if _digit(piece) is None:
        return _bare(piece)
    counted = _counted(piece)
    if counted is not None:
        return f"{counted[1] or ''}<n>{counted[2] or ''}"
    return "<id>" if len(piece) >= 8 else _digits("<n>", piece)


def _bare(piece: str) -> str:
    """A word without digits: one that no program and no human would write is a token."""
    if len(piece) < SHORT:
        return piece
    if _hex(piece):
        return "<id>"
    if piece.isascii():
        humps = _humps(piece)
        if len(humps) * 5 > len(piece) * 2:  # on average two letters and a half
            return "<id>"
        if len(piece) >= OPAQUE:
            longest = max(map(len, humps))
            shouted = max((len(hump) for hump in humps if hump.isupper()), default=0)
            if (
                longest >= OPAQUE
                or len(humps) * 4 > len(piece)
                or (shouted > 5 and not piece.isupper())
            ):
                return "<id>"
    return piece
