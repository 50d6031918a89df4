"""Totals: what the records of a partition amount to; the only place where counts live.

A total only grows. Totals of partitions add up to those of a stream, and the totals at two times
subtract to what happened in between: every number that is told is such a difference.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

from streamgauge.core.growing import Growing
from streamgauge.core.histogram import Histogram
from streamgauge.model import EVENT_TIME_SOURCES, UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from streamgauge.model import Columns

NO_EVENT_TIME: Final = "none"
"""Name in `Totals.event_times` of the records for which no source answered."""


AGES_OF_A_GROUP: Final = ("aged", "unaged", "reprocessed")
"""Fields of `GroupTotals` that say nothing of a group whose processed ages are not kept."""


@dataclass(slots=True)
class GroupTotals(Growing):
    """What one consumer group did on a partition."""

    committed: int = 0
    """Offsets its commits moved forward, from the first commit seen in this life."""
    aged: Histogram = field(default_factory=Histogram)
    """Processed ages; negative ones enter as 0."""
    reprocessed: int = 0
    """Records that it passed again after a rewind."""
    unaged: int = 0
    """Records that it passed while nobody watched, and those without event time."""

    def age(self, event_ms: NDArray[np.int64], seen_at_ms: int) -> None:
        """Count records that the group was seen to have passed.

        Args:
            event_ms: int64[n], event time or UNKNOWN.
            seen_at_ms: when that was seen.
        """
        known = event_ms[event_ms != UNKNOWN]
        self.unaged += len(event_ms) - len(known)
        if len(known):
            self.aged.fold(np.maximum(seen_at_ms - known, 0))


@dataclass(frozen=True, slots=True)
class ArrivalAges:
    """The arrival ages that a fold counted, as columns of equal length m."""

    rows: NDArray[np.intp]
    """Row of the record in the folded columns."""
    ages_ms: NDArray[np.int64]
    """Never negative."""
    positions: NDArray[np.intp]
    """Bucket position in the histogram."""


@dataclass(slots=True)
class Totals(Growing):
    """The typed table of everything that is counted; each field adds and subtracts by its type."""

    records: int = 0
    """Records of the stream's topic."""
    bytes: int = 0
    """Bytes of their keys, values and headers, uncompressed."""
    arrival_ages: Histogram = field(default_factory=Histogram)
    """Ages on arrival in the log; negative ones enter as 0."""
    unaged: int = 0
    """Records whose arrival age is unknown: no append time and not live, or no event time."""
    negative: int = 0
    """Records older in the log than in their own words (clock skew), a part of `arrival_ages`; and
    those that died before, a part of `death_ages`."""
    traced: int = 0
    """Records with a valid trace context."""
    sampled: int = 0
    """Records whose trace context says sampled, a part of `traced`."""
    event_times: dict[str, int] = field(default_factory=dict)
    """Records by the source that answered for their event time, or `none`."""
    unreadable_event_times: dict[str, int] = field(default_factory=dict)
    """Values that were there and could not be read as a time, by event time source."""
    rejected_contexts: dict[str, int] = field(default_factory=dict)
    """Trace headers refused, by reason."""
    dead_letters: int = 0
    """Records of the stream's dead letter topics that are dead, and no other stream's."""
    retrying: int = 0
    """Records of these topics that are being tried again."""
    causes: dict[str, int] = field(default_factory=dict)
    """Dead letters by the key of their cause."""
    other_causes: int = 0
    """Dead letters of causes that found no place among these."""
    death_ages: Histogram = field(default_factory=Histogram)
    """Ages at death: from the event to the arrival of the dead letter, where both are known."""
    append_to_death: Histogram = field(default_factory=Histogram)
    """From the append of the original record to that arrival, where both are known."""
    undecodable: int = 0
    """Offsets whose records could not be decoded, in stream and dead letter topics."""
    lost: int = 0
    """Offsets that retention deleted before the gauge had read them."""
    groups: dict[str, GroupTotals] = field(default_factory=dict)
    """By consumer group."""

    def fold(self, columns: Columns) -> ArrivalAges:
        """Count the records of a stream's topic and return the arrival ages among them."""
        count, arrived_ms = len(columns.offsets), arrival_times(columns)
        rows = np.flatnonzero((arrived_ms != UNKNOWN) & (columns.event_ms != UNKNOWN))
        ages_ms = arrived_ms[rows] - columns.event_ms[rows]
        self.records += count
        self.bytes += columns.byte_count
        self.unaged += count - len(rows)
        self.negative += int(np.count_nonzero(ages_ms < 0))
        self.traced += count - columns.contexts.count(None)
        self.sampled += int(np.count_nonzero(columns.sampled))
        answered = np.bincount(columns.event_time_source + 1, minlength=len(EVENT_TIME_SOURCES) + 1)
        names = (NO_EVENT_TIME, *(source.value for source in EVENT_TIME_SOURCES))
        _count(self.event_times, dict(zip(names, answered.tolist(), strict=True)))
        _count(self.unreadable_event_times, columns.unreadable_event_times)
        _count(self.rejected_contexts, columns.rejected_contexts)
        ages_ms = np.maximum(ages_ms, 0)
        return ArrivalAges(rows, ages_ms, self.arrival_ages.fold(ages_ms))

    def fold_dead_letters(self, dead: int, retrying: int) -> None:
        """Count records of a dead letter topic."""
        self.dead_letters += dead
        self.retrying += retrying

    def fold_deaths(self, ages_ms: Sequence[int], waits_ms: Sequence[int]) -> None:
        """Count ages at death, and times from append to death; negative ones enter as 0."""
        self.negative += sum(age_ms < 0 for age_ms in ages_ms)
        for histogram, times_ms in ((self.death_ages, ages_ms), (self.append_to_death, waits_ms)):
            if times_ms:
                histogram.fold(np.maximum(np.array(times_ms, dtype=np.int64), 0))

    def fold_commit(self, group: str, advanced: int) -> None:
        """Count offsets that a commit of the group moved forward (never negative)."""
        self.groups.setdefault(group, GroupTotals()).committed += advanced


def arrival_times(columns: Columns) -> NDArray[np.int64]:
    """When the records came, int64[n], UNKNOWN where nobody knows.

    The append time of a CreateTime record is unknown; while the record is live its receipt time
    stands in, which is too late by at most one fetch wait.
    """
    if not columns.live:
        return columns.append_ms
    return np.where(columns.append_ms == UNKNOWN, columns.received_ms, columns.append_ms)


def _count(into: dict[str, int], more: Mapping[str, int]) -> None:
    for name, count in more.items():
        if count:
            into[name] = into.get(name, 0) + count
