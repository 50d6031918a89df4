"""Reading what lies in a topic's log once, from offsets on up to others, without a group.

Requests are answered or refused one by one, so that whoever waits at a terminal is told why nothing
comes. What no consumer is given is passed: gaps of compaction, control records and, for
`read_committed`, aborted data.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self

from aiokafka.consumer import fetcher
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.structs import TopicPartition

from streamgauge.kafka.answers import (
    NO_LEADER,
    OFFSET_OUT_OF_RANGE,
    TOPIC_AUTHORIZATION_FAILED,
    UNKNOWN_TOPIC_OR_PARTITION,
    Absent,
    FetchedPartition,
    Forbidden,
    describe_error,
    read_fetch,
)
from streamgauge.kafka.batches import BATCHES, enable_batches
from streamgauge.kafka.cluster import Cluster
from streamgauge.kafka.errors import (
    BrokersUnavailableError,
    KafkaAccessError,
    UnexpectedAnswerError,
    text_of,
)
from streamgauge.kafka.salvage import Undecodable, readable
from streamgauge.kafka.start import start_positions
from streamgauge.kafka.unreachable import explained
from streamgauge.kafka.wire import Wire

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from streamgauge.kafka.cluster import IsolationLevel
    from streamgauge.kafka.connection import Connection
    from streamgauge.kafka.start import StartFrom
    from streamgauge.model import Record

PATIENCE_SECONDS: Final = 15.0
"""How long a log that gives nothing more is asked again."""
PAUSE_SECONDS: Final = 0.25

_WAIT_MS: Final = 250
_MIN_BYTES: Final = 1
_RESPONSE_BYTES: Final = 16 * 1024 * 1024
_PARTITION_BYTES: Final = 1024 * 1024
_CHECK_CRCS: Final = True


class TopicRefusedError(KafkaAccessError):
    """The topic does not exist, or may not be read; the message is one sentence."""


class Piece(NamedTuple):
    """Records of one partition, in the order of the log."""

    partition: int
    records: Sequence[Record]


class LogReading:
    """Reads one topic over connections of its own; creates and commits nothing.

    Use it as a context; entering raises `TopicRefusedError`, and every other `KafkaAccessError` as
    the brokers' answers have it.

    Args:
        connection: how the brokers are reached.
        topic: the topic.
        isolation_level: which records there are.
    """

    def __init__(self, connection: Connection, topic: str, isolation_level: IsolationLevel) -> None:
        self.topic = topic
        self.isolation_level: IsolationLevel = isolation_level
        self.undecodable: list[Undecodable] = []
        """What could not be read of what has been passed."""
        self._connection = connection
        self._cluster = Cluster(connection)
        self._wire = Wire(connection)
        self._leaders: Mapping[int, int] = {}

    async def __aenter__(self) -> Self:
        try:
            await self._cluster.start()
            await self._look_up()
            self._wire.watch(self.topic)
            try:
                await self._wire.open()
            except BrokersUnavailableError as error:
                raise await explained(self._connection, error) from error
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._wire.close()
        await self._cluster.close()

    async def positions(self, at: StartFrom) -> dict[int, int]:
        """The offset at which each partition begins, ends, or reaches a time.

        Raises:
            TopicRefusedError: if the topic is deleted meanwhile.
            BrokersUnavailableError: if a partition has no answer for `PATIENCE_SECONDS`, for
                example for want of a leader.
        """
        clock = asyncio.get_running_loop().time
        deadline = clock() + PATIENCE_SECONDS
        while True:
            partitions = list(self._leaders)
            try:
                return await start_positions(
                    self._cluster, self.topic, partitions, at, self.isolation_level
                )
            except BrokersUnavailableError:  # a leader may be moving
                if clock() >= deadline:
                    raise
            await asyncio.sleep(PAUSE_SECONDS)
            await self._look_up()

    async def read(self, begin: Mapping[int, int], end: Mapping[int, int]) -> AsyncIterator[Piece]:
        """Give the records from `begin` on and before `end`, both by partition.

        Offsets that retention deletes meanwhile are passed.

        Raises:
            TopicRefusedError: if the right to read is missing, or the topic is deleted meanwhile.
            BrokersUnavailableError: if a log gives nothing more for `PATIENCE_SECONDS`.
        """
        positions = {number: at for number, at in begin.items() if at < end[number]}
        clock = asyncio.get_running_loop().time
        deadline = clock() + PATIENCE_SECONDS
        while positions:
            moved = False
            trouble = None
            for answer in await self._fetch(positions):
                number, before = answer.partition, positions[answer.partition]
                if answer.error_code:
                    trouble = await self._passed(answer, positions)
                else:
                    at, records = self._unpacked(answer, before, end[number])
                    positions[number] = at
                    if records:
                        yield Piece(number, records)
                if positions[number] > before:
                    moved = True
                if positions[number] >= end[number]:
                    del positions[number]
            if moved:
                deadline = clock() + PATIENCE_SECONDS
            elif positions and clock() >= deadline:
                raise self._stuck(positions, trouble)
            elif positions:
                await asyncio.sleep(PAUSE_SECONDS)
                await self._look_up()

    async def _look_up(self) -> None:
        state = await self._cluster.topic(self.topic)
        if isinstance(state, Absent):
            raise TopicRefusedError(f"topic {self.topic} does not exist")
        if isinstance(state, Forbidden):
            raise TopicRefusedError(f"the right {state.right} is missing; grant it")
        self._leaders = state.leaders

    async def _fetch(self, positions: Mapping[int, int]) -> list[FetchedPartition]:
        """Ask all leaders at once; one that does not answer has given nothing."""
        asked: dict[int, list[tuple[int, int, int]]] = {}
        for number, at in positions.items():
            leader = self._leaders.get(number, NO_LEADER)
            if leader != NO_LEADER:
                asked.setdefault(leader, []).append((number, at, _PARTITION_BYTES))
        isolation = int(self.isolation_level == "read_committed")
        results = await asyncio.gather(
            *(
                self._wire.send(
                    leader,
                    FetchRequest(
                        _WAIT_MS, _MIN_BYTES, _RESPONSE_BYTES, isolation, [(self.topic, rows)]
                    ),
                )
                for leader, rows in asked.items()
            ),
            return_exceptions=True,
        )
        fetched: list[FetchedPartition] = []
        for result in results:
            if isinstance(result, BrokersUnavailableError):
                continue
            if isinstance(result, BaseException):
                raise result
            fetched += read_fetch(result)
        return fetched

    async def _passed(self, answer: FetchedPartition, positions: dict[int, int]) -> str:
        """Pass what has been deleted; of other errors tell what they are."""
        code, number = answer.error_code, answer.partition
        if code == TOPIC_AUTHORIZATION_FAILED:
            raise TopicRefusedError(f"the right READ on topic {self.topic} is missing; grant it")
        if code == OFFSET_OUT_OF_RANGE:
            start = (await self.positions("earliest"))[number]
            positions[number] = max(positions[number], start)
        if code == UNKNOWN_TOPIC_OR_PARTITION:
            await self._look_up()
        return describe_error(code)

    def _unpacked(self, answer: FetchedPartition, begin: int, end: int) -> tuple[int, list[Record]]:
        """Where to go on, and the records before `end`."""
        has_batches = enable_batches()
        found: list[Record] = []
        lost: list[Undecodable] = []
        try:
            unpacked: Any = fetcher.PartitionRecords(
                TopicPartition(self.topic, answer.partition),
                fetcher.MemoryRecords(answer.records),
                answer.aborted_transactions,
                begin,
                BATCHES,
                None,
                _CHECK_CRCS,
                int(self.isolation_level == "read_committed"),
            )
            for each in unpacked:
                records = readable(each, lost) if has_batches else [each]
                found += (record for record in records if record.offset < end)
                if unpacked.next_fetch_offset >= end:
                    break
        except Exception as error:
            raise UnexpectedAnswerError(
                f"partition {answer.partition} of topic {self.topic} cannot be read from offset "
                f"{begin} on: {text_of(error)}"
            ) from error
        self.undecodable += (each for each in lost if each.offset < end)
        return int(unpacked.next_fetch_offset), found

    def _stuck(self, positions: Mapping[int, int], trouble: str | None) -> BrokersUnavailableError:
        number = next(iter(positions))
        why = trouble or "its leader gives nothing"
        if self._leaders.get(number, NO_LEADER) == NO_LEADER:
            why = "it has no leader"
        return BrokersUnavailableError(
            f"partition {number} of topic {self.topic} cannot be read from offset "
            f"{positions[number]} on: {why}"
        )
