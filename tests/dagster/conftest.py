"""Snapshots to tell, and a small real HTTP server that takes and gives back what Dagster does."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import re
import socket
import threading
import time
from collections import deque
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest

from streamgauge.core.histogram import Histogram
from streamgauge.core.snapshot import (
    DeadLetterTopicView,
    GroupPartitionView,
    GroupView,
    Keeping,
    PartitionView,
    Snapshot,
    Verdict,
)
from streamgauge.core.totals import GroupTotals, Totals
from streamgauge.dagster.client import DagsterClient
from streamgauge.dagster.delivery import DagsterSink
from streamgauge.dagster.transport import DagsterAddress
from streamgauge.model import GroupStatus, LagBound, Level
from streamgauge_demo.parts.dagster_client import DagsterClient as ReadBack
from streamgauge_demo.parts.dagster_kinds import DagsterKind, dagster_of_kind, demand_kind
from streamgauge_demo.parts.dagster_oldest import OldestDagsterUnavailableError
from streamgauge_demo.parts.postgres import PostgresUnavailableError
from streamgauge_demo.parts.shared import share_dagster_server

DOCS = Path(__file__).parents[2] / "docs"
LIFE_START_MS = 1_800_000_000_000
HOUR_MS = 3_600_000
NOW_MS = 1_800_000_123_456


class Maker:
    """Builds the values that the sink is handed; each maker has asset keys of its own."""

    start_ms = LIFE_START_MS

    def __init__(self):
        self.stream = f"orders-{uuid4().hex[:8]}"
        self.asset_key = ("kafka", self.stream)
        self.letters_key = ("kafka", f"{self.stream}_dlq")

    def histogram(self, ages_ms):
        """Of these ages."""
        ages = Histogram()
        ages.fold(np.array(ages_ms, dtype=np.int64))
        return ages

    def snapshot(self, records=0, dead_letters=0, *, after_ms=0, **fields):
        """The stream so long after the start of its life, every record 100 ms old on arrival."""
        ages = self.histogram([100] * records)
        own = Totals(records=records, arrival_ages=ages, bytes=records * 7)
        letters = Totals(dead_letters=dead_letters)
        as_of_ms = self.start_ms + after_ms
        base = Snapshot(
            stream=self.stream,
            topic="orders",
            asset_key=self.asset_key,
            life="life-1",
            life_start_ms=self.start_ms,
            as_of_ms=as_of_ms,
            totals=own + letters,
            partitions=(PartitionView("orders", 0, 0, records, records, as_of_ms, own),),
            dead_letter_partitions=(
                PartitionView("dlq", 0, 0, dead_letters, dead_letters, as_of_ms, letters),
            ),
            dead_letters=(DeadLetterTopicView("dlq", self.letters_key, letters, 0, None),),
            groups={},
            watched_groups=(),
            window_ms=60_000,
            last_window=None,
            listening_since_ms=0,
            last_record_ms=None,
            completeness=1.0,
            blind=(),
            verdicts=(),
            resolution_ms=100,
            keeping=Keeping(group="streamgauge.orders"),
        )
        return replace(base, **fields)

    def verdict(self, check="lag__billing", level=Level.PASS, **fields):
        """What a check of the stream says."""
        base = Verdict(
            check=check,
            asset_key=self.asset_key,
            level=level,
            reason="the lag of billing is 12 records, at most 10,000 are asked for",
            value=12,
            unit="records",
            limit=10_000.0,
            since_ms=self.start_ms,
        )
        return replace(base, **fields)

    def group(self, lag, *, status=GroupStatus.OK, time_lag_seconds=None, bound=LagBound.EXACT):
        """A group on one partition."""
        part = GroupPartitionView(0, lag, lag, bound, time_lag_seconds, LagBound.EXACT)
        return GroupView(
            status, lag, bound, time_lag_seconds, LagBound.EXACT, self.start_ms, {0: part}
        )

    def group_totals(self, ages_ms):
        """Of a group that has passed records of these ages."""
        return GroupTotals(len(ages_ms), self.histogram(ages_ms))


@dataclass(frozen=True)
class Fault:
    """What the fake does with one request instead of its duty."""

    status: int = 500
    body: bytes = b"Internal Server Error"
    headers: dict = field(default_factory=lambda: {"Content-Type": "text/plain"})
    stored: bool = False
    """Whether a report is stored nevertheless."""
    wait_seconds: float = 0.0
    reset: bool = False
    """Break the connection instead of answering."""


class FakeDagster:
    """The part of a webserver that the sink meets; the contract tests hold it to the real one."""

    def __init__(self):
        self.observations = {}
        self.materializations = {}
        self.evaluations = {}
        self.takes_descriptions = True
        """Whether it has the mutation that takes an evaluation with its description."""
        self.stored = []
        """(kind, asset key) of each report, in the order of storing."""
        self.definitions = {}
        """Names of checks by asset key."""
        self.requests = []
        """(path, headers, connection) of each request, in the order of arrival."""
        self.faults = deque()
        """For the next requests that report, one each."""
        self.fault = None
        """For every request that reports, while set."""
        self.question_fault = None
        """For every question to GraphQL, while set."""
        self.prefix = ""
        self._server = None
        self._connections = set()
        self.port = 0
        self.start()

    @property
    def base_url(self):
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}{self.prefix}"

    def start(self):
        """Listen, on the same port as before."""
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def setup(self):
                super().setup()
                fake._connections.add(self.connection)

            def finish(self):
                fake._connections.discard(self.connection)
                super().finish()

            def do_GET(self):
                self.answer(200, b"<html>the user interface</html>", {"Content-Type": "text/html"})

            def do_POST(self):
                content = self.rfile.read(int(self.headers["Content-Length"]))
                fake.requests.append((self.path, dict(self.headers), self.client_address))
                fake.post(self, content)

            def answer(self, status, body, headers):
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            block_on_close = False

            def handle_error(self, request, address):
                pass  # a connection that the other end broke

        self._server = Server(("127.0.0.1", self.port), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def kill(self):
        """Stop listening and break every connection; the data is kept."""
        if self._server is None:
            return
        self._server.shutdown()
        self._server.server_close()
        self._server = None
        for connection in list(self._connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def post(self, handler, content):
        """Answer as the webserver does."""
        path = handler.path.removeprefix(self.prefix)
        if not handler.path.startswith(self.prefix):
            handler.answer(404, b"Not Found", {"Content-Type": "text/plain"})
        elif path in ROUTES or (path == "/graphql" and b"reportAssetCheck" in content):
            fault = self.faults.popleft() if self.faults else self.fault
            if fault is None or fault.stored:
                store = self.mutate if path == "/graphql" else self.store
                status, answer = store(path, handler.headers["Content-Type"], content)
            if not self.misbehave(handler, fault):
                handler.answer(status, json.dumps(answer).encode(), {"Content-Type": JSON})
        elif path == "/graphql":
            self.misbehave(handler, self.question_fault) or self.question(handler, content)
        else:
            handler.answer(405, b"Method Not Allowed", {"Content-Type": "text/plain"})

    def misbehave(self, handler, fault):
        """Whether the fault was there and took over."""
        if fault is None:
            return False
        time.sleep(fault.wait_seconds)
        if fault.reset:
            handler.close_connection = True
            linger = b"\1\0\0\0\0\0\0\0"
            handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            handler.connection.close()
        else:
            handler.answer(fault.status, fault.body, fault.headers)
        return True

    def store(self, path, kind, content):
        """Record a report."""
        if kind != "application/json":
            return 400, {"error": f"Unhandled content type {kind}, expect no body or …"}
        body = json.loads(content)
        key = tuple(body["asset_key"])
        kind = ROUTES[path]
        if kind == "check":
            if body.get("severity") not in {"WARN", "ERROR"}:
                return 400, {"error": "not a valid AssetCheckSeverity"}
            self.evaluate(body, None)
            return 200, {}
        events = self.observations if kind == "observation" else self.materializations
        self.stored.append((kind, key))
        events.setdefault(key, []).append(
            {
                "timestamp": str(int(time.time() * 1000)),
                "runId": "",
                "partition": None,
                "description": body["description"],
                "tags": [{"key": "dagster/data_version", "value": body["data_version"]}],
                "metadataEntries": entries(body["metadata"]),
                "metadata": body["metadata"],
            }
        )
        return 200, {}

    def mutate(self, _path, _kind, content):
        """Record an evaluation with its description, or refuse as GraphQL does."""
        if not self.takes_descriptions:
            return 200, {"data": None, "errors": [{"message": "Cannot query field"}]}
        params = json.loads(content)["variables"]["evaluation"]
        self.evaluate(
            {
                "asset_key": params["assetKey"]["path"],
                "check_name": params["checkName"],
                "metadata": json.loads(params["serializedMetadata"]),
                **{name: params[name] for name in ("passed", "severity")},
            },
            params["description"],
        )
        stored = {"__typename": "ReportAssetCheckEvaluationsSuccess"}
        return 200, {"data": {"reportAssetCheckEvaluations": stored}}

    def evaluate(self, body, description):
        """Record an evaluation of a check."""
        key, now = tuple(body["asset_key"]), time.time()
        evaluation = {
            "success": body["passed"],
            "severity": body["severity"],
            "timestamp": now,
            "description": description,
            "metadataEntries": entries(body["metadata"]),
        }
        self.stored.append(("check", key))
        self.evaluations.setdefault((key, body["check_name"]), []).append(
            {"timestamp": now, "runId": "", "status": "", "evaluation": evaluation}
        )

    def question(self, handler, content):
        """Answer the GraphQL queries of the gauge and of those who read back."""
        asked = json.loads(content)
        query, variables = asked["query"], asked["variables"]
        if "__type(" in query:
            fields = [{"name": name} for name in PARAMS]
            data = {"__type": {"inputFields": fields} if self.takes_descriptions else None}
        elif "assetNodes" in query:
            keys = variables["keys"]
            found = self.definitions if keys is None else [tuple(each["path"]) for each in keys]
            data = {
                "assetNodes": [
                    {
                        "assetKey": {"path": list(key)},
                        "assetChecksOrError": {
                            "checks": [{"name": name} for name in self.definitions[key]]
                        },
                    }
                    for key in found
                    if key in self.definitions
                ]
            }
        elif "assetCheckExecutions" in query:
            key = (tuple(variables["key"]["path"]), variables["check"])
            data = {"assetCheckExecutions": newest(self.evaluations, key, variables["limit"])}
        else:
            key, limit = tuple(variables["key"]["path"]), variables["limit"]
            asset = {
                "__typename": "Asset",
                "assetObservations": newest(self.observations, key, limit),
                "assetMaterializations": newest(self.materializations, key, limit),
            }
            data = {"assetOrError": asset}
        handler.answer(200, json.dumps({"data": data}).encode(), {"Content-Type": JSON})


JSON = "application/json"
ROUTES = {
    "/report_asset_observation/": "observation",
    "/report_asset_materialization/": "materialization",
    "/report_asset_check/": "check",
}
PARAMS = (
    *("assetKey", "checkName", "passed", "severity"),
    *("description", "serializedMetadata", "partitionKeys"),
)
"""Fields of the mutation's argument."""


