"""The records of one poll as columns, read in one pass over records and headers.

Every record goes through this loop, so it is written for speed: what nearly all records have (a
version-00 traceparent, a readable event time header, or neither) is read in place. Anything else
is left to `read_traceparent` and `read_event_time`, which would say the same of those records too.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

import numpy as np

from streamgauge.core.event_time import (
    YEAR_10000_MS,
    EventTimeRule,
    HeaderRule,
    RecordRule,
    read_event_time,
    read_header_time,
)
from streamgauge.core.trace_context import (
    OTHER_TRACE_HEADERS,
    SAMPLED_DIGITS,
    TRACEPARENT,
    TRACESTATE,
    Rejection,
    TraceSource,
    is_version_00,
    read_traceparent,
    read_tracestate,
)
from streamgauge.model import EVENT_TIME_SOURCES, UNKNOWN, Columns, EventTimeSource

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from streamgauge.model import Record

MAX_KNOWN_NAMES: Final = 1024
"""Header names whose role is remembered; of further names it is looked up each time."""

# What a header is to the reader. Event time headers come last: theirs plus the position of the
# rule, so that the smallest found is the first rule that can answer.
_NO_ROLE, _TRACEPARENT, _TRACESTATE, _OTHER_TRACE, _EVENT_TIME = range(5)
_NO_EVENT_TIME: Final = 1 << 30

_SOURCE_CODE: Final = {source: code for code, source in enumerate(EVENT_TIME_SOURCES)}
_HEADER_CODE: Final = _SOURCE_CODE[EventTimeSource.HEADER]
_RECORD_CODE: Final = _SOURCE_CODE[EventTimeSource.RECORD]
_NO_SOURCE: Final = 255  # -1 once the bytes are seen as int8
_LOG_APPEND_TIME: Final = 1


class RecordReader:
    """Reads the records of one stream; it keeps nothing of them.

    Args:
        event_time_rules: The rules of the stream, first that answers.
    """

    def __init__(self, event_time_rules: Sequence[EventTimeRule]) -> None:
        self._rules = tuple(event_time_rules)
        self._roles = dict.fromkeys(OTHER_TRACE_HEADERS, _OTHER_TRACE)
        self._roles[TRACEPARENT] = _TRACEPARENT
        self._roles[TRACESTATE] = _TRACESTATE
        leading = 0
        for rule in self._rules:
            if not isinstance(rule, HeaderRule):
                break
            self._roles.setdefault(rule.lower_name, _EVENT_TIME + leading)
            leading += 1
        self._record_is_next = isinstance((*self._rules, None)[leading], RecordRule)
        self._known_names: dict[str, tuple[int, int]] = {}
        for name in self._roles:  # whatever else fills the memory, these are in it
            self._learn(name)

    def read(  # noqa: C901, PLR0912, PLR0913, PLR0915 - one pass: a call per record costs too much
        self,
        topic: str,
        partition: int,
        records: Iterable[Record],
        *,
        next_offset: int,
        received_ms: int,
        live: bool,
    ) -> Columns:
        """Read the records of one partition from one poll; any bytes are allowed in them.

        Args:
            topic: Name of the topic.
            partition: Number of the partition.
            records: The records in the order of their offsets; iterated once.
            next_offset: Offset after these records, control records and aborted data.
            received_ms: When the records were received, milliseconds since the epoch.
            live: Whether the partition had been caught up at most one second before.

        Returns:
            One row per record. The tracestate of an unsampled record is not read.
        """
        known_names = self._known_names
        record_is_next = self._record_is_next
        byte_count = 0
        offsets: list[int] = []
        appended: list[int] = []
        appended_rows: list[int] = []
        event_ms: list[int] = []
        sources: list[int] = []
        contexts: list[bytes | None] = []
        sampled_rows: list[int] = []
        tracestates: dict[int, str] = {}
        rejected: Counter[str] = Counter()
        unreadable: Counter[str] = Counter()
        for row, record in enumerate(records):
            offsets.append(record.offset)
            timestamp = record.timestamp
            headers = record.headers

            context = source = None
            irregular = other = stated = False
            time_role = _NO_EVENT_TIME
            time_value = b""
            for name, value in headers:
                try:
                    name_bytes, role = known_names[name]
                except KeyError:
                    name_bytes, role = self._learn(name)
                if value is None:
                    byte_count += name_bytes
                    continue
                byte_count += name_bytes + len(value)
                if role:
                    if role >= _EVENT_TIME:
                        if role <= time_role:
                            time_role = role
                            time_value = value
                    elif role == _TRACEPARENT:
                        if is_version_00(value):
                            context = value
                        else:
                            irregular = True
                    elif role == _TRACESTATE:
                        stated = True
                    else:
                        other = True

            if irregular or (other and context is None):
                context, source, rejections = read_traceparent(headers)
                rejected.update(rejections)
            contexts.append(context)
            if context is not None and context[54] in SAMPLED_DIGITS:
                if stated and (source is None or source is TraceSource.W3C):
                    tracestate = read_tracestate(headers)
                    if isinstance(tracestate, Rejection):
                        rejected[tracestate] += 1
                    elif tracestate is not None:
                        tracestates[row] = tracestate
                sampled_rows.append(row)

            payload = record.value
            ms = None if time_role == _NO_EVENT_TIME else read_header_time(time_value)
            code = _HEADER_CODE
            if ms is None:
                code = _RECORD_CODE
                if (
                    record_is_next
                    and time_role == _NO_EVENT_TIME
                    and timestamp is not None
                    and 0 < timestamp < YEAR_10000_MS
                ):
                    ms = timestamp
                else:
                    answer = read_event_time(self._rules, headers, payload, timestamp)
                    unreadable.update(answer.unreadable)
                    ms = UNKNOWN if answer.ms is None else answer.ms
                    code = _NO_SOURCE if answer.source is None else _SOURCE_CODE[answer.source]
            event_ms.append(ms)
            sources.append(code)

            if (
                record.timestamp_type == _LOG_APPEND_TIME
                and timestamp is not None
                and timestamp >= 0
            ):
                appended.append(timestamp)
                appended_rows.append(row)
            if payload is not None:
                byte_count += len(payload)
            key = record.key
            if key is not None:
                byte_count += len(key)

        append_ms = np.full(len(offsets), UNKNOWN, dtype=np.int64)
        append_ms[appended_rows] = appended
        sampled = np.zeros(len(offsets), dtype=np.bool_)
        sampled[sampled_rows] = True
        return Columns(
            topic=topic,
            partition=partition,
            next_offset=next_offset,
            received_ms=received_ms,
            live=live,
            offsets=np.fromiter(offsets, dtype=np.int64, count=len(offsets)),
            append_ms=append_ms,
            event_ms=np.fromiter(event_ms, dtype=np.int64, count=len(offsets)),
            event_time_source=np.frombuffer(bytearray(sources), dtype=np.int8),
            contexts=contexts,
            sampled=sampled,
            tracestates=tracestates,
            byte_count=byte_count,
            rejected_contexts=rejected,
            unreadable_event_times=unreadable,
        )

    def _learn(self, name: str) -> tuple[int, int]:
        """Bytes and role of a header name, remembered as long as there is room."""
        role = self._roles.get(name.lower(), _NO_ROLE)
        known = len(name.encode("utf-8", "surrogatepass")), role
        if len(self._known_names) < MAX_KNOWN_NAMES:
            self._known_names[name] = known
        return known
