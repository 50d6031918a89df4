"""Questions to the brokers and what their answers mean."""

import asyncio

import pytest
from aiokafka.protocol.admin import ListGroupsRequest_v0, ListGroupsRequest_v1
from aiokafka.protocol.commit import OffsetFetchResponse_v3
from aiokafka.protocol.coordination import FindCoordinatorResponse_v1
from aiokafka.protocol.metadata import MetadataResponse_v5
from aiokafka.protocol.offset import OffsetResponse_v3
from confluent_kafka import Consumer, Producer
from confluent_kafka import TopicPartition as Position
from confluent_kafka.admin import AdminClient, NewPartitions

from streamgauge.kafka.answers import Absent, Present, Retry
from streamgauge.kafka.cluster import Cluster
from streamgauge.kafka.connection import Connection
from streamgauge.kafka.errors import BrokersUnavailableError, UnexpectedAnswerError
from streamgauge.kafka.protocol.group_list import GroupList, ListGroupsRequest_v4
from streamgauge.kafka.start import start_positions
from streamgauge.model import CommittedOffsets


def commit(broker, group, topic, offsets, metadata=None):
    """Commit as a group without members."""
    consumer = Consumer({"bootstrap.servers": broker.bootstrap_servers, "group.id": group})
    positions = [Position(topic, p, offset, metadata or "") for p, offset in offsets.items()]
    consumer.commit(offsets=positions, asynchronous=False)
    consumer.close()


def is_a(kind):
    """Whether an answer is of this kind."""
    return lambda answer: isinstance(answer, kind)


async def test_a_topic_is_present_with_its_partitions(cluster, create_topic, topic_name):
    """All of them have a leader."""
    topic = topic_name()
    create_topic(topic, 3)
    state = await cluster.topic(topic)
    assert state.partitions == (0, 1, 2)
    assert state.leaderless == frozenset()


@pytest.mark.real_broker
async def test_a_topic_that_is_created_again_has_another_id(
    broker, cluster, create_topic, topic_name, eventually
):
    """In between it is absent, and nobody creates it by asking."""
    topic = topic_name()
    create_topic(topic)
    first = await cluster.topic(topic)
    admin = AdminClient({"bootstrap.servers": broker.bootstrap_servers})
    admin.delete_topics([topic])[topic].result(30)
    await eventually(lambda: cluster.topic(topic), is_a(Absent))
    create_topic(topic)
    second = await eventually(lambda: cluster.topic(topic), is_a(Present))
    assert first.topic_id is not None
    assert first.topic_id != second.topic_id


@pytest.mark.real_broker
async def test_new_partitions_are_seen(broker, cluster, create_topic, topic_name, eventually):
    """The next answer has them."""
    topic = topic_name()
    create_topic(topic, 1)
    assert (await cluster.topic(topic)).partitions == (0,)
    admin = AdminClient({"bootstrap.servers": broker.bootstrap_servers})
    admin.create_partitions([NewPartitions(topic, 3)])[topic].result(30)
    await eventually(lambda: cluster.topic(topic), lambda state: state.partitions == (0, 1, 2))


async def test_log_offsets_of_answering_partitions(cluster, create_topic, topic_name, produce):
    """A partition that does not exist is absent, the others are answered."""
    topic = topic_name()
    create_topic(topic, 2)
    produce(topic, [b"v"] * 5, partition=1)
    offsets = await cluster.log_offsets(topic, [0, 1, 9], "read_committed")
    assert offsets.start == {0: 0, 1: 0}
    assert offsets.end == {0: 0, 1: 5}
    absent = await cluster.log_offsets(topic_name("absent"), [0], "read_committed")
    assert (absent.start, absent.end) == ({}, {})


@pytest.mark.real_broker
async def test_ends_by_isolation_level(broker, cluster, create_topic, topic_name):
    """An open transaction holds the last stable offset back, not the high watermark."""
    topic = topic_name()
    create_topic(topic)
    producer = Producer({"bootstrap.servers": broker.bootstrap_servers, "transactional.id": topic})
    producer.init_transactions(30)
    producer.begin_transaction()
    producer.produce(topic, b"open")
    producer.flush(30)
    for isolation_level, end in (("read_committed", 0), ("read_uncommitted", 1)):
        offsets = await cluster.log_offsets(topic, [0], isolation_level)
        assert offsets.end == {0: end}
    producer.abort_transaction(30)


@pytest.mark.real_broker
async def test_start_positions(broker, cluster, create_topic, topic_name):
    """Latest, earliest, and a time: its first record, or the end if there is none."""
    topic = topic_name()
    create_topic(topic, 2)
    producer = Producer({"bootstrap.servers": broker.bootstrap_servers})
    for number in range(10):
        producer.produce(topic, b"v", partition=0, timestamp=1_000_000 + number)
    producer.flush(30)
    for start_from, expected in (
        ("latest", {0: 10, 1: 0}),
        ("earliest", {0: 0, 1: 0}),
        (1_000_004, {0: 4, 1: 0}),
        (1_000_010, {0: 10, 1: 0}),
        (0, {0: 0, 1: 0}),
    ):
        found = await start_positions(cluster, topic, [0, 1], start_from, "read_committed")
        assert found == expected


