"""The command line as a shell sees it: exit codes, standard output, standard error."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from streamgauge import __version__

HERE = Path(__file__).parent
TRACES = sorted((HERE / "data" / "traces").glob("*.jsonl"))
KCAT = json.dumps(
    {"topic": "t", "partition": 0, "offset": 1, "tstype": "create", "ts": 1_700_000_000_000,
     "broker": 1, "headers": ["event-time", "1700000001"], "key": "k", "payload": "{}"}
)  # fmt: skip


def streamgauge(*arguments, stdin=b""):
    """Run the command line."""
    environ = {name: value for name, value in os.environ.items() if "STREAMGAUGE" not in name}
    return subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-m", "streamgauge", *map(str, arguments)],
        input=stdin,
        capture_output=True,
        env=environ,
        timeout=60,
        check=False,
    )


def objects(ended):
    """What was printed, one object for each line."""
    return [json.loads(line) for line in ended.stdout.splitlines()]


def test_version():
    """The version is that of the package."""
    assert __version__ in streamgauge("--version").stdout.decode()


@pytest.mark.parametrize("path", TRACES, ids=lambda path: path.stem)
def test_explain_reads_real_records_from_file_and_from_standard_input(path):
    """The same answer on both ways, and the trace that the framework wrote."""
    ended = streamgauge("explain", path)
    piped = streamgauge("explain", "-", stdin=path.read_bytes())
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert piped.stdout == ended.stdout
    expected = [json.loads(line)["expected"] for line in path.read_text().splitlines()]
    told = objects(ended)
    assert len(told) == len(expected)
    for told_of, known in zip(told, expected, strict=True):
        assert set(told_of) == {"event_time", "event_time_source", "trace", "dead_letter"}
        if known.get("trace_id"):
            assert told_of["trace"]["trace_id"] == known["trace_id"]


def test_explain_tells_a_bad_line_and_goes_on():
    """One object for each line, the error on standard error with its place, exit code 1."""
    ended = streamgauge("explain", "-", stdin=f"{KCAT}\nno json\n\n{KCAT}\n".encode())
    first, bad, last = objects(ended)
    assert ended.returncode == 1
    assert first == last
    assert (first["event_time"], first["event_time_source"]) == (1_700_000_001_000, "header")
    assert bad["event_time"] is None
    assert "line 2" in bad["error"]
    assert b"line 2: not JSON" in ended.stderr


def test_explain_says_that_dead_letters_are_not_yet_understood():
    """The option is there, and what it does not do is told."""
    ended = streamgauge("explain", "--dlq", "-", stdin=KCAT.encode())
    assert ended.returncode == 0
    assert b"dead letters are not yet understood" in ended.stderr
    assert objects(ended)[0]["dead_letter"] is None


def test_explain_follows_the_configuration_of_the_records_topic(tmp_path):
    """Of several streams the one whose topic it is; secrets are not asked for."""
    path = tmp_path / "streamgauge.yaml"
    path.write_text(
        "kafka: {bootstrap_servers: 'a:1', security_protocol: SASL_SSL, sasl_mechanism: PLAIN,"
        " sasl_username: u, sasl_password_file: /nowhere/password}\n"
        "streams:\n"
        "  t: {topic: t, event_time: [record]}\n"
        "  other: {topic: other, event_time: [{header: event-time}, record]}\n"
    )
    other = KCAT.replace('"topic": "t"', '"topic": "other"')
    ended = streamgauge("explain", "--config", path, "-", stdin=f"{KCAT}\n{other}".encode())
    assert [o["event_time_source"] for o in objects(ended)] == ["record", "header"]


def test_explain_ends_quietly_when_nobody_reads_on(tmp_path):
    """As behind `| head`: no traceback."""
    path = tmp_path / "many.jsonl"
    path.write_text(f"{KCAT}\n" * 20_000)
    with subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-m", "streamgauge", "explain", str(path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        process.stdout.readline()
        process.stdout.close()
        assert b"Traceback" not in process.stderr.read()
        process.wait(30)


def test_schema_is_a_valid_json_schema():
    """Of the dialect that it names."""
    ended = streamgauge("schema")
    jsonschema.Draft202012Validator.check_schema(json.loads(ended.stdout))
    assert ended.returncode == 0


def test_schema_prints_the_documentation():
    """`make docs` writes this file."""
    ended = streamgauge("schema", "--format", "markdown")
    assert ended.stdout.decode() == (HERE.parent / "docs" / "configuration.md").read_text()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, b"--config"),
        ("streams: {orders: {topic: orders}}", b"kafka"),
        ("kafka: {bootstrap_servers: 'a:1'}\nstreams: {o: {topicc: x}}", b"did you mean topic"),
        (": :", b"line 1"),
    ],
)
def test_run_refuses_a_configuration_that_cannot_be_used(tmp_path, text, said):
    """Exit code 2, a sentence, and nothing is started."""
    arguments = []
    if text is not None:
        path = tmp_path / "streamgauge.yaml"
        path.write_text(text)
        arguments = ["--config", path]
    ended = streamgauge("run", *arguments)
    assert ended.returncode == 2
    assert said in ended.stderr
    assert b"Traceback" not in ended.stderr
