"""Payloads, stack traces and unmasked messages never leave; names of classes and groups do."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections import Counter
from dataclasses import asdict
from functools import cache

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from confluent_kafka import Producer

from streamgauge.core.dead_letters.cause import cause_of
from streamgauge.core.dead_letters.reading import read_dead_letter
from streamgauge.core.dead_letters.rules import ReadingRules
from streamgauge.core.explain import LineRecord
from streamgauge.core.state.frame import unframed

from .gauge_process import asset_of, configuration, otlp_variables, wait_until
from .outgoing import Wanted, layers
from .planted import (
    CONTROL,
    GROUP,
    ODD,
    OWN_HEADERS,
    USUAL,
    WORD,
    Planted,
    Planter,
    planted,
    stream_record,
)
from .tap import Tap

STREAM_RECORDS = 40
RULES = ReadingRules(headers=OWN_HEADERS)
CLASS_HEADERS = {
    "x-own-class": [("x-own-topic", b"orders")],
    "kafka_dlt-exception-cause-fqcn": [("kafka_dlt-original-topic", b"orders")],
    "__connect.errors.exception.class.name": [("__connect.errors.topic", b"orders")],
    "__streams.errors.exception": [("__streams.errors.topic", b"orders")],
    "dead-letter-exception-class-name": [("dead-letter-topic", b"orders")],
}
"""Headers that name a class, each with one that shows the dialect."""
TOLD = {
    "Dagster": (CONTROL, GROUP, WORD),
    "OTLP": (CONTROL, GROUP),
    "OTLP metrics": (CONTROL, GROUP),
    "OTLP spans": (CONTROL, GROUP),
    "/status": (CONTROL, GROUP, WORD),
    "commands": (CONTROL, GROUP, WORD),
    "log": (GROUP,),
    "stored state": (CONTROL,),
}
"""What may go out there, and does."""


@pytest.fixture
def tap():
    """Starter of taps: `tap(base_url)`; each is closed at the end."""
    started = []

    def start(base_url):
        started.append(Tap(base_url))
        return started[-1]

    yield start
    for each in started:
        each.close()


def leaks_told(wanted, channels):
    """Each leak, in words."""
    return [
        f"{name}: {leak.found!r} of {leak.secret.text!r}, planted in {leak.secret.place}"
        f" [{' in '.join(leak.encodings) or 'as it is'}]: ...{leak.around}..."
        for name, data in channels.items()
        for leak in wanted.leaks(data)
    ]


def is_told(name, data):
    """Whether a name is in the data, however it is encoded."""
    return any(name.encode() in layer for _, layer in layers(data))


def record_of(each):
    """As the tail reads it."""
    return LineRecord(topic=None, partition=0, offset=1, timestamp=1_795_217_374_667,
                      timestamp_type=0, key=each.key, value=each.value,
                      headers=each.headers)  # fmt: skip


def outputs(*commands):
    """What these commands print, run side by side; each must end well."""
    own = [sys.executable, "-m", "streamgauge"]
    started = [
        subprocess.Popen([*own, *command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        for command in commands
    ]
    printed = [each.communicate(timeout=60)[0] for each in started]
    assert not any(each.returncode for each in started), printed
    return printed


@cache
def of_dialect():
    """What is read with all messages, by dialect."""
    found = {}
    for each in planted((*USUAL, *ODD), "orders"):
        found.setdefault(each.dialect, []).append(each)
    return found


DIALECTS = ("arroyo", "configured", "connect", "json-envelope", "share-group", "smallrye", "spring",
            "spring-cloud-stream", "spring-retry", "streams", "unclassified",
            "unclassified-connect")  # fmt: skip


@pytest.mark.parametrize("dialect", DIALECTS)
def test_what_is_read_of_a_dead_letter_holds_no_secret(dialect):
    """Every field, in every dialect, with every message; and messages are read."""
    records = of_dialect()[dialect]
    read = [read_dead_letter(record_of(each), "orders.dlq", RULES) for each in records]
    told = [
        f"{leak.found!r} of {leak.secret.text!r}, planted in {leak.secret.place}: {leak.around}"
        for each, said in zip(records, read, strict=True)
        for leak in Wanted(each.secrets).leaks(repr(asdict(said)).encode())
    ]
    assert not told, "\n".join(told)
    assert {said.dialect.value for said in read} == {dialect.removesuffix("-connect")}
    classes = [said.error_class is not None for said in read]
    for each, said in zip(records, read, strict=True):
        assert each.told in (said.error_class or each.told), each
        assert said.message is None or len(said.message) <= 200
    if any(each.told for each in records):
        assert sum(classes) > len(records) / 2
    if not dialect.startswith(("unclassified", "arroyo")):
        assert sum(WORD in (said.message or "") for said in read) > len(records) / 2


@pytest.mark.parametrize("shape", ["password", "email", "sentence", "uuid"])
@pytest.mark.parametrize("text", ["Bad: '{0}'", "bad {0}", "Bad={0}", "Bad[{0}]", "'{0}'"])
def test_a_class_that_is_a_whole_error_is_no_name(text, shape):
    """As programs of one's own write it: what is no name is not told as one."""
    for name, others in CLASS_HEADERS.items():
        planter = Planter(name)
        headers = [*others, (name, text.format(planter.plant(name, shape)).encode())]
        record = Planted("", None, b"{}", headers, planter.secrets, "")
        said = read_dead_letter(record_of(record), "orders.dlq", RULES)
        told = repr((said.error_class, said.root_cause_class, cause_of(said))).encode()
        if text != "bad {0}" or shape != "sentence":  # a message of plain words is told as it is
            told += repr(said).encode()
        assert not Wanted(planter.secrets).leaks(told), (name, said)