async def test_start_positions_are_for_all_partitions_or_none(cluster, create_topic, topic_name):
    """Nobody begins at a made-up offset."""
    topic = topic_name()
    create_topic(topic, 1)
    with pytest.raises(BrokersUnavailableError, match=r"partitions \[1, 2\] of topic"):
        await start_positions(cluster, topic, [0, 1, 2], "latest", "read_committed")


async def test_committed_offsets(broker, cluster, create_topic, topic_name, eventually):
    """What is committed, and None where nothing is."""
    topic, group = topic_name(), topic_name("group")
    create_topic(topic, 3)
    commit(broker, group, topic, {0: 5, 2: 0}, "text")
    answer = await eventually(
        lambda: cluster.committed(group, topic, [0, 1, 2]), is_a(CommittedOffsets)
    )
    assert (answer.group, answer.topic) == (group, topic)
    assert answer.offsets == {0: 5, 1: None, 2: 0}


@pytest.mark.real_broker
async def test_groups_are_listed(broker, cluster, create_topic, topic_name, eventually):
    """A group that only commits is followed like any other."""
    topic, group = topic_name(), topic_name("group")
    create_topic(topic)
    commit(broker, group, topic, {0: 0})
    groups = await eventually(
        cluster.groups, lambda groups: groups is not None and group in groups.followed
    )
    assert group not in groups.unsupported


@pytest.mark.real_broker
@pytest.mark.parametrize("protocol", ["classic", "consumer"])
async def test_a_group_with_members_is_told_from_one_without(
    broker, cluster, create_topic, topic_name, eventually, monkeypatch, protocol
):
    """By every version of the question that tells it; older brokers leave it open."""
    topic, group, simple = topic_name(), topic_name("group"), topic_name("simple")
    create_topic(topic)
    commit(broker, simple, topic, {0: 0})
    consumer = Consumer(
        {
            "bootstrap.servers": broker.bootstrap_servers,
            "group.id": group,
            "group.protocol": protocol,
        }
    )
    consumer.subscribe([topic])
    try:
        async with asyncio.timeout(30):
            while not consumer.assignment():
                await asyncio.to_thread(consumer.poll, 0.1)
        await asyncio.to_thread(
            consumer.commit, offsets=[Position(topic, 0, 0)], asynchronous=False
        )
        groups = await eventually(cluster.groups, lambda groups: group in groups.occupied)
        assert group not in groups.empty
    finally:
        await asyncio.to_thread(consumer.close)
    groups = await eventually(cluster.groups, lambda groups: group in groups.empty)
    assert group not in groups.occupied
    assert simple in groups.followed
    assert simple not in groups.empty | groups.occupied
    versions = (ListGroupsRequest_v0, ListGroupsRequest_v1, ListGroupsRequest_v4)
    monkeypatch.setattr(GroupList, "_CLASSES", versions)
    assert group in (await cluster.groups()).empty
    monkeypatch.setattr(GroupList, "_CLASSES", versions[:-1])
    groups = await cluster.groups()
    assert group in groups.followed
    assert group not in groups.empty | groups.occupied


@pytest.mark.real_broker
async def test_a_group_of_the_new_protocol_is_followed_like_any_other(
    broker, cluster, create_topic, topic_name, produce, eventually
):
    """KIP-848: it is listed and its commits are read, while it has members and after."""
    topic, group = topic_name(), topic_name("group")
    create_topic(topic)
    produce(topic, [b"v"] * 3)
    consumer = Consumer(
        {
            "bootstrap.servers": broker.bootstrap_servers,
            "group.id": group,
            "group.protocol": "consumer",
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
        }
    )
    consumer.subscribe([topic])
    try:
        assert len(await asyncio.to_thread(consumer.consume, 3, 30)) == 3
        await asyncio.to_thread(consumer.commit, asynchronous=False)
        assert (await cluster.committed(group, topic, [0])).offsets == {0: 3}
        await eventually(cluster.groups, lambda groups: group in groups.followed)
    finally:
        await asyncio.to_thread(consumer.close)
    assert (await cluster.committed(group, topic, [0])).offsets == {0: 3}


async def test_answers_are_stamped_by_the_clock_given(connection, create_topic, topic_name):
    """So that what belongs together is compared on one clock."""
    topic = topic_name()
    create_topic(topic)
    cluster = Cluster(connection, clock=lambda: 12_345)
    try:
        assert (await cluster.log_offsets(topic, [0], "read_committed")).seen_at_ms == 12_345
    finally:
        await cluster.close()


