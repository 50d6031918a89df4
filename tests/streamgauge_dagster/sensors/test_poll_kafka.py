"""A poll of real brokers: what it finds, what it leaves alone, and when it gives up."""

import time

import dagster as dg
import pytest
from confluent_kafka import Consumer, IsolationLevel, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from streamgauge.config import load
from streamgauge_dagster.sensors import freshness_trigger, poll_sensor, polled_streams

from .gauge import STREAM


@pytest.fixture
def polling(broker, config_file, topic_name, daemon):
    """The daemon of a poll of a topic: `polling(groups=[...], bootstrap_servers=...)`."""

    def polling(topic=None, kafka=None, poll_seconds=20, **stream):
        topic = topic or topic_name()
        path = config_file(
            kafka={"bootstrap_servers": broker.bootstrap_servers} | (kafka or {}),
            orders={"topic": topic, "asset_key": list(STREAM.path), **stream},
        )
        sensor = poll_sensor(
            polled_streams(load(path, {})),
            lambda: load(path, {}).kafka,
            poll_seconds=poll_seconds,
        )
        made = daemon(sensor)
        made.topic = topic
        return made

    return polling


@pytest.fixture
def write(broker):
    """Write records with these timestamps to a partition: `write(topic, [1, 2])`."""

    def write(topic, timestamps, partition=0, **headers):
        producer = Producer({"bootstrap.servers": broker.bootstrap_servers})
        for at_ms in timestamps:
            producer.produce(topic, b"x", partition=partition, timestamp=at_ms, headers=headers)
        assert producer.flush(30) == 0

    return write


@pytest.fixture
def commit(broker):
    """Commit for a group: `commit(group, topic, {0: 5})`."""

    def commit(group, topic, offsets):
        consumer = Consumer({"bootstrap.servers": broker.bootstrap_servers, "group.id": group})
        positions = [TopicPartition(topic, p, offset) for p, offset in offsets.items()]
        consumer.commit(offsets=positions, asynchronous=False)
        consumer.close()

    return commit


@pytest.mark.real_broker
def test_offsets_lag_and_timestamps(polling, create_topic, topic_name, write, commit, observed):
    """Of a group that is named, of those that a pattern finds, and of one that has read all."""
    group = topic_name("billing")
    daemon = polling(groups=[f"{group}-*", f"{group}"])
    create_topic(daemon.topic, 2)
    now_ms = time.time_ns() // 1_000_000
    write(daemon.topic, [now_ms - 60_000, now_ms - 50_000, now_ms - 40_000])
    write(daemon.topic, [now_ms - 30_000], partition=1)
    commit(group, daemon.topic, {0: 1, 1: 1})
    commit(f"{group}-read-up", daemon.topic, {0: 3, 1: 1})
    daemon.tick()
    (first,) = observed()
    write(daemon.topic, [now_ms - 20_000], partition=1)
    daemon.tick()
    daemon.tick()
    same, second, _ = observed()
    assert [each.metadata["offsets"].value for each in (first, second, same)] == [0, 1, 0]
    assert first.data_version != second.data_version == same.data_version
    assert first.metadata["last_message_timestamp"].value == (now_ms - 30_000) / 1000
    assert same.metadata["last_message_timestamp"].value == (now_ms - 20_000) / 1000
    assert isinstance(same.metadata["dagster/last_updated_timestamp"], dg.TimestampMetadataValue)
    assert second.metadata["lag"].value == 3
    rows = {each["group"]: each for each in second.metadata["detail"].data["groups"]}
    assert {name: each["lag"] for name, each in rows.items()} == {group: 3, f"{group}-read-up": 1}
    assert rows[group]["time_lag_seconds"] == pytest.approx(50, abs=10)
    assert rows[f"{group}-read-up"]["time_lag_seconds"] == pytest.approx(20, abs=10)
    assert second.metadata["time_lag_seconds"].value == rows[group]["time_lag_seconds"]


def test_time_lag_is_of_the_event(polling, create_topic, topic_name, write, commit, observed):
    """As the stream says where its time is found."""
    group = topic_name("billing")
    daemon = polling(groups=[group], event_time=[{"header": "event-time"}, "record"])
    create_topic(daemon.topic)
    now_ms = time.time_ns() // 1_000_000
    write(daemon.topic, [now_ms], **{"event-time": str(now_ms - 600_000)})
    commit(group, daemon.topic, {0: 0})
    daemon.tick()
    metadata = observed()[0].metadata
    assert metadata["time_lag_seconds"].value == pytest.approx(600, abs=10)
    assert metadata["last_message_timestamp"].value == now_ms / 1000


