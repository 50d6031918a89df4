"""The first record from an offset on that a consumer could read now, as its leader serves it.

What no consumer is given is passed: records that were compacted away, control records and, for
`read_committed`, aborted data. A broker gives the first batch of a request whole, whatever its
size, but the other partitions of that request nothing where a batch is larger than what was asked
for (KIP-74). So all are asked together for little, and who was given nothing is asked alone.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from aiokafka.consumer import fetcher
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.structs import TopicPartition

from streamgauge.kafka.answers import OFFSET_OUT_OF_RANGE, FetchedPartition, read_fetch
from streamgauge.kafka.batches import BATCHES, enable_batches
from streamgauge.kafka.salvage import Undecodable, readable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

    from streamgauge.core.columns import RecordReader
    from streamgauge.model import Record

MOST_ROUNDS: Final = 20
"""Requests about one partition in one search."""
MOST_BYTES: Final = 32 * 1024 * 1024
"""Of batches from one leader in one search; the answer that reaches it is still read."""

_FIRST_PARTITION_BYTES: Final = 16 * 1024
_GROWTH: Final = 4
_MOST_PARTITION_BYTES: Final = 1024 * 1024
_RESPONSE_BYTES: Final = 8 * 1024 * 1024
_NO_WAIT_MS: Final = 0
_MIN_BYTES: Final = 1
_CHECK_CRCS: Final = True


@dataclass(frozen=True, slots=True)
class FirstRecordFound:
    """There is one."""

    offset: int
    event_ms: int
    """Event time, UNKNOWN where no source answered."""


@dataclass(frozen=True, slots=True)
class NoRecord:
    """There is none."""

    end: int
    """The last stable offset for `read_committed`, else the high watermark, as the answer said it;
    less than the offset asked for where that lies among records that are not yet to be read."""


@dataclass(frozen=True, slots=True)
class Deleted:
    """The log begins after the offset."""

    start: int


FirstRecordAnswer: TypeAlias = FirstRecordFound | NoRecord | Deleted


@dataclass(slots=True)
class Searched:
    """What one leader has told; a partition that is in none of these is not known."""

    first: dict[int, FirstRecordAnswer] = field(default_factory=dict)
    out_of_range: set[int] = field(default_factory=set)
    """The log does not hold the offset; before or after which is not told."""
    refused: set[int] = field(default_factory=set)
    """Answered with another error: somebody else may lead now."""


class _Question(NamedTuple):
    """One request still to be sent."""

    partitions: Sequence[int]
    partition_bytes: int
    rounds_left: int


async def search(
    send: Callable[[FetchRequest], Awaitable[Any]],
    topic: str,
    offsets: Mapping[int, int],
    isolation: int,
    reader: RecordReader,
) -> Searched:
    """Find first records on one leader, with as many requests as that takes, within limits.

    A batch that cannot be read, or whose checksum does not match, leaves its partition unknown:
    what it holds might be the first record. So does a leader that has more but gives nothing, as
    one does whose quota is used up.

    Args:
        send: sends to the leader and returns its response.
        topic: the topic.
        offsets: from where on, by partition.
        isolation: 0 `read_uncommitted`, 1 `read_committed`.
        reader: reads the event time.
    """
    searched = Searched()
    positions = dict(offsets)
    order = list(offsets)
    random.shuffle(order)  # so that a limit does not meet the same partitions every time
    questions = deque(_divided(order, _FIRST_PARTITION_BYTES, MOST_ROUNDS))
    bytes_left = MOST_BYTES
    while questions and bytes_left > 0:
        partitions, size, rounds_left = questions.popleft()
        if not rounds_left:
            continue
        moved: list[int] = []
        starved: list[int] = []
        asked = [(number, positions[number], size) for number in partitions]
        for answer in read_fetch(await send(_request(topic, asked, isolation))):
            number = answer.partition
            bytes_left -= len(answer.records)
            if answer.error_code == OFFSET_OUT_OF_RANGE:
                searched.out_of_range.add(number)
            elif answer.error_code:
                searched.refused.add(number)
            else:
                before = positions[number]
                found = _first_in(answer, topic, before, isolation, reader)
                if isinstance(found, FirstRecordFound | NoRecord):
                    searched.first[number] = found
                elif found is not None:
                    positions[number] = found
                    (moved if found > before else starved).append(number)
            await asyncio.sleep(0)  # the loop breathes between partitions
        questions += _divided(moved, min(_GROWTH * size, _MOST_PARTITION_BYTES), rounds_left - 1)
        if len(partitions) > 1:
            questions += [_Question([number], size, rounds_left - 1) for number in starved]
    return searched


def _divided(
    partitions: Sequence[int], partition_bytes: int, rounds_left: int
) -> Iterable[_Question]:
    """Ask no more at once than a response has room for."""
    room = _RESPONSE_BYTES // partition_bytes
    for begin in range(0, len(partitions), room):
        yield _Question(partitions[begin : begin + room], partition_bytes, rounds_left)


def _request(topic: str, asked: list[tuple[int, int, int]], isolation: int) -> FetchRequest:
    return FetchRequest(_NO_WAIT_MS, _MIN_BYTES, _RESPONSE_BYTES, isolation, [(topic, asked)])


def _first_in(
    answer: FetchedPartition, topic: str, offset: int, isolation: int, reader: RecordReader
) -> FirstRecordFound | NoRecord | int | None:
    """Look for the first record in one fetched partition.

    Returns:
        An int: none here, go on at that offset. None: not known.
    """
    batches = enable_batches()
    undecodable: list[Undecodable] = []
    try:
        unpacked = fetcher.PartitionRecords(
            TopicPartition(topic, answer.partition),
            fetcher.MemoryRecords(answer.records),
            answer.aborted_transactions,
            offset,
            BATCHES,
            None,
            _CHECK_CRCS,
            isolation,
        )
        records: Iterable[Record] = unpacked
        if batches:
            records = chain.from_iterable(readable(batch, undecodable) for batch in unpacked)
        record = next(iter(records), None)
    except Exception:  # noqa: BLE001 - whatever a parser throws at hostile bytes
        return None
    if undecodable:
        return None
    if record is not None:
        return _found(record, topic, answer.partition, reader)
    position: int = unpacked.next_fetch_offset
    end = answer.last_stable_offset if isolation else answer.high_watermark
    return NoRecord(end) if position >= end else position


def _found(record: Record, topic: str, partition: int, reader: RecordReader) -> FirstRecordFound:
    """Read the event time as it is read from a tailed record."""
    columns = reader.read(
        topic, partition, [record], next_offset=record.offset + 1, received_ms=0, live=False
    )
    return FirstRecordFound(record.offset, int(columns.event_ms[0]))
