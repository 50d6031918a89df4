"""Times of single records: of the newest one, and of the first that a group has still to read."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from streamgauge.app.settings import event_time_rules
from streamgauge.core.columns import RecordReader
from streamgauge.core.event_time import RecordRule
from streamgauge.kafka.clock import wall_clock_ms
from streamgauge.kafka.errors import KafkaAccessError
from streamgauge.kafka.fetching import Fetching, TailSettings
from streamgauge.kafka.tail import Tail
from streamgauge.model import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamgauge.core.event_time import EventTimeRule
    from streamgauge.core.snapshot import GroupView
    from streamgauge.kafka.cluster import Cluster
    from streamgauge.model import LogOffsets
    from streamgauge_dagster.sensors.polled import PolledTopic

READ_SECONDS: Final = 3.0
"""Records are waited for so long."""
TIMED_GROUPS_MAX: Final = 10
"""Consumer groups of one topic whose time lag is looked up, those with the greatest lag."""
STEPS_BACK: Final = (1, 100)
"""Offsets before the end where the newest record is looked for: between it and the end there may
be control records, and what was compacted away."""
_FETCHING: Final = Fetching(min_bytes=1, partition_max_bytes=64 * 1024)


async def newest_record_ms(
    cluster: Cluster, topic: PolledTopic, ends: Mapping[int, int], log: LogOffsets
) -> int | None:
    """The greatest timestamp of the newest records of these partitions; None if none was found."""
    newest, left = UNKNOWN, dict(ends)
    for step in STEPS_BACK:
        positions = {p: max(log.start.get(p, 0), end - step) for p, end in left.items()}
        times = await _times(cluster, topic, [RecordRule()], positions, left)
        newest = max([newest, *(ms[-1] for ms in times.values() if ms)])
        left = {p: end for p, end in left.items() if not times.get(p, [0])}
        if not left:
            break
    return None if newest == UNKNOWN else newest


async def time_lags(
    cluster: Cluster, topic: PolledTopic, groups: Mapping[str, GroupView], log: LogOffsets
) -> dict[str, float]:
    """Now less the event time of the first record that each group has still to read, in seconds.

    A group that has read everything is 0 s behind. Groups of which it is not known are absent.
    """
    lags = {name: view.lag for name, view in groups.items() if view.lag is not None}
    found = {name: 0.0 for name, lag in lags.items() if not lag}
    behind = sorted((name for name, lag in lags.items() if lag), key=lambda name: -lags[name])
    rules: list[EventTimeRule] = [RecordRule()]
    if topic.rules_of is not None:
        rules = event_time_rules(topic.rules_of)
    for name in behind[:TIMED_GROUPS_MAX]:
        unread = {p: part for p, part in groups[name].partitions.items() if part.lag}
        positions = {
            p: max(log.start.get(p, 0), part.committed_offset or 0) for p, part in unread.items()
        }
        ends = {p: log.end[p] for p in unread}
        times = await _times(cluster, topic, rules, positions, ends, first_only=True)
        first = [ms[0] for ms in times.values() if ms]
        if times.keys() == unread.keys() and UNKNOWN not in first:
            now_ms = wall_clock_ms()
            found[name] = max([0, *(now_ms - ms for ms in first)]) / 1000
    return found


async def _times(  # noqa: PLR0913 - where, what and how far
    cluster: Cluster,
    topic: PolledTopic,
    rules: list[EventTimeRule],
    positions: Mapping[int, int],
    ends: Mapping[int, int],
    *,
    first_only: bool = False,
) -> dict[int, list[int]]:
    """Event times from positions up to ends, or of the first record only.

    Those of a partition without any record there are empty; a partition that was not read so far in
    time is absent.
    """
    found: dict[int, list[int]] = {p: [] for p in positions}
    done: set[int] = set()
    try:
        async with asyncio.timeout(READ_SECONDS):
            settings = TailSettings(
                topic=topic.topic,
                isolation_level=topic.isolation_level,
                fetching=_FETCHING,
                poll_ms=100,
            )
            tail = await Tail.start(cluster, RecordReader(rules), settings, positions)
            try:
                while done < found.keys():
                    polled = await tail.poll()
                    for columns in polled.columns:
                        found[columns.partition] += columns.event_ms.tolist()
                    done |= {
                        p
                        for p, progress in polled.progress.items()
                        if progress.next_offset >= ends[p] or (first_only and found[p])
                    }
            finally:
                await tail.close()
    except (TimeoutError, KafkaAccessError):
        pass
    return {p: ms for p, ms in found.items() if p in done}
