"""A tail brings every record once and says where it stands."""

import asyncio
import random
import time

import pytest
from confluent_kafka import Producer
from confluent_kafka import TopicPartition as Position
from confluent_kafka.admin import AdminClient, NewPartitions

from streamgauge.core.columns import RecordReader
from streamgauge.core.event_time import RecordRule
from streamgauge.kafka.fetching import DEAD_LETTERS, TailSettings
from streamgauge.kafka.polled import Lost, Truncated
from streamgauge.kafka.tail import Tail


def caught_up(partitions):
    """Whether the last poll stands at the end of so many partitions."""

    def reached(brought):
        if not brought:
            return False
        progress = brought[-1].progress.values()
        return [p.next_offset for p in progress] == [p.end_offset for p in progress] and len(
            progress
        ) == partitions

    return reached


def notices(brought):
    """All notices of some polls."""
    return [notice for polled in brought for notice in polled.notices]


async def test_every_record_comes_once_and_in_order(
    cluster, create_topic, topic_name, produce, start_tail, poll_until, offsets_in
):
    """From the positions given on; at the end the progress says so."""
    topic = topic_name()
    create_topic(topic, 3)
    for partition in range(3):
        produce(topic, [b"v"] * 1_000, partition=partition)
    tail = await start_tail(cluster, {0: 0, 1: 10, 2: 1_000}, topic=topic)
    brought = await poll_until(tail, caught_up(3))
    assert offsets_in(brought) == {0: list(range(1_000)), 1: list(range(10, 1_000))}
    assert tail.positions == {0: 1_000, 1: 1_000, 2: 1_000}
    produce(topic, [b"v"] * 5, partition=2)
    more = await poll_until(tail, lambda polls: offsets_in(polls).get(2) is not None)
    assert offsets_in(more) == {2: list(range(1_000, 1_005))}


async def test_records_are_live_once_the_partition_was_caught_up(
    cluster, create_topic, topic_name, produce, start_tail, poll_until
):
    """Those that were there before are not."""
    topic = topic_name()
    create_topic(topic)
    produce(topic, [b"old"] * 10)
    tail = await start_tail(cluster, {0: 0}, topic=topic)
    (old,) = [c for polled in await poll_until(tail, caught_up(1)) for c in polled.columns]
    assert not old.live
    produce(topic, [b"new"])
    sent_ms = time.time_ns() // 1_000_000
    brought = await poll_until(tail, lambda polls: bool(polls) and bool(polls[-1].columns))
    (new,) = brought[-1].columns
    assert new.live
    assert sent_ms - 1_000 < new.received_ms <= time.time_ns() // 1_000_000


@pytest.mark.real_broker
async def test_records_are_never_received_before_they_were_appended(
    cluster, create_topic, topic_name, produce, start_tail, poll_until, offsets_in
):
    """On one machine the broker's clock is ours."""
    topic = topic_name()
    create_topic(topic, config={"message.timestamp.type": "LogAppendTime"})
    tail = await start_tail(cluster, {0: 0}, topic=topic, fetching=DEAD_LETTERS)
    ages = []
    for number in range(20):
        produce(topic, [b"v"])
        brought = await poll_until(tail, lambda polls: bool(offsets_in(polls)))
        (columns,) = brought[-1].columns
        assert columns.offsets.tolist() == [number]
        ages.append(columns.received_ms - columns.append_ms[0])
    assert min(ages) >= 0
    assert sorted(ages)[10] < 100


async def test_times_are_on_the_clock_given(
    cluster, create_topic, topic_name, produce, poll_until, offsets_in
):
    """A clock that is an hour behind gives receipt times an hour back."""
    topic = topic_name()
    create_topic(topic)
    produce(topic, [b"v"])

    def hour_behind():
        return time.time_ns() // 1_000_000 - 3_600_000

    settings = TailSettings(topic=topic)
    tail = await Tail.start(
        cluster, RecordReader([RecordRule()]), settings, {0: 0}, clock=hour_behind
    )
    try:
        brought = await poll_until(tail, lambda polls: bool(offsets_in(polls)))
    finally:
        await tail.close()
    (columns,) = brought[-1].columns
    assert abs(columns.received_ms - hour_behind()) < 60_000
    assert brought[-1].progress[0].answered_ms == columns.received_ms


@pytest.mark.real_broker
async def test_an_open_transaction_is_the_end_and_control_records_are_passed(
    broker, cluster, create_topic, topic_name, start_tail, poll_until, offsets_in
):
    """What is passed without records is told by columns without rows."""
    topic = topic_name()
    create_topic(topic)
    producer = Producer({"bootstrap.servers": broker.bootstrap_servers, "transactional.id": topic})
    producer.init_transactions(30)
    producer.begin_transaction()
    producer.produce(topic, b"open")
    producer.flush(30)
    tail = await start_tail(cluster, {0: 0}, topic=topic)
    loose = await start_tail(cluster, {0: 0}, topic=topic, isolation_level="read_uncommitted")
    brought = await poll_until(tail, caught_up(1))
    assert brought[-1].progress[0].end_offset == 0
    brought = await poll_until(loose, caught_up(1))
    assert offsets_in(brought) == {0: [0]}
    producer.abort_transaction(30)
    brought = await poll_until(tail, lambda _: tail.positions == {0: 2})
    assert offsets_in(brought) == {0: []}
    assert brought[-1].columns[-1].next_offset == 2
    assert brought[-1].progress[0].end_offset == 2


