"""First records as a real broker serves them; the truth is what librdkafka's consumer reads."""

import asyncio
import time
from itertools import pairwise

import pytest
from confluent_kafka import OFFSET_BEGINNING, Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from streamgauge.core.columns import RecordReader
from streamgauge.core.event_time import HeaderRule, RecordRule
from streamgauge.kafka import first_records
from streamgauge.kafka.first_records import Deleted, FirstRecordFound, NoRecord, search
from streamgauge.kafka.wire import Wire
from streamgauge.model import UNKNOWN

BY_TIMESTAMP = RecordReader([RecordRule()])
LEVELS = ("read_committed", "read_uncommitted")


@pytest.fixture
def consumed(broker):
    """All an independent consumer can read of a partition now: offset and timestamp of each."""

    def read(topic, isolation_level, partition=0):
        consumer = Consumer(
            {
                "bootstrap.servers": broker.bootstrap_servers,
                "group.id": "nobody",
                "enable.auto.commit": False,
                "enable.partition.eof": True,
                "isolation.level": isolation_level,
            }
        )
        consumer.assign([TopicPartition(topic, partition, OFFSET_BEGINNING)])
        records = []
        try:
            while True:
                message = consumer.poll(30)
                if message.error() and message.error().name() == "_PARTITION_EOF":
                    return records
                assert message.error() is None
                records.append((message.offset(), message.timestamp()[1]))
        finally:
            consumer.close()

    return read


@pytest.fixture
def agrees(cluster, consumed):
    """Compare the first records from some offsets on with what a consumer reads."""

    async def compare(topic, offsets, isolation_level="read_committed"):
        records = await asyncio.to_thread(consumed, topic, isolation_level)
        end = (await cluster.log_offsets(topic, [0], isolation_level)).end[0]
        for offset in offsets:
            first = next((record for record in records if record[0] >= offset), None)
            truth = NoRecord(end) if first is None else FirstRecordFound(*first)
            found = await cluster.first_records(topic, {0: offset}, isolation_level, BY_TIMESTAMP)
            assert (offset, found) == (offset, {0: truth})
        return records

    return compare


@pytest.fixture
def transactional(broker):
    """Producers whose transactions are ended by whoever began them."""

    def create(name):
        producer = Producer(
            {"bootstrap.servers": broker.bootstrap_servers, "transactional.id": name}
        )
        producer.init_transactions(30)
        return producer

    return create


@pytest.mark.parametrize("codec", ["none", "gzip", "lz4", "zstd"])
async def test_every_offset_of_batches(broker, create_topic, topic_name, agrees, codec):
    """Records of a batch that lie before the offset are passed, the end is no record."""
    topic = topic_name(codec)
    create_topic(topic)
    producer = Producer(
        {
            "bootstrap.servers": broker.bootstrap_servers,
            "compression.type": codec,
            "linger.ms": 50,
            "batch.num.messages": 20,
        }
    )
    for number in range(50):
        producer.produce(topic, b"v" * 100, timestamp=1_700_000_000_000 + number * 1_000)
    assert producer.flush(30) == 0
    assert len(await agrees(topic, range(51))) == 50


async def test_event_times_are_those_of_the_stream(broker, cluster, create_topic, topic_name):
    """By its rules, and unknown where none answers."""
    topic = topic_name()
    create_topic(topic)
    producer = Producer({"bootstrap.servers": broker.bootstrap_servers})
    producer.produce(topic, b"v", headers=[("event-time", b"1700000000123")])
    producer.produce(topic, b"v", headers=[("event-time", b"yesterday")])
    assert producer.flush(30) == 0
    reader = RecordReader([HeaderRule("event-time")])
    for offset, event_ms in ((0, 1_700_000_000_123), (1, UNKNOWN)):
        found = await cluster.first_records(topic, {0: offset}, "read_committed", reader)
        assert found == {0: FirstRecordFound(offset, event_ms)}


@pytest.mark.real_broker
async def test_append_time_is_the_event_time_where_the_topic_says_so(
    create_topic, topic_name, produce, agrees
):
    """As any consumer is given it."""
    topic = topic_name()
    create_topic(topic, config={"message.timestamp.type": "LogAppendTime"})
    before = int(time.time() * 1_000)
    produce(topic, [b"v"] * 3)
    ((_, first_ms), *_) = await agrees(topic, range(4))
    assert before <= first_ms <= int(time.time() * 1_000)


