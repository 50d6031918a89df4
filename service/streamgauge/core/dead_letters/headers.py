"""The headers of one record by name, with the place of each, for whoever looks for a dialect."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_AT_EITHER_END: Final = 512
"""Headers read from the start and from the end; what lies between is not read."""
LONGEST_NAME: Final = 255
LONGEST_TEXT: Final = 255
"""Bytes of a name that a header says; a longer one is unknown."""
ANYWHERE: Final = 1 << 62

_topic_name = re.compile(r"[A-Za-z0-9._-]{1,249}").fullmatch
_plain_name = re.compile(r"[^\s\"'`=@,;&<>{}\[\]\ufffd]+").fullmatch
_web_token = re.compile(r"eyJ[A-Za-z0-9_-]{5}").search
_topic_id = re.compile(r"(?=.*[A-Z0-9])[A-Za-z0-9_-]{21}[AQgw]").fullmatch


class Headers:
    """Names in lower case; repeats are kept, and null is a value."""

    __slots__ = ("_found",)

    def __init__(self, headers: Sequence[tuple[str, bytes | None]]) -> None:
        if len(headers) > 2 * MOST_AT_EITHER_END:
            headers = [*headers[:MOST_AT_EITHER_END], *headers[-MOST_AT_EITHER_END:]]
        found: dict[str, list[tuple[int, bytes | None]]] = {}
        for place, (name, value) in enumerate(headers):
            if len(name) <= LONGEST_NAME:
                lower_name = name.lower()
                if lower_name in found:
                    found[lower_name].append((place, value))
                else:
                    found[lower_name] = [(place, value)]
        self._found = found

    def __contains__(self, name: str) -> bool:
        return name in self._found

    def count(self, name: str) -> int:
        """How often it is there."""
        return len(self._found.get(name, ()))

    def places(self, name: str) -> list[int]:
        """Where it is, ascending."""
        return [place for place, _ in self._found.get(name, ())]

    def first(self, name: str, before: int = ANYWHERE) -> bytes | None:
        """Its first value, if that stands before this place; None is absent or null."""
        found = self._found.get(name)
        return found[0][1] if found and found[0][0] < before else None

    def last(self, name: str, behind: int = -1) -> bytes | None:
        """Its last value, if that stands behind this place; None is absent or null."""
        found = self._found.get(name)
        return found[-1][1] if found and found[-1][0] > behind else None

    def at(self, name: str, index: int) -> bytes | None:
        """One of its values; None is absent or null."""
        found = self._found.get(name, ())
        return found[index][1] if -len(found) <= index < len(found) else None


def read_topic(value: bytes | None) -> str | None:
    """The name of a topic as Kafka allows it; anything else is unknown."""
    name = read_text(value)
    return name if name and _topic_name(name) and name not in {".", ".."} else None


def is_topic_id(name: str) -> bool:
    """Whether it looks like 16 random bytes in base64, as Kafka prints the id of a topic."""
    return _topic_id(name) is not None


def read_name(value: bytes | None) -> str | None:
    """The name of a group, a program or a stage: one word that is no token and no address."""
    name = read_text(value)
    if not name or not name.isprintable() or not _plain_name(name) or _web_token(name):
        return None
    return name


def read_text(value: bytes | None) -> str | None:
    """A short text in UTF-8; anything else is unknown."""
    if value is None or len(value) > LONGEST_TEXT:
        return None
    try:
        return value.decode()
    except UnicodeDecodeError:
        return None
