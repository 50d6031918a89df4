"""The records of one poll as columns, read in one pass over records and headers.

Every record goes through this loop, so it is written for speed: what nearly all records have (a
version-00 traceparent, a readable event time header, or neither) is read in place. Anything else
is left to `read_traceparent` and `read_event_time`, which would say the same of those records too.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from streamgauge.core.event_time import (
    NO_SIGHTINGS,
    YEAR_10000_MS,
    EventTimeRule,
    FirstSightingRule,
    HeaderRule,
    RecordRule,
    read_event_time,
    read_header_time,
)
from streamgauge.core.record_batches import IrregularError, fields_of
from streamgauge.core.trace_context import (
    OTHER_TRACE_HEADERS,
    SAMPLED_DIGITS,
    TRACEPARENT,
    TRACESTATE,
    VERSION_00_BYTES,
    Rejection,
    TraceSource,
    are_version_00,
    is_version_00,
    read_traceparent,
    read_tracestate,
)
from streamgauge.model import EVENT_TIME_SOURCES, UNKNOWN, Columns, EventTimeSource

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from streamgauge.core.first_sightings import FirstSightings
    from streamgauge.core.record_batches import Field, Fields, RawBatch
    from streamgauge.model import Record

MAX_KNOWN_NAMES: Final = 1024
"""Header names whose role is remembered; of further names it is looked up each time."""

# What a header is to the reader. Event time headers come last: theirs plus the position of the
# rule, so that the smallest found is the first rule that can answer.
_NO_ROLE, _TRACEPARENT, _TRACESTATE, _OTHER_TRACE, _EVENT_TIME = range(5)
_NO_EVENT_TIME: Final = 1 << 30

_SOURCE_CODE: Final = {source: code for code, source in enumerate(EVENT_TIME_SOURCES)}
_HEADER_CODE: Final = _SOURCE_CODE[EventTimeSource.HEADER]
_SIGHTING_CODE: Final = _SOURCE_CODE[EventTimeSource.FIRST_SIGHTING]
_RECORD_CODE: Final = _SOURCE_CODE[EventTimeSource.RECORD]
_NOBODY_CODE: Final = -1
_NO_SOURCE: Final = 255  # the same, as the bytes that are seen as int8
_LOG_APPEND_TIME: Final = 1

_MS_DIGITS: Final = 13
_TENS: Final = 10.0 ** np.arange(_MS_DIGITS - 1, -1, -1)
_LEAST_MS: Final = 10**11
"""What has thirteen digits and is less is no milliseconds; see `read_header_time`."""
_SAMPLED: Final = np.isin(np.arange(256), list(SAMPLED_DIGITS))
_MOST_ODD: Final = 4
"""If one in so many records has to be read by itself, all are."""


class _OddRecord(NamedTuple):
    """A record that is read by itself."""

    offset: int
    timestamp: int
    timestamp_type: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]]


class RecordReader:
    """Reads the records of one stream; it keeps nothing of them.

    Args:
        event_time_rules: The rules of the stream, first that answers.
        sightings: Trace ids that were seen on other streams, by stream; a first sighting on any
            other stream answers nothing.
    """

    def __init__(
        self,
        event_time_rules: Sequence[EventTimeRule],
        sightings: Mapping[str, FirstSightings] = NO_SIGHTINGS,
    ) -> None:
        self._rules = tuple(
            rule
            for rule in event_time_rules
            if not isinstance(rule, FirstSightingRule) or rule.stream in sightings
        )
        self._sightings = sightings
        self._roles = dict.fromkeys(OTHER_TRACE_HEADERS, _OTHER_TRACE)
        self._roles[TRACEPARENT] = _TRACEPARENT
        self._roles[TRACESTATE] = _TRACESTATE
        leading = 0
        for rule in self._rules:
            if not isinstance(rule, HeaderRule):
                break
            self._roles.setdefault(rule.lower_name, _EVENT_TIME + leading)
            leading += 1
        rest = [*self._rules[leading:]]
        self._asked_next: list[FirstSightings] = []
        while rest and isinstance(rest[0], FirstSightingRule):
            self._asked_next.append(sightings[rest[0].stream])
            del rest[0]
        self._rest = rest[0] if rest else None
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
        record_is_last = isinstance(self._rest, RecordRule)
        asked_next = self._asked_next
        byte_count = 0
        offsets: list[int] = []
        appended: list[int] = []
        appended_rows: list[int] = []
        event_ms: list[int] = []
        sources: list[int] = []
        asked_rows: list[int] = []
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
                    record_is_last
                    and time_role == _NO_EVENT_TIME
                    and timestamp is not None
                    and 0 < timestamp < YEAR_10000_MS
                ):
                    ms = timestamp
                    if asked_next:
                        asked_rows.append(row)
                else:
                    answer = read_event_time(
                        self._rules,
                        headers,
                        payload,
                        timestamp,
                        context=context,
                        sightings=self._sightings,
                    )
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
        event_times = np.fromiter(event_ms, dtype=np.int64, count=len(offsets))
        source_codes = np.frombuffer(bytearray(sources), dtype=np.int8)
        if asked_rows:
            rows = np.array(asked_rows, dtype=np.intp)
            _put_in_sightings(asked_next, rows, contexts, event_times, source_codes)
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
            event_ms=event_times,
            event_time_source=source_codes,
            contexts=contexts,
            sampled=sampled,
            tracestates=tracestates,
            byte_count=byte_count,
            rejected_contexts=rejected,
            unreadable_event_times=unreadable,
        )

    def read_batches(  # noqa: PLR0913 - as above
        self,
        topic: str,
        partition: int,
        batches: Sequence[RawBatch],
        *,
        next_offset: int,
        received_ms: int,
        live: bool,
    ) -> Columns | None:
        """Read whole batches, at a fraction of the cost of `read`.

        Args:
            topic: as for `read`.
            partition: as for `read`.
            batches: what holds the records, in the order of their offsets.
            next_offset: as for `read`.
            received_ms: as for `read`.
            live: as for `read`.

        Returns:
            What `read` returns for the same records; None where it has to be asked, because the
            records are not like those that most clients write.
        """
        try:
            fields = fields_of(batches)
        except (IrregularError, IndexError, ValueError):  # whatever damaged bytes lead to
            return None
        count = len(fields.offsets)
        found = _Found(fields, self._rest)
        byte_count = _known_bytes(fields.key_size) + _known_bytes(fields.value_size)
        for field in fields.headers:
            name_bytes, role = self._known_names.get(field.name) or self._learn(field.name)
            byte_count += name_bytes * len(field.rows) + _known_bytes(field.size)
            if role:
                found.note(field, role)
        contexts, sampled = found.contexts()
        event_ms, sources = found.event_times()
        odd = np.flatnonzero(found.odd)
        if len(odd) * _MOST_ODD > count:
            return None
        if self._asked_next:
            _put_in_sightings(self._asked_next, found.without_time(), contexts, event_ms, sources)
        counts = [batch.record_count for batch in batches]
        append_ms = np.repeat(
            [
                UNKNOWN if batch.append_ms is None or batch.append_ms < 0 else batch.append_ms
                for batch in batches
            ],
            counts,
        )
        columns = Columns(
            topic=topic,
            partition=partition,
            next_offset=next_offset,
            received_ms=received_ms,
            live=live,
            offsets=fields.offsets,
            append_ms=append_ms,
            event_ms=event_ms,
            event_time_source=sources,
            contexts=contexts,
            sampled=sampled,
            tracestates={},
            byte_count=byte_count,
            rejected_contexts={},
            unreadable_event_times={},
        )
        if not len(odd):
            return columns
        records = (
            _OddRecord(
                int(fields.offsets[row]),
                int(fields.timestamps[row]),
                int(append_ms[row] != UNKNOWN),
                fields.key(row),
                fields.value(row),
                fields.headers_of(row),
            )
            for row in odd.tolist()
        )
        read = self.read(
            topic, partition, records, next_offset=next_offset, received_ms=received_ms, live=live
        )
        event_ms[odd] = read.event_ms
        sources[odd] = read.event_time_source
        sampled[odd] = read.sampled
        for row, context in zip(odd.tolist(), read.contexts, strict=True):
            contexts[row] = context
        return replace(
            columns,
            tracestates={int(odd[row]): text for row, text in read.tracestates.items()},
            rejected_contexts=read.rejected_contexts,
            unreadable_event_times=read.unreadable_event_times,
        )

    def _learn(self, name: str) -> tuple[int, int]:
        """Bytes and role of a header name, remembered as long as there is room."""
        role = self._roles.get(name.lower(), _NO_ROLE)
        known = len(name.encode("utf-8", "surrogatepass")), role
        if len(self._known_names) < MAX_KNOWN_NAMES:
            self._known_names[name] = known
        return known


class _Found:
    """Which headers of some records say what; `odd` are the rows that `read` has to look at.

    Args:
        fields: of the records.
        rest: the rule that answers where neither headers nor sightings do, if there is one.
    """

    def __init__(self, fields: Fields, rest: EventTimeRule | None) -> None:
        count = len(fields.offsets)
        self._fields = fields
        self._rest = rest
        self.odd = np.zeros(count, dtype=np.bool_)
        self._context_at = np.full(count, UNKNOWN, dtype=np.int64)
        self._stated = np.zeros(count, dtype=np.bool_)
        self._other = np.zeros(count, dtype=np.bool_)
        self._time_role = np.full(count, _NO_EVENT_TIME, dtype=np.int64)
        self._time_at = np.zeros(count, dtype=np.int64)

    def note(self, field: Field, role: int) -> None:
        """Take in a header that has a role."""
        rows, at, size = field.rows, field.at, field.size
        if int(size.min()) < 0:  # null is as good as absent
            given = size >= 0
            rows, at, size = rows[given], at[given], size[given]
        if role >= _EVENT_TIME:
            better = role <= self._time_role[rows]
            rows, at, size = rows[better], at[better], size[better]
            self.odd[rows[size != _MS_DIGITS]] = True
            self._time_role[rows], self._time_at[rows] = role, at
        elif role == _TRACEPARENT:
            self.odd[rows] |= (size != VERSION_00_BYTES) | (self._context_at[rows] != UNKNOWN)
            self._context_at[rows] = at
        elif role == _TRACESTATE:
            self._stated[rows] = True
        else:
            self._other[rows] = True

    def contexts(self) -> tuple[list[bytes | None], NDArray[np.bool_]]:
        """The valid contexts, and which of them say sampled."""
        count = len(self.odd)
        rows = np.flatnonzero((self._context_at != UNKNOWN) & ~self.odd)
        texts = self._fields.texts(self._context_at[rows], VERSION_00_BYTES)
        joined = texts.tobytes()
        values = texts.tolist()
        if not are_version_00(joined, len(rows)):
            valid = np.fromiter(map(is_version_00, values), np.bool_, len(rows))
            self.odd[rows[~valid]] = True
        digits = np.frombuffer(joined, dtype=np.uint8)[VERSION_00_BYTES - 1 :: VERSION_00_BYTES]
        sampled = np.zeros(count, dtype=np.bool_)
        sampled[rows] = _SAMPLED[digits]
        self.odd |= (self._stated & sampled) | (self._other & (self._context_at == UNKNOWN))
        if len(rows) == count:
            return values, sampled
        contexts = np.full(count, None, dtype=np.object_)
        contexts[rows] = values
        return contexts.tolist(), sampled

    def event_times(self) -> tuple[NDArray[np.int64], NDArray[np.int8]]:
        """Event times, and their sources, as long as no sighting answers."""
        given = self._time_role != _NO_EVENT_TIME
        timestamps = self._fields.timestamps
        rest_code = _NOBODY_CODE if self._rest is None else _RECORD_CODE
        sources = np.where(given, np.int8(_HEADER_CODE), np.int8(rest_code))
        if isinstance(self._rest, RecordRule):
            if not bool(given.all()):
                by_record = (timestamps > 0) & (timestamps < YEAR_10000_MS)
                self.odd |= ~given & ~by_record
            event_ms = timestamps.copy()
        else:
            if self._rest is not None:
                self.odd |= ~given
            event_ms = np.full_like(timestamps, UNKNOWN)
        rows = np.flatnonzero(given & ~self.odd)
        texts = _windows_of(self._fields, self._time_at[rows])
        digits = texts - np.uint8(ord("0"))
        ms = (digits.astype(np.float64) @ _TENS).astype(np.int64)
        self.odd[rows[(digits > 9).any(axis=1) | (ms < _LEAST_MS)]] = True
        event_ms[rows] = ms
        return event_ms, sources

    def without_time(self) -> NDArray[np.intp]:
        """The rows whose headers say no time, but for the odd ones."""
        return np.flatnonzero((self._time_role == _NO_EVENT_TIME) & ~self.odd)


def _put_in_sightings(
    asked: Sequence[FirstSightings],
    rows: NDArray[np.intp],
    contexts: Sequence[bytes | None],
    event_ms: NDArray[np.int64],
    sources: NDArray[np.int8],
) -> None:
    """Put the first sightings in where these rows have one."""
    for sightings in asked:
        seen_ms = sightings.find([contexts[row] for row in rows.tolist()])
        answered = seen_ms != UNKNOWN
        event_ms[rows[answered]] = seen_ms[answered]
        sources[rows[answered]] = _SIGHTING_CODE
        rows = rows[~answered]


def _windows_of(fields: Fields, at: NDArray[np.int64]) -> NDArray[np.uint8]:
    texts = fields.texts(at, _MS_DIGITS)
    return texts.view(np.uint8).reshape(len(at), _MS_DIGITS)


def _known_bytes(sizes: NDArray[np.int64]) -> int:
    """Their sum; null has none."""
    return int(sizes.sum()) + int(np.count_nonzero(sizes < 0))
