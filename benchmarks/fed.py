"""Gauges that are fed the same records and commits, without a broker that holds them."""  # noqa: INP001 - a part of scripts, not of a package

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from cpu import Cpu

from streamgauge.core.gauge import DeadLetterTopic, StreamGauge, StreamPolicy
from streamgauge.model import Columns, CommittedOffsets, LogOffsets

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

BATCH_RECORDS = 50
"""Of one partition, from one fetch."""
RECORD_BYTES = 700
MEDIAN_MS, SPREAD = 80, 0.6
"""Of the ages, which are lognormal."""


def stream_policy(topic: str, groups: Sequence[str], letters: Sequence[str] = ()) -> StreamPolicy:
    """A stream with the default checks."""
    return StreamPolicy(
        name=topic,
        topic=topic,
        asset_key=("kafka", topic),
        groups=tuple(groups),
        dead_letters=tuple(DeadLetterTopic(each, ("kafka", each)) for each in letters),
        window_ms=60_000,
        resolution_ms=500,
        checks={},
    )


@dataclass(frozen=True, slots=True)
class Moment:
    """What every gauge is told of one topic at one time."""

    topic: str
    now_ms: int
    columns: tuple[Columns, ...]
    ends: Mapping[int, int]
    """End offset by partition; all of it was read."""
    committed: tuple[CommittedOffsets, ...]
    """Of each group, which has finished everything."""


class Feed:
    """One topic that grows on all partitions, or stands still."""

    def __init__(self, topic: str, groups: Sequence[str], positions: Mapping[int, int]) -> None:
        self._topic = topic
        self._groups = tuple(groups)
        self._ends = dict(positions)
        self._random = np.random.default_rng(4)

    def moment(self, now_ms: int, *, at_rest: bool) -> Moment:
        """The next one; at rest nothing was written since the last."""
        columns = () if at_rest else tuple(self._grown(now_ms))
        ends = dict(self._ends)
        committed = tuple(
            CommittedOffsets(group, self._topic, ends, now_ms) for group in self._groups
        )
        return Moment(self._topic, now_ms, columns, ends, committed)

    def _grown(self, now_ms: int) -> Iterator[Columns]:
        n = BATCH_RECORDS
        for partition, start in self._ends.items():
            ages_ms = self._random.lognormal(np.log(MEDIAN_MS), SPREAD, n).astype(np.int64)
            self._ends[partition] = start + n
            yield Columns(
                topic=self._topic,
                partition=partition,
                next_offset=start + n,
                received_ms=now_ms,
                live=True,
                offsets=np.arange(start, start + n),
                append_ms=np.full(n, now_ms),
                event_ms=now_ms - ages_ms,
                event_time_source=np.zeros(n, dtype=np.int8),
                contexts=[None] * n,
                sampled=np.zeros(n, dtype=bool),
                tracestates={},
                byte_count=n * RECORD_BYTES,
                rejected_contexts={},
                unreadable_event_times={},
            )


class FedGauge(StreamGauge):
    """A gauge that meters what taking in and telling cost."""

    def __init__(self, policy: StreamPolicy, life: str, now_ms: int, *, kept: bool) -> None:
        super().__init__(policy, life, now_ms, kept=kept)
        self.folding = Cpu()

    def feed(self, moment: Moment, *, tick: bool) -> None:
        """Take in all of it; then say all that is known, if it is time to."""
        log = LogOffsets(moment.topic, dict.fromkeys(moment.ends, 0), moment.ends, moment.now_ms)
        with self.folding:
            for columns in moment.columns:
                self.fold(columns)
            for partition, end in moment.ends.items():
                self.answered(moment.topic, partition, end, moment.now_ms)
            if moment.committed:
                self.offsets(moment.committed, log)
            if tick:
                self.tick(moment.now_ms)
