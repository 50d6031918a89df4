"""What a message quotes: texts in quotes, brackets, tags and parentheses that hold values.

What is opened and not closed reaches to the end.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

TEXT: Final = "\0"
"""Stands for what was quoted: no message has one, control characters are removed before."""
_DOUBLE: Final = '[\u201c\u201d"]'
_SINGLE: Final = r"[\u2018\u2019'](?!\w)"

_opener = re.compile("[\"'`{\\[(<\u201c\u201d\u201e\u2018\u201a\u00ab\u2039]").search
_closers: Final = {
    '"': re.compile(r'(?<!\\)"(?!\w)').search,
    "'": re.compile(r"(?<!\\)'(?!\w)").search,
    "`": re.compile(r"`").search,
    "\u201c": re.compile(_DOUBLE).search,
    "\u201d": re.compile(_DOUBLE).search,
    "\u201e": re.compile(_DOUBLE).search,
    "\u2018": re.compile(_SINGLE).search,
    "\u201a": re.compile(_SINGLE).search,
    "\u00ab": re.compile("\u00bb").search,
    "\u2039": re.compile("\u203a").search,
}
_bracket = re.compile(r"[\[\]]").finditer
_is_nested = re.compile(r"[{\[<]").search
_is_said = re.compile(r"[\"'`{\[(<=:@\d]").search


def without_quotes(text: str) -> str:
    """Regions that quote something are replaced, from left to right and each character once."""
    if _opener(text) is None:
        return text
    parts: list[str] = []
    done = at = 0
    while (match := _opener(text, at)) is not None:
        at = match.start()
        end = _end_of_region(text, at)
        if end is None:
            at += 1
            continue
        parts += (text[done:at], TEXT)
        done = at = end
    parts.append(text[done:])
    return "".join(parts)


def _end_of_region(text: str, at: int) -> int | None:
    """Where the region ends that is opened here; None if none is."""
    opener = text[at]
    region = _BRACKETS.get(opener)
    if region is not None:
        return region(text, at)
    if opener == "'" and not _opens(text, at):
        return None
    close = _closers[opener](text, at + 1)
    if close is None:
        return len(text)
    if _is_nested(text[at + 1 : close.start()]) is not None:  # what is quoted has quotes itself
        return text.rfind(close[0], at) + 1
    return close.end()


def _end_of_object(text: str, at: int) -> int:
    return text.rfind("}", at) + 1 or len(text)


def _end_of_parenthesis(text: str, at: int) -> int | None:
    """None if it holds but words."""
    close_at = text.find(")", at)
    said = text[at + 1 : close_at] if close_at >= 0 else text[at + 1 :]
    if _is_said(said) is None:
        return None
    return text.rfind(")", at) + 1 or len(text)


def _end_of_tag(text: str, at: int) -> int | None:
    """None if it is no tag but a comparison."""
    first = text[at + 1 : at + 2]
    if first.isalpha() or first in {"/", "!", "?"}:
        return text.rfind(">", at) + 1 or len(text)
    return None


def _opens(text: str, at: int) -> bool:
    """Whether an apostrophe is a quote: not within or behind a word, but for Python's `b'...'`."""
    before = text[at - 1 : at]
    if before.isalnum() and not (before in "bBrRuUfF" and not text[at - 2 : at - 1].isalnum()):
        return False
    return not text[at + 1 : at + 2].isspace()


def _end_of_list(text: str, at: int) -> int | None:
    """None if it is one of Java's types, as in `byte[]`."""
    if text.startswith("]", at + 1):
        return None
    depth = 0
    for bracket in _bracket(text, at):
        depth += 1 if bracket[0] == "[" else -1
        if not depth:
            end = bracket.end()
            quoted = text[at:end]
            if '"' in quoted or "{" in quoted or "'" in quoted:
                return text.rfind("]", at) + 1
            return end
    return len(text)


_BRACKETS: Final[dict[str, Callable[[str, int], int | None]]] = {
    "{": _end_of_object,
    "[": _end_of_list,
    "(": _end_of_parenthesis,
    "<": _end_of_tag,
}
