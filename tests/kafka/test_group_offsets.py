"""Committed offsets of many groups: few requests, and each group's answer is its own."""

import asyncio

import pytest
from aiokafka.protocol.commit import OffsetCommitRequest
from aiokafka.protocol.metadata import MetadataResponse_v5
from confluent_kafka import Consumer
from confluent_kafka import TopicPartition as Position

from streamgauge.kafka.answers import Forbidden, Retry
from streamgauge.kafka.cluster import Cluster
from streamgauge.kafka.connection import Connection
from streamgauge.kafka.coordinator import GROUPS_AT_ONCE, find_coordinator
from streamgauge.kafka.errors import BrokersUnavailableError
from streamgauge.kafka.group_offsets import ROWS_AT_ONCE
from streamgauge.kafka.protocol.find_coordinator import (
    CoordinatorsOfGroups,
    FindCoordinatorRequest_v4,
    FindCoordinatorResponse_v4,
)
from streamgauge.kafka.protocol.offset_fetch import (
    OffsetFetchRequest_v8,
    OffsetFetchResponse_v8,
    OffsetsOfGroups,
)
from streamgauge.kafka.wire import Wire
from streamgauge.model import CommittedOffsets

LOOKUP, FETCH = FindCoordinatorRequest_v4.API_KEY, OffsetFetchRequest_v8.API_KEY


@pytest.fixture(params=["many groups at once", "one group at a time"])
def broker_version(request, monkeypatch):
    """As brokers since 3.0 and as those before."""
    if request.param == "one group at a time":
        for kind in (CoordinatorsOfGroups, OffsetsOfGroups):
            monkeypatch.setattr(kind, "_CLASSES", ())
    return request.param


@pytest.fixture
async def commit(connection):
    """Commits as groups without members: `commit(topic, {group: {partition: offset}})`."""
    wire = Wire(connection)

    async def commit_each(topic, commits):
        for group, offsets in commits.items():
            async with asyncio.timeout(30):
                while not await is_stored(topic, group, offsets):
                    await asyncio.sleep(0.05)

    async def is_stored(topic, group, offsets):
        coordinator = await find_coordinator(wire, group, "READ")
        if isinstance(coordinator, Retry):
            return False
        rows = [(partition, offset, "") for partition, offset in offsets.items()]
        request = OffsetCommitRequest(group, -1, "", -1, [(topic, rows)])
        ((_, answers),) = (await wire.send(coordinator, request)).topics
        return not any(code for _, code in answers)

    yield commit_each
    await wire.close()


async def ask(cluster, topic, groups, partitions):
    """Ask for all groups at once; the answers in order, also those that are errors."""
    questions = (cluster.committed(group, topic, partitions) for group in groups)
    return await asyncio.gather(*questions, return_exceptions=True)


@pytest.mark.real_broker
@pytest.mark.parametrize("protocol", ["classic", "consumer"])
@pytest.mark.usefixtures("broker_version")
async def test_groups_of_every_kind_are_asked_together(
    broker, cluster, create_topic, topic_name, produce, commit, protocol
):
    """One that only commits, one with a member, and one that never existed."""
    topic, simple, live, never = (topic_name(stem) for stem in ("topic", "simple", "live", "never"))
    create_topic(topic, 3)
    produce(topic, [b"v"] * 3)
    await commit(topic, {simple: {0: 2, 1: 0}})
    consumer = Consumer(
        {"bootstrap.servers": broker.bootstrap_servers, "group.id": live}
        | {"group.protocol": protocol, "auto.offset.reset": "earliest", "enable.auto.commit": False}
    )
    consumer.subscribe([topic])
    try:
        assert len(await asyncio.to_thread(consumer.consume, 3, 30)) == 3
        await asyncio.to_thread(
            consumer.commit, offsets=[Position(topic, 0, 3, "text")], asynchronous=False
        )
        answers = await ask(cluster, topic, [simple, live, never], [2, 0, 1])
    finally:
        await asyncio.to_thread(consumer.close)
    assert [(each.group, each.topic, each.offsets) for each in answers] == [
        (simple, topic, {0: 2, 1: 0, 2: None}),
        (live, topic, {0: 3, 1: None, 2: None}),
        (never, topic, {0: None, 1: None, 2: None}),
    ]


@pytest.mark.real_broker
async def test_no_group_has_the_answer_of_another(cluster, create_topic, topic_name, commit):
    """More groups than one request takes."""
    topic, stem = topic_name(), topic_name("group")
    create_topic(topic, 2)
    commits = {f"{stem}-{n}": {0: n, 1: 1_000 + n} for n in range(GROUPS_AT_ONCE + 20)}
    await commit(topic, commits)
    answers = await ask(cluster, topic, commits, [0, 1])
    assert {each.group: each.offsets for each in answers} == commits