def test_every_dialect_is_among_the_planted():
    """As is each place in which frameworks put data."""
    assert tuple(sorted(of_dialect())) == DIALECTS
    places = {
        s.place for records in of_dialect().values() for each in records for s in each.secrets
    }
    for name in ("key", "value", "kafka_dlt-exception-stacktrace, cause", "lastError",
                 "springDeserializerExceptionKey", "deserialization-failure-value-data",
                 "__streams.errors.message", "__connect.errors.exception.message", "originalEvent",
                 "header baggage", "dead-letter-reason"):  # fmt: skip
        assert any(f": {name}" in place for place in places), name


def test_explain_prints_no_secret(tmp_path):
    """Of records of every dialect: one line of JSON each, and nothing but what may be known."""
    config = tmp_path / "streamgauge.yaml"
    letters = [{"topic": "own.dlq", "headers": OWN_HEADERS}]
    streams = {"orders": {"topic": "orders", "dead_letters": letters}}
    config.write_text(json.dumps(configuration("localhost:9092", streams)))
    records = [each for of in of_dialect().values() for each in of]
    file = tmp_path / "records.jsonl"
    file.write_text("".join(
        each.as_line("own.dlq" if each.dialect == "configured" else "other.dlq") + "\n"
        for each in records
    ))  # fmt: skip
    (output,) = outputs(("explain", "--dlq", "--config", str(config), str(file)))
    lines = [line for line in output.splitlines() if line.startswith(b"{")]
    told = [json.loads(line)["dead_letter"] for line in lines]
    assert len(told) == len(records)
    assert {dialect.removesuffix("-connect") for dialect in DIALECTS} == {
        each["dialect"] for each in told
    }
    secrets = [secret for each in records for secret in each.secrets]
    leaks = leaks_told(Wanted(secrets), {"explain": output})
    assert not leaks, "\n".join(leaks[:40])
    assert all(is_told(name, output) for name in (CONTROL, GROUP, WORD))


def serialized(requests):
    """As they came, one behind the other."""
    return b"\n".join(request.SerializeToString() for request in requests)


def is_reported(dagster_server, topic, count):
    """Whether Dagster has been told of so many records, dead or tried again, of a topic."""
    found = dagster_server.observations(asset_of(topic), 50)
    retrying = sum(each.metadata.get("retrying", 0) for each in found)
    return bool(found) and found[0].metadata["dead_letters_total"] + retrying >= count


def produce(bootstrap_servers, records):
    """Write topic, value, key and headers of each, and wait for the acknowledgements."""
    producer = Producer({"bootstrap.servers": bootstrap_servers, "linger.ms": 5, "log_level": 0})
    failed = []
    for topic, value, key, headers in records:
        producer.produce(topic, value, key, headers=headers,
                         on_delivery=lambda error, _: error and failed.append(error))  # fmt: skip
        producer.poll(0)
    assert producer.flush(30) == 0
    assert not failed


def stored_of(bootstrap_servers, group):
    """All that is stored in the metadata of a group's commits, unpacked and as it is there."""

    async def ask():
        admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap_servers)
        await admin.start()
        try:
            return await admin.list_consumer_group_offsets(group)
        finally:
            await admin.close()

    texts = [each.metadata for each in asyncio.run(ask()).values() if each.metadata]
    return [unframed(text).body + text.encode() for text in texts]


