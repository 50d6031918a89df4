"""Brokers that are down, die, or fall silent: the gauge says so, and nothing is lost or doubled."""

from __future__ import annotations

import os
import signal

import pytest

from .gauge_process import configuration, wait_until
from .truthful import Truthful


def test_a_broker_that_is_down_at_start_is_told_and_waited_for(gauge, closed_port):
    """Live, not ready, with the reason on one line; the stop does not hang."""
    started = gauge(configuration(f"127.0.0.1:{closed_port}", {"orders": "orders"}))
    told = started.wait_for("kafka_unreachable")
    assert f"127.0.0.1:{closed_port}: nothing listens there" in told["reason"]
    assert started.get("/livez").status_code == 200
    ready = started.get("/readyz")
    assert (ready.status_code, str(closed_port) in ready.json()["waiting"]["orders"]) == (503, True)
    blind = wait_until(lambda: started.stream().get("blind"))
    assert str(closed_port) in blind[0]["reason"]
    code, seconds = started.stop()
    assert (code, seconds < 10) == (0, True)
    assert len(started.events("kafka_unreachable")) == 1


def test_a_broker_that_dies_and_comes_back_loses_and_doubles_nothing(
    java_broker, topic_name, gauge
):
    """Truth is the producer's log before and after; the gauge says that it was blind."""
    topic = topic_name("orders")
    java_broker.create_topic(topic, 2, {})
    writer = Truthful(java_broker.bootstrap_servers)
    started = gauge(configuration(java_broker.bootstrap_servers, {"orders": topic}))
    started.wait_seen()
    writer.send(topic, 400)
    started.wait_counted(400)
    java_broker.kill()
    started.wait_for("kafka_unreachable", 60)
    wait_until(lambda: started.level("fresh") == "unknown")
    java_broker.restart()
    writer.send(topic, 300)
    started.wait_for("kafka_recovered", 60)
    started.wait_counted(700, seconds=60)
    ends = {int(p): v["end_offset"] for p, v in started.stream()["partitions"].items()}
    positions = {int(p): v["next_offset"] for p, v in started.stream()["partitions"].items()}
    assert (sum(ends.values()), positions) == (700, ends)
    assert len(started.events("kafka_unreachable")) == 1
    assert started.stream()["blind"] == []


def test_a_silent_broker_is_noticed_within_seconds(java_broker, topic_name, gauge):
    """It takes requests and answers none: groups and topic are out of sight long before a timeout.

    The time limit of a request is left at its 30 s. Nor does it hold up the end.
    """
    topic = topic_name("orders")
    java_broker.create_topic(topic, 1, {})
    stream = {"topic": topic, "groups": ["fulfillment"]}
    config = configuration(java_broker.bootstrap_servers, {"orders": stream})
    del config["kafka"]["request_timeout"]
    started = gauge(config)
    started.wait_seen()
    process = java_broker._child.pid  # noqa: SLF001 - to stop it in its tracks
    os.kill(process, signal.SIGSTOP)
    try:
        told = started.wait_for("group_unanswered", 15)
        assert told["reason"].endswith("there was no answer within 5 s")
        started.wait_for("kafka_unreachable", 15)
        wait_until(lambda: started.level("fresh") == "unknown")
    finally:
        os.kill(process, signal.SIGCONT)
    started.wait_for("kafka_recovered", 40)
    started.wait_for("group_seen", 40)
    wait_until(lambda: not started.stream()["blind"])
    os.kill(process, signal.SIGSTOP)
    code, seconds = started.stop()
    os.kill(process, signal.SIGCONT)
    assert (code, seconds < 10.5) == (0, True)


@pytest.mark.real_broker
def test_a_wrong_password_is_told_with_the_brokers_reason(secure_broker, gauge):
    """The password is in no line; the process waits and stops in time."""
    config = configuration(secure_broker.addresses["SASL"], {"orders": "orders"})
    config["kafka"] |= {
        "security_protocol": "SASL_PLAINTEXT",
        "sasl_mechanism": "PLAIN",
        "sasl_username": "plain",
    }
    started = gauge(config, STREAMGAUGE_KAFKA__SASL_PASSWORD="wrong-horse-battery")
    assert "password" in started.wait_for("kafka_unreachable")["reason"]
    code, seconds = started.stop()
    assert (code, seconds < 10) == (0, True)
    assert "wrong-horse-battery" not in str(started.lines)
