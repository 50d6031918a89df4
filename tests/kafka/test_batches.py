"""Batches hold exactly the records that a plain aiokafka consumer returns."""

import asyncio
import struct
import time

import aiokafka.codec
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.consumer import fetcher
from aiokafka.record.legacy_records import LegacyRecordBatchBuilder
from confluent_kafka import Producer

from streamgauge.kafka.batches import BATCHES, Batch, client_problems, enable_batches
from streamgauge.kafka.patience import stop_within
from streamgauge.kafka.salvage import readable

CODECS = ("none", "gzip", "snappy", "lz4", "zstd")


@pytest.fixture
def read_all(broker):
    """Read one partition up to its end: records as tuples, and the position after them."""

    async def read(topic, *, batches, offset=0, isolation_level="read_uncommitted", most=None):
        enable_batches()
        consumer = AIOKafkaConsumer(
            bootstrap_servers=broker.bootstrap_servers,
            enable_auto_commit=False,
            auto_offset_reset="none",
            isolation_level=isolation_level,
            key_deserializer=BATCHES if batches else None,
            fetch_max_wait_ms=50,
        )
        tp = TopicPartition(topic, 0)
        records = []
        try:
            await consumer.start()
            (end,) = (await consumer.end_offsets([tp])).values()
            consumer.assign([tp])
            consumer.seek(tp, offset)
            async with asyncio.timeout(30):
                while await consumer.position(tp) < end:
                    got = await consumer.getmany(timeout_ms=200, max_records=most)
                    for item in got.get(tp, ()):
                        assert isinstance(item, Batch) is batches
                        records += readable(item, []) if batches else [item]
            position = await consumer.position(tp)
        finally:
            await stop_within(consumer)
        return [as_tuple(record) for record in records], position

    return read


def as_tuple(record):
    """All that the gauge looks at."""
    headers = tuple(record.headers)
    stamp = (record.timestamp, record.timestamp_type)
    return record.offset, *stamp, record.key, record.value, headers


async def equal_reads(read_all, topic, **how):
    """Read both ways, compare, and return the records."""
    plain = await read_all(topic, batches=False, **how)
    assert await read_all(topic, batches=True, **how) == plain
    return plain[0]


@pytest.mark.parametrize("codec", CODECS)
async def test_batches_of_every_codec_hold_the_same_records(
    broker, create_topic, topic_name, read_all, codec
):
    """Keys, values and headers that are null, empty or repeated; also from within a batch."""
    topic = topic_name(codec)
    create_topic(topic)
    producer = Producer(
        {
            "bootstrap.servers": broker.bootstrap_servers,
            "compression.type": codec,
            "linger.ms": 50,
            "batch.num.messages": 70,
        }
    )
    for number in range(300):
        producer.produce(
            topic,
            None if number % 7 == 0 else b"value %d" % number * 10,
            key=None if number % 3 else b"key",
            timestamp=1_700_000_000_000 + number * 1_000,
            headers=[("a", b"1"), ("a", None), ("empty", b"")][: number % 4],
        )
    assert producer.flush(30) == 0
    assert [record[0] for record in await equal_reads(read_all, topic)] == list(range(300))
    records = await equal_reads(read_all, topic, offset=33, most=1)
    assert [record[0] for record in records] == list(range(33, 300))


@pytest.mark.real_broker
async def test_aborted_records_are_left_out_for_read_committed(
    broker, create_topic, topic_name, read_all
):
    """Two transactional producers and a plain one write in turns; every second aborts."""
    topic = topic_name("transactions")
    create_topic(topic)
    plain = Producer({"bootstrap.servers": broker.bootstrap_servers})
    producers = [
        Producer(
            {"bootstrap.servers": broker.bootstrap_servers, "transactional.id": f"{topic}-{n}"}
        )
        for n in range(2)
    ]
    for producer in producers:
        producer.init_transactions(30)
    committed, written = [], []
    for turn in range(6):
        for number, producer in enumerate(producers):
            producer.begin_transaction()
            values = [b"%d-%d-%d" % (turn, number, n) for n in range(3)]
            for value in values:
                producer.produce(topic, value)
            producer.flush(30)
            written += values
            if (turn + number) % 2:
                committed += values
        plain.produce(topic, b"plain-%d" % turn)
        plain.flush(30)
        written.append(b"plain-%d" % turn)
        committed.append(b"plain-%d" % turn)
        for number, producer in enumerate(producers):
            if (turn + number) % 2:
                producer.commit_transaction(30)
            else:
                producer.abort_transaction(30)
    read_committed = {"isolation_level": "read_committed"}
    records = await equal_reads(read_all, topic, **read_committed)
    assert [record[4] for record in records] == committed
    records = await equal_reads(read_all, topic)
    assert [record[4] for record in records] == written
    for offset in range(1, 12):
        await equal_reads(read_all, topic, offset=offset, **read_committed)


