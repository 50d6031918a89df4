"""Dagster or the collector is away, or comes back: what was counted meanwhile is told."""

from __future__ import annotations

import pytest

from streamgauge_demo.parts.dagster_server import DagsterServer
from streamgauge_demo.parts.otlp_receiver import OtlpReceiver

from .gauge_process import asset_of, configuration, otlp_variables, wait_until


@pytest.fixture
def topic(create_topic, topic_name):
    """An empty topic with one partition."""
    name = topic_name("orders")
    create_topic(name, 1, {})
    return name


def test_dead_sinks_stop_nothing_and_are_told_once_each(
    topic, broker, gauge, producer, closed_port
):
    """Dagster and collector refuse from the start: readiness, counting and the end do not care."""
    dead = f"http://127.0.0.1:{closed_port}"
    started = gauge(
        configuration(broker.bootstrap_servers, {"orders": topic}, dagster={"base_url": dead},
                      otlp={}, grace_period="4s"),
        **otlp_variables(dead),
    )  # fmt: skip
    started.wait_seen()
    assert started.get("/readyz").status_code == 200
    assert dead in str(started.wait_for("dagster_unavailable"))
    started.wait_for("otlp_failing")
    producer.send(topic, 20)
    started.wait_counted(20)
    sinks = started.stream()["sinks"]
    assert sinks["dagster"]["failed"] > 0
    assert sinks["otlp_metrics"]["last_error"]
    before = len(started.events("dagster_unavailable")), len(started.events("otlp_failing"))
    assert before == (1, 1)
    code, _ = started.stop()
    assert code == 0
    assert started.events("dagster_unavailable")[-1]["untold"] > 0
    assert len(started.events("otlp_failing")) == 2


def test_a_collector_that_comes_back_gets_complete_totals(topic, broker, gauge, producer):
    """Story: it takes the first metrics, goes away while records come, and is back later.

    Totals are cumulative, so that one export that gets through says everything.
    """
    with OtlpReceiver() as before:
        port = int(before.http_endpoint.rpartition(":")[2])
        started = gauge(
            configuration(broker.bootstrap_servers, {"orders": topic}, otlp={}, grace_period="4s"),
            **otlp_variables(before.http_endpoint, "http/protobuf"),
        )
        started.wait_seen()
        producer.send(topic, 30)
        wait_until(lambda: told(before) == (30, 30))
        begun = before.histograms("streamgauge.event.age")[-1].point.start_ns
    started.wait_for("otlp_failing")
    producer.send(topic, 12)
    started.wait_counted(42)
    with OtlpReceiver(http_port=port) as after:
        started.wait_for("otlp_recovered")
        wait_until(lambda: told(after) == (42, 42))
        assert after.histograms("streamgauge.event.age")[-1].point.start_ns == begun
        started.stop()
    assert len(started.events("otlp_failing")) == len(started.events("otlp_recovered")) == 1


def told(receiver):
    """Newest total of records, and newest number of ages, that a collector has."""
    records = receiver.metric_points("streamgauge.records")
    ages = receiver.histograms("streamgauge.event.age")
    return (records[-1].point.value, ages[-1].point.count) if records and ages else None


def test_dagster_that_comes_later_gets_what_it_missed(topic, broker, gauge, producer):
    """Story: Dagster is down at the start, records come, Dagster starts: totals are complete."""
    with DagsterServer(None, "", ()) as server:
        started = gauge(
            configuration(
                broker.bootstrap_servers,
                {"orders": topic},
                dagster={"base_url": server.base_url, "report_every": "1s"},
            )
        )
        started.wait_seen()
        started.wait_for("dagster_unavailable")
        producer.send(topic, 33)
        started.wait_counted(33)
        server.start()
        started.wait_for("dagster_recovered", 60)
        found = wait_until(
            lambda: [
                observation
                for observation in server.observations(asset_of(topic), 5)
                if observation.metadata.get("records_total") == 33
            ]
        )
        assert found[-1].metadata["records"] <= 33
        started.stop()
