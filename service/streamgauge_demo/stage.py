"""Everything that the demo runs, started in order and gone without a trace afterwards."""

from __future__ import annotations

import contextlib
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

import httpx
import yaml
from confluent_kafka import KafkaException

from streamgauge_demo import scenario, truth
from streamgauge_demo.evidence import topics_of
from streamgauge_demo.parts.broker import launch_broker
from streamgauge_demo.parts.broker_contract import admin_client
from streamgauge_demo.parts.broker_mock import LIMITS
from streamgauge_demo.parts.dagster_server import DagsterServer
from streamgauge_demo.parts.interrupts import deferred
from streamgauge_demo.parts.otlp_receiver import OtlpReceiver
from streamgauge_demo.program import Program
from streamgauge_demo.programs.topics import APPEND_TIME, PARTITIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

    from streamgauge_demo.parts.broker_contract import Broker
    from streamgauge_demo.scenario import Names
    from streamgauge_demo.truth import Truth

DEFINITIONS: Final = Path(__file__).parent / "dagster_definitions.py"
BROKERS: Final = {
    "given": "the broker that KAFKA_BOOTSTRAP names",
    "container": "Apache Kafka in a container",
    "java": "Apache Kafka in a Java process",
    "mock": "librdkafka's mock broker",
}
_READY_SECONDS: Final = 90.0
_POLL_SECONDS: Final = 0.1
_HTTP_SECONDS: Final = 5.0
_DELETE_SECONDS: Final = 15.0
_LEAVE_SECONDS: Final = 5.0
_WORKER_GRACE_SECONDS: Final = 20.0