def newest(stored, key, limit):
    """The last ones, the newest first."""
    return list(reversed(stored.get(key, [])))[:limit]


def entries(metadata):
    """Metadata as GraphQL tells it."""
    kinds = {
        bool: ("BoolMetadataEntry", "boolValue"),
        int: ("IntMetadataEntry", "intRepr"),
        float: ("FloatMetadataEntry", "floatValue"),
        str: ("TextMetadataEntry", "text"),
    }
    found = []
    for label, value in metadata.items():
        name, key = kinds.get(type(value), ("JsonMetadataEntry", "jsonString"))
        text = {"intRepr": str, "jsonString": json.dumps}.get(key, lambda value: value)(value)
        found.append({"__typename": name, "label": label, key: text})
    return found


@pytest.fixture(scope="session")
def dagster_md():
    """The page about Dagster."""
    return (DOCS / "dagster.md").read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def page_definitions(dagster_md):
    """The definitions of that page, made from the example."""
    code = re.search(r"```python\n(.*?)```", dagster_md, re.DOTALL)[1]
    return code.replace("streamgauge.yaml", str(DOCS / "streamgauge.example.yaml"))


@pytest.fixture
def maker():
    """Maker of snapshots and verdicts."""
    return Maker()


@pytest.fixture
def fault():
    """Maker of faults."""
    return Fault


