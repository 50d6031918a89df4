"""Watching a topic never creates it."""

import time

import aiokafka.client
import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import IncompatibleBrokerVersion
from aiokafka.protocol.metadata import MetadataRequest_v3, MetadataRequest_v5
from confluent_kafka.admin import AdminClient

from streamgauge.kafka.answers import Absent
from streamgauge.kafka.creation import NeverCreating, never_create_topics
from streamgauge.kafka.patience import stop_within


@pytest.mark.real_broker
async def test_asking_and_tailing_a_topic_that_is_absent_leave_it_absent(
    broker, cluster, start_tail, topic_name
):
    """The broker would create it for any client that allows so, as Kafka's default is."""
    name = topic_name("mistyped")
    assert await cluster.topic(name) == Absent()
    tail = await start_tail(cluster, {0: 0}, topic=name)
    for _ in range(5):
        assert (await tail.poll()).columns == []
    assert (
        name
        not in AdminClient({"bootstrap.servers": broker.bootstrap_servers})
        .list_topics(timeout=10)
        .topics
    )


@pytest.mark.real_broker
async def test_a_topic_deleted_under_a_tail_stays_deleted(
    broker, cluster, create_topic, topic_name, produce, start_tail, poll_until, eventually
):
    """It falls silent without an error; whether the topic is there is another question."""
    name = topic_name("deleted")
    create_topic(name)
    produce(name, [b"v"])
    tail = await start_tail(cluster, {0: 0}, topic=name, patience_seconds=1)
    await poll_until(tail, lambda _: tail.positions == {0: 1})
    admin = AdminClient({"bootstrap.servers": broker.bootstrap_servers})
    admin.delete_topics([name])[name].result(30)
    await eventually(lambda: cluster.topic(name), lambda state: state == Absent())
    silent_until = time.monotonic() + 3
    await poll_until(tail, lambda _: time.monotonic() > silent_until)
    assert await cluster.topic(name) == Absent()


async def test_other_consumers_of_this_process_are_kept_from_it_too(broker, topic_name):
    """The guard is on aiokafka itself: no consumer can slip past it."""
    never_create_topics()
    name = topic_name("mistyped")
    consumer = AIOKafkaConsumer(bootstrap_servers=broker.bootstrap_servers)
    try:
        await consumer.start()
        await consumer._client.add_topic(name)  # noqa: SLF001 - asks as the consumer does
    finally:
        await stop_within(consumer)
    admin = AdminClient({"bootstrap.servers": broker.bootstrap_servers})
    assert name not in admin.list_topics(timeout=10).topics


def test_every_request_forbids_creation():
    """Installing the guard twice changes nothing."""
    never_create_topics()
    never_create_topics()
    request = aiokafka.client.MetadataRequest(["orders"]).build(MetadataRequest_v5)
    assert request.to_object() == {"topics": ["orders"], "allow_auto_topic_creation": False}


def test_a_broker_that_cannot_be_asked_without_creating_is_not_asked():
    """Metadata before version 4 has no word for it."""
    with pytest.raises(IncompatibleBrokerVersion, match=r"older than Kafka 0\.11"):
        NeverCreating(["orders"]).build(MetadataRequest_v3)