class Coordinator:
    """A broker that coordinates groups for which it has errors, and shares them with others."""

    def __init__(self, node_id=1):
        self.node_id = node_id
        self.address = None
        self.brokers = [self]
        self.mute = False
        self.errors = {}
        self.partition_errors = {}
        self.lookup_errors = {}
        self.coordinators = {}
        self.asked_for = []

    @property
    def script(self):
        """The answers."""
        return {
            3: (5, lambda *_: self.metadata()),
            FETCH: (8, lambda _, request: self.committed(request)),
            LOOKUP: (4, lambda _, request: self.found(request)),
        }

    def metadata(self):
        """All brokers."""
        rows = [(each.node_id, *each.host_and_port, None) for each in self.brokers]
        return MetadataResponse_v5(0, rows, "c", 1, [])

    @property
    def host_and_port(self):
        """Where it listens."""
        host, _, port = self.address.partition(":")
        return host, int(port)

    def found(self, request):
        """The first broker, unless told otherwise."""
        rows = []
        for group in FindCoordinatorRequest_v4.decode(request).coordinator_keys:
            node = self.coordinators.get(group, self)
            code = self.lookup_errors.get(group, 0)
            rows.append((group, node.node_id, *node.host_and_port, code, None, {}))
        return FindCoordinatorResponse_v4(0, rows, {})

    def committed(self, request):
        """Offset 5 on all partitions, or an error as real brokers tell it."""
        groups = []
        asked = OffsetFetchRequest_v8.decode(request).groups
        self.asked_for.append([group for group, *_ in asked])
        if self.mute:
            return None
        for group, ((topic, partitions, _),), _ in asked:
            code = self.errors.get(group, 0)
            rows = [
                (p, 5, -1, "", self.partition_errors.get((group, p), 0), {}) for p in partitions
            ]
            groups.append((group, [] if code else [(topic, rows, {})], code, {}))
        return OffsetFetchResponse_v8(0, groups, {})


@pytest.fixture
async def start_brokers(scripted_broker):
    """Starts coordinators; gives them, what each was asked, and a cluster that asks them."""
    clusters = []

    async def start(*node_ids, **settings):
        brokers = [Coordinator(node_id) for node_id in node_ids]
        scripted = [await scripted_broker(broker.script) for broker in brokers]
        for broker, listening in zip(brokers, scripted, strict=True):
            broker.address = listening.address
            broker.brokers = brokers
            broker.requests = listening.requests
        connection = Connection(bootstrap_servers=(brokers[0].address,), request_timeout_ms=500)
        clusters.append(Cluster(connection, **settings))
        return *brokers, clusters[-1]

    yield start
    for cluster in clusters:
        await cluster.close()


async def test_many_groups_take_few_requests(start_brokers):
    """Each answer has its own time; coordinators are looked up once."""
    broker, cluster = await start_brokers(1, clock=lambda: len(broker.asked_for))
    groups = [f"group-{number}" for number in range(300)]
    for _ in range(2):
        broker.asked_for.clear()
        answers = await ask(cluster, "orders", groups, range(20))
        assert [each.group for each in answers] == groups
        assert all(each.offsets == dict.fromkeys(range(20), 5) for each in answers)
        assert broker.asked_for == [groups[:100], groups[100:200], groups[200:]]
        assert {each.seen_at_ms for each in answers} <= {1, 2, 3}
    assert broker.requests.count(LOOKUP) == 3
    assert broker.requests.count(FETCH) == 6


