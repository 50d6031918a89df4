"""`otel-collector.yaml` is valid with every list that its comment proposes, and does as it says."""

from __future__ import annotations

import os
import random
import re
import subprocess
from pathlib import Path

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Status

SHIPPED = Path(__file__).parents[2] / "otel-collector.yaml"
PROPOSED = re.findall(r"^#   (\w+)=(\[.*?\])", SHIPPED.read_text(encoding="utf-8"), re.MULTILINE)


@pytest.fixture
def validate(collector_binary, tmp_path):
    """Exit code and errors of the collector's own validation: `validate(config, **environ)`."""

    def run(config, **environ):
        done = subprocess.run(
            [collector_binary, "validate", "--config", config],
            env=os.environ | {"QUEUE_DIR": str(tmp_path)} | environ,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        return done.returncode, done.stderr

    return run


def test_comment_proposes_a_value_for_each_list():
    """What the next test runs over is not empty."""
    lists = re.findall(r"\$\{env:(\w+):-\[", SHIPPED.read_text(encoding="utf-8"))
    assert sorted(name for name, _ in PROPOSED) == sorted(lists)


@pytest.mark.parametrize("environ", [{}, *({name: text} for name, text in PROPOSED)], ids=str)
def test_is_valid(validate, environ):
    """With its defaults, and with each proposed list."""
    assert validate(SHIPPED, **environ) == (0, "")


@pytest.mark.parametrize(
    ("right", "wrong", "reason"),
    [
        ("enable_open_metrics:", "enable_openmetrics:", "invalid keys: enable_openmetrics"),
        ("receivers: [forward]", "receivers: [backward]", "receiver.* not configured"),
    ],
)
def test_a_mistake_in_it_is_found(validate, tmp_path, right, wrong, reason):
    """The validation that the other tests rely on does not pass everything."""
    text = SHIPPED.read_text(encoding="utf-8")
    assert right in text
    mistaken = tmp_path / "mistaken.yaml"
    mistaken.write_text(text.replace(right, wrong))
    code, errors = validate(mistaken)
    assert code == 1
    assert re.search(reason, errors), errors


def test_a_list_that_names_nobody_is_found(validate):
    """Lists from the environment are validated like those of the file."""
    code, errors = validate(SHIPPED, METRIC_EXPORTERS="[nobody]")
    assert (code, '"nobody" which is not configured' in errors) == (1, True), errors


def add_span(request, trace_id, *, error=False, exemplar=False):
    """Add one span of its own trace."""
    marked = KeyValue(key="streamgauge.exemplar", value=AnyValue(bool_value=True))
    request.resource_spans.add().scope_spans.add().spans.add(
        trace_id=bytes.fromhex(trace_id),
        span_id=b"streams!",
        name="process orders",
        attributes=[marked] if exemplar else [],
        status=Status(code=Status.STATUS_CODE_ERROR) if error else None,
    )


def test_tail_sampling_keeps_errors_and_exemplars_and_little_of_the_rest(launch_collector):
    """Of 400 traces of neither kind 5 % are 20; the ids are the same in every run."""
    collector = launch_collector(TRACE_PROCESSORS="[tail_sampling]", DECISION_WAIT="1s")
    rng = random.Random(5)  # noqa: S311 - a repeatable choice, not a secret
    ids = [f"{rng.getrandbits(128):032x}" for _ in range(440)]
    errors, exemplars, rest = set(ids[:20]), set(ids[20:40]), set(ids[40:])
    request = ExportTraceServiceRequest()
    for trace_id in ids:
        add_span(request, trace_id, error=trace_id in errors, exemplar=trace_id in exemplars)
    httpx.post(
        f"{collector.http_endpoint}/v1/traces",
        content=request.SerializeToString(),
        headers={"Content-Type": "application/x-protobuf"},
        timeout=10,
    ).raise_for_status()
    collector.shut_down()
    kept = {span.trace_id for span in collector.out.spans()}
    assert kept - rest == errors | exemplars
    assert 10 <= len(kept & rest) <= 40