@pytest.mark.real_broker
async def test_transactions(create_topic, topic_name, produce, transactional, agrees):
    """Aborted data, the markers of both ends and an open transaction, at every offset."""
    topic = topic_name()
    create_topic(topic)
    aborting, committing, staying = (transactional(f"{topic}-{number}") for number in range(3))
    produce(topic, [b"plain"] * 2)
    for turn in range(2):
        for producer in (aborting, committing):
            producer.begin_transaction()
            producer.produce(topic, b"v%d" % turn)
            producer.flush(30)
        aborting.produce(topic, b"v")
        aborting.flush(30)
        committing.commit_transaction(30)
        produce(topic, [b"plain"])
        aborting.abort_transaction(30)
    ended = len(await agrees(topic, range(15)))  # offset 13 is an abort marker
    assert ended == 6
    assert len(await agrees(topic, range(15), "read_uncommitted")) == 10
    staying.begin_transaction()
    staying.produce(topic, b"open")
    staying.flush(30)
    produce(topic, [b"after"])
    assert len(await agrees(topic, range(17))) == ended
    assert len(await agrees(topic, range(17), "read_uncommitted")) == 12
    staying.abort_transaction(30)
    assert len(await agrees(topic, range(17))) == ended + 1


@pytest.mark.real_broker
async def test_more_aborted_data_than_one_answer_holds(
    broker, create_topic, topic_name, produce, transactional, agrees
):
    """The search goes on behind it."""
    topic = topic_name()
    create_topic(topic)
    producer = transactional(topic)
    producer.begin_transaction()
    for _ in range(30):
        producer.produce(topic, bytes(100_000))
        producer.flush(30)
    producer.abort_transaction(30)
    await agrees(topic, (0, 15, 30, 31))
    produce(topic, [b"found"])
    await agrees(topic, (0, 15, 30, 31, 32))


@pytest.mark.real_broker
@pytest.mark.parametrize(("limit", "value"), [("MOST_ROUNDS", 2), ("MOST_BYTES", 150_000)])
async def test_a_search_that_reaches_its_limit_says_nothing(
    cluster, create_topic, topic_name, produce, transactional, monkeypatch, limit, value
):
    """Neither that there is a record nor that there is none; other partitions are answered."""
    topic = topic_name()
    create_topic(topic, 2)
    producer = transactional(topic)
    producer.begin_transaction()
    for _ in range(3):
        producer.produce(topic, bytes(100_000), partition=0)
        producer.flush(30)
    producer.abort_transaction(30)
    produce(topic, [b"v"], partition=1)
    offsets = {0: 0, 1: 1}
    complete = await cluster.first_records(topic, offsets, "read_committed", BY_TIMESTAMP)
    assert complete == {0: NoRecord(4), 1: NoRecord(1)}
    monkeypatch.setattr(first_records, limit, value)
    limited = await cluster.first_records(topic, offsets, "read_committed", BY_TIMESTAMP)
    assert limited == {1: NoRecord(1)}


@pytest.mark.real_broker
async def test_a_compacted_topic(broker, cluster, create_topic, topic_name, agrees, consumed):
    """Holes within batches and whole batches gone: the first record that is left."""
    topic = topic_name("compacted")
    compaction = {
        "cleanup.policy": "compact",
        "min.cleanable.dirty.ratio": "0.01",
        "segment.ms": "100",
    }
    create_topic(topic, config=compaction)
    producer = Producer(
        {
            "bootstrap.servers": broker.bootstrap_servers,
            "linger.ms": 20,
            "compression.type": "lz4",
            "batch.num.messages": 25,
        }
    )
    for number in range(300):
        key = b"often" if number % 60 else b"once-%d" % number
        producer.produce(topic, b"v%d" % number, key=key, timestamp=1_700_000_000_000 + number)
    producer.flush(30)
    async with asyncio.timeout(90):
        while len(await asyncio.to_thread(consumed, topic, "read_committed")) > 100:
            producer.produce(topic, b"roll", key=b"roll")  # the newest segment is never compacted
            producer.flush(30)
            await asyncio.sleep(1)
    records = await agrees(topic, range(0, 301, 7))
    assert any(after - before > 25 for (before, _), (after, _) in pairwise(records))


