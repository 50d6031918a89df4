"""Records that stand for a bucket of arrival ages, until the next export takes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from streamgauge.core.histogram import positions
from streamgauge.otlp.readings import arrival_series

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from streamgauge.core.traced import TracedRecord
    from streamgauge.otlp.readings import Attributes

Buckets: TypeAlias = "dict[Attributes, dict[int, TracedRecord]]"
"""Last sampled record by series and bucket position."""


class ExemplarCandidates:
    """The candidates of one stream: the last sampled record of each bucket of each series.

    A candidate becomes takeable when the snapshot that holds its age is published, so that no
    exemplar is told before its histogram counts it. At most `series_max` series are kept, with as
    many records as the histogram has buckets. Not safe for threads.
    """

    def __init__(self, stream: str, series_max: int) -> None:
        self._stream = stream
        self._series_max = series_max
        self._offered: Buckets = {}
        self._published: Buckets = {}
        self._series: set[Attributes] = set()

    def offer(self, records: Iterable[TracedRecord]) -> int:
        """Add candidates; returns how many the limit on series dropped. Unaged ones are ignored."""
        aged = [(record, record.age_ms) for record in records if record.age_ms is not None]
        where = positions(np.array([age_ms for _, age_ms in aged], dtype=np.int64))
        dropped = 0
        for (record, _), position in zip(aged, where.tolist(), strict=True):
            series = arrival_series(self._stream, record.topic, record.partition)
            if series not in self._series and len(self._series) >= self._series_max:
                dropped += 1
                continue
            self._series.add(series)
            self._offered.setdefault(series, {})[position] = record
        return dropped

    def publish(self) -> None:
        """Make takeable what was offered so far."""
        for series, buckets in self._offered.items():
            self._published.setdefault(series, {}).update(buckets)
        self._offered = {}

    def take(self) -> Buckets:
        """What was published since the last take; each record is taken once."""
        taken, self._published = self._published, {}
        self._series = set(self._offered)
        return taken

    def __contains__(self, record: TracedRecord) -> bool:
        """Whether the record is a candidate that was not yet taken."""
        series = arrival_series(self._stream, record.topic, record.partition)
        return any(
            held.offset == record.offset
            for waiting in (self._offered, self._published)
            for held in waiting.get(series, {}).values()
        )


def choose(buckets: Mapping[int, TracedRecord], limit: int) -> list[TracedRecord]:
    """At most `limit` records, spread evenly over the buckets, the slowest always among them.

    They are ordered by (millisecond, value): Prometheus refuses an exemplar of a series that is
    older than the one before, or equally old with a smaller value.
    """
    slowest_first = [buckets[position] for position in sorted(buckets, reverse=True)]
    count = min(limit, len(slowest_first))
    step = (len(slowest_first) - 1) / max(count - 1, 1)
    chosen = [slowest_first[round(i * step)] for i in range(count)]
    return sorted(chosen, key=lambda record: (record.received_ms, record.age_ms))
