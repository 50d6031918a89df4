"""A gauge that was ended, in order or not, goes on where it was: nothing lost, nothing doubled."""

from __future__ import annotations

import time

import pytest
from confluent_kafka.admin import AdminClient

from .gauge_process import configuration, otlp_variables

pytestmark = pytest.mark.real_broker


@pytest.fixture
def stream(broker, create_topic, topic_name, dagster_server):
    """A topic with a dead letter topic, and the gauge's configuration of both."""
    topic = topic_name("orders")
    create_topic(topic, 3, {})
    create_topic(topic + ".dlq", 1, {})
    entry = {
        "topic": topic,
        "dead_letters": [{"topic": topic + ".dlq"}],
        "state_group": f"streamgauge.{topic}",
    }
    dagster = {"base_url": dagster_server.base_url, "report_every": "1s"}
    return topic, configuration(broker.bootstrap_servers, {"orders": entry}, dagster=dagster)


def group_of(config):
    """The group that keeps the state."""
    return config["streams"]["orders"]["state_group"]


def test_a_killed_gauge_goes_on_in_the_same_life(stream, gauge, producer, otlp_receiver):
    """What came before, while it was away, and after: each once, with one start time over OTLP."""
    topic, config = stream
    config["otlp"] = {}
    variables = otlp_variables(otlp_receiver.grpc_endpoint)
    first = gauge(config, **variables)
    first.wait_seen()
    producer.send(topic, 100)
    producer.send(topic + ".dlq", 3)
    first.wait_counted(100)
    life = first.stream()["life"]
    first.process.kill()
    producer.send(topic, 50)
    second = gauge(config, **variables)
    told = second.wait_for("state_restored")
    assert (told["life"], told["records"]) == (life, 100)
    second.wait_ready()
    second.wait_seen()
    producer.send(topic, 25)
    second.wait_counted(175)
    status = second.stream()
    assert (status["life"], status["totals"]["dead_letters"]) == (life, 3)
    second.stop()
    points = [row.point for row in otlp_receiver.metric_points("streamgauge.records")]
    assert {point.start_ns // 1_000_000 for point in points} == {status["life_start_ms"]}


def test_a_gauge_that_is_stopped_leaves_the_group_with_all_stored(stream, gauge, producer):
    """The next one need not wait for a session to end."""
    topic, config = stream
    first = gauge(config)
    first.wait_seen()
    producer.send(topic, 10)
    first.wait_counted(10)
    assert first.stop()[0] == 0
    began = time.monotonic()
    second = gauge(config)
    assert second.wait_for("state_restored")["records"] == 10
    assert time.monotonic() - began < 10


def test_another_gauge_of_the_same_stream_stands_by_and_takes_over(stream, gauge, producer):
    """It is ready at once, tells nothing, and goes on in the same life when the first has left."""
    topic, config = stream
    first = gauge(config)
    first.wait_seen()
    second = gauge(config)
    second.wait_for("state_held_elsewhere")
    second.wait_ready()
    producer.send(topic, 20)
    first.wait_counted(20)
    assert second.stream() == {}
    life = first.stream()["life"]
    assert first.stop()[0] == 0
    second.wait_seen()
    producer.send(topic, 5)
    second.wait_counted(25)
    assert second.stream()["life"] == life


def test_a_deleted_group_is_a_new_life_where_the_last_was_told_to_be(
    stream, gauge, producer, broker
):
    """Dagster has the last report: what came since then is counted, and the loss is told."""
    topic, config = stream
    first = gauge(config)
    first.wait_seen()
    producer.send(topic, 10)
    first.wait_counted(10)
    life = first.stream()["life"]
    assert first.stop()[0] == 0
    producer.send(topic, 7)
    admin = AdminClient({"bootstrap.servers": broker.bootstrap_servers})
    admin.delete_consumer_groups([group_of(config)])[group_of(config)].result(10)
    second = gauge(config)
    told = second.wait_for("state_missing")
    assert sum(told["positions"].values()) == 10
    second.wait_seen()
    second.wait_counted(7)
    assert second.stream()["life"] != life


def test_a_slot_that_somebody_else_has_moved_is_told(stream, gauge, producer, commit):
    """Offsets that were reset by hand are no state; the partition is planted anew."""
    topic, config = stream
    first = gauge(config)
    first.wait_seen()
    producer.send(topic, 10, partition=0)
    first.wait_counted(10)
    assert first.stop()[0] == 0
    commit(group_of(config), topic, {0: 3})
    second = gauge(config)
    told = second.wait_for("state_unreadable")
    assert (told["topic"], told["partition"], told["offset"]) == (topic, 0, 3)
