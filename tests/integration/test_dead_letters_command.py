"""`streamgauge dead-letters` and `explain --topic` against a real broker, as a shell sees them."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time

import pytest
import yaml
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient

from .gauge_process import configuration

SECRET = "4111111111111111"
"""A card number that no output may show."""


@pytest.fixture
def streamgauge(tmp_path):
    """The command as a shell sees it: `streamgauge("explain", ..., config=...)`."""
    environ = {k: v for k, v in os.environ.items() if not k.startswith("STREAMGAUGE_")}

    def run(*words, config=None):
        if config is not None:
            (tmp_path / "streamgauge.yaml").write_text(yaml.safe_dump(config))
            words += ("--config", str(tmp_path / "streamgauge.yaml"))
        ended = subprocess.run(
            [sys.executable, "-m", "streamgauge", *map(str, words)],
            capture_output=True, env=environ, timeout=90, check=False, text=True,
        )  # fmt: skip
        assert "Traceback" not in ended.stderr
        return ended

    return run


@pytest.fixture
def topic(create_topic, topic_name):
    """A dead letter topic of three partitions."""
    name = topic_name("orders.dlq")
    create_topic(name, 3, {})
    return name


@pytest.fixture
def write(broker):
    """Writes records: `write(topic, partition, headers, at_ms=..., value=..., key=...)`."""
    producer = Producer({"bootstrap.servers": broker.bootstrap_servers})

    def produce(topic, partition, headers=(), *, at_ms=None, value=b"v", key=None):
        stamp = {} if at_ms is None else {"timestamp": at_ms}
        producer.produce(topic, value, key, partition, headers=list(headers), **stamp)
        assert producer.flush(30) == 0

    return produce


def died(offset, *, group="billing", error="java.lang.IllegalStateException", message="no stock"):
    """Headers as Spring writes them for record `orders-1@offset`."""
    return [
        ("kafka_dlt-exception-fqcn", error.encode()),
        ("kafka_dlt-exception-message", message.encode()),
        ("kafka_dlt-original-topic", b"orders"),
        ("kafka_dlt-original-partition", (1).to_bytes(4)),
        ("kafka_dlt-original-offset", offset.to_bytes(8)),
        ("kafka_dlt-original-consumer-group", group.encode()),
    ]


def found(ended):
    """What the JSON says."""
    assert (ended.returncode, ended.stderr) == (0, "")
    return json.loads(ended.stdout)


def lines(ended):
    """The objects of `explain`."""
    assert (ended.returncode, ended.stderr) == (0, "")
    return [json.loads(line) for line in ended.stdout.splitlines()]


def refused(ended):
    """The one sentence of a command that could not do what was asked."""
    assert (ended.returncode, ended.stdout) == (2, "")
    (sentence,) = ended.stderr.splitlines()
    return sentence


def test_dead_letters_are_counted_by_cause(broker, topic, write, streamgauge):
    """All partitions together; with the first and the last, and where that one came from."""
    for number in range(6):
        write(topic, number % 3, died(100 + number), at_ms=1_000_000 + number)
    write(topic, 0, died(7, group="shipping"), at_ms=2_000_000)
    write(topic, 0, [("retry-count", b"1")], at_ms=3_000_000)
    told = found(
        streamgauge(
            "dead-letters", "--json", "--topic", topic,
            "--bootstrap-servers", broker.bootstrap_servers,
        )
    )  # fmt: skip
    assert (told["offsets"], told["read_offsets"], told["undecodable"]) == (8, 8, 0)
    assert (told["dead_letters"]["count"], told["retrying"]["count"]) == (7, 1)
    first, second = told["dead_letters"]["groups"]
    assert (first["count"], first["consumer_group"]) == (6, "billing")
    assert (first["error_class"], first["message"]) == ("IllegalStateException", "no stock")
    assert (first["first"]["partition"], first["first"]["offset"]) == (0, 0)
    assert first["last"] == {
        "partition": 2,
        "offset": 1,
        "timestamp_ms": 1_000_005,
        "failed_ms": first["last"]["failed_ms"],
        "origin": {"topic": "orders", "partition": 1, "offset": 105},
    }
    assert (second["count"], second["consumer_group"]) == (1, "shipping")
    assert first["kcat"] == (f"kcat -C -b {broker.bootstrap_servers} -t {topic} -p 2 -o 1 -c 1 -J")


@pytest.mark.parametrize("more", [[], ["--json"], ["--by", "class"], ["--by", "origin"]])
def test_nothing_secret_is_told(broker, topic, write, streamgauge, more):
    """Neither of the message, nor of the value, the key or the stack trace."""
    headers = died(1, message=f'password=hunter2 card {SECRET} for "{SECRET}"')
    headers.insert(0, ("kafka_dlt-exception-stacktrace", f"a.Bad: {SECRET}\n\tat x".encode()))
    write(topic, 0, headers, value=SECRET.encode(), key=SECRET.encode())
    servers = ("--bootstrap-servers", broker.bootstrap_servers)
    ended = streamgauge("dead-letters", "--topic", topic, *servers, *more)
    assert ended.returncode == 0
    assert "-p 0 -o 0 -c 1 -J" in ended.stdout
    assert SECRET not in ended.stdout
    assert "hunter2" not in ended.stdout


def test_reading_begins_at_a_time_and_keeps_to_the_last_records(broker, topic, write, streamgauge):
    """What is older, and what is more than allowed, is not counted; the latter is told."""
    now_ms = int(time.time() * 1000)
    for hours in (50, 30, 2, 1, 0):
        write(topic, 1, died(hours), at_ms=now_ms - hours * 3_600_000)
    words = ("dead-letters", "--topic", topic, "--bootstrap-servers", broker.bootstrap_servers)
    told = found(streamgauge(*words, "--json", "--since", "1d12h"))
    assert (told["dead_letters"]["count"], told["offsets"]) == (4, 4)
    told = found(streamgauge(*words, "--json", "--since", "1d12h", "--most", 3))
    assert (told["dead_letters"]["count"], told["offsets"], told["read_offsets"]) == (3, 4, 3)
    assert told["dead_letters"]["groups"][0]["first"]["offset"] == 2
    ended = streamgauge(*words, "--most", 3)
    assert "only the last 3 of 5 offsets were read" in ended.stdout


def test_a_configured_topic_is_read_as_configured(broker, topic, write, streamgauge):
    """Own headers, the group that no record names, and records that are being tried again."""
    write(topic, 0, [("X-Why", b"com.shop.SoldOut")])
    entry = {"topic": topic, "headers": {"error_class": "x-why"}, "consumer_group": "shop"}
    stream = {"topic": f"{topic}.of", "dead_letters": [entry]}
    config = configuration(broker.bootstrap_servers, {"orders": stream})
    told = found(streamgauge("dead-letters", "--topic", topic, "--json", config=config))
    (group,) = told["dead_letters"]["groups"]
    assert (group["consumer_group"], group["error_class"]) == ("shop", "SoldOut")
    (line,) = lines(streamgauge("explain", "--topic", topic, config=config))
    assert line["dead_letter"]["dialect"] == "configured"
    entry["retries"] = True
    told = found(streamgauge("dead-letters", "--topic", topic, "--json", config=config))
    assert (told["dead_letters"]["count"], told["retrying"]["count"]) == (0, 1)
    ended = streamgauge("dead-letters", "--topic", f"{topic}.of", config=config)
    assert f"topic {topic}.of does not exist" in ended.stderr


def test_the_newest_records_are_explained_over_all_partitions(broker, topic, write, streamgauge):
    """By their time; the newest comes last; those that are dead letters are told as such."""
    for number in range(9):
        headers = died(number) if number % 2 else []
        write(topic, (0, 0, 0, 0, 0, 0, 2, 1, 2)[number], headers, at_ms=1_000_000 - 7 + number)
    servers = ("--bootstrap-servers", broker.bootstrap_servers)
    told = lines(streamgauge("explain", "--topic", topic, "--last", 5, *servers))
    assert [(each["partition"], each["offset"]) for each in told] == [
        (0, 4), (0, 5), (2, 0), (1, 0), (2, 1),
    ]  # fmt: skip
    assert [each["timestamp"] for each in told] == [999_997 + number for number in range(5)]
    assert {each["topic"] for each in told} == {topic}
    assert [each["dead_letter"] is not None for each in told] == [False, True, False, True, False]
    assert told[1]["dead_letter"]["original_offset"] == 5
    told = lines(streamgauge("explain", "--topic", topic, "--last", 1, "--dlq", *servers))
    assert told[0]["dead_letter"]["dialect"] == "unclassified"
    assert len(lines(streamgauge("explain", "--topic", topic, *servers))) == 9


@pytest.mark.real_broker
def test_transactions_and_holes_are_passed(broker, topic, streamgauge):
    """Where markers and aborted records stand between, the last ones are still found."""
    settings = {"bootstrap.servers": broker.bootstrap_servers, "transactional.id": topic}
    producer = Producer(settings)
    producer.init_transactions(30)
    for number in range(60):
        producer.begin_transaction()
        producer.produce(topic, b"%d" % number, partition=0, headers=died(number))
        producer.flush(30)
        if number in {0, 1, 2}:
            producer.commit_transaction(30)
        else:
            producer.abort_transaction(30)
    servers = ("--bootstrap-servers", broker.bootstrap_servers)
    told = lines(streamgauge("explain", "--topic", topic, "--last", 2, *servers))
    assert [each["offset"] for each in told] == [2, 4]
    assert (
        found(streamgauge("dead-letters", "--topic", topic, "--json", *servers))["dead_letters"][
            "count"
        ]
        == 3
    )


def test_an_empty_topic_is_no_failure(broker, topic, streamgauge):
    """It is said."""
    servers = ("--bootstrap-servers", broker.bootstrap_servers)
    ended = streamgauge("dead-letters", "--topic", topic, *servers)
    assert (ended.returncode, ended.stdout) == (0, f"{topic}: no dead letters\n")
    ended = streamgauge("explain", "--topic", topic, *servers)
    assert (ended.returncode, ended.stdout) == (0, "")
    assert ended.stderr == f"topic {topic} holds no records\n"


def test_a_topic_that_is_not_there_is_not_created(broker, topic_name, streamgauge):
    """And neither is a group."""
    absent = topic_name("absent")
    servers = ("--bootstrap-servers", broker.bootstrap_servers)
    for command in ("dead-letters", "explain"):
        ended = streamgauge(command, "--topic", absent, *servers)
        assert refused(ended) == f"topic {absent} does not exist"
    admin = AdminClient({"bootstrap.servers": broker.bootstrap_servers})
    assert absent not in admin.list_topics(timeout=30).topics


@pytest.mark.real_broker
def test_nothing_is_left_in_kafka(broker, topic, write, streamgauge):
    """No group comes into being."""
    write(topic, 0, died(1))
    admin = AdminClient({"bootstrap.servers": broker.bootstrap_servers})
    servers = ("--bootstrap-servers", broker.bootstrap_servers)
    streamgauge("dead-letters", "--topic", topic, *servers)
    streamgauge("explain", "--topic", topic, *servers)
    groups = {each.group_id for each in admin.list_consumer_groups().result(30).valid}
    assert not any(topic in group or group == "" for group in groups)


def test_brokers_that_are_away_are_told_with_the_reason(streamgauge):
    """One sentence, not a log."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        free_port = probe.getsockname()[1]
    servers = ("--bootstrap-servers", f"127.0.0.1:{free_port}")
    sentence = refused(streamgauge("dead-letters", "--topic", "orders.dlq", *servers))
    assert "nothing listens there" in sentence


@pytest.mark.real_broker
def test_a_missing_right_is_told_as_it_would_be_granted(
    secure_broker, topic_name, tmp_path, streamgauge
):
    """And with the right it works, without any right on groups."""
    user, topic = topic_name("user"), topic_name("orders.dlq")
    secure_broker.create_topic(topic, 1, {})
    certificate, key = secure_broker.write_client_certificate(tmp_path, user)
    config = configuration(
        secure_broker.addresses["MUTUAL_TLS"],
        {"orders": {"topic": "orders", "dead_letters": [{"topic": topic}]}},
    )
    config["kafka"] |= {
        "security_protocol": "SSL",
        "ssl_ca_file": str(secure_broker.write_ca_certificate(tmp_path)),
        "ssl_certificate_file": str(certificate),
        "ssl_key_file": str(key),
    }
    words = ("dead-letters", "--topic", topic)
    assert f"the right DESCRIBE on topic {topic} is missing" in refused(
        streamgauge(*words, config=config)
    )
    secure_broker.allow(user, "READ", "TOPIC", topic)
    ended = streamgauge(*words, config=config)
    assert (ended.returncode, ended.stdout) == (0, f"{topic}: no dead letters\n")
