"""The producer, the groups and the topics that the harness commands, each writing its own record.

Nothing here looks at the gauge. Requests are sent through librdkafka, which the gauge does not use.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from confluent_kafka import (
    ConsumerGroupTopicPartitions,
    IsolationLevel,
    KafkaException,
    Producer,
    TopicPartition,
)
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    NewTopic,
    OffsetSpec,
    ResourceType,
)

from .record_of_truth import GroupHistory, Log, Record, Span, Transaction

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

CLIENT = {"log_level": 0, "socket.timeout.ms": 10_000, "reconnect.backoff.max.ms": 500}
ANSWER_SECONDS = 20.0
WATCH_EVERY_SECONDS = 0.05


class World:
    """Everything the harness does to one Kafka cluster."""

    def __init__(self, bootstrap_servers: str) -> None:
        self.bootstrap_servers = bootstrap_servers
        self.config = {"bootstrap.servers": bootstrap_servers, **CLIENT}
        self.admin = AdminClient(dict(self.config))
        self.outbox = Outbox(self, {})

    async def topic(
        self,
        name: str,
        partitions: int = 1,
        config: Mapping[str, str] | None = None,
        *,
        compacted: bool = False,
    ) -> Topic:
        """Create a topic and return when all of its partitions are led."""
        new = NewTopic(name, num_partitions=partitions, replication_factor=1, config=config or {})
        await answer(self.admin.create_topics([new])[name])
        topic = Topic(self, Log(name, partitions, compacted))
        await topic.led()
        return topic

    def group(self, name: str) -> Group:
        """A group without members that commits when told to."""
        return Group(self, GroupHistory(name))

    def reconnect(self) -> None:
        """Begin anew with a broker that has come back: the client before waits for the dead one."""
        self.admin = AdminClient(dict(self.config))

    def close(self) -> None:
        """End its thread."""
        self.outbox.close()


class Outbox:
    """A producer that notes what was acknowledged, and when."""

    def __init__(self, world: World, config: Mapping[str, object]) -> None:
        own = {
            "linger.ms": 0,
            "max.in.flight.requests.per.connection": 1,  # in order, also after a retry
            "topic.metadata.refresh.interval.ms": 500,
        }
        self.producer = Producer({**world.config, **own, **config})
        self._waiting: Counter[str] = Counter()
        self._failed: list[str] = []
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while not self._closed.is_set():
            self.producer.poll(0.2)

    def send(
        self,
        log: Log,
        partition: int,
        event: float | None,
        transaction: Transaction | None = None,
        **message: object,
    ) -> None:
        """Write one record; without an event time, that is the broker's time of the record."""
        sent = time.time()

        def acknowledged(error, told) -> None:
            at = time.time()
            with self._lock:
                self._waiting[log.topic] -= 1
            if error is not None:
                self._failed.append(str(error))
                return
            happened = told.timestamp()[1] / 1000 if event is None else event
            log.add(Record(partition, told.offset(), happened, Span(sent, at), transaction))

        with self._lock:
            self._waiting[log.topic] += 1
        self.producer.produce(log.topic, partition=partition, on_delivery=acknowledged, **message)

    async def flush(self, log: Log) -> None:
        """Return when all that was sent to a topic is acknowledged.

        Raises:
            RuntimeError: something was not, so that there is no record of truth.
        """
        until = time.monotonic() + ANSWER_SECONDS
        while self._waiting[log.topic]:
            if time.monotonic() > until:
                raise RuntimeError(f"{self._waiting[log.topic]} records are not acknowledged")
            await asyncio.sleep(0.002)
        if self._failed:
            raise RuntimeError(f"records were refused: {self._failed[0]}")

    def close(self) -> None:
        """End its thread."""
        self._closed.set()
        self._thread.join(5)


