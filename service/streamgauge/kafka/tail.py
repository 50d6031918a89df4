"""Tailing one topic: every record once, in columns, with what is known of where the log stands."""

from __future__ import annotations

import asyncio
import time
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any, Final, Self

from aiokafka.errors import OffsetOutOfRangeError, TopicAuthorizationFailedError
from aiokafka.structs import TopicPartition

from streamgauge.kafka.answers import NO_LEADER, Forbidden
from streamgauge.kafka.batch_header import raw_batches
from streamgauge.kafka.batches import enable_batches
from streamgauge.kafka.clock import wall_clock_ms
from streamgauge.kafka.errors import KafkaAccessError, TailStalledError, text_of
from streamgauge.kafka.fetching import start_consumer
from streamgauge.kafka.partition import TailedPartition
from streamgauge.kafka.patience import MetadataLimiter, stop_within
from streamgauge.kafka.poll_size import PollSize
from streamgauge.kafka.polled import Lost, Polled, Truncated
from streamgauge.kafka.salvage import Undecodable, readable
from streamgauge.kafka.watchdog import Watchdog
from streamgauge.kafka.whole_batches import WholeBatches

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from aiokafka import AIOKafkaConsumer

    from streamgauge.core.columns import RecordReader
    from streamgauge.kafka.clock import Clock
    from streamgauge.kafka.cluster import Cluster
    from streamgauge.kafka.fetching import TailSettings
    from streamgauge.kafka.polled import Notice
    from streamgauge.model import Columns

SETTLE_SECONDS: Final = 5.0
"""Other partitions wait no longer for one whose position is out of range."""