@pytest.mark.real_broker
async def test_records_deleted_before_they_were_read_are_counted(
    broker, cluster, create_topic, topic_name, produce, start_tail, poll_until, offsets_in
):
    """Exactly, and the other partition loses nothing."""
    topic = topic_name()
    create_topic(topic, 2)
    for partition in range(2):
        produce(topic, [b"v"] * 500, partition=partition)
    admin = AdminClient({"bootstrap.servers": broker.bootstrap_servers})
    (deleted,) = admin.delete_records([Position(topic, 0, 123)]).values()
    deleted.result(30)
    tail = await start_tail(cluster, {0: 5, 1: 5}, topic=topic)
    brought = await poll_until(tail, caught_up(2))
    assert notices(brought) == [Lost(partition=0, offset=5, records=118)]
    assert offsets_in(brought) == {0: list(range(123, 500)), 1: list(range(5, 500))}


async def test_a_position_beyond_the_end_is_told_and_the_tail_goes_on_there(
    cluster, create_topic, topic_name, produce, start_tail, poll_until, offsets_in
):
    """A log that was cut has no records to lose."""
    topic = topic_name()
    create_topic(topic)
    produce(topic, [b"v"] * 10)
    tail = await start_tail(cluster, {0: 50}, topic=topic)
    brought = await poll_until(tail, caught_up(1))
    assert notices(brought) == [Truncated(partition=0, next_offset=50, end_offset=10)]
    assert offsets_in(brought) == {}
    produce(topic, [b"v"])
    assert offsets_in(await poll_until(tail, lambda polls: bool(offsets_in(polls)))) == {0: [10]}


@pytest.mark.real_broker
async def test_partitions_come_and_go_without_loss(
    broker, cluster, create_topic, topic_name, produce, start_tail, poll_until, offsets_in
):
    """Also in the middle of a poll; a partition that comes back goes on where it is told to."""
    topic = topic_name()
    create_topic(topic, 1)
    produce(topic, [b"v"] * 300)
    tail = await start_tail(cluster, {0: 0}, topic=topic)
    polling = asyncio.create_task(poll_until(tail, lambda _: tail.positions[0] == 300))
    await asyncio.sleep(0)
    admin = AdminClient({"bootstrap.servers": broker.bootstrap_servers})
    admin.create_partitions([NewPartitions(topic, 3)])[topic].result(30)
    tail.add_partitions({1: 0, 2: 0})
    for partition in (1, 2):
        produce(topic, [b"v"] * 100, partition=partition)
    brought = await polling
    brought += await poll_until(tail, caught_up(3))
    assert offsets_in(brought) == {p: list(range(n)) for p, n in ((0, 300), (1, 100), (2, 100))}
    tail.remove_partitions([0, 1])
    assert tail.positions == {2: 100}
    for partition in range(3):
        produce(topic, [b"v"], partition=partition)
    brought = await poll_until(tail, lambda polls: bool(offsets_in(polls)))
    assert offsets_in(brought) == {2: [100]}
    tail.add_partitions({0: 299})
    brought = await poll_until(tail, lambda polls: bool(offsets_in(polls)))
    assert offsets_in(brought) == {0: [299, 300]}


async def test_a_tail_needs_a_partition(cluster, create_topic, topic_name, start_tail):
    """For aiokafka no partition means all topics."""
    topic = topic_name()
    create_topic(topic)
    with pytest.raises(ValueError, match="needs a partition"):
        await start_tail(cluster, {}, topic=topic)


async def test_a_cancelled_poll_loses_nothing(
    cluster, create_topic, topic_name, produce, start_tail, offsets_in
):
    """At whatever moment."""
    topic = topic_name()
    create_topic(topic, 4)
    for partition in range(4):
        produce(topic, [b"v"] * 2_000, partition=partition, **{"batch.num.messages": 20})
    tail = await start_tail(cluster, dict.fromkeys(range(4), 0), topic=topic)
    chance = random.Random(7)  # noqa: S311 - moments, not secrets
    brought, cancelled = [], 0
    async with asyncio.timeout(60):
        while tail.positions != dict.fromkeys(range(4), 2_000):
            polling = asyncio.create_task(tail.poll())
            for _ in range(chance.randrange(12)):
                await asyncio.sleep(0)
            polling.cancel()
            try:
                brought.append(await polling)
            except asyncio.CancelledError:
                cancelled += 1
    assert cancelled > 10
    assert offsets_in(brought) == {p: list(range(2_000)) for p in range(4)}


class StumblingReader(RecordReader):
    """A reader that fails at every second partition it is given."""

    calls = 0

    def read(self, *args, **kwargs):
        """Read, or not."""
        self.calls += 1
        columns = super().read(*args, **kwargs)
        if self.calls % 2:
            raise RuntimeError("stumbled")
        return columns

    def read_batches(self, *args, **kwargs):
        """Leave it to the other one."""


async def test_a_failing_reader_loses_nothing(
    cluster, create_topic, topic_name, produce, offsets_in
):
    """The poll raises, and the next one brings the same records."""
    topic = topic_name()
    create_topic(topic)
    produce(topic, [b"v"] * 3_000, **{"batch.num.messages": 20})
    tail = await Tail.start(
        cluster, StumblingReader([RecordRule()]), TailSettings(topic=topic), {0: 0}
    )
    brought, stumbles = [], 0
    try:
        async with asyncio.timeout(30):
            while tail.positions != {0: 3_000}:
                try:
                    brought.append(await tail.poll())
                except RuntimeError:
                    stumbles += 1
    finally:
        await tail.close()
    assert stumbles > 1
    assert offsets_in(brought) == {0: list(range(3_000))}
