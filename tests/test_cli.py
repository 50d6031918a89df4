"""The command line as a shell sees it: output, errors, exit codes, pipes."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
import yaml

from streamgauge import __version__
from streamgauge.config import json_schema, markdown

TRACES = Path(__file__).parent / "data" / "traces"
COMMAND = (sys.executable, "-m", "streamgauge")
KEYS = ["event_time", "event_time_source", "trace", "dead_letter"]
TWO_STREAMS = """
kafka:
  bootstrap_servers: a:1
  security_protocol: SASL_SSL
  sasl_mechanism: PLAIN
  sasl_username: me
streams:
  carts: {topic: carts, event_time: [{header: at}, record], dead_letters: [{topic: carts.dlq}]}
  orders: {topic: orders, event_time: [{pointer: /at}, record]}
"""


@pytest.fixture
def streamgauge(tmp_path):
    """Runs the command line in a folder of its own: `streamgauge("explain", "-", stdin=b"...")`."""
    environ = {k: v for k, v in os.environ.items() if not k.startswith("STREAMGAUGE_")}

    def run(*arguments, stdin=b""):
        ended = subprocess.run(
            [*COMMAND, *arguments],
            input=stdin,
            capture_output=True,
            cwd=tmp_path,
            env=environ,
            timeout=60,
            check=False,
        )
        assert b"Traceback" not in ended.stderr
        ended.errors = ended.stderr.decode()
        return ended

    return run


@pytest.fixture
def explain(streamgauge):
    """Giver of lines to standard input; what was told comes back with how it ended."""

    def run(lines, *options):
        ended = streamgauge("explain", *options, "-", stdin=lines)
        return [json.loads(line) for line in ended.stdout.splitlines()], ended

    return run


def kcat(topic, *, at, value_at):
    """A line of `kcat -J`, with event times (s) in a header and in the value."""
    record = {"topic": topic, "partition": 0, "offset": 1, "tstype": "create", "ts": 1_000,
              "broker": 0, "headers": ["at", str(at)], "key": None,
              "payload": json.dumps({"at": value_at})}  # fmt: skip
    return json.dumps(record).encode() + b"\n"


def test_the_version_is_told(streamgauge):
    """By its name and number."""
    assert streamgauge("--version").stdout.decode() == f"streamgauge, version {__version__}\n"


def test_the_help_names_the_commands(streamgauge):
    """Each with its sentence."""
    told = streamgauge("-h").stdout.decode()
    assert {"run", "explain", "dead-letters", "checks", "state", "schema"} <= set(told.split())
    assert "Watch the configured streams until SIGTERM or SIGINT." in told


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "--config"),
        ("streams: {orders: {topic: orders}}", "kafka"),
        ("kafka: {bootstrap_servers: a:1}\nstreams: {orders: {topicc: orders}}", "topic"),
        ("kafka: {bootstrap_servers: a:1, sasl_password: x}", "STREAMGAUGE_KAFKA__SASL_PASSWORD"),
        (": :", "line 1"),
        (b"\xff\xfe", "streamgauge.yaml"),
    ],
)
def test_a_wrong_configuration_ends_at_once(text, said, streamgauge, tmp_path):
    """Exit code 2 and sentences; nothing is started."""
    arguments = []
    if text is not None:
        path = tmp_path / "streamgauge.yaml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        arguments = ["--config", path.name]
    ended = streamgauge("run", *arguments)
    assert (ended.returncode, ended.stdout) == (2, b"")
    assert said in ended.errors


@pytest.mark.parametrize("command", ["run", "explain"])
def test_a_configuration_that_is_not_there_is_named(command, streamgauge):
    """With what the system says of it."""
    arguments = ["-"] if command == "explain" else []
    ended = streamgauge(command, "--config", "no-such.yaml", *arguments)
    assert ended.returncode == 2
    assert "no-such.yaml" in ended.errors
    assert "No such file" in ended.errors


def test_the_schema_is_a_json_schema_that_takes_the_example(streamgauge):
    """And refuses what the loader refuses."""
    schema = json.loads(streamgauge("schema").stdout)
    assert schema == json_schema()
    validator = jsonschema.validators.validator_for(schema)
    validator.check_schema(schema)
    example = Path(__file__).parents[1] / "docs" / "streamgauge.example.yaml"
    validator(schema).validate(yaml.safe_load(example.read_text()))
    with pytest.raises(jsonschema.ValidationError):
        validator(schema).validate({"kafka": {"bootstrap_servers": "a:1"}, "streems": {}})


def test_the_schema_comes_as_documentation_too(streamgauge):
    """Byte for byte what the docs are made of."""
    assert streamgauge("schema", "--format", "markdown").stdout.decode() == markdown()


@pytest.mark.parametrize("path", sorted(TRACES.glob("*.jsonl")), ids=lambda path: path.stem)
def test_records_of_real_producers_are_explained_line_by_line(path, streamgauge):
    """From a file; what is said of the trace is what the writer of the record noted."""
    ended = streamgauge("explain", str(path))
    told = [json.loads(line) for line in ended.stdout.splitlines()]
    records = [json.loads(line) for line in path.read_text().splitlines()]
    assert (ended.returncode, ended.errors, len(told)) == (0, "", len(records))
    for record, answer in zip(records, told, strict=True):
        assert list(answer) == KEYS
        assert answer["event_time"] is not None
        expected = (record.get("expected") or {}).get("trace_id")
        assert (answer["trace"] and answer["trace"]["trace_id"]) == expected


def test_standard_input_is_read_as_well(explain):
    """In both formats, one after the other; empty lines are passed over."""
    path = TRACES / "otel-python-aiokafka.jsonl"
    told, ended = explain(path.read_bytes() + b"\n\n" + kcat("t", at=5, value_at=6))
    assert (len(told), ended.returncode) == (4, 0)
    assert (told[-1]["event_time"], told[-1]["event_time_source"]) == (1_000, "record")


@pytest.mark.parametrize(
    ("topic", "event_time", "source"),
    [
        ("carts", 1_700_000_000_000, "header"),
        ("carts.dlq", 1_700_000_000_000, "header"),
        ("orders", 1_600_000_000_000, "pointer"),
        ("another", 1_000, "record"),
    ],
)
def test_the_topic_chooses_the_rules(topic, event_time, source, explain, tmp_path):
    """Also of a dead letter topic; no secret of the configuration is needed."""
    (tmp_path / "two.yaml").write_text(TWO_STREAMS)
    line = kcat(topic, at=1_700_000_000, value_at=1_600_000_000)
    (told,), ended = explain(line, "--config", "two.yaml")
    assert ended.returncode == 0
    assert (told["event_time"], told["event_time_source"]) == (event_time, source)


def test_a_single_stream_explains_any_topic(explain, tmp_path):
    """There is only one set of rules that can be meant."""
    text = "kafka: {bootstrap_servers: a:1}\nstreams: {a: {topic: a, event_time: [{header: at}]}}"
    (tmp_path / "one.yaml").write_text(text)
    (told,), _ = explain(kcat("another", at=1_700_000_000, value_at=0), "--config", "one.yaml")
    assert told["event_time_source"] == "header"


def test_a_line_that_is_no_record_has_its_object_and_its_sentence(explain):
    """The others are explained; exit code 1; the place is named by file and line."""
    lines = b'{"ts": 1}\nnonsense\n[1]\n{"a": 1}\n{"ts": "x"}\n{"ts": 2}'
    told, ended = explain(lines)
    assert ended.returncode == 1
    assert [sorted(answer) for answer in told] == [
        sorted(KEYS + (["error"] if number in {2, 3, 4, 5} else [])) for number in range(1, 7)
    ]
    errors = ended.errors.splitlines()
    assert [error.split(":")[0] for error in errors] == [
        f"<stdin>, line {number}" for number in (2, 3, 4, 5)
    ]
    assert told[1]["error"].startswith("line 2: not JSON")


def test_the_file_is_named_in_its_errors(streamgauge, tmp_path):
    """As it was given."""
    (tmp_path / "records.jsonl").write_text("nonsense\n")
    ended = streamgauge("explain", "records.jsonl")
    assert ended.errors.startswith("records.jsonl, line 1: ")
    missing = streamgauge("explain", "no-such.jsonl")
    assert (missing.returncode, "no-such.jsonl" in missing.errors) == (2, True)


def letter(topic, *headers):
    """A line of `kcat -J` with these headers."""
    return json.dumps({"topic": topic, "tstype": "create", "ts": 5, "headers": headers}).encode()


@pytest.mark.parametrize(
    ("headers", "options", "dialect"),
    [
        ([], [], None),
        ([], ["--dlq"], "unclassified"),
        (["x", "y"], ["--dlq"], "unclassified"),
        (["kafka_dlt-original-topic", "orders"], [], "spring"),
        (["__connect.errors.topic", "orders"], ["--dlq"], "connect"),
    ],
)
def test_dead_letters_are_told_as_such(headers, options, dialect, explain):
    """Where it is said that they are some, or their headers say so."""
    (told,), ended = explain(letter("t", *headers) + b"\n", *options)
    assert (ended.returncode, ended.errors) == (0, "")
    assert (told["dead_letter"] and told["dead_letter"]["dialect"]) == dialect


@pytest.mark.parametrize(
    ("topic", "dialect"),
    [
        ("carts", None),
        ("carts.dlq", "configured"),
        ("orders", None),
        ("orders.again", "configured"),
    ],
)
def test_the_configuration_says_what_a_dead_letter_is(topic, dialect, explain, tmp_path):
    """By the topic, each with its headers; a topic of a stream has none."""
    (tmp_path / "two.yaml").write_text(
        "kafka: {bootstrap_servers: a:1}\n"
        "streams:\n"
        "  carts:\n"
        "    topic: carts\n"
        "    dead_letters: [{topic: carts.dlq, consumer_group: g, headers: {error_class: why}}]\n"
        "  orders:\n"
        "    topic: orders\n"
        "    dead_letters: [{topic: orders.again, retries: true, headers: {message: why}}]\n"
    )
    (told,), ended = explain(letter(topic, "WHY", "a.Bad") + b"\n", "--config", "two.yaml")
    assert (ended.returncode, ended.errors) == (0, "")
    said = told["dead_letter"]
    assert (said and said["dialect"]) == dialect
    if topic == "carts.dlq":
        assert (said["error_class"], said["consumer_group"]) == ("a.Bad", "g")
    if said:
        assert said["retrying"] == (topic == "orders.again")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["explain"], "give either RECORDS or --topic TOPIC"),
        (["explain", "--topic", "t", "-"], "give either RECORDS or --topic TOPIC"),
        (["explain", "--last", "5", "-"], "give --topic TOPIC too"),
        (["explain", "--bootstrap-servers", "a:1", "-"], "give --topic TOPIC too"),
        (["explain", "--topic", "t"], "where is Kafka?"),
        (["explain", "--topic", "t", "--last", "0"], "0 is not in the range"),
        (["dead-letters", "--topic", "t"], "where is Kafka?"),
        (["dead-letters", "--bootstrap-servers", "a:1"], "--topic"),
        (["dead-letters", "--topic", "t", "--bootstrap-servers", "a"], "is not host:port"),
        (
            ["dead-letters", "--topic", "t", "--bootstrap-servers", "a:1", "--config", "b"],
            "leave out",
        ),
        (["dead-letters", "--topic", "t", "--bootstrap-servers", "a:1", "--since", "x"], "--since"),
        (["dead-letters", "--topic", "t", "--bootstrap-servers", "a:1", "--by", "x"], "--by"),
        (["dead-letters", "--topic", "t", "--bootstrap-servers", "a:1", "--most", "0"], "--most"),
        (["dead-letters", "--topic", "a b", "--bootstrap-servers", "a:1"], "is not a topic name"),
    ],
)
def test_what_cannot_be_meant_ends_with_a_sentence(arguments, said, streamgauge):
    """Exit code 2, and nobody is asked."""
    ended = streamgauge(*arguments)
    assert (ended.returncode, ended.stdout) == (2, b"")
    assert said in ended.errors


def test_hostile_bytes_give_one_object_a_line(explain):
    """Noise, NULs, lone surrogates, depth and huge numbers: never a crash, always JSON."""
    rng = random.Random(11)  # noqa: S311 - repeatable noise, not a secret
    noise = [bytes(rng.choices(range(256), k=rng.randrange(1, 200))) for _ in range(100)]
    lines = [line.replace(b"\n", b"").replace(b"\r", b"") or b"x" for line in noise]
    lines += [
        b"\0\0\0",
        b'{"ts": 1, "topic": "\\ud800"}',
        b'{"ts": 1, "headers": ["\\udfff", 1]}',
        b'{"ts": 1, "payload": "\xff\xfe\\u0000"}',
        b"[" * 100_000,
        b'{"ts": ' + b"9" * 5_000 + b"}",
        b'{"ts": 99999999999999999999}',
        b'{"ts": 1e999}',
        b'{"value_b64": "####"}',
        b'{"ts": 1, "headers": ["traceparent", "' + b"0" * 100_000 + b'"]}',
    ]
    told, ended = explain(b"\n".join(lines))
    assert len(told) == sum(1 for line in lines if line.strip())
    assert ended.returncode == 1
    assert all(list(answer)[:4] == KEYS for answer in told)


def test_a_line_beyond_all_measure_is_refused_and_the_next_one_read(explain):
    """It is not kept in memory as a whole."""
    line = b'{"a": "' + b"x" * (130 * 1024 * 1024) + b'"}\n'
    told, ended = explain(line + b'{"ts": 7}\n')
    assert [answer["event_time"] for answer in told] == [None, 7]
    assert "line 1: longer than 67,108,864 bytes" in ended.errors


@pytest.mark.parametrize("arguments", [["explain", "-"], ["schema"]])
def test_a_reader_that_leaves_early_is_no_crash(arguments, tmp_path):
    """As `| head -1` does: quiet, and it ends although more input would come."""
    with subprocess.Popen(
        [*COMMAND, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, cwd=tmp_path,
    ) as running:  # fmt: skip
        if arguments[0] == "explain":
            running.stdin.write(b'{"ts": 1}\n')
            running.stdin.flush()
            assert json.loads(running.stdout.readline())["event_time"] == 1
        running.stdout.close()
        if arguments[0] == "explain":
            running.stdin.write(b'{"ts": 1}\n')
        running.stdin.close()
        assert running.stderr.read() == b""
        assert running.wait(30) in {0, 1}


@pytest.mark.parametrize(
    ("expect", "code", "last"), [("p w", 0, "1 passed, 0 failed"), ("p p", 1, "0 passed, 1 failed")]
)
def test_a_replay_with_expectations_is_a_test(expect, code, last, streamgauge, tmp_path):
    """Its exit code says whether they came true."""
    checks = "{throughput: {warn: {below: 5}}}"
    series = f"{{every: 1s, values: 5 4, expect: {expect}}}"
    (tmp_path / "a.yaml").write_text(f"checks: {checks}\nseries: [{series}]\n")
    ended = streamgauge("checks", "--replay", "a.yaml")
    assert (ended.returncode, ended.errors) == (code, "")
    assert ended.stdout.decode().splitlines()[-1] == last


def test_a_replay_without_expectations_prints_a_table(streamgauge, tmp_path):
    """By the check of a configuration, which no secret is needed for; also of several files."""
    (tmp_path / "two.yaml").write_text(TWO_STREAMS)
    (tmp_path / "a.yaml").write_text("series: [{every: 10m, values: 5 400}]\n")
    named = ("--config", "two.yaml", "--stream", "orders", "--check", "fresh")
    ended = streamgauge("checks", "--replay", "a.yaml", "--replay", "a.yaml", *named)
    assert (ended.returncode, ended.errors) == (0, "")
    lines = ended.stdout.decode().splitlines()
    assert len(lines) == 12
    assert [line.split()[1] for line in lines[3:5]] == ["pass", "warn"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--replay", "none.yaml"], "none.yaml: cannot be read: No such file"),
        (["--replay", "a.yaml"], "a.yaml: which check is meant?"),
        (["--replay", "a.yaml", "--check", "lag"], "give --config FILE too"),
        ([], "--replay"),
    ],
)
def test_what_cannot_be_replayed_ends_with_a_sentence(arguments, said, streamgauge, tmp_path):
    """Exit code 2."""
    (tmp_path / "a.yaml").write_text("series: [{every: 1s, values: 1}]\n")
    ended = streamgauge("checks", *arguments)
    assert (ended.returncode, ended.stdout) == (2, b"")
    assert said in ended.errors
