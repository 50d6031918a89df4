"""A real OpenTelemetry Collector in a process of its own, what comes out of it written to files."""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import httpx

from streamgauge_demo.parts.child import Child
from streamgauge_demo.parts.collector_binary import (
    CollectorUnavailableError,
    find_collector,
    prepare_collector,
)
from streamgauge_demo.parts.otlp_files import OtlpFiles
from streamgauge_demo.parts.ports import free_ports
from streamgauge_demo.parts.stoppable import Stoppable

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "Collector",
    "CollectorUnavailableError",
    "find_collector",
    "launch_collector",
    "prepare_collector",
]

START_TIMEOUT_SECONDS: Final = 30.0
_STOP_GRACE_SECONDS: Final = 15.0
_POLL_SECONDS: Final = 0.05
_START_ATTEMPTS: Final = 3
"""A port that was free may be taken by another program before the collector binds it."""

_FILE_EXPORTERS: Final = """\
exporters:
  file/metrics: {path: metrics.jsonl, flush_interval: 200ms}
  file/traces: {path: traces.jsonl, flush_interval: 200ms}
"""
"""Merged over the configuration; its pipelines name them through the environment."""


class Collector(Stoppable):
    """A collector with files in a temporary folder; `start()` it, `stop()` removes all of it.

    Attributes:
        grpc_endpoint: for `OTEL_EXPORTER_OTLP_ENDPOINT` with protocol `grpc`.
        http_endpoint: the same for `http/protobuf`; exporters add `/v1/metrics` or `/v1/traces`.
        scrape_url: where Prometheus would scrape the metrics that came in.
        own_metrics_url: the same for the collector's metrics of itself.
        out: what has come out of its pipelines: at most 0.2 s late, and whole after `shut_down()`.
    """

    def __init__(self, binary: Path, config: Path, environment: Mapping[str, str]) -> None:
        grpc, http, health, scrape, own = (f"127.0.0.1:{port}" for port in free_ports(5))
        self.grpc_endpoint: Final = f"http://{grpc}"
        self.http_endpoint: Final = f"http://{http}"
        self.scrape_url: Final = f"http://{scrape}/metrics"
        self.own_metrics_url: Final = f"http://{own}/metrics"
        self._health_url: Final = f"http://{health}"
        self._folder: Final = Path(tempfile.mkdtemp(prefix="streamgauge-collector-"))
        self.out: Final = OtlpFiles(self._folder / "metrics.jsonl", self._folder / "traces.jsonl")
        (self._folder / "files.yaml").write_text(_FILE_EXPORTERS)
        self._command: Final = [
            *(str(binary), "--config", str(config.absolute())),
            *("--config", "files.yaml"),
        ]
        self._environment: Final = {
            "OTLP_GRPC_ENDPOINT": grpc,
            "OTLP_HTTP_ENDPOINT": http,
            "HEALTH_ENDPOINT": health,
            "PROMETHEUS_SCRAPE_ENDPOINT": scrape,
            "SELF_METRICS_HOST": own.partition(":")[0],
            "SELF_METRICS_PORT": own.partition(":")[2],
            "QUEUE_DIR": str(self._folder / "queue"),
            "METRIC_EXPORTERS": "[prometheus, file/metrics]",
            "TRACE_EXPORTERS": "[file/traces]",
            **environment,
        }
        self._child: Child | None = None

    def start(self, timeout_seconds: float = START_TIMEOUT_SECONDS) -> None:
        """Start the process and return when it says that it is ready.

        Raises:
            RuntimeError: it ended or was not ready in time; has the end of its log.
        """
        self._child = Child(self._command, self._folder, self._environment)
        deadline = time.monotonic() + timeout_seconds
        while not self.ready():
            if not self._child.running or time.monotonic() > deadline:
                log = self._child.log_tail()
                self.shut_down()
                raise RuntimeError(f"the collector did not start; its log ends with:\n{log}")
            time.sleep(_POLL_SECONDS)

    def ready(self) -> bool:
        """Tell whether its health check answers that all pipelines are running."""
        try:
            return httpx.get(self._health_url, timeout=1.0).is_success
        except httpx.TransportError:
            return False

    def shut_down(self) -> None:
        """End the process in order, which writes all that it still holds to the files."""
        if self._child is not None:
            self._child.terminate(_STOP_GRACE_SECONDS)
            self._child = None

    def stop(self) -> None:
        """End the process in order and remove its files; a second call does nothing."""
        self.shut_down()
        shutil.rmtree(self._folder, ignore_errors=True)


def launch_collector(
    binary: Path, config: Path, environment: Mapping[str, str] | None = None
) -> Collector:
    """Start a collector on free ports of 127.0.0.1.

    Args:
        binary: from `prepare_collector()`, or any other that has the `file` exporter.
        config: takes its addresses and exporters from the variables that `otel-collector.yaml` of
            this project does.
        environment: further variables, which go before those set here.

    Raises:
        RuntimeError: it did not start; has the end of its log.
    """
    for attempt in range(1, _START_ATTEMPTS + 1):
        collector = Collector(binary, config, environment or {})
        try:
            collector.start()
        except BaseException as error:
            collector.stop()
            if "address already in use" not in str(error) or attempt == _START_ATTEMPTS:
                raise
        else:
            return collector
    raise AssertionError("the last attempt returns or raises")
