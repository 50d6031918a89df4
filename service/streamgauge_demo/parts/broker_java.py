"""A real Apache Kafka node as a Java process of this machine, which may be killed and come back."""

from __future__ import annotations

import contextlib
import shutil
import socket
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from streamgauge_demo.parts.broker_contract import Broker, BrokerUnavailableError, answers
from streamgauge_demo.parts.child import Child
from streamgauge_demo.parts.kafka_node import KafkaNode, prepare_kafka_node
from streamgauge_demo.parts.kafka_properties import CONTROLLER, PLAINTEXT, one_node_properties
from streamgauge_demo.parts.ports import free_ports

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

START_TIMEOUT_SECONDS: Final = 60.0
_STOP_GRACE_SECONDS: Final = 30.0
_POLL_SECONDS: Final = 0.05
_START_ATTEMPTS: Final = 3
"""A port that was free may be taken by another program before Kafka binds it."""

_JVM_OPTIONS: Final = (
    "-Xmx512m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",  # compile fast rather than well: the node lives for minutes
    "-XX:-UsePerfData",  # which would leave a file in the system's temporary folder
    "-Xlog:disable",  # a class archive that does not fit is not used; that is no news
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
)


@dataclass(frozen=True, slots=True)
class Listener:
    """One place where the node listens: its name, security protocol and own properties."""

    name: str
    security_protocol: str
    properties: Mapping[str, str] = field(default_factory=dict)


class JavaBroker(Broker):
    """A Kafka node with data in a temporary folder; `start()` it, `stop()` removes all of it.

    Attributes:
        addresses: `host:port` by listener name; they stay the same over `restart()`.
    """

    def __init__(
        self, node: KafkaNode, listeners: Sequence[Listener], properties: Mapping[str, str]
    ) -> None:
        controller_port, *ports = free_ports(1 + len(listeners))
        self.addresses: Final = {
            listener.name: f"127.0.0.1:{port}"
            for listener, port in zip(listeners, ports, strict=True)
        }
        super().__init__("java", self.addresses[PLAINTEXT])
        self._node: Final = node
        self._child: Child | None = None
        self._folder: Final = Path(tempfile.mkdtemp(prefix="streamgauge-kafka-"))
        shutil.copytree(node.storage, self._folder / "data")
        advertised = ",".join(f"{name}://{address}" for name, address in self.addresses.items())
        protocols = [f"{listener.name}:{listener.security_protocol}" for listener in listeners]
        all_properties = one_node_properties(controller_port) | {
            "log.dirs": str(self._folder / "data"),
            "listeners": f"{advertised},{CONTROLLER}://127.0.0.1:{controller_port}",
            "advertised.listeners": advertised,
            "listener.security.protocol.map": ",".join([f"{CONTROLLER}:PLAINTEXT", *protocols]),
        }
        for listener in listeners:
            prefix = f"listener.name.{listener.name.lower()}."
            all_properties |= {prefix + name: text for name, text in listener.properties.items()}
        _write_properties(self._folder / "server.properties", all_properties | dict(properties))

    def start(self, timeout_seconds: float = START_TIMEOUT_SECONDS) -> None:
        """Start the process and return when it answers.

        Raises:
            BrokerUnavailableError: it ended or did not answer in time; has the end of its log.
        """
        archive = self._node.class_archive
        self._child = Child(
            [
                self._node.java.executable,
                *_JVM_OPTIONS,
                f"-XX:SharedArchiveFile={archive}"
                if archive.exists()
                else f"-XX:ArchiveClassesAtExit={self._recorded_classes}",
                f"-Djava.io.tmpdir={self._folder}",
                "-cp",
                self._node.class_path,
                "kafka.Kafka",
                "server.properties",
            ],
            self._folder,
        )
        deadline = time.monotonic() + timeout_seconds
        while not (self._listens() and answers(self.bootstrap_servers, timeout_seconds=5.0)):
            if not self._child.running or time.monotonic() > deadline:
                log = self._child.log_tail()
                self.kill()
                raise BrokerUnavailableError(f"Kafka did not start; its log ends with:\n{log}")
            time.sleep(_POLL_SECONDS)

    def kill(self) -> None:
        """End the process at once (SIGKILL); data and addresses are kept for `restart()`."""
        if self._child is not None:
            self._child.kill()
            self._child = None

    def shut_down(self) -> None:
        """End the process in order; data and addresses are kept for `restart()`."""
        if self._child is not None:
            self._child.terminate(_STOP_GRACE_SECONDS)
            self._child = None
            with contextlib.suppress(FileNotFoundError):  # only a run without archive writes one
                self._recorded_classes.rename(self._node.class_archive)

    def restart(self, timeout_seconds: float = START_TIMEOUT_SECONDS) -> None:
        """Start again with the same data and addresses, after a shutdown if it still runs.

        Raises:
            BrokerUnavailableError: as for `start()`.
        """
        self.shut_down()
        self.start(timeout_seconds)

    def stop(self) -> None:
        """End the process and remove its data; the first stop on a machine takes seconds longer.

        Without a class archive the process ends in order, to write the one for all later starts;
        otherwise its data need no care and it is killed.
        """
        if not self._node.class_archive.exists():
            self.shut_down()
        self.kill()
        self._recorded_classes.unlink(missing_ok=True)
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def _recorded_classes(self) -> Path:
        """Where this node records its classes: beside the archive, which a rename then makes."""
        return self._node.class_archive.with_suffix(f".{self._folder.name}")

    def _listens(self) -> bool:
        """Tell whether the port is open, at no cost."""
        host, _, port = self.bootstrap_servers.partition(":")
        with socket.socket() as probe:
            return probe.connect_ex((host, int(port))) == 0


def launch_java_broker(
    listeners: Sequence[Listener] = (Listener(PLAINTEXT, "PLAINTEXT"),),
    properties: Mapping[str, str] | None = None,
) -> JavaBroker:
    """Start a one-node Kafka on free ports of 127.0.0.1.

    Args:
        listeners: where it listens; one of them is named `PLAINTEXT`.
        properties: broker properties that go before those of `one_node_properties`.

    Raises:
        BrokerUnavailableError: no Java, no jars, or the node did not start.
    """
    node = prepare_kafka_node()
    for attempt in range(1, _START_ATTEMPTS + 1):
        broker = JavaBroker(node, listeners, properties or {})
        try:
            broker.start()
        except BaseException as error:
            broker.stop()
            if "Address already in use" not in str(error) or attempt == _START_ATTEMPTS:
                raise
        else:
            return broker
    raise AssertionError("the last attempt returns or raises")


def _write_properties(path: Path, properties: Mapping[str, str]) -> None:
    """Write them as `java.util.Properties` reads them, where a backslash escapes."""
    with path.open("w", encoding="ascii") as file:
        for name, value in properties.items():
            escaped = value.replace("\\", "\\\\").replace("\n", "\\n")
            file.write(f"{name}={escaped}\n")