@pytest.mark.real_broker
async def test_offsets_outside_the_log(broker, cluster, create_topic, topic_name, produce):
    """Deleted ones are told as such; of those beyond the end nothing is known."""
    topic = topic_name()
    create_topic(topic, 5)
    for partition in range(5):
        produce(topic, [b"v"] * 10, partition=partition)
    admin = AdminClient({"bootstrap.servers": broker.bootstrap_servers})
    cuts = [TopicPartition(topic, 0, 4), TopicPartition(topic, 1, 10), TopicPartition(topic, 4, 4)]
    for deleted in admin.delete_records(cuts).values():
        await asyncio.to_thread(deleted.result, 30)
    found = await cluster.first_records(
        topic, {0: 3, 1: 9, 2: 11, 3: 10, 4: 4}, "read_committed", BY_TIMESTAMP
    )
    first = found.pop(4)
    assert found == {0: Deleted(4), 1: Deleted(10), 3: NoRecord(10)}
    assert first.offset == 4


@pytest.mark.real_broker
async def test_batches_larger_than_what_is_asked_for(
    broker, cluster, create_topic, topic_name, produce, consumed
):
    """A broker gives one such batch in an answer; the other partitions are asked again."""
    topic = topic_name()
    create_topic(topic, 5, {"max.message.bytes": "4000000"})
    for partition in range(4):
        produce(topic, [b"v", bytes(2_000_000)], partition, **{"message.max.bytes": 4_000_000})
    produce(topic, [b"v"] * 3, partition=4)
    offsets = {**dict.fromkeys(range(4), 1), 4: 2}
    found = await cluster.first_records(topic, offsets, "read_committed", BY_TIMESTAMP)
    assert found == {
        p: FirstRecordFound(*consumed(topic, "read_committed", p)[offset])
        for p, offset in offsets.items()
    }


@pytest.mark.real_broker
async def test_a_limit_meets_other_partitions_every_time(
    cluster, create_topic, topic_name, produce, monkeypatch
):
    """Nobody is unknown for ever because others come first."""
    topic = topic_name()
    create_topic(topic, 4)
    for partition in range(4):
        produce(topic, [bytes(100_000)], partition)
    monkeypatch.setattr(first_records, "MOST_BYTES", 150_000)
    offsets = dict.fromkeys(range(4), 0)
    known = set()
    for _ in range(50):
        found = await cluster.first_records(topic, offsets, "read_committed", BY_TIMESTAMP)
        assert len(found) == 2
        known |= found.keys()
    assert known == set(range(4))


async def test_partitions_of_one_leader_are_asked_at_once(
    connection, create_topic, topic_name, produce
):
    """One request, however many there are."""
    topic = topic_name()
    create_topic(topic, 20)
    for partition in range(20):
        produce(topic, [b"v"] * partition, partition)
    sent = []
    wire = Wire(connection)
    (leader, *_) = await wire.node_ids()

    async def send(request):
        sent.append(request)
        return await wire.send(leader, request)

    try:
        searched = await search(send, topic, dict.fromkeys(range(20), 10), 1, BY_TIMESTAMP)
    finally:
        await wire.close()
    assert len(sent) == 1
    assert searched.first.pop(10) == NoRecord(10)
    assert {p: first.offset for p, first in searched.first.items()} == dict.fromkeys(
        range(11, 20), 10
    )
    assert searched.out_of_range == set(range(10))


async def test_a_partition_that_does_not_exist_is_absent(cluster, create_topic, topic_name):
    """Nobody leads it, and nobody creates its topic by asking."""
    topic = topic_name()
    create_topic(topic)
    found = await cluster.first_records(topic, {0: 0, 7: 0}, "read_committed", BY_TIMESTAMP)
    assert found == {0: NoRecord(0)}
    absent = topic_name("absent")
    for _ in range(2):
        assert await cluster.first_records(absent, {0: 0}, "read_committed", BY_TIMESTAMP) == {}
    assert await cluster.first_records(topic, {}, "read_committed", BY_TIMESTAMP) == {}
