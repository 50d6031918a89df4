"""When the event of a record happened: the first of the configured rules that answers.

A number is seconds, milliseconds, microseconds or nanoseconds since the epoch by its magnitude:
below 1e11, 1e14, 1e17 and 1e20. A text is such a number or an RFC 3339 time. A result that is not
after 1970-01-01T00:00:00Z and before the year 10000 is unreadable: zero and negative numbers are
how programs write "not set".
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

import orjson

from streamgauge.core.trace_context import (
    OTHER_TRACE_HEADERS,
    TRACEPARENT,
    TRACESTATE,
)
from streamgauge.model import EventTimeSource

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from streamgauge.core.first_sightings import FirstSightings

MAX_VALUE_BYTES: Final = 1 << 20
"""A longer record value is not searched for a pointer: it is unreadable."""

YEAR_10000_MS: Final = 253_402_300_800_000
"""Milliseconds since the epoch at which the year 10000 begins."""

_EPOCH_ORDINAL: Final = date(1970, 1, 1).toordinal()

_number = re.compile(rb"([0-9]{1,20})(?:\.([0-9]+))?").fullmatch
_rfc3339 = re.compile(
    rb"([0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}):([0-9]{2})(?:\.([0-9]++))?"
    rb"([Zz]|[+-][0-9]{2}:[0-9]{2})"
).fullmatch
_array_index = re.compile(r"0|[1-9][0-9]{0,9}", re.ASCII).fullmatch
_token_escape = re.compile(r"~[01]|~").sub


@dataclass(frozen=True, slots=True)
class HeaderRule:
    """The last readable header of this name, compared in lower case.

    Raises:
        ValueError: The name is empty or that of a trace header.
    """

    name: str
    lower_name: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        lower_name = self.name.lower()
        if not lower_name:
            raise ValueError("event time header: the name is empty; name a header")
        if lower_name in {TRACEPARENT, TRACESTATE} or lower_name in OTHER_TRACE_HEADERS:
            raise ValueError(f"event time header {self.name!r}: a trace header carries no time")
        object.__setattr__(self, "lower_name", lower_name)


@dataclass(frozen=True, slots=True)
class PointerRule:
    """The member of the JSON value at this pointer (RFC 6901).

    Raises:
        ValueError: The pointer is not empty and does not start with `/`, or has a `~` that is
            followed by neither 0 nor 1.
    """

    pointer: str
    tokens: tuple[str, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        head, *tokens = self.pointer.split("/")
        if head:
            raise ValueError(f"event time pointer {self.pointer!r}: start it with '/'")
        object.__setattr__(self, "tokens", tuple(_token_escape(self._unescaped, t) for t in tokens))

    def _unescaped(self, escape: re.Match[str]) -> str:
        try:
            return {"~0": "~", "~1": "/"}[escape[0]]
        except KeyError:
            raise ValueError(
                f"event time pointer {self.pointer!r}: write '~0' for '~' and '~1' for '/'"
            ) from None


@dataclass(frozen=True, slots=True)
class FirstSightingRule:
    """The first sighting of the record's trace id on an upstream stream.

    It answers only where the sightings of that stream are known: no record says it by itself.
    """

    stream: str


@dataclass(frozen=True, slots=True)
class RecordRule:
    """The record timestamp."""


EventTimeRule: TypeAlias = HeaderRule | PointerRule | FirstSightingRule | RecordRule

DEFAULT_EVENT_TIME: Final[tuple[EventTimeRule, ...]] = (
    HeaderRule("event-time"),
    HeaderRule("ce_time"),
    RecordRule(),
)
"""Rules of a stream that configures none; `ce_time` is CloudEvents' Kafka binding."""


NO_SIGHTINGS: Final[Mapping[str, FirstSightings]] = MappingProxyType({})
"""Where no trace ids are remembered."""


class EventTime(NamedTuple):
    """What the rules say of one record."""

    ms: int | None
    """Milliseconds since the epoch, None where no rule answers."""
    source: EventTimeSource | None
    unreadable: Sequence[EventTimeSource]
    """The source of every value that was consulted and could not be read as a time."""


def read_event_time(  # noqa: PLR0913 - all that a record says, and what others have said
    rules: Sequence[EventTimeRule],
    headers: Sequence[tuple[str, bytes | None]],
    value: bytes | None,
    timestamp: int | None,
    *,
    context: bytes | None = None,
    sightings: Mapping[str, FirstSightings] = NO_SIGHTINGS,
) -> EventTime:
    """Ask the rules in their order; any bytes are allowed, nothing is raised.

    Args:
        rules: The rules of the stream, first that answers.
        headers: Names and values in the order of the record; null is absent.
        value: The record value, parsed as JSON only if a pointer is asked.
        timestamp: The record timestamp in milliseconds since the epoch; -1 or None is absent.
        context: The trace context of the record as 55 bytes, None where it has no valid one.
        sightings: Trace ids that were seen on other streams, by stream.
    """
    unreadable: list[EventTimeSource] = []
    document: object = _NOT_PARSED
    for rule in rules:
        ms = None
        source = EventTimeSource.RECORD
        if isinstance(rule, HeaderRule):
            source = EventTimeSource.HEADER
            ms = _ask_headers(rule.lower_name, headers, unreadable)
        elif isinstance(rule, PointerRule):
            source = EventTimeSource.POINTER
            if document is _NOT_PARSED:
                document = _parse(value, unreadable)
            found = _member_at(document, rule.tokens)
            if found is not None:
                ms = _read_member(found)
                if ms is None:
                    unreadable.append(source)
        elif isinstance(rule, FirstSightingRule):
            source = EventTimeSource.FIRST_SIGHTING
            ms = _ask_sightings(sightings.get(rule.stream), context)
        else:
            ms = _ask_record(timestamp, unreadable)
        if ms is not None:
            return EventTime(ms, source, unreadable)
    return EventTime(None, None, unreadable)


