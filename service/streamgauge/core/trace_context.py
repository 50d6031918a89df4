"""Which trace a record belongs to: its W3C `traceparent`, or else its b3 or Datadog headers.

Kafka has no HTTP layer, so its rules are kept or replaced here: header names compare in lower case;
values are trimmed of surrounding spaces and tabs; and of repeated headers the last valid one
counts, because clients append theirs to what they forward.

Wire formats: https://www.w3.org/TR/trace-context-2/ for `traceparent` and `tracestate`,
https://github.com/openzipkin/b3-propagation for `b3` and `X-B3-*`, and Datadog's `x-datadog-*`.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from numpy.typing import NDArray

TRACEPARENT: Final = "traceparent"
TRACESTATE: Final = "tracestate"
OTHER_TRACE_HEADERS: Final = frozenset(
    {
        "b3",
        "x-b3-traceid",
        "x-b3-spanid",
        "x-b3-sampled",
        "x-b3-flags",
        "x-datadog-trace-id",
        "x-datadog-parent-id",
        "x-datadog-sampling-priority",
        "x-datadog-tags",
    }
)
"""Names, in lower case, of the headers that answer only if no `traceparent` does."""

SAMPLED_DIGITS: Final = b"13579bdf"
"""Last digits of a traceparent whose flag bit 0 is set."""

VERSION_00_BYTES: Final = 55
"""Length of a version-00 traceparent."""

MAX_TRACESTATE_MEMBERS: Final = 32
MAX_TRACESTATE_BYTES: Final = MAX_TRACESTATE_MEMBERS * (256 + len("=") + 256 + len(","))
"""What 32 members of full length need; a longer tracestate is refused unread."""

_KNOWN_FLAGS: Final = 0x03
"""Sampled and random trace id: the flags that a version-00 traceparent defines."""


class TraceSource(StrEnum):
    """Which headers a trace context was read from."""

    W3C = "w3c"
    B3 = "b3"
    DATADOG = "datadog"


class Rejection(StrEnum):
    """Why a trace header was refused."""

    TRACEPARENT_LENGTH = "traceparent_length"
    """Shorter than 55 bytes, or not exactly 55 in version 00."""
    TRACEPARENT_VERSION = "traceparent_version"
    """The version is `ff` or not two lower-case hexadecimal digits."""
    TRACEPARENT_FORMAT = "traceparent_format"
    """A dash, an id or the flags are not where they belong, or not lower-case hexadecimal."""
    TRACEPARENT_ZERO_ID = "traceparent_zero_id"
    """The trace id or the parent id is all zeros."""
    TRACESTATE_SIZE = "tracestate_size"
    """Longer than 32 members can be."""
    TRACESTATE_MEMBERS = "tracestate_members"
    """More than 32 members."""
    TRACESTATE_FORMAT = "tracestate_format"
    """A member is not `key=value` in the characters and lengths allowed."""
    B3_FORMAT = "b3_format"
    """Not ids of 16 or 32 lower-case hexadecimal digits in b3's order."""
    B3_ZERO_ID = "b3_zero_id"
    """The trace id or the span id is all zeros."""
    B3_SAMPLED = "b3_sampled"
    """`X-B3-Sampled` is none of `0`, `1`, `false` and `true`."""
    B3_INCOMPLETE = "b3_incomplete"
    """`X-B3-TraceId` without a valid `X-B3-SpanId`, or the reverse."""
    DATADOG_FORMAT = "datadog_format"
    """An id is not a decimal number of 64 bits."""
    DATADOG_ZERO_ID = "datadog_zero_id"
    """The trace id or the parent id is zero."""
    DATADOG_TID = "datadog_tid"
    """The tag `_dd.p.tid` is not 16 lower-case hexadecimal digits; the low 64 bits still count."""
    DATADOG_PRIORITY = "datadog_priority"
    """The sampling priority is not a small decimal integer."""
    DATADOG_INCOMPLETE = "datadog_incomplete"
    """A trace id without a valid parent id, or the reverse."""