@pytest.mark.real_broker
def test_secrets_stay_where_they_are(
    gauge, broker, create_topic, topic_name, commit, dagster_server, otlp_receiver, tap
):
    """Story: secrets in every place of 200 dead letters of twelve dialects, and of the stream.

    What goes out by Dagster, OTLP, `/status`, the log at its lowest level and Kafka is kept byte
    for byte, and searched through all encodings, for each secret and each fragment of one.
    """
    stream = topic_name("orders")
    dlqs = {dialect: f"{stream}.{dialect}.dlq" for dialect in (*DIALECTS, "mixed")}
    for name in (stream, *dlqs.values()):
        create_topic(name, 1, {})
    dead_letters = [
        {"topic": topic} | ({"headers": OWN_HEADERS} if dialect in {"configured", "mixed"} else {})
        for dialect, topic in dlqs.items()
    ]
    dagster, otlp = tap(dagster_server.base_url), tap(otlp_receiver.http_endpoint)
    entry = {
        "topic": stream,
        "window": "1m",
        "groups": [GROUP],
        "event_time": [{"pointer": "/occurredAt"}, {"header": "event-time"}, "record"],
        "dead_letters": dead_letters,
    }
    config = configuration(
        broker.bootstrap_servers,
        {"orders": entry},
        dagster={"base_url": dagster.base_url, "report_every": "1s"},
        otlp={"spans_per_second": 1000},
        log={"level": "debug"},
    )
    variables = otlp_variables(otlp.base_url, "http/protobuf")
    variables |= {"OTEL_EXPORTER_OTLP_COMPRESSION": "gzip", "OTEL_METRIC_EXPORT_INTERVAL": "2000"}
    started = gauge(config, **variables)
    started.wait_seen()

    records = [stream_record(number) for number in range(STREAM_RECORDS)]
    produce(broker.bootstrap_servers, [(stream, value, key, headers)
                                       for value, key, headers, _ in records])  # fmt: skip
    commit(GROUP, stream, {0: 3})
    dead = list(planted(USUAL, stream))
    mixed = list(planted(ODD, stream))
    letters = [(dlqs[each.dialect], each) for each in dead]
    letters += [(dlqs["mixed"], each) for each in mixed]
    produce(broker.bootstrap_servers, [(topic, each.value, each.key, each.headers)
                                       for topic, each in letters])  # fmt: skip
    expected = Counter(topic for topic, _ in letters)

    def counted():
        told = started.stream()["dead_letters"]
        return {name: view["dead_letters"] + view["retrying"] for name, view in told.items()}

    wait_until(lambda: counted() == expected)
    wait_until(lambda: started.stream()["totals"]["records"] == STREAM_RECORDS)
    wait_until(lambda: all(is_reported(dagster_server, name, count)
                           for name, count in expected.items()))  # fmt: skip
    status = started.get("/status").content
    probes = b"".join(started.get(path).content for path in ("/livez", "/readyz", "/metrics"))
    code, _ = started.stop()
    assert code == 0

    asked = ("--config", started.process.args[-1])
    printed = outputs(
        ("dead-letters", *asked, "--topic", dlqs["mixed"]),
        ("dead-letters", *asked, "--topic", dlqs["mixed"], "--json"),
        ("explain", *asked, "--topic", dlqs["mixed"], "--last", "1000"),
        ("explain", *asked, "--topic", stream),
        ("state", *asked),
    )
    channels = {
        "commands": b"\n".join(printed),
        "Dagster": b"\n".join(dagster.sent()),
        "OTLP": b"\n".join(otlp.sent()),
        "/status": status,
        "probes": probes,
        "log": "\n".join(json.dumps(line) for line in started.lines).encode(),
        "stored state": b"\n".join(
            stored_of(broker.bootstrap_servers, f"streamgauge.orders.{stream}")
        ),
    }
    secrets = [secret for *_, of in records for secret in of]
    secrets += [secret for each in (*dead, *mixed) for secret in each.secrets]
    leaks = leaks_told(Wanted(secrets), channels)
    assert not leaks, "\n".join(leaks[:60])

    # what may be told is told, or nothing was looked at
    channels["OTLP metrics"] = serialized(otlp_receiver.metric_requests())
    channels["OTLP spans"] = serialized(otlp_receiver.trace_requests())
    absent = [
        f"{name} in {channel}"
        for channel, names in TOLD.items()
        for name in names
        if not is_told(name, channels[channel])
    ]
    assert not absent, "\n".join(absent)
    for dialect in DIALECTS:
        classes = [each.told for each in dead if each.dialect == dialect and each.told]
        for channel in ("Dagster", "/status", "OTLP metrics", "OTLP spans"):
            told = [name for name in classes if is_told(name, channels[channel])]
            assert told or not classes, f"no error class of {dialect} in {channel}"