class Tail:
    """Reads partitions of one topic from given offsets on, without a group.

    One task polls; partitions may be added and removed at any time. Use `Tail.start()`.
    """

    def __init__(
        self,
        consumer: AIOKafkaConsumer,
        cluster: Cluster,
        reader: RecordReader,
        settings: TailSettings,
        clock: Clock,
    ) -> None:
        self._consumer = consumer
        self._limiter = MetadataLimiter(consumer._client)  # noqa: SLF001 - no public seam
        self._cluster = cluster
        self._reader = reader
        self._settings = settings
        self._clock = clock
        self._partitions: dict[int, TailedPartition] = {}
        self._watchdog = Watchdog(settings.patience_seconds)
        self._notices: list[Notice] = []
        self._batches = enable_batches()
        self._whole = WholeBatches()
        self._size = PollSize(settings.fetching.records_per_poll, batches=self._batches)

    @classmethod
    async def start(
        cls,
        cluster: Cluster,
        reader: RecordReader,
        settings: TailSettings,
        positions: Mapping[int, int],
        *,
        clock: Clock = wall_clock_ms,
    ) -> Self:
        """Connect and begin.

        Args:
            cluster: Answers what a fetch does not tell, over connections of its own.
            reader: Turns records into columns.
            settings: What is tailed, and how.
            positions: Where to begin: offset by partition, at least one.
            clock: Milliseconds since the epoch.

        Raises:
            BrokersUnavailableError: If no broker lets the gauge in; says why for each.
            ConnectionSettingError: If a setting of the connection cannot be used.
        """
        consumer = await start_consumer(cluster.connection, settings)
        tail = cls(consumer, cluster, reader, settings, clock)
        try:
            tail.add_partitions(positions)
        except BaseException:
            await tail.close()
            raise
        return tail

    async def close(self) -> None:
        """Close all connections within seconds, whatever the brokers do."""
        await self._limiter.close()
        await stop_within(self._consumer)

    @property
    def positions(self) -> dict[int, int]:
        """The next offset by partition: where another tail would have to go on."""
        return {number: partition.next_offset for number, partition in self._partitions.items()}

    def add_partitions(self, positions: Mapping[int, int]) -> None:
        """Tail these partitions too, from these offsets on."""
        self._partitions |= {number: TailedPartition(at) for number, at in positions.items()}
        self._watchdog.answered(positions)
        self._assign()

    def remove_partitions(self, partitions: Collection[int]) -> None:
        """Tail these partitions no more; a tail of none is to be closed instead."""
        for number in partitions:
            del self._partitions[number]
        self._watchdog.forget(partitions)
        self._assign()

    async def poll(self) -> Polled:
        """Return what has arrived, waiting a little if nothing has.

        A poll that raises or is cancelled has read nothing: the next one brings the same records.

        Raises:
            TailStalledError: If nobody answers any more; close this tail and start another at
                its positions.
        """
        self._check_alive()
        drained = await self._drain()
        before = self.positions
        await self._take_in()
        moved = {
            number: partition
            for number, partition in self._partitions.items()
            if partition.next_offset != before[number]
        }
        self._watchdog.answered(moved)
        undecodable: list[Undecodable] = []
        try:
            columns = [
                await self._read(number, partition, drained.get(self._tp(number), ()), undecodable)
                for number, partition in moved.items()
            ]
        except BaseException:
            for number, partition in moved.items():
                partition.next_offset = before[number]
            self._seek_back()
            raise
        self._size.learn(sum(map(len, drained.values())), sum(len(c.offsets) for c in columns))
        notices = (*self._notices, *undecodable)
        self._notices.clear()
        return Polled(columns, {n: p.progress for n, p in self._partitions.items()}, notices)

    async def _drain(self) -> Mapping[TopicPartition, Sequence[Any]]:
        """Take what the consumer has."""
        topic = self._settings.topic
        try:
            return await self._consumer.getmany(  # type: ignore[no-any-return]  # untyped aiokafka
                timeout_ms=self._settings.poll_ms,
                max_records=self._size.most,
            )
        except OffsetOutOfRangeError as error:
            await self._settle({tp.partition: offset for tp, offset in error.args[0].items()})
        except TopicAuthorizationFailedError:
            self._watchdog.answered(self._partitions)
            self._notices.append(Forbidden(f"READ on topic {topic}"))
        except Exception as error:
            # what other partitions had brought is gone with the error: fetch it again
            self._seek_back()
            raise TailStalledError(f"reading topic {topic!r} failed: {text_of(error)}") from error
        return {}

    async def _take_in(self) -> None:
        """Note where the consumer stands; it is not suspended, so that all of it belongs together.

        aiokafka stamps an answer with the wall clock when it arrives.
        """
        consumer = self._consumer
        wall_ms = wall_clock_ms()
        now_ms = self._clock()
        stable = self._settings.isolation_level == "read_committed"
        for number, partition in self._partitions.items():
            tp = self._tp(number)
            stamp = consumer.last_poll_timestamp(tp)
            end_offset = consumer.last_stable_offset(tp) if stable else consumer.highwater(tp)
            arrived_ms = now_ms - max(0, wall_ms - (stamp or wall_ms))
            # a position that is known is told without waiting
            if partition.take_in(await consumer.position(tp), stamp, end_offset, arrived_ms):
                self._watchdog.answered([number])

    async def _read(
        self,
        number: int,
        partition: TailedPartition,
        drained: Sequence[Any],
        undecodable: list[Undecodable],
    ) -> Columns:
        columns = self._columns(number, partition, drained, undecodable)
        await asyncio.sleep(0)  # the loop breathes between partitions
        return columns

    def _columns(
        self,
        number: int,
        partition: TailedPartition,
        drained: Sequence[Any],
        undecodable: list[Undecodable],
    ) -> Columns:
        read = partial(
            self._reader.read,
            self._settings.topic,
            number,
            next_offset=partition.next_offset,
            received_ms=partition.received_ms,
            live=partition.live,
        )
        if not self._batches:
            return read(drained)
        whole = raw_batches(drained) if self._whole.may_try(number) else None
        if whole:
            columns = self._reader.read_batches(
                self._settings.topic,
                number,
                whole,
                next_offset=partition.next_offset,
                received_ms=partition.received_ms,
                live=partition.live,
            )
            if columns is not None:
                self._whole.succeeded(number)
                return columns
            self._whole.failed(number)
        return read(chain.from_iterable(readable(batch, undecodable) for batch in drained))

    async def _settle(self, out_of_range: Mapping[int, int]) -> None:
        """Go on where the log still is; if nobody says where, the next fetch asks again."""
        self._watchdog.answered(out_of_range)
        try:
            async with asyncio.timeout(SETTLE_SECONDS):
                log = await self._cluster.log_offsets(
                    self._settings.topic, out_of_range, "read_uncommitted"
                )
        except (KafkaAccessError, TimeoutError):
            return
        for number in log.start.keys() & log.end.keys() & self._partitions.keys():
            position = out_of_range[number]
            start, end = log.start[number], log.end[number]
            if position < start:
                self._notices.append(Lost(number, position, start - position))
                self._seek(number, start)
            elif position > end:
                self._notices.append(Truncated(number, position, end))
                self._seek(number, end)

    def _check_alive(self) -> None:
        self._watchdog.ask(time.monotonic())
        topic = self._settings.topic
        if self._consumer._fetcher.error_future.done():  # noqa: SLF001 - no public seam
            raise TailStalledError(f"aiokafka has ended the task that fetches topic {topic!r}")
        leader = self._consumer._client.cluster.leader_for_partition  # noqa: SLF001 - as above
        silent = [
            number
            for number in self._watchdog.silent()
            if leader(self._tp(number)) not in (None, NO_LEADER)
        ]
        if silent:
            raise TailStalledError(
                f"nobody has answered for partitions {silent} of topic {topic!r} for "
                f"{self._settings.patience_seconds:g} s"
            )

    def _assign(self) -> None:
        """Replace the assignment; without an await the consumer never sees it without offsets."""
        if not self._partitions:
            raise ValueError("a tail needs a partition")  # aiokafka would ask for all topics
        self._consumer.assign([self._tp(number) for number in self._partitions])
        self._seek_back()

    def _seek_back(self) -> None:
        """Make the consumer stand where this tail stands."""
        for number, partition in self._partitions.items():
            self._consumer.seek(self._tp(number), partition.next_offset)

    def _seek(self, number: int, offset: int) -> None:
        tp = self._tp(number)
        self._consumer.seek(tp, offset)
        self._partitions[number].seek(offset, self._consumer.last_poll_timestamp(tp))

    def _tp(self, number: int) -> TopicPartition:
        return TopicPartition(self._settings.topic, number)