class TraceContext(NamedTuple):
    """The trace and the span that wrote a record."""

    trace_id: str
    """32 lower-case hexadecimal digits, not all zero."""
    span_id: str
    """16 lower-case hexadecimal digits, not all zero."""
    flags: int
    """Bit 0 sampled, bit 1 random trace id."""
    tracestate: str | None
    """Members joined by commas without surrounding space; None where absent, empty or invalid."""
    source: TraceSource

    @property
    def sampled(self) -> bool:
        """Whether the writer's trace is recorded."""
        return bool(self.flags & 1)


class Traceparent(NamedTuple):
    """What the headers of one record say of its parent, before any tracestate is read."""

    value: bytes | None
    """55 bytes `00-<trace id>-<span id>-<flags>`; None where no header answers."""
    source: TraceSource | None
    rejections: list[Rejection]


Headers: TypeAlias = "Iterable[tuple[str, bytes | None]]"
"""Names and values in the order of the record, repeats kept; a null value counts as absent."""

_Values: TypeAlias = "Mapping[str, Sequence[bytes]]"

_HEX_AS_0: Final = bytes(ord("0") if byte in b"0123456789abcdef" else byte for byte in range(256))
_SHAPE_00: Final = b"-".join((b"0" * 2, b"0" * 32, b"0" * 16, b"0" * 2))
_LEAST_00: Final = b"00-" + b"1".zfill(32)  # bytes compare like the numbers they write
_BEYOND_00: Final = b"00-g"
_ZERO_SPAN_ID: Final = b"0" * 16
_ZEROS_2, _ZEROS_8 = (
    kind.type(int.from_bytes(b"0" * kind.itemsize, "little"))
    for kind in (np.dtype("<u2"), np.dtype("<u8"))
)

_versioned = re.compile(rb"[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-|\Z)").match
_hex_2 = re.compile(rb"[0-9a-f]{2}").fullmatch
_hex_16 = re.compile(rb"[0-9a-f]{16}").fullmatch
_hex_16_or_32 = re.compile(rb"(?:[0-9a-f]{16}){1,2}").fullmatch
_decimal_20 = re.compile(rb"[0-9]{1,20}").fullmatch
_priority = re.compile(rb"-?[0-9]{1,3}").fullmatch
_member = re.compile(  # a value is printable ASCII without comma and equals sign
    rb"[a-z0-9][a-z0-9_\-*/@]{0,255}+=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{1,256}+"
).fullmatch
_b3_single = re.compile(
    rb"([0-9a-f]{16}(?:[0-9a-f]{16})?)-([0-9a-f]{16})(?:-([01d]))?(?:-[0-9a-f]{16})?"
).fullmatch


def is_version_00(value: bytes) -> bool:
    """Whether a header is a valid version-00 traceparent as it is, with nothing to trim.

    For the loop over all records: on ids that vary a regular expression takes twice as long.
    """
    return (
        value.translate(_HEX_AS_0) == _SHAPE_00
        and _LEAST_00 <= value < _BEYOND_00
        and value[36:52] != _ZERO_SPAN_ID
    )


def are_version_00(joined: bytes, count: int) -> bool:
    """Whether `is_version_00` accepts each of so many headers of 55 bytes, joined.

    False also where an id ends in eight zeros, so that one that is all zeros is never accepted.
    """
    if not count or joined.translate(_HEX_AS_0) != _SHAPE_00 * count:
        return not count

    def words(at: int, size: int) -> NDArray[np.unsignedinteger]:
        return np.ndarray(count, f"<u{size}", joined, at, VERSION_00_BYTES)

    return not (
        (words(0, 2) != _ZEROS_2).any()
        or (words(27, 8) == _ZEROS_8).any()  # the end of the trace id, then that of the span id
        or (words(44, 8) == _ZEROS_8).any()
    )


