"""Retries are slow, and an end comes whatever the brokers do."""

import asyncio
import time

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.protocol.fetch import FetchResponse_v4
from aiokafka.protocol.metadata import MetadataResponse_v5

from streamgauge.kafka.connection import Connection
from streamgauge.kafka.fetching import TailSettings, start_consumer
from streamgauge.kafka.patience import MetadataLimiter, stop_within
from streamgauge_demo.parts.broker_mock import MockBroker


class CountingClient:
    """Counts its refreshes; each is done at once."""

    def __init__(self):
        self.refreshes = 0

    def force_metadata_update(self):
        """Refresh."""
        self.refreshes += 1
        done = asyncio.get_running_loop().create_future()
        done.set_result(True)
        return done


async def test_refreshes_that_follow_too_soon_share_a_later_one():
    """A thousand requests make one refresh now and one after the interval."""
    client = CountingClient()
    limiter = MetadataLimiter(client, interval_seconds=2)
    asked_at = time.monotonic()
    requests = [client.force_metadata_update() for _ in range(1_000)]
    assert client.refreshes == 1
    assert await asyncio.gather(*requests) == [True] * 1_000
    assert client.refreshes == 2
    assert time.monotonic() - asked_at >= 2
    await limiter.close()


async def test_a_closed_limiter_leaves_no_task_and_limits_nothing():
    """The client's own end may ask for a refresh once more."""
    client = CountingClient()
    limiter = MetadataLimiter(client, interval_seconds=60)
    client.force_metadata_update()
    client.force_metadata_update()
    await limiter.close()
    assert asyncio.all_tasks() == {asyncio.current_task()}
    client.force_metadata_update()
    assert client.refreshes == 2


class LeaderlessCluster:
    """A broker that answers at once and in vain, as after a topic's deletion or a leader's move."""

    def __init__(self, metadata_error, fetch_error):
        self.metadata_error = metadata_error
        self.fetch_error = fetch_error
        self.address = None

    @property
    def script(self):
        """The answers."""
        return {1: (4, lambda *_: self.fetched()), 3: (5, lambda *_: self.metadata())}

    def metadata(self):
        """One partition, or the topic's error."""
        host, _, port = self.address.partition(":")
        partitions = [] if self.metadata_error else [(0, 0, 1, [1], [1], [])]
        topic = (self.metadata_error, "orders", False, partitions)
        return MetadataResponse_v5(0, [(1, host, int(port), None)], "c", 1, [topic])

    def fetched(self):
        """The partition's error."""
        return FetchResponse_v4(0, [("orders", [(0, self.fetch_error, -1, -1, [], b"")])])


@pytest.mark.parametrize(
    ("metadata_error", "fetch_error"), [(3, 0), (0, 6), (0, 3)], ids=["deleted", "moved", "gone"]
)
async def test_a_topic_without_leader_costs_a_few_requests_a_second(
    scripted_broker, metadata_error, fetch_error
):
    """Aiokafka alone would send thousands."""
    cluster = LeaderlessCluster(metadata_error, fetch_error)
    broker = await scripted_broker(cluster.script)
    cluster.address = broker.address
    connection = Connection(bootstrap_servers=(broker.address,))
    consumer = await start_consumer(connection, TailSettings(topic="orders"))
    limiter = MetadataLimiter(consumer._client)  # noqa: SLF001 - as a tail does
    tp = TopicPartition("orders", 0)
    consumer.assign([tp])
    consumer.seek(tp, 0)
    assert await consumer.getmany(timeout_ms=1_000) == {}
    await limiter.close()
    await stop_within(consumer)
    assert broker.requests.count(3) <= 5
    assert broker.requests.count(1) <= 12


@pytest.fixture
def mock_broker():
    """A broker of this test alone, which may be ended."""
    with MockBroker() as broker:
        yield broker


def started_consumer(broker):
    """A consumer as a tail has it, not started."""
    return AIOKafkaConsumer(
        bootstrap_servers=broker.bootstrap_servers,
        enable_auto_commit=False,
        auto_offset_reset="none",
        fetch_max_wait_ms=50,
        retry_backoff_ms=500,
    )


@pytest.mark.parametrize("state", ["never started", "just started", "fetching", "broker gone"])
async def test_a_consumer_stops_in_every_state(mock_broker, state):
    """Without an error, within seconds, and without leaving a task."""
    consumer = started_consumer(mock_broker)
    if state != "never started":
        await consumer.start()
    if state in ("fetching", "broker gone"):
        mock_broker.create_topic("orders")
        consumer.assign([TopicPartition("orders", 0)])
        consumer.seek(TopicPartition("orders", 0), 0)
        await consumer.getmany(timeout_ms=200)
    if state == "broker gone":
        mock_broker.stop()
        await consumer.getmany(timeout_ms=700)
    began = time.monotonic()
    await stop_within(consumer)
    assert time.monotonic() - began < 2
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_consumer_that_could_not_start_is_stopped_all_the_same(free_address):
    """Its client has connections and tasks of its own."""
    consumer = AIOKafkaConsumer(bootstrap_servers=free_address)
    with pytest.raises(Exception, match="Unable to bootstrap"):
        await consumer.start()
    await stop_within(consumer)
    assert asyncio.all_tasks() == {asyncio.current_task()}
