"""A broker that dies under a tail costs no record and doubles none."""

import asyncio
import threading
import time

import pytest
from aiokafka.protocol.fetch import FetchResponse_v4
from aiokafka.protocol.metadata import MetadataResponse_v5
from confluent_kafka import Consumer, Producer, TopicPartition

from streamgauge.core.columns import RecordReader
from streamgauge.core.event_time import RecordRule
from streamgauge.kafka.cluster import Cluster
from streamgauge.kafka.connection import Connection
from streamgauge.kafka.errors import BrokersUnavailableError, TailStalledError
from streamgauge.kafka.fetching import TailSettings
from streamgauge.kafka.tail import Tail
from streamgauge.model import CommittedOffsets

PARTITIONS = 2


class Truth(threading.Thread):
    """A producer that goes on over an outage and knows where each record was appended."""

    def __init__(self, broker, topic):
        super().__init__(daemon=True)
        self.offsets = {partition: [] for partition in range(PARTITIONS)}
        self._producer = Producer(
            {
                "bootstrap.servers": broker.bootstrap_servers,
                "enable.idempotence": True,
                "linger.ms": 5,
                "reconnect.backoff.max.ms": 500,
                "log_level": 0,
            }
        )
        self._topic = topic
        self._ending = threading.Event()

    def run(self):
        """Produce a few hundred records a second."""
        while not self._ending.wait(0.02):
            for partition in range(PARTITIONS):
                for _ in range(5):
                    self._producer.produce(
                        self._topic, b"v", partition=partition, on_delivery=self.appended
                    )
            self._producer.poll(0)

    def appended(self, error, message):
        """Note one record; none is given up."""
        assert error is None
        self.offsets[message.partition()].append(message.offset())

    def end(self):
        """Stop, wait until everything is in the log, and tell what is there."""
        self._ending.set()
        self.join()
        assert self._producer.flush(60) == 0
        return self.offsets


@pytest.fixture
async def own_cluster(java_broker):
    """A cluster on a broker that may be killed, and its topic."""
    await asyncio.to_thread(java_broker.create_topic, "orders", PARTITIONS)
    cluster = Cluster(
        Connection(bootstrap_servers=(java_broker.bootstrap_servers,), request_timeout_ms=5_000)
    )
    await cluster.start()
    yield cluster
    await cluster.close()


def read_record_time():
    """A reader that takes the event time from the record."""
    return RecordReader([RecordRule()])


async def kill_for(broker, seconds):
    """Kill the broker, leave it dead for so long, and let it come back."""
    await asyncio.to_thread(broker.kill)
    await asyncio.sleep(seconds)
    await asyncio.to_thread(broker.restart)


async def test_a_tail_that_waits_out_an_outage(java_broker, own_cluster, offsets_in):
    """It goes on where it was, and what was produced around the outage is all there."""
    settings = TailSettings(topic="orders", patience_seconds=300)
    tail = await Tail.start(own_cluster, read_record_time(), settings, {0: 0, 1: 0})
    truth = Truth(java_broker, "orders")
    truth.start()
    brought = []
    try:
        await poll_for(tail, brought, 1)
        outage = asyncio.create_task(kill_for(java_broker, 2))
        while not outage.done():
            await poll_for(tail, brought, 0.1)
        await outage
        await poll_for(tail, brought, 1)
        ends = {p: offsets[-1] + 1 for p, offsets in truth.end().items()}
        async with asyncio.timeout(30):
            while tail.positions != ends:
                brought.append(await tail.poll())
    finally:
        await tail.close()
    assert min(ends.values()) > 200
    assert offsets_in(brought) == {p: sorted(offsets) for p, offsets in truth.offsets.items()}
    assert not any(polled.notices for polled in brought)


async def test_a_tail_that_is_built_anew_after_it_stalled(java_broker, own_cluster, offsets_in):
    """As whoever runs it does: at the positions of the one before, again until it works."""
    settings = TailSettings(topic="orders", patience_seconds=1)
    tail = await Tail.start(own_cluster, read_record_time(), settings, {0: 0, 1: 0})
    truth = Truth(java_broker, "orders")
    truth.start()
    brought = []
    try:
        await poll_for(tail, brought, 1)
        await asyncio.to_thread(java_broker.kill)
        with pytest.raises(
            TailStalledError, match=r"partitions \[0, 1\] of topic 'orders' for 1 s"
        ):
            await poll_for(tail, brought, 30)
        began = time.monotonic()
        await tail.close()
        assert time.monotonic() - began < 2
        with pytest.raises(BrokersUnavailableError, match="nothing listens there"):
            await Tail.start(own_cluster, read_record_time(), settings, tail.positions)
        await asyncio.to_thread(java_broker.restart)
        tail = await Tail.start(own_cluster, read_record_time(), settings, tail.positions)
        ends = {p: offsets[-1] + 1 for p, offsets in truth.end().items()}
        async with asyncio.timeout(30):
            while tail.positions != ends:
                brought.append(await tail.poll())
    finally:
        await tail.close()
    assert offsets_in(brought) == {p: sorted(offsets) for p, offsets in truth.offsets.items()}