@pytest.mark.parametrize(
    ("partitions", "groups_at_once"),
    [(ROWS_AT_ONCE // 4, 4), (ROWS_AT_ONCE // 4 + 1, 3), (ROWS_AT_ONCE + 1, 1)],
)
async def test_an_answer_is_read_in_bounded_time(start_brokers, partitions, groups_at_once):
    """The more partitions, the fewer groups in a request; one group is never divided."""
    broker, cluster = await start_brokers(1)
    groups = ["a", "b", "c", "d", "e"]
    answers = await ask(cluster, "orders", groups, range(partitions))
    assert [len(each.offsets) for each in answers] == [partitions] * 5
    assert max(map(len, broker.asked_for)) == groups_at_once


async def test_groups_are_asked_for_their_own_topic_and_partitions(start_brokers):
    """Only who asks for the same shares a request."""
    broker, cluster = await start_brokers(1)
    await asyncio.gather(
        cluster.committed("a", "orders", [0, 1]),
        cluster.committed("b", "orders", [1, 0]),
        cluster.committed("c", "orders", [0]),
        cluster.committed("d", "payments", [0, 1]),
    )
    assert sorted(broker.asked_for) == [["a", "b"], ["c"], ["d"]]


@pytest.mark.parametrize(
    ("code", "answer"),
    [
        (14, Retry("group odd: 14 COORDINATOR_LOAD_IN_PROGRESS")),
        (15, Retry("group odd: 15 COORDINATOR_NOT_AVAILABLE")),
        (16, Retry("group odd: 16 NOT_COORDINATOR")),
        (30, Forbidden("DESCRIBE on group odd")),
        (69, Retry("group odd: 69 GROUP_ID_NOT_FOUND")),
    ],
)
async def test_an_error_of_one_group_is_not_that_of_others(start_brokers, code, answer):
    """Its coordinator alone is looked up anew."""
    broker, cluster = await start_brokers(1)
    broker.errors = {"odd": code}
    one, odd, two = await ask(cluster, "orders", ["one", "odd", "two"], [0])
    assert isinstance(one, CommittedOffsets)
    assert isinstance(two, CommittedOffsets)
    assert odd == answer
    assert broker.requests.count(LOOKUP) == 1
    broker.errors.clear()
    answers = await ask(cluster, "orders", ["one", "odd", "two"], [0])
    assert all(isinstance(each, CommittedOffsets) for each in answers)
    assert broker.requests.count(LOOKUP) == 2
    assert broker.asked_for[1:] == [["one", "two"], ["odd"]]


async def test_a_partition_with_an_error_is_absent_for_that_group(start_brokers):
    """Not uncommitted; other groups have it."""
    broker, cluster = await start_brokers(1)
    broker.partition_errors = {("odd", 1): 88}
    odd, one = await ask(cluster, "orders", ["odd", "one"], [0, 1])
    assert (odd.offsets, one.offsets) == ({0: 5}, {0: 5, 1: 5})


async def test_a_group_whose_coordinator_cannot_be_told_holds_up_no_other(start_brokers):
    """Each error of a lookup is its group's; the next question asks again."""
    broker, cluster = await start_brokers(1)
    broker.lookup_errors = {"moving": 15, "hidden": 30}
    answers = await ask(cluster, "orders", ["moving", "one", "hidden"], [0])
    assert answers[0] == Retry("group moving: 15 COORDINATOR_NOT_AVAILABLE")
    assert answers[1].offsets == {0: 5}
    assert answers[2] == Forbidden("DESCRIBE on group hidden")
    broker.lookup_errors.clear()
    answers = await ask(cluster, "orders", ["moving", "one", "hidden"], [0])
    assert all(isinstance(each, CommittedOffsets) for each in answers)
    assert broker.requests.count(LOOKUP) == 2


async def test_a_mute_coordinator_holds_up_no_group_of_another(start_brokers):
    """Its own groups get the error, and their coordinator is looked up anew."""
    one, two, cluster = await start_brokers(1, 2)
    for broker in (one, two):
        broker.coordinators = {"a": one, "b": one, "c": two, "d": two}
    assert len(await ask(cluster, "orders", "abcd", [0])) == 4
    assert (one.asked_for, two.asked_for) == ([["a", "b"]], [["c", "d"]])
    two.mute = True
    questions = {
        group: asyncio.create_task(cluster.committed(group, "orders", [0])) for group in "abcd"
    }
    async with asyncio.timeout(5):
        for group in "ab":
            assert (await questions[group]).offsets == {0: 5}
        assert not any(questions[group].done() for group in "cd")
        for group in "cd":
            with pytest.raises(BrokersUnavailableError, match="broker 2 does not answer"):
                await questions[group]
    two.mute = False
    lookups = one.requests.count(LOOKUP) + two.requests.count(LOOKUP)
    answers = await ask(cluster, "orders", "abcd", [0])
    assert all(isinstance(each, CommittedOffsets) for each in answers)
    assert one.requests.count(LOOKUP) + two.requests.count(LOOKUP) == lookups + 1


async def test_who_gives_up_leaves_the_question_to_those_who_wait(start_brokers):
    """And to its own time limit, which renews the connection."""
    broker, cluster = await start_brokers(1)
    await ask(cluster, "orders", "ab", [0])
    impatient, patient = (
        asyncio.create_task(cluster.committed(group, "orders", [0])) for group in "ab"
    )
    while len(broker.asked_for) < 2:
        await asyncio.sleep(0)
        impatient.cancel()
    assert (await patient).offsets == {0: 5}
    assert impatient.cancelled()


async def test_closing_the_cluster_answers_those_who_wait(start_brokers):
    """At once."""
    broker, cluster = await start_brokers(1)
    broker.mute = True
    question = asyncio.create_task(cluster.committed("a", "orders", [0]))
    async with asyncio.timeout(5):
        while not broker.asked_for:
            await asyncio.sleep(0.01)
        await cluster.close()
        with pytest.raises(BrokersUnavailableError, match="being closed"):
            await question
