"""What the collector's `file` exporter has written, read back as the requests that it took.

Each line is one request in OTLP/JSON (OpenTelemetry protocol 1.x, "JSON Protobuf Encoding"): the
JSON mapping of protobuf, but for ids in hexadecimal, and readers ignore unknown fields.
"""

from __future__ import annotations

import json
from base64 import b64encode
from typing import TYPE_CHECKING, Any, Final, TypeVar

from google.protobuf.json_format import ParseDict  # type: ignore[import-untyped] # published so
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from streamgauge_demo.parts.telemetry import Telemetry

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_ID_FIELDS: Final = ("traceId", "spanId", "parentSpanId")

_Request = TypeVar("_Request", ExportMetricsServiceRequest, ExportTraceServiceRequest)


class OtlpFiles(Telemetry):
    """Reads two files anew at each question; a line that is not complete yet is left out."""

    def __init__(self, metrics: Path, traces: Path) -> None:
        self._metrics: Final = metrics
        self._traces: Final = traces

    def metric_requests(self) -> Iterator[ExportMetricsServiceRequest]:
        """Give what the exporter of metrics has written."""
        return _requests(self._metrics, ExportMetricsServiceRequest)

    def trace_requests(self) -> Iterator[ExportTraceServiceRequest]:
        """Give what the exporter of traces has written."""
        return _requests(self._traces, ExportTraceServiceRequest)


def _requests(path: Path, kind: type[_Request]) -> Iterator[_Request]:
    for line in path.read_bytes().split(b"\n")[:-1]:
        request = kind()
        ParseDict(json.loads(line, object_hook=_ids_in_base64), request, ignore_unknown_fields=True)
        yield request


def _ids_in_base64(fields: dict[str, Any]) -> dict[str, Any]:
    for name in _ID_FIELDS:
        if name in fields:
            fields[name] = b64encode(bytes.fromhex(fields[name])).decode()
    return fields