class Topic:
    """A topic, written to and changed by the harness alone."""

    def __init__(self, world: World, log: Log) -> None:
        self.log = log
        self._world = world

    @property
    def name(self) -> str:
        """Its name in Kafka."""
        return self.log.topic

    def send(
        self,
        count: int = 1,
        *,
        partition: int = 0,
        event: float | None = None,
        key: str | None = None,
        outbox: Outbox | None = None,
        transaction: Transaction | None = None,
    ) -> None:
        """Write records of events at that time, or now; the time stands in a header."""
        for _ in range(count):
            event_ms = round(1000 * (time.time() if event is None else event))
            (outbox or self._world.outbox).send(
                self.log,
                partition,
                event_ms / 1000,
                transaction,
                key=key,
                value=b"{}",
                headers=[("event-time", str(event_ms).encode())],
            )

    def send_stamped(
        self, *, partition: int = 0, event: float | None = None, by_broker: bool = False
    ) -> None:
        """Write one record whose time is the record's timestamp, the producer's or the broker's."""
        event_ms = round(1000 * (time.time() if event is None else event))
        at = None if by_broker else event_ms / 1000
        self._world.outbox.send(self.log, partition, at, value=b"{}", timestamp=event_ms)

    @property
    def written(self) -> dict[int, int]:
        """Offset after the last acknowledged record, by partition."""
        return {number: self.log.written.get(number, 0) for number in range(self.log.partitions)}

    async def flush(self) -> None:
        """Return when all that was written is acknowledged."""
        await self._world.outbox.flush(self.log)

    async def led(self, within_seconds: float = ANSWER_SECONDS) -> None:
        """Return when the leader of each partition answers.

        A client that asks too early remembers for minutes that there is no leader, so each is new.
        """
        until = time.monotonic() + within_seconds
        while True:
            try:
                await self.ends(admin=AdminClient(dict(self._world.config)))
            except KafkaException:
                if time.monotonic() > until:
                    raise
                await asyncio.sleep(WATCH_EVERY_SECONDS)
            else:
                return

    async def ends(
        self, spec: OffsetSpec | None = None, admin: AdminClient | None = None
    ) -> dict[int, int]:
        """Last stable offsets, or what another specification asks for, by partition."""
        wanted = {
            TopicPartition(self.name, number): spec or OffsetSpec.latest()
            for number in range(self.log.partitions)
        }
        asked = self._world.admin if admin is None else admin  # an idle client is false
        told = asked.list_offsets(
            wanted, isolation_level=IsolationLevel.READ_COMMITTED, request_timeout=2
        )
        return {each.partition: (await answer(of)).offset for each, of in told.items()}

    async def delete_before(self, partition: int, offset: int) -> None:
        """Delete the records of a partition before an offset."""
        before = time.time()
        wanted = TopicPartition(self.name, partition, offset)
        (told,) = self._world.admin.delete_records([wanted]).values()
        await answer(told)
        self._gone(partition, offset, Span(before, time.time()))

    async def watch_start(self) -> None:
        """Note what retention deletes, until cancelled."""
        before = time.time()
        while True:
            asked = time.time()
            starts = await self.ends(OffsetSpec.earliest())
            for partition, start in starts.items():
                self._gone(partition, start, Span(before, time.time()))
            before = asked
            await asyncio.sleep(WATCH_EVERY_SECONDS)

    def _gone(self, partition: int, before_offset: int, when: Span) -> None:
        for record in list(self.log.records):
            below = record.partition == partition and record.offset < before_offset
            if below and record.gone.hi > when.hi:
                record.gone = when

    def vanished(self, kept: Mapping[int, set[int]], ends: Mapping[int, int], when: Span) -> None:
        """Note that of the records before these ends only these offsets are still there."""
        for record in list(self.log.records):
            read = record.offset < ends.get(record.partition, 0)
            if read and record.offset not in kept.get(record.partition, ()):
                record.gone = min(record.gone, when)

    async def add_partitions(self, total: int) -> None:
        """Give the topic more partitions and return when they are led."""
        wanted = NewPartitions(self.name, total)
        await answer(self._world.admin.create_partitions([wanted])[self.name])
        self.log.partitions = total
        await self.led()

    async def keep_all(self) -> None:
        """Let retention delete nothing from now on."""
        resource = ConfigResource(ResourceType.TOPIC, self.name)
        resource.add_incremental_config(
            ConfigEntry("retention.ms", "-1", incremental_operation=AlterConfigOpType.SET)
        )
        await answer(self._world.admin.incremental_alter_configs([resource])[resource])

    async def delete(self, *groups: Group) -> None:
        """Delete the topic, and with it what these groups have committed on it."""
        before = time.time()
        await answer(self._world.admin.delete_topics([self.name])[self.name])
        for group in groups:
            while await group.committed(self):
                await asyncio.sleep(WATCH_EVERY_SECONDS)
            group.history.erased(Span(before, time.time()))
        for partition in range(self.log.partitions):
            self._gone(partition, 1 << 62, Span(before, time.time()))


class Group:
    """A consumer group whose progress is commanded."""

    def __init__(self, world: World, history: GroupHistory) -> None:
        self.history = history
        self._world = world

    @property
    def name(self) -> str:
        """Its name in Kafka."""
        return self.history.name

    async def commit(self, topic: Topic, offsets: Mapping[int, int]) -> None:
        """Commit offsets by partition, wherever the group was before."""
        wanted = [TopicPartition(topic.name, number, offset) for number, offset in offsets.items()]
        before = time.time()
        asked = self._world.admin.alter_consumer_group_offsets(
            [ConsumerGroupTopicPartitions(self.name, wanted)]
        )
        told = await answer(asked[self.name])
        after = time.time()
        refused = [str(each.error) for each in told.topic_partitions if each.error is not None]
        if refused:
            raise RuntimeError(f"{self.name} could not commit: {refused[0]}")
        self.history.committed(topic.log, dict(offsets), Span(before, after))

    async def commit_everywhere(self, topic: Topic, offset: int = 0) -> None:
        """Commit the same offset on all partitions."""
        await self.commit(topic, dict.fromkeys(range(topic.log.partitions), offset))

    async def catch_up(self, topic: Topic) -> None:
        """Commit the ends of the log."""
        await self.commit(topic, await topic.ends())

    async def committed(self, topic: Topic) -> bool:
        """Whether Kafka still knows of a commit on the topic's first partition."""
        wanted = ConsumerGroupTopicPartitions(self.name, [TopicPartition(topic.name, 0)])
        told = await answer(self._world.admin.list_consumer_group_offsets([wanted])[self.name])
        return any(each.offset >= 0 for each in told.topic_partitions)

    async def delete(self) -> None:
        """Delete the group."""
        before = time.time()
        await answer(self._world.admin.delete_consumer_groups([self.name])[self.name])
        self.history.erased(Span(before, time.time()))


async def answer(future):
    """What a broker answers to an administrative request."""
    return await asyncio.wait_for(asyncio.wrap_future(future), ANSWER_SECONDS)


@asynccontextmanager
async def meanwhile(what) -> AsyncIterator[None]:
    """Let something go on within the context.

    Raises:
        Exception: what has ended it before.
    """
    going_on = asyncio.ensure_future(what)
    try:
        yield
    finally:
        going_on.cancel()
        (error,) = await asyncio.gather(going_on, return_exceptions=True)
    if isinstance(error, Exception):
        raise error


async def finished(what, *arguments):
    """Run something in a thread; a cancellation comes through when it has ended."""
    running = asyncio.ensure_future(asyncio.to_thread(what, *arguments))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        await running
        raise