def read_traceparent(headers: Headers) -> Traceparent:
    """Read the parent from the headers of one record: W3C, else b3, else Datadog.

    A header that no earlier source left in need of an answer is not looked at, hence not refused.
    """
    values = _trace_values(headers)
    rejections: list[Rejection] = []
    for source, read in _SOURCES:
        value = read(values, rejections)
        if value is not None:
            return Traceparent(value, source, rejections)
    return Traceparent(None, None, rejections)


def read_tracestate(headers: Headers) -> str | Rejection | None:
    """Read the tracestate of a record whose traceparent is valid.

    Several headers are one list in their order; empty members are passed over, equal keys kept.

    Returns:
        The members joined by commas, None where there is no member, or why the list was refused.
    """
    members = []
    values = [v for n, v in headers if v is not None and n.lower() == TRACESTATE]
    if sum(map(len, values)) > MAX_TRACESTATE_BYTES:
        return Rejection.TRACESTATE_SIZE
    for listed in b",".join(values).split(b","):
        member = listed.strip(b" \t")
        if member:
            if not _member(member):
                return Rejection.TRACESTATE_FORMAT
            members.append(member)
    if len(members) > MAX_TRACESTATE_MEMBERS:
        return Rejection.TRACESTATE_MEMBERS
    return b",".join(members).decode("ascii") or None


def read_trace_context(
    headers: Sequence[tuple[str, bytes | None]],
) -> tuple[TraceContext | None, list[Rejection]]:
    """Read the trace context of one record; any bytes are allowed, nothing is raised.

    Args:
        headers: Names and values in the order of the record, repeats kept; null is absent.

    Returns:
        The context or None, and the reason of every trace header that was refused.
    """
    value, source, rejections = read_traceparent(headers)
    if value is None or source is None:
        return None, rejections
    tracestate = read_tracestate(headers) if source is TraceSource.W3C else None
    if isinstance(tracestate, Rejection):
        rejections.append(tracestate)
        tracestate = None
    text = value.decode("ascii")
    flags = int(text[53:], 16)
    return TraceContext(text[3:35], text[36:52], flags, tracestate, source), rejections


def _trace_values(headers: Headers) -> dict[str, list[bytes]]:
    """Trimmed values of the trace headers by name in lower case."""
    values: dict[str, list[bytes]] = {}
    for name, value in headers:
        lowered = name.lower()
        if value is not None and (lowered == TRACEPARENT or lowered in OTHER_TRACE_HEADERS):
            values.setdefault(lowered, []).append(value.strip(b" \t"))
    return values


def _last_valid(
    values: Iterable[bytes],
    read: Callable[[bytes], bytes | Rejection | None],
    rejections: list[Rejection],
) -> bytes | None:
    """What the last valid value says; None from `read` says nothing and is no fault."""
    answer = None
    for value in values:
        result = read(value)
        if isinstance(result, Rejection):
            rejections.append(result)
        elif result is not None:
            answer = result
    return answer


def _normalised_traceparent(value: bytes) -> bytes | Rejection:
    """One traceparent of any version as 55 bytes of version 00, or why it is refused.

    Higher versions are read by position as far as version 00 goes, and keep only the flags that
    version 00 knows (https://www.w3.org/TR/trace-context-2/#versioning-of-traceparent).
    """
    version = value[:2]
    if len(value) < 55 or (version == b"00" and len(value) > 55):
        return Rejection.TRACEPARENT_LENGTH
    if version == b"ff" or not _hex_2(version):
        return Rejection.TRACEPARENT_VERSION
    match = _versioned(value)
    if match is None:
        return Rejection.TRACEPARENT_FORMAT
    trace_id, span_id, flags = match.groups()
    if not trace_id.strip(b"0") or not span_id.strip(b"0"):
        return Rejection.TRACEPARENT_ZERO_ID
    if version == b"00":
        return value
    return b"00-%b-%b-%02x" % (trace_id, span_id, int(flags, 16) & _KNOWN_FLAGS)


def _read_w3c(values: _Values, rejections: list[Rejection]) -> bytes | None:
    return _last_valid(values.get(TRACEPARENT, ()), _normalised_traceparent, rejections)