def read_header_time(value: bytes) -> int | None:
    """Read a header value as milliseconds since the epoch, rounded down; None if unreadable.

    It is a text, a text in JSON quotes, or eight bytes big-endian whose first byte is 0, as
    Java's `ByteBuffer.putLong` writes them (no text starts with that byte).
    """
    if len(value) == 13 and value.isdigit():  # milliseconds, by far the most frequent form
        number = int(value)
        if number >= 10**11:
            return number
    if len(value) == 8 and value[0] == 0:
        return _epoch_ms(int.from_bytes(value, "big"))
    if not value.startswith(b'"'):
        return _read_text(value)
    try:
        text = orjson.loads(value)
    except orjson.JSONDecodeError:
        return None
    return _read_text(text.encode())


def _ask_headers(
    lower_name: str,
    headers: Sequence[tuple[str, bytes | None]],
    unreadable: list[EventTimeSource],
) -> int | None:
    for name, value in reversed(headers):
        if value is not None and name.lower() == lower_name:
            ms = read_header_time(value)
            if ms is not None:
                return ms
            unreadable.append(EventTimeSource.HEADER)
    return None


def _ask_sightings(seen: FirstSightings | None, context: bytes | None) -> int | None:
    return None if seen is None or context is None else seen.find_one(context)


def _ask_record(timestamp: int | None, unreadable: list[EventTimeSource]) -> int | None:
    if timestamp is None or timestamp == -1:
        return None
    if 0 < timestamp < YEAR_10000_MS:
        return timestamp
    unreadable.append(EventTimeSource.RECORD)
    return None


_NOT_PARSED: Final = object()


def _parse(value: bytes | None, unreadable: list[EventTimeSource]) -> object:
    """The JSON document; None, in which no pointer finds anything, if there is none."""
    if value is None:
        return None
    if len(value) <= MAX_VALUE_BYTES:
        try:
            return orjson.loads(value)
        except orjson.JSONDecodeError:
            pass
    unreadable.append(EventTimeSource.POINTER)
    return None


def _member_at(document: object, tokens: tuple[str, ...]) -> object:
    """Evaluate a pointer (RFC 6901 section 4); None where there is no such member, or a null."""
    for token in tokens:
        if isinstance(document, dict):
            document = document.get(token)
        elif isinstance(document, list) and _array_index(token) and int(token) < len(document):
            document = document[int(token)]
        else:
            return None
    return document


def _read_member(found: object) -> int | None:
    if isinstance(found, str):
        return _read_text(found.encode())
    if isinstance(found, float):
        # The shortest text of a float is what the producer wrote; from 1e16 on it has an exponent,
        # and no fraction that could matter.
        return _epoch_ms(int(found)) if found >= 1e16 else _read_text(repr(found).encode())
    if isinstance(found, int) and not isinstance(found, bool):
        return _epoch_ms(found)
    return None


def _read_text(text: bytes) -> int | None:
    match = _number(text)
    if match is not None:
        return _epoch_ms(int(match[1]), match[2] or b"")
    match = _rfc3339(text)
    return None if match is None else _rfc3339_ms(match)


def _epoch_ms(number: int, fraction: bytes = b"") -> int | None:
    if number < 10**11:
        ms = number * 1000 + _milliseconds(fraction)
    elif number < 10**14:
        ms = number
    elif number < 10**17:
        ms = number // 10**3
    elif number < 10**20:
        ms = number // 10**6
    else:
        return None
    return ms if ms > 0 else None


def _rfc3339_ms(match: re.Match[bytes]) -> int | None:
    """Milliseconds of a time in RFC 3339's shape, None if a field is out of range (section 5.7)."""
    minute, second_digits, fraction, offset = match.groups()
    minute_start = _minute_start(minute, offset)
    second = int(second_digits)
    if minute_start is None or second > 60:
        return None
    seconds = minute_start + second
    if second == 60 and seconds % 86400:  # a leap second is the last of a day in UTC
        return None
    ms = seconds * 1000 + _milliseconds(fraction or b"")
    return ms if 0 < ms < YEAR_10000_MS else None


@lru_cache(maxsize=1024)  # the records of a stream share few minutes
def _minute_start(minute: bytes, offset: bytes) -> int | None:
    """Seconds from the epoch to the start of `YYYY-MM-DDTHH:MM` at an offset from UTC."""
    hours, minutes = int(minute[11:13]), int(minute[14:16])
    offset_hours, offset_minutes = int(offset[1:3] or 0), int(offset[4:6] or 0)
    if hours > 23 or minutes > 59 or offset_hours > 23 or offset_minutes > 59:
        return None
    try:
        day = date(int(minute[:4]), int(minute[5:7]), int(minute[8:10]))
    except ValueError:
        return None
    local = (day.toordinal() - _EPOCH_ORDINAL) * 86400 + hours * 3600 + minutes * 60
    east = (offset_hours * 60 + offset_minutes) * 60
    return local + east if offset.startswith(b"-") else local - east


def _milliseconds(fraction: bytes) -> int:
    """The first three digits of a decimal fraction of a second."""
    return int(fraction[:3].ljust(3, b"0"))