@pytest.fixture
def fake():
    """A fake Dagster of this test alone."""
    server = FakeDagster()
    yield server
    server.kill()


@pytest.fixture(scope="session")
def real_server(run_folder, demand_or_skip):
    """Give the webserver of a kind, without definitions, one of each for the whole run."""
    with contextlib.ExitStack() as shared:

        @functools.cache
        def real_server(kind):
            demand_or_skip(kind)
            return shared.enter_context(share_dagster_server(run_folder, kind))

        yield real_server


@pytest.fixture(scope="session")
def demand_or_skip(skip_unless_required):
    """Skip, and tell why, where such a server cannot run; fail where it is said that it must."""

    def demand_or_skip(kind):
        what = f"the {kind} Dagster"
        try:
            demand_kind(kind)
        except OldestDagsterUnavailableError as error:
            skip_unless_required("STREAMGAUGE_OLDEST_DAGSTER", what, error)
        except PostgresUnavailableError as error:
            skip_unless_required("STREAMGAUGE_POSTGRES", what, error)

    return demand_or_skip


@pytest.fixture(params=DagsterKind)
def kind(request, demand_or_skip):
    """Each kind of real webserver."""
    demand_or_skip(request.param)
    return request.param


@pytest.fixture
async def launch(kind):
    """Starter of webservers of the kind, which takes what `dagster_of_kind` takes besides."""
    with contextlib.ExitStack() as running:

        async def launch(definitions=None, **more):
            opened = dagster_of_kind(kind, definitions, **more)
            return await asyncio.to_thread(running.enter_context, opened)

        yield launch