def test_a_group_that_never_committed_is_unknown(
    polling, create_topic, topic_name, write, observed
):
    """And no false zero."""
    daemon = polling(groups=[topic_name("never")])
    create_topic(daemon.topic)
    write(daemon.topic, [1_000])
    daemon.tick()
    metadata = observed()[0].metadata
    assert not {"lag", "time_lag_seconds"} & metadata.keys()
    assert metadata["groups"].records[0].data["lag"] is None


@pytest.mark.real_broker
def test_behind_markers_of_transactions(polling, broker, create_topic, observed):
    """The last offsets of a topic hold no record; one that was aborted is none either."""
    daemon = polling()
    create_topic(daemon.topic)
    producer = Producer(
        {"bootstrap.servers": broker.bootstrap_servers, "transactional.id": daemon.topic}
    )
    producer.init_transactions(30)
    for at_ms, end in ((1_000_000, producer.commit_transaction), (2_000_000, None)):
        producer.begin_transaction()
        producer.produce(daemon.topic, b"x", timestamp=at_ms)
        assert producer.flush(30) == 0
        (end or producer.abort_transaction)(30)
    admin = AdminClient({"bootstrap.servers": broker.bootstrap_servers})
    asked = {TopicPartition(daemon.topic, 0): OffsetSpec.latest()}
    stable = {"isolation_level": IsolationLevel.READ_COMMITTED}
    deadline = time.monotonic() + 30
    # the broker writes markers after it has answered
    while [each.result().offset for each in admin.list_offsets(asked, **stable).values()] != [4]:
        assert time.monotonic() < deadline
    daemon.tick()
    assert observed()[0].metadata["last_message_timestamp"].value == 1_000


def test_what_is_in_the_way_hides_nothing_else(polling, broker, create_topic, observed, topic_name):
    """A broker that lists no group, or none that a pattern means."""
    daemon = polling(groups=[topic_name("none-*")])
    create_topic(daemon.topic)
    daemon.tick()
    metadata = observed()[0].metadata
    assert metadata["completeness"].value == 1.0
    assert "groups" not in metadata
    assert ("trouble" in metadata) == (broker.kind == "mock")


def test_an_empty_topic_is_observed(polling, create_topic, observed):
    """Without a timestamp."""
    daemon = polling()
    create_topic(daemon.topic)
    daemon.tick()
    assert "last_message_timestamp" not in observed()[0].metadata


def test_a_missing_topic_is_told_and_not_created(polling, broker, observed):
    """However often it is asked for; nor are dead letters."""
    daemon = polling(dead_letters=[{"topic": "no-such-dlq"}])
    for _ in range(2):
        assert f"kafka/orders_placed (there is no topic {daemon.topic})" in daemon.tick()
    topics = AdminClient({"bootstrap.servers": broker.bootstrap_servers}).list_topics(timeout=30)
    assert not {daemon.topic, "no-such-dlq"} & topics.topics.keys()
    assert observed() == []


def test_brokers_that_are_away(polling, closed_port, observed):
    """In words, and without the tick failing."""
    daemon = polling(kafka={"bootstrap_servers": f"127.0.0.1:{closed_port}"})
    said = daemon.tick()
    assert said.startswith("Unknown: kafka/orders_placed (none of 127.0.0.1:")
    assert observed() == []


def test_brokers_that_are_mute(polling, mute_port):
    """A tick has an end, whatever the brokers do."""
    daemon = polling(kafka={"bootstrap_servers": f"127.0.0.1:{mute_port}"}, poll_seconds=1)
    began = time.monotonic()
    said = daemon.tick()
    assert said == "Unknown: kafka/orders_placed (Kafka did not answer within 1 s)."
    assert time.monotonic() - began < 15


def test_runs_are_launched_by_polls(polling, create_topic, write, daemon, observed):
    """By what was added to the log since the first poll."""
    polls = polling()
    create_topic(polls.topic)
    write(polls.topic, [1_000] * 5)

    @dg.asset(deps=[STREAM])
    def revenue():
        """What is built on the stream."""

    trigger = daemon(freshness_trigger(STREAM, [revenue], min_messages=3))
    polls.tick()
    assert trigger.tick() == "No new offsets were reported yet."
    write(polls.topic, [1_000] * 2)
    polls.tick()
    assert trigger.tick() == "2 offsets are new, of at least 3."
    write(polls.topic, [1_000] * 2)
    polls.tick()
    trigger.tick()
    polls.tick()
    trigger.tick()
    assert [each.tags["streamgauge/new"] for each in trigger.launched] == ["4 offsets"]