class Coordinator:
    """A broker that coordinates groups and does not always know them."""

    def __init__(self):
        self.errors = []
        self.lookups = 0
        self.leader_lookups = 0
        self.address = None

    @property
    def script(self):
        """The answers."""
        return {
            2: (3, lambda *_: OffsetResponse_v3(0, [("orders", [(0, self.error(), -1, 9)])])),
            3: (5, lambda *_: self.metadata()),
            9: (3, lambda *_: self.committed(self.error())),
            10: (1, lambda *_: self.found(self.error())),
        }

    def error(self):
        """The next error, 0 if there is none left."""
        return self.errors.pop(0) if self.errors else 0

    def metadata(self):
        """This broker alone, with one partition."""
        self.leader_lookups += 1
        host, _, port = self.address.partition(":")
        topic = (0, "orders", False, [(0, 0, 1, [1], [1], [])])
        return MetadataResponse_v5(0, [(1, host, int(port), None)], "c", 1, [topic])

    def committed(self, code):
        """Offset 5, or an error for the whole group as real brokers tell it."""
        topics = [] if code else [("orders", [(0, 5, "", 0)])]
        return OffsetFetchResponse_v3(0, topics, code)

    def found(self, code):
        """This broker, or an error."""
        self.lookups += 1
        host, _, port = self.address.partition(":")
        return FindCoordinatorResponse_v1(0, code, None, 1, host, int(port))


@pytest.fixture
async def coordinator(scripted_broker):
    """A coordinator, and a cluster that asks it."""
    coordinator = Coordinator()
    coordinator.address = (await scripted_broker(coordinator.script)).address
    connection = Connection(bootstrap_servers=(coordinator.address,), request_timeout_ms=500)
    cluster = Cluster(connection)
    yield coordinator, cluster
    await cluster.close()


async def test_a_coordinator_is_looked_up_once_until_it_moves(coordinator):
    """Any answer that is not about the group makes the next question look it up again."""
    broker, cluster = coordinator
    for _ in range(3):
        assert isinstance(await cluster.committed("g", "orders", [0]), CommittedOffsets)
    assert broker.lookups == 1
    for code in (14, 15, 16):
        broker.errors = [code]
        assert isinstance(await cluster.committed("g", "orders", [0]), Retry)
        assert isinstance(await cluster.committed("g", "orders", [0]), CommittedOffsets)
    assert broker.lookups == 4


async def test_a_coordinator_that_is_not_found_is_asked_for_again(coordinator):
    """15 right after the first start of a cluster: the offsets topic is not there yet."""
    broker, cluster = coordinator
    broker.errors = [15]
    answer = await cluster.committed("g", "orders", [0])
    assert answer == Retry("group g: 15 COORDINATOR_NOT_AVAILABLE")
    assert isinstance(await cluster.committed("g", "orders", [0]), CommittedOffsets)


async def test_a_leader_that_has_moved_is_looked_up_anew(coordinator):
    """The partition is absent in this answer and there in the next."""
    broker, cluster = coordinator
    assert (await cluster.log_offsets("orders", [0], "read_committed")).end == {0: 9}
    before = broker.leader_lookups
    assert (await cluster.log_offsets("orders", [0], "read_committed")).end == {0: 9}
    assert broker.leader_lookups == before
    broker.errors = [0, 6]
    assert (await cluster.log_offsets("orders", [0], "read_committed")).end == {}
    assert (await cluster.log_offsets("orders", [0], "read_committed")).end == {0: 9}
    assert broker.leader_lookups == before + 1


async def test_a_coordinator_that_falls_silent_costs_no_more_than_the_time_allowed(
    scripted_broker,
):
    """It is forgotten, and the next question looks it up again."""
    coordinator = Coordinator()
    broker = await scripted_broker(coordinator.script | {9: (3, lambda *_: None)})
    coordinator.address = broker.address
    cluster = Cluster(Connection(bootstrap_servers=(broker.address,), request_timeout_ms=200))
    try:
        async with asyncio.timeout(5):
            for _ in range(2):
                with pytest.raises(BrokersUnavailableError, match="broker 1 does not answer"):
                    await cluster.committed("g", "orders", [0])
        assert coordinator.lookups == 2
    finally:
        await cluster.close()


async def test_a_group_list_that_a_broker_does_not_know_is_an_error(coordinator):
    """Patterns need it; the error says which broker."""
    _, cluster = coordinator
    with pytest.raises(UnexpectedAnswerError, match=r"broker 1: .*GroupList"):
        await cluster.groups()


async def test_brokers_that_have_all_moved_are_found_again(scripted_broker, free_address):
    """The bootstrap servers are asked anew when none of the known brokers answers."""
    coordinator = Coordinator()
    broker = await scripted_broker(coordinator.script)
    cluster = Cluster(Connection(bootstrap_servers=(broker.address,), request_timeout_ms=500))
    try:
        coordinator.address = free_address
        with pytest.raises(BrokersUnavailableError, match="broker 1 does not answer"):
            await cluster.topic("orders")
        coordinator.address = broker.address
        assert (await cluster.topic("orders")).partitions == (0,)
    finally:
        await cluster.close()


async def test_many_questions_at_once_share_one_attempt_to_connect(free_address):
    """None of them waits for the attempts of the others, one after the other."""
    cluster = Cluster(Connection(bootstrap_servers=(free_address,)))
    try:
        questions = [cluster.topic(f"topic-{number}") for number in range(50)]
        answers = await asyncio.gather(*questions, return_exceptions=True)
        assert len({id(answer) for answer in answers}) == 1
        assert isinstance(answers[0], BrokersUnavailableError)
    finally:
        await cluster.close()
