"""What `streamgauge explain --topic` reads: the newest records of a topic, over all partitions."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, Final

from streamgauge.kafka.log_reading import LogReading

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from streamgauge.kafka.cluster import IsolationLevel
    from streamgauge.kafka.connection import Connection
    from streamgauge.model import Record

_STEPS_BACK: Final = 8
_GROWTH: Final = 4
"""Where fewer records lie before the end than offsets do, for compaction and transactions take
some, so many steps go further back, each so many times wider than the one before."""

Told = dict[str, object]


async def last_records(
    connection: Connection,
    topic: str,
    isolation_level: IsolationLevel,
    last: int,
    tell: Callable[[Record], Told],
) -> tuple[list[Told], int]:
    """Tell the `last` newest records of a topic; fewer, where the log holds fewer.

    Of each partition its last ones are looked at; of those, the newest by timestamp are told.

    Args:
        connection: how the brokers are reached.
        topic: the topic.
        isolation_level: which records there are.
        last: how many.
        tell: what is told of one record; the record itself is not kept.

    Returns:
        What was told, the newest last, each with `topic`, `partition`, `offset` and `timestamp`
        before it; and how many records on the way could not be decoded.

    Raises:
        KafkaAccessError: if the topic does not exist, may not be read or nobody answers.
    """
    newest: list[tuple[int, int, int, Told]] = []
    async with LogReading(connection, topic, isolation_level) as log:
        start, end = await log.positions("earliest"), await log.positions("latest")
        missing = dict.fromkeys(start.keys() & end.keys(), last)
        width = last
        for _ in range(_STEPS_BACK):
            begin = {number: max(start[number], end[number] - width) for number in missing}
            async for number, records in log.read(begin, end):
                missing[number] -= len(records)
                for record in records:
                    place = (_time_of(record), number, record.offset)
                    entry = (*place, _addressed(topic, number, record) | tell(record))
                    if len(newest) < last:
                        heapq.heappush(newest, entry)
                    elif place > newest[0][:3]:
                        heapq.heapreplace(newest, entry)
            missing = _to_go_back(missing, begin, start)
            end, width = begin, width * _GROWTH
        undecodable = sum(each.records for each in log.undecodable)
    return [told for *_, told in sorted(newest, key=lambda each: each[:3])], undecodable


def _to_go_back(
    missing: Mapping[int, int], begin: Mapping[int, int], start: Mapping[int, int]
) -> dict[int, int]:
    """Partitions of which too few records were there, though the log goes further back."""
    return {p: count for p, count in missing.items() if count > 0 and begin[p] > start[p]}


def _time_of(record: Record) -> int:
    return -1 if record.timestamp is None else record.timestamp


def _addressed(topic: str, partition: int, record: Record) -> Told:
    known = None if _time_of(record) < 0 else record.timestamp
    return {"topic": topic, "partition": partition, "offset": record.offset, "timestamp": known}