def _read_b3(values: _Values, rejections: list[Rejection]) -> bytes | None:
    """The single header, which takes precedence, else the multiple headers."""
    single = _last_valid(values.get("b3", ()), _read_b3_single, rejections)
    if single is not None:
        return single
    trace_id = _last_valid(values.get("x-b3-traceid", ()), _read_b3_trace_id, rejections)
    span_id = _last_valid(values.get("x-b3-spanid", ()), _read_b3_span_id, rejections)
    if trace_id is None or span_id is None:
        if trace_id or span_id:
            rejections.append(Rejection.B3_INCOMPLETE)
        return None
    flags = _last_valid(values.get("x-b3-sampled", ()), _read_b3_sampled, rejections) or b"00"
    if b"1" in values.get("x-b3-flags", ()):  # debug implies sampled
        flags = b"01"
    return b"00-%b-%b-%b" % (trace_id, span_id, flags)


def _read_b3_single(value: bytes) -> bytes | Rejection | None:
    if value in {b"0", b"1", b"d"}:  # a sampling decision without ids
        return None
    match = _b3_single(value)
    if match is None:
        return Rejection.B3_FORMAT
    trace_id, span_id, state = match.groups()
    if not trace_id.strip(b"0") or not span_id.strip(b"0"):
        return Rejection.B3_ZERO_ID
    return b"00-%b-%b-%b" % (trace_id.zfill(32), span_id, b"01" if state in {b"1", b"d"} else b"00")


def _read_b3_trace_id(value: bytes) -> bytes | Rejection:
    if not _hex_16_or_32(value):
        return Rejection.B3_FORMAT
    return value.zfill(32) if value.strip(b"0") else Rejection.B3_ZERO_ID


def _read_b3_span_id(value: bytes) -> bytes | Rejection:
    if not _hex_16(value):
        return Rejection.B3_FORMAT
    return value if value.strip(b"0") else Rejection.B3_ZERO_ID


def _read_b3_sampled(value: bytes) -> bytes | Rejection:
    if value in {b"1", b"true"}:
        return b"01"
    return b"00" if value in {b"0", b"false"} else Rejection.B3_SAMPLED


def _read_datadog(values: _Values, rejections: list[Rejection]) -> bytes | None:
    low = _last_valid(values.get("x-datadog-trace-id", ()), _read_datadog_id, rejections)
    span_id = _last_valid(values.get("x-datadog-parent-id", ()), _read_datadog_id, rejections)
    if low is None or span_id is None:
        if low or span_id:
            rejections.append(Rejection.DATADOG_INCOMPLETE)
        return None
    high = _last_valid(values.get("x-datadog-tags", ()), _read_datadog_tid, rejections)
    priorities = values.get("x-datadog-sampling-priority", ())
    flags = _last_valid(priorities, _read_datadog_priority, rejections)
    return b"00-%b%b-%b-%b" % (high or b"0" * 16, low, span_id, flags or b"00")


def _read_datadog_id(value: bytes) -> bytes | Rejection:
    number = int(value) if _decimal_20(value) else 1 << 64
    if number >= 1 << 64:
        return Rejection.DATADOG_FORMAT
    return b"%016x" % number if number else Rejection.DATADOG_ZERO_ID


def _read_datadog_tid(value: bytes) -> bytes | Rejection | None:
    for tag in value.split(b","):
        key, _, tid = tag.strip(b" \t").partition(b"=")
        if key == b"_dd.p.tid":
            return tid if _hex_16(tid) else Rejection.DATADOG_TID
    return None


def _read_datadog_priority(value: bytes) -> bytes | Rejection:
    if not _priority(value):
        return Rejection.DATADOG_PRIORITY
    return b"01" if int(value) > 0 else b"00"


_SOURCES: Final = (
    (TraceSource.W3C, _read_w3c),
    (TraceSource.B3, _read_b3),
    (TraceSource.DATADOG, _read_datadog),
)
"""Who answers, in order of precedence."""
