"""What Dagster and the OTLP receiver have been told, read back from them and kept as files."""

from __future__ import annotations

import base64
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from confluent_kafka import TopicPartition
from confluent_kafka.admin import OffsetSpec  # type: ignore[attr-defined] # re-exported silently
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from streamgauge_demo import truth
from streamgauge_demo.parts.broker_contract import admin_client
from streamgauge_demo.parts.dagster_client import CheckExecution, Observation
from streamgauge_demo.parts.telemetry import Telemetry
from streamgauge_demo.scenario import Names, asset_key, checks

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from streamgauge_demo.parts.broker_contract import Broker
    from streamgauge_demo.parts.dagster_client import DagsterClient
    from streamgauge_demo.parts.otlp_receiver import OtlpReceiver
    from streamgauge_demo.truth import Truth

_RUN: Final = "run.json"
_DAGSTER: Final = "dagster.json"
_METRICS: Final = "otlp-metrics.txt"
_TRACES: Final = "otlp-traces.txt"
_TIMEOUT_SECONDS: Final = 15.0
_MOST_EVENTS: Final = 1_000


@dataclass(frozen=True, slots=True)
class KeptTelemetry(Telemetry):
    """What the OTLP receiver got, in the order in which it came."""

    metrics: tuple[ExportMetricsServiceRequest, ...]
    traces: tuple[ExportTraceServiceRequest, ...]

    def metric_requests(self) -> tuple[ExportMetricsServiceRequest, ...]:
        """Give the requests with metrics."""
        return self.metrics

    def trace_requests(self) -> tuple[ExportTraceServiceRequest, ...]:
        """Give the requests with spans."""
        return self.traces


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that the proofs look at.

    Attributes:
        truth: the programs' logs.
        names: topics and groups.
        ends: end offset by topic and partition, read after the last order.
        new_topics: topics of the broker afterwards that were not there before.
        gauge: `code`, `seconds` and `last_event` of the gauge's end.
        observations: of each topic's asset, the oldest first.
        checks: evaluations by topic and check, the oldest first.
        telemetry: None if it went to somebody else's collector.
    """

    truth: Truth
    names: Names
    ends: Mapping[str, Mapping[int, int]]
    new_topics: tuple[str, ...]
    gauge: Mapping[str, Any]
    observations: Mapping[str, tuple[Observation, ...]]
    checks: Mapping[str, Mapping[str, tuple[CheckExecution, ...]]]
    telemetry: Telemetry | None


def topics_of(broker: Broker) -> set[str]:
    """The names of all topics but the broker's own."""
    found = admin_client(broker.bootstrap_servers).list_topics(timeout=_TIMEOUT_SECONDS).topics
    return {name for name in found if not name.startswith("__")}


def end_offsets(broker: Broker, names: Names) -> dict[str, dict[int, int]]:
    """The end offset of each partition of both topics, by topic."""
    admin = admin_client(broker.bootstrap_servers)
    latest = OffsetSpec.latest()  # type: ignore[no-untyped-call] # published half typed
    ends: dict[str, dict[int, int]] = {}
    for topic in names.topics:
        partitions = admin.list_topics(topic, timeout=_TIMEOUT_SECONDS).topics[topic].partitions
        asked = admin.list_offsets({TopicPartition(topic, number): latest for number in partitions})
        ends[topic] = {
            place.partition: told.result(_TIMEOUT_SECONDS).offset for place, told in asked.items()
        }
    return ends


def keep_run(folder: Path, **told: Any) -> None:  # noqa: ANN401 - any JSON value
    """Write what is known of the run beside the programs' logs: the fields of `Evidence`."""
    (folder / _RUN).write_text(json.dumps(told, indent=1))


def keep_dagster(folder: Path, dagster: DagsterClient, names: Names) -> None:
    """Read back from Dagster what it was told, and write it down."""
    told: dict[str, dict[str, Any]] = {}
    for topic in names.topics:
        key = asset_key(topic)
        told[topic] = {
            "observations": [asdict(each) for each in dagster.observations(key, _MOST_EVENTS)],
            "checks": {
                check: [asdict(each) for each in dagster.check_executions(key, check, _MOST_EVENTS)]
                for check in checks(names)[topic]
            },
        }
    (folder / _DAGSTER).write_text(json.dumps(told, indent=1))


def keep_telemetry(folder: Path, receiver: OtlpReceiver) -> None:
    """Write down the requests as they came, one a line in base64."""
    _write(folder / _METRICS, (each.SerializeToString() for each in receiver.metric_requests()))
    _write(folder / _TRACES, (each.SerializeToString() for each in receiver.trace_requests()))


def read(folder: Path) -> Evidence:
    """Read what was kept.

    Raises:
        FileNotFoundError: this is no folder that a run has kept.
    """
    run = json.loads((folder / _RUN).read_text())
    told = json.loads((folder / _DAGSTER).read_text())
    names = Names(**run["names"])
    return Evidence(
        truth=truth.read(folder, names.groups),
        names=names,
        ends={topic: _by_partition(ends) for topic, ends in run["ends"].items()},
        new_topics=tuple(run["new_topics"]),
        gauge=run["gauge"],
        observations={
            topic: tuple(Observation(**each) for each in reversed(asset["observations"]))
            for topic, asset in told.items()
        },
        checks={
            topic: {
                check: tuple(CheckExecution(**each) for each in reversed(found))
                for check, found in asset["checks"].items()
            }
            for topic, asset in told.items()
        },
        telemetry=_telemetry(folder),
    )


def _telemetry(folder: Path) -> KeptTelemetry | None:
    if not (folder / _METRICS).exists():
        return None
    return KeptTelemetry(
        tuple(ExportMetricsServiceRequest.FromString(line) for line in _lines(folder / _METRICS)),
        tuple(ExportTraceServiceRequest.FromString(line) for line in _lines(folder / _TRACES)),
    )


def _write(path: Path, messages: Iterable[bytes]) -> None:
    with path.open("wb") as file:
        for message in messages:
            file.write(base64.b64encode(message) + b"\n")


def _lines(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        for line in file:
            yield base64.b64decode(line)


def _by_partition(offsets: Mapping[str, int]) -> dict[int, int]:
    return {int(partition): offset for partition, offset in offsets.items()}