class Stage:
    """The parts of the demo; leave its context and all of them have ended.

    Args:
        folder: for logs and settings, removed by whoever made it.
        endpoint: where programs and gauge send their telemetry; None for a receiver of our own.
    """

    broker: Broker
    names: Names
    dagster: DagsterServer
    gauge: Program
    otlp: OtlpReceiver | None = None
    topics_before: set[str]
    """Topics of the broker when the gauge had not begun yet, ours among them."""

    def __init__(self, folder: Path, endpoint: str | None) -> None:
        self.folder: Final = folder
        self._logs = folder
        self._config: Final = folder / "streamgauge.yaml"
        self._endpoint = endpoint
        self._parts = ExitStack()
        self._http = self._parts.enter_context(httpx.Client(timeout=_HTTP_SECONDS))
        self._workers: list[Program] = []
        self._producer: Program | None = None

    def start(self, say: Callable[[str], None]) -> None:
        """Start broker, Dagster, gauge and services, each when the one before it is ready.

        Args:
            say: is told what is being started, and what came of it.

        Raises:
            BrokerUnavailableError: the broker that was asked for cannot run here.
            RuntimeError: a part did not start; has the end of its log.
        """
        if self._endpoint is None:
            with deferred():  # its threads would keep the process alive
                self.otlp = self._parts.enter_context(OtlpReceiver())
            self._endpoint = self.otlp.grpc_endpoint
        say("Starting Kafka")
        self.broker = self._parts.enter_context(launch_broker())
        say(f"Kafka is {BROKERS[self.broker.kind]}, at {self.broker.bootstrap_servers}")
        for reason in self.broker.limits:
            if reason not in LIMITS:
                say(reason)
        self.names = scenario.names_for(self.broker.kind)
        self._create_topics()
        self.topics_before = topics_of(self.broker)
        say("Starting Dagster")
        variables = {"STREAMGAUGE_CONFIG": str(self._config)}
        with deferred():
            dagster = DagsterServer(DEFINITIONS, "", (), variables)
            self.dagster = self._parts.enter_context(dagster)
        settings = scenario.gauge_configuration(
            self.broker.bootstrap_servers, self.dagster.base_url, self.names
        )
        self._config.write_text(yaml.safe_dump(settings, sort_keys=False))
        self.dagster.start()
        say("Starting the gauge")
        self._start_gauge()
        say("Starting the services fulfillment and billing")
        self._start_services()

    def start_story(self) -> None:
        """Start the producer, which tells the story and then ends."""
        self._producer = self._start_producer()

    def begin_anew(self) -> None:
        """Start gauge, services and a producer that tells the story for ever.

        Their logs are other ones, so that those of the story stay as they are.
        """
        self._logs = self.folder / "again"
        self._logs.mkdir()
        self._start_gauge()
        self._start_services()
        self._producer = self._start_producer("--forever")

    def addresses(self) -> dict[str, str]:
        """What a person may open in a browser."""
        base = self.dagster.base_url
        stream, letters = ("/".join(scenario.asset_key(topic)) for topic in self.names.topics)
        return {
            "the stream in Dagster": f"{base}/assets/{stream}",
            "its dead letters and their check": f"{base}/assets/{letters}?view=checks",
            "its lineage": f"{base}/assets/{stream}?view=lineage",
            "what the gauge says now": self.status_url,
        }

    def must_run(self) -> None:
        """Do nothing as long as everything runs that should; the producer ends with its story.

        Raises:
            ProgramEndedError: a program has ended.
        """
        for program in (self.gauge, *self._workers):
            program.must_run()
        producer = self._producer
        if producer is not None and not producer.running and not self.truth().ended:
            producer.must_run()

    def truth(self) -> Truth:
        """What the programs have logged so far."""
        return truth.read(self._logs, self.names.groups)

    def log_of(self, program: str) -> list[dict[str, Any]]:
        """The log of the producer or of a service so far."""
        return list(truth.lines(truth.log_path(self._logs, program)))

    @property
    def status_url(self) -> str:
        """Where the gauge tells its status."""
        lines = [line for line in self.gauge.log_lines() if line["event"] == "web_listening"]
        return f"http://{lines[-1]['address']}/status" if lines else ""

    def forget_telemetry(self) -> None:
        """Drop what our own receiver has received so far."""
        if self.otlp is not None:
            self.otlp.forget()

    def status(self) -> dict[str, Any]:
        """What the gauge says of the stream now; empty before it says anything."""
        try:
            answer = self._http.get(self.status_url)
        except httpx.HTTPError:
            return {}
        stream: dict[str, Any] = answer.json()["streams"].get(scenario.STREAM, {})
        return stream

    def stop_services(self) -> None:
        """End the services in order; they commit what they have done."""
        for worker in self._workers:
            worker.stop(_WORKER_GRACE_SECONDS)
        self._workers.clear()

    def stop_gauge(self) -> tuple[int, float]:
        """End the gauge in order; give its exit code and how many seconds it took."""
        began = time.monotonic()
        code = self.gauge.stop(2 * scenario.GRACE_SECONDS)
        return code, time.monotonic() - began

    def close(self) -> None:
        """End everything; a second call does nothing."""
        with deferred():
            self._parts.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _start_gauge(self) -> None:
        config = ["--config", str(self._config)]
        self.gauge = self._program("gauge", ["-m", "streamgauge", "run", *config])
        self._wait("the gauge to see its topics", self.gauge, self._gauge_is_ready)

    def _start_services(self) -> None:
        for service, group in self.names.groups.items():
            options = {"--dead-letters": self.names.dead_letters, "--group": group}
            worker = self._story_program(service, "worker", {"--service": service, **options})
            self._workers.append(worker)
        for worker in self._workers:
            self._wait(f"{worker.name} to join its group", worker, self._is_ready(worker.name))

    def _start_producer(self, *flags: str) -> Program:
        stamped = ("--append-time",) if self._topic_settings else ()
        return self._story_program("producer", "producer", {}, *stamped, *flags)

    @property
    def _topic_settings(self) -> Mapping[str, str]:
        """Append time, where the broker has settings of topics at all."""
        return {} if self.broker.kind == "mock" else APPEND_TIME

    def _create_topics(self) -> None:
        for topic, partitions in zip(self.names.topics, (PARTITIONS, 1), strict=True):
            self.broker.create_topic(topic, partitions, self._topic_settings)
        if self.broker.kind == "given":
            self._parts.callback(self._delete_topics)

    def _delete_topics(self) -> None:
        """Leave nothing on a broker that goes on without us."""
        admin = admin_client(self.broker.bootstrap_servers)
        groups = [*self.names.groups.values(), self.names.state]
        for deleted in (
            *admin.delete_consumer_groups(groups).values(),
            *admin.delete_topics(list(self.names.topics)).values(),
        ):
            with contextlib.suppress(KafkaException):  # a group that never committed is not there
                deleted.result(_DELETE_SECONDS)

    def _story_program(
        self, name: str, module: str, options: Mapping[str, str], *flags: str
    ) -> Program:
        always = {
            "--bootstrap-servers": self.broker.bootstrap_servers,
            "--topic": self.names.topic,
            "--log": str(truth.log_path(self._logs, name)),
        }
        words = [word for option in (always | dict(options)).items() for word in option]
        return self._program(name, ["-m", f"streamgauge_demo.programs.{module}", *words, *flags])

    def _program(self, name: str, arguments: list[str]) -> Program:
        variables = scenario.telemetry_variables(self._endpoint or "")
        with deferred():
            program = Program(name, self.folder, arguments, variables)
            if self.broker.kind == "given":  # a group can be deleted when its members have left
                self._parts.callback(program.stop, _LEAVE_SECONDS)
            else:
                self._parts.callback(program.kill)
        return program

    def _is_ready(self, name: str) -> Callable[[], bool]:
        return lambda: any(line["event"] == "ready" for line in self.log_of(name))

    def _gauge_is_ready(self) -> bool:
        return self.status().get("completeness") == 1

    def _wait(self, what: str, program: Program, ready: Callable[[], bool]) -> None:
        deadline = time.monotonic() + _READY_SECONDS
        while not ready():
            program.must_run()
            if time.monotonic() > deadline:
                output = program.output()
                raise RuntimeError(f"waited {_READY_SECONDS:.0f} s for {what}; it says:\n{output}")
            time.sleep(_POLL_SECONDS)
