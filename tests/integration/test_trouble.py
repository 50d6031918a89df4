"""What goes wrong is told with what, where and what to do; nothing hangs and the rest works on."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time

import pytest

from .conftest import Truthful, wait_until


def config(bootstrap_servers, streams, **more):
    """A configuration with one entry for each stream."""
    return {
        "kafka": {"bootstrap_servers": bootstrap_servers, "request_timeout": "5s"},
        "web": {"listen": "127.0.0.1:0"},
        "streams": {name: {"topic": topic, "window": "2s"} for name, topic in streams.items()},
    } | more


@pytest.fixture
def closed_port():
    """A port of this machine on which nobody listens while the test lasts."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("streams: {orders: {topic: orders}}", "kafka"),
        ("kafka: {bootstrap_servers: a:1}\nstreams: {orders: {topicc: orders}}", "topic"),
        ("kafka: {bootstrap_servers: a:1, sasl_password: x}", "STREAMGAUGE_KAFKA__SASL_PASSWORD"),
        (": :", "line 1"),
    ],
)
def test_wrong_configuration_ends_at_once(tmp_path, text, said):
    """Exit code 2 and a sentence; nothing is started."""
    path = tmp_path / "streamgauge.yaml"
    path.write_text(text)
    ended = subprocess.run(
        [sys.executable, "-m", "streamgauge", "run", "--config", str(path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 2
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_missing_file_and_a_missing_option_are_told(tmp_path):
    """With the path, or with the option to give."""
    for arguments, said in (([], "--config"), (["--config", str(tmp_path / "no")], "no")):
        ended = subprocess.run(
            [sys.executable, "-m", "streamgauge", "run", *arguments],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert (ended.returncode, said in ended.stderr) == (2, True)


def test_a_taken_web_address_ends_the_start(gauge):
    """With the address and what to do."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        started = gauge(config("127.0.0.1:1", {"orders": "orders"}, web={"listen": address}))
        assert started.process.wait(30) == 2
        started._reader.join(5)  # noqa: SLF001 - all it wrote
        told = str(started.lines)
        assert address in told
        assert "web.listen" in told


@pytest.mark.real_broker
def test_an_absent_topic_is_told_and_the_other_stream_works(
    broker, create_topic, topic_name, gauge, producer
):
    """Story: one stream's topic does not exist; the gauge does not create it; then somebody does."""
    present, absent = topic_name("present"), topic_name("absent")
    create_topic(present, 1, {})
    started = gauge(config(broker.bootstrap_servers, {"good": present, "bad": absent}))
    told = started.wait_for("topic_absent")
    assert absent in told["reason"]
    assert "create it" in told["reason"]
    started.wait_seen("good")
    producer.send(present, 5)
    wait_until(lambda: started.stream("good")["totals"]["records"] == 5)
    ready = started.get("/readyz")
    assert (ready.status_code, "bad" in ready.text, absent in ready.text) == (503, True, True)
    assert started.get("/livez").status_code == 200
    bad = wait_until(lambda: started.stream("bad"))
    assert (bad["completeness"], bad["partitions"]) == (None, {})
    assert absent in bad["blind"][0]["reason"]
    assert {check["level"] for check in bad["checks"].values()} == {"unknown"}
    assert absent not in broker_topics(broker)

    create_topic(absent, 2, {})
    started.wait_seen("bad")
    assert started.events("topic_seen")
    assert started.get("/readyz").status_code == 200


def broker_topics(broker):
    """All topics, as another client lists them."""
    from confluent_kafka.admin import AdminClient  # noqa: PLC0415 - used by one test only

    admin = AdminClient({"bootstrap.servers": broker.bootstrap_servers})
    return set(admin.list_topics(timeout=10).topics)


def test_a_broker_that_is_down_at_start_is_told_and_waited_for(gauge, closed_port):
    """Live, not ready, with the reason; the stop does not hang."""
    started = gauge(config(f"127.0.0.1:{closed_port}", {"orders": "orders"}))
    told = started.wait_for("kafka_unreachable")
    assert str(closed_port) in told["reason"]
    assert started.get("/livez").status_code == 200
    ready = started.get("/readyz")
    assert (ready.status_code, str(closed_port) in ready.text) == (503, True)
    wait_until(lambda: started.stream().get("blind"))
    code, seconds = started.stop()
    assert (code, seconds < 10) == (0, True)
    assert len(started.events("kafka_unreachable")) == 1


def test_dead_sinks_neither_stop_the_gauge_nor_its_end(
    broker, create_topic, topic_name, gauge, producer, closed_port
):
    """Dagster and collector refuse from the start: told once each, all else works, exit 0."""
    topic = topic_name("orders")
    create_topic(topic, 1, {})
    dead = f"http://127.0.0.1:{closed_port}"
    started = gauge(
        config(broker.bootstrap_servers, {"orders": topic}, dagster={"base_url": dead}, otlp={}),
        OTEL_EXPORTER_OTLP_ENDPOINT=dead,
        OTEL_METRIC_EXPORT_INTERVAL="500",
    )
    started.wait_seen()
    assert started.get("/readyz").status_code == 200
    assert dead in str(started.wait_for("dagster_unavailable"))
    started.wait_for("otlp_failing")
    producer.send(topic, 20)
    wait_until(lambda: started.stream()["totals"]["records"] == 20)
    sinks = started.stream()["sinks"]
    assert sinks["dagster"]["failed"] > 0
    assert sinks["otlp_metrics"]["last_error"]
    code, seconds = started.stop()
    assert (code, seconds < 10) == (0, True)


def test_mute_sinks_do_not_hold_the_end(broker, create_topic, topic_name, gauge, producer):
    """A socket that accepts and never answers, for Dagster and collector alike."""
    topic = topic_name("orders")
    create_topic(topic, 1, {})
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen(64)
        address = f"http://127.0.0.1:{mute.getsockname()[1]}"
        started = gauge(
            config(broker.bootstrap_servers, {"orders": topic}, dagster={"base_url": address},
                   otlp={}, grace_period="4s"),
            OTEL_EXPORTER_OTLP_ENDPOINT=address,
            OTEL_METRIC_EXPORT_INTERVAL="500",
        )  # fmt: skip
        started.wait_seen()
        producer.send(topic, 20)
        wait_until(lambda: started.stream()["totals"]["records"] == 20)
        code, seconds = started.stop(signal.SIGTERM)
        assert (code, seconds < 4.5) == (0, True)


def test_dagster_that_comes_later_gets_what_it_missed(
    broker, create_topic, topic_name, gauge, producer, tmp_path
):
    """Story: Dagster is down at the start, records come, Dagster starts: totals are complete."""
    from streamgauge_demo.dagster_server import launch_dagster_server  # noqa: PLC0415 - slow

    topic = topic_name("orders")
    create_topic(topic, 1, {})
    with launch_dagster_server() as server:
        server.kill()
        started = gauge(
            config(broker.bootstrap_servers, {"orders": topic},
                   dagster={"base_url": server.base_url, "report_every": "1s"})
        )  # fmt: skip
        started.wait_seen()
        started.wait_for("dagster_unavailable")
        producer.send(topic, 33)
        wait_until(lambda: started.stream()["totals"]["records"] == 33)
        server.restart()
        started.wait_for("dagster_recovered", 60)
        asset = ["kafka", topic.replace("-", "_")]
        found = wait_until(lambda: [o for o in server.observations(asset, 5)
                                    if o.metadata.get("records_total") == 33])  # fmt: skip
        assert found[-1].metadata["records"] <= 33
        started.stop()


@pytest.mark.real_broker
def test_a_wrong_password_is_told_with_the_brokers_reason(secure_broker, gauge):
    """Neither password is in any line; the process waits and stops in time."""
    settings = {
        "bootstrap_servers": secure_broker.addresses["SASL"],
        "security_protocol": "SASL_PLAINTEXT",
        "sasl_mechanism": "PLAIN",
        "sasl_username": "plain",
        "request_timeout": "5s",
    }
    base = config("x:1", {"orders": "orders"}) | {"kafka": settings}
    started = gauge(base, STREAMGAUGE_KAFKA__SASL_PASSWORD="wrong-horse-battery")
    told = started.wait_for("kafka_unreachable")
    assert "password" in told["reason"]
    began = time.monotonic()
    code, _ = started.stop()
    assert (code, time.monotonic() - began < 10) == (0, True)
    assert "wrong-horse-battery" not in str(started.lines)


@pytest.mark.real_broker
def test_a_missing_right_is_told_and_heals(secure_broker, topic_name, gauge, tmp_path):
    """Story: SCRAM user without rights; READ on the topic is granted, then DESCRIBE on the group."""
    user, topic, group = topic_name("user"), topic_name("orders"), topic_name("group")
    secure_broker.create_topic(topic, 1, {})
    secure_broker.create_scram_user(user, "sesame-open", "SCRAM-SHA-256")
    secret = tmp_path / "password"
    secret.write_text("sesame-open\n")
    base = config("x:1", {"orders": topic})
    base["streams"]["orders"]["groups"] = [group]
    base["kafka"] = {
        "bootstrap_servers": secure_broker.addresses["SASL"],
        "security_protocol": "SASL_PLAINTEXT",
        "sasl_mechanism": "SCRAM-SHA-256",
        "sasl_username": user,
        "sasl_password_file": str(secret),
    }
    started = gauge(base)
    told = started.wait_for("topic_forbidden")
    assert topic in told["what"] + told["reason"]
    assert "DESCRIBE" in told["reason"]
    secure_broker.allow(user, "READ", "TOPIC", topic)
    started.wait_for("topic_seen")
    told = started.wait_for("group_forbidden")
    assert group in told["reason"]
    assert started.stream()["groups"][group]["lag"] is None
    secure_broker.allow(user, "DESCRIBE", "GROUP", group)
    started.wait_for("group_seen")
    wait_until(lambda: not started.stream()["blind"])
    assert started.stream()["completeness"] == 1
    secure_broker.revoke_all(user)
    wait_until(lambda: len(started.events("topic_forbidden")) == 2)
    wait_until(lambda: started.stream()["checks"]["fresh"]["level"] == "unknown")
    started.stop()
    assert "sesame-open" not in str(started.lines)


@pytest.mark.real_broker
def test_a_broker_that_dies_and_comes_back_loses_and_doubles_nothing(
    java_broker, topic_name, gauge
):
    """Truth is the producer's log before and after; the gauge says that it was blind."""
    topic = topic_name("orders")
    java_broker.create_topic(topic, 2, {})
    writer = Truthful(java_broker.bootstrap_servers)
    started = gauge(config(java_broker.bootstrap_servers, {"orders": topic}))
    started.wait_seen()
    writer.send(topic, 400)
    wait_until(lambda: started.stream()["totals"]["records"] == 400)
    java_broker.kill()
    started.wait_for("kafka_unreachable", 60)
    wait_until(lambda: started.stream()["checks"]["fresh"]["level"] == "unknown")
    java_broker.restart()
    writer.send(topic, 300)
    started.wait_for("kafka_recovered", 60)
    wait_until(lambda: started.stream()["totals"]["records"] >= 700, 60)
    time.sleep(1)
    assert started.stream()["totals"]["records"] == 700
    started.stop()


@pytest.mark.real_broker
def test_a_recreated_topic_is_a_new_life(broker, create_topic, topic_name, gauge, producer):
    """Old totals end with the old topic; the new one is counted from its first record."""
    from confluent_kafka.admin import AdminClient  # noqa: PLC0415 - used by one test only

    topic = topic_name("orders")
    create_topic(topic, 1, {})
    started = gauge(config(broker.bootstrap_servers, {"orders": topic}))
    started.wait_seen()
    producer.send(topic, 9)
    wait_until(lambda: started.stream()["totals"]["records"] == 9)
    life = started.stream()["life"]
    admin = AdminClient({"bootstrap.servers": broker.bootstrap_servers})
    admin.delete_topics([topic])[topic].result(10)
    started.wait_for("topic_absent", 30)
    create_topic(topic, 1, {})
    producer.send(topic, 20)
    started.wait_for("topic_recreated", 30)
    wait_until(lambda: started.stream()["totals"]["records"] == 20)
    assert started.stream()["life"] != life
    started.stop()


@pytest.mark.real_broker
def test_added_partitions_are_counted_from_their_beginning(
    broker, create_topic, topic_name, gauge, producer
):
    """No restart is needed and no record of the new partition is missed."""
    from confluent_kafka.admin import AdminClient, NewPartitions  # noqa: PLC0415 - as above

    topic = topic_name("orders")
    create_topic(topic, 1, {})
    started = gauge(config(broker.bootstrap_servers, {"orders": topic}))
    started.wait_seen()
    admin = AdminClient({"bootstrap.servers": broker.bootstrap_servers})
    admin.create_partitions([NewPartitions(topic, 3)])[topic].result(10)
    fresh = Truthful(broker.bootstrap_servers)
    fresh.send(topic, 10, partition=2)
    wait_until(lambda: started.stream()["totals"]["records"] == 10)
    assert set(started.stream()["partitions"]) == {"0", "1", "2"}
    started.stop()
