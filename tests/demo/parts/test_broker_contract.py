"""The mock broker passes the same tests as the real one."""

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.structs import OffsetAndMetadata

from streamgauge_demo.parts.broker_contract import answers
from streamgauge_demo.parts.broker_mock import MockBroker

HEADERS = [("traceparent", b"00-1-2-01"), ("note", b"a"), ("note", b""), ("none", None)]
RECORDS = 20


@pytest.fixture(params=["mock", pytest.param("real", marks=pytest.mark.real_broker)])
def each_broker(request):
    """A mock broker, and the real one of this run where there is one."""
    if request.param == "mock":
        with MockBroker() as mock:
            yield mock
        return
    yield request.getfixturevalue("real_broker")


@pytest.fixture
async def producer(each_broker):
    """A plain producer."""
    producer = AIOKafkaProducer(bootstrap_servers=each_broker.bootstrap_servers)
    await producer.start()
    yield producer
    await producer.stop()


@pytest.fixture
async def consumer(each_broker):
    """A consumer with a group that it does not join."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=each_broker.bootstrap_servers,
        group_id="contract",
        auto_offset_reset="none",
        enable_auto_commit=False,
        fetch_max_wait_ms=50,
    )
    await consumer.start()
    yield consumer
    await consumer.stop()


@pytest.fixture
async def topic(each_broker, topic_name, producer):
    """A topic of two partitions with `RECORDS` records in partition 1."""
    name = topic_name()
    each_broker.create_topic(name, 2)
    for number in range(RECORDS):
        await producer.send_and_wait(
            name,
            b"%d" % number,
            key=b"k",
            partition=1,
            timestamp_ms=1_000 + number,
            headers=HEADERS,
        )
    return name


class TestBroker:
    """What tests and demo may expect of any broker."""

    async def test_creates_a_topic_with_its_partitions(self, topic, producer):
        """The topic has as many partitions as asked for, which is no kind's default."""
        assert await producer.partitions_for(topic) == {0, 1}

    async def test_refuses_to_create_a_topic_twice(self, each_broker, topic):
        """The error names the topic."""
        with pytest.raises(RuntimeError, match=topic):
            each_broker.create_topic(topic, 2)

    async def test_gives_back_what_was_produced(self, topic, consumer):
        """Offset, timestamp, key, value and repeated, empty and null headers come back."""
        partition = TopicPartition(topic, 1)
        consumer.assign([partition])
        consumer.seek(partition, RECORDS - 1)
        record = await consumer.getone()
        assert (record.offset, record.timestamp) == (RECORDS - 1, 1_000 + RECORDS - 1)
        assert (record.key, record.value) == (b"k", b"%d" % (RECORDS - 1))
        assert list(record.headers) == HEADERS

    async def test_seeks_in_the_middle(self, topic, consumer):
        """All records from the sought offset on come, each once, in order."""
        partition = TopicPartition(topic, 1)
        consumer.assign([partition])
        consumer.seek(partition, 7)
        offsets = []
        while len(offsets) < RECORDS - 7:
            found = await consumer.getmany(timeout_ms=1_000)
            offsets += [record.offset for record in found.get(partition, ())]
        assert offsets == list(range(7, RECORDS))

    async def test_tells_both_ends(self, topic, consumer):
        """End offsets are those of the next records."""
        partitions = [TopicPartition(topic, 0), TopicPartition(topic, 1)]
        assert await consumer.beginning_offsets(partitions) == dict.fromkeys(partitions, 0)
        ends = await consumer.end_offsets(partitions)
        assert [ends[partition] for partition in partitions] == [0, RECORDS]

    async def test_keeps_a_commit_without_membership(self, topic, consumer):
        """An offset committed under assign() is read back."""
        partition = TopicPartition(topic, 1)
        consumer.assign([partition])
        consumer.seek(partition, 0)
        await consumer.commit({partition: OffsetAndMetadata(5, "five")})
        assert await consumer.committed(partition) == 5


def test_mock_broker_refuses_a_topic_configuration():
    """What the mock cannot do it does not do silently."""
    with MockBroker() as mock, pytest.raises(ValueError, match="retention"):
        mock.create_topic("t", 1, {"retention.ms": "1000"})


def test_mock_broker_is_gone_after_stop():
    """Its port is closed, and a second stop does nothing."""
    mock = MockBroker()
    assert answers(mock.bootstrap_servers, 5.0)
    mock.stop()
    mock.stop()
    assert not answers(mock.bootstrap_servers, 0.5)