@pytest.fixture(params=["fake", *DagsterKind])
def server(request, real_server):
    """What answers as Dagster does, as something to read back from: the fake, and the real ones."""
    if request.param != "fake":
        yield real_server(request.param)
        return
    fake = request.getfixturevalue("fake")
    with ReadBack(fake.base_url) as opened:
        yield opened


@pytest.fixture
async def connect():
    """Open clients: `connect(base_url, **address)`."""
    async with contextlib.AsyncExitStack() as opened:

        async def connect(base_url, **more):
            client = DagsterClient(DagsterAddress(base_url, **{"timeout_seconds": 5.0} | more))
            return await opened.enter_async_context(client)

        yield connect


@pytest.fixture
async def run():
    """Start sinks: `run(base_url, report_every_ms)`; what runs at the end is cancelled."""
    started = []

    def run(base_url, report_every_ms=HOUR_MS, timeout_seconds=5.0, materialized=frozenset()):
        client = DagsterClient(DagsterAddress(base_url, timeout_seconds=timeout_seconds))
        sink = DagsterSink(
            client,
            report_every_ms=report_every_ms,
            clock=lambda: NOW_MS,
            materialized=materialized,
        )
        started.append((client, asyncio.create_task(sink.run())))
        return sink

    yield run
    for client, task in started:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        await client.close()
