"""A real OTLP receiver in this process, gRPC and HTTP/protobuf, that can be made to misbehave."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from streamgauge_demo.parts.otlp_servers import GrpcServer, HttpServer, Request, UnansweredError
from streamgauge_demo.parts.stoppable import Stoppable
from streamgauge_demo.parts.telemetry import Telemetry

if TYPE_CHECKING:
    import grpc
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass(frozen=True, slots=True)
class Faults:
    """How requests are treated; without arguments, well. What is not treated well is not kept.

    Attributes:
        grpc_status: refuse gRPC requests with this status.
        http_status: refuse HTTP requests with this status.
        delay_seconds: wait so long before the answer.
        mute: take requests and answer none of them, until the faults change.
    """

    grpc_status: grpc.StatusCode | None = None
    http_status: int | None = None
    delay_seconds: float = 0.0
    mute: bool = False


NO_FAULTS: Final = Faults()


class OtlpReceiver(Telemetry, Stoppable):
    """Receives until `stop()`, or until its context is left; may be used from any thread.

    Args:
        grpc_port: 0 for any free one.
        http_port: 0 for any free one.

    Attributes:
        grpc_endpoint: for `OTEL_EXPORTER_OTLP_ENDPOINT` with protocol `grpc`.
        http_endpoint: the same for `http/protobuf`; exporters add `/v1/metrics` or `/v1/traces`.
    """

    def __init__(self, grpc_port: int = 0, http_port: int = 0) -> None:
        self._changed: Final = threading.Condition()
        self._faults = NO_FAULTS
        self._stopped = False
        self._calls = 0
        self._metrics: list[ExportMetricsServiceRequest] = []
        self._traces: list[ExportTraceServiceRequest] = []
        self._grpc: Final = GrpcServer(grpc_port, self._take_grpc)
        self._http: Final = HttpServer(http_port, self._take_http)
        self.grpc_endpoint: Final = f"http://127.0.0.1:{self._grpc.port}"
        self.http_endpoint: Final = f"http://127.0.0.1:{self._http.port}"

    @property
    def calls(self) -> int:
        """How many requests have come, however they were treated."""
        with self._changed:
            return self._calls

    @property
    def faults(self) -> Faults:
        """How requests are treated from now on."""
        with self._changed:
            return self._faults

    @faults.setter
    def faults(self, faults: Faults) -> None:
        with self._changed:
            self._faults = faults
            self._changed.notify_all()

    def metric_requests(self) -> list[ExportMetricsServiceRequest]:
        """Give the requests with metrics that have come so far."""
        with self._changed:
            return list(self._metrics)

    def trace_requests(self) -> list[ExportTraceServiceRequest]:
        """Give the requests with spans that have come so far."""
        with self._changed:
            return list(self._traces)

    def forget(self) -> None:
        """Begin anew with nothing received; the faults stay."""
        with self._changed:
            self._calls = 0
            self._metrics.clear()
            self._traces.clear()

    def stop(self) -> None:
        """Close both servers and end their threads; what was received can still be read."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        self._grpc.stop()
        self._http.stop()

    def _take_grpc(self, request: Request) -> grpc.StatusCode | None:
        with self._changed:
            faults = self._suffer()
            if faults.grpc_status is None:
                self._keep(request)
            return faults.grpc_status

    def _take_http(self, request: Request) -> int | None:
        with self._changed:
            faults = self._suffer()
            if faults.http_status is None:
                self._keep(request)
            return faults.http_status

    def _suffer(self) -> Faults:
        """Count a request and wait as the faults demand; others may enter in the meantime.

        Raises:
            UnansweredError: the receiver was mute.
        """
        self._calls += 1
        faults = self._faults
        if faults.delay_seconds:
            self._changed.wait_for(lambda: self._stopped, faults.delay_seconds)
        if faults.mute:
            self._changed.wait_for(lambda: self._stopped or not self._faults.mute)
            raise UnansweredError
        return faults

    def _keep(self, request: Request) -> None:
        if isinstance(request, ExportMetricsServiceRequest):
            self._metrics.append(request)
        else:
            self._traces.append(request)
