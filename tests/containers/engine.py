"""A container engine with the Docker API: the one that answers here, or a private one."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from . import debian
from .daemon import Daemon

if TYPE_CHECKING:
    from collections.abc import Iterator

ANSWER_SECONDS = 20
COMMAND_SECONDS = 900


class EngineError(RuntimeError):
    """There is no engine, or it refused; the message says which and why."""


@dataclass(frozen=True, slots=True)
class Engine:
    """A client of an engine.

    Attributes:
        host: where it answers, as `DOCKER_HOST` has it.
        private: nobody else uses it, so images in it may bear any name.
    """

    host: str
    private: bool

    @property
    def environment(self) -> dict[str, str]:
        """The environment in which clients, testcontainers among them, find this engine."""
        return os.environ | {"DOCKER_HOST": self.host}

    def docker(self, *arguments: object, seconds: float = COMMAND_SECONDS) -> str:
        """Run a command of the client and give what it writes to standard output.

        Raises:
            EngineError: it failed; has the end of its standard error.
        """
        return run(["docker", *map(str, arguments)], self.environment, seconds).stdout

    def try_docker(self, *arguments: object, seconds: float = COMMAND_SECONDS) -> bool:
        """Run a command of the client and tell whether it succeeded."""
        try:
            self.docker(*arguments, seconds=seconds)
        except EngineError:
            return False
        return True

    def inspect(self, container: str) -> dict:
        """What the engine knows of a container."""
        return json.loads(self.docker("inspect", container))[0]

    def log(self, container: str, lines: int = 30) -> str:
        """The end of what a container has written."""
        done = run(["docker", "logs", "--tail", str(lines), container], self.environment, 60)
        return done.stdout + done.stderr

    def build(self, tag: str, dockerfile: Path, context: Path) -> str:
        """Build an image and give its tag."""
        # a private engine routes nothing to the outside, from where packages are fetched
        network = ("--network", "host") if self.private else ()
        self.docker("build", *network, "--tag", tag, "--file", dockerfile, context)
        return tag

    def wait_healthy(self, container: str, seconds: float) -> None:
        """Return when the container's health check passes.

        Raises:
            EngineError: it does not in time, or the container ended; has the end of its log.
        """
        deadline = time.monotonic() + seconds
        while (state := self.inspect(container)["State"])["Health"]["Status"] != "healthy":
            if not state["Running"] or time.monotonic() > deadline:
                raise EngineError(f"{container} is not healthy: {state}\n{self.log(container)}")
            time.sleep(0.5)


@contextmanager
def find_engine() -> Iterator[Engine]:
    """Give an engine; a private one is gone afterwards, with all that was in it.

    Raises:
        EngineError: none answers, and none can be started here.
    """
    refused = "no docker on the PATH"
    if shutil.which("docker"):
        try:
            run(["docker", "version"], os.environ, ANSWER_SECONDS)
        except EngineError as error:
            refused = str(error)
        else:
            yield Engine(_given_host(), private=False)
            return
    with tempfile.TemporaryDirectory(prefix="streamgauge-engine-") as folder:
        try:
            debian.install(dockerd="docker.io", docker="docker.io", ip="iproute2")
            daemon = Daemon(Path(folder))
        except RuntimeError as error:
            raise EngineError(f"no container engine: {refused}; no private one: {error}") from error
        try:
            yield Engine(daemon.host, private=True)
        finally:
            daemon.stop()


def run(
    command: list[str], environment: dict[str, str], seconds: float
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end.

    Raises:
        EngineError: it failed or took longer; has the end of its standard error.
    """
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=seconds,
            check=False,
            text=True,
            errors="replace",
            env=environment,
        )
    except subprocess.TimeoutExpired as error:
        raise EngineError(f"{' '.join(command)}: not done within {seconds} s") from error
    if done.returncode != 0:
        raise EngineError(f"{' '.join(command)}: {(done.stdout + done.stderr)[-2_000:].strip()}")
    return done


def _given_host() -> str:
    """Where the client finds the engine: by `DOCKER_HOST`, or by its context."""
    endpoint = "{{.Endpoints.docker.Host}}"
    asked = ["docker", "context", "inspect", "--format", endpoint]
    return os.environ.get("DOCKER_HOST") or run(asked, os.environ, ANSWER_SECONDS).stdout.strip()
