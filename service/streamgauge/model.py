"""The nouns that travel between shells and core: plain values without behaviour.

Times are integer milliseconds since the epoch, UTC. A time that is not known is `UNKNOWN` in an
array and `None` elsewhere; neither is ever replaced by a guess.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from streamgauge.core.dead_letters.dead_letter import Letter

UNKNOWN: Final = -1
"""In `int64` columns: the value is not known. No offset and no time here is ever negative."""


class EventTimeSource(StrEnum):
    """What answered for the event time of a record."""

    HEADER = "header"
    POINTER = "pointer"
    FIRST_SIGHTING = "first_sighting"
    RECORD = "record"


EVENT_TIME_SOURCES: Final = tuple(EventTimeSource)
"""Position in this tuple is the code used in `Columns.event_time_source`."""


class Record(Protocol):
    """What the core reads of one Kafka message; aiokafka's record classes have this shape."""

    @property
    def offset(self) -> int:
        """Position in the partition's log."""

    @property
    def timestamp(self) -> int | None:
        """Milliseconds since the epoch; -1 or None where the message has none."""

    @property
    def timestamp_type(self) -> int | None:
        """0 CreateTime, 1 LogAppendTime, None for messages of the oldest format."""

    @property
    def key(self) -> bytes | None:
        """The key, null where there is none."""

    @property
    def value(self) -> bytes | None:
        """The value, null for a tombstone."""

    @property
    def headers(self) -> Sequence[tuple[str, bytes | None]]:
        """Names and values in the order of the record, repeats kept."""


@dataclass(frozen=True, slots=True)
class Columns:
    """The records of one partition from one poll, as columns of equal length n (n may be 0)."""

    topic: str
    partition: int
    next_offset: int
    """Offset after these records, also past control records and aborted data."""
    received_ms: int
    """Receipt time: when the gauge received the records."""
    live: bool
    """Whether the partition had been caught up at most one second before receipt."""
    offsets: NDArray[np.int64]
    append_ms: NDArray[np.int64]
    """Append time where the topic says it (LogAppendTime), else UNKNOWN."""
    event_ms: NDArray[np.int64]
    """Event time, UNKNOWN where no source answered."""
    event_time_source: NDArray[np.int8]
    """Index into EVENT_TIME_SOURCES, -1 where none answered."""
    contexts: Sequence[bytes | None]
    """The trace context of each record as 55 bytes `00-<trace id>-<span id>-<flags>`.

    None where the record has no valid one.
    """
    sampled: NDArray[np.bool_]
    """Whether the context says sampled (flag bit 0)."""
    tracestates: Mapping[int, str]
    """Valid tracestate by row, for sampled rows only."""
    byte_count: int
    """Bytes of keys, values, header names and header values, uncompressed."""
    rejected_contexts: Mapping[str, int]
    """Trace headers that were refused, by reason."""
    unreadable_event_times: Mapping[str, int]
    """Values that were present and could not be read as a time, by event time source."""
    letters: Sequence[Letter] = ()
    """What the records say as dead letters; empty for a stream's topic."""


@dataclass(frozen=True, slots=True)
class CommittedOffsets:
    """What one answered poll said of one consumer group on one topic."""

    group: str
    topic: str
    offsets: Mapping[int, int | None]
    """By partition; None: the group has no committed offset there."""
    seen_at_ms: int


@dataclass(frozen=True, slots=True)
class LogOffsets:
    """Start and end offsets of the partitions of one topic, as one answered poll said them.

    The end is the high watermark, or the last stable offset for a `read_committed` stream.
    A partition that did not answer is absent.
    """

    topic: str
    start: Mapping[int, int]
    end: Mapping[int, int]
    seen_at_ms: int


class LagBound(StrEnum):
    """How a lag is to be read."""

    EXACT = "exact"
    UPPER = "upper"
    LOWER = "lower"
    UNKNOWN = "unknown"


class GroupStatus(StrEnum):
    """What a consumer group is doing."""

    OK = "OK"
    LAGGING = "LAGGING"
    STALLED = "STALLED"
    STOPPED = "STOPPED"
    REWOUND = "REWOUND"
    EMPTY = "EMPTY"
    UNKNOWN = "UNKNOWN"


class Level(StrEnum):
    """What a check says, from best to worst to be told."""

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    UNKNOWN = "unknown"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Blind:
    """Something the gauge cannot vouch for, since when and why."""

    what: str
    since_ms: int
    reason: str


@dataclass(frozen=True, slots=True)
class SinkHealth:
    """How telling one sink goes: counts since the start of the process."""

    name: str
    delivered: int
    failed: int
    dropped: int
    """What a limit dropped (never counts of records: those are in the totals)."""
    last_delivered_ms: int | None
    last_failed_ms: int | None
    last_error: str | None
