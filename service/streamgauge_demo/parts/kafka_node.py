"""The files one Apache Kafka node runs from: jars, formatted storage and class archive, made once.

They stay in a cache folder named after a hash of the pom, so that another Kafka version never meets
the files of this one.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from streamgauge_demo.parts.broker_contract import BrokerUnavailableError
from streamgauge_demo.parts.cache import make_once
from streamgauge_demo.parts.finished import run
from streamgauge_demo.parts.kafka_properties import NODE_ID

POM: Final = Path(__file__).parent / "kafka" / "pom.xml"

_OLDEST_JAVA: Final = 17
"""Kafka 4 brokers need Java 17 (Apache Kafka 4.0 upgrade notes)."""
_RESOLVE_TIMEOUT_SECONDS: Final = 300.0
_FORMAT_TIMEOUT_SECONDS: Final = 60.0
_CLUSTER_ID: Final = "c3RyZWFtZ2F1Z2UtZGVtbw"
"""16 bytes as URL-safe base64 without padding, as Kafka's Uuid prints them."""


@dataclass(frozen=True, slots=True)
class Java:
    """A Java runtime: its executable, and a key that changes with its build."""

    executable: str
    key: str


@dataclass(frozen=True, slots=True)
class KafkaNode:
    """What a broker process needs.

    Attributes:
        java: the runtime that the files were made for.
        class_path: all jars, joined; the class archive is valid for this very text.
        storage: a freshly formatted log folder, to be copied.
        class_archive: where the archive of loaded classes is or will be; it halves the start.
    """

    java: Java
    class_path: str
    storage: Path
    class_archive: Path


def find_java() -> Java:
    """Find Java 17 or later: `JAVA_HOME` first, then the `PATH`.

    Raises:
        BrokerUnavailableError: there is none, or it is too old.
    """
    home = os.environ.get("JAVA_HOME")
    executable = shutil.which("java", path=f"{home}/bin" if home else None) or shutil.which("java")
    if executable is None:
        raise BrokerUnavailableError(
            "no java in JAVA_HOME or on the PATH; install Java 17 or later"
        )
    version = _run([executable, "-version"], 30.0, f"{executable} does not run")
    found = re.search(r'version "(\d+)', version)
    if found is None or int(found[1]) < _OLDEST_JAVA:
        first_line = version.partition("\n")[0]
        raise BrokerUnavailableError(f"{executable} is {first_line}; install Java 17 or later")
    return Java(executable, hashlib.sha256((executable + version).encode()).hexdigest()[:12])


def prepare_kafka_node() -> KafkaNode:
    """Give the cached files; the first call on a machine resolves the jars through Maven.

    Parallel calls, also of other processes, wait for the first one.

    Raises:
        BrokerUnavailableError: no Java, or no jars in the cache and Maven absent or failing.
    """
    java = find_java()
    key = hashlib.sha256(POM.read_bytes()).hexdigest()[:12]
    folder = make_once(f"kafka-{key}", lambda making: _make(making / "files", java))
    class_path = ":".join(str(jar) for jar in sorted((folder / "jars").glob("*.jar")))
    return KafkaNode(java, class_path, folder / "storage", folder / f"classes-{java.key}.jsa")


def _make(files: Path, java: Java) -> Path:
    _resolve_jars(files / "jars")
    _format_storage(files, java)
    return files


def _resolve_jars(target: Path) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise BrokerUnavailableError("no mvn on the PATH to fetch Kafka's jars; install Maven")
    goal = "org.apache.maven.plugins:maven-dependency-plugin:copy-dependencies"
    _run(
        [
            maven,
            "-B",
            "-q",
            "-f",
            str(POM),
            goal,
            "-DincludeScope=runtime",
            f"-DoutputDirectory={target}",
        ],
        _RESOLVE_TIMEOUT_SECONDS,
        "Maven could not fetch Kafka's jars",
    )


def _format_storage(files: Path, java: Java) -> None:
    """Write what Kafka's StorageTool writes for a new node; nothing in it names a port."""
    properties = files / "format.properties"
    properties.write_text(
        "process.roles=broker,controller\n"
        f"node.id={NODE_ID}\n"
        f"controller.quorum.voters={NODE_ID}@127.0.0.1:1\n"
        "controller.listener.names=CONTROLLER\n"
        "listeners=PLAINTEXT://127.0.0.1:0,CONTROLLER://127.0.0.1:1\n"
        f"log.dirs={files / 'storage'}\n"
    )
    tool = [java.executable, "-XX:TieredStopAtLevel=1", "-cp", f"{files / 'jars'}/*"]
    _run(
        [*tool, "kafka.tools.StorageTool", "format", "-t", _CLUSTER_ID, "-c", str(properties)],
        _FORMAT_TIMEOUT_SECONDS,
        "Kafka's storage could not be formatted",
    )
    properties.unlink()


def _run(command: list[str], timeout_seconds: float, failure: str) -> str:
    return run(command, timeout_seconds, failure, BrokerUnavailableError)
