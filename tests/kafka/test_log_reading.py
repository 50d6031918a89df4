"""Stretches of logs as a real broker serves them; the truth is what librdkafka's consumer reads."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from confluent_kafka import OFFSET_BEGINNING, Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from streamgauge.kafka import log_reading
from streamgauge.kafka.answers import FetchedPartition
from streamgauge.kafka.cluster import Cluster
from streamgauge.kafka.connection import Connection
from streamgauge.kafka.errors import BrokersUnavailableError
from streamgauge.kafka.log_reading import LogReading, TopicRefusedError

LEVELS = ("read_committed", "read_uncommitted")


@pytest.fixture
def consumed(broker):
    """All an independent consumer can read of some partitions now: partition, offset and value."""

    def read(topic, isolation_level, partitions):
        consumer = Consumer(
            {
                "bootstrap.servers": broker.bootstrap_servers,
                "group.id": "nobody",
                "enable.auto.commit": False,
                "enable.partition.eof": True,
                "isolation.level": isolation_level,
            }
        )
        consumer.assign([TopicPartition(topic, p, OFFSET_BEGINNING) for p in partitions])
        records, ends = set(), 0
        try:
            while ends < len(partitions):
                message = consumer.poll(30)
                if message.error() and message.error().name() == "_PARTITION_EOF":
                    ends += 1
                    continue
                assert message.error() is None
                records.add((message.partition(), message.offset(), message.value()))
        finally:
            consumer.close()
        return records

    return read


async def read(log, begin, end):
    """What comes between these positions, in the order in which it comes."""
    return [
        (number, record.offset, record.value)
        async for number, records in log.read(begin, end)
        for record in records
    ]


async def read_all(connection, topic, level="read_committed"):
    """All that comes of a topic."""
    async with LogReading(connection, topic, level) as log:
        found = await read(log, await log.positions("earliest"), await log.positions("latest"))
    assert not log.undecodable
    return found


@pytest.mark.parametrize("codec", ["none", "gzip", "zstd"])
async def test_every_record_of_all_partitions(
    broker, connection, create_topic, topic_name, consumed, codec
):
    """Once, in the order of each log, also from and to the middle of a batch."""
    topic = topic_name(codec)
    create_topic(topic, 3)
    settings = {"compression.type": codec, "linger.ms": 50, "batch.num.messages": 20}
    producer = Producer({"bootstrap.servers": broker.bootstrap_servers, **settings})
    for number in range(200):
        producer.produce(topic, b"%d" % number, partition=number % 2)
    assert producer.flush(30) == 0
    found = await read_all(connection, topic)
    for partition in range(2):
        offsets = [offset for number, offset, _ in found if number == partition]
        assert offsets == list(range(100))
    assert set(found) == await asyncio.to_thread(consumed, topic, "read_committed", range(3))
    assert len(found) == 200
    async with LogReading(connection, topic, "read_committed") as log:
        part = await read(log, {0: 7, 1: 13, 2: 0}, {0: 33, 1: 14, 2: 0})
    assert [offset for number, offset, _ in part if number == 0] == list(range(7, 33))
    assert [offset for number, offset, _ in part if number == 1] == [13]
    assert len(part) == 27


async def test_records_larger_than_what_is_asked_for(
    connection, create_topic, topic_name, produce, monkeypatch
):
    """Each partition comes to its turn, though an answer begins with one whole batch only."""
    topic = topic_name("large")
    create_topic(topic, 3)
    monkeypatch.setattr(log_reading, "_PARTITION_BYTES", 1_000)
    monkeypatch.setattr(log_reading, "_RESPONSE_BYTES", 1_000)
    for partition in range(3):
        produce(topic, [bytes(5_000)] * 4, partition, **{"batch.num.messages": 1})
    assert len(await read_all(connection, topic)) == 12


@pytest.mark.real_broker
@pytest.mark.parametrize("level", LEVELS)
async def test_transactions(broker, connection, create_topic, topic_name, produce, consumed, level):
    """Aborted data, markers of both ends and an open transaction."""
    topic = topic_name()
    create_topic(topic)
    produce(topic, [b"plain"] * 2)
    producers = []
    for number in range(3):
        name = {"transactional.id": f"{topic}-{number}"}
        producers.append(Producer({"bootstrap.servers": broker.bootstrap_servers, **name}))
        producers[-1].init_transactions(30)
        producers[-1].begin_transaction()
        producers[-1].produce(topic, b"v%d" % number, partition=0)
        producers[-1].flush(30)
    aborting, committing, staying = producers
    committing.commit_transaction(30)
    aborting.abort_transaction(30)
    produce(topic, [b"after"])
    found = await read_all(connection, topic, level)
    assert set(found) == await asyncio.to_thread(consumed, topic, level, [0])
    assert len(found) == (3 if level == "read_committed" else 6)
    staying.abort_transaction(30)
    found = await read_all(connection, topic, level)
    assert [value for *_, value in found if value == b"after"] == [b"after"]


@pytest.mark.real_broker
async def test_what_is_deleted_meanwhile_is_passed(
    broker, connection, create_topic, topic_name, produce
):
    """Whoever asks for it is not stuck."""
    topic = topic_name()
    create_topic(topic)
    produce(topic, [b"v"] * 10)
    admin = AdminClient({"bootstrap.servers": broker.bootstrap_servers})
    async with LogReading(connection, topic, "read_committed") as log:
        begin, end = await log.positions("earliest"), await log.positions("latest")
        (deleted,) = admin.delete_records([TopicPartition(topic, 0, 4)]).values()
        await asyncio.to_thread(deleted.result, 30)
        assert [offset for _, offset, _ in await read(log, begin, end)] == list(range(4, 10))


async def test_header_names_of_any_bytes(
    connection, create_topic, topic_name, build_batch, produce_bytes
):
    """Nothing is lost behind a name that is not UTF-8."""
    topic = topic_name()
    create_topic(topic)
    await produce_bytes(topic, 0, build_batch([b"a", (b"b", b"\xff"), b"c"]))
    assert [value for *_, value in await read_all(connection, topic)] == [b"a", b"b", b"c"]


class Served(LogReading):
    """A log as a leader would serve it that has rotten bytes on its disk."""

    def __init__(self, *batches):
        super().__init__(Connection(bootstrap_servers=("nobody:1",)), "t", "read_committed")
        self.left = b"".join(batches)

    async def _fetch(self, positions):
        (partition,) = positions
        return [FetchedPartition(partition, 0, 3, 3, (), self.left)]


async def test_what_cannot_be_decoded_is_counted_and_passed(build_batch):
    """A batch whose checksum does not match; those behind it come."""
    rotten = bytearray(build_batch([b"a", b"b"]))
    rotten[-1] ^= 1
    log = Served(bytes(rotten), bytes(build_batch([b"c"], base_offset=2)))
    assert await read(log, {0: 0}, {0: 3}) == [(0, 2, b"c")]
    assert [(each.offset, each.records) for each in log.undecodable] == [(0, 2)]


async def test_a_topic_that_does_not_exist_is_named_and_not_created(connection, topic_name):
    """Although brokers create topics that are asked for."""
    topic = topic_name("absent")
    with pytest.raises(TopicRefusedError, match=f"topic {topic} does not exist"):
        async with LogReading(connection, topic, "read_committed"):
            pass
    cluster = Cluster(connection)
    await cluster.start()
    try:
        assert "Absent" in repr(await cluster.topic(topic))
    finally:
        await cluster.close()


async def test_nobody_there(connection, free_address):
    """Why is told."""
    away = replace(connection, bootstrap_servers=(free_address,), request_timeout_ms=1_000)
    with pytest.raises(BrokersUnavailableError, match=free_address):
        async with LogReading(away, "orders", "read_committed"):
            pass


async def test_offsets_beyond_the_end_end_with_a_sentence(
    connection, create_topic, topic_name, produce, monkeypatch
):
    """As when a log was cut off: which partition, and from where on."""
    topic = topic_name()
    create_topic(topic)
    produce(topic, [b"v"] * 3)
    monkeypatch.setattr(log_reading, "PATIENCE_SECONDS", 0.5)
    async with LogReading(connection, topic, "read_committed") as log:
        with pytest.raises(BrokersUnavailableError, match=f"partition 0 of topic {topic}.* 3 on"):
            await read(log, {0: 0}, {0: 5})


@pytest.mark.real_broker
@pytest.mark.parametrize(
    ("right", "missing"), [("READ", None), ("DESCRIBE", "READ"), (None, "DESCRIBE")]
)
async def test_rights(secure_broker, topic_name, tmp_path, right, missing):
    """READ is all that is needed; what is missing is told as an administrator grants it."""
    user, topic = topic_name("user"), topic_name("orders")
    secure_broker.create_topic(topic, 1, {})
    producer = Producer({"bootstrap.servers": secure_broker.bootstrap_servers})
    producer.produce(topic, b"v")
    assert producer.flush(30) == 0
    if right:
        secure_broker.allow(user, right, "TOPIC", topic)
    certificate, key = secure_broker.write_client_certificate(tmp_path, user)
    secured = Connection(
        bootstrap_servers=(secure_broker.addresses["MUTUAL_TLS"],),
        request_timeout_ms=10_000,
        security_protocol="SSL",
        ssl_ca_file=secure_broker.write_ca_certificate(tmp_path),
        ssl_certificate_file=certificate,
        ssl_key_file=key,
    )
    if missing is None:
        assert await read_all(secured, topic) == [(0, 0, b"v")]
    else:
        with pytest.raises(TopicRefusedError, match=f"the right {missing} on topic {topic} is mis"):
            await read_all(secured, topic)
