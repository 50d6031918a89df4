"""From a thrown exception to its root cause, as headers and stack traces name the classes.

A stack trace of Java names the thrown class in its first line and each cause behind `Caused by: `
at the start of a line; an indented one belongs to a suppressed exception. A traceback of Python
ends with the thrown class. Only so much of either is read, from both ends.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

HEAD_BYTES: Final = 64 * 1024
"""Of a stack trace, from its start."""
TAIL_BYTES: Final = 8 * 1024
"""Of a longer one, from its end: the root cause is there."""
MOST_CAUSES: Final = 32
LONGEST_MESSAGE: Final = 4096
"""Bytes of a line that are read."""
LONGEST_CLASS: Final = 255

_CAUSED_BY: Final = b"\nCaused by: "
_TRACEBACK: Final = b"Traceback (most recent call last):"
_DIRECT_CAUSE: Final = b"The above exception was the direct cause of the following exception:"
_NESTED: Final = "; nested exception is "

_class_name = re.compile(r"(?:\$|[^\W\d])[\w$]*+(?:\.[\w$]+)*+").fullmatch
_error_line = re.compile(r"([\w$.]{1,255}+)(?:\s*$|:\s|:$)").match
_no_class = re.compile(
    r"eyJ|AKIA[0-9A-Z]{8}|[0-9]{5}|\.\.|\.$|(?:[0-9][A-Za-z_]{1,64}){4}|\w{65}"
).search
_THROWN_NAMES: Final = (
    "Exception",
    "Error",
    "Throwable",
    "Failure",
    "Fault",
    "Interrupt",
    "Exit",
    "Iteration",
    "Warning",
)
"""How the names of classes end that are thrown, where a text need not begin with one."""
_ends_with_frame = re.compile(
    rb"\n[ \t]+(?:at [^\n]*\)|\.\.\. [0-9]+ (?:more|common frames omitted))\s*\Z"
).search


class Link(NamedTuple):
    """One exception of a chain."""

    name: str
    message: str | None
    """Its first line, as it was written."""


class Chain(NamedTuple):
    """Exceptions from the thrown one inwards."""

    links: tuple[Link, ...] = ()
    """Without a gap from the thrown one on."""
    root: str | None = None
    """The innermost; None if nobody knows whether what is named last is it."""
    is_whole: bool = False
    """Whether the links reach to the root."""


NO_CHAIN: Final = Chain()


def read_class(value: bytes | None) -> str | None:
    """The name of a class; what cannot be one is unknown."""
    if value is None or len(value) > LONGEST_CLASS:
        return None
    return _class(value.decode(errors="replace"))


@lru_cache(maxsize=1024)  # a program throws few classes; none is longer than 255 characters
def _class(name: str) -> str | None:
    return name if _class_name(name) and not _no_class(name) else None


def looks_thrown(name: str) -> bool:
    """Whether it is rather a class than the first word of a sentence."""
    package, _, simple = name.rpartition(".")
    return simple.endswith(_THROWN_NAMES) or (package != "" and not simple.islower())


def read_chain(trace: bytes | None) -> Chain:
    """The chain in a stack trace of Java or a traceback of Python; any bytes are allowed."""
    if not trace:
        return NO_CHAIN
    has_gap = len(trace) > HEAD_BYTES + TAIL_BYTES
    head = trace[: trace.rfind(b"\n", 0, HEAD_BYTES) + 1] if has_gap else trace
    tail = trace[-TAIL_BYTES:] if has_gap else trace
    if _TRACEBACK in tail or head.startswith(_TRACEBACK):
        return _python_chain(tail, is_all=not has_gap)
    links: list[Link] = []
    is_known = not has_gap
    at = 0
    while True:
        link = _link(_line(head, at))
        if link is None:
            is_known = False
            break
        links.append(link)
        at = head.find(_CAUSED_BY, at)
        if at < 0:
            break
        at += len(_CAUSED_BY)
        if len(links) > MOST_CAUSES:
            is_known = False
            break
    ends_well = trace.endswith(b"\n") or _ends_with_frame(tail) is not None
    root = links[-1].name if links and is_known and ends_well and b" ---> " not in head else None
    if not is_known and ends_well:
        at = tail.rfind(_CAUSED_BY)
        last = _link(_line(tail, at + len(_CAUSED_BY))) if at >= 0 else None
        root = last and last.name
    return Chain(tuple(links), root, is_known and root is not None)


def read_error_text(text: str | None) -> Chain:
    """The chain in `Class: message; nested exception is Class: message`, or in a stack trace."""
    if not text:
        return NO_CHAIN
    if "\n" in text:
        chain = read_chain(text.encode(errors="replace"))
        return chain if chain.links and looks_thrown(chain.links[0].name) else NO_CHAIN
    links: list[Link] = []
    parts = text[: 2 * LONGEST_MESSAGE].split(_NESTED, MOST_CAUSES)
    for part in parts:
        link = _link_in(part)
        if link is None or not looks_thrown(link.name):
            break
        links.append(link)
    root = links[-1].name if len(links) == len(parts) > 1 else None
    return Chain(tuple(links), root, root is not None)


def _python_chain(tail: bytes, *, is_all: bool) -> Chain:
    """The thrown exception, and the one that was raised first if all others say they follow it."""
    blocks = tail.split(_TRACEBACK, MOST_CAUSES + 1)[1:]
    if len(blocks) > MOST_CAUSES:
        blocks = [tail[tail.rfind(_TRACEBACK) + len(_TRACEBACK) :]]
        is_all = False
    thrown = next(_outer_lines(blocks[-1]), b"") if blocks else b""
    link = _link(thrown)
    if link is None:
        return NO_CHAIN
    root: str | None = None
    if is_all and all(_DIRECT_CAUSE in block for block in blocks[:-1]):
        first = _link(next(_outer_lines(blocks[0]), b""))
        root = first and first.name
    return Chain((link,), root, len(blocks) == 1 and root is not None)


def _outer_lines(block: bytes) -> Iterator[bytes]:
    """Lines that are not indented: the frames are."""
    return (line for line in block.split(b"\n") if line.strip() and line[:1] not in b" \t")


def _line(text: bytes, at: int) -> bytes:
    """From here to the end of the line; a class that the end of the text cuts off is none."""
    end = text.find(b"\n", at, at + LONGEST_MESSAGE)
    if end >= 0:
        return text[at:end]
    line = text[at : at + LONGEST_MESSAGE]
    if len(line) == LONGEST_MESSAGE:
        line = line[: line.rfind(b" ")]  # half a token would not be known as one
    return line if b": " in line else b""


def _link(line: bytes) -> Link | None:
    return _link_in(line[:LONGEST_MESSAGE].decode(errors="replace"))


def _link_in(line: str) -> Link | None:
    match = _error_line(line)
    name = match and _class(match[1])
    if match is None or name is None:
        return None
    return Link(name, line[match.end() :].strip() or None)