async def poll_for(tail, brought, seconds):
    """Poll for so long."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        brought.append(await tail.poll())


async def test_commits_and_groups_do_not_vanish_while_a_broker_comes_back(
    java_broker, own_cluster, eventually
):
    """A broker that has just started knows no groups yet and says so without an error."""
    consumer = Consumer({"bootstrap.servers": java_broker.bootstrap_servers, "group.id": "billing"})
    consumer.commit(offsets=[TopicPartition("orders", 0, 7)], asynchronous=False)
    consumer.close()
    await eventually(own_cluster.groups, lambda groups: groups is not None)
    outage = asyncio.create_task(kill_for(java_broker, 0.5))
    kinds, after = set(), 0
    while after < 20:
        try:
            answer = await own_cluster.committed("billing", "orders", [0, 1])
            groups = await own_cluster.groups()
        except BrokersUnavailableError:
            kinds.add(BrokersUnavailableError)
        else:
            kinds.add(type(answer))
            assert "billing" in groups.followed
            if isinstance(answer, CommittedOffsets):
                assert answer.offsets == {0: 7, 1: None}
                after += outage.done()
        await asyncio.sleep(0.03)
    await outage
    assert {BrokersUnavailableError, CommittedOffsets} <= kinds


class FetchingCluster:
    """A broker with one partition that answers fetches in a way of its own."""

    def __init__(self, fetched):
        self.fetched = fetched
        self.address = None

    @property
    def script(self):
        """The answers."""
        return {1: (4, lambda *_: self.fetched), 3: (5, lambda *_: self.metadata())}

    def metadata(self):
        """This broker leads the partition."""
        host, _, port = self.address.partition(":")
        topic = (0, "orders", False, [(0, 0, 1, [1], [1], [])])
        return MetadataResponse_v5(0, [(1, host, int(port), None)], "c", 1, [topic])


@pytest.fixture
async def tail_of(scripted_broker):
    """Starts tails on a broker that answers every fetch alike."""
    opened = []

    async def start(fetched, **settings):
        cluster = FetchingCluster(fetched)
        cluster.address = (await scripted_broker(cluster.script)).address
        opened.append(Cluster(Connection(bootstrap_servers=(cluster.address,))))
        tail = await Tail.start(
            opened[-1], read_record_time(), TailSettings(topic="orders", **settings), {0: 0}
        )
        opened.append(tail)
        return tail

    yield start
    for one in opened:
        await one.close()


@pytest.mark.parametrize(
    "fetched",
    [None, FetchResponse_v4(0, [("orders", [(0, 6, -1, -1, [], b"")])])],
    ids=["silent", "not-leader"],
)
async def test_a_leader_that_never_answers_stalls_the_tail(tail_of, fetched):
    """Connected, and yet nothing is heard: that must not look like an idle topic."""
    tail = await tail_of(fetched, patience_seconds=0.5)
    with pytest.raises(TailStalledError, match=r"partitions \[0\] of topic 'orders' for 0.5 s"):
        await poll_for(tail, [], 10)


async def test_an_idle_topic_stalls_nothing(tail_of):
    """An empty answer is an answer."""
    empty = FetchResponse_v4(0, [("orders", [(0, 0, 0, 0, [], b"")])])
    brought = []
    await poll_for(await tail_of(empty, patience_seconds=0.5), brought, 1.5)
    assert brought[-1].progress[0].end_offset == 0


async def test_a_fetch_task_that_ended_stalls_the_tail(tail_of):
    """Aiokafka returns nothing for ever then, without an error."""
    tail = await tail_of(FetchResponse_v4(0, []))
    tail._consumer._fetcher._fetch_task.cancel()  # noqa: SLF001 - as an error in it ends it
    with pytest.raises(TailStalledError, match="has ended the task that fetches"):
        await poll_for(tail, [], 10)
