"""The two servers of OTLP: gRPC, and HTTP with protobuf bodies (OTLP specification 1.x)."""

from __future__ import annotations

import contextlib
import gzip
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Final

import grpc
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2_grpc import (
    MetricsServiceServicer,
    add_MetricsServiceServicer_to_server,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import (
    TraceServiceServicer,
    add_TraceServiceServicer_to_server,
)

if TYPE_CHECKING:
    from collections.abc import Callable

Request = ExportMetricsServiceRequest | ExportTraceServiceRequest

_HOST: Final = "127.0.0.1"
_GRPC_THREADS: Final = 4
_LARGEST_MESSAGE_BYTES: Final = 64 << 20
_POLL_SECONDS: Final = 0.02


class UnansweredError(Exception):
    """The request shall get no answer."""


class GrpcServer:
    """Hands each request to `take`, which gives the status to refuse it with, or None."""

    def __init__(self, port: int, take: Callable[[Request], grpc.StatusCode | None]) -> None:
        self._threads: Final = ThreadPoolExecutor(_GRPC_THREADS, thread_name_prefix="otlp-grpc")
        self._server: Final = grpc.server(
            self._threads,
            options=(
                ("grpc.max_receive_message_length", _LARGEST_MESSAGE_BYTES),
                ("grpc.so_reuseport", 0),  # two receivers on one port are a mistake
            ),
        )
        add_MetricsServiceServicer_to_server(  # type: ignore[no-untyped-call] # generated
            _Metrics(take), self._server
        )
        add_TraceServiceServicer_to_server(  # type: ignore[no-untyped-call] # generated
            _Traces(take), self._server
        )
        self.port: Final[int] = self._server.add_insecure_port(f"{_HOST}:{port}")
        self._server.start()

    def stop(self) -> None:
        """Cancel what is under way and end the threads."""
        self._server.stop(grace=None).wait()
        self._threads.shutdown()


class _Metrics(MetricsServiceServicer):
    def __init__(self, take: Callable[[Request], grpc.StatusCode | None]) -> None:
        self._take = take

    def Export(  # noqa: N802 - the protocol's name
        self, request: ExportMetricsServiceRequest, context: grpc.ServicerContext
    ) -> ExportMetricsServiceResponse:
        _answer_grpc(self._take, request, context)
        return ExportMetricsServiceResponse()


class _Traces(TraceServiceServicer):
    def __init__(self, take: Callable[[Request], grpc.StatusCode | None]) -> None:
        self._take = take

    def Export(  # noqa: N802 - the protocol's name
        self, request: ExportTraceServiceRequest, context: grpc.ServicerContext
    ) -> ExportTraceServiceResponse:
        _answer_grpc(self._take, request, context)
        return ExportTraceServiceResponse()


def _answer_grpc(
    take: Callable[[Request], grpc.StatusCode | None],
    request: Request,
    context: grpc.ServicerContext,
) -> None:
    try:
        status = take(request)
    except UnansweredError:
        status = grpc.StatusCode.CANCELLED  # the client has long given up, or we are stopping
    if status is not None:
        context.abort(status, "as told")


class HttpServer(ThreadingHTTPServer):
    """Hands each request to `take`, which gives the status to refuse it with, or None."""

    daemon_threads = False  # so that closing waits for them

    def __init__(self, port: int, take: Callable[[Request], int | None]) -> None:
        self.take: Final = take
        self._connections: Final[set[socket.socket]] = set()
        super().__init__((_HOST, port), _HttpHandler)
        self.port: Final = self.server_port
        self._thread: Final = threading.Thread(
            target=self.serve_forever, args=[_POLL_SECONDS], name="otlp-http"
        )
        self._thread.start()

    def process_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - inherited
        """Remember the connection: its thread waits on it for as long as it is open."""
        self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:  # noqa: ANN401 - inherited
        """Forget the connection and close it."""
        self._connections.discard(request)
        super().shutdown_request(request)

    def stop(self) -> None:
        """Close all connections and end the threads."""
        self.shutdown()
        self._thread.join()
        for connection in tuple(self._connections):
            with contextlib.suppress(OSError):  # the client was faster
                connection.shutdown(socket.SHUT_RDWR)
        self.server_close()


class _HttpHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: HttpServer

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        answer: ExportMetricsServiceResponse | ExportTraceServiceResponse
        if self.path == "/v1/metrics":
            request: Request = ExportMetricsServiceRequest.FromString(body)
            answer = ExportMetricsServiceResponse()
        elif self.path == "/v1/traces":
            request = ExportTraceServiceRequest.FromString(body)
            answer = ExportTraceServiceResponse()
        else:
            self._reply(404, b"")
            return
        try:
            status = self.server.take(request)
        except UnansweredError:
            self.close_connection = True
            return
        self._reply(200 if status is None else status, answer.SerializeToString())

    def _reply(self, status: int, body: bytes) -> None:
        """Answer, or not if the client has gone while it waited."""
        with contextlib.suppress(ConnectionError):
            self.send_response(status)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - inherited
        """Write nothing to standard error."""