@pytest.mark.real_broker
async def test_log_append_time_is_told_as_such(broker, create_topic, topic_name, read_all):
    """The broker's time, not the producer's, and its type."""
    topic = topic_name("append-time")
    create_topic(topic, config={"message.timestamp.type": "LogAppendTime"})
    before = int(time.time() * 1000)
    producer = Producer({"bootstrap.servers": broker.bootstrap_servers})
    for number in range(20):
        producer.produce(topic, b"v", timestamp=1_000 + number)
    producer.flush(30)
    for _, timestamp, timestamp_type, *_ in await equal_reads(read_all, topic):
        assert timestamp_type == 1
        assert before <= timestamp <= int(time.time() * 1000)


@pytest.mark.real_broker
async def test_compacted_batches_hold_what_is_left(broker, create_topic, topic_name, read_all):
    """Holes inside batches and whole batches gone."""
    topic = topic_name("compacted")
    compaction = {
        "cleanup.policy": "compact",
        "min.cleanable.dirty.ratio": "0.01",
        "segment.ms": "100",
    }
    create_topic(topic, config=compaction)
    producer = Producer({"bootstrap.servers": broker.bootstrap_servers, "linger.ms": 20})
    for number in range(500):
        key = b"often" if number % 10 else b"once-%d" % number
        producer.produce(topic, b"v%d" % number, key=key)
    producer.flush(30)
    async with asyncio.timeout(90):
        while len(records := (await read_all(topic, batches=False))[0]) > 400:
            producer.produce(topic, b"roll", key=b"roll")  # the newest segment is never compacted
            producer.flush(30)
            await asyncio.sleep(1)
    assert len(records) >= 51
    for offset in (0, 5, 123, 499):
        await equal_reads(read_all, topic, offset=offset)


@pytest.mark.parametrize("codec", [0, 1], ids=["none", "gzip"])
@pytest.mark.parametrize("magic", [0, 1])
def test_messages_from_before_kafka_0_11_are_read_too(magic, codec):
    """Old brokers still serve them; they have no headers, and the oldest no timestamp."""
    builder = LegacyRecordBatchBuilder(magic, codec, 1 << 20)
    for number in range(5):
        builder.append(number, 1_000 + number, b"k", b"v%d" % number)
    response = bytearray(builder.build())
    if codec:
        response[0:8] = struct.pack(">q", 4)  # brokers put the last offset on the wrapper
    enable_batches()
    check_crcs, isolation_level = True, fetcher.READ_COMMITTED
    for offset in (0, 3):
        messages = fetcher.MemoryRecords(bytes(response))
        unpacked = fetcher.PartitionRecords(
            TopicPartition("orders", 0),
            messages,
            [],
            offset,
            BATCHES,
            None,
            check_crcs,
            isolation_level,
        )
        records = [record for batch in unpacked for record in readable(batch, [])]
        assert [(r.offset, r.key, r.value, r.headers) for r in records] == [
            (number, b"k", b"v%d" % number, []) for number in range(offset, 5)
        ]
        assert [r.timestamp for r in records] == [
            1_000 + number if magic else None for number in range(offset, 5)
        ]
        assert unpacked.next_fetch_offset == 5


def test_the_installed_aiokafka_reads_everything_at_full_speed():
    """C extension, codecs and seam are there; what is absent would be named."""
    assert client_problems() == []


@pytest.fixture
def without_cramjam():
    """A process in which cramjam was not installed, as aiokafka remembers it."""
    cramjam, aiokafka.codec.cramjam = aiokafka.codec.cramjam, None
    yield
    aiokafka.codec.cramjam = cramjam


@pytest.mark.usefixtures("without_cramjam")
def test_an_absent_codec_is_told():
    """Each codec that needs cramjam is named, so that nobody waits for its records."""
    assert [line.split()[3] for line in client_problems()] == ["snappy", "lz4", "zstd"]
