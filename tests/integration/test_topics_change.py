"""Topics come, go, grow and are made anew while the gauge watches them."""

from __future__ import annotations

import pytest
from confluent_kafka.admin import NewPartitions

from streamgauge_demo.parts.broker_contract import admin_client

from .gauge_process import configuration, wait_until
from .truthful import Truthful

pytestmark = pytest.mark.real_broker


@pytest.fixture
def admin(broker):
    """Another client that changes topics."""
    return admin_client(broker.bootstrap_servers)


def test_an_absent_topic_is_told_and_the_other_stream_works(
    broker, create_topic, topic_name, gauge, producer, admin
):
    """Story: one stream's topic does not exist; the gauge does not create it; then somebody does.

    It was seen to be absent, so its first records count.
    """
    present, absent = topic_name("present"), topic_name("absent")
    create_topic(present, 1, {})
    started = gauge(configuration(broker.bootstrap_servers, {"good": present, "bad": absent}))
    told = started.wait_for("topic_absent")
    assert absent in told["reason"]
    assert "create it" in told["reason"]
    started.wait_seen("good")
    producer.send(present, 5)
    started.wait_counted(5, "good")
    ready = started.get("/readyz")
    assert (ready.status_code, set(ready.json()["waiting"])) == (503, {"bad"})
    assert absent in ready.json()["waiting"]["bad"]
    assert started.get("/livez").status_code == 200
    bad = wait_until(lambda: started.stream("bad"))
    assert (bad["completeness"], bad["partitions"]) == (None, {})
    assert absent in bad["blind"][0]["reason"]
    assert {check["level"] for check in bad["checks"].values()} == {"unknown"}
    assert absent not in admin.list_topics(timeout=10).topics

    create_topic(absent, 2, {})
    Truthful(broker.bootstrap_servers).send(absent, 7)
    started.wait_seen("bad")
    started.wait_counted(7, "bad")
    assert started.events("topic_seen")
    assert started.get("/readyz").status_code == 200


def test_a_dead_letter_topic_may_be_created_by_its_first_dead_letter(
    broker, create_topic, topic_name, gauge
):
    """Nobody waits for it, it is told to be absent, and the first one in it fails the check."""
    topic, dlq = topic_name("orders"), topic_name("dlq")
    create_topic(topic, 1, {})
    entry = {"topic": topic, "dead_letters": [{"topic": dlq}]}
    started = gauge(configuration(broker.bootstrap_servers, {"orders": entry}))
    started.wait_ready()
    assert dlq in started.wait_for("topic_absent")["reason"]
    wait_until(lambda: started.level("no_dead_letters") == "unknown")
    create_topic(dlq, 1, {})
    Truthful(broker.bootstrap_servers).send(dlq, 1)
    wait_until(lambda: started.level("no_dead_letters") == "fail")
    wait_until(lambda: started.stream()["totals"]["dead_letters"] == 1)


def test_a_recreated_topic_is_a_new_life(broker, create_topic, topic_name, gauge, producer, admin):
    """Old totals end with the old topic; the new one is counted from its first record."""
    topic = topic_name("orders")
    create_topic(topic, 1, {})
    started = gauge(configuration(broker.bootstrap_servers, {"orders": topic}))
    started.wait_seen()
    producer.send(topic, 9)
    started.wait_counted(9)
    life = started.stream()["life"]
    admin.delete_topics([topic])[topic].result(10)
    started.wait_for("topic_absent", 30)
    create_topic(topic, 1, {})
    Truthful(broker.bootstrap_servers).send(topic, 20)
    started.wait_for("topic_recreated", 30)
    started.wait_counted(20)
    assert started.stream()["life"] != life
    assert not started.events("log_truncated")


def test_added_partitions_are_counted_from_their_beginning(
    broker, create_topic, topic_name, gauge, admin
):
    """No restart is needed and no record of the new partition is missed."""
    topic = topic_name("orders")
    create_topic(topic, 1, {})
    started = gauge(configuration(broker.bootstrap_servers, {"orders": topic}))
    started.wait_seen()
    admin.create_partitions([NewPartitions(topic, 3)])[topic].result(10)
    Truthful(broker.bootstrap_servers).send(topic, 10, partition=2)
    wait_until(lambda: set(started.stream()["partitions"]) == {"0", "1", "2"})
    started.wait_counted(10)
    assert started.stream()["completeness"] == 1
